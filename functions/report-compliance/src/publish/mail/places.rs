//! The compliance of accounts, owners and rules, and of the months before, as bars.

use std::cmp::Reverse;

use banto_notice::text::tally;

use super::letter::{Bar, Part, Shares};
use super::scope::Scope;
use super::{links, words};
use crate::model::{MonthReport, Tally};

/// An account, an owner or a rule.
struct Place<'a> {
    label: String,
    /// The value by which the dashboard filters.
    value: &'a str,
    tally: Tally,
}

/// The parts by account, owner and rule: the least compliant first.
pub(super) fn parts(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let accounts = report.accounts.iter().map(|line| Place {
        label: words::account(report, &line.account),
        value: line.account.as_str(),
        tally: line.tally,
    });
    let rules = report.rules.iter().map(|line| Place {
        label: words::name(&line.title),
        value: line.rule.as_str(),
        tally: line.tally,
    });
    let mut parts = ranking(scope, "account", accounts.collect());
    parts.extend(ranking(scope, "owner", owners(report)));
    parts.extend(ranking(scope, "rule", rules.collect()));
    parts
}

/// The owners, unless there is only one, or nobody has any.
fn owners(report: &MonthReport) -> Vec<Place<'_>> {
    let has_owners = report.by_owner.keys().any(|owner| !owner.is_empty());
    if report.owner.is_some() || !has_owners {
        return Vec::new();
    }
    let owners = report.by_owner.iter().map(|(owner, tally)| Place {
        label: match owner.as_str() {
            "" => "no owner".to_owned(),
            owner => words::name(owner),
        },
        value: owner,
        tally: *tally,
    });
    owners.collect()
}

/// A section of bars: those with something open, the least compliant first. Of all others it says
/// how many there are.
fn ranking(scope: &Scope<'_>, noun: &str, all: Vec<Place<'_>>) -> Vec<Part> {
    let (mut open, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|place| place.tally.all_open() > 0);
    if open.is_empty() {
        return Vec::new();
    }
    open.sort_by_key(|place| (tenths(&place.tally), Reverse(place.tally.all_open())));
    let shown = open.iter().take(scope.most);
    let shown: Vec<Bar> = shown.map(|place| bar(scope, noun, place)).collect();
    let hidden = open.len() - shown.len();
    let known = others
        .iter()
        .filter(|place| place.tally.compliance().is_some());
    let known = known.count();
    let heading = format!("Compliance by {noun}");
    let mut parts = vec![Part::Heading(heading), Part::Bars(shown)];
    let rest = tally([
        (hidden, "with something open"),
        (known, "with nothing open"),
        (others.len() - known, "of which nothing is known"),
    ]);
    if !rest.is_empty() {
        parts.push(Part::Remark(format!("Other {noun}s: {rest}.")));
    }
    parts
}

/// The compliance, in whole tenths of a percent, by which tallies are put in order.
fn tenths(tally: &Tally) -> u64 {
    let known = tally.compliant + tally.all_open();
    (tally.compliant * 1000).checked_div(known).unwrap_or(0)
}

fn bar(scope: &Scope<'_>, filter: &str, place: &Place<'_>) -> Bar {
    Bar {
        label: place.label.clone(),
        url: links::filtered(scope, filter, place.value),
        value: words::compliance(&place.tally, "unknown"),
        note: words::findings(&place.tally),
        shares: shares(&place.tally),
    }
}

fn shares(tally: &Tally) -> Shares {
    let (open, rest) = (tally.all_open(), tally.waived + tally.unknown);
    let total = tally.compliant + open + rest;
    let share = |part: u64| (part * 100).div_ceil(total.max(1));
    let (open, rest) = (share(open), share(rest));
    let compliant = match tally.compliant {
        0 => 0,
        _ => 100_u64.saturating_sub(open + rest).max(1),
    };
    Shares {
        compliant,
        open,
        rest,
    }
}

/// The months, the newest first.
pub(super) fn trend(scope: &Scope<'_>) -> Vec<Part> {
    let points = &scope.report.trend;
    // One month is no trend.
    if points.len() < 2 {
        return Vec::new();
    }
    let most = scope.most.min(scope.policy.trend_months);
    let bars = points.iter().rev().take(most).map(|point| {
        let coverage = words::share(point.known, point.expected);
        let coverage = coverage.map(|share| format!("coverage {}", words::percent(share)));
        let note = [Some(words::findings(&point.totals)), coverage];
        Bar {
            label: words::month(point.month),
            url: None,
            value: words::compliance(&point.totals, "unknown"),
            note: note.into_iter().flatten().collect::<Vec<_>>().join("; "),
            shares: shares(&point.totals),
        }
    });
    vec![
        Part::Heading("Trend".to_owned()),
        Part::Bars(bars.collect()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares_of(compliant: u64, open: u64, waived: u64, unknown: u64) -> [u64; 3] {
        let shares = shares(&Tally {
            compliant,
            open,
            waived,
            unknown,
            ..Tally::default()
        });
        [shares.compliant, shares.open, shares.rest]
    }

    #[test]
    fn no_share_of_a_bar_is_lost_for_being_small() {
        assert_eq!(shares_of(1_000_000, 1, 0, 1), [98, 1, 1]);
        assert_eq!(shares_of(1, 1_000_000, 0, 0), [1, 100, 0]);
        assert_eq!(shares_of(50, 25, 5, 20), [50, 25, 25]);
    }

    #[test]
    fn a_bar_of_what_is_unknown_has_nothing_compliant() {
        assert_eq!(shares_of(0, 0, 0, 7), [0, 0, 100]);
        assert_eq!(shares_of(0, 0, 0, 0), [0, 0, 0]);
    }
}
