//! Groups entries by account and rule, and works out what they change of each group: pure.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{
    AccountInfo, Change, FindingGroup, NotifiedIn, OutboxEntry, Resource, ResourceStatus,
};
use banto_domain::policy::CompliancePolicy;
use banto_ports::ResourceFacts;

use super::counts::count;
use crate::deliver::delivery::{GroupChange, NamedFinding, base_of, latest_entries, status_after};
use crate::deliver::snapshot::Snapshot;

/// Most resources of a group that are kept to be shown: more do not fit a message that is read. The
/// rest are counted.
const MAX_SHOWN: usize = 10;

/// Entries by what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    /// In the order of accounts and rules.
    pub(super) changes: Vec<GroupChange>,
    /// Entries of which the route is told nothing.
    pub(super) untold: Vec<OutboxEntry>,
}

pub(super) fn grouped(snapshot: &Snapshot, policy: &CompliancePolicy) -> Grouped {
    let mut by_group: BTreeMap<_, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in snapshot.entries() {
        let group = (&entry.key.account, &entry.key.rule);
        by_group.entry(group).or_default().push(entry.clone());
    }
    let mut grouped = Grouped::default();
    for ((account, rule), mut entries) in by_group {
        let before = snapshot.groups.get(&FindingGroup::id_of(account, rule));
        entries.sort_by(|one, other| (&one.key, one.revision).cmp(&(&other.key, other.revision)));
        let told = told_entries(entries, before, snapshot, &mut grouped.untold);
        grouped
            .changes
            .extend(group_change(told, before, snapshot, policy));
    }
    grouped
}

/// The entries that the route has to be told of. A finding that belongs elsewhere is not told here
/// any more; that it is over is told if the route knew of it. Entries are sorted by finding.
fn told_entries(
    entries: Vec<OutboxEntry>,
    before: Option<&FindingGroup>,
    snapshot: &Snapshot,
    untold: &mut Vec<OutboxEntry>,
) -> Vec<OutboxEntry> {
    let mut told = Vec::new();
    for of_finding in entries.chunk_by(|one, other| one.key == other.key) {
        let is_elsewhere = of_finding
            .first()
            .is_some_and(|first| snapshot.elsewhere.contains(&first.key));
        let kept = if is_elsewhere {
            last_end(of_finding, before)
        } else {
            all_but_unheard_moves(of_finding, before)
        };
        let is_kept = |entry: &OutboxEntry| {
            kept.iter()
                .any(|kept: &&OutboxEntry| kept.revision == entry.revision)
        };
        untold.extend(of_finding.iter().filter(|entry| !is_kept(entry)).cloned());
        told.extend(kept.into_iter().cloned());
    }
    told
}

/// The last end of a finding that the route knew of before these entries.
fn last_end<'a>(entries: &'a [OutboxEntry], before: Option<&FindingGroup>) -> Vec<&'a OutboxEntry> {
    let is_news =
        |change: &Change| matches!(change, Change::Found | Change::Flapping { was_open: false });
    let was_known = entries.first().is_some_and(|first| !is_news(&first.change));
    let ends = entries.iter().rfind(|entry| entry.change.closes());
    ends.filter(|_| was_known && before.is_some())
        .into_iter()
        .collect()
}

/// That a finding has moved is no news where no message of the route speaks of it.
fn all_but_unheard_moves<'a>(
    entries: &'a [OutboxEntry],
    before: Option<&FindingGroup>,
) -> Vec<&'a OutboxEntry> {
    let is_heard =
        |entry: &&OutboxEntry| before.is_some() || !matches!(entry.change, Change::Moved { .. });
    entries.iter().filter(is_heard).collect()
}

fn group_change(
    entries: Vec<OutboxEntry>,
    before: Option<&FindingGroup>,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
) -> Option<GroupChange> {
    let last = entries.last()?;
    let account = snapshot.accounts.get(&last.key.account)?;
    let latest = latest_entries(&entries);
    let out_of_order = out_of_order(&entries, before);
    let mut after = group_before(&entries, last, before, account, policy)?;
    for entry in &entries {
        count(&mut after, entry, out_of_order.contains(&entry.id()));
    }
    for entry in &latest {
        show(&mut after.resources, entry, snapshot.facts.get(&entry.key));
    }
    if after.open == 0 && !after.moved_to.is_empty() {
        for resource in &mut after.resources {
            resource.status = ResourceStatus::Closed;
        }
    }
    Some(GroupChange {
        before: before.cloned(),
        found: resources_that(&latest, |status| status.is_open()),
        resolved: resources_that(&latest, |status| status == ResourceStatus::Resolved),
        closed: resources_that(&latest, |status| status == ResourceStatus::Closed),
        text: policy.findings.rule_text(&last.key.rule),
        mentions: policy
            .mention_of(account)
            .map(str::to_owned)
            .into_iter()
            .collect(),
        after,
        out_of_order,
        entries,
    })
}

