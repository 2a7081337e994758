//! What is known of an account, as a value: the planner sees nothing else.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::status::Reason;
use banto_domain::{Region, RoleName};
use banto_ports::{
    Channel, DefaultVpc, LiveRecorder, LiveRole, OrgAccount, Recorder, RecorderStatus, RegionState,
    StackInstance,
};

use crate::message::ConvergeRequest;

/// Something that was looked at, or why it could not be.
pub type Seen<T> = Result<T, Reason>;

/// The StackSet's instances of one account, by region.
pub type Instances = Seen<BTreeMap<Region, StackInstance>>;

/// An account to converge, after it was looked up in Organizations and in the StackSet.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The request, with the account as it was last looked up: in the last five minutes, unless
    /// Organizations throttled.
    pub request: ConvergeRequest,
    /// The account's tags; read only if the policy selects accounts by tag.
    pub tags: BTreeMap<String, String>,
    /// The StackSet's instances; `None` for an account that gets its baseline the direct way.
    pub instances: Option<Instances>,
}

/// A job, and what was seen inside its account.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub job: Job,
    /// What was seen inside; `None` where nothing is to be looked at.
    pub live: Option<Seen<LiveAccount>>,
}

/// What was seen inside an account. What the policy does not ask for is `None` and was not looked
/// at.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAccount {
    /// Looked at the direct way only; by StackSet roles are CloudFormation's.
    pub roles: Option<Seen<Vec<SeenRole>>>,
    /// True if the role that AWS Config itself uses is there. Looked at by StackSet only, where a
    /// stack is not current: CloudFormation can't make that role where it exists, and recorders
    /// need it. The direct way finds it among the roles.
    pub config_role: Option<Seen<bool>>,
    pub password_policy: Option<Seen<Option<PasswordPolicy>>>,
    /// How many of the four blocks of public access to S3 are on.
    pub public_access_blocks: Option<Seen<Option<u8>>>,
    pub contacts: BTreeMap<ContactKind, Seen<Option<Contact>>>,
    /// The regions of the baseline, and what was seen there.
    pub regions: Seen<BTreeMap<Region, LiveRegion>>,
}

/// A role, with what IAM's list of roles does not say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRole {
    pub role: LiveRole,
    /// The longest session, in seconds.
    pub session_seconds: i32,
}

/// The recorders and channels of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordersAndChannels {
    pub recorders: Vec<LiveRecorder>,
    pub channels: Vec<Channel>,
}

/// What was seen in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRegion {
    /// The state of the region in the account; read only if the policy lists no regions.
    pub state: Option<RegionState>,
    pub config: Option<Seen<LiveConfig>>,
    /// True if new EBS volumes are encrypted.
    pub ebs_encryption: Option<Seen<bool>>,
    pub default_vpc: Option<Seen<Option<DefaultVpc>>>,
}

/// What was seen of AWS Config in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveConfig {
    /// `None` where CloudFormation sees to them.
    pub recorders_and_channels: Option<RecordersAndChannels>,
    /// The status of each recorder.
    pub recorder_statuses: BTreeMap<String, RecorderStatus>,
    /// The error of each channel's last delivery.
    pub channel_errors: BTreeMap<String, Option<String>>,
}

impl Job {
    pub fn account(&self) -> &OrgAccount {
        &self.request.account
    }
}

impl LiveAccount {
    /// A role by its name; IAM compares names without regard to case.
    pub fn role<'a>(roles: &'a [SeenRole], name: &RoleName) -> Option<&'a SeenRole> {
        roles
            .iter()
            .find(|seen| seen.role.name.as_str().eq_ignore_ascii_case(name.as_str()))
    }
}

impl LiveRegion {
    /// Recorders and channels, if both were seen.
    pub fn recorders_and_channels(&self) -> Option<&RecordersAndChannels> {
        let config = self.config.as_ref()?.as_ref().ok()?;
        config.recorders_and_channels.as_ref()
    }
}

/// The customer-managed recorder, of which AWS allows one.
pub fn customer_managed(recorders: &[LiveRecorder]) -> Option<&Recorder> {
    recorders
        .iter()
        .find(|recorder| recorder.service.is_none())
        .map(|recorder| &recorder.recorder)
}

/// True if the account has a customer-managed recorder in this region.
pub fn has_recorder(region: &LiveRegion) -> bool {
    region
        .recorders_and_channels()
        .is_some_and(|seen| customer_managed(&seen.recorders).is_some())
}
