//! What is known of compliance, and what was said of it: one DynamoDB table.
//!
//! | `pk` | `sk` | what it holds | expires |
//! |---|---|---|---|
//! | `account#<id>` | `finding#<id>` | `known`, and in `at` when it last changed | once all is well and was said to be: 400 days later |
//! | `account#<id>` | `facts` | `facts` | after 30 days |
//! | `route#<name>` | `entry#<id>` | `entry` | never |
//! | `route#<name>` | `case#<id>` | `case` | 90 days after it was resolved |
//! | `route#<name>` | `digest#<id>` | `digest` | after 400 days |
//! | `route#<name>` | `lane` | `lane`, and in `run` who has the route, in `until` how long | never |
//! | `route#<name>` | `due` | in `at` when a message is to come | never |
//! | `notice#<id>` | `said` | in `at` when it was said | after 30 days |
//!
//! Documents are JSON as text; what a condition looks at has an attribute of its own. What has expired, by the
//! attribute `expires`, DynamoDB deletes within days and not at once (DynamoDB developer guide, "Using time to live
//! (TTL) in DynamoDB"). Nothing depends on when: whatever may expire says as much as its absence does, and a
//! condition that was made with it there fails where it has gone meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnValue, TransactWriteItem,
};
use aws_types::SdkConfig;
use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, Compliance, Digest, FindingGroup, FindingKey, FindingState, OutboxEntry,
    RouteState,
};
use banto_ports::{DeliveryCommit, ErrorKind, FindingChange, Ledger, PortError, RouteLease};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cancellation::{CancelledForNow, cancelled};
use crate::errors::{lacking, port_error};

const BATCH_GET: &str = "dynamodb:BatchGetItem";
const CHECK: &str = "dynamodb:ConditionCheckItem";
const DELETE: &str = "dynamodb:DeleteItem";
const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const QUERY: &str = "dynamodb:Query";
const UPDATE: &str = "dynamodb:UpdateItem";

/// Most items that are read or written at once. (DynamoDB API reference, `BatchGetItem`, `TransactWriteItems`.)
const AT_ONCE: usize = 100;

/// How long is waited before keys are asked for again that DynamoDB did not come to: at first, doubling, and for
/// the last time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_millis(800);

/// How many days items are kept.
const FINDING_DAYS: i64 = 400;
const FACTS_DAYS: i64 = 30;
const CASE_DAYS: i64 = 90;
const DIGEST_DAYS: i64 = 400;
const SAID_DAYS: i64 = 30;

type Item = HashMap<String, AttributeValue>;