/// The ids of entries that open a finding which the group counts already, or end one that it never
/// counted: what came before it waits in another lane, or was found in a flood. A group that is not
/// full lists all that it counted.
fn out_of_order(entries: &[OutboxEntry], before: Option<&FindingGroup>) -> BTreeSet<String> {
    let group = base_of(before, entries);
    if group.is_some_and(|group| group.resources.len() >= MAX_SHOWN) {
        return BTreeSet::new();
    }
    let is_counted = |entry: &OutboxEntry| {
        let shown = group.and_then(|group| group.shown(&entry.key));
        shown.is_some_and(|resource| resource.status.is_open())
    };
    let firsts = entries
        .chunk_by(|one, other| one.key == other.key)
        .filter_map(<[OutboxEntry]>::first);
    firsts
        .filter(|first| first.change.closes() != is_counted(first))
        .map(OutboxEntry::id)
        .collect()
}

/// The group before the entries count in it: the one that they go on from, or a new one, with the
/// account's name and owner and the severity of today.
fn group_before(
    entries: &[OutboxEntry],
    last: &OutboxEntry,
    before: Option<&FindingGroup>,
    account: &AccountInfo,
    policy: &CompliancePolicy,
) -> Option<FindingGroup> {
    let new = FindingGroup {
        account: last.key.account.clone(),
        account_name: account.name.clone(),
        owner: policy.findings.owner_of(account).cloned(),
        rule: last.key.rule.clone(),
        severity: last.severity,
        notified_in: NotifiedIn::Untracked,
        since: entries.iter().map(|entry| entry.recorded_at).min()?,
        open: 0,
        resolved: 0,
        closed: 0,
        moved_to: Vec::new(),
        resources: Vec::new(),
    };
    let Some(base) = base_of(before, entries) else {
        return Some(new);
    };
    Some(FindingGroup {
        account_name: new.account_name,
        owner: new.owner,
        severity: new.severity,
        ..base.clone()
    })
}

/// The group of a finding that a flood names, before the finding counts in it.
pub(super) fn of_named(finding: &NamedFinding, digest: &str) -> FindingGroup {
    let entry = &finding.entry;
    FindingGroup {
        account: entry.key.account.clone(),
        account_name: finding.account_name.clone(),
        owner: finding.owner.clone(),
        rule: entry.key.rule.clone(),
        severity: entry.severity,
        notified_in: NotifiedIn::Digest(digest.to_owned()),
        since: entry.recorded_at,
        open: 0,
        resolved: 0,
        closed: 0,
        moved_to: Vec::new(),
        resources: Vec::new(),
    }
}

/// Counts a named finding in its group.
pub(super) fn add_named(
    group: &mut FindingGroup,
    entry: &OutboxEntry,
    facts: Option<&ResourceFacts>,
) {
    count(group, entry, false);
    group.since = group.since.min(entry.recorded_at);
    show(&mut group.resources, entry, facts);
}

fn resources_that(latest: &[&OutboxEntry], are: impl Fn(ResourceStatus) -> bool) -> u32 {
    let mut count = 0;
    for entry in latest {
        count += u32::from(are(status_after(&entry.change)));
    }
    count
}

/// Shows a resource as it is now; of many, the first ones. What is over makes room for what is not.
fn show(resources: &mut Vec<Resource>, entry: &OutboxEntry, facts: Option<&ResourceFacts>) {
    let mut shown = shown(entry, facts);
    if let Some(known) = resources.iter_mut().find(|known| known.is_of(&entry.key)) {
        shown.name = shown.name.or(known.name.take());
        shown.arn = shown.arn.or(known.arn.take());
        *known = shown;
    } else if resources.len() < MAX_SHOWN {
        resources.push(shown);
    } else if shown.status.is_open()
        && let Some(over) = resources.iter_mut().find(|known| !known.status.is_open())
    {
        *over = shown;
    }
}

fn shown(entry: &OutboxEntry, facts: Option<&ResourceFacts>) -> Resource {
    Resource {
        resource_type: entry.key.resource_type.clone(),
        id: entry.key.resource_id.clone(),
        name: facts.and_then(|facts| facts.name.clone()),
        arn: facts.and_then(|facts| facts.arn.clone()),
        region: entry.key.region.clone(),
        evaluated_in: entry.evaluated_in.clone(),
        status: status_after(&entry.change),
        since: entry.recorded_at,
        annotation: entry.annotation.clone(),
    }
}
