//! Reads open findings as notify-compliance knows them: from its table.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use banto_domain::compliance::{AccountInfo, Compliance, FindingKey, FindingState, Severity};
use banto_domain::policy::CompliancePolicy;
use banto_domain::{AccountId, Region};
use banto_ports::{PortError, ResourceFacts};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use wildmatch::WildMatch;

use super::Open;
use super::wiring::Ports;
use crate::accounts::ids_of;
use crate::progress;

/// Accounts that are read at once. Each is a query for each of eight shards; more at once would
/// take capacity from the function, which writes to the same table.
const ACCOUNTS_AT_ONCE: usize = 8;

/// Most findings that are kept in memory, some 100 MB. Whoever has more narrows what is asked for.
const MOST: usize = 200_000;

/// The time for which a finding that flaps must be stable to be told again. (docs/compliance.md.)
const STABLE_FOR: SignedDuration = SignedDuration::from_hours(24);

/// An open finding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) key: FindingKey,
    pub(super) severity: Severity,
    /// The resource's name, where it was asked for.
    pub(super) resource: String,
    pub(super) since: Timestamp,
    /// The routes that were told.
    pub(super) told: BTreeSet<String>,
    pub(super) waived: Option<Waived>,
    pub(super) muted_until: Option<Timestamp>,
}

/// The waiver that covers a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waived {
    pub(super) until: Timestamp,
    pub(super) owner: String,
    pub(super) reason: String,
}

/// Open findings, and what could not be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) findings: Vec<Finding>,
    pub(super) accounts: BTreeMap<AccountId, AccountInfo>,
    /// Names of accounts that the table does not know.
    pub(super) names: BTreeMap<AccountId, String>,
    pub(super) unread: BTreeMap<AccountId, String>,
    /// Accounts whose findings were to be read.
    pub(super) asked: usize,
    /// True if there are more findings than are kept.
    pub(super) is_cut: bool,
    /// Why resources go by their ids.
    pub(super) nameless: Option<String>,
}

/// Reads the open findings that are asked for.
///
/// # Errors
/// If Organizations or the table can't be asked, or a named account is not in the Organization.
pub(super) async fn look(ports: &Ports, policy: &CompliancePolicy, open: &Open) -> Result<Seen> {
    let listed = ports.organization.accounts().await?;
    let named = ids_of(&open.account, &listed)?;
    let is_asked_for = |id: &AccountId| named.is_empty() || named.contains(id);
    let names: BTreeMap<AccountId, String> = listed
        .into_iter()
        .filter(|account| is_asked_for(&account.id))
        .map(|account| (account.id, account.name))
        .collect();
    let wanted: BTreeSet<AccountId> = names.keys().cloned().collect();
    let accounts = ports.accounts.cached_accounts(&wanted).await?;
    let is_owners = |account: &&AccountId| {
        let owner = accounts
            .get(*account)
            .and_then(|it| policy.findings.owner_of(it));
        open.owner.is_none() || owner == open.owner.as_ref()
    };
    let wanted: Vec<AccountId> = wanted.iter().filter(is_owners).cloned().collect();
    let filter = Filter::new(policy, open);
    let bar = progress::bar(wanted.len(), "accounts");
    let reads = wanted.iter().map(|account| async {
        let read = read(ports, account, &filter).await;
        bar.inc(1);
        (account.clone(), read)
    });
    let mut reads = stream::iter(reads).buffer_unordered(ACCOUNTS_AT_ONCE);
    let (mut states, mut unread, mut is_cut) = (Vec::new(), BTreeMap::new(), false);
    while let Some((account, read)) = reads.next().await {
        states.extend(read.states);
        unread.extend(read.failed.map(|error| (account, error.to_string())));
        if states.len() > MOST {
            states.truncate(MOST);
            is_cut = true;
            break;
        }
    }
    drop(reads);
    let now = ports.clock.now();
    let (facts, nameless) = facts(ports, policy, &states, now).await;
    let findings = states
        .into_iter()
        .map(|state| finding(state, policy, &facts, now));
    Ok(Seen {
        findings: findings.collect(),
        accounts,
        names,
        unread,
        asked: wanted.len(),
        is_cut,
        nameless,
    })
}

