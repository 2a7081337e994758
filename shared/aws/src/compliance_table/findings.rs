//! Findings, and accounts as far as findings need them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, FindingKey, FindingState};
use banto_ports::{
    AccountCache, Cursor, FindingChange, FindingCommit, FindingStore, Page, PortError,
};
use jiff::Timestamp;

use super::ComplianceTable;
use super::calls::{BATCH_GET, PUT};
use super::items::{
    Item, compared, days_after, document, finding, finding_shards, number, of_account, read, timed,
    unmade,
};
use super::listing::Range;
use super::outbox::batch_item;
use super::table::Write;
use crate::errors::port_error;

/// Days for which a finding that is over is kept. What it guards against, an event that comes late
/// or twice, comes within 14 days: SQS keeps a message no longer, and EventBridge tries for a day.
/// (SQS API reference, `MessageRetentionPeriod`; EventBridge user guide, "Retrying event
/// delivery".)
const FINDING_DAYS: i64 = 30;

/// Days for which an account is kept. It is looked up anew each day.
const ACCOUNT_DAYS: i64 = 30;

#[async_trait]
impl FindingStore for ComplianceTable {
    async fn findings(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError> {
        let states: Vec<FindingState> = self
            .table
            .documents(keys.iter().map(finding), "finding")
            .await?;
        Ok(states
            .into_iter()
            .map(|state| (state.key.clone(), state))
            .collect())
    }

    async fn open_findings(
        &self,
        account: &AccountId,
        after: Option<Cursor>,
    ) -> Result<Page<FindingState>, PortError> {
        let shards = finding_shards(account);
        let ranges: Vec<Range> = shards
            .iter()
            .map(|shard| Range::of(shard, "finding#").open())
            .collect();
        self.table.page(&ranges, "finding", after).await
    }

    async fn save_findings(&self, commit: &FindingCommit) -> Result<(), PortError> {
        match (commit.findings.as_slice(), commit.batches.as_slice()) {
            ([], []) => Ok(()),
            // A transaction of one item would cost twice as much. (DynamoDB developer guide,
            // "Amazon DynamoDB transactions: how it works".) It has a token, and this has none:
            // tried again after a lost answer it meets itself, which is a conflict too, and whoever
            // meets one looks again.
            ([change], []) => self.save_finding(change).await,
            (changes, batches) => {
                let mut writes = Vec::new();
                for change in changes {
                    writes.push(self.put_finding(change)?);
                }
                for (route, batch) in batches {
                    writes.push(self.table.put_with(batch_item(route, &batch.id, batch)?)?);
                }
                self.table.transact(writes).await
            }
        }
    }

    async fn compared_at(&self, account: &AccountId) -> Result<Option<Timestamp>, PortError> {
        self.table.time(compared(account), "comparedAt").await
    }

    async fn save_compared(&self, account: &AccountId, at: Timestamp) -> Result<(), PortError> {
        let item = timed(compared(account), "comparedAt", at);
        self.table.put(item).await
    }
}

impl ComplianceTable {
    async fn save_finding(&self, change: &FindingChange) -> Result<(), PortError> {
        let request = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(finding_item(&change.after)?))
            .condition_expression(unchanged_condition(change))
            .set_expression_attribute_names(unchanged_names(change))
            .set_expression_attribute_values(unchanged_values(change));
        let sent = request.send().await;
        sent.map(drop).map_err(|error| port_error(PUT, &error))
    }

    /// The same as a part of a transaction.
    fn put_finding(&self, change: &FindingChange) -> Result<Write, PortError> {
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(finding_item(&change.after)?))
            .condition_expression(unchanged_condition(change))
            .set_expression_attribute_names(unchanged_names(change))
            .set_expression_attribute_values(unchanged_values(change))
            .build()
            .map_err(unmade)?;
        Ok((PUT, TransactWriteItem::builder().put(put).build()))
    }
}

/// A finding that is over expires.
fn finding_item(state: &FindingState) -> Result<Item, PortError> {
    let is_over = state.is_over();
    let expires = is_over.then(|| days_after(over_at(state), FINDING_DAYS));
    let mut item = document(finding(&state.key), "finding", state, expires)?;
    item.insert("revision".to_owned(), number(state.revision));
    item.insert("open".to_owned(), number(u8::from(!is_over)));
    Ok(item)
}

/// When a finding was over. The daily check that closes one leaves AWS Config's time as it was, so
/// that it may be as old as the finding.
fn over_at(state: &FindingState) -> Timestamp {
    let changed = state.changes.last().copied();
    changed.map_or(state.recorded_at, |at| at.max(state.recorded_at))
}

/// The condition that a finding is as it was before a change.
fn unchanged_condition(change: &FindingChange) -> &'static str {
    match change.expected_revision {
        None => "attribute_not_exists(pk)",
        Some(_) => "#revision = :expected",
    }
}

fn unchanged_names(change: &FindingChange) -> Option<HashMap<String, String>> {
    change.expected_revision?;
    let name = ("#revision".to_owned(), "revision".to_owned());
    Some(HashMap::from([name]))
}

fn unchanged_values(change: &FindingChange) -> Option<Item> {
    let expected = number(change.expected_revision?);
    Some(HashMap::from([(":expected".to_owned(), expected)]))
}

#[async_trait]
impl AccountCache for ComplianceTable {
    async fn cached_accounts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
        let keys = accounts
            .iter()
            .map(|account| of_account(account, "account"))
            .collect();
        // The caller judges how old an account may be, so that it does not matter which one it
        // sees.
        let items = self.table.items(keys, false).await?;
        // An item that can't be read, of another version too, is a miss: the account is looked up
        // anew.
        let infos = items
            .iter()
            .filter_map(|item| read::<AccountInfo>(BATCH_GET, item, "account").ok());
        Ok(infos.map(|info| (info.id.clone(), info)).collect())
    }

    async fn save_account(&self, info: &AccountInfo) -> Result<(), PortError> {
        let expires = Some(days_after(info.fetched_at, ACCOUNT_DAYS));
        self.table
            .put(document(
                of_account(&info.id, "account"),
                "account",
                info,
                expires,
            )?)
            .await
    }
}
