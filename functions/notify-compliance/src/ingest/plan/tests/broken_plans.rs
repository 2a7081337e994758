//! Plans that no planner may make, and the check that refuses each.

use banto_domain::compliance::Severity;

use super::*;

/// Breaks a plan of one chain, and returns the promises that `check` then finds broken.
fn broken(
    before: Option<FindingState>,
    observation: Observation,
    policy: &CompliancePolicy,
    break_it: impl FnOnce(&mut Chain),
) -> Vec<&'static str> {
    let seen = seeing(&snapshot(before), &[observation]);
    let mut plan = plan(&seen, policy, at(NOW));
    assert_eq!(check(&seen, &plan, policy, at(NOW)), []);
    break_it(&mut plan.chains[0]);
    let breaches = check(&seen, &plan, policy, at(NOW));
    breaches.iter().map(|breach| breach.promise).collect()
}

/// Breaks the plan of a finding that nobody knows yet.
fn broken_new(break_it: impl FnOnce(&mut Chain)) -> Vec<&'static str> {
    let found = observed(Verdict::Noncompliant, Source::Event, 0);
    broken(None, found, &policy(false), break_it)
}

/// Breaks the plan of a finding that ends.
fn broken_end(verdict: Verdict, break_it: impl FnOnce(&mut Chain)) -> Vec<&'static str> {
    let before = state(OPEN, &["payments"]);
    let ends = observed(verdict, Source::Event, 10);
    broken(Some(before), ends, &policy(false), break_it)
}

fn after(chain: &mut Chain) -> &mut FindingState {
    &mut chain.change.as_mut().unwrap().after
}

#[test]
fn a_route_that_is_taken_to_know_what_it_is_not_told_is_refused() {
    assert_eq!(broken_new(|chain| chain.entries.clear()), ["N1"]);
    let told_nobody = |chain: &mut Chain| {
        chain.entries.clear();
        after(chain).told.clear();
    };
    assert_eq!(broken_new(told_nobody), ["N1"]);
    let silent_end = |chain: &mut Chain| chain.entries.clear();
    assert_eq!(broken_end(Verdict::Compliant, silent_end), ["N1"]);
}

#[test]
fn a_route_that_would_be_told_twice_is_refused() {
    let twice = |chain: &mut Chain| chain.entries.push(chain.entries[0].clone());
    assert_eq!(broken_new(twice), ["N1", "N1"]);
    assert_eq!(broken_end(Verdict::Compliant, twice), ["N1", "N1"]);
}

#[test]
fn the_end_of_what_a_route_was_never_told_is_refused() {
    let ends = |chain: &mut Chain| {
        chain.entries[0].1.change = Change::Closed;
        after(chain).told.clear();
        after(chain).compliance = CLOSED;
    };
    assert_eq!(broken_new(ends), ["N1", "N1"]);
}

#[test]
fn a_resolution_without_compliance_and_a_closure_without_a_reason_are_refused() {
    let resolved = |chain: &mut Chain| chain.entries[0].1.change = Change::Resolved;
    assert_eq!(broken_end(Verdict::NotEvaluated, resolved), ["N1"]);
    let before = state(OPEN, &["payments"]);
    let absent = observed(Verdict::Absent, Source::DailyCheck, NOW);
    let at_first_sight = |chain: &mut Chain| {
        let mut entry = found_entry();
        entry.revision = 2;
        entry.change = Change::Closed;
        chain.entries.push(("payments".into(), entry));
        after(chain).told.clear();
        after(chain).compliance = CLOSED;
    };
    let promises = broken(Some(before), absent, &policy(false), at_first_sight);
    assert_eq!(promises, ["N1"]);
}

#[test]
fn a_closure_while_aws_config_cannot_tell_is_refused() {
    let before = in_doubt(OPEN, &["payments"], NOW - 24 * 60);
    let absent = observed(Verdict::Absent, Source::DailyCheck, NOW);
    let seen = seeing(&snapshot([before.clone()]), std::slice::from_ref(&absent));
    let closed = plan(&seen, &policy(false), at(NOW));
    assert_eq!(check(&seen, &closed, &policy(false), at(NOW)), []);
    // The same plan, of what AWS Config could not tell of a few days ago.
    let unsure = FindingState {
        unknown_since: Some(at(NOW - 3 * 24 * 60)),
        ..before
    };
    let seen = seeing(&snapshot([unsure]), &[absent]);
    let breaches = check(&seen, &closed, &policy(false), at(NOW));
    let promises: Vec<&str> = breaches.iter().map(|breach| breach.promise).collect();
    assert_eq!(promises, ["N1"]);
}

#[test]
fn another_teams_route_is_refused() {
    let elsewhere = |chain: &mut Chain| {
        chain.entries[0].0 = "sandboxes".into();
        after(chain).told = ["sandboxes".to_owned()].into();
    };
    assert!(broken_new(elsewhere).contains(&"N5"));
}

#[test]
fn an_entry_of_another_severity_or_in_the_lane_of_takeovers_is_refused() {
    let low = |chain: &mut Chain| chain.entries[0].1.severity = Severity::Low;
    assert_eq!(broken_new(low), ["N6"]);
    let takeover = |chain: &mut Chain| chain.entries[0].1.source = Source::Takeover;
    assert_eq!(broken_new(takeover), ["N6"]);
}

#[test]
fn what_is_waived_and_told_is_refused() {
    let found = observed(Verdict::Noncompliant, Source::Event, 0);
    let told = |chain: &mut Chain| {
        chain.entries.push(("payments".into(), found_entry()));
        after(chain).told = ["payments".to_owned()].into();
    };
    assert_eq!(broken(None, found, &policy(true), told), ["waivers"]);
}

/// An entry as the planner makes it.
fn found_entry() -> OutboxEntry {
    let found = observed(Verdict::Noncompliant, Source::Event, 0);
    let plan = plan(&seeing(&snapshot([]), &[found]), &policy(false), at(NOW));
    plan.chains[0].entries[0].1.clone()
}
