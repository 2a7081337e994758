//! Names of the policy that Terraform and AWS would refuse for where they lie: regions that AWS
//! lacks, and queues and secrets that must be side by side.
//!
//! A function takes such a policy, since a region may be newer than the function. So it is not the
//! parser that finds this, but whoever checks or exports.

use std::collections::BTreeSet;

use banto_domain::policy::compliance::{Destination, Route};
use banto_domain::policy::{CompliancePolicy, OnboardingPolicy, Policy};
use banto_domain::{KeyArn, QueueUrl, Region, SecretArn};
use clap::Args;

/// Regions that this release does not know.
#[derive(Debug, Clone, Default, Args)]
pub struct NewRegions {
    /// A region that AWS has and this release does not know, since it is newer.
    #[arg(long = "new-region", value_name = "REGION")]
    pub known: Vec<Region>,
}

/// A problem, and the key of the policy that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The key, as in `compliance.queue`.
    pub key: String,
    /// The problem, and what would be right.
    pub problem: String,
}

/// Everything that lies where it can't.
pub fn misplaced(policy: &Policy, new: &NewRegions) -> Vec<Misplaced> {
    let mut found = unknown_regions(policy, new);
    if let Some(compliance) = &policy.compliance {
        let onboarding = policy.onboarding.as_ref();
        let notices = policy.notices.queue.as_ref();
        found.extend(of_queues(compliance, onboarding, notices));
    }
    found.extend(apart(&secrets(policy)));
    found
}

/// Regions that AWS lacks, as far as anybody knows, and those of another partition than the others.
fn unknown_regions(policy: &Policy, new: &NewRegions) -> Vec<Misplaced> {
    let mut found = Vec::new();
    let named = regions(policy);
    let first = named.first().and_then(|(_, region)| region.parse().ok());
    let partition = first.map(|region: Region| region.partition());
    for (key, text) in named {
        let problem = match text.parse::<Region>() {
            Err(error) => Some(format!("has a region that is none: {error}")),
            Ok(region) if !region.is_known() && !new.known.contains(&region) => {
                Some(unknown(&region))
            }
            Ok(region) if Some(region.partition()) != partition => Some(format!(
                "names {region}, which is of another partition of AWS than the policy's other regions: an \
                 Organization is of one partition"
            )),
            Ok(_) => None,
        };
        found.extend(problem.map(|problem| Misplaced { key, problem }));
    }
    found
}

/// The sentence about a region that AWS lacks.
pub(super) fn unknown(region: &Region) -> String {
    let near = region.nearest();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(" Did you mean {}?", near.join(" or "))
    };
    format!(
        "names {region}, which is no region of AWS that this release knows.{hint} If it is a new one: --new-region {region}"
    )
}

/// Each region that the policy names, with its key.
fn regions(policy: &Policy) -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    let mut name = |key: &str, region: &str| {
        found.insert((key.to_owned(), region.to_owned()));
    };
    if let Some(onboarding) = &policy.onboarding {
        name("onboarding.home_region", onboarding.home_region.as_str());
        let everyones = onboarding.baseline.regions.iter().flatten();
        let everyones: BTreeSet<&Region> = everyones.collect();
        for region in onboarding.named_regions() {
            if everyones.contains(region) {
                name("onboarding.regions", region.as_str());
            } else if *region != onboarding.home_region {
                name("onboarding.overrides", region.as_str());
            }
        }
        for baseline in onboarding.baselines() {
            for region in baseline.config.topics.keys() {
                name("onboarding.config.topics", region.as_str());
            }
            let key = baseline.config.kms_key.as_ref();
            name_each(
                &mut name,
                "onboarding.config.kms_key",
                key.map(KeyArn::region),
            );
        }
    }
    let report = policy.report.as_ref();
    for region in report.iter().flat_map(|report| &report.regions) {
        name("report.regions", region.as_str());
    }
    let expected = report.iter().flat_map(|report| &report.expected);
    for region in expected.flat_map(|expected| &expected.regions) {
        name("report.expected", region.as_str());
    }
    let signing = policy.rotation.signing.as_ref();
    let signing = signing.map(|signing| signing.key.region());
    name_each(&mut name, "rotation.signing_key", signing);
    for (key, queue) in queues(policy) {
        name_each(&mut name, key, queue.region());
    }
    for (key, secret) in secrets(policy) {
        name(key, secret.region());
    }
    name(
        "notices.operators_topic",
        policy.notices.operators_topic.region(),
    );
    name("notices.owners_topic", policy.notices.owners_topic.region());
    for route in routes(policy) {
        if let Destination::Topic(topic) = &route.to {
            name(key_of(route), topic.region());
        }
        name(key_of(route), route.fallback.region());
    }
    found.into_iter().collect()
}

