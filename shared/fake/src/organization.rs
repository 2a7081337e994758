//! An Organization with its accounts, as they are from inside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, OuId, Region, RoleName};
use banto_ports::{
    AccountState, Channel, DefaultVpc, ErrorKind, LiveRecorder, LiveRole, OrgAccount, PortError,
    RecorderStatus, RegionState, StackInstance,
};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, parsed};

/// The Organization, and what Banto keeps of it.
#[derive(Debug, Default)]
pub(crate) struct Org {
    pub(crate) accounts: BTreeMap<AccountId, MemberAccount>,
    pub(crate) stack_set: StackSet,
    pub(crate) statuses: BTreeMap<AccountId, (Option<AccountStatus>, Option<String>)>,
    pub(crate) dashboard: Option<String>,
    pub(crate) limits: BTreeMap<&'static str, Limit>,
}

/// An account of the Organization, from inside. Tests change it as people would.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberAccount {
    /// As Organizations tells it.
    pub org: OrgAccount,
    /// Tags in Organizations.
    pub org_tags: BTreeMap<String, String>,
    /// The units that it is in, the nearest first, for those who ask for parents.
    pub parents: Vec<OuId>,
    /// From when its role can be assumed; never, if `None`.
    pub reachable_from: Option<Timestamp>,
    /// Roles, with their longest sessions in seconds.
    pub roles: BTreeMap<RoleName, (LiveRole, i32)>,
    /// The password policy.
    pub password_policy: Option<PasswordPolicy>,
    /// How many blocks of public access to S3 are on.
    pub public_access_blocks: Option<u8>,
    /// Alternate contacts.
    pub contacts: BTreeMap<ContactKind, Contact>,
    /// The regions.
    pub regions: BTreeMap<Region, MemberRegion>,
    /// Calls that fail, and how: `config:PutDeliveryChannel`.
    pub refuses: BTreeMap<&'static str, ErrorKind>,
}

/// One region of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRegion {
    /// Whether the account can use it.
    pub state: RegionState,
    /// The customer-managed recorder, or a service's.
    pub recorder: Option<LiveRecorder>,
    /// Whether it records.
    pub status: Option<RecorderStatus>,
    /// The delivery channel.
    pub channel: Option<Channel>,
    /// The error of the last delivery.
    pub channel_error: Option<String>,
    /// Whether new EBS volumes are encrypted.
    pub ebs_encryption: bool,
    /// The default VPC.
    pub default_vpc: Option<DefaultVpc>,
    /// How every call fails there, if it does.
    pub down: Option<ErrorKind>,
}

/// The StackSet's deployment in an account and region, or the reason why CloudFormation can't.
pub type Deploy = Arc<dyn Fn(&mut MemberAccount, &Region) -> Result<(), String> + Send + Sync>;

/// The StackSet and its instances.
#[derive(Default)]
pub(crate) struct StackSet {
    pub(crate) instances: BTreeMap<(AccountId, Region), (StackInstance, Timestamp)>,
    pub(crate) deploy: Option<Deploy>,
    /// Until when another operation is under way.
    pub(crate) busy_until: Option<Timestamp>,
    /// How many operations were started.
    pub(crate) operations: usize,
    /// Accounts where deployments fail, and why.
    pub(crate) failing: BTreeMap<AccountId, String>,
}

/// The calls a second that an API takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    per_second: u32,
    second: i64,
    taken: u32,
}

/// The time that CloudFormation takes for an instance.
const DEPLOYMENT: SignedDuration = SignedDuration::from_mins(2);

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
            },
            org_tags: BTreeMap::new(),
            parents: vec![parsed("ou-ab12-cdef3456"), parsed("r-ab12")],
            reachable_from: Some(joined_at),
            roles: BTreeMap::new(),
            password_policy: None,
            public_access_blocks: None,
            contacts: BTreeMap::new(),
            regions: regions.iter().map(region).collect(),
            refuses: BTreeMap::new(),
        }
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
            channel_error: None,
            ebs_encryption: false,
            default_vpc: Some(DefaultVpc {
                id: format!("vpc-{name}"),
                interfaces: 0,
                subnets: vec![format!("subnet-{name}-a"), format!("subnet-{name}-b")],
                gateways: vec![format!("igw-{name}")],
                foreign: Vec::new(),
            }),
            down: None,
        }
    }
}

