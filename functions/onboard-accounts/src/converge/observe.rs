//! Looks at an account through the ports. A look that fails becomes a reason in the snapshot;
//! nothing here decides what follows from it.
//!
//! Calls that need nothing of each other are made side by side, so that a look takes as long as
//! its longest chain of calls.

use std::collections::BTreeMap;

use banto_domain::Region;
use banto_domain::policy::onboarding::{Baseline, Contact, ContactKind, OnboardingPolicy};
use banto_ports::{
    AccountClients, DefaultVpc, ErrorKind, LiveRecorder, OrgAccount, OrgPolicyKind, PortError,
    RegionState, StackInstance, path_of,
};
use futures_util::future::{join, join_all, join3, join5};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::expected::{expected_baseline, may_lose_default_vpcs, uses_stack_set};
use super::ports::Ports;
use super::reasons::{assume_role_reason, reason};
use super::snapshot::{
    ALL_BLOCKS, Instances, Job, LiveAccount, LiveConfig, LiveRegion, Seen, SeenRole, Snapshot,
};
use crate::message::ConvergeRequest;

/// The age at which an account in a message is looked up again. A younger one costs no call: a
/// fan-out to 1,000 accounts would spend two minutes of Organizations' rate on what was just listed.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// The longest session, in seconds, that IAM assumes of a role if nothing else was said.
const DEFAULT_SESSION: i32 = 3_600;

/// A snapshot, and the clients of the account if its role was assumed.
#[derive(Debug)]
pub struct Observed {
    pub snapshot: Snapshot,
    pub clients: Option<AccountClients>,
}

