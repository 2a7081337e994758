//! The StackSet: its operations, one after the other, and its instances.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use banto_domain::{AccountId, Region};
use banto_ports::{AccountState, ErrorKind, PortError, RegionState, StackInstance};
use jiff::{SignedDuration, Timestamp};

use crate::member_account::MemberAccount;
use crate::world::{State, World, parsed};

/// The StackSet's deployment in an account and region, or the reason why CloudFormation can't.
pub type Deploy = Arc<dyn Fn(&mut MemberAccount, &Region) -> Result<(), String> + Send + Sync>;

/// The time that CloudFormation takes for an operation.
const DEPLOYMENT: SignedDuration = SignedDuration::from_mins(2);

/// An operation on the StackSet. (CloudFormation API reference, `StackSetOperation`.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackOperation {
    /// Its id.
    pub id: String,
    /// The point that it has come to.
    pub status: StackOperationStatus,
    /// The accounts and regions whose instances it deploys.
    pub covers: BTreeSet<(AccountId, Region)>,
    /// True if CloudFormation began it, by automatic deployment.
    pub is_automatic: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began; `None` while it is queued.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The point that an operation has come to. (CloudFormation API reference, `StackSetOperation`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackOperationStatus {
    /// Another operation is to end first.
    Queued,
    /// It is under way.
    Running,
    /// Somebody stopped it, and it has yet to end.
    Stopping,
    /// It ended with no more failures than it tolerates.
    Succeeded,
    /// It ended with more failures.
    Failed,
    /// It ended since somebody stopped it.
    Stopped,
}

/// The StackSet and its instances.
#[derive(Default)]
pub(crate) struct StackSet {
    instances: BTreeMap<AccountId, BTreeMap<Region, StackInstance>>,
    operations: Vec<StackOperation>,
    deploy: Option<Deploy>,
    /// Accounts where deployments fail, and why.
    failing: BTreeMap<AccountId, String>,
    /// Accounts outside of the units that it may be deployed to.
    outside: BTreeSet<AccountId>,
    /// True if operations are queued, and not refused, while one is under way.
    is_managed: bool,
    /// The regions of automatic deployment, where that is on.
    automatic: BTreeSet<Region>,
}

impl StackOperation {
    /// True while it has not ended.
    pub fn is_under_way(&self) -> bool {
        self.ended_at.is_none()
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let started_at = self.started_at.filter(|_| self.is_under_way());
        started_at.is_some_and(|at| at + DEPLOYMENT <= now)
    }

    /// Ends it, with failures or without.
    fn end(&mut self, at: Timestamp, has_failures: bool) {
        self.ended_at = Some(at);
        self.status = match self.status {
            StackOperationStatus::Stopping => StackOperationStatus::Stopped,
            // Automatic deployment tolerates no failure, and Banto's operations tolerate any.
            _ if has_failures && self.is_automatic => StackOperationStatus::Failed,
            _ => StackOperationStatus::Succeeded,
        };
    }
}

impl StackSet {
    /// True if an operation is queued, runs or is being stopped.
    pub(crate) fn is_operating(&self) -> bool {
        self.operations.iter().any(StackOperation::is_under_way)
    }

    /// The instances of an account.
    pub(crate) fn of(&self, account: &AccountId) -> BTreeMap<Region, StackInstance> {
        self.instances.get(account).cloned().unwrap_or_default()
    }

    /// Those of the accounts that are in the units that it may be deployed to, by region.
    fn targets(&self, accounts: &[AccountId], regions: &[Region]) -> BTreeSet<(AccountId, Region)> {
        let targets = accounts
            .iter()
            .filter(|account| !self.outside.contains(account));
        let of = |account: &AccountId| {
            let regions = regions.iter();
            let targets = regions.map(|region| (account.clone(), region.clone()));
            targets.collect::<Vec<_>>()
        };
        targets.flat_map(of).collect()
    }

    /// Asks for an operation that makes instances, or makes them anew.
    pub(crate) fn create(
        &mut self,
        call: &'static str,
        accounts: &[AccountId],
        regions: &[Region],
        now: Timestamp,
    ) -> Result<(), PortError> {
        let covers = self.targets(accounts, regions);
        self.operate(call, covers, now)
    }

    /// Asks for an operation on instances that are there.
    pub(crate) fn update(
        &mut self,
        call: &'static str,
        accounts: &[AccountId],
        regions: &[Region],
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut covers = self.targets(accounts, regions);
        covers.retain(|(account, region)| {
            let own = self.instances.get(account);
            own.is_some_and(|own| own.contains_key(region))
        });
        self.operate(call, covers, now)
    }

    fn operate(
        &mut self,
        call: &'static str,
        covers: BTreeSet<(AccountId, Region)>,
        now: Timestamp,
    ) -> Result<(), PortError> {
        if self.is_operating() && !self.is_managed {
            let code = "OperationInProgressException";
            return Err(PortError::new(ErrorKind::NotReady, call, code));
        }
        self.queue(covers, false, now);
        Ok(())
    }

    /// Queues an operation, which begins at once if none is under way.
    fn queue(&mut self, covers: BTreeSet<(AccountId, Region)>, is_automatic: bool, now: Timestamp) {
        for (account, region) in &covers {
            let own = self.instances.entry(account.clone()).or_default();
            own.insert(region.clone(), StackInstance::Pending);
        }
        self.operations.push(StackOperation {
            id: format!("operation-{}", self.operations.len() + 1),
            status: StackOperationStatus::Queued,
            covers,
            is_automatic,
            created_at: now,
            started_at: None,
            ended_at: None,
        });
        self.begin_next(now);
    }

    /// Begins the operation that was asked for first, unless one runs.
    fn begin_next(&mut self, now: Timestamp) {
        let mut under_way = self.operations.iter_mut();
        let next = under_way.find(|operation| operation.is_under_way());
        let next = next.filter(|operation| operation.started_at.is_none());
        if let Some(next) = next {
            next.started_at = Some(now.max(next.created_at));
            next.status = StackOperationStatus::Running;
        }
    }

    /// The operation whose end has come, by its place in the list.
    fn due(&self, now: Timestamp) -> Option<(usize, StackOperation)> {
        let mut operations = self.operations.iter().enumerate().rev();
        let found = operations.find(|(_, operation)| operation.is_due(now));
        found.map(|(place, operation)| (place, operation.clone()))
    }
}

impl State {
    /// Ends the operations whose time has come, and begins those that waited for them.
    pub(crate) fn progress(&mut self) {
        while let Some((place, operation)) = self.org.stack_set.due(self.now) {
            let started_at = operation.started_at.unwrap_or(operation.created_at);
            let ended_at = started_at + DEPLOYMENT;
            let mut has_failures = false;
            for (account, region) in &operation.covers {
                let instance = match operation.status {
                    StackOperationStatus::Stopping => {
                        StackInstance::Failed("Cancelled: the operation was stopped".to_owned())
                    }
                    _ => self.deploy(account, region, ended_at),
                };
                has_failures |= matches!(instance, StackInstance::Failed(_));
                let own = self.org.stack_set.instances.entry(account.clone());
                own.or_default().insert(region.clone(), instance);
            }
            if let Some(operation) = self.org.stack_set.operations.get_mut(place) {
                operation.end(ended_at, has_failures);
            }
            self.org.stack_set.begin_next(ended_at);
        }
    }

    /// Deploys one instance; it stays pending where no test said what a deployment does.
    fn deploy(&mut self, account: &AccountId, region: &Region, at: Timestamp) -> StackInstance {
        self.settle(account);
        let failed = |why: &str| StackInstance::Failed(why.to_owned());
        if let Some(why) = self.org.stack_set.failing.get(account) {
            return failed(why);
        }
        let Some(deploy) = self.org.stack_set.deploy.clone() else {
            return StackInstance::Pending;
        };
        let Some(member) = self.org.accounts.get_mut(account) else {
            return failed("the account is gone");
        };
        if member.org.state != AccountState::Active {
            return failed("SKIPPED_SUSPENDED_ACCOUNT: the account is suspended");
        }
        let state = member.regions.get(region).map(|view| view.state);
        if state != Some(RegionState::Enabled) {
            return failed("the region is not enabled");
        }
        if let Err(why) = deploy(member, region) {
            return failed(&why);
        }
        // CloudFormation starts the recorder that it makes.
        let status = member.regions.get_mut(region);
        let status = status.and_then(|view| view.status.as_mut());
        if let Some(status) = status.filter(|status| status.recording) {
            status.started_at.get_or_insert(at);
        }
        StackInstance::Current
    }

    /// Queues the instances of an account that is new, where automatic deployment is on.
    pub(crate) fn deploy_automatically(&mut self, account: &AccountId) {
        let regions: Vec<Region> = self.org.stack_set.automatic.iter().cloned().collect();
        let stack_set = &mut self.org.stack_set;
        let covers = stack_set.targets(std::slice::from_ref(account), &regions);
        if !covers.is_empty() {
            stack_set.queue(covers, true, self.now);
        }
    }
}

impl fmt::Debug for StackSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackSet")
            .field("instances", &self.instances)
            .field("operations", &self.operations)
            .finish_non_exhaustive()
    }
}

