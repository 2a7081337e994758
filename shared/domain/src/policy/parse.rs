//! Reads `banto.toml`. Each function describes one section; `docs/policy.md` says the same for
//! people.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::section::{PolicyProblems, Problems, Section};
use super::{NoticePolicy, Policy, SlackPolicy};

mod compliance;
mod onboarding;
mod report;
mod rotation;
mod values;

use values::parsed;

/// Largest policy that is read, in bytes: far more than any policy needs, and parsed within
/// milliseconds.
const MAX_BYTES: usize = 256 * 1024;

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every problem at once, each with its line: what is wrong, and what would be right.
    ///
    /// ```
    /// use banto_domain::policy::Policy;
    /// let problems = Policy::parse("[rotation]\nrotate_after_day = 90").unwrap_err().to_string();
    /// assert!(problems.contains("banto.toml:2: `rotation.rotate_after_day` is unknown; did you mean `rotate_after_days`?"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, PolicyProblems> {
        let problems = Problems::in_text(text);
        if text.len() > MAX_BYTES {
            problems.add(
                &(0..0),
                format!(
                    "the file has {} bytes, more than the {MAX_BYTES} allowed",
                    text.len()
                ),
            );
            return problems.or(None);
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            problems.add(&error.span().unwrap_or_default(), error.message());
        }
        if !errors.is_empty() {
            return problems.or(None);
        }
        let policy = policy(Section::root(&problems, &document));
        problems.or(policy)
    }
}

fn policy(mut root: Section<'_, '_>) -> Option<Policy> {
    let rotation = root
        .take("rotation")
        .map(|value| root.of("rotation", value));
    let notices = root.take("notices").map(|value| root.of("notices", value));
    let onboarding = root
        .take("onboarding")
        .map(|value| onboarding::onboarding_policy(root.of("onboarding", value)));
    for (name, section) in [("rotation", &rotation), ("notices", &notices)] {
        if section.is_none() {
            root.problem(format_args!("the section [{name}] is missing"));
        }
    }
    let (rotation, notices) = (
        rotation.and_then(rotation::rotation_policy),
        notices.and_then(notice_policy),
    );
    let waivers = root
        .each("waivers")
        .into_iter()
        .filter_map(|value| compliance::waiver(root.of("waivers", value)));
    let waivers: Vec<_> = waivers.collect();
    let operators_topic = notices.as_ref().map(|notices| &notices.operators_topic);
    let compliance = root.take("compliance").map(|value| {
        let section = root.of("compliance", value);
        compliance::compliance_policy(section, waivers.clone(), operators_topic)
    });
    let report = root.take("report").map(|value| {
        let elsewhere = report::Elsewhere {
            onboarding: onboarding.as_ref().map(Option::as_ref),
            compliance: compliance.as_ref().map(Option::as_ref),
            waivers: &waivers,
        };
        report::report_policy(root.of("report", value), elsewhere)
    });
    let compliance = compliance.flatten();
    let events = compliance.as_ref().map(|compliance| &compliance.queue);
    let told = notices.as_ref().and_then(|notices| notices.queue.as_ref());
    if told.is_some() && told == events {
        root.problem_of(
            "notices",
            "has `compliance.queue` as its `queue`, where notices would wait behind events; give the queue of `compliance.deliveries`",
        );
    }
    let asked = rotation
        .as_ref()
        .and_then(|rotation| rotation.revocations.as_ref());
    let onboarding = onboarding.flatten();
    let worked_off = onboarding.as_ref().map(|onboarding| &onboarding.queue);
    if asked.is_some() && worked_off.is_some() && asked != worked_off {
        root.problem_of(
            "rotation",
            "has `revocations` that are not `onboarding.queue`: nobody would end the sessions of an exposed key; give that queue",
        );
    }
    root.finish();
    Some(Policy {
        rotation: rotation?,
        onboarding,
        compliance,
        report: report.flatten(),
        notices: notices?,
    })
}

fn notice_policy(mut section: Section<'_, '_>) -> Option<NoticePolicy> {
    let operators_topic = section.require("operators_topic", parsed);
    let owners_topic = section.require("owners_topic", parsed);
    let slack = section
        .take("slack")
        .map(|value| slack_policy(section.of("slack", value)));
    let queue = section.read("queue", parsed);
    section.finish();
    Some(NoticePolicy {
        operators_topic: operators_topic?,
        owners_topic: owners_topic?,
        slack: slack.flatten(),
        queue,
    })
}

fn slack_policy(mut section: Section<'_, '_>) -> Option<SlackPolicy> {
    let operators = section.require("operators", parsed);
    let owners = section.require("owners", parsed);
    let mut channels = BTreeMap::new();
    for (name, value) in section.entries("channels") {
        // An IAM tag's value can't hold `#`, so nobody could name such a channel.
        if name.is_empty() || name.starts_with('#') {
            section.problem(format_args!(
                "the channel {name:?} must be named without `#`"
            ));
        }
        match parsed(value.get_ref()) {
            Ok(secret) => drop(channels.insert(name.to_owned(), secret)),
            Err(why) => section.problem(format_args!("the channel {name:?} {why}")),
        }
    }
    let token = section.read("token", parsed);
    section.finish();
    Some(SlackPolicy {
        operators: operators?,
        owners: owners?,
        channels,
        token,
    })
}

// --- Values ------------------------------------------------------------------------------------
