//! The table of compliance and AWS Config's aggregator, on the world's state.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, OutboxEntry, RouteState,
};
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AccountCache, AggregatedFinding, Aggregator, DeliveryCommit, DeliverySchedule, ErrorKind,
    FindingChange, FindingStore, NotificationLog, Outbox, PortError, RouteLease, RouteLock,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::compliance::{ComplianceState, RouteItems, conflict};
use crate::requests::{recording, table};
use crate::run::Run;

/// The operation that reads a batch, and the one that writes all or nothing.
const BATCH_GET: &str = "dynamodb:BatchGetItem";
const TRANSACTION: &str = "dynamodb:TransactWriteItems";

#[async_trait]
impl Aggregator for Run {
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), bool>, PortError> {
        const CALL: &str = "config:DescribeAggregateComplianceByConfigRules";
        self.ask(CALL, account, recording::rules_of(account), |state| {
            let aggregated = &state.compliance.aggregated;
            let rules = aggregated.get(account).into_iter().flatten();
            let rules = rules.map(|(rule, found)| (rule.clone(), !found.is_empty()));
            Ok(rules.collect())
        })
        .await
    }

    async fn findings(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
    ) -> Result<Vec<AggregatedFinding>, PortError> {
        const CALL: &str = "config:GetAggregateComplianceDetailsByConfigRule";
        let request = recording::findings_of(account, region, rule);
        self.ask(CALL, rule, request, |state| {
            let rules = state.compliance.aggregated.get(account);
            let found = rules.and_then(|rules| rules.get(&(region.clone(), rule.clone())));
            Ok(found.cloned().unwrap_or_default())
        })
        .await
    }

    async fn names(&self, keys: &[FindingKey]) -> Result<BTreeMap<FindingKey, String>, PortError> {
        const CALL: &str = "config:BatchGetAggregateResourceConfig";
        let requests = recording::names_of(keys);
        self.ask_by(CALL, CALL, keys.len(), &requests, |state| {
            Ok(those_of(keys, &state.compliance.names))
        })
        .await
    }
}

/// The entries of a map that have one of these keys.
fn those_of<'a, K: Ord + Clone + 'a, V: Clone>(
    keys: impl IntoIterator<Item = &'a K>,
    map: &BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    let keys = keys.into_iter();
    keys.filter_map(|key| Some((key.clone(), map.get(key)?.clone())))
        .collect()
}

fn of_account(account: &AccountId, sort: &str) -> Value {
    table::key(&format!("account#{account}"), sort)
}

fn finding(key: &FindingKey) -> Value {
    of_account(&key.account, &format!("finding#{}", key.id()))
}

fn of_route(route: &str, sort: &str) -> Value {
    table::key(&format!("route#{route}"), sort)
}

fn entry_key(route: &str, entry: &OutboxEntry) -> Value {
    of_route(route, &format!("entry#{}", entry.id()))
}

fn sent(notice: &str) -> Value {
    table::key(&format!("notice#{notice}"), "sent")
}

#[async_trait]
impl FindingStore for Run {
    async fn findings(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError> {
        let items: Vec<Value> = keys.iter().map(finding).collect();
        let requests = table::get_all(&items);
        self.ask_by(BATCH_GET, BATCH_GET, keys.len(), &requests, |state| {
            Ok(those_of(keys, &state.compliance.known))
        })
        .await
    }

    async fn findings_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<FindingState>, PortError> {
        let request = table::query(&format!("account#{account}"), "finding#", None);
        self.ask("dynamodb:Query", account, request, |state| {
            let known = state.compliance.known.values();
            let own = known.filter(|known| known.key.account == *account);
            Ok(own.cloned().collect())
        })
        .await
    }

    async fn save_change(&self, change: &FindingChange) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:PutItem";
        let (operation, request) = change_request(change);
        let subject = change.after.key.id();
        self.ask_by(operation, CALL, subject, &[request], |state| {
            let ComplianceState { known, routes, .. } = &mut state.compliance;
            let before = known.get(&change.after.key);
            if before.map(|known| known.recorded_at) != change.expected_recorded_at {
                return Err(conflict(CALL));
            }
            known.insert(change.after.key.clone(), change.after.clone());
            for (route, entry) in &change.entries {
                let items = routes.entry(route.clone()).or_default();
                items.entries.insert(entry.id(), entry.clone());
            }
            Ok(())
        })
        .await
    }
}

