//! The outboxes of routes, and what was delivered from them.

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::DeliveredBatch;
use serde_json::{Value, json};

use super::*;
use crate::service::{Asked, Canned, Service, json_answer};

#[tokio::test]
async fn what_was_told_is_noted_and_taken_out_of_the_outbox_by_the_run_that_has_the_route() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    let commit = DeliveryCommit {
        groups: vec![group(0)],
        digest: Some(digest()),
        batches: vec![DeliveredBatch {
            id: "1#1795482180250#0b".into(),
            left: None,
        }],
    };
    table.commit(&lease(), &commit).await.unwrap();
    let in_table = |rest: Value| with(json!({ "TableName": "banto-compliance" }), rest);
    let group_key = route_item(&format!("group#{}", group(0).id()));
    let batch_key = item_key("route#security#3", "entry#1#1795482180250#0b");
    let expected = json!([
        { "ConditionCheck": in_table(json!({
            "Key": route_item("state"),
            "ConditionExpression": "#holder = :holder",
            "ExpressionAttributeNames": { "#holder": "holder" },
            "ExpressionAttributeValues": { ":holder": { "S": "run-1" } },
        })) },
        { "Put": in_table(json!({
            "Item": versioned(group_key, json!({ "group": text(&group(0)), "open": { "N": "0" }, "expires": seconds(at(5), 90) })),
        })) },
        { "Put": in_table(json!({
            "Item": versioned(route_item("digest#d1"), json!({ "digest": text(&digest()), "expires": seconds(at(0), 400) })),
        })) },
        { "Delete": in_table(json!({ "Key": batch_key })) },
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
    assert_eq!(items[1]["Put"]["Item"]["open"]["N"], "1");
    assert_eq!(items[2]["Put"]["Item"]["expires"], seconds(at(0), 90));
}

#[tokio::test]
async fn digests_are_read_by_their_ids() {
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

/// A page of a query, and the sort key of its last item if it is not the last page.
fn page(shard: &str, batches: &[OutboxBatch], last: Option<&str>) -> Canned {
    let items: Vec<Value> = batches
        .iter()
        .map(|batch| {
            let key = item_key(shard, &format!("entry#{}", batch.id));
            versioned(key, json!({ "batch": text(batch) }))
        })
        .collect();
    let last = last.map(|sk| item_key(shard, sk));
    json_answer(&json!({ "Items": items, "LastEvaluatedKey": last }))
}

/// An outbox whose batches are in two of its shards, of which one has two pages.
fn outbox() -> Service {
    Service::answering_by(|asked| {
        let shard = partition(asked);
        let is_first_page = asked.json()["ExclusiveStartKey"].is_null();
        match (shard.as_str(), is_first_page) {
            ("route#security#3", true) => page(
                &shard,
                &[batch("0#0000000000005#0b", 2)],
                Some("entry#0#0000000000005#0b"),
            ),
            ("route#security#3", false) => page(
                &shard,
                &[
                    batch("1#0000000000001#0b", 3),
                    batch("1#0000000000003#0b", 1),
                ],
                None,
            ),
            ("route#security#0", _) => page(
                &shard,
                &[
                    batch("1#0000000000002#08", 2),
                    batch("3#0000000000001#00", 4),
                ],
                None,
            ),
            _ => page(&shard, &[], None),
        }
    })
}

fn ids(batches: &[OutboxBatch]) -> Vec<&str> {
    batches.iter().map(|batch| batch.id.as_str()).collect()
}

#[tokio::test]
async fn batches_wait_by_lane_and_age_whichever_shard_they_are_in() {
    let all = [
        "0#0000000000005#0b",
        "1#0000000000001#0b",
        "1#0000000000002#08",
        "1#0000000000003#0b",
        "3#0000000000001#00",
    ];
    // They have 2, 3, 2, 1 and 4 entries.
    for (limit, count) in [
        (1, 1),
        (2, 1),
        (3, 2),
        (5, 2),
        (6, 3),
        (8, 4),
        (9, 5),
        (99, 5),
    ] {
        let service = outbox();
        let table = service.compliance().table;
        let waiting = table.waiting("security", Lane::Critical, limit).await;
        assert_eq!(ids(&waiting.unwrap()), all[..count], "{limit}");
    }
}

#[tokio::test]
async fn each_shard_of_an_outbox_is_read_from_a_lane_on_until_there_are_enough_entries() {
    let service = outbox();
    let table = service.compliance().table;
    table.waiting("security", Lane::High, 3).await.unwrap();
    let asked = service.asked();
    let partitions: BTreeSet<String> = asked.iter().map(partition).collect();
    let shards = (0..8).map(|shard| format!("route#security#{shard}"));
    assert_eq!(partitions, shards.collect());
    // One shard has a second page, of which one entry is missing.
    assert_eq!(asked.len(), 9);
    let expected = json!({
        "TableName": "banto-compliance",
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :from AND :to",
        "ExpressionAttributeValues": {
            ":pk": { "S": "route#security#3" }, ":from": { "S": "entry#1" }, ":to": { "S": "entry#~" },
        },
        "Limit": 3,
    });
    let of_shard: Vec<Value> = asked
        .iter()
        .filter(|asked| partition(asked) == "route#security#3")
        .map(Asked::json)
        .collect();
    let second = with(
        expected.clone(),
        json!({
            "Limit": 1,
            "ExclusiveStartKey": item_key("route#security#3", "entry#0#0000000000005#0b"),
        }),
    );
    assert_eq!(of_shard, [expected, second]);
}

#[tokio::test]
async fn a_lane_is_read_a_page_at_a_time_from_shard_to_shard() {
    let service = outbox();
    let table = service.compliance().table;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = table
            .lane_page("security", Lane::High, after)
            .await
            .unwrap();
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 5);
    let asked = service.asked();
    let partitions: Vec<String> = asked.iter().map(partition).collect();
    let shards = [0, 1, 2, 3, 3, 4, 5, 6, 7].map(|shard| format!("route#security#{shard}"));
    assert_eq!(partitions, shards);
    let body = asked[4].json();
    let condition = "pk = :pk AND begins_with(sk, :from)";
    assert_eq!(body["KeyConditionExpression"], condition);
    assert_eq!(body["ExpressionAttributeValues"][":from"]["S"], "entry#1");
    let start = item_key("route#security#3", "entry#0#0000000000005#0b");
    assert_eq!(body["ExclusiveStartKey"], start);
}

#[tokio::test]
async fn what_is_left_of_a_batch_takes_its_place() {
    let service = Service::answering([done()]);
    let left = batch("1#0000000000001#0b", 1);
    let commit = DeliveryCommit {
        batches: vec![
            DeliveredBatch {
                id: left.id.clone(),
                left: Some(left.clone()),
            },
            DeliveredBatch {
                id: "1#0000000000002#08".into(),
                left: None,
            },
        ],
        ..DeliveryCommit::default()
    };
    let table = service.compliance().table;
    table.commit(&lease(), &commit).await.unwrap();
    let body = service.asked()[0].json();
    let key = item_key("route#security#3", "entry#1#0000000000001#0b");
    let put = json!({ "Put": {
        "TableName": "banto-compliance",
        "Item": versioned(key, json!({ "batch": text(&left) })),
    } });
    assert_eq!(body["TransactItems"][1], put);
    let gone = json!({ "Delete": {
        "TableName": "banto-compliance",
        "Key": item_key("route#security#0", "entry#1#0000000000002#08"),
    } });
    assert_eq!(body["TransactItems"][2], gone);
}

#[tokio::test]
async fn open_groups_are_read_a_page_at_a_time() {
    let item = versioned(route_item("group#1"), json!({ "group": text(&group(1)) }));
    let last = route_item("group#1");
    let service = Service::answering([
        json_answer(&json!({ "Items": [], "LastEvaluatedKey": last })),
        json_answer(&json!({ "Items": [item] })),
    ]);
    let table = service.compliance().table;
    let first = table.open_groups("security", None).await.unwrap();
    assert_eq!(first.items, []);
    let second = table.open_groups("security", first.next).await.unwrap();
    assert_eq!((second.items, second.next), (vec![group(1)], None));
    let expected = json!({
        "TableName": "banto-compliance",
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :from)",
        "FilterExpression": "#open > :none",
        "ExpressionAttributeNames": { "#open": "open" },
        "ExpressionAttributeValues": {
            ":pk": { "S": "route#security" }, ":from": { "S": "group#" }, ":none": { "N": "0" },
        },
        "Limit": 1000,
        "ExclusiveStartKey": last,
    });
    assert_eq!(service.asked()[1].json(), expected);
}
