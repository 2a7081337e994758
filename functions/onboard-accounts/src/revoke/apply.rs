//! Writes the denials of one account. A role that fails holds up no other.

use std::time::Duration;

use banto_lambda::Invocation;
use banto_ports::{ErrorKind, RoleChange, Roles};

use super::outcome::Outcome;
use super::plan::{Denial, Failure, Plan};
use crate::message::RevokeRequest;

/// The time that one call takes at the worst, with all its attempts.
const CALL_TIME: Duration = Duration::from_secs(30);

/// The reason why a role or an account has to wait for the next visit.
pub const OUT_OF_TIME: &str = "the time was up";

/// Writes the denials of a plan.
pub async fn apply(
    roles: &dyn Roles,
    request: &RevokeRequest,
    plan: Plan,
    invocation: &Invocation,
) -> Outcome {
    let Plan { denials, failures } = plan;
    let mut outcome = Outcome {
        written: 0,
        failures,
    };
    for denial in denials {
        match write(roles, request, denial, invocation).await {
            Ok(()) => outcome.written += 1,
            Err(failure) => outcome.failures.push(failure),
        }
    }
    outcome
}

async fn write(
    roles: &dyn Roles,
    request: &RevokeRequest,
    denial: Denial,
    invocation: &Invocation,
) -> Result<(), Failure> {
    let Denial {
        role,
        policy_name,
        policy,
        without_room,
    } = denial;
    let (account, user) = (&request.account.id, &request.user);
    if !invocation.has_time_for(CALL_TIME) {
        return Err(Failure {
            role: Some(role),
            ..Failure::of_account(OUT_OF_TIME, false)
        });
    }
    let change = RoleChange::PutInline(policy_name, policy);
    if let Err(error) = roles.change(&role, &change).await {
        tracing::error!(account.id = %account, role.name = %role, user.name = %user, %error, "sessions not ended");
        let mut failure = Failure::of_error(Some(&role), &error);
        if error.kind == ErrorKind::LimitExceeded {
            if without_room.delete.is_empty() {
                failure
                    .why
                    .push_str("; delete an inline policy of it that nobody needs first");
            }
            failure.remedy = without_room;
        }
        return Err(failure);
    }
    tracing::info!(account.id = %account, role.name = %role, user.name = %user, "sessions ended");
    Ok(())
}
