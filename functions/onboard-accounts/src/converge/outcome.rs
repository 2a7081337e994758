//! The results of a convergence, and what is new of an account.

use banto_domain::status::{AccountStatus, Reason};
use banto_domain::{AccountId, PerPlace, Place};
use banto_ports::PreviousStatus;

use super::actions::Action;
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
    /// The accounts whose messages come again if the notice can't be sent.
    pub accounts: Vec<&'a AccountId>,
    /// The mark of each account's news: the same mark is not announced twice.
    pub last_notified: Vec<(&'a AccountId, String)>,
}
