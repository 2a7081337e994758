//! The results of a convergence: outcomes, the conditions that follow, and what is new of an
//! account.

use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, PerPlace, Place};
use banto_ports::PreviousStatus;

use super::actions::{Action, Plan};
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
    /// The account was worked on, and its status is saved.
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
    pub outcomes: PerPlace<Outcome>,
    /// The status and the notice of an earlier run.
    pub previous: PreviousStatus,
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
    /// Something differs that is reported only.
    Drifted,
}

/// What people are told of one account.
#[derive(Debug)]
pub struct AccountNews<'a> {
    pub status: &'a AccountStatus,
    pub kind: Option<NewsKind>,
    /// The changes that brought the account back to its baseline.
    pub repairs: Vec<(Place<'a>, &'a Action)>,
}

/// A notice for people, and what is saved of each account once the notice was sent.
#[derive(Debug)]
pub struct Announcement<'a> {
    pub notice: banto_notice::Notice,
    /// The accounts whose messages come again if the notice can't be sent. What was repaired in
    /// them is not told then: the next run finds it in place.
    pub accounts: Vec<&'a AccountId>,
    /// The mark of each account's news: the same mark is not announced twice.
    pub last_notified: Vec<(&'a AccountId, String)>,
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
