//! Groups entries by account and rule, and works out what they change of each group: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{Compliance, FindingGroup, NotifiedIn, OutboxEntry, Resource};
use banto_domain::policy::CompliancePolicy;

use super::counts::counted;
use crate::deliver::delivery::{GroupChange, base_of, latest_entries};
use crate::deliver::snapshot::Snapshot;

/// Most resources of a group that are kept to be shown: more do not fit a message that is read. The
/// rest are counted.
const MAX_SHOWN: usize = 10;

/// In the order of accounts and rules.
pub(super) fn group_changes(snapshot: &Snapshot, policy: &CompliancePolicy) -> Vec<GroupChange> {
    let mut grouped: BTreeMap<_, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in &snapshot.entries {
        let group = (&entry.key.account, &entry.key.rule);
        grouped.entry(group).or_default().push(entry.clone());
    }
    let mut changes = Vec::new();
    for ((account, rule), entries) in grouped {
        let before = snapshot.groups.get(&FindingGroup::id_of(account, rule));
        changes.extend(group_change(entries, before, snapshot, policy));
    }
    changes
}

fn group_change(
    entries: Vec<OutboxEntry>,
    before: Option<&FindingGroup>,
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
) -> Option<GroupChange> {
    let last = entries.last()?;
    let latest = latest_entries(&entries);
    let mut after = group_before(&entries, last, before)?;
    for entry in &entries {
        (after.open, after.resolved) = counted((after.open, after.resolved), entry);
    }
    for entry in &latest {
        show(&mut after.resources, entry, snapshot.names.get(&entry.key));
    }
    Some(GroupChange {
        before: before.cloned(),
        after,
        found: resources_that_are(Compliance::Noncompliant, &latest),
        resolved: resources_that_are(Compliance::Compliant, &latest),
        text: policy.rule_text(&last.key.rule),
        entries,
    })
}

/// The group before the entries count in it: the one that they go on from, or a new one, with the
/// account's name, owner and severity of today.
fn group_before(
    entries: &[OutboxEntry],
    last: &OutboxEntry,
    before: Option<&FindingGroup>,
) -> Option<FindingGroup> {
    let new = FindingGroup {
        account: last.key.account.clone(),
        account_name: last.account_name.clone(),
        owner: last.owner.clone(),
        rule: last.key.rule.clone(),
        severity: last.severity,
        notified_in: NotifiedIn::Untracked,
        since: entries.iter().map(|entry| entry.recorded_at).min()?,
        open: 0,
        resolved: 0,
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

fn resources_that_are(compliance: Compliance, latest: &[&OutboxEntry]) -> u32 {
    let mut count = 0;
    for entry in latest {
        count += u32::from(entry.compliance == compliance);
    }
    count
}

/// Shows a resource as it is now; of many, the first ones. What is resolved makes room for what is
/// not.
fn show(resources: &mut Vec<Resource>, entry: &OutboxEntry, name: Option<&String>) {
    let mut shown = shown(entry, name);
    if let Some(known) = resources.iter_mut().find(|known| known.is_of(&entry.key)) {
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
