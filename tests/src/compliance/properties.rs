//! Whatever happens to resources and accounts, in whatever order its events come, and whatever the
//! aggregator forgets for a while, people end up knowing what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use banto_domain::compliance::Compliance;
use banto_fake::World;
use banto_ports::{AggregatedRule, ErrorKind, PortError, RuleCompliance};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, account, breaches, minutes, policy, region, rule,
    scheduled, seen, start, world,
};
use crate::harness::{Sqs, enqueue, handle, settle};

const ACCOUNTS: [&str; 3] = [PAYMENTS, SEARCH, OTHER];
/// The teams that an account may be of, with the route and the ways of each.
const TEAMS: [(&str, &str, &[&str]); 3] = [
    ("payments", "payments", &["C0PAYMENTS"]),
    ("search", "search", &["webhook", "search"]),
    ("x", "default", &["compliance"]),
];
const RULES: [&str; 2] = ["bucket-public", "bucket-logging"];
const RESOURCES: [&str; 3] = ["a", "b", "c"];

/// The time between two steps.
const STEP: i64 = 7;

/// Daily checks after the last step: a resource that flaps is still after the first, and of what
/// the aggregator contradicts the second one after that is believed.
const CHECKS: usize = 4;

/// Daily checks more, if AWS Config could not tell of something: for a week its absence from the
/// aggregator's lists says nothing.
const CHECKS_WHILE_UNSURE: usize = 7;

/// What happens in a step.
#[derive(Debug, Clone)]
enum Happening {
    /// A resource becomes noncompliant, or compliant again.
    Changes { place: Place, event: Event },
    /// A resource is deleted: no rule evaluates it any more.
    Deleted { place: Place, event: Event },
    /// A rule can't tell for a while.
    CantTell { place: Place },
    /// An account becomes another team's.
    Moves { account: usize, team: usize },
    /// The aggregator tells of an account what was true some days ago.
    Lags { account: usize, days: i64 },
    /// The aggregator is rebuilt.
    Forgets { account: usize },
    /// A day passes, and the daily schedule comes.
    Day,
}

/// An account, a rule and a resource, by their numbers.
type Place = (usize, usize, usize);

/// How the event of a change comes.
#[derive(Debug, Clone)]
struct Event {
    /// How many steps late.
    late: usize,
    is_lost: bool,
    comes_twice: bool,
}

fn happening() -> impl Strategy<Value = Happening> {
    let place = || (0..3_usize, 0..2_usize, 0..3_usize);
    let event = || {
        let event = (
            0..4_usize,
            prop::bool::weighted(0.1),
            prop::bool::weighted(0.2),
        );
        event.prop_map(|(late, is_lost, comes_twice)| Event {
            late,
            is_lost,
            comes_twice,
        })
    };
    prop_oneof![
        16 => (place(), event()).prop_map(|(place, event)| Happening::Changes { place, event }),
        2 => (place(), event()).prop_map(|(place, event)| Happening::Deleted { place, event }),
        1 => place().prop_map(|place| Happening::CantTell { place }),
        2 => (0..3_usize, 0..3_usize)
            .prop_map(|(account, team)| Happening::Moves { account, team }),
        1 => (0..3_usize, 1..3_i64).prop_map(|(account, days)| Happening::Lags { account, days }),
        1 => (0..3_usize).prop_map(|account| Happening::Forgets { account }),
        2 => Just(Happening::Day),
    ]
}

/// The world, and what is true in it.
struct Story {
    world: Arc<World>,
    /// What AWS Config says of each resource that it evaluates.
    truth: BTreeMap<Place, Evaluation<'static>>,
    /// Events that are still to come, each with the number of its step.
    coming: Vec<(usize, Value)>,
    /// The team of each account.
    teams: [usize; 3],
    /// The teams that each account ever was of.
    ever: [BTreeSet<usize>; 3],
    /// True if AWS Config could not tell of something.
    was_unsure: bool,
}

impl Story {
    fn begin() -> Self {
        let world = world();
        // No event is needed for the aggregator to know the rules.
        for (id, name) in ACCOUNTS.iter().flat_map(|id| RULES.map(|name| (id, name))) {
            world.aggregate(&account(id), &region(), &rule(name), Vec::new());
        }
        Self {
            world,
            truth: BTreeMap::new(),
            coming: Vec::new(),
            teams: [0, 1, 2],
            ever: [[0].into(), [1].into(), [2].into()],
            was_unsure: false,
        }
    }

