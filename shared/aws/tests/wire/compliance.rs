//! What notify-compliance asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use banto_aws::{Aws, ComplianceClients};
use banto_domain::compliance::{
    AccountInfo, Compliance, Digest, FindingGroup, FindingKey, FindingState, NotifiedIn,
    OutboxEntry, Resource, RouteState, Severity, Source,
};
use banto_domain::policy::Policy;
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AccountCache, AggregatedFinding, Aggregator, DeliveryCommit, DeliverySchedule, ErrorKind,
    FindingChange, FindingStore, Mail, Mailer, NotificationLog, Outbox, PortError, Queue,
    RouteLease, RouteLock,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::service::{Canned, SECRET, Service, json_answer, json_error};

const POLICY: &str = include_str!("../../../../examples/banto.toml");

impl Service {
    fn compliance(&self) -> ComplianceClients {
        compliance(&self.aws())
    }
}

fn compliance(aws: &Aws) -> ComplianceClients {
    aws.compliance(&Policy::parse(POLICY).unwrap().compliance.unwrap())
}

fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn rule() -> RuleName {
    "iam-user-mfa-enabled".parse().unwrap()
}

fn key(resource: &str) -> FindingKey {
    FindingKey {
        account: account(),
        region: region(),
        rule: rule(),
        resource_type: "AWS::IAM::User".into(),
        resource_id: resource.into(),
    }
}

fn at(minute: i64) -> Timestamp {
    let begun: Timestamp = "2026-11-24T01:00:00.25Z".parse().unwrap();
    begun + SignedDuration::from_mins(minute)
}

fn state(compliance: Compliance) -> FindingState {
    FindingState {
        key: key("AIDA1"),
        compliance,
        recorded_at: at(0),
        last_notified: compliance,
        changes: vec![at(0)],
        damped: false,
    }
}

fn entry(minute: i64) -> OutboxEntry {
    OutboxEntry {
        key: key("AIDA1"),
        recorded_at: at(minute),
        compliance: Compliance::Noncompliant,
        was_notified: false,
        source: Source::Event,
        severity: Severity::High,
        account_name: "payments".into(),
        owner: None,
        annotation: None,
        flapping: false,
    }
}

fn group(open: u32) -> FindingGroup {
    FindingGroup {
        account: account(),
        account_name: "payments".into(),
        owner: None,
        rule: rule(),
        severity: Severity::High,
        notified_in: NotifiedIn::Untracked,
        since: at(0),
        open,
        resolved: 1,
        resources: vec![Resource {
            resource_type: "AWS::IAM::User".into(),
            id: "AIDA1".into(),
            name: Some("alice".into()),
            region: region(),
            compliance: Compliance::Compliant,
            since: at(5),
            annotation: None,
        }],
    }
}

fn digest() -> Digest {
    Digest {
        id: "d1".into(),
        message: None,
        since: at(0),
        rules: BTreeMap::new(),
    }
}

fn account_info() -> AccountInfo {
    AccountInfo {
        id: account(),
        name: "payments".into(),
        path: Vec::new(),
        tags: BTreeMap::new(),
        fetched_at: at(0),
    }
}

fn lease() -> RouteLease {
    RouteLease {
        route: "security".into(),
        holder: "run-1".into(),
        expires_at: at(5),
    }
}

fn change(expected_recorded_at: Option<Timestamp>, entries: usize) -> FindingChange {
    let entries = (0..entries)
        .map(|index| (format!("route-{index}"), entry(0)))
        .collect();
    FindingChange {
        expected_recorded_at,
        after: state(Compliance::Noncompliant),
        entries,
    }
}

fn text(document: &impl Serialize) -> Value {
    json!({ "S": serde_json::to_string(document).unwrap() })
}

fn seconds(at: Timestamp, days: i64) -> Value {
    json!({ "N": (at.as_second() + days * 86_400).to_string() })
}

fn done() -> Canned {
    json_answer(&json!({}))
}

fn pk(text: &str) -> Value {
    json!({ "S": text })
}

fn account_item(sk: &str) -> Value {
    json!({ "pk": pk("account#444455556666"), "sk": pk(sk) })
}

fn route_item(sk: &str) -> Value {
    json!({ "pk": pk("route#security"), "sk": pk(sk) })
}

/// An item as it is kept: its key, its version, and more.
fn versioned(key: Value, more: Value) -> Value {
    with(with(key, json!({ "version": { "N": "1" } })), more)
}

/// An item with more attributes.
fn with(mut item: Value, more: Value) -> Value {
    item.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    item
}

/// A transaction that was cancelled, for these reasons.
fn cancelled(codes: &[&str]) -> Canned {
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "Code": code, "Message": "in words" }))
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
        "CancellationReasons": reasons,
    });
    (400, body.to_string())
}

fn failed<T: Debug>(result: Result<T, PortError>) -> (ErrorKind, &'static str) {
    let error = result.unwrap_err();
    (error.kind, error.call)
}

