//! Requests to the table of accounts, and about the dashboard's object.

use std::collections::BTreeSet;

use banto_domain::PerPlace;
use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{AccountRow, AccountStatuses, Dashboard, Held, LastNotified, Told};
use serde_json::{Value, json};

use crate::organization::{account, region};
use crate::service::{Canned, Service, json_answer};

fn in_place() -> AccountStatus {
    AccountStatus {
        account: account(),
        name: "payments".into(),
        checked_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        conditions: PerPlace {
            account: Condition::InPlace,
            regions: [(region(), Condition::InPlace)].into(),
        },
    }
}

fn repairs() -> BTreeSet<String> {
    ["recorder banto: started", "role admin: trust"]
        .map(str::to_owned)
        .into()
}

fn ready() -> LastNotified {
    LastNotified {
        mark: "ready".into(),
        at: "2026-11-24T02:00:00Z".parse().unwrap(),
    }
}

/// An item with everything that one may have.
fn full_item() -> Value {
    json!({
        "account": { "S": "444455556666" },
        "status": { "S": serde_json::to_string(&in_place()).unwrap() },
        "lastNotified": { "S": "ready" },
        "notifiedAt": { "S": "2026-11-24T02:00:00Z" },
        "repairs": { "SS": ["recorder banto: started", "role admin: trust"] },
        "heldCondition": { "S": "failed" },
        "heldSince": { "S": "2026-11-21T01:00:00Z" },
        "version": { "N": "1" },
    })
}

fn full_row() -> AccountRow {
    AccountRow {
        status: Some(in_place()),
        last_notified: Some(ready()),
        repairs: repairs(),
        held: Some(failed()),
    }
}

fn failed() -> Held {
    Held {
        condition: "failed".into(),
        since: "2026-11-21T01:00:00Z".parse().unwrap(),
    }
}

