//! Every wrapping, every verdict, and every shape that is refused.

use banto_lambda::event::Record;
use banto_notice::{Audience, Notice, Urgency};
use serde_json::json;

use super::*;

fn recorded(name: &str) -> String {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn direct(event: &str) -> Trigger {
    match decode(event.as_bytes()).unwrap() {
        Invoked::Direct(trigger) => trigger,
        Invoked::Batch(records) => panic!("{records:?}"),
    }
}

fn batch(event: &Value) -> Vec<Record<Trigger>> {
    match decode(event.to_string().as_bytes()).unwrap() {
        Invoked::Batch(records) => records,
        Invoked::Direct(trigger) => panic!("{trigger:?}"),
    }
}

fn observation(event: &str) -> Observation {
    match direct(event) {
        Trigger::Item(Item::Observation(observation)) => observation,
        other => panic!("{other:?}"),
    }
}

fn record(id: &str, body: &str) -> Value {
    json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
}

/// A recorded event with a part of it replaced.
fn with(pointer: &str, value: Value) -> String {
    let mut event: Value = serde_json::from_str(&recorded("compliance-change")).unwrap();
    *event.pointer_mut(pointer).unwrap() = value;
    event.to_string()
}

#[test]
fn a_change_says_the_same_however_it_is_wrapped() {
    let event = observation(&recorded("compliance-change"));
    assert_eq!(event.key.account.as_str(), "111122223333");
    assert_eq!(event.key.rule.as_str(), "access-keys-rotated");
    assert_eq!(
        (event.verdict, event.was),
        (Verdict::Noncompliant, Some(Compliance::Compliant))
    );
    assert_eq!(
        event.recorded_at,
        "2021-04-19T19:04:01.500Z".parse().unwrap()
    );
    let detail: Value =
        serde_json::from_str::<Value>(&recorded("compliance-change")).unwrap()["detail"].clone();
    let said = Trigger::Item(Item::Observation(event));
    for content in [recorded("compliance-change"), detail.to_string()] {
        let envelope = json!({ "Type": "Notification", "Message": content });
        let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
        for event in [&content, &envelope.to_string(), &sns.to_string()] {
            assert_eq!(direct(event), said, "{event}");
        }
        let records = batch(
            &json!({ "Records": [record("1", &content), record("2", &envelope.to_string())] }),
        );
        assert!(
            records
                .iter()
                .all(|record| record.payload.as_ref() == Ok(&said)),
            "{records:?}"
        );
    }
    assert_eq!(direct(&recorded("compliance-change-sns")), said);
}

#[test]
fn a_schedule_or_a_request_says_the_same_in_every_wrapping() {
    let scheduled = r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
    for content in [
        scheduled,
        r#"{"accounts": ["111122223333"]}"#,
        r#"{"kind": "deliver", "version": 1, "route": "payments"}"#,
    ] {
        let said = direct(content);
        let envelope = json!({ "Type": "Notification", "Message": content });
        let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
        assert_eq!(direct(&sns.to_string()), said, "{content}");
        let records = batch(
            &json!({ "Records": [record("1", content), record("2", &envelope.to_string())] }),
        );
        assert!(
            records
                .iter()
                .all(|record| record.payload.as_ref() == Ok(&said)),
            "{records:?}"
        );
    }
}

#[test]
fn a_subscription_to_confirm_is_passed_over_and_named() {
    let records = batch(&serde_json::from_str(&recorded("subscription-confirmation")).unwrap());
    let Ok(Trigger::Item(Item::Subscription(subscription))) = &records[0].payload else {
        panic!("{records:?}")
    };
    assert_eq!(
        subscription.topic,
        "arn:aws:sns:eu-west-1:444455556666:config"
    );
}

#[test]
fn only_compliant_resolves_and_no_result_at_all_closes() {
    for (said, meant) in [
        ("NON_COMPLIANT", Verdict::Noncompliant),
        ("COMPLIANT", Verdict::Compliant),
        ("NOT_APPLICABLE", Verdict::NotEvaluated),
        ("INSUFFICIENT_DATA", Verdict::Unknown),
        ("SOMETHING_NEW", Verdict::Unknown),
    ] {
        let pointer = "/detail/newEvaluationResult/complianceType";
        let found = observation(&with(pointer, said.into()));
        assert_eq!(
            (found.verdict, found.source),
            (meant, Source::Event),
            "{said}"
        );
    }
    let first = observation(&with("/detail/oldEvaluationResult", Value::Null));
    assert_eq!(first.was, None);
    let deleted = observation(&with("/detail/newEvaluationResult", Value::Null));
    assert_eq!(deleted.verdict, Verdict::NotEvaluated);
}

#[test]
fn a_finding_of_the_whole_account_is_read_though_its_type_has_an_empty_part() {
    let mut event: Value = serde_json::from_str(&recorded("compliance-change")).unwrap();
    let detail = event["detail"].as_object_mut().unwrap();
    detail.insert("resourceType".into(), "AWS::::Account".into());
    detail.insert("resourceId".into(), "111122223333".into());
    detail.insert("configRuleName".into(), "root-account-mfa-enabled".into());
    detail.remove("oldEvaluationResult");
    let found = observation(&event.to_string());
    assert_eq!(found.key.resource_type, "AWS::::Account");
    assert_eq!(found.key.resource_id, "111122223333");
    assert_eq!(found.was, None);
}

#[test]
fn a_rule_of_security_hub_without_a_suffix_keeps_its_whole_name() {
    let name = "securityhub-rds-storage-encrypted";
    let found = observation(&with("/detail/configRuleName", name.into()));
    assert_eq!(found.key.rule.plain(), "rds-storage-encrypted");
}

#[test]
fn a_user_whom_two_regions_evaluate_is_one_finding() {
    let seen_in = |region: &str| {
        let mut event: Value = serde_json::from_str(&recorded("compliance-change")).unwrap();
        event["detail"]["awsRegion"] = region.into();
        event["detail"]["resourceType"] = "AWS::IAM::User".into();
        observation(&event.to_string())
    };
    let (ireland, tokyo) = (seen_in("eu-west-1"), seen_in("ap-northeast-1"));
    assert_eq!(ireland.key, tokyo.key);
    assert_eq!(ireland.key.region.as_str(), "us-east-1");
    assert_eq!(tokyo.evaluated_in.as_str(), "ap-northeast-1");
    let bucket = observation(&with("/detail/resourceType", "AWS::S3::Bucket".into()));
    assert_eq!(bucket.key.region, bucket.evaluated_in);
}

#[test]
fn a_record_that_cannot_be_read_fails_alone() {
    let records = [
        record("good", &recorded("compliance-change")),
        record("half", "{\"source\": \"aws.con"),
        record(
            "foreign",
            r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}"#,
        ),
        record(
            "other",
            r#"{"source": "aws.config", "detail-type": "Config Rules Re-evaluation Status", "detail": {}}"#,
        ),
        record("nameless", &with("/detail/awsAccountId", "12".into())),
        record(
            "deliver",
            r#"{"kind": "deliver", "version": 1, "route": "payments"}"#,
        ),
    ];
    let records = batch(&json!({ "Records": records }));
    let failed: Vec<&str> = records
        .iter()
        .filter(|record| record.payload.is_err())
        .map(|record| record.id.as_str())
        .collect();
    assert_eq!(failed, ["half", "foreign", "nameless"]);
    assert_eq!(records[3].payload, Ok(Trigger::Item(Item::Irrelevant)));
    let deliver = QueueMessage::Deliver {
        route: "payments".into(),
        attempts: 0,
    };
    assert_eq!(
        records[5].payload,
        Ok(Trigger::Item(Item::Message(deliver)))
    );
}

