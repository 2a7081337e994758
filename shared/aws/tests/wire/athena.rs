//! Athena on the wire. The answers are those of the API reference.

use std::collections::BTreeMap;

use banto_aws::AthenaQueries;
use banto_domain::policy::report::AthenaPolicy;
use banto_ports::{ErrorKind, Query, QueryEngine, QueryStatus, RowPage};
use serde_json::{Value, json};

use crate::service::{Service, json_answer, json_error};

const ID: &str = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111";

fn athena(service: &Service) -> AthenaQueries {
    service.aws().athena(&AthenaPolicy {
        workgroup: "banto-report".to_owned(),
        database: "banto_report".to_owned(),
        scan_limit: 1,
    })
}

fn query() -> Query {
    Query {
        sql: "SELECT 1".to_owned(),
        token: "0123456789abcdef0123456789abcdef".to_owned(),
    }
}

fn execution(status: &Value, statistics: &Value) -> Value {
    json!({ "QueryExecution": {
        "QueryExecutionId": ID, "Query": "SELECT 1", "StatementType": "DML",
        "Status": status, "Statistics": statistics, "WorkGroup": "banto-report",
    }})
}

fn row(values: &[Option<&str>]) -> Value {
    let data = values.iter().map(|value| match value {
        Some(value) => json!({ "VarCharValue": value }),
        None => json!({}),
    });
    json!({ "Data": data.collect::<Vec<_>>() })
}

fn results(rows: &[Value], next: Option<&str>) -> Value {
    let column = |name| json!({ "Name": name, "Label": name, "Type": "varchar" });
    let mut answer = json!({
        "UpdateCount": 0,
        "ResultSet": {
            "Rows": rows,
            "ResultSetMetadata": { "ColumnInfo": [column("account"), column("name")] },
        },
    });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    answer
}

async fn status_of(answer: Value) -> QueryStatus {
    let service = Service::answering([json_answer(&answer)]);
    athena(&service).status(ID).await.unwrap()
}

#[tokio::test]
async fn a_query_begins_in_its_workgroup_and_database_with_its_token() {
    let service = Service::answering([json_answer(&json!({ "QueryExecutionId": ID }))]);
    let id = athena(&service).start(&query()).await.unwrap();
    assert_eq!(id, ID);
    let asked = &service.asked()[0];
    assert_eq!(
        asked.header("x-amz-target"),
        "AmazonAthena.StartQueryExecution"
    );
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    assert!(
        asked
            .header("authorization")
            .contains("/eu-west-1/athena/aws4_request")
    );
    let expected = json!({
        "QueryString": "SELECT 1",
        "ClientRequestToken": "0123456789abcdef0123456789abcdef",
        "QueryExecutionContext": { "Database": "banto_report" },
        "WorkGroup": "banto-report",
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn each_state_is_told_with_the_bytes_that_were_scanned() {
    let queued = execution(&json!({ "State": "QUEUED" }), &json!({}));
    assert_eq!(status_of(queued).await, QueryStatus::Running { scanned: 0 });
    let scanned = json!({ "DataScannedInBytes": 42 });
    let running = execution(&json!({ "State": "RUNNING" }), &scanned);
    assert_eq!(
        status_of(running).await,
        QueryStatus::Running { scanned: 42 }
    );
    let succeeded = execution(&json!({ "State": "SUCCEEDED" }), &scanned);
    assert_eq!(
        status_of(succeeded).await,
        QueryStatus::Succeeded { scanned: 42 }
    );
    let failed = QueryStatus::Failed {
        reason: "HIVE_CURSOR_ERROR".to_owned(),
        scanned: 42,
    };
    let status = json!({ "State": "FAILED", "StateChangeReason": "HIVE_CURSOR_ERROR" });
    assert_eq!(status_of(execution(&status, &scanned)).await, failed);
    let cancelled = QueryStatus::Failed {
        reason: "CANCELLED".to_owned(),
        scanned: 42,
    };
    let answer = execution(&json!({ "State": "CANCELLED" }), &scanned);
    assert_eq!(status_of(answer).await, cancelled);
}

#[tokio::test]
async fn rows_come_by_column_without_the_columns_names_and_without_what_is_null() {
    let header = row(&[Some("account"), Some("name")]);
    let first = row(&[Some("111122223333"), None]);
    // A row that looks like the columns' names is one, on a later page.
    let answers = [
        json_answer(&results(&[header.clone(), first], Some("next"))),
        json_answer(&results(&[header], None)),
    ];
    let service = Service::answering(answers);
    let athena = athena(&service);
    let page = athena.rows(ID, None).await.unwrap();
    let account = BTreeMap::from([("account".to_owned(), "111122223333".to_owned())]);
    let expected = RowPage {
        rows: vec![account],
        next: Some("next".to_owned()),
    };
    assert_eq!(page, expected);
    let page = athena.rows(ID, page.next).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (1, None));
    let asked = service.asked();
    let first = json!({ "QueryExecutionId": ID, "MaxResults": 1_000 });
    assert_eq!(asked[0].json(), first);
    assert_eq!(asked[1].json()["NextToken"], "next");
    assert_eq!(asked[1].operation(), "GetQueryResults");
}

#[tokio::test]
async fn a_query_is_stopped_by_its_id() {
    let service = Service::answering([json_answer(&json!({}))]);
    athena(&service).stop(ID).await.unwrap();
    assert_eq!(service.operations(), ["StopQueryExecution"]);
    assert_eq!(service.asked()[0].json(), json!({ "QueryExecutionId": ID }));
}

#[tokio::test]
async fn errors_say_what_may_be_done_about_them() {
    let cases = [
        ("TooManyRequestsException", 400, ErrorKind::Throttled),
        ("InvalidRequestException", 400, ErrorKind::Invalid),
        ("AccessDeniedException", 400, ErrorKind::Denied),
        ("InternalServerException", 500, ErrorKind::Unavailable),
    ];
    for (code, status, kind) in cases {
        let service = Service::answering_by(move |_| json_error(status, code));
        let error = athena(&service).start(&query()).await.unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (kind, "athena:StartQueryExecution")
        );
    }
}

#[tokio::test]
async fn an_answer_that_lacks_its_parts_is_no_answer() {
    let service = Service::answering([json_answer(&json!({})), json_answer(&json!({}))]);
    let athena = athena(&service);
    let error = athena.start(&query()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let error = athena.rows(ID, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}