/// The update of an item, its names and values aside.
fn update(expression: &str, names: Value, values: Value) -> Value {
    json!({
        "TableName": "banto-accounts",
        "Key": { "account": { "S": "444455556666" } },
        "UpdateExpression": expression,
        "ConditionExpression": "attribute_not_exists(account) OR #version = :version",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValues": "ALL_OLD",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    })
}

#[tokio::test]
async fn a_row_is_read_as_it_is_now_with_all_or_any_of_its_parts() {
    let with = |name: &str| {
        let version = json!({ "version": { "N": "1" }, "account": { "S": "444455556666" } });
        let mut item = version.as_object().unwrap().clone();
        item.insert(name.to_owned(), full_item()[name].clone());
        json!({ "Item": item })
    };
    let repaired = AccountRow {
        repairs: repairs(),
        ..AccountRow::default()
    };
    let looked_at = AccountRow {
        status: Some(in_place()),
        ..AccountRow::default()
    };
    for (answer, row) in [
        (json!({}), AccountRow::default()),
        (json!({ "Item": full_item() }), full_row()),
        (with("repairs"), repaired),
        (with("status"), looked_at),
    ] {
        let service = Service::answering([json_answer(&answer)]);
        let statuses = service.organization().statuses;
        assert_eq!(statuses.row(&account()).await, Ok(row));
        let asked = json!({ "TableName": "banto-accounts", "Key": { "account": { "S": "444455556666" } }, "ConsistentRead": true });
        assert_eq!(service.asked()[0].json(), asked);
    }
}

#[tokio::test]
async fn a_status_is_saved_beside_everything_else_and_answers_with_the_row_before() {
    let service = Service::answering([
        json_answer(&json!({ "Attributes": full_item() })),
        json_answer(&json!({})),
    ]);
    let statuses = service.organization().statuses;
    assert_eq!(statuses.save_status(&in_place()).await, Ok(full_row()));
    let before = statuses.save_status(&in_place()).await;
    assert_eq!(before, Ok(AccountRow::default()));
    let asked = update(
        "SET #version = :version, #status = :status REMOVE heldCondition, heldSince",
        json!({ "#version": "version", "#status": "status" }),
        json!({ ":version": { "N": "1" }, ":status": full_item()["status"] }),
    );
    assert_eq!(service.asked()[0].json(), asked);
}

#[tokio::test]
async fn only_a_status_in_order_takes_the_moment_of_an_earlier_trouble_away() {
    let drifted = || Condition::Drifted {
        items: vec!["role admin: trust".to_owned()],
    };
    for (condition, expression) in [
        (
            Condition::InPlace,
            "SET #version = :version, #status = :status REMOVE heldCondition, heldSince",
        ),
        (drifted(), "SET #version = :version, #status = :status"),
    ] {
        let service = Service::answering([json_answer(&json!({}))]);
        let statuses = service.organization().statuses;
        let status = AccountStatus {
            conditions: PerPlace::of_account(condition),
            ..in_place()
        };
        statuses.save_status(&status).await.unwrap();
        let asked = service.asked()[0].json();
        assert_eq!(asked["UpdateExpression"], expression, "{status:?}");
    }
}

#[tokio::test]
async fn the_moment_since_which_a_condition_holds_is_saved_beside_everything_else() {
    let service = Service::answering([json_answer(&json!({}))]);
    let statuses = service.organization().statuses;
    statuses.save_held(&account(), &failed()).await.unwrap();
    let asked = update(
        "SET #version = :version, heldCondition = :condition, heldSince = :since",
        json!({ "#version": "version" }),
        json!({ ":version": { "N": "1" }, ":condition": { "S": "failed" }, ":since": { "S": "2026-11-21T01:00:00Z" } }),
    );
    assert_eq!(service.asked()[0].json(), asked);
}

#[tokio::test]
async fn a_moment_that_cannot_be_read_is_not_known_and_holds_nothing_up() {
    let mut item = full_item();
    item["heldSince"] = json!({ "S": "some day" });
    let service = Service::answering([json_answer(&json!({ "Item": item }))]);
    let row = service.organization().statuses.row(&account()).await;
    let unknown = AccountRow {
        held: None,
        ..full_row()
    };
    assert_eq!(row, Ok(unknown));
}

/// Reads sets, which have no order.
fn sorted(mut asked: Value) -> Value {
    let set = asked.pointer_mut("/ExpressionAttributeValues/:repairs/SS");
    if let Some(set) = set.and_then(Value::as_array_mut) {
        set.sort_by_key(ToString::to_string);
    }
    asked
}

#[tokio::test]
async fn repairs_are_added_to_those_that_nobody_was_told_of() {
    let service = Service::answering([json_answer(&json!({}))]);
    let statuses = service.organization().statuses;
    statuses.add_repairs(&account(), &repairs()).await.unwrap();
    // DynamoDB refuses an empty set.
    let none = BTreeSet::new();
    statuses.add_repairs(&account(), &none).await.unwrap();
    let asked = update(
        "SET #version = :version ADD repairs :repairs",
        json!({ "#version": "version" }),
        json!({ ":version": { "N": "1" }, ":repairs": full_item()["repairs"] }),
    );
    assert_eq!(service.asked().len(), 1);
    assert_eq!(sorted(service.asked()[0].json()), asked);
}

#[tokio::test]
async fn people_being_told_takes_just_those_repairs_and_sets_the_news() {
    let news = json!({ ":version": { "N": "1" }, ":mark": { "S": "ready" }, ":at": { "S": "2026-11-24T02:00:00Z" } });
    let removed = json!({ ":version": { "N": "1" }, ":repairs": full_item()["repairs"] });
    let mut both = news.clone();
    both[":repairs"] = full_item()["repairs"].clone();
    let told = |news, repairs| Told { news, repairs };
    for (told, expression, values) in [
        (
            told(Some(ready()), repairs()),
            "SET #version = :version, lastNotified = :mark, notifiedAt = :at DELETE repairs :repairs",
            both,
        ),
        (
            told(Some(ready()), BTreeSet::new()),
            "SET #version = :version, lastNotified = :mark, notifiedAt = :at",
            news,
        ),
        (
            told(None, repairs()),
            "SET #version = :version DELETE repairs :repairs",
            removed,
        ),
    ] {
        let service = Service::answering([json_answer(&json!({}))]);
        let statuses = service.organization().statuses;
        statuses.save_told(&account(), &told).await.unwrap();
        let asked = update(expression, json!({ "#version": "version" }), values);
        assert_eq!(sorted(service.asked()[0].json()), asked);
    }
    let service = Service::answering([]);
    let statuses = service.organization().statuses;
    let nothing = statuses.save_told(&account(), &Told::default()).await;
    assert_eq!((nothing, service.asked().len()), (Ok(()), 0));
}

#[tokio::test]
async fn an_item_of_another_version_is_neither_read_nor_overwritten() {
    let refusal = |item: &Value| -> Canned {
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "Item": item,
        });
        (400, body.to_string())
    };
    for (item, says) in [
        (
            json!({ "version": { "N": "2" } }),
            "has version 2; this Banto knows version 1",
        ),
        (json!({ "status": { "S": "{}" } }), "has no version"),
    ] {
        let refusals = std::iter::repeat_n(refusal(&item), 3);
        let scan = json_answer(&json!({ "Items": [item] }));
        let get = json_answer(&json!({ "Item": item }));
        let service = Service::answering(refusals.chain([get, scan]));
        let statuses = service.organization().statuses;
        let told = Told {
            news: Some(ready()),
            repairs: BTreeSet::new(),
        };
        let errors = [
            statuses.save_status(&in_place()).await.unwrap_err(),
            statuses.save_told(&account(), &told).await.unwrap_err(),
            statuses
                .add_repairs(&account(), &repairs())
                .await
                .unwrap_err(),
            statuses.row(&account()).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.message.contains(says), "{error}");
        }
        assert_eq!(statuses.all().await, Ok(Vec::new()), "it hides no other");
    }
}

