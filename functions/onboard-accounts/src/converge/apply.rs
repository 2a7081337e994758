//! Applies a plan: one exhaustive match, one call an action.
//!
//! Nothing is decided here. An action that fails ends the chain of its own place; the next look
//! plans anew.

use std::time::Duration;

use banto_domain::status::{Reason, ReasonKind};
use banto_domain::{AccountId, PerPlace, Place, Region};
use banto_lambda::Invocation;
use banto_ports::{AccountClients, ErrorKind, PortError, RoleChange};
use futures_util::future::join_all;

use super::actions::{Action, Chain, Plan};
use super::outcome::Outcome;
use super::reasons::reason;
use super::times::{CALL_TIME, FINISH_TIME};

/// The time that must be left for an action: its one call, and the end of the batch. With less time
/// left a chain stops, so that Lambda never ends the function in the middle of a call.
const LEAST_TIME: Duration = CALL_TIME.saturating_add(FINISH_TIME);

/// Applies a plan: first the account as a whole, then its regions side by side.
pub async fn apply(
    clients: &AccountClients,
    plan: &Plan,
    invocation: &Invocation,
) -> PerPlace<Outcome> {
    let whole_account = PlaceWriter {
        clients,
        account: &plan.account,
        place: Place::Account,
    };
    let account = whole_account.apply(&plan.chains.account, invocation).await;
    let mut regions = Vec::new();
    for (region, chain) in &plan.chains.regions {
        let writer = PlaceWriter {
            place: Place::Region(region),
            ..whole_account
        };
        regions.push(async move { (region.clone(), writer.apply(chain, invocation).await) });
    }
    PerPlace {
        account,
        regions: join_all(regions).await.into_iter().collect(),
    }
}

/// Writes to one place of an account.
#[derive(Clone, Copy)]
struct PlaceWriter<'a> {
    clients: &'a AccountClients,
    account: &'a AccountId,
    place: Place<'a>,
}

impl PlaceWriter<'_> {
    /// Applies a chain until an action fails, or until the time is up.
    async fn apply(self, chain: &Chain, invocation: &Invocation) -> Outcome {
        let mut outcome = Outcome::default();
        for action in &chain.actions {
            if !invocation.has_time_for(LEAST_TIME) {
                outcome.failed = Some(out_of_time(chain, outcome.done.len()));
                return outcome;
            }
            let result = act(self.clients, action, self.place).await;
            self.log(action, &result);
            if let Err(error) = result {
                outcome.failed = Some(failure(action, &error));
                return outcome;
            }
            outcome.done.push(action.clone());
        }
        outcome
    }

    fn log(self, action: &Action, result: &Result<(), PortError>) {
        let (account, region) = (self.account, self.place.region().map(Region::as_str));
        match result {
            Ok(()) => tracing::info!(
                account.id = %account,
                region.name = region,
                action.kind = action.kind(),
                "account changed"
            ),
            Err(error) => tracing::error!(
                account.id = %account,
                region.name = region,
                action.kind = action.kind(),
                %error,
                "account not changed"
            ),
        }
    }
}

/// The reason of a chain that ended because the time was up.
fn out_of_time(chain: &Chain, done: usize) -> Reason {
    let detail = format!("{done} of {} actions were done", chain.actions.len());
    Reason::new(ReasonKind::OutOfTime, detail)
}

async fn act(clients: &AccountClients, action: &Action, place: Place<'_>) -> Result<(), PortError> {
    match place {
        Place::Account => act_in_account(clients, action).await,
        Place::Region(region) => act_in_region(clients, action, region).await,
    }
}

async fn act_in_account(clients: &AccountClients, action: &Action) -> Result<(), PortError> {
    let (roles, settings) = (&clients.roles, &clients.settings);
    match action {
        Action::CreateConfigRole => done_if(ErrorKind::Conflict, roles.create_config_role().await),
        Action::CreateRole { name, role } => roles.create(name, role).await,
        Action::ChangeRole { name, change, .. } => roles.change(name, change).await,
        Action::SetPasswordPolicy { policy, .. } => settings.set_password_policy(policy).await,
        Action::BlockPublicAccess { .. } => settings.block_public_access().await,
        Action::SetContact {
            contact_kind,
            contact,
            ..
        } => settings.set_contact(*contact_kind, contact).await,
        Action::PutRecorder { .. }
        | Action::PutChannel { .. }
        | Action::StartRecorder { .. }
        | Action::EncryptEbs
        | Action::DeleteVpcPart { .. } => {
            Err(misplaced("an action of a region was planned without one"))
        }
    }
}

async fn act_in_region(
    clients: &AccountClients,
    action: &Action,
    region: &Region,
) -> Result<(), PortError> {
    let (config, regions) = (&clients.config, &clients.regions);
    match action {
        Action::PutRecorder { recorder, .. } => config.put_recorder(region, recorder).await,
        Action::PutChannel { channel, .. } => config.put_channel(region, channel).await,
        Action::StartRecorder { name } => config.start(region, name).await,
        Action::EncryptEbs => regions.encrypt_ebs(region).await,
        Action::DeleteVpcPart { part } => {
            let deleted = regions.delete_vpc_part(region, part).await;
            done_if(ErrorKind::Missing, deleted)
        }
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::ChangeRole { .. }
        | Action::SetPasswordPolicy { .. }
        | Action::BlockPublicAccess { .. }
        | Action::SetContact { .. } => Err(misplaced(
            "an action of the account was planned in a region",
        )),
    }
}

fn misplaced(message: &str) -> PortError {
    PortError::new(ErrorKind::Invalid, "onboard-accounts", message)
}

/// Takes an error of this kind for success: another caller did the same meanwhile.
fn done_if(kind: ErrorKind, result: Result<(), PortError>) -> Result<(), PortError> {
    match result {
        Err(error) if error.kind == kind => Ok(()),
        result => result,
    }
}

/// The reason why an action failed, as a status row has it.
fn failure(action: &Action, error: &PortError) -> Reason {
    let kind = match (action, error.kind) {
        // Right after its role was made, and for as long as the bucket's policy does not know the
        // account.
        (Action::PutChannel { .. }, ErrorKind::Invalid) if names_topic(error) => {
            ReasonKind::TopicRefused
        }
        (Action::PutChannel { .. }, ErrorKind::Invalid) => ReasonKind::DeliveryRefused,
        (Action::PutChannel { .. }, ErrorKind::Missing) => ReasonKind::BucketMissing,
        // A role that was just made may not be known everywhere yet; a policy that is not there
        // never will be.
        (Action::ChangeRole { change, .. }, ErrorKind::Missing) if names_policy(error, change) => {
            ReasonKind::Refused
        }
        (Action::ChangeRole { .. }, ErrorKind::Missing) => ReasonKind::Propagating,
        _ => return reason(error),
    };
    Reason::new(kind, error.to_string())
}

/// True if an error is about a delivery channel's topic. (AWS Config API reference,
/// `PutDeliveryChannel`.)
fn names_topic(error: &PortError) -> bool {
    error.message.contains("InvalidSNSTopicARNException")
}

/// True if an error is about the policy that was to be attached, and not about the role.
fn names_policy(error: &PortError, change: &RoleChange) -> bool {
    match change {
        RoleChange::Attach(policy) => error.message.contains(policy.as_str()),
        _ => false,
    }
}
