//! The bot token and the channels.

use std::collections::BTreeSet;

use banto_domain::SecretArn;
use banto_domain::policy::compliance::Destination;
use serde_json::Value;

use super::check::{Ask, Check, Said, Topic, text};
use super::organization::or_fine;
use super::place::Here;

/// What notify-compliance needs: docs/OPERATIONS.md.
const OF_COMPLIANCE: [&str; 2] = ["chat:write", HISTORY];
const HISTORY: &str = "channels:history";
/// What direct messages to owners need.
const OF_OWNERS: [&str; 2] = ["chat:write", "users:read"];

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let slack = here.policy.notices.slack.as_ref();
    let owners = slack.and_then(|slack| slack.token.as_ref());
    let compliance = here.policy.compliance.as_ref();
    let compliance_token = compliance.and_then(|compliance| compliance.slack_token.as_ref());
    let is_here = |secret: &&SecretArn| here.is_here(secret.account(), secret.region());
    let tokens: BTreeSet<&SecretArn> = [owners, compliance_token]
        .into_iter()
        .flatten()
        .filter(is_here)
        .collect();
    let mut checks = Vec::new();
    for secret in tokens {
        let mut needed = BTreeSet::new();
        if Some(secret) == owners {
            needed.extend(OF_OWNERS);
        }
        if Some(secret) == compliance_token {
            needed.extend(OF_COMPLIANCE);
        }
        checks.push(token(secret, needed));
    }
    if let Some(secret) = compliance_token.filter(is_here) {
        let routes = compliance
            .into_iter()
            .flat_map(|compliance| &compliance.routes);
        let channels: BTreeSet<&str> = routes
            .filter_map(|route| match &route.to {
                Destination::Channel(channel) => Some(channel.as_str()),
                _ => None,
            })
            .collect();
        checks.extend(channels.into_iter().map(|name| channel(secret, name)));
    }
    checks
}

fn slack(call: &'static str, secret: &SecretArn, form: String) -> Ask {
    Ask {
        call,
        whom: super::check::Whom::Slack(secret.clone(), form),
        may_be_missing: false,
        may_be_unseen: false,
    }
}

fn token(secret: &SecretArn, needed: BTreeSet<&'static str>) -> Check {
    let ask = slack("slack:auth.test", secret, String::new());
    let name = secret.name().to_owned();
    let what = format!("token {name}");
    Check::new(Topic::Slack, what, vec![ask], move |texts| {
        let answer = answer(texts);
        if answer.get("ok") != Some(&Value::Bool(true)) {
            let put = format!(
                "$ aws secretsmanager put-secret-value --secret-id {name} --secret-string file://token"
            );
            return vec![Said::error(
                format!("Slack does not take it: {}", text(&answer, "/error")),
                &[
                    "copy it from the app's page, \"OAuth & Permissions\", into a file that nobody else \
                     reads, put it from there, and delete the file",
                    &put,
                ],
            )];
        }
        let scopes: Vec<&str> = text(&answer, "/scopes").split(',').map(str::trim).collect();
        if scopes == [""] {
            let words = "Slack does not say which scopes it has";
            return vec![Said::blind(
                words,
                &["look at the app's page, \"OAuth & Permissions\""],
            )];
        }
        let missing: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|own| !has(&scopes, own))
            .collect();
        if missing.is_empty() {
            return vec![Said::fine("works, with the scopes that are needed")];
        }
        vec![Said::error(
            format!("lacks {}", missing.join(", ")),
            &[
                "add them on the app's page, \"OAuth & Permissions\", reinstall the app there, and put \
                 the token into the secret again if it is a new one",
            ],
        )]
    })
}

/// Private channels have a scope of their own, which is enough for an app that posts to no other.
/// (Slack API, `conversations.history`.)
fn has(scopes: &[&str], needed: &str) -> bool {
    scopes.contains(&needed) || (needed == HISTORY && scopes.contains(&"groups:history"))
}

/// A channel is looked at as notify-compliance does before it writes one message anew: by its
/// history, for which the app has the scope already. `conversations.info` would want another one.
fn channel(secret: &SecretArn, name: &str) -> Check {
    let what = format!("channel {name}");
    // Slack's ids have capitals, its names none. A name is posted to, and can't be looked up.
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Check::new(Topic::Slack, what, Vec::new(), |_| {
            let why =
                "is named, and Slack looks up ids alone: nobody knows before a message is sent";
            vec![Said::note(
                why,
                &["write the channel's id into the route, as in C024BE91L"],
            )]
        });
    }
    let ask = slack(
        "slack:conversations.history",
        secret,
        format!("channel={name}&limit=1"),
    );
    let own = name.to_owned();
    Check::new(Topic::Slack, what, vec![ask], move |texts| {
        let answer = answer(texts);
        let error = text(&answer, "/error");
        let invite = format!("in Slack, in the channel {own}, type: /invite @APP");
        let said = match error {
            _ if answer.get("ok") == Some(&Value::Bool(true)) => None,
            "channel_not_found" => Some(Said::error(
                "there is none that the app sees",
                &[
                    "if it is a private channel, invite the app",
                    &invite,
                    "if it is none any more, correct the channel's id in the policy's compliance.routes, \
                     and deploy",
                ],
            )),
            "not_in_channel" => Some(Said::error(
                "the app is no member, so that it can't find its own messages",
                &[&invite],
            )),
            "is_archived" => Some(Said::error(
                "is archived: nothing can be posted",
                &[
                    "unarchive it in Slack, or give the route another channel in the policy's \
                     compliance.routes, and deploy",
                ],
            )),
            "missing_scope" => Some(Said::error(
                "the app may not read it",
                &[
                    "give it channels:history, or groups:history for a private channel, and install it anew",
                ],
            )),
            word => Some(Said::blind(
                format!("Slack says {word}"),
                &["docs/OPERATIONS.md has Slack's words under \"Who was reached\""],
            )),
        };
        or_fine(said.into_iter().collect(), "the app is in it")
    })
}

fn answer(texts: &[String]) -> Value {
    let text = texts.first().map(String::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}