/// The rules that are asked for.
struct Filter<'a> {
    policy: &'a CompliancePolicy,
    rule: Option<WildMatch>,
    severity: Option<Severity>,
}

impl<'a> Filter<'a> {
    fn new(policy: &'a CompliancePolicy, open: &Open) -> Self {
        Self {
            policy,
            rule: open.rule.as_deref().map(WildMatch::new),
            severity: open.severity,
        }
    }

    /// True of a finding that is open and asked for. One that is over and of which people are yet
    /// to hear is not open.
    fn takes(&self, state: &FindingState) -> bool {
        let rule = &state.key.rule;
        let is_open = state.compliance == Compliance::Noncompliant || state.flapping;
        let severity = || self.policy.findings.severity_of(rule);
        is_open
            && self.rule.as_ref().is_none_or(|it| it.matches(rule.plain()))
            && self.severity.is_none_or(|least| severity() >= least)
    }
}

/// The findings of an account up to where it could be read.
struct Read {
    states: Vec<FindingState>,
    failed: Option<PortError>,
}

async fn read(ports: &Ports, account: &AccountId, filter: &Filter<'_>) -> Read {
    let (mut states, mut after) = (Vec::new(), None);
    loop {
        match ports.findings.open_findings(account, after).await {
            Ok(page) => {
                states.extend(page.items.into_iter().filter(|state| filter.takes(state)));
                after = page.next;
            }
            Err(error) => {
                return Read {
                    states,
                    failed: Some(error),
                };
            }
        }
        if after.is_none() || states.len() > MOST {
            return Read {
                states,
                failed: None,
            };
        }
    }
}

/// The names of resources that a waiver may cover by name; and why there are none.
async fn facts(
    ports: &Ports,
    policy: &CompliancePolicy,
    states: &[FindingState],
    now: Timestamp,
) -> (BTreeMap<FindingKey, ResourceFacts>, Option<String>) {
    let asked = states
        .iter()
        .filter(|it| policy.findings.may_be_waived_by_name(&it.key, now));
    let asked = asked.map(|state| (state.key.clone(), state.evaluated_in.clone()));
    let asked: Vec<(FindingKey, Region)> = asked.collect();
    if asked.is_empty() {
        return (BTreeMap::new(), None);
    }
    match ports.aggregator.resources(&asked).await {
        Ok(facts) => (facts, None),
        Err(error) => (BTreeMap::new(), Some(error.to_string())),
    }
}

fn finding(
    state: FindingState,
    policy: &CompliancePolicy,
    facts: &BTreeMap<FindingKey, ResourceFacts>,
    now: Timestamp,
) -> Finding {
    let name = facts.get(&state.key).and_then(|facts| facts.name.clone());
    let waiver = policy.findings.waiver_of(&state.key, name.as_deref(), now);
    let changed = state.changes.last().copied();
    Finding {
        severity: policy.findings.severity_of(&state.key.rule),
        resource: name
            .clone()
            .unwrap_or_else(|| state.key.resource_id.clone()),
        // What AWS Config records later of the same state is no change of it.
        since: changed.map_or(state.recorded_at, |at| at.min(state.recorded_at)),
        told: state.told,
        waived: waiver.map(|waiver| Waived {
            until: waiver.until,
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
        }),
        muted_until: changed.filter(|_| state.flapping).map(|at| at + STABLE_FOR),
        key: state.key,
    }
}

/// True if the table could not be asked at all, as without a permission.
pub(super) fn is_blind(seen: &Seen) -> bool {
    !seen.unread.is_empty() && seen.unread.len() == seen.asked && seen.findings.is_empty()
}
