//! An account of the Organization, as it is from inside.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::{OuId, Region, RoleName};
use banto_ports::{
    AccountState, Channel, ChannelStatus, DefaultVpc, ErrorKind, LivePasswordPolicy, LiveRecorder,
    LiveRole, OrgAccount, OrgPolicyKind, RecorderStatus, RegionState,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::world::parsed;

/// An account of the Organization, from inside. Tests change it as people would.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberAccount {
    /// As Organizations tells it.
    pub org: OrgAccount,
    /// Tags in Organizations.
    pub org_tags: BTreeMap<String, String>,
    /// The units that it is in, the nearest first, for those who ask for parents.
    pub parents: Vec<OuId>,
    /// From when Organizations shows it; from the beginning, if `None`.
    pub shows_from: Option<Timestamp>,
    /// From when its role can be assumed; never, if `None`.
    pub reachable_from: Option<Timestamp>,
    /// Roles, with their longest sessions in seconds.
    pub roles: BTreeMap<RoleName, (LiveRole, i32)>,
    /// The password policy.
    pub password_policy: Option<LivePasswordPolicy>,
    /// The number of blocks of public access to S3 that are on.
    pub public_access_blocks: Option<u8>,
    /// Alternate contacts.
    pub contacts: BTreeMap<ContactKind, Contact>,
    /// The regions.
    pub regions: BTreeMap<Region, MemberRegion>,
    /// The Organization's policies that hold in it.
    pub org_policies: BTreeMap<OrgPolicyKind, Value>,
    /// Calls that fail, and how: `config:PutDeliveryChannel`.
    pub refuses: BTreeMap<&'static str, ErrorKind>,
}

/// One region of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRegion {
    /// The account's access to it.
    pub state: RegionState,
    /// The customer-managed recorder, or a service's.
    pub recorder: Option<LiveRecorder>,
    /// The recorder's status.
    pub status: Option<RecorderStatus>,
    /// The delivery channel.
    pub channel: Option<Channel>,
    /// The channel's deliveries.
    pub channel_status: ChannelStatus,
    /// Until when snapshots are delivered: later ones do not come, and nobody tells why.
    pub delivers_until: Option<Timestamp>,
    /// True if new EBS volumes are encrypted.
    pub ebs_encryption: bool,
    /// The default VPC.
    pub default_vpc: Option<DefaultVpc>,
    /// The failure of every call there, if all fail.
    pub down: Option<ErrorKind>,
}

impl MemberAccount {
    /// An active account as AWS creates it: default VPCs, AWS's own roles, nothing of Banto's.
    pub fn new(id: &str, name: &str, regions: &[&str], joined_at: Timestamp) -> Self {
        let region = |region: &&str| (parsed(region), MemberRegion::new(region));
        Self {
            org: OrgAccount {
                id: parsed(id),
                name: name.to_owned(),
                state: AccountState::Active,
                path: vec![parsed("r-ab12"), parsed("ou-ab12-cdef3456")],
                joined_at: Some(joined_at),
                was_created: true,
            },
            org_tags: BTreeMap::new(),
            parents: vec![parsed("ou-ab12-cdef3456"), parsed("r-ab12")],
            shows_from: None,
            reachable_from: Some(joined_at),
            roles: BTreeMap::new(),
            password_policy: None,
            public_access_blocks: None,
            contacts: BTreeMap::new(),
            regions: regions.iter().map(region).collect(),
            org_policies: BTreeMap::new(),
            refuses: BTreeMap::new(),
        }
    }

    /// Moves it to another unit: the root and the units that it is in then, the root first.
    pub fn move_to(&mut self, path: &[OuId]) {
        self.parents = path.iter().rev().cloned().collect();
        self.org.path = path.to_vec();
    }

    /// The name that its role of this name has, whatever the case of its letters. (IAM API
    /// reference, `CreateRole`: names are not distinguished by case.)
    pub(crate) fn role_like(&self, name: &RoleName) -> Option<RoleName> {
        let mut names = self.roles.keys();
        let found = names.find(|known| known.as_str().eq_ignore_ascii_case(name.as_str()));
        found.cloned()
    }

    /// True if Organizations shows it by now.
    pub(crate) fn is_shown(&self, now: Timestamp) -> bool {
        self.shows_from.is_none_or(|from| from <= now)
    }

    /// A region that is there.
    #[expect(
        clippy::panic,
        reason = "a test that names a region that isn't there is to fail at once"
    )]
    pub fn region(&mut self, name: &str) -> &mut MemberRegion {
        match self.regions.get_mut(&parsed::<Region>(name)) {
            Some(region) => region,
            None => panic!("there is no region {name}"),
        }
    }
}

impl MemberRegion {
    fn new(name: &str) -> Self {
        Self {
            state: RegionState::Enabled,
            recorder: None,
            status: None,
            channel: None,
            channel_status: ChannelStatus::default(),
            delivers_until: None,
            ebs_encryption: false,
            default_vpc: Some(DefaultVpc {
                id: format!("vpc-{name}"),
                subnets: vec![format!("subnet-{name}-a"), format!("subnet-{name}-b")],
                gateways: vec![format!("igw-{name}")],
                uses: BTreeSet::new(),
            }),
            down: None,
        }
    }
}
