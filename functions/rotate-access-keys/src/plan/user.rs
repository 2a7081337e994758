//! The plan of one user.
//!
//! Read [`decide`] first: it asks what must be done about the user, the most pressing question
//! first.

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{Reason, Rotation};
use jiff::Timestamp;

use super::action::{Chain, Plan};
use super::draft::Draft;
use super::finding::{Finding, FindingKind, WaitReason, Waiting};
use super::interrupted_issue::Resolved;
use super::{emergency, interrupted_issue, new_key, retirement};
use crate::event::Mode;
use crate::snapshot::{Key, Snapshot, StoredRecord, User};

/// Adds the plan of one user.
pub(super) fn plan_user(
    plan: &mut Plan,
    snapshot: &Snapshot,
    user: &User,
    policy: &RotationPolicy,
    now: Timestamp,
) {
    let mut draft = Draft::new(snapshot, user, policy, now);
    decide(&mut draft, policy);
    add(plan, draft);
}

/// Decides what is done for the user.
fn decide(draft: &mut Draft<'_>, policy: &RotationPolicy) {
    let exposed = emergency::disable_exposed(draft);
    if let StoredRecord::Unreadable(why) = &draft.user.record {
        let why = why.clone();
        draft.findings.push(FindingKind::UnreadableRecord { why });
        return;
    }
    if draft.mode != Mode::Emergency
        && let Some(reason) = exemption(draft, policy)
    {
        draft.waiting.push(reason);
        return;
    }
    match interrupted_issue::resolve(draft) {
        Resolved::GoOn => {}
        Resolved::LeaveAlone => return,
    }
    retirement::follow_up_disabled_keys(draft);
    if emergency::owes_new_key(draft, &exposed) {
        new_key::issue(draft, Reason::Emergency);
        return;
    }
    match rotation_in_progress(draft) {
        Some((rotation, new)) => go_on(draft, rotation, new),
        // An emergency is about exposed keys, and begins no rotation by age.
        None if draft.mode == Mode::Emergency => {}
        None => new_key::plan_rotation(draft),
    }
}

/// Goes on with a rotation whose new key is stored: delivers it, then retires the old keys.
fn go_on(draft: &mut Draft<'_>, rotation: &Rotation, new: &Key) {
    if !draft.is_working(new) {
        let key = new.id.clone();
        draft.findings.push(FindingKind::NewKeyInactive { key });
        return;
    }
    match rotation.delivered_at {
        None => new_key::deliver(draft, rotation.reason, &rotation.existing_keys),
        Some(delivered_at) => retirement::retire_old_keys(draft, rotation, new, delivered_at),
    }
}

fn exemption(draft: &Draft<'_>, policy: &RotationPolicy) -> Option<WaitReason> {
    let exemption = policy.exemption_of(draft.user.attributes(), draft.now)?;
    Some(WaitReason::ExemptionEnds {
        at: exemption.until,
        reason: exemption.reason.clone(),
    })
}

/// The latest rotation and its new key, if that is still to be delivered or an old key to be
/// retired.
fn rotation_in_progress<'a>(draft: &Draft<'a>) -> Option<(&'a Rotation, &'a Key)> {
    let rotation = draft.rotation()?;
    let new = draft.key(&rotation.issued.as_ref()?.key)?;
    let is_delivered = rotation.delivered_at.is_some();
    (!is_delivered || has_old_key(draft, rotation)).then_some((rotation, new))
}

/// True if one of the keys that the rotation replaces is left, and no person restored it.
fn has_old_key(draft: &Draft<'_>, rotation: &Rotation) -> bool {
    for id in &rotation.existing_keys {
        if draft.key(id).is_some() && !draft.is_restored(id) {
            return true;
        }
    }
    false
}

/// Adds what was decided to the plan.
fn add(plan: &mut Plan, draft: Draft<'_>) {
    let user = &draft.user.name;
    if !draft.actions.is_empty() {
        plan.chains.push(Chain {
            user: user.clone(),
            actions: draft.actions,
        });
    }
    for kind in draft.findings {
        let id = kind.id();
        plan.findings.push(Finding {
            user: user.clone(),
            notified: draft
                .record
                .is_some_and(|record| record.notified.contains_key(&id)),
            kind,
        });
    }
    for reason in draft.waiting {
        plan.waiting.push(Waiting {
            user: Some(user.clone()),
            reason,
        });
    }
}
