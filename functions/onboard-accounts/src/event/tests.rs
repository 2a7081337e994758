use std::time::Duration;

use banto_ports::OrgAccount;
use serde_json::json;

use super::*;
use crate::message::ConvergeRequest;

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

fn decoded(name: &str) -> Trigger {
    direct(&recorded(name))
}

/// The event that hands bodies over as records of SQS, decoded.
fn batch(bodies: &[&str]) -> Vec<Result<Trigger, String>> {
    let record = |body| json!({ "messageId": "1", "eventSource": "aws:sqs", "body": body });
    let records: Vec<Value> = bodies.iter().map(record).collect();
    match decode(json!({ "Records": records }).to_string().as_bytes()).unwrap() {
        Invoked::Batch(records) => records.into_iter().map(|record| record.payload).collect(),
        Invoked::Direct(trigger) => panic!("{trigger:?}"),
    }
}

fn about(account: &str, cause: Cause) -> Trigger {
    fan_out_unasked(Scope::Accounts([account.parse().unwrap()].into()), cause)
}

#[test]
fn each_recorded_event_leads_to_its_account() {
    for (event, account, cause) in [
        ("create-account-result", "444455556666", Cause::Joined),
        ("account-joined-organization", "444455556666", Cause::Joined),
        ("accept-handshake", "444455556666", Cause::Joined),
        ("move-account", "444455556666", Cause::Moved),
        ("close-account-result", "444455556666", Cause::Departed),
        (
            "account-departed-organization",
            "444455556666",
            Cause::Departed,
        ),
        (
            "create-managed-account",
            "444455556666",
            Cause::ControlTower,
        ),
        (
            "update-managed-account",
            "444455556666",
            Cause::ControlTower,
        ),
    ] {
        assert_eq!(decoded(event), about(account, cause), "{event}");
    }
    assert_eq!(
        decoded("scheduled"),
        fan_out_unasked(Scope::AllAccounts, Cause::Schedule)
    );
}

#[test]
fn each_failure_keeps_its_step_its_subject_and_its_reason() {
    let updated = "AWS Control Tower can't update the account: its organizational unit failed.";
    let enrolled = "AWS Control Tower can't create the account: the email address is in use.";
    for (event, step, subject, reason) in [
        (
            "create-account-result-failed",
            FailedStep::Creation,
            "car-examplecreateaccountrequestid111",
            "EMAIL_ALREADY_EXISTS",
        ),
        (
            "create-managed-account-failed",
            FailedStep::Enrolment,
            "payments",
            enrolled,
        ),
        (
            "update-managed-account-failed",
            FailedStep::Update,
            "payments (444455556666)",
            updated,
        ),
    ] {
        let Trigger::Failed(failed) = decoded(event) else {
            panic!("{event}: no failure")
        };
        let found = (failed.step, failed.subject.as_str(), failed.reason.as_str());
        assert_eq!(found, (step, subject, reason), "{event}");
        assert!(!failed.event.is_empty(), "{event}");
    }
}

#[test]
fn an_account_with_a_twin_in_govcloud_is_the_commercial_one() {
    let mut event: Value = serde_json::from_str(&recorded("create-account-result")).unwrap();
    event["detail"]["serviceEventDetails"]["createAccountStatus"]["govCloudAccountId"] =
        "777788889999".into();
    assert_eq!(
        direct(&event.to_string()),
        about("444455556666", Cause::Joined)
    );
}

#[test]
fn an_event_that_concerns_no_account_is_passed_over_by_name() {
    for event in ["register-organizational-unit", "tag-resource"] {
        let Trigger::Nothing { reason } = decoded(event) else {
            panic!("{event} is acted on")
        };
        assert!(reason.ends_with("needs nothing"), "{event}: {reason}");
    }
}

