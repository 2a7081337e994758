//! A made-up month whose sums are right: every number in it is added up from its findings and from
//! made-up counts of what is compliant.

use std::collections::BTreeMap;

use banto_domain::compliance::{FindingKey, Severity, advice};
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace};
use banto_domain::{AccountId, Month, Region, RuleName};
use jiff::{SignedDuration, Timestamp};
use report_compliance::evidence::{EngineUsage, Period, Problem};
use report_compliance::model::{
    AccountLine, AccountMonth, Cell, Contributor, Coverage, CoverageReport, FindingRow,
    FindingStatus, MonthReport, RecordingReport, RuleLine, Tally, TrendPoint, UnknownReason,
    VERSION, WaiverLine, WaiverNote,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) accounts: usize,
    pub(crate) rules: usize,
    pub(crate) findings: usize,
}

/// A month, the one before, and its findings.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) report: MonthReport,
    pub(crate) before: Option<MonthReport>,
    pub(crate) rows: Vec<FindingRow>,
    pub(crate) policy: ReportPolicy,
}

/// Rules of the catalogue; further ones are of the company's own.
const RULES: [&str; 12] = [
    "s3-bucket-public-read-prohibited",
    "restricted-ssh",
    "root-account-mfa-enabled",
    "encrypted-volumes",
    "rds-storage-encrypted",
    "s3-bucket-versioning-enabled",
    "vpc-flow-logs-enabled",
    "iam-user-mfa-enabled",
    "s3-bucket-ssl-requests-only",
    "rds-instance-public-access-check",
    "access-keys-rotated",
    "secretsmanager-rotation-enabled-check",
];

const TEAMS: [&str; 7] = [
    "payments", "search", "data", "web", "mobile", "platform", "",
];
const UNITS: [&str; 4] = ["Production", "Staging", "Sandbox", "Security"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-northeast-1"];
const KINDS: [(&str, &str); 3] = [
    ("AWS::S3::Bucket", "s3"),
    ("AWS::EC2::Instance", "ec2"),
    ("AWS::RDS::DBInstance", "rds"),
];

/// Numbers that look random and are the same each time. (Knuth's MMIX generator.)
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }

    fn of<'a, Item>(&mut self, list: &'a [Item]) -> &'a Item {
        &list[usize::try_from(self.roll(list.len() as u64)).unwrap()]
    }
}

fn month() -> Month {
    "2026-10".parse().unwrap()
}

/// True if a finding is of an account.
pub(crate) fn is_of(row: &FindingRow, account: &AccountId) -> bool {
    row.key.account == *account
}

impl Made {
    pub(crate) fn new(size: Size) -> Self {
        let mut dice = Dice(7);
        let accounts: Vec<AccountLine> = (0..size.accounts).map(account).collect();
        let rules: Vec<RuleLine> = (0..size.rules).map(rule).collect();
        let mut report = report(accounts, rules);
        let rows: Vec<FindingRow> = (0..size.findings)
            .map(|_| finding(&report, &mut dice))
            .collect();
        report.cells = cells(&report, &rows, &mut dice);
        add_up(&mut report, &rows);
        let before = earlier(&report, &mut dice);
        report.trend = trend(&report, &before);
        Self {
            report,
            before: Some(before),
            rows,
            policy: policy(),
        }
    }

    /// Gives accounts, owners, rules and resources names that do harm where they are not escaped.
    pub(crate) fn make_hostile(&mut self) {
        let image = "<img src=x onerror=\"globalThis.harmed = 1\">";
        let script = "</script><script>globalThis.harmed = 1</script>";
        self.report.accounts[0].name = format!("{script}{image}");
        self.report.accounts[1].name = image.to_owned();
        self.report.rules[0].title = image.to_owned();
        self.report.rules[0].runbook = Some("javascript:globalThis.harmed = 1".to_owned());
        self.policy.findings.console = Some("javascript:globalThis.harmed = 1//{url}".to_owned());
        for line in self.report.accounts.iter_mut().skip(2) {
            if line.owner.as_deref() == Some("data") {
                line.owner = Some(script.to_owned());
            }
        }
        let tally = self.report.by_owner.remove("data").unwrap_or_default();
        self.report.by_owner.insert(script.to_owned(), tally);
        let names = [image, script, "=1+2", "@a", "-1", "\ra", "'quoted"];
        for (row, name) in self.rows.iter_mut().zip(names.into_iter().cycle()) {
            row.name = Some(name.to_owned());
        }
    }

