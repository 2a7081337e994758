//! What a route's outbox becomes: the messages, their order, and what is noted after each: pure.
//!
//! New cases get a message each, or one summary for all of them where they are many. What changes later goes
//! into the thread of the message that told it, and that message is corrected, where the way allows.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{
    Compliance, Digest, FindingGroup, FindingKey, MessageRef, NotifiedIn, OutboxEntry, Resource,
    RouteState, Tally, short_hash,
};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use banto_notice::Notice;
use banto_ports::DeliveryCommit;
use jiff::{SignedDuration, Timestamp};

use crate::words;

/// How long a summary takes up what else comes.
const DIGEST_OPEN: SignedDuration = SignedDuration::from_mins(60);
/// The least time between two summaries where the first can't be changed; where it can, it takes up more once a
/// window.
pub const DIGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// Most resources of a case that are kept to be shown.
const SHOWN: usize = 10;

/// What waits on a route, and what was told there before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outbox {
    /// The entries, the oldest first; none that has to wait for the morning.
    pub entries: Vec<OutboxEntry>,
    /// The cases that they are about, by id.
    pub cases: BTreeMap<String, FindingGroup>,
    /// The summaries that those were told in, and the one that is open.
    pub digests: BTreeMap<String, Digest>,
    /// What is kept of the route.
    pub lane: RouteState,
    /// Names of resources whose ids nobody knows.
    pub names: BTreeMap<FindingKey, String>,
}

/// A message, and what is noted when it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The id that the message carries.
    pub id: String,
    /// Where it goes.
    pub place: Place,
    /// What it says.
    pub notice: Notice,
    /// The message above it, as it should look from now on.
    pub correction: Option<(MessageRef, Notice)>,
    /// What goes into the thread beneath it.
    pub detail: Option<Notice>,
    /// What is noted in the end, piece by piece.
    pub commits: Vec<DeliveryCommit>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Into the channel.
    Channel,
    /// Into the thread of a message.
    Thread {
        /// The message.
        message: MessageRef,
        /// Whether the channel sees it too.
        broadcast: bool,
    },
}

impl Place {
    /// The message above the thread, if it is one.
    pub fn thread(&self) -> Option<&MessageRef> {
        match self {
            Self::Channel => None,
            Self::Thread { message, .. } => Some(message),
        }
    }
}

/// What happened to one rule in one account.
struct Group<'a> {
    entries: Vec<&'a OutboxEntry>,
    before: Option<&'a FindingGroup>,
    /// What it goes on from: the case before, unless that was over.
    base: Option<&'a FindingGroup>,
    after: FindingGroup,
    /// How many resources were found, and how many resolved, in the end.
    found: u32,
    resolved: u32,
}

