//! Does what a plan says: one exhaustive match, one call an action.
//!
//! Nothing is decided here. An action that fails ends the chain of its own place; the next look plans anew.

use std::time::Duration;

use banto_domain::status::{Reason, ReasonKind};
use banto_domain::{PerPlace, Place, Region};
use banto_lambda::Invocation;
use banto_ports::{AccountClients, ErrorKind, PortError, RoleChange};
use futures_util::future::join_all;

use crate::converge::observe::reason;
use crate::converge::plan::{Action, Part, Plan};

/// What an action may take at the worst: one call with all its attempts. With less time left, a chain stops.
const ACTION_TIME: Duration = Duration::from_secs(30);

/// What became of a place's part of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The actions that were done, in order.
    pub done: Vec<Action>,
    /// Why the chain ended early, if it did.
    pub failed: Option<Reason>,
}

/// Works off a plan: first the account as a whole, then its regions side by side.
pub async fn apply(
    plan: &Plan,
    member: &AccountClients,
    invocation: &Invocation,
) -> PerPlace<Outcome> {
    let account = work_off(Place::Account, &plan.parts.account, member, invocation).await;
    let chains = plan
        .parts
        .regions
        .iter()
        .map(async |(region, part): (&Region, &Part)| {
            (
                region.clone(),
                work_off(Place::Region(region), part, member, invocation).await,
            )
        });
    PerPlace {
        account,
        regions: join_all(chains).await.into_iter().collect(),
    }
}

async fn work_off(
    place: Place<'_>,
    part: &Part,
    member: &AccountClients,
    invocation: &Invocation,
) -> Outcome {
    let mut done = Vec::new();
    for action in &part.actions {
        if !invocation.has_time_for(ACTION_TIME) {
            let reason = Reason::new(
                ReasonKind::Propagating,
                "the time was up; the next message goes on",
            );
            return Outcome {
                done,
                failed: Some(reason),
            };
        }
        if let Err(error) = act(action, place, member).await {
            return Outcome {
                done,
                failed: Some(failure(action, &error)),
            };
        }
        tracing::info!(
            action = action.name(),
            region = place.region().map(Region::as_str),
            "done"
        );
        done.push(action.clone());
    }
    Outcome { done, failed: None }
}

async fn act(action: &Action, place: Place<'_>, member: &AccountClients) -> Result<(), PortError> {
    match (action, place.region()) {
        (Action::CreateConfigRole, _) => or_there(member.roles.create_config_role().await),
        (Action::CreateRole { name, role }, _) => member.roles.create(name, role).await,
        (Action::ChangeRole { name, change }, _) => member.roles.change(name, change).await,
        (Action::SetPasswordPolicy { policy, .. }, _) => {
            member.settings.set_password_policy(policy).await
        }
        (Action::BlockPublicAccess { .. }, _) => member.settings.block_public_access().await,
        (Action::SetContact { kind, contact, .. }, _) => {
            member.settings.set_contact(*kind, contact).await
        }
        (Action::PutRecorder { recorder, .. }, Some(region)) => {
            member.config.put_recorder(region, recorder).await
        }
        (Action::PutChannel { channel, .. }, Some(region)) => {
            member.config.put_channel(region, channel).await
        }
        (Action::StartRecorder { name }, Some(region)) => member.config.start(region, name).await,
        (Action::EncryptEbs, Some(region)) => member.regions.encrypt_ebs(region).await,
        (Action::DeleteVpcPart(part), Some(region)) => {
            or_gone(member.regions.delete_vpc_part(region, part).await)
        }
        (
            Action::PutRecorder { .. }
            | Action::PutChannel { .. }
            | Action::StartRecorder { .. }
            | Action::EncryptEbs
            | Action::DeleteVpcPart(_),
            None,
        ) => Err(PortError::new(
            ErrorKind::Invalid,
            "onboard-accounts",
            "an action of a region was planned without one",
        )),
    }
}

/// Somebody else made it meanwhile, which is as well.
fn or_there(result: Result<(), PortError>) -> Result<(), PortError> {
    result.or_else(|error| {
        if error.kind == ErrorKind::Conflict {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// Somebody else removed it meanwhile, which is as well.
fn or_gone(result: Result<(), PortError>) -> Result<(), PortError> {
    result.or_else(|error| {
        if error.kind == ErrorKind::Missing {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// Why an action failed, as a status row has it.
fn failure(action: &Action, error: &PortError) -> Reason {
    let kind = match (action, error.kind) {
        // Right after its role was made, and for as long as the bucket's policy does not know the account.
        (Action::PutChannel { .. }, ErrorKind::Invalid) => ReasonKind::DeliveryRefused,
        (Action::PutChannel { .. }, ErrorKind::Missing) => ReasonKind::BucketMissing,
        // A role that was just made may not be known everywhere yet; a policy that is not there never will be.
        (
            Action::ChangeRole {
                change: RoleChange::Attach(policy),
                ..
            },
            ErrorKind::Missing,
        ) if error.message.contains(policy.as_str()) => ReasonKind::Refused,
        (Action::ChangeRole { .. }, ErrorKind::Missing) => ReasonKind::Propagating,
        _ => return reason(error),
    };
    Reason::new(kind, error.to_string())
}

impl Action {
    /// The action's kind, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateConfigRole => "CreateConfigRole",
            Self::CreateRole { .. } => "CreateRole",
            Self::ChangeRole { .. } => "ChangeRole",
            Self::SetPasswordPolicy { .. } => "SetPasswordPolicy",
            Self::BlockPublicAccess { .. } => "BlockPublicAccess",
            Self::SetContact { .. } => "SetContact",
            Self::PutRecorder { .. } => "PutRecorder",
            Self::PutChannel { .. } => "PutChannel",
            Self::StartRecorder { .. } => "StartRecorder",
            Self::EncryptEbs => "EncryptEbs",
            Self::DeleteVpcPart(_) => "DeleteVpcPart",
        }
    }
}
