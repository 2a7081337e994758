//! Looks at an account through the ports. A look that fails becomes a reason in the snapshot; nothing here
//! decides what follows from it.

use std::collections::BTreeMap;

use banto_domain::Region;
use banto_domain::policy::onboarding::{Baseline, Expected, OnboardingPolicy, Way};
use banto_domain::status::{Reason, ReasonKind};
use banto_ports::{
    AccountClients, AccountState, ErrorKind, LiveRole, OrgAccount, Organization, PortError,
    RegionState, StackInstance, path_of,
};
use futures_util::future::join_all;

use crate::Onboarder;
use crate::converge::snapshot::{LiveAccount, LiveConfig, LiveRegion, Seen, Snapshot};
use crate::event::ConvergeRequest;

/// What was seen, and the way into the account if it could be entered.
#[derive(Debug)]
pub struct Observed {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The way in.
    pub member: Option<AccountClients>,
}

/// Whether the StackSet carries this account's baseline: never the management account's, which StackSets
/// don't reach.
pub fn uses_stack_set(policy: &OnboardingPolicy, account: &OrgAccount) -> bool {
    matches!(policy.way, Way::StackSet(_)) && account.id != policy.management_account
}

/// Whether anything can be done in an account at all.
pub fn is_active(account: &OrgAccount) -> bool {
    account.state == AccountState::Active
}

/// Adds what Organizations did not tell with the account, where the policy asks for it: the units that it
/// is in and its tags.
///
/// # Errors
/// If Organizations can't be asked; without an answer nothing is known of what the account must have.
pub async fn place(
    organization: &dyn Organization,
    policy: &OnboardingPolicy,
    mut account: OrgAccount,
) -> Result<(OrgAccount, BTreeMap<String, String>), PortError> {
    if policy.needs_path() {
        account.path = path_of(organization, &account).await?;
    }
    let tags = if policy.needs_tags() {
        organization.tags(&account.id).await?
    } else {
        BTreeMap::new()
    };
    Ok((account, tags))
}

/// Looks at an account.
pub async fn observe(
    onboarder: &Onboarder,
    work: &ConvergeRequest,
    tags: &BTreeMap<String, String>,
    stack: Option<Seen<BTreeMap<Region, StackInstance>>>,
    member: Option<AccountClients>,
) -> Observed {
    let policy = &onboarder.policy;
    let account = work.account.clone();
    let expected = policy.of(&account.id, &account.path, tags);
    let mut snapshot = Snapshot {
        account,
        tags: tags.clone(),
        cause: work.cause,
        since: work.since,
        stack,
        inside: None,
    };
    let baseline = match expected {
        Expected::Baseline(baseline) if is_active(&snapshot.account) => baseline,
        Expected::Baseline(_) | Expected::LeftAlone(_) => {
            return Observed {
                snapshot,
                member: None,
            };
        }
    };
    let entered = match member {
        Some(member) => Ok(member),
        None => {
            onboarder
                .account_access
                .assume_role(&snapshot.account.id)
                .await
        }
    };
    let member = match entered {
        Ok(member) => member,
        Err(error) => {
            snapshot.inside = Some(Err(entry_reason(&error)));
            return Observed {
                snapshot,
                member: None,
            };
        }
    };
    snapshot.inside = Some(Ok(inside(&member, baseline, snapshot.stack.as_ref()).await));
    Observed {
        snapshot,
        member: Some(member),
    }
}

async fn inside(
    member: &AccountClients,
    baseline: &Baseline,
    stack: Option<&Seen<BTreeMap<Region, StackInstance>>>,
) -> LiveAccount {
    let settings = &baseline.settings;
    let by_stack_set = stack.is_some();
    let roles = if by_stack_set {
        None
    } else {
        Some(roles(member).await.map_err(|error| reason(&error)))
    };
    let is_current = |region: &Region| {
        let instance = stack.and_then(|stack| stack.as_ref().ok()?.get(region));
        matches!(
            instance,
            Some(StackInstance::Current | StackInstance::Drifted)
        )
    };
    let config_role = match by_stack_set && !baseline.regions.iter().flatten().all(is_current) {
        true => Some(
            member
                .roles
                .has_config_role()
                .await
                .map_err(|error| reason(&error)),
        ),
        false => None,
    };
    let password_policy = match &settings.password_policy {
        Some(_) => Some(
            member
                .settings
                .password_policy()
                .await
                .map_err(|error| reason(&error)),
        ),
        None => None,
    };
    let public_access_blocks = match settings.block_public_access {
        true => Some(
            member
                .settings
                .public_access_blocks()
                .await
                .map_err(|error| reason(&error)),
        ),
        false => None,
    };
    let mut contacts = BTreeMap::new();
    for kind in settings.contacts.keys() {
        contacts.insert(
            *kind,
            member
                .settings
                .contact(*kind)
                .await
                .map_err(|error| reason(&error)),
        );
    }
    let states = match &baseline.regions {
        Some(regions) => Ok(regions
            .iter()
            .map(|region| (region.clone(), None))
            .collect()),
        None => member
            .settings
            .regions()
            .await
            .map(enabled)
            .map_err(|error| reason(&error)),
    };
    let regions = match states {
        Ok(states) => {
            let views =
                states
                    .into_iter()
                    .map(async |(region, state): (Region, Option<RegionState>)| {
                        let view =
                            region_view(member, baseline, &region, state, by_stack_set).await;
                        (region, view)
                    });
            Ok(join_all(views).await.into_iter().collect())
        }
        Err(reason) => Err(reason),
    };
    LiveAccount {
        roles,
        config_role,
        password_policy,
        public_access_blocks,
        contacts,
        regions,
    }
}

