//! Reads `[report]`.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use super::super::compliance::{CompliancePolicy, FindingPolicy, Waiver};
use super::super::onboarding::OnboardingPolicy;
use super::super::report::{
    AthenaPolicy, EngineChoice, ExpectedRules, ObjectPlace, ReportMail, ReportPolicy,
};
use super::super::section::Section;
use super::values::{
    account_selectors, address, boolean, bucket, days, integer, link, parsed, prefix, set, text,
    words,
};
use crate::{OuId, Region, RuleName};

/// Most receivers of one mail. (SES developer guide, "Service quotas in Amazon SES".)
const MAX_RECEIVERS: usize = 50;

/// Most months in charts: with more, their labels run into each other on a page of usual width.
const MAX_TREND_MONTHS: i64 = 36;

/// The months in charts: the same month of the year before is among them.
const TREND_MONTHS: i64 = 13;

/// The age in days at which a snapshot says nothing any more: snapshots come daily, and one may be
/// late.
const STALE_AFTER_DAYS: i64 = 2;

/// Most gigabytes that the queries of a report scan: at 5 USD for a terabyte they cost half a
/// dollar. (Athena pricing page, November 2026.)
const SCAN_LIMIT_GB: i64 = 100;

/// The bytes of a gigabyte.
const GIGABYTE: u64 = 1_000_000_000;

/// The sections that the report goes by besides its own. `Some(None)` is one with problems, which
/// are told already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elsewhere<'a> {
    pub(super) onboarding: Option<Option<&'a OnboardingPolicy>>,
    pub(super) compliance: Option<Option<&'a CompliancePolicy>>,
    pub(super) waivers: &'a [Waiver],
}

pub(super) fn report_policy(
    mut section: Section<'_, '_>,
    elsewhere: Elsewhere<'_>,
) -> Option<ReportPolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let archive = archive(&mut section, elsewhere.onboarding);
    let store = store(&mut section, archive.as_ref());
    let engine = engine(&mut section);
    let history = section.read("history", boolean).unwrap_or(true);
    let regions = set(&mut section, "regions");
    let expected = expected(&mut section, &regions);
    let stale_after = section
        .read("stale_after_days", |value| integer(value, 1..=31))
        .unwrap_or(STALE_AFTER_DAYS);
    let aggregator = section.read("aggregator", words);
    let trend_months = section
        .read("trend_months", |value| integer(value, 1..=MAX_TREND_MONTHS))
        .unwrap_or(TREND_MONTHS);
    let mail = section
        .take("mail")
        .map(|value| mail(section.of("mail", value), elsewhere.compliance));
    let address = section.read("address", folder_link);
    let units = units(&mut section);
    section.finish();
    let onboarding = elsewhere.onboarding.flatten();
    let mail = match mail {
        Some(given) => Some(given?),
        None => None,
    };
    Some(ReportPolicy {
        enabled,
        archive: archive?,
        store: store?,
        engine: engine?,
        history,
        regions,
        expected,
        stale_after: days(stale_after),
        aggregator,
        trend_months: usize::try_from(trend_months).ok()?,
        mail,
        address,
        units,
        statuses: onboarding.map(|onboarding| onboarding.dashboard.clone()),
        findings: elsewhere.findings(),
    })
}

impl Elsewhere<'_> {
    /// The words of notify-compliance; without it, the waivers alone.
    fn findings(self) -> FindingPolicy {
        match self.compliance.flatten() {
            Some(compliance) => compliance.findings.clone(),
            None => FindingPolicy {
                waivers: self.waivers.to_vec(),
                ..FindingPolicy::default()
            },
        }
    }
}

/// The log archive: the one that onboard-accounts has AWS Config deliver to, unless it is given.
fn archive(
    section: &mut Section<'_, '_>,
    onboarding: Option<Option<&OnboardingPolicy>>,
) -> Option<ObjectPlace> {
    match (section.take("archive"), onboarding) {
        (Some(value), _) => place(section.of("archive", value)),
        (None, Some(onboarding)) => {
            let recording = &onboarding?.baseline.config;
            let before = recording.prefix.as_deref().unwrap_or_default();
            Some(ObjectPlace {
                bucket: recording.bucket.clone(),
                prefix: with_slash(before.to_owned()),
            })
        }
        (None, None) => {
            section.problem("`archive` is missing, as in { bucket = \"log-archive\", prefix = \"o-exampleorgid/\" }; only with [onboarding] it may be left out");
            None
        }
    }
}

