//! The month's model, from which every rendering takes its numbers. docs/report.md says what each
//! number means.
//!
//! It is made in two steps. Each account becomes an [`AccountMonth`] and its [`FindingRow`]s, which
//! go to the store; all accounts together become a [`MonthReport`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

use banto_domain::compliance::{FindingKey, Severity, short_hash};
use banto_domain::policy::compliance::Waiver;
use banto_domain::{AccountId, Month, OuId, Region, RuleName, RuleSource};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::{EngineUsage, Period, Problem, Snapshot};

/// The version of the shapes in the store. A month of an earlier version is made
/// anew, and one of a later version left alone.
pub const VERSION: u32 = 1;

/// Most findings that an account names among those to look at first, and that a report shows of
/// them: a mail of them stays below the size that Gmail cuts off.
pub const WORST: usize = 30;

/// The status of a finding at a month's end. A finding has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingStatus {
    /// Not compliant, and not so at the end of the month before.
    New,
    /// Not compliant, as at the end of the month before.
    Open,
    /// Not compliant, and accepted by a waiver that holds at the month's end.
    Waived,
    /// Not compliant when it was last seen; whether it still is, nobody can say.
    Unknown,
    /// Not compliant at the end of the month before, and compliant now.
    Fixed,
    /// Not compliant at the end of the month before, and no longer evaluated: most often the
    /// resource or the rule is gone.
    Closed,
}

impl FindingStatus {
    /// True if the finding was not over at the month's end: the next month says what became of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Waived | Self::Unknown)
    }

    /// As the CSV and the dashboard have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Waived => "waived",
            Self::Unknown => "unknown",
            Self::Fixed => "fixed",
            Self::Closed => "closed",
        }
    }
}

/// One resource under one rule that is, or was at the end of the month before, not compliant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingRow {
    pub key: FindingKey,
    /// The resource's name, where one is known and other than its id.
    pub name: Option<String>,
    /// The resource's ARN, where it is known.
    pub arn: Option<String>,
    pub severity: Severity,
    pub status: FindingStatus,
    /// Since when it is open, as far back as the archive tells.
    pub since: Timestamp,
    /// When a snapshot last had it as not compliant.
    pub seen_at: Timestamp,
    /// Why its status is unknown, where it is.
    pub unknown_because: Option<UnknownReason>,
    /// The waiver that accepts it, where one does.
    pub waiver: Option<WaiverNote>,
}

/// The waiver that accepts a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaiverNote {
    /// The person or team that answers for it.
    pub owner: String,
    pub reason: String,
    pub until: Timestamp,
}

/// The new and open findings among rows, the most severe first, and of these the oldest: at most
/// [`WORST`].
pub fn worst_of(mut rows: Vec<&FindingRow>) -> Vec<FindingRow> {
    rows.retain(|row| matches!(row.status, FindingStatus::New | FindingStatus::Open));
    rows.sort_by_key(|row| (Reverse(row.severity), row.since, &row.key));
    rows.into_iter().take(WORST).cloned().collect()
}

/// Why something can't be said. It is never taken for compliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownReason {
    /// The region has delivered no snapshot for longer than the policy allows.
    StoppedDelivering,
    /// The archive has no snapshot of the account or region, and never had one.
    NeverDelivered,
    /// The region's snapshots can't be read.
    Unreadable,
    /// The snapshot has no compliance items, though the region has rules: their type is not
    /// recorded, or the recorder is one that a service has for itself.
    NoComplianceItems,
    /// The rule has evaluated nothing in the snapshot; nobody was there to say whether it is
    /// missing or has nothing to evaluate.
    RuleNotSeen,
    /// AWS Config itself can't tell.
    InsufficientData,
}

/// The numbers of evaluations. Each evaluation at a month's end is in one of the first five, and
/// each that was open at the end of the month before and is over in one of the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub compliant: u64,
    pub new: u64,
    /// Still open.
    pub open: u64,
    pub waived: u64,
    /// Evaluations of which nobody can say whether they are compliant.
    pub unknown: u64,
    pub fixed: u64,
    pub closed: u64,
}

impl Tally {
    /// Adds another's numbers.
    pub fn add(&mut self, other: &Self) {
        self.compliant += other.compliant;
        self.new += other.new;
        self.open += other.open;
        self.waived += other.waived;
        self.unknown += other.unknown;
        self.fixed += other.fixed;
        self.closed += other.closed;
    }

    /// Findings that are not compliant and not waived.
    pub fn all_open(&self) -> u64 {
        self.new + self.open
    }

    /// The share of evaluations that are compliant, in percent, of those that are known and not
    /// waived; `None` if there are none. It is rounded down, so that 100 means all.
    pub fn compliance(&self) -> Option<f64> {
        let known = self.compliant + self.all_open();
        // A share of two counts needs no more digits than a double has.
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let share = |part: u64, whole: u64| (part as f64 * 1000.0 / whole as f64).floor() / 10.0;
        (known > 0).then(|| share(self.compliant, known))
    }
}

