//! What people hear of compliance, and what they do not.

use std::sync::Arc;

use banto_domain::policy::CompliancePolicy;
use banto_fake::World;
use serde_json::Value;

use super::harness::{
    Evaluation, account, add_account, minutes, region, rule, scheduled, seen, start,
};
use crate::harness::{handle, settle};

mod daily_check;
mod failing_ways;
mod flapping;
mod messages;
mod moves;
mod requests;
mod storms;
mod waivers;

/// The first lines of the messages on one way.
fn lines(world: &World, way: &str) -> Vec<String> {
    seen(world)
        .into_iter()
        .filter(|message| message.way == way)
        .map(|message| message.first)
        .collect()
}

fn bad(account: &'static str, rule: &'static str, resource: &'static str) -> Evaluation<'static> {
    Evaluation::bad(account, rule, resource, start())
}

/// A finding in each of so many accounts of the payments team.
fn spread(world: &World, rule: &str, from: usize, count: usize) -> Vec<Value> {
    let accounts = (from..from + count).map(|number| {
        let id = format!("{:012}", 700_000_000_000_u64 + number as u64);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        Evaluation::bad(&id, rule, "website", world.now()).event()
    });
    accounts.collect()
}

/// The first lines on one way that are no reminders.
fn news(world: &World, way: &str) -> Vec<String> {
    let mut lines = lines(world, way);
    lines.retain(|line| !line.contains("still open, the oldest for"));
    lines
}

/// Lets a day pass, at whose end the daily schedule comes.
fn next_day(world: &Arc<World>, policy: &CompliancePolicy) {
    world.advance(minutes(24 * 60));
    handle(world, policy, &scheduled());
    settle(world, policy);
}

/// Lets an account be another team's from now on.
fn give_to(world: &World, id: &str, team: &str) {
    world.change_account(&account(id), |member| {
        member.org_tags.insert("team".to_owned(), team.to_owned());
    });
}

/// Lets the aggregator list these findings of one rule in one account as noncompliant, and no
/// others.
fn list_open(world: &World, name: &str, id: &str, open: &[&Evaluation<'_>]) {
    let found = open.iter().map(|evaluation| evaluation.found());
    world.aggregate(&account(id), &region(), &rule(name), found.collect());
}
