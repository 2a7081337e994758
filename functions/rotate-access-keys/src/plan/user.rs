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
use super::{emergency, interrupted_issue, new_key, retirement};
use crate::event::Mode;
use crate::snapshot::{Snapshot, StoredRecord, User};

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
    if !interrupted_issue::resolve(draft) {
        return;
    }
    retirement::plan_deletions(draft);
    if emergency::owes_new_key(draft, &exposed) {
        new_key::issue(draft, Reason::Emergency);
        return;
    }
    match rotation_in_progress(draft) {
        Some(rotation) => retirement::plan_retirement(draft, rotation),
        None if draft.mode == Mode::Emergency => {}
        None => new_key::plan_rotation(draft),
    }
}

fn exemption(draft: &Draft<'_>, policy: &RotationPolicy) -> Option<WaitReason> {
    let exemption = policy.exemption_of(draft.user.attributes(), draft.now)?;
    Some(WaitReason::ExemptionEnds {
        at: exemption.until,
        reason: exemption.reason.clone(),
    })
}

/// The latest rotation, if its new key is still to be delivered or an old key to be retired.
fn rotation_in_progress<'a>(draft: &Draft<'a>) -> Option<&'a Rotation> {
    let rotation = draft.rotation()?;
    draft.key(&rotation.issued.as_ref()?.key)?;
    let is_delivered = rotation.delivered_at.is_some();
    (!is_delivered || has_old_key(draft, rotation)).then_some(rotation)
}

/// True if one of the keys that the rotation replaces is left, and no person restored it.
fn has_old_key(draft: &Draft<'_>, rotation: &Rotation) -> bool {
    for id in &rotation.existing_keys {
        let is_restored = draft
            .record
            .is_some_and(|record| record.restored.contains(id));
        if draft.key(id).is_some() && !is_restored {
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
