//! The daily comparison with an aggregator that lags, forgets, and comes back half filled.

use banto_domain::policy::compliance::Waiver;
use banto_fake::{Fault, FaultKind};
use banto_notice::ComparedUpTo;
use banto_ports::{AccountState, AggregatedEvaluation, RuleCompliance};

use super::*;
use crate::event::Scope;
use crate::ingest::reconcile::{dry_run, fan_out};

const RULE: &str = "s3-bucket-logging-enabled";
const OTHER_RULE: &str = "s3-bucket-versioning-enabled";

/// A world in which an event told of a bucket, and the account was compared before.
fn world_with_a_finding() -> (Arc<World>, FindingKey) {
    let (world, key) = (world(), key(RULE, "website"));
    world.evaluate(&key, Compliance::Noncompliant, start());
    take_in(&world, &[event(&key, Verdict::Noncompliant, start())]);
    compare(&world).unwrap();
    (world, key)
}

/// Compares once a day.
fn compare_daily(world: &Arc<World>, days: usize) {
    for _ in 0..days {
        world.advance(hours(24));
        assert!(compare(world).unwrap().ingested.is_complete());
    }
}

#[test]
fn what_is_known_and_unchanged_is_not_even_loaded() {
    let (world, _) = world_with_a_finding();
    let before = world.calls().len();
    compare_daily(&world, 1);
    let calls = world.calls().split_off(before);
    // The account's facts are read, and no finding's state.
    let reads = calls
        .iter()
        .filter(|call| call.name == "dynamodb:BatchGetItem");
    assert_eq!(reads.count(), 1, "{calls:?}");
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
}

#[test]
fn a_missed_finding_is_found_and_a_missed_resolution_resolved_with_aws_configs_own_time() {
    let (world, key) = world_with_a_finding();
    let missed = super::key(OTHER_RULE, "website");
    let (resolved_at, found_at) = (start() + hours(2), start() + hours(3));
    world.evaluate(&key, Compliance::Compliant, resolved_at);
    world.evaluate(&missed, Compliance::Noncompliant, found_at);
    compare_daily(&world, 1);
    let entries = world.outbox(PAYMENTS);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.change.clone(), entry.recorded_at))
        .collect();
    assert!(
        told.contains(&(key, Change::Resolved, resolved_at)),
        "{told:?}"
    );
    assert!(
        told.contains(&(missed, Change::Found, found_at)),
        "{told:?}"
    );
}

#[test]
fn what_is_absent_closes_on_the_second_day_and_opens_again_with_its_old_time() {
    let (world, key) = world_with_a_finding();
    world.evaluate(&super::key(RULE, "other"), Compliance::Compliant, start());
    world.remove_evaluation(&key);
    compare_daily(&world, 1);
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
    // A second check on the same day proves nothing.
    assert!(compare(&world).unwrap().ingested.is_complete());
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
    compare_daily(&world, 1);
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Closed]);
    world.evaluate(&key, Compliance::Noncompliant, start());
    compare_daily(&world, 1);
    assert_eq!(
        news(&world, PAYMENTS),
        [Change::Found, Change::Closed, Change::Found]
    );
}

#[test]
fn an_aggregator_that_forgot_the_account_closes_nothing() {
    let (world, key) = world_with_a_finding();
    world.forget_aggregated(&account());
    compare_daily(&world, 5);
    assert_eq!(known(&world, &key).doubted_at, None);
    // Half of it comes back for a day, then all of it.
    world.evaluate(&super::key(OTHER_RULE, "x"), Compliance::Compliant, start());
    compare_daily(&world, 1);
    assert!(known(&world, &key).doubted_at.is_some());
    world.refill_aggregated(&account(), |_| true);
    compare_daily(&world, 3);
    assert_eq!(known(&world, &key).doubted_at, None);
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
}