    /// The accounts as the store has them, as far as a file of findings needs it.
    pub(crate) fn account_months(&self) -> Vec<AccountMonth> {
        let of_line = |line: &AccountLine| AccountMonth {
            version: VERSION,
            period: self.report.period,
            read_at: self.report.made_at,
            compared_with: None,
            policy: String::new(),
            account: line.account.clone(),
            name: line.name.clone(),
            owner: line.owner.clone(),
            path: Vec::new(),
            regions: BTreeMap::new(),
            rules: Vec::new(),
            recorded: BTreeMap::new(),
            problems: Vec::new(),
            oldest: line.oldest,
            worst: Vec::new(),
            waived: BTreeMap::new(),
            onboarding: None,
        };
        self.report.accounts.iter().map(of_line).collect()
    }
}

fn account(at: usize) -> AccountLine {
    let team = TEAMS[at % TEAMS.len()];
    let unit = UNITS[at % UNITS.len()];
    let stage = unit.to_lowercase();
    let is_silent = at % 9 == 4;
    let region: Region = REGIONS[at % 3].parse().unwrap();
    let unknown_regions = is_silent
        .then(|| (region.clone(), UnknownReason::StoppedDelivering))
        .into_iter()
        .collect();
    let since = month().end() - SignedDuration::from_hours(24 * 12);
    AccountLine {
        account: format!("{:012}", 111_122_223_333_usize + at)
            .parse()
            .unwrap(),
        name: format!(
            "{}-{stage}-{}",
            if team.is_empty() { "misc" } else { team },
            at / 28 + 1
        ),
        owner: (!team.is_empty()).then(|| team.to_owned()),
        unit: unit.to_owned(),
        tally: Tally::default(),
        oldest: None,
        snapshot_at: Some(month().end() - SignedDuration::from_hours(5)),
        unknown_regions,
        silent_since: is_silent.then_some((region, since)).into_iter().collect(),
        onboarding: is_silent.then(|| "recorder stopped by alice".to_owned()),
        expected: 0,
        known: 0,
        recorded: 1_000 + (at as u64 * 7919) % 40_000,
    }
}

fn rule(at: usize) -> RuleLine {
    let name = match RULES.get(at) {
        Some(name) => (*name).to_owned(),
        None => format!("example-rule-about-something-{at}"),
    };
    let known = advice(&name);
    RuleLine {
        rule: name.parse().unwrap(),
        title: known.map_or_else(
            || format!("Example {at} is not as agreed"),
            |it| it.title.clone(),
        ),
        severity: known.map_or(Severity::ALL[at % 4], |it| it.severity),
        remedy: known.map(|it| it.remedy.clone()),
        runbook: (at % 4 == 1).then(|| "https://wiki.example.com/runbook".to_owned()),
        sources: Vec::new(),
        tally: Tally::default(),
        oldest: None,
    }
}

fn report(accounts: Vec<AccountLine>, rules: Vec<RuleLine>) -> MonthReport {
    let period = Period {
        month: month(),
        end: month().end(),
    };
    MonthReport {
        version: VERSION,
        period,
        owner: None,
        compared_with: Some(month().previous()),
        made_at: month().end() + SignedDuration::from_hours(30),
        engine: EngineUsage {
            objects: 3_120,
            bytes: 912_000_000,
            by_athena: false,
        },
        totals: Tally::default(),
        by_severity: BTreeMap::new(),
        by_owner: BTreeMap::new(),
        by_unit: BTreeMap::new(),
        by_source: BTreeMap::new(),
        waivers: waivers(&accounts),
        recording: recording(&accounts),
        accounts,
        rules,
        cells: Vec::new(),
        coverage: CoverageReport::default(),
        oldest: None,
        worst: Vec::new(),
        first: Vec::new(),
        problems: vec![Problem {
            key: "AWSLogs/111122223333/Config/eu-west-1/2026/10/31/ConfigSnapshot/\
                  111122223333_Config_eu-west-1_ConfigSnapshot_20261031T201500Z_0a1b.json.gz"
                .to_owned(),
            what: "the object ends in the middle of an item".to_owned(),
        }],
        problem_count: 1,
        trend: Vec::new(),
    }
}

fn note() -> WaiverNote {
    WaiverNote {
        owner: "alice".to_owned(),
        reason: "Moves to private networks in November".to_owned(),
        until: month().end() + SignedDuration::from_hours(24 * 20),
    }
}

