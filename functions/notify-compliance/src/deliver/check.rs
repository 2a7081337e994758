//! Looks at a plan a second time: a table of checks, each of which derives its promise anew instead
//! of trusting the planner.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Breach;
use banto_domain::compliance::{Change, FindingKey, OutboxEntry};
use banto_domain::policy::CompliancePolicy;
use banto_notice::slack;
use jiff::Timestamp;

use super::delivery::{Delivery, Subject, Target};
use super::notices::Message;
use super::plan::Plan;
use super::snapshot::{MAX_NAMED, Snapshot};

/// All that the checks need.
struct Context<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    /// The plan's deliveries in words, in its order.
    messages: &'a [Option<Message>],
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
    ("N1", tells_all_that_belongs_here),
    ("N1", tells_each_entry_once),
    ("N1", leaves_nothing_behind),
    ("N3", fits_slack),
    ("N5", finds_nothing_of_other_routes),
    ("N6", names_what_is_urgent),
    ("storms", collapses_many_new_groups),
    ("quiet hours", leaves_quiet_lanes),
];

pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    messages: &[Option<Message>],
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
    let waiting: BTreeSet<Known<'_>> = context.snapshot.entries().map(known).collect();
    let mut problems = Vec::new();
    for entry in told(context.plan) {
        if !waiting.contains(&known(entry)) {
            problems.push((entry.id(), "would be told, and does not wait".to_owned()));
        }
    }
    problems
}

/// What is not told belongs to other routes, or has moved there before it was told here.
fn tells_all_that_belongs_here(context: &Context<'_>) -> Vec<Problem> {
    let snapshot = context.snapshot;
    if snapshot.route.is_dropped {
        return Vec::new();
    }
    let told: BTreeSet<Known<'_>> = told(context.plan).map(known).collect();
    let mut problems = Vec::new();
    for entry in snapshot.entries() {
        let is_elsewhere = snapshot.elsewhere.contains(&entry.key);
        let has_moved = matches!(entry.change, Change::Moved { .. });
        if !told.contains(&known(entry)) && !is_elsewhere && !has_moved {
            problems.push((entry.id(), "waits, and would not be told".to_owned()));
        }
    }
    problems
}

fn tells_each_entry_once(context: &Context<'_>) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for entry in told(context.plan) {
        if !seen.insert(known(entry)) {
            problems.push((entry.id(), "would be told twice".to_owned()));
        }
    }
    problems
}

/// In the end every batch that was read is gone: it was delivered, or what is left is delivered
/// the next time.
fn leaves_nothing_behind(context: &Context<'_>) -> Vec<Problem> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for batch in &context.snapshot.batches {
        left.insert(&batch.id, batch.entries.len());
    }
    let deliveries = context.plan.deliveries.iter();
    for batch in deliveries
        .flat_map(|delivery| &delivery.commits)
        .flat_map(|commit| &commit.batches)
    {
        let entries = batch.left.as_ref().map_or(0, |left| left.entries.len());
        left.insert(&batch.id, entries);
    }
    let remaining = left.into_iter().filter(|(_, entries)| *entries > 0);
    remaining
        .map(|(id, entries)| (id.to_owned(), format!("{entries} entries would stay")))
        .collect()
}

/// Slack takes every message as it is worded.
fn fits_slack(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (delivery, message) in context.plan.deliveries.iter().zip(context.messages) {
        for notice in message.iter().flat_map(Message::notices) {
            for problem in slack::check(&slack::message(notice)) {
                problems.push((delivery.id.clone(), problem));
            }
        }
    }
    problems
}

/// A finding is told to those whose account it is in today.
fn finds_nothing_of_other_routes(context: &Context<'_>) -> Vec<Problem> {
    let snapshot = context.snapshot;
    let name = &snapshot.route.route.name;
    let mut problems = Vec::new();
    for entry in told(context.plan) {
        let account = snapshot.accounts.get(&entry.key.account);
        let is_here =
            account.is_some_and(|account| context.policy.is_on(name, &entry.key.rule, account));
        if !entry.change.closes() && !is_here {
            problems.push((
                entry.key.account.to_string(),
                format!("does not belong on the route {name}"),
            ));
        }
    }
    problems
}

/// A digest names every urgent finding that it takes up, until it has named enough.
fn names_what_is_urgent(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !context.snapshot.lane.is_urgent() {
        return problems;
    }
    for delivery in &context.plan.deliveries {
        if let Subject::Digest(change) = &delivery.subject {
            let found = usize::try_from(change.found).unwrap_or(usize::MAX);
            if change.named.len() < found.min(MAX_NAMED) {
                let what = format!(
                    "{found} urgent findings, of which {} are named",
                    change.named.len()
                );
                problems.push((delivery.id.clone(), what));
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
    vec![(context.snapshot.route.route.name.clone(), what)]
}

fn is_new_group(delivery: &Delivery) -> bool {
    delivery.target == Target::New && matches!(delivery.subject, Subject::Group(_))
}

fn leaves_quiet_lanes(context: &Context<'_>) -> Vec<Problem> {
    let route = &context.snapshot.route.route;
    let mut problems = Vec::new();
    for entry in told(context.plan) {
        if route.is_quiet(entry.severity, context.now) {
            problems.push((
                entry.id(),
                "must wait for the end of quiet hours".to_owned(),
            ));
        }
    }
    problems
}

/// What tells an entry from all others of the route.
type Known<'a> = (&'a FindingKey, u64);

fn known(entry: &OutboxEntry) -> Known<'_> {
    (&entry.key, entry.revision)
}

/// All entries that the plan tells, in its order.
fn told(plan: &Plan) -> impl Iterator<Item = &OutboxEntry> {
    plan.deliveries.iter().flat_map(|delivery| {
        let changes = match &delivery.subject {
            Subject::Group(change) => std::slice::from_ref(change.as_ref()),
            Subject::Digest(change) => change.changes.as_slice(),
            Subject::Nothing => &[],
        };
        changes.iter().flat_map(|change| &change.entries)
    })
}