#[test]
fn a_rule_with_insufficient_data_closes_nothing_and_its_findings_move_all_the_same() {
    let (world, key) = world_with_a_finding();
    world.say_of_rule(&rule(RULE), Some(RuleCompliance::InsufficientData));
    compare_daily(&world, 3);
    assert_eq!(known(&world, &key).doubted_at, None);
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
    reassign(&world, "search");
    world.advance(hours(2));
    compare_daily(&world, 1);
    assert_eq!(news(&world, SEARCH), [Change::Found]);
}

#[test]
fn a_rule_that_was_taken_away_closes_its_findings_on_the_second_day() {
    let (world, _) = world_with_a_finding();
    world.evaluate(&key(OTHER_RULE, "x"), Compliance::Compliant, start());
    world.forget_rule(&rule(RULE));
    compare_daily(&world, 2);
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Closed]);
}

#[test]
fn an_aggregator_that_lags_takes_nothing_back() {
    let (world, key) = world_with_a_finding();
    world.lag_aggregator(&account(), hours(40));
    let resolved_at = start() + hours(1);
    world.evaluate(&key, Compliance::Compliant, resolved_at);
    take_in(&world, &[event(&key, Verdict::Compliant, resolved_at)]);
    compare_daily(&world, 1);
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Resolved]);
    compare_daily(&world, 3);
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Resolved]);
}

#[test]
fn what_a_first_comparison_finds_is_taken_over_and_the_next_days_findings_are_not() {
    let world = world();
    for number in 0..3 {
        let key = key(RULE, &format!("bucket-{number}"));
        world.evaluate(&key, Compliance::Noncompliant, start());
    }
    compare_daily(&world, 1);
    let sources = |world: &World| -> Vec<Source> {
        let entries = world.outbox(PAYMENTS);
        entries.into_iter().map(|entry| entry.source).collect()
    };
    assert_eq!(sources(&world), [Source::Takeover; 3]);
    assert_eq!(world.compared_at(&account()), Some(world.now()));
    world.evaluate(&key(RULE, "new"), Compliance::Noncompliant, world.now());
    compare_daily(&world, 1);
    assert!(sources(&world).contains(&Source::DailyCheck));
}

#[test]
fn a_user_whom_several_regions_evaluate_is_absent_only_if_no_region_lists_it() {
    let world = world();
    let tokyo: Region = "ap-northeast-1".parse().unwrap();
    let user = |evaluated_in: &Region| AggregatedEvaluation {
        key: FindingKey::new(
            account(),
            evaluated_in,
            "iam-user-mfa-enabled".parse().unwrap(),
            "AWS::IAM::User".into(),
            "AIDAEXAMPLE".into(),
        ),
        evaluated_in: evaluated_in.clone(),
        recorded_at: start(),
        annotation: None,
    };
    world.add_evaluation(user(&ireland()), Compliance::Noncompliant);
    world.add_evaluation(user(&tokyo), Compliance::Noncompliant);
    compare_daily(&world, 1);
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
    // One region no longer has the rule; the other still finds the user.
    world.forget_rule(&rule("iam-user-mfa-enabled"));
    compare_daily(&world, 3);
    assert_eq!(news(&world, PAYMENTS), [Change::Found]);
}

#[test]
fn an_empty_page_is_not_the_end() {
    let world = world();
    world.page_by(2, true);
    for number in 0..7 {
        let key = key(RULE, &format!("bucket-{number}"));
        world.evaluate(&key, Compliance::Noncompliant, start());
    }
    compare_daily(&world, 2);
    assert_eq!(news(&world, PAYMENTS), vec![Change::Found; 7]);
}

