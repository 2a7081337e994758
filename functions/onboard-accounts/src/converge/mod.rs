//! Convergence: each message's account is looked at, brought to its baseline, and looked at again.
//! Its status is saved and people are told what is new; an account that is not ready is tried
//! again.
//!
//! Deliberately absent: waiting. An account that is not ready is asked for anew, by a message that
//! the queue gives out later.

use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_lambda::{Invocation, Metrics};
use futures_util::future::{BoxFuture, Either, LocalBoxFuture, join, pending, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _, stream};

pub mod account;
pub mod actions;
pub mod apply;
mod bounded;
pub mod check;
pub mod diff;
pub mod expected;
pub mod news;
pub mod notices;
pub mod observe;
pub mod operations;
mod org_policies;
pub mod outcome;
pub mod plan;
pub mod ports;
mod reasons;
pub mod repairs;
pub mod report;
pub mod retry;
pub mod send;
pub mod snapshot;
pub mod stack_sets;
mod times;

use self::account::{NotPlanned, Planned};
use self::operations::Operation;
use self::outcome::{Converged, JobOutcome};
use self::ports::Ports;
use self::send::Finished;
use crate::message::ConvergeRequest;

/// The number of accounts that are worked on at once. A batch has ten messages; each account makes
/// calls in every region side by side, so that more would only meet the pace of STS and
/// Organizations.
pub const CONCURRENT_ACCOUNTS: usize = 8;

/// The time that an account's news wait for those of others, so that one notice tells of all, and
/// one operation on the StackSet does for all. A batch of accounts in steady state takes less.
const TELL_AFTER: Duration = Duration::from_secs(20);

/// Converges a batch of accounts. Each account is finished (its stacks asked for, saved, told,
/// tried again) together with those that end at about the same time, and waits for no slow one.
/// Returns the accounts whose messages come again, and the metrics.
pub async fn converge(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> (Vec<AccountId>, Metrics) {
    let work = requests
        .into_iter()
        .map(|request| account::converge(ports, request, policy, invocation));
    let mut work = stream::iter(work).buffer_unordered(CONCURRENT_ACCOUNTS);
    let mut batch = Batch::default();
    let mut aside = Aside::default();
    loop {
        let event = match select(work.next(), aside.next().boxed_local()).await {
            Either::Left((None, _)) => break,
            Either::Left((Some(outcome), _)) => Event::Ended(outcome),
            Either::Right((event, _)) => event,
        };
        match event {
            Event::Ended(outcome) => batch.add(outcome),
            Event::Finished(finished) => batch.finished.push(finished),
            Event::TimeIsUp => {
                let ended = std::mem::take(&mut batch.ended);
                let finishing = finish(ports, ended, policy, invocation);
                aside.finishing.push(finishing.boxed_local());
            }
        }
        if aside.timer.is_none() && !batch.ended.is_empty() {
            aside.timer = Some(ports.clock.sleep(TELL_AFTER));
        }
    }
    let last = finish(ports, batch.ended, policy, invocation);
    let (last, others) = join(last, aside.finishing.collect::<Vec<_>>()).await;
    batch.finished.push(last);
    batch.finished.extend(others);
    let mut come_again = batch.come_again;
    let mut metrics = Metrics::default();
    for finished in batch.finished {
        come_again.extend(finished.come_again);
        metrics.add(finished.metrics);
    }
    (come_again, metrics)
}

/// Finishes accounts that ended at about the same time: one operation on the StackSet does for all
/// that ask for the same.
async fn finish(
    ports: &Ports,
    mut accounts: Vec<Converged>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Finished {
    stack_sets::apply(ports, &mut accounts).await;
    send::finish(ports, accounts, policy, invocation).await
}

/// The accounts of a batch that have ended so far.
#[derive(Default)]
struct Batch {
    /// Accounts that wait to be finished together.
    ended: Vec<Converged>,
    come_again: Vec<AccountId>,
    finished: Vec<Finished>,
}

impl Batch {
    fn add(&mut self, outcome: JobOutcome) {
        match outcome {
            JobOutcome::Converged(account) => self.ended.push(*account),
            JobOutcome::Departed => {}
            JobOutcome::ComesAgain(account) => self.come_again.push(account),
        }
    }
}

/// The work that goes on beside the accounts.
#[derive(Default)]
struct Aside<'a> {
    /// Ends when those that have ended are to be finished.
    timer: Option<BoxFuture<'a, ()>>,
    finishing: FuturesUnordered<LocalBoxFuture<'a, Finished>>,
}

/// Something that happens while a batch is worked on.
enum Event {
    /// An account has ended.
    Ended(JobOutcome),
    /// Those that have ended are to be finished.
    TimeIsUp,
    /// Accounts are finished.
    Finished(Finished),
}

impl Aside<'_> {
    /// The next event; never, if nothing goes on.
    async fn next(&mut self) -> Event {
        let Self { timer, finishing } = self;
        let is_up = async {
            match timer.as_mut() {
                Some(timer) => timer.await,
                None => pending().await,
            }
        };
        let finished = async {
            match finishing.next().await {
                Some(finished) => finished,
                None => pending().await,
            }
        };
        let first = match select(is_up.boxed_local(), finished.boxed_local()).await {
            Either::Left(((), _)) => None,
            Either::Right((finished, _)) => Some(finished),
        };
        match first {
            Some(finished) => Event::Finished(finished),
            None => {
                self.timer = None;
                Event::TimeIsUp
            }
        }
    }
}

/// The plans of a dry run, in the order of the accounts' ids, and the StackSet's operations.
pub type DryRunPlans = (Vec<Result<Planned, NotPlanned>>, Vec<Operation>);

/// Plans accounts and the StackSet's operations without touching anything.
pub async fn dry_run(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> DryRunPlans {
    let looks = requests
        .into_iter()
        .map(|request| account::plan_in_time(ports, request, policy, invocation));
    let looks = stream::iter(looks).buffer_unordered(CONCURRENT_ACCOUNTS);
    let mut plans: Vec<_> = looks.collect().await;
    plans.sort_by(|one, other| account_of(one).cmp(account_of(other)));
    let asked = plans
        .iter()
        .flatten()
        .filter(|planned| planned.breaches.is_empty())
        .map(|planned| (&planned.plan.account, &planned.plan.instances));
    let operations = operations::operations(asked);
    (plans, operations)
}

fn account_of(planned: &Result<Planned, NotPlanned>) -> &AccountId {
    match planned {
        Ok(planned) => &planned.plan.account,
        Err(not_planned) => &not_planned.account,
    }
}
