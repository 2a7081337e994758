//! Looks at an account through the ports. A look that fails becomes a reason in the snapshot;
//! nothing here decides what follows from it.

use std::collections::BTreeMap;

use banto_domain::Region;
use banto_domain::policy::onboarding::{Baseline, ContactKind, OnboardingPolicy};
use banto_ports::{
    AccountClients, ErrorKind, OrgAccount, PortError, RegionState, StackInstance, path_of,
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::expected::expected_baseline;
use super::ports::Ports;
use super::reasons::{assume_role_reason, reason};
use super::snapshot::{
    Instances, Job, LiveAccount, LiveConfig, LiveRegion, RecordersAndChannels, Seen, SeenRole,
    Snapshot,
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
        instances: None,
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
    let live = live_account(&clients, baseline, job.instances.as_ref()).await;
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

async fn live_account(
    clients: &AccountClients,
    baseline: &Baseline,
    instances: Option<&Instances>,
) -> LiveAccount {
    let settings = &baseline.settings;
    let asks_config_role = instances.is_some_and(|it| !all_stacks_are_current(baseline, it));
    LiveAccount {
        roles: match instances {
            Some(_) => None,
            None => Some(seen(roles(clients).await)),
        },
        config_role: match asks_config_role {
            true => Some(seen(clients.roles.has_config_role().await)),
            false => None,
        },
        password_policy: match &settings.password_policy {
            Some(_) => Some(seen(clients.settings.password_policy().await)),
            None => None,
        },
        public_access_blocks: match settings.block_public_access {
            true => Some(seen(clients.settings.public_access_blocks().await)),
            false => None,
        },
        contacts: contacts(clients, settings.contacts.keys()).await,
        regions: live_regions(clients, baseline, instances.is_some()).await,
    }
}

/// True if CloudFormation has finished in every region of the baseline.
fn all_stacks_are_current(baseline: &Baseline, instances: &Instances) -> bool {
    let Ok(instances) = instances else {
        return false;
    };
    baseline.regions.iter().flatten().all(|region| {
        matches!(
            instances.get(region),
            Some(StackInstance::Current | StackInstance::Drifted)
        )
    })
}

async fn roles(clients: &AccountClients) -> Result<Vec<SeenRole>, PortError> {
    let roles = clients.roles.all().await?;
    let sessions = clients.roles.session_lengths().await?;
    let mut seen = Vec::new();
    for role in roles {
        let session = sessions.get(&role.name).copied();
        seen.push(SeenRole {
            role,
            session_seconds: session.unwrap_or(DEFAULT_SESSION),
        });
    }
    Ok(seen)
}

async fn contacts(
    clients: &AccountClients,
    kinds: impl Iterator<Item = &ContactKind>,
) -> BTreeMap<ContactKind, Seen<Option<banto_domain::policy::onboarding::Contact>>> {
    let mut contacts = BTreeMap::new();
    for kind in kinds {
        contacts.insert(*kind, seen(clients.settings.contact(*kind).await));
    }
    contacts
}

/// Looks at the regions of the baseline, side by side.
async fn live_regions(
    clients: &AccountClients,
    baseline: &Baseline,
    uses_stack_set: bool,
) -> Seen<BTreeMap<Region, LiveRegion>> {
    let mut looks = Vec::new();
    for (region, state) in regions(clients, baseline).await? {
        looks.push(async move {
            let live = live_region(clients, baseline, &region, state, uses_stack_set).await;
            (region, live)
        });
    }
    Ok(join_all(looks).await.into_iter().collect())
}

/// The regions that the policy lists; if it lists none, those that the account can use, or soon
/// can.
async fn regions(
    clients: &AccountClients,
    baseline: &Baseline,
) -> Seen<BTreeMap<Region, Option<RegionState>>> {
    let mut regions = BTreeMap::new();
    if let Some(listed) = &baseline.regions {
        regions.extend(listed.iter().map(|region| (region.clone(), None)));
        return Ok(regions);
    }
    for (region, state) in seen(clients.settings.regions().await)? {
        if state != RegionState::Disabled {
            regions.insert(region, Some(state));
        }
    }
    Ok(regions)
}

async fn live_region(
    clients: &AccountClients,
    baseline: &Baseline,
    region: &Region,
    state: Option<RegionState>,
    uses_stack_set: bool,
) -> LiveRegion {
    let mut live = LiveRegion {
        state,
        config: None,
        ebs_encryption: None,
        default_vpc: None,
    };
    if state == Some(RegionState::Enabling) {
        return live;
    }
    let config = seen(live_config(clients, region, uses_stack_set).await);
    let answers = config.is_ok();
    live.config = Some(config);
    // A region that does not answer is not asked again.
    if !answers {
        return live;
    }
    if baseline.settings.ebs_encryption {
        live.ebs_encryption = Some(seen(clients.regions.ebs_encryption(region).await));
    }
    if baseline.settings.delete_default_vpc {
        live.default_vpc = Some(seen(clients.regions.default_vpc(region).await));
    }
    live
}

async fn live_config(
    clients: &AccountClients,
    region: &Region,
    uses_stack_set: bool,
) -> Result<LiveConfig, PortError> {
    let config = &clients.config;
    if uses_stack_set {
        return Ok(LiveConfig {
            recorders_and_channels: None,
            recorder_statuses: config.recorder_statuses(region).await?,
            channel_errors: config.channel_errors(region).await?,
        });
    }
    let recorders = config.recorders(region).await?;
    let recorder_statuses = match recorders.is_empty() {
        true => BTreeMap::new(),
        false => config.recorder_statuses(region).await?,
    };
    let channels = config.channels(region).await?;
    let channel_errors = match channels.is_empty() {
        true => BTreeMap::new(),
        false => config.channel_errors(region).await?,
    };
    Ok(LiveConfig {
        recorders_and_channels: Some(RecordersAndChannels {
            recorders,
            channels,
        }),
        recorder_statuses,
        channel_errors,
    })
}