#[test]
fn a_comparison_goes_on_after_the_rule_that_it_came_to() {
    let world = world();
    for rule in [RULE, OTHER_RULE] {
        world.evaluate(&key(rule, "website"), Compliance::Noncompliant, start());
    }
    let run = world.run(None);
    let (ports, policy) = (ports(&run), policy());
    let invocation = with_time_left(Duration::from_secs(900));
    let after = ComparedUpTo {
        rule: RULE.parse().unwrap(),
        is_first: true,
    };
    let account = account();
    let compared = compare_account(&ports, &policy, &account, Some(after), &invocation);
    let compared = done(drive(&run, compared)).unwrap();
    assert_eq!((compared.ingested.saved, compared.again), (1, None));
    let entries = world.outbox(PAYMENTS);
    assert_eq!(entries[0].key.rule.as_str(), OTHER_RULE);
    assert_eq!(entries[0].source, Source::Takeover);
}

#[test]
fn what_is_throttled_is_compared_again_from_the_rule_that_was_not_finished() {
    let world = world();
    for rule in [RULE, OTHER_RULE] {
        world.evaluate(&key(rule, "website"), Compliance::Noncompliant, start());
    }
    let at = world.now();
    world.outage("dynamodb:PutItem", ErrorKind::Throttled, at + hours(1));
    let error = compare(&world).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(world.compared_at(&account()), None);
    world.advance(hours(2));
    let compared = compare(&world).unwrap();
    assert_eq!((compared.ingested.saved, compared.again), (2, None));
}

#[test]
fn a_dry_run_plans_and_changes_nothing() {
    let world = world();
    let key = key(RULE, "website");
    world.evaluate(&key, Compliance::Noncompliant, start());
    let run = world.run(None);
    let (ports, policy) = (ports(&run), policy());
    let invocation = with_time_left(Duration::from_secs(900));
    let scope = Scope::Accounts([account()].into());
    let planned = dry_run(&ports, &policy, Vec::new(), scope, &invocation);
    let planned = done(drive(&run, planned)).unwrap();
    assert_eq!(planned.plan.chains.len(), 1);
    assert_eq!((planned.refused, planned.not_compared), (vec![], vec![]));
    assert_eq!(world.finding_state(&key), None);
    assert_eq!(world.compared_at(&account()), None);
}

#[test]
fn the_schedule_delivers_on_routes_that_the_policy_has_dropped_too() {
    let world = world();
    let run = world.run(None);
    let (ports, policy) = (ports(&run), policy());
    done(drive(&run, ports.registry.register_route("dropped"))).unwrap();
    let queued = fan_out(&ports, &policy, Scope::AllAccounts);
    assert_eq!(done(drive(&run, queued)).unwrap(), 1);
    world.advance(hours(1));
    let deliveries = world.receive_deliveries(100);
    let dropped = QueueMessage::Deliver {
        route: "dropped".into(),
        attempts: 0,
    };
    let bodies: Vec<&str> = deliveries
        .iter()
        .map(|message| message.body.as_str())
        .collect();
    assert!(bodies.contains(&dropped.body().as_str()), "{bodies:?}");
    assert_eq!(world.receive_events(100).len(), 1);
}

/// Compares the account in a process that a fault strikes; `None` once there is no such call.
fn compare_with(world: &Arc<World>, fault: Fault) -> Option<Driven<Result<Compared, PortError>>> {
    let run = world.run(Some(fault));
    let (ports, policy) = (ports(&run), policy());
    let (account, invocation) = (account(), with_time_left(Duration::from_secs(900)));
    let compared = compare_account(&ports, &policy, &account, None, &invocation);
    let driven = drive(&run, compared);
    run.fault_fired().then_some(driven)
}

fn world_with_two_rules() -> Arc<World> {
    let world = world();
    for rule in [RULE, OTHER_RULE] {
        world.evaluate(&key(rule, "website"), Compliance::Noncompliant, start());
    }
    world
}

