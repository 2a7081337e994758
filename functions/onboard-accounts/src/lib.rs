//! Brings every account of the Organization to its baseline (AWS Config, roles, settings) and keeps
//! it there.
//!
//! One function, both sides of one queue, a folder each. [`fan_out`]: an event, the schedule or a
//! request becomes messages, one for each account. [`converge`]: a message's account is brought to
//! its baseline. [`revoke`]: a user's sessions end in every account. Each folder is the way of an
//! event, a file each: observe, plan, check, apply, report, notices; [`event`] decodes for all.
//! [`desired`] says what the baseline is in AWS's terms, [`template`] renders it for the StackSet.
//! The promises O1 to O5 are in `docs/SEMANTICS.md`.
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
use futures_util::future::join_all;
use serde_json::json;

mod batch;
pub mod converge;
pub mod desired;
pub mod dry_run;
pub mod event;
pub mod fan_out;
pub mod message;
pub mod revocation;
pub mod revoke;
pub mod template;

use batch::Batch;
use dry_run::DryRun;
use event::{FanOutRequest, Trigger};
use fan_out::report::response;
use message::{ConvergeRequest, Message};

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

    /// Handles an event that no queue would give out again if it failed: what must not be lost goes
    /// to the queue first.
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
            Trigger::Failed(failed) => {
                fan_out::send_to_queue(&self.fan_out, Message::Failed(failed)).await
            }
            Trigger::Revoke(asked) => revoke::ask(&self.converge, &asked, &self.policy).await,
            Trigger::Nothing { reason } => Ok(response(json!({ "nothing": reason }))),
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
        // Whoever holds the sessions does not wait: not for a notice of something else, nor for a
        // look at an account.
        let (urgent, others): (Vec<_>, Vec<_>) = records.into_iter().partition(is_urgent);
        for record in urgent {
            self.handle_record(&mut batch, record, invocation).await;
        }
        self.revoke_batch(&mut batch, invocation).await;
        for record in others {
            self.handle_record(&mut batch, record, invocation).await;
        }
        self.converge_batch(&mut batch, invocation).await;
        self.publish_dashboard(&mut batch).await;
        batch.metrics.count("MessagesBack", batch.comes_again.len());
        Response::of_batch(batch.comes_again, batch.metrics)
    }

    async fn handle_record(
        &self,
        batch: &mut Batch,
        record: Record<Trigger>,
        invocation: &Invocation,
    ) {
        let Record { id, payload, .. } = record;
        match payload {
            Ok(Trigger::Message(message)) => {
                self.handle_message(batch, id, message, invocation).await;
            }
            Ok(Trigger::Failed(failed)) => {
                let message = Message::Failed(failed);
                self.handle_message(batch, id, message, invocation).await;
            }
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

    /// Handles a message of the queue, or adds it to those that are worked off together.
    async fn handle_message(
        &self,
        batch: &mut Batch,
        id: String,
        message: Message,
        invocation: &Invocation,
    ) {
        match message {
            Message::Converge(request) => self.add_request(batch, id, request),
            Message::PublishDashboard => batch.publish.push(id),
            Message::Failed(failed) => {
                let told = fan_out::tell_failed(&self.fan_out, &failed, invocation).await;
                batch.add_handled(id, told);
            }
            Message::Find(request) => {
                let found = fan_out::find::find(&self.fan_out, request, &self.policy, invocation);
                match found.await {
                    Ok(Some(request)) => self.add_request(batch, id, request),
                    Ok(None) => {}
                    Err(error) => batch.add_handled(id, Err(error)),
                }
            }
            Message::Revoke(revocation) => {
                let (ports, policy) = (&self.converge, &self.policy);
                let revoked = revoke::revoke(ports, &revocation, policy, invocation).await;
                batch.add_handled(id, revoked);
            }
            Message::RevocationBegun(begun) => {
                let (ports, policy) = (&self.converge, &self.policy);
                let told = revoke::tell_begun(ports, &begun, policy, invocation).await;
                batch.add_handled(id, told);
            }
            Message::RevokeIn(request) => batch.revocations.push((id, request)),
        }
    }

    /// Adds a request to converge an account, unless the kill switch is off.
    fn add_request(&self, batch: &mut Batch, id: String, request: ConvergeRequest) {
        if self.policy.enabled {
            batch.add_request(id, request);
        } else {
            let account = &request.account.id;
            tracing::warn!(message.id = id, account.id = %account, "message dropped: [onboarding] enabled is false");
        }
    }

    /// Ends sessions in the accounts of a batch, in all of them at once: SQS hands over ten
    /// messages at most.
    async fn revoke_batch(&self, batch: &mut Batch, invocation: &Invocation) {
        let (ports, policy) = (&self.converge, &self.policy);
        let (mut ids, mut visits) = (Vec::new(), Vec::new());
        for (id, request) in std::mem::take(&mut batch.revocations) {
            ids.push(id);
            visits.push(revoke::visit(ports, request, policy, invocation));
        }
        let visits: Vec<_> = join_all(visits).await.into_iter().flatten().collect();
        if let Err(error) = revoke::report_visits(ports, &visits, policy, invocation).await {
            tracing::error!(%error, "next visits not asked for; the messages of these come again");
            batch.comes_again.append(&mut ids);
        }
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

/// True if a record ends sessions.
fn is_urgent(record: &Record<Trigger>) -> bool {
    matches!(
        &record.payload,
        Ok(Trigger::Revoke(_) | Trigger::Message(Message::Revoke(_) | Message::RevokeIn(_)))
    )
}

impl std::fmt::Debug for Onboarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Onboarder")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
