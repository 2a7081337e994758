//! Does what a plan says: one exhaustive match, one call an action.
//!
//! Nothing is decided here. An action that fails ends the chain of its own place; the next look plans anew.

use std::collections::BTreeMap;
use std::time::Duration;

use banto_domain::Region;
use banto_domain::status::{Reason, ReasonKind};
use banto_ports::{ErrorKind, Member, PortError, RoleChange};
use banto_shell::Invocation;
use futures_util::future::join_all;

use crate::observe::reason;
use crate::plan::{Action, Part, Plan};

/// What an action may take at the worst: one call with all its attempts. With less time left, a chain stops.
const ACTION_TIME: Duration = Duration::from_secs(30);

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The actions that were done, and where.
    pub done: Vec<(Option<Region>, Action)>,
    /// Where a chain ended early, and why.
    pub failed: BTreeMap<Option<Region>, Reason>,
}

/// Works off a plan: first the account as a whole, then its regions side by side.
pub async fn apply(plan: &Plan, member: &Member, invocation: &Invocation) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.add(None, work_off(&plan.global, None, member, invocation).await);
    let chains = plan
        .regions
        .iter()
        .map(async |(region, part): (&Region, &Part)| (region, work_off(part, Some(region), member, invocation).await));
    for (region, worked) in join_all(chains).await {
        outcome.add(Some(region), worked);
    }
    outcome
}

impl Outcome {
    fn add(&mut self, place: Option<&Region>, (done, failed): (Vec<Action>, Option<Reason>)) {
        self.done.extend(done.into_iter().map(|action| (place.cloned(), action)));
        self.failed.extend(failed.map(|reason| (place.cloned(), reason)));
    }
}

async fn work_off(
    part: &Part,
    region: Option<&Region>,
    member: &Member,
    invocation: &Invocation,
) -> (Vec<Action>, Option<Reason>) {
    let mut done = Vec::new();
    for action in &part.actions {
        if !invocation.has_time_for(ACTION_TIME) {
            return (done, Some(Reason::new(ReasonKind::Settling, "the time was up; the next message goes on")));
        }
        if let Err(error) = act(action, region, member).await {
            return (done, Some(failure(action, &error)));
        }
        tracing::info!(action = action.name(), region = region.map(Region::as_str), "done");
        done.push(action.clone());
    }
    (done, None)
}

async fn act(action: &Action, region: Option<&Region>, member: &Member) -> Result<(), PortError> {
    match (action, region) {
        (Action::CreateConfigRole, _) => or_there(member.roles.create_config_role().await),
        (Action::CreateRole { name, role }, _) => member.roles.create(name, role).await,
        (Action::ChangeRole { name, change }, _) => member.roles.change(name, change).await,
        (Action::SetPasswordPolicy { policy, .. }, _) => member.settings.set_password_policy(policy).await,
        (Action::BlockPublicAccess { .. }, _) => member.settings.block_public_access().await,
        (Action::SetContact { kind, contact, .. }, _) => member.settings.set_contact(*kind, contact).await,
        (Action::PutRecorder { recorder, .. }, Some(region)) => member.config.put_recorder(region, recorder).await,
        (Action::PutChannel { channel, .. }, Some(region)) => member.config.put_channel(region, channel).await,
        (Action::StartRecorder { name }, Some(region)) => member.config.start(region, name).await,
        (Action::EncryptEbs, Some(region)) => member.regions.encrypt_ebs(region).await,
        (Action::DeleteVpcPart(part), Some(region)) => or_gone(member.regions.delete_vpc_part(region, part).await),
        (
            Action::PutRecorder { .. }
            | Action::PutChannel { .. }
            | Action::StartRecorder { .. }
            | Action::EncryptEbs
            | Action::DeleteVpcPart(_),
            None,
        ) => {
            Err(PortError::new(ErrorKind::Invalid, "onboard-accounts", "an action of a region was planned without one"))
        }
    }
}

/// Somebody else made it meanwhile, which is as well.
fn or_there(result: Result<(), PortError>) -> Result<(), PortError> {
    result.or_else(|error| if error.kind == ErrorKind::Conflict { Ok(()) } else { Err(error) })
}

/// Somebody else removed it meanwhile, which is as well.
fn or_gone(result: Result<(), PortError>) -> Result<(), PortError> {
    result.or_else(|error| if error.kind == ErrorKind::Missing { Ok(()) } else { Err(error) })
}

/// Why an action failed, as a status row has it.
fn failure(action: &Action, error: &PortError) -> Reason {
    let kind = match (action, error.kind) {
        // Right after its role was made, and for as long as the bucket's policy does not know the account.
        (Action::PutChannel { .. }, ErrorKind::Invalid) => ReasonKind::DeliveryRefused,
        (Action::PutChannel { .. }, ErrorKind::Missing) => ReasonKind::BucketMissing,
        // A role that was just made may not be known everywhere yet; a policy that is not there never will be.
        (Action::ChangeRole { change: RoleChange::Attach(policy), .. }, ErrorKind::Missing)
            if error.message.contains(policy.as_str()) =>
        {
            ReasonKind::Refused
        }
        (Action::ChangeRole { .. }, ErrorKind::Missing) => ReasonKind::Settling,
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
