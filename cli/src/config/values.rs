//! The values of Terraform's variable `banto`: the names that the policy has of what Terraform
//! makes, taken apart as its modules need them. docs/infra.md has the table.
//!
//! Each module declares the fields that it reads, so that a field may be added. One that is renamed,
//! removed or of another type needs another `VERSION`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use banto_domain::policy::compliance::{Destination, Route};
use banto_domain::policy::onboarding::{OnboardingPolicy, Role, SessionName, StackSet, Way};
use banto_domain::policy::report::EngineChoice;
use banto_domain::policy::{
    ChangeWindow, CompliancePolicy, NoticePolicy, Policy, ReportPolicy, RotationPolicy,
    RotationTimings,
};
use banto_domain::{
    AccountId, GroupName, KeyArn, OuId, PolicyArn, QueueUrl, Region, RoleArn, RoleName, SecretArn,
    TopicArn,
};
use jiff::ToSpan as _;
use jiff::civil::Weekday;
use onboard_accounts::template::template;
use serde::Serialize;

/// The version of the values' shape.
const VERSION: u32 = 1;

/// Days beyond the policy's own in which a key that is on its way out is still no reason to alarm:
/// runs outside windows, reminders, an operator's holiday. (docs/OPERATIONS.md, "Metrics".)
const LATE_DAYS: i64 = 14;

/// The bytes of a gigabyte, as the policy counts them.
const GIGABYTE: u64 = 1_000_000_000;

/// All values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Values<'a> {
    version: u32,
    /// `None` where Banto does not onboard accounts.
    organization: Option<Organization<'a>>,
    log_archive: Option<LogArchive<'a>>,
    onboarding: Option<Onboarding<'a>>,
    rotation: Rotation<'a>,
    compliance: Option<Compliance<'a>>,
    report: Option<Report<'a>>,
    notices: Notices<'a>,
    /// The secrets of all sections.
    secrets: Vec<Secret<'a>>,
}

/// The Organization.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Organization<'a> {
    management_account: &'a AccountId,
    home_region: &'a Region,
    regions: BTreeSet<&'a Region>,
    control_tower: bool,
    identity_accounts: Vec<&'a AccountId>,
}

/// The bucket that AWS Config delivers to.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct LogArchive<'a> {
    bucket: &'a str,
    /// Without a slash at its end, as AWS Config takes it.
    prefix: &'a str,
    kms_key: Option<&'a KeyArn>,
}

/// Values that onboard-accounts needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Onboarding<'a> {
    enabled: bool,
    way: &'static str,
    reach_role: &'a RoleName,
    queue: Queue<'a>,
    table: &'a str,
    dashboard: ObjectKey<'a>,
    stack_set: Option<BaselineStackSet<'a>>,
    topics: &'a BTreeMap<Region, TopicArn>,
    /// Accounts that an override names and leaves alone: they may have no recorder.
    left_alone: BTreeSet<&'a AccountId>,
    roles: BTreeMap<&'a RoleName, AccountRole<'a>>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ObjectKey<'a> {
    bucket: &'a str,
    key: &'a str,
}

/// The StackSet of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct BaselineStackSet<'a> {
    name: &'a str,
    targets: &'a [OuId],
    delegated: bool,
    /// The CloudFormation template as JSON.
    template: String,
}

/// A role of the baseline. IAM's documents are JSON in a text, since Terraform can't hold values of
/// different types in one map.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AccountRole<'a> {
    description: &'a str,
    trusted: &'a BTreeSet<AccountId>,
    mfa: bool,
    conditions: Option<String>,
    session_name: &'static str,
    max_session_hours: i32,
    managed_policies: &'a BTreeSet<PolicyArn>,
    inline_policies: BTreeMap<&'a str, String>,
    boundary: Option<&'a PolicyArn>,
    tags: &'a BTreeMap<String, String>,
}

/// Values that rotate-access-keys needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Rotation<'a> {
    accounts: Vec<Identity<'a>>,
    revocations: Option<Queue<'a>>,
    signing_key: Option<&'a KeyArn>,
    groups: BTreeSet<&'a GroupName>,
    /// Age of a key in days from which its owner is late whatever happened.
    oldest_key_days: i64,
    windows: Vec<Window<'a>>,
}

/// Hours of the week in which scheduled runs may act.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Window<'a> {
    days: Vec<&'static str>,
    /// The first whole minute, as in `09:00`. A schedule knows no seconds.
    from: String,
    to: String,
    time_zone: &'a str,
}

