//! Reads `[onboarding]`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::super::onboarding::{
    AccountSelector, Baseline, CONTINUOUS_TYPES, Contact, ContactKind, Dashboard, Frequency,
    Instead, Item, OnboardingPolicy, Override, PasswordPolicy, Recording, Role, Settings,
    SnapshotFrequency, StackSet, Types, Way,
};
use super::super::section::Section;
use super::values::{boolean, bucket, integer, parsed, text, words};
use crate::{OuId, PolicyArn, ResourceType, RoleName};

/// The role that Organizations makes in every account that it creates.
const REACH_ROLE: &str = "OrganizationAccountAccessRole";

pub(super) fn onboarding_policy(mut section: Section<'_, '_>) -> Option<OnboardingPolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let way = way(&mut section);
    let management_account = section.require("management_account", parsed);
    let reach_role = section
        .read("reach_role", parsed)
        .or_else(|| REACH_ROLE.parse().ok());
    let home_region = section.require("home_region", parsed);
    let control_tower = section.read("control_tower", boolean).unwrap_or(false);
    let queue = section.require("queue", parsed);
    let table = section.require("table", words);
    let dashboard = dashboard(&mut section);
    let baseline = baseline(&mut section, None);
    if let (
        Some(Baseline {
            regions: Some(regions),
            ..
        }),
        Some(home),
    ) = (&baseline, &home_region)
        && !regions.contains(home)
    {
        section.problem(format_args!(
            "`regions` must hold `home_region` ({home}), where global types are recorded"
        ));
    }
    if let (Some(Baseline { regions: None, .. }), Some(Way::StackSet(_))) = (&baseline, &way) {
        section.problem("a StackSet needs to be told its `regions`; only the way \"direct\" can do every enabled one");
    }
    let overrides: Vec<Override> = match &baseline {
        Some(baseline) => {
            let values = section.each("overrides");
            values
                .into_iter()
                .filter_map(|value| exception(section.of("overrides", value), baseline))
                .collect()
        }
        None => {
            section.take("overrides");
            Vec::new()
        }
    };
    section.finish();
    Some(OnboardingPolicy {
        enabled,
        way: way?,
        management_account: management_account?,
        reach_role: reach_role?,
        home_region: home_region?,
        control_tower,
        queue: queue?,
        table: table?,
        dashboard: dashboard?,
        baseline: baseline?,
        overrides,
    })
}

/// Where the dashboard finds the status of all accounts.
fn dashboard(section: &mut Section<'_, '_>) -> Option<Dashboard> {
    let Some(value) = section.take("dashboard") else {
        section.problem("`dashboard` is missing, as in { bucket = \"banto-dashboard\", key = \"accounts.json\" }");
        return None;
    };
    let mut dashboard = section.of("dashboard", value);
    let bucket = dashboard.require("bucket", bucket);
    let key = dashboard.read("key", words);
    dashboard.finish();
    Some(Dashboard {
        bucket: bucket?,
        key: key.unwrap_or_else(|| "accounts.json".to_owned()),
    })
}

fn way(section: &mut Section<'_, '_>) -> Option<Way> {
    let direct = section.require("way", |value| match text(value)?.as_str() {
        "direct" => Ok(true),
        "stackset" => Ok(false),
        other => Err(format!(
            "must be \"stackset\" or \"direct\", but is {other:?}"
        )),
    });
    let stack_set = section
        .take("stack_set")
        .map(|value| section.of("stack_set", value));
    match (direct?, stack_set) {
        (true, None) => Some(Way::Direct),
        (true, Some(stack_set)) => {
            stack_set.problem("has no meaning where `way` is \"direct\"");
            None
        }
        (false, None) => {
            section.problem("`way` is \"stackset\", but [onboarding.stack_set] is missing");
            None
        }
        (false, Some(mut stack_set)) => {
            let name = stack_set.require("name", words);
            let targets: Vec<OuId> = stack_set.read_each("targets", parsed);
            if targets.is_empty() {
                stack_set
                    .problem("`targets` must name the root or at least one organizational unit");
            }
            let delegated = stack_set.read("delegated", boolean).unwrap_or(false);
            stack_set.finish();
            Some(Way::StackSet(StackSet {
                name: name?,
                targets,
                delegated,
            }))
        }
    }
}

