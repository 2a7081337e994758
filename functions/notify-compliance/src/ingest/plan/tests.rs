//! A table of every situation of a finding and what an observation changes of it, in
//! `tests/expected.txt` (`BLESS=1` writes it anew; look at it), and the promises that hold whatever
//! comes.

use banto_domain::policy::Policy;
use banto_fake::assert_as_committed;
use proptest::prelude::*;

use super::*;
use crate::ingest::check::check;
use banto_domain::compliance::{Compliance, Source};
use jiff::SignedDuration;

const ACCOUNT: &str = "444455556666";

fn policy(waived: bool) -> CompliancePolicy {
    let waiver = "\n[[waivers]]\nrule = \"bucket-*\"\nowner = \"alice\"\nreason = \"x\"\nuntil = 2099-01-01\n";
    let example = include_str!("../../../../../examples/banto.toml");
    let text = if waived {
        format!("{example}{waiver}")
    } else {
        example.to_owned()
    };
    Policy::parse(&text).unwrap().compliance.unwrap()
}

fn at(minute: i64) -> Timestamp {
    "2026-06-01T09:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn key(resource: &str) -> FindingKey {
    FindingKey {
        account: ACCOUNT.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        rule: "bucket-public".parse().unwrap(),
        resource_type: "AWS::S3::Bucket".into(),
        resource_id: resource.into(),
    }
}

