//! The results of a convergence: outcomes, the conditions that follow, and what is new of an
//! account.

use std::collections::BTreeSet;

use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, PerPlace};
use banto_ports::{LastNotified, Told};

use super::actions::{Action, InstanceChanges, Plan};
use super::snapshot::Job;

/// The result of one place's chain.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The actions that were done, in order.
    pub done: Vec<Action>,
    /// The reason why the chain ended early, if it did.
    pub failed: Option<Reason>,
}

/// The result of a job.
#[derive(Debug)]
pub enum JobOutcome {
    /// The account was worked on.
    Converged(Box<Converged>),
    /// The account has left the Organization, and its status is deleted.
    Departed,
    /// The account could not be finished: SQS gives its message out again, as it is.
    ComesAgain(AccountId),
}

/// An account after it was worked on.
#[derive(Debug)]
pub struct Converged {
    pub job: Job,
    pub status: AccountStatus,
    /// The changes that its last plan asks of the StackSet.
    pub instances: InstanceChanges,
    /// The actions that were done, in the words of repairs.
    pub made: BTreeSet<String>,
    /// Actions that the last plan still asks for, in the same words.
    pub still_planned: BTreeSet<String>,
}

/// An account whose status is saved.
#[derive(Debug)]
pub struct Saved {
    pub account: Converged,
    /// The news that people were last notified of.
    pub last_notified: Option<LastNotified>,
    /// Repairs that were made and not told yet, in words.
    pub repairs: BTreeSet<String>,
}

/// What is new of an account, in the notice that people get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsKind {
    /// A new account is ready to be used.
    Ready,
    /// An account is in order again.
    InOrderAgain,
    /// It is not in place, and waiting won't help, or has not.
    Stuck,
    /// People were told that it is stuck, and it still is.
    StillStuck,
    /// Something differs that is reported only.
    Drifted,
}

/// What people are told of one account.
#[derive(Debug)]
pub struct AccountNews<'a> {
    pub status: &'a AccountStatus,
    pub kind: Option<NewsKind>,
    /// The changes that brought the account back to its baseline, in words.
    pub repairs: BTreeSet<String>,
}

/// A notice for people, and what is saved of each account once the notice was sent.
#[derive(Debug)]
pub struct Announcement<'a> {
    pub notice: banto_notice::Notice,
    /// The accounts that it is about. Their messages come again if it can't be sent.
    pub told: Vec<(&'a AccountId, Told)>,
}

/// The conditions of an account after its last plan. A place that its last plan would still change
/// is not in place: an action failed there, or what was done does not show yet. The reason's kind
/// decides between not ready and failed.
pub fn conditions(plan: &Plan, outcomes: &PerPlace<Outcome>) -> PerPlace<Condition> {
    plan.chains.map(|place, chain| {
        if chain.actions.is_empty() {
            return chain.condition.clone();
        }
        let failed = outcomes.get(place).and_then(|it| it.failed.clone());
        let reason = failed.unwrap_or_else(|| propagating(&chain.actions));
        reason.condition()
    })
}

/// The reason of a place whose actions were done and do not show yet.
fn propagating(actions: &[Action]) -> Reason {
    let left: Vec<&str> = actions.iter().map(Action::kind).collect();
    Reason::new(ReasonKind::Propagating, left.join(", "))
}