#[tokio::test]
async fn the_item_of_a_departed_account_is_deleted() {
    let service = Service::answering([json_answer(&json!({}))]);
    let statuses = service.organization().statuses;
    statuses.delete(&account()).await.unwrap();
    assert_eq!(service.operations(), ["DeleteItem"]);
    let asked = service.asked()[0].json();
    assert_eq!(asked["Key"], json!({ "account": { "S": "444455556666" } }));
    let condition = "attribute_not_exists(account) OR #version = :version";
    assert_eq!(asked["ConditionExpression"], condition);
    assert_eq!(
        asked["ExpressionAttributeValues"][":version"],
        json!({ "N": "1" })
    );
}

#[tokio::test]
async fn the_item_of_another_release_is_left_to_it_and_holds_nothing_up() {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    });
    let service = Service::answering([(400, body.to_string())]);
    let statuses = service.organization().statuses;
    assert_eq!(statuses.delete(&account()).await, Ok(()));
}

#[tokio::test]
async fn all_statuses_are_read_page_by_page_and_published_as_one_object() {
    let item = json!({ "account": { "S": "444455556666" }, "status": { "S": serde_json::to_string(&in_place()).unwrap() }, "version": { "N": "1" } });
    let notified_only = json!({ "account": { "S": "555566667777" }, "lastNotified": { "S": "ready" }, "notifiedAt": { "S": "2026-11-24T02:00:00Z" }, "version": { "N": "1" } });
    let service = Service::answering([
        json_answer(
            &json!({ "Items": [item], "LastEvaluatedKey": { "account": { "S": "444455556666" } } }),
        ),
        json_answer(&json!({ "Items": [notified_only] })),
        (200, String::new()),
    ]);
    let clients = service.organization();
    assert_eq!(clients.statuses.all().await.unwrap(), [in_place()]);
    clients.dashboard.publish("{}").await.unwrap();
    let put = &service.asked()[2];
    assert!(
        put.line
            .starts_with("PUT /banto-dashboard-999988887777/accounts.json"),
        "{}",
        put.line
    );
    assert_eq!(
        (put.header("content-type"), put.body.as_str()),
        ("application/json", "{}")
    );
}
