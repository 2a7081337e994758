//! `[onboarding]`: what every account of the Organization must have.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AccountId, KeyArn, OuId, PolicyArn, QueueUrl, Region, ResourceType, RoleName, TopicArn,
};

/// Types of IAM, which are global: recorded in one region only, lest each be recorded in every
/// region. (AWS Config API reference, `RecordingGroup`.)
pub const GLOBAL_TYPES: [&str; 4] = [
    "AWS::IAM::Group",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
];

/// Types that can't be recorded daily, besides [`SYSTEM_TYPE`]. (AWS Config API reference,
/// `RecordingMode`.)
pub const CONTINUOUS_TYPES: [&str; 2] = [
    "AWS::Config::ConformancePackCompliance",
    "AWS::Config::ResourceCompliance",
];

/// A type that AWS Config always records, and that no recorder may name. (AWS Config developer
/// guide, "Supported Resource Types": "a system resource type of AWS Config"; it is not among the
/// API's `ResourceType`s.)
pub const SYSTEM_TYPE: &str = "AWS::Config::ConfigurationRecorder";

/// Regions where IAM's global types can't be recorded, since AWS Config came to them after February
/// 2022. The first seven are AWS's own list (AWS Config API reference, `RecordingStrategy`), the
/// others are regions that opened later. (AWS Global Infrastructure, "AWS Regions".)
pub const LATE_REGIONS: [&str; 14] = [
    "ap-south-2",
    "ap-southeast-4",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "ap-east-2",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "me-west-1",
    "mx-central-1",
    "sa-west-1",
];

/// Hours of the longest session that IAM allows of a role. (IAM API reference, `CreateRole`:
/// 43,200 seconds.)
pub const MAX_SESSION_HOURS: i32 = 12;

/// The state that every account of the Organization must have, and the way to it.
#[derive(Debug, Clone, PartialEq)]
pub struct OnboardingPolicy {
    /// The kill switch: `false` changes nothing in any account.
    pub enabled: bool,
    /// The way by which the baseline gets into an account.
    pub way: Way,
    /// The Organization's management account: always done directly, since StackSets never reach it.
    pub management_account: AccountId,
    /// The role that is assumed in an account.
    pub reach_role: RoleName,
    /// Where global resources are recorded.
    pub home_region: Region,
    /// True if AWS Control Tower manages the Organization.
    pub control_tower: bool,
    /// The queue of accounts that wait.
    pub queue: QueueUrl,
    /// The DynamoDB table with an item for each account.
    pub table: String,
    /// Where the dashboard finds the status of all accounts.
    pub dashboard: Dashboard,
    /// The baseline of an account, unless an override says otherwise.
    pub baseline: Baseline,
    /// Exceptions; the first that matches an account counts.
    pub overrides: Vec<Override>,
}

/// The way by which the baseline gets into an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A service-managed StackSet carries Config and roles; the function sees to its instances, and
    /// to what CloudFormation can't do.
    StackSet(StackSet),
    /// The function does everything through the role that it assumes.
    Direct,
}

/// The StackSet that carries Config and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSet {
    /// Its name.
    pub name: String,
    /// The root or organizational units whose accounts it may be deployed to.
    pub targets: Vec<OuId>,
    /// True if the function acts as a delegated administrator.
    pub delegated: bool,
}

/// Where the dashboard finds the status of all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

/// The state that an account must have.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The regions; every enabled one if `None`.
    pub regions: Option<BTreeSet<Region>>,
    /// The roles, by name.
    pub roles: BTreeMap<RoleName, Role>,
    /// The recording of AWS Config, in each region.
    pub config: Recording,
    /// Settings of the account.
    pub settings: Settings,
    /// Items that are reported when they differ, and not repaired. What is absent altogether is
    /// still set up.
    pub report_only: BTreeSet<Item>,
}

/// A part of the baseline that can drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// The roles.
    Roles,
    /// Recorder and delivery channel of AWS Config.
    Config,
    /// The password policy.
    PasswordPolicy,
    /// Block of public access to S3 for the whole account.
    PublicAccessBlock,
    /// Alternate contacts.
    Contacts,
    /// Encryption of new EBS volumes.
    EbsEncryption,
}

/// A role that people or programs of other accounts assume.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The purpose, as IAM shows it.
    pub description: String,
    /// The accounts that are trusted; who in them may assume it, their own policies say.
    pub trusted: BTreeSet<AccountId>,
    /// True if the caller must have signed in with a second factor.
    pub mfa: bool,
    /// Further conditions of the trust policy, as an object of condition operators.
    pub conditions: Option<Value>,
    /// The name that its sessions must have.
    pub session_name: SessionName,
    /// Longest session, in hours: 1 to [`MAX_SESSION_HOURS`].
    pub max_session_hours: i32,
    /// Managed policies.
    pub managed_policies: BTreeSet<PolicyArn>,
    /// Inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// The permissions boundary.
    pub boundary: Option<PolicyArn>,
    /// Tags besides Banto's own.
    pub tags: BTreeMap<String, String>,
}

