//! Who is issued a key in this run, and who waits: canaries first, then the oldest keys, up to the
//! policy's cap.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::UserName;
use banto_domain::policy::RotationPolicy;
use banto_domain::record::Reason;
use jiff::Timestamp;

use super::{Action, Chain, OwnerNotice, Plan, WaitReason, Waiting, rotation_of};
use crate::snapshot::{Snapshot, User};

/// Takes back the new keys that this run may not issue.
pub(super) fn limit(plan: &mut Plan, snapshot: &Snapshot, policy: &RotationPolicy, now: Timestamp) {
    let issues = |chain: &&Chain| chain.actions.iter().any(is_due_issue);
    let due: BTreeSet<UserName> = plan
        .chains
        .iter()
        .filter(issues)
        .map(|chain| chain.user.clone())
        .collect();
    let is_canary = |user: &User| policy.canaries.contains(&user.name);
    let mut queue: Vec<&User> = snapshot
        .users
        .iter()
        .filter(|user| due.contains(&user.name))
        .collect();
    queue.sort_by_cached_key(|user| {
        (
            !is_canary(user),
            user.keys.first().map(|key| key.created_at),
            user.name.clone(),
        )
    });

    // While a canary's key is on its way, a flaw in issuing harms the canary alone.
    let canary_sings =
        |user: &&User| is_canary(user) && (due.contains(&user.name) || is_on_its_way(user, now));
    let canaries_only = snapshot.users.iter().any(|user| canary_sings(&user));

    let mut left = policy.max_users_per_run;
    let mut put_off = BTreeMap::new();
    for user in queue {
        if canaries_only && !is_canary(user) {
            put_off.insert(&user.name, WaitReason::Canaries);
        } else if left == 0 {
            put_off.insert(&user.name, WaitReason::NextRun);
        } else {
            left -= 1;
        }
    }
    for chain in plan
        .chains
        .iter_mut()
        .filter(|chain| put_off.contains_key(&chain.user))
    {
        chain.actions.retain(|action| !belongs_to_due_issue(action));
    }
    plan.chains.retain(|chain| !chain.actions.is_empty());
    plan.waiting
        .extend(put_off.into_iter().map(|(user, reason)| Waiting {
            user: Some(user.clone()),
            reason,
        }));
}

fn is_due_issue(action: &Action) -> bool {
    matches!(
        action,
        Action::Issue {
            reason: Reason::Due,
            ..
        }
    )
}

/// Whether the action is of a chain that issues a due key: the issue itself, or telling of it.
fn belongs_to_due_issue(action: &Action) -> bool {
    is_due_issue(action)
        || matches!(
            action,
            Action::NotifyOwner(OwnerNotice::Issued {
                reason: Reason::Due,
                ..
            })
        )
}

/// Whether the user's last rotation is not delivered yet, and may still be: its run may be at work,
/// or its envelope is stored.
fn is_on_its_way(user: &User, now: Timestamp) -> bool {
    rotation_of(user).is_some_and(|rotation| {
        rotation.delivered_at.is_none()
            && (rotation.issued.is_some() || rotation.may_be_under_way(now))
    })
}