/// The letters that tell an outbox.
pub fn letters(
    outbox: &Outbox,
    route: &Route,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Letter> {
    // Only a message in the channel that the route goes to today can be changed.
    let is_here = |message: &MessageRef| matches!(&route.to, Destination::Channel(id) if *id == message.channel);
    let digest_here = |id: &String| {
        let digest = outbox.digests.get(id)?;
        digest
            .message
            .as_ref()
            .is_some_and(is_here)
            .then_some(digest)
    };
    let (mut new, mut threads, mut in_digests) = (
        Vec::new(),
        Vec::new(),
        BTreeMap::<&str, Vec<Group<'_>>>::new(),
    );
    for group in groups(outbox, now) {
        // A case that was closed and opens again is a new one.
        let is_over = group
            .before
            .is_some_and(|case| case.open == 0 && group.found > 0);
        match group
            .before
            .map(|case| &case.notified_in)
            .filter(|_| !is_over)
        {
            Some(NotifiedIn::Message(message)) if is_here(message) => {
                threads.push((message, group))
            }
            Some(NotifiedIn::Digest(id)) if digest_here(id).is_some() => {
                in_digests.entry(id).or_default().push(group)
            }
            _ => new.push(group),
        }
    }
    let is_storm = new.len() > policy.collapse_over;
    let mut letters = Vec::new();
    if is_storm {
        let open = outbox
            .lane
            .digest
            .as_ref()
            .filter(|(_, begun)| now.duration_since(*begun) < DIGEST_OPEN);
        match open.and_then(|(id, _)| digest_here(id)) {
            Some(digest) => in_digests.entry(&digest.id).or_default().append(&mut new),
            None => letters.push(summary(
                fresh_digest(outbox, route, now),
                &new,
                route,
                policy,
            )),
        }
    } else {
        letters.extend(new.iter().map(|group| own_message(group, route, policy)));
    }
    for (id, groups) in in_digests {
        letters.extend(
            outbox
                .digests
                .get(id)
                .map(|digest| summary(digest.clone(), &groups, route, policy)),
        );
    }
    letters.extend(threads.into_iter().map(|(message, group)| {
        let broadcast = group.found > 0 && !is_storm;
        reply(message, &group, broadcast, route, policy)
    }));
    if !matches!(route.to, Destination::Channel(_)) {
        // Without threads, all there is to say is in the message.
        for letter in &mut letters {
            letter.notice.sections.extend(
                letter
                    .detail
                    .take()
                    .into_iter()
                    .flat_map(|detail| detail.sections),
            );
        }
    }
    letters
}

/// Names a letter by what it is about and the oldest entry that it tells: what comes later, before a run that
/// ended is taken up again, does not change that.
fn letter_id(about: &str, groups: &[Group<'_>]) -> String {
    let oldest = groups
        .iter()
        .flat_map(|group| &group.entries)
        .map(|entry| entry.id())
        .min();
    short_hash(&[about, &oldest.unwrap_or_default()])
}

/// A summary that takes up what else comes.
fn fresh_digest(outbox: &Outbox, route: &Route, now: Timestamp) -> Digest {
    let oldest = outbox
        .entries
        .first()
        .map(OutboxEntry::id)
        .unwrap_or_default();
    Digest {
        id: short_hash(&[&route.name, &oldest]),
        message: None,
        since: now,
        rules: BTreeMap::new(),
    }
}

/// Entries by account and rule, and what they come to.
fn groups(outbox: &Outbox, now: Timestamp) -> Vec<Group<'_>> {
    let mut by_case: BTreeMap<_, Vec<&OutboxEntry>> = BTreeMap::new();
    for entry in &outbox.entries {
        by_case
            .entry((&entry.key.account, &entry.key.rule))
            .or_default()
            .push(entry);
    }
    let groups = by_case
        .into_iter()
        .filter_map(|((account, rule), entries)| {
            fold(
                entries,
                outbox.cases.get(&FindingGroup::id_of(account, rule)),
                &outbox.names,
                now,
            )
        });
    groups.collect()
}

fn fold<'a>(
    entries: Vec<&'a OutboxEntry>,
    before: Option<&'a FindingGroup>,
    names: &BTreeMap<FindingKey, String>,
    now: Timestamp,
) -> Option<Group<'a>> {
    let last = entries.last()?;
    // What was resolved before is over: what is found again is a new case.
    let opens_again = entries
        .iter()
        .any(|entry| entry.compliance == Compliance::Noncompliant);
    let base = before.filter(|case| case.open > 0 || !opens_again);
    let mut after = match base {
        Some(case) => case.clone(),
        None => FindingGroup {
            account: last.key.account.clone(),
            account_name: String::new(),
            owner: None,
            rule: last.key.rule.clone(),
            severity: last.severity,
            notified_in: NotifiedIn::Untracked,
            since: entries.iter().map(|entry| entry.at).min().unwrap_or(now),
            open: 0,
            resolved: 0,
            resources: Vec::new(),
        },
    };
    after.account_name.clone_from(&last.account_name);
    after.owner.clone_from(&last.owner);
    after.severity = last.severity;
    let (mut found, mut resolved) = (0, 0);
    let mut latest: BTreeMap<&FindingKey, &OutboxEntry> = BTreeMap::new();
    for entry in &entries {
        (after.open, after.resolved) = counted((after.open, after.resolved), entry);
        latest.insert(&entry.key, entry);
    }
    for entry in latest.values() {
        match entry.compliance {
            Compliance::Noncompliant => found += 1,
            Compliance::Compliant => resolved += 1,
        }
        show(&mut after.resources, entry, names.get(&entry.key));
    }
    Some(Group {
        entries,
        before,
        base,
        after,
        found,
        resolved,
    })
}