#[test]
fn a_hint_that_names_no_account_leads_to_all_of_them_with_its_cause() {
    let ct = "/detail/serviceEventDetails/createManagedAccountStatus";
    for (event, remove, cause) in [
        (
            "create-account-result",
            "/detail/serviceEventDetails",
            Cause::Joined,
        ),
        ("account-joined-organization", "/detail", Cause::Joined),
        ("account-departed-organization", "/detail", Cause::Departed),
        ("move-account", "/detail/requestParameters", Cause::Moved),
        ("create-managed-account", ct, Cause::ControlTower),
        (
            "accept-handshake",
            "/detail/responseElements/handshake/parties",
            Cause::Joined,
        ),
    ] {
        let mut event_json: Value = serde_json::from_str(&recorded(event)).unwrap();
        let name = event_json["detail"]["eventName"].clone();
        *event_json.pointer_mut(remove).unwrap() = json!({});
        if remove == "/detail" {
            event_json["detail"]["eventName"] = name;
        }
        let unresolved = direct(&event_json.to_string());
        assert_eq!(
            unresolved,
            fan_out_unasked(Scope::AllAccounts, cause),
            "{event}"
        );
    }
}

#[test]
fn drift_of_control_tower_leads_to_its_account_however_it_is_named() {
    assert_eq!(
        decoded("drift-detected"),
        about("444455556666", Cause::Drift)
    );
    for detail in [
        json!({ "accountId": "444455556666" }),
        json!({ "driftedResources": [{ "type": "OU" }, { "AccountId": "444455556666" }] }),
    ] {
        let event = json!({ "source": "aws.controltower", "detail-type": "Drift Detected", "detail": detail });
        assert_eq!(
            direct(&event.to_string()),
            about("444455556666", Cause::Drift),
            "{event}"
        );
    }
    let event = r#"{"source": "aws.controltower", "detail-type": "Drift Detected", "detail": {"kind": "SCP"}}"#;
    assert_eq!(
        direct(event),
        fan_out_unasked(Scope::AllAccounts, Cause::Drift)
    );
}

#[test]
fn a_request_to_end_sessions_is_read_and_a_bad_one_says_what_would_be_right() {
    let asked = |before: Option<&str>, account: Option<&str>, dry_run| {
        Trigger::Revoke(RevocationAsked {
            user: "alice".parse().unwrap(),
            account: account.map(|it| it.parse().unwrap()),
            before: before.map(|it| it.parse().unwrap()),
            dry_run,
        })
    };
    let before = "2026-11-27T01:00:00Z";
    for (event, trigger) in [
        (json!({ "revoke": "alice" }), asked(None, None, false)),
        (
            json!({ "revoke": "alice", "before": before, "account": "111122223333", "dryRun": true }),
            asked(Some(before), Some("111122223333"), true),
        ),
    ] {
        assert_eq!(direct(&event.to_string()), trigger);
    }
    for event in [
        json!({ "revoke": "alice bob" }),
        json!({ "revoke": "alice", "before": "yesterday" }),
        json!({ "revoke": "alice", "users": [] }),
    ] {
        let error = decode(event.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains("expected {\"revoke\": \"alice\""), "{error}");
    }
}

#[test]
fn a_joined_account_is_found_however_the_new_event_nests_it() {
    for detail in [
        r#"{"accountId": "444455556666", "joinedMethod": "Created"}"#,
        r#"{"account": {"id": "444455556666"}, "joinedMethod": "Invited"}"#,
        r#"{"account": "444455556666"}"#,
        r#"{"eventName": "AccountJoinedOrganization", "recipientAccountId": "111122223333",
            "userIdentity": {"accountId": "111122223333"},
            "serviceEventDetails": {"joined": {"accountId": "444455556666"}}}"#,
    ] {
        let event = format!(
            r#"{{"source": "aws.organizations", "detail-type": "AccountJoinedOrganization", "detail": {detail}}}"#
        );
        assert_eq!(
            direct(&event),
            about("444455556666", Cause::Joined),
            "{detail}"
        );
    }
}

#[test]
fn a_call_that_failed_changes_nothing() {
    let mut event: Value = serde_json::from_str(&recorded("move-account")).unwrap();
    event["detail"]["errorCode"] = "AccessDenied".into();
    assert!(matches!(
        direct(&event.to_string()),
        Trigger::Nothing { .. }
    ));
}

