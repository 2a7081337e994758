//! Reports of months, as the planner makes them.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_domain::compliance::Severity;
use report_compliance::evidence::{EngineUsage, Period, Problem};
use report_compliance::model::{
    AccountLine, Cell, Contributor, Coverage, CoverageReport, FindingRow, MonthReport,
    RecordingReport, RuleLine, Tally, TrendPoint, UnknownReason, VERSION, WORST, WaiverLine,
};

use super::samples::*;

fn accounts() -> Vec<AccountLine> {
    let mut silent = line(3, "data-lake", Some("data"), tally([0, 0, 0, 0, 181, 0, 0]));
    let reasons = [
        ("eu-west-1", UnknownReason::StoppedDelivering),
        ("eu-north-1", UnknownReason::StoppedDelivering),
        ("us-east-1", UnknownReason::NoComplianceItems),
    ];
    silent.unknown_regions = reasons.map(|(name, reason)| (region(name), reason)).into();
    silent.silent_since = [
        (region("eu-west-1"), at("2026-10-03T10:00:00Z")),
        (region("eu-north-1"), at("2026-10-03T10:00:00Z")),
    ]
    .into();
    silent.onboarding = Some("the recorder is stopped".into());
    silent.known = 0;
    let mut fresh = line(5, "sandbox-alice", None, Tally::default());
    fresh.snapshot_at = None;
    (fresh.expected, fresh.known) = (0, 0);
    vec![
        line(
            0,
            "payments",
            Some("payments"),
            tally([1_900, 9, 120, 2, 0, 14, 1]),
        ),
        line(
            1,
            "payments-staging",
            Some("payments"),
            tally([1_410, 2, 31, 0, 4, 3, 0]),
        ),
        line(2, "website", Some("web"), tally([802, 3, 12, 1, 0, 15, 4])),
        silent,
        line(4, "log-archive", None, tally([330, 0, 0, 0, 0, 0, 0])),
        fresh,
    ]
}

/// A month like most.
pub(crate) fn normal() -> MonthReport {
    let accounts = accounts();
    let totals = sum(accounts.iter().map(|line| &line.tally));
    let by_owner = ["payments", "web", "data", ""].map(|owner| {
        let theirs = accounts
            .iter()
            .filter(|line| line.owner.as_deref().unwrap_or("") == owner);
        (owner.to_owned(), sum(theirs.map(|line| &line.tally)))
    });
    MonthReport {
        engine: EngineUsage {
            objects: 1_284,
            bytes: 96_400_000,
            by_athena: false,
        },
        totals,
        by_severity: [
            (Severity::Critical, tally([800, 2, 2, 1, 0, 4, 1])),
            (Severity::High, tally([2_000, 6, 41, 2, 0, 20, 0])),
            (Severity::Medium, tally([1_642, 6, 120, 0, 185, 8, 4])),
        ]
        .into(),
        by_owner: by_owner.into(),
        rules: vec![
            rule(
                VOLUMES,
                Severity::Medium,
                tally([1_642, 6, 120, 0, 185, 8, 4]),
            ),
            rule(MFA, Severity::High, tally([1_000, 2, 20, 2, 0, 10, 0])),
            rule(SSH, Severity::High, tally([1_000, 4, 21, 0, 0, 10, 0])),
            rule(PUBLIC, Severity::Critical, tally([800, 2, 2, 1, 0, 4, 1])),
        ],
        cells: [0, 1, 2].map(|account| missing(account, 1)).into(),
        coverage: CoverageReport {
            expected: 200,
            known: 157,
            missing: 3,
            unknown: [
                (UnknownReason::StoppedDelivering, 30),
                (UnknownReason::NoComplianceItems, 10),
            ]
            .into(),
            accounts_unknown: 2,
            accounts: 6,
        },
        accounts,
        oldest: Some(at("2026-03-12T08:00:00Z")),
        worst: worst(),
        first: vec![
            step(PUBLIC, Severity::Critical, [4, 2, 2], 0),
            step(SSH, Severity::High, [25, 4, 3], 0),
            step(MFA, Severity::High, [22, 2, 1], 2),
            step(VOLUMES, Severity::Medium, [126, 6, 3], 1),
        ],
        waivers: vec![
            waiver(PUBLIC, "invoice-assets", "2026-11-20T00:00:00Z", 1),
            waiver(MFA, "build-*", "2026-10-15T00:00:00Z", 0),
            waiver(MFA, "legacy", "2027-06-01T00:00:00Z", 2),
        ],
        recording: recording(),
        problems: vec![Problem {
            key: "AWSLogs/111122223333/Config/eu-west-1/2026/10/31/ConfigSnapshot/\
                  111122223333_Config_eu-west-1_ConfigSnapshot_20261031T060000Z_1.json.gz"
                .into(),
            what: "it ends within an item".into(),
        }],
        problem_count: 1,
        trend: trend(totals),
        ..empty()
    }
}

