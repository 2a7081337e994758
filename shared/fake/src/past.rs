//! Accounts as they were: readers that lag tell an account as it was a while ago.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use jiff::Timestamp;

use crate::lag::Reader;
use crate::member_account::MemberAccount;
use crate::world::State;

/// Accounts as they were, each with the moment at which it ceased to be so, the earliest first.
#[derive(Debug, Default)]
pub(crate) struct Past(BTreeMap<AccountId, Vec<(Timestamp, MemberAccount)>>);

impl Past {
    /// Forgets an account that has left.
    pub(crate) fn forget(&mut self, account: &AccountId) {
        self.0.remove(account);
    }
}

impl State {
    /// Lets an account deliver what was due until now, and remembers it as it is, before anything
    /// changes it.
    pub(crate) fn settle(&mut self, account: &AccountId) {
        let now = self.now;
        let Some(member) = self.org.accounts.get_mut(account) else {
            return;
        };
        for region in member.regions.values_mut() {
            region.deliver(now);
        }
        if self.lags.any_of_accounts() {
            let past = self.org.past.0.entry(account.clone()).or_default();
            past.push((now, member.clone()));
        }
    }

    /// An account as a reader tells it now; `None` if there is no such account.
    pub(crate) fn account_as_read_by(
        &self,
        reader: Reader,
        account: &AccountId,
    ) -> Option<&MemberAccount> {
        let at = self.as_read_by(reader);
        let past = self.org.past.0.get(account);
        let mut past = past.into_iter().flatten();
        let then = past.find(|(until, _)| *until > at);
        match then {
            Some((_, then)) => Some(then),
            None => self.org.accounts.get(account),
        }
    }
}
