//! The outcomes of a run: in each account, and of each chain there.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, AccountId, Breach, Fingerprint, UserName};
use banto_notice::SendError;
use banto_ports::PortError;
use banto_seal::SealError;
use jiff::{SignedDuration, Timestamp};

use crate::event::Mode;
use crate::plan::{Action, Finding, FindingKind, Plan, WaitReason, Waiting};
use crate::snapshot::{Contained, NotObserved, Observed, StoredRecord, Stranger};

/// The outcome of a run.
#[derive(Debug)]
pub struct RunOutcome {
    pub accounts: Vec<AccountOutcome>,
    /// Things that concern no identity account, and that people must see to.
    pub strangers: Vec<Stranger>,
    /// True if the run ended after the plan was checked.
    pub dry_run: bool,
    /// True if users or keys were named.
    pub is_named: bool,
}

/// The failures that operators are told of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    Told,
    /// The request comes again in a moment; what stands in its way is told if it lasts.
    Withheld,
}

/// The outcome of a run in one account.
#[derive(Debug)]
pub struct AccountOutcome {
    pub account: AccountId,
    /// `None` if the account could not be observed.
    pub plan: Option<Plan>,
    /// `None` if nobody looked, since the whole run waits, or if looking failed.
    pub observed: Option<Observed>,
    /// The reason why the account could not be observed.
    pub observe_error: Option<String>,
    /// The urgency of the run, or what it was to do.
    pub mode: Mode,
    /// True if operators could not be told of the run.
    pub untold: bool,
    /// The keys that AWS named, and their end.
    pub contained: Vec<Contained>,
    /// The promises that the plan would break; if there is any, it is refused.
    pub breaches: Vec<Breach>,
    /// Empty where nothing was applied.
    pub chains: Vec<ChainOutcome>,
}

/// The outcome of a chain.
#[derive(Debug)]
pub struct ChainOutcome {
    pub user: UserName,
    pub done: Vec<Action>,
    /// The actions that failed, and why. All but the last were passed over.
    pub failed: Vec<(Action, ApplyError)>,
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
    /// The orphan turned out to be used; it was made active again.
    #[error("{0} was to be discarded as lost, but someone uses it")]
    OrphanInUse(AccessKeyId),
    /// A person made the key active again since it was observed; it is theirs then.
    #[error("{0} was made active again in the meantime")]
    RestoredMeanwhile(AccessKeyId),
    /// The ground of the plan has changed since it was made.
    #[error("nothing was done, since {0} has changed in the meantime")]
    ChangedMeanwhile(AccessKeyId),
    /// The ground of the action changed while it was done; it was undone.
    #[error(
        "{0} was disabled and made active again at once, since the new key has changed in the meantime"
    )]
    Undone(AccessKeyId),
    /// The record could not be read, so nothing can be added to it.
    #[error("the record can't be read, so nothing can be noted in it")]
    UnreadableRecord,
    /// Nobody would believe the version when it is read.
    #[error(
        "the record was not written, since the signature of `rotation.signing_key` is by none of \
         `rotation.signing_public_keys`"
    )]
    Unsigned,
}

impl AccountOutcome {
    /// The whole run waits, so nobody looked at the account.
    pub fn waits(plan: Plan) -> Self {
        Self {
            account: plan.account.clone(),
            plan: Some(plan),
            observed: None,
            observe_error: None,
            mode: Mode::Due,
            untold: false,
            contained: Vec::new(),
            breaches: Vec::new(),
            chains: Vec::new(),
        }
    }

    /// The account could not be observed.
    pub fn not_observed(account: AccountId, error: String) -> Self {
        Self {
            account,
            plan: None,
            observed: None,
            observe_error: Some(error),
            mode: Mode::Due,
            untold: false,
            contained: Vec::new(),
            breaches: Vec::new(),
            chains: Vec::new(),
        }
    }

    /// The run ended after the check: it was a dry run, or the plan is refused.
    pub fn checked(observed: Observed, plan: Plan, breaches: Vec<Breach>) -> Self {
        Self {
            observed: Some(observed),
            breaches,
            ..Self::waits(plan)
        }
    }

