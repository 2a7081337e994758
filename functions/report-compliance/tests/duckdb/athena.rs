//! Athena's stand-in: a process that translates each query and runs it on DuckDB.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{Clock, PortError, Query, QueryEngine, QueryStatus, RowPage};
use banto_samples::Archive;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::archive::Folder;

/// Rows of a page: few, so that accounts begin in the middle of one.
const PAGE: usize = 7;

type Rows = Vec<BTreeMap<String, String>>;

/// A DuckDB with Athena's tables and views.
pub(crate) struct DuckDb {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// The outcome of each query, whose place is the id.
    outcomes: Mutex<Vec<Result<Rows, String>>>,
}

/// A clock that stands still: nothing is waited for.
pub(crate) struct StoppedClock;

impl DuckDb {
    pub(crate) fn start(python: &Path, folder: &Folder, archive: &Archive) -> Self {
        let shape = archive.shape();
        let roots = shape.roots.iter().map(|root| format!("{root}AWSLogs"));
        let accounts = shape.account_ids().map(ToString::to_string);
        let regions = shape.regions.iter().map(ToString::to_string);
        let placeholders = json!({
            "archive": "s3://archive/",
            "store": "s3://store/",
            "roots": roots.collect::<Vec<_>>().join(","),
            "accounts": accounts.collect::<Vec<_>>().join(","),
            "regions": regions.collect::<Vec<_>>().join(","),
        });
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new(python)
            .arg(crate_folder.join("tests/duckdb/athena.py"))
            .arg(crate_folder.join("sql"))
            .args([folder.archive(), folder.store()])
            .arg(placeholders.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (stdin, stdout) = pipes.unwrap();
        Self {
            process,
            pipes: Mutex::new((stdin, BufReader::new(stdout))),
            outcomes: Mutex::default(),
        }
    }

    fn run(&self, sql: &str) -> Result<Rows, String> {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{}", json!({ "sql": sql })).unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(serde_json::from_value(answer["rows"].take()).unwrap()),
        }
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // It ends by itself when nothing comes any more; this is only sooner.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[async_trait]
impl QueryEngine for DuckDb {
    async fn start(&self, query: &Query) -> Result<String, PortError> {
        let outcome = self.run(&query.sql);
        let mut outcomes = self.outcomes.lock().unwrap();
        outcomes.push(outcome);
        Ok((outcomes.len() - 1).to_string())
    }

    async fn status(&self, id: &str) -> Result<QueryStatus, PortError> {
        let id: usize = id.parse().unwrap();
        let scanned = 0;
        Ok(match &self.outcomes.lock().unwrap()[id] {
            Ok(_) => QueryStatus::Succeeded { scanned },
            Err(reason) => QueryStatus::Failed {
                reason: reason.clone(),
                scanned,
            },
        })
    }

    async fn rows(&self, id: &str, after: Option<String>) -> Result<RowPage, PortError> {
        let id: usize = id.parse().unwrap();
        let from: usize = after.map_or(0, |after| after.parse().unwrap());
        let outcomes = self.outcomes.lock().unwrap();
        let rows = outcomes[id].as_ref().unwrap();
        let next = (from + PAGE < rows.len()).then(|| (from + PAGE).to_string());
        let rows = rows.iter().skip(from).take(PAGE).cloned().collect();
        Ok(RowPage { rows, next })
    }

    async fn stop(&self, _: &str) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}
