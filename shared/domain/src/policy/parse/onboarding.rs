//! Reads `[onboarding]`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::onboarding::{
    AccountSelector, Baseline, Dashboard, Instead, Item, OnboardingPolicy, Override, Recording,
    StackSet, Way,
};
use super::super::section::Section;
use super::values::{boolean, bucket, one_of, parsed, text, words};
use crate::{AccountId, OuId, Region};

mod places;
mod recording;
mod roles;
mod settings;

use places::Places;
use recording::{must_be_recordable, recording};
use roles::{must_be_distinct, named_role};
use settings::settings_of;

/// The role that Organizations makes in every account that it creates.
const REACH_ROLE: &str = "OrganizationAccountAccessRole";

/// The keys of `[onboarding]` that decide about its overrides.
#[derive(Debug, Clone, Copy)]
struct Surroundings<'a> {
    way: Option<&'a Way>,
    management_account: Option<&'a AccountId>,
    home: Option<&'a Region>,
    baseline: &'a Baseline,
}

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
    let baseline = baseline(&mut section, home_region.as_ref(), None);
    if let Some(Way::StackSet(_)) = &way {
        if let Some(Baseline { regions: None, .. }) = &baseline {
            section.problem("a StackSet needs to be told its `regions`; only the way \"direct\" can do every enabled one");
        }
        if control_tower {
            // AWS Config developer guide, "Working with the Configuration Recorder": one an account
            // and region.
            section.problem_of(
                "control_tower",
                "can't be true where `way` is \"stackset\": Control Tower makes a recorder in every account, and every stack would fail with a second one; make `way` \"direct\"",
            );
        }
    }
    let values = section.each("overrides");
    let overrides: Option<Vec<Override>> = baseline.as_ref().map(|baseline| {
        let surroundings = Surroundings {
            way: way.as_ref(),
            management_account: management_account.as_ref(),
            home: home_region.as_ref(),
            baseline,
        };
        let overrides = values.into_iter();
        overrides
            .filter_map(|value| exception(section.of("overrides", value), surroundings))
            .collect()
    });
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
        overrides: overrides?,
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

fn exception(mut section: Section<'_, '_>, surroundings: Surroundings<'_>) -> Option<Override> {
    let who = selector(&mut section);
    let instead = match section.read("left_alone_because", words) {
        Some(reason) => Some(Instead::LeftAlone { reason }),
        None => {
            must_be_expressible(&section, who.as_ref(), surroundings);
            let otherwise = Some(surroundings.baseline);
            baseline(&mut section, surroundings.home, otherwise)
                .map(|baseline| Instead::Baseline(Box::new(baseline)))
        }
    };
    section.finish();
    Some(Override {
        who: who?,
        instead: instead?,
    })
}

fn selector(section: &mut Section<'_, '_>) -> Option<AccountSelector> {
    let given = ["account", "ou", "tag"]
        .into_iter()
        .filter(|key| section.has(key))
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
    account.or(ou).or(tag)
}

/// Notes what the way by StackSet can't do for some accounts only.
fn must_be_expressible(
    section: &Section<'_, '_>,
    who: Option<&AccountSelector>,
    surroundings: Surroundings<'_>,
) {
    let is_management = match who {
        Some(AccountSelector::Account(id)) => Some(id) == surroundings.management_account,
        Some(AccountSelector::Ou(_) | AccountSelector::Tag { .. }) | None => false,
    };
    let is_direct = is_management || !matches!(surroundings.way, Some(Way::StackSet(_)));
    for key in ["config", "roles"] {
        if section.has(key) && !is_direct {
            section.problem_of(
                key,
                "can't differ where `way` is \"stackset\": every account gets the same template; leave it out, or make `way` \"direct\" (only the management account, selected by `account`, is done directly in either way)",
            );
        }
    }
}

/// The baseline that a section gives, on top of another if there is one.
fn baseline(
    section: &mut Section<'_, '_>,
    home: Option<&Region>,
    otherwise: Option<&Baseline>,
) -> Option<Baseline> {
    let regions = regions(section, home, otherwise);
    let places = Places {
        home,
        regions: regions.as_ref(),
    };
    let config = config(section, places, otherwise);
    let mut roles = otherwise.map_or_else(BTreeMap::new, |otherwise| otherwise.roles.clone());
    for (name, value) in section.entries("roles") {
        roles.extend(named_role(section, name, value));
    }
    must_be_distinct(section, &roles);
    let settings = section
        .take("settings")
        .map(|value| section.of("settings", value));
    let settings = settings
        .map(|section| settings_of(section, otherwise.map(|otherwise| &otherwise.settings)));
    let settings = settings
        .or_else(|| otherwise.map(|otherwise| otherwise.settings.clone()))
        .unwrap_or_default();
    let report_only = section
        .read_each("report_only", |value| one_of(value, &Item::ALL))
        .into_iter()
        .collect();
    let report_only = match otherwise {
        Some(otherwise) if !section.has("report_only") => otherwise.report_only.clone(),
        _ => report_only,
    };
    Some(Baseline {
        regions,
        roles,
        config: config?,
        settings,
        report_only,
    })
}

fn regions(
    section: &mut Section<'_, '_>,
    home: Option<&Region>,
    otherwise: Option<&Baseline>,
) -> Option<BTreeSet<Region>> {
    let key = "regions";
    let regions: BTreeSet<Region> = section.read_each(key, parsed).into_iter().collect();
    if !section.has(key) {
        return otherwise.and_then(|otherwise| otherwise.regions.clone());
    }
    if regions.is_empty() {
        section.problem_of(
            key,
            "must name at least one; leave it out for every enabled region",
        );
    } else if let Some(home) = home
        && !regions.contains(home)
    {
        section.problem_of(
            key,
            format_args!("must hold `home_region` ({home}), where global types are recorded"),
        );
    }
    Some(regions)
}

fn config(
    section: &mut Section<'_, '_>,
    places: Places<'_>,
    otherwise: Option<&Baseline>,
) -> Option<Recording> {
    let otherwise = otherwise.map(|otherwise| &otherwise.config);
    match (section.take("config"), otherwise) {
        (Some(value), _) => recording(section.of("config", value), otherwise, places),
        (None, Some(otherwise)) => {
            if section.has("regions") {
                must_be_recordable(section, otherwise, places);
            }
            Some(otherwise.clone())
        }
        (None, None) => {
            section.problem("[onboarding.config] is missing: at least its `bucket`");
            None
        }
    }
}