/// Shows a resource as it stands now; of many, the first ones.
fn show(resources: &mut Vec<Resource>, entry: &OutboxEntry, name: Option<&String>) {
    let key = &entry.key;
    let is_it = |resource: &&mut Resource| {
        (&resource.id, &resource.resource_type, &resource.region)
            == (&key.resource_id, &key.resource_type, &key.region)
    };
    let shown = Resource {
        resource_type: key.resource_type.clone(),
        id: key.resource_id.clone(),
        name: name.cloned(),
        region: key.region.clone(),
        compliance: entry.compliance,
        at: entry.at,
        annotation: entry.annotation.clone(),
    };
    let has_room = resources.len() < SHOWN;
    match resources.iter_mut().find(is_it) {
        Some(known) => {
            *known = Resource {
                name: shown.name.clone().or(known.name.take()),
                ..shown
            }
        }
        None if has_room => resources.push(shown),
        // What is resolved makes room for what is not.
        None if entry.compliance == Compliance::Noncompliant => {
            if let Some(old) = resources
                .iter_mut()
                .find(|resource| resource.compliance == Compliance::Compliant)
            {
                *old = shown;
            }
        }
        None => {}
    }
}

fn own_message(group: &Group<'_>, route: &Route, policy: &CompliancePolicy) -> Letter {
    let more = usize::try_from(group.found).unwrap_or(usize::MAX) > group.after.resources.len();
    Letter {
        id: letter_id(&group.after.id(), std::slice::from_ref(group)),
        notice: words::case(&group.after, &group.entries, route, policy),
        detail: more.then(|| {
            words::detail(
                &group.after.id(),
                &[(&group.after, &group.entries)],
                route,
                policy,
            )
        }),
        place: Place::Channel,
        correction: None,
        commits: commits(std::slice::from_ref(group), None),
    }
}

fn reply(
    message: &MessageRef,
    group: &Group<'_>,
    broadcast: bool,
    route: &Route,
    policy: &CompliancePolicy,
) -> Letter {
    Letter {
        id: letter_id(&group.after.id(), std::slice::from_ref(group)),
        notice: words::reply(
            &group.after,
            &group.entries,
            (group.found, group.resolved),
            route,
            policy,
        ),
        place: Place::Thread {
            message: message.clone(),
            broadcast,
        },
        correction: Some((
            message.clone(),
            words::case(&group.after, &group.entries, route, policy),
        )),
        detail: None,
        commits: commits(std::slice::from_ref(group), None),
    }
}