/// An account where IAM users live.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Identity<'a> {
    id: &'a AccountId,
    role: RoleParts<'a>,
    assume: bool,
    break_glass: Option<&'a RoleArn>,
    certificate_bucket: &'a str,
    certificate_prefix: &'a str,
}

/// A role, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct RoleParts<'a> {
    arn: &'a RoleArn,
    name: &'a str,
    path: &'a str,
}

/// Values that notify-compliance needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Compliance<'a> {
    enabled: bool,
    queue: Queue<'a>,
    deliveries: Queue<'a>,
    table: &'a str,
    aggregator: &'a str,
    /// The topics of routes, and those that they fall back to.
    topics: Vec<Topic<'a>>,
    mail_from: Option<&'a str>,
}

/// Values that report-compliance needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Report<'a> {
    enabled: bool,
    archive: Place<'a>,
    store: Place<'a>,
    athena: Option<Athena<'a>>,
    /// The report's own, else those of `[onboarding]`.
    regions: BTreeSet<&'a Region>,
    aggregator: Option<&'a str>,
    address: Option<&'a str>,
    mail: Option<Mail<'a>>,
}

/// A bucket, and what keys in it begin with: nothing, or something with a slash at its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Place<'a> {
    bucket: &'a str,
    prefix: &'a str,
}

/// Athena's workgroup and Glue's database.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Athena<'a> {
    workgroup: &'a str,
    database: &'a str,
    scan_limit_gb: u64,
}

/// Values that SES needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Mail<'a> {
    from: &'a str,
    configuration_set: Option<&'a str>,
}

/// Where people are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Notices<'a> {
    operators_topic: Topic<'a>,
    owners_topic: Topic<'a>,
    queue: Option<Queue<'a>>,
    slack: bool,
}

/// A queue, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Queue<'a> {
    name: &'a str,
    account: &'a str,
    region: &'a str,
    arn: String,
    url: &'a QueueUrl,
}

/// A topic, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Topic<'a> {
    name: &'a str,
    account: &'a str,
    region: &'a str,
    arn: &'a TopicArn,
}

/// A secret, taken apart. The ARN is the policy's, with or without the end that Secrets Manager
/// gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Secret<'a> {
    name: &'a str,
    account: &'a str,
    region: &'a str,
    arn: &'a SecretArn,
}

impl<'a> Values<'a> {
    /// Returns the values of a policy.
    ///
    /// # Errors
    /// If the policy has a queue that is not of AWS, as a local one is: Terraform can't make it.
    pub fn of(policy: &'a Policy) -> Result<Self> {
        let rotation = &policy.rotation;
        let onboarding = policy.onboarding.as_ref();
        let report = policy.report.as_ref();
        Ok(Self {
            version: VERSION,
            organization: onboarding.map(|onboarding| organization(onboarding, rotation)),
            log_archive: log_archive(policy),
            onboarding: onboarding.map(Onboarding::of).transpose()?,
            rotation: Rotation::of(rotation)?,
            compliance: policy.compliance.as_ref().map(Compliance::of).transpose()?,
            report: report.map(|report| Report::of(report, onboarding)),
            notices: Notices::of(&policy.notices)?,
            secrets: secrets(policy),
        })
    }
}

fn organization<'a>(
    onboarding: &'a OnboardingPolicy,
    rotation: &'a RotationPolicy,
) -> Organization<'a> {
    Organization {
        management_account: &onboarding.management_account,
        home_region: &onboarding.home_region,
        regions: onboarding.named_regions(),
        control_tower: onboarding.control_tower,
        identity_accounts: rotation
            .accounts
            .iter()
            .map(|account| &account.id)
            .collect(),
    }
}

/// The bucket as `[onboarding.config]` has it, else as the report reads it.
fn log_archive(policy: &Policy) -> Option<LogArchive<'_>> {
    if let Some(onboarding) = &policy.onboarding {
        let config = &onboarding.baseline.config;
        let prefix = config.prefix.as_deref().unwrap_or_default();
        return Some(LogArchive {
            bucket: &config.bucket,
            prefix: prefix.trim_end_matches('/'),
            kms_key: config.kms_key.as_ref(),
        });
    }
    let archive = &policy.report.as_ref()?.archive;
    Some(LogArchive {
        bucket: &archive.bucket,
        prefix: archive.prefix.trim_end_matches('/'),
        kms_key: None,
    })
}

