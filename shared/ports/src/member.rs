//! One account of the Organization, and what can be done in it once its role was assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::{AccountId, Region, RoleName};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::PortError;

/// Access to accounts, by assuming a role in them.
#[async_trait]
pub trait AccountAccess: Send + Sync {
    /// Assumes an account's role. [`Denied`](crate::ErrorKind::Denied) if that is not possible,
    /// which is so of an account that was just created.
    async fn assume_role(&self, account: &AccountId) -> Result<AccountClients, PortError>;
}

/// The clients of one account, with the session of its role.
#[derive(Clone)]
pub struct AccountClients {
    /// Roles.
    pub roles: Arc<dyn Roles>,
    /// Settings of the account as a whole.
    pub settings: Arc<dyn AccountSettings>,
    /// AWS Config, by region.
    pub config: Arc<dyn ConfigRecording>,
    /// Settings of EC2, by region.
    pub regions: Arc<dyn RegionSettings>,
}

/// IAM roles.
#[async_trait]
pub trait Roles: Send + Sync {
    /// The roles that concern Banto, with all that IAM tells of them but the length of their
    /// sessions: those that the policy names, those with the tag `banto:managed`, and the one that
    /// AWS Config itself uses. An account may have thousands of others.
    async fn all(&self) -> Result<Vec<LiveRole>, PortError>;

    /// Longest sessions in seconds, by role.
    async fn session_lengths(&self) -> Result<BTreeMap<RoleName, i32>, PortError>;

    /// Makes a role. [`Conflict`](crate::ErrorKind::Conflict) if there is one of that name.
    async fn create(&self, name: &RoleName, role: &NewRole) -> Result<(), PortError>;

    /// Makes one change to a role.
    async fn change(&self, name: &RoleName, change: &RoleChange) -> Result<(), PortError>;

    /// Makes the role that AWS Config itself uses. [`Conflict`](crate::ErrorKind::Conflict) if it
    /// is there.
    async fn create_config_role(&self) -> Result<(), PortError>;
}

/// A role as IAM tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRole {
    /// Its name.
    pub name: RoleName,
    /// Its path.
    pub path: String,
    /// The trust policy.
    pub trust: Value,
    /// Managed policies, by ARN.
    pub managed_policies: BTreeSet<String>,
    /// Inline policies, by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// The permissions boundary's ARN.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A role to be made: what can be said as it is created.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRole {
    /// The description that IAM shows.
    pub description: String,
    /// The trust policy.
    pub trust: Value,
    /// Longest session in seconds.
    pub session_seconds: i32,
    /// The permissions boundary's ARN.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// One change to a role.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RoleChange {
    /// The trust policy.
    Trust(Value),
    /// Its longest session in seconds.
    SessionSeconds(i32),
    /// Attach a managed policy.
    Attach(String),
    /// Detach a managed policy.
    Detach(String),
    /// Write an inline policy.
    PutInline(String, Value),
    /// Delete an inline policy.
    DeleteInline(String),
    /// Set the permissions boundary.
    SetBoundary(String),
    /// Remove the permissions boundary.
    RemoveBoundary,
    /// Write tags; others stay.
    Tag(BTreeMap<String, String>),
}

/// Settings of an account as a whole.
#[async_trait]
pub trait AccountSettings: Send + Sync {
    /// The regions that AWS knows, and whether the account can use each.
    async fn regions(&self) -> Result<BTreeMap<Region, RegionState>, PortError>;

    /// The password policy; `None` if the account has none of its own.
    async fn password_policy(&self) -> Result<Option<LivePasswordPolicy>, PortError>;

    /// Replaces the password policy.
    async fn set_password_policy(&self, policy: &LivePasswordPolicy) -> Result<(), PortError>;

    /// The number of the four blocks of public access to S3 that are on; `None` if none was ever
    /// set.
    async fn public_access_blocks(&self) -> Result<Option<u8>, PortError>;

    /// Turns all four blocks of public access to S3 on.
    async fn block_public_access(&self) -> Result<(), PortError>;

    /// An alternate contact.
    async fn contact(&self, kind: ContactKind) -> Result<Option<Contact>, PortError>;

    /// Replaces an alternate contact.
    async fn set_contact(&self, kind: ContactKind, contact: &Contact) -> Result<(), PortError>;
}

/// A password policy with all that IAM knows of one: a write replaces every part. (IAM API
/// reference, `UpdateAccountPasswordPolicy`.)
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LivePasswordPolicy {
    /// Least length: 6 to 128.
    pub minimum_length: i32,
    /// True if a small letter is required.
    pub lowercase: bool,
    /// True if a capital is required.
    pub uppercase: bool,
    /// True if a digit is required.
    pub numbers: bool,
    /// True if a symbol is required.
    pub symbols: bool,
    /// Days after which a password ends: 1 to 1,095.
    pub max_age_days: Option<i32>,
    /// The number of earlier passwords that can't be used again: 1 to 24.
    pub reuse_prevention: Option<i32>,
    /// True if users may change their own password.
    pub users_may_change: bool,
    /// True if a password that has ended can only be replaced by an administrator.
    pub hard_expiry: bool,
}

