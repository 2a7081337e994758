//! Everything that people are told.

use banto_domain::policy::onboarding::{Expected, OnboardingPolicy};
use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, Region, RoleName, percent_encoded};
use banto_notice::text::{fact, listed, sections, tally};
use banto_notice::{Audience, Notice, Step, Urgency};

use crate::converge::Converged;
use crate::converge::report::{NewsKind, drifted};
use crate::event::CreationFailed;

/// What is to be told of one account.
#[derive(Debug)]
pub struct AccountNews<'a> {
    /// Where it stands.
    pub status: &'a AccountStatus,
    /// What is new, if anything.
    pub news: Option<&'a NewsKind>,
    /// What was repaired.
    pub repairs: &'a [String],
}

/// A new account can be used.
pub fn ready(account: &Converged, policy: &OnboardingPolicy, repairs: &[String]) -> Notice {
    let status = &account.status;
    let (id, name) = (&status.account, &status.name);
    let place = &account.work.account;
    let roles: Vec<&RoleName> = match policy.of(id, &place.path, &account.tags) {
        Expected::Baseline(baseline) => baseline.roles.keys().collect(),
        Expected::LeftAlone(_) => Vec::new(),
    };
    let link = |role: &&RoleName| {
        format!(
            "{role}: {}",
            sign_in_link(&policy.home_region, id, role, name)
        )
    };
    let links: Vec<String> = roles.iter().map(link).collect();
    let regions = &status.conditions.regions;
    let recorded = if regions.is_empty() {
        "AWS Config is seen to elsewhere.".to_owned()
    } else {
        format!("AWS Config records in {}.", listed(regions.keys()))
    };
    let mut notice = notice(
        format!("onboard-accounts:{id}:ready"),
        Urgency::Information,
        format!("Account {name} ({id}) is ready"),
    );
    notice.paragraphs.push(format!(
        "{recorded} Sign in where you always do, then switch to a role:"
    ));
    notice.sections = sections([
        ("Roles", links),
        ("Changed to fit the baseline", repairs.to_vec()),
    ]);
    notice
}

/// Accounts that need people, or were repaired: one notice for all of them.
pub fn troubles(troubles: &[AccountNews<'_>], run: &str) -> Notice {
    let of = |news: &NewsKind| {
        troubles
            .iter()
            .filter(|trouble| trouble.news == Some(news))
            .collect::<Vec<_>>()
    };
    let (stuck, drifting, again) = (
        of(&NewsKind::Stuck),
        of(&NewsKind::Drifted),
        of(&NewsKind::InOrderAgain),
    );
    let repaired: Vec<&AccountNews<'_>> = troubles
        .iter()
        .filter(|trouble| !trouble.repairs.is_empty())
        .collect();
    let counts = [
        (stuck.len(), "stuck"),
        (drifting.len(), "changed from the baseline"),
        (repaired.len(), "repaired"),
        (again.len(), "in order again"),
    ];
    let first = counts.iter().find(|(count, _)| *count > 0);
    // The first line is all that a lock screen shows: of one account it says why.
    let headline = match (troubles, first) {
        ([one], Some((_, what))) => {
            let why = one
                .status
                .reasons()
                .into_keys()
                .next()
                .filter(|_| one.news == Some(&NewsKind::Stuck));
            let why = why.map_or_else(String::new, |kind| format!(", {}", kind.description()));
            format!(
                "Account {} ({}): {what}{why}",
                one.status.name, one.status.account
            )
        }
        _ => format!("Accounts: {}", tally(counts)),
    };
    let urgency = match (stuck.is_empty(), drifting.is_empty()) {
        (false, _) => Urgency::Alarm,
        (true, false) => Urgency::Action,
        (true, true) => Urgency::Information,
    };
    let mut notice = notice(format!("onboard-accounts:{run}"), urgency, headline);
    notice.sections = sections([
        (
            "Stuck",
            stuck
                .iter()
                .flat_map(|trouble| stuck_lines(trouble.status))
                .collect::<Vec<_>>(),
        ),
        (
            "Changed, and left as it is by policy",
            lines(&drifting, |trouble| drifted(trouble.status)),
        ),
        (
            "Repaired",
            lines(&repaired, |trouble| trouble.repairs.to_vec()),
        ),
        (
            "In order again",
            again
                .iter()
                .map(|trouble| account(trouble.status))
                .collect(),
        ),
    ]);
    let mut kinds: Vec<_> = stuck
        .iter()
        .flat_map(|trouble| trouble.status.reasons().into_keys())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    notice.steps = kinds
        .iter()
        .map(|kind| Step {
            text: format!("Where {}: {}", kind.description(), kind.remedy()),
            command: None,
        })
        .collect();
    notice
}

/// An account that could not be created.
pub fn creation_failed(failed: &CreationFailed) -> Notice {
    let CreationFailed { subject, reason } = failed;
    let headline = "An account could not be created".to_owned();
    let mut notice = notice(
        format!("onboard-accounts:{subject}:creation-failed"),
        Urgency::Alarm,
        headline,
    );
    notice.facts = vec![fact("Request", subject), fact("AWS says", reason)];
    notice.steps = vec![Step {
        text: creation_remedy(reason).to_owned(),
        command: None,
    }];
    notice
}

/// What to do about a failed creation. (Organizations API reference, `CreateAccountStatus`.)
fn creation_remedy(reason: &str) -> &'static str {
    match reason {
        "ACCOUNT_LIMIT_EXCEEDED" => "Ask for more accounts in Service Quotas (AWS Organizations).",
        "EMAIL_ALREADY_EXISTS" | "INVALID_EMAIL" => {
            "Create it again with a mail address that no other account has."
        }
        "INVALID_ADDRESS" | "INVALID_PAYMENT_INSTRUMENT" | "MISSING_PAYMENT_INSTRUMENT" => {
            "Correct the management account's address or means of payment, then create it again."
        }
        "CONCURRENT_ACCOUNT_MODIFICATION" | "INTERNAL_FAILURE" => {
            "Create it again in a few minutes."
        }
        _ => "Look at the reason, then create it again; AWS Support helps if it lasts.",
    }
}

fn notice(id: String, urgency: Urgency, headline: String) -> Notice {
    Notice::new(id, Audience::Operators, urgency, headline)
}

fn account(status: &AccountStatus) -> String {
    format!("{} ({})", status.name, status.account)
}

fn lines(
    troubles: &[&AccountNews<'_>],
    of: impl Fn(&AccountNews<'_>) -> Vec<String>,
) -> Vec<String> {
    let each = |trouble: &&AccountNews<'_>| {
        let name = account(trouble.status);
        of(trouble)
            .into_iter()
            .map(move |line| format!("{name}: {line}"))
            .collect::<Vec<_>>()
    };
    troubles.iter().flat_map(each).collect()
}

/// What is wrong with an account: the same reason in several regions is one line.
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
