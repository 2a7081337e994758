//! Athena: SQL over the log archive. (Athena API reference, version 2017-05-18, in AWS's JSON 1.1
//! protocol.)

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::policy::report::AthenaPolicy;
use banto_ports::{PortError, Query, QueryEngine, QueryStatus, RowPage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::caller::{Caller, Request};
use crate::errors::lacking;

const START: &str = "athena:StartQueryExecution";
const STATUS: &str = "athena:GetQueryExecution";
const ROWS: &str = "athena:GetQueryResults";
const STOP: &str = "athena:StopQueryExecution";

/// Most rows of a page. (Athena API reference, `GetQueryResults`.)
const PAGE: u32 = 1_000;

/// A workgroup of Athena, in the function's region. The workgroup says where results go.
#[derive(Debug)]
pub struct AthenaQueries {
    caller: Caller,
    workgroup: String,
    database: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Started {
    query_execution_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    query_execution: Execution,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Execution {
    status: Status,
    #[serde(default)]
    statistics: Statistics,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    state: String,
    #[serde(default)]
    state_change_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    /// Absent before the query runs.
    #[serde(default)]
    data_scanned_in_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    result_set: ResultSet,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultSet {
    rows: Vec<Row>,
    result_set_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    #[serde(default)]
    data: Vec<Datum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    /// Absent where it is NULL.
    #[serde(default)]
    var_char_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    column_info: Vec<Column>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Column {
    name: String,
}

impl AthenaQueries {
    pub(crate) fn new(caller: Caller, policy: &AthenaPolicy) -> Self {
        Self {
            caller,
            workgroup: policy.workgroup.clone(),
            database: policy.database.clone(),
        }
    }

    async fn ask(&self, call: &'static str, body: &Value) -> Result<Vec<u8>, PortError> {
        let operation = call.trim_start_matches("athena:");
        let target = format!("AmazonAthena.{operation}");
        self.caller
            .ask(Request::aws_json(call, "1.1", &target, body))
            .await
    }
}

#[async_trait]
impl QueryEngine for AthenaQueries {
    async fn start(&self, query: &Query) -> Result<String, PortError> {
        let body = json!({
            "QueryString": query.sql,
            "ClientRequestToken": query.token,
            "QueryExecutionContext": { "Database": self.database },
            "WorkGroup": self.workgroup,
        });
        let answer = self.ask(START, &body).await?;
        let started: Started = read(START, &answer)?;
        Ok(started.query_execution_id)
    }

    async fn status(&self, id: &str) -> Result<QueryStatus, PortError> {
        let answer = self.ask(STATUS, &json!({ "QueryExecutionId": id })).await?;
        let answer: Answer = read(STATUS, &answer)?;
        let Execution { status, statistics } = answer.query_execution;
        let scanned = statistics.data_scanned_in_bytes;
        match status.state.as_str() {
            "QUEUED" | "RUNNING" => Ok(QueryStatus::Running { scanned }),
            "SUCCEEDED" => Ok(QueryStatus::Succeeded { scanned }),
            state @ ("FAILED" | "CANCELLED") => {
                let reason = status.state_change_reason;
                let reason = reason.unwrap_or_else(|| state.to_owned());
                Ok(QueryStatus::Failed { reason, scanned })
            }
            _ => Err(lacking(STATUS, "a state that is known")),
        }
    }

    async fn rows(&self, id: &str, after: Option<String>) -> Result<RowPage, PortError> {
        let is_first = after.is_none();
        let body = match after {
            None => json!({ "QueryExecutionId": id, "MaxResults": PAGE }),
            Some(after) => {
                json!({ "QueryExecutionId": id, "MaxResults": PAGE, "NextToken": after })
            }
        };
        let answer = self.ask(ROWS, &body).await?;
        let Results {
            result_set,
            next_token,
        } = read(ROWS, &answer)?;
        let columns = result_set.result_set_metadata.column_info;
        // The first row of all is the columns' names. (Athena API reference, `GetQueryResults`.)
        let rows = result_set.rows.into_iter().skip(usize::from(is_first));
        Ok(RowPage {
            rows: rows.map(|row| named(&columns, row)).collect(),
            next: next_token,
        })
    }

    async fn stop(&self, id: &str) -> Result<(), PortError> {
        let body = json!({ "QueryExecutionId": id });
        self.ask(STOP, &body).await.map(drop)
    }
}

/// The values of a row by column, without those that are NULL.
fn named(columns: &[Column], row: Row) -> BTreeMap<String, String> {
    let values = columns.iter().zip(row.data);
    values
        .filter_map(|(column, datum)| Some((column.name.clone(), datum.var_char_value?)))
        .collect()
}

fn read<T: DeserializeOwned>(call: &'static str, answer: &[u8]) -> Result<T, PortError> {
    serde_json::from_slice(answer).map_err(|_| lacking(call, "what it is documented to have"))
}