#[test]
fn a_message_that_cant_be_read_fails_alone() {
    let request = ConvergeRequest {
        account: OrgAccount {
            id: "444455556666".parse().unwrap(),
            name: "payments".into(),
            state: banto_ports::AccountState::Active,
            path: vec!["r-ab12".parse().unwrap()],
            joined_at: None,
            was_created: true,
        },
        cause: Cause::Joined,
        requested_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        attempt: 2,
    };
    let message = Message::Converge(request.clone());
    let body = message.delayed(Duration::ZERO).unwrap().body;
    let records = batch(&[
        &body,
        r#"{"version":1,"kind":"dance"}"#,
        r#"{"version":1,"kind":"publishDashboard"}"#,
        "{",
        "not ours",
        r#"{"version":2,"kind":"publishDashboard"}"#,
        r#"{"kind":"publishDashboard"}"#,
    ]);
    assert_eq!(records[0], Ok(Trigger::Message(Message::Converge(request))));
    assert!(
        records[1]
            .as_ref()
            .unwrap_err()
            .contains("unknown variant `dance`"),
        "{records:?}"
    );
    assert_eq!(records[2], Ok(Trigger::Message(Message::PublishDashboard)));
    assert!(
        records[3]
            .as_ref()
            .unwrap_err()
            .contains("the event is not JSON"),
        "{records:?}"
    );
    assert!(
        records[4]
            .as_ref()
            .unwrap_err()
            .contains("it is plain text"),
        "{records:?}"
    );
    for (record, says) in [
        (&records[5], "version 2; this Banto reads version 1"),
        (&records[6], "no version"),
    ] {
        let error = record.as_ref().unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn an_event_says_the_same_in_every_wrapping() {
    let request = r#"{"accounts": ["444455556666"]}"#.to_owned();
    for event in [recorded("move-account"), recorded("scheduled"), request] {
        let said = direct(&event);
        let envelope = json!({ "Type": "Notification", "Message": event });
        assert_eq!(
            batch(&[&event, &envelope.to_string()]),
            [Ok(said.clone()), Ok(said.clone())],
            "{event}"
        );
        let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
        assert_eq!(direct(&sns.to_string()), said, "{event}");
    }
}

#[test]
fn a_subscription_to_confirm_asks_for_nothing() {
    let confirmation = r#"{"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:organizations"}"#;
    let Ok(Trigger::Nothing { reason }) = batch(&[confirmation]).remove(0) else {
        panic!("not passed over")
    };
    assert!(
        reason.contains(":organizations asks to confirm"),
        "{reason}"
    );
}

#[test]
fn anything_else_is_an_error_that_says_what_came() {
    for (event, says) in [
        ("nonsense", "not JSON"),
        ("[]", "the event is an array, not an object"),
        (r#"{"accounts": []}"#, "\"accounts\" is empty"),
        (r#"{"accounts": ["alice"]}"#, "is not an AWS account id"),
        (r#"{"users": ["alice"]}"#, "unknown field `users`"),
        (
            r#"{"ou": "ou-ab12-cdef3456"}"#,
            "\"tags\" and \"ou\" need \"accounts\"",
        ),
        (
            r#"{"accounts": ["444455556666"], "ou": "Workloads"}"#,
            "is not an organizational unit's id",
        ),
        (
            r#"{"Records": [{"messageId": "1", "eventSource": "aws:s3", "body": ""}]}"#,
            "records of \"aws:s3\"",
        ),
        (
            r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}}"#,
            "can't handle \"EC2 Instance State-change Notification\"",
        ),
    ] {
        let error = decode(event.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{event}: {error}");
    }
}

#[test]
fn failures_whose_events_have_no_id_are_told_apart_by_their_words_and_their_time() {
    let id = |reason: &str, time: &str| {
        let event = serde_json::json!({
            "version": "0",
            "source": "aws.organizations",
            "detail-type": "AWS Service Event via CloudTrail",
            "account": "111122223333",
            "time": time,
            "detail": {
                "eventName": "CreateAccountResult",
                "serviceEventDetails": {
                    "createAccountStatus": { "state": "FAILED", "failureReason": reason },
                },
            },
        });
        match direct(&event.to_string()) {
            Trigger::Failed(failed) => failed.event,
            other => panic!("{other:?}"),
        }
    };
    let first = id("EMAIL_ALREADY_EXISTS", "2026-11-24T01:00:00Z");
    assert_eq!(first, id("EMAIL_ALREADY_EXISTS", "2026-11-24T01:00:00Z"));
    assert_ne!(first, id("EMAIL_ALREADY_EXISTS", "2026-11-27T01:00:00Z"));
    assert_ne!(first, id("ACCOUNT_LIMIT_EXCEEDED", "2026-11-24T01:00:00Z"));
}
