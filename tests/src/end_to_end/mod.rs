//! The real binary, through the Lambda Runtime API, on a local AWS (moto): what the wire does to
//! it.

mod compliance;
mod harness;
mod local;
mod onboarding;

use std::collections::BTreeSet;

use banto::local::proxy::{Fault, Rule};
use banto::local::slack::Refusal;
use banto_fake::leaks;
use serde_json::{Value, json};

use harness::Harness;

/// The calls of a first rotation, each of which fails in every way below.
const CALLS: [&str; 8] = [
    "iam:GenerateCredentialReport",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "secretsmanager:GetSecretValue",
    "s3:GetObject",
    "secretsmanager:CreateSecret",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
];

fn scheduled() -> Value {
    serde_json::from_str(include_str!(
        "../../../functions/rotate-access-keys/tests/events/scheduled.json"
    ))
    .unwrap()
}

fn forced() -> Value {
    json!({ "users": ["alice"], "mode": "force" })
}

#[tokio::test]
async fn a_key_is_rotated_by_schedule_and_opens_and_works_and_a_second_run_does_nothing() {
    let mut harness = Harness::with_due_alice().await;
    let answer = harness.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
    let payload = harness.opened().await;
    assert_eq!(
        harness.caller(&payload).await,
        "arn:aws:iam::111122223333:user/developers/alice"
    );
    harness.local.proxy.reset();
    let again = harness.invoke(&scheduled()).await.unwrap();
    assert_eq!(again["accounts"][0]["outcomes"], json!([]));
    let writes = [
        "iam:CreateAccessKey",
        "iam:UpdateAccessKey",
        "secretsmanager:PutSecretValue",
        "sns:Publish",
    ];
    assert!(
        !harness
            .local
            .proxy
            .calls()
            .iter()
            .any(|call| writes.contains(&call.operation.as_str()))
    );
}

