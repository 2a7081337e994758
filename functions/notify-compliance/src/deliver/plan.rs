//! Plans which messages a lane of a route's outbox becomes, their order, and what is saved after
//! each: pure.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::RuleName;
use banto_domain::compliance::{
    Digest, FindingGroup, Lane, MessageRef, NotifiedIn, OutboxEntry, Severity, short_hash,
};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, RuleText};
use banto_ports::{DeliveredBatch, DeliveryCommit};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::delivery::{
    Delivery, DigestChange, GroupChange, NamedFinding, Subject, Target, is_channel_id,
    latest_entries,
};
use super::snapshot::{Flood, FloodBatch, MAX_NAMED, Snapshot};

mod commits;
mod counts;
mod groups;

use commits::{Waiting, commits, drops};
use groups::grouped;

/// Time for which a digest takes up what else comes: a storm of a deployment is over by then, and
/// what comes later is news.
const DIGEST_OPEN_FOR: SignedDuration = SignedDuration::from_mins(60);

/// Most entries of a flood that go at once: some 350 KB over eight partitions, of which each takes
/// 1,000 KB a second, and a transaction counts twice.
const FLOOD_PIECE: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub deliveries: Vec<Delivery>,
}

/// Group changes, by the message that they belong to.
#[derive(Default)]
struct Sorted {
    /// Those that no message in the channel tells of yet.
    new: Vec<GroupChange>,
    replies: Vec<(MessageRef, GroupChange)>,
    /// By the digest's id.
    in_digests: BTreeMap<String, Vec<GroupChange>>,
    /// Entries of which the route is told nothing.
    untold: Vec<OutboxEntry>,
}