/// The secrets of all sections, each once, by name.
fn secrets(policy: &Policy) -> Vec<Secret<'_>> {
    let mut arns: Vec<&SecretArn> = Vec::new();
    if let Some(slack) = &policy.notices.slack {
        arns.extend([&slack.operators, &slack.owners]);
        arns.extend(slack.channels.values().chain(&slack.token));
    }
    if let Some(compliance) = &policy.compliance {
        arns.extend(&compliance.slack_token);
        arns.extend(
            compliance
                .routes
                .iter()
                .filter_map(|route| match &route.to {
                    Destination::Webhook(secret) | Destination::Endpoint(secret) => Some(secret),
                    Destination::Channel(_)
                    | Destination::ChannelOf(_)
                    | Destination::Topic(_)
                    | Destination::Mail(_) => None,
                }),
        );
    }
    let mut secrets: Vec<Secret<'_>> = arns.into_iter().map(Secret::of).collect();
    secrets.sort();
    // One may be named with its random end and without it.
    secrets.dedup_by_key(|secret| (secret.name, secret.account, secret.region));
    secrets
}

impl<'a> Onboarding<'a> {
    fn of(policy: &'a OnboardingPolicy) -> Result<Self> {
        let (way, stack_set) = match &policy.way {
            Way::StackSet(stack_set) => ("stackset", Some(BaselineStackSet::of(stack_set, policy))),
            Way::Direct => ("direct", None),
        };
        let roles = policy.baseline.roles.iter();
        Ok(Self {
            enabled: policy.enabled,
            way,
            reach_role: &policy.reach_role,
            queue: Queue::of(&policy.queue, "onboarding.queue")?,
            table: &policy.table,
            dashboard: ObjectKey {
                bucket: &policy.dashboard.bucket,
                key: &policy.dashboard.key,
            },
            stack_set,
            topics: &policy.baseline.config.topics,
            left_alone: policy.left_alone(),
            roles: roles
                .map(|(name, role)| (name, AccountRole::of(role)))
                .collect(),
        })
    }
}

impl<'a> BaselineStackSet<'a> {
    fn of(stack_set: &'a StackSet, policy: &OnboardingPolicy) -> Self {
        Self {
            name: &stack_set.name,
            targets: &stack_set.targets,
            delegated: stack_set.delegated,
            template: template(policy).to_string(),
        }
    }
}

impl<'a> AccountRole<'a> {
    fn of(role: &'a Role) -> Self {
        let inline = role.inline_policies.iter();
        Self {
            description: &role.description,
            trusted: &role.trusted,
            mfa: role.mfa,
            conditions: role.conditions.as_ref().map(ToString::to_string),
            session_name: match role.session_name {
                SessionName::User => "user",
                SessionName::Any => "any",
            },
            max_session_hours: role.max_session_hours,
            managed_policies: &role.managed_policies,
            inline_policies: inline
                .map(|(name, document)| (name.as_str(), document.to_string()))
                .collect(),
            boundary: role.boundary.as_ref(),
            tags: &role.tags,
        }
    }
}

impl<'a> Rotation<'a> {
    fn of(policy: &'a RotationPolicy) -> Result<Self> {
        let accounts = policy.accounts.iter().map(|account| {
            let (path, name) = account.role.path_and_name();
            Identity {
                id: &account.id,
                role: RoleParts {
                    arn: &account.role,
                    name,
                    path,
                },
                assume: account.assume,
                break_glass: account.break_glass.as_ref(),
                certificate_bucket: &account.certificate_bucket,
                certificate_prefix: &account.certificate_prefix,
            }
        });
        let revocations = policy.revocations.as_ref();
        Ok(Self {
            accounts: accounts.collect(),
            revocations: revocations
                .map(|queue| Queue::of(queue, "rotation.revocations"))
                .transpose()?,
            signing_key: policy.signing.as_ref().map(|signing| &signing.key),
            groups: policy.groups(),
            oldest_key_days: oldest_key_days(policy),
            windows: policy
                .windows
                .iter()
                .map(Window::of)
                .collect::<Result<_>>()?,
        })
    }
}

impl<'a> Window<'a> {
    fn of(window: &'a ChangeWindow) -> Result<Self> {
        let days = window.days.iter().copied();
        let time_zone = window.time_zone.iana_name();
        Ok(Self {
            days: days.map(day).collect(),
            // A run that comes seconds before the window would wait for the next day.
            from: window
                .from
                .saturating_add(59.seconds())
                .strftime("%H:%M")
                .to_string(),
            to: window.to.strftime("%H:%M").to_string(),
            time_zone: time_zone.context("a time zone of rotation.windows has no name")?,
        })
    }
}