#[tokio::test]
async fn throttling_and_failures_on_the_wire_are_retried_and_no_key_is_lost() {
    for fault in [
        Fault::Throttled,
        Fault::InternalError,
        Fault::Unavailable,
        Fault::LostAnswer,
    ] {
        let mut harness = Harness::with_due_alice().await;
        for call in CALLS {
            harness.local.proxy.inject(Rule::nth(call, 1, fault));
        }
        let answer = harness.invoke(&scheduled()).await.unwrap();
        assert_eq!(
            answer["accounts"][0]["failures"],
            json!([]),
            "{fault:?}: {answer:#}"
        );
        assert_eq!(
            harness.local.aws.access_keys("alice").await.unwrap().len(),
            2,
            "{fault:?}"
        );
        let payload = harness.opened().await;
        assert!(
            harness.caller(&payload).await.ends_with("/alice"),
            "{fault:?}"
        );
        let struck = harness
            .local
            .proxy
            .calls()
            .iter()
            .filter(|call| call.fault == Some(fault))
            .count();
        assert_eq!(struck, CALLS.len(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_create_access_key_is_not_asked_for_twice_and_its_key_is_discarded() {
    let mut harness = Harness::with_due_alice().await;
    harness
        .local
        .proxy
        .inject(Rule::nth("iam:CreateAccessKey", 1, Fault::LostAnswer));
    let error = harness.invoke(&forced()).await.unwrap_err();
    assert_eq!(error.error_type, "Incomplete", "{error}");
    let created = |harness: &Harness| {
        harness
            .local
            .proxy
            .calls()
            .iter()
            .filter(|call| call.operation == "iam:CreateAccessKey")
            .count()
    };
    assert_eq!(created(&harness), 1);
    let keys = harness.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(keys.len(), 2, "the lost key exists");

    // Within the intent's lease nothing is touched; afterwards exactly the lost key is.
    harness.advance_minutes(10).await;
    harness.invoke(&forced()).await.unwrap();
    assert_eq!(harness.local.aws.access_keys("alice").await.unwrap(), keys);
    harness.advance_minutes(20).await;
    harness.invoke(&forced()).await.unwrap();
    let now = harness.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(now.len(), 2);
    assert!(now.contains(&keys[0]) && !now.contains(&keys[1]));
    let payload = harness.opened().await;
    assert!(harness.caller(&payload).await.ends_with("/alice"));
}

#[tokio::test]
async fn at_the_trace_level_no_piece_of_a_secret_leaves_the_function() {
    for fault in [None, Some(Fault::LostAnswer), Some(Fault::InternalError)] {
        let mut harness = Harness::with_due_alice().await;
        harness.local.log_level = "trace";
        // The answers that hold secrets are then those of AssumeRole and of CreateAccessKey.
        harness.assume = true;
        // The calls after the secret is known: creating, storing, telling.
        for call in ["secretsmanager:PutSecretValue", "sns:Publish"] {
            if let Some(fault) = fault {
                harness.local.proxy.inject(Rule {
                    operation: Some(call.into()),
                    first: 1,
                    times: 9,
                    fault,
                });
            }
        }
        let answer = format!("{:?}", harness.invoke(&forced()).await);
        assert!(
            harness.log.len() > 50_000,
            "the log at TRACE has {} bytes only",
            harness.log.len()
        );
        assert!(
            harness
                .local
                .proxy
                .calls()
                .iter()
                .any(|call| call.operation == "sts:AssumeRole")
        );
        let log = String::from_utf8_lossy(&harness.log);
        assert!(
            !log.contains("<SecretAccessKey>") && !log.contains("<SessionToken>"),
            "an answer is in the log"
        );
        let secrets = harness.every_secret().await;
        assert!(!secrets.is_empty());
        let posts = format!("{:?}", harness.local.slack.posts());
        let records = harness
            .local
            .aws
            .secret_value("banto/access-keys/alice")
            .await
            .unwrap();
        let found = leaks::scan(
            &secrets,
            [
                harness.log.as_slice(),
                answer.as_bytes(),
                posts.as_bytes(),
                records.as_bytes(),
            ],
        );
        assert!(found.is_empty(), "{fault:?}: {found:?}");
    }
}

#[tokio::test]
async fn when_slack_refuses_sns_carries_the_notice_and_no_url_is_logged() {
    let mut harness = Harness::with_due_alice().await;
    harness.local.slack.refuse_next(Refusal::RateLimited(30));
    // The owner's notice does not wait for 30 s; the operators' is tried three times.
    harness.local.slack.refuse(3, Refusal::ServerError);
    let answer = harness.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
    let published = harness
        .local
        .proxy
        .calls()
        .iter()
        .filter(|call| call.operation == "sns:Publish")
        .count();
    assert_eq!(
        published, 2,
        "the owner's notice and the operators' summary"
    );
    let log = String::from_utf8_lossy(&harness.log);
    assert!(log.contains("to be tried again after 30 s"), "{log}");
    assert!(!log.contains("/services/"), "{log}");
}

#[tokio::test]
async fn the_function_makes_exactly_the_calls_that_its_iam_policy_allows() {
    let mut allowed = onboarding::allowed(include_str!(
        "../../../functions/rotate-access-keys/iam-policy.json"
    ));
    // Needed without being called: S3 asks for the first when an object is missing, Secrets Manager
    // for the second when a secret is created with tags.
    for implied in ["s3:ListBucket", "secretsmanager:TagResource"] {
        assert!(allowed.remove(implied));
    }
    let mut harness = Harness::with_due_alice().await;
    harness.exempt_group = true;
    harness.invoke(&scheduled()).await.unwrap();
    // A notice that goes to SNS, a lost key to discard, and an exposed one.
    harness.local.slack.refuse(3, Refusal::ServerError);
    harness.use_new_key().await;
    harness.advance_minutes(2 * 24 * 60).await;
    harness.invoke(&scheduled()).await.unwrap();
    for _ in 0..11 {
        harness.advance_minutes(24 * 60 + 1).await;
        harness.invoke(&scheduled()).await.unwrap();
    }
    let made: BTreeSet<String> = harness
        .local
        .proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(made, allowed);
}

#[tokio::test]
async fn a_policy_with_problems_keeps_the_function_from_starting_and_names_them_all() {
    let mut harness = Harness::with_due_alice().await;
    harness.policy_problem = Some("grace_days = 0\nrecovery_dais = 10\n");
    let error = harness.invoke(&scheduled()).await.unwrap_err();
    assert!(error.message.contains("`rotation.grace_days`"), "{error}");
    assert!(
        error.message.contains("did you mean `recovery_days`?"),
        "{error}"
    );
}

#[tokio::test]
async fn an_event_of_another_kind_is_refused_and_named() {
    let mut harness = Harness::with_due_alice().await;
    let event = json!({ "source": "aws.ec2", "detail-type": "EC2 Spot Instance", "account": "111122223333" });
    let error = harness.invoke(&event).await.unwrap_err();
    assert_eq!(error.error_type, "UnknownEvent");
    assert!(error.message.contains("EC2 Spot Instance"), "{error}");
}
