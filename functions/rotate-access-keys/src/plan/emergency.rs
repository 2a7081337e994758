//! Exposed keys: they end before anything else, their owner's sessions with them, and their owner
//! is owed a new key.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::{Emergency, Reason};
use jiff::Timestamp;

use super::action::{Action, Exposed, OtherKey, OwnerNotice};
use super::draft::{Draft, ids};
use super::finding::{FindingKind, WaitReason};
use crate::event::Mode;
use crate::snapshot::{Key, StoredRecord, TrailLook};
use crate::trail_times::{BESIDE, LONGEST_SESSION, TRAIL_LAG, shifted};

/// Ends the exposed keys and the sessions, and notifies their owner.
pub(super) fn end_exposed(draft: &mut Draft<'_>) {
    let beside = keys_beside(draft);
    draft.exposed = known_exposed(draft);
    disable_exposed(draft);
    disable_beside(draft, &beside);
    deny_sessions(draft);
    revoke_sessions_in_roles(draft);
    notify(draft);
}

/// Hands on the end of sessions in roles, which nothing that is done to the user reaches.
fn revoke_sessions_in_roles(draft: &mut Draft<'_>) {
    let is_owed = draft
        .emergency()
        .is_some_and(|emergency| emergency.revoked_at.is_none());
    if draft.hands_on_revocations && (begins_now(draft) || is_owed) {
        draft.actions.push(Action::Revoke);
    }
}

/// The keys that are exposed by what AWS, an operator, CloudTrail or the record says.
fn known_exposed(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let mut exposed = draft
        .record
        .map(|record| record.exposed.clone())
        .unwrap_or_default();
    exposed.extend(draft.snapshot.exposed.iter().cloned());
    if is_by_name(draft) {
        let asked_at = asked_at(draft);
        let mut suspects = draft.keys.clone();
        suspects.retain(|key| key.created_at < asked_at && !answers(draft, key));
        exposed.extend(ids(&suspects));
    }
    exposed.retain(|id| draft.key(id).is_some());
    exposed
}

/// True if the key was issued for this very request.
fn answers(draft: &Draft<'_>, key: &Key) -> bool {
    draft.rotation().is_some_and(|rotation| {
        let request = rotation.intent.request.as_ref();
        rotation.issued.key == key.id && request == Some(&draft.snapshot.asked.id)
    })
}

/// True if the record knows of no emergency that this request asked for.
fn is_new_request(draft: &Draft<'_>) -> bool {
    let asked = &draft.snapshot.asked.id;
    let recorded = draft.emergency().map(|emergency| &emergency.request);
    let last = draft
        .record
        .and_then(|record| record.last_emergency.as_ref());
    draft.mode == Mode::Emergency && recorded != Some(asked) && last != Some(asked)
}

/// True if an operator asked for the emergency by the user's name.
fn is_by_name(draft: &Draft<'_>) -> bool {
    draft.mode == Mode::Emergency && draft.snapshot.exposed_since.is_none()
}

/// The moment at which the emergency was asked for. A request that comes again was asked for when
/// it first came.
fn asked_at(draft: &Draft<'_>) -> Timestamp {
    let asked = &draft.snapshot.asked;
    match draft.emergency() {
        Some(emergency) if emergency.request == asked.id => emergency.asked_at,
        _ => asked.at,
    }
}

/// The keys that appeared beside an exposed one, that Banto did not issue, and that were not known
/// to be exposed: whoever holds a key may have made them.
fn keys_beside(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let Some((from, until)) = suspect_time(draft) else {
        return BTreeSet::new();
    };
    let is_under_way = draft
        .user
        .intent()
        .is_some_and(|intent| intent.may_be_under_way(draft.now));
    let known = known_exposed(draft);
    let mut keys = draft.keys.clone();
    keys.retain(|key| (from..=until).contains(&key.created_at));
    keys.retain(|key| !draft.is_issued(&key.id) && !known.contains(&key.id));
    // A run that is at work may be storing this very key.
    keys.retain(|key| !is_under_way || is_of_intent(draft, key));
    ids(&keys)
}

