//! Requests to the table of compliance: the keys of its items, and what writes them.

use banto_domain::AccountId;
use banto_domain::compliance::{FindingKey, OutboxBatch};
use banto_ports::{DeliveryCommit, FindingChange, FindingCommit, RouteLease};
use serde_json::{Value, json};

use super::table;
use crate::sharded::{SHARDS, shard_of};

/// The partition of the names of routes.
pub(crate) const ROUTES: &str = "routes";

pub(crate) fn of_account(account: &AccountId, sort: &str) -> Value {
    table::key(&format!("account#{account}"), sort)
}

pub(crate) fn finding(key: &FindingKey) -> Value {
    let id = key.id();
    let partition = format!("account#{}#{}", key.account, shard_of(&id));
    table::key(&partition, &format!("finding#{id}"))
}

pub(crate) fn of_route(route: &str, sort: &str) -> Value {
    table::key(&format!("route#{route}"), sort)
}

fn batch(route: &str, id: &str) -> Value {
    let partition = format!("route#{route}#{}", shard_of(id));
    table::key(&partition, &format!("entry#{id}"))
}

pub(crate) fn registered(route: &str) -> Value {
    table::key(ROUTES, &format!("route#{route}"))
}

pub(crate) fn sent(notice: &str) -> Value {
    table::key(&format!("notice#{notice}"), "sent")
}

/// A query of each of an account's partitions for the findings that are open.
pub(crate) fn open_findings(account: &AccountId, limit: usize) -> Vec<Value> {
    let queries = of_shards(&format!("account#{account}"), "finding#", limit).into_iter();
    queries.map(open_only).collect()
}

/// A query of each of an owner's partitions.
pub(crate) fn of_shards(owner: &str, prefix: &str, limit: usize) -> Vec<Value> {
    let partitions = (0..SHARDS).map(|shard| format!("{owner}#{shard}"));
    let query = |partition: String| table::query(&partition, prefix, Some(limit));
    partitions.map(query).collect()
}

/// The request that saves findings: a transaction, unless there is just one thing to save.
pub(crate) fn save_findings(commit: &FindingCommit) -> Value {
    if let ([change], []) = (commit.findings.as_slice(), commit.batches.as_slice()) {
        return put_finding(change);
    }
    let findings = commit.findings.iter();
    let mut writes: Vec<_> = findings
        .map(|change| ("Put", put_finding(change)))
        .collect();
    for (route, waiting) in &commit.batches {
        writes.push(("Put", put_batch(route, waiting)));
    }
    table::transaction(&writes)
}

/// Puts a finding on the condition that its state is the expected one.
fn put_finding(change: &FindingChange) -> Value {
    let state = &change.after;
    let attributes = [
        ("finding", table::document(state)),
        ("revision", table::count(state.revision)),
        ("open", table::count(u64::from(!state.is_over()))),
    ];
    let mut put = table::put(&table::item(&finding(&state.key), &attributes));
    let condition = match change.expected_revision {
        None => json!({ "ConditionExpression": "attribute_not_exists(pk)" }),
        Some(revision) => json!({
            "ConditionExpression": "revision = :expected",
            "ExpressionAttributeValues": { ":expected": table::count(revision) },
        }),
    };
    add(&mut put, condition);
    put
}

fn put_batch(route: &str, waiting: &OutboxBatch) -> Value {
    let document = [("batch", table::document(waiting))];
    table::put(&table::item(&batch(route, &waiting.id), &document))
}

/// Adds members to a request.
fn add(request: &mut Value, members: Value) {
    if let (Value::Object(request), Value::Object(members)) = (request, members) {
        request.extend(members);
    }
}

/// The query of a route's groups in which something is open.
pub(crate) fn open_groups(route: &str, limit: usize) -> Value {
    open_only(table::query(
        &format!("route#{route}"),
        "group#",
        Some(limit),
    ))
}

/// Leaves out of a query what is not open.
fn open_only(mut query: Value) -> Value {
    add(&mut query, json!({ "FilterExpression": "#open > :none" }));
    add(
        &mut query,
        json!({ "ExpressionAttributeNames": { "#open": "open" } }),
    );
    if let Some(Value::Object(values)) = query.get_mut("ExpressionAttributeValues") {
        values.insert(":none".to_owned(), table::count(0));
    }
    query
}

/// An update of a route's state under a lease.
pub(crate) fn update_route(lease: &RouteLease, expression: &str, more: &[(&str, Value)]) -> Value {
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

/// The transaction that writes what was delivered.
pub(crate) fn commit(lease: &RouteLease, commit: &DeliveryCommit) -> Value {
    let route = &lease.route;
    let holder = json!({ ":holder": table::text(&lease.holder) });
    let check = table::check(&of_route(route, "state"), "holder = :holder", &holder);
    let mut writes = vec![("ConditionCheck", check)];
    for group in &commit.groups {
        let key = of_route(route, &format!("group#{}", group.id()));
        let attributes = [
            ("group", table::document(group)),
            ("open", table::count(group.open.into())),
        ];
        let item = table::item(&key, &attributes);
        writes.push(("Put", table::put(&item)));
    }
    if let Some(digest) = &commit.digest {
        let key = of_route(route, &format!("digest#{}", digest.id));
        let item = table::item(&key, &[("digest", table::document(digest))]);
        writes.push(("Put", table::put(&item)));
    }
    for delivered in &commit.batches {
        writes.push(match &delivered.left {
            None => ("Delete", table::delete(&batch(route, &delivered.id))),
            Some(left) => ("Put", put_batch(route, left)),
        });
    }
    table::transaction(&writes)
}
