//! Findings, and the accounts that they are in.

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::{AccountCache, Cursor};
use serde_json::{Value, json};

use super::*;
use crate::service::{Service, json_answer};

#[tokio::test]
async fn a_finding_that_nobody_is_told_of_is_one_write_on_condition_that_it_is_as_it_was() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    table.save_findings(&finding_commit(0)).await.unwrap();
    let over = FindingChange {
        expected_revision: Some(6),
        after: state(Compliance::Compliant),
    };
    let commit = FindingCommit {
        findings: vec![over.clone()],
        batches: Vec::new(),
    };
    table.save_findings(&commit).await.unwrap();
    let item = |known: &FindingState, open: &str| {
        versioned(
            finding_item("AIDA1"),
            json!({ "finding": text(known), "revision": { "N": "7" }, "open": { "N": open } }),
        )
    };
    let asked = service.asked();
    assert_eq!(asked[0].operation(), "PutItem");
    let expected = json!({
        "TableName": "banto-compliance",
        "Item": item(&state(Compliance::Noncompliant), "1"),
        "ConditionExpression": "attribute_not_exists(pk)",
    });
    assert_eq!(asked[0].json(), expected);
    let expected = json!({
        "TableName": "banto-compliance",
        "Item": with(item(&over.after, "0"), json!({ "expires": seconds(at(0), 30) })),
        "ConditionExpression": "#revision = :expected",
        "ExpressionAttributeNames": { "#revision": "revision" },
        "ExpressionAttributeValues": { ":expected": { "N": "6" } },
    });
    assert_eq!(asked[1].json(), expected);
}

/// The item that a state is saved as.
async fn saved(after: FindingState) -> Value {
    let service = Service::answering([done()]);
    let commit = FindingCommit {
        findings: vec![FindingChange {
            expected_revision: None,
            after,
        }],
        batches: Vec::new(),
    };
    service
        .compliance()
        .table
        .save_findings(&commit)
        .await
        .unwrap();
    service.asked()[0].json()["Item"].clone()
}

#[tokio::test]
async fn a_compliant_finding_stays_open_and_is_kept_while_people_believe_otherwise() {
    let told = FindingState {
        told: BTreeSet::from(["security".to_owned()]),
        ..state(Compliance::Compliant)
    };
    let flapping = FindingState {
        flapping: true,
        ..state(Compliance::Compliant)
    };
    for after in [told, flapping] {
        let item = saved(after).await;
        assert_eq!(
            (&item["expires"], &item["open"]["N"]),
            (&Value::Null, &json!("1"))
        );
    }
}

#[tokio::test]
async fn a_finding_that_was_open_for_long_is_kept_for_thirty_days_after_its_end() {
    // The daily check closes what AWS Config no longer knows, and leaves its time as it was.
    let closed_at = at(100 * 24 * 60);
    let item = saved(FindingState {
        changes: vec![at(0), closed_at],
        ..state(Compliance::Compliant)
    })
    .await;
    assert_eq!(item["expires"], seconds(closed_at, 30));
}

