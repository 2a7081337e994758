//! The notices about accounts. Plans and outcomes come as data; nothing is decided here.
//!
//! Some words come from elsewhere: what a reason means and what to do about it from
//! `banto_domain::status`, a reason's detail from whoever found it, differences that are only
//! reported from the planner's summaries, and a repair's line from `diff.rs`.

use std::collections::BTreeSet;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::Baseline;
use banto_domain::status::{AccountStatus, Condition};
use banto_domain::{AccountId, Place, Region, RoleName, percent_encoded};
use banto_notice::text::{listed, sections, tally};
use banto_notice::{Audience, Notice, Step, Urgency};

use super::actions::Action;
use super::diff;
use super::expected::expected_baseline;
use super::outcome::{AccountNews, Converged, NewsKind};

/// A new account can be used.
pub fn ready(
    account: &Converged,
    policy: &OnboardingPolicy,
    repairs: &[(Place<'_>, &Action)],
) -> Notice {
    let status = &account.status;
    let (id, name) = (&status.account, &status.name);
    let mut notice = notice(
        format!("onboard-accounts:{id}:ready"),
        Urgency::Information,
        format!("Account {name} ({id}) is ready"),
    );
    let recorded = recorded(status);
    notice.paragraphs.push(format!(
        "{recorded} Sign in where you always do, then switch to a role:"
    ));
    notice.sections = sections([
        ("Roles", role_links(account, policy)),
        ("Changed to fit the baseline", repair_lines(repairs)),
    ]);
    notice
}

/// The sentence that says where AWS Config records.
fn recorded(status: &AccountStatus) -> String {
    let regions = &status.conditions.regions;
    match regions.is_empty() {
        true => "AWS Config is seen to elsewhere.".to_owned(),
        false => format!("AWS Config records in {}.", listed(regions.keys())),
    }
}

/// A line for each role of the baseline, with the link that switches to it.
fn role_links(account: &Converged, policy: &OnboardingPolicy) -> Vec<String> {
    let (id, name) = (&account.status.account, &account.status.name);
    let mut links = Vec::new();
    for role in expected_baseline(&account.job, policy).map_or_else(|_| Vec::new(), role_names) {
        let link = sign_in_link(&policy.home_region, id, role, name);
        links.push(format!("{role}: {link}"));
    }
    links
}

fn role_names(baseline: &Baseline) -> Vec<&RoleName> {
    baseline.roles.keys().collect()
}

/// The news of several accounts, by kind.
struct ByKind<'a> {
    stuck: Vec<&'a AccountNews<'a>>,
    drifted: Vec<&'a AccountNews<'a>>,
    repaired: Vec<&'a AccountNews<'a>>,
    in_order_again: Vec<&'a AccountNews<'a>>,
}

impl<'a> ByKind<'a> {
    fn new(news: &'a [AccountNews<'a>]) -> Self {
        Self {
            stuck: of_kind(news, NewsKind::Stuck),
            drifted: of_kind(news, NewsKind::Drifted),
            repaired: news.iter().filter(|it| !it.repairs.is_empty()).collect(),
            in_order_again: of_kind(news, NewsKind::InOrderAgain),
        }
    }

    fn counts(&self) -> [(usize, &'static str); 4] {
        [
            (self.stuck.len(), "stuck"),
            (self.drifted.len(), "changed from the baseline"),
            (self.repaired.len(), "repaired"),
            (self.in_order_again.len(), "in order again"),
        ]
    }

    fn urgency(&self) -> Urgency {
        match (self.stuck.is_empty(), self.drifted.is_empty()) {
            (false, _) => Urgency::Alarm,
            (true, false) => Urgency::Action,
            (true, true) => Urgency::Information,
        }
    }
}

fn of_kind<'a>(news: &'a [AccountNews<'a>], kind: NewsKind) -> Vec<&'a AccountNews<'a>> {
    news.iter().filter(|it| it.kind == Some(kind)).collect()
}

/// Accounts that need people, or were repaired: one notice for all of them.
pub fn accounts(news: &[AccountNews<'_>], run: &str) -> Notice {
    let by_kind = ByKind::new(news);
    let mut notice = notice(
        format!("onboard-accounts:{run}"),
        by_kind.urgency(),
        headline(news, &by_kind),
    );
    notice.sections = sections([
        ("Stuck", lines(&by_kind.stuck, |it| stuck_lines(it.status))),
        (
            "Changed, and left as it is by policy",
            lines(&by_kind.drifted, |it| named(it.status, drifted(it.status))),
        ),
        (
            "Repaired",
            lines(&by_kind.repaired, |it| {
                named(it.status, repair_lines(&it.repairs))
            }),
        ),
        (
            "In order again",
            lines(&by_kind.in_order_again, |it| vec![account(it.status)]),
        ),
    ]);
    notice.steps = remedies(&by_kind.stuck);
    notice
}

/// The first line, which is all that a lock screen shows: of one account it says why.
fn headline(news: &[AccountNews<'_>], by_kind: &ByKind<'_>) -> String {
    let counts = by_kind.counts();
    let first = counts.iter().find(|(count, _)| *count > 0);
    match (news, first) {
        ([one], Some((_, what))) => format!("Account {}: {what}{}", account(one.status), why(one)),
        _ => format!("Accounts: {}", tally(counts)),
    }
}

/// The first reason of an account that is stuck, to come after the headline.
fn why(news: &AccountNews<'_>) -> String {
    match (news.kind, news.status.reasons().into_keys().next()) {
        (Some(NewsKind::Stuck), Some(kind)) => format!(", {}", kind.description()),
        _ => String::new(),
    }
}

/// A step for each kind of reason that holds an account up.
fn remedies(stuck: &[&AccountNews<'_>]) -> Vec<Step> {
    let mut kinds = BTreeSet::new();
    for news in stuck {
        kinds.extend(news.status.reasons().into_keys());
    }
    let mut steps = Vec::new();
    for kind in kinds {
        steps.push(Step {
            text: format!("If {}: {}", kind.description(), kind.remedy()),
            command: None,
        });
    }
    steps
}

/// Everything that is reported only.
fn drifted(status: &AccountStatus) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, condition) in status.conditions.iter() {
        if let Condition::Drifted { items } = condition {
            lines.extend(items.iter().map(|item| of_place(place, item)));
        }
    }
    lines
}

/// A line for each repair, without the sign of a diff.
fn repair_lines(repairs: &[(Place<'_>, &Action)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, action) in repairs {
        let line = diff::first_line(action);
        let line = line.trim_start_matches(['+', '~', '-', ' ']);
        lines.push(of_place(*place, line));
    }
    lines
}

/// A line about a place, which names it if it is a region.
fn of_place(place: Place<'_>, line: &str) -> String {
    match place {
        Place::Region(region) => format!("{region}: {line}"),
        Place::Account => line.to_owned(),
    }
}

fn notice(id: String, urgency: Urgency, headline: String) -> Notice {
    Notice::new(id, Audience::Operators, urgency, headline)
}

fn account(status: &AccountStatus) -> String {
    format!("{} ({})", status.name, status.account)
}

/// The lines of several accounts.
fn lines(
    news: &[&AccountNews<'_>],
    lines_of: impl Fn(&AccountNews<'_>) -> Vec<String>,
) -> Vec<String> {
    news.iter().flat_map(|it| lines_of(it)).collect()
}

/// Lines that each begin with the account's name.
fn named(status: &AccountStatus, lines: Vec<String>) -> Vec<String> {
    let name = account(status);
    lines
        .into_iter()
        .map(|line| format!("{name}: {line}"))
        .collect()
}

/// The reasons of an account; the same reason in several regions is one line.
fn stuck_lines(status: &AccountStatus) -> Vec<String> {
    let mut by_detail: Vec<(String, Vec<&str>)> = Vec::new();
    for (place, condition) in status.conditions.iter() {
        let Some(reason) = condition.reason() else {
            continue;
        };
        let words = reason.to_string();
        let place = place.region().map_or("the account", Region::as_str);
        match by_detail.iter_mut().find(|(known, _)| *known == words) {
            Some((_, places)) => places.push(place),
            None => by_detail.push((words, vec![place])),
        }
    }
    let name = account(status);
    by_detail
        .into_iter()
        .map(|(words, places)| format!("{name}, {}: {words}", listed(&places)))
        .collect()
}

/// The console's link to switch to a role. (IAM user guide, "Switch from a user to an IAM role".)
fn sign_in_link(home: &Region, account: &AccountId, role: &RoleName, name: &str) -> String {
    format!(
        "{}/switchrole?account={account}&roleName={}&displayName={}",
        home.sign_in(),
        percent_encoded(role.as_str()),
        percent_encoded(name)
    )
}