fn waivers(accounts: &[AccountLine]) -> Vec<WaiverLine> {
    let line = |account: &AccountLine| WaiverLine {
        rule: "restricted-ssh".to_owned(),
        account: Some(account.account.clone()),
        resource: "*".to_owned(),
        note: note(),
        accepts: 3,
        has_ended: false,
    };
    accounts.iter().take(2).map(line).collect()
}

fn recording(accounts: &[AccountLine]) -> RecordingReport {
    let line = |account: &AccountLine| Contributor {
        account: account.account.clone(),
        resource_type: "AWS::EC2::NetworkInterface".to_owned(),
        items: account.recorded / 2,
    };
    let items = accounts.iter().map(|account| account.recorded).sum();
    RecordingReport {
        is_known: true,
        items,
        by_type: [
            ("AWS::EC2::NetworkInterface".to_owned(), items / 2),
            (
                "AWS::Config::ResourceCompliance".to_owned(),
                items - items / 2,
            ),
        ]
        .into(),
        contributors: accounts.iter().take(20).map(line).collect(),
    }
}

/// A finding anywhere: some accounts and rules have far more of them than others.
fn finding(report: &MonthReport, dice: &mut Dice) -> FindingRow {
    let skewed = |dice: &mut Dice, size: usize| {
        let most = dice.roll(size as u64) + 1;
        usize::try_from(dice.roll(most)).unwrap()
    };
    let account = &report.accounts[skewed(dice, report.accounts.len())];
    let rule = &report.rules[skewed(dice, report.rules.len())];
    let region: Region = dice.of(&REGIONS).parse().unwrap();
    let (kind, service) = *dice.of(&KINDS);
    let id = format!(
        "{service}-{:08x}{:08x}",
        dice.roll(1 << 31),
        dice.roll(1 << 31)
    );
    let arn = format!("arn:aws:{service}:{region}:{}:{id}", account.account);
    let status = match dice.roll(20) {
        0..=3 => FindingStatus::New,
        4..=11 => FindingStatus::Open,
        12 => FindingStatus::Waived,
        13..=14 => FindingStatus::Unknown,
        15..=18 => FindingStatus::Fixed,
        _ => FindingStatus::Closed,
    };
    let age = if status == FindingStatus::New {
        31
    } else {
        400
    };
    let hours =
        |dice: &mut Dice, days: u64| SignedDuration::from_mins(dice.roll(days * 1440) as i64);
    let rule: RuleName = format!("{}-conformance-pack-wxyz98765", rule.rule)
        .parse()
        .unwrap();
    FindingRow {
        key: FindingKey::new(account.account.clone(), &region, rule, kind.to_owned(), id),
        name: (dice.roll(3) == 0).then(|| format!("{}-assets-{}", account.name, dice.roll(1000))),
        arn: Some(arn),
        severity: Severity::Medium,
        status,
        since: month().end() - SignedDuration::from_secs(1) - hours(dice, age),
        seen_at: month().end() - SignedDuration::from_hours(4),
        unknown_because: (status == FindingStatus::Unknown)
            .then_some(UnknownReason::StoppedDelivering),
        waiver: (status == FindingStatus::Waived).then(note),
    }
}

/// Cells that count the findings, and made-up compliant ones.
fn cells(report: &MonthReport, rows: &[FindingRow], dice: &mut Dice) -> Vec<Cell> {
    let accounts = places(report.accounts.iter().map(|line| line.account.to_string()));
    let rules = places(report.rules.iter().map(|line| line.rule.to_string()));
    let mut tallies: BTreeMap<(u32, u32), Tally> = BTreeMap::new();
    for row in rows {
        let place = (
            accounts[row.key.account.as_str()],
            rules[row.key.rule.own().as_str()],
        );
        let tally = tallies.entry(place).or_default();
        match row.status {
            FindingStatus::New => tally.new += 1,
            FindingStatus::Open => tally.open += 1,
            FindingStatus::Waived => tally.waived += 1,
            FindingStatus::Unknown => tally.unknown += 1,
            FindingStatus::Fixed => tally.fixed += 1,
            FindingStatus::Closed => tally.closed += 1,
        }
    }
    let mut cells = Vec::new();
    for account in 0..u32::try_from(report.accounts.len()).unwrap() {
        for rule in 0..u32::try_from(report.rules.len()).unwrap() {
            let mut tally = tallies.get(&(account, rule)).copied().unwrap_or_default();
            let (coverage, compliant) = match dice.roll(30) {
                0 => (Coverage::Missing, 0),
                1 => (Coverage::NothingToEvaluate, 0),
                2 => (Coverage::Unknown(UnknownReason::RuleNotSeen), 0),
                3 if tally == Tally::default() => continue,
                _ => (Coverage::Known, dice.roll(40)),
            };
            tally.compliant = compliant;
            cells.push(Cell {
                account,
                rule,
                tally,
                coverage,
            });
        }
    }
    cells
}

