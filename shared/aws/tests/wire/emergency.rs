//! What is asked where a key is exposed: of CloudTrail, of a user's sessions, of a message that
//! waits.

use std::time::Duration;

use banto_domain::CredentialId;
use banto_ports::{Activity, ErrorKind, KeyCreation, PortError, Received, Trail, UserSessions};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::{alice, identity};
use crate::service::{Canned, Service, json_answer, json_error, xml, xml_error};

const KEY: &str = "AKIAI44QH8DHBEXAMPLE";
const POLICY: &str = "arn:aws:iam::111122223333:policy/banto/deny-temporary-credentials";
const ROLE: &str = "arn:aws:iam::111122223333:role/banto";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Midnight two days ago: CloudTrail remembers 90 days from now.
fn midnight() -> Timestamp {
    const DAY: i64 = 24 * 60 * 60;
    let today = Timestamp::now().as_second() / DAY;
    Timestamp::from_second((today - 2) * DAY).unwrap()
}

fn credential() -> CredentialId {
    "ASIAIOSFODNN7EXAMPLE".parse().unwrap()
}

/// An event of the history, with the fields that CloudTrail repeats around it.
fn entry(event: &Value) -> Value {
    json!({
        "EventId": "cfe4db05-1e37-4e12-a8ae-d9a1cbe1dd7c",
        "EventName": event["eventName"],
        "EventTime": 1_780_000_000.0,
        "Username": "banto",
        "Resources": [],
        "CloudTrailEvent": event.to_string(),
    })
}

fn page(events: &[Value], next: Option<&str>) -> Canned {
    let events: Vec<Value> = events.iter().map(entry).collect();
    let mut page = json!({ "Events": events });
    if let Some(next) = next {
        page["NextToken"] = next.into();
    }
    json_answer(&page)
}

/// The identity of a role's session. (CloudTrail user guide, "CloudTrail userIdentity element".)
fn role_session() -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": "AROAIDPPEZS35WEXAMPLE:banto",
        "arn": "arn:aws:sts::111122223333:assumed-role/banto/banto",
        "accountId": "111122223333",
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": "AROAIDPPEZS35WEXAMPLE", "arn": ROLE,
                "accountId": "111122223333", "userName": "banto",
            },
            "attributes": { "mfaAuthenticated": "false", "creationDate": "2026-11-24T00:59:00Z" },
        },
    })
}

/// The identity of a user's session. (The same.)
fn user_session() -> Value {
    json!({
        "type": "IAMUser", "principalId": "AIDAJ45Q7YFFAREXAMPLE", "userName": "alice",
        "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333",
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": { "attributes": { "mfaAuthenticated": "true" } },
    })
}

fn created(identity: Value, user: &Value, key: &str) -> Value {
    json!({
        "eventVersion": "1.08", "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey",
        "eventTime": "2026-11-24T01:00:00Z", "awsRegion": "us-east-1", "userIdentity": identity,
        "requestParameters": { "userName": user },
        "responseElements": {
            "accessKey": {
                "accessKeyId": key, "userName": user, "status": "Active",
                "createDate": "Nov 24, 2026 1:00:00 AM",
            },
        },
    })
}

fn assumed(role: &str) -> Value {
    json!({
        "eventVersion": "1.08", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "eventTime": "2026-11-24T01:05:00Z", "userIdentity": user_session(),
        "requestParameters": { "roleArn": role, "roleSessionName": "x" },
        "responseElements": { "credentials": { "accessKeyId": "ASIAI44QH8DHBEXAMPLE" } },
    })
}

/// The event as one that was refused.
fn refused(mut event: Value) -> Value {
    event["errorCode"] = "AccessDenied".into();
    event["responseElements"] = Value::Null;
    event
}

async fn creations(service: &Service) -> Result<Vec<KeyCreation>, PortError> {
    let (from, until) = (midnight(), midnight() + Duration::from_millis(7_200_500));
    service.account().trail.key_creations(from, until).await
}

async fn activity(service: &Service) -> Result<Activity, PortError> {
    let trail = service.account().trail;
    trail.activity(&credential(), midnight()).await
}

