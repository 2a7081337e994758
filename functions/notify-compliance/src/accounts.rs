//! Looks accounts up: in memory, else in the table, else in Organizations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, AskedFor};
use banto_domain::policy::CompliancePolicy;
use banto_notice::QueueMessage;
use banto_ports::{
    AccountCache, AccountState, Clock, ErrorKind, OrgAccount, Organization, PortError, path_of,
};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::delivery_queue::DeliveryQueue;

mod memory;

pub use memory::AccountMemory;

/// Time for which a look-up is good: a new tag or unit of an account counts after a day at most,
/// and an account costs a few calls of Organizations a day.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Time for which a look-up is good enough for the daily check, which moves what was told of an
/// account that belongs to other routes now.
const CHECKED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Time for which a look-up of a young account is good: its tags often come hours after its first
/// findings.
const YOUNG_FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Age up to which an account is young: people tag a new account and move it to its unit within
/// its first working week.
const YOUNG_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Accounts that are looked up at once. Few, since Organizations throttles all callers of an
/// Organization together.
const ACCOUNTS_AT_ONCE: usize = 8;

/// The way to what Organizations says of accounts. Both halves go by it, so that they agree on the
/// routes of an account.
pub struct Accounts {
    pub cache: Arc<dyn AccountCache>,
    pub organization: Arc<dyn Organization>,
    pub clock: Arc<dyn Clock>,
    pub memory: AccountMemory,
    pub queue: DeliveryQueue,
}

/// Accounts that were looked up.
#[derive(Debug, Default)]
pub(crate) struct LookedUp {
    /// One that can't be looked up stays as it was last known; one never known is left out.
    pub(crate) infos: BTreeMap<AccountId, AccountInfo>,
    /// Accounts whose name, units or tags differ from what was cached.
    changed: BTreeSet<AccountId>,
    /// The reasons why accounts could not be looked up.
    pub(crate) failed: BTreeMap<AccountId, PortError>,
}

impl Accounts {
    /// Looks accounts up, and caches those that Organizations was asked about. Those that have
    /// changed are compared anew, which moves what was told of them.
    ///
    /// # Errors
    /// If the table can't be read.
    pub(crate) async fn look_up(
        &self,
        policy: &CompliancePolicy,
        wanted: &BTreeSet<AccountId>,
    ) -> Result<LookedUp, PortError> {
        self.look_up_within(policy, wanted, FRESH_FOR).await
    }

    /// Looks an account up for its comparison, which needs to know it as it is.
    pub(crate) async fn look_up_to_compare(
        &self,
        policy: &CompliancePolicy,
        account: &AccountId,
    ) -> Result<LookedUp, PortError> {
        let wanted = [account.clone()].into();
        self.look_up_within(policy, &wanted, CHECKED_WITHIN).await
    }

    async fn look_up_within(
        &self,
        policy: &CompliancePolicy,
        wanted: &BTreeSet<AccountId>,
        good_for: SignedDuration,
    ) -> Result<LookedUp, PortError> {
        let now = self.clock.now();
        let mut looked_up = LookedUp {
            infos: self.memory.recall(wanted, now),
            ..LookedUp::default()
        };
        let needed = Needed {
            facts: facts_of(policy),
            good_for,
            now,
        };
        let not_remembered = stale(wanted, &looked_up.infos, &needed);
        if !not_remembered.is_empty() {
            let cached = self.cache.cached_accounts(&not_remembered).await?;
            looked_up.infos.extend(cached);
        }
        let to_ask = stale(wanted, &looked_up.infos, &needed);
        for (account, answer) in self.ask_for(policy, to_ask).await {
            looked_up.add(account, answer);
        }
        self.memory.remember(&looked_up.infos, now);
        self.compare_anew(&looked_up.changed).await;
        Ok(looked_up)
    }

