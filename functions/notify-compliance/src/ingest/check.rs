//! Looks at a plan a second time: a table of checks, each of which derives its promise anew instead
//! of trusting the planner.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Breach;
use banto_domain::compliance::{
    AccountInfo, Change, Compliance, FindingState, OutboxEntry, Source,
};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use jiff::Timestamp;

use super::plan::{Chain, Plan, is_due, is_unsure};
use super::snapshot::Snapshot;
use crate::event::{Observation, Verdict};

/// One chain of a plan, with all that the checks need to judge it.
struct Context<'a> {
    before: Option<&'a FindingState>,
    after: &'a FindingState,
    /// The entries of each route, in their order.
    entries: BTreeMap<&'a str, Vec<&'a OutboxEntry>>,
    /// The routes that the finding belongs on today.
    expected: BTreeSet<String>,
    observations: Vec<&'a Observation>,
    is_waived: bool,
    policy: &'a CompliancePolicy,
    now: Timestamp,
}

/// Returns what is wrong with a chain, if something is.
type Check = fn(&Context<'_>) -> Option<String>;

/// The promises, each with the check that finds a breach of it.
const CHECKS: &[(&str, Check)] = &[
    ("N1", tells_every_route_what_it_does_not_know),
    ("N1", reaches_every_route),
    ("N1", counts_changes_up),
    ("N1", resolves_only_what_is_compliant),
    ("N1", closes_only_with_a_reason),
    ("N5", reaches_no_other_route),
    ("N6", keeps_severities_apart),
    ("N6", takes_over_only_what_was_not_known),
    ("waivers", leaves_out_what_is_waived),
];

pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for chain in &plan.chains {
        breaches.extend(check_chain(chain, snapshot, policy, now));
    }
    breaches
}

/// Returns the breaches of one chain, which are no reason to refuse the others.
pub(super) fn check_chain(
    chain: &Chain,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let account = snapshot.accounts.get(&chain.key.account);
    let (Some(change), Some(account)) = (&chain.change, account) else {
        return Vec::new();
    };
    let context = Context {
        before: snapshot.findings.get(&chain.key),
        after: &change.after,
        entries: by_route(chain),
        expected: expected_routes(chain, policy, account),
        observations: observations_of(chain, snapshot),
        is_waived: is_waived(chain, snapshot, policy, now),
        policy,
        now,
    };
    let mut breaches = Vec::new();
    for (promise, check) in CHECKS {
        if let Some(what) = check(&context) {
            let subject = format!("{} at {}", chain.key.resource_id, change.after.recorded_at);
            breaches.push(Breach::new(promise, subject, what));
        }
    }
    breaches
}

/// Each route hears that a finding is open before it hears that it is over. It hears neither twice,
/// and in the end knows what the state says that it knows.
fn tells_every_route_what_it_does_not_know(context: &Context<'_>) -> Option<String> {
    let told = context.before.map(|before| &before.told);
    let mut routes: BTreeSet<&str> = context.entries.keys().copied().collect();
    routes.extend(context.after.told.iter().map(String::as_str));
    routes.extend(told.into_iter().flatten().map(String::as_str));
    for route in routes {
        let mut knows = told.is_some_and(|told| told.contains(route));
        for entry in context.entries.get(route).into_iter().flatten() {
            let expects_to_know = match &entry.change {
                Change::Found => false,
                Change::Flapping { was_open } => *was_open,
                Change::Resolved | Change::Closed | Change::Moved { .. } => true,
            };
            if knows != expects_to_know {
                return Some(format!(
                    "the route {route} would be told {:?} out of turn",
                    entry.change
                ));
            }
            knows = !entry.change.closes();
        }
        if knows != context.after.told.contains(route) {
            return Some(format!(
                "the route {route} would not be told what it is taken to know"
            ));
        }
    }
    None
}

fn reaches_every_route(context: &Context<'_>) -> Option<String> {
    let is_open = context.after.compliance == Compliance::Noncompliant;
    if !is_open || context.is_waived {
        return None;
    }
    let missed = context.expected.difference(&context.after.told).next()?;
    Some(format!("the route {missed} would not know that it is open"))
}

fn counts_changes_up(context: &Context<'_>) -> Option<String> {
    let first = context.before.map_or(0, |before| before.revision);
    for (route, entries) in &context.entries {
        let mut last = first;
        for entry in entries {
            if entry.revision <= last || entry.revision > context.after.revision {
                return Some(format!(
                    "the route {route} would be told the change {} after {last}",
                    entry.revision
                ));
            }
            last = entry.revision;
        }
    }
    None
}

