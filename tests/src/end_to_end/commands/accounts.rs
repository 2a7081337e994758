//! `banto accounts` through its program, beside onboard-accounts' own.

use std::time::Duration;

use banto::local::organization::Organization;
use banto_fake::PolicyText;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::local::{ACCOUNT as MANAGEMENT, Local, REGION};
use super::program::{Ended, Program};

/// The timeout of the function. (docs/OPERATIONS.md.)
const TIMEOUT: Duration = Duration::from_mins(15);

struct Harness {
    local: Local,
    organization: Organization,
    policy: PolicyText,
    program: Program,
    payments: String,
}

impl Harness {
    /// An Organization with an account payments, which is in place.
    async fn set() -> Self {
        let local = Local::of("onboard-accounts").await;
        let organization = Organization::create(&local.aws).await.unwrap();
        let payments = organization.create_account("payments").await.unwrap();
        let section = organization.policy_section(MANAGEMENT, &[REGION, "us-east-1"]);
        let policy = local.least_policy().await.and(&section);
        let program = Program::with(&policy.to_string()).await;
        let mut harness = Self {
            local,
            organization,
            policy,
            program,
            payments,
        };
        let mut function = harness.local.start(&harness.policy).await.unwrap();
        function.invoke(&json!({}), TIMEOUT).await.unwrap();
        function.stop().await;
        harness.settle().await;
        harness
    }

    async fn banto(&self, arguments: &[&str]) -> Ended {
        let arguments = [&["accounts"], arguments].concat();
        self.program.run(&self.local, &arguments).await
    }

    /// The same on a terminal; a step is what is waited for, and what is typed then.
    async fn on_terminal(&self, arguments: &[&str], steps: &[(&str, &str)]) -> Ended {
        let arguments = [&["accounts"], arguments].concat();
        let started = (self.program).start_on_terminal(&self.local, &arguments, steps);
        Program::ended(started).await
    }

    /// Works the queue off, time passing where messages wait, until it is empty.
    async fn settle(&mut self) {
        // More than a few accounts need.
        for _ in 0..40 {
            let mut function = self.local.start(&self.policy).await.unwrap();
            let queue = &self.organization.queue;
            let worked = queue.work_off(&mut function, TIMEOUT).await;
            let log = function.stop().await;
            let log = String::from_utf8_lossy(&log);
            if worked
                .unwrap_or_else(|error| panic!("{error:#}\n{log}"))
                .is_empty()
            {
                if self.organization.queue.waiting().await.unwrap() == 0 {
                    return;
                }
                self.local.advance(SignedDuration::from_mins(3)).await;
            }
        }
        panic!("the queue does not empty");
    }

    /// Somebody deletes the role readonly of payments.
    async fn lose_a_role(&self) {
        let inside = self.organization.inside(&self.payments).await.unwrap();
        let role = ("RoleName", "readonly");
        let policy = ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess");
        inside
            .iam("DetachRolePolicy", &[role, policy])
            .await
            .unwrap();
        inside.iam("DeleteRole", &[role]).await.unwrap();
    }

    /// Waits until the command has sent something.
    async fn until_sent(&self) {
        while self.organization.queue.waiting().await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn an_account_that_lacks_a_role_is_found_by_status_and_mended_by_apply() {
    let mut harness = Harness::set().await;
    let ended = harness.banto(&["status"]).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(
        ended.output.contains("2 accounts: 2 in place"),
        "{ended:#?}"
    );

    harness.lose_a_role().await;
    let ended = harness.banto(&["status"]).await;
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.output.contains("1 to mend, 1 in place"), "{ended:#?}");
    let ended = harness.banto(&["status", "payments", "--json"]).await;
    let status: Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(status["accounts"][0]["state"], "toMend", "{status:#}");
    let ended = harness.banto(&["plan", "payments"]).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(ended.output.contains("+ role readonly"), "{ended:#?}");

    // Without a terminal nobody can say yes, and nothing moves while one waits.
    let ended = harness.banto(&["apply", "payments"]).await;
    assert!(
        ended.code == 2 && ended.complaint.contains("--yes"),
        "{ended:#?}"
    );
    assert!(!ended.complaint.contains(['\r', '\u{1b}']), "{ended:#?}");
    let declined = [("Bring this account to its baseline?", "n\r")];
    let ended = harness.on_terminal(&["apply", "payments"], &declined).await;
    assert!(
        ended.code == 1 && ended.output.contains("nothing was sent"),
        "{ended:#?}"
    );
    assert!(ended.output.contains("/1 accounts"), "{ended:#?}");
    assert_eq!(harness.organization.queue.waiting().await.unwrap(), 0);

    let arguments = ["accounts", "apply", "payments", "--yes", "--wait"];
    let waiting = harness.program.start(&harness.local, &arguments);
    harness.until_sent().await;
    harness.settle().await;
    let ended = Program::ended(waiting).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(ended.output.contains("1 of 1 in order"), "{ended:#?}");
    let ended = harness.banto(&["status"]).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    let ended = harness.banto(&["apply", "--all"]).await;
    assert!(
        ended.code == 0 && ended.output.contains("No changes."),
        "{ended:#?}"
    );
}

#[tokio::test]
async fn a_users_sessions_end_in_every_account_and_the_command_sees_it() {
    let mut harness = Harness::set().await;
    let ended = harness.banto(&["revoke", "alice"]).await;
    assert!(
        ended.code == 2 && ended.complaint.contains("--confirm alice"),
        "{ended:#?}"
    );
    assert!(ended.output.contains("admin, readonly"), "{ended:#?}");
    let ended = harness
        .banto(&["revoke", "alice", "--confirm", "bob"])
        .await;
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert_eq!(harness.organization.queue.waiting().await.unwrap(), 0);

    let typed = |name| [("Type alice to go on", name)];
    let revoke = ["revoke", "alice"];
    let ended = harness.on_terminal(&revoke, &typed("bob\r")).await;
    assert!(
        ended.code == 1 && ended.output.contains("not the user's name"),
        "{ended:#?}"
    );
    assert_eq!(harness.organization.queue.waiting().await.unwrap(), 0);

    let wait = ["accounts", "revoke", "alice", "--wait"];
    let waiting = (harness.program).start_on_terminal(&harness.local, &wait, &typed("alice\r"));
    harness.until_sent().await;
    harness.settle().await;
    let ended = Program::ended(waiting).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(
        ended.output.contains("Ended in 2 of 2 accounts"),
        "{ended:#?}"
    );
    let inside = harness
        .organization
        .inside(&harness.payments)
        .await
        .unwrap();
    let policies = inside
        .iam("ListRolePolicies", &[("RoleName", "admin")])
        .await
        .unwrap();
    assert!(policies.contains("banto-revoked-alice"), "{policies}");

    let confirmed = ["revoke", "alice", "--confirm", "alice"];
    let ended = harness.banto(&confirmed).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert_ne!(harness.organization.queue.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn without_credentials_that_count_nothing_is_said_to_be_in_order() {
    let harness = Harness::set().await;
    harness.local.moto.check_credentials(true).await.unwrap();
    let ended = harness.banto(&["status"]).await;
    assert_eq!((ended.code, ended.output.as_str()), (3, ""), "{ended:#?}");
    harness.local.moto.check_credentials(false).await.unwrap();
}