/// The name that a role's sessions must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionName {
    /// The name of the IAM user who assumes the role, so that its sessions can be told apart, and
    /// one user's revoked.
    User,
    /// Any name: for roles that are assumed by anything but an IAM user.
    Any,
}

/// The recording of AWS Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The recorded types; global types in the home region only, whatever this says.
    pub types: Types,
    /// The frequency of every type that has none of its own.
    pub frequency: Frequency,
    /// Types with a frequency of their own.
    pub frequency_of: BTreeMap<ResourceType, Frequency>,
    /// The time between two snapshots.
    pub snapshots: SnapshotFrequency,
    /// The log archive bucket.
    pub bucket: String,
    /// The key prefix before `AWSLogs/` in the bucket.
    pub prefix: Option<String>,
    /// The key that objects are encrypted with.
    pub kms_key: Option<KeyArn>,
    /// The topic that hears of deliveries, in the regions that have one: AWS Config takes topics of
    /// the channel's own region only. (AWS Config developer guide, "Permissions for the Amazon SNS
    /// Topic".)
    pub topics: BTreeMap<Region, TopicArn>,
}

/// The types that are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Types {
    /// Every type that AWS Config supports, now and in time.
    All,
    /// These only.
    Only(BTreeSet<ResourceType>),
    /// All but these.
    AllBut(BTreeSet<ResourceType>),
}

/// The frequency with which a resource is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// Once a day, if it has changed.
    Daily,
    /// With each change.
    Continuous,
}

/// The time between two snapshots. (AWS Config API reference,
/// `ConfigSnapshotDeliveryProperties`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnapshotFrequency {
    /// Every hour.
    OneHour,
    /// Every three hours.
    ThreeHours,
    /// Every six hours.
    SixHours,
    /// Every twelve hours.
    TwelveHours,
    /// Once a day.
    TwentyFourHours,
}

/// Settings of an account; what is off or left out is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Rules for the passwords of IAM users.
    pub password_policy: Option<PasswordPolicy>,
    /// True if public access to S3 is blocked for the whole account.
    pub block_public_access: bool,
    /// True if new EBS volumes are encrypted, in each region.
    pub ebs_encryption: bool,
    /// True if the default VPC is deleted in each region, if it is empty.
    pub delete_default_vpc: bool,
    /// Whom AWS writes to besides the account's owner.
    pub contacts: BTreeMap<ContactKind, Contact>,
}

/// Rules for the passwords of IAM users. (IAM API reference, `UpdateAccountPasswordPolicy`.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordPolicy {
    /// Least length: 6 to 128.
    pub minimum_length: i32,
    /// True if a small letter, a capital, a digit and a symbol are each required.
    pub all_character_kinds: bool,
    /// Days after which a password ends: 1 to 1,095.
    pub max_age_days: Option<i32>,
    /// The number of earlier passwords that can't be used again: 1 to 24.
    pub reuse_prevention: Option<i32>,
}

/// The subject that a contact is written to about. (Account Management reference,
/// `AlternateContactType`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContactKind {
    /// Invoices.
    Billing,
    /// Events that concern operations.
    Operations,
    /// Security.
    Security,
}

/// Whom AWS writes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Full name.
    pub name: String,
    /// Title or team.
    pub title: String,
    /// Mail address.
    pub email: String,
    /// Phone number.
    pub phone: String,
}

/// An exception for some accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Which.
    pub who: AccountSelector,
    /// The baseline that they must have instead, or the reason why they are left alone.
    pub instead: Instead,
}

/// The exception that an override makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Instead {
    /// Another baseline: what the override leaves out is as for everyone.
    Baseline(Box<Baseline>),
    /// Nothing is looked at or changed.
    LeftAlone {
        /// Why; people read it.
        reason: String,
    },
}

/// A way to point at accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountSelector {
    /// One account.
    Account(AccountId),
    /// Every account in an organizational unit, or in one beneath it.
    Ou(OuId),
    /// Every account that carries this tag in Organizations.
    Tag {
        /// The tag's key.
        key: String,
        /// The tag's value.
        value: String,
    },
}