/// An account at a month's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountMonth {
    /// [`VERSION`] at the time.
    pub version: u32,
    pub period: Period,
    /// The moment of the run that read it.
    pub read_at: Timestamp,
    /// The month that it was compared with; `None` if there was none.
    pub compared_with: Option<Month>,
    /// The policy that judged it, by its fingerprint.
    pub policy: String,
    pub account: AccountId,
    pub name: String,
    /// The account's owner, where its tags tell.
    pub owner: Option<String>,
    /// The root and the organizational units that it is in, the root first.
    pub path: Vec<OuId>,
    pub regions: BTreeMap<Region, RegionMonth>,
    /// Every rule that is in the account, or should be, sorted.
    pub rules: Vec<RuleMonth>,
    /// Configuration items recorded in the month, by resource type.
    pub recorded: BTreeMap<String, u64>,
    /// Objects that could not be understood.
    pub problems: Vec<Problem>,
    /// Since when its oldest open finding is open: of those that are new or open.
    pub oldest: Option<Timestamp>,
    /// Its new and open findings to look at first: the most severe, and of these the oldest. At
    /// most [`WORST`].
    pub worst: Vec<FindingRow>,
    /// The findings that each waiver accepts, by [`waiver_id`].
    #[serde(default)]
    pub waived: BTreeMap<String, u64>,
    /// What onboard-accounts says of it, where it delivers less than it should.
    pub onboarding: Option<String>,
}

impl AccountMonth {
    /// The rules that it has as organization rules, by region and own name. One that is missing, or
    /// was not seen without a reason, is none of them: it may be gone.
    pub fn organization_rules(&self) -> impl Iterator<Item = (Region, RuleName)> {
        let rules = self.rules.iter();
        let organization = rules.filter(|place| place.rule.source() == RuleSource::Organization);
        let there = organization.filter(|place| place.coverage.is_there());
        there.map(|place| (place.region.clone(), place.rule.own()))
    }
}

/// Names a waiver by all that it says: one that is changed in the policy is another.
pub fn waiver_id(waiver: &Waiver) -> String {
    short_hash(&[
        &waiver.rule,
        waiver.account.as_ref().map_or("", AccountId::as_str),
        &waiver.resource,
        &waiver.owner,
        &waiver.reason,
        &waiver.until.to_string(),
    ])
}

/// A region of an account at a month's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionMonth {
    /// The last snapshot, which may be too old to say anything of the month's end. One that only
    /// the month before knew is kept for as long as the region is silent.
    pub snapshot: Option<Snapshot>,
    /// Resources in it.
    pub resources: u64,
    /// Why nothing is known of the region, where nothing is.
    pub unknown_because: Option<UnknownReason>,
    /// True if the aggregator, rather than a snapshot, told the region's compliance.
    pub by_aggregator: bool,
}

/// A rule in a region of an account at a month's end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleMonth {
    pub region: Region,
    /// The rule, as it is deployed; the own name of one that is expected and was not seen, and of
    /// one that looks at IAM.
    pub rule: RuleName,
    pub coverage: Coverage,
    #[serde(flatten)]
    pub tally: Tally,
    /// Since when its oldest open finding is open: of those that are new or open.
    #[serde(default)]
    pub oldest: Option<Timestamp>,
    /// True if it looks at nothing but IAM, and so is expected once for all regions.
    #[serde(default)]
    pub of_iam: bool,
}

/// What is known of a rule in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Coverage {
    /// It has evaluated something, and what is known.
    Known,
    /// It has nothing to evaluate: no resource that it applies to, or it is gone and nobody expects
    /// it.
    NothingToEvaluate,
    /// It should be there and is not.
    Missing,
    /// Nobody can say.
    Unknown(UnknownReason),
}

impl Coverage {
    /// True if the rule is there, or would be seen if its region could be.
    fn is_there(self) -> bool {
        match self {
            Self::Known | Self::NothingToEvaluate => true,
            Self::Missing => false,
            Self::Unknown(reason) => reason != UnknownReason::RuleNotSeen,
        }
    }
}

/// All accounts together at a month's end, or those of one owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthReport {
    /// [`VERSION`] at the time.
    pub version: u32,
    pub period: Period,
    /// The owner whose accounts these are; `None` of the report on all.
    pub owner: Option<String>,
    /// The month that it is compared with; `None` of the first one, in which new is what AWS Config
    /// recorded in the month.
    pub compared_with: Option<Month>,
    pub made_at: Timestamp,
    pub engine: EngineUsage,
    pub totals: Tally,
    pub by_severity: BTreeMap<Severity, Tally>,
    /// By owner; `""` has the accounts without one.
    pub by_owner: BTreeMap<String, Tally>,
    /// By organizational unit, each account in the one right above it; the key is the unit's name
    /// where the policy has one, else its id, and `""` where it is not known.
    pub by_unit: BTreeMap<String, Tally>,
    /// By the way in which rules were deployed.
    pub by_source: BTreeMap<String, Tally>,
    /// By account, in ascending order of ids.
    pub accounts: Vec<AccountLine>,
    /// By rule's own name, in ascending order.
    pub rules: Vec<RuleLine>,
    /// Accounts by rules: the cells in which there is anything, by account and then by rule.
    pub cells: Vec<Cell>,
    pub coverage: CoverageReport,
    /// Since when the oldest open finding is open.
    pub oldest: Option<Timestamp>,
    /// The findings to look at first, the most severe first, and of these the oldest. At most
    /// [`WORST`].
    pub worst: Vec<FindingRow>,
    /// What to do first: by rule, the most severe first, and of these the most open ones. At most
    /// [`WORST`].
    pub first: Vec<FirstStep>,
    /// The waivers of the policy, and what each accepts here.
    pub waivers: Vec<WaiverLine>,
    pub recording: RecordingReport,
    /// Objects that could not be understood: at most [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// All of them.
    pub problem_count: u64,
    /// This month and those before it that the store has, in ascending order.
    pub trend: Vec<TrendPoint>,
}