/// A day as the policy writes it.
const fn day(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

/// The age in days of the oldest key that is no reason to alarm, be it a person's or a machine's.
fn oldest_key_days(policy: &RotationPolicy) -> i64 {
    let days = |timings: &RotationTimings| {
        let life = timings.rotate_after + timings.deadline.unwrap_or_default();
        life.as_hours() / 24 + LATE_DAYS
    };
    let people = days(&policy.timings);
    let machines = policy.machines.iter();
    machines
        .map(|machines| days(&machines.timings))
        .fold(people, i64::max)
}

impl<'a> Compliance<'a> {
    fn of(policy: &'a CompliancePolicy) -> Result<Self> {
        let topics: BTreeSet<Topic<'_>> = policy.routes.iter().flat_map(topics).collect();
        Ok(Self {
            enabled: policy.enabled,
            queue: Queue::of(&policy.queue, "compliance.queue")?,
            deliveries: Queue::of(&policy.deliveries, "compliance.deliveries")?,
            table: &policy.table,
            aggregator: &policy.aggregator,
            topics: topics.into_iter().collect(),
            mail_from: policy.mail_from.as_deref(),
        })
    }
}

/// The topics that a route may write to.
fn topics(route: &Route) -> impl Iterator<Item = Topic<'_>> {
    let to = match &route.to {
        Destination::Topic(topic) => Some(topic),
        Destination::Channel(_)
        | Destination::ChannelOf(_)
        | Destination::Webhook(_)
        | Destination::Mail(_)
        | Destination::Endpoint(_) => None,
    };
    to.into_iter().chain([&route.fallback]).map(Topic::of)
}

impl<'a> Report<'a> {
    fn of(policy: &'a ReportPolicy, onboarding: Option<&'a OnboardingPolicy>) -> Self {
        let regions = match onboarding {
            Some(onboarding) if policy.regions.is_empty() => onboarding.named_regions(),
            _ => policy.regions.iter().collect(),
        };
        let place = |bucket, prefix| Place { bucket, prefix };
        Self {
            enabled: policy.enabled,
            archive: place(&policy.archive.bucket, &policy.archive.prefix),
            store: place(&policy.store.bucket, &policy.store.prefix),
            athena: match &policy.engine {
                EngineChoice::Embedded => None,
                EngineChoice::Athena(athena) => Some(Athena {
                    workgroup: &athena.workgroup,
                    database: &athena.database,
                    scan_limit_gb: athena.scan_limit / GIGABYTE,
                }),
            },
            regions,
            aggregator: policy.aggregator.as_deref(),
            address: policy.address.as_deref(),
            mail: policy.mail.as_ref().map(|mail| Mail {
                from: &mail.from,
                configuration_set: mail.configuration_set.as_deref(),
            }),
        }
    }
}

impl<'a> Notices<'a> {
    fn of(policy: &'a NoticePolicy) -> Result<Self> {
        let queue = policy.queue.as_ref();
        Ok(Self {
            operators_topic: Topic::of(&policy.operators_topic),
            owners_topic: Topic::of(&policy.owners_topic),
            queue: queue
                .map(|queue| Queue::of(queue, "notices.queue"))
                .transpose()?,
            slack: policy.slack.is_some(),
        })
    }
}

impl<'a> Queue<'a> {
    /// The queue that a key of the policy names.
    fn of(url: &'a QueueUrl, key: &str) -> Result<Self> {
        let not_of_aws =
            || format!("{key} is {url}, which is no queue of AWS: Terraform can't make it");
        Ok(Self {
            name: url.name(),
            account: url.account(),
            region: url.region().with_context(not_of_aws)?,
            arn: url.arn().with_context(not_of_aws)?,
            url,
        })
    }
}

impl<'a> Topic<'a> {
    fn of(arn: &'a TopicArn) -> Self {
        Self {
            name: arn.name(),
            account: arn.account(),
            region: arn.region(),
            arn,
        }
    }
}

impl<'a> Secret<'a> {
    fn of(arn: &'a SecretArn) -> Self {
        Self {
            name: arn.name(),
            account: arn.account(),
            region: arn.region(),
            arn,
        }
    }
}
