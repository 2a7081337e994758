//! Plans which messages a route's outbox becomes, their order, and what is saved after each: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{Digest, MessageRef, NotifiedIn, OutboxEntry, short_hash};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Destination;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::delivery::{Delivery, GroupChange, Subject, Target};
use super::snapshot::Snapshot;
use crate::delays::LONGEST_DELAY;

mod commits;
mod counts;
mod groups;

use commits::commits;
use groups::group_changes;

/// Time for which a digest takes up what else comes: a storm of a deployment is over by then, and
/// what comes later is news.
const DIGEST_OPEN_FOR: SignedDuration = SignedDuration::from_mins(60);

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub deliveries: Vec<Delivery>,
    pub next: Next,
}

/// What follows the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Next {
    Done,
    /// The outbox is looked at again at once.
    Observe,
    /// The route is delivered on again after this time.
    Again(SignedDuration),
}

pub fn plan(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Plan {
    if !snapshot.is_ready(policy.window, now) {
        return Plan {
            deliveries: Vec::new(),
            next: next_of_nothing(snapshot, policy, now),
        };
    }
    let leaves_nothing = !snapshot.has_more && snapshot.quiet == 0;
    Plan {
        deliveries: deliveries(snapshot, policy, now),
        next: if leaves_nothing {
            Next::Done
        } else {
            Next::Observe
        },
    }
}

/// The next step of a route that has nothing to deliver now.
fn next_of_nothing(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Next {
    match snapshot.rests_for(policy.window, now) {
        Some(rest) if !snapshot.entries.is_empty() => Next::Again(rest),
        _ if snapshot.quiet > 0 => Next::Again(LONGEST_DELAY),
        _ => Next::Done,
    }
}

/// Group changes, by the message that they belong to.
#[derive(Default)]
struct Sorted {
    /// Those that no message in the channel tells of yet.
    new: Vec<GroupChange>,
    replies: Vec<(MessageRef, GroupChange)>,
    /// By the digest's id.
    in_digests: BTreeMap<String, Vec<GroupChange>>,
}

/// New messages first, then digests, then replies.
fn deliveries(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Vec<Delivery> {
    let mut sorted = sorted(snapshot, policy);
    let is_storm = sorted.new.len() > policy.collapse_over;
    let mut deliveries = Vec::new();
    if is_storm {
        deliveries.extend(collapse(&mut sorted, snapshot, policy, now));
    }
    deliveries.extend(sorted.new.into_iter().map(group_delivery));
    for (id, changes) in sorted.in_digests {
        if let Some(digest) = snapshot.digests.get(&id) {
            deliveries.push(digest_delivery(digest.clone(), changes, policy));
        }
    }
    for (message, change) in sorted.replies {
        deliveries.push(reply_delivery(message, change, is_storm));
    }
    deliveries
}

/// Many new groups go into the open digest, or else into a new one.
fn collapse(
    sorted: &mut Sorted,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Option<Delivery> {
    let new = std::mem::take(&mut sorted.new);
    let Some(digest) = open_digest(snapshot, now) else {
        return Some(digest_delivery(new_digest(snapshot, now), new, policy));
    };
    let id = digest.id.clone();
    sorted.in_digests.entry(id).or_default().extend(new);
    None
}

fn sorted(snapshot: &Snapshot, policy: &CompliancePolicy) -> Sorted {
    let mut sorted = Sorted::default();
    for change in group_changes(snapshot, policy) {
        let before = change.before.as_ref().filter(|_| !change.opens_again());
        match before.map(|group| group.notified_in.clone()) {
            Some(NotifiedIn::Message(message)) if is_here(snapshot, &message) => {
                sorted.replies.push((message, change));
            }
            Some(NotifiedIn::Digest(id)) if digest_here(snapshot, &id).is_some() => {
                sorted.in_digests.entry(id).or_default().push(change);
            }
            _ => sorted.new.push(change),
        }
    }
    sorted
}

/// Only a message in the channel that the route goes to today can be changed.
fn is_here(snapshot: &Snapshot, message: &MessageRef) -> bool {
    matches!(&snapshot.route.to, Destination::Channel(id) if *id == message.channel)
}

fn digest_here<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Digest> {
    let digest = snapshot.digests.get(id)?;
    let message = digest.message.as_ref()?;
    is_here(snapshot, message).then_some(digest)
}

/// The digest that takes up what else comes, if there is one.
fn open_digest(snapshot: &Snapshot, now: Timestamp) -> Option<&Digest> {
    let open = snapshot.state.open_digest.as_ref()?;
    let is_open = now.duration_since(open.opened_at) < DIGEST_OPEN_FOR;
    digest_here(snapshot, &open.id).filter(|_| is_open)
}

fn new_digest(snapshot: &Snapshot, now: Timestamp) -> Digest {
    let oldest = snapshot.entries.first().map(OutboxEntry::id);
    Digest {
        id: short_hash(&[&snapshot.route.name, &oldest.unwrap_or_default()]),
        message: None,
        since: now,
        rules: BTreeMap::new(),
    }
}

fn group_delivery(change: GroupChange) -> Delivery {
    let changes = std::slice::from_ref(&change);
    Delivery {
        id: delivery_id(&change.after.id(), changes),
        target: Target::New,
        commits: commits(changes, None),
        subject: Subject::Group(Box::new(change)),
    }
}

/// The channel sees what is found, unless a storm is on.
fn reply_delivery(message: MessageRef, change: GroupChange, is_storm: bool) -> Delivery {
    let broadcast = change.found > 0 && !is_storm;
    Delivery {
        target: Target::Thread { message, broadcast },
        ..group_delivery(change)
    }
}

/// A digest, new or taking up more.
fn digest_delivery(
    before: Digest,
    changes: Vec<GroupChange>,
    policy: &CompliancePolicy,
) -> Delivery {
    let commits = commits(&changes, Some(&before));
    let last = commits.last().and_then(|commit| commit.digest.clone());
    let digest = last.unwrap_or_else(|| before.clone());
    let (id, target) = match &before.message {
        None => (digest.id.clone(), Target::New),
        Some(message) => {
            let target = Target::Thread {
                message: message.clone(),
                broadcast: is_worse(&before, &changes),
            };
            (delivery_id(&digest.id, &changes), target)
        }
    };
    let rules = digest.rules.keys();
    let texts = rules.map(|rule| (rule.clone(), policy.rule_text(rule)));
    Delivery {
        id,
        target,
        commits,
        subject: Subject::Digest {
            texts: texts.collect(),
            digest,
            changes,
        },
    }
}

/// Names a message by what it is about and the oldest entry that it tells: what comes later, before
/// a run that ended is taken up again, does not change that.
fn delivery_id(about: &str, changes: &[GroupChange]) -> String {
    let entries = changes.iter().flat_map(|change| &change.entries);
    let oldest = entries.map(OutboxEntry::id).min();
    short_hash(&[about, &oldest.unwrap_or_default()])
}

/// True if a digest takes up something that people must not overlook: findings of another rule that
/// matter as much as anything before.
fn is_worse(before: &Digest, changes: &[GroupChange]) -> bool {
    let worst = before.rules.values().map(|tally| tally.severity).max();
    changes.iter().any(|change| {
        let is_new = change.found > 0 && !before.rules.contains_key(&change.after.rule);
        is_new && Some(change.after.severity) >= worst
    })
}
