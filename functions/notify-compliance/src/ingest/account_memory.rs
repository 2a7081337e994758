//! Accounts that this process has looked up, from one invocation to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use banto_domain::AccountId;
use banto_domain::compliance::AccountInfo;

/// Most accounts that are remembered. An Organization has 10,000 at most; beyond it, memory starts
/// anew.
const MAX_ACCOUNTS: usize = 10_000;

#[derive(Debug, Default)]
pub struct AccountMemory(Mutex<BTreeMap<AccountId, AccountInfo>>);

impl AccountMemory {
    pub(super) fn recall(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> BTreeMap<AccountId, AccountInfo> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recalled = BTreeMap::new();
        for account in accounts {
            if let Some(info) = known.get(account) {
                recalled.insert(account.clone(), info.clone());
            }
        }
        recalled
    }

    pub(super) fn remember(&self, accounts: &BTreeMap<AccountId, AccountInfo>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + accounts.len() > MAX_ACCOUNTS {
            known.clear();
        }
        for (account, info) in accounts.iter().take(MAX_ACCOUNTS) {
            known.insert(account.clone(), info.clone());
        }
    }
}