/// The operation that saves a change, and its request.
fn change_request(change: &FindingChange) -> (&'static str, Value) {
    let document = [("finding", table::document(&change.after))];
    let put = table::put(&table::item(&finding(&change.after.key), &document));
    if change.entries.is_empty() {
        return ("dynamodb:PutItem", put);
    }
    let mut writes = vec![("Put", put)];
    for (route, entry) in &change.entries {
        let document = [("entry", table::document(entry))];
        let item = table::item(&entry_key(route, entry), &document);
        writes.push(("Put", table::put(&item)));
    }
    (TRANSACTION, table::transaction(&writes))
}

#[async_trait]
impl AccountCache for Run {
    async fn cached_accounts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
        let keys = accounts.iter();
        let keys: Vec<Value> = keys.map(|account| of_account(account, "account")).collect();
        let requests = table::get_all(&keys);
        self.ask_by(BATCH_GET, BATCH_GET, accounts.len(), &requests, |state| {
            Ok(those_of(accounts, &state.compliance.accounts))
        })
        .await
    }

    async fn save_account(&self, facts: &AccountInfo) -> Result<(), PortError> {
        let document = [("account", table::document(facts))];
        let item = table::item(&of_account(&facts.id, "account"), &document);
        self.ask("dynamodb:PutItem", &facts.id, table::put(&item), |state| {
            let accounts = &mut state.compliance.accounts;
            accounts.insert(facts.id.clone(), facts.clone());
            Ok(())
        })
        .await
    }
}

/// An update of a route's state under a lease.
fn update_route(lease: &RouteLease, expression: &str, more: &[(&str, Value)]) -> Value {
    let mut values = vec![
        (":holder", table::text(&lease.holder)),
        (
            ":leaseExpires",
            table::number(lease.expires_at.as_millisecond()),
        ),
    ];
    values.extend(more.iter().cloned());
    table::update(&of_route(&lease.route, "state"), expression, &values)
}

#[async_trait]
impl RouteLock for Run {
    async fn lock_route(
        &self,
        lease: &RouteLease,
        now: Timestamp,
    ) -> Result<RouteState, PortError> {
        const CALL: &str = "dynamodb:UpdateItem";
        let expression = "SET holder = :holder, leaseExpires = :leaseExpires";
        let request = update_route(lease, expression, &[]);
        self.ask(CALL, &lease.route, request, |state| {
            let items = state.compliance.route(&lease.route);
            let claim = items.claim.as_ref();
            if claim.is_some_and(|(run, until)| *run != lease.holder && *until > now) {
                return Err(conflict(CALL));
            }
            items.claim = Some((lease.holder.clone(), lease.expires_at));
            Ok(items.state.clone())
        })
        .await
    }

