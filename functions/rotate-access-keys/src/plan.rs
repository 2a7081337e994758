//! Decides what a run does: `(Snapshot, RotationPolicy, now) -> Plan`.
//!
//! Everything that `apply` needs to know is in the plan; one chain per user, in the order in which
//! the actions are done. Planning again after success yields nothing.
//!
//! Deliberately absent: async, I/O and the clock, so that every situation can be tried in a table.

use banto_domain::AccountId;
use banto_domain::policy::RotationPolicy;
use jiff::Timestamp;

use crate::event::Mode;
use crate::snapshot::Snapshot;

mod action;
mod certificate;
mod draft;
mod emergency;
mod finding;
mod housekeeping;
mod interrupted_issue;
mod lateness;
mod leave;
mod new_key;
mod requests;
mod retirement;
mod rollout;
#[cfg(test)]
mod tests;
mod user;
mod withdrawal;

pub use action::{
    Action, Chain, DisableReason, Exposed, Leave, OrphanProof, OtherKey, OwnerNotice, Plan,
};
pub use finding::{Finding, FindingKind, LeftKey, WaitReason, Waiting};

/// Plans a run over one identity account.
pub fn plan(snapshot: &Snapshot, policy: &RotationPolicy, now: Timestamp) -> Plan {
    // A window may have closed while the account was looked at.
    if let Some(reason) = reason_to_wait(policy, snapshot.mode, now) {
        return waiting(&snapshot.account, reason);
    }
    let mut plan = Plan::empty(snapshot.account.clone());
    for user in &snapshot.users {
        user::plan_user(&mut plan, snapshot, user, policy, now);
    }
    if snapshot.mode == Mode::Due {
        rollout::hold_back(&mut plan, snapshot, policy, now);
    }
    plan
}

/// Returns what the whole run waits for, if anything: a kill switch, or a change window.
///
/// The kill switch stops every mode but emergencies, which have one of their own; windows, the due
/// mode only: whoever forces a rotation, or learns of an exposed key, does not wait for office
/// hours.
pub fn reason_to_wait(policy: &RotationPolicy, mode: Mode, now: Timestamp) -> Option<WaitReason> {
    match mode {
        Mode::Emergency => (!policy.emergencies).then_some(WaitReason::EmergencySwitch),
        _ if !policy.enabled => Some(WaitReason::KillSwitch),
        Mode::Due => (!policy.in_window(now)).then_some(WaitReason::ChangeWindow),
        Mode::Force | Mode::Restore | Mode::Discard | Mode::Approve | Mode::Leave => None,
    }
}

/// Returns the plan of a run that does nothing but wait.
pub fn waiting(account: &AccountId, reason: WaitReason) -> Plan {
    Plan {
        waiting: vec![Waiting { user: None, reason }],
        ..Plan::empty(account.clone())
    }
}
