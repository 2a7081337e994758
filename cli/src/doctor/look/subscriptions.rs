//! Topics, and whether those who are to hear of them confirmed it.

use std::collections::BTreeMap;

use banto_domain::TopicArn;
use banto_domain::policy::compliance::Destination;
use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::organization::or_fine;
use super::origin::{ALARMS, Named, Origin};
use super::place::Here;
use super::xml::{element, members, unescaped};

/// Shows where alarms go.
const GOES: &str = "$ aws cloudwatch describe-alarms --alarm-name-prefix banto- --query 'MetricAlarms[].AlarmActions[]'";

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let notices = &here.policy.notices;
    let mut topics = BTreeMap::from([
        (&notices.operators_topic, "notices.operators_topic"),
        (&notices.owners_topic, "notices.owners_topic"),
    ]);
    for route in here.policy.compliance.iter().flat_map(|own| &own.routes) {
        let (to, fallback) = match route.only {
            Some(_) => (
                "compliance.routes[].to.topic",
                "compliance.routes[].fallback",
            ),
            None => ("compliance.default", "compliance.default"),
        };
        if let Destination::Topic(topic) = &route.to {
            topics.entry(topic).or_insert(to);
        }
        topics.entry(&route.fallback).or_insert(fallback);
    }
    topics.retain(|topic: &&TopicArn, _| here.is_here(topic.account(), topic.region()));
    let of_people = topics.into_iter().map(|(topic, key)| {
        let origin = Origin::new("notices", Named::Policy(key));
        check(topic.as_str(), false, origin)
    });
    let mut checks: Vec<Check> = of_people.collect();
    if !here.functions().is_empty() {
        checks.push(check(&here.arn("sns", ALARMS), true, alarms()));
    }
    checks
}

/// The topic of alarms, which the policy does not have.
pub(super) fn alarms() -> Origin {
    Origin::new("alarm-topic", Named::Default("name"))
}

fn check(arn: &str, may_be_missing: bool, origin: Origin) -> Check {
    let ask = Ask::aws("sns:ListSubscriptionsByTopic", json!({"TopicArn": arn}))
        .all_pages("NextToken", "NextToken");
    let ask = if may_be_missing {
        ask.or_missing()
    } else {
        ask
    };
    let arn = arn.to_owned();
    let what = format!("topic {}", arn.rsplit(':').next().unwrap_or(&arn));
    let check = Check::new(Topic::Subscriptions, what, vec![ask], move |texts| {
        let text = texts.first().map(String::as_str).unwrap_or_default();
        if text.is_empty() {
            let words = "is not there: alarms go to a topic of another name, or to nobody";
            let [name, _, _] = origin.steps();
            return vec![Said {
                is_absent: true,
                ..Said::note(words, &[&name, "see where an alarm goes", GOES])
            }];
        }
        let all = members(text, "Subscriptions");
        if all.is_empty() {
            let subscribe = format!(
                "$ aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint you@example.com"
            );
            return vec![Said::warning(
                "nobody is subscribed",
                &[
                    &format!(
                        "subscribe somebody, best by the variable \"mails\" of the module {}",
                        origin.module
                    ),
                    &subscribe,
                ],
            )];
        }
        let is_pending = |one: &&&str| element(one, "SubscriptionArn") == "PendingConfirmation";
        let pending = all.iter().filter(is_pending);
        let said = pending.map(|one| unconfirmed(&arn, one)).collect();
        or_fine(said, format!("{} subscriptions", all.len()))
    });
    check.made_by(origin)
}

/// SNS keeps the link for two days. (SNS developer guide, "Confirm the subscription".) The path of an
/// address of HTTP is often all that keeps strangers out, and is not shown.
fn unconfirmed(arn: &str, subscription: &str) -> Said {
    let protocol = element(subscription, "Protocol");
    let endpoint = unescaped(element(subscription, "Endpoint"));
    let host = endpoint
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default())
        .and_then(|host| host.rsplit('@').next());
    let (who, follow, endpoint) = match host {
        Some(host) => (
            format!("an address at {host}"),
            "whoever runs it follows the link in the message of the type SubscriptionConfirmation"
                .to_owned(),
            "ENDPOINT",
        ),
        None => (
            endpoint.clone(),
            format!(
                "{endpoint} follows the link in the mail of \"AWS Notification - Subscription \
                 Confirmation\""
            ),
            endpoint.as_str(),
        ),
    };
    let anew = format!(
        "$ aws sns subscribe --topic-arn {arn} --protocol {protocol} --notification-endpoint {endpoint}"
    );
    let follow = format!("{follow}; after two days it needs a new one");
    Said::warning(format!("{who} has not confirmed"), &[&follow, &anew])
}