fn is_of_intent(draft: &Draft<'_>, key: &Key) -> bool {
    let intent = draft.user.intent();
    intent.is_some_and(|intent| intent.existing_keys.contains(&key.id))
}

/// The time in which a key that appeared is suspect: from a day before the exposure began until the
/// last session that can have been made with an exposed key is over.
fn suspect_time(draft: &Draft<'_>) -> Option<(Timestamp, Timestamp)> {
    let asked_for = match (draft.mode, draft.snapshot.exposed_since) {
        (Mode::Emergency, Some(since)) if concerns(draft) => Some(since),
        (Mode::Emergency, None) => Some(asked_at(draft)),
        _ => None,
    };
    let recorded = draft.emergency();
    if recorded.is_none() && !is_new_request(draft) {
        // The request came before, and its emergency is over.
        return None;
    }
    let since = match (asked_for, recorded) {
        (Some(since), Some(recorded)) => since.min(recorded.since),
        (Some(since), None) => since,
        (None, Some(recorded)) => recorded.since,
        (None, None) => return None,
    };
    let ended_at = match recorded {
        Some(recorded) if !is_new_request(draft) => recorded.contained_at,
        _ => draft.now,
    };
    Some((shifted(since, -BESIDE), shifted(ended_at, LONGEST_SESSION)))
}

/// True if the exposure that AWS told of is about a key or a session of this user.
fn concerns(draft: &Draft<'_>) -> bool {
    let exposed = &draft.snapshot.exposed;
    has_exposed_session(draft) || draft.keys.iter().any(|key| exposed.contains(&key.id))
}

fn has_exposed_session(draft: &Draft<'_>) -> bool {
    draft.snapshot.exposed_sessions.contains(&draft.user.name)
}

/// Disables the exposed keys that are active, or that the record does not know as disabled yet.
fn disable_exposed(draft: &mut Draft<'_>) {
    let mut keys = BTreeSet::new();
    let is_new = is_new_request(draft) && (is_by_name(draft) || concerns(draft));
    for key in &draft.user.keys {
        // What IAM shows counts here, be it late: disabling twice does no harm.
        let is_recorded =
            draft.is_disabled_by_us(&key.id) && is_recorded_as_exposed(draft, &key.id);
        // A later request ends it anew: it may have been active in between.
        if draft.exposed.contains(&key.id) && (key.active || !is_recorded || is_new) {
            keys.insert(key.id.clone());
        }
    }
    push_exposed(draft, keys, false);
}

fn is_recorded_as_exposed(draft: &Draft<'_>, id: &AccessKeyId) -> bool {
    draft
        .record
        .is_some_and(|record| record.exposed.contains(id))
}

fn disable_beside(draft: &mut Draft<'_>, beside: &BTreeSet<AccessKeyId>) {
    draft.exposed.extend(beside.iter().cloned());
    push_exposed(draft, beside.clone(), true);
}

fn push_exposed(draft: &mut Draft<'_>, keys: BTreeSet<AccessKeyId>, is_beside: bool) {
    if keys.is_empty() {
        return;
    }
    let owed = draft.working_keys().is_empty() && !draft.is_leaver();
    draft.actions.push(Action::DisableExposed(Exposed {
        keys,
        is_beside,
        request: request_of(draft),
        asked_at: recorded_asked_at(draft),
        since: since(draft),
        owed,
    }));
}

/// The request that the emergency is recorded under. What is found later belongs to the one that
/// is recorded.
fn request_of(draft: &Draft<'_>) -> String {
    match (draft.mode, draft.emergency()) {
        (Mode::Emergency, _) | (_, None) => draft.snapshot.asked.id.clone(),
        (_, Some(emergency)) => emergency.request.clone(),
    }
}

fn recorded_asked_at(draft: &Draft<'_>) -> Timestamp {
    match (draft.mode, draft.emergency()) {
        (Mode::Emergency, _) | (_, None) => asked_at(draft),
        (_, Some(emergency)) => emergency.asked_at,
    }
}