#[tokio::test]
async fn clients_ask_nothing_before_they_are_used_and_each_service_where_it_is() {
    let (service, mail) = (Service::answering([]), Service::answering([done()]));
    let (all, ses) = (
        format!("http://127.0.0.1:{}", service.port),
        format!("http://127.0.0.1:{}", mail.port),
    );
    let aws = Aws::from_vars(|name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
        "AWS_ENDPOINT_URL" => Some(all.clone()),
        "AWS_ENDPOINT_URL_SESV2" => Some(ses.clone()),
        _ => None,
    });
    let clients = compliance(&aws.unwrap());
    clients.queue.send(&[]).await.unwrap();
    clients.mailer.send(&mail_to_security()).await.unwrap();
    assert_eq!((service.asked().len(), mail.asked().len()), (0, 1));
}

#[tokio::test]
async fn a_finding_that_nobody_is_told_of_is_one_write_on_condition_that_it_is_as_it_was() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    table.save_change(&change(None, 0)).await.unwrap();
    let over = FindingChange {
        expected_recorded_at: Some(at(-1)),
        after: state(Compliance::Compliant),
        entries: Vec::new(),
    };
    table.save_change(&over).await.unwrap();
    let item = |known: &FindingState| {
        versioned(
            account_item(&format!("finding#{}", key("AIDA1").id())),
            json!({ "finding": text(known), "recordedAt": { "S": "2026-11-24T01:00:00.25Z" } }),
        )
    };
    let asked = service.asked();
    assert_eq!(asked[0].operation(), "PutItem");
    let expected = json!({
        "TableName": "banto-compliance",
        "Item": item(&state(Compliance::Noncompliant)),
        "ConditionExpression": "attribute_not_exists(pk)",
    });
    assert_eq!(asked[0].json(), expected);
    let expected = json!({
        "TableName": "banto-compliance",
        "Item": with(item(&over.after), json!({ "expires": seconds(at(0), 400) })),
        "ConditionExpression": "#recordedAt = :expected",
        "ExpressionAttributeNames": { "#recordedAt": "recordedAt" },
        "ExpressionAttributeValues": { ":expected": { "S": "2026-11-24T00:59:00.25Z" } },
    });
    assert_eq!(asked[1].json(), expected);
}

#[tokio::test]
async fn what_is_well_is_kept_for_ever_while_people_believe_otherwise() {
    let service = Service::answering([done()]);
    let after = FindingState {
        last_notified: Compliance::Noncompliant,
        ..state(Compliance::Compliant)
    };
    service
        .compliance()
        .table
        .save_change(&FindingChange {
            expected_recorded_at: None,
            after,
            entries: Vec::new(),
        })
        .await
        .unwrap();
    assert_eq!(service.asked()[0].json()["Item"]["expires"], Value::Null);
}

