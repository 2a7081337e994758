//! Athena reads the archive, for those who have more than one function can read.
//!
//! Four queries a month answer for all accounts at once, sorted by account; each account is read
//! from where the one before it ended. The SQL says what the archive has, and nothing of what that
//! means: `sql/queries/`. docs/athena.md says what it can't read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use banto_domain::AccountId;
use banto_domain::policy::report::AthenaPolicy;
use banto_ports::{Clock, PortError, QueryEngine};
use futures_util::lock::Mutex;
use jiff::civil::Date;

use crate::engine::{Engine, ReadJob};
use crate::evidence::{AccountEvidence, EngineUsage, Period};

mod account;
mod executions;
mod queries;
mod rows;
#[cfg(test)]
mod tests;

pub use queries::DAYS;

use account::Gathered;
use executions::Executions;
use queries::{Days, Question};
use rows::{Row, Rows, unreadable};

/// The engine that has Athena read the archive.
pub struct Athena {
    queries: Arc<dyn QueryEngine>,
    /// True if history files are read too.
    history: bool,
    /// Accounts are read one after the other, whoever asks.
    reading: Mutex<Reading>,
    /// The bytes that all executions have scanned.
    scanned: Arc<AtomicU64>,
}

/// The executions so far, and the month that is read.
struct Reading {
    executions: Executions,
    month: Option<MonthRows>,
}

/// The rows of a month.
struct MonthRows {
    period: Period,
    /// The accounts that have a snapshot.
    accounts: BTreeSet<AccountId>,
    /// The days of the last snapshots: the objects of others need not be read again.
    days: Days,
    snapshots: Rows,
    recorded: Option<Rows>,
    /// What only those need who read an account.
    details: Option<Details>,
    /// The account that was read last, perhaps in part.
    last: Option<AccountId>,
}

struct Details {
    /// The fingerprint of the month before, beside which they were asked for.
    before: String,
    evaluations: Rows,
    counts: Rows,
}

impl Athena {
    /// Makes an engine, which asks for nothing yet.
    pub fn new(
        queries: Arc<dyn QueryEngine>,
        policy: AthenaPolicy,
        clock: Arc<dyn Clock>,
        history: bool,
    ) -> Self {
        let scanned = Arc::new(AtomicU64::new(0));
        let executions = Executions::new(queries.clone(), clock, policy, scanned.clone());
        Self {
            queries,
            history,
            reading: Mutex::new(Reading {
                executions,
                month: None,
            }),
            scanned,
        }
    }
}

impl Reading {
    /// Returns the rows of a month, for which Athena is asked unless it has been.
    async fn month(
        &mut self,
        queries: &dyn QueryEngine,
        period: Period,
        history: bool,
    ) -> Result<&mut MonthRows, PortError> {
        let month = match self.month.take().filter(|month| month.period == period) {
            Some(month) => month,
            None => MonthRows::begin(&mut self.executions, queries, period, history).await?,
        };
        Ok(self.month.insert(month))
    }

    /// Returns the same, with all that an account needs.
    async fn whole(
        &mut self,
        queries: &dyn QueryEngine,
        job: ReadJob<'_>,
        history: bool,
    ) -> Result<&mut MonthRows, PortError> {
        let period = job.period;
        let month = self.month(queries, period, history).await?;
        let details = month.details.as_ref();
        if details.is_none_or(|details| details.before != job.before) {
            // Rows of two months before don't go together: all begin at the first account.
            month.rewind();
            let days = month.days.clone();
            let details = Details::begin(&mut self.executions, period, &days, job.before).await?;
            self.month(queries, period, history).await?.details = Some(details);
        }
        self.month(queries, period, history).await
    }
}

impl MonthRows {
    async fn begin(
        executions: &mut Executions,
        queries: &dyn QueryEngine,
        period: Period,
        history: bool,
    ) -> Result<Self, PortError> {
        let questions: &[Question] = if history {
            &[Question::Snapshots, Question::Recorded]
        } else {
            &[Question::Snapshots]
        };
        let before = Days::before(period.end);
        let ids = executions.run(questions, period, &before, "").await?;
        let mut rows = ids.into_iter().map(Rows::of);
        let snapshots = rows.next();
        let snapshots = snapshots.ok_or_else(|| unreadable("there is no execution"))?;
        let mut month = Self {
            period,
            accounts: BTreeSet::new(),
            days: Days::default(),
            snapshots,
            recorded: rows.next(),
            details: None,
            last: None,
        };
        month.look_through(queries).await?;
        Ok(month)
    }

