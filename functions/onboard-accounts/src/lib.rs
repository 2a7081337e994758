//! Brings every account of the Organization to its baseline (AWS Config, roles, settings) and keeps
//! it there.
//!
//! One function, both sides of one queue, a folder each. [`fan_out`]: an event, the schedule or a
//! request becomes messages, one for each account. [`converge`]: a message's account is brought to
//! its baseline. Each folder is the way of an event, a file each: observe, plan, check, apply,
//! report, notices; [`event`] decodes for both. [`desired`] says what the baseline is in AWS's
//! terms, [`template`] renders it for the StackSet. The promises O1 to O5 are in
//! `docs/SEMANTICS.md`.
//!
//! Deliberately absent: AWS SDK types, and any wait: an account that is not ready goes back to the
//! queue.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use anyhow::anyhow;
use banto_domain::policy::OnboardingPolicy;
use banto_lambda::event::{Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Response};
use serde_json::json;

mod batch;
pub mod converge;
pub mod desired;
mod dry_run;
pub mod event;
pub mod fan_out;
pub mod message;
pub mod template;

use batch::Batch;
use dry_run::DryRun;
use event::{FanOutRequest, Trigger};
use fan_out::report::response;
use message::Message;

/// The function: made once, before the first event.
pub struct Onboarder {
    pub policy: OnboardingPolicy,
    pub fan_out: fan_out::ports::Ports,
    pub converge: converge::ports::Ports,
}

impl Onboarder {
    /// Handles one event, from its bytes to the response.
    ///
    /// # Errors
    /// If the event is refused, or if Organizations or the queue can't be reached, so that nothing
    /// that was asked is lost. A failure that concerns one account or one record of SQS stops
    /// there.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(records) => Ok(self.handle_batch(records, invocation).await),
            Invoked::Direct(trigger) => self.handle_trigger(trigger, invocation).await,
        }
    }

    /// Handles anything but the messages of the queue, which are worked off together.
    async fn handle_trigger(
        &self,
        trigger: Trigger,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match trigger {
            Trigger::FanOut(request) if request.dry_run => self.dry_run(&request, invocation).await,
            Trigger::FanOut(request) => {
                fan_out::fan_out(&self.fan_out, &request, &self.policy).await
            }
            Trigger::CreationFailed(failed) => {
                fan_out::tell_creation_failed(&self.fan_out, &failed, invocation).await
            }
            Trigger::Nothing { reason } => Ok(response(json!({ "nothing": reason }))),
            // Outside a batch there is no queue that would give it out again if it failed.
            Trigger::Message(_) => Err(InvocationError::new(
                "UnknownEvent",
                anyhow!("a message of the queue can be handled only in a batch of SQS"),
            )),
        }
    }

    /// Plans the fan-out and its accounts, and ends after the check: the response has the plans of
    /// both halves.
    async fn dry_run(
        &self,
        request: &FanOutRequest,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let planned = fan_out::look_and_plan(&self.fan_out, request, &self.policy).await?;
        let requests = planned.plan.converge_requests().cloned().collect();
        let (accounts, stack_set_operations) =
            converge::dry_run(&self.converge, requests, &self.policy, invocation).await;
        let dry_run = DryRun {
            fan_out: planned,
            accounts,
            stack_set_operations,
        };
        dry_run.response()
    }

    /// Works off a batch of records. Whatever can't be finished goes back to the queue, record by
    /// record, and in the end to the dead letter queue.
    async fn handle_batch(
        &self,
        records: Vec<Record<Trigger>>,
        invocation: &Invocation,
    ) -> Response {
        let mut batch = Batch::default();
        for Record { id, payload, .. } in records {
            match payload {
                Ok(Trigger::Message(Message::Converge(request))) => {
                    if self.policy.enabled {
                        batch.add_request(id, request);
                    } else {
                        let account = &request.account.id;
                        tracing::warn!(message.id = id, account.id = %account, "message dropped: [onboarding] enabled is false");
                    }
                }
                Ok(Trigger::Message(Message::PublishDashboard)) => batch.publish.push(id),
                Ok(trigger) => {
                    let handled = self.handle_trigger(trigger, invocation).await;
                    batch.add_handled(id, handled);
                }
                Err(error) => {
                    tracing::error!(message.id = id, error, "message not read");
                    batch.comes_again.push(id);
                }
            }
        }
        self.converge_batch(&mut batch, invocation).await;
        self.publish_dashboard(&mut batch).await;
        batch.metrics.count("MessagesBack", batch.comes_again.len());
        Response::of_batch(batch.comes_again, batch.metrics)
    }

    /// Converges the accounts of a batch.
    async fn converge_batch(&self, batch: &mut Batch, invocation: &Invocation) {
        let (ports, policy) = (&self.converge, &self.policy);
        let requests = batch.requests();
        let (come_again, metrics) = converge::converge(ports, requests, policy, invocation).await;
        batch.metrics.add(metrics);
        batch.add_coming_again(come_again);
    }

    /// Publishes the dashboard once, however many messages of the batch ask for it.
    async fn publish_dashboard(&self, batch: &mut Batch) {
        if batch.publish.is_empty() {
            return;
        }
        if let Err(error) = converge::send::publish_dashboard(&self.converge).await {
            tracing::error!(%error, "dashboard not published; the messages that ask for it come again");
            batch.comes_again.append(&mut batch.publish);
        }
    }
}

impl std::fmt::Debug for Onboarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Onboarder")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