fn facts(tags: &[(&str, &str)]) -> AccountInfo {
    AccountInfo {
        id: ACCOUNT.parse().unwrap(),
        name: "payments".into(),
        path: Vec::new(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        fetched_at: at(0),
    }
}

fn known(
    compliance: Compliance,
    last_notified: Compliance,
    changes: &[i64],
    damped: bool,
) -> FindingState {
    let changes = changes.iter().copied().map(at).collect();
    FindingState {
        key: key("website"),
        compliance,
        recorded_at: at(0),
        last_notified,
        changes,
        damped,
    }
}

fn observed(
    resource: &str,
    compliance: Option<Compliance>,
    source: Source,
    minute: i64,
) -> Observation {
    Observation {
        key: key(resource),
        compliance,
        was: None,
        recorded_at: at(minute),
        source,
        annotation: None,
    }
}

fn snapshot(known: impl IntoIterator<Item = FindingState>) -> Snapshot {
    let facts = facts(&[("team", "payments")]);
    Snapshot {
        findings: known
            .into_iter()
            .map(|known| (known.key.clone(), known))
            .collect(),
        accounts: [(facts.id.clone(), facts)].into(),
        ..Snapshot::default()
    }
}

/// The plan for observations in a world that is otherwise as in the snapshot.
fn planned(
    observations: &[Observation],
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Plan {
    let snapshot = Snapshot {
        observations: observations.to_vec(),
        ..snapshot.clone()
    };
    plan(&snapshot, policy, now)
}

/// The snapshot after a plan was applied.
fn noted(snapshot: &Snapshot, plan: &Plan) -> Snapshot {
    let mut after = snapshot.clone();
    for change in plan.chains.iter().flat_map(|chain| &chain.changes) {
        after
            .findings
            .insert(change.after.key.clone(), change.after.clone());
    }
    after
}

const BAD: Compliance = Compliance::Noncompliant;
const GOOD: Compliance = Compliance::Compliant;

#[test]
fn every_situation_of_a_finding_and_what_is_told_of_it() {
    let often = [-50, -40, -30, -20, 0];
    let situations = [
        ("nothing known", None),
        ("in order", Some(known(GOOD, GOOD, &[], false))),
        ("found, and told", Some(known(BAD, BAD, &[0], false))),
        (
            "found, not told (waived)",
            Some(known(BAD, GOOD, &[0], false)),
        ),
        ("flapping: found, told", Some(known(BAD, BAD, &often, true))),
        (
            "flapping: found, not told",
            Some(known(BAD, GOOD, &often, true)),
        ),
        (
            "flapping: in order, not told",
            Some(known(GOOD, BAD, &often, true)),
        ),
        (
            "many changes, the next is one too many",
            Some(known(BAD, BAD, &often[1..], false)),
        ),
    ];
    let observations = [
        ("found", Some(BAD), Source::Event),
        ("in order", Some(GOOD), Source::Event),
        ("gone", Some(GOOD), Source::NoLongerEvaluated),
        ("can't tell", None, Source::Event),
        ("compared: found", Some(BAD), Source::Reconciliation),
        ("compared: in order", Some(GOOD), Source::Reconciliation),
    ];
    let mut table = String::new();
    for (situation, known) in &situations {
        for waived in [false, true] {
            let policy = policy(waived);
            table.push_str(&format!(
                "=== {situation}{}\n",
                if waived { ", a waiver covers it" } else { "" }
            ));
            for (observation, compliance, news) in observations {
                // The comparison of the next day repeats the time of what it finds unchanged.
                for (when, minute, now) in [
                    ("earlier", -10, 15),
                    ("at the same time", 0, 24 * 60 + 60),
                    ("later", 10, 15),
                ] {
                    let snapshot = snapshot(known.clone());
                    let observation = (observation, observed("website", compliance, news, minute));
                    let plan = planned(
                        std::slice::from_ref(&observation.1),
                        &snapshot,
                        &policy,
                        at(now),
                    );
                    assert_eq!(check(&snapshot, &plan, &policy, at(now)), []);
                    table.push_str(&format!(
                        "{:<20}{when:<18}{}\n",
                        observation.0,
                        outcome(&plan)
                    ));
                }
            }
        }
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/ingest/plan/tests/expected.txt"
    );
    assert_as_committed(path, &table);
}

fn outcome(plan: &Plan) -> String {
    let words = |compliance| {
        if compliance == BAD {
            "found"
        } else {
            "in order"
        }
    };
    let change = plan.chains.iter().flat_map(|chain| &chain.changes).next();
    match change {
        Some(change) => {
            let flaps = if change.after.damped {
                ", flapping"
            } else {
                ""
            };
            let told: Vec<&str> = change
                .entries
                .iter()
                .map(|(route, _)| route.as_str())
                .collect();
            let told = if told.is_empty() {
                "told nobody".to_owned()
            } else {
                format!("told {}", told.join(", "))
            };
            format!("{}{flaps}; {told}", words(change.after.compliance))
        }
        None => {
            let silence = plan
                .skipped
                .keys()
                .next()
                .map(|silence| format!("{silence:?}"))
                .unwrap_or_default();
            let again = plan.chains.iter().any(|chain| !chain.redeliver.is_empty());
            format!(
                "- {silence}{}",
                if again {
                    ", its routes are seen to"
                } else {
                    ""
                }
            )
        }
    }
}

#[test]
fn an_account_that_cannot_be_looked_up_is_not_planned() {
    let mut snapshot = snapshot([]);
    snapshot.accounts.clear();
    let observation = observed("website", Some(BAD), Source::Event, 0);
    assert_eq!(
        planned(&[observation], &snapshot, &policy(false), at(1)),
        Plan::default()
    );
}

#[test]
fn the_check_finds_what_a_planner_must_not_do() {
    let policy = policy(false);
    let snapshot = snapshot([]);
    let sound = planned(
        &[observed("website", Some(BAD), Source::Event, 0)],
        &snapshot,
        &policy,
        at(1),
    );
    let broken = |change: &dyn Fn(&mut FindingChange)| {
        let mut plan = sound.clone();
        plan.chains[0].changes.iter_mut().for_each(change);
        check(&snapshot, &plan, &policy, at(1)).len()
    };
    assert_eq!(broken(&|_| {}), 0);
    assert_eq!(
        broken(&|change| change.entries.clear()),
        1,
        "N1: told nobody"
    );
    assert_eq!(
        broken(&|change| change.entries[0].0 = "security".into()),
        1,
        "N5: another team's route"
    );
    assert!(
        broken(&|change| change.entries.push(change.entries[0].clone())) >= 1,
        "N1: told twice"
    );
    let waived = super::tests::policy(true);
    assert_eq!(check(&snapshot, &sound, &waived, at(1)).len(), 1, "waived");
}

fn compliance() -> impl Strategy<Value = Compliance> {
    prop_oneof![Just(BAD), Just(GOOD)]
}

fn news() -> impl Strategy<Value = Source> {
    prop_oneof![4 => Just(Source::Event), 1 => Just(Source::NoLongerEvaluated), 1 => Just(Source::Reconciliation)]
}

prop_compose! {
    fn any_observation()(
        resource in "[abc]",
        compliance in proptest::option::weighted(0.9, compliance()),
        was in proptest::option::of(compliance()),
        news in news(),
        minute in -2_000_i64..2_000,
    ) -> Observation {
        Observation { was, ..observed(&resource, compliance, news, minute) }
    }
}

prop_compose! {
    fn any_known()(
        resource in "[abc]",
        compliance in compliance(),
        said in compliance(),
        changes in proptest::collection::vec(-2_000_i64..0, 0..6),
        damped in any::<bool>(),
    ) -> FindingState {
        let mut changes: Vec<Timestamp> = changes.into_iter().map(at).collect();
        changes.sort();
        FindingState { key: key(&resource), changes, ..known(compliance, said, &[], damped) }
    }
}

proptest! {
    #[test]
    fn no_plan_breaks_a_promise_and_a_second_look_changes_nothing(
        observations in proptest::collection::vec(any_observation(), 0..12),
        known in proptest::collection::vec(any_known(), 0..4),
        waived in any::<bool>(),
        team in prop_oneof![Just("payments"), Just("other")],
    ) {
        let policy = policy(waived);
        let mut snapshot = snapshot(known);
        let facts = facts(&[("team", team)]);
        snapshot.accounts.insert(facts.id.clone(), facts);
        let now = at(3_000);
        let first = planned(&observations, &snapshot, &policy, now);
        prop_assert_eq!(check(&snapshot, &first, &policy, now), []);
        // The very same events again are no news.
        let after = noted(&snapshot, &first);
        let again: Vec<Observation> =
            observations.into_iter().filter(|observation| observation.source != Source::Reconciliation).collect();
        let second = planned(&again, &after, &policy, now);
        prop_assert!(second.chains.iter().all(|chain| chain.changes.is_empty()), "{:?}", second);
    }

    #[test]
    fn in_whatever_order_its_events_come_a_finding_ends_as_it_is(
        (history, order) in proptest::collection::vec(compliance(), 1..8).prop_flat_map(|history| {
            // Some events come twice.
            let order: Vec<usize> = (0..history.len()).chain(0..history.len() / 2).collect();
            (Just(history), Just(order).prop_shuffle())
        }),
    ) {
        let policy = policy(false);
        let events: Vec<Observation> = history.iter().enumerate().map(|(index, compliance)| Observation {
            was: index.checked_sub(1).map(|before| history[before]),
            ..observed("website", Some(*compliance), Source::Event, index as i64)
        }).collect();
        let mut state = snapshot([]);
        for index in order {
            state = noted(&state, &planned(std::slice::from_ref(&events[index]), &state, &policy, at(3_000)));
        }
        let ends = state.findings.values().next().map_or(GOOD, |known| known.compliance);
        prop_assert_eq!(ends, *history.last().unwrap());
        if history.len() <= policy.flapping_over {
            let said = state.findings.values().next().map_or(GOOD, |known| known.last_notified);
            prop_assert_eq!(said, ends);
        }
    }
}