impl Org {
    pub(crate) fn member(
        &mut self,
        call: &'static str,
        account: &AccountId,
    ) -> Result<&mut MemberAccount, PortError> {
        let found = self.accounts.get_mut(account);
        let found = found
            .ok_or_else(|| PortError::new(ErrorKind::Missing, call, "AccountNotFoundException"))?;
        match found.refuses.get(call) {
            Some(kind) => Err(PortError::new(*kind, call, "refused by the test")),
            None => Ok(found),
        }
    }

    pub(crate) fn region(
        &mut self,
        call: &'static str,
        account: &AccountId,
        region: &Region,
    ) -> Result<&mut MemberRegion, PortError> {
        let unknown = || {
            PortError::new(
                ErrorKind::UnknownCaller,
                call,
                "UnrecognizedClientException",
            )
        };
        let found = self
            .member(call, account)?
            .regions
            .get_mut(region)
            .ok_or_else(unknown)?;
        match (found.down, found.state) {
            (Some(kind), _) => Err(PortError::new(kind, call, "the region is down")),
            (None, RegionState::Enabled) => Ok(found),
            (None, _) => Err(unknown()),
        }
    }

    /// Takes a call from an API's allowance of this second.
    pub(crate) fn take(
        &mut self,
        api: &'static str,
        call: &'static str,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let Some(limit) = self.limits.get_mut(api) else {
            return Ok(());
        };
        if limit.second != now.as_second() {
            (limit.second, limit.taken) = (now.as_second(), 0);
        }
        limit.taken += 1;
        if limit.taken > limit.per_second {
            return Err(PortError::new(
                ErrorKind::Throttled,
                call,
                "TooManyRequestsException",
            ));
        }
        Ok(())
    }

    /// Ends the deployments whose time has come.
    pub(crate) fn deploy(&mut self, now: Timestamp) {
        let Self {
            stack_set,
            accounts,
            ..
        } = self;
        let Some(deploy) = stack_set.deploy.clone() else {
            return;
        };
        for ((account, region), (instance, ends_at)) in &mut stack_set.instances {
            if *instance != StackInstance::Pending || *ends_at > now {
                continue;
            }
            *instance = match (stack_set.failing.get(account), accounts.get_mut(account)) {
                (Some(why), _) => StackInstance::Failed(why.clone()),
                (None, None) => StackInstance::Failed("the account is gone".to_owned()),
                (None, Some(member)) => deploy(member, region)
                    .map_or_else(StackInstance::Failed, |()| StackInstance::Current),
            };
        }
    }
}

impl StackSet {
    pub(crate) fn operate(
        &mut self,
        call: &'static str,
        accounts: &[AccountId],
        regions: &[Region],
        now: Timestamp,
    ) -> Result<(), PortError> {
        if self.busy_until.is_some_and(|until| until > now) {
            return Err(PortError::new(
                ErrorKind::NotReady,
                call,
                "OperationInProgressException",
            ));
        }
        self.operations += 1;
        self.busy_until = Some(now + DEPLOYMENT);
        for (account, region) in accounts
            .iter()
            .flat_map(|account| regions.iter().map(move |region| (account, region)))
        {
            self.instances.insert(
                (account.clone(), region.clone()),
                (StackInstance::Pending, now + DEPLOYMENT),
            );
        }
        Ok(())
    }
}

impl fmt::Debug for StackSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackSet")
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

