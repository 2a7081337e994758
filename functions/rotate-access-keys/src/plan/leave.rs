//! A user who left: every key and session ends, nothing is issued any more, and operators learn
//! what the user had.
//!
//! An operator said so by name. It is recorded before anything is done, so that no later run takes
//! the user for somebody who is owed a key. The keys are deleted when their recovery is over,
//! whoever made them: IAM deletes no user who has one.

use std::collections::BTreeSet;

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{IAM_LAG, Record};
use banto_domain::{AccessKeyId, Fingerprint};

use super::action::{Action, Leave};
use super::draft::{Draft, ids};
use super::finding::{FindingKind, LeftKey, WaitReason};
use crate::event::Mode;
use crate::snapshot::{Key, PIN_TAG};
use crate::trail_times::shifted;

/// Ends the keys and sessions of a user who left. A key that works again, or that came since, ends
/// anew.
pub(super) fn end(draft: &mut Draft<'_>) {
    if !draft.is_leaver() {
        return;
    }
    let mut keys = draft.keys.clone();
    keys.retain(|key| key.active || !draft.is_disabled_by_us(&key.id));
    keys.retain(|key| !draft.exposed.contains(&key.id));
    let ends_keys = !keys.is_empty();
    let left = draft.left();
    if left.is_none() || ends_keys {
        let (worked, inactive): (Vec<Key>, _) = keys.into_iter().partition(|key| key.active);
        draft.actions.push(Action::Leave(Leave {
            worked: ids(&worked),
            inactive: ids(&inactive),
            certificate: pin(draft),
        }));
    }
    // Sessions can have been begun with a key that worked.
    if ends_keys || left.is_none_or(|left| left.sessions_denied_at.is_none()) {
        draft.actions.push(Action::DenyLeaver);
    }
    let is_handed_on = left.is_some_and(|left| left.revoked_at.is_some());
    if draft.hands_on_revocations && (ends_keys || !is_handed_on) {
        draft.actions.push(Action::Revoke);
    }
}

/// The certificate that the user's tag pins.
fn pin(draft: &Draft<'_>) -> Option<Fingerprint> {
    let tag = draft.user.tags.get(PIN_TAG)?;
    Fingerprint::from_human(tag).ok()
}

/// Follows a leave to its end: waits for a key that another run may be making, deletes the keys
/// when their recovery is over, and reports what the user had.
pub(super) fn follow(draft: &mut Draft<'_>, policy: &RotationPolicy) {
    wait_for_another_run(draft);
    report(draft, policy);
    delete(draft);
    if matches!(draft.mode, Mode::Force | Mode::Discard | Mode::Approve)
        && let Some(left) = draft.left()
    {
        draft.waiting.push(WaitReason::Left { at: left.at });
    }
    // A key that somebody made just before may not show yet (R7).
    let at = draft.left().map_or(draft.now, |left| left.at);
    draft.is_pending |= !draft.is_past(at, IAM_LAG);
}

/// Waits until no other run can be making a key, and IAM shows the one that was made last: that
/// must end, too. What an interrupted issue left behind ends as any other key.
fn wait_for_another_run(draft: &mut Draft<'_>) {
    match draft.user.intent() {
        Some(intent) if intent.may_be_under_way(draft.now) => {
            draft.waiting.push(WaitReason::OtherRun);
        }
        Some(_) => draft.drops_intent = true,
        None => {}
    }
    if let Some(key) = draft.unseen_new_key() {
        draft.waiting.push(WaitReason::Iam { key });
    }
}

/// Reports what the user had, unless operators know.
fn report(draft: &mut Draft<'_>, policy: &RotationPolicy) {
    if draft.record.is_some_and(Record::is_leave_reported) {
        return;
    }
    let keys = draft.user.keys.iter().map(|key| left_key(draft, key));
    let keys = keys.collect();
    let mut accounts = policy.accounts.iter();
    let account = accounts.find(|account| account.id == draft.snapshot.account);
    let recorded = draft.left().map(|left| left.certificate.clone());
    let certificate = recorded.unwrap_or_else(|| pin(draft));
    draft.findings.push(FindingKind::Left {
        at: draft.left().map_or(draft.now, |left| left.at),
        keys,
        groups: draft.user.groups.clone(),
        certificate: certificate
            .zip(account.map(|account| account.certificate_url(&draft.user.name))),
        revokes: draft.hands_on_revocations,
    });
}

fn left_key(draft: &Draft<'_>, key: &Key) -> LeftKey {
    let disabled = draft.record.and_then(|record| record.disabled.get(&key.id));
    let ends_now = draft
        .actions
        .iter()
        .any(|action| action.is_disabling() && action.keys().contains(&key.id));
    let disabled_at = disabled.copied().filter(|_| !ends_now);
    let worked = draft
        .left()
        .is_some_and(|left| left.worked.contains(&key.id));
    LeftKey {
        key: key.id.clone(),
        created_at: key.created_at,
        used: key.used.clone(),
        worked: worked || (key.active && ends_now),
        deleted_at: shifted(disabled_at.unwrap_or(draft.now), draft.timings.recovery),
    }
}

/// Deletes the keys that were disabled long enough ago. Nobody is reminded: the user is gone.
fn delete(draft: &mut Draft<'_>) {
    let Some(record) = draft.record.filter(|record| record.left.is_some()) else {
        return;
    };
    for (id, disabled_at) in &record.disabled {
        let is_inactive = draft.key(id).is_some_and(|key| !key.active);
        if is_inactive && draft.is_past(*disabled_at, draft.timings.recovery) {
            draft.actions.push(Action::Delete { key: id.clone() });
            draft.forget_key(id);
        }
    }
}

/// Takes a leave back, where an operator asks for that: the keys work again that did until then.
/// False if there is none, or nobody asks.
pub(super) fn take_back(draft: &mut Draft<'_>) -> bool {
    if draft.mode != Mode::Restore || draft.left().is_none() {
        return false;
    }
    draft.is_pending = true;
    let mut keys: BTreeSet<AccessKeyId> = draft.key_ids();
    keys.retain(|key| works_again(draft, key));
    draft.actions.push(Action::TakeBack {
        keys,
        allows_sessions: draft.emergency().is_none(),
    });
    true
}

/// True if a leave that is taken back gives the user this key again.
pub(super) fn works_again(draft: &Draft<'_>, key: &AccessKeyId) -> bool {
    let named = &draft.snapshot.named_keys;
    draft.left().is_some_and(|left| left.worked.contains(key))
        && draft.key(key).is_some()
        && !draft.exposed.contains(key)
        && (named.is_empty() || named.contains(key))
}