#[tokio::test]
async fn a_change_is_noted_with_its_entries_all_or_nothing() {
    let service = Service::answering([done()]);
    let entries = vec![
        ("security".to_owned(), entry(0)),
        ("payments".to_owned(), entry(0)),
    ];
    let after = state(Compliance::Noncompliant);
    service
        .compliance()
        .table
        .save_change(&FindingChange {
            expected_recorded_at: Some(at(-1)),
            after,
            entries,
        })
        .await
        .unwrap();
    let asked = &service.asked()[0];
    assert_eq!(asked.operation(), "TransactWriteItems");
    let body = asked.json();
    let items = body["TransactItems"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(
        items[0]["Put"]["ConditionExpression"],
        "#recordedAt = :expected"
    );
    assert_eq!(
        items[0]["Put"]["Item"]["recordedAt"]["S"],
        "2026-11-24T01:00:00.25Z"
    );
    let sk = format!("entry#1795482000250#{}", key("AIDA1").id());
    let put = json!({ "Put": {
        "TableName": "banto-compliance",
        "Item": versioned(route_item(&sk), json!({ "entry": text(&entry(0)) })),
    } });
    assert_eq!(items[1], put);
    assert_eq!(items[2]["Put"]["Item"]["pk"]["S"], "route#payments");
}

#[tokio::test]
async fn a_transaction_is_known_again_by_its_token_when_it_is_tried_again() {
    let in_progress = json_error(
        400,
        "com.amazonaws.dynamodb.v20120810#TransactionInProgressException",
    );
    for failure in [
        (0, String::new()),
        (500, String::new()),
        in_progress,
        cancelled(&["None", "TransactionConflict"]),
    ] {
        let service = Service::answering([failure.clone(), done(), done()]);
        let table = service.compliance().table;
        table.save_change(&change(None, 1)).await.unwrap();
        table.save_change(&change(None, 1)).await.unwrap();
        let tokens: Vec<String> = service
            .asked()
            .iter()
            .map(|asked| asked.json()["ClientRequestToken"].to_string())
            .collect();
        assert_eq!(tokens.len(), 3, "{failure:?}");
        assert!(
            tokens[0].len() > 30 && tokens[0] == tokens[1] && tokens[1] != tokens[2],
            "{failure:?}: {tokens:?}"
        );
    }
}

#[tokio::test]
async fn whoever_is_not_the_first_to_change_something_meets_a_conflict_at_once() {
    let one = json_error(
        400,
        "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    );
    let conflict = json_error(
        400,
        "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
    );
    let service = Service::answering([one.clone(), conflict.clone(), one.clone(), conflict, one]);
    let clients = service.compliance();
    for _ in 0..2 {
        assert_eq!(
            failed(clients.table.save_change(&change(None, 0)).await),
            (ErrorKind::Conflict, "dynamodb:PutItem")
        );
    }
    for _ in 0..2 {
        assert_eq!(
            failed(clients.table.lock_route(&lease(), at(0)).await),
            (ErrorKind::Conflict, "dynamodb:UpdateItem")
        );
    }
    let kept = clients
        .table
        .save_route_state(&lease(), &RouteState::default())
        .await;
    assert_eq!(failed(kept), (ErrorKind::Conflict, "dynamodb:UpdateItem"));
    assert_eq!(service.asked().len(), 5);
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_write_it_failed_for_and_why() {
    let commit = DeliveryCommit {
        groups: Vec::new(),
        digest: None,
        entries: vec![entry(0)],
    };
    for (reasons, kind, call) in [
        (
            ["ConditionalCheckFailed", "None"],
            ErrorKind::Conflict,
            "dynamodb:ConditionCheckItem",
        ),
        (
            ["ConditionalCheckFailed", "ThrottlingError"],
            ErrorKind::Conflict,
            "dynamodb:ConditionCheckItem",
        ),
        (
            ["ValidationError", "ConditionalCheckFailed"],
            ErrorKind::Conflict,
            "dynamodb:DeleteItem",
        ),
        (
            ["None", "ValidationError"],
            ErrorKind::Invalid,
            "dynamodb:DeleteItem",
        ),
    ] {
        let service = Service::answering([cancelled(&reasons)]);
        let error = service
            .compliance()
            .table
            .commit(&lease(), &commit)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (kind, call),
            "{reasons:?}: {error}"
        );
        assert!(error.message.ends_with(": in words"), "{error}");
        assert_eq!(service.asked().len(), 1, "{reasons:?}");
    }
}

#[tokio::test]
async fn what_stays_throttled_or_in_conflict_is_told_as_such() {
    let commit = DeliveryCommit {
        groups: vec![group(1)],
        ..DeliveryCommit::default()
    };
    let throttled = || async {
        let service = Service::answering((0..5).map(|_| cancelled(&["None", "ThrottlingError"])));
        failed(service.compliance().table.commit(&lease(), &commit).await)
    };
    let in_conflict = || async {
        let service =
            Service::answering((0..5).map(|_| cancelled(&["TransactionConflict", "None"])));
        failed(service.compliance().table.commit(&lease(), &commit).await)
    };
    let in_progress = || async {
        let service =
            Service::answering((0..5).map(|_| json_error(400, "TransactionInProgressException")));
        failed(service.compliance().table.commit(&lease(), &commit).await)
    };
    let exceeded = || async {
        let service = Service::answering(
            (0..5).map(|_| json_error(400, "ProvisionedThroughputExceededException")),
        );
        failed(service.compliance().table.delivery_due("security").await)
    };
    let found = tokio::join!(throttled(), in_conflict(), in_progress(), exceeded());
    assert_eq!(found.0, (ErrorKind::Throttled, "dynamodb:PutItem"));
    assert_eq!(
        found.1,
        (ErrorKind::Conflict, "dynamodb:ConditionCheckItem")
    );
    assert_eq!(
        found.2,
        (ErrorKind::Conflict, "dynamodb:ConditionCheckItem")
    );
    assert_eq!(found.3, (ErrorKind::Throttled, "dynamodb:GetItem"));
}

#[tokio::test]
async fn more_than_dynamodb_writes_at_once_is_not_even_asked_for() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    let error = table.save_change(&change(None, 100)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("101 items"), "{error}");
    let entries = |count: i64| (0..count).map(entry).collect();
    let most = DeliveryCommit {
        groups: Vec::new(),
        digest: Some(digest()),
        entries: entries(DeliveryCommit::MAX_ITEMS as i64 + 1),
    };
    assert_eq!(
        table.commit(&lease(), &most).await.unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert_eq!(service.asked().len(), 0);
    table.save_change(&change(None, 99)).await.unwrap();
    table
        .commit(
            &lease(),
            &DeliveryCommit {
                entries: entries(DeliveryCommit::MAX_ITEMS as i64),
                ..most
            },
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn findings_are_read_consistently_a_hundred_at_a_time_and_each_once() {
    let item = versioned(
        account_item("finding#1"),
        json!({ "finding": text(&state(Compliance::Noncompliant)) }),
    );
    let service = Service::answering([
        json_answer(&json!({ "Responses": { "banto-compliance": [item] }, "UnprocessedKeys": {} })),
        json_answer(&json!({ "Responses": { "banto-compliance": [] } })),
    ]);
    let keys: Vec<FindingKey> = (0..150)
        .flat_map(|index| [key(&format!("AIDA{index}")), key("AIDA1")])
        .collect();
    let found = service.compliance().table.findings(&keys).await.unwrap();
    assert_eq!(
        found,
        BTreeMap::from([(key("AIDA1"), state(Compliance::Noncompliant))])
    );
    let asked: Vec<Value> = service
        .asked()
        .iter()
        .map(|asked| asked.json()["RequestItems"]["banto-compliance"].clone())
        .collect();
    let counts: Vec<usize> = asked
        .iter()
        .map(|asked| asked["Keys"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [100, 50]);
    assert!(asked.iter().all(|asked| asked["ConsistentRead"] == true));
    let all: BTreeSet<String> = asked
        .iter()
        .flat_map(|asked| asked["Keys"].as_array().unwrap())
        .map(Value::to_string)
        .collect();
    assert_eq!(all.len(), 150);
    let first = account_item(&format!("finding#{}", key("AIDA1").id()));
    assert!(all.contains(&first.to_string()), "{all:?}");
}

#[tokio::test]
async fn an_item_of_another_version_or_of_none_is_an_error_that_says_what_came_and_what_is_known() {
    for (version, says) in [
        (
            json!({ "version": { "N": "2" } }),
            "has version 2; this Banto knows version 1",
        ),
        (json!({}), "has no version; this Banto knows version 1"),
    ] {
        let finding = with(
            with(account_item("finding#1"), version.clone()),
            json!({ "finding": text(&state(Compliance::Noncompliant)) }),
        );
        let due = with(
            with(route_item("schedule"), version.clone()),
            json!({ "dueAt": { "S": at(1).to_string() } }),
        );
        let state = with(
            with(route_item("state"), version),
            json!({ "state": text(&RouteState::default()) }),
        );
        let service = Service::answering([
            json_answer(&json!({ "Items": [finding] })),
            json_answer(&json!({ "Item": due })),
            json_answer(&json!({ "Attributes": state })),
        ]);
        let table = service.compliance().table;
        let errors = [
            table.findings_of_account(&account()).await.unwrap_err(),
            table.delivery_due("security").await.unwrap_err(),
            table.lock_route(&lease(), at(0)).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.message.contains(says), "{error}");
        }
    }
}

#[tokio::test]
async fn nothing_to_read_is_not_asked_for() {
    let service = Service::answering([]);
    let table = service.compliance().table;
    assert_eq!(table.findings(&[]).await.unwrap().len(), 0);
    assert_eq!(
        table.cached_accounts(&BTreeSet::new()).await.unwrap().len(),
        0
    );
    assert_eq!(
        table
            .groups("security", &BTreeSet::new())
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(table.waiting("security", 0).await.unwrap().len(), 0);
    assert_eq!(service.asked().len(), 0);
}

#[tokio::test]
async fn keys_that_dynamodb_did_not_come_to_are_asked_for_again_but_not_for_ever() {
    let left =
        json!({ "banto-compliance": { "Keys": [route_item("group#2")], "ConsistentRead": true } });
    let item = |id: &str| versioned(route_item(id), json!({ "group": text(&group(1)) }));
    let some =
        json!({ "Responses": { "banto-compliance": [item("group#1")] }, "UnprocessedKeys": left });
    let ids = BTreeSet::from(["1".to_owned(), "2".to_owned()]);
    let service = Service::answering([
        json_answer(&some),
        json_answer(
            &json!({ "Responses": { "banto-compliance": [item("group#2")] }, "UnprocessedKeys": {} }),
        ),
    ]);
    let groups = service
        .compliance()
        .table
        .groups("security", &ids)
        .await
        .unwrap();
    assert_eq!(groups, BTreeMap::from([(group(1).id(), group(1))]));
    assert_eq!(service.asked()[1].json()["RequestItems"], left);
    let service = Service::answering((0..6).map(|_| json_answer(&some)));
    let error = service.compliance().table.groups("security", &ids).await;
    assert_eq!(
        failed(error),
        (ErrorKind::Throttled, "dynamodb:BatchGetItem")
    );
    assert_eq!(service.asked().len(), 6);
}

#[tokio::test]
async fn what_can_not_be_read_is_named_by_its_key_and_never_shown() {
    let torn = |sk: &str, name: &str| {
        versioned(
            route_item(sk),
            json!({ name: { "S": format!("{{\"key\": \"{SECRET}") } }),
        )
    };
    let batch = |item: &Value| json_answer(&json!({ "Responses": { "banto-compliance": [item] } }));
    let query = |item: &Value| json_answer(&json!({ "Items": [item] }));
    let service = Service::answering([
        batch(&torn("finding#1", "finding")),
        query(&torn("finding#1", "finding")),
        query(&torn("entry#1", "entry")),
        batch(&torn("group#1", "group")),
        batch(&route_item("digest#1")),
    ]);
    let (table, ids) = (service.compliance().table, BTreeSet::from(["1".to_owned()]));
    let errors = [
        table.findings(&[key("AIDA1")]).await.unwrap_err(),
        table.findings_of_account(&account()).await.unwrap_err(),
        table.waiting("security", 9).await.unwrap_err(),
        table.groups("security", &ids).await.unwrap_err(),
        table.digests("security", &ids).await.unwrap_err(),
    ];
    for (error, sk) in
        errors
            .iter()
            .zip(["finding#1", "finding#1", "entry#1", "group#1", "digest#1"])
    {
        assert!(
            error.message.contains(&format!("route#security {sk}")),
            "{error}"
        );
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(!format!("{error:?}").contains(&SECRET[..8]), "{error:?}");
    }
}

#[tokio::test]
async fn accounts_and_route_states_that_are_torn_are_as_good_as_none() {
    let torn = json!({ "S": "{" });
    let service = Service::answering([
        json_answer(
            &json!({ "Responses": { "banto-compliance": [versioned(account_item("account"), json!({ "account": torn }))] } }),
        ),
        json_answer(
            &json!({ "Attributes": versioned(route_item("state"), json!({ "state": torn })) }),
        ),
    ]);
    let table = service.compliance().table;
    assert_eq!(
        table
            .cached_accounts(&BTreeSet::from([account()]))
            .await
            .unwrap(),
        BTreeMap::new()
    );
    assert_eq!(
        table.lock_route(&lease(), at(0)).await.unwrap(),
        RouteState::default()
    );
}

#[tokio::test]
async fn accounts_are_cached_for_thirty_days() {
    let item = versioned(
        account_item("account"),
        json!({ "account": text(&account_info()) }),
    );
    let service = Service::answering([
        done(),
        json_answer(&json!({ "Responses": { "banto-compliance": [item] } })),
    ]);
    let table = service.compliance().table;
    table.save_account(&account_info()).await.unwrap();
    assert_eq!(
        table
            .cached_accounts(&BTreeSet::from([account()]))
            .await
            .unwrap(),
        BTreeMap::from([(account(), account_info())])
    );
    let asked = service.asked();
    assert_eq!(
        asked[0].json()["Item"],
        with(item.clone(), json!({ "expires": seconds(at(0), 30) }))
    );
    assert_eq!(
        asked[1].json()["RequestItems"]["banto-compliance"]["Keys"],
        json!([account_item("account")])
    );
}

#[tokio::test]
async fn a_route_is_claimed_where_it_is_free_or_ones_own_or_its_time_is_up() {
    let route_state = RouteState {
        failures: 2,
        ..RouteState::default()
    };
    let service = Service::answering([
        json_answer(
            &json!({ "Attributes": versioned(route_item("state"), json!({ "state": text(&route_state) })) }),
        ),
        json_answer(&json!({ "Attributes": route_item("state") })),
    ]);
    let table = service.compliance().table;
    assert_eq!(
        table.lock_route(&lease(), at(0)).await.unwrap(),
        route_state
    );
    assert_eq!(
        table.lock_route(&lease(), at(0)).await.unwrap(),
        RouteState::default()
    );
    let expected = json!({
        "TableName": "banto-compliance",
        "Key": route_item("state"),
        "UpdateExpression": "SET #holder = :holder, #leaseExpires = :leaseExpires, #version = if_not_exists(#version, :version)",
        "ConditionExpression": "attribute_not_exists(#holder) OR #leaseExpires <= :now OR #holder = :holder",
        "ExpressionAttributeNames": { "#holder": "holder", "#leaseExpires": "leaseExpires", "#version": "version" },
        "ExpressionAttributeValues": {
            ":holder": { "S": "run-1" }, ":now": { "N": "1795482000250" }, ":leaseExpires": { "N": "1795482300250" },
            ":version": { "N": "1" },
        },
        "ReturnValues": "ALL_NEW",
    });
    assert_eq!(service.asked()[0].json(), expected);
}

#[tokio::test]
async fn a_lane_is_kept_by_the_run_that_has_the_route() {
    let service = Service::answering([done()]);
    let route_state = RouteState {
        failures: 2,
        ..RouteState::default()
    };
    service
        .compliance()
        .table
        .save_route_state(&lease(), &route_state)
        .await
        .unwrap();
    let expected = json!({
        "TableName": "banto-compliance",
        "Key": route_item("state"),
        "UpdateExpression": "SET #state = :state, #leaseExpires = :leaseExpires, #version = :version",
        "ConditionExpression": "#holder = :holder",
        "ExpressionAttributeNames": { "#holder": "holder", "#leaseExpires": "leaseExpires", "#state": "state", "#version": "version" },
        "ExpressionAttributeValues": {
            ":holder": { "S": "run-1" }, ":leaseExpires": { "N": "1795482300250" }, ":state": text(&route_state), ":version": { "N": "1" },
        },
    });
    assert_eq!(service.asked()[0].json(), expected);
}

#[tokio::test]
async fn what_was_told_is_noted_and_taken_out_of_the_outbox_by_the_run_that_has_the_route() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    let commit = DeliveryCommit {
        groups: vec![group(0)],
        digest: Some(digest()),
        entries: vec![entry(3)],
    };
    table.commit(&lease(), &commit).await.unwrap();
    let in_table = |rest: Value| with(json!({ "TableName": "banto-compliance" }), rest);
    let group_key = route_item(&format!("group#{}", group(0).id()));
    let entry_key = route_item(&format!("entry#1795482180250#{}", key("AIDA1").id()));
    let expected = json!([
        { "ConditionCheck": in_table(json!({
            "Key": route_item("state"),
            "ConditionExpression": "#holder = :holder",
            "ExpressionAttributeNames": { "#holder": "holder" },
            "ExpressionAttributeValues": { ":holder": { "S": "run-1" } },
        })) },
        { "Put": in_table(json!({
            "Item": versioned(group_key, json!({ "group": text(&group(0)), "expires": seconds(at(5), 90) })),
        })) },
        { "Put": in_table(json!({
            "Item": versioned(route_item("digest#d1"), json!({ "digest": text(&digest()), "expires": seconds(at(0), 400) })),
        })) },
        { "Delete": in_table(json!({ "Key": entry_key })) },
    ]);
    assert_eq!(service.asked()[0].json()["TransactItems"], expected);
    // A group that is open is kept for ever; one without resources has been there since it was
    // told.
    let bare = FindingGroup {
        resources: Vec::new(),
        ..group(0)
    };
    table
        .commit(
            &lease(),
            &DeliveryCommit {
                groups: vec![group(1), bare],
                ..DeliveryCommit::default()
            },
        )
        .await
        .unwrap();
    let items = &service.asked()[1].json()["TransactItems"];
    assert_eq!(items[1]["Put"]["Item"]["expires"], Value::Null);
    assert_eq!(items[2]["Put"]["Item"]["expires"], seconds(at(0), 90));
}

#[tokio::test]
async fn summaries_are_read_by_their_ids() {
    let item = versioned(
        route_item("digest#d1"),
        json!({ "digest": text(&digest()) }),
    );
    let service = Service::answering([json_answer(
        &json!({ "Responses": { "banto-compliance": [item] } }),
    )]);
    let ids = BTreeSet::from(["d1".to_owned()]);
    let digests = service
        .compliance()
        .table
        .digests("security", &ids)
        .await
        .unwrap();
    assert_eq!(digests, BTreeMap::from([("d1".to_owned(), digest())]));
    let asked = &service.asked()[0].json()["RequestItems"]["banto-compliance"];
    assert_eq!(
        *asked,
        json!({ "Keys": [route_item("digest#d1")], "ConsistentRead": true })
    );
}

#[tokio::test]
async fn entries_wait_in_order_and_are_read_page_by_page_until_there_are_enough() {
    let page = |minutes: &[i64], last: Option<&str>| {
        let items: Vec<Value> = minutes
            .iter()
            .map(|minute| {
                versioned(
                    route_item("entry#"),
                    json!({ "entry": text(&entry(*minute)) }),
                )
            })
            .collect();
        json_answer(&json!({ "Items": items, "LastEvaluatedKey": last.map(route_item) }))
    };
    let service = Service::answering([
        page(&[1, 2], Some("entry#2")),
        page(&[], Some("entry#2")),
        page(&[3], Some("entry#3")),
    ]);
    let waiting = service
        .compliance()
        .table
        .waiting("security", 3)
        .await
        .unwrap();
    assert_eq!(waiting, [entry(1), entry(2), entry(3)]);
    let asked: Vec<Value> = service.asked().iter().map(|asked| asked.json()).collect();
    let expected = json!({
        "TableName": "banto-compliance",
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": { ":pk": { "S": "route#security" }, ":prefix": { "S": "entry#" } },
        "Limit": 3,
    });
    assert_eq!(asked[0], expected);
    assert_eq!(
        asked[2],
        with(
            expected,
            json!({ "Limit": 1, "ExclusiveStartKey": route_item("entry#2") })
        )
    );
}

#[tokio::test]
async fn every_finding_of_an_account_is_read_whatever_the_pages() {
    let item = versioned(
        account_item("finding#1"),
        json!({ "finding": text(&state(Compliance::Noncompliant)) }),
    );
    let service = Service::answering([
        json_answer(&json!({ "Items": [item], "LastEvaluatedKey": account_item("finding#1") })),
        json_answer(&json!({ "Items": [item] })),
    ]);
    let found = service
        .compliance()
        .table
        .findings_of_account(&account())
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    let asked = service.asked()[1].json();
    assert_eq!(asked["ExclusiveStartKey"], account_item("finding#1"));
    let values = json!({ ":pk": { "S": "account#444455556666" }, ":prefix": { "S": "finding#" } });
    assert_eq!(
        (
            &asked["ExpressionAttributeValues"],
            &asked["ConsistentRead"]
        ),
        (&values, &json!(true))
    );
    assert_eq!(asked["Limit"], Value::Null);
}

#[tokio::test]
async fn a_message_to_come_and_a_notice_that_was_said_are_remembered() {
    let service = Service::answering([
        done(),
        json_answer(
            &json!({ "Item": versioned(route_item("schedule"), json!({ "dueAt": { "S": at(1).to_string() } })) }),
        ),
        done(),
        done(),
        json_answer(
            &json!({ "Item": { "pk": pk("notice#n"), "sk": pk("sent"), "version": { "N": "1" }, "sentAt": { "S": at(0).to_string() } } }),
        ),
        done(),
    ]);
    let table = service.compliance().table;
    assert_eq!(table.delivery_due("security").await.unwrap(), None);
    assert_eq!(table.delivery_due("security").await.unwrap(), Some(at(1)));
    table.save_delivery_due("security", at(1)).await.unwrap();
    assert_eq!(table.notified_at("n").await.unwrap(), None);
    assert_eq!(table.notified_at("n").await.unwrap(), Some(at(0)));
    table.save_notified("n", at(0)).await.unwrap();
    let asked = service.asked();
    let expected = json!({ "TableName": "banto-compliance", "Key": route_item("schedule"), "ConsistentRead": true });
    assert_eq!(asked[0].json(), expected);
    assert_eq!(
        asked[2].json()["Item"],
        versioned(
            route_item("schedule"),
            json!({ "dueAt": { "S": at(1).to_string() } })
        )
    );
    let said = json!({ "pk": pk("notice#n"), "sk": pk("sent"), "version": { "N": "1" }, "sentAt": { "S": at(0).to_string() }, "expires": seconds(at(0), 30) });
    assert_eq!(asked[5].json()["Item"], said);
}

#[tokio::test]
async fn a_table_that_is_missing_or_forbidden_is_told_as_such() {
    let service = Service::answering([
        json_error(
            400,
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        ),
        json_error(400, "com.amazon.coral.service#AccessDeniedException"),
    ]);
    let table = service.compliance().table;
    assert_eq!(
        failed(table.notified_at("n").await),
        (ErrorKind::Missing, "dynamodb:GetItem")
    );
    assert_eq!(
        failed(table.save_change(&change(None, 1)).await),
        (ErrorKind::Denied, "dynamodb:PutItem")
    );
}

#[tokio::test]
async fn an_accounts_rules_are_read_through_empty_pages_and_only_compliant_ones_find_nothing() {
    let result = |rule: &str, compliance: &str| {
        json!({
            "ConfigRuleName": rule, "AccountId": "444455556666", "AwsRegion": "eu-west-1",
            "Compliance": { "ComplianceType": compliance },
        })
    };
    let page = |results: &[Value], token: Option<&str>| {
        json_answer(&json!({ "AggregateComplianceByConfigRules": results, "NextToken": token }))
    };
    let service = Service::answering([
        page(&[], Some("one")),
        page(
            &[result("a", "COMPLIANT"), result("b", "NON_COMPLIANT")],
            Some("two"),
        ),
        page(&[result("c", "INSUFFICIENT_DATA")], None),
    ]);
    let rules = service
        .compliance()
        .aggregator
        .rules(&account())
        .await
        .unwrap();
    let expected = [("a", false), ("b", true), ("c", true)];
    let expected =
        expected.map(|(rule, finds)| ((region(), rule.parse::<RuleName>().unwrap()), finds));
    assert_eq!(rules, BTreeMap::from(expected));
    let asked = service.asked();
    let first = json!({ "ConfigurationAggregatorName": "banto", "Filters": { "AccountId": "444455556666" } });
    assert_eq!(asked[0].json(), first);
    assert_eq!(asked[2].json()["NextToken"], "two");
}

fn evaluated(resource: &str) -> Value {
    json!({
        "EvaluationResultIdentifier": { "EvaluationResultQualifier": {
            "ConfigRuleName": rule(), "ResourceType": "AWS::IAM::User", "ResourceId": resource,
        }, "OrderingTimestamp": 1_795_400_000 },
        "ComplianceType": "NON_COMPLIANT", "ResultRecordedTime": 1_795_482_000.25, "Annotation": "no MFA",
        "AccountId": "444455556666", "AwsRegion": "eu-west-1",
    })
}

#[tokio::test]
async fn what_a_rule_finds_is_read_through_empty_pages() {
    let page = |results: &[Value], token: Option<&str>| {
        json_answer(&json!({ "AggregateEvaluationResults": results, "NextToken": token }))
    };
    let bare = with(evaluated("AIDA2"), json!({ "Annotation": null }));
    let service = Service::answering([
        page(&[], Some("one")),
        page(&[evaluated("AIDA1")], Some("two")),
        page(&[bare], None),
    ]);
    let found = service
        .compliance()
        .aggregator
        .findings(&account(), &region(), &rule())
        .await
        .unwrap();
    let expected = [
        AggregatedFinding {
            key: key("AIDA1"),
            recorded_at: at(0),
            annotation: Some("no MFA".into()),
        },
        AggregatedFinding {
            key: key("AIDA2"),
            recorded_at: at(0),
            annotation: None,
        },
    ];
    assert_eq!(found, expected);
    let expected = json!({
        "ConfigurationAggregatorName": "banto", "ConfigRuleName": "iam-user-mfa-enabled", "AccountId": "444455556666",
        "AwsRegion": "eu-west-1", "ComplianceType": "NON_COMPLIANT", "Limit": 100, "NextToken": "two",
    });
    assert_eq!(service.asked()[2].json(), expected);
}

#[tokio::test]
async fn an_answer_of_the_aggregator_that_lacks_something_is_an_error_and_no_silence() {
    let rule_result = |more: Value| {
        let result =
            json!({ "ConfigRuleName": "a", "AccountId": "444455556666", "AwsRegion": "eu-west-1" });
        json_answer(&json!({ "AggregateComplianceByConfigRules": [with(result, more)] }))
    };
    for (more, lack) in [
        (json!({ "AccountId": null }), "the account"),
        (json!({ "AccountId": "555566667777" }), "the account"),
        (json!({ "AwsRegion": null }), "region"),
        (json!({ "ConfigRuleName": "" }), "name"),
    ] {
        let error = Service::answering([rule_result(more)])
            .compliance()
            .aggregator
            .rules(&account())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (
                ErrorKind::Unavailable,
                "config:DescribeAggregateComplianceByConfigRules"
            )
        );
        assert!(error.message.contains(lack), "{error}");
    }
    let qualifier =
        |of: Value| json!({ "EvaluationResultIdentifier": { "EvaluationResultQualifier": of } });
    for more in [
        json!({ "AccountId": null }),
        json!({ "AwsRegion": "us-east-1" }),
        json!({ "EvaluationResultIdentifier": null }),
        qualifier(
            json!({ "ConfigRuleName": "another", "ResourceType": "AWS::IAM::User", "ResourceId": "AIDA1" }),
        ),
        qualifier(json!({ "ConfigRuleName": rule(), "ResourceType": "AWS::IAM::User" })),
        json!({ "ResultRecordedTime": null }),
    ] {
        let answer =
            json!({ "AggregateEvaluationResults": [with(evaluated("AIDA1"), more.clone())] });
        let service = Service::answering([json_answer(&answer)]);
        let found = service
            .compliance()
            .aggregator
            .findings(&account(), &region(), &rule())
            .await;
        assert_eq!(failed(found).0, ErrorKind::Unavailable, "{more}");
    }
}

#[tokio::test]
async fn names_are_asked_for_a_hundred_at_a_time_each_resource_once_and_only_of_types_that_have_one()
 {
    let item = |region: &str, id: &str, name: Value| json!({ "accountId": "444455556666", "awsRegion": region, "resourceType": "AWS::IAM::User", "resourceId": id, "resourceName": name });
    let left = json!([{ "SourceAccountId": "444455556666", "SourceRegion": "eu-west-1", "ResourceType": "AWS::IAM::User", "ResourceId": "AIDA4" }]);
    let service = Service::answering([
        json_answer(&json!({ "BaseConfigurationItems": [
            item("global", "AIDA1", json!("alice")), item("eu-west-1", "AIDA2", json!("AIDA2")), item("eu-west-1", "AIDA3", json!(null)),
        ], "UnprocessedResourceIdentifiers": left })),
        json_answer(&json!({ "BaseConfigurationItems": [] })),
    ]);
    let mut keys: Vec<FindingKey> = (0..101).map(|index| key(&format!("AIDA{index}"))).collect();
    let again = FindingKey {
        rule: "iam-user-unused-credentials-check".parse().unwrap(),
        ..key("AIDA1")
    };
    keys.push(again.clone());
    keys.push(FindingKey {
        resource_type: "AWS::::Account".into(),
        ..key("444455556666")
    });
    let names = service.compliance().aggregator.names(&keys).await.unwrap();
    assert_eq!(
        names,
        BTreeMap::from([
            (key("AIDA1"), "alice".to_owned()),
            (again, "alice".to_owned())
        ])
    );
    let asked: Vec<Value> = service
        .asked()
        .iter()
        .map(|asked| asked.json()["ResourceIdentifiers"].clone())
        .collect();
    assert_eq!(
        (
            asked[0].as_array().unwrap().len(),
            asked[1].as_array().unwrap().len()
        ),
        (100, 1)
    );
    assert!(!asked[0].to_string().contains("AWS::::Account"));
    assert!(
        asked[0].as_array().unwrap().contains(&left[0]),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn an_aggregator_that_is_missing_is_told_as_such_and_throttling_is_tried_again() {
    let service = Service::answering([
        json_error(400, "ThrottlingException"),
        json_error(400, "NoSuchConfigurationAggregatorException"),
    ]);
    let aggregator = service.compliance().aggregator;
    let call = "config:DescribeAggregateComplianceByConfigRules";
    assert_eq!(
        failed(aggregator.rules(&account()).await),
        (ErrorKind::Missing, call)
    );
    assert_eq!(service.asked().len(), 2);
}

fn mail_to_security() -> Mail {
    Mail {
        from: "banto@example.com".into(),
        to: vec!["security@example.com".into(), "sre@example.com".into()],
        subject: "番頭: 3 findings".into(),
        text: "plain".into(),
        html: "<p>rich</p>".into(),
    }
}

#[tokio::test]
async fn a_mail_goes_out_as_text_and_as_html() {
    let service = Service::answering([json_answer(&json!({ "MessageId": "1" }))]);
    service
        .compliance()
        .mailer
        .send(&mail_to_security())
        .await
        .unwrap();
    let asked = &service.asked()[0];
    assert!(
        asked.line.starts_with("POST /v2/email/outbound-emails "),
        "{}",
        asked.line
    );
    assert!(
        asked.header("authorization").contains("/eu-west-1/ses/"),
        "{}",
        asked.header("authorization")
    );
    let content = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    let expected = json!({
        "FromEmailAddress": "banto@example.com",
        "Destination": { "ToAddresses": ["security@example.com", "sre@example.com"] },
        "Content": { "Simple": {
            "Subject": content("番頭: 3 findings"),
            "Body": { "Text": content("plain"), "Html": content("<p>rich</p>") },
        } },
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn a_mail_that_ses_does_not_take_is_told_as_what_it_is() {
    for (status, code, kind) in [
        (400, "MessageRejected", ErrorKind::Invalid),
        (
            400,
            "MailFromDomainNotVerifiedException",
            ErrorKind::Invalid,
        ),
        (400, "SendingPausedException", ErrorKind::Unavailable),
        (400, "AccountSuspendedException", ErrorKind::Denied),
        (403, "AccessDeniedException", ErrorKind::Denied),
    ] {
        let service = Service::answering([json_error(status, code)]);
        let error = service
            .compliance()
            .mailer
            .send(&mail_to_security())
            .await
            .unwrap_err();
        assert_eq!(
            error,
            PortError::new(kind, "ses:SendEmail", format!("{code}: in words"))
        );
        assert_eq!(service.asked().len(), 1, "{code}");
    }
    let service = Service::answering([
        json_error(429, "TooManyRequestsException"),
        json_answer(&json!({})),
    ]);
    service
        .compliance()
        .mailer
        .send(&mail_to_security())
        .await
        .unwrap();
}
