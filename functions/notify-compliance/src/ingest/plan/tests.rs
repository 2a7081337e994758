//! A table of every situation of a finding and what an observation changes of it, in
//! `tests/expected.txt` (`BLESS=1` writes it anew; look at it), and the promises that hold whatever
//! comes.

use std::collections::BTreeSet;

use banto_domain::compliance::{AskedFor, Change, Compliance, Source};
use banto_domain::policy::Policy;
use banto_fake::assert_as_committed;
use jiff::SignedDuration;

use super::*;
use crate::event::Verdict;
use crate::ingest::check::check;

mod broken_plans;
mod promises;

const ACCOUNT: &str = "444455556666";

const OPEN: Compliance = Compliance::Noncompliant;
const CLOSED: Compliance = Compliance::Compliant;

/// The time of the look: the states' last change is 25 hours ago, so that a day of stillness has
/// passed.
const NOW: i64 = 25 * 60;

fn policy(is_waived: bool) -> CompliancePolicy {
    let waiver = "\n[[waivers]]\nrule = \"bucket-*\"\nowner = \"alice\"\nreason = \"x\"\nuntil = 2099-01-01\n";
    let example = include_str!("../../../../../examples/banto.toml");
    let text = if is_waived {
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
    FindingKey::new(
        ACCOUNT.parse().unwrap(),
        &"eu-west-1".parse().unwrap(),
        "bucket-public".parse().unwrap(),
        "AWS::S3::Bucket".into(),
        resource.into(),
    )
}

/// The account, of the team that a route is for.
fn account(team: &str) -> AccountInfo {
    AccountInfo {
        id: ACCOUNT.parse().unwrap(),
        name: "payments".into(),
        path: Vec::new(),
        tags: [("team".to_owned(), team.to_owned())].into(),
        joined_at: None,
        fetched_at: at(0),
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

fn state(compliance: Compliance, told: &[&str]) -> FindingState {
    FindingState {
        key: key("website"),
        evaluated_in: "eu-west-1".parse().unwrap(),
        compliance,
        recorded_at: at(0),
        told: told.iter().map(|route| (*route).to_owned()).collect(),
        changes: vec![at(0)],
        flapping: false,
        doubted_at: None,
        unknown_since: None,
        revision: 1,
    }
}

fn in_doubt(compliance: Compliance, told: &[&str], since: i64) -> FindingState {
    FindingState {
        doubted_at: Some(at(since)),
        ..state(compliance, told)
    }
}

fn changed_at(state: FindingState, changes: &[i64], flapping: bool) -> FindingState {
    FindingState {
        changes: changes.iter().copied().map(at).collect(),
        flapping,
        ..state
    }
}

fn observed(verdict: Verdict, source: Source, minute: i64) -> Observation {
    Observation {
        key: key("website"),
        evaluated_in: "eu-west-1".parse().unwrap(),
        verdict,
        was: None,
        recorded_at: at(minute),
        source,
        annotation: None,
    }
}

fn snapshot(states: impl IntoIterator<Item = FindingState>) -> Snapshot {
    let account = account("payments");
    Snapshot {
        findings: states
            .into_iter()
            .map(|state| (state.key.clone(), state))
            .collect(),
        accounts: [(account.id.clone(), account)].into(),
        ..Snapshot::default()
    }
}

/// The snapshot of a world that is otherwise the same, in which this was observed.
fn seeing(snapshot: &Snapshot, observations: &[Observation]) -> Snapshot {
    Snapshot {
        observations: observations.to_vec(),
        ..snapshot.clone()
    }
}

/// The snapshot after a plan was applied.
fn applied(snapshot: &Snapshot, plan: &Plan) -> Snapshot {
    let mut after = snapshot.clone();
    for chain in &plan.chains {
        if let Some(change) = &chain.change {
            after
                .findings
                .insert(chain.key.clone(), change.after.clone());
        }
    }
    after
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn situations() -> Vec<(&'static str, Option<FindingState>)> {
    let often = [-50, -40, -30, -20, 0];
    let lately = [NOW - 64, NOW - 63, NOW - 62, NOW - 61, NOW - 60];
    vec![
        ("nothing known", None),
        ("closed", Some(state(CLOSED, &[]))),
        (
            "closed, in doubt for an hour",
            Some(in_doubt(CLOSED, &[], NOW - 60)),
        ),
        (
            "closed, in doubt for a day",
            Some(in_doubt(CLOSED, &[], NOW - 24 * 60)),
        ),
        ("open, told", Some(state(OPEN, &["payments"]))),
        (
            "open, told nobody since it was waived",
            Some(state(OPEN, &[])),
        ),
        (
            "open, told to the team that had the account",
            Some(state(OPEN, &["sandboxes"])),
        ),
        (
            "open, told, in doubt for an hour",
            Some(in_doubt(OPEN, &["payments"], NOW - 60)),
        ),
        (
            "open, told, in doubt for a day",
            Some(in_doubt(OPEN, &["payments"], NOW - 24 * 60)),
        ),
        (
            "open, told, in doubt for three days",
            Some(in_doubt(OPEN, &["payments"], NOW - 72 * 60)),
        ),
        (
            "closed, in doubt for three days",
            Some(in_doubt(CLOSED, &[], NOW - 72 * 60)),
        ),
        (
            "open, told, in doubt for a day, and AWS Config can't tell",
            Some(FindingState {
                unknown_since: Some(at(5)),
                ..in_doubt(OPEN, &["payments"], NOW - 24 * 60)
            }),
        ),
        (
            "open, told, the next change is one too many",
            Some(changed_at(state(OPEN, &["payments"]), &often[1..], false)),
        ),
        (
            "open, told nobody, the next change is one too many",
            Some(changed_at(state(OPEN, &[]), &often[1..], false)),
        ),
        (
            "flapping, open, stable for a day",
            Some(changed_at(state(OPEN, &["payments"]), &often, true)),
        ),
        (
            "flapping, closed, stable for a day",
            Some(changed_at(state(CLOSED, &["payments"]), &often, true)),
        ),
        (
            "flapping, closed, stable for an hour",
            Some(changed_at(state(CLOSED, &["payments"]), &lately, true)),
        ),
        (
            "flapping, open, stable for a day, in doubt for a day",
            Some(FindingState {
                doubted_at: Some(at(NOW - 24 * 60)),
                ..changed_at(state(OPEN, &["payments"]), &often, true)
            }),
        ),
    ]
}

/// Observations at each time that may make a difference, by name.
fn observations() -> Vec<(String, Observation)> {
    let mut all = Vec::new();
    for (name, verdict, source) in [
        ("event: noncompliant", Verdict::Noncompliant, Source::Event),
        ("event: compliant", Verdict::Compliant, Source::Event),
        ("event: not evaluated", Verdict::NotEvaluated, Source::Event),
        (
            "check: noncompliant",
            Verdict::Noncompliant,
            Source::DailyCheck,
        ),
        ("check: compliant", Verdict::Compliant, Source::DailyCheck),
    ] {
        for (when, minute) in [("older", -10), ("as old", 0), ("newer", 10)] {
            all.push((format!("{name}, {when}"), observed(verdict, source, minute)));
        }
    }
    for (name, verdict, source, minute) in [
        ("event: can't tell", Verdict::Unknown, Source::Event, 10),
        ("check: absent", Verdict::Absent, Source::DailyCheck, NOW),
        (
            "first check: noncompliant",
            Verdict::Noncompliant,
            Source::Takeover,
            10,
        ),
        ("nothing new", Verdict::AsKnown, Source::Event, 0),
    ] {
        all.push((name.to_owned(), observed(verdict, source, minute)));
    }
    all
}

#[test]
fn every_situation_of_a_finding_and_what_is_told_of_it() {
    let mut table = String::new();
    for (situation, state) in situations() {
        for is_waived in [false, true] {
            let policy = policy(is_waived);
            let waived = if is_waived { ", waived" } else { "" };
            table.push_str(&format!("=== {situation}{waived}\n"));
            for (name, observation) in observations() {
                let seen = seeing(&snapshot(state.clone()), &[observation]);
                let plan = plan(&seen, &policy, at(NOW));
                assert_eq!(check(&seen, &plan, &policy, at(NOW)), []);
                table.push_str(&format!("{name:<29}{}\n", outcome(&plan)));
            }
        }
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/ingest/plan/tests/expected.txt"
    );
    assert_as_committed(path, &table);
}

/// The state after a plan for one finding, the routes that know that it is open, and the news.
fn outcome(plan: &Plan) -> String {
    let Some(change) = plan.chains.first().and_then(|chain| chain.change.as_ref()) else {
        let reason = plan.skipped.keys().next().unwrap();
        let again = plan.chains.iter().any(|chain| !chain.redeliver.is_empty());
        let again = if again { ", delivered again" } else { "" };
        return format!("- {reason:?}{again}");
    };
    let after = &change.after;
    let mut words = vec![
        if after.compliance == OPEN {
            "open"
        } else {
            "closed"
        }
        .to_owned(),
    ];
    if after.flapping {
        words.push("flapping".to_owned());
    }
    if after.doubted_at.is_some() {
        words.push("in doubt".to_owned());
    }
    if after.unknown_since.is_some() {
        words.push("unsure".to_owned());
    }
    if !after.told.is_empty() {
        let told: Vec<&str> = after.told.iter().map(String::as_str).collect();
        words.push(format!("known to {}", told.join(" and ")));
    }
    let mut line = words.join(", ");
    for (route, entry) in plan.chains.iter().flat_map(|chain| &chain.entries) {
        let source = match entry.source {
            Source::Event => "",
            Source::DailyCheck => " by check",
            Source::Takeover => " by first check",
        };
        line.push_str(&format!("; {route} <- {:?}{source}", entry.change));
    }
    line
}

#[test]
fn a_week_after_aws_config_could_not_tell_absence_counts_again() {
    let (week, day) = (7 * 24 * 60, 24 * 60);
    let unsure = FindingState {
        unknown_since: Some(at(5)),
        ..state(OPEN, &["payments"])
    };
    let absent_at = |state: &FindingState, minute: i64| {
        let absent = observed(Verdict::Absent, Source::DailyCheck, minute);
        let seen = seeing(&snapshot([state.clone()]), &[absent]);
        let plan = plan(&seen, &policy(false), at(minute));
        assert_eq!(check(&seen, &plan, &policy(false), at(minute)), []);
        (outcome(&plan), applied(&seen, &plan))
    };
    let (what, _) = absent_at(&unsure, 5 + week);
    assert_eq!(what, "- Unchanged");
    let (what, after) = absent_at(&unsure, 6 + week);
    assert_eq!(what, "open, in doubt, unsure, known to payments");
    let (what, _) = absent_at(&after.findings[&unsure.key], 6 + week + day);
    assert_eq!(what, "closed; payments <- Closed by check");
}

#[test]
fn an_account_that_cannot_be_looked_up_is_not_planned() {
    let mut snapshot = snapshot([]);
    snapshot.accounts.clear();
    let observation = observed(Verdict::Noncompliant, Source::Event, 0);
    let plan = plan(&seeing(&snapshot, &[observation]), &policy(false), at(1));
    assert_eq!(plan, Plan::default());
}

#[test]
fn two_changes_at_once_are_one_write_and_two_entries_in_their_order() {
    let snapshot = seeing(
        &snapshot([]),
        &[
            observed(Verdict::Compliant, Source::Event, 5),
            observed(Verdict::Noncompliant, Source::Event, 1),
        ],
    );
    let plan = plan(&snapshot, &policy(false), at(10));
    let chain = &plan.chains[0];
    let change = chain.change.as_ref().unwrap();
    let begun = u64::try_from(at(10).as_millisecond()).unwrap();
    assert_eq!(
        (change.expected_revision, change.after.revision),
        (None, begun + 2)
    );
    let told: Vec<_> = chain
        .entries
        .iter()
        .map(|(_, entry)| (entry.revision, entry.change.clone()))
        .collect();
    assert_eq!(
        told,
        [(begun + 1, Change::Found), (begun + 2, Change::Resolved)]
    );
}

#[test]
fn a_finding_whose_state_was_deleted_goes_on_with_later_revisions_than_it_had() {
    let policy = policy(false);
    let found = |minute| {
        let found = observed(Verdict::Noncompliant, Source::Event, minute);
        plan(&seeing(&snapshot([]), &[found]), &policy, at(minute))
    };
    let revision = |plan: &Plan| plan.chains[0].entries[0].1.revision;
    assert!(revision(&found(31 * 24 * 60)) > revision(&found(0)) + 1_000);
}

#[test]
fn only_the_absence_of_two_checks_in_a_row_closes() {
    let policy = policy(false);
    let mut snapshot = snapshot([state(OPEN, &["payments"])]);
    let day = |day: i64| day * 24 * 60;
    for (at_day, verdict, is_open) in [
        (1, Verdict::Absent, true),
        (2, Verdict::AsKnown, true),
        (9, Verdict::Absent, true),
        (10, Verdict::Absent, false),
    ] {
        let observation = observed(verdict, Source::DailyCheck, day(at_day));
        let seen = seeing(&snapshot, &[observation]);
        snapshot = applied(&seen, &plan(&seen, &policy, at(day(at_day))));
        let state = &snapshot.findings[&key("website")];
        assert_eq!(state.compliance == OPEN, is_open, "day {at_day}");
    }
}

#[test]
fn what_aws_config_cannot_tell_stays_open_until_it_can_and_is_then_closed_by_absence() {
    let policy = policy(false);
    let mut snapshot = snapshot([state(OPEN, &["payments"])]);
    for (minute, verdict, source, is_open) in [
        (10, Verdict::Unknown, Source::Event, true),
        (1_500, Verdict::Absent, Source::DailyCheck, true),
        (3_000, Verdict::Absent, Source::DailyCheck, true),
        (3_001, Verdict::Noncompliant, Source::Event, true),
        (4_500, Verdict::Absent, Source::DailyCheck, true),
        (6_000, Verdict::Absent, Source::DailyCheck, false),
    ] {
        let seen = seeing(&snapshot, &[observed(verdict, source, minute)]);
        snapshot = applied(&seen, &plan(&seen, &policy, at(minute)));
        let state = &snapshot.findings[&key("website")];
        assert_eq!(state.compliance == OPEN, is_open, "minute {minute}");
    }
}

#[test]
fn what_flaps_and_is_deleted_is_closed_on_the_second_day_and_without_another_change() {
    let policy = policy(false);
    let often = [-50, -40, -30, -20, 0];
    let flapping = changed_at(state(OPEN, &["payments"]), &often, true);
    let mut snapshot = snapshot([flapping]);
    for hour in [23, 47] {
        let minute = hour * 60;
        let absent = observed(Verdict::Absent, Source::DailyCheck, minute);
        let seen = seeing(&snapshot, &[absent]);
        snapshot = applied(&seen, &plan(&seen, &policy, at(minute)));
    }
    assert!(snapshot.findings[&key("website")].is_over());
}

#[test]
fn what_was_closed_for_its_absence_opens_again_with_the_time_that_it_had() {
    let policy = policy(false);
    let open = in_doubt(OPEN, &["payments"], NOW - 24 * 60);
    let seen = seeing(
        &snapshot([open]),
        &[observed(Verdict::Absent, Source::DailyCheck, NOW)],
    );
    let closed = applied(&seen, &plan(&seen, &policy, at(NOW)));
    let seen = seeing(
        &closed,
        &[observed(Verdict::Noncompliant, Source::DailyCheck, 0)],
    );
    let plan = plan(&seen, &policy, at(NOW + 24 * 60));
    let (route, entry) = &plan.chains[0].entries[0];
    assert_eq!(
        (route.as_str(), &entry.change),
        ("payments", &Change::Found)
    );
    assert_eq!(entry.recorded_at, at(0));
}

#[test]
fn a_repeated_event_has_its_routes_delivered_on_again() {
    let snapshot = seeing(
        &snapshot([state(OPEN, &["payments"])]),
        &[observed(Verdict::Noncompliant, Source::Event, 0)],
    );
    let plan = plan(&snapshot, &policy(false), at(1));
    let known: BTreeSet<&str> = plan.chains[0]
        .redeliver
        .iter()
        .map(String::as_str)
        .collect();
    assert_eq!(
        (plan.chains[0].change.as_ref(), known),
        (None, ["payments"].into())
    );
}