/// New messages first, then digests, then replies; and last what is dropped.
pub fn plan(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Plan {
    if let Some(flood) = &snapshot.flood {
        return Plan {
            deliveries: vec![flood_delivery(snapshot, flood, policy, now)],
        };
    }
    let mut waiting = Waiting::new(&snapshot.batches);
    let mut sorted = sorted(snapshot, policy, now);
    let is_storm = snapshot.lane == Lane::Takeover && !sorted.new.is_empty()
        || sorted.new.len() > policy.collapse_over;
    let mut deliveries = Vec::new();
    if is_storm {
        collapse(&mut sorted, snapshot, now);
    }
    for change in std::mem::take(&mut sorted.new) {
        deliveries.push(group_delivery(change, Target::New, &mut waiting));
    }
    for (id, changes) in std::mem::take(&mut sorted.in_digests) {
        let digest = snapshot.digests.get(&id).cloned();
        let digest = digest.unwrap_or_else(|| new_digest(snapshot, id, now));
        deliveries.push(digest_delivery(
            digest,
            changes,
            snapshot,
            policy,
            &mut waiting,
        ));
    }
    for (message, change) in std::mem::take(&mut sorted.replies) {
        // The channel sees what is found, unless a storm is on that is not urgent.
        let broadcast = change.found > 0 && (!is_storm || snapshot.lane.is_urgent());
        let target = Target::Thread { message, broadcast };
        deliveries.push(group_delivery(change, target, &mut waiting));
    }
    deliveries.extend(drop_delivery(&sorted.untold, &mut waiting));
    Plan { deliveries }
}

/// Many new groups go into the open digest, or else into a new one.
fn collapse(sorted: &mut Sorted, snapshot: &Snapshot, now: Timestamp) {
    let new = std::mem::take(&mut sorted.new);
    let id = match open_digest(snapshot, now) {
        Some(digest) => digest.id.clone(),
        None => {
            let oldest = snapshot.batches.first();
            digest_id(snapshot, oldest.map_or("", |batch| batch.id.as_str()))
        }
    };
    sorted.in_digests.entry(id).or_default().extend(new);
}

fn sorted(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Sorted {
    let grouped = grouped(snapshot, policy);
    let mut sorted = Sorted {
        untold: grouped.untold,
        ..Sorted::default()
    };
    for change in grouped.changes {
        let before = change.before.as_ref().filter(|_| !change.opens_again());
        match before.map(|group| group.notified_in.clone()) {
            Some(NotifiedIn::Message(message)) if is_here(snapshot, &message) => {
                sorted.replies.push((message, change));
            }
            Some(NotifiedIn::Digest(id)) if takes_up(snapshot, &id, &change, now) => {
                sorted.in_digests.entry(id).or_default().push(change);
            }
            _ if snapshot.route.is_dropped => sorted.untold.extend(change.entries),
            _ => sorted.new.push(change),
        }
    }
    sorted
}

/// Only a message in the channel that the route goes to today can be changed, and one of a route
/// that the policy has dropped.
fn is_here(snapshot: &Snapshot, message: &MessageRef) -> bool {
    let route = &snapshot.route;
    match &route.route.to {
        Destination::Channel(id) => {
            route.is_dropped || *id == message.channel || !is_channel_id(id)
        }
        _ => false,
    }
}

fn digest_here<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Digest> {
    let digest = snapshot.digests.get(id)?;
    let message = digest.message.as_ref()?;
    is_here(snapshot, message).then_some(digest)
}

/// True if a digest takes up a change of a group that it told of. What is found later than that is
/// news, and nobody looks for it in an old thread.
fn takes_up(snapshot: &Snapshot, id: &str, change: &GroupChange, now: Timestamp) -> bool {
    digest_here(snapshot, id).is_some_and(|digest| {
        change.found == 0 || now.duration_since(digest.since) < DIGEST_OPEN_FOR
    })
}

/// The digest that takes up what else comes, if there is one.
fn open_digest(snapshot: &Snapshot, now: Timestamp) -> Option<&Digest> {
    let open = snapshot.lane_state()?.open_digest.as_ref()?;
    let is_open = now.duration_since(open.opened_at) < DIGEST_OPEN_FOR;
    digest_here(snapshot, &open.id).filter(|_| is_open)
}

/// Names a digest by its route and the oldest batch that it tells of.
fn digest_id(snapshot: &Snapshot, oldest: &str) -> String {
    short_hash(&[&snapshot.route.route.name, oldest])
}

fn new_digest(snapshot: &Snapshot, id: String, now: Timestamp) -> Digest {
    Digest {
        id,
        lane: snapshot.lane,
        message: None,
        since: now,
        rules: BTreeMap::new(),
        accounts: BTreeSet::new(),
    }
}

fn group_delivery(change: GroupChange, target: Target, waiting: &mut Waiting) -> Delivery {
    let changes = std::slice::from_ref(&change);
    Delivery {
        id: delivery_id(&change.after.id(), changes),
        target,
        commits: commits(changes, None, waiting),
        subject: Subject::Group(Box::new(change)),
    }
}

fn drop_delivery(untold: &[OutboxEntry], waiting: &mut Waiting) -> Option<Delivery> {
    let first = untold.first()?;
    Some(Delivery {
        id: first.id(),
        target: Target::Nowhere,
        commits: drops(untold, waiting),
        subject: Subject::Nothing,
    })
}

/// A digest, new or taking up more.
fn digest_delivery(
    before: Digest,
    changes: Vec<GroupChange>,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    waiting: &mut Waiting,
) -> Delivery {
    let sum = |count: fn(&GroupChange) -> u32| changes.iter().map(count).sum();
    let found = sum(|change| change.found);
    let (resolved, closed) = (sum(|change| change.resolved), sum(|change| change.closed));
    let named = named_of(&changes, snapshot, policy);
    let commits = commits(&changes, Some(&before), waiting);
    let last = commits.last().and_then(|commit| commit.digest.clone());
    let digest = last.unwrap_or_else(|| before.clone());
    let about = delivery_id(&digest.id, &changes);
    let is_urgent = snapshot.lane.is_urgent() && found > 0;
    let broadcasts = is_worse(&before, &changes) || is_urgent || !named.is_empty();
    let texts = texts(&digest, policy);
    let change = DigestChange {
        digest,
        changes,
        named,
        found,
        resolved,
        closed,
        texts,
    };
    digest_message(&before, about, broadcasts, change, commits)
}

fn digest_message(
    before: &Digest,
    about: String,
    broadcast: bool,
    change: DigestChange,
    commits: Vec<DeliveryCommit>,
) -> Delivery {
    let (id, target) = match &before.message {
        None => (before.id.clone(), Target::New),
        Some(message) => {
            let message = message.clone();
            (about, Target::Thread { message, broadcast })
        }
    };
    Delivery {
        id,
        target,
        commits,
        subject: Subject::Digest(Box::new(change)),
    }
}

fn texts(digest: &Digest, policy: &CompliancePolicy) -> BTreeMap<RuleName, RuleText> {
    let rules = digest.rules.keys();
    rules
        .map(|rule| (rule.clone(), policy.findings.rule_text(rule)))
        .collect()
}

/// The findings that a digest names: those that are urgent, as many as are read.
fn named_of(
    changes: &[GroupChange],
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
) -> Vec<NamedFinding> {
    let mut named = Vec::new();
    for change in changes {
        for entry in latest_entries(&change.entries) {
            if !entry.change.closes() && is_named(snapshot, entry) {
                named.push(named_finding(entry, snapshot, policy));
            }
        }
    }
    named.sort_by_key(|named| {
        (
            std::cmp::Reverse(named.entry.severity),
            named.account_name.clone(),
        )
    });
    named.truncate(MAX_NAMED);
    named
}

/// What is urgent is named, whichever lane it waits in.
fn is_named(snapshot: &Snapshot, entry: &OutboxEntry) -> bool {
    snapshot.names_findings() && entry.severity >= Severity::High
}

fn named_finding(
    entry: &OutboxEntry,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
) -> NamedFinding {
    let account = snapshot.accounts.get(&entry.key.account);
    let facts = snapshot.facts.get(&entry.key);
    NamedFinding {
        entry: entry.clone(),
        account_name: account.map_or_else(
            || entry.key.account.to_string(),
            |account| account.name.clone(),
        ),
        owner: account.and_then(|account| policy.findings.owner_of(account).cloned()),
        name: facts.and_then(|facts| facts.name.clone()),
    }
}

/// A flood becomes one digest, from its counts.
fn flood_delivery(
    snapshot: &Snapshot,
    flood: &Flood,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Delivery {
    let oldest = flood.batches.iter().map(|batch| batch.id.as_str()).min();
    let oldest = oldest.unwrap_or_default();
    let before = match open_digest(snapshot, now) {
        Some(digest) => digest.clone(),
        None => new_digest(snapshot, digest_id(snapshot, oldest), now),
    };
    let first = flood.first.iter().filter(|entry| is_named(snapshot, entry));
    let named: Vec<NamedFinding> = first
        .take(MAX_NAMED)
        .map(|entry| named_finding(entry, snapshot, policy))
        .collect();
    let mut change = DigestChange {
        // All accounts are many; the last piece alone has them.
        digest: Digest {
            accounts: BTreeSet::new(),
            ..before.clone()
        },
        changes: Vec::new(),
        named,
        found: 0,
        resolved: 0,
        closed: 0,
        texts: BTreeMap::new(),
    };
    let mut commits = group_commits(&change.named, &before.id, snapshot);
    for piece in pieces(flood) {
        for batch in &piece {
            count_batch(&mut change, batch, flood);
        }
        commits.push(piece_commit(&piece, &change.digest));
    }
    let accounts = before.accounts.union(&flood.accounts);
    change.digest.accounts = accounts.cloned().collect();
    if let Some(last) = commits.last_mut() {
        last.digest = Some(change.digest.clone());
    }
    change.texts = texts(&change.digest, policy);
    let about = short_hash(&[&before.id, oldest]);
    let broadcasts = !change.named.is_empty() || has_new_rule(&before, &change.digest);
    digest_message(&before, about, broadcasts, change, commits)
}

/// Groups of the findings that a flood names: what becomes of them is told as of others, and people
/// are reminded of them. A group that was told before stays as it is.
fn group_commits(named: &[NamedFinding], digest: &str, snapshot: &Snapshot) -> Vec<DeliveryCommit> {
    let mut groups: BTreeMap<String, FindingGroup> = BTreeMap::new();
    for finding in named {
        let entry = &finding.entry;
        let id = FindingGroup::id_of(&entry.key.account, &entry.key.rule);
        let was_told = |group: &FindingGroup| group.open > 0;
        if snapshot.groups.get(&id).is_some_and(was_told) {
            continue;
        }
        let group = groups
            .entry(id)
            .or_insert_with(|| groups::of_named(finding, digest));
        groups::add_named(group, entry, snapshot.facts.get(&entry.key));
    }
    let groups: Vec<FindingGroup> = groups.into_values().collect();
    let pieces = groups.chunks(commits::MAX_GROUPS);
    pieces
        .map(|groups| DeliveryCommit {
            groups: groups.to_vec(),
            ..DeliveryCommit::default()
        })
        .collect()
}

/// Batches that are deleted at once, of all partitions in turn.
fn pieces(flood: &Flood) -> Vec<Vec<&FloodBatch>> {
    let mut partitions: BTreeMap<&str, Vec<&FloodBatch>> = BTreeMap::new();
    for batch in &flood.batches {
        // The last digit of the id chooses the partition.
        let digit = batch.id.len().saturating_sub(1);
        let partition = batch.id.get(digit..).unwrap_or_default();
        partitions.entry(partition).or_default().push(batch);
    }
    let longest = partitions.values().map(Vec::len).max().unwrap_or_default();
    let in_turn =
        (0..longest).flat_map(|turn| partitions.values().filter_map(move |of| of.get(turn)));
    let mut pieces: Vec<Vec<&FloodBatch>> = Vec::new();
    let mut entries = 0;
    for batch in in_turn {
        entries += batch.entries;
        match pieces.last_mut() {
            Some(piece) if entries <= FLOOD_PIECE && piece.len() < DeliveryCommit::MAX_ITEMS => {
                piece.push(batch);
            }
            _ => {
                pieces.push(vec![batch]);
                entries = batch.entries;
            }
        }
    }
    pieces
}

fn count_batch(change: &mut DigestChange, batch: &FloodBatch, flood: &Flood) {
    for (rule, counts) in &batch.counts {
        let Some(rule) = flood.rules.get(*rule) else {
            continue;
        };
        let tally = change.digest.tally(rule, counts.severity);
        let over = counts.resolved + counts.closed;
        tally.open = (tally.open + counts.found).saturating_sub(over);
        tally.resolved += counts.resolved;
        tally.closed += counts.closed;
        change.found += counts.found;
        change.resolved += counts.resolved;
        change.closed += counts.closed;
    }
}

fn piece_commit(piece: &[&FloodBatch], digest: &Digest) -> DeliveryCommit {
    let batches = piece.iter();
    DeliveryCommit {
        groups: Vec::new(),
        digest: Some(digest.clone()),
        batches: batches
            .map(|batch| DeliveredBatch {
                id: batch.id.clone(),
                left: None,
            })
            .collect(),
    }
}

/// Names a message by what it is about and the first entry that it tells: what comes later, before
/// a run that ended is taken up again, does not change that.
fn delivery_id(about: &str, changes: &[GroupChange]) -> String {
    let entries = changes.iter().flat_map(|change| &change.entries);
    let first = entries.map(|entry| (entry.recorded_at, entry.id())).min();
    let first = first.map(|(_, id)| id).unwrap_or_default();
    short_hash(&[about, &first])
}

/// True if a digest takes up something that people must not overlook: findings of another rule that
/// matter as much as anything before.
fn is_worse(before: &Digest, changes: &[GroupChange]) -> bool {
    let worst = before.rules.values().map(|tally| tally.severity).max();
    changes.iter().any(|change| {
        let is_new = change.found > 0 && !is_of(before, &change.after.rule);
        is_new && Some(change.after.severity) >= worst
    })
}

/// True if a digest has told of a rule, by whatever name it is deployed.
fn is_of(digest: &Digest, rule: &RuleName) -> bool {
    let mut rules = digest.rules.keys();
    rules.any(|known| known.plain() == rule.plain())
}

fn has_new_rule(before: &Digest, after: &Digest) -> bool {
    after
        .rules
        .keys()
        .any(|rule| !before.rules.contains_key(rule))
}
