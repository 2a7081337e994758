//! The probes on a local AWS, which takes nearly all of their calls. What it says of AWS is no proof;
//! what is tested is that calls are well formed, and that nothing is left behind.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use banto_aws::Aws;
use jiff::SignedDuration;

use super::super::left::{Sign, clean, left_overs};
use super::super::probes;
use super::super::runner::Runner;
use super::*;
use crate::local::moto::Moto;
use crate::local::proxy::{Fault, Proxy, Rule};
use crate::local::venv::Venv;

const ACCOUNT: &str = "123456789012";

/// A local AWS behind a proxy.
async fn local() -> (Moto, Proxy, Aws) {
    let venv = Venv::ensure(&|_| {}).await.unwrap();
    let moto = Moto::start(&venv).await.unwrap();
    let proxy = Proxy::start(moto.endpoint()).await.unwrap();
    let endpoint = proxy.endpoint();
    let aws = Aws::from_vars(|name| {
        let value = match name {
            "AWS_REGION" => "eu-west-1",
            "AWS_ACCESS_KEY_ID" => "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AWS_ENDPOINT_URL" => &endpoint,
            _ => return None,
        };
        Some(value.to_owned())
    });
    (moto, proxy, aws.unwrap())
}

fn runner<'a>(aws: &'a Aws, stop: &'a AtomicBool) -> Runner<'a> {
    Runner {
        tries: 3,
        pause: Duration::from_millis(10),
        ..Runner::new(aws, ACCOUNT, stop)
    }
}

async fn assert_clean(aws: &Aws, what: &str) {
    let found = left_overs(aws, Timestamp::now()).await;
    assert!(found.things.is_empty(), "{what} left {found:?}");
    assert!(found.unseen.is_empty(), "{found:?}");
}

#[tokio::test]
async fn every_probe_that_makes_something_leaves_nothing() {
    let (_moto, proxy, aws) = local().await;
    let stop = AtomicBool::new(false);
    let mut decided = Vec::new();
    for probe in probes::all().iter().filter(|probe| makes(probe)) {
        let ran = runner(&aws, &stop).run(probe, &name().unwrap()).await;
        assert!(ran.left.is_empty(), "{}: {:?}", probe.id, ran.left);
        for secret in &ran.secrets {
            assert!(!ran.verdict.evidence().contains(secret), "{}", probe.id);
        }
        decided.push(format!(
            "{}: {}: {}",
            probe.id,
            ran.verdict.word(),
            ran.verdict.evidence()
        ));
        assert_clean(&aws, probe.id).await;
    }
    let decided = decided.join("\n");
    for proven in [
        "iam-two-keys: proven",
        "secrets-token-conflict: proven",
        "dynamodb-transaction: proven",
    ] {
        assert!(decided.contains(proven), "{decided}");
    }
    // It evaluates no condition.
    assert!(decided.contains("sts-session-name: disproven"), "{decided}");
    assert!(
        proxy
            .calls()
            .iter()
            .any(|call| call.operation == "iam:DeleteUser")
    );
}

