//! An Organization: its accounts, and what Banto keeps of them.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccountId, Region, RoleName};
use banto_ports::{AccountRow, ErrorKind, PortError, RegionState};
use jiff::Timestamp;

use crate::member_account::{MemberAccount, MemberRegion};
use crate::past::Past;
use crate::stack_set::StackSet;
use crate::world::World;

/// The Organization, and what Banto keeps of it.
#[derive(Debug, Default)]
pub(crate) struct Org {
    pub(crate) accounts: BTreeMap<AccountId, MemberAccount>,
    pub(crate) stack_set: StackSet,
    pub(crate) statuses: BTreeMap<AccountId, AccountRow>,
    pub(crate) dashboard: Option<String>,
    pub(crate) limits: BTreeMap<&'static str, Limit>,
    pub(crate) past: Past,
    /// The times at which Banto made roles.
    pub(crate) roles_made: BTreeMap<(AccountId, RoleName), Timestamp>,
}

/// The calls a second that an API takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    per_second: u32,
    second: i64,
    taken: u32,
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

    /// An account, if Organizations shows it by now.
    pub(crate) fn shown(
        &mut self,
        call: &'static str,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<&mut MemberAccount, PortError> {
        let member = self.member(call, account)?;
        if member.is_shown(now) {
            return Ok(member);
        }
        let code = "AccountNotFoundException";
        Err(PortError::new(ErrorKind::Missing, call, code))
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
}

/// The Organization of the world.
impl World {
    /// Adds an account, which gets its instances where the StackSet is deployed by itself.
    pub fn add_account(&self, account: MemberAccount) -> AccountId {
        let id = account.org.id.clone();
        let mut state = self.state();
        state.org.accounts.insert(id.clone(), account);
        state.deploy_automatically(&id);
        id
    }

    /// Removes an account from the Organization.
    pub fn remove_account(&self, account: &AccountId) {
        let org = &mut self.state().org;
        org.accounts.remove(account);
        org.past.forget(account);
        org.roles_made.retain(|(owner, _), _| owner != account);
    }

    /// An account as it is.
    #[expect(
        clippy::panic,
        reason = "a test that names an account that isn't there is to fail at once"
    )]
    pub fn account(&self, account: &AccountId) -> MemberAccount {
        let mut state = self.state();
        state.progress();
        state.settle(account);
        let found = state.org.accounts.get(account).cloned();
        found.unwrap_or_else(|| panic!("there is no account {account}"))
    }

    /// Every account as it is.
    pub fn accounts(&self) -> BTreeMap<AccountId, MemberAccount> {
        let mut state = self.state();
        state.progress();
        let ids: Vec<AccountId> = state.org.accounts.keys().cloned().collect();
        for account in &ids {
            state.settle(account);
        }
        state.org.accounts.clone()
    }

    /// Changes an account, as people would.
    #[expect(
        clippy::panic,
        reason = "a test that names an account that isn't there is to fail at once"
    )]
    pub fn change_account(&self, account: &AccountId, change: impl FnOnce(&mut MemberAccount)) {
        let mut state = self.state();
        state.settle(account);
        match state.org.accounts.get_mut(account) {
            Some(account) => change(account),
            None => panic!("there is no account {account}"),
        }
    }

    /// The recorded status of each account, and what people were told of it.
    pub fn statuses(&self) -> BTreeMap<AccountId, AccountRow> {
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
        let mut state = self.state();
        state.progress();
        state
            .org
            .accounts
            .iter()
            .filter(|(_, member)| is_recorded(member))
            .map(|(id, _)| id.clone())
            .collect()
    }
}