/// The regions that an account can use, or soon can.
fn enabled(states: BTreeMap<Region, RegionState>) -> BTreeMap<Region, Option<RegionState>> {
    let usable = states
        .into_iter()
        .filter(|(_, state)| *state != RegionState::Disabled);
    usable
        .map(|(region, state)| (region, Some(state)))
        .collect()
}

async fn roles(member: &AccountClients) -> Result<Vec<(LiveRole, i32)>, PortError> {
    let roles = member.roles.all().await?;
    let sessions = member.roles.session_lengths().await?;
    // One hour is what IAM takes a role's longest session for if nothing else was said.
    let with_session = roles.into_iter().map(|role| {
        let session = sessions.get(&role.name).copied().unwrap_or(3_600);
        (role, session)
    });
    Ok(with_session.collect())
}

async fn region_view(
    member: &AccountClients,
    baseline: &Baseline,
    region: &Region,
    state: Option<RegionState>,
    by_stack_set: bool,
) -> LiveRegion {
    if state == Some(RegionState::Enabling) {
        return LiveRegion {
            state,
            config: None,
            ebs_encryption: None,
            default_vpc: None,
        };
    }
    let config = config_view(member, region, by_stack_set)
        .await
        .map_err(|error| reason(&error));
    let settings = &baseline.settings;
    // A region that does not answer is not asked again.
    if let Err(reason) = config {
        return LiveRegion {
            state,
            config: Some(Err(reason)),
            ebs_encryption: None,
            default_vpc: None,
        };
    }
    let ebs_encryption = match settings.ebs_encryption {
        true => Some(
            member
                .regions
                .ebs_encryption(region)
                .await
                .map_err(|error| reason(&error)),
        ),
        false => None,
    };
    let default_vpc = match settings.delete_default_vpc {
        true => Some(
            member
                .regions
                .default_vpc(region)
                .await
                .map_err(|error| reason(&error)),
        ),
        false => None,
    };
    LiveRegion {
        state,
        config: Some(config),
        ebs_encryption,
        default_vpc,
    }
}

async fn config_view(
    member: &AccountClients,
    region: &Region,
    by_stack_set: bool,
) -> Result<LiveConfig, PortError> {
    let config = &member.config;
    if by_stack_set {
        let statuses = config.recorder_statuses(region).await?;
        return Ok(LiveConfig {
            parts: None,
            statuses,
            channel_errors: config.channel_errors(region).await?,
        });
    }
    let recorders = config.recorders(region).await?;
    let statuses = if recorders.is_empty() {
        BTreeMap::new()
    } else {
        config.recorder_statuses(region).await?
    };
    let channels = config.channels(region).await?;
    let channel_errors = if channels.is_empty() {
        BTreeMap::new()
    } else {
        config.channel_errors(region).await?
    };
    Ok(LiveConfig {
        parts: Some((recorders, channels)),
        statuses,
        channel_errors,
    })
}

/// Why an account could not be entered.
pub fn entry_reason(error: &PortError) -> Reason {
    match error.kind {
        ErrorKind::Denied => Reason::new(ReasonKind::NotAssumable, error.to_string()),
        _ => reason(error),
    }
}

/// Why a call failed, as a status row has it.
pub fn reason(error: &PortError) -> Reason {
    let kind = match error.kind {
        ErrorKind::Throttled => ReasonKind::Throttled,
        ErrorKind::Denied => ReasonKind::Denied,
        ErrorKind::LimitExceeded => ReasonKind::QuotaExceeded,
        ErrorKind::NotReady => ReasonKind::Initialising,
        ErrorKind::UnknownCaller => ReasonKind::RegionDisabled,
        ErrorKind::Unavailable => ReasonKind::Unavailable,
        // Somebody was faster: the next look sees what they did.
        ErrorKind::Conflict => ReasonKind::Propagating,
        ErrorKind::Missing | ErrorKind::Invalid => ReasonKind::Refused,
    };
    Reason::new(kind, error.to_string())
}
