//! The notices about accounts. Plans and outcomes come as data; nothing is decided here.
//!
//! Some words come from elsewhere: what a reason means and what to do about it from
//! `banto_domain::status`, a reason's detail from whoever found it, differences that are only
//! reported from the planner's summaries, and a repair's line from `diff.rs`.

use std::collections::BTreeSet;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::Baseline;
use banto_domain::status::{AccountStatus, Condition, ReasonKind};
use banto_domain::{AccountId, Place, Region, RoleName, percent_encoded};
use banto_notice::text::{listed, sections, tally};
use banto_notice::{Audience, Notice, Step, Urgency};
use jiff::Timestamp;

use super::expected::expected_baseline;
use super::outcome::{AccountNews, NewsKind};
use super::snapshot::Job;

/// A new account can be used.
pub fn ready(
    job: &Job,
    status: &AccountStatus,
    repairs: &BTreeSet<String>,
    policy: &OnboardingPolicy,
) -> Notice {
    let (id, name) = (&status.account, &status.name);
    let mut notice = notice(
        format!("onboard-accounts:{id}:ready:{}", joined_at(job)),
        Urgency::Information,
        format!("Account {name} ({id}) is ready"),
    );
    let recorded = recorded(status);
    notice.paragraphs.push(format!(
        "{recorded}Sign in as usual, then switch to a role:"
    ));
    notice.sections = sections([
        ("Roles", role_links(job, policy)),
        (
            "Changed to fit the baseline",
            repairs.iter().cloned().collect(),
        ),
        ("Drifted, left as it is by policy", drifted(status)),
    ]);
    notice
}

/// The moment at which an account joined, which tells two times of being ready apart: one that left
/// and comes back is ready again.
fn joined_at(job: &Job) -> Timestamp {
    let request = &job.request;
    request.account.joined_at.unwrap_or(request.requested_at)
}

/// The sentence that says where AWS Config records; empty if it is not said.
fn recorded(status: &AccountStatus) -> String {
    let regions = &status.conditions.regions;
    match regions.is_empty() {
        true => String::new(),
        false => format!("AWS Config records in {}. ", listed(regions.keys())),
    }
}

/// A line for each role of the baseline, with the link that switches to it.
fn role_links(job: &Job, policy: &OnboardingPolicy) -> Vec<String> {
    let (id, name) = (&job.account().id, &job.account().name);
    let mut links = Vec::new();
    for role in expected_baseline(job, policy).map_or_else(|_| Vec::new(), role_names) {
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
    still_stuck: Vec<&'a AccountNews<'a>>,
    drifted: Vec<&'a AccountNews<'a>>,
    repaired: Vec<&'a AccountNews<'a>>,
    in_order_again: Vec<&'a AccountNews<'a>>,
}

impl<'a> ByKind<'a> {
    fn new(news: &'a [AccountNews<'a>]) -> Self {
        Self {
            stuck: of_kind(news, NewsKind::Stuck),
            still_stuck: of_kind(news, NewsKind::StillStuck),
            drifted: of_kind(news, NewsKind::Drifted),
            repaired: news.iter().filter(|it| !it.repairs.is_empty()).collect(),
            in_order_again: of_kind(news, NewsKind::InOrderAgain),
        }
    }

    fn counts(&self) -> [(usize, &'static str); 5] {
        [
            (self.stuck.len(), "stuck"),
            (self.still_stuck.len(), "still stuck"),
            (self.drifted.len(), "drifted"),
            (self.repaired.len(), "repaired"),
            (self.in_order_again.len(), "in order again"),
        ]
    }

    fn any_stuck(&self) -> impl Iterator<Item = &'a AccountNews<'a>> {
        self.stuck.iter().chain(&self.still_stuck).copied()
    }

    fn urgency(&self) -> Urgency {
        match (self.any_stuck().next(), self.drifted.is_empty()) {
            (Some(_), _) => Urgency::Alarm,
            (None, false) => Urgency::Action,
            (None, true) => Urgency::Information,
        }
    }
}

fn of_kind<'a>(news: &'a [AccountNews<'a>], kind: NewsKind) -> Vec<&'a AccountNews<'a>> {
    news.iter().filter(|it| it.kind == Some(kind)).collect()
}

/// Accounts that need people, or were repaired: one notice for all of them. `id` names their news.
pub fn accounts(news: &[AccountNews<'_>], id: &str) -> Notice {
    let by_kind = ByKind::new(news);
    let first = news.first().map_or("", |it| it.status.account.as_str());
    let mut notice = notice(
        format!("onboard-accounts:{id}:{first}"),
        by_kind.urgency(),
        headline(news, &by_kind),
    );
    notice.sections = sections([
        ("Stuck", lines(&by_kind.stuck, |it| stuck_lines(it.status))),
        (
            "Still stuck",
            lines(&by_kind.still_stuck, |it| stuck_lines(it.status)),
        ),
        (
            "Drifted, left as it is by policy",
            lines(&by_kind.drifted, |it| named(it.status, drifted(it.status))),
        ),
        (
            "Repaired",
            lines(&by_kind.repaired, |it| {
                named(it.status, it.repairs.iter().cloned().collect())
            }),
        ),
        (
            "In order again",
            lines(&by_kind.in_order_again, |it| vec![account(it.status)]),
        ),
    ]);
    notice.steps = remedies(by_kind.any_stuck());
    notice.steps.extend(try_again(by_kind.any_stuck()));
    notice
}

/// The first line, which is all that a lock screen shows: of one account it says what and why.
fn headline(news: &[AccountNews<'_>], by_kind: &ByKind<'_>) -> String {
    let [one] = news else {
        return format!("Accounts: {}", tally(by_kind.counts()));
    };
    let account = account(one.status);
    match one.kind {
        Some(NewsKind::Stuck) => format!("Onboarding stuck: {} in {account}", why(one.status)),
        Some(NewsKind::StillStuck) => {
            format!("Onboarding still stuck: {} in {account}", why(one.status))
        }
        Some(NewsKind::Drifted) => format!("Drifted: {account}"),
        Some(NewsKind::InOrderAgain) => format!("In order again: {account}"),
        Some(NewsKind::Ready) | None => format!("Repaired: {account}"),
    }
}

/// The first reason of an account that is stuck.
fn why(status: &AccountStatus) -> &'static str {
    let first = status.reasons().into_keys().next();
    first.map_or("something differs", ReasonKind::description)
}

/// A step for each kind of reason that holds an account up.
fn remedies<'a>(stuck: impl Iterator<Item = &'a AccountNews<'a>>) -> Vec<Step> {
    let mut kinds = BTreeSet::new();
    for news in stuck {
        kinds.extend(news.status.reasons().into_keys());
    }
    let mut steps = Vec::new();
    for kind in kinds {
        steps.push(Step {
            text: format!("{}: {}", capitalized(kind.description()), kind.remedy()),
            command: None,
        });
    }
    steps
}

/// The step after all others, for accounts that are stuck.
fn try_again<'a>(stuck: impl Iterator<Item = &'a AccountNews<'a>>) -> Option<Step> {
    let ids: Vec<&str> = stuck.map(|it| it.status.account.as_str()).collect();
    (!ids.is_empty()).then(|| Step {
        text: "The daily run tries again. This does it at once, and waits for what comes of it:"
            .to_owned(),
        command: Some(format!("banto accounts apply {} --wait", ids.join(" "))),
    })
}

/// A text with a capital at its beginning.
fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).collect()
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
