//! Looks at what is known before a plan is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, FindingKey};
use banto_ports::{ErrorKind, PortError, path_of};
use futures_util::stream::{self, StreamExt};
use jiff::SignedDuration;

use crate::Notifier;
use crate::event::Observation;
use crate::plan::Snapshot;

/// How long what was looked up of an account is good for.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// Most accounts that are remembered from one invocation to the next; an Organization has 10,000 at the most.
const REMEMBERED: usize = 10_000;
/// How many accounts are looked up at once.
const AT_ONCE: usize = 8;

/// Accounts that were looked up before, in this process.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<BTreeMap<AccountId, AccountInfo>>);

impl Remembered {
    fn of(&self, accounts: &BTreeSet<AccountId>) -> BTreeMap<AccountId, AccountInfo> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts
            .iter()
            .filter_map(|account| Some((account.clone(), known.get(account)?.clone())))
            .collect()
    }

    fn remember(&self, facts: &BTreeMap<AccountId, AccountInfo>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + facts.len() > REMEMBERED {
            known.clear();
        }
        known.extend(
            facts
                .iter()
                .take(REMEMBERED)
                .map(|(account, facts)| (account.clone(), facts.clone())),
        );
    }
}

impl Notifier {
    /// What is known of observations' findings and accounts.
    ///
    /// # Errors
    /// If the table can't be read. An account that can't be looked up is left out of the snapshot instead.
    pub(crate) async fn observe(
        &self,
        observations: &[Observation],
    ) -> Result<Snapshot, PortError> {
        let keys: BTreeSet<FindingKey> = observations
            .iter()
            .map(|observation| observation.key.clone())
            .collect();
        let accounts: BTreeSet<AccountId> = keys.iter().map(|key| key.account.clone()).collect();
        let keys: Vec<FindingKey> = keys.into_iter().collect();
        let known = self.ledger.known(&keys).await?;
        let facts = self.facts(accounts).await?;
        let now = self.clock.now();
        let named = keys
            .into_iter()
            .filter(|key| self.policy.may_be_waived_by_name(key, now))
            .collect();
        Ok(Snapshot {
            known,
            accounts: facts,
            names: self.names(named).await,
        })
    }

    /// Names of resources, as far as AWS Config tells them; without one, a resource goes by its id.
    pub(crate) async fn names(&self, keys: Vec<FindingKey>) -> BTreeMap<FindingKey, String> {
        if keys.is_empty() {
            return BTreeMap::new();
        }
        self.aggregator.names(&keys).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "resources go by their ids");
            BTreeMap::new()
        })
    }

    /// Accounts from memory, else from the table, else from Organizations.
    async fn facts(
        &self,
        accounts: BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
        let now = self.clock.now();
        let is_fresh = |facts: &AccountInfo| now.duration_since(facts.fetched_at) < FRESH;
        let mut facts = self.remembered.of(&accounts);
        let lacking = |facts: &BTreeMap<AccountId, AccountInfo>| -> BTreeSet<AccountId> {
            accounts
                .iter()
                .filter(|account| !facts.get(account).is_some_and(is_fresh))
                .cloned()
                .collect()
        };
        let missing = lacking(&facts);
        if !missing.is_empty() {
            facts.extend(self.ledger.facts(&missing).await?);
        }
        let looks = lacking(&facts).into_iter().map(|account| async {
            let found = self.look_up(&account).await;
            (account, found)
        });
        for (account, found) in stream::iter(looks)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
        {
            match found {
                Ok(found) => drop(facts.insert(account, found)),
                // Old news does until Organizations answers.
                Err(error) => {
                    tracing::warn!(account = %account, %error, "the account could not be looked up")
                }
            }
        }
        self.remembered.remember(&facts);
        Ok(facts)
    }

    async fn look_up(&self, account: &AccountId) -> Result<AccountInfo, PortError> {
        let fetched_at = self.clock.now();
        let nobody = || AccountInfo {
            id: account.clone(),
            name: account.to_string(),
            path: Vec::new(),
            tags: BTreeMap::new(),
            fetched_at,
        };
        let facts = match self.organization.account(account).await {
            Ok(found) => {
                let path = match self.policy.needs_path() {
                    true => path_of(self.organization.as_ref(), &found).await?,
                    false => Vec::new(),
                };
                let tags = match self.policy.needs_tags() {
                    true => self.organization.tags(account).await?,
                    false => BTreeMap::new(),
                };
                AccountInfo {
                    id: found.id,
                    name: found.name,
                    path,
                    tags,
                    fetched_at,
                }
            }
            // It left the Organization; its last findings are told all the same.
            Err(error) if error.kind == ErrorKind::Missing => nobody(),
            Err(error) => return Err(error),
        };
        self.ledger.save_account(&facts).await?;
        Ok(facts)
    }
}
