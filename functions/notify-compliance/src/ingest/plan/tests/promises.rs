//! The promises that hold whatever comes.

use proptest::prelude::*;

use super::*;

fn compliance() -> impl Strategy<Value = Compliance> {
    prop_oneof![Just(OPEN), Just(CLOSED)]
}

fn said() -> impl Strategy<Value = (Verdict, Source)> {
    prop_oneof![
        4 => Just((Verdict::Noncompliant, Source::Event)),
        4 => Just((Verdict::Compliant, Source::Event)),
        2 => Just((Verdict::NotEvaluated, Source::Event)),
        1 => Just((Verdict::Unknown, Source::Event)),
        1 => Just((Verdict::AsKnown, Source::Event)),
        1 => Just((Verdict::Noncompliant, Source::DailyCheck)),
        1 => Just((Verdict::Compliant, Source::DailyCheck)),
        1 => Just((Verdict::Absent, Source::DailyCheck)),
        1 => Just((Verdict::Noncompliant, Source::Takeover)),
    ]
}

prop_compose! {
    fn any_observation()(
        resource in "[abc]",
        (verdict, source) in said(),
        was in proptest::option::of(compliance()),
        minute in -2_000_i64..2_000,
    ) -> Observation {
        let minute = if verdict == Verdict::Absent { 3_000 } else { minute };
        Observation { key: key(&resource), was, ..observed(verdict, source, minute) }
    }
}

/// Routes that were told, of a policy as it may have been.
fn told() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set(
        prop_oneof![Just("payments"), Just("compliance"), Just("dropped")].prop_map(str::to_owned),
        0..3,
    )
}

prop_compose! {
    fn any_state()(
        resource in "[abc]",
        compliance in compliance(),
        told in told(),
        changes in proptest::collection::vec(-2_000_i64..0, 0..6),
        flapping in any::<bool>(),
        doubted_at in proptest::option::of(0_i64..3_000),
        unknown_since in proptest::option::of(-20_000_i64..2_000),
    ) -> FindingState {
        let mut changes: Vec<Timestamp> = changes.into_iter().map(at).collect();
        changes.sort();
        // Of what is over, no route knows that it is open.
        let told = if compliance == OPEN || flapping { told } else { BTreeSet::new() };
        FindingState {
            key: key(&resource),
            told,
            changes,
            flapping,
            doubted_at: doubted_at.map(at),
            unknown_since: unknown_since.map(at),
            ..state(compliance, &[])
        }
    }
}

/// The routes that know that a finding is open, after the entries of a chain were told.
fn knowing(before: Option<&FindingState>, chain: &Chain) -> BTreeSet<String> {
    let mut knowing = before.map_or_else(BTreeSet::new, |before| before.told.clone());
    for (route, entry) in &chain.entries {
        let changes = if entry.change.closes() {
            knowing.remove(route)
        } else {
            knowing.insert(route.clone())
                || matches!(entry.change, Change::Flapping { was_open: true })
        };
        assert!(changes, "{route} knows that already: {:?}", entry.change);
    }
    knowing
}

proptest! {
    #[test]
    fn no_plan_breaks_a_promise_and_the_same_again_changes_nothing(
        observations in proptest::collection::vec(any_observation(), 0..12),
        states in proptest::collection::vec(any_state(), 0..4),
        is_waived in any::<bool>(),
        team in prop_oneof![Just("payments"), Just("other")],
    ) {
        let policy = policy(is_waived);
        let mut snapshot = snapshot(states);
        let account = account(team);
        snapshot.accounts.insert(account.id.clone(), account);
        let (seen, now) = (seeing(&snapshot, &observations), at(3_000));
        let first = plan(&seen, &policy, now);
        prop_assert_eq!(check(&seen, &first, &policy, now), []);
        for chain in &first.chains {
            if let Some(change) = &chain.change {
                let before = snapshot.findings.get(&chain.key);
                prop_assert_eq!(knowing(before, chain), change.after.told.clone());
            }
        }
        let after = applied(&seen, &first);
        // The first daily check that is repeated may agree with what the others made of the state.
        let events: Vec<Observation> = observations
            .into_iter()
            .filter(|observation| observation.source == Source::Event)
            .collect();
        let second = plan(&seeing(&after, &events), &policy, now);
        prop_assert!(second.chains.iter().all(|chain| chain.change.is_none()), "{second:?}");
    }

    #[test]
    fn a_daily_check_that_is_repeated_changes_nothing(
        observation in any_observation(),
        state in any_state(),
    ) {
        let observation = Observation { key: state.key.clone(), ..observation };
        let (policy, now) = (policy(false), at(3_000));
        let seen = seeing(&snapshot([state]), &[observation]);
        let after = applied(&seen, &plan(&seen, &policy, now));
        let second = plan(&after, &policy, now);
        prop_assert!(second.chains.iter().all(|chain| chain.change.is_none()), "{second:?}");
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
        let events: Vec<Observation> = (0_i64..).zip(&history).map(|(minute, compliance)| {
            let verdict = if *compliance == OPEN { Verdict::Noncompliant } else { Verdict::Compliant };
            let before = usize::try_from(minute - 1).ok().and_then(|before| history.get(before));
            Observation { was: before.copied(), ..observed(verdict, Source::Event, minute) }
        }).collect();
        let mut after = snapshot([]);
        for index in order {
            let seen = seeing(&after, &events[index..=index]);
            after = applied(&seen, &plan(&seen, &policy, at(3_000)));
        }
        let state = after.findings.values().next();
        let ends = state.map_or(CLOSED, |state| state.compliance);
        prop_assert_eq!(ends, *history.last().unwrap());
        if history.len() <= policy.flapping_over {
            let is_known = state.is_some_and(|state| !state.told.is_empty());
            prop_assert_eq!(is_known, ends == OPEN);
        }
    }
}
