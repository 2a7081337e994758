//! Reads `[[compliance.routes]]` and `[compliance.default]`.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::super::super::compliance::{
    ChannelSource, Destination, Route, RouteMatch, is_channel, is_slack_id,
};
use super::super::super::section::Section;
use super::super::values::{account_selectors, address, parsed, severity, text, window, words};
use super::braces::braces;
use crate::TopicArn;
use crate::compliance::Severity;

/// The name of the default route.
const DEFAULT: &str = "default";

/// Most routes. A change is saved together with an entry for each route, in one transaction of
/// DynamoDB, which takes 100 items: a finding that moves from all routes to as many others has two
/// entries for each.
const MAX_ROUTES: usize = 49;

/// Reads the routes in their order; the default one is the last.
pub(super) fn routes(
    section: &mut Section<'_, '_>,
    operators_topic: Option<&TopicArn>,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for value in section.each("routes") {
        routes.extend(route(section.of("routes", value), operators_topic, false));
    }
    match section.take("default") {
        Some(value) => routes.extend(route(section.of("default", value), operators_topic, true)),
        None => section
            .problem("`default` is missing: where what no route takes goes, as in default.to = { topic = \"arn:…\" }"),
    }
    check_routes(section, &routes);
    routes
}

fn check_routes(section: &mut Section<'_, '_>, routes: &[Route]) {
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
            Destination::Channel(_) | Destination::ChannelOf(_) if !section.has("slack_token") => {
                section.problem(format_args!(
                    "the route {name:?} goes to a channel, so that `slack_token` must be given"
                ));
            }
            Destination::Mail(_) if !section.has("mail_from") => section.problem(format_args!(
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
        let name = section.require("name", route_name);
        (name, Some(route_match(&mut section)))
    };
    let to = match section.take("to") {
        Some(value) => destination(section.of("to", value)),
        None => {
            section.problem("`to` is missing, as in to = { channel = \"C024BE91L\" }");
            None
        }
    };
    check_condition(&section, only.as_ref(), to.as_ref());
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

/// A route must have a condition, which may be that the account's tags name a channel. The default
/// route takes what no other does, so that it must have somewhere to go whatever the tags.
fn check_condition(section: &Section<'_, '_>, only: Option<&RouteMatch>, to: Option<&Destination>) {
    let by_tags = matches!(to, Some(Destination::ChannelOf(_)));
    match only {
        None if by_tags => section.problem_of(
            "to",
            "must not go by tags, which an account may lack; make that a route of its own, and send the default to a `channel`, `webhook`, `topic`, `mail` or `endpoint`",
        ),
        Some(only) if *only == RouteMatch::default() && to.is_some() && !by_tags => section.problem(
            "takes everything; say which `accounts`, `ous`, `tag`, `rules` or `severity`, or make it the default",
        ),
        _ => {}
    }
}

fn route_match(section: &mut Section<'_, '_>) -> RouteMatch {
    let accounts = account_selectors(section);
    let rules: BTreeSet<String> = section.read_each("rules", words).into_iter().collect();
    RouteMatch {
        accounts,
        rules,
        severity: section.read("severity", severity),
    }
}

/// The keys of a destination, of which exactly one is given.
const DESTINATIONS: [&str; 7] = [
    "channel",
    "channel_tag",
    "channel_pattern",
    "webhook",
    "topic",
    "mail",
    "endpoint",
];

fn destination(mut section: Section<'_, '_>) -> Option<Destination> {
    let given = DESTINATIONS.iter().filter(|key| section.has(key)).count();
    if given != 1 {
        section.problem(format_args!(
            "must have exactly one of {}, but has {given}",
            DESTINATIONS.map(|key| format!("`{key}`")).join(", ")
        ));
    }
    let tag = section.read("channel_tag", words).map(ChannelSource::Tag);
    let pattern = section
        .read("channel_pattern", channel_pattern)
        .map(ChannelSource::Pattern);
    let mail = section.read_each("mail", address);
    let found = section
        .read("channel", channel)
        .map(Destination::Channel)
        .or(tag.or(pattern).map(Destination::ChannelOf))
        .or(section.read("webhook", parsed).map(Destination::Webhook))
        .or(section.read("topic", parsed).map(Destination::Topic))
        .or((!mail.is_empty()).then_some(Destination::Mail(mail)))
        .or(section.read("endpoint", parsed).map(Destination::Endpoint));
    section.finish();
    found
}

// --- Values ------------------------------------------------------------------------------------

/// A route's name. `#` parts the keys under which its state is kept, and `:` the name from a
/// channel that tags name.
fn route_name(value: &DeValue<'_>) -> Result<String, String> {
    match words(value)? {
        name if name == DEFAULT => Err("is the default route's own name".to_owned()),
        name if name.contains(['#', ':']) => {
            Err(format!("must not contain # or :, but is {name:?}"))
        }
        name => Ok(name),
    }
}

/// A channel's name with keys of tags in braces.
fn channel_pattern(value: &DeValue<'_>) -> Result<String, String> {
    let found = words(value)?;
    let keys = braces(&found)?;
    let example = "as in \"compliance-{team}\"";
    if keys.is_empty() {
        return Err(format!(
            "must name a tag in braces, {example}; for one channel give its id as `channel`"
        ));
    }
    let filled = keys.iter().fold(found.clone(), |text, key| {
        text.replace(&format!("{{{key}}}"), "x")
    });
    let is_lower = !filled.chars().any(char::is_uppercase);
    if is_lower && is_channel(&filled) {
        Ok(found)
    } else {
        Err(format!(
            "must be small letters, digits, hyphens and underscores around the braces, {example}, but is {found:?}"
        ))
    }
}

/// Slack's own id of a channel: names change, and `chat.update` takes ids only.
fn channel(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    if is_slack_id(&found, &['C', 'G']) {
        Ok(found)
    } else {
        Err(format!(
            "must be a channel's id, as in \"C024BE91L\" (in Slack: View channel details), but is {found:?}"
        ))
    }
}