fn exception(mut section: Section<'_, '_>, otherwise: &Baseline) -> Option<Override> {
    let given = ["account", "ou", "tag"]
        .into_iter()
        .filter(|key| section.take(key).is_some())
        .count();
    let account = section
        .read("account", parsed)
        .map(AccountSelector::Account);
    let ou = section.read("ou", parsed).map(AccountSelector::Ou);
    let tag = section
        .take("tag")
        .map(|value| section.of("tag", value))
        .and_then(|mut tag| {
            let (key, value) = (tag.require("key", words), tag.require("value", text));
            tag.finish();
            Some(AccountSelector::Tag {
                key: key?,
                value: value?,
            })
        });
    if given != 1 {
        section.problem("must have exactly one of `account`, `ou` and `tag`");
    }
    let instead = match section.read("left_alone_because", words) {
        Some(reason) => Some(Instead::LeftAlone { reason }),
        None => baseline(&mut section, Some(otherwise))
            .map(|baseline| Instead::Baseline(Box::new(baseline))),
    };
    section.finish();
    Some(Override {
        who: account.or(ou).or(tag)?,
        instead: instead?,
    })
}

/// The baseline that a section gives, on top of another if there is one.
fn baseline(section: &mut Section<'_, '_>, otherwise: Option<&Baseline>) -> Option<Baseline> {
    let has_regions = section.take("regions").is_some();
    let regions: BTreeSet<_> = section.read_each("regions", parsed).into_iter().collect();
    if has_regions && regions.is_empty() {
        section.problem("`regions` must name at least one; leave it out for every enabled region");
    }
    let regions = if has_regions {
        Some(regions)
    } else {
        otherwise.and_then(|otherwise| otherwise.regions.clone())
    };
    let config = match section.take("config") {
        Some(value) => recording(
            section.of("config", value),
            otherwise.map(|otherwise| &otherwise.config),
        ),
        None if otherwise.is_none() => {
            section.problem("[onboarding.config] is missing: at least its `bucket`");
            None
        }
        None => otherwise.map(|otherwise| otherwise.config.clone()),
    };
    let roles: Vec<(RoleName, Option<Role>)> = section
        .entries("roles")
        .into_iter()
        .filter_map(|(name, value)| named_role(section, name, value))
        .collect();
    let mut merged = otherwise.map_or_else(BTreeMap::new, |otherwise| otherwise.roles.clone());
    merged.extend(
        roles
            .into_iter()
            .filter_map(|(name, role)| Some((name, role?))),
    );
    let settings = section
        .take("settings")
        .map(|value| section.of("settings", value));
    let settings = settings
        .map(|section| settings_of(section, otherwise.map(|otherwise| &otherwise.settings)));
    let settings = settings
        .or_else(|| otherwise.map(|otherwise| otherwise.settings.clone()))
        .unwrap_or_default();
    let has_report_only = section.take("report_only").is_some();
    let report_only = section
        .read_each("report_only", |value| one_of(value, &Item::ALL))
        .into_iter()
        .collect();
    let report_only = match otherwise {
        Some(otherwise) if !has_report_only => otherwise.report_only.clone(),
        _ => report_only,
    };
    Some(Baseline {
        regions,
        roles: merged,
        config: config?,
        settings,
        report_only,
    })
}

fn named_role(
    section: &Section<'_, '_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
) -> Option<(RoleName, Option<Role>)> {
    let role = role(section.of("roles", value));
    match name.parse() {
        Ok(name) => Some((name, role)),
        Err(error) => {
            section.problem(format_args!("a role is named wrongly: {error}"));
            None
        }
    }
}