    /// Queues the comparison of accounts, also of one that is being compared: only after a while do
    /// other processes know of the change, and they may have gone by the old facts till then. If
    /// that fails, the next daily run does it.
    async fn compare_anew(&self, changed: &BTreeSet<AccountId>) {
        let accounts = changed.iter().cloned();
        let messages: Vec<QueueMessage> = accounts
            .map(|account| QueueMessage::Reconcile {
                account,
                after: None,
                attempts: 0,
            })
            .collect();
        let delay = memory::REMEMBERED_FOR.unsigned_abs();
        if let Err(error) = self.queue.send(&messages, delay).await {
            tracing::warn!(accounts = ?changed, %error, "comparison of changed accounts could not be queued");
        }
    }

    async fn ask_for(
        &self,
        policy: &CompliancePolicy,
        accounts: BTreeSet<AccountId>,
    ) -> Vec<(AccountId, Result<AccountInfo, PortError>)> {
        let asked = accounts.into_iter().map(|account| async move {
            let answer = self.ask_and_cache(policy, &account).await;
            (account, answer)
        });
        stream::iter(asked)
            .buffer_unordered(ACCOUNTS_AT_ONCE)
            .collect()
            .await
    }

    async fn ask_and_cache(
        &self,
        policy: &CompliancePolicy,
        account: &AccountId,
    ) -> Result<AccountInfo, PortError> {
        let info = self.ask(policy, account).await.inspect_err(|error| {
            tracing::warn!(account.id = %account, %error, "account could not be looked up");
        })?;
        if let Err(error) = self.cache.save_account(&info).await {
            tracing::warn!(account.id = %account, %error, "account was looked up and could not be cached");
        }
        Ok(info)
    }

    /// Asks Organizations.
    async fn ask(
        &self,
        policy: &CompliancePolicy,
        account: &AccountId,
    ) -> Result<AccountInfo, PortError> {
        let fetched_at = self.clock.now();
        match self.organization.account(account).await {
            Ok(found) => self.describe(policy, found, fetched_at).await,
            // It left the Organization; its last findings are told all the same.
            Err(error) if error.kind == ErrorKind::Missing => Ok(AccountInfo {
                asked_for: facts_of(policy),
                is_closed: true,
                ..nameless(account, fetched_at)
            }),
            Err(error) => Err(error),
        }
    }

    /// Asks only for what the policy's routes need.
    async fn describe(
        &self,
        policy: &CompliancePolicy,
        account: OrgAccount,
        fetched_at: Timestamp,
    ) -> Result<AccountInfo, PortError> {
        let mut info = AccountInfo {
            asked_for: facts_of(policy),
            is_closed: is_closed(account.state),
            ..nameless(&account.id, fetched_at)
        };
        if policy.needs_path() {
            info.path = path_of(self.organization.as_ref(), &account).await?;
        }
        if policy.needs_tags() {
            info.tags = self.organization.tags(&account.id).await?;
        }
        info.name = account.name;
        info.joined_at = account.joined_at;
        Ok(info)
    }
}

impl LookedUp {
    fn add(&mut self, account: AccountId, answer: Result<AccountInfo, PortError>) {
        match answer {
            Ok(info) => {
                let before = self.infos.get(&account);
                if before.is_some_and(|before| is_other(before, &info)) {
                    self.changed.insert(account.clone());
                }
                self.infos.insert(account, info);
            }
            Err(error) => {
                self.failed.insert(account, error);
            }
        }
    }
}

/// True if routes or messages may be others than before, or the account was closed.
fn is_other(before: &AccountInfo, after: &AccountInfo) -> bool {
    let told = |info: &AccountInfo| {
        let facts = (info.name.clone(), info.path.clone(), info.tags.clone());
        (facts, info.is_closed)
    };
    told(before) != told(after)
}

/// True if nobody can use the account any more. A state that is not known says nothing.
fn is_closed(state: AccountState) -> bool {
    match state {
        AccountState::Suspended | AccountState::PendingClosure | AccountState::Closed => true,
        AccountState::PendingActivation | AccountState::Active | AccountState::Unknown => false,
    }
}

/// The facts that a policy needs.
fn facts_of(policy: &CompliancePolicy) -> AskedFor {
    AskedFor {
        path: policy.needs_path(),
        tags: policy.needs_tags(),
    }
}

