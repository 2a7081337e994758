//! An Athena that has its answers ready.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{Clock, PortError, Query, QueryEngine, QueryStatus, RowPage};
use jiff::Timestamp;

pub(super) const FIRST: &str = "111122223333";
pub(super) const SECOND: &str = "444455556666";
pub(super) const THIRD: &str = "777788889999";

pub(super) type Row = BTreeMap<String, String>;

/// An Athena that has the answers to the four questions.
#[derive(Default)]
pub(super) struct Canned {
    pub(super) rows: BTreeMap<&'static str, Vec<Row>>,
    /// What the next executions report when they are looked at; those that are not in it succeed.
    pub(super) statuses: Mutex<VecDeque<QueryStatus>>,
    /// Executions by token, whose place is the id.
    pub(super) started: Mutex<Vec<Query>>,
    pub(super) pages: Mutex<Vec<String>>,
    pub(super) stopped: Mutex<Vec<String>>,
}

/// A clock that stands still, and notes each pause.
#[derive(Default)]
pub(super) struct Pauses(pub(super) Mutex<Vec<Duration>>);

#[async_trait]
impl Clock for Pauses {
    fn now(&self) -> Timestamp {
        "2026-11-02T06:00:00Z".parse().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}

/// The question that a query asks: the first words of its comment.
pub(super) fn question(sql: &str) -> &'static str {
    let known = [
        ("-- The last snapshot", "snapshots"),
        ("-- The evaluations", "evaluations"),
        ("-- The numbers of evaluations", "counts"),
        ("-- The numbers of configuration", "recorded"),
    ];
    let found = known.iter().find(|(words, _)| sql.starts_with(words));
    found.unwrap().1
}

#[async_trait]
impl QueryEngine for Canned {
    async fn start(&self, query: &Query) -> Result<String, PortError> {
        let mut started = self.started.lock().unwrap();
        let known = started.iter().position(|known| known.token == query.token);
        let place = known.unwrap_or(started.len());
        if known.is_none() {
            started.push(query.clone());
        }
        Ok(place.to_string())
    }

    async fn status(&self, _: &str) -> Result<QueryStatus, PortError> {
        let next = self.statuses.lock().unwrap().pop_front();
        Ok(next.unwrap_or(QueryStatus::Succeeded { scanned: 10 }))
    }

    /// Pages of two rows.
    async fn rows(&self, id: &str, after: Option<String>) -> Result<RowPage, PortError> {
        let place: usize = id.parse().unwrap();
        let question = question(&self.started.lock().unwrap()[place].sql);
        let from: usize = after.map_or(0, |after| after.parse().unwrap());
        self.pages
            .lock()
            .unwrap()
            .push(format!("{question} {from}"));
        let rows = self.rows.get(question).cloned().unwrap_or_default();
        let next = (from + 2 < rows.len()).then(|| (from + 2).to_string());
        let rows = rows.into_iter().skip(from).take(2).collect();
        Ok(RowPage { rows, next })
    }

    async fn stop(&self, id: &str) -> Result<(), PortError> {
        self.stopped.lock().unwrap().push(id.to_owned());
        Ok(())
    }
}

fn row(values: &[(&str, &str)]) -> Row {
    let values = values.iter();
    values
        .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
        .collect()
}

pub(super) fn snapshot(account: &str) -> Row {
    row(&[
        ("account", account),
        ("region", "eu-west-1"),
        ("year", "2026"),
        ("month", "10"),
        ("day", "31"),
        ("path", &format!("s3://config/{}", key(account))),
        ("taken", "20261031T060000Z"),
        ("is_readable", "true"),
        ("resources", "7"),
        ("odd", "0"),
    ])
}

pub(super) fn key(account: &str) -> String {
    format!("AWSLogs/{account}/a.json.gz")
}

pub(super) fn evaluation(account: &str, resource: &str, verdict: &str) -> Row {
    row(&[
        ("account", account),
        ("region", "eu-west-1"),
        ("rule", "encrypted-volumes"),
        ("resource_type", "AWS::EC2::Volume"),
        ("resource_id", resource),
        ("name", resource),
        ("verdict", verdict),
        ("recorded_at", "2026-10-20T01:02:03.456Z"),
    ])
}

pub(super) fn count(account: &str, verdict: &str, evaluations: &str) -> Row {
    row(&[
        ("account", account),
        ("region", "eu-west-1"),
        ("rule", "encrypted-volumes"),
        ("verdict", verdict),
        ("evaluations", evaluations),
    ])
}

fn recorded(account: &str, items: &str) -> Row {
    row(&[
        ("account", account),
        ("resource_type", "AWS::EC2::Volume"),
        ("items", items),
    ])
}

/// Three accounts, each with a finding.
pub(super) fn canned() -> Canned {
    let accounts = [FIRST, SECOND, THIRD];
    let of_each = |row: &dyn Fn(&str) -> Row| accounts.iter().map(|account| row(account)).collect();
    let noncompliant = |account: &str| evaluation(account, "vol-1", "NON_COMPLIANT");
    Canned {
        rows: BTreeMap::from([
            ("snapshots", of_each(&snapshot)),
            ("evaluations", of_each(&noncompliant)),
            (
                "counts",
                of_each(&|account| count(account, "NON_COMPLIANT", "1")),
            ),
            ("recorded", of_each(&|account| recorded(account, "5"))),
        ]),
        ..Canned::default()
    }
}