fn places(names: impl Iterator<Item = String>) -> BTreeMap<String, u32> {
    names.zip(0..).collect()
}

/// Adds cells and findings up.
fn add_up(report: &mut MonthReport, rows: &[FindingRow]) {
    let cells = report.cells.clone();
    for cell in &cells {
        let line = &mut report.accounts[cell.account as usize];
        let rule = &mut report.rules[cell.rule as usize];
        line.tally.add(&cell.tally);
        rule.tally.add(&cell.tally);
        report.totals.add(&cell.tally);
        let severity = report.by_severity.entry(rule.severity).or_default();
        severity.add(&cell.tally);
        let owner = line.owner.clone().unwrap_or_default();
        report.by_owner.entry(owner).or_default().add(&cell.tally);
        let unit = report.by_unit.entry(line.unit.clone()).or_default();
        unit.add(&cell.tally);
        line.expected += 1;
        report.coverage.expected += 1;
        match cell.coverage {
            Coverage::Known | Coverage::NothingToEvaluate => {
                line.known += 1;
                report.coverage.known += 1;
            }
            Coverage::Missing => report.coverage.missing += 1,
            Coverage::Unknown(reason) => *report.coverage.unknown.entry(reason).or_default() += 1,
        }
    }
    let is_open =
        |row: &&FindingRow| matches!(row.status, FindingStatus::New | FindingStatus::Open);
    for row in rows.iter().filter(is_open) {
        let older = |oldest: Option<Timestamp>| {
            Some(oldest.map_or(row.since, |oldest| oldest.min(row.since)))
        };
        report.oldest = older(report.oldest);
        let mut lines = report.accounts.iter_mut();
        let line = lines.find(|line| is_of(row, &line.account)).unwrap();
        line.oldest = older(line.oldest);
        let own = row.key.rule.own();
        let rule = report
            .rules
            .iter_mut()
            .find(|rule| rule.rule == own)
            .unwrap();
        rule.oldest = older(rule.oldest);
    }
    report.coverage.accounts = report.accounts.len() as u64;
}

/// The month before: the same accounts and rules, and other numbers.
fn earlier(report: &MonthReport, dice: &mut Dice) -> MonthReport {
    let mut before = report.clone();
    before.totals = Tally::default();
    for cell in &mut before.cells {
        cell.tally.open += dice.roll(5) / 4;
        cell.tally.fixed = cell.tally.fixed.saturating_sub(dice.roll(2));
        before.totals.add(&cell.tally);
    }
    before.oldest = before
        .oldest
        .map(|oldest| oldest - SignedDuration::from_hours(24 * 20));
    before
}

fn trend(report: &MonthReport, before: &MonthReport) -> Vec<TrendPoint> {
    let point = |month: Month, totals: Tally| TrendPoint {
        month,
        totals,
        accounts: report.accounts.len() as u64,
        expected: report.coverage.expected,
        known: report.coverage.known,
    };
    let mut points = vec![point(month(), report.totals)];
    let mut totals = before.totals;
    let mut of = month().previous();
    for _ in 0..11 {
        points.push(point(of, totals));
        of = of.previous();
        totals.open += totals.open / 9;
        totals.new += totals.new / 6;
        totals.compliant -= totals.compliant / 20;
    }
    points.reverse();
    points
}

fn policy() -> ReportPolicy {
    let place = || ObjectPlace {
        bucket: "example-log-archive".to_owned(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: place(),
        store: place(),
        engine: EngineChoice::Embedded,
        history: true,
        regions: Default::default(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(48),
        aggregator: None,
        trend_months: 13,
        mail: None,
        address: None,
        units: BTreeMap::new(),
        statuses: None,
        findings: FindingPolicy {
            console: Some(
                "https://example.awsapps.com/start/#/console?account_id={account}&destination={url}"
                    .to_owned(),
            ),
            ..FindingPolicy::default()
        },
    }
}
