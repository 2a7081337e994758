//! The plan of one user.
//!
//! Read [`decide`] first: it asks what must be done about the user, the most pressing question
//! first.

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{Reason, Rotation};
use jiff::Timestamp;

use super::action::{Action, Chain, Plan};
use super::draft::Draft;
use super::finding::{Finding, FindingKind, WaitReason, Waiting};
use super::interrupted_issue::Resolved;
use super::{
    certificate, emergency, housekeeping, interrupted_issue, lateness, leave, new_key, requests,
    retirement, withdrawal,
};
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
    housekeeping::drop_intent(&mut draft);
    housekeeping::close_at_rest(&mut draft);
    add(plan, draft, policy);
}

/// Decides what is done for the user.
fn decide(draft: &mut Draft<'_>, policy: &RotationPolicy) {
    emergency::end_exposed(draft);
    leave::end(draft);
    if let StoredRecord::Unreadable(why) = &draft.user.record {
        let why = why.clone();
        draft.findings.push(FindingKind::UnreadableRecord { why });
        return;
    }
    if let StoredRecord::Denied(why) = &draft.user.record {
        let why = why.clone();
        draft.actions.push(Action::Reprotect);
        draft.waiting.push(WaitReason::Record { why });
        return;
    }
    housekeeping::keep_the_record(draft);
    if draft.is_leaver() {
        emergency::follow_up(draft);
        leave::follow(draft, policy);
        return;
    }
    certificate::follow(draft);
    emergency::follow_up(draft);
    if leave::take_back(draft) && draft.snapshot.named_keys.is_empty() {
        return;
    }
    if let Some(reason) = left_alone(draft, policy) {
        draft.waiting.push(reason);
        if !draft.is_urgent() {
            return;
        }
        draft.is_left_alone = true;
    }
    if matches!(draft.mode, Mode::Restore | Mode::Discard) {
        requests::plan(draft);
        return;
    }
    match interrupted_issue::resolve(draft) {
        Resolved::GoOn => rotate(draft),
        Resolved::LeaveAlone => {}
    }
}

/// Ends, issues and retires what is not exposed.
fn rotate(draft: &mut Draft<'_>) {
    retirement::follow_up_disabled_keys(draft);
    if let Some(key) = draft.unseen_new_key() {
        // It was created just now: IAM may not show it yet (R7).
        draft.waiting.push(WaitReason::Iam { key });
        return;
    }
    if emergency::owes_new_key(draft) {
        new_key::issue(draft, Reason::Emergency);
        return;
    }
    if let Some((rotation, new)) = withdrawal::withdrawn(draft) {
        withdrawal::replace_withdrawn(draft, rotation, &new);
        return;
    }
    let in_progress = rotation_in_progress(draft);
    if draft.is_left_alone {
        // What an emergency issued is delivered nonetheless.
        if let Some((rotation, new)) = in_progress
            && rotation.delivered_at.is_none()
        {
            go_on(draft, rotation, &new);
        }
        return;
    }
    if let Some((rotation, new)) = in_progress {
        go_on(draft, rotation, &new);
        if rotation.delivered_at.is_none() || has_old_key(draft, rotation) {
            new_key::keep_request(draft, rotation);
            return;
        }
    }
    // An emergency is about exposed keys, and begins no rotation by age.
    if draft.mode != Mode::Emergency {
        new_key::plan_rotation(draft);
    }
}

/// Goes on with a rotation whose new key is stored: delivers it, then retires the old keys.
fn go_on(draft: &mut Draft<'_>, rotation: &Rotation, new: &Key) {
    if !draft.is_working(new) {
        let key = new.id.clone();
        draft.findings.push(FindingKind::NewKeyInactive { key });
        return;
    }
    if certificate::is_sealed_to_a_former(draft, rotation, new) {
        withdrawal::withdraw(draft, rotation, new);
        return;
    }
    match rotation.delivered_at {
        None => {
            draft.is_pending = true;
            let intent = &rotation.intent;
            new_key::deliver(draft, intent.reason, &intent.existing_keys);
        }
        Some(delivered_at) => retirement::retire_old_keys(draft, rotation, new, delivered_at),
    }
}

/// The reason why the user's keys are left alone, if they are.
fn left_alone(draft: &Draft<'_>, policy: &RotationPolicy) -> Option<WaitReason> {
    let attributes = draft.user.attributes();
    if !policy.covers(attributes) {
        return Some(WaitReason::NotCovered);
    }
    let exemption = policy.exemption_of(attributes, draft.now)?;
    Some(WaitReason::ExemptionEnds {
        at: exemption.until,
        reason: exemption.reason.clone(),
    })
}

/// The latest rotation and its new key, if that is still to be delivered or proven, or an old key
/// to be retired.
fn rotation_in_progress<'a>(draft: &Draft<'a>) -> Option<(&'a Rotation, Key)> {
    let rotation = draft.rotation()?;
    let new = draft.key(&rotation.issued.key)?.clone();
    if draft.exposed.contains(&new.id) || draft.is_disabled_by_us(&new.id) {
        return None;
    }
    let is_told_and_proven = rotation.delivered_at.is_some() && rotation.proven_at.is_some();
    (!is_told_and_proven || has_old_key(draft, rotation)).then_some((rotation, new))
}

/// True if one of the keys that the rotation replaces is left, and no person restored it.
fn has_old_key(draft: &Draft<'_>, rotation: &Rotation) -> bool {
    for id in &rotation.intent.existing_keys {
        if draft.key(id).is_some() && !draft.is_restored(id) && !draft.exposed.contains(id) {
            return true;
        }
    }
    false
}

/// Adds what was decided to the plan.
fn add(plan: &mut Plan, draft: Draft<'_>, policy: &RotationPolicy) {
    let user = &draft.user.name;
    if !draft.actions.is_empty() {
        plan.chains.push(Chain {
            user: user.clone(),
            actions: draft.actions,
        });
    }
    let machine = policy.is_machine(draft.user.attributes());
    for kind in draft.findings {
        let told_at = draft
            .record
            .and_then(|record| record.notified.get(&kind.id()))
            .copied()
            .filter(|_| !kind.is_answer())
            .filter(|at| kind.came_up_at().is_none_or(|came_up_at| *at >= came_up_at));
        let is_due_again = kind.is_lasting()
            && told_at.is_some_and(|at| lateness::is_time_for_operators(at, draft.now));
        plan.findings.push(Finding {
            user: user.clone(),
            notified: told_at.is_some() && !is_due_again,
            again: told_at.is_some(),
            machine,
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
