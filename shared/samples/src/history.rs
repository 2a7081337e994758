//! History files: every item that was recorded, by type, every six hours.

use std::collections::BTreeMap;

use banto_domain::Month;

use crate::channel::Channel;
use crate::item::{self, COMPLIANCE, Status};
use crate::resource::Resource;

/// Most items of a history file; more make further parts.
pub(crate) const MOST_ITEMS: usize = 50;

/// Seconds between two deliveries. (AWS Config developer guide, "Delivery channel".)
const INTERVAL: i64 = 21_600;

/// An item, and when it was recorded.
pub(crate) type Recorded = (i64, String);

/// The items of a channel that were recorded in a month, by delivery and type.
pub(crate) fn recorded(
    channel: &Channel<'_>,
    month: Month,
) -> BTreeMap<(i64, &'static str), Vec<Recorded>> {
    let mut files: BTreeMap<_, Vec<Recorded>> = BTreeMap::new();
    let mut add = |type_name, at: i64, text| {
        let file = files.entry((at / INTERVAL, type_name)).or_default();
        file.push((at, text));
    };
    for resource in channel.resources() {
        for (at, status) in changes(&resource, month) {
            let mut text = String::new();
            item::write_resource(&mut text, channel, &resource, status, at);
            add(resource.kind.type_name(), at, text);
        }
        for (at, status) in verdict_changes(channel, &resource, month) {
            let evaluations = channel
                .evaluations(&resource, at)
                .filter(|_| status != Status::Deleted);
            let mut text = String::new();
            let when = (status, at);
            item::write_compliance(&mut text, channel, &resource, evaluations.as_ref(), when);
            add(COMPLIANCE, at, text);
        }
    }
    for items in files.values_mut() {
        items.sort();
    }
    files
}

fn changes(resource: &Resource, month: Month) -> Vec<(i64, Status)> {
    let of_month = |at: &i64| is_in(month, *at);
    let born = Some(resource.born).filter(of_month);
    let changed = resource.changed_in(month);
    let died = resource.died.filter(of_month);
    [
        born.map(|at| (at, Status::Discovered)),
        changed.map(|at| (at, Status::Changed)),
        died.map(|at| (at, Status::Deleted)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn verdict_changes(
    channel: &Channel<'_>,
    resource: &Resource,
    month: Month,
) -> BTreeMap<i64, Status> {
    let first = channel
        .evaluations(resource, i64::MAX)
        .is_some()
        .then(|| resource.born + crate::channel::EVALUATED_AFTER);
    let mut found: BTreeMap<i64, Status> = BTreeMap::new();
    for (_, course) in channel.courses(resource) {
        for at in [course.from, course.until].into_iter().flatten() {
            found.insert(at, Status::Changed);
        }
    }
    found.extend(first.map(|at| (at, Status::Discovered)));
    let died = resource.died.unwrap_or(i64::MAX);
    found.retain(|at, _| *at < died);
    if first.is_some() && died < i64::MAX {
        found.insert(died, Status::Deleted);
    }
    found.retain(|at, _| is_in(month, *at));
    found
}

fn is_in(month: Month, at: i64) -> bool {
    (month.start().as_second()..month.end().as_second()).contains(&at)
}
