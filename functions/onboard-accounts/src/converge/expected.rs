//! The policy's word on one account: its baseline, the way by which it gets it, and whether it has
//! to wait for Control Tower. The check has rules of its own for the same.

use banto_domain::policy::onboarding::{Baseline, Expected, OnboardingPolicy, Way};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_ports::{AccountState, OrgAccount};
use jiff::{SignedDuration, Timestamp};

use super::snapshot::Job;
use crate::message::Cause;

/// The time that Control Tower has to set up a new account. Its set-up takes about half an hour,
/// and ends with an event; an account without one after an hour is taken to be unmanaged.
pub const CONTROL_TOWER_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// True if the StackSet carries this account's baseline. StackSets never reach the management
/// account.
pub fn uses_stack_set(account: &OrgAccount, policy: &OnboardingPolicy) -> bool {
    matches!(policy.way, Way::StackSet(_)) && account.id != policy.management_account
}

/// The account's baseline, or the condition of an account that is not active or is left alone.
pub fn expected_baseline<'a>(
    job: &Job,
    policy: &'a OnboardingPolicy,
) -> Result<&'a Baseline, Condition> {
    let account = job.account();
    let expected = policy.expected_for(&account.id, &account.path, &job.tags);
    match (account.state, expected) {
        (AccountState::Suspended, _) => Err(left_alone("the account is suspended")),
        (AccountState::PendingClosure, _) => Err(left_alone("the account is being closed")),
        (AccountState::Closed, _) => Err(left_alone("the account is closed")),
        (_, Expected::LeftAlone(because)) => Err(left_alone(because)),
        (AccountState::PendingActivation, _) => {
            Err(Reason::new(ReasonKind::Initialising, "pending activation").condition())
        }
        (AccountState::Active, Expected::Baseline(baseline)) => Ok(baseline),
    }
}

fn left_alone(because: &str) -> Condition {
    Condition::LeftAlone {
        because: because.to_owned(),
    }
}

/// True if Control Tower may still be setting a new account up. Its set-up comes first, since it
/// makes a recorder of its own: an account that has a recorder need not wait.
pub fn is_new_to_control_tower(job: &Job, policy: &OnboardingPolicy, now: Timestamp) -> bool {
    let age = now.duration_since(job.request.requested_at);
    let is_new = job.request.cause == Cause::Joined && age < CONTROL_TOWER_TIMEOUT;
    policy.control_tower && is_new
}