fn name_each<'a>(
    name: &mut impl FnMut(&str, &str),
    key: &str,
    regions: impl IntoIterator<Item = &'a str>,
) {
    for region in regions {
        name(key, region);
    }
}

fn queues(policy: &Policy) -> Vec<(&'static str, &QueueUrl)> {
    let (onboarding, compliance) = (policy.onboarding.as_ref(), policy.compliance.as_ref());
    let named = [
        ("onboarding.queue", onboarding.map(|policy| &policy.queue)),
        ("compliance.queue", compliance.map(|policy| &policy.queue)),
        (
            "compliance.deliveries",
            compliance.map(|policy| &policy.deliveries),
        ),
        ("rotation.revocations", policy.rotation.revocations.as_ref()),
        ("notices.queue", policy.notices.queue.as_ref()),
    ];
    let given = named.into_iter();
    given
        .filter_map(|(key, queue)| Some((key, queue?)))
        .collect()
}

fn secrets(policy: &Policy) -> Vec<(&'static str, &SecretArn)> {
    let mut found = Vec::new();
    if let Some(slack) = &policy.notices.slack {
        found.push(("notices.slack.operators", &slack.operators));
        found.push(("notices.slack.owners", &slack.owners));
        found.extend(
            slack
                .token
                .iter()
                .map(|token| ("notices.slack.token", token)),
        );
        let channels = slack.channels.values();
        found.extend(channels.map(|channel| ("notices.slack.channels", channel)));
    }
    let token = policy
        .compliance
        .iter()
        .flat_map(|policy| &policy.slack_token);
    found.extend(token.map(|token| ("compliance.slack_token", token)));
    found.extend(routes(policy).filter_map(|route| match &route.to {
        Destination::Webhook(secret) | Destination::Endpoint(secret) => {
            Some((key_of(route), secret))
        }
        Destination::Channel(_)
        | Destination::ChannelOf(_)
        | Destination::Topic(_)
        | Destination::Mail(_) => None,
    }));
    found
}

fn routes(policy: &Policy) -> impl Iterator<Item = &Route> {
    policy.compliance.iter().flat_map(|policy| &policy.routes)
}

const fn key_of(route: &Route) -> &'static str {
    match route.only {
        Some(_) => "compliance.routes",
        None => "compliance.default",
    }
}

/// Where a queue is, as far as its URL is AWS's.
fn place(queue: &QueueUrl) -> (&str, Option<&str>) {
    (queue.account(), queue.region())
}

/// A queue of another place than it must be in. One that is not AWS's own is another problem.
fn of_queues(
    compliance: &CompliancePolicy,
    onboarding: Option<&OnboardingPolicy>,
    notices: Option<&QueueUrl>,
) -> Vec<Misplaced> {
    let (queue, deliveries) = (&compliance.queue, &compliance.deliveries);
    let mut found = Vec::new();
    let mut add = |key: &str, problem: String| {
        found.push(Misplaced {
            key: key.to_owned(),
            problem,
        });
    };
    if let (account, Some(region)) = place(queue)
        && place(deliveries) != place(queue)
        && let (other, Some(elsewhere)) = place(deliveries)
    {
        add(
            "compliance.deliveries",
            format!(
                "lies in account {other} and {elsewhere}, and compliance.queue in account {account} and {region}: \
                 notify-compliance takes both in one account and region"
            ),
        );
    }
    // EventBridge sends to a queue of the rule's own region only, and the rules are in these.
    let regions = onboarding.map(OnboardingPolicy::named_regions);
    if let (Some(regions), Some(region)) = (regions, queue.region())
        && !regions.iter().any(|known| known.as_str() == region)
    {
        let known: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
        add(
            "compliance.queue",
            format!(
                "lies in {region}, and [onboarding] has {}: events of all regions come together in the queue's, \
                 which must be one of these",
                known.join(", ")
            ),
        );
    }
    if let Some(told) = notices.filter(|told| *told != deliveries) {
        add(
            "notices.queue",
            format!(
                "is {told}, and nobody takes from it: give that of compliance.deliveries, {deliveries}"
            ),
        );
    }
    found
}

/// Secrets of another place than the first: each function may read those of one account and region.
fn apart(secrets: &[(&'static str, &SecretArn)]) -> Vec<Misplaced> {
    let place = |secret: &SecretArn| (secret.account().to_owned(), secret.region().to_owned());
    let Some((first, of_first)) = secrets.first() else {
        return Vec::new();
    };
    let (account, region) = place(of_first);
    let others = secrets
        .iter()
        .filter(|(_, secret)| place(secret) != (account.clone(), region.clone()));
    others
        .map(|(key, secret)| Misplaced {
            key: (*key).to_owned(),
            problem: format!(
                "has a secret of account {} and {}, and {first} one of account {account} and {region}: the functions \
                 may read secrets of one account and region",
                secret.account(),
                secret.region()
            ),
        })
        .collect()
}
