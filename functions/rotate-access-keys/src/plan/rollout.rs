//! Who is issued a key in this run, and who waits: canaries first, then the oldest keys, up to the
//! policy's cap.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::UserName;
use banto_domain::policy::RotationPolicy;
use banto_domain::record::Reason;
use jiff::Timestamp;

use super::action::{Action, Chain, OrphanProof, OwnerNotice, Plan};
use super::finding::{WaitReason, Waiting};
use crate::snapshot::{Snapshot, User};

/// Takes back the new keys that this run may not issue.
pub(super) fn hold_back(
    plan: &mut Plan,
    snapshot: &Snapshot,
    policy: &RotationPolicy,
    now: Timestamp,
) {
    let due = due_users(plan);
    // While a canary's key is on its way, a flaw in issuing harms the canary alone.
    let canaries_only = snapshot.users.iter().any(|user| {
        is_canary(user, policy) && (due.contains(&user.name) || is_on_its_way(user, now))
    });
    let mut held_back = BTreeMap::new();
    let mut left = policy.max_users_per_run;
    for user in by_priority(snapshot, &due, policy) {
        if canaries_only && !is_canary(user, policy) {
            held_back.insert(&user.name, WaitReason::Canaries);
        } else if left == 0 {
            held_back.insert(&user.name, WaitReason::NextRun);
        } else {
            left -= 1;
        }
    }
    for chain in &mut plan.chains {
        if held_back.contains_key(&chain.user) {
            remove_due_issue(chain);
        }
    }
    plan.chains.retain(|chain| !chain.actions.is_empty());
    for (user, reason) in held_back {
        plan.waiting.push(Waiting {
            user: Some(user.clone()),
            reason,
        });
    }
}

/// The users whom the plan issues a key because of its age.
fn due_users(plan: &Plan) -> BTreeSet<UserName> {
    let mut due = BTreeSet::new();
    for chain in &plan.chains {
        if chain.actions.iter().any(is_due_issue) {
            due.insert(chain.user.clone());
        }
    }
    due
}

/// The users who are due, those first who are issued keys first.
fn by_priority<'a>(
    snapshot: &'a Snapshot,
    due: &BTreeSet<UserName>,
    policy: &RotationPolicy,
) -> Vec<&'a User> {
    let mut users: Vec<&User> = snapshot.users.iter().collect();
    users.retain(|user| due.contains(&user.name));
    users.sort_by_cached_key(|user| {
        let oldest = user.keys.first().map(|key| key.created_at);
        (!is_canary(user, policy), oldest, user.name.clone())
    });
    users
}

fn is_canary(user: &User, policy: &RotationPolicy) -> bool {
    policy.canaries.contains(&user.name)
}

/// Removes the new key, what makes room for it, and its delivery.
fn remove_due_issue(chain: &mut Chain) {
    chain.actions.retain(|action| {
        let makes_room = matches!(
            action,
            Action::DeleteExposed { .. }
                | Action::DiscardOrphan {
                    proof: OrphanProof::Replaced,
                    ..
                }
        );
        !is_due_issue(action) && !is_due_delivery(action) && !makes_room
    });
}

fn is_due_issue(action: &Action) -> bool {
    matches!(action, Action::Issue { reason, .. } if *reason == Reason::Due)
}

fn is_due_delivery(action: &Action) -> bool {
    matches!(
        action,
        Action::NotifyOwner(OwnerNotice::Issued { reason, .. }) if *reason == Reason::Due
    )
}

/// True if a new key of the user is not delivered yet, and may still be: its run may be at work, or
/// its envelope is stored.
fn is_on_its_way(user: &User, now: Timestamp) -> bool {
    let intent = user.intent();
    let rotation = user.rotation();
    intent.is_some_and(|intent| intent.may_be_under_way(now))
        || rotation.is_some_and(|rotation| {
            let is_there = user.key(&rotation.issued.key).is_some();
            rotation.delivered_at.is_none() && is_there
        })
}
