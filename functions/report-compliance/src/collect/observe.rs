//! Sees what a month's report is made of: which accounts there are, what the month before was, and
//! of each account what decides its month.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{AccountInfo, AskedFor, FindingKey, short_hash};
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::onboarding::AccountSelector;
use banto_domain::{AccountId, Month, Region, RuleName};
use banto_lambda::InvocationError;
use banto_ports::{OrgAccount, Organization, path_of};
use jiff::Timestamp;

use super::snapshot::Previous;
use crate::evidence::{AccountEvidence, Period};
use crate::failure;
use crate::model::AccountMonth;
use crate::ports::Ports;
use crate::store::Store;

/// An account that may be in a month's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub id: AccountId,
    /// The account, as Organizations tells it; `None` if only the archive knows it.
    pub member: Option<OrgAccount>,
    /// True if it is in the report whatever it delivers: it is active and was there by the month's
    /// end, or nobody can say.
    pub is_due: bool,
}

/// The month before, for all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthBefore {
    /// The month; `None` if there is none to compare with.
    pub month: Option<Month>,
    /// The accounts that were in it.
    pub accounts: BTreeSet<AccountId>,
    /// The rules that some account had as organization rules, by region and own name.
    pub organization_rules: BTreeSet<(Region, RuleName)>,
    /// The fingerprint of all that it says.
    pub fingerprint: String,
}

impl MonthBefore {
    /// Adds an account that was in it.
    pub fn add(&mut self, account: &AccountMonth) {
        self.accounts.insert(account.account.clone());
        self.organization_rules.extend(account.organization_rules());
        self.fingerprint = short_hash(&[&self.fingerprint, &format!("{account:?}")]);
    }
}

/// Returns every account that may be in the report, in ascending order: those of Organizations that
/// are active and joined before the month's end, those of which the archive has anything, and those of the month before.
///
/// # Errors
/// If Organizations or the archive can't be read: an account must not be left out for that.
pub async fn candidates(
    ports: &Ports,
    period: Period,
    before: &MonthBefore,
) -> Result<Vec<Candidate>, InvocationError> {
    let members = match &ports.organization {
        Some(organization) => Some(members(organization.as_ref()).await?),
        None => None,
    };
    let mut ids = ports.engine.accounts(period).await.map_err(failure::port)?;
    ids.extend(before.accounts.iter().cloned());
    let is_active = |member: &&OrgAccount| {
        let joined_later = member.joined_at.is_some_and(|joined| joined >= period.end);
        member.is_active() && !joined_later
    };
    if let Some(members) = &members {
        let active = members.values().filter(is_active);
        ids.extend(active.map(|member| member.id.clone()));
    }
    let candidate = |id: AccountId| {
        let member = members.as_ref().and_then(|members| members.get(&id));
        Candidate {
            is_due: members.is_none() || member.is_some_and(|member| is_active(&member)),
            member: member.cloned(),
            id,
        }
    };
    Ok(ids.into_iter().map(candidate).collect())
}

async fn members(
    organization: &dyn Organization,
) -> Result<BTreeMap<AccountId, OrgAccount>, InvocationError> {
    let members = organization.accounts().await;
    let members = members.map_err(failure::organization)?.into_iter();
    Ok(members.map(|member| (member.id.clone(), member)).collect())
}

/// Looks a candidate up in Organizations: its units, and its tags where the policy asks for them.
///
/// # Errors
/// If Organizations can't be read: an account without its owner would be missing in the owner's
/// mail.
pub async fn account_info(
    ports: &Ports,
    policy: &ReportPolicy,
    candidate: &Candidate,
    now: Timestamp,
) -> Result<AccountInfo, InvocationError> {
    let mut info = AccountInfo {
        id: candidate.id.clone(),
        name: candidate.id.to_string(),
        path: Vec::new(),
        tags: BTreeMap::new(),
        joined_at: None,
        fetched_at: now,
        asked_for: AskedFor::default(),
        is_closed: candidate
            .member
            .as_ref()
            .is_some_and(|member| !member.is_active()),
    };
    let (Some(organization), Some(member)) = (&ports.organization, &candidate.member) else {
        return Ok(info);
    };
    info.name.clone_from(&member.name);
    info.joined_at = member.joined_at;
    let organization = organization.as_ref();
    let path = path_of(organization, member).await;
    info.path = path.map_err(failure::organization)?;
    info.asked_for.path = true;
    if needs_tags(policy) {
        let tags = organization.tags(&member.id).await;
        info.tags = tags.map_err(failure::organization)?;
        info.asked_for.tags = true;
    }
    Ok(info)
}

/// True if the tags of accounts need to be known.
fn needs_tags(policy: &ReportPolicy) -> bool {
    let mut selectors = policy.expected.iter().flat_map(|rules| &rules.accounts);
    policy.findings.owner_tag.is_some()
        || selectors.any(|selector| matches!(selector, AccountSelector::Tag { .. }))
}

/// Returns what an account was in the month before, and its findings that were not over.
///
/// # Errors
/// If the store can't be read, or lacks what the month before is said to have.
pub async fn previous(
    store: &Store,
    before: &MonthBefore,
    account: &AccountId,
) -> Result<Previous, InvocationError> {
    let Some(month) = before.month else {
        return Ok(Previous::NoMonth);
    };
    if !before.accounts.contains(account) {
        return Ok(Previous::NoAccount(month));
    }
    let known = store.account(month, account).await;
    let open = store.findings(month, account).await;
    let mut open = open.map_err(failure::port)?;
    open.retain(|row| row.status.is_open());
    Ok(Previous::Known {
        month,
        account: Box::new(known.map_err(failure::port)?),
        open,
    })
}

/// The findings of the month before that were not over.
pub fn previously_open(previous: &Previous) -> BTreeSet<FindingKey> {
    match previous {
        Previous::NoMonth | Previous::NoAccount(_) => BTreeSet::new(),
        Previous::Known { open, .. } => open.iter().map(|row| row.key.clone()).collect(),
    }
}

/// True if an account has delivered nothing that says anything of the month's end.
pub fn is_silent(evidence: &AccountEvidence, period: Period, policy: &ReportPolicy) -> bool {
    let mut snapshots = evidence
        .regions
        .values()
        .filter_map(|region| region.snapshot.as_ref());
    !snapshots.any(|snapshot| snapshot.taken_at >= period.end - policy.stale_after)
}
