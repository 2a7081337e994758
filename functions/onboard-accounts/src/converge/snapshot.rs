//! What is known of an account, as a value: the planner sees nothing else.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::status::Reason;
use banto_domain::{Region, RoleName};
use banto_ports::{
    Channel, ChannelStatus, DefaultVpc, LivePasswordPolicy, LiveRecorder, LiveRole, OrgAccount,
    OrgPolicyKind, Recorder, RecorderStatus, RegionState, StackInstance,
};
use serde_json::Value;

use crate::message::ConvergeRequest;

/// The number of blocks that "block public access" of S3 has. (S3 API reference,
/// `PublicAccessBlockConfiguration`.)
pub const ALL_BLOCKS: u8 = 4;

/// Something that was looked at, or why it could not be.
pub type Seen<T> = Result<T, Reason>;

/// An account to converge, after it was looked up in Organizations.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The request, with the account as it was last looked up: in the last five minutes, unless
    /// Organizations throttled.
    pub request: ConvergeRequest,
    /// The account's tags; read only if the policy selects accounts by tag.
    pub tags: BTreeMap<String, String>,
}

/// A job, and what was seen of its account.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub job: Job,
    /// What was seen; `None` where nothing is to be looked at.
    pub live: Option<Seen<LiveAccount>>,
}

/// What was seen of an account. What the policy does not ask for is `None` and was not looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAccount {
    /// The StackSet's instances; `None` for an account that the StackSet does not reach.
    pub instances: Option<Seen<Instances>>,
    pub roles: Seen<Vec<SeenRole>>,
    pub password_policy: Option<Seen<Option<LivePasswordPolicy>>>,
    /// How many of the four blocks of public access to S3 are on.
    pub public_access_blocks: Option<Seen<Option<u8>>>,
    pub contacts: BTreeMap<ContactKind, Seen<Option<Contact>>>,
    /// The Organization's policies that hold in the account. Asked for only where a setting
    /// differs; one that could not be asked for is not here, and AWS itself then refuses what it
    /// forbids.
    pub org_policies: BTreeMap<OrgPolicyKind, Value>,
    /// The regions of the baseline, and what was seen there.
    pub regions: Seen<BTreeMap<Region, LiveRegion>>,
}

/// The StackSet's instances of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instances {
    pub by_region: BTreeMap<Region, StackInstance>,
    /// True if an operation on the StackSet is under way. Asked for only if an instance waits for
    /// one.
    pub is_operating: bool,
}

/// A role, with what IAM's list of roles does not say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRole {
    pub role: LiveRole,
    /// The longest session, in seconds.
    pub session_seconds: i32,
}

/// What was seen in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRegion {
    /// The state of the region in the account; read only if the policy lists no regions.
    pub state: Option<RegionState>,
    pub config: Option<Seen<LiveConfig>>,
    /// True if new EBS volumes are encrypted.
    pub ebs_encryption: Option<Seen<bool>>,
    /// Looked at in a new account only.
    pub default_vpc: Option<Seen<Option<DefaultVpc>>>,
}

/// What was seen of AWS Config in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveConfig {
    pub recorders: Vec<LiveRecorder>,
    pub channels: Vec<Channel>,
    /// The status of each recorder.
    pub recorder_statuses: BTreeMap<String, RecorderStatus>,
    /// The status of each channel.
    pub channel_statuses: BTreeMap<String, ChannelStatus>,
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

    /// Every region in which AWS Config was seen.
    pub fn configs(&self) -> impl Iterator<Item = (&Region, &LiveConfig)> {
        let regions = self.regions.iter().flatten();
        regions.filter_map(|(region, live)| Some((region, live.config()?)))
    }
}

impl LiveRegion {
    /// AWS Config, if it was seen.
    pub fn config(&self) -> Option<&LiveConfig> {
        self.config.as_ref()?.as_ref().ok()
    }
}

impl LiveConfig {
    /// The customer-managed recorder, of which AWS allows one.
    pub fn recorder(&self) -> Option<&Recorder> {
        let mut recorders = self.recorders.iter();
        recorders
            .find(|recorder| recorder.service.is_none())
            .map(|recorder| &recorder.recorder)
    }

    /// The delivery channel, of which AWS allows one.
    pub fn channel(&self) -> Option<&Channel> {
        self.channels.first()
    }
}