fn role(mut section: Section<'_, '_>) -> Option<Role> {
    let description = section
        .read("description", words)
        .unwrap_or_else(|| "Made by Banto".to_owned());
    let trusted: BTreeSet<_> = section.read_each("trusted", parsed).into_iter().collect();
    if trusted.is_empty() {
        section.problem("`trusted` must name at least one account, like the identity account");
    }
    let mfa = section.read("mfa", boolean).unwrap_or(true);
    let conditions = section.read("conditions", json_object);
    let max_session_hours = section
        .read("max_session_hours", |value| integer(value, 1..=12))
        .unwrap_or(1);
    let managed_policies: BTreeSet<PolicyArn> = section
        .read_each("managed_policies", parsed)
        .into_iter()
        .collect();
    let inline_policies = json_entries(&mut section, "inline_policies");
    if managed_policies.is_empty() && inline_policies.is_empty() {
        section.problem(
            "must have `managed_policies` or `inline_policies`; a role without them can do nothing",
        );
    }
    // IAM user guide, "IAM and AWS STS quotas": 20 managed policies a role at the most.
    if managed_policies.len() > 20 {
        section.problem("has more than 20 `managed_policies`, the most that IAM allows");
    }
    let boundary = section.read("boundary", parsed);
    let mut tags = BTreeMap::new();
    for (key, value) in section.entries("tags") {
        match text(value.get_ref()) {
            Ok(value) => drop(tags.insert(key.to_owned(), value)),
            Err(why) => section.problem(format_args!("the tag {key:?} {why}")),
        }
        if key.starts_with("banto:") {
            section.problem(format_args!("the tag {key:?} is Banto's own"));
        }
    }
    section.finish();
    Some(Role {
        description,
        trusted,
        mfa,
        conditions,
        max_session_hours: i32::try_from(max_session_hours).ok()?,
        managed_policies,
        inline_policies,
        boundary,
        tags,
    })
}

fn recording(mut section: Section<'_, '_>, otherwise: Option<&Recording>) -> Option<Recording> {
    let only: BTreeSet<ResourceType> = section
        .read_each("only_types", parsed)
        .into_iter()
        .collect();
    let all_but: BTreeSet<ResourceType> = section
        .read_each("all_but_types", parsed)
        .into_iter()
        .collect();
    let types = match (only.is_empty(), all_but.is_empty()) {
        (true, true) => otherwise.map_or(Types::All, |otherwise| otherwise.types.clone()),
        (false, true) => Types::Only(only),
        (true, false) => Types::AllBut(all_but),
        (false, false) => {
            section.problem("must have `only_types` or `all_but_types`, not both");
            Types::All
        }
    };
    let own_frequency = section.read("frequency", frequency);
    let mut frequency_of =
        otherwise.map_or_else(BTreeMap::new, |otherwise| otherwise.frequency_of.clone());
    for (name, value) in section.entries("frequency_of") {
        match (name.parse::<ResourceType>(), frequency(value.get_ref())) {
            (Ok(resource_type), Ok(frequency)) => {
                if frequency == Frequency::Daily
                    && CONTINUOUS_TYPES.contains(&resource_type.as_str())
                {
                    section.problem(format_args!(
                        "{resource_type} can't be recorded daily, says AWS Config"
                    ));
                }
                frequency_of.insert(resource_type, frequency);
            }
            (Err(error), _) => section.problem(format_args!("`frequency_of`: {error}")),
            (_, Err(why)) => section.problem(format_args!("`frequency_of`: {name} {why}")),
        }
    }
    let snapshots = section.read("snapshot_hours", |value| {
        let found = integer(value, 1..=24)?;
        let known = SnapshotFrequency::ALL
            .into_iter()
            .find(|(hours, _)| *hours == found);
        known
            .map(|(_, frequency)| frequency)
            .ok_or_else(|| format!("must be 1, 3, 6, 12 or 24, but is {found}"))
    });
    let bucket = if otherwise.is_none() {
        section.require("bucket", bucket)
    } else {
        section.read("bucket", bucket)
    };
    let prefix = section.read("prefix", words);
    let kms_key = section.read("kms_key", parsed);
    let topic = section.read("topic", parsed);
    section.finish();
    Some(Recording {
        types,
        frequency: own_frequency
            .or(otherwise.map(|otherwise| otherwise.frequency))
            .unwrap_or(Frequency::Continuous),
        frequency_of,
        snapshots: snapshots
            .or(otherwise.map(|otherwise| otherwise.snapshots))
            .unwrap_or(SnapshotFrequency::TwentyFourHours),
        bucket: bucket.or_else(|| otherwise.map(|otherwise| otherwise.bucket.clone()))?,
        prefix: prefix.or_else(|| otherwise.and_then(|otherwise| otherwise.prefix.clone())),
        kms_key: kms_key.or_else(|| otherwise.and_then(|otherwise| otherwise.kms_key.clone())),
        topic: topic.or_else(|| otherwise.and_then(|otherwise| otherwise.topic.clone())),
    })
}

