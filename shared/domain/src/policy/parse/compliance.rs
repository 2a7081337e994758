//! Reads `[compliance]` and `[[waivers]]`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::super::compliance::{
    CompliancePolicy, FindingPolicy, RuleTextOverride, Waiver, is_mention,
};
use super::super::section::Section;
use super::values::{address, boolean, days, integer, link, parsed, severity, text, until, words};
use crate::compliance::Severity;
use crate::{QueueUrl, TopicArn};

mod braces;
mod routes;

use braces::braces;

/// The reminders of a policy that says nothing of them: what is critical is not left for a day, and
/// what is high not for a week.
const REMINDERS: [(Severity, i64); 2] = [(Severity::Critical, 1), (Severity::High, 7)];

pub(super) fn compliance_policy(
    mut section: Section<'_, '_>,
    waivers: Vec<Waiver>,
    operators_topic: Option<&TopicArn>,
) -> Option<CompliancePolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let (queue, deliveries) = queues(&mut section);
    let table = section.require("table", words);
    let aggregator = section.require("aggregator", words);
    // SQS delays a message by 15 minutes at the most.
    let window = section
        .read("window_seconds", |value| integer(value, 0..=900))
        .unwrap_or(60);
    let collapse_over = section
        .read("collapse_over", |value| integer(value, 1..=50))
        .unwrap_or(5);
    let flapping_over = section
        .read("flapping_over", |value| integer(value, 2..=100))
        .unwrap_or(4);
    let owner_tag = section.read("owner_tag", words);
    let mention_tag = section.read("mention_tag", words);
    let mentions = mentions(&mut section);
    let reminders = reminders(&mut section);
    let console = section.read("console", console);
    let report = section.read("report", link);
    let slack_token = section.read("slack_token", parsed);
    let mail_from = section.read("mail_from", address);
    let routes = routes::routes(&mut section, operators_topic);
    let rules = rules(&mut section);
    section.finish();
    Some(CompliancePolicy {
        enabled,
        queue: queue?,
        deliveries: deliveries?,
        table: table?,
        aggregator: aggregator?,
        window: SignedDuration::from_secs(window),
        collapse_over: usize::try_from(collapse_over).ok()?,
        flapping_over: usize::try_from(flapping_over).ok()?,
        mention_tag,
        mentions,
        reminders,
        report,
        slack_token,
        mail_from,
        routes,
        findings: FindingPolicy {
            owner_tag,
            console,
            rules,
            waivers,
        },
    })
}

/// The queue of events and that of deliveries.
fn queues(section: &mut Section<'_, '_>) -> (Option<QueueUrl>, Option<QueueUrl>) {
    let queue: Option<QueueUrl> = section.require("queue", parsed);
    let deliveries: Option<QueueUrl> = section.require("deliveries", parsed);
    if queue.is_some() && queue == deliveries {
        section.problem_of(
            "deliveries",
            "is `queue` too, where deliveries would wait behind events; name a queue of its own",
        );
    }
    (queue, deliveries)
}

/// The Slack ids of owners, by what the owner tag says.
fn mentions(section: &mut Section<'_, '_>) -> BTreeMap<String, String> {
    let mut mentions = BTreeMap::new();
    for (owner, value) in section.entries("mentions") {
        match mention(value.get_ref()) {
            Ok(id) => drop(mentions.insert(owner.to_owned(), id)),
            Err(why) => section.problem_at(value, "mentions", format_args!("({owner:?}) {why}")),
        }
    }
    if !mentions.is_empty() && !section.has("owner_tag") {
        section.problem_of(
            "mentions",
            "goes by what the owner tag says, so that `owner_tag` must be given",
        );
    }
    mentions
}

fn reminders(section: &mut Section<'_, '_>) -> BTreeMap<Severity, SignedDuration> {
    let mut every = BTreeMap::from(REMINDERS);
    if let Some(value) = section.take("reminders") {
        let mut given = section.of("reminders", value);
        for severity in Severity::ALL {
            every.extend(
                given
                    .read(severity.as_str(), reminder)
                    .map(|days| (severity, days)),
            );
        }
        given.finish();
    }
    every
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| (severity, days(count)))
        .collect()
}

fn rules(section: &mut Section<'_, '_>) -> BTreeMap<String, RuleTextOverride> {
    let mut rules = BTreeMap::new();
    for (name, value) in section.entries("rules") {
        rules.insert(
            name.to_owned(),
            rule_text_override(section.of("rules", value)),
        );
    }
    rules
}

fn rule_text_override(mut section: Section<'_, '_>) -> RuleTextOverride {
    let found = RuleTextOverride {
        title: section.read("title", words),
        severity: section.read("severity", severity),
        remedy: section.read("remedy", words),
        runbook: section.read("runbook", link),
    };
    section.finish();
    found
}

pub(super) fn waiver(mut section: Section<'_, '_>) -> Option<Waiver> {
    let rule = section.require("rule", words);
    let account = section.read("account", parsed);
    let resource = section
        .read("resource", words)
        .unwrap_or_else(|| "*".to_owned());
    let owner = section.require("owner", words);
    let reason = section.require("reason", words);
    let until = section.require("until", until);
    section.finish();
    Some(Waiver {
        rule: rule?,
        account,
        resource,
        owner: owner?,
        reason: reason?,
        until: until?,
    })
}

// --- Values ------------------------------------------------------------------------------------

/// The days between two reminders; 0 for none. A quarter of a year at most: whoever wants fewer
/// turns them off.
fn reminder(value: &DeValue<'_>) -> Result<i64, String> {
    if value.as_bool() == Some(false) {
        return Ok(0);
    }
    integer(value, 0..=90)
        .map_err(|_| "must be a number of days from 1 to 90, or false for none".to_owned())
}

/// The Slack id of a member or of a user group. A name mentions nobody. (Slack's developer
/// documentation, "Formatting message text".)
fn mention(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    if is_mention(&found) {
        return Ok(found);
    }
    Err(format!(
        "must be the Slack id of a member, as in \"U024BE7LH\", or of a user group, as in \"S0614TZR7\", but is {found:?}"
    ))
}

/// A link with `{url}`, and `{account}` where it is wanted. The example is the access portal's.
/// (IAM Identity Center user guide, "Creating shortcut links to AWS Management Console
/// destinations".)
fn console(value: &DeValue<'_>) -> Result<String, String> {
    let found = link(value)?;
    let example = "as in \"https://example.awsapps.com/start/#/console?account_id={account}&destination={url}\"";
    let names = braces(&found)?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !["account", "url"].contains(&name.as_str()))
    {
        return Err(format!(
            "has {{{unknown}}}; known are {{account}} and {{url}}, {example}"
        ));
    }
    if names.iter().any(|name| name == "url") {
        Ok(found)
    } else {
        Err(format!("must contain {{url}}, {example}"))
    }
}