fn resolves_only_what_is_compliant(context: &Context<'_>) -> Option<String> {
    let is_resolved = all(context).any(|entry| entry.change == Change::Resolved);
    let says_so = observed(context, Verdict::Compliant);
    (is_resolved && !says_so).then(|| "nothing says that it is compliant".to_owned())
}

/// A finding that the aggregator does not list is closed by a second check only, and not while AWS
/// Config may be unable to tell of it; or if it was over already and muted.
fn closes_only_with_a_reason(context: &Context<'_>) -> Option<String> {
    let is_closed = all(context).any(|entry| entry.change == Change::Closed);
    if !is_closed || observed(context, Verdict::NotEvaluated) {
        return None;
    }
    let is_due = context.before.is_some_and(|before| {
        let is_believed = is_due(before, context.now) && !is_unsure(before, context.now);
        is_believed || before.compliance == Compliance::Compliant
    }) || observed(context, Verdict::Compliant);
    let is_absent = observed(context, Verdict::Absent);
    (!is_absent || !is_due).then(|| "nothing says that it is no longer evaluated".to_owned())
}

fn reaches_no_other_route(context: &Context<'_>) -> Option<String> {
    for (route, entries) in &context.entries {
        let opens = entries.iter().any(|entry| !entry.change.closes());
        if opens && !context.expected.contains(*route) {
            return Some(format!("does not belong on the route {route}"));
        }
    }
    let other = context.after.told.difference(&context.expected).next()?;
    Some(format!("would stay on the route {other}"))
}

fn keeps_severities_apart(context: &Context<'_>) -> Option<String> {
    let severity = context.policy.findings.severity_of(&context.after.key.rule);
    let other = all(context).find(|entry| entry.severity != severity)?;
    Some(format!(
        "is of {} severity, and would wait among those of {}",
        severity.as_str(),
        other.severity.as_str()
    ))
}

fn takes_over_only_what_was_not_known(context: &Context<'_>) -> Option<String> {
    let is_first_check = context
        .observations
        .iter()
        .any(|observation| observation.source == Source::Takeover);
    let is_taken_over = all(context).any(|entry| entry.source == Source::Takeover);
    (is_taken_over && (context.before.is_some() || !is_first_check))
        .then(|| "is no takeover, and would wait as one".to_owned())
}

fn leaves_out_what_is_waived(context: &Context<'_>) -> Option<String> {
    let is_told = all(context).any(|entry| !entry.change.closes());
    (context.is_waived && is_told).then(|| "is waived, and would be told".to_owned())
}

fn all<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a OutboxEntry> {
    context.entries.values().flatten().copied()
}

fn observed(context: &Context<'_>, verdict: Verdict) -> bool {
    context
        .observations
        .iter()
        .any(|observation| observation.verdict == verdict)
}

fn by_route(chain: &Chain) -> BTreeMap<&str, Vec<&OutboxEntry>> {
    let mut by_route: BTreeMap<&str, Vec<&OutboxEntry>> = BTreeMap::new();
    for (route, entry) in &chain.entries {
        by_route.entry(route).or_default().push(entry);
    }
    by_route
}

fn observations_of<'a>(chain: &Chain, snapshot: &'a Snapshot) -> Vec<&'a Observation> {
    let observations = snapshot.observations.iter();
    observations
        .filter(|observation| observation.key == chain.key)
        .collect()
}

/// The routes whose conditions fit; where none does, the default one.
fn expected_routes(
    chain: &Chain,
    policy: &CompliancePolicy,
    account: &AccountInfo,
) -> BTreeSet<String> {
    let severity = policy.findings.severity_of(&chain.key.rule);
    let mut expected = BTreeSet::new();
    for route in &policy.routes {
        let only = route.only.as_ref();
        if only.is_some_and(|only| only.fits(&chain.key.rule, severity, account)) {
            expected.extend(name_for(route, chain, policy, account));
        }
    }
    if expected.is_empty() {
        expected.extend(policy.default_route().map(|route| route.name.clone()));
    }
    expected
}

/// The route's name for an account, which has the channel in it where the account's tags name that.
fn name_for(
    route: &Route,
    chain: &Chain,
    policy: &CompliancePolicy,
    account: &AccountInfo,
) -> Option<String> {
    if !matches!(route.to, Destination::ChannelOf(_)) {
        return Some(route.name.clone());
    }
    let prefix = format!("{}:", route.name);
    policy
        .routes_of(&chain.key.rule, account)
        .into_iter()
        .map(|route| route.name)
        .find(|name| name.starts_with(&prefix))
}

fn is_waived(
    chain: &Chain,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> bool {
    let name = snapshot.name_of(&chain.key);
    policy
        .findings
        .waivers
        .iter()
        .any(|waiver| waiver.until > now && waiver.covers(&chain.key, name))
}
