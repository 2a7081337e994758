//! Transactions and conditions: conflicts, throttling, and limits.

use banto_ports::{DeliveredBatch, NotificationLog};

use super::*;
use crate::service::{Service, json_error};

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
        table.save_findings(&finding_commit(1)).await.unwrap();
        table.save_findings(&finding_commit(1)).await.unwrap();
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
            failed(clients.table.save_findings(&finding_commit(0)).await),
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
async fn findings_that_changed_meanwhile_are_a_conflict_whichever_of_them_it_is() {
    for reasons in [
        ["ConditionalCheckFailed", "None", "None"],
        ["None", "ConditionalCheckFailed", "None"],
        ["None", "ConditionalCheckFailed", "ThrottlingError"],
    ] {
        let service = Service::answering([cancelled(&reasons)]);
        let commit = FindingCommit {
            findings: vec![change(None), change(Some(6))],
            ..finding_commit(1)
        };
        let saved = service.compliance().table.save_findings(&commit).await;
        assert_eq!(failed(saved), (ErrorKind::Conflict, "dynamodb:PutItem"));
        assert_eq!(service.asked().len(), 1, "{reasons:?}");
    }
}

#[tokio::test]
async fn a_commit_that_was_throttled_once_is_tried_again_with_all_of_it() {
    let service = Service::answering([cancelled(&["None", "ThrottlingError"]), done()]);
    let table = service.compliance().table;
    table.save_findings(&finding_commit(1)).await.unwrap();
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].json(), asked[1].json());
}

/// So many batches of which nothing is left.
fn delivered(count: usize) -> Vec<DeliveredBatch> {
    (0..count)
        .map(|index| DeliveredBatch {
            id: format!("1#{index:013}#0b"),
            left: None,
        })
        .collect()
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_write_it_failed_for_and_why() {
    let commit = DeliveryCommit {
        batches: delivered(1),
        ..DeliveryCommit::default()
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
    let saving = || async {
        let reasons = ["ProvisionedThroughputExceeded", "None"];
        let service = Service::answering((0..5).map(|_| cancelled(&reasons)));
        let table = service.compliance().table;
        failed(table.save_findings(&finding_commit(1)).await)
    };
    let exceeded = || async {
        let service = Service::answering(
            (0..5).map(|_| json_error(400, "ProvisionedThroughputExceededException")),
        );
        failed(service.compliance().table.delivery_due("security").await)
    };
    let found = tokio::join!(
        throttled(),
        in_conflict(),
        in_progress(),
        exceeded(),
        saving()
    );
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
    assert_eq!(found.4, (ErrorKind::Throttled, "dynamodb:PutItem"));
}

#[tokio::test]
async fn more_than_dynamodb_writes_at_once_is_not_even_asked_for() {
    let service = Service::answering([done(), done()]);
    let table = service.compliance().table;
    let error = table.save_findings(&finding_commit(100)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("101 items"), "{error}");
    let most = DeliveryCommit {
        groups: Vec::new(),
        digest: Some(digest()),
        batches: delivered(DeliveryCommit::MAX_ITEMS + 1),
    };
    assert_eq!(
        table.commit(&lease(), &most).await.unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert_eq!(service.asked().len(), 0);
    table.save_findings(&finding_commit(99)).await.unwrap();
    table
        .commit(
            &lease(),
            &DeliveryCommit {
                batches: delivered(DeliveryCommit::MAX_ITEMS),
                ..most
            },
        )
        .await
        .unwrap();
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
        failed(table.save_findings(&finding_commit(1)).await),
        (ErrorKind::Denied, "dynamodb:PutItem")
    );
}