#[tokio::test]
async fn a_probe_that_fails_in_the_middle_leaves_nothing() {
    let (_moto, proxy, aws) = local().await;
    let stop = AtomicBool::new(false);
    let chosen = [
        "sts-session-name",
        "kms-resource-aliases",
        "s3-version-dates",
        "policy-before-role",
    ];
    let all = probes::all();
    for probe in all.iter().filter(|probe| chosen.contains(&probe.id)) {
        for (n, step) in probe.steps.iter().enumerate() {
            proxy.reset();
            proxy.inject(Rule {
                operation: None,
                first: n + 1,
                times: 1,
                fault: Fault::Denied,
            });
            let ran = runner(&aws, &stop).run(probe, &name().unwrap()).await;
            assert!(proxy.calls().iter().any(|call| call.fault.is_some()));
            assert!(
                ran.left.is_empty(),
                "{}, {}: {:?}",
                probe.id,
                step.name,
                ran.left
            );
            proxy.reset();
            assert_clean(&aws, &format!("{}, {}", probe.id, step.name)).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_ends_no_probe_and_leaves_nothing() {
    let (_moto, proxy, aws) = local().await;
    let stop = AtomicBool::new(false);
    let all = probes::all();
    let probe = all.iter().find(|probe| probe.id == "iam-two-keys").unwrap();
    proxy.inject(Rule {
        operation: Some("iam:CreateUser".into()),
        first: 1,
        times: 1,
        fault: Fault::LostAnswer,
    });
    let ran = runner(&aws, &stop).run(probe, &name().unwrap()).await;
    assert_eq!(ran.verdict.word(), "proven", "{ran:?}");
    assert!(ran.left.is_empty(), "{ran:?}");
    proxy.reset();
    assert_clean(&aws, "a lost answer").await;
}

/// A run that can remove nothing, as if it was killed.
async fn leave(aws: &Aws, proxy: &Proxy, id: &str) {
    let stop = AtomicBool::new(false);
    let all = probes::all();
    let probe = all.iter().find(|probe| probe.id == id).unwrap();
    let removals = [
        "iam:DeleteUser",
        "iam:DeleteRole",
        "kms:ScheduleKeyDeletion",
        "kms:DeleteAlias",
        "sqs:DeleteQueue",
        "sns:DeleteTopic",
        "secretsmanager:DeleteSecret",
        "dynamodb:DeleteTable",
        "s3:DeleteBucket",
    ];
    for operation in removals {
        proxy.inject(Rule {
            operation: Some(operation.into()),
            first: 1,
            times: 9,
            fault: Fault::Denied,
        });
    }
    let ran = runner(aws, &stop).run(probe, &name().unwrap()).await;
    assert!(!ran.left.is_empty(), "{ran:?}");
    proxy.reset();
}

#[tokio::test]
async fn what_was_left_is_found_and_removed_when_no_probe_runs_any_more() {
    let (_moto, proxy, aws) = local().await;
    for id in [
        "iam-two-keys",
        "kms-resource-aliases",
        "policy-before-role",
        "dynamodb-transaction",
    ] {
        leave(&aws, &proxy, id).await;
    }
    let others = json!({"UserName": "banto-probe-of-somebody"});
    aws.plain("iam:CreateUser", None, &others).await.unwrap();
    let untagged = json!({"UserName": "banto-probe-0123abcd"});
    aws.plain("iam:CreateUser", None, &untagged).await.unwrap();

    let (now, later) = (
        Timestamp::now(),
        Timestamp::now() + left::AGE + SignedDuration::from_mins(9),
    );
    let young = left_overs(&aws, now).await;
    let count =
        |found: &left::Found, sign| found.things.iter().filter(|(_, own)| *own == sign).count();
    // SNS has no date.
    assert_eq!(
        (count(&young, Sign::Left), count(&young, Sign::Foreign)),
        (1, 1),
        "{young:?}"
    );
    let all = left_overs(&aws, later).await;
    // Two users, two keys and one's alias; the key, secret, queue and topic; a table.
    assert_eq!(
        (count(&all, Sign::Left), count(&all, Sign::Young)),
        (10, 0),
        "{all:?}"
    );

    assert_eq!(clean(&aws, false, later).await, Ending::Code(1));
    assert_eq!(clean(&aws, true, later).await, Ending::Done);
    let kept = left_overs(&aws, later).await;
    assert_eq!(
        (kept.things.len(), count(&kept, Sign::Foreign)),
        (1, 1),
        "{kept:?}"
    );
    let calls = proxy.calls();
    let scheduled = calls
        .iter()
        .filter(|call| call.operation == "kms:ScheduleKeyDeletion");
    assert_eq!(scheduled.count(), 3);
}

#[tokio::test]
async fn what_iam_does_not_know_yet_is_removed_nonetheless() {
    let (_moto, proxy, aws) = local().await;
    let made = made::Made {
        kind: probe::Kind::User,
        name: name().unwrap(),
    };
    let removal = made::remove_again(&aws, &made, true, Duration::from_secs(3));
    let creation = async {
        while proxy.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let user = json!({"UserName": made.name});
        aws.plain("iam:CreateUser", None, &user).await.unwrap();
    };
    let (removed, ()) = tokio::join!(removal, creation);
    removed.unwrap();
    let calls = proxy.calls();
    assert!(calls.iter().any(|call| call.operation == "iam:DeleteUser"));
    assert_clean(&aws, "a removal that came early").await;
}

#[tokio::test]
async fn nothing_begins_after_ctrl_c() {
    let (_moto, proxy, aws) = local().await;
    let stop = AtomicBool::new(true);
    let all = probes::all();
    let chosen: Vec<&Probe> = all.iter().collect();
    let transcript = proofs(&runner(&aws, &stop), &chosen).await;
    assert!(transcript.proofs.is_empty() && proxy.calls().is_empty());
    assert_eq!(transcript.not_run.len(), all.len());
}