    fn step(&mut self, number: usize, happening: &Happening) {
        let at = self.world.now();
        match happening {
            Happening::Changes { place, event } => {
                let evaluation = self.change(*place, at);
                self.announce(number, event, &evaluation.event());
            }
            Happening::Deleted { place, event } => {
                if let Some(last) = self.truth.remove(place) {
                    self.world.remove_evaluation(&last.key());
                    let mut told = last.good(at).event();
                    told["detail"]["newEvaluationResult"]["complianceType"] =
                        "NOT_APPLICABLE".into();
                    self.announce(number, event, &told);
                }
            }
            Happening::CantTell { place } => self.lack_data(*place, at),
            Happening::Moves { account, team } => self.give_to(*account, *team),
            Happening::Lags { account: id, days } => {
                let lag = minutes(days * 24 * 60);
                self.world.lag_aggregator(&account(ACCOUNTS[*id]), lag);
            }
            Happening::Forgets { account: id } => {
                self.world.forget_aggregated(&account(ACCOUNTS[*id]));
            }
            Happening::Day => {
                self.world.advance(minutes(24 * 60));
                handle(&self.world, &policy(), &scheduled());
            }
        }
    }

    fn change(&mut self, place: Place, at: Timestamp) -> Evaluation<'static> {
        let known = self.truth.get(&place);
        let (id, name, resource) = named(place);
        let evaluation = Evaluation {
            account: id,
            rule: name,
            resource,
            compliant: known.is_some_and(|known| !known.compliant),
            at,
        };
        self.truth.insert(place, evaluation.clone());
        self.evaluate(&evaluation);
        evaluation
    }

    fn evaluate(&self, evaluation: &Evaluation<'_>) {
        let compliance = if evaluation.compliant {
            Compliance::Compliant
        } else {
            Compliance::Noncompliant
        };
        let key = evaluation.key();
        self.world.evaluate(&key, compliance, evaluation.at);
    }

    fn announce(&mut self, number: usize, how: &Event, event: &Value) {
        let times = if how.is_lost {
            0
        } else {
            1 + usize::from(how.comes_twice)
        };
        for _ in 0..times {
            self.coming.push((number + how.late, event.clone()));
        }
    }

    /// What was true stays true, whatever AWS Config can't tell. Until the resource is evaluated
    /// again it is in none of the aggregator's lists, also once the rule tells of others.
    fn lack_data(&mut self, place: Place, at: Timestamp) {
        self.was_unsure = true;
        let (id, name, resource) = named(place);
        let unsure = Evaluation::bad(id, name, resource, at);
        self.world.remove_evaluation(&unsure.key());
        let mut event = unsure.event();
        event["detail"]["newEvaluationResult"]["complianceType"] = "INSUFFICIENT_DATA".into();
        enqueue(&self.world, &[event]);
        let says = Some(RuleCompliance::InsufficientData);
        self.world.say_of_rule(&aggregated(id, name), says);
    }

    fn give_to(&mut self, number: usize, team: usize) {
        self.teams[number] = team;
        self.ever[number].insert(team);
        let id = account(ACCOUNTS[number]);
        self.world.change_account(&id, |member| {
            let team = TEAMS[team].0.to_owned();
            member.org_tags.insert("team".to_owned(), team);
        });
    }

    /// Hands over the events of a step, and lets its time pass.
    fn work(&mut self, number: usize) {
        let (due, later) = self.coming.drain(..).partition(|(when, _)| *when <= number);
        self.coming = later;
        let due: Vec<(usize, Value)> = due;
        let due: Vec<Value> = due.into_iter().map(|(_, event)| event).collect();
        enqueue(&self.world, &due);
        let until = self.world.now() + minutes(STEP);
        Sqs::default().settle(&self.world, &policy(), &[]);
        let left = until.duration_since(self.world.now());
        self.world.advance(left.max(minutes(0)));
    }

    /// AWS Config knows all of it again, and the daily checks run.
    fn come_to_rest(&self) {
        for (id, name) in ACCOUNTS.iter().flat_map(|id| RULES.map(|name| (id, name))) {
            self.world.lag_aggregator(&account(id), minutes(0));
            self.world.say_of_rule(&aggregated(id, name), None);
        }
        for evaluation in self.truth.values() {
            self.evaluate(evaluation);
        }
        let while_unsure = if self.was_unsure {
            CHECKS_WHILE_UNSURE
        } else {
            0
        };
        for _ in 0..CHECKS + while_unsure {
            self.world.advance(minutes(25 * 60));
            handle(&self.world, &policy(), &scheduled());
            settle(&self.world, &policy());
        }
    }

    /// The number of findings of a rule that are open in an account.
    fn open(&self, number: usize, name: usize) -> usize {
        let open = self.truth.iter();
        open.filter(|((account, rule, _), evaluation)| {
            *account == number && *rule == name && !evaluation.compliant
        })
        .count()
    }

    /// What people do not know as it is, finding by finding.
    fn wrongly_told(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, name, resource) in places() {
            let (id, rule, resource_id) = named((number, name, resource));
            let key = Evaluation::bad(id, rule, resource_id, start()).key();
            let state = self.world.finding_state(&key);
            let told = state.map(|state| state.told).unwrap_or_default();
            let truth = self.truth.get(&(number, name, resource));
            let is_open = truth.is_some_and(|evaluation| !evaluation.compliant);
            let team = TEAMS[self.teams[number]];
            let expected: BTreeSet<String> =
                is_open.then(|| team.1.to_owned()).into_iter().collect();
            if told != expected {
                wrong.push(format!("{key:?} is told to {told:?}, not {expected:?}"));
            }
        }
        wrong
    }

    /// Messages that count other than what is open.
    fn wrongly_counted(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, name) in places().map(|(number, name, _)| (number, name)) {
            for (team, (_, route, _)) in TEAMS.iter().enumerate() {
                let id = account(ACCOUNTS[number]);
                let group = self.world.finding_group(route, &id, &rule(RULES[name]));
                let counted = group.map_or(0, |group| group.open as usize);
                let open = if self.teams[number] == team {
                    self.open(number, name)
                } else {
                    0
                };
                if counted != open {
                    let name = RULES[name];
                    wrong.push(format!("{route}, {id}, {name}: {counted}, not {open}"));
                }
            }
        }
        wrong
    }

    /// Breaches of N3, and of N5: an account is named to no team that it never was of.
    fn breaches(&self) -> Vec<String> {
        let mut broken = breaches(&self.world);
        broken.retain(|breach| !breach.starts_with("N5"));
        for message in seen(&self.world) {
            for (number, id) in ACCOUNTS.iter().enumerate() {
                let is_of = |(team, (_, _, ways)): (usize, &(&str, &str, &[&str]))| {
                    ways.contains(&message.way.as_str()) && !self.ever[number].contains(&team)
                };
                // The default route hears of what no team's is, and any account may be that.
                let mut teams = TEAMS.iter().enumerate().take(2);
                if message.text.contains(id) && teams.any(is_of) {
                    broken.push(format!("N5: {id} in {message:?}"));
                }
            }
        }
        broken
    }
}

