//! The parts of reports.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{FindingKey, Severity};
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace, ReportPolicy};
use banto_domain::{AccountId, Month, Region, RuleName, RuleSource};
use jiff::{SignedDuration, Timestamp};
use report_compliance::model::{
    AccountLine, FindingRow, FindingStatus, FirstStep, RuleLine, Tally, WaiverLine, WaiverNote,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

pub(crate) fn region(text: &str) -> Region {
    text.parse().unwrap()
}

pub(crate) fn account(number: u64) -> AccountId {
    format!("{:012}", 111_122_223_333 + number).parse().unwrap()
}

pub(crate) fn policy() -> ReportPolicy {
    let place = |prefix: &str| ObjectPlace {
        bucket: "log-archive".into(),
        prefix: prefix.into(),
    };
    ReportPolicy {
        enabled: true,
        archive: place(""),
        store: place("reports/"),
        engine: EngineChoice::Embedded,
        history: true,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(48),
        aggregator: None,
        trend_months: 12,
        mail: None,
        address: Some("https://reports.example.com/compliance/".into()),
        units: BTreeMap::new(),
        statuses: None,
        findings: FindingPolicy {
            console: Some(
                "https://example.awsapps.com/start/#/console?account_id={account}&destination={url}"
                    .into(),
            ),
            ..FindingPolicy::default()
        },
    }
}

pub(crate) fn tally([compliant, new, open, waived, unknown, fixed, closed]: [u64; 7]) -> Tally {
    Tally {
        compliant,
        new,
        open,
        waived,
        unknown,
        fixed,
        closed,
    }
}

pub(crate) fn sum<'a>(tallies: impl IntoIterator<Item = &'a Tally>) -> Tally {
    tallies
        .into_iter()
        .fold(Tally::default(), |mut sum, tally| {
            sum.add(tally);
            sum
        })
}

pub(crate) fn line(number: u64, name: &str, owner: Option<&str>, tally: Tally) -> AccountLine {
    AccountLine {
        account: account(number),
        name: name.into(),
        owner: owner.map(str::to_owned),
        unit: "workloads".into(),
        tally,
        oldest: Some(at("2026-03-12T08:00:00Z")),
        snapshot_at: Some(at("2026-10-31T18:40:00Z")),
        unknown_regions: BTreeMap::new(),
        silent_since: BTreeMap::new(),
        onboarding: None,
        expected: 40,
        known: 40,
        recorded: 12_000,
    }
}

/// Rules of the catalogue, with the catalogue's words.
pub(crate) fn rule(name: &str, severity: Severity, tally: Tally) -> RuleLine {
    let own: RuleName = name.parse().unwrap();
    let text = FindingPolicy::default().rule_text(&own);
    RuleLine {
        rule: own,
        title: text.title,
        severity,
        remedy: text.remedy,
        runbook: (name == PUBLIC).then(|| "https://wiki.example.com/public-buckets".to_owned()),
        sources: vec![RuleSource::Account],
        tally,
        oldest: Some(at("2026-03-12T08:00:00Z")),
    }
}

pub(crate) const PUBLIC: &str = "s3-bucket-public-read-prohibited";
pub(crate) const MFA: &str = "iam-user-mfa-enabled";
pub(crate) const SSH: &str = "restricted-ssh";
pub(crate) const VOLUMES: &str = "encrypted-volumes";

pub(crate) fn finding(
    number: u64,
    rule: &str,
    resource: (&str, &str),
    severity: Severity,
    since: &str,
) -> FindingRow {
    let since = at(since);
    let (resource_type, id) = resource;
    FindingRow {
        key: FindingKey::new(
            account(number),
            &region("eu-west-1"),
            rule.parse().unwrap(),
            resource_type.into(),
            id.into(),
        ),
        name: None,
        arn: None,
        severity,
        status: if since >= month("2026-10").start() {
            FindingStatus::New
        } else {
            FindingStatus::Open
        },
        since,
        seen_at: at("2026-10-31T18:40:00Z"),
        unknown_because: None,
        waiver: None,
    }
}

pub(crate) fn step(
    rule: &str,
    severity: Severity,
    [open, new, accounts]: [u64; 3],
    most_in: u64,
) -> FirstStep {
    FirstStep {
        rule: rule.parse().unwrap(),
        severity,
        open,
        new,
        accounts,
        most_in: account(most_in),
        oldest: Some(at("2026-03-12T08:00:00Z")),
    }
}

pub(crate) fn waiver(rule: &str, resource: &str, until: &str, accepts: u64) -> WaiverLine {
    WaiverLine {
        rule: rule.into(),
        account: Some(account(0)),
        resource: resource.into(),
        note: WaiverNote {
            owner: "alice".into(),
            reason: "a public page".into(),
            until: at(until),
        },
        accepts,
        has_ended: at(until) < month("2026-10").end(),
    }
}
