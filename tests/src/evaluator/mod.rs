//! The functions' policies, as they are deployed, under a local AWS that enforces IAM: the real
//! binaries play scenarios with them, and with any one permission taken away something is refused,
//! is told, and ends otherwise.
//!
//! What the local AWS can't carry is listed in [`tables`], with the reason. Besides:
//! - a rotation is proven by a signed acknowledgement, as `GetAccessKeyLastUsed` shows no use there;
//! - what the aggregator of AWS Config answers is recorded, and never met by the policy;
//! - a record in another account than the function's is signed with a key of that account, as no
//!   call reaches across accounts there but that which assumes a role.

mod compliance;
mod policy;
mod rotation;
mod tables;
mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use Scenario::{Changes, Compared, Daily, Due, Elsewhere, Exposed, Relayed, Requests};
use policy::{Permission, Policy};
use tables::{ENDS_ALIKE, carried, uncarried};
use world::Ending;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scenario {
    Due,
    Requests,
    Exposed,
    Elsewhere,
    Changes,
    Relayed,
    Daily,
    Compared,
}

const ROTATION: [Scenario; 4] = [Due, Requests, Exposed, Elsewhere];
const COMPLIANCE: [Scenario; 4] = [Changes, Relayed, Daily, Compared];

impl Scenario {
    /// Plays it under a policy that `take` changes first.
    async fn play(self, take: impl Fn(Policy) -> Policy) -> Ending {
        match self {
            Due => rotation::due(take).await,
            Requests => rotation::requests(take).await,
            Exposed => rotation::exposed(take).await,
            Elsewhere => rotation::elsewhere(take).await,
            Changes => compliance::changes(take).await,
            Relayed => compliance::relayed(take).await,
            Daily => compliance::daily_by_recorded_answers_of_the_aggregator(take).await,
            Compared => compliance::compared_by_recorded_answers_of_the_aggregator(take).await,
        }
    }

    /// Plays it under the whole policy, and looks that it ends as it should and nothing is refused.
    async fn play_whole(self) -> Value {
        let ending = self.play(|policy| policy).await;
        let refused = ending.calls.iter().find(|call| call.denied.is_some());
        assert!(refused.is_none(), "{self:?}: {refused:?}\n{}", ending.said);
        let (place, wanted) = self.outcome();
        let found = ending.state.pointer(place);
        assert_eq!(
            found,
            Some(&wanted),
            "{self:?}: {:#}\n{}",
            ending.state,
            ending.said
        );
        ending.state
    }

    /// A part of the ending that shows that it went well.
    fn outcome(self) -> (&'static str, Value) {
        match self {
            // The new key alone is left.
            Due => ("/keys", json!([true])),
            Requests => ("/seen/3", json!(["leave", true, [false, false]])),
            Exposed => ("/keys", json!([false, true])),
            Elsewhere => ("/keys", json!([true, true])),
            Changes => ("/posted", json!(1)),
            Relayed => ("/told", json!(["An account is ready"])),
            Daily => (
                "/told/0",
                json!("[critical] 1 finding still open, the oldest for 2 days"),
            ),
            Compared => (
                "/told/1",
                json!("[critical] S3 bucket allows public read: missed in payments"),
            ),
        }
    }
}

/// Scenarios that are played at once: they wait for much of their time.
const AT_ONCE: usize = 6;

/// Plays a scenario without a permission; answers what the function said of the refusal, or what is
/// wrong.
async fn taken_away(
    scenario: Scenario,
    permission: Permission,
    whole: &Value,
) -> Result<String, String> {
    let ending = scenario.play(|policy| policy.without(permission)).await;
    let refused =
        |call: &&banto::local::proxy::Call| call.denied.as_deref() == Some(permission.action);
    let Some(refused) = ending.calls.iter().find(refused) else {
        return Err(format!(
            "nothing was refused; it ended with {}",
            ending.state
        ));
    };
    let said = words_with(&ending.said, permission.action, &refused.operation);
    let Some(said) = said else {
        let (operation, said) = (&refused.operation, &ending.said);
        return Err(format!("the refusal of {operation} was not told\n{said}"));
    };
    if ending.state == *whole && permission.action != ENDS_ALIKE {
        return Err(format!("it ended the same: {said}"));
    }
    Ok(said)
}