/// A part of a transaction, and the call that it stands for.
type Write = (&'static str, TransactWriteItem);

/// The table of findings, routes and notices.
#[derive(Debug)]
pub struct DynamoDbLedger {
    client: Client,
    table: String,
}

/// An item's partition and sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key(String, String);

impl DynamoDbLedger {
    pub(crate) fn new(config: &SdkConfig, table: &str) -> Self {
        let config = Builder::from(config)
            .retry_classifier(CancelledForNow)
            .build();
        Self {
            client: Client::from_conf(config),
            table: table.to_owned(),
        }
    }

    /// An item, read consistently.
    async fn item(&self, key: Key) -> Result<Option<Item>, PortError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.item()))
            .consistent_read(true);
        Ok(request
            .send()
            .await
            .map_err(|error| port_error(GET, &error))?
            .item)
    }

    /// The time that an item holds.
    async fn time(&self, key: Key) -> Result<Option<Timestamp>, PortError> {
        Ok(self
            .item(key)
            .await?
            .and_then(|item| item.get("at")?.as_s().ok()?.parse().ok()))
    }

    /// Those items that there are.
    async fn items(
        &self,
        keys: BTreeSet<Key>,
        is_consistent: bool,
    ) -> Result<Vec<Item>, PortError> {
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut items = Vec::new();
        for batch in keys.chunks(AT_ONCE) {
            let keys = batch.iter().map(|key| key.clone().item()).collect();
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(is_consistent);
            let mut wanted = HashMap::from([(self.table.clone(), wanted.build().map_err(unmade)?)]);
            let mut pause = FIRST_PAUSE;
            loop {
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(wanted))
                    .send()
                    .await;
                let answer = answer.map_err(|error| port_error(BATCH_GET, &error))?;
                items.extend(
                    answer
                        .responses
                        .into_iter()
                        .flatten()
                        .flat_map(|(_, found)| found),
                );
                wanted = answer.unprocessed_keys.unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
                if pause > LAST_PAUSE {
                    return Err(PortError::new(
                        ErrorKind::Throttled,
                        BATCH_GET,
                        "keys remain unprocessed",
                    ));
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        Ok(items)
    }

    /// The documents of those items that there are.
    async fn documents<T: DeserializeOwned>(
        &self,
        keys: impl Iterator<Item = Key>,
        name: &str,
    ) -> Result<Vec<T>, PortError> {
        let items = self.items(keys.collect(), true).await?;
        items
            .iter()
            .map(|item| read(BATCH_GET, item, name))
            .collect()
    }

    /// The documents of a partition's items in the order of their sort keys, which begin with a text.
    async fn query<T: DeserializeOwned>(
        &self,
        prefix: Key,
        name: &str,
        most: usize,
    ) -> Result<Vec<T>, PortError> {
        let Key(pk, prefix) = prefix;
        let mut found = Vec::new();
        let mut start = None;
        while found.len() < most {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true);
            let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
            let request = request.expression_attribute_values(":pk", text(&pk));
            let request = request.expression_attribute_values(":prefix", text(&prefix));
            let request = request
                .set_limit(i32::try_from(most - found.len()).ok())
                .set_exclusive_start_key(start);
            let page = request
                .send()
                .await
                .map_err(|error| port_error(QUERY, &error))?;
            for item in page.items() {
                found.push(read(QUERY, item, name)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Puts an item, whatever was there.
    async fn put(&self, item: Item) -> Result<(), PortError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        request
            .send()
            .await
            .map_err(|error| port_error(PUT, &error))?;
        Ok(())
    }

    /// The same as a part of a transaction.
    fn put_with(&self, item: Item) -> Result<Write, PortError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .build()
            .map_err(unmade)?;
        Ok((PUT, TransactWriteItem::builder().put(put).build()))
    }

    /// Writes all or nothing. The SDK gives the transaction a token, by which DynamoDB knows it again when it is
    /// tried again.
    async fn transact(&self, writes: Vec<Write>) -> Result<(), PortError> {
        let (calls, items): (Vec<&'static str>, Vec<TransactWriteItem>) =
            writes.into_iter().unzip();
        if items.len() > AT_ONCE {
            let message = format!(
                "{} items are to be written at once, and {AT_ONCE} can be",
                items.len()
            );
            return Err(PortError::new(ErrorKind::Invalid, PUT, message));
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        sent.map_err(|error| cancelled(&calls, &error))?;
        Ok(())
    }

    /// An update of a route's claim.
    fn update(&self, claim: &RouteLease) -> UpdateItemFluentBuilder {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(lane_of(&claim.route).item()));
        let request = request
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#until", "until");
        let request = request.expression_attribute_values(":run", text(&claim.run));
        request.expression_attribute_values(":until", number(claim.until.as_millisecond()))
    }
}

#[async_trait]
impl Ledger for DynamoDbLedger {
    async fn known(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError> {
        let known: Vec<FindingState> = self.documents(keys.iter().map(finding), "known").await?;
        Ok(known
            .into_iter()
            .map(|known| (known.key.clone(), known))
            .collect())
    }

    async fn of_account(&self, account: &AccountId) -> Result<Vec<FindingState>, PortError> {
        self.query(of_account(account, "finding#"), "known", usize::MAX)
            .await
    }

    async fn note(&self, change: &FindingChange) -> Result<(), PortError> {
        let known = &change.after;
        let is_over = known.compliance == Compliance::Compliant
            && known.last_notified == Compliance::Compliant;
        let expires = is_over.then(|| days_after(known.at, FINDING_DAYS));
        let mut item = document(finding(&known.key), "known", known, expires)?;
        item.insert("at".to_owned(), text(known.at.to_string()));
        let (condition, names, values) = match change.before {
            None => ("attribute_not_exists(pk)", None, None),
            Some(before) => (
                "#at = :before",
                Some(HashMap::from([("#at".to_owned(), "at".to_owned())])),
                Some(HashMap::from([(
                    ":before".to_owned(),
                    text(before.to_string()),
                )])),
            ),
        };
        // A transaction of one item would cost twice as much. (DynamoDB developer guide, "Amazon DynamoDB
        // transactions: how it works".) It has a token, and this has none: tried again after a lost answer it meets
        // itself, which is a conflict too, and whoever meets one looks again.
        if change.entries.is_empty() {
            let request = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item));
            let request = request
                .condition_expression(condition)
                .set_expression_attribute_names(names);
            let sent = request.set_expression_attribute_values(values).send().await;
            sent.map_err(|error| port_error(PUT, &error))?;
            return Ok(());
        }
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition);
        let put = put
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build();
        let mut writes = vec![(
            PUT,
            TransactWriteItem::builder()
                .put(put.map_err(unmade)?)
                .build(),
        )];
        for (route, entry) in &change.entries {
            writes.push(self.put_with(document(entry_of(route, entry), "entry", entry, None)?)?);
        }
        self.transact(writes).await
    }

    async fn facts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
        let keys = accounts
            .iter()
            .map(|account| of_account(account, "facts"))
            .collect();
        // How old facts are is for the caller to judge, so that it does not matter which it sees.
        let items = self.items(keys, false).await?;
        // Facts from before a release that reads them no more are as good as none.
        let facts = items
            .iter()
            .filter_map(|item| read::<AccountInfo>(BATCH_GET, item, "facts").ok());
        Ok(facts.map(|facts| (facts.id.clone(), facts)).collect())
    }

    async fn save_account(&self, facts: &AccountInfo) -> Result<(), PortError> {
        let expires = Some(days_after(facts.fetched_at, FACTS_DAYS));
        self.put(document(
            of_account(&facts.id, "facts"),
            "facts",
            facts,
            expires,
        )?)
        .await
    }

    async fn claim(&self, claim: &RouteLease, now: Timestamp) -> Result<RouteState, PortError> {
        let is_free = "attribute_not_exists(#run) OR #until <= :now OR #run = :run";
        let request = self
            .update(claim)
            .update_expression("SET #run = :run, #until = :until");
        let request = request
            .condition_expression(is_free)
            .return_values(ReturnValue::AllNew);
        let request = request.expression_attribute_values(":now", number(now.as_millisecond()));
        let answer = request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        let lane = answer
            .attributes()
            .and_then(|item| read(UPDATE, item, "lane").ok());
        // A lane from before a release that reads it no more is as good as a new one.
        Ok(lane.unwrap_or_default())
    }

    async fn keep(&self, claim: &RouteLease, lane: &RouteState) -> Result<(), PortError> {
        let request = self
            .update(claim)
            .update_expression("SET #lane = :lane, #until = :until");
        let request = request
            .condition_expression("#run = :run")
            .expression_attribute_names("#lane", "lane");
        let request = request.expression_attribute_values(":lane", text(json(lane)?));
        request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        Ok(())
    }

    async fn due(&self, route: &str) -> Result<Option<Timestamp>, PortError> {
        self.time(of_route(route, "due")).await
    }

    async fn note_due(&self, route: &str, at: Timestamp) -> Result<(), PortError> {
        let mut item = of_route(route, "due").item();
        item.insert("at".to_owned(), text(at.to_string()));
        self.put(item).await
    }

    async fn waiting(&self, route: &str, most: usize) -> Result<Vec<OutboxEntry>, PortError> {
        self.query(of_route(route, "entry#"), "entry", most).await
    }

    async fn cases(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError> {
        let cases: Vec<FindingGroup> = self
            .documents(ids.iter().map(|id| case_of(route, id)), "case")
            .await?;
        Ok(cases.into_iter().map(|case| (case.id(), case)).collect())
    }

    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError> {
        let digests: Vec<Digest> = self
            .documents(ids.iter().map(|id| digest_of(route, id)), "digest")
            .await?;
        Ok(digests
            .into_iter()
            .map(|digest| (digest.id.clone(), digest))
            .collect())
    }

    async fn commit(&self, claim: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(lane_of(&claim.route).item()));
        let check = check
            .condition_expression("#run = :run")
            .expression_attribute_names("#run", "run");
        let check = check
            .expression_attribute_values(":run", text(&claim.run))
            .build()
            .map_err(unmade)?;
        let mut writes = vec![(
            CHECK,
            TransactWriteItem::builder().condition_check(check).build(),
        )];
        for case in &commit.cases {
            // No clock says when it was resolved; the news of its resources do well enough. A resolved case that
            // is gone too early begins anew, in a message of its own.
            let last = case
                .resources
                .iter()
                .map(|resource| resource.at)
                .max()
                .unwrap_or(case.since);
            let expires = (case.open == 0).then(|| days_after(last, CASE_DAYS));
            writes.push(self.put_with(document(
                case_of(&claim.route, &case.id()),
                "case",
                case,
                expires,
            )?)?);
        }
        if let Some(digest) = &commit.digest {
            let expires = Some(days_after(digest.since, DIGEST_DAYS));
            writes.push(self.put_with(document(
                digest_of(&claim.route, &digest.id),
                "digest",
                digest,
                expires,
            )?)?);
        }
        for entry in &commit.entries {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(entry_of(&claim.route, entry).item()));
            writes.push((
                DELETE,
                TransactWriteItem::builder()
                    .delete(delete.build().map_err(unmade)?)
                    .build(),
            ));
        }
        self.transact(writes).await
    }

    async fn said_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        self.time(said(notice)).await
    }

    async fn note_said(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        let mut item = said(notice).item();
        item.insert("at".to_owned(), text(now.to_string()));
        item.insert("expires".to_owned(), days_after(now, SAID_DAYS));
        self.put(item).await
    }
}

