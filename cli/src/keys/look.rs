//! Looks at identity accounts as the rotator does, and has its planner say what it would do.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow};
use banto_domain::policy::{Policy, RotationPolicy};
use banto_domain::{AccountId, Breach, UserName};
use banto_lambda::{Invocation, LONGEST};
use jiff::Timestamp;
use rotate_access_keys::event::{Asked, Mode, Scope};
use rotate_access_keys::job::Job;
use rotate_access_keys::notices;
use rotate_access_keys::observe;
use rotate_access_keys::plan::{self, Action, Plan, WaitReason};
use rotate_access_keys::ports::Account;
use rotate_access_keys::snapshot::{Observed, StoredRecord};
use rotate_access_keys::{check, contain};

use crate::ending::misused;

/// An identity account, and what the rotator would do there.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) account: AccountId,
    pub(crate) observed: Observed,
    /// The plan, whatever switches and windows say of the moment.
    pub(crate) plan: Plan,
    pub(crate) breaches: Vec<Breach>,
    /// The reason why the function itself would do nothing for now, if there is one.
    pub(crate) waits: Option<WaitReason>,
    /// The users whose record these credentials may not read. Nothing is known of their rotation,
    /// and the plan leaves them out.
    pub(crate) closed: BTreeSet<UserName>,
    /// The moment for which it was planned.
    pub(crate) now: Timestamp,
}

impl Looked {
    /// What a user waits for, or what is found of them, in words.
    pub(crate) fn hindrance(&self, user: &UserName) -> Option<String> {
        let mut waiting = self.plan.waiting.iter();
        let waiting = waiting.find(|waiting| waiting.user.as_ref() == Some(user));
        let mut findings = self.plan.findings.iter();
        let finding = findings.find(|finding| finding.user == *user);
        let waits = waiting.map(|waiting| notices::waiting(&waiting.reason));
        waits.or_else(|| finding.map(|finding| notices::finding(user, &finding.kind)))
    }

    /// The commands that end what users wait for.
    pub(crate) fn commands(&self) -> BTreeSet<String> {
        self.plan
            .waiting
            .iter()
            .filter_map(notices::command)
            .collect()
    }

    /// True if the plan issues a user a key.
    pub(crate) fn issues_to(&self, user: &UserName) -> bool {
        let mut chains = self.plan.chains.iter().filter(|it| it.user == *user);
        chains.any(|chain| chain.actions.iter().any(Action::is_issue))
    }
}

/// Looks at one account for a request, as the function does, and does nothing. A record that the
/// caller may not read is Banto's to read, so that nothing is planned on that.
pub(crate) async fn look(
    account: &Account,
    policy: &RotationPolicy,
    scope: &Scope,
    asked: &Asked,
) -> Result<Looked> {
    let open = RotationPolicy {
        enabled: true,
        emergencies: true,
        windows: Vec::new(),
        ..policy.clone()
    };
    let Account {
        identity,
        region,
        ports,
    } = account;
    let job = Job {
        identity,
        region,
        scope,
        policy: &open,
        asked,
    };
    let contained = match scope.exposure() {
        Some(exposure) => contain::contain(ports, exposure, true).await,
        None => Vec::new(),
    };
    let invocation = Invocation::by_hand(&asked.id, LONGEST)?;
    let now = ports.clock.now();
    let observed = observe::observe(ports, &job, &contained, &invocation, now).await;
    let observed = observed.with_context(|| format!("{} could not be looked at", identity.id))?;
    let now = ports.clock.now();
    let waits = plan::reason_to_wait(policy, scope.mode(), now);
    Ok(planned(identity.id.clone(), observed, &open, waits, now))
}

/// Plans for what was seen.
pub(crate) fn planned(
    account: AccountId,
    observed: Observed,
    policy: &RotationPolicy,
    waits: Option<WaitReason>,
    now: Timestamp,
) -> Looked {
    let snapshot = &observed.snapshot;
    let mut plan = plan::plan(snapshot, policy, now);
    let breaches = check::check(snapshot, &plan, policy, now);
    let is_closed = |record: &StoredRecord| matches!(record, StoredRecord::Denied(_));
    let users = snapshot.users.iter();
    let closed: BTreeSet<UserName> = users
        .filter(|user| is_closed(&user.record))
        .map(|user| user.name.clone())
        .collect();
    plan.chains.retain(|chain| !closed.contains(&chain.user));
    plan.findings
        .retain(|finding| !closed.contains(&finding.user));
    let is_open = |user: &Option<UserName>| user.as_ref().is_none_or(|user| !closed.contains(user));
    plan.waiting.retain(|waiting| is_open(&waiting.user));
    Looked {
        account,
        observed,
        plan,
        breaches,
        waits,
        closed,
        now,
    }
}

/// The accounts that a command is about: the one that was named, else all for everyone, and the
/// only one for users.
pub(crate) fn chosen<'a>(
    accounts: &'a [Account],
    named: Option<&AccountId>,
    is_for_users: bool,
) -> Result<Vec<&'a Account>> {
    if named.is_none() && !is_for_users {
        return Ok(accounts.iter().collect());
    }
    let ids = accounts.iter().map(|account| &account.identity.id);
    let id = one_of(ids.collect(), named)?;
    let chosen = accounts.iter().filter(|account| account.identity.id == id);
    Ok(chosen.collect())
}

/// The account of users, by its id.
pub(crate) fn account_of(policy: &Policy, named: Option<&AccountId>) -> Result<AccountId> {
    let ids = policy.rotation.accounts.iter().map(|account| &account.id);
    one_of(ids.collect(), named)
}

fn one_of(ids: Vec<&AccountId>, named: Option<&AccountId>) -> Result<AccountId> {
    let all: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let all = all.join(", ");
    match (named, ids.as_slice()) {
        (Some(id), ids) if ids.contains(&id) => Ok(id.clone()),
        (Some(id), _) => Err(misused(anyhow!(
            "the policy has no identity account {id}, only {all}"
        ))),
        (None, [only]) => Ok((*only).clone()),
        (None, _) => Err(misused(anyhow!(
            "the policy has several identity accounts: say in which one these users are: --account {all}"
        ))),
    }
}

/// What a look is for: these users by the policy's pace, or everyone.
pub(crate) fn scope(users: &[UserName]) -> Scope {
    if users.is_empty() {
        return Scope::Everyone;
    }
    Scope::Users {
        users: users.iter().cloned().collect(),
        mode: Mode::Due,
        keys: BTreeSet::new(),
        certificate: None,
    }
}