fn missing(account: u32, rule: u32) -> Cell {
    Cell {
        account,
        rule,
        tally: Tally::default(),
        coverage: Coverage::Missing,
    }
}

fn worst() -> Vec<FindingRow> {
    let bucket = |id| ("AWS::S3::Bucket", id);
    let mut worst = vec![
        finding(
            0,
            PUBLIC,
            bucket("invoices-2019"),
            Severity::Critical,
            "2026-03-12T08:00:00Z",
        ),
        finding(
            0,
            PUBLIC,
            bucket("exports"),
            Severity::Critical,
            "2026-10-28T09:30:00Z",
        ),
        finding(
            2,
            MFA,
            ("AWS::IAM::User", "AIDAEXAMPLE"),
            Severity::High,
            "2025-08-01T00:00:00Z",
        ),
        finding(
            1,
            SSH,
            ("AWS::EC2::SecurityGroup", "sg-0a1b"),
            Severity::High,
            "2026-09-30T23:59:59Z",
        ),
        finding(
            0,
            "root-account-mfa-enabled",
            ("AWS::::Account", "111122223333"),
            Severity::High,
            "2026-10-31T20:00:00Z",
        ),
    ];
    worst[2].name = Some("alice".into());
    worst
}

fn recording() -> RecordingReport {
    let contributor = |number, resource_type: &str, items| Contributor {
        account: account(number),
        resource_type: resource_type.into(),
        items,
    };
    RecordingReport {
        is_known: true,
        items: 61_204,
        by_type: BTreeMap::new(),
        contributors: vec![
            contributor(0, "AWS::EC2::NetworkInterface", 38_000),
            contributor(1, "AWS::Config::ResourceCompliance", 9_120),
            contributor(2, "AWS::EC2::Instance", 900),
        ],
    }
}

fn trend(totals: Tally) -> Vec<TrendPoint> {
    let point = |month: &str, totals, known| TrendPoint {
        month: self::month(month),
        totals,
        accounts: 6,
        expected: 200,
        known,
    };
    vec![
        point("2026-07", tally([3_500, 40, 310, 0, 0, 9, 0]), 200),
        point("2026-08", tally([3_900, 21, 290, 0, 0, 60, 2]), 200),
        point("2026-09", tally([4_300, 12, 188, 3, 20, 110, 6]), 190),
        point("2026-10", totals, 157),
    ]
}

/// The first month of all.
pub(crate) fn first() -> MonthReport {
    let mut first = normal();
    let accounts = first.accounts.iter_mut().map(|line| &mut line.tally);
    let rules = first.rules.iter_mut().map(|line| &mut line.tally);
    let owners = first.by_owner.values_mut();
    for tally in accounts
        .chain(rules)
        .chain(owners)
        .chain([&mut first.totals])
    {
        (tally.fixed, tally.closed) = (0, 0);
    }
    MonthReport {
        compared_with: None,
        trend: trend(first.totals).into_iter().skip(3).collect(),
        ..first
    }
}

/// A month in which no account has delivered anything that tells.
pub(crate) fn all_unknown() -> MonthReport {
    let mut accounts = accounts();
    for line in &mut accounts {
        line.tally = tally([0, 0, 0, 0, 90, 0, 0]);
        line.unknown_regions = [(region("eu-west-1"), UnknownReason::Unreadable)].into();
        line.silent_since = [(region("eu-west-1"), at("2026-09-20T06:00:00Z"))].into();
        line.onboarding = None;
        line.known = 0;
    }
    MonthReport {
        totals: sum(accounts.iter().map(|line| &line.tally)),
        coverage: CoverageReport {
            expected: 240,
            known: 0,
            missing: 0,
            unknown: [(UnknownReason::Unreadable, 240)].into(),
            accounts_unknown: 6,
            accounts: 6,
        },
        accounts,
        ..empty()
    }
}