/// The StackSet of the world.
impl World {
    /// Sets the StackSet's deployment in an account and region. A recorder that it starts need not
    /// say since when.
    pub fn deploy_with(&self, deploy: Deploy) {
        self.state().org.stack_set.deploy = Some(deploy);
    }

    /// Lets deployments in an account fail from now on, or succeed again.
    pub fn fail_deployments(&self, account: &AccountId, why: Option<&str>) {
        let failing = &mut self.state().org.stack_set.failing;
        failing.remove(account);
        failing.extend(why.map(|why| (account.clone(), why.to_owned())));
    }

    /// Takes an account out of the units that the StackSet may be deployed to: operations make no
    /// instance for it from now on.
    pub fn exclude_from_stack_set(&self, account: &AccountId) {
        let outside = &mut self.state().org.stack_set.outside;
        outside.insert(account.clone());
    }

    /// Turns managed execution on or off: with it, an operation is queued while another one is
    /// under way, and without it refused.
    pub fn manage_execution(&self, is_managed: bool) {
        self.state().org.stack_set.is_managed = is_managed;
    }

    /// Deploys to each account that is added from now on in these regions; none turns that off.
    pub fn deploy_to_new_accounts(&self, regions: &[&str]) {
        let regions = regions.iter().map(|region| parsed(region));
        self.state().org.stack_set.automatic = regions.collect();
    }

