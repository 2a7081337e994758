//! Reports that break a promise are refused: one test for each check.

use super::*;
use crate::collect::plan::tests::{RULE, current, policy};
use crate::model::{AccountMonth, FindingStatus};
use crate::publish::plan::tests::{account_month, buckets, owners_of, report_of};

const BOBS: &str = "222233334444";

fn accounts() -> [AccountMonth; 3] {
    [
        account_month("111122223333", "alice", buckets(RULE, 2)),
        account_month(BOBS, "bob", buckets("other", 3)),
        account_month("333344445555", "bob", current(&[])),
    ]
}

#[track_caller]
fn assert_refused(words: &str, change: impl FnOnce(&mut MonthReport)) {
    let mut report = report_of(&accounts(), &policy(), None);
    assert_eq!(check(&report, &BTreeMap::new()), vec![]);
    change(&mut report);
    assert_found(words, &check(&report, &BTreeMap::new()));
}

/// The same of the report of an owner, alice.
#[track_caller]
fn assert_owners_refused(words: &str, change: impl FnOnce(&mut MonthReport)) {
    let report = report_of(&accounts(), &policy(), None);
    let mut owners = owners_of(&accounts(), &policy());
    assert_eq!(check(&report, &owners), vec![]);
    change(owners.get_mut("alice").unwrap());
    assert_found(words, &check(&report, &owners));
}

#[track_caller]
fn assert_found(words: &str, breaches: &[Breach]) {
    let is_found = breaches.iter().any(|breach| breach.what.contains(words));
    assert!(is_found, "{breaches:#?}");
}

#[test]
fn parts_that_are_not_the_whole_are_refused() {
    assert_refused("the severities do not add up", |report| {
        report.by_severity.clear();
    });
    assert_refused("the owners do not add up", |report| {
        report.by_owner.clear();
    });
    assert_refused("the units do not add up", |report| report.by_unit.clear());
    assert_refused("the sources do not add up", |report| {
        report.by_source.clear();
    });
    assert_refused("the accounts do not add up", |report| {
        report.accounts[0].tally.waived += 1;
    });
    assert_refused("the rules do not add up", |report| {
        report.rules[0].tally.compliant += 1;
    });
    assert_refused("the cells do not add up", |report| {
        report.cells.pop();
    });
}

#[test]
fn cells_that_are_not_their_accounts_and_rules_are_refused() {
    assert_refused("an account is not the sum of its cells", |report| {
        report.cells[0].account = 2;
        report.cells.sort_by_key(|cell| (cell.account, cell.rule));
    });
    assert_refused("a rule is not the sum of its cells", |report| {
        report.cells[0].rule = 1;
    });
    assert_refused("not in order", |report| report.accounts.reverse());
}

#[test]
fn coverage_that_does_not_add_up_is_refused() {
    assert_refused("are not all places", |report| report.coverage.missing += 1);
    assert_refused("the accounts' places are not all", |report| {
        report.accounts[0].expected += 1;
    });
}

#[test]
fn first_steps_that_are_not_open_are_refused() {
    assert_refused("what to do first", |report| report.first[0].open += 1);
    assert_refused("what to do first", |report| report.first.reverse());
    assert_refused("what to do first", |report| report.first.clear());
}

#[test]
fn recorded_items_that_do_not_add_up_are_refused() {
    assert_refused("recorded items", |report| report.recording.items += 1);
    assert_refused("recorded items", |report| {
        report.accounts[0].recorded += 1;
    });
}

#[test]
fn worst_findings_that_are_not_open_or_not_in_order_are_refused() {
    assert_refused("the worst findings", |report| {
        report.worst[0].status = FindingStatus::Fixed;
    });
    assert_refused("the worst findings", |report| {
        report.worst.last_mut().unwrap().since = report.worst[0].since - jiff::Span::new().hours(1);
    });
    assert_refused("the worst findings", |report| report.worst.clear());
    assert_refused("not of the worst severity", |report| {
        for row in &mut report.worst {
            row.severity = banto_domain::compliance::Severity::Low;
        }
    });
}

#[test]
fn a_trend_that_does_not_end_with_this_month_is_refused() {
    assert_refused("the trend", |report| report.trend.clear());
    assert_refused("the trend", |report| report.trend[0].totals.new += 1);
}

#[test]
fn an_owners_report_that_names_anothers_account_is_refused() {
    let others = report_of(&accounts(), &policy(), None);
    assert_owners_refused("222233334444 is not the owner's", |report| {
        report.accounts.push(others.accounts[1].clone());
    });
    assert_owners_refused("names 222233334444", |report| {
        report.worst[0].key.account = BOBS.parse().unwrap();
    });
    assert_owners_refused("names 222233334444", |report| {
        report.first[0].most_in = BOBS.parse().unwrap();
    });
    assert_owners_refused("names 222233334444", |report| {
        report.recording.contributors[0].account = BOBS.parse().unwrap();
    });
    assert_owners_refused("has numbers of \"bob\"", |report| {
        report.by_owner.insert("bob".to_owned(), report.totals);
    });
}

#[test]
fn an_owners_report_with_other_numbers_than_the_whole_is_refused() {
    assert_owners_refused("the report is of somebody else", |report| {
        report.owner = Some("bob".to_owned());
    });
    assert_owners_refused("has other numbers", |report| report.totals.new += 1);
    assert_owners_refused("has other accounts", |report| {
        report.accounts[0].name = "another".to_owned();
    });
}
