//! Topics, and whether those who are to hear of them confirmed it.

use std::collections::BTreeSet;

use banto_domain::TopicArn;
use banto_domain::policy::compliance::Destination;
use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::organization::or_fine;
use super::place::Here;
use super::xml::{element, members, unescaped};

/// The topic that alarms go to. The module's default name: the policy does not have it.
const ALARMS: &str = "banto-alarms";

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let notices = &here.policy.notices;
    let mut topics = BTreeSet::from([&notices.operators_topic, &notices.owners_topic]);
    for route in here.policy.compliance.iter().flat_map(|own| &own.routes) {
        topics.insert(&route.fallback);
        if let Destination::Topic(topic) = &route.to {
            topics.insert(topic);
        }
    }
    topics.retain(|topic: &&TopicArn| here.is_here(topic.account(), topic.region()));
    let mut checks: Vec<Check> = topics
        .into_iter()
        .map(|topic| check(topic.as_str(), false))
        .collect();
    if !here.functions().is_empty() {
        let arn = format!("arn:aws:sns:{}:{}:{ALARMS}", here.region, here.account);
        checks.push(check(&arn, true));
    }
    checks
}

fn check(arn: &str, may_be_missing: bool) -> Check {
    let ask = Ask::aws("sns:ListSubscriptionsByTopic", json!({"TopicArn": arn}))
        .all_pages("NextToken", "NextToken");
    let ask = if may_be_missing {
        ask.or_missing()
    } else {
        ask
    };
    let arn = arn.to_owned();
    let what = format!("topic {}", arn.rsplit(':').next().unwrap_or(&arn));
    Check::new(Topic::Subscriptions, what, vec![ask], move |texts| {
        let text = texts.first().map(String::as_str).unwrap_or_default();
        if text.is_empty() {
            return vec![Said::note(
                "is not there: alarms go to a topic of another name, or to nobody",
                &["the module alarm-topic makes one"],
            )];
        }
        let all = members(text, "Subscriptions");
        if all.is_empty() {
            let subscribe = format!(
                "$ aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint you@example.com"
            );
            return vec![Said::warning(
                "nobody is subscribed",
                &[
                    "subscribe somebody, best by its Terraform module",
                    &subscribe,
                ],
            )];
        }
        let is_pending = |one: &&&str| element(one, "SubscriptionArn") == "PendingConfirmation";
        let pending = all.iter().filter(is_pending);
        let said = pending.map(|one| unconfirmed(&arn, one)).collect();
        or_fine(said, format!("{} subscriptions", all.len()))
    })
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