fn store(section: &mut Section<'_, '_>, archive: Option<&ObjectPlace>) -> Option<ObjectPlace> {
    let Some(value) = section.take("store") else {
        section.problem("`store` is missing, as in { bucket = \"banto-reports\" }");
        return None;
    };
    let store = place(section.of("store", value))?;
    let lies_within = |archive: &ObjectPlace| {
        store.bucket == archive.bucket && store.prefix.starts_with(&archive.prefix)
    };
    if archive.is_some_and(lies_within) {
        section.problem_of(
            "store",
            "lies within `archive`, which nobody but AWS Config should write to; give another bucket or prefix",
        );
    }
    Some(store)
}

fn place(mut section: Section<'_, '_>) -> Option<ObjectPlace> {
    let bucket = section.require("bucket", bucket);
    let prefix = section.read("prefix", prefix).unwrap_or_default();
    section.finish();
    Some(ObjectPlace {
        bucket: bucket?,
        prefix,
    })
}

/// Athena, if its table is there.
fn engine(section: &mut Section<'_, '_>) -> Option<EngineChoice> {
    let Some(value) = section.take("athena") else {
        return Some(EngineChoice::Embedded);
    };
    let mut athena = section.of("athena", value);
    let workgroup = athena.require("workgroup", workgroup);
    let database = athena.require("database", database);
    let gigabytes = athena
        .read("scan_limit_gb", |value| integer(value, 1..=100_000))
        .unwrap_or(SCAN_LIMIT_GB);
    athena.finish();
    Some(EngineChoice::Athena(AthenaPolicy {
        workgroup: workgroup?,
        database: database?,
        scan_limit: u64::try_from(gigabytes).ok()?.saturating_mul(GIGABYTE),
    }))
}

fn expected(section: &mut Section<'_, '_>, delivering: &BTreeSet<Region>) -> Vec<ExpectedRules> {
    let mut all = Vec::new();
    for value in section.each("expected") {
        all.push(expected_rules(section.of("expected", value), delivering));
    }
    all
}

fn expected_rules(mut section: Section<'_, '_>, delivering: &BTreeSet<Region>) -> ExpectedRules {
    let rules: BTreeSet<String> = section.read_each("rules", rule).into_iter().collect();
    if rules.is_empty() {
        section.problem("`rules` must name at least one, as in [\"iam-user-mfa-enabled\"]");
    }
    let accounts = account_selectors(&mut section);
    let regions: BTreeSet<Region> = set(&mut section, "regions");
    let elsewhere = regions.difference(delivering).next();
    if let Some(region) = elsewhere.filter(|_| !delivering.is_empty()) {
        section.problem_of(
            "regions",
            format_args!("names {region}, which is not in `report.regions`"),
        );
    }
    section.finish();
    ExpectedRules {
        rules,
        accounts,
        regions,
    }
}

fn mail(
    mut section: Section<'_, '_>,
    compliance: Option<Option<&CompliancePolicy>>,
) -> Option<ReportMail> {
    let from = section.require("from", address);
    let to = section.read_each("to", address);
    if to.is_empty() {
        section.problem("`to` must name at least one address, who gets the mail with everything");
    }
    must_be_receivable(&section, "to", &to);
    let owners = owners(&mut section, compliance);
    let configuration_set = section.read("configuration_set", configuration_set);
    section.finish();
    Some(ReportMail {
        from: from?,
        to,
        owners,
        configuration_set,
    })
}

fn must_be_receivable(section: &Section<'_, '_>, key: &str, addresses: &[String]) {
    if addresses.len() > MAX_RECEIVERS {
        let count = addresses.len();
        section.problem_of(
            key,
            format_args!("has {count} addresses, more than the {MAX_RECEIVERS} that SES allows"),
        );
    }
}

