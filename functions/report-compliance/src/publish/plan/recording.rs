//! What was recorded in the month.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use banto_domain::AccountId;

use crate::model::{Contributor, MAX_CONTRIBUTORS, RecordingReport};

/// Configuration items of all accounts, with the lines that have the most.
#[derive(Debug, Default)]
pub(super) struct Recording {
    by_type: BTreeMap<String, u64>,
    contributors: Vec<Contributor>,
}

impl Recording {
    pub(super) fn add(&mut self, account: &AccountId, recorded: &BTreeMap<String, u64>) {
        for (resource_type, items) in recorded {
            *self.by_type.entry(resource_type.clone()).or_default() += items;
            self.contributors.push(Contributor {
                account: account.clone(),
                resource_type: resource_type.clone(),
                items: *items,
            });
        }
        self.contributors.sort_by(|a, b| {
            let order = |line: &Contributor| Reverse(line.items);
            let same = || (&a.account, &a.resource_type).cmp(&(&b.account, &b.resource_type));
            order(a).cmp(&order(b)).then_with(same)
        });
        self.contributors.truncate(MAX_CONTRIBUTORS);
    }

    pub(super) fn report(self, is_known: bool) -> RecordingReport {
        RecordingReport {
            is_known,
            items: self.by_type.values().sum(),
            by_type: self.by_type,
            contributors: self.contributors,
        }
    }
}
