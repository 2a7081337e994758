//! The status of each account and the dashboard, on the world's state.

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::AccountId;
use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{AccountRow, AccountStatuses, Dashboard, Held, PortError, Told};
use serde_json::Value;

use crate::requests::{self, table};
use crate::run::Run;

/// An update of an account's item.
fn update(account: &AccountId, expression: &str, values: &[(&str, Value)]) -> Value {
    table::update(&table::account(account), expression, values)
}

#[async_trait]
impl AccountStatuses for Run {
    async fn row(&self, account: &AccountId) -> Result<AccountRow, PortError> {
        let request = table::get(&table::account(account));
        self.ask("dynamodb:GetItem", account, request, |state| {
            let row = state.org.statuses.get(account);
            Ok(row.cloned().unwrap_or_default())
        })
        .await
    }

    async fn add_repairs(
        &self,
        account: &AccountId,
        repairs: &BTreeSet<String>,
    ) -> Result<(), PortError> {
        let values = [(":repairs", table::texts(repairs))];
        let request = update(account, "ADD repairs :repairs", &values);
        self.ask("dynamodb:UpdateItem", account, request, |state| {
            let row = state.org.statuses.entry(account.clone()).or_default();
            row.repairs.extend(repairs.iter().cloned());
            Ok(())
        })
        .await
    }

    async fn save_status(&self, status: &AccountStatus) -> Result<AccountRow, PortError> {
        let values = [(":status", table::document(status))];
        let is_in_order = matches!(
            status.worst(),
            Condition::InPlace | Condition::LeftAlone { .. }
        );
        let expression = match is_in_order {
            true => "SET #status = :status REMOVE heldCondition, heldSince",
            false => "SET #status = :status",
        };
        let request = update(&status.account, expression, &values);
        self.ask("dynamodb:UpdateItem", &status.account, request, |state| {
            let row = state.org.statuses.entry(status.account.clone());
            let row = row.or_default();
            let before = row.clone();
            row.status = Some(status.clone());
            if is_in_order {
                row.held = None;
            }
            Ok(before)
        })
        .await
    }

    async fn save_held(&self, account: &AccountId, held: &Held) -> Result<(), PortError> {
        let values = [
            (":condition", table::text(&held.condition)),
            (":since", table::text(held.since.to_string())),
        ];
        let expression = "SET heldCondition = :condition, heldSince = :since";
        let request = update(account, expression, &values);
        self.ask("dynamodb:UpdateItem", account, request, |state| {
            let row = state.org.statuses.entry(account.clone()).or_default();
            row.held = Some(held.clone());
            Ok(())
        })
        .await
    }

    async fn save_told(&self, account: &AccountId, told: &Told) -> Result<(), PortError> {
        let request = told_request(account, told);
        self.ask("dynamodb:UpdateItem", account, request, |state| {
            let row = state.org.statuses.entry(account.clone()).or_default();
            if let Some(news) = &told.news {
                row.last_notified = Some(news.clone());
            }
            row.repairs.retain(|repair| !told.repairs.contains(repair));
            Ok(())
        })
        .await
    }

    async fn delete(&self, account: &AccountId) -> Result<(), PortError> {
        let request = table::delete(&table::account(account));
        self.ask("dynamodb:DeleteItem", account, request, |state| {
            state.org.statuses.remove(account);
            Ok(())
        })
        .await
    }

    async fn all(&self) -> Result<Vec<AccountStatus>, PortError> {
        let all = |row: &AccountRow| row.status.clone();
        self.ask("dynamodb:Scan", "", table::scan(), |state| {
            Ok(state.org.statuses.values().filter_map(all).collect())
        })
        .await
    }
}

/// The update that remembers what people were told, as the adapter sends it.
fn told_request(account: &AccountId, told: &Told) -> Value {
    let mut expression = "SET #version = :version".to_owned();
    let mut values = vec![(":version", table::number(1))];
    if let Some(news) = &told.news {
        expression.push_str(", lastNotified = :mark, notifiedAt = :at");
        values.push((":mark", table::text(&news.mark)));
        values.push((":at", table::text(news.at.to_string())));
    }
    if !told.repairs.is_empty() {
        expression.push_str(" DELETE repairs :repairs");
        values.push((":repairs", table::texts(&told.repairs)));
    }
    update(account, &expression, &values)
}

#[async_trait]
impl Dashboard for Run {
    async fn publish(&self, document: &str) -> Result<(), PortError> {
        let request = requests::dashboard(document);
        self.ask("s3:PutObject", "", request, |state| {
            state.org.dashboard = Some(document.to_owned());
            Ok(())
        })
        .await
    }
}
