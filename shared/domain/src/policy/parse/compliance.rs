//! Reads `[compliance]` and `[[waivers]]`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use toml::de::DeValue;

use super::super::compliance::{
    CompliancePolicy, Destination, Route, RouteMatch, RuleTextOverride, Waiver,
};
use super::super::onboarding::AccountSelector;
use super::super::section::Section;
use super::values::{boolean, integer, parsed, text, until, window, words};
use crate::TopicArn;
use crate::compliance::Severity;

/// The name of the default route.
const DEFAULT: &str = "default";

/// Most routes. A change is saved together with an entry for each route, in one transaction of
/// DynamoDB, which takes 100 items; the rest is room for a release that writes more with it.
const MAX_ROUTES: usize = 90;

pub(super) fn compliance_policy(
    mut section: Section<'_, '_>,
    waivers: Vec<Waiver>,
    operators_topic: Option<&TopicArn>,
) -> Option<CompliancePolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let queue = section.require("queue", parsed);
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
    let slack_token = section.read("slack_token", parsed);
    let mail_from = section.read("mail_from", address);
    let routes = routes(&mut section, operators_topic);
    check_routes(
        &mut section,
        &routes,
        slack_token.is_some(),
        mail_from.is_some(),
    );
    let mut rules = BTreeMap::new();
    for (name, value) in section.entries("rules") {
        rules.insert(
            name.to_owned(),
            rule_text_override(section.of("rules", value)),
        );
    }
    section.finish();
    Some(CompliancePolicy {
        enabled,
        queue: queue?,
        table: table?,
        aggregator: aggregator?,
        window: SignedDuration::from_secs(window),
        collapse_over: usize::try_from(collapse_over).ok()?,
        flapping_over: usize::try_from(flapping_over).ok()?,
        owner_tag,
        slack_token,
        mail_from,
        routes,
        rules,
        waivers,
    })
}

/// Reads the routes in their order; the default one is the last.
fn routes(section: &mut Section<'_, '_>, operators_topic: Option<&TopicArn>) -> Vec<Route> {
    let mut routes = Vec::new();
    for value in section.each("routes") {
        routes.extend(route(section.of("routes", value), operators_topic, false));
    }
    match section.take("default") {
        Some(value) => routes.extend(route(section.of("default", value), operators_topic, true)),
        None => section
            .problem("`default` is missing: where what no route takes goes, as in default.to = { topic = \"arn:…\" }"),
    }
    routes
}

fn check_routes(
    section: &mut Section<'_, '_>,
    routes: &[Route],
    has_token: bool,
    has_mail_from: bool,
) {
    if routes.len() > MAX_ROUTES {
        section.problem(format_args!(
            "there are {} routes, and may be {MAX_ROUTES} at the most",
            routes.len()
        ));
    }
    let mut names = BTreeSet::new();
    for route in routes {
        let name = &route.name;
        if !names.insert(name) {
            section.problem(format_args!("two routes are named {name:?}"));
        }
        match &route.to {
            Destination::Channel(_) if !has_token => section.problem(format_args!(
                "the route {name:?} goes to a channel, so that `slack_token` must be given"
            )),
            Destination::Mail(_) if !has_mail_from => section.problem(format_args!(
                "the route {name:?} goes by mail, so that `mail_from` must be given"
            )),
            _ => {}
        }
    }
}

fn route(
    mut section: Section<'_, '_>,
    operators_topic: Option<&TopicArn>,
    is_default: bool,
) -> Option<Route> {
    let (name, only) = if is_default {
        (Some(DEFAULT.to_owned()), None)
    } else {
        let name = section.require("name", |value| match words(value)? {
            name if name == DEFAULT => Err("is the default route's own name".to_owned()),
            name if name.contains('#') => Err("must not contain #".to_owned()),
            name => Ok(name),
        });
        let only = route_match(&mut section);
        if only == RouteMatch::default() {
            section.problem(
                "takes everything; say which `accounts`, `ous`, `tag`, `rules` or `severity`, or make it the default",
            );
        }
        (name, Some(only))
    };
    let to = match section.take("to") {
        Some(value) => destination(section.of("to", value)),
        None => {
            section.problem("`to` is missing, as in to = { channel = \"C024BE91L\" }");
            None
        }
    };
    let fallback = section
        .read("fallback", parsed)
        .or_else(|| operators_topic.cloned());
    let quiet = section
        .each("quiet")
        .into_iter()
        .filter_map(|value| window(section.of("quiet", value)))
        .collect();
    let quiet_below = section
        .read("quiet_below", severity)
        .unwrap_or(Severity::Critical);
    section.finish();
    Some(Route {
        name: name?,
        only,
        to: to?,
        fallback: fallback?,
        quiet,
        quiet_below,
    })
}

fn route_match(section: &mut Section<'_, '_>) -> RouteMatch {
    let mut accounts: Vec<AccountSelector> = Vec::new();
    accounts.extend(
        section
            .read_each("accounts", parsed)
            .into_iter()
            .map(AccountSelector::Account),
    );
    accounts.extend(
        section
            .read_each("ous", parsed)
            .into_iter()
            .map(AccountSelector::Ou),
    );
    if let Some(value) = section.take("tag") {
        let mut tag = section.of("tag", value);
        let (key, value) = (tag.require("key", words), tag.require("value", text));
        tag.finish();
        accounts.extend(
            key.zip(value)
                .map(|(key, value)| AccountSelector::Tag { key, value }),
        );
    }
    let rules: BTreeSet<String> = section.read_each("rules", words).into_iter().collect();
    RouteMatch {
        accounts,
        rules,
        severity: section.read("severity", severity),
    }
}

/// Exactly one of `channel`, `webhook`, `topic` and `mail`.
fn destination(mut section: Section<'_, '_>) -> Option<Destination> {
    let given = ["channel", "webhook", "topic", "mail"]
        .into_iter()
        .filter(|key| section.take(key).is_some())
        .count();
    let channel = section.read("channel", channel).map(Destination::Channel);
    let webhook = section.read("webhook", parsed).map(Destination::Webhook);
    let topic = section.read("topic", parsed).map(Destination::Topic);
    let mail = section.read_each("mail", address);
    if given != 1 {
        section.problem("must have exactly one of `channel`, `webhook`, `topic` and `mail`");
    }
    section.finish();
    channel
        .or(webhook)
        .or(topic)
        .or((!mail.is_empty()).then_some(Destination::Mail(mail)))
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

fn severity(value: &DeValue<'_>) -> Result<Severity, String> {
    let found = text(value)?;
    let known = Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == found);
    known.ok_or_else(|| format!("must be one of low, medium, high, critical, but is {found:?}"))
}

/// Slack's own id of a channel: names change, and `chat.update` takes ids only.
fn channel(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    let rest = found.strip_prefix(['C', 'G']).unwrap_or_default();
    if (7..=20).contains(&rest.len())
        && rest
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        Ok(found)
    } else {
        Err(format!(
            "must be a channel's id, as in \"C024BE91L\" (in Slack: View channel details), but is {found:?}"
        ))
    }
}

fn address(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
    };
    match found.split_once('@') {
        Some((name, host)) if is_plain(name) && is_plain(host) && !host.contains('@') => Ok(found),
        _ => Err(format!(
            "must be a mail address, as in \"alice@example.com\", but is {found:?}"
        )),
    }
}

fn link(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    let is_clean = found.starts_with("https://")
        && !found.contains(|c: char| c.is_whitespace() || "<>|\"".contains(c));
    if is_clean {
        Ok(found)
    } else {
        Err(format!(
            "must be a link that begins with https://, but is {found:?}"
        ))
    }
}
