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
fn a_failed_creation_has_no_account_and_keeps_its_reason() {
    let failed = |subject: &str, reason: &str| {
        Trigger::CreationFailed(CreationFailed {
            subject: subject.into(),
            reason: reason.into(),
        })
    };
    assert_eq!(
        decoded("create-account-result-failed"),
        failed(
            "car-examplecreateaccountrequestid111",
            "EMAIL_ALREADY_EXISTS"
        )
    );
    let message = "AWS Control Tower can't create the account: the email address is in use.";
    assert_eq!(
        decoded("create-managed-account-failed"),
        failed("an account", message)
    );
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
            r#"{"source": "aws.organizations", "detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": "CreatePolicy"}}"#,
            "can't handle \"CreatePolicy\"",
        ),
        (
            r#"{"source": "aws.organizations", "detail-type": "AWS Service Event via CloudTrail",
                "detail": {"eventName": "CreateAccountResult", "serviceEventDetails": {"createAccountStatus": {"state": "SUCCEEDED"}}}}"#,
            "lacks an account id",
        ),
    ] {
        let error = decode(event.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{event}: {error}");
    }
}