fn since(draft: &Draft<'_>) -> Timestamp {
    let asked = draft.snapshot.exposed_since.unwrap_or(asked_at(draft));
    draft
        .emergency()
        .map_or(asked, |emergency| emergency.since.min(asked))
}

/// Ends the user's sessions: those that were made with an exposed key outlive it.
fn deny_sessions(draft: &mut Draft<'_>) {
    let denied_at = draft
        .emergency()
        .and_then(|emergency| emergency.sessions_denied_at);
    let is_new = is_new_request(draft) && (is_by_name(draft) || has_exposed_session(draft));
    let is_owed = draft.emergency().is_some() && denied_at.is_none();
    if ends_keys_now(draft) || is_new || is_owed {
        draft.actions.push(Action::DenySessions {
            request: request_of(draft),
            asked_at: recorded_asked_at(draft),
            since: since(draft),
        });
    }
}

fn notify(draft: &mut Draft<'_>) {
    // A notice that can't be recorded would be sent by every run.
    let record = &draft.user.record;
    if matches!(
        record,
        StoredRecord::Unreadable(_) | StoredRecord::Denied(_)
    ) {
        return;
    }
    for key in &draft.exposed {
        let key = key.clone();
        draft.findings.push(FindingKind::ExposedKey { key });
    }
    if draft.is_leaver() {
        return;
    }
    if draft.exposed.is_empty() && has_exposed_session(draft) {
        let request = draft.snapshot.asked.id.clone();
        draft.notify_once(OwnerNotice::SessionExposed { request });
        return;
    }
    let keys = untold(draft);
    if keys.is_empty() {
        return;
    }
    let other = other_key(draft);
    draft
        .actions
        .push(Action::NotifyOwner(OwnerNotice::Exposed { keys, other }));
}

/// The exposed keys of whose end the owner was not told yet.
fn untold(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let mut untold = draft.exposed.clone();
    let told = draft.record.map(|record| &record.notified);
    let is_told = |key: &AccessKeyId, id: &String| {
        id.starts_with(OwnerNotice::EXPOSED) && id.contains(key.as_str())
    };
    untold.retain(|key| !told.is_some_and(|told| told.keys().any(|id| is_told(key, id))));
    untold
}

/// The key that the owner is left with.
fn other_key(draft: &Draft<'_>) -> OtherKey {
    let working = draft.working_keys();
    let is_unproven = |key: &Key| {
        let rotation = draft.rotation();
        rotation
            .is_some_and(|rotation| rotation.issued.key == key.id && rotation.proven_at.is_none())
    };
    if working.is_empty() {
        OtherKey::None
    } else if working.iter().all(is_unproven) {
        OtherKey::Sealed
    } else {
        OtherKey::InUse
    }
}

/// True if an emergency took the user's last working key.
pub(super) fn owes_new_key(draft: &Draft<'_>) -> bool {
    let owed = draft.record.and_then(|record| record.owed.as_ref());
    let is_recorded = owed.is_some_and(|owed| owed.reason == Reason::Emergency);
    let had_key = draft.record.is_some_and(|record| !record.keys().is_empty());
    let is_owed = is_recorded || !draft.exposed.is_empty() || (is_by_name(draft) && had_key);
    is_owed && draft.working_keys().is_empty()
}

/// Follows the emergency to its end: what was done with the exposed keys is looked at once
/// CloudTrail shows it, and the sessions are allowed again when the longest is over.
pub(super) fn follow_up(draft: &mut Draft<'_>) {
    if let TrailLook::Unknown(why) = &draft.user.trail {
        let why = why.clone();
        draft.waiting.push(WaitReason::Trail { why });
    }
    report_roles(draft);
    match draft.emergency() {
        _ if begins_now(draft) => {
            let at = shifted(draft.now, TRAIL_LAG);
            draft.waiting.push(WaitReason::SecondLook { at });
        }
        Some(emergency) => {
            look_again(draft, emergency);
            allow_sessions(draft, emergency);
        }
        None => {}
    }
}

