//! What is legal in a policy, and seldom meant.

use std::collections::BTreeSet;

use banto_domain::compliance::{advice, catalogued};
use banto_domain::policy::onboarding::{OnboardingPolicy, SessionName};
use banto_domain::policy::{Policy, RotationPolicy, RotationTimings};
use jiff::{SignedDuration, Timestamp};

use super::meaning::days;
use crate::dates;

/// How alike a rule's name must be to one of the catalogue to be taken for a slip: names of rules
/// are long and share their beginnings, so that this is more than for keys.
const SIMILARITY: f64 = 0.96;

/// Days of the longest exemption or waiver that is not odd: what is longer is an exclusion.
const LONG: i64 = 366;

/// Hours of the week of the shortest change windows that are not odd: with the daily run in one of
/// them, a run that fails has no second chance within a week.
const SHORT_HOURS: i64 = 5;

/// Something odd, and the key of the policy that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oddity {
    pub(super) key: String,
    pub(super) why: String,
}

fn odd(key: impl Into<String>, why: impl Into<String>) -> Oddity {
    Oddity {
        key: key.into(),
        why: why.into(),
    }
}

/// Everything that is odd.
pub(super) fn of(policy: &Policy, text: &str, now: Timestamp) -> Vec<Oddity> {
    let mut found = switches(policy);
    let rotation = &policy.rotation;
    found.extend(timings(
        "rotation",
        &rotation.timings,
        &RotationTimings::default(),
    ));
    if let Some(machines) = &rotation.machines {
        found.extend(timings(
            "rotation.machines",
            &machines.timings,
            &rotation.timings,
        ));
    }
    found.extend(ends(policy, now));
    found.extend(hours(rotation));
    found.extend(without_evidence(policy));
    found.extend(
        policy
            .onboarding
            .iter()
            .flat_map(|onboarding| roles(onboarding, rotation)),
    );
    found.extend(rules(policy));
    found.extend(like_accounts(text));
    found
}

fn switches(policy: &Policy) -> Vec<Oddity> {
    let switch = |part: &str, is_on: bool| {
        let key = format!("{part}.enabled");
        (!is_on).then(|| odd(key, "is false: it is deployed and does nothing"))
    };
    let mut found = Vec::new();
    found.extend(switch("rotation", policy.rotation.enabled));
    if !policy.rotation.emergencies {
        found.push(odd(
            "rotation.emergencies",
            "is false: an exposed key works on until somebody ends it by hand",
        ));
    }
    let onboarding = policy.onboarding.as_ref();
    found.extend(onboarding.and_then(|policy| switch("onboarding", policy.enabled)));
    let compliance = policy.compliance.as_ref();
    found.extend(compliance.and_then(|policy| switch("compliance", policy.enabled)));
    let report = policy.report.as_ref();
    found.extend(report.and_then(|policy| switch("report", policy.enabled)));
    if report.is_some_and(|report| report.mail.is_none()) {
        found.push(odd(
            "report",
            "has no `mail`: nobody is told that a report is there",
        ));
    }
    found
}

/// The most days of a timing that are usual, and what more of them lead to.
const USUAL: [(&str, i64, &str); 6] = [
    (
        "rotate_after_days",
        365,
        "CIS asks for 90 (CIS AWS Foundations Benchmark, \"access keys are rotated every 90 days\")",
    ),
    (
        "warn_before_days",
        60,
        "who is warned that early forgets it",
    ),
    ("grace_days", 30, "two keys work for that long at least"),
    ("deadline_days", 90, "two keys work for that long"),
    (
        "recovery_days",
        90,
        "a disabled key can be switched on again for that long",
    ),
    (
        "rest_days",
        45,
        "a key must be unused for that long before it ends",
    ),
];

fn timings(section: &str, timings: &RotationTimings, usual: &RotationTimings) -> Vec<Oddity> {
    let of = |timings: &RotationTimings, key: &str| -> Option<SignedDuration> {
        match key {
            "rotate_after_days" => Some(timings.rotate_after),
            "warn_before_days" => Some(timings.warn_before),
            "grace_days" => Some(timings.grace),
            "deadline_days" => timings.deadline,
            "recovery_days" => Some(timings.recovery),
            "rest_days" => Some(timings.rest),
            _ => None,
        }
    };
    let mut found = Vec::new();
    for (key, most, why) in USUAL {
        // What machines have as people do is told once.
        let days_of = |timings| of(timings, key).map(days);
        let Some(count) = days_of(timings).filter(|count| *count > most) else {
            continue;
        };
        if days_of(usual) != Some(count) {
            let why = format!("is {count} days, and more than {most} are unusual: {why}");
            found.push(odd(format!("{section}.{key}"), why));
        }
    }
    if timings.deadline.is_none() && usual.deadline.is_some() {
        let why = "is \"never\": who does not use the new key keeps the old one for good";
        found.push(odd(format!("{section}.deadline_days"), why));
    }
    found
}

