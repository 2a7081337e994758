//! The daily comparison with AWS Config's aggregator, for events are best effort. (AWS Config
//! developer guide, "Monitoring AWS Config with Amazon EventBridge".)

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::compliance::{Compliance, FindingKey, FindingState, Source};
use banto_domain::policy::CompliancePolicy;
use banto_domain::{AccountId, Region, RuleName};
use banto_lambda::Invocation;
use banto_notice::QueueMessage;
use banto_ports::{AccountState, AggregatedFinding, PortError};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::ports::Ports;
use crate::event::{Observation, Scope};

/// Least age of a finding that the aggregator's silence closes. The aggregator hears of changes
/// later than we do, and AWS names no limit: six hours are less than the day between two
/// comparisons, and enough for most delays.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// Rules that are asked about at once; the adapter keeps to 10 calls a second in any case.
const RULES_AT_ONCE: usize = 4;

/// Least time in which a dry run begins an account. An account that takes longer ends the
/// invocation, which changes nothing.
const ACCOUNT_TIME: Duration = Duration::from_secs(30);

/// What the aggregator knows of an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aggregated {
    /// The rules that it knows there; true for one that finds something noncompliant.
    pub rules: BTreeMap<(Region, RuleName), bool>,
    pub findings: Vec<AggregatedFinding>,
}

/// Queues the comparison of each account, and a delivery on every route. Returns the number of
/// accounts.
///
/// # Errors
/// If Organizations or the queue can't be reached.
pub(crate) async fn queue_comparisons_and_deliveries(
    ports: &Ports,
    policy: &CompliancePolicy,
    scope: Scope,
) -> Result<usize, PortError> {
    let accounts = accounts_of(ports, scope).await?;
    let count = accounts.len();
    let messages: Vec<QueueMessage> = accounts
        .into_iter()
        .map(|account| QueueMessage::Reconcile { account })
        .collect();
    ports.delivery_queue.send(&messages, Duration::ZERO).await?;
    let routes = policy.routes.iter().map(|route| route.name.clone());
    ports
        .delivery_queue
        .queue_deliveries(&routes.collect(), policy.window)
        .await?;
    Ok(count)
}

/// Adds what the comparison of accounts shows. Returns the accounts that were not compared for want
/// of time.
pub(super) async fn observe_accounts(
    ports: &Ports,
    scope: Scope,
    observations: &mut Vec<Observation>,
    invocation: &Invocation,
) -> Result<Vec<AccountId>, PortError> {
    let mut not_compared = Vec::new();
    for account in accounts_of(ports, scope).await? {
        if invocation.has_time_for(ACCOUNT_TIME) {
            observations.extend(observations_of(ports, &account).await?);
        } else {
            not_compared.push(account);
        }
    }
    Ok(not_compared)
}

async fn accounts_of(ports: &Ports, scope: Scope) -> Result<BTreeSet<AccountId>, PortError> {
    match scope {
        Scope::AllAccounts => active_accounts(ports).await,
        Scope::Accounts(accounts) => Ok(accounts),
        Scope::NoAccount => Ok(BTreeSet::new()),
    }
}

async fn active_accounts(ports: &Ports) -> Result<BTreeSet<AccountId>, PortError> {
    let mut active = BTreeSet::new();
    for account in ports.organization.accounts().await? {
        if account.state == AccountState::Active {
            active.insert(account.id);
        }
    }
    Ok(active)
}

/// Compares one account.
///
/// # Errors
/// If the aggregator or the table can't be read: half a comparison would close what is open.
pub(crate) async fn observations_of(
    ports: &Ports,
    account: &AccountId,
) -> Result<Vec<Observation>, PortError> {
    let states = ports.findings.findings_of_account(account).await?;
    let rules = ports.aggregator.rules(account).await?;
    let looks = rules
        .iter()
        .filter(|(_, finds)| **finds)
        .map(|((region, rule), _)| ports.aggregator.findings(account, region, rule));
    let answers: Vec<_> = stream::iter(looks)
        .buffer_unordered(RULES_AT_ONCE)
        .collect()
        .await;
    let mut findings = Vec::new();
    for answer in answers {
        findings.extend(answer?);
    }
    let aggregated = Aggregated { rules, findings };
    Ok(compare(&aggregated, &states, ports.clock.now()))
}

/// Observes all that the aggregator still finds, and what it no longer finds. The aggregator knows
/// nothing of a region in which it knows no rule: findings there are left as they are.
pub fn compare(
    aggregated: &Aggregated,
    states: &[FindingState],
    now: Timestamp,
) -> Vec<Observation> {
    let mut by_key = BTreeMap::new();
    for state in states {
        by_key.insert(&state.key, state);
    }
    let mut observations = Vec::new();
    for finding in &aggregated.findings {
        observations.push(still_found(finding, by_key.get(&finding.key).copied()));
    }
    let found: BTreeSet<&FindingKey> = aggregated.findings.iter().map(|found| &found.key).collect();
    let regions: BTreeSet<&Region> = aggregated.rules.keys().map(|(region, _)| region).collect();
    for state in states {
        let is_known_of = regions.contains(&state.key.region);
        if is_known_of && !found.contains(&state.key) && is_open(state) && is_settled(state, now) {
            observations.push(no_longer_found(state, now));
        }
    }
    observations
}

/// A finding whose state is newer than the aggregator's keeps its time.
fn still_found(finding: &AggregatedFinding, state: Option<&FindingState>) -> Observation {
    let at = match state {
        Some(state) if state.compliance == Compliance::Noncompliant => {
            state.recorded_at.max(finding.recorded_at)
        }
        _ => finding.recorded_at,
    };
    let annotation = finding.annotation.clone();
    Observation {
        annotation,
        ..observation(&finding.key, Compliance::Noncompliant, at)
    }
}

/// True if the finding is open, or people believe that it is.
fn is_open(state: &FindingState) -> bool {
    state.compliance == Compliance::Noncompliant || state.last_notified == Compliance::Noncompliant
}

fn is_settled(state: &FindingState, now: Timestamp) -> bool {
    now.duration_since(state.recorded_at) >= SETTLED_AFTER
}

/// A finding that is compliant already, and was not told since it flapped, keeps its time.
fn no_longer_found(state: &FindingState, now: Timestamp) -> Observation {
    let at = match state.compliance {
        Compliance::Compliant => state.recorded_at,
        Compliance::Noncompliant => now,
    };
    observation(&state.key, Compliance::Compliant, at)
}

fn observation(key: &FindingKey, compliance: Compliance, at: Timestamp) -> Observation {
    Observation {
        key: key.clone(),
        compliance: Some(compliance),
        was: None,
        recorded_at: at,
        source: Source::Reconciliation,
        annotation: None,
    }
}