fn ends_keys_now(draft: &Draft<'_>) -> bool {
    draft
        .actions
        .iter()
        .any(|action| matches!(action, Action::DisableExposed(_)))
}

/// True if the chain ends keys or sessions.
fn begins_now(draft: &Draft<'_>) -> bool {
    ends_keys_now(draft) || draft.does(|action| matches!(action, Action::DenySessions { .. }))
}

/// Saves that CloudTrail was asked late enough to show all, or waits until it does.
fn look_again(draft: &mut Draft<'_>, emergency: &Emergency) {
    let at = shifted(emergency.contained_at, TRAIL_LAG);
    if emergency.looked_at.is_some_and(|looked_at| looked_at >= at) {
        return;
    }
    let was_asked = matches!(draft.user.trail, TrailLook::Seen { .. });
    let knows_none = draft.record.is_none_or(|record| record.exposed.is_empty());
    let unsettled = unsettled_keys(draft);
    if draft.now < at {
        draft.waiting.push(WaitReason::SecondLook { at });
    } else if !unsettled.is_empty() {
        // They end in this run; the next look sees that they did.
        let keys = unsettled;
        draft.waiting.push(WaitReason::MadeKeys { keys });
    } else if finds_untold_roles(draft) {
        let at = draft.now;
        draft.waiting.push(WaitReason::SecondLook { at });
    } else if was_asked || knows_none {
        draft.actions.push(Action::SaveLook);
    }
}

/// The keys that were made with the user's exposed ones, and that have not ended for good.
fn unsettled_keys(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let TrailLook::Seen { made, .. } = &draft.user.trail else {
        return BTreeSet::new();
    };
    let mut keys: BTreeSet<AccessKeyId> = made.keys().cloned().collect();
    keys.retain(|key| !has_ended(draft, key));
    keys
}

/// True if the key is gone, or its owner's record has it as exposed and it is inactive.
fn has_ended(draft: &Draft<'_>, id: &AccessKeyId) -> bool {
    let mut users = draft.snapshot.users.iter();
    match users.find(|user| user.key(id).is_some()) {
        None => draft.snapshot.gone_keys.contains(id),
        Some(owner) => {
            let is_active = owner.key(id).is_some_and(|key| key.active);
            let record = owner.record();
            !is_active && record.is_some_and(|record| record.exposed.contains(id))
        }
    }
}

/// True if operators were not told yet of the roles that were assumed.
fn finds_untold_roles(draft: &Draft<'_>) -> bool {
    let told = draft.record.map(|record| &record.notified);
    draft.findings.iter().any(|finding| {
        let is_told = told.is_some_and(|told| told.contains_key(&finding.id()));
        matches!(finding, FindingKind::RolesAssumed { .. }) && !is_told
    })
}

fn allow_sessions(draft: &mut Draft<'_>, emergency: &Emergency) {
    // A leave denies them for longer, and what is recorded here says so if it is taken back.
    if draft.is_leaver() {
        return;
    }
    let denied_at = emergency
        .sessions_denied_at
        .unwrap_or(emergency.contained_at);
    if draft.is_past(denied_at, LONGEST_SESSION) {
        draft.actions.push(Action::AllowSessions);
    } else {
        let at = shifted(denied_at, LONGEST_SESSION);
        draft.waiting.push(WaitReason::SessionsEnd { at });
    }
}

/// Tells operators of the roles that were assumed with exposed keys: the sessions of a role are not
/// ended by what is done to the user.
fn report_roles(draft: &mut Draft<'_>) {
    let TrailLook::Seen {
        assumed,
        is_complete,
        ..
    } = &draft.user.trail
    else {
        return;
    };
    if !assumed.is_empty() || !is_complete {
        draft.findings.push(FindingKind::RolesAssumed {
            roles: assumed.clone(),
            is_complete: *is_complete,
        });
    }
}