/// Exemptions and waivers that are over, or as good as never are.
fn ends(policy: &Policy, now: Timestamp) -> Vec<Oddity> {
    let exemptions = policy.rotation.exemptions.iter();
    let exemptions = exemptions.map(|one| ("rotation.exemptions", "an exemption", one.until));
    let waivers = policy.compliance.iter();
    let waivers = waivers.flat_map(|policy| &policy.findings.waivers);
    let waivers = waivers.map(|one| ("waivers", "a waiver", one.until));
    let mut found = Vec::new();
    for (key, what, until) in exemptions.chain(waivers) {
        let at = dates::in_words(until, now);
        if until <= now {
            found.push(odd(key, format!("has {what} that ended {at}: take it out")));
        } else if days(until.duration_since(now)) > LONG {
            found.push(odd(key, format!("has {what} that ends only {at}")));
        }
    }
    found
}

fn hours(rotation: &RotationPolicy) -> Option<Oddity> {
    let hours = |window: &banto_domain::policy::ChangeWindow| {
        let days = i64::try_from(window.days.len()).unwrap_or_default();
        window.from.duration_until(window.to).as_mins() * days
    };
    let minutes: i64 = rotation.windows.iter().map(hours).sum();
    (!rotation.windows.is_empty() && minutes < SHORT_HOURS * 60).then(|| {
        let why =
            format!("leave {minutes} minutes of the week: a run that fails is not made up for");
        odd("rotation.windows", why)
    })
}

/// A deadline that never begins for most, since nobody is written to directly.
fn without_evidence(policy: &Policy) -> Option<Oddity> {
    let slack = policy.notices.slack.as_ref();
    let has_token = slack.is_some_and(|slack| slack.token.is_some());
    let has_deadline = policy.rotation.timings.deadline.is_some();
    (has_deadline && !has_token).then(|| {
        odd(
            "notices.slack",
            "has no `token`, so that no owner is written to directly: the deadline of an old key begins with the new \
             key's first use or a signed acknowledgement alone",
        )
    })
}

/// Roles that more people may assume than is likely meant.
fn roles(onboarding: &OnboardingPolicy, rotation: &RotationPolicy) -> Vec<Oddity> {
    let mut found = Vec::new();
    let identities = rotation.accounts.iter().map(|account| &account.id);
    let mut known: BTreeSet<_> = identities.collect();
    known.insert(&onboarding.management_account);
    for (name, role) in &onboarding.baseline.roles {
        let key = format!("onboarding.roles.{name}");
        for account in role
            .trusted
            .iter()
            .filter(|account| !known.contains(account))
        {
            let why = format!(
                "trusts {account}, which is neither an identity account nor the management account"
            );
            found.push(odd(format!("{key}.trusted"), why));
        }
        let is_admin = role
            .managed_policies
            .iter()
            .any(|policy| policy.as_str().ends_with(":policy/AdministratorAccess"));
        let is_open =
            !role.mfa && role.conditions.is_none() && matches!(role.session_name, SessionName::Any);
        if is_admin && is_open {
            let why = "may do everything, and needs neither a second factor nor any condition";
            found.push(odd(key, why));
        }
    }
    found
}

/// Rules that nobody has, and that are almost one of the catalogue's.
fn rules(policy: &Policy) -> Vec<Oddity> {
    let mut named: BTreeSet<(&str, &str)> = BTreeSet::new();
    if let Some(compliance) = &policy.compliance {
        let own = compliance.findings.rules.keys();
        named.extend(own.map(|rule| ("compliance.rules", rule.as_str())));
        let routes = compliance.routes.iter();
        let rules = routes
            .flat_map(|route| &route.only)
            .flat_map(|only| &only.rules);
        named.extend(rules.map(|rule| ("compliance.routes", rule.as_str())));
        let waivers = compliance.findings.waivers.iter();
        named.extend(waivers.map(|waiver| ("waivers", waiver.rule.as_str())));
    }
    let expected = policy.report.iter().flat_map(|report| &report.expected);
    let expected = expected.flat_map(|expected| &expected.rules);
    named.extend(expected.map(|rule| ("report.expected", rule.as_str())));
    let slip = |(key, rule): (&str, &str)| {
        if rule.contains('*') || advice(rule).is_some() {
            return None;
        }
        let alike = |known: &&str| strsim::jaro_winkler(known, rule);
        let nearest = catalogued().max_by(|one, other| alike(one).total_cmp(&alike(other)))?;
        let why = format!("names the rule {rule}; did you mean AWS's own {nearest}?");
        (alike(&nearest) >= SIMILARITY).then(|| odd(key, why))
    };
    named.into_iter().filter_map(slip).collect()
}

/// Accounts that differ in one digit, or by two that changed places: one is likely meant to be the
/// other.
fn like_accounts(text: &str) -> Vec<Oddity> {
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default())
        .filter(|line| !line.starts_with('#'))
        .collect();
    let joined = uncommented.join("\n");
    let numbers = joined.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_account = |word: &&str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    let accounts: BTreeSet<&str> = numbers.filter(is_account).collect();
    let mut found = Vec::new();
    for one in &accounts {
        for other in accounts.range(*one..).skip(1) {
            if strsim::osa_distance(one, other) == 1 {
                let why = format!("the accounts {one} and {other} differ in one place only");
                found.push(odd("", why));
            }
        }
    }
    found
}