    async fn save_route_state(
        &self,
        lease: &RouteLease,
        saved: &RouteState,
    ) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:UpdateItem";
        let expression = "SET #state = :state, leaseExpires = :leaseExpires";
        let document = [(":state", table::document(saved))];
        let request = update_route(lease, expression, &document);
        self.ask(CALL, &lease.route, request, |state| {
            let items = state.compliance.held_route(lease, CALL)?;
            items.claim = Some((lease.holder.clone(), lease.expires_at));
            items.state = saved.clone();
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl DeliverySchedule for Run {
    async fn delivery_due(&self, route: &str) -> Result<Option<Timestamp>, PortError> {
        let request = table::get(&of_route(route, "schedule"));
        self.ask("dynamodb:GetItem", route, request, |state| {
            let items = state.compliance.routes.get(route);
            Ok(items.and_then(|items| items.due))
        })
        .await
    }

    async fn save_delivery_due(&self, route: &str, at: Timestamp) -> Result<(), PortError> {
        let due = [("dueAt", table::text(at.to_string()))];
        let item = table::item(&of_route(route, "schedule"), &due);
        self.ask("dynamodb:PutItem", route, table::put(&item), |state| {
            state.compliance.route(route).due = Some(at);
            Ok(())
        })
        .await
    }
}

impl Run {
    /// Reads items of a route, in one call.
    async fn items_of_route<T>(
        &self,
        route: &str,
        keys: &[Value],
        read: impl FnOnce(&RouteItems) -> BTreeMap<String, T>,
    ) -> Result<BTreeMap<String, T>, PortError> {
        let requests = table::get_all(keys);
        self.ask_by(BATCH_GET, BATCH_GET, route, &requests, |state| {
            let items = state.compliance.routes.get(route);
            Ok(items.map(read).unwrap_or_default())
        })
        .await
    }
}

#[async_trait]
impl Outbox for Run {
    async fn waiting(&self, route: &str, most: usize) -> Result<Vec<OutboxEntry>, PortError> {
        let request = table::query(&format!("route#{route}"), "entry#", Some(most));
        self.ask("dynamodb:Query", route, request, |state| {
            let items = state.compliance.routes.get(route);
            let entries = items.into_iter().flat_map(|items| items.entries.values());
            Ok(entries.take(most).cloned().collect())
        })
        .await
    }

    async fn groups(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError> {
        let keys = ids.iter().map(|id| of_route(route, &format!("group#{id}")));
        let keys: Vec<Value> = keys.collect();
        self.items_of_route(route, &keys, |items| those_of(ids, &items.groups))
            .await
    }

    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError> {
        let keys = ids
            .iter()
            .map(|id| of_route(route, &format!("digest#{id}")));
        let keys: Vec<Value> = keys.collect();
        self.items_of_route(route, &keys, |items| those_of(ids, &items.digests))
            .await
    }

    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:DeleteItem";
        let count = commit.groups.len() + commit.entries.len();
        if count > DeliveryCommit::MAX_ITEMS {
            let message = format!("{count} items at once");
            return Err(PortError::new(ErrorKind::Invalid, CALL, message));
        }
        let requests = [commit_request(lease, commit)];
        self.ask_by(TRANSACTION, CALL, &lease.route, &requests, |state| {
            let items = state.compliance.held_route(lease, CALL)?;
            let groups = commit.groups.iter();
            items
                .groups
                .extend(groups.map(|group| (group.id(), group.clone())));
            let digest = commit.digest.iter();
            items
                .digests
                .extend(digest.map(|digest| (digest.id.clone(), digest.clone())));
            for entry in &commit.entries {
                items.entries.remove(&entry.id());
            }
            Ok(())
        })
        .await
    }
}

/// The transaction that writes what was delivered.
fn commit_request(lease: &RouteLease, commit: &DeliveryCommit) -> Value {
    let route = &lease.route;
    let holder = json!({ ":holder": table::text(&lease.holder) });
    let check = table::check(&of_route(route, "state"), "holder = :holder", &holder);
    let mut writes = vec![("ConditionCheck", check)];
    for group in &commit.groups {
        let key = of_route(route, &format!("group#{}", group.id()));
        let item = table::item(&key, &[("group", table::document(group))]);
        writes.push(("Put", table::put(&item)));
    }
    if let Some(digest) = &commit.digest {
        let key = of_route(route, &format!("digest#{}", digest.id));
        let item = table::item(&key, &[("digest", table::document(digest))]);
        writes.push(("Put", table::put(&item)));
    }
    for entry in &commit.entries {
        writes.push(("Delete", table::delete(&entry_key(route, entry))));
    }
    table::transaction(&writes)
}

#[async_trait]
impl NotificationLog for Run {
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        let request = table::get(&sent(notice));
        self.ask("dynamodb:GetItem", notice, request, |state| {
            Ok(state.compliance.said.get(notice).copied())
        })
        .await
    }

    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        let at = [("sentAt", table::text(now.to_string()))];
        let item = table::item(&sent(notice), &at);
        self.ask("dynamodb:PutItem", notice, table::put(&item), |state| {
            state.compliance.said.insert(notice.to_owned(), now);
            Ok(())
        })
        .await
    }
}