/// A summary, new or taking up more.
fn summary(
    before: Digest,
    groups: &[Group<'_>],
    route: &Route,
    policy: &CompliancePolicy,
) -> Letter {
    let commits = commits(groups, Some(&before));
    let after = commits
        .last()
        .and_then(|last| last.digest.clone())
        .unwrap_or_else(|| before.clone());
    let notice = words::digest(&after, route, policy);
    let lines: Vec<(&FindingGroup, &[&OutboxEntry])> = groups
        .iter()
        .map(|group| (&group.after, &group.entries[..]))
        .collect();
    let detail = words::detail(&after.id, &lines, route, policy);
    match &before.message {
        Some(message) => Letter {
            id: letter_id(&after.id, groups),
            place: Place::Thread {
                message: message.clone(),
                broadcast: is_worse(&before, groups),
            },
            notice: detail,
            correction: Some((message.clone(), notice)),
            detail: None,
            commits,
        },
        None => Letter {
            id: after.id,
            place: Place::Channel,
            notice,
            correction: None,
            detail: Some(detail),
            commits,
        },
    }
}

/// Whether a summary takes up something that people must not overlook: what another rule finds that matters as much
/// as anything before.
fn is_worse(before: &Digest, groups: &[Group<'_>]) -> bool {
    let worst = before.rules.values().map(|tally| tally.severity).max();
    let is_new =
        |group: &&Group<'_>| group.found > 0 && !before.rules.contains_key(&group.after.rule);
    groups
        .iter()
        .filter(is_new)
        .any(|group| Some(group.after.severity) >= worst)
}

/// What is noted of groups, in pieces that DynamoDB writes at once. Each piece counts its own entries only, so
/// that a run that ends between two of them counts nothing twice.
fn commits(groups: &[Group<'_>], digest: Option<&Digest>) -> Vec<DeliveryCommit> {
    let mut pieces = Vec::new();
    let mut piece = DeliveryCommit::default();
    let mut digest = digest.cloned();
    for group in groups {
        let mut left = group.entries.as_slice();
        let mut case = group.base.cloned();
        let mut is_first = group
            .before
            .is_none_or(|before| match (&before.notified_in, &digest) {
                (NotifiedIn::Digest(id), Some(digest)) => *id != digest.id || before.open == 0,
                _ => true,
            });
        while !left.is_empty() {
            if DeliveryCommit::MAX_ITEMS - piece.cases.len() - piece.entries.len() < 2 {
                piece.digest.clone_from(&digest);
                pieces.push(std::mem::take(&mut piece));
            }
            let room = DeliveryCommit::MAX_ITEMS - piece.cases.len() - piece.entries.len() - 1;
            let (now, later) = left.split_at(room.min(left.len()));
            left = later;
            let mut after = FindingGroup {
                open: 0,
                resolved: 0,
                ..group.after.clone()
            };
            (after.open, after.resolved) = case
                .as_ref()
                .map_or((0, 0), |case| (case.open, case.resolved));
            for entry in now {
                (after.open, after.resolved) = counted((after.open, after.resolved), entry);
                if let Some(digest) = &mut digest {
                    tally(digest, entry, std::mem::take(&mut is_first));
                }
            }
            if let Some(digest) = &digest {
                after.notified_in = NotifiedIn::Digest(digest.id.clone());
            }
            piece.cases.push(after.clone());
            piece
                .entries
                .extend(now.iter().map(|entry| (*entry).clone()));
            case = Some(after);
        }
    }
    if !piece.cases.is_empty() {
        piece.digest = digest;
        pieces.push(piece);
    }
    pieces
}

/// How many are open and resolved after an entry.
fn counted((open, resolved): (u32, u32), entry: &OutboxEntry) -> (u32, u32) {
    match entry.compliance {
        Compliance::Noncompliant => (open + 1, resolved),
        Compliance::Compliant => (
            open.saturating_sub(u32::from(entry.was_notified)),
            resolved + 1,
        ),
    }
}

fn tally(digest: &mut Digest, entry: &OutboxEntry, is_new_account: bool) {
    let tally = digest.rules.entry(entry.key.rule.clone()).or_insert(Tally {
        severity: entry.severity,
        accounts: 0,
        open: 0,
        resolved: 0,
    });
    tally.accounts += u32::from(is_new_account);
    (tally.open, tally.resolved) = counted((tally.open, tally.resolved), entry);
}

/// The cases and summaries that entries are about.
pub fn about(entries: &[OutboxEntry]) -> BTreeSet<String> {
    entries
        .iter()
        .map(|entry| FindingGroup::id_of(&entry.key.account, &entry.key.rule))
        .collect()
}
