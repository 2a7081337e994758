//! Routes: their leases, states, schedules and registry, and notices.

use std::collections::BTreeSet;

use banto_ports::{AccountCache, NotificationLog, RouteRegistry};
use serde_json::{Value, json};

use super::*;
use crate::service::{Service, json_answer};

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
        json_answer(&json!({ "Attributes": versioned(route_item("state"), json!({})) })),
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
        "ConditionExpression": "(attribute_not_exists(#version) OR #version = :version) AND (attribute_not_exists(#holder) OR #leaseExpires <= :now OR #holder = :holder)",
        "ExpressionAttributeNames": { "#holder": "holder", "#leaseExpires": "leaseExpires", "#version": "version" },
        "ExpressionAttributeValues": {
            ":holder": { "S": "run-1" }, ":now": { "N": "1795482000250" }, ":leaseExpires": { "N": "1795482300250" },
            ":version": { "N": "1" },
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(service.asked()[0].json(), expected);
}

#[tokio::test]
async fn a_routes_state_is_kept_by_the_run_that_has_the_route() {
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
async fn the_registry_lists_every_route_that_was_added_whatever_its_name() {
    let item = |route: &str| versioned(item_key("routes", &format!("route#{route}")), json!({}));
    let last = item_key("routes", "route#番頭");
    let service = Service::answering([
        done(),
        done(),
        json_answer(&json!({ "Items": [item("default")], "LastEvaluatedKey": last })),
        json_answer(&json!({ "Items": [item("番頭"), item("team:C024BE91L")] })),
    ]);
    let table = service.compliance().table;
    table.register_route("番頭").await.unwrap();
    table.deregister_route("番頭").await.unwrap();
    let routes = table.registered_routes().await.unwrap();
    let expected = ["default", "番頭", "team:C024BE91L"].map(str::to_owned);
    assert_eq!(routes, BTreeSet::from(expected));
    let operations = ["PutItem", "DeleteItem", "Query", "Query"];
    assert_eq!(service.operations(), operations);
    let asked = service.asked();
    let expected = with(
        json!({ "TableName": "banto-compliance", "Item": item("番頭") }),
        unless_of_another_release(),
    );
    assert_eq!(asked[0].json(), expected);
    let expected = with(
        json!({ "TableName": "banto-compliance", "Key": last }),
        unless_of_another_release(),
    );
    assert_eq!(asked[1].json(), expected);
    let expected = json!({
        "TableName": "banto-compliance",
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :from)",
        "ExpressionAttributeValues": { ":pk": { "S": "routes" }, ":from": { "S": "route#" } },
        "Limit": 1000,
        "ExclusiveStartKey": last,
    });
    assert_eq!(asked[3].json(), expected);
}

/// The condition of a put or a deletion of whatever this release knows.
fn unless_of_another_release() -> Value {
    json!({
        "ConditionExpression": "attribute_not_exists(pk) OR #version = :version",
        "ExpressionAttributeNames": { "#version": "version" },
        "ExpressionAttributeValues": { ":version": { "N": "1" } },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    })
}

/// A write that DynamoDB refuses, for an item of another release is there.
fn another_release_was_there() -> Canned {
    refused_for(&with(
        route_item("schedule"),
        json!({ "version": { "N": "2" } }),
    ))
}

/// A write that DynamoDB refuses for the item that is there.
fn refused_for(item: &Value) -> Canned {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": item,
    });
    (400, body.to_string())
}

#[tokio::test]
async fn no_item_of_another_release_is_overwritten_and_the_error_names_its_version() {
    let service = Service::answering(std::iter::repeat_with(another_release_was_there).take(4));
    let table = service.compliance().table;
    let written = [
        table.save_delivery_due("security", at(1)).await,
        table.save_compared(&account(), at(1)).await,
        table.save_account(&account_info()).await,
        table.save_notified("n", at(1)).await,
    ];
    for error in written.map(Result::unwrap_err) {
        assert_eq!(
            (error.kind, error.call),
            (ErrorKind::Unreadable, "dynamodb:PutItem")
        );
        assert!(
            error
                .message
                .contains("has version 2; this Banto knows version 1"),
            "{error}"
        );
    }
    for asked in service.asked() {
        let condition = &unless_of_another_release()["ConditionExpression"];
        assert_eq!(asked.json()["ConditionExpression"], *condition);
    }
}

#[tokio::test]
async fn a_route_that_another_release_registered_stops_no_other_and_stays() {
    let known = versioned(item_key("routes", "route#default"), json!({}));
    let newer = with(
        item_key("routes", "route#search"),
        json!({ "version": { "N": "2" } }),
    );
    let service = Service::answering([
        json_answer(&json!({ "Items": [newer, known] })),
        another_release_was_there(),
        another_release_was_there(),
    ]);
    let table = service.compliance().table;
    let routes = table.registered_routes().await.unwrap();
    assert_eq!(routes, BTreeSet::from(["default".to_owned()]));
    assert_eq!(table.register_route("search").await, Ok(()));
    assert_eq!(table.deregister_route("search").await, Ok(()));
}

#[tokio::test]
async fn a_route_that_could_not_be_registered_is_an_error_and_not_another_releases() {
    let fault =
        json!({ "__type": "com.amazon.coral.validate#ValidationException", "message": "m" });
    let service = Service::answering([(400, fault.to_string())]);
    let table = service.compliance().table;
    let error = table.register_route("search").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_state_that_another_release_keeps_otherwise_is_not_taken_for_none() {
    let newer = with(
        route_item("state"),
        json!({ "version": { "N": "2" }, "lanes": { "S": "{}" } }),
    );
    let held = versioned(route_item("state"), json!({}));
    let service = Service::answering([refused_for(&newer), refused_for(&held)]);
    let table = service.compliance().table;
    let error = table.lock_route(&lease(), at(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreadable);
    assert!(error.message.contains("has version 2"), "{error}");
    let error = table.lock_route(&lease(), at(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "another run holds it");
}