impl OnboardingPolicy {
    /// The policy's word on an account with these tags in these units, the root first.
    pub fn expected_for(
        &self,
        account: &AccountId,
        path: &[OuId],
        tags: &BTreeMap<String, String>,
    ) -> Expected<'_> {
        let found = self
            .overrides
            .iter()
            .find(|exception| match &exception.who {
                AccountSelector::Account(id) => id == account,
                AccountSelector::Ou(ou) => path.contains(ou),
                AccountSelector::Tag { key, value } => tags.get(key) == Some(value),
            });
        match found.map(|exception| &exception.instead) {
            None => Expected::Baseline(&self.baseline),
            Some(Instead::Baseline(baseline)) => Expected::Baseline(baseline),
            Some(Instead::LeftAlone { reason }) => Expected::LeftAlone(reason),
        }
    }

    /// Returns the accounts that an override names by their id and leaves alone. Those that it selects
    /// by unit or tag only Organizations knows.
    pub fn left_alone(&self) -> BTreeSet<&AccountId> {
        let mut accounts = BTreeSet::new();
        for exception in &self.overrides {
            if let (AccountSelector::Account(account), Instead::LeftAlone { .. }) =
                (&exception.who, &exception.instead)
            {
                accounts.insert(account);
            }
        }
        accounts
    }

    /// Returns every region that a baseline names; home in any case.
    pub fn named_regions(&self) -> BTreeSet<&Region> {
        let mut regions: BTreeSet<&Region> = self
            .baselines()
            .flat_map(|baseline| baseline.regions.iter().flatten())
            .collect();
        regions.insert(&self.home_region);
        regions
    }

    /// Returns the name of every role that a baseline has.
    pub fn role_names(&self) -> BTreeSet<&RoleName> {
        self.baselines()
            .flat_map(|baseline| baseline.roles.keys())
            .collect()
    }

    /// Returns every baseline: everyone's, then those of overrides.
    pub fn baselines(&self) -> impl Iterator<Item = &Baseline> {
        let others = self
            .overrides
            .iter()
            .filter_map(|exception| match &exception.instead {
                Instead::Baseline(baseline) => Some(baseline.as_ref()),
                Instead::LeftAlone { .. } => None,
            });
        std::iter::once(&self.baseline).chain(others)
    }

    /// True if overrides select accounts by tag.
    pub fn needs_tags(&self) -> bool {
        self.overrides
            .iter()
            .any(|exception| matches!(exception.who, AccountSelector::Tag { .. }))
    }

    /// True if overrides select accounts by organizational unit.
    pub fn needs_path(&self) -> bool {
        self.overrides
            .iter()
            .any(|exception| matches!(exception.who, AccountSelector::Ou(_)))
    }
}

/// The policy's word on one account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected<'a> {
    /// It must have this.
    Baseline(&'a Baseline),
    /// It is left alone, for this reason.
    LeftAlone(&'a str),
}

impl Item {
    /// Every item, by the name that the policy gives it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("roles", Self::Roles),
        ("config", Self::Config),
        ("password_policy", Self::PasswordPolicy),
        ("public_access_block", Self::PublicAccessBlock),
        ("contacts", Self::Contacts),
        ("ebs_encryption", Self::EbsEncryption),
    ];
}

impl ContactKind {
    /// Every kind, by the name that the policy gives it.
    pub const ALL: [(&'static str, Self); 3] = [
        ("billing", Self::Billing),
        ("operations", Self::Operations),
        ("security", Self::Security),
    ];

    /// The kind as the policy names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Operations => "operations",
            Self::Security => "security",
        }
    }
}

impl Frequency {
    /// The frequency as AWS Config writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Continuous => "CONTINUOUS",
        }
    }
}

impl SnapshotFrequency {
    /// Every frequency, by its hours.
    pub const ALL: [(i64, Self); 5] = [
        (1, Self::OneHour),
        (3, Self::ThreeHours),
        (6, Self::SixHours),
        (12, Self::TwelveHours),
        (24, Self::TwentyFourHours),
    ];

    /// The frequency as AWS Config writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneHour => "One_Hour",
            Self::ThreeHours => "Three_Hours",
            Self::SixHours => "Six_Hours",
            Self::TwelveHours => "Twelve_Hours",
            Self::TwentyFourHours => "TwentyFour_Hours",
        }
    }

    /// The frequency that AWS Config writes so.
    pub fn from_aws(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .map(|(_, frequency)| frequency)
            .find(|frequency| frequency.as_str() == text)
    }
}

impl Types {
    /// True if a type of this name is recorded.
    pub fn include(&self, name: &str) -> bool {
        let is_in = |types: &BTreeSet<ResourceType>| types.iter().any(|one| one.as_str() == name);
        match self {
            Self::All => true,
            Self::Only(types) => is_in(types),
            Self::AllBut(types) => !is_in(types),
        }
    }
}
