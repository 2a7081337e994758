//! The table of compliance, on the world's state.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use async_trait::async_trait;
use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, Lane, OutboxBatch, RouteState,
};
use banto_ports::{
    AccountCache, Cursor, DeliveryCommit, DeliverySchedule, ErrorKind, FindingCommit, FindingStore,
    NotificationLog, Outbox, Page, PortError, RouteLease, RouteLock, RouteRegistry,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::capacity::Writes;
use crate::compliance::{RouteItems, conflict};
use crate::releases::TableItem;
use crate::requests::compliance::{self as requests, of_account, of_route};
use crate::requests::table;
use crate::run::Run;
use crate::world::State;

/// The operation that reads a batch, and the one that writes all or nothing.
const BATCH_GET: &str = "dynamodb:BatchGetItem";
const TRANSACTION: &str = "dynamodb:TransactWriteItems";
const QUERY: &str = "dynamodb:Query";

/// Most items that a page is asked for; the world makes pages as it will.
const PAGE: usize = 100;

impl Run {
    /// Writes to the table, as far as its partitions take it. An operation other than the call is a
    /// transaction.
    async fn write<T>(
        &self,
        call: &'static str,
        subject: impl ToString,
        request: Value,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let writes = Writes::of(&request);
        if let Some(refusal) = writes.refusal() {
            let refused = PortError::new(ErrorKind::Invalid, call, refusal);
            return self
                .ask_by(call, call, subject, &[], |_| Err(refused))
                .await;
        }
        let operation = if writes.is_transaction() {
            TRANSACTION
        } else {
            call
        };
        let requests = slice::from_ref(&request);
        self.ask_by(operation, call, subject, requests, |state| {
            let now = state.now;
            state.compliance.capacity.take(call, &writes, now)?;
            effect(state)
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

#[async_trait]
impl FindingStore for Run {
    async fn findings(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError> {
        let items: Vec<Value> = keys.iter().map(requests::finding).collect();
        let requests = table::get_all(&items);
        self.ask_by(BATCH_GET, BATCH_GET, keys.len(), &requests, |state| {
            state.compliance.check_readable(
                BATCH_GET,
                |item| matches!(item, TableItem::Finding(key) if keys.contains(key)),
            )?;
            let known = keys.iter().filter_map(|key| {
                let known = state.compliance.finding(key)?;
                Some((key.clone(), known.clone()))
            });
            Ok(known.collect())
        })
        .await
    }

    async fn open_findings(
        &self,
        account: &AccountId,
        after: Option<Cursor>,
    ) -> Result<Page<FindingState>, PortError> {
        let requests = requests::open_findings(account, PAGE);
        self.ask_by(QUERY, QUERY, account, &requests, |state| {
            let compliance = &mut state.compliance;
            compliance.check_readable(
                QUERY,
                |item| matches!(item, TableItem::Finding(key) if key.account == *account),
            )?;
            let known = compliance.known.entry(account.clone()).or_default();
            let is_open = |finding: &FindingState| !finding.is_over();
            Ok(known.page(&compliance.paging, after.as_ref(), "", is_open))
        })
        .await
    }

    async fn save_findings(&self, commit: &FindingCommit) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:PutItem";
        let subject = commit.findings.first();
        let subject = subject.map(|change| change.after.key.id());
        let request = requests::save_findings(commit);
        self.write(CALL, subject.unwrap_or_default(), request, |state| {
            let compliance = &mut state.compliance;
            let is_as_expected = commit.findings.iter().all(|change| {
                let known = compliance.finding(&change.after.key);
                known.map(|known| known.revision) == change.expected_revision
            });
            if !is_as_expected {
                return Err(conflict(CALL));
            }
            for change in &commit.findings {
                compliance.save_finding(&change.after);
            }
            for (route, batch) in &commit.batches {
                let batches = &mut compliance.route(route).batches;
                batches.insert(&batch.id, batch.clone());
            }
            Ok(())
        })
        .await
    }

    async fn compared_at(&self, account: &AccountId) -> Result<Option<Timestamp>, PortError> {
        let request = table::get(&of_account(account, "compared"));
        self.ask("dynamodb:GetItem", account, request, |state| {
            let compared = TableItem::Compared(account.clone());
            let compliance = &state.compliance;
            compliance.check_readable("dynamodb:GetItem", |item| *item == compared)?;
            Ok(compliance.compared.get(account).copied())
        })
        .await
    }

    async fn save_compared(&self, account: &AccountId, at: Timestamp) -> Result<(), PortError> {
        let compared = [("comparedAt", table::text(at.to_string()))];
        let item = table::item(&of_account(account, "compared"), &compared);
        self.write("dynamodb:PutItem", account, table::put(&item), |state| {
            let compared = TableItem::Compared(account.clone());
            let compliance = &mut state.compliance;
            compliance.check_readable("dynamodb:PutItem", |item| *item == compared)?;
            compliance.compared.insert(account.clone(), at);
            Ok(())
        })
        .await
    }
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
        self.write("dynamodb:PutItem", &facts.id, table::put(&item), |state| {
            let accounts = &mut state.compliance.accounts;
            accounts.insert(facts.id.clone(), facts.clone());
            Ok(())
        })
        .await
    }
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
        let request = requests::update_route(lease, expression, &[]);
        self.write(CALL, &lease.route, request, |state| {
            let compliance = &mut state.compliance;
            let route_state = TableItem::RouteState(lease.route.clone());
            compliance.check_readable(CALL, |item| *item == route_state)?;
            let items = compliance.route(&lease.route);
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
        let request = requests::update_route(lease, expression, &document);
        self.write(CALL, &lease.route, request, |state| {
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
            let schedule = TableItem::Schedule(route.to_owned());
            let compliance = &state.compliance;
            compliance.check_readable("dynamodb:GetItem", |item| *item == schedule)?;
            let items = compliance.routes.get(route);
            Ok(items.and_then(|items| items.due))
        })
        .await
    }

    async fn save_delivery_due(&self, route: &str, at: Timestamp) -> Result<(), PortError> {
        let due = [("dueAt", table::text(at.to_string()))];
        let item = table::item(&of_route(route, "schedule"), &due);
        self.write("dynamodb:PutItem", route, table::put(&item), |state| {
            let schedule = TableItem::Schedule(route.to_owned());
            let compliance = &mut state.compliance;
            compliance.check_readable("dynamodb:PutItem", |item| *item == schedule)?;
            compliance.route(route).due = Some(at);
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
        ids: &BTreeSet<String>,
        read: impl FnOnce(&RouteItems) -> BTreeMap<String, T>,
    ) -> Result<BTreeMap<String, T>, PortError> {
        let requests = table::get_all(keys);
        self.ask_by(BATCH_GET, BATCH_GET, route, &requests, |state| {
            state.compliance.check_readable(
                BATCH_GET,
                |item| matches!(item, TableItem::Group(of, id) if of == route && ids.contains(id)),
            )?;
            let items = state.compliance.routes.get(route);
            Ok(items.map(read).unwrap_or_default())
        })
        .await
    }
}

#[async_trait]
impl Outbox for Run {
    async fn waiting(
        &self,
        route: &str,
        from: Lane,
        limit: usize,
    ) -> Result<Vec<OutboxBatch>, PortError> {
        let requests = requests::of_shards(&format!("route#{route}"), "entry#", limit);
        self.ask_by(QUERY, QUERY, route, &requests, |state| {
            let from = from.rank().to_string();
            let is_read = |id: &String| *id >= from;
            state.compliance.check_readable(
                QUERY,
                |item| matches!(item, TableItem::Batch(of, id) if of == route && is_read(id)),
            )?;
            let items = state.compliance.route(route);
            let mut waiting = Vec::new();
            let mut entries = 0;
            for batch in items.batches.in_order(&from) {
                if entries >= limit {
                    break;
                }
                entries += batch.entries.len();
                waiting.push(batch.clone());
            }
            Ok(waiting)
        })
        .await
    }

    async fn lane_page(
        &self,
        route: &str,
        lane: Lane,
        after: Option<Cursor>,
    ) -> Result<Page<OutboxBatch>, PortError> {
        let prefix = format!("{}#", lane.rank());
        let sort = format!("entry#{prefix}");
        let requests = requests::of_shards(&format!("route#{route}"), &sort, PAGE);
        self.ask_by(QUERY, QUERY, route, &requests, |state| {
            let compliance = &mut state.compliance;
            compliance.check_readable(QUERY, |item| {
                matches!(item, TableItem::Batch(of, id) if of == route && id.starts_with(&prefix))
            })?;
            let items = compliance.routes.entry(route.to_owned()).or_default();
            let batches = &items.batches;
            Ok(batches.page(&compliance.paging, after.as_ref(), &prefix, |_| true))
        })
        .await
    }

    async fn open_groups(
        &self,
        route: &str,
        after: Option<Cursor>,
    ) -> Result<Page<FindingGroup>, PortError> {
        let request = requests::open_groups(route, PAGE);
        self.ask(QUERY, route, request, |state| {
            let compliance = &mut state.compliance;
            compliance.check_readable(
                QUERY,
                |item| matches!(item, TableItem::Group(of, _) if of == route),
            )?;
            let items = compliance.routes.entry(route.to_owned()).or_default();
            let is_open = |group: &FindingGroup| group.open > 0;
            let groups = &items.groups;
            Ok(groups.page(&compliance.paging, after.as_ref(), "", is_open))
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
        self.items_of_route(route, &keys, ids, |items| {
            let found = ids.iter();
            found
                .filter_map(|id| Some((id.clone(), items.groups.get(id)?.clone())))
                .collect()
        })
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
        self.items_of_route(route, &keys, ids, |items| those_of(ids, &items.digests))
            .await
    }

    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:DeleteItem";
        let request = requests::commit(lease, commit);
        self.write(CALL, &lease.route, request, |state| {
            let items = state.compliance.held_route(lease, CALL)?;
            for group in &commit.groups {
                items.groups.insert(&group.id(), group.clone());
            }
            let digest = commit.digest.iter();
            items
                .digests
                .extend(digest.map(|digest| (digest.id.clone(), digest.clone())));
            for delivered in &commit.batches {
                match &delivered.left {
                    Some(left) => items.batches.insert(&delivered.id, left.clone()),
                    None => items.batches.remove(&delivered.id),
                }
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl RouteRegistry for Run {
    async fn registered_routes(&self) -> Result<BTreeSet<String>, PortError> {
        let request = table::query(requests::ROUTES, "route#", None);
        self.ask(QUERY, "", request, |state| {
            let compliance = &state.compliance;
            let mut routes = compliance.registered.clone();
            let newer = compliance.registered_by_newer_release();
            routes.retain(|route| !newer.contains(route));
            Ok(routes)
        })
        .await
    }

    async fn register_route(&self, route: &str) -> Result<(), PortError> {
        let item = table::item(&requests::registered(route), &[]);
        self.write("dynamodb:PutItem", route, table::put(&item), |state| {
            state.compliance.registered.insert(route.to_owned());
            Ok(())
        })
        .await
    }

    async fn deregister_route(&self, route: &str) -> Result<(), PortError> {
        let request = table::delete(&requests::registered(route));
        self.write("dynamodb:DeleteItem", route, request, |state| {
            let compliance = &mut state.compliance;
            let registered = TableItem::Registered(route.to_owned());
            if !compliance.of_newer_release.contains(&registered) {
                compliance.registered.remove(route);
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl NotificationLog for Run {
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        let request = table::get(&requests::sent(notice));
        self.ask("dynamodb:GetItem", notice, request, |state| {
            Ok(state.compliance.said.get(notice).copied())
        })
        .await
    }

    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        let at = [("sentAt", table::text(now.to_string()))];
        let item = table::item(&requests::sent(notice), &at);
        self.write("dynamodb:PutItem", notice, table::put(&item), |state| {
            state.compliance.said.insert(notice.to_owned(), now);
            Ok(())
        })
        .await
    }
}
