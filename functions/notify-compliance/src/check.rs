//! A second look at plans, which derives the promises anew instead of trusting the planner.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{Compliance, OutboxEntry};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;
use banto_notice::slack;
use jiff::Timestamp;

use crate::letters::Letter;
use crate::plan::{Plan, Snapshot};

/// A promise that a plan would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// N1: a change that nobody would hear of.
    #[error("N1: a change of {0} would be told to nobody")]
    Untold(String),
    /// N1: a change that would be told twice.
    #[error("N1: {0} would be told twice")]
    Twice(String),
    /// N5: another team's account.
    #[error("N5: {0} does not belong on the route {1}")]
    WrongRoute(String, String),
    /// A waived finding that would be told.
    #[error("{0} is waived")]
    Waived(String),
    /// N3: a message that Slack would refuse.
    #[error("N3: a message would be refused: {0}")]
    Refused(String),
}

/// The promises that noting a plan would break.
pub fn check(
    plan: &Plan,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for chain in &plan.chains {
        let Some(facts) = snapshot.accounts.get(&chain.key.account) else {
            continue;
        };
        let severity = policy.severity_of(&chain.key.rule);
        let fits = |route: &&Route| {
            route
                .only
                .as_ref()
                .is_some_and(|only| only.fits(&chain.key.rule, severity, facts))
        };
        let mut expected: BTreeSet<&str> = policy
            .routes
            .iter()
            .filter(fits)
            .map(|route| route.name.as_str())
            .collect();
        if expected.is_empty() {
            expected.extend(
                policy
                    .routes
                    .iter()
                    .filter(|route| route.only.is_none())
                    .map(|route| route.name.as_str()),
            );
        }
        let mut said = snapshot
            .known
            .get(&chain.key)
            .map(|known| known.last_notified);
        for change in &chain.changes {
            let id = || format!("{} at {}", chain.key.resource_id, change.after.at);
            let name = snapshot.names.get(&chain.key).map(String::as_str);
            let is_waived = policy
                .waivers
                .iter()
                .any(|waiver| waiver.until > now && waiver.covers(&chain.key, name));
            let routes: Vec<&str> = change
                .entries
                .iter()
                .map(|(route, _)| route.as_str())
                .collect();
            for route in routes.iter().filter(|route| !expected.contains(**route)) {
                breaches.push(Breach::WrongRoute(id(), (*route).to_owned()));
            }
            if routes.iter().collect::<BTreeSet<_>>().len() != routes.len() {
                breaches.push(Breach::Twice(id()));
            }
            if routes.is_empty()
                && change.after.last_notified == change.after.compliance
                && said != Some(change.after.last_notified)
            {
                breaches.push(Breach::Untold(id()));
            }
            if !routes.is_empty() && routes.len() != expected.len() {
                breaches.push(Breach::Untold(id()));
            }
            if !routes.is_empty()
                && is_waived
                && change.after.compliance == Compliance::Noncompliant
            {
                breaches.push(Breach::Waived(id()));
            }
            said = Some(change.after.last_notified);
        }
    }
    breaches
}

/// The promises that sending letters would break: each entry is told once, by a letter that is about its
/// account, in messages that Slack takes.
pub fn check_letters(letters: &[Letter], entries: &[OutboxEntry]) -> Vec<Breach> {
    let waiting: BTreeMap<String, &OutboxEntry> =
        entries.iter().map(|entry| (entry.id(), entry)).collect();
    let mut told = BTreeSet::new();
    let mut breaches = Vec::new();
    for letter in letters {
        for commit in &letter.commits {
            for entry in &commit.entries {
                let id = entry.id();
                if !waiting.contains_key(&id) || !told.insert(id.clone()) {
                    breaches.push(Breach::Twice(id));
                }
            }
        }
        let of_entries: BTreeSet<_> = (letter.commits.iter())
            .flat_map(|commit| commit.entries.iter().map(|entry| &entry.key.account))
            .collect();
        let of_cases = letter
            .commits
            .iter()
            .flat_map(|commit| &commit.cases)
            .map(|case| &case.account);
        for account in of_cases.filter(|account| !of_entries.contains(account)) {
            breaches.push(Breach::WrongRoute(account.to_string(), letter.id.clone()));
        }
        let notices = [
            Some(&letter.notice),
            letter.correction.as_ref().map(|(_, notice)| notice),
            letter.detail.as_ref(),
        ];
        let problems = notices
            .into_iter()
            .flatten()
            .flat_map(|notice| slack::check(&slack::message(notice)));
        breaches.extend(problems.map(Breach::Refused));
    }
    breaches
}
