//! Executions of queries: begun once, waited for, and stopped when they scan too much.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use banto_domain::policy::report::AthenaPolicy;
use banto_ports::{Clock, ErrorKind, PortError, QueryEngine, QueryStatus};

use super::queries::{Days, Question};
use crate::evidence::Period;

const CALL: &str = "athena:StartQueryExecution";

/// The first pause before a query is looked at again, and the longest. A query on a small archive
/// takes seconds. GetQueryExecution is allowed 20 times a second in a Region, by all who ask.
/// (AWS general reference, "Amazon Athena endpoints and quotas".)
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Most executions of one question on one day: one that failed earlier is not asked for again, and
/// one that fails each time is paid for each time.
const ATTEMPTS: u32 = 8;

/// The executions of the queries that were begun, and what they have scanned.
pub(super) struct Executions {
    queries: Arc<dyn QueryEngine>,
    clock: Arc<dyn Clock>,
    scan_limit: u64,
    /// The bytes that each has scanned, by id.
    scanned: BTreeMap<String, u64>,
    /// The bytes that all have scanned, for those who look on.
    all: Arc<AtomicU64>,
}

impl Executions {
    pub(super) fn new(
        queries: Arc<dyn QueryEngine>,
        clock: Arc<dyn Clock>,
        policy: AthenaPolicy,
        all: Arc<AtomicU64>,
    ) -> Self {
        Self {
            queries,
            clock,
            scan_limit: policy.scan_limit,
            scanned: BTreeMap::new(),
            all,
        }
    }

    /// Runs questions side by side, and returns the execution of each. `before` is the fingerprint of
    /// the month before, of questions that depend on it.
    ///
    /// # Errors
    /// If one fails, or all together scan too much. Those that still run are stopped then: nobody
    /// will read them.
    pub(super) async fn run(
        &mut self,
        questions: &[Question],
        period: Period,
        days: &Days,
        before: &str,
    ) -> Result<Vec<String>, PortError> {
        let mut ids = Vec::new();
        let outcome = self
            .run_all(questions, period, days, before, &mut ids)
            .await;
        if outcome.is_err() {
            for id in &ids {
                // The error that made them useless is the one to tell; one that has ended already
                // can't be stopped.
                drop(self.queries.stop(id).await);
            }
        }
        outcome.map(|()| ids)
    }

    async fn run_all(
        &mut self,
        questions: &[Question],
        period: Period,
        days: &Days,
        before: &str,
        ids: &mut Vec<String>,
    ) -> Result<(), PortError> {
        for question in questions {
            ids.push(self.begin(*question, period, days, before).await?);
        }
        for id in ids.iter() {
            self.wait(id).await?;
        }
        Ok(())
    }

    /// Begins a query, or returns the execution that a run before this one began.
    async fn begin(
        &self,
        question: Question,
        period: Period,
        days: &Days,
        before: &str,
    ) -> Result<String, PortError> {
        let mut failure = None;
        for attempt in 0..ATTEMPTS {
            let query = question.asked(period, days, before, self.clock.now(), attempt);
            let id = self.queries.start(&query).await?;
            match self.queries.status(&id).await? {
                QueryStatus::Failed { reason, .. } => failure = Some(reason),
                QueryStatus::Running { .. } | QueryStatus::Succeeded { .. } => return Ok(id),
            }
        }
        Err(failed(&failure.unwrap_or_default()))
    }

    async fn wait(&mut self, id: &str) -> Result<(), PortError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.queries.status(id).await? {
                QueryStatus::Succeeded { scanned } => return self.count(id, scanned),
                QueryStatus::Running { scanned } => self.count(id, scanned)?,
                QueryStatus::Failed { reason, scanned } => {
                    self.count(id, scanned)?;
                    return Err(failed(&reason));
                }
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn count(&mut self, id: &str, scanned: u64) -> Result<(), PortError> {
        self.scanned.insert(id.to_owned(), scanned);
        let (all, limit) = (self.scanned.values().sum(), self.scan_limit);
        self.all.store(all, Ordering::Relaxed);
        if all <= limit {
            return Ok(());
        }
        let what = format!(
            "the queries have scanned {all} bytes, more than the policy's scan_limit of {limit}"
        );
        Err(PortError::new(ErrorKind::LimitExceeded, CALL, what))
    }
}

fn failed(reason: &str) -> PortError {
    PortError::new(
        ErrorKind::Invalid,
        CALL,
        format!("the query failed: {reason}"),
    )
}
