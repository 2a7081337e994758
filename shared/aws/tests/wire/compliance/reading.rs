//! Items that are torn, of another version, or not read at once.

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::AccountCache;
use serde_json::{Value, json};

use super::*;
use crate::service::{Service, json_answer};

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
            with(route_item("schedule"), version),
            json!({ "dueAt": { "S": at(1).to_string() } }),
        );
        let service = Service::answering([
            json_answer(&json!({ "Items": [finding] })),
            json_answer(&json!({ "Item": due })),
        ]);
        let table = service.compliance().table;
        let errors = [
            table.open_findings(&account(), None).await.unwrap_err(),
            table.delivery_due("security").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, ErrorKind::Unreadable);
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
    let waiting = table.waiting("security", Lane::Critical, 0).await.unwrap();
    assert_eq!(waiting, []);
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
        query(&torn("entry#1", "batch")),
        query(&torn("group#2", "group")),
        batch(&torn("group#1", "group")),
        batch(&route_item("digest#1")),
    ]);
    let (table, ids) = (service.compliance().table, BTreeSet::from(["1".to_owned()]));
    let errors = [
        table.findings(&[key("AIDA1")]).await.unwrap_err(),
        table.open_findings(&account(), None).await.unwrap_err(),
        table
            .lane_page("security", Lane::High, None)
            .await
            .unwrap_err(),
        table.open_groups("security", None).await.unwrap_err(),
        table.groups("security", &ids).await.unwrap_err(),
        table.digests("security", &ids).await.unwrap_err(),
    ];
    let named = [
        "finding#1",
        "finding#1",
        "entry#1",
        "group#2",
        "group#1",
        "digest#1",
    ];
    for (error, sk) in errors.iter().zip(named) {
        assert!(
            error.message.contains(&format!("route#security {sk}")),
            "{error}"
        );
        assert_eq!(error.kind, ErrorKind::Unreadable);
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
