//! The months that the store has: those before a month, which its trend and its comparison need,
//! and whether there is a newer one.

use std::collections::BTreeSet;

use banto_domain::Month;
use banto_domain::compliance::short_hash;
use banto_ports::PortError;

use crate::collect::observe::MonthBefore;
use crate::model::{MonthSummary, TrendPoint};
use crate::store::{Store, summary_key};

/// The months that the store has, seen from one of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The summaries of whole months before it, in ascending order: the newest ones.
    pub before: Vec<MonthSummary>,
    /// True if a later month is whole.
    pub has_newer: bool,
}

impl History {
    /// Reads the history of a month, as far back as `most` whole months before it.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn read(store: &Store, month: Month, most: usize) -> Result<Self, PortError> {
        let mut history = Self::default();
        // The newest first. One at least is read: it says what the month is compared with.
        for known in store.months().await?.into_iter().rev() {
            if known == month || (known > month && history.has_newer) {
                continue;
            }
            if history.before.len() >= most.max(1) {
                break;
            }
            let summary = store
                .get_current::<MonthSummary>(&summary_key(known))
                .await?;
            match summary {
                Some(_) if known > month => history.has_newer = true,
                Some(summary) => history.before.push(summary),
                None => {}
            }
        }
        history.before.reverse();
        Ok(history)
    }

    /// The month that is just before it, if that is whole.
    pub fn month_before(&self, month: Month) -> MonthBefore {
        match self.before.last() {
            Some(summary) if summary.all.month == month.previous() => MonthBefore {
                month: Some(summary.all.month),
                accounts: summary.accounts.iter().cloned().collect(),
                fingerprint: short_hash(&[&format!("{summary:?}")]),
                organization_rules: BTreeSet::from_iter(summary.organization_rules.clone()),
            },
            _ => MonthBefore::default(),
        }
    }

    /// The trend of all accounts so far, or of an owner's.
    pub fn trend(&self, owner: Option<&str>) -> Vec<TrendPoint> {
        let points = self.before.iter().filter_map(|summary| match owner {
            None => Some(&summary.all),
            Some(owner) => summary.by_owner.get(owner),
        });
        points.cloned().collect()
    }
}
