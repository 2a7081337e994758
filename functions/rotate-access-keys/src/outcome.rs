//! The outcomes of a run: in each account, and of each chain there.

use banto_domain::{AccessKeyId, AccountId, Breach, Fingerprint, UserName};
use banto_notice::SendError;
use banto_ports::PortError;
use banto_seal::SealError;
use jiff::Timestamp;

use crate::plan::{Action, Finding, Plan, WaitReason, Waiting};
use crate::snapshot::{NotObserved, Observed, StoredRecord};

/// The outcome of a run.
#[derive(Debug)]
pub struct RunOutcome {
    pub accounts: Vec<AccountOutcome>,
    /// True if the run ended after the plan was checked.
    pub dry_run: bool,
    /// True if users or keys were named.
    pub is_named: bool,
}

/// The outcome of a run in one account.
#[derive(Debug)]
pub struct AccountOutcome {
    pub account: AccountId,
    /// `None` if the account could not be observed.
    pub plan: Option<Plan>,
    /// `None` if the account was not observed.
    pub observed: Option<Observed>,
    /// Empty where nothing was applied.
    pub chains: Vec<ChainOutcome>,
    /// The reasons why nothing was applied, where they are errors.
    pub errors: Vec<String>,
}

/// The outcome of a chain.
#[derive(Debug)]
pub struct ChainOutcome {
    pub user: UserName,
    pub done: Vec<Action>,
    /// The action that failed, and why.
    pub failed: Option<(Action, ApplyError)>,
    /// The actions that were left for the next run.
    pub left: Vec<Action>,
    /// The record as it was last written.
    pub record: StoredRecord,
}

/// The reason why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The recipient is not the one that was planned.
    #[error("the certificate {0} is not at hand")]
    NoRecipient(Fingerprint),
    /// Too much time passed since the intent was recorded.
    #[error("the intent was recorded too long ago to create a key on it")]
    LeaseOver,
    /// The lost key turned out to be used; it was made active again.
    #[error("{0} was to be discarded as lost, but someone uses it")]
    OrphanInUse(AccessKeyId),
    /// The record could not be read, so nothing can be added to it.
    #[error("the record can't be read, so nothing can be noted in it")]
    UnreadableRecord,
}

impl AccountOutcome {
    /// Nothing may be done now.
    pub fn closed(account: AccountId, reason: WaitReason) -> Self {
        let plan = Plan {
            waiting: vec![Waiting { user: None, reason }],
            ..Plan::empty(account.clone())
        };
        Self {
            plan: Some(plan),
            ..Self::empty(account)
        }
    }

    /// The account could not be observed.
    pub fn observation_failed(account: AccountId, error: String) -> Self {
        Self {
            errors: vec![error],
            ..Self::empty(account)
        }
    }

    /// The plan was not applied: a dry run, or a plan with breaches, which is refused.
    pub fn not_applied(observed: Observed, plan: Plan, breaches: &[Breach]) -> Self {
        let errors = breaches
            .iter()
            .map(|breach| format!("refused: the plan would break {breach}"));
        Self {
            errors: errors.collect(),
            ..Self::applied(observed, plan, Vec::new())
        }
    }

    /// The plan was applied, as far as it could be.
    pub fn applied(observed: Observed, plan: Plan, chains: Vec<ChainOutcome>) -> Self {
        let empty = Self::empty(plan.account.clone());
        Self {
            plan: Some(plan),
            observed: Some(observed),
            chains,
            ..empty
        }
    }

    fn empty(account: AccountId) -> Self {
        Self {
            account,
            plan: None,
            observed: None,
            chains: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The actions that were done, each with its user.
    pub fn done(&self) -> Vec<(&UserName, &Action)> {
        let mut done = Vec::new();
        for chain in &self.chains {
            for action in &chain.done {
                done.push((&chain.user, action));
            }
        }
        done
    }

    /// The number of actions done for which this is true.
    pub fn count_done(&self, is: fn(&Action) -> bool) -> usize {
        self.done().iter().filter(|(_, action)| is(action)).count()
    }

    /// The number of actions that were left, since the time was over.
    pub fn left(&self) -> usize {
        self.chains.iter().map(|chain| chain.left.len()).sum()
    }

    /// The findings, those included that people know.
    pub fn findings(&self) -> &[Finding] {
        self.plan.as_ref().map_or(&[], |plan| &plan.findings)
    }

    /// The findings that people were not notified of yet.
    pub fn new_findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings().iter().collect();
        findings.retain(|finding| !finding.notified);
        findings
    }

    /// The users and exposed keys that could not be observed.
    pub fn not_observed(&self) -> &[NotObserved] {
        let observed = self.observed.as_ref();
        observed.map_or(&[], |observed| &observed.snapshot.not_observed)
    }

    /// The number of users who needed no closer look.
    pub fn users_in_order(&self) -> usize {
        let observed = self.observed.as_ref();
        observed.map_or(0, |observed| observed.snapshot.users_in_order)
    }

    /// The date of the oldest active key.
    pub fn oldest_key(&self) -> Option<Timestamp> {
        self.observed.as_ref()?.snapshot.oldest_key
    }

    /// True if the plan was refused.
    pub fn is_refused(&self) -> bool {
        self.plan.is_some() && !self.errors.is_empty()
    }
}

impl RunOutcome {
    /// The number of actions that were left, since the time was over.
    pub fn left(&self) -> usize {
        self.accounts.iter().map(AccountOutcome::left).sum()
    }
}
