use banto_fake::PolicyText;
use banto_ports::{AccountState, OrgAccount};
use jiff::Timestamp;

use super::*;
use crate::event::{AccountEdits, FanOutRequest};
use crate::fan_out::plan::plan;

const BASELINE: &str = r#"[onboarding]
way = "direct"
management_account = "999988887777"
home_region = "eu-west-1"
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto"
table = "banto"
dashboard = { bucket = "dashboard" }
[onboarding.config]
bucket = "log-archive"
"#;

fn policy() -> OnboardingPolicy {
    let policy = PolicyText::least().and(BASELINE).parse();
    policy.onboarding.unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

/// An account that is to get a tag and to move.
fn snapshot() -> Snapshot {
    let listed = ListedAccount {
        account: OrgAccount {
            id: account(),
            name: "payments".into(),
            state: AccountState::Active,
            path: Vec::new(),
            joined_at: None,
            was_created: true,
        },
        tags: [("team".to_owned(), "search".to_owned())].into(),
        ou: Some("ou-ab12-cdef3456".parse().unwrap()),
    };
    Snapshot {
        request: FanOutRequest {
            scope: Scope::Accounts([account()].into()),
            cause: Cause::Asked,
            edits: AccountEdits {
                tags: [("team".to_owned(), "payments".to_owned())].into(),
                ou: Some("ou-ab12-sandbox1".parse().unwrap()),
            },
            dry_run: false,
        },
        accounts: vec![listed],
        not_found: Vec::new(),
        departed: Vec::new(),
    }
}

#[test]
fn edits_that_were_asked_for_pass_and_the_kill_switch_refuses_them() {
    let (snapshot, policy) = (snapshot(), policy());
    let plan = plan(&snapshot, now());
    assert_eq!(plan.edits.len(), 2);
    assert_eq!(check(&snapshot, &plan, &policy), []);
    let off = OnboardingPolicy {
        enabled: false,
        ..policy
    };
    assert_eq!(check(&snapshot, &plan, &off).len(), 2);
}

/// A change to a request or to what was seen, after which the plan is no longer what was asked for.
type Change = fn(&mut Snapshot);

#[test]
fn edits_that_nobody_asked_for_are_refused() {
    let policy = policy();
    let plan = plan(&snapshot(), now());
    let unasked: [(Change, &str); 6] = [
        (|it| it.request.cause = Cause::Schedule, "nobody asked"),
        (|it| it.request.scope = Scope::AllAccounts, "nobody asked"),
        (|it| it.request.edits.tags.clear(), "a tag would change"),
        (|it| it.request.edits.ou = None, "it would move where"),
        (|it| it.accounts[0].ou = None, "it would move from where"),
        (|it| it.accounts.clear(), "it would move from where"),
    ];
    for (change, says) in unasked {
        let mut snapshot = snapshot();
        change(&mut snapshot);
        let breaches = Breach::join(&check(&snapshot, &plan, &policy));
        assert!(breaches.contains(says), "{says}: {breaches}");
    }
}

#[test]
fn the_status_of_an_account_that_is_in_the_organization_is_never_deleted() {
    let mut snapshot = snapshot();
    snapshot.departed.push(account());
    let plan = plan(&snapshot, now());
    let breaches = Breach::join(&check(&snapshot, &plan, &policy()));
    assert!(breaches.contains("O5"), "{breaches}");
}