#[tokio::test]
async fn created_keys_are_looked_up_where_iams_events_are() {
    let service = Service::answering([
        page(
            &[created(role_session(), &json!("alice"), KEY)],
            Some("next"),
        ),
        page(
            &[created(
                user_session(),
                &json!("bob"),
                "AKIAIOSFODNN7EXAMPLE",
            )],
            None,
        ),
    ]);
    let found = creations(&service).await.unwrap();
    let by_role = KeyCreation {
        key: KEY.parse().unwrap(),
        user: alice(),
        at: at("2026-11-24T01:00:00Z"),
        by_role: Some(ROLE.parse().unwrap()),
    };
    assert_eq!(found[0], by_role);
    assert_eq!((found[1].user.as_str(), &found[1].by_role), ("bob", &None));
    let asked = service.asked();
    assert_eq!(
        asked[0].header("x-amz-target"),
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
    );
    assert_eq!(
        asked[0].header("content-type"),
        "application/x-amz-json-1.1"
    );
    let signed = asked[0].header("authorization");
    assert!(signed.contains("/us-east-1/cloudtrail/"), "{signed}");
    let mut query = json!({
        "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": "CreateAccessKey" }],
        "StartTime": midnight().as_second(),
        "EndTime": midnight().as_second() + 7_200,
        "MaxResults": 50,
    });
    assert_eq!(asked[0].json(), query);
    query["NextToken"] = "next".into();
    assert_eq!(
        asked[1].json(),
        query,
        "a page is asked for with the same parameters"
    );
}

