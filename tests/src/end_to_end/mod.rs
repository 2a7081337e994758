//! The real binary, through the Lambda Runtime API, on a local AWS (moto): what the wire does to it.

mod compliance;
mod local;
mod onboarding;
mod stage;

use std::collections::BTreeSet;

use banto::local::proxy::{Fault, Rule};
use banto::local::slack::Refusal;
use banto_fake::leaks;
use serde_json::{Value, json};

use stage::Stage;

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
    let mut stage = Stage::with_due_alice().await;
    let answer = stage.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
    let payload = stage.opened().await;
    assert_eq!(
        stage.caller(&payload).await,
        "arn:aws:iam::111122223333:user/developers/alice"
    );
    stage.local.proxy.reset();
    let again = stage.invoke(&scheduled()).await.unwrap();
    assert_eq!(again["accounts"][0]["outcomes"], json!([]));
    let writes = [
        "iam:CreateAccessKey",
        "iam:UpdateAccessKey",
        "secretsmanager:PutSecretValue",
        "sns:Publish",
    ];
    assert!(
        !stage
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
        let mut stage = Stage::with_due_alice().await;
        for call in CALLS {
            stage.local.proxy.inject(Rule::nth(call, 1, fault));
        }
        let answer = stage.invoke(&scheduled()).await.unwrap();
        assert_eq!(
            answer["accounts"][0]["failures"],
            json!([]),
            "{fault:?}: {answer:#}"
        );
        assert_eq!(
            stage.local.aws.access_keys("alice").await.unwrap().len(),
            2,
            "{fault:?}"
        );
        let payload = stage.opened().await;
        assert!(
            stage.caller(&payload).await.ends_with("/alice"),
            "{fault:?}"
        );
        let struck = stage
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
    let mut stage = Stage::with_due_alice().await;
    stage
        .local
        .proxy
        .inject(Rule::nth("iam:CreateAccessKey", 1, Fault::LostAnswer));
    let error = stage.invoke(&forced()).await.unwrap_err();
    assert_eq!(error.error_type, "Incomplete", "{error}");
    let created = |stage: &Stage| {
        stage
            .local
            .proxy
            .calls()
            .iter()
            .filter(|call| call.operation == "iam:CreateAccessKey")
            .count()
    };
    assert_eq!(created(&stage), 1);
    let keys = stage.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(keys.len(), 2, "the lost key exists");

    // Within the intent's lease nothing is touched; afterwards exactly the lost key is.
    stage.advance_minutes(10).await;
    stage.invoke(&forced()).await.unwrap();
    assert_eq!(stage.local.aws.access_keys("alice").await.unwrap(), keys);
    stage.advance_minutes(20).await;
    stage.invoke(&forced()).await.unwrap();
    let now = stage.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(now.len(), 2);
    assert!(now.contains(&keys[0]) && !now.contains(&keys[1]));
    let payload = stage.opened().await;
    assert!(stage.caller(&payload).await.ends_with("/alice"));
}

#[tokio::test]
async fn at_the_trace_level_no_piece_of_a_secret_leaves_the_function() {
    for fault in [None, Some(Fault::LostAnswer), Some(Fault::InternalError)] {
        let mut stage = Stage::with_due_alice().await;
        stage.local.log_level = "trace";
        // The answers that hold secrets are then those of AssumeRole and of CreateAccessKey.
        stage.assume = true;
        // The calls after the secret is known: creating, storing, telling.
        for call in ["secretsmanager:PutSecretValue", "sns:Publish"] {
            if let Some(fault) = fault {
                stage.local.proxy.inject(Rule {
                    operation: Some(call.into()),
                    first: 1,
                    times: 9,
                    fault,
                });
            }
        }
        let answer = format!("{:?}", stage.invoke(&forced()).await);
        assert!(
            stage.log.len() > 50_000,
            "the log at TRACE has {} bytes only",
            stage.log.len()
        );
        assert!(
            stage
                .local
                .proxy
                .calls()
                .iter()
                .any(|call| call.operation == "sts:AssumeRole")
        );
        let log = String::from_utf8_lossy(&stage.log);
        assert!(
            !log.contains("<SecretAccessKey>") && !log.contains("<SessionToken>"),
            "an answer is in the log"
        );
        let secrets = stage.every_secret().await;
        assert!(!secrets.is_empty());
        let posts = format!("{:?}", stage.local.slack.posts());
        let records = stage
            .local
            .aws
            .secret_value("banto/access-keys/alice")
            .await
            .unwrap();
        let found = leaks::scan(
            &secrets,
            [
                stage.log.as_slice(),
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
    let mut stage = Stage::with_due_alice().await;
    stage.local.slack.refuse_next(Refusal::RateLimited(30));
    // The owner's notice does not wait for 30 s; the operators' is tried three times.
    stage.local.slack.refuse(3, Refusal::ServerError);
    let answer = stage.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
    let published = stage
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
    let log = String::from_utf8_lossy(&stage.log);
    assert!(log.contains("to be tried again after 30 s"), "{log}");
    assert!(!log.contains("/services/"), "{log}");
}

#[tokio::test]
async fn the_function_makes_exactly_the_calls_that_its_iam_policy_allows() {
    let mut allowed = onboarding::allowed(include_str!(
        "../../../functions/rotate-access-keys/iam-policy.json"
    ));
    // Needed without being called: S3 asks for the first when an object is missing, Secrets Manager for
    // the second when a secret is created with tags.
    for implied in ["s3:ListBucket", "secretsmanager:TagResource"] {
        assert!(allowed.remove(implied));
    }
    let mut stage = Stage::with_due_alice().await;
    stage.exempt_group = true;
    stage.invoke(&scheduled()).await.unwrap();
    // A notice that goes to SNS, a lost key to discard, and an exposed one.
    stage.local.slack.refuse(3, Refusal::ServerError);
    stage.use_new_key().await;
    stage.advance_minutes(2 * 24 * 60).await;
    stage.invoke(&scheduled()).await.unwrap();
    for _ in 0..11 {
        stage.advance_minutes(24 * 60 + 1).await;
        stage.invoke(&scheduled()).await.unwrap();
    }
    let made: BTreeSet<String> = stage
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
    let mut stage = Stage::with_due_alice().await;
    stage.policy_problem = Some("grace_days = 0\nrecovery_dais = 10\n");
    let error = stage.invoke(&scheduled()).await.unwrap_err();
    assert!(error.message.contains("`rotation.grace_days`"), "{error}");
    assert!(
        error.message.contains("did you mean `recovery_days`?"),
        "{error}"
    );
}

#[tokio::test]
async fn an_event_of_another_kind_is_refused_and_named() {
    let mut stage = Stage::with_due_alice().await;
    let event = json!({ "source": "aws.ec2", "detail-type": "EC2 Spot Instance", "account": "111122223333" });
    let error = stage.invoke(&event).await.unwrap_err();
    assert_eq!(error.error_type, "UnknownEvent");
    assert!(error.message.contains("EC2 Spot Instance"), "{error}");
}
