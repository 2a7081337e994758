//! Groups entries by account and rule, and works out what they change of each group: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{
    Compliance, FindingGroup, FindingKey, NotifiedIn, OutboxEntry, Resource,
};
use banto_domain::policy::CompliancePolicy;
use jiff::Timestamp;

use super::counts::counted;
use crate::deliver::delivery::GroupChange;
use crate::deliver::snapshot::Snapshot;

/// Most resources of a group that are kept to be shown: more do not fit a message that is read. The
/// rest are counted.
const MAX_SHOWN: usize = 10;

/// In the order of accounts and rules.
pub(super) fn group_changes(
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<GroupChange> {
    let mut grouped: BTreeMap<_, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in &snapshot.entries {
        let group = (&entry.key.account, &entry.key.rule);
        grouped.entry(group).or_default().push(entry.clone());
    }
    let mut changes = Vec::new();
    for ((account, rule), entries) in grouped {
        let before = snapshot.groups.get(&FindingGroup::id_of(account, rule));
        changes.extend(group_change(entries, before, snapshot, policy, now));
    }
    changes
}

fn group_change(
    entries: Vec<OutboxEntry>,
    before: Option<&FindingGroup>,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Option<GroupChange> {
    let last = entries.last()?;
    let mut change = GroupChange {
        before: before.cloned(),
        after: new_group(&entries, last, now),
        found: 0,
        resolved: 0,
        text: policy.rule_text(&last.key.rule),
        entries,
    };
    change.after = carried_over(&change);
    count(&mut change);
    for (key, entry) in latest(&change.entries) {
        show(&mut change.after.resources, entry, snapshot.names.get(key));
    }
    Some(change)
}

/// Counts every entry in the group, and every resource in the change.
fn count(change: &mut GroupChange) {
    let after = &mut change.after;
    for entry in &change.entries {
        (after.open, after.resolved) = counted((after.open, after.resolved), entry);
    }
    for entry in latest(&change.entries).values() {
        match entry.compliance {
            Compliance::Noncompliant => change.found += 1,
            Compliance::Compliant => change.resolved += 1,
        }
    }
}

fn new_group(entries: &[OutboxEntry], last: &OutboxEntry, now: Timestamp) -> FindingGroup {
    FindingGroup {
        account: last.key.account.clone(),
        account_name: last.account_name.clone(),
        owner: last.owner.clone(),
        rule: last.key.rule.clone(),
        severity: last.severity,
        notified_in: NotifiedIn::Untracked,
        since: entries
            .iter()
            .map(|entry| entry.recorded_at)
            .min()
            .unwrap_or(now),
        open: 0,
        resolved: 0,
        resources: Vec::new(),
    }
}

/// The group that the change goes on from, with the account's name, owner and severity of today.
fn carried_over(change: &GroupChange) -> FindingGroup {
    let new = change.after.clone();
    match change.base() {
        None => new,
        Some(base) => FindingGroup {
            account_name: new.account_name,
            owner: new.owner,
            severity: new.severity,
            ..base.clone()
        },
    }
}

/// The last entry of each resource.
fn latest(entries: &[OutboxEntry]) -> BTreeMap<&FindingKey, &OutboxEntry> {
    entries.iter().map(|entry| (&entry.key, entry)).collect()
}

/// Shows a resource as it is now; of many, the first ones. What is resolved makes room for what is
/// not.
fn show(resources: &mut Vec<Resource>, entry: &OutboxEntry, name: Option<&String>) {
    let mut shown = shown(entry, name);
    if let Some(known) = resources.iter_mut().find(|known| is_same(known, &shown)) {
        shown.name = shown.name.or(known.name.take());
        *known = shown;
    } else if resources.len() < MAX_SHOWN {
        resources.push(shown);
    } else if shown.compliance == Compliance::Noncompliant
        && let Some(resolved) = resources
            .iter_mut()
            .find(|known| known.compliance == Compliance::Compliant)
    {
        *resolved = shown;
    }
}

fn shown(entry: &OutboxEntry, name: Option<&String>) -> Resource {
    Resource {
        resource_type: entry.key.resource_type.clone(),
        id: entry.key.resource_id.clone(),
        name: name.cloned(),
        region: entry.key.region.clone(),
        compliance: entry.compliance,
        since: entry.recorded_at,
        annotation: entry.annotation.clone(),
    }
}

fn is_same(one: &Resource, other: &Resource) -> bool {
    (&one.id, &one.resource_type, &one.region) == (&other.id, &other.resource_type, &other.region)
}