fn settings_of(mut section: Section<'_, '_>, otherwise: Option<&Settings>) -> Settings {
    let mut settings = otherwise.cloned().unwrap_or_default();
    if let Some(value) = section.take("password_policy") {
        settings.password_policy = password_policy(section.of("password_policy", value));
    }
    let mut read = |key, otherwise| section.read(key, boolean).unwrap_or(otherwise);
    settings.block_public_access = read("block_public_access", settings.block_public_access);
    settings.ebs_encryption = read("ebs_encryption", settings.ebs_encryption);
    settings.delete_default_vpc = read("delete_default_vpc", settings.delete_default_vpc);
    if let Some(value) = section.take("contacts") {
        let mut contacts = section.of("contacts", value);
        for (name, kind) in ContactKind::ALL {
            if let Some(value) = contacts.take(name) {
                let contact = contact(contacts.of(name, value));
                settings
                    .contacts
                    .extend(contact.map(|contact| (kind, contact)));
            }
        }
        contacts.finish();
    }
    section.finish();
    settings
}

fn password_policy(mut section: Section<'_, '_>) -> Option<PasswordPolicy> {
    let mut read = |key, range: RangeInclusive<i64>| {
        section
            .read(key, |value| integer(value, range.clone()))
            .and_then(|number| i32::try_from(number).ok())
    };
    let minimum_length = read("minimum_length", 6..=128);
    let max_age_days = read("max_age_days", 1..=1_095);
    let reuse_prevention = read("reuse_prevention", 1..=24);
    let all_character_kinds = section.read("all_character_kinds", boolean).unwrap_or(true);
    section.finish();
    let minimum_length = minimum_length.unwrap_or(14);
    Some(PasswordPolicy {
        minimum_length,
        all_character_kinds,
        max_age_days,
        reuse_prevention,
    })
}

fn contact(mut section: Section<'_, '_>) -> Option<Contact> {
    let mut require = |key| section.require(key, words);
    let (name, title, email, phone) = (
        require("name"),
        require("title"),
        require("email"),
        require("phone"),
    );
    section.finish();
    Some(Contact {
        name: name?,
        title: title?,
        email: email?,
        phone: phone?,
    })
}

// --- Values ------------------------------------------------------------------------------------

fn frequency(value: &DeValue<'_>) -> Result<Frequency, String> {
    one_of(
        value,
        &[
            ("continuous", Frequency::Continuous),
            ("daily", Frequency::Daily),
        ],
    )
}

fn one_of<T: Copy>(value: &DeValue<'_>, known: &[(&'static str, T)]) -> Result<T, String> {
    let found = text(value)?;
    let names = || {
        known
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let matching = known
        .iter()
        .find(|(name, _)| *name == found)
        .map(|(_, value)| *value);
    matching.ok_or_else(|| format!("must be one of {}, but is {found:?}", names()))
}

fn json_object(value: &DeValue<'_>) -> Result<Value, String> {
    match serde_json::from_str(&text(value)?) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err("must be a JSON object".to_owned()),
        Err(error) => Err(format!("is not JSON: {error}")),
    }
}

fn json_entries(section: &mut Section<'_, '_>, key: &'static str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (name, value) in section.entries(key) {
        match json_object(value.get_ref()) {
            Ok(object) => drop(found.insert(name.to_owned(), object)),
            Err(why) => section.problem(format_args!("`{key}`: {name} {why}")),
        }
    }
    found
}