/// A refusal in the function's words, which name the call or, as AWS does, the action: from the
/// beginning of their string, as its logs and answers are JSON.
fn words_with(said: &str, action: &str, operation: &str) -> Option<String> {
    let words = [
        format!("{action}: denied"),
        format!("{operation}: denied"),
        format!("is not authorized to perform: {action} "),
    ];
    let (before, words) = words
        .iter()
        .find_map(|words| Some((said.split_once(words)?.0, words)))?;
    let begin = before.rsplit_once('"').map_or(before, |(_, begin)| begin);
    Some(format!("{begin}{words}"))
}

/// Takes each permission away, and prints what came of it.
async fn take_each_away(scenarios: &[Scenario]) {
    let mut whole = BTreeMap::new();
    for scenario in scenarios {
        whole.insert(*scenario, scenario.play_whole().await);
    }
    println!("action (statement) | scenario | what the function said");
    let mut problems = Vec::new();
    for some in carried(scenarios).chunks(AT_ONCE) {
        let mut taken = JoinSet::new();
        for (scenario, permission) in some.iter().copied() {
            let whole = whole[&scenario].clone();
            taken.spawn(async move {
                let said = taken_away(scenario, permission, &whole).await;
                (scenario, permission, said)
            });
        }
        for (scenario, permission, said) in taken.join_all().await {
            if let Err(problem) = &said {
                problems.push(format!("{scenario:?} without {permission}: {problem}"));
            }
            let said = said.unwrap_or_else(|problem| problem);
            let said = said.lines().next().unwrap_or_default();
            println!("{permission} | {scenario:?} | {said}");
        }
    }
    let unused = uncarried(scenarios);
    for scenario in scenarios {
        let without = |policy: Policy| {
            let taken =
                |policy: Policy, (permission, _): &(Permission, _)| policy.without(*permission);
            unused.iter().fold(policy, taken)
        };
        let ending = scenario.play(without).await;
        if ending.state != whole[scenario] {
            problems.push(format!(
                "{scenario:?} uses what no scenario should: {}",
                ending.state
            ));
        }
    }
    for (permission, why) in unused {
        println!("{permission} | none | {why}");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Plays a scenario with its policy, and without some permissions of it, each by itself.
async fn short(scenario: Scenario, permissions: &[(&'static str, &'static str)]) {
    let whole = scenario.play_whole().await;
    for (sid, action) in permissions {
        let permission = Permission { sid, action };
        taken_away(scenario, permission, &whole).await.unwrap();
    }
}

#[tokio::test]
async fn an_exposed_key_ends_under_the_rendered_policy_and_a_refused_call_is_told() {
    let permissions = [
        ("RotateTheUsersKeys", "iam:UpdateAccessKey"),
        ("EndTheUsersSessions", "iam:AttachUserPolicy"),
    ];
    short(Exposed, &permissions).await;
}

#[tokio::test]
async fn a_notice_is_relayed_under_the_rendered_policy_and_a_refused_call_is_told() {
    short(Relayed, &[("KeepTheLedger", "dynamodb:GetItem")]).await;
}

#[tokio::test]
#[ignore = "takes minutes: .ci/nightly"]
async fn each_permission_of_rotate_access_keys_is_missed_when_it_is_taken_away() {
    take_each_away(&ROTATION).await;
}

#[tokio::test]
#[ignore = "takes minutes: .ci/nightly"]
async fn each_permission_of_notify_compliance_is_missed_when_it_is_taken_away_by_recorded_answers_of_the_aggregator()
 {
    take_each_away(&COMPLIANCE).await;
}