    /// Stops the operation that runs, as a person would: the instances that it was to deploy are
    /// cancelled when it ends.
    pub fn stop_stack_operation(&self) {
        let mut state = self.state();
        state.progress();
        let mut operations = state.org.stack_set.operations.iter_mut();
        let running =
            operations.find(|operation| operation.status == StackOperationStatus::Running);
        if let Some(running) = running {
            running.status = StackOperationStatus::Stopping;
        }
    }

    /// Puts an instance into a state, or removes it, with no operation about it.
    pub fn set_stack_instance(
        &self,
        account: &AccountId,
        region: &Region,
        instance: Option<StackInstance>,
    ) {
        let mut state = self.state();
        let own = state.org.stack_set.instances.entry(account.clone());
        let own = own.or_default();
        own.remove(region);
        own.extend(instance.map(|instance| (region.clone(), instance)));
    }

    /// Every operation on the StackSet so far, the first one first.
    pub fn stack_set_operations(&self) -> Vec<StackOperation> {
        let mut state = self.state();
        state.progress();
        state.org.stack_set.operations.clone()
    }

    /// The number of operations that the StackSet was asked for by Banto.
    pub fn stack_operations(&self) -> usize {
        let operations = self.stack_set_operations();
        let asked = operations.iter().filter(|asked| !asked.is_automatic);
        asked.count()
    }
}
