//! Findings and routes, and what was told of them: one DynamoDB table.
//!
//! | `pk` | `sk` | holds | expires |
//! |---|---|---|---|
//! | `account#<id>#<shard>` | `finding#<id>` | `finding`; in `revision` the number of its last change; in `open` 0 once it is over, else 1 | 30 days after it was over |
//! | `account#<id>` | `account` | `account`, as Organizations knows it | after 30 days |
//! | `account#<id>` | `compared` | in `comparedAt` when it was last compared with the aggregator to the end | never |
//! | `route#<name>#<shard>` | `entry#<id>` | `batch`: entries of the outbox | never |
//! | `route#<name>` | `group#<id>` | `group`; in `open` the number of its resources that are open | 90 days after the last one was over |
//! | `route#<name>` | `digest#<id>` | `digest` | after 400 days |
//! | `route#<name>` | `state` | `state`; in `holder` the run that holds the route, in `leaseExpires` until when (ms since 1970) | never |
//! | `route#<name>` | `schedule` | in `dueAt` when a delivery is to come | never |
//! | `routes` | `route#<name>` | the name of a route that ever had entries | never |
//! | `notice#<id>` | `sent` | in `sentAt` when it was sent | after 30 days |
//!
//! Findings and batches are spread over eight shards, by the last digit of their ids. A partition
//! takes 1,000 write units a second (DynamoDB developer guide, "Best practices for designing and
//! using partition keys effectively"), and 5,000 changes a second of one account or on one route,
//! of about 350 bytes each and written in transactions, which cost twice, are about 3,500.
//!
//! Documents are JSON as text; what a condition or a filter looks at has an attribute of its own.
//! Each item has its `version`, and one of another version is refused. What has expired, by the
//! attribute `expires`, DynamoDB deletes within days and not at once (DynamoDB developer guide,
//! "Using time to live (TTL) in DynamoDB"). Nothing depends on when: whatever may expire says as
//! much as its absence does, and a condition that was made with it there fails where it has gone
//! meanwhile.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_types::SdkConfig;
use banto_domain::compliance::RouteState;
use banto_ports::{DeliverySchedule, NotificationLog, PortError, RouteLease, RouteLock};
use jiff::Timestamp;

use crate::cancellation::CancelledForNow;
use crate::errors::port_error;

mod calls;
mod findings;
mod items;
mod listing;
mod outbox;
mod table;

use calls::UPDATE;
use items::{days_after, json, number, read, schedule_of, sent, state_of, text, timed, version};
use table::{Table, write_error};

/// Days for which a notice is remembered. A message of SQS, and with it a notice, comes again for
/// 14 days at most.
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
impl RouteLock for ComplianceTable {
    async fn lock_route(
        &self,
        lease: &RouteLease,
        now: Timestamp,
    ) -> Result<RouteState, PortError> {
        // What another release calls its state is not known here: its version alone tells.
        let is_free = "(attribute_not_exists(#version) OR #version = :version) AND \
             (attribute_not_exists(#holder) OR #leaseExpires <= :now OR #holder = :holder)";
        let request = self.update(lease).update_expression(
            "SET #holder = :holder, #leaseExpires = :leaseExpires, \
                 #version = if_not_exists(#version, :version)",
        );
        let request = request
            .condition_expression(is_free)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = request.expression_attribute_values(":now", number(now.as_millisecond()));
        let answer = request.send().await;
        let answer = answer.map_err(|error| write_error(UPDATE, &error))?;
        match answer.attributes() {
            Some(item) if item.contains_key("state") => {
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
        let item = timed(schedule_of(route), "dueAt", at);
        self.table.put(item).await
    }
}

#[async_trait]
impl NotificationLog for ComplianceTable {
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        self.table.time(sent(notice), "sentAt").await
    }

    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        let mut item = timed(sent(notice), "sentAt", now);
        item.insert("expires".to_owned(), days_after(now, SENT_DAYS));
        self.table.put(item).await
    }
}