#[tokio::test]
async fn findings_are_saved_with_their_batches_all_or_nothing() {
    let service = Service::answering([done()]);
    let other = FindingState {
        key: key("AIDA2"),
        ..state(Compliance::Noncompliant)
    };
    let commit = FindingCommit {
        findings: vec![
            change(Some(6)),
            FindingChange {
                expected_revision: None,
                after: other,
            },
        ],
        batches: vec![
            ("security".to_owned(), batch("1#1795482000250#0b", 2)),
            ("payments".to_owned(), batch("1#1795482000250#08", 1)),
        ],
    };
    let table = service.compliance().table;
    table.save_findings(&commit).await.unwrap();
    let asked = &service.asked()[0];
    assert_eq!(asked.operation(), "TransactWriteItems");
    let body = asked.json();
    let items = body["TransactItems"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    let conditions = [0, 1].map(|index| items[index]["Put"]["ConditionExpression"].clone());
    assert_eq!(
        conditions,
        ["#revision = :expected", "attribute_not_exists(pk)"]
    );
    assert_eq!(
        items[1]["Put"]["Item"]["sk"],
        finding_item("AIDA2")["sk"],
        "{body}"
    );
    // The last digit of the ids are b and 8, which are 3 and 0 of eight shards.
    let security = item_key("route#security#3", "entry#1#1795482000250#0b");
    let put = json!({ "Put": {
        "TableName": "banto-compliance",
        "Item": versioned(security, json!({ "batch": text(&batch("1#1795482000250#0b", 2)) })),
    } });
    assert_eq!(items[2], put);
    assert_eq!(items[3]["Put"]["Item"]["pk"]["S"], "route#payments#0");
}

#[tokio::test]
async fn nothing_to_save_is_not_asked_for() {
    let service = Service::answering([]);
    let table = service.compliance().table;
    table
        .save_findings(&FindingCommit::default())
        .await
        .unwrap();
    assert_eq!(service.asked().len(), 0);
}

#[tokio::test]
async fn findings_are_read_consistently_a_hundred_at_a_time_and_each_once() {
    let item = versioned(
        finding_item("AIDA1"),
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
    let first = finding_item("AIDA1");
    assert!(all.contains(&first.to_string()), "{all:?}");
}

#[tokio::test]
async fn open_findings_are_read_a_page_at_a_time_from_shard_to_shard() {
    let item = versioned(
        finding_item("AIDA1"),
        json!({ "finding": text(&state(Compliance::Noncompliant)) }),
    );
    // The second shard has two pages, of which the filter leaves nothing of the first.
    let service = Service::answering_by(move |asked| {
        let is_second = partition(asked) == "account#444455556666#1";
        let is_first_page = asked.json()["ExclusiveStartKey"].is_null();
        json_answer(&match (is_second, is_first_page) {
            (true, true) => {
                json!({ "Items": [], "LastEvaluatedKey": item_key("account#444455556666#1", "finding#9") })
            }
            (true, false) => json!({ "Items": [item] }),
            (false, _) => json!({ "Items": [] }),
        })
    });
    let table = service.compliance().table;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = table.open_findings(&account(), after).await.unwrap();
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [state(Compliance::Noncompliant)]);
    let asked = service.asked();
    let partitions: Vec<String> = asked.iter().map(partition).collect();
    let shards = [0, 1, 1, 2, 3, 4, 5, 6, 7].map(|shard| format!("account#444455556666#{shard}"));
    assert_eq!(partitions, shards);
    let expected = json!({
        "TableName": "banto-compliance",
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :from)",
        "FilterExpression": "#open > :none",
        "ExpressionAttributeNames": { "#open": "open" },
        "ExpressionAttributeValues": {
            ":pk": { "S": "account#444455556666#1" }, ":from": { "S": "finding#" }, ":none": { "N": "0" },
        },
        "Limit": 1000,
        "ExclusiveStartKey": item_key("account#444455556666#1", "finding#9"),
    });
    assert_eq!(asked[2].json(), expected);
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_refused() {
    let service = Service::answering([]);
    let table = service.compliance().table;
    for cursor in ["", "finding#1", "x|finding#1", "8|", "-1|"] {
        let page = table
            .open_findings(&account(), Some(Cursor(cursor.into())))
            .await;
        assert_eq!(failed(page), (ErrorKind::Invalid, "dynamodb:Query"));
    }
    assert_eq!(service.asked().len(), 0);
}

#[tokio::test]
async fn an_account_that_was_compared_is_remembered() {
    let item = versioned(
        account_item("compared"),
        json!({ "comparedAt": { "S": at(1).to_string() } }),
    );
    let service = Service::answering([done(), done(), json_answer(&json!({ "Item": item }))]);
    let table = service.compliance().table;
    assert_eq!(table.compared_at(&account()).await.unwrap(), None);
    table.save_compared(&account(), at(1)).await.unwrap();
    assert_eq!(table.compared_at(&account()).await.unwrap(), Some(at(1)));
    let asked = service.asked();
    let expected = json!({
        "TableName": "banto-compliance", "Key": account_item("compared"), "ConsistentRead": true,
    });
    assert_eq!(asked[0].json(), expected);
    assert_eq!(asked[1].json()["Item"], item);
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
