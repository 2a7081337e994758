//! Looks at a plan a second time: a table of checks, each of which derives its promise anew instead
//! of trusting the planner.

use std::collections::BTreeSet;

use banto_domain::Breach;
use banto_domain::compliance::{AccountInfo, Compliance};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;
use banto_ports::FindingChange;
use jiff::Timestamp;

use super::plan::{Chain, Plan};
use super::snapshot::Snapshot;

/// One change of a plan, with all that the checks need to judge it.
struct Context<'a> {
    change: &'a FindingChange,
    /// What people were last notified of before this change, if the finding had a state.
    last_notified: Option<Compliance>,
    /// The routes that the change belongs on.
    expected: &'a BTreeSet<&'a str>,
    /// The routes that the plan has for it.
    planned: Vec<&'a str>,
    is_waived: bool,
}

/// Returns what is wrong with a change, if something is.
type Check = fn(&Context<'_>) -> Option<String>;

/// The promises, each with the check that finds a breach of it.
const CHECKS: &[(&str, Check)] = &[
    ("N1", reaches_somebody),
    ("N1", reaches_every_route),
    ("N1", reaches_each_route_once),
    ("N5", reaches_no_other_route),
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
        if let Some(account) = snapshot.accounts.get(&chain.key.account) {
            let expected = expected_routes(chain, policy, account);
            check_chain(chain, &expected, snapshot, policy, now, &mut breaches);
        }
    }
    breaches
}

fn check_chain(
    chain: &Chain,
    expected: &BTreeSet<&str>,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
    breaches: &mut Vec<Breach>,
) {
    let is_waived = is_waived(chain, snapshot, policy, now);
    let state = snapshot.findings.get(&chain.key);
    let mut last_notified = state.map(|state| state.last_notified);
    for change in &chain.changes {
        let context = Context {
            change,
            last_notified,
            expected,
            planned: planned_routes(change),
            is_waived,
        };
        for (promise, check) in CHECKS {
            if let Some(what) = check(&context) {
                let subject = format!("{} at {}", chain.key.resource_id, change.after.recorded_at);
                breaches.push(Breach::new(promise, subject, what));
            }
        }
        last_notified = Some(change.after.last_notified);
    }
}

fn reaches_somebody(context: &Context<'_>) -> Option<String> {
    let after = &context.change.after;
    let claims_so = after.last_notified == after.compliance
        && context.last_notified != Some(after.last_notified);
    (claims_so && context.planned.is_empty()).then(|| "nobody would be notified".to_owned())
}

fn reaches_every_route(context: &Context<'_>) -> Option<String> {
    let is_short = !context.planned.is_empty() && context.planned.len() != context.expected.len();
    is_short.then(|| {
        format!(
            "{} routes would be notified, not {}",
            context.planned.len(),
            context.expected.len()
        )
    })
}

fn reaches_each_route_once(context: &Context<'_>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice = context.planned.iter().find(|route| !seen.insert(**route))?;
    Some(format!("the route {twice} would be notified twice"))
}

fn reaches_no_other_route(context: &Context<'_>) -> Option<String> {
    let mut planned = context.planned.iter();
    let other = planned.find(|route| !context.expected.contains(**route))?;
    Some(format!("does not belong on the route {other}"))
}

fn leaves_out_what_is_waived(context: &Context<'_>) -> Option<String> {
    let is_found = context.change.after.compliance == Compliance::Noncompliant;
    let is_told = context.is_waived && is_found && !context.planned.is_empty();
    is_told.then(|| "is waived, and would be told".to_owned())
}

/// The routes whose conditions fit; where none does, the default one.
fn expected_routes<'a>(
    chain: &Chain,
    policy: &'a CompliancePolicy,
    account: &AccountInfo,
) -> BTreeSet<&'a str> {
    let severity = policy.severity_of(&chain.key.rule);
    let fits = |route: &Route| match &route.only {
        Some(only) => only.fits(&chain.key.rule, severity, account),
        None => false,
    };
    let is_default = |route: &Route| route.only.is_none();
    let fitting = route_names(policy, fits);
    if fitting.is_empty() {
        route_names(policy, is_default)
    } else {
        fitting
    }
}

fn route_names(policy: &CompliancePolicy, is_one: impl Fn(&Route) -> bool) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for route in &policy.routes {
        if is_one(route) {
            names.insert(route.name.as_str());
        }
    }
    names
}

fn planned_routes(change: &FindingChange) -> Vec<&str> {
    let routes = change.entries.iter().map(|(route, _)| route.as_str());
    routes.collect()
}

fn is_waived(
    chain: &Chain,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> bool {
    let name = snapshot.names.get(&chain.key).map(String::as_str);
    policy
        .waivers
        .iter()
        .any(|waiver| waiver.until > now && waiver.covers(&chain.key, name))
}
