//! What is known of compliance, and what was told of it: one DynamoDB table.
//!
//! | `pk` | `sk` | holds | expires |
//! |---|---|---|---|
//! | `account#<id>` | `finding#<id>` | `finding`, and in `recordedAt` when AWS Config recorded it | 400 days after it was compliant, and told to be |
//! | `account#<id>` | `account` | `account`, as Organizations knows it | after 30 days |
//! | `route#<name>` | `entry#<id>` | `entry` of the outbox | never |
//! | `route#<name>` | `group#<id>` | `group` | 90 days after it was resolved |
//! | `route#<name>` | `digest#<id>` | `digest` | after 400 days |
//! | `route#<name>` | `state` | `state`; in `holder` the run that holds the route, in `leaseExpires` how long (ms since 1970) | never |
//! | `route#<name>` | `schedule` | in `dueAt` when a delivery is to come | never |
//! | `notice#<id>` | `sent` | in `sentAt` when it was sent | after 30 days |
//!
//! Documents are JSON as text; what a condition looks at has an attribute of its own. Each item has
//! its `version`, and one of another version is refused. What has expired, by the attribute
//! `expires`, DynamoDB deletes within days and not at once (DynamoDB developer guide, "Using time
//! to live (TTL) in DynamoDB"). Nothing depends on when: whatever may expire says as much as its
//! absence does, and a condition that was made with it there fails where it has gone meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem,
};
use aws_types::SdkConfig;
use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, Compliance, Digest, FindingGroup, FindingKey, FindingState, OutboxEntry,
    RouteState,
};
use banto_ports::{
    AccountCache, DeliveryCommit, DeliverySchedule, FindingChange, FindingStore, NotificationLog,
    Outbox, PortError, RouteLease, RouteLock,
};
use jiff::Timestamp;

use crate::cancellation::CancelledForNow;
use crate::errors::port_error;

mod calls;
mod items;
mod table;

use calls::{BATCH_GET, CHECK, DELETE, PUT, UPDATE};
use items::{
    Item, Key, check_version, days_after, digest_of, document, entry_of, finding, group_of, json,
    number, of_account, of_route, read, schedule_of, sent, state_of, text, unmade, version,
    versioned,
};
use table::Table;

/// Days for which items are kept. A finding and a digest are kept for a year and some: as long as
/// people look back. An account is looked up anew each day. A group whose findings come back within
/// three months of its end is told in its old thread. A message of SQS, and with it a notice, comes
/// again for 14 days at most.
const FINDING_DAYS: i64 = 400;
const ACCOUNT_DAYS: i64 = 30;
const GROUP_DAYS: i64 = 90;
const DIGEST_DAYS: i64 = 400;
const SENT_DAYS: i64 = 30;

/// The table of findings, routes and notices.
#[derive(Debug)]
pub struct ComplianceTable {
    table: Table,
}

impl ComplianceTable {
    pub(crate) fn new(config: &SdkConfig, table: &str) -> Self {
        let config = Builder::from(config)
            .retry_classifier(CancelledForNow)
            .build();
        Self {
            table: Table {
                client: Client::from_conf(config),
                name: table.to_owned(),
            },
        }
    }

    /// An update of a route's state by the run that holds it, or is to hold it.
    fn update(&self, lease: &RouteLease) -> UpdateItemFluentBuilder {
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(state_of(&lease.route).item()))
            .expression_attribute_names("#holder", "holder")
            .expression_attribute_names("#leaseExpires", "leaseExpires")
            .expression_attribute_values(":holder", text(&lease.holder))
            .expression_attribute_values(":leaseExpires", number(lease.expires_at.as_millisecond()))
    }
}

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

    async fn findings_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<FindingState>, PortError> {
        self.table
            .query(of_account(account, "finding#"), "finding", usize::MAX)
            .await
    }

    async fn save_change(&self, change: &FindingChange) -> Result<(), PortError> {
        // A transaction of one item would cost twice as much. (DynamoDB developer guide, "Amazon
        // DynamoDB transactions: how it works".) It has a token, and this has none: tried again
        // after a lost answer it meets itself, which is a conflict too, and whoever meets one looks
        // again.
        if change.entries.is_empty() {
            return self.save_finding(change).await;
        }
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(finding_item(&change.after)?))
            .condition_expression(unchanged_condition(change))
            .set_expression_attribute_names(unchanged_names(change))
            .set_expression_attribute_values(unchanged_values(change))
            .build()
            .map_err(unmade)?;
        let mut writes = vec![(PUT, TransactWriteItem::builder().put(put).build())];
        for (route, entry) in &change.entries {
            let item = document(entry_of(route, entry), "entry", entry, None)?;
            writes.push(self.table.put_with(item)?);
        }
        self.table.transact(writes).await
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
}

/// A finding that is over, and was told to be, expires.
fn finding_item(state: &FindingState) -> Result<Item, PortError> {
    let is_over =
        state.compliance == Compliance::Compliant && state.last_notified == Compliance::Compliant;
    let expires = is_over.then(|| days_after(state.recorded_at, FINDING_DAYS));
    let mut item = document(finding(&state.key), "finding", state, expires)?;
    item.insert("recordedAt".to_owned(), text(state.recorded_at.to_string()));
    Ok(item)
}

