//! Rotates developers' access keys, and seals each new key to its owner's OpenPGP certificate so that
//! nobody else ever sees it.
//!
//! The way of an event, a file each: [`event`] decodes it, [`observe`] reads the world into a
//! [`snapshot`], [`plan`](mod@plan) decides, [`check`](mod@check) looks a second time, [`apply`] acts,
//! [`report`] tells. The promises R1 to R8 are in `docs/ARCHITECTURE.md`.
//!
//! Deliberately absent: AWS SDK types, and any store besides IAM and one record per user.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;
use banto_domain::policy::{IdentityAccount, Policy};
use banto_domain::{AccessKeyId, AccountId, UserName};
use banto_lambda::event::{Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_notice::NoticeSender;
use banto_ports::{AccessKeys, Certificates, Clock, Records};
use serde_json::json;

pub mod apply;
pub mod check;
pub mod credential_report;
pub mod event;
pub mod observe;
pub mod plan;
pub mod report;
pub mod snapshot;
pub mod words;

use event::{EventError, Mode, Scope, Trigger};
use report::{AccountReport, Report};

/// The function: made once, before the first event.
pub struct Rotator {
    /// What `banto.toml` says.
    pub policy: Policy,
    /// The identity accounts, in the policy's order.
    pub accounts: Vec<Account>,
    /// The way to people.
    pub notice_sender: NoticeSender,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// One identity account, and the ways to act in it.
pub struct Account {
    /// What the policy says of it.
    pub identity: IdentityAccount,
    /// Its users and their keys.
    pub keys: Arc<dyn AccessKeys>,
    /// What Banto remembers of them.
    pub records: Arc<dyn Records>,
    /// The certificates they registered.
    pub certificates: Arc<dyn Certificates>,
}

/// What a run is about in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every user.
    Everyone,
    /// These users.
    Users {
        /// The users.
        users: BTreeSet<UserName>,
        /// How pressing it is.
        mode: Mode,
    },
    /// The owners of these exposed keys.
    Exposed(BTreeSet<AccessKeyId>),
}

impl Rotator {
    /// Handles one event, from its bytes to the answer.
    ///
    /// A failure that concerns one user or one account stops there and is part of the report; the
    /// run as a whole fails if the event is refused, if not even one account could be looked at, or if
    /// something that was named could not be done. A record of SQS fails alone, and comes again.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(records) => Ok(self.batch(records, invocation).await),
            Invoked::Direct(Trigger::Rotate { scope, dry_run }) => self
                .rotate(scope, dry_run, invocation)
                .await?
                .answer(self.clock.now()),
            Invoked::Direct(Trigger::Nothing { because }) => Ok(Response {
                body: json!({ "nothing": because }),
                metrics: Metrics::default(),
            }),
        }
    }

    /// Works records off, one after the other.
    async fn batch(&self, records: Vec<Record<Trigger>>, invocation: &Invocation) -> Response {
        let (mut back, mut metrics) = (Vec::new(), Metrics::default());
        for (number, Record { id, payload }) in (1..).zip(records) {
            if let Err(failure) = self
                .work_off(payload, &mut metrics, &invocation.of_record(number))
                .await
            {
                tracing::error!(message = id, kind = failure.kind, error = %failure, "the record goes back to the queue");
                back.push(id);
            }
        }
        metrics.count("RecordsBack", back.len());
        Response::of_batch(back, metrics)
    }

    async fn work_off(
        &self,
        payload: Result<Trigger, String>,
        metrics: &mut Metrics,
        invocation: &Invocation,
    ) -> Result<(), InvocationError> {
        let (scope, dry_run) =
            match payload.map_err(|error| InvocationError::new("UnknownEvent", anyhow!(error)))? {
                Trigger::Rotate { scope, dry_run } => (scope, dry_run),
                Trigger::Nothing { because } => {
                    tracing::warn!(because, "nothing is to be done");
                    return Ok(());
                }
            };
        let report = self.rotate(scope, dry_run, invocation).await?;
        let now = self.clock.now();
        metrics.add(report.metrics(now));
        report.answer(now)?;
        match report.left() {
            0 => Ok(()),
            // Whoever put the record into the queue does not ask again.
            left => Err(InvocationError::new(
                "Incomplete",
                anyhow!("{left} actions are left"),
            )),
        }
    }

    async fn rotate(
        &self,
        scope: Scope,
        dry_run: bool,
        invocation: &Invocation,
    ) -> Result<Report, InvocationError> {
        let is_named = scope != Scope::Everyone;
        let targets = self
            .targets(scope)
            .map_err(|error| InvocationError::new("UnknownAccount", error))?;
        let mut accounts = Vec::new();
        for (account, target) in targets {
            accounts.push(
                self.handle_account(account, &target, dry_run, invocation)
                    .await,
            );
        }
        let report = Report {
            accounts,
            dry_run,
            is_named,
        };
        if !dry_run {
            self.announce(&report, invocation).await;
        }
        Ok(report)
    }

    async fn handle_account(
        &self,
        account: &Account,
        target: &Target,
        dry_run: bool,
        invocation: &Invocation,
    ) -> AccountReport {
        let policy = &self.policy.rotation;
        let id = account.identity.id.clone();
        // A closed window costs no call at all.
        if let (Some(until), false) = (
            plan::closed(policy, target.mode(), self.clock.now()),
            dry_run,
        ) {
            return AccountReport::closed(id, until);
        }
        let observed = match observe::observe(account, target, policy, self.clock.as_ref()).await {
            Ok(observed) => observed,
            Err(error) => return AccountReport::unseen(id, &error),
        };
        let now = self.clock.now();
        let plan = plan::plan(&observed.snapshot, policy, now);
        tracing::info!(account = %id, chains = plan.chains.len(), findings = plan.findings.len(),
            waiting = plan.waiting.len(), plan = %report::json(&plan), "planned");
        let breaches = check::check(&observed.snapshot, &plan, policy, now);
        if !breaches.is_empty() || dry_run {
            return AccountReport::not_applied(plan, &observed.snapshot, &breaches);
        }
        let outcomes = apply::apply(&plan, &observed, account, self, invocation).await;
        AccountReport::applied(plan, observed, outcomes)
    }

    /// What the event is about, account by account.
    fn targets(&self, scope: Scope) -> Result<Vec<(&Account, Target)>, EventError> {
        match scope {
            Scope::Everyone => Ok(self
                .accounts
                .iter()
                .map(|account| (account, Target::Everyone))
                .collect()),
            Scope::Users {
                account: Some(account),
                users,
                mode,
            } => Ok(vec![(
                self.account(&account)?,
                Target::Users { users, mode },
            )]),
            Scope::Users {
                account: None,
                users,
                mode,
            } => match self.accounts.as_slice() {
                [account] => Ok(vec![(account, Target::Users { users, mode })]),
                several => Err(EventError::Request(format!(
                    "\"account\" is missing, and the policy has {} of them: {}",
                    several.len(),
                    self.account_ids()
                ))),
            },
            Scope::Exposed { account, keys } => {
                Ok(vec![(self.account(&account)?, Target::Exposed(keys))])
            }
        }
    }

    fn account(&self, id: &AccountId) -> Result<&Account, EventError> {
        let found = self
            .accounts
            .iter()
            .find(|account| account.identity.id == *id);
        found.ok_or_else(|| {
            EventError::Request(format!(
                "the policy has no account {id}, only {}",
                self.account_ids()
            ))
        })
    }

    fn account_ids(&self) -> String {
        self.accounts
            .iter()
            .map(|account| account.identity.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Target {
    /// How pressing it is.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Everyone => Mode::Due,
            Self::Users { mode, .. } => *mode,
            Self::Exposed(_) => Mode::Emergency,
        }
    }

    /// The keys known to be exposed.
    pub fn exposed(&self) -> BTreeSet<AccessKeyId> {
        match self {
            Self::Everyone | Self::Users { .. } => BTreeSet::new(),
            Self::Exposed(keys) => keys.clone(),
        }
    }

    /// Whether nobody was named.
    pub fn is_everyone(&self) -> bool {
        matches!(self, Self::Everyone)
    }
}

impl std::fmt::Debug for Rotator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotator")
            .field("accounts", &self.account_ids())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
