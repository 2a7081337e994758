//! Looks at a plan a second time: a table of rules, each of which derives its promise anew instead
//! of trusting the planner.

use std::collections::BTreeSet;

use banto_domain::Breach;
use banto_domain::policy::CompliancePolicy;
use banto_notice::{Notice, slack};
use banto_ports::DeliveryCommit;
use jiff::Timestamp;

use super::delivery::{Delivery, Subject, Target};
use super::notices::Message;
use super::plan::Plan;
use super::snapshot::Snapshot;

/// All that the rules need.
struct Context<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    policy: &'a CompliancePolicy,
    now: Timestamp,
}

/// The subject of a breach, and what is wrong with it.
type Found = (String, String);

type Rule = fn(&Context<'_>) -> Vec<Found>;

/// The promises, each with the rule that finds breaches of it.
const RULES: &[(&str, Rule)] = &[
    ("N1", tells_only_what_waits),
    ("N1", tells_each_entry_once),
    ("N5", saves_groups_of_its_entries_accounts),
    ("storms", collapses_many_new_groups),
    ("quiet hours", leaves_quiet_entries),
];

pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let context = Context {
        snapshot,
        plan,
        policy,
        now,
    };
    let mut breaches = Vec::new();
    for (promise, rule) in RULES {
        for (subject, what) in rule(&context) {
            breaches.push(Breach::new(promise, subject, what));
        }
    }
    breaches
}

/// N3: Slack takes every message as it is worded.
pub fn check_messages(plan: &Plan, messages: &[Message]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (delivery, message) in plan.deliveries.iter().zip(messages) {
        for notice in message.notices() {
            breaches.extend(check_notice(delivery, notice));
        }
    }
    breaches
}

fn check_notice(delivery: &Delivery, notice: &Notice) -> Vec<Breach> {
    let problems = slack::check(&slack::message(notice)).into_iter();
    problems
        .map(|problem| Breach::new("N3", &delivery.id, problem))
        .collect()
}

fn tells_only_what_waits(context: &Context<'_>) -> Vec<Found> {
    let entries = context.snapshot.entries.iter();
    let waiting: BTreeSet<String> = entries.map(|entry| entry.id()).collect();
    let mut found = Vec::new();
    for id in told(context.plan) {
        if !waiting.contains(&id) {
            found.push((id, "would be told, and does not wait".to_owned()));
        }
    }
    found
}

fn tells_each_entry_once(context: &Context<'_>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in told(context.plan) {
        if !seen.insert(id.clone()) {
            found.push((id, "would be told twice".to_owned()));
        }
    }
    found
}

fn saves_groups_of_its_entries_accounts(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for delivery in &context.plan.deliveries {
        let entries = delivery.commits.iter().flat_map(|commit| &commit.entries);
        let accounts: BTreeSet<_> = entries.map(|entry| &entry.key.account).collect();
        for group in delivery.commits.iter().flat_map(|commit| &commit.groups) {
            if !accounts.contains(&group.account) {
                let what = format!("does not belong into the message {}", delivery.id);
                found.push((group.account.to_string(), what));
            }
        }
    }
    found
}

fn collapses_many_new_groups(context: &Context<'_>) -> Vec<Found> {
    let deliveries = context.plan.deliveries.iter();
    let new = deliveries.filter(|delivery| is_new_group(delivery)).count();
    if new <= context.policy.collapse_over {
        return Vec::new();
    }
    let what = format!("would get {new} messages at once");
    vec![(context.snapshot.route.name.clone(), what)]
}

fn is_new_group(delivery: &Delivery) -> bool {
    delivery.target == Target::Channel && matches!(delivery.subject, Subject::Group(_))
}

fn leaves_quiet_entries(context: &Context<'_>) -> Vec<Found> {
    let route = &context.snapshot.route;
    let mut found = Vec::new();
    for entry in commits(context.plan).flat_map(|commit| &commit.entries) {
        if route.is_quiet(entry.severity, context.now) {
            found.push((
                entry.id(),
                "must wait for the end of quiet hours".to_owned(),
            ));
        }
    }
    found
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