/// The addresses of owners, by what the owner tag says.
fn owners(
    section: &mut Section<'_, '_>,
    compliance: Option<Option<&CompliancePolicy>>,
) -> BTreeMap<String, Vec<String>> {
    let mut owners = BTreeMap::new();
    for (owner, value) in section.entries("owners") {
        match addresses(value.get_ref()) {
            Ok(addresses) => drop(owners.insert(owner.to_owned(), addresses)),
            Err(why) => section.problem_at(value, "owners", format_args!("({owner:?}) {why}")),
        }
    }
    let has_tag = match compliance {
        None => false,
        Some(compliance) => {
            compliance.is_none_or(|compliance| compliance.findings.owner_tag.is_some())
        }
    };
    if !owners.is_empty() && !has_tag {
        section.problem_of(
            "owners",
            "goes by what the owner tag says, so that `compliance.owner_tag` must be given",
        );
    }
    owners
}

/// The names of organizational units. Two of one name could not be told apart in a report.
fn units(section: &mut Section<'_, '_>) -> BTreeMap<OuId, String> {
    let mut units: BTreeMap<OuId, String> = BTreeMap::new();
    for (id, value) in section.entries("units") {
        let unit = id.parse().map_err(|error| format!("{error}"));
        match unit.and_then(|unit: OuId| Ok((unit, words(value.get_ref())?))) {
            Ok((_, name)) if units.values().any(|other| *other == name) => section.problem_at(
                value,
                "units",
                format_args!("({id:?}) has the name {name:?}, which another one has, too"),
            ),
            Ok((unit, name)) => drop(units.insert(unit, name)),
            Err(why) => section.problem_at(value, "units", format_args!("({id:?}) {why}")),
        }
    }
    units
}

// --- Values ------------------------------------------------------------------------------------

fn with_slash(text: String) -> String {
    if text.is_empty() || text.ends_with('/') {
        text
    } else {
        text + "/"
    }
}

/// A link that names of objects are put after.
fn folder_link(value: &DeValue<'_>) -> Result<String, String> {
    let found = link(value)?;
    if found.contains(['?', '#']) {
        return Err(format!(
            "must be a link that names of objects can follow, without ? and #, but is {found:?}"
        ));
    }
    Ok(with_slash(found))
}

/// A rule's own name.
fn rule(value: &DeValue<'_>) -> Result<String, String> {
    let found: RuleName = parsed(value)?;
    let name = found.as_str();
    if name.contains(['*', '?']) {
        return Err(format!(
            "must be a rule's whole name, since a missing one must have a name, but is {name:?}"
        ));
    }
    match found.plain() {
        own if own == name => Ok(name.to_owned()),
        own => Err(format!(
            "must be a rule's own name, which is {own:?}, but is {name:?}"
        )),
    }
}

/// One address, or a list of them.
fn addresses(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let Some(list) = value.as_array() else {
        return Ok(vec![address(value)?]);
    };
    let all: Vec<String> = list
        .iter()
        .map(|entry| address(entry.get_ref()))
        .collect::<Result<_, _>>()?;
    match all.len() {
        0 => Err("must name at least one address".to_owned()),
        count if count > MAX_RECEIVERS => Err(format!(
            "has {count} addresses, more than the {MAX_RECEIVERS} that SES allows"
        )),
        _ => Ok(all),
    }
}

/// A name of letters, digits and a few signs.
fn plain_name(
    value: &DeValue<'_>,
    most: usize,
    signs: &str,
    expected: &str,
) -> Result<String, String> {
    let found = text(value)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    if (1..=most).contains(&found.len()) && found.chars().all(is_plain) {
        Ok(found)
    } else {
        Err(format!("must be {expected}, but is {found:?}"))
    }
}

/// (Athena API reference, `WorkGroup`, field `Name`.)
fn workgroup(value: &DeValue<'_>) -> Result<String, String> {
    let expected = "a workgroup's name (1 to 128 letters, digits, dots, hyphens and underscores)";
    plain_name(value, 128, "._-", expected)
}

/// A name that needs no quotes in SQL. (Athena user guide, "Name databases, tables, and columns".)
fn database(value: &DeValue<'_>) -> Result<String, String> {
    let expected = "a database's name (1 to 255 small letters, digits and underscores)";
    match plain_name(value, 255, "_", expected)? {
        found if found.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Err(format!("must be {expected}, but is {found:?}"))
        }
        found => Ok(found),
    }
}

/// (SES API v2 reference, `CreateConfigurationSet`, field `ConfigurationSetName`.)
fn configuration_set(value: &DeValue<'_>) -> Result<String, String> {
    let expected = "a configuration set's name (1 to 64 letters, digits, hyphens and underscores)";
    plain_name(value, 64, "_-", expected)
}