/// The condition that a finding is as it was before a change.
fn unchanged_condition(change: &FindingChange) -> &'static str {
    match change.expected_recorded_at {
        None => "attribute_not_exists(pk)",
        Some(_) => "#recordedAt = :expected",
    }
}

fn unchanged_names(change: &FindingChange) -> Option<HashMap<String, String>> {
    change.expected_recorded_at?;
    let name = ("#recordedAt".to_owned(), "recordedAt".to_owned());
    Some(HashMap::from([name]))
}

fn unchanged_values(change: &FindingChange) -> Option<Item> {
    let expected = text(change.expected_recorded_at?.to_string());
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

#[async_trait]
impl RouteLock for ComplianceTable {
    async fn lock_route(
        &self,
        lease: &RouteLease,
        now: Timestamp,
    ) -> Result<RouteState, PortError> {
        let is_free = "attribute_not_exists(#holder) OR #leaseExpires <= :now OR #holder = :holder";
        let request = self.update(lease).update_expression(
            "SET #holder = :holder, #leaseExpires = :leaseExpires, \
                 #version = if_not_exists(#version, :version)",
        );
        let request = request
            .condition_expression(is_free)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version())
            .return_values(ReturnValue::AllNew);
        let request = request.expression_attribute_values(":now", number(now.as_millisecond()));
        let answer = request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        match answer.attributes() {
            Some(item) if item.contains_key("state") => {
                check_version(UPDATE, item)?;
                // A torn state costs a pause or a digest; a route that stands still would cost
                // more.
                Ok(read(UPDATE, item, "state").unwrap_or_default())
            }
            // Nothing was ever delivered on this route.
            _ => Ok(RouteState::default()),
        }
    }

    async fn save_route_state(
        &self,
        lease: &RouteLease,
        state: &RouteState,
    ) -> Result<(), PortError> {
        let request = self.update(lease).update_expression(
            "SET #state = :state, #leaseExpires = :leaseExpires, #version = :version",
        );
        let request = request
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version());
        let request = request.expression_attribute_values(":state", text(json(state)?));
        request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        Ok(())
    }
}

#[async_trait]
impl DeliverySchedule for ComplianceTable {
    async fn delivery_due(&self, route: &str) -> Result<Option<Timestamp>, PortError> {
        self.table.time(schedule_of(route), "dueAt").await
    }

    async fn save_delivery_due(&self, route: &str, at: Timestamp) -> Result<(), PortError> {
        let mut item = versioned(schedule_of(route));
        item.insert("dueAt".to_owned(), text(at.to_string()));
        self.table.put(item).await
    }
}

#[async_trait]
impl Outbox for ComplianceTable {
    async fn waiting(&self, route: &str, most: usize) -> Result<Vec<OutboxEntry>, PortError> {
        self.table
            .query(of_route(route, "entry#"), "entry", most)
            .await
    }

    async fn groups(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError> {
        let groups: Vec<FindingGroup> = self
            .table
            .documents(ids.iter().map(|id| group_of(route, id)), "group")
            .await?;
        Ok(groups
            .into_iter()
            .map(|group| (group.id(), group))
            .collect())
    }

    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError> {
        let digests: Vec<Digest> = self
            .table
            .documents(ids.iter().map(|id| digest_of(route, id)), "digest")
            .await?;
        Ok(digests
            .into_iter()
            .map(|digest| (digest.id.clone(), digest))
            .collect())
    }

    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        let route = &lease.route;
        let mut writes = vec![(CHECK, self.check_holder(lease)?)];
        for group in &commit.groups {
            let key = group_of(route, &group.id());
            let item = document(key, "group", group, group_expires(group))?;
            writes.push(self.table.put_with(item)?);
        }
        if let Some(digest) = &commit.digest {
            let expires = Some(days_after(digest.since, DIGEST_DAYS));
            let item = document(digest_of(route, &digest.id), "digest", digest, expires)?;
            writes.push(self.table.put_with(item)?);
        }
        for entry in &commit.entries {
            writes.push((DELETE, self.delete(entry_of(route, entry))?));
        }
        self.table.transact(writes).await
    }
}

impl ComplianceTable {
    /// The part of a transaction that fails if the run does not hold the route.
    fn check_holder(&self, lease: &RouteLease) -> Result<TransactWriteItem, PortError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table.name)
            .set_key(Some(state_of(&lease.route).item()))
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", "holder")
            .expression_attribute_values(":holder", text(&lease.holder))
            .build()
            .map_err(unmade)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn delete(&self, key: Key) -> Result<TransactWriteItem, PortError> {
        let delete = Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(key.item()))
            .build()
            .map_err(unmade)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

/// No clock says when a group was resolved; the times of its resources do well enough. A resolved
/// group that is gone too early begins anew, in a message of its own.
fn group_expires(group: &FindingGroup) -> Option<AttributeValue> {
    if group.open > 0 {
        return None;
    }
    let last = group.resources.iter().map(|resource| resource.since).max();
    Some(days_after(last.unwrap_or(group.since), GROUP_DAYS))
}

#[async_trait]
impl NotificationLog for ComplianceTable {
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        self.table.time(sent(notice), "sentAt").await
    }

    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        let mut item = versioned(sent(notice));
        item.insert("sentAt".to_owned(), text(now.to_string()));
        item.insert("expires".to_owned(), days_after(now, SENT_DAYS));
        self.table.put(item).await
    }
}