#[test]
fn wherever_a_comparison_ends_what_it_saved_is_delivered_though_nothing_brings_it_again() {
    let mut saved = 0;
    for kind in [FaultKind::CancelBefore, FaultKind::CancelAfter] {
        for call in 1.. {
            let world = world_with_two_rules();
            if compare_with(&world, Fault { call, kind }).is_none() {
                break;
            }
            if news(&world, PAYMENTS).is_empty() {
                continue;
            }
            saved += 1;
            world.advance(hours(1));
            let bodies = world.receive_deliveries(10);
            let delivers = QueueMessage::Deliver {
                route: PAYMENTS.into(),
                attempts: 0,
            };
            let is_queued = bodies.iter().any(|message| message.body == delivers.body());
            assert!(is_queued, "{kind:?} {call}");
        }
    }
    assert!(saved > 4, "{saved}");
}

#[test]
fn an_account_of_which_one_finding_failed_is_compared_and_no_takeover_the_next_day() {
    let mut failed = 0;
    for call in 1.. {
        let world = world_with_two_rules();
        let kind = FaultKind::ErrorBefore(ErrorKind::Denied);
        let Some(driven) = compare_with(&world, Fault { call, kind }) else {
            break;
        };
        if let Ok(compared) = done(driven)
            && !compared.ingested.failed.is_empty()
        {
            failed += 1;
            assert!(world.compared_at(&account()).is_some(), "{call}");
        }
    }
    assert!(failed > 0);
}

#[test]
fn a_comparison_that_is_throttled_keeps_the_place_that_it_came_to() {
    let undisturbed = world_with_two_rules();
    compare(&undisturbed).unwrap();
    let mut kept = 0;
    for (call, made) in (1..).zip(undisturbed.calls()) {
        if made.name != "config:GetAggregateComplianceDetailsByConfigRule" {
            continue;
        }
        let world = world_with_two_rules();
        let kind = FaultKind::ErrorBefore(ErrorKind::Throttled);
        let compared = done(compare_with(&world, Fault { call, kind }).unwrap());
        if world.outbox(PAYMENTS).len() == 1 {
            assert_eq!(compared.unwrap().again.unwrap().rule.as_str(), RULE);
            kept += 1;
        }
    }
    assert!(kept > 0);
}

#[test]
fn the_findings_of_a_closed_account_are_closed_in_one_look_whatever_the_aggregator_says() {
    let (world, key) = world_with_a_finding();
    world.change_account(&account(), |account| {
        account.org.state = AccountState::Suspended;
    });
    world.advance(hours(24));
    let run = world.run(None);
    let (ports, policy) = (ports(&run), policy());
    let queued = fan_out(&ports, &policy, Scope::AllAccounts);
    assert_eq!(done(drive(&run, queued)).unwrap(), 1);
    assert!(compare(&world).unwrap().ingested.is_complete());
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Closed]);
    assert!(known(&world, &key).is_over());
}

#[test]
fn what_is_waived_by_id_and_known_is_not_loaded_anew_each_day() {
    let world = world();
    let mut policy = policy();
    policy.findings.waivers.push(Waiver {
        rule: "*".into(),
        account: None,
        resource: "website".into(),
        owner: "alice".into(),
        reason: "a public website".into(),
        until: start() + hours(9_000),
    });
    world.evaluate(&key(RULE, "website"), Compliance::Noncompliant, start());
    let mut reads = Vec::new();
    for _ in 0..2 {
        world.advance(hours(24));
        let before = world.calls().len();
        let run = world.run(None);
        let (ports, account) = (ports(&run), account());
        let invocation = with_time_left(Duration::from_secs(900));
        let compared = compare_account(&ports, &policy, &account, None, &invocation);
        done(drive(&run, compared)).unwrap();
        let calls = world.calls().split_off(before);
        let of_states = calls
            .iter()
            .filter(|call| call.name == "dynamodb:BatchGetItem");
        reads.push(of_states.count());
    }
    // The account's facts, and the first day the finding's state.
    assert_eq!(reads, [2, 1]);
    assert_eq!(news(&world, PAYMENTS), []);
}