/// Most objects that a report names as not understood; there may be one for each region and day.
pub const MAX_PROBLEMS: usize = 100;

/// An account in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountLine {
    pub account: AccountId,
    pub name: String,
    pub owner: Option<String>,
    /// As in [`MonthReport::by_unit`].
    pub unit: String,
    pub tally: Tally,
    pub oldest: Option<Timestamp>,
    /// The oldest snapshot that says something of one of its regions.
    pub snapshot_at: Option<Timestamp>,
    /// Why nothing is known of some of its regions.
    pub unknown_regions: BTreeMap<Region, UnknownReason>,
    /// Since when each of these says nothing; none of one that never did.
    pub silent_since: BTreeMap<Region, Timestamp>,
    /// What onboard-accounts says of it, where it delivers less than it should.
    pub onboarding: Option<String>,
    /// Cells of the coverage matrix that are expected, and of these the known ones.
    pub expected: u64,
    pub known: u64,
    /// Configuration items recorded in the month.
    pub recorded: u64,
}

/// A rule in a report, over all accounts and deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleLine {
    /// The rule's own name.
    pub rule: RuleName,
    /// What is wrong, as the beginning of a sentence.
    pub title: String,
    pub severity: Severity,
    /// What to do about it, where the policy or the catalogue says.
    pub remedy: Option<String>,
    pub runbook: Option<String>,
    /// The ways in which it is deployed.
    pub sources: Vec<RuleSource>,
    pub tally: Tally,
    pub oldest: Option<Timestamp>,
}

/// A rule in an account, over its regions and deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The place of its account in [`MonthReport::accounts`].
    pub account: u32,
    /// The place of its rule in [`MonthReport::rules`].
    pub rule: u32,
    #[serde(flatten)]
    pub tally: Tally,
    /// The worst of its places: missing before unknown before nothing to evaluate before known.
    pub coverage: Coverage,
}

/// What is known of what should be: places are rules in regions of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageReport {
    /// Places that are expected.
    pub expected: u64,
    /// Places of which the compliance is known, those with nothing to evaluate included.
    pub known: u64,
    /// Places in which a rule is missing.
    pub missing: u64,
    /// Places of which nobody can say, by reason.
    pub unknown: BTreeMap<UnknownReason, u64>,
    /// Accounts of which at least one region is unknown.
    pub accounts_unknown: u64,
    /// All accounts.
    pub accounts: u64,
}

/// What to do first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstStep {
    pub rule: RuleName,
    pub severity: Severity,
    /// New and open findings.
    pub open: u64,
    pub new: u64,
    /// The accounts in which they are.
    pub accounts: u64,
    /// The account with the most of them.
    pub most_in: AccountId,
    pub oldest: Option<Timestamp>,
}

/// A waiver, and what it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaiverLine {
    pub rule: String,
    pub account: Option<AccountId>,
    pub resource: String,
    pub note: WaiverNote,
    /// The findings that it accepts at the month's end.
    pub accepts: u64,
    /// True if it ended within the month.
    pub has_ended: bool,
}

/// Configuration items recorded in the month, which AWS Config's bill comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingReport {
    /// `false` where history files were not read, so that the numbers say nothing.
    pub is_known: bool,
    pub items: u64,
    pub by_type: BTreeMap<String, u64>,
    /// By account and type: those with the most, at most [`MAX_CONTRIBUTORS`].
    pub contributors: Vec<Contributor>,
}

/// Most lines of recorded items by account and type.
pub const MAX_CONTRIBUTORS: usize = 100;

/// A type of resource in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contributor {
    pub account: AccountId,
    pub resource_type: String,
    pub items: u64,
}

/// A month in the trend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrendPoint {
    pub month: Month,
    pub totals: Tally,
    pub accounts: u64,
    pub expected: u64,
    pub known: u64,
}

/// What later months need of a month, in an object of its own. It is written last: a month that has
/// one is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthSummary {
    /// [`VERSION`] at the time.
    pub version: u32,
    pub made_at: Timestamp,
    pub all: TrendPoint,
    /// The same of each owner's accounts.
    pub by_owner: BTreeMap<String, TrendPoint>,
    /// The accounts of which there is an [`AccountMonth`].
    pub accounts: Vec<AccountId>,
    /// The rules that some account has as organization rules, by region and own name: the next month
    /// expects them there in every account.
    pub organization_rules: Vec<(Region, RuleName)>,
}
