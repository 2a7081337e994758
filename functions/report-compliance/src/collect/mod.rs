//! The first half: reads one account after the other, and keeps what it says of the month.
//!
//! An account that the store has already is not read again, so that a run whose time was up, or
//! that failed, goes on where it ended. Never more than one account is in memory.

use std::collections::BTreeMap;

use banto_domain::policy::ReportPolicy;
use banto_domain::{AccountId, Breach};
use banto_lambda::InvocationError;
use jiff::Timestamp;

pub mod aggregated;
pub mod apply;
pub mod check;
pub mod observe;
pub mod plan;
pub mod snapshot;
pub mod statuses;

use observe::{Candidate, MonthBefore};
use plan::Collected;
use snapshot::{Aggregated, Snapshot};

use crate::engine::ReadJob;
use crate::event::Request;
use crate::evidence::{AccountEvidence, Period};
use crate::failure;
use crate::model::AccountMonth;
use crate::ports::Ports;
use crate::store::account_key;
use crate::time::RunTime;

/// A month to be collected.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    pub ports: &'a Ports,
    pub policy: &'a ReportPolicy,
    pub period: Period,
    pub before: &'a MonthBefore,
    /// What onboard-accounts says of accounts in which something is not in place.
    pub statuses: &'a BTreeMap<AccountId, String>,
    pub mode: Mode,
    pub time: RunTime<'a>,
    pub now: Timestamp,
}

/// What becomes of accounts that the store has, and of those that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those that it has are taken from there, and the others written.
    GoOn,
    /// Those that were read since are taken from there, and the others read and written anew.
    Anew { since: Timestamp },
    /// Those that it has are taken from there, and nothing is written.
    DryRun,
    /// All are read anew, and nothing is written.
    DryRunAnew,
}

impl Mode {
    /// The mode of a request, on a month that is made anew since a moment, if it is.
    pub fn of(request: &Request, since: Option<Timestamp>) -> Self {
        match (request.dry_run, since) {
            (true, _) if request.again => Self::DryRunAnew,
            (true, _) => Self::DryRun,
            (false, Some(since)) => Self::Anew { since },
            (false, None) => Self::GoOn,
        }
    }

    /// True if an account is taken from the store that was read at a moment.
    fn takes(self, read_at: Timestamp) -> bool {
        match self {
            Self::GoOn | Self::DryRun => true,
            Self::Anew { since } => read_at >= since,
            Self::DryRunAnew => false,
        }
    }

    fn writes(self) -> bool {
        matches!(self, Self::GoOn | Self::Anew { .. })
    }
}

/// The accounts of a month, one after the other.
#[derive(Debug)]
pub struct Accounts<'a> {
    job: Job<'a>,
    /// The fingerprint of the policy.
    fingerprint: String,
    candidates: std::vec::IntoIter<Candidate>,
    /// Accounts that were read from the archive.
    pub read: usize,
    /// Accounts that were not active at the month's end and delivered nothing, and so are not in the
    /// report.
    pub left_out: Vec<AccountId>,
    /// Promises that plans would break. Nothing of such an account is written, the others are, and
    /// the report is not made.
    pub refused: Vec<Breach>,
}

impl<'a> Accounts<'a> {
    /// The accounts of a month, of which none was read yet.
    pub fn new(job: Job<'a>, candidates: Vec<Candidate>) -> Self {
        job.ports.progress.begins(candidates.len());
        Self {
            fingerprint: plan::fingerprint(job.policy),
            job,
            candidates: candidates.into_iter(),
            read: 0,
            left_out: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Returns the next account, which the store has from then on; `None` after the last one.
    ///
    /// # Errors
    /// [`OutOfTime`](failure::OUT_OF_TIME) if the time does not do for another one; else if
    /// something can't be read or written.
    pub async fn next(&mut self) -> Result<Option<AccountMonth>, InvocationError> {
        while let Some(candidate) = self.candidates.as_slice().first() {
            if !self.job.time.is_enough() {
                return Err(failure::out_of_time(self.candidates.len()));
            }
            let collected = match self.stored(&candidate.id).await? {
                Some(known) => Some(known),
                None => self.collect(&candidate.clone()).await?,
            };
            let Some(candidate) = self.candidates.next() else {
                return Ok(None);
            };
            if let Some(account) = collected {
                let progress = &self.job.ports.progress;
                progress.account_done(&account.account, &account.name);
                return Ok(Some(account));
            }
            tracing::info!(account.id = %candidate.id, "account left out: it was not active at the month's end and delivered nothing");
            self.left_out.push(candidate.id);
        }
        Ok(None)
    }

    /// The account as the store has it, if it is of this very period, was compared with the same
    /// month, and was judged by the same policy.
    async fn stored(&self, account: &AccountId) -> Result<Option<AccountMonth>, InvocationError> {
        let store = &self.job.ports.store;
        let key = account_key(self.job.period.month, account);
        let known = store.get_current::<AccountMonth>(&key).await;
        let known = known.map_err(failure::port)?;
        let Job { mode, period, .. } = self.job;
        let compared_with = self.job.before.month;
        Ok(known.filter(|known| {
            known.period == period
                && mode.takes(known.read_at)
                && known.compared_with == compared_with
                && known.policy == self.fingerprint
        }))
    }

    /// Reads an account and keeps what it says; `None` if it is to be left out.
    async fn collect(
        &mut self,
        candidate: &Candidate,
    ) -> Result<Option<AccountMonth>, InvocationError> {
        let (snapshot, collected) = match self.job.planned(candidate).await? {
            Some(planned) => planned,
            None => return Ok(None),
        };
        self.read += 1;
        let breaches = check::check(&snapshot, &collected, self.job.policy);
        drop(snapshot);
        if breaches.is_empty() && self.job.mode.writes() {
            apply::save(&self.job.ports.store, &collected, self.job.policy).await?;
        }
        self.refused.extend(breaches);
        Ok(Some(collected.account))
    }
}

impl Job<'_> {
    /// Observes an account and plans its month; `None` if it is to be left out.
    async fn planned(
        &self,
        candidate: &Candidate,
    ) -> Result<Option<(Snapshot, Collected)>, InvocationError> {
        let previous = observe::previous(&self.ports.store, self.before, &candidate.id).await?;
        let previously_open = observe::previously_open(&previous);
        let job = ReadJob {
            account: &candidate.id,
            period: self.period,
            previously_open: &previously_open,
            before: &self.before.fingerprint,
        };
        let evidence: AccountEvidence = self
            .ports
            .engine
            .read(job)
            .await
            .map_err(failure::archive(&candidate.id))?;
        drop(previously_open);
        if !candidate.is_due && observe::is_silent(&evidence, self.period, self.policy) {
            return Ok(None);
        }
        let account = observe::account_info(self.ports, self.policy, candidate, self.now).await?;
        let mut snapshot = Snapshot {
            period: self.period,
            account,
            evidence,
            previous,
            organization_rules: self.before.organization_rules.clone(),
            aggregated: Aggregated::NotAsked,
            onboarding: self.statuses.get(&candidate.id).cloned(),
        };
        let aggregator = self.ports.aggregator.as_deref();
        snapshot.aggregated = aggregated::ask(aggregator, &snapshot, self.policy, self.now).await;
        let collected = plan::plan(&snapshot, self.policy);
        Ok(Some((snapshot, collected)))
    }
}