#[test]
fn what_is_none_of_ours_is_named() {
    for (event, says) in [
        ("{", "the event is not JSON"),
        (
            r#"{"source": "aws.ec2", "detail-type": "X", "detail": {}}"#,
            "can't handle \"X\" from \"aws.ec2\"",
        ),
        (r#"{"acounts": []}"#, "unknown field `acounts`"),
        (r#"{"accounts": []}"#, "\"accounts\" is empty"),
        (
            r#"{"Records": [{"eventSource": "aws:kinesis", "messageId": "1", "body": ""}]}"#,
            "aws:kinesis",
        ),
        (r#"{"Records": [{"eventID": "1"}]}"#, "neither SQS nor SNS"),
    ] {
        let error = decode(event.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{event}: {error}");
    }
}

#[test]
fn schedules_requests_and_dry_run_are_told_apart() {
    let scheduled = r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
    assert_eq!(direct(scheduled), Trigger::FanOut(Scope::AllAccounts));
    let all = Trigger::DryRun {
        observations: Vec::new(),
        scope: Scope::AllAccounts,
    };
    assert_eq!(direct(r#"{"dryRun": true}"#), all);
    let event = recorded("compliance-change");
    let dry_run = direct(&format!("{{\"events\": [{event}], \"dryRun\": true}}"));
    assert!(
        matches!(dry_run, Trigger::DryRun { observations, scope: Scope::NoAccount } if observations.len() == 1)
    );
}

#[test]
fn a_request_of_which_a_part_would_be_passed_over_is_refused() {
    let event = recorded("compliance-change");
    for (request, says) in [
        (
            format!(r#"{{"accounts": ["111122223333"], "events": [{event}]}}"#),
            "go together in a dry run only",
        ),
        (
            r#"{"events": [{"kind": "deliver", "version": 1, "route": "payments"}], "dryRun": true}"#.to_owned(),
            "no message of the queue",
        ),
    ] {
        let error = decode(request.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{request}: {error}");
    }
}

#[test]
fn a_message_of_the_queue_that_cannot_be_read_is_not_taken_for_a_request() {
    let error = decode(br#"{"kind": "dance", "version": 1}"#).unwrap_err();
    assert!(matches!(&error, EventError::Message(_)), "{error}");
    assert!(!error.to_string().contains("\"accounts\""), "{error}");
}

#[test]
fn a_note_on_an_oversized_item_is_passed_over_in_every_wrapping() {
    let nothing = Trigger::Item(Item::Irrelevant);
    let through_sns = r#"{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "This resource is too large"}}]}"#;
    assert_eq!(direct(through_sns), nothing);
    let raw = batch(&serde_json::from_str(&recorded("oversized-item-raw")).unwrap());
    assert_eq!(raw[0].payload, Ok(nothing));
}

#[test]
fn the_queue_of_events_brings_events_and_comparisons_and_nothing_else() {
    let event = recorded("compliance-change");
    let subscription = r#"{"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:444455556666:config.fifo"}"#;
    for taken in [
        event.as_str(),
        r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#,
        r#"{"accounts": ["111122223333"]}"#,
        r#"{"kind": "reconcile", "version": 1, "account": "111122223333"}"#,
        subscription,
    ] {
        let trigger = direct(taken);
        assert_eq!(trigger.clone().taken_from_events_queue(), Ok(trigger));
    }
    let notice = QueueMessage::RelayNotice {
        notice: Box::new(Notice::new(
            "forged".into(),
            Audience::Operators,
            Urgency::Action,
            "Call this number".into(),
        )),
    };
    for (refused, names) in [
        (
            r#"{"kind": "deliver", "version": 1, "route": "payments"}"#.to_owned(),
            "deliver",
        ),
        (
            r#"{"kind": "remind", "version": 1, "route": "payments"}"#.to_owned(),
            "remind",
        ),
        (notice.body(), "relayNotice"),
        (format!(r#"{{"events": [{event}]}}"#), "events"),
        (r#"{"dryRun": true}"#.to_owned(), "dryRun"),
    ] {
        let error = direct(&refused).taken_from_events_queue().unwrap_err();
        let error = error.to_string();
        assert!(error.contains(&format!("\"{names}\"")), "{error}");
        assert!(error.contains("compliance.deliveries"), "{error}");
    }
}

#[test]
fn what_is_no_topic_does_not_become_a_command_for_operators() {
    for topic in [
        "x",
        "arn:aws:sns:eu-west-1:444455556666:config;reboot",
        "arn:aws:sns:eu-west-1:444455556666:$(reboot)",
    ] {
        let event = json!({ "Type": "SubscriptionConfirmation", "TopicArn": topic });
        let error = decode(event.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, EventError::Topic(_)), "{error}");
    }
}