#[tokio::test]
async fn refused_creations_and_keys_of_the_root_user_are_passed_over() {
    let mut told_nonetheless = created(role_session(), &json!("alice"), KEY);
    told_nonetheless["errorCode"] = "LimitExceededException".into();
    let service = Service::answering([page(
        &[
            refused(created(role_session(), &json!("alice"), KEY)),
            told_nonetheless,
            created(json!({ "type": "Root" }), &Value::Null, KEY),
        ],
        None,
    )]);
    assert_eq!(creations(&service).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_list_of_created_keys_that_is_not_whole_is_an_error() {
    let torn = json_answer(&json!({ "Events": [{ "CloudTrailEvent": "{\"eventName\"" }] }));
    let service = Service::answering([torn, (200, "[]".to_owned())]);
    for says in ["the answer lacks a whole event", "events that can be read"] {
        let error = creations(&service).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn what_cloudtrail_has_forgotten_is_not_taken_for_what_never_was() {
    let service = Service::answering([page(&[assumed(ROLE)], None)]);
    let trail = service.account().trail;
    let now = Timestamp::now();
    let before = now - Duration::from_secs(91 * 24 * 60 * 60);
    let error = trail.key_creations(before, now).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(error.message.contains("90 days"), "{error}");
    let seen = trail.activity(&credential(), before).await.unwrap();
    assert!(!seen.is_complete);
    assert_eq!(seen.user, Some(alice()), "what it remembers still counts");
    let [asked] = &service.asked()[..] else {
        panic!("the keys are not looked up in vain");
    };
    let since = asked.json()["StartTime"].as_i64().unwrap();
    let age = now.as_second() - since;
    assert!((89 * 86_400..90 * 86_400).contains(&age), "{age}");
}

/// Takes four seconds: CloudTrail's rate is held to.
#[tokio::test]
async fn ten_pages_are_read_and_whatever_is_beyond_is_told() {
    let pages = || (0..11).map(|_| page(&[refused(assumed(ROLE))], Some("next")));
    let (of_keys, of_credential) = (Service::answering(pages()), Service::answering(pages()));
    let begun = std::time::Instant::now();
    let (keys, seen) = tokio::join!(creations(&of_keys), activity(&of_credential));
    assert!(begun.elapsed() >= Duration::from_millis(3_900));
    let error = keys.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert_eq!(error.message, "more than the 500 events that are read");
    assert!(!seen.unwrap().is_complete);
    assert_eq!(
        (of_keys.asked().len(), of_credential.asked().len()),
        (10, 10)
    );
}

#[tokio::test]
async fn a_credentials_activity_is_its_user_and_what_was_created_and_assumed_with_it() {
    let elsewhere = "arn:aws:iam::444455556666:role/admin";
    let service = Service::answering([page(
        &[
            assumed(elsewhere),
            refused(assumed("arn:aws:iam::444455556666:role/forbidden")),
            created(user_session(), &json!("bob"), KEY),
            refused(created(user_session(), &json!("carol"), KEY)),
            assumed(elsewhere),
            assumed(ROLE),
        ],
        None,
    )]);
    let seen = activity(&service).await.unwrap();
    assert_eq!(seen.user, Some(alice()));
    assert_eq!(seen.role, None);
    let users: Vec<_> = seen.created.iter().map(|key| key.user.as_str()).collect();
    assert_eq!(users, ["bob"]);
    let roles: Vec<_> = seen.assumed.iter().map(|role| role.as_str()).collect();
    assert_eq!(roles, [elsewhere, ROLE], "each once");
    assert!(seen.is_complete);
    assert_eq!(
        service.asked()[0].json(),
        json!({
            "LookupAttributes": [{ "AttributeKey": "AccessKeyId", "AttributeValue": credential() }],
            "StartTime": midnight().as_second(),
            "MaxResults": 50,
        })
    );
}

#[tokio::test]
async fn whose_session_a_credential_is_is_told_by_its_events() {
    let federated = json!({
        "type": "FederatedUser", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": { "sessionIssuer": {
            "type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice",
        } },
    });
    let by = |identity: Value| {
        page(
            &[
                json!({ "eventName": "ListBuckets", "eventTime": "2026-11-24T01:00:00Z", "userIdentity": identity }),
            ],
            None,
        )
    };
    let service = Service::answering([
        by(role_session()),
        by(federated),
        by(json!({ "type": "Root" })),
        by(json!({ "type": "IAMUser", "userName": "mallory", "accessKeyId": KEY })),
        page(&[], None),
    ]);
    let role = activity(&service).await.unwrap();
    assert_eq!((role.user, role.role), (None, Some(ROLE.parse().unwrap())));
    let federated = activity(&service).await.unwrap();
    assert_eq!((federated.user, federated.role), (Some(alice()), None));
    let nobody = Activity {
        is_complete: true,
        ..Activity::default()
    };
    for _ in [
        "the root user",
        "an event that another key signed",
        "no event",
    ] {
        assert_eq!(activity(&service).await.as_ref(), Ok(&nobody));
    }
}

#[tokio::test]
async fn an_event_that_can_not_be_read_leaves_the_activity_incomplete() {
    let mut events = vec![entry(&assumed(ROLE)), entry(&assumed("not a role"))];
    events.push(json!({ "EventId": "x" }));
    let service = Service::answering([json_answer(&json!({ "Events": events }))]);
    let seen = activity(&service).await.unwrap();
    assert!(!seen.is_complete);
    assert_eq!(seen.assumed, [ROLE.parse().unwrap()]);
}

#[tokio::test]
async fn a_look_up_that_is_throttled_is_tried_again_and_one_that_is_forbidden_is_not() {
    let throttled = || json_error(400, "ThrottlingException");
    let service = Service::answering([throttled(), throttled(), page(&[], None)]);
    assert!(activity(&service).await.unwrap().is_complete);
    assert_eq!(service.asked().len(), 3);
    let service = Service::answering([json_error(400, "AccessDeniedException")]);
    let says = "AccessDeniedException: in words";
    let expected = PortError::new(ErrorKind::Denied, "cloudtrail:LookupEvents", says);
    assert_eq!(activity(&service).await, Err(expected));
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn each_partition_is_asked_where_its_iam_is() {
    for (partition, region) in [
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-eusc", "eusc-de-east-1"),
    ] {
        let service = Service::answering([page(&[], None), xml("AttachUserPolicy", "")]);
        let mut identity = identity(false);
        identity.role = ROLE
            .replace(":aws:", &format!(":{partition}:"))
            .parse()
            .unwrap();
        let account = service.aws().account(&identity, None);
        let since = midnight();
        account.trail.activity(&credential(), since).await.unwrap();
        account.sessions.deny(&alice()).await.unwrap();
        let asked = service.asked();
        let signed = asked[0].header("authorization");
        assert!(
            signed.contains(&format!("/{region}/cloudtrail/")),
            "{signed}"
        );
        let policy = format!("PolicyArn=arn%3A{partition}%3Aiam%3A%3A111122223333%3Apolicy");
        assert!(asked[1].body.contains(&policy), "{}", asked[1].body);
    }
}

#[tokio::test]
async fn sessions_are_denied_and_allowed_by_one_policy() {
    let service = Service::answering([
        xml("AttachUserPolicy", ""),
        xml("DetachUserPolicy", ""),
        xml_error(404, "NoSuchEntity"),
    ]);
    let sessions = service.account().sessions;
    sessions.deny(&alice()).await.unwrap();
    sessions.allow(&alice()).await.unwrap();
    sessions.allow(&alice()).await.unwrap();
    let policy = POLICY.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(service.asked().len(), 3);
    for (asked, operation) in
        service
            .asked()
            .iter()
            .zip(["AttachUserPolicy", "DetachUserPolicy", "DetachUserPolicy"])
    {
        assert_eq!(asked.operation(), operation);
        assert!(asked.body.contains("UserName=alice"), "{}", asked.body);
        assert!(
            asked.body.contains(&format!("PolicyArn={policy}")),
            "{}",
            asked.body
        );
    }
}

#[tokio::test]
async fn a_denial_that_fails_says_why() {
    for (status, code, kind) in [
        (409, "LimitExceeded", ErrorKind::LimitExceeded),
        (404, "NoSuchEntity", ErrorKind::Missing),
        (403, "AccessDenied", ErrorKind::Denied),
    ] {
        let service = Service::answering([xml_error(status, code)]);
        let error = service.account().sessions.deny(&alice()).await.unwrap_err();
        let expected = PortError::new(kind, "iam:AttachUserPolicy", format!("{code}: in words"));
        assert_eq!(error, expected);
    }
    let service = Service::answering([xml_error(403, "AccessDenied")]);
    let error = service
        .account()
        .sessions
        .allow(&alice())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.call),
        (ErrorKind::Denied, "iam:DetachUserPolicy")
    );
}

fn received() -> Received {
    Received {
        queue: "https://sqs.ap-south-1.amazonaws.com/111122223333/banto-rotation"
            .parse()
            .unwrap(),
        receipt: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned(),
    }
}

#[tokio::test]
async fn a_message_is_hidden_in_its_own_queue_for_whole_seconds() {
    let times = [
        (Duration::from_secs(90), 90),
        (Duration::from_millis(1), 1),
        (Duration::from_secs(42_000), 42_000),
        (Duration::from_secs(43_200), 42_000),
        (Duration::MAX, 42_000),
        (Duration::ZERO, 0),
    ];
    let service = Service::answering(times.map(|_| (200, String::new())));
    let messages = service.aws().received_messages();
    for (time, _) in times {
        messages.hide(&received(), time).await.unwrap();
    }
    assert_eq!(service.asked().len(), times.len());
    for (asked, (_, seconds)) in service.asked().iter().zip(times) {
        assert_eq!(
            asked.header("x-amz-target"),
            "AmazonSQS.ChangeMessageVisibility"
        );
        assert_eq!(asked.header("content-type"), "application/x-amz-json-1.0");
        assert!(asked.header("authorization").contains("/ap-south-1/sqs/"));
        assert_eq!(
            asked.json(),
            json!({
                "QueueUrl": received().queue, "ReceiptHandle": received().receipt,
                "VisibilityTimeout": seconds,
            })
        );
    }
}

#[tokio::test]
async fn a_message_that_is_no_longer_handed_over_can_not_be_hidden() {
    let code = "com.amazonaws.sqs#MessageNotInflight";
    let service = Service::answering([json_error(400, code), json_error(403, "AccessDenied")]);
    let messages = service.aws().received_messages();
    let hide = async || messages.hide(&received(), Duration::from_secs(60)).await;
    let says = "MessageNotInflight: in words";
    let call = "sqs:ChangeMessageVisibility";
    assert_eq!(
        hide().await,
        Err(PortError::new(ErrorKind::Invalid, call, says))
    );
    assert_eq!(hide().await.unwrap_err().kind, ErrorKind::Denied);
}
