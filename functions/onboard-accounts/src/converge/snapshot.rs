//! What is known of an account, as a value: the planner sees nothing else.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::status::Reason;
use banto_domain::{Region, RoleName};
use banto_ports::{
    Channel, DefaultVpc, LiveRecorder, LiveRole, OrgAccount, RecorderStatus, RegionState,
    StackInstance,
};
use jiff::Timestamp;

use crate::event::Cause;

/// Something that was looked at, or why it could not be.
pub type Seen<T> = Result<T, Reason>;

/// What is known of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The account as Organizations tells it.
    pub account: OrgAccount,
    /// Its tags, where the policy asks for any.
    pub tags: BTreeMap<String, String>,
    /// Why it is looked at.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// The StackSet's instances, where the account gets its baseline that way.
    pub stack: Option<Seen<BTreeMap<Region, StackInstance>>>,
    /// What was seen inside; `None` where nothing is to be looked at.
    pub inside: Option<Seen<LiveAccount>>,
}

/// What was seen inside an account. What the policy does not ask for is `None` and was not looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAccount {
    /// Roles, with their longest sessions in seconds.
    pub roles: Option<Seen<Vec<(LiveRole, i32)>>>,
    /// Whether the role that AWS Config itself uses is there, where a stack is not current: CloudFormation
    /// can't make that role where it exists, and recorders need it.
    pub config_role: Option<Seen<bool>>,
    /// The password policy.
    pub password_policy: Option<Seen<Option<PasswordPolicy>>>,
    /// How many of the four blocks of public access to S3 are on.
    pub public_access_blocks: Option<Seen<Option<u8>>>,
    /// Alternate contacts.
    pub contacts: BTreeMap<ContactKind, Seen<Option<Contact>>>,
    /// The regions of the baseline, and what was seen there.
    pub regions: Seen<BTreeMap<Region, LiveRegion>>,
}

/// What was seen in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRegion {
    /// Whether the account can use it, where that was asked.
    pub state: Option<RegionState>,
    /// AWS Config.
    pub config: Option<Seen<LiveConfig>>,
    /// Whether new EBS volumes are encrypted.
    pub ebs_encryption: Option<Seen<bool>>,
    /// The default VPC.
    pub default_vpc: Option<Seen<Option<DefaultVpc>>>,
}

/// What was seen of AWS Config in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveConfig {
    /// Recorders and channels; `None` where CloudFormation sees to them.
    pub parts: Option<(Vec<LiveRecorder>, Vec<Channel>)>,
    /// Whether each recorder records.
    pub statuses: BTreeMap<String, RecorderStatus>,
    /// The error of each channel's last delivery.
    pub channel_errors: BTreeMap<String, Option<String>>,
}

impl LiveAccount {
    /// A role by its name; IAM tells names apart without regard to case.
    pub fn role<'a>(roles: &'a [(LiveRole, i32)], name: &RoleName) -> Option<&'a (LiveRole, i32)> {
        roles
            .iter()
            .find(|(role, _)| role.name.as_str().eq_ignore_ascii_case(name.as_str()))
    }
}