/// The Organization of the world.
impl World {
    /// Adds an account.
    pub fn add_account(&self, account: MemberAccount) -> AccountId {
        let id = account.org.id.clone();
        self.state().org.accounts.insert(id.clone(), account);
        id
    }

    /// Removes an account from the Organization.
    pub fn remove_account(&self, account: &AccountId) {
        self.state().org.accounts.remove(account);
    }

    /// An account as it is.
    #[expect(
        clippy::panic,
        reason = "a test that names an account that isn't there is to fail at once"
    )]
    pub fn account(&self, account: &AccountId) -> MemberAccount {
        self.state()
            .org
            .accounts
            .get(account)
            .cloned()
            .unwrap_or_else(|| panic!("there is no account {account}"))
    }

    /// Every account as it is.
    pub fn accounts(&self) -> BTreeMap<AccountId, MemberAccount> {
        self.state().org.accounts.clone()
    }

    /// Changes an account, as people would.
    #[expect(
        clippy::panic,
        reason = "a test that names an account that isn't there is to fail at once"
    )]
    pub fn change_account(&self, account: &AccountId, change: impl FnOnce(&mut MemberAccount)) {
        match self.state().org.accounts.get_mut(account) {
            Some(account) => change(account),
            None => panic!("there is no account {account}"),
        }
    }

    /// Sets the StackSet's deployment in an account and region.
    pub fn deploy_with(&self, deploy: Deploy) {
        self.state().org.stack_set.deploy = Some(deploy);
    }

    /// Lets deployments in an account fail from now on, or succeed again.
    pub fn fail_deployments(&self, account: &AccountId, why: Option<&str>) {
        let mut state = self.state();
        match why {
            Some(why) => drop(
                state
                    .org
                    .stack_set
                    .failing
                    .insert(account.clone(), why.to_owned()),
            ),
            None => drop(state.org.stack_set.failing.remove(account)),
        }
    }

    /// The number of operations that the StackSet was asked for.
    pub fn stack_operations(&self) -> usize {
        self.state().org.stack_set.operations
    }

    /// The recorded status of each account, and what people were told of it.
    pub fn statuses(&self) -> BTreeMap<AccountId, (Option<AccountStatus>, Option<String>)> {
        self.state().org.statuses.clone()
    }

    /// The document that the dashboard reads.
    pub fn dashboard(&self) -> Option<String> {
        self.state().org.dashboard.clone()
    }

    /// Limits an API (`organizations`, `sts`) to so many calls a second.
    pub fn limit(&self, api: &'static str, per_second: u32) {
        self.state().org.limits.insert(
            api,
            Limit {
                per_second,
                second: 0,
                taken: 0,
            },
        );
    }

    /// Everything that people were sent, in order.
    pub fn sent(&self) -> Vec<crate::Sent> {
        self.state().sent.clone()
    }

    /// The names of the calls that changed something, of all calls so far.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List", "Scan", "AssumeRole"];
        let is_write = |name: &str| {
            let action = name.split(':').nth(1).unwrap_or_default();
            !reads.iter().any(|read| action.starts_with(read))
        };
        self.calls()
            .iter()
            .filter(|call| is_write(call.name))
            .map(|call| call.name.to_owned())
            .collect()
    }

    /// The accounts that a set of regions is complete in: a recorder that records, and a channel.
    pub fn recorded(&self, regions: &BTreeSet<Region>) -> BTreeSet<AccountId> {
        let is_recorded = |member: &MemberAccount| {
            regions.iter().all(|region| {
                let region = member.regions.get(region);
                region.is_some_and(|region| {
                    region.channel.is_some()
                        && region
                            .status
                            .as_ref()
                            .is_some_and(|status| status.recording)
                })
            })
        };
        let state = self.state();
        state
            .org
            .accounts
            .iter()
            .filter(|(_, member)| is_recorded(member))
            .map(|(id, _)| id.clone())
            .collect()
    }
}