/// The needs that a look-up has to meet.
struct Needed {
    facts: AskedFor,
    good_for: SignedDuration,
    now: Timestamp,
}

/// The accounts of which nothing is known, nothing fresh, or not all that is needed.
fn stale(
    wanted: &BTreeSet<AccountId>,
    found: &BTreeMap<AccountId, AccountInfo>,
    needed: &Needed,
) -> BTreeSet<AccountId> {
    let is_good = |account: &AccountId| {
        found.get(account).is_some_and(|info| {
            info.asked_for.covers(needed.facts) && is_fresh(info, needed.good_for, needed.now)
        })
    };
    let mut stale = wanted.clone();
    stale.retain(|account| !is_good(account));
    stale
}

fn is_fresh(info: &AccountInfo, good_for: SignedDuration, now: Timestamp) -> bool {
    let is_young = info
        .joined_at
        .is_some_and(|joined_at| now.duration_since(joined_at) < YOUNG_FOR);
    let good_for = if is_young {
        YOUNG_FRESH_FOR.min(good_for)
    } else {
        good_for
    };
    now.duration_since(info.fetched_at) < good_for
}

fn nameless(account: &AccountId, fetched_at: Timestamp) -> AccountInfo {
    AccountInfo {
        id: account.clone(),
        name: account.to_string(),
        path: Vec::new(),
        tags: BTreeMap::new(),
        joined_at: None,
        fetched_at,
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(joined: Option<&str>) -> AccountInfo {
        AccountInfo {
            joined_at: joined.map(|at| at.parse().unwrap()),
            ..nameless(
                &"111122223333".parse().unwrap(),
                "2026-06-10T00:00:00Z".parse().unwrap(),
            )
        }
    }

    #[test]
    fn facts_of_a_young_account_are_good_for_an_hour_and_of_others_for_a_day() {
        let after = |hours, joined| {
            let info = info(joined);
            is_fresh(
                &info,
                FRESH_FOR,
                info.fetched_at + SignedDuration::from_hours(hours),
            )
        };
        let young = Some("2026-06-08T00:00:00Z");
        for joined in [None, Some("2020-01-01T00:00:00Z")] {
            assert!(after(23, joined) && !after(24, joined), "{joined:?}");
        }
        assert!(after(0, young) && !after(1, young));
    }

    #[test]
    fn an_account_has_changed_if_its_tags_did_and_not_if_it_was_looked_up_anew() {
        let before = info(None);
        let mut looked_up = LookedUp::default();
        looked_up.infos.insert(before.id.clone(), before.clone());
        let mut later = before.clone();
        later.fetched_at += SignedDuration::from_hours(24);
        looked_up.add(before.id.clone(), Ok(later.clone()));
        assert!(looked_up.changed.is_empty());
        later.tags.insert("team".into(), "search".into());
        looked_up.add(before.id.clone(), Ok(later));
        assert_eq!(looked_up.changed, [before.id].into());
    }

    #[test]
    fn a_policy_that_begins_to_need_tags_does_not_go_by_empty_ones() {
        let known = info(None);
        let stale = |tags| {
            let needed = Needed {
                facts: AskedFor { path: false, tags },
                good_for: FRESH_FOR,
                now: known.fetched_at,
            };
            let found = [(known.id.clone(), known.clone())].into();
            stale(&[known.id.clone()].into(), &found, &needed)
        };
        assert_eq!(stale(false), BTreeSet::new());
        assert_eq!(stale(true), [known.id.clone()].into());
    }

    #[test]
    fn an_account_that_cannot_be_looked_up_stays_as_it_was_last_known() {
        let before = info(None);
        let mut looked_up = LookedUp::default();
        looked_up.infos.insert(before.id.clone(), before.clone());
        let error = PortError::new(
            ErrorKind::Throttled,
            "organizations:DescribeAccount",
            "slow down",
        );
        looked_up.add(before.id.clone(), Err(error));
        assert_eq!(looked_up.infos.get(&before.id), Some(&before));
        assert!(looked_up.failed.contains_key(&before.id));
    }
}
