//! Looks at a plan a second time: a table of checks, each of which derives its promise anew instead
//! of trusting the planner.

use std::collections::BTreeSet;

use banto_domain::Breach;
use banto_domain::policy::CompliancePolicy;
use banto_notice::slack;
use banto_ports::DeliveryCommit;
use jiff::Timestamp;

use super::delivery::{Delivery, Subject, Target};
use super::notices::Message;
use super::plan::Plan;
use super::snapshot::Snapshot;

/// All that the checks need.
struct Context<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    /// The plan's deliveries in words, in its order.
    messages: &'a [Message],
    policy: &'a CompliancePolicy,
    now: Timestamp,
}

/// The subject of a breach, and what is wrong with it.
type Problem = (String, String);

/// Returns all that is wrong with a plan in one respect.
type Check = fn(&Context<'_>) -> Vec<Problem>;

/// The promises, each with the check that finds breaches of it.
const CHECKS: &[(&str, Check)] = &[
    ("N1", tells_only_what_waits),
    ("N1", tells_all_that_waits),
    ("N1", tells_each_entry_once),
    ("N3", fits_slack),
    ("N5", keeps_to_accounts_of_its_entries),
    ("storms", collapses_many_new_groups),
    ("quiet hours", leaves_quiet_entries),
];

pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    messages: &[Message],
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let context = Context {
        snapshot,
        plan,
        messages,
        policy,
        now,
    };
    let mut breaches = Vec::new();
    for (promise, check) in CHECKS {
        for (subject, what) in check(&context) {
            breaches.push(Breach::new(promise, subject, what));
        }
    }
    breaches
}

fn tells_only_what_waits(context: &Context<'_>) -> Vec<Problem> {
    let entries = context.snapshot.entries.iter();
    let waiting: BTreeSet<String> = entries.map(|entry| entry.id()).collect();
    let mut problems = Vec::new();
    for id in told(context.plan) {
        if !waiting.contains(&id) {
            problems.push((id, "would be told, and does not wait".to_owned()));
        }
    }
    problems
}

/// Of a route on which a delivery is possible, every entry that need not be quiet is delivered.
fn tells_all_that_waits(context: &Context<'_>) -> Vec<Problem> {
    let Context { snapshot, now, .. } = *context;
    if !snapshot.is_ready(context.policy.window, now) {
        return Vec::new();
    }
    let told: BTreeSet<String> = told(context.plan).into_iter().collect();
    let mut problems = Vec::new();
    for entry in &snapshot.entries {
        let is_quiet = snapshot.route.is_quiet(entry.severity, now);
        if !is_quiet && !told.contains(&entry.id()) {
            problems.push((entry.id(), "waits, and would not be told".to_owned()));
        }
    }
    problems
}

fn tells_each_entry_once(context: &Context<'_>) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for id in told(context.plan) {
        if !seen.insert(id.clone()) {
            problems.push((id, "would be told twice".to_owned()));
        }
    }
    problems
}

/// Slack takes every message as it is worded.
fn fits_slack(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (delivery, message) in context.plan.deliveries.iter().zip(context.messages) {
        for notice in message.notices() {
            for problem in slack::check(&slack::message(notice)) {
                problems.push((delivery.id.clone(), problem));
            }
        }
    }
    problems
}

/// A message saves the groups of those accounts only that its entries are about.
fn keeps_to_accounts_of_its_entries(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for delivery in &context.plan.deliveries {
        let entries = delivery.commits.iter().flat_map(|commit| &commit.entries);
        let accounts: BTreeSet<_> = entries.map(|entry| &entry.key.account).collect();
        for group in delivery.commits.iter().flat_map(|commit| &commit.groups) {
            if !accounts.contains(&group.account) {
                let what = format!("does not belong into the message {}", delivery.id);
                problems.push((group.account.to_string(), what));
            }
        }
    }
    problems
}

fn collapses_many_new_groups(context: &Context<'_>) -> Vec<Problem> {
    let deliveries = context.plan.deliveries.iter();
    let new = deliveries.filter(|delivery| is_new_group(delivery)).count();
    if new <= context.policy.collapse_over {
        return Vec::new();
    }
    let what = format!("would get {new} messages at once");
    vec![(context.snapshot.route.name.clone(), what)]
}

fn is_new_group(delivery: &Delivery) -> bool {
    delivery.target == Target::New && matches!(delivery.subject, Subject::Group(_))
}

fn leaves_quiet_entries(context: &Context<'_>) -> Vec<Problem> {
    let route = &context.snapshot.route;
    let mut problems = Vec::new();
    for entry in commits(context.plan).flat_map(|commit| &commit.entries) {
        if route.is_quiet(entry.severity, context.now) {
            problems.push((
                entry.id(),
                "must wait for the end of quiet hours".to_owned(),
            ));
        }
    }
    problems
}

/// The ids of all entries that the plan tells, in its order.
fn told(plan: &Plan) -> Vec<String> {
    let entries = commits(plan).flat_map(|commit| &commit.entries);
    entries.map(|entry| entry.id()).collect()
}

fn commits(plan: &Plan) -> impl Iterator<Item = &DeliveryCommit> {
    plan.deliveries
        .iter()
        .flat_map(|delivery| &delivery.commits)
}