/// Looks an account up in Organizations, with its path and tags where the policy needs them.
/// Returns `None` if it has left the Organization.
///
/// # Errors
/// If Organizations can't be asked: without its answer nobody knows what the account must have.
pub async fn look_up(
    ports: &Ports,
    request: &ConvergeRequest,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Result<Option<Job>, PortError> {
    let Some(mut account) = current_account(ports, request, now).await? else {
        return Ok(None);
    };
    let organization = ports.organization.as_ref();
    if policy.needs_path() {
        account.path = path_of(organization, &account).await?;
    }
    let tags = match policy.needs_tags() {
        true => organization.tags(&account.id).await?,
        false => BTreeMap::new(),
    };
    Ok(Some(Job {
        request: ConvergeRequest {
            account,
            ..request.clone()
        },
        tags,
    }))
}

/// The account as the request has it if that is young enough, or else as Organizations has it now;
/// `None` if it has left the Organization.
async fn current_account(
    ports: &Ports,
    request: &ConvergeRequest,
    now: Timestamp,
) -> Result<Option<OrgAccount>, PortError> {
    let known = request.account.clone();
    if now.duration_since(request.requested_at) < STALE {
        return Ok(Some(known));
    }
    match ports.organization.account(&known.id).await {
        Ok(account) => Ok(Some(account)),
        // Looking up every account at once would be throttled for long: what is known will do until
        // the retry.
        Err(error) if error.kind == ErrorKind::Throttled => Ok(Some(known)),
        Err(error) if error.kind == ErrorKind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks at an account from inside, with the clients of an earlier look if there was one.
///
/// # Errors
/// If the account's role can't be assumed.
pub async fn observe(
    ports: &Ports,
    job: &Job,
    policy: &OnboardingPolicy,
    clients: Option<AccountClients>,
) -> Seen<Observed> {
    let Ok(baseline) = expected_baseline(job, policy) else {
        return Ok(Observed {
            snapshot: snapshot(job, None),
            clients: None,
        });
    };
    let clients = match clients {
        Some(clients) => clients,
        None => ports
            .account_access
            .assume_role(&job.account().id)
            .await
            .map_err(|error| assume_role_reason(&error))?,
    };
    let look = Look {
        ports,
        job,
        baseline,
        clients: &clients,
    };
    let live = look.account(policy).await;
    Ok(Observed {
        snapshot: snapshot(job, Some(Ok(live))),
        clients: Some(clients),
    })
}

/// The snapshot of a job's account.
pub fn snapshot(job: &Job, live: Option<Seen<LiveAccount>>) -> Snapshot {
    Snapshot {
        job: job.clone(),
        live,
    }
}

/// The answer to a call, or the reason why it failed.
fn seen<T>(answer: Result<T, PortError>) -> Seen<T> {
    answer.map_err(|error| reason(&error))
}

/// A look at one account, and all that it is made with.
struct Look<'a> {
    ports: &'a Ports,
    job: &'a Job,
    baseline: &'a Baseline,
    clients: &'a AccountClients,
}

/// The account as a whole.
impl Look<'_> {
    async fn account(&self, policy: &OnboardingPolicy) -> LiveAccount {
        let (instances, roles, settings, contacts, regions) = join5(
            self.instances(policy),
            self.roles(),
            join(self.password_policy(), self.public_access_blocks()),
            self.contacts(),
            self.regions(),
        )
        .await;
        let (password_policy, public_access_blocks) = settings;
        let mut live = LiveAccount {
            instances,
            roles: seen(roles),
            password_policy,
            public_access_blocks,
            contacts,
            org_policies: BTreeMap::new(),
            regions,
        };
        live.org_policies = self.org_policies(&live).await;
        live
    }

    /// The StackSet's instances, and whether anything is under way where one waits for it.
    async fn instances(&self, policy: &OnboardingPolicy) -> Option<Seen<Instances>> {
        if !uses_stack_set(self.job.account(), policy) {
            return None;
        }
        let stack_instances = self.ports.stack_instances.as_ref();
        let listed = stack_instances.list(&self.job.account().id).await;
        let by_region = match seen(listed) {
            Ok(by_region) => by_region,
            Err(reason) => return Some(Err(reason)),
        };
        let waits = by_region.values().any(|it| *it == StackInstance::Pending);
        let is_operating = match waits {
            true => seen(stack_instances.is_operating().await),
            false => Ok(false),
        };
        Some(is_operating.map(|is_operating| Instances {
            by_region,
            is_operating,
        }))
    }

    async fn roles(&self) -> Result<Vec<SeenRole>, PortError> {
        let roles = self.clients.roles.as_ref();
        let (roles, sessions) = join(roles.all(), roles.session_lengths()).await;
        let sessions = sessions?;
        let mut seen = Vec::new();
        for role in roles? {
            let session = sessions.get(&role.name).copied();
            seen.push(SeenRole {
                role,
                session_seconds: session.unwrap_or(DEFAULT_SESSION),
            });
        }
        Ok(seen)
    }

    async fn password_policy(&self) -> Option<Seen<Option<banto_ports::LivePasswordPolicy>>> {
        match &self.baseline.settings.password_policy {
            Some(_) => Some(seen(self.clients.settings.password_policy().await)),
            None => None,
        }
    }

    async fn public_access_blocks(&self) -> Option<Seen<Option<u8>>> {
        match self.baseline.settings.block_public_access {
            true => Some(seen(self.clients.settings.public_access_blocks().await)),
            false => None,
        }
    }

    async fn contacts(&self) -> BTreeMap<ContactKind, Seen<Option<Contact>>> {
        let kinds = self.baseline.settings.contacts.keys();
        let looks =
            kinds.map(async |kind| (*kind, seen(self.clients.settings.contact(*kind).await)));
        join_all(looks).await.into_iter().collect()
    }

    /// The Organization's policies on what differs: in steady state nothing does, and nothing is
    /// asked.
    async fn org_policies(&self, live: &LiveAccount) -> BTreeMap<OrgPolicyKind, Value> {
        let mut kinds = Vec::new();
        if matches!(&live.public_access_blocks, Some(Ok(blocks)) if *blocks != Some(ALL_BLOCKS)) {
            kinds.push(OrgPolicyKind::S3);
        }
        let mut regions = live.regions.iter().flat_map(BTreeMap::values);
        if regions.any(|region| region.ebs_encryption == Some(Ok(false))) {
            kinds.push(OrgPolicyKind::Ec2);
        }
        let looks = kinds.into_iter().map(|kind| self.org_policy(kind));
        join_all(looks).await.into_iter().flatten().collect()
    }

    async fn org_policy(&self, kind: OrgPolicyKind) -> Option<(OrgPolicyKind, Value)> {
        let organization = self.ports.organization.as_ref();
        let account = &self.job.account().id;
        match organization.effective_policy(account, kind).await {
            Ok(policy) => policy.map(|policy| (kind, policy)),
            Err(error) => {
                tracing::warn!(account.id = %account, %error, "the Organization's policy is not known");
                None
            }
        }
    }
}

/// The regions of the baseline.
impl Look<'_> {
    /// Looks at the regions side by side.
    async fn regions(&self) -> Seen<BTreeMap<Region, LiveRegion>> {
        let mut looks = Vec::new();
        for (region, state) in self.region_states().await? {
            looks.push(async move {
                let live = self.region(&region, state).await;
                (region, live)
            });
        }
        Ok(join_all(looks).await.into_iter().collect())
    }

    /// The regions that the policy lists; if it lists none, those that the account can use, or soon
    /// can.
    async fn region_states(&self) -> Seen<BTreeMap<Region, Option<RegionState>>> {
        let mut regions = BTreeMap::new();
        if let Some(listed) = &self.baseline.regions {
            regions.extend(listed.iter().map(|region| (region.clone(), None)));
            return Ok(regions);
        }
        for (region, state) in seen(self.clients.settings.regions().await)? {
            if state != RegionState::Disabled {
                regions.insert(region, Some(state));
            }
        }
        Ok(regions)
    }

    async fn region(&self, region: &Region, state: Option<RegionState>) -> LiveRegion {
        let mut live = LiveRegion {
            state,
            config: None,
            ebs_encryption: None,
            default_vpc: None,
        };
        if state == Some(RegionState::Enabling) {
            return live;
        }
        let recorders = match seen(self.clients.config.recorders(region).await) {
            Ok(recorders) => recorders,
            // A region that does not answer is not asked again.
            Err(reason) => {
                live.config = Some(Err(reason));
                return live;
            }
        };
        let (config, ebs_encryption, default_vpc) = join3(
            self.config(region, recorders),
            self.ebs_encryption(region),
            self.default_vpc(region),
        )
        .await;
        LiveRegion {
            config: Some(seen(config)),
            ebs_encryption,
            default_vpc,
            ..live
        }
    }

    async fn ebs_encryption(&self, region: &Region) -> Option<Seen<bool>> {
        match self.baseline.settings.ebs_encryption {
            true => Some(seen(self.clients.regions.ebs_encryption(region).await)),
            false => None,
        }
    }

    /// The default VPC of a new account. A look at all that may use one costs some 20 calls.
    async fn default_vpc(&self, region: &Region) -> Option<Seen<Option<DefaultVpc>>> {
        let is_new = may_lose_default_vpcs(self.job.account(), self.ports.clock.now());
        match self.baseline.settings.delete_default_vpc && is_new {
            true => Some(seen(self.clients.regions.default_vpc(region).await)),
            false => None,
        }
    }

    async fn config(
        &self,
        region: &Region,
        recorders: Vec<LiveRecorder>,
    ) -> Result<LiveConfig, PortError> {
        let config = self.clients.config.as_ref();
        let statuses = async {
            match recorders.is_empty() {
                true => Ok(BTreeMap::new()),
                false => config.recorder_statuses(region).await,
            }
        };
        let (recorder_statuses, channels) = join(statuses, config.channels(region)).await;
        let channels = channels?;
        let channel_statuses = match channels.is_empty() {
            true => BTreeMap::new(),
            false => config.channel_statuses(region).await?,
        };
        Ok(LiveConfig {
            recorders,
            channels,
            recorder_statuses: recorder_statuses?,
            channel_statuses,
        })
    }
}