/// The state of a region in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionState {
    /// It can.
    Enabled,
    /// It soon can.
    Enabling,
    /// It can't.
    Disabled,
}

/// AWS Config, in one region of an account.
#[async_trait]
pub trait ConfigRecording: Send + Sync {
    /// The customer-managed recorders, of which AWS allows one.
    async fn recorders(&self, region: &Region) -> Result<Vec<LiveRecorder>, PortError>;

    /// The status of each recorder, by name.
    async fn recorder_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, RecorderStatus>, PortError>;

    /// The delivery channels, of which AWS allows one.
    async fn channels(&self, region: &Region) -> Result<Vec<Channel>, PortError>;

    /// The status of each channel, by name.
    async fn channel_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, ChannelStatus>, PortError>;

    /// Makes a recorder, or replaces the one of that name.
    async fn put_recorder(&self, region: &Region, recorder: &Recorder) -> Result<(), PortError>;

    /// Makes a channel, or replaces the one of that name. AWS wants a recorder first.
    async fn put_channel(&self, region: &Region, channel: &Channel) -> Result<(), PortError>;

    /// Starts a recorder. AWS wants a channel first.
    async fn start(&self, region: &Region, recorder: &str) -> Result<(), PortError>;
}

/// A recorder as AWS Config tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRecorder {
    /// The recorder's settings.
    pub recorder: Recorder,
    /// The AWS service that owns it, if one does; then nobody else can change it.
    pub service: Option<String>,
}

/// A recorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorder {
    /// Its name.
    pub name: String,
    /// The ARN of the role that it uses.
    pub role: String,
    /// The types that it records.
    pub group: RecordingGroup,
    /// The frequency: `true` is with each change, `false` daily.
    pub continuous: bool,
    /// Types with a frequency of their own; `true` is with each change.
    pub continuous_of: BTreeMap<String, bool>,
}

/// The types that a recorder records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordingGroup {
    /// All types, now and in time.
    All {
        /// IAM's global ones too.
        with_global: bool,
    },
    /// These only.
    Only(BTreeSet<String>),
    /// All but these.
    AllBut(BTreeSet<String>),
}

/// The status of a recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderStatus {
    /// True if it is started.
    pub recording: bool,
    /// When it was last started; `None` if it never was.
    pub started_at: Option<Timestamp>,
    /// The error of its last record, if that failed.
    pub error: Option<String>,
}

/// The status of a delivery channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelStatus {
    /// The error of the last delivery, if that failed.
    pub error: Option<String>,
    /// When a snapshot was last delivered; `None` if none ever was.
    pub last_snapshot: Option<Timestamp>,
}

/// A delivery channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// The path before `AWSLogs/` in the bucket.
    pub prefix: Option<String>,
    /// The ARN of the key that objects are encrypted with.
    pub kms_key: Option<String>,
    /// The ARN of the topic that hears of deliveries.
    pub topic: Option<String>,
    /// The frequency of snapshots, as AWS Config writes it.
    pub snapshots: Option<String>,
}

/// Settings of EC2, in one region of an account.
#[async_trait]
pub trait RegionSettings: Send + Sync {
    /// Returns true if new EBS volumes are encrypted.
    async fn ebs_encryption(&self, region: &Region) -> Result<bool, PortError>;

    /// Encrypts new EBS volumes from now on.
    async fn encrypt_ebs(&self, region: &Region) -> Result<(), PortError>;

    /// The default VPC, if there is one.
    async fn default_vpc(&self, region: &Region) -> Result<Option<DefaultVpc>, PortError>;

    /// Deletes one part of a default VPC: a subnet, an internet gateway, or at last the VPC itself.
    /// Refused by AWS as long as anything is in it.
    async fn delete_vpc_part(&self, region: &Region, part: &VpcPart) -> Result<(), PortError>;
}

/// A default VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultVpc {
    /// Its id.
    pub id: String,
    /// Its subnets that AWS made.
    pub subnets: Vec<String>,
    /// Its internet gateways.
    pub gateways: Vec<String>,
    /// Everything that AWS did not make with it, and everything that people changed of it, in
    /// words: `network interface eni-1`.
    pub uses: BTreeSet<String>,
}

/// A part of a default VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VpcPart {
    /// A subnet.
    Subnet(String),
    /// An internet gateway, which is detached first.
    Gateway {
        /// The gateway.
        id: String,
        /// The VPC that it is attached to.
        vpc: String,
    },
    /// The VPC itself.
    Vpc(String),
}

impl std::fmt::Debug for AccountClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountClients").finish_non_exhaustive()
    }
}
