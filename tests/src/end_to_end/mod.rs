//! The real binary, through the Lambda Runtime API, on a local AWS (moto): what the wire does to
//! it.

mod commands;
mod compliance;
mod harness;
mod local;
mod onboarding;
pub mod policies;
mod report;

use banto::local::aws::Refused;
use banto::local::proxy::{Fault, Rule};
use banto::local::slack::{Refusal, TOKEN};
use banto_domain::record::Record;
use banto_fake::leaks;
use jiff::Timestamp;
use serde_json::{Value, json};

use harness::Harness;

/// The calls of a first rotation, each of which fails in every way below.
const CALLS: [&str; 9] = [
    "iam:GenerateCredentialReport",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "secretsmanager:GetSecretValue",
    "s3:ListBucketVersions",
    "s3:GetObjectVersion",
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

/// AWS Health's event about a key that was found in public.
fn exposure(key: &str, now: Timestamp) -> Value {
    json!({
        "detail-type": "AWS Health Event",
        "source": "aws.health",
        "account": "111122223333",
        "time": now,
        "detail": {
            "eventArn": "arn:aws:health:us-east-1::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/example",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "affectedEntities": [{ "entityValue": key }],
        },
    })
}

#[tokio::test]
async fn a_key_is_rotated_by_schedule_and_opens_and_works_and_a_second_run_does_nothing() {
    let mut harness = Harness::with_due_alice().await;
    let answer = harness.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
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
    let payload = harness.opened().await;
    assert_eq!(
        harness.caller(&payload).await,
        "arn:aws:iam::111122223333:user/developers/alice"
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

    // Within the intent's lease nothing is touched; afterwards exactly the lost key is, which
    // CloudTrail shows as made by the function's role.
    harness.advance_minutes(10).await;
    let waits = harness.invoke(&forced()).await.unwrap_err();
    assert!(waits.message.contains("another run may be"), "{waits}");
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
            harness.log.len() > 25_000,
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
        assert_nothing_leaked(&harness, &answer).await;
    }
}

#[tokio::test]
async fn at_the_trace_level_no_piece_of_a_secret_leaves_an_emergency() {
    let mut harness = Harness::with_due_alice().await;
    harness.local.log_level = "trace";
    harness.assume = true;
    let stolen = harness.local.aws.access_keys("alice").await.unwrap();
    let event = exposure(&stolen[0].id, harness.local.now);
    let answer = format!("{:?}", harness.tell(&event).await);
    assert_nothing_leaked(&harness, &answer).await;
}

/// Looks for every secret in all that left the function.
async fn assert_nothing_leaked(harness: &Harness, answer: &str) {
    let log = String::from_utf8_lossy(&harness.log);
    assert!(
        !log.contains("<SecretAccessKey>") && !log.contains("<SessionToken>"),
        "an answer is in the log"
    );
    let secrets = harness.every_secret().await;
    assert!(!secrets.is_empty());
    let posts = format!("{:?}", harness.local.slack.posts());
    let record = harness.record().await;
    let written = [
        harness.log.as_slice(),
        answer.as_bytes(),
        posts.as_bytes(),
        record.as_bytes(),
    ];
    let found = leaks::scan(&secrets, written);
    assert!(found.is_empty(), "{answer}: {found:?}");
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
async fn an_owner_is_written_to_directly_and_only_slacks_ok_to_that_is_in_the_record() {
    for (refusal, channel) in [
        (None, "D024BE7LH"),
        (Some(Refusal::Word("missing_scope")), "owners"),
    ] {
        let mut harness = Harness::with_due_alice().await;
        harness.local.log_level = "trace";
        harness.write_directly("U024BE7LH").await;
        if let Some(refusal) = refusal {
            harness.local.slack.refuse_next(refusal);
        }
        let answer = harness.invoke(&scheduled()).await.unwrap();
        assert_eq!(answer["accounts"][0]["failures"], json!([]), "{answer:#}");
        let posts = harness.local.slack.posts();
        assert_eq!(posts[0].channel, channel);
        let record = Record::from_text(&harness.record().await).unwrap();
        let key = &record.rotation.as_ref().unwrap().issued.key;
        let is_reached = refusal.is_none();
        assert_eq!(record.reached_by.is_some(), is_reached, "{refusal:?}");
        assert_eq!(record.reached_at(key).is_some(), is_reached, "{refusal:?}");
        let log = String::from_utf8_lossy(&harness.log);
        assert_eq!(log.contains("missing_scope"), !is_reached, "{log}");
        assert!(!log.contains(TOKEN), "the token is in the log");
    }
}

#[tokio::test]
async fn a_rotation_and_an_emergency_are_led_to_the_end_with_the_functions_own_policy() {
    let mut harness = Harness::with_due_alice().await;
    harness.exempt_group = true;
    rotate_to_the_end(&mut harness).await;
    expose_the_key(&mut harness).await;
    // A user is renamed whose record is open.
    let name = [("UserName", "alice"), ("NewUserName", "alicia")];
    harness.local.aws.iam("UpdateUser", &name).await.unwrap();
    harness.invoke(&scheduled()).await.unwrap();
    // Each call was held to the policy, see `Local`. These are made late, so that all was played.
    let calls = harness.local.proxy.calls();
    for late in [
        "iam:AttachUserPolicy",
        "iam:DeleteAccessKey",
        "iam:DetachUserPolicy",
        "iam:GetGroup",
        "secretsmanager:UntagResource",
        "sqs:SendMessageBatch",
    ] {
        assert!(calls.iter().any(|call| call.operation == late), "{late}");
    }
}

/// Leads a rotation from the new key to the deletion of the old one.
async fn rotate_to_the_end(harness: &mut Harness) {
    // A notice goes to SNS.
    harness.local.slack.refuse(3, Refusal::ServerError);
    harness.invoke(&scheduled()).await.unwrap();
    // The next version of the record is in the way, and is stepped over.
    harness.take_next_token().await;
    harness.use_new_key().await;
    for _ in 0..14 {
        harness.advance_minutes(24 * 60 + 1).await;
        harness.invoke(&scheduled()).await.unwrap();
    }
    let keys = harness.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(keys.len(), 1);
}

/// Leads an emergency from a first try that fails to the end of its consequences.
async fn expose_the_key(harness: &mut Harness) {
    let denied = Rule::nth("iam:UpdateAccessKey", 1, Fault::Denied);
    harness.local.proxy.inject(denied);
    let exposed = harness.local.aws.access_keys("alice").await.unwrap();
    let event = exposure(&exposed[0].id, harness.local.now);
    assert!(!harness.tell(&event).await[0].done);
    for minutes in [1, 16] {
        harness.advance_minutes(minutes).await;
        harness.work_off().await;
    }
    assert_eq!(harness.queue.waiting().await.unwrap(), 0);
    harness.advance_minutes(37 * 60).await;
    harness.invoke(&scheduled()).await.unwrap();
}

#[tokio::test]
async fn a_thief_with_a_second_key_and_a_session_is_locked_out_and_the_owner_gets_a_key() {
    let mut harness = Harness::with_due_alice().await;
    let aws = harness.local.aws.clone();
    let stolen = aws.access_keys("alice").await.unwrap()[0].id.clone();
    let thief = aws.with_key(&stolen);
    let second = thief.create_access_key("alice").await.unwrap();
    let second = aws.with_key(&second.access_key_id);
    let session = second.session().await.unwrap();
    let loot = [thief, second, aws.with_key(&session.access_key_id)];
    for credential in &loot {
        credential.list_buckets().await.unwrap();
    }

    let event = exposure(&stolen, harness.local.now);
    harness.tell(&event).await;
    let mut refusals = Vec::new();
    for credential in &loot {
        let error = credential.list_buckets().await.unwrap_err();
        refusals.push(error.downcast::<Refused>().unwrap().code().unwrap());
    }
    let of_keys = "InvalidAccessKeyId";
    assert_eq!(refusals, [of_keys, of_keys, "AccessDenied"]);
    let payload = harness.opened().await;
    assert!(harness.caller(&payload).await.ends_with("/alice"));
}

#[tokio::test]
async fn an_exposure_that_comes_again_for_the_second_look_is_done_and_tells_nothing_new() {
    let mut harness = Harness::with_due_alice().await;
    let aws = harness.local.aws.clone();
    let stolen = aws.access_keys("alice").await.unwrap()[0].id.clone();
    let thief = aws.with_key(&stolen);
    thief.create_access_key("alice").await.unwrap();
    let event = exposure(&stolen, harness.local.now);
    let worked = harness.tell(&event).await;
    assert!(!worked[0].done, "CloudTrail may show more later");
    let told = harness.headlines();
    harness.advance_minutes(16).await;
    let worked = harness.work_off().await;
    assert!(worked[0].done);
    assert_eq!(harness.headlines(), told);
    assert!(harness.record().await.contains("lookedAt"));
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
