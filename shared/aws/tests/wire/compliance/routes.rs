//! Routes: their leases, states, schedules and registry, and notices.

use std::collections::BTreeSet;

use banto_ports::{NotificationLog, RouteRegistry};
use serde_json::json;

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
    let expected = json!({ "TableName": "banto-compliance", "Item": item("番頭") });
    assert_eq!(asked[0].json(), expected);
    let expected = json!({ "TableName": "banto-compliance", "Key": last });
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