fn places() -> impl Iterator<Item = Place> {
    (0..ACCOUNTS.len()).flat_map(|number| {
        (0..RULES.len()).flat_map(move |name| {
            (0..RESOURCES.len()).map(move |resource| (number, name, resource))
        })
    })
}

fn named((number, name, resource): Place) -> (&'static str, &'static str, &'static str) {
    (ACCOUNTS[number], RULES[name], RESOURCES[resource])
}

fn aggregated(id: &str, name: &str) -> AggregatedRule {
    AggregatedRule {
        account: account(id),
        region: region(),
        rule: rule(name),
    }
}

/// Lets Slack and the topics take nothing, or all again.
fn set_outage(world: &World, is_on: bool) {
    let error = PortError::new(
        ErrorKind::Unavailable,
        "slack:chat.postMessage",
        "HTTP status 503",
    );
    world.fail_slack(is_on.then_some(error));
    world.fail_topics(is_on.then_some(ErrorKind::Unavailable));
}

/// A finding that the daily check takes over while nobody can be told, and then the given changes of
/// it, whose events are told before it is.
fn overtaken(changes: usize) -> Story {
    let event = |is_lost| Event {
        late: 0,
        is_lost,
        comes_twice: false,
    };
    let change = |resource, is_lost| Happening::Changes {
        place: (2, 1, resource),
        event: event(is_lost),
    };
    let mut story = Story::begin();
    let mut happenings = vec![change(2, true), change(0, false), Happening::Day];
    happenings.extend((0..changes).map(|_| change(2, false)));
    for (number, happening) in happenings.iter().enumerate() {
        let is_day = matches!(happening, Happening::Day);
        set_outage(&story.world, is_day);
        story.step(number, happening);
        if !is_day {
            // All changes that follow the day come before anything is told.
            continue;
        }
        story.work(number);
    }
    set_outage(&story.world, false);
    story.work(happenings.len());
    story.come_to_rest();
    story
}

#[test]
fn an_end_that_is_told_before_its_beginning_takes_no_other_finding_off_the_count() {
    for changes in 0..4 {
        let story = overtaken(changes);
        assert_eq!(story.wrongly_told(), Vec::<String>::new(), "{changes}");
        assert_eq!(story.wrongly_counted(), Vec::<String>::new(), "{changes}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn people_end_up_knowing_what_is_true(
        happenings in proptest::collection::vec(happening(), 1..25),
        outage in proptest::option::of(0..25_usize),
    ) {
        let mut story = Story::begin();
        for number in 0..happenings.len() + 4 {
            set_outage(&story.world, outage == Some(number));
            if let Some(happening) = happenings.get(number) {
                story.step(number, happening);
            }
            story.work(number);
        }
        set_outage(&story.world, false);
        story.come_to_rest();
        prop_assert_eq!(story.wrongly_told(), Vec::<String>::new());
        prop_assert_eq!(story.wrongly_counted(), Vec::<String>::new());
        for route in ["payments", "search", "auditors", "default"] {
            prop_assert!(story.world.outbox(route).is_empty(), "{} waits", route);
        }
        prop_assert_eq!(story.breaches(), Vec::<String>::new());
    }
}
