//! An issue that was interrupted: an intent is recorded, and no envelope is stored.
//!
//! Its run may still be at work; it may have ended before it created a key; or it may have left an
//! orphan: a key whose secret was lost, since IAM tells a secret only once. That a key is one is
//! proven by CloudTrail: Banto's own role created it. No key is taken for one because it appeared
//! at the right time: a person may have made it (R2).

use std::collections::BTreeMap;

use banto_domain::record::Intent;
use banto_domain::{AccessKeyId, RoleArn};

use super::action::{Action, OrphanProof};
use super::draft::{Draft, ids};
use super::finding::{FindingKind, WaitReason};
use crate::snapshot::{Creations, Key, Used};
use crate::trail_times::TRAIL_PATIENCE;

/// Tells if anything more may be planned for the user in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Nothing was interrupted, or this plan settles it.
    GoOn,
    /// It can't be settled now; a finding or a reason to wait says why.
    LeaveAlone,
}

/// Resolves an interrupted issue, if there is one.
pub(super) fn resolve(draft: &mut Draft<'_>) -> Resolved {
    let Some(intent) = draft.user.intent() else {
        return Resolved::GoOn;
    };
    if intent.may_be_under_way(draft.now) {
        draft.waiting.push(WaitReason::OtherRun);
        return Resolved::LeaveAlone;
    }
    let keys = possible_orphans(draft, intent);
    match &draft.user.creations {
        Creations::NotAsked => wait_or_ask(draft, intent, &keys),
        Creations::Unknown(_)
            if keys.is_empty() || draft.is_past(intent.intended_at, TRAIL_PATIENCE) =>
        {
            wait_or_ask(draft, intent, &keys)
        }
        Creations::Unknown(why) => {
            let why = why.clone();
            draft.waiting.push(WaitReason::Trail { why });
            Resolved::LeaveAlone
        }
        Creations::Seen(seen) => resolve_by_trail(draft, intent, &keys, seen),
    }
}

/// Discards what CloudTrail shows to be ours. What somebody else created explains nothing.
fn resolve_by_trail(
    draft: &mut Draft<'_>,
    intent: &Intent,
    keys: &[Key],
    seen: &BTreeMap<AccessKeyId, Option<RoleArn>>,
) -> Resolved {
    let mut left = Vec::new();
    let mut resolved = Resolved::GoOn;
    for key in keys {
        match seen.get(&key.id) {
            None => left.push(key.clone()),
            Some(Some(role)) if *role == draft.snapshot.role => {
                if discard(draft, key) == Resolved::LeaveAlone {
                    resolved = Resolved::LeaveAlone;
                }
            }
            Some(_) => {}
        }
    }
    match resolved {
        Resolved::GoOn => wait_or_ask(draft, intent, &left),
        Resolved::LeaveAlone => resolved,
    }
}

/// The keys that appeared around the intent, and that neither an envelope nor an exposure explains.
fn possible_orphans(draft: &Draft<'_>, intent: &Intent) -> Vec<Key> {
    let mut keys = draft.keys.clone();
    keys.retain(|key| {
        !intent.existing_keys.contains(&key.id)
            && !draft.is_issued(&key.id)
            && !draft.exposed.contains(&key.id)
            && intent.window_contains(key.created_at)
    });
    keys
}

fn discard(draft: &mut Draft<'_>, key: &Key) -> Resolved {
    let id = key.id.clone();
    match key.used {
        Used::Unknown => draft.waiting.push(WaitReason::Usage { key: id }),
        // Whoever says that they have a key may have seen its secret, as has whoever used it.
        Used::Never if !draft.claims(&id) => {
            draft.forget_key(&id);
            let proof = OrphanProof::Trail;
            draft.actions.push(Action::DiscardOrphan { key: id, proof });
            return Resolved::GoOn;
        }
        Used::Never | Used::Last(_) => draft.findings.push(FindingKind::OrphanInUse { key: id }),
    }
    Resolved::LeaveAlone
}

/// Waits until CloudTrail must show who created the keys that are left; then people must say.
fn wait_or_ask(draft: &mut Draft<'_>, intent: &Intent, left: &[Key]) -> Resolved {
    if left.is_empty() {
        draft.drops_intent = true;
        return Resolved::GoOn;
    }
    let keys = ids(left);
    if draft.is_past(intent.intended_at, TRAIL_PATIENCE) {
        draft.findings.push(FindingKind::UnprovenOrphan { keys });
    } else {
        draft.waiting.push(WaitReason::Creation { keys });
    }
    Resolved::LeaveAlone
}