    /// Notes which accounts and days have snapshots.
    async fn look_through(&mut self, queries: &dyn QueryEngine) -> Result<(), PortError> {
        while let Some((account, row)) = self.snapshots.next(queries).await? {
            self.accounts.insert(account);
            self.days.0.insert(day(&row)?);
        }
        self.snapshots.rewind();
        Ok(())
    }

    /// Begins at the first account again.
    fn rewind(&mut self) {
        self.last = None;
        self.snapshots.rewind();
        if let Some(recorded) = &mut self.recorded {
            recorded.rewind();
        }
        if let Some(details) = &mut self.details {
            details.evaluations.rewind();
            details.counts.rewind();
        }
    }

    async fn accounts(
        &mut self,
        queries: &dyn QueryEngine,
    ) -> Result<BTreeSet<AccountId>, PortError> {
        let mut accounts = self.accounts.clone();
        self.rewind();
        if let Some(recorded) = &mut self.recorded {
            while let Some((account, _)) = recorded.next(queries).await? {
                accounts.insert(account);
            }
            recorded.rewind();
        }
        Ok(accounts)
    }

    async fn read(
        &mut self,
        job: ReadJob<'_>,
        queries: &dyn QueryEngine,
    ) -> Result<AccountEvidence, PortError> {
        let is_behind = self.last.as_ref().is_some_and(|last| last >= job.account);
        if is_behind {
            self.rewind();
        }
        self.last = Some(job.account.clone());
        let mut gathered = Gathered::new(job);
        while let Some(row) = self.snapshots.next_of(job.account, queries).await? {
            gathered.add_snapshot(&row)?;
        }
        if let Some(recorded) = &mut self.recorded {
            while let Some(row) = recorded.next_of(job.account, queries).await? {
                gathered.add_recorded(&row)?;
            }
        }
        if let Some(details) = &mut self.details {
            details.read(&mut gathered, job.account, queries).await?;
        }
        Ok(gathered.evidence())
    }
}

impl Details {
    async fn begin(
        executions: &mut Executions,
        period: Period,
        days: &Days,
        before: &str,
    ) -> Result<Self, PortError> {
        let questions = [Question::Evaluations, Question::Counts];
        let ids = executions.run(&questions, period, days, before).await?;
        let mut rows = ids.into_iter().map(Rows::of);
        let both = rows.next().zip(rows.next());
        let (evaluations, counts) = both.ok_or_else(|| unreadable("there is no execution"))?;
        Ok(Self {
            before: before.to_owned(),
            evaluations,
            counts,
        })
    }

    async fn read(
        &mut self,
        gathered: &mut Gathered<'_>,
        account: &AccountId,
        queries: &dyn QueryEngine,
    ) -> Result<(), PortError> {
        while let Some(row) = self.evaluations.next_of(account, queries).await? {
            gathered.add_evaluation(&row)?;
        }
        while let Some(row) = self.counts.next_of(account, queries).await? {
            gathered.add_count(&row)?;
        }
        Ok(())
    }
}

/// The day in whose folder a snapshot lies.
fn day(row: &Row) -> Result<Date, PortError> {
    let (year, month, day) = (
        row.parsed("year")?,
        row.parsed("month")?,
        row.parsed("day")?,
    );
    Date::new(year, month, day).map_err(|_| unreadable("a row has a day that is none"))
}

#[async_trait]
impl Engine for Athena {
    /// Returns the accounts of which there is a snapshot within [`DAYS`], or a history file of the
    /// month: older ones cost as much as they hold.
    async fn accounts(&self, period: Period) -> Result<BTreeSet<AccountId>, PortError> {
        let mut reading = self.reading.lock().await;
        // A run begins with this: what an earlier one of the same process read may be days old.
        reading.month = None;
        let queries = self.queries.as_ref();
        let month = reading.month(queries, period, self.history).await?;
        month.accounts(queries).await
    }

    async fn read(&self, job: ReadJob<'_>) -> Result<AccountEvidence, PortError> {
        let mut reading = self.reading.lock().await;
        let queries = self.queries.as_ref();
        let month = reading.whole(queries, job, self.history).await?;
        month.read(job, queries).await
    }

    fn usage(&self) -> EngineUsage {
        EngineUsage {
            objects: 0,
            bytes: self.scanned.load(Ordering::Relaxed),
            by_athena: true,
        }
    }
}

impl fmt::Debug for Athena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Athena").finish_non_exhaustive()
    }
}
