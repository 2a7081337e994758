//! Accounts that this process has looked up, from one invocation to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use banto_domain::AccountId;
use banto_domain::compliance::AccountInfo;
use jiff::{SignedDuration, Timestamp};

/// Most accounts that are remembered. An Organization has 10,000 at most; beyond it, memory starts
/// anew.
const MAX_ACCOUNTS: usize = 10_000;

/// Time for which the table is not asked again. Processes that hold different facts of one account
/// move its findings to and fro, so that all of them learn within a minute what one has looked up.
pub(super) const REMEMBERED_FOR: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Default)]
pub struct AccountMemory(Mutex<BTreeMap<AccountId, Remembered>>);

#[derive(Debug)]
struct Remembered {
    info: AccountInfo,
    since: Timestamp,
}

impl AccountMemory {
    pub(super) fn recall(
        &self,
        accounts: &BTreeSet<AccountId>,
        now: Timestamp,
    ) -> BTreeMap<AccountId, AccountInfo> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recalled = BTreeMap::new();
        for account in accounts {
            if let Some(Remembered { info, since }) = known.get(account)
                && now.duration_since(*since) < REMEMBERED_FOR
            {
                recalled.insert(account.clone(), info.clone());
            }
        }
        recalled
    }

    /// Remembers accounts. One that is remembered as it is keeps its time.
    pub(super) fn remember(&self, accounts: &BTreeMap<AccountId, AccountInfo>, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + accounts.len() > MAX_ACCOUNTS {
            known.clear();
        }
        for (account, info) in accounts.iter().take(MAX_ACCOUNTS) {
            let is_good = known.get(account).is_some_and(|remembered| {
                remembered.info == *info && now.duration_since(remembered.since) < REMEMBERED_FOR
            });
            if !is_good {
                let info = info.clone();
                known.insert(account.clone(), Remembered { info, since: now });
            }
        }
    }
}