/// The accounts of one owner.
pub(crate) fn of_payments() -> MonthReport {
    let normal = normal();
    let is_theirs = |line: &&AccountLine| line.owner.as_deref() == Some("payments");
    let accounts: Vec<AccountLine> = normal.accounts.iter().filter(is_theirs).cloned().collect();
    let has = |account: &AccountId| accounts.iter().any(|line| line.account == *account);
    let totals = sum(accounts.iter().map(|line| &line.tally));
    MonthReport {
        owner: Some("payments".into()),
        totals,
        by_owner: [("payments".to_owned(), totals)].into(),
        coverage: CoverageReport {
            expected: 80,
            known: 78,
            missing: 2,
            accounts: 2,
            ..CoverageReport::default()
        },
        worst: normal
            .worst
            .into_iter()
            .filter(|row| has(&row.key.account))
            .collect(),
        first: normal
            .first
            .into_iter()
            .filter(|step| has(&step.most_in))
            .collect(),
        recording: RecordingReport {
            items: 47_120,
            contributors: normal
                .recording
                .contributors
                .iter()
                .filter(|line| has(&line.account))
                .cloned()
                .collect(),
            ..normal.recording
        },
        waivers: normal
            .waivers
            .into_iter()
            .chain([WaiverLine {
                account: Some(account(2)),
                ..waiver(SSH, "of-another-team", "2026-11-20T00:00:00Z", 0)
            }])
            .collect(),
        cells: vec![missing(0, 1), missing(1, 1)],
        problems: Vec::new(),
        problem_count: 0,
        accounts,
        trend: trend(totals),
        ..normal
    }
}

/// A thousand accounts with 150 rules, and every name the same text.
pub(crate) fn large(name: &str) -> MonthReport {
    let normal = normal();
    let accounts: Vec<AccountLine> = (0..1_000)
        .map(|number| AccountLine {
            unknown_regions: normal.accounts[3].unknown_regions.clone(),
            silent_since: normal.accounts[3].silent_since.clone(),
            onboarding: Some(name.to_owned()),
            ..line(
                number,
                name,
                Some(name),
                tally([90_000 + number, 7, 70 + number, 3, 11, 6, 2]),
            )
        })
        .collect();
    let rules: Vec<RuleLine> = (0..150)
        .map(|number| RuleLine {
            title: name.to_owned(),
            remedy: Some(name.to_owned()),
            ..rule(
                &format!("rule-{number:03}"),
                Severity::High,
                tally([500, number, 40, 1, 1, 1, 1]),
            )
        })
        .collect();
    let worst = (0..WORST as u64).map(|number| FindingRow {
        name: Some(name.to_owned()),
        ..finding(
            number,
            "rule-001",
            ("AWS::S3::Bucket", name),
            Severity::Critical,
            "2024-03-12T08:00:00Z",
        )
    });
    let steps = (0..150).map(|number| {
        step(
            &format!("rule-{number:03}"),
            Severity::High,
            [9_999, 99, 999],
            number,
        )
    });
    let owners = (0..300).map(|number| {
        (
            format!("{number} {name}"),
            tally([10, 1, number, 0, 0, 0, 0]),
        )
    });
    let waivers = (0..500).map(|_| waiver(name, name, "2026-11-20T00:00:00Z", 1));
    let totals = sum(accounts.iter().map(|line| &line.tally));
    MonthReport {
        totals,
        by_owner: owners.collect(),
        accounts,
        rules,
        worst: worst.collect(),
        first: steps.collect(),
        waivers: waivers.collect(),
        problems: vec![
            Problem {
                key: name.into(),
                what: name.into()
            };
            100
        ],
        problem_count: 5_000,
        trend: (0..60).map(|_| normal.trend[2].clone()).collect(),
        ..normal
    }
}

/// A month that nothing is known of yet.
pub(crate) fn empty() -> MonthReport {
    MonthReport {
        version: VERSION,
        period: Period {
            month: month("2026-10"),
            end: month("2026-10").end(),
        },
        owner: None,
        compared_with: Some(month("2026-09")),
        made_at: at("2026-11-02T06:12:00Z"),
        engine: EngineUsage {
            objects: 0,
            bytes: 0,
            by_athena: false,
        },
        totals: Tally::default(),
        by_severity: BTreeMap::new(),
        by_owner: BTreeMap::new(),
        by_unit: BTreeMap::new(),
        by_source: BTreeMap::new(),
        accounts: Vec::new(),
        rules: Vec::new(),
        cells: Vec::new(),
        coverage: CoverageReport::default(),
        oldest: None,
        worst: Vec::new(),
        first: Vec::new(),
        waivers: Vec::new(),
        recording: RecordingReport::default(),
        problems: Vec::new(),
        problem_count: 0,
        trend: Vec::new(),
    }
}
