//! The archive that is asked for.

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Month, Region};
use jiff::Timestamp;

use crate::account::Account;

/// The archive that is asked for. The same shape makes the same bytes, everywhere and always.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Everything that looks drawn comes from it.
    pub seed: u64,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The regions from which each account delivers. IAM's resources are recorded in the first.
    pub regions: Vec<Region>,
    /// Items of a snapshot, about: resources and their compliance.
    pub items: usize,
    /// The share of these that are compliance items, in percent.
    pub compliance_percent: u64,
    /// The number of rules.
    pub rules: usize,
    /// The share of evaluations that are not compliant at some time, in percent.
    pub noncompliant_percent: u64,
    /// The first month.
    pub first: Month,
    /// The number of months.
    pub months: usize,
    /// The days of each month that have snapshots: so many, the last ones.
    pub days: usize,
    /// Snapshots on such a day.
    pub snapshots_a_day: usize,
    /// True if there are history files.
    pub history: bool,
    /// What keys begin with before `AWSLogs/`. With several, a region's snapshots go to them in
    /// turn.
    pub roots: Vec<String>,
    /// Findings that a caller wants to be there.
    pub planted: Vec<Planted>,
    /// Oddities, each of the account at that place in the list.
    pub oddities: Vec<(usize, Oddity)>,
}

/// September 2026, in which archives begin by default.
const SEPTEMBER: Timestamp = Timestamp::constant(1_788_220_800, 0);

impl Default for Shape {
    /// Two accounts that deliver from two regions over two months: enough to see everything, small
    /// enough to read.
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: Account::made_up(2),
            regions: ["eu-central-1", "us-east-1"]
                .into_iter()
                .filter_map(|region| region.parse().ok())
                .collect(),
            items: 40,
            compliance_percent: 25,
            rules: 24,
            noncompliant_percent: 10,
            first: Month::of(SEPTEMBER),
            months: 2,
            days: 2,
            snapshots_a_day: 1,
            history: true,
            roots: vec![String::new()],
            planted: Vec::new(),
            oddities: Vec::new(),
        }
    }
}

/// A finding about an S3 bucket that a caller wants to be there, and that AWS Config sees from one
/// moment on, until it is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The account, region, rule as deployed, type and id of the bucket.
    pub finding: FindingKey,
    /// When it was found. The bucket was made then, too.
    pub from: Timestamp,
    /// When it was resolved, if it was.
    pub until: Option<Timestamp>,
}

/// Something that archives have and that a simple reader gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// The keys of compliance items are in small letters, as in `configrulelist`.
    LowerCaseKeys,
    /// `configuration` is a text with JSON in it, as AWS Config's API has it.
    ConfigurationAsText,
    /// There are notifications that were too large for SNS.
    OversizedNotifications,
    /// The last snapshot of each month ends in the middle.
    Truncated,
    /// Bytes in the middle of the last snapshot of each month are others.
    Corrupt,
    /// The last snapshot of each month is compressed text, but no JSON.
    NotJson,
    /// The snapshots of the last region have no items.
    NoItems,
    /// The snapshots of the last region have resources, and no compliance items.
    NoComplianceItems,
    /// The account delivers nothing from this month on.
    StoppedIn(Month),
    /// The account delivers nothing at all.
    NeverDelivered,
    /// AWS Config can't tell some evaluations.
    InsufficientData,
    /// Some rules say nothing about some resources.
    NotApplicable,
    /// Items have fields that nobody documents.
    UnknownFields,
    /// The first item of each snapshot has 5 MB.
    HugeItem,
    /// IAM's users and roles are recorded in the second region, too.
    GlobalTwice,
    /// Months and days in keys have two digits.
    PaddedDates,
}

impl Shape {
    /// True if an account has an oddity.
    pub(crate) fn has(&self, account: usize, oddity: Oddity) -> bool {
        self.oddities.contains(&(account, oddity))
    }

    /// The month from which on an account delivers nothing, if there is one.
    pub(crate) fn stopped_in(&self, account: usize) -> Option<Month> {
        self.oddities
            .iter()
            .filter(|(of, _)| *of == account)
            .find_map(|(_, oddity)| match oddity {
                Oddity::StoppedIn(month) => Some(*month),
                _ => None,
            })
    }

    /// The months, the first one first.
    pub fn all_months(&self) -> impl Iterator<Item = Month> + use<> {
        std::iter::successors(Some(self.first), |month| Some(month.next())).take(self.months)
    }

    /// The ids of the accounts.
    pub fn account_ids(&self) -> impl Iterator<Item = &AccountId> {
        self.accounts.iter().map(|account| &account.id)
    }
}
