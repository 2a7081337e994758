//! Whatever happens to resources, in whatever order their events come, people end up knowing what
//! is true.

use std::collections::BTreeMap;

use banto_domain::compliance::Compliance;
use banto_ports::{ErrorKind, PortError};
use proptest::prelude::*;

use super::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, account, breaches, minutes, policy, region, rule,
    scheduled, start, world,
};
use crate::harness::{Sqs, enqueue, handle, settle};

const ACCOUNTS: [(&str, &str); 3] = [
    (PAYMENTS, "payments"),
    (SEARCH, "search"),
    (OTHER, "default"),
];
const RULES: [&str; 2] = ["bucket-public", "bucket-logging"];
const RESOURCES: [&str; 3] = ["a", "b", "c"];

/// A change of one resource under one rule, when it comes, and whether it comes at all.
#[derive(Debug, Clone)]
struct Step {
    account: usize,
    rule: usize,
    resource: usize,
    /// How many steps late its event comes.
    late: usize,
    is_lost: bool,
    comes_twice: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..3_usize,
        0..2_usize,
        0..3_usize,
        0..4_usize,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
    );
    let step = step.prop_map(
        |(account, rule, resource, late, is_lost, comes_twice)| Step {
            account,
            rule,
            resource,
            late,
            is_lost,
            comes_twice,
        },
    );
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn people_end_up_knowing_what_is_true(steps in steps(), outage in proptest::option::of(0..25_usize)) {
        let world = world();
        let policy = policy();
        let mut truth: BTreeMap<(usize, usize, usize), Evaluation<'_>> = BTreeMap::new();
        let mut coming: Vec<(usize, Evaluation<'_>)> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let at = start() + minutes(number as i64 * 7);
            let known = truth.get(&(step.account, step.rule, step.resource));
            let compliant = known.is_some_and(|known| !known.compliant);
            let told = Evaluation {
                account: ACCOUNTS[step.account].0, rule: RULES[step.rule], resource: RESOURCES[step.resource], compliant, at,
            };
            truth.insert((step.account, step.rule, step.resource), told.clone());
            for _ in 0..=usize::from(step.comes_twice) {
                if !step.is_lost {
                    coming.push((number + step.late, told.clone()));
                }
            }
        }
        for number in 0..steps.len() + 4 {
            if outage == Some(number) {
                let error = PortError::new(ErrorKind::Unavailable, "slack:chat.postMessage", "HTTP status 503");
                world.fail_slack(Some(error));
                world.fail_topics(Some(ErrorKind::Unavailable));
            }
            if outage.is_some_and(|begun| number > begun) {
                world.fail_slack(None);
                world.fail_topics(None);
            }
            world.advance(minutes(7).checked_sub(world.now().duration_since(start() + minutes(number as i64 * 7))).unwrap_or_default().max(minutes(0)));
            let due: Vec<_> = coming.iter().filter(|(when, _)| *when == number).map(|(_, told)| told.event()).collect();
            enqueue(&world, &due);
            Sqs::default().settle(&world, &policy, &[]);
        }
        world.fail_slack(None);
        world.fail_topics(None);
        // AWS Config knows all of it; after a day of stillness the daily comparison runs.
        for (account_index, rule_index, _) in truth.keys() {
            let (id, name) = (account(ACCOUNTS[*account_index].0), rule(RULES[*rule_index]));
            let found = truth.iter().filter(|((account, rule, _), told)| {
                account == account_index && rule == rule_index && !told.compliant
            });
            world.aggregate(&id, &region(), &name, found.map(|(_, told)| told.found()).collect());
        }
        for _ in 0..2 {
            world.advance(minutes(25 * 60));
            handle(&world, &policy, &scheduled());
            settle(&world, &policy);
        }
        for ((account_index, rule_index, _), told) in &truth {
            let (id, route) = ACCOUNTS[*account_index];
            let compliance = if told.compliant { Compliance::Compliant } else { Compliance::Noncompliant };
            if let Some(known) = world.finding_state(&told.key()) {
                prop_assert_eq!((known.compliance, known.last_notified), (compliance, compliance), "{:?}", told);
            } else {
                prop_assert_eq!(compliance, Compliance::Compliant, "{:?}", told);
            }
            // The message counts what is open.
            let open = truth.iter().filter(|((account, rule, _), told)| {
                account == account_index && rule == rule_index && !told.compliant
            }).count();
            let group = world.finding_group(route, &account(id), &rule(RULES[*rule_index]));
            prop_assert_eq!(group.map_or(0, |group| group.open as usize), open, "{}", route);
        }
        for route in ["payments", "search", "auditors", "default"] {
            prop_assert!(world.outbox(route).is_empty());
        }
        prop_assert_eq!(breaches(&world), Vec::<String>::new());
    }
}