    /// The plan was applied, as far as it could be.
    pub fn applied(observed: Observed, plan: Plan, chains: Vec<ChainOutcome>) -> Self {
        Self {
            observed: Some(observed),
            chains,
            ..Self::waits(plan)
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

    /// The number of keys that were disabled; one action may disable several.
    pub fn keys_disabled(&self) -> usize {
        let mut count = 0;
        for (_, action) in self.done() {
            if action.is_disabling() {
                count += action.keys().len();
            }
        }
        count
    }

    /// The number of actions that were left, since the time was over.
    pub fn left(&self) -> usize {
        self.chains.iter().map(|chain| chain.left.len()).sum()
    }

    /// The findings, those included that people know.
    pub fn findings(&self) -> &[Finding] {
        self.plan.as_ref().map_or(&[], |plan| &plan.findings)
    }

    /// The users who wait, or everyone.
    pub fn waiting(&self) -> &[Waiting] {
        self.plan.as_ref().map_or(&[], |plan| &plan.waiting)
    }

    /// Things that concern no user, and that people must see to.
    pub fn strangers(&self) -> &[Stranger] {
        let observed = self.observed.as_ref();
        observed.map_or(&[], |observed| &observed.snapshot.strangers)
    }

    /// The names under which open records are kept whose users are gone.
    pub fn gone(&self) -> BTreeSet<UserName> {
        let observed = self.observed.as_ref();
        observed
            .map(|observed| observed.snapshot.gone.clone())
            .unwrap_or_default()
    }

    /// The keys that AWS named and that could not be disabled, with the reason.
    pub fn not_contained(&self) -> Vec<(&AccessKeyId, &PortError)> {
        let mut failed = Vec::new();
        for contained in &self.contained {
            if let Some(Err(error)) = &contained.disabled {
                failed.push((&contained.key, error));
            }
        }
        failed
    }

    /// The moment at which an emergency must be looked at again, if one must.
    pub fn second_look(&self) -> Option<Timestamp> {
        let mut earliest = None;
        for waiting in self.waiting() {
            if let WaitReason::SecondLook { at } = waiting.reason {
                earliest = Some(earliest.map_or(at, |earlier: Timestamp| earlier.min(at)));
            }
        }
        earliest
    }

    /// The findings that people were not notified of yet, and that are true by now.
    pub fn new_findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings().iter().collect();
        findings.retain(|finding| !finding.notified && self.holds(finding));
        findings
    }

    /// False if a finding tells what the user's chain was to do, and it did not get there.
    fn holds(&self, finding: &Finding) -> bool {
        let mut chains = self.chains.iter();
        let chain = chains.find(|chain| chain.user == finding.user);
        let is_whole = chain.is_none_or(|chain| chain.failed.is_empty() && chain.left.is_empty());
        is_whole || !matches!(finding.kind, FindingKind::Left { .. })
    }

    /// The users and exposed keys that could not be observed.
    pub fn subjects_not_observed(&self) -> &[NotObserved] {
        let observed = self.observed.as_ref();
        observed.map_or(&[], |observed| &observed.snapshot.not_observed)
    }

    /// The number of users who needed no closer look.
    pub fn users_in_order(&self) -> usize {
        let observed = self.observed.as_ref();
        observed.map_or(0, |observed| observed.snapshot.users_in_order)
    }

    /// The age of the oldest active key, when the account was looked at.
    pub fn oldest_key_age(&self) -> Option<SignedDuration> {
        let observed = self.observed.as_ref()?;
        let created_at = observed.snapshot.oldest_key?;
        Some(observed.at.duration_since(created_at))
    }

    /// True if the plan is refused, since it would break a promise.
    pub fn is_refused(&self) -> bool {
        !self.breaches.is_empty()
    }
}

impl RunOutcome {
    /// The number of actions that were left, since the time was over.
    pub fn left(&self) -> usize {
        self.accounts.iter().map(AccountOutcome::left).sum()
    }
}