impl Key {
    /// The key's attributes.
    fn item(self) -> Item {
        HashMap::from([
            ("pk".to_owned(), text(self.0)),
            ("sk".to_owned(), text(self.1)),
        ])
    }
}

fn of_account(account: &AccountId, sort: &str) -> Key {
    Key(format!("account#{account}"), sort.to_owned())
}

fn finding(key: &FindingKey) -> Key {
    of_account(&key.account, &format!("finding#{}", key.id()))
}

fn of_route(route: &str, sort: &str) -> Key {
    Key(format!("route#{route}"), sort.to_owned())
}

fn lane_of(route: &str) -> Key {
    of_route(route, "lane")
}

fn entry_of(route: &str, entry: &OutboxEntry) -> Key {
    of_route(route, &format!("entry#{}", entry.id()))
}

fn case_of(route: &str, id: &str) -> Key {
    of_route(route, &format!("case#{id}"))
}

fn digest_of(route: &str, id: &str) -> Key {
    of_route(route, &format!("digest#{id}"))
}

fn said(notice: &str) -> Key {
    Key(format!("notice#{notice}"), "said".to_owned())
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// When an item expires, in seconds since 1970.
fn days_after(at: Timestamp, days: i64) -> AttributeValue {
    number(at.as_second() + days * 24 * 60 * 60)
}

fn json<T: Serialize>(document: &T) -> Result<String, PortError> {
    serde_json::to_string(document)
        .map_err(|error| PortError::new(ErrorKind::Invalid, PUT, error.to_string()))
}

/// An item that holds a document.
fn document<T: Serialize>(
    key: Key,
    name: &str,
    document: &T,
    expires: Option<AttributeValue>,
) -> Result<Item, PortError> {
    let mut item = key.item();
    item.insert(name.to_owned(), text(json(document)?));
    item.extend(expires.map(|expires| ("expires".to_owned(), expires)));
    Ok(item)
}

/// The document that an item holds. What can't be read is named by its key; its content is nobody's business.
fn read<T: DeserializeOwned>(call: &'static str, item: &Item, name: &str) -> Result<T, PortError> {
    let part = |name: &str| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map_or("", String::as_str)
    };
    serde_json::from_str(part(name)).map_err(|_| {
        let message = format!(
            "`{name}` of the item {} {} can't be read",
            part("pk"),
            part("sk")
        );
        PortError::new(ErrorKind::Invalid, call, message)
    })
}

fn unmade(_: BuildError) -> PortError {
    lacking(PUT, "an item's key")
}
