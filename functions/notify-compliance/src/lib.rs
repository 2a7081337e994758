//! Tells the right people about noncompliance: once, in words that they can act on.
//!
//! A change travels through two halves, with one table between them. [`ingest`] decides what an
//! observation of AWS Config changes, and saves it together with an entry in the outbox of each
//! route that fits. [`deliver`] decides which messages a route's outbox becomes, and sends them at
//! the channel's pace. Beside them, [`waivers`] warns of waivers that end, and [`relay`] sends the
//! notices of other functions.
//!
//! Deliberately absent: AWS SDK types. The process remembers accounts and secrets between
//! invocations; all else is in the table.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::event::{Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::{Notice, QueueMessage};

mod delays;
pub mod deliver;
pub mod delivery_queue;
pub mod event;
pub mod ingest;
pub mod notices;
pub mod relay;
mod report;
mod resource_names;
pub mod waivers;
mod work;

use delivery_queue::DeliveryQueue;
use event::{Observation, Scope, Trigger};
use relay::Relay;
use report::Outcome;
use work::Work;

/// Least time in which a message of the queue is taken up: one call of AWS's SDK with all its
/// attempts takes 25 s. What takes longer looks at the time itself, or comes again by the queue.
const MESSAGE_TIME: Duration = Duration::from_secs(30);

/// The function, made once, before the first event.
pub struct Notifier {
    pub policy: CompliancePolicy,
    pub ingest_ports: ingest::ports::Ports,
    pub deliver_ports: deliver::ports::Ports,
    pub relay: Relay,
    pub delivery_queue: DeliveryQueue,
}

impl Notifier {
    /// Handles one event, from its bytes to the answer.
    ///
    /// A record of SQS that fails goes back to the queue alone, and in the end to the dead letter
    /// queue. An invocation without records fails as a whole: its caller is told, and AWS repeats
    /// it if nobody waits for the answer.
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

    /// Divides a batch between the halves.
    async fn handle_batch(
        &self,
        records: Vec<Record<Trigger>>,
        invocation: &Invocation,
    ) -> Response {
        let (mut work, mut outcome) = (Work::default(), Outcome::default());
        for Record { id, payload, .. } in records {
            match payload {
                Ok(Trigger::Items(items)) => work.add(&id, items),
                Ok(trigger) => {
                    if let Err(error) = self.handle_trigger(trigger, invocation).await {
                        outcome.fail(&id, error.error);
                    }
                }
                Err(error) => outcome.fail(&id, anyhow::anyhow!(error)),
            }
        }
        self.handle_work(work, &mut outcome, invocation).await;
        outcome.batch_response()
    }

    async fn handle_trigger(
        &self,
        trigger: Trigger,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match trigger {
            Trigger::Items(items) => {
                let (mut work, mut outcome) = (Work::default(), Outcome::default());
                work.add("request", items);
                self.handle_work(work, &mut outcome, invocation).await;
                outcome.direct_response()
            }
            Trigger::FanOut(scope) => self.fan_out(scope, invocation).await,
            Trigger::DryRun {
                observations,
                scope,
            } => self.dry_run(observations, scope, invocation).await,
        }
    }

    /// Observations are ingested together, and before the deliveries, which then tell them too.
    async fn handle_work(&self, work: Work, outcome: &mut Outcome, invocation: &Invocation) {
        let observed = work.observed();
        self.handle_messages(work.other_messages, outcome, invocation)
            .await;
        let ingested = ingest::ingest(&self.ingest_ports, &self.policy, observed).await;
        outcome.fail_observations(&work.observations, &ingested);
        outcome.ingested.add(ingested);
        self.handle_messages(work.deliveries, outcome, invocation)
            .await;
    }

    async fn handle_messages(
        &self,
        messages: Vec<(String, QueueMessage)>,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) {
        for (record, message) in messages {
            if let Err(error) = self.handle_message(message, outcome, invocation).await {
                outcome.fail(&record, error);
            }
        }
    }

    /// Handles a message of our own. Without the time for it, the message is sent anew rather than
    /// given back: that it was not tried must not make it a dead letter.
    async fn handle_message(
        &self,
        message: QueueMessage,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        if !invocation.has_time_for(MESSAGE_TIME) {
            return Ok(self.delivery_queue.requeue(&message).await?);
        }
        match message {
            QueueMessage::Deliver { route } => self.deliver_on(&route, outcome, invocation).await,
            QueueMessage::Reconcile { account } => self.reconcile_account(&account, outcome).await,
            QueueMessage::RelayNotice { notice } => {
                self.relay_notice(&notice, outcome, invocation).await
            }
        }
    }

    async fn deliver_on(
        &self,
        route: &str,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let (ports, policy) = (&self.deliver_ports, &self.policy);
        let delivered = &mut outcome.delivered;
        if let Some(after) = deliver::deliver(ports, policy, route, delivered, invocation).await? {
            self.delivery_queue
                .queue_deliveries(&[route.to_owned()].into(), after)
                .await?;
        }
        Ok(())
    }

    async fn reconcile_account(
        &self,
        account: &AccountId,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let observations = ingest::reconcile::observations_of(&self.ingest_ports, account).await?;
        let ingested = ingest::ingest(&self.ingest_ports, &self.policy, observations).await;
        let failed = ingested.failed.len();
        outcome.ingested.add(ingested);
        anyhow::ensure!(failed == 0, "{failed} findings were not taken in");
        outcome.reconciled += 1;
        Ok(())
    }

    async fn relay_notice(
        &self,
        notice: &Notice,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        self.relay.relay(notice, invocation).await?;
        outcome.relayed += 1;
        Ok(())
    }

    /// Queues the daily comparison of accounts, and a delivery on every route, where something may
    /// wait. The schedule, which is about all accounts, also warns of waivers that end.
    async fn fan_out(
        &self,
        scope: Scope,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let (ports, policy) = (&self.ingest_ports, &self.policy);
        let is_of_all = scope == Scope::AllAccounts;
        let accounts = ingest::reconcile::queue_comparisons_and_deliveries(ports, policy, scope)
            .await
            .map_err(|error| InvocationError::new("FanOutFailed", error))?;
        if is_of_all {
            waivers::warn(&self.relay, &policy.waivers, invocation).await;
        }
        Ok(report::fan_out_response(accounts))
    }

    async fn dry_run(
        &self,
        observations: Vec<Observation>,
        scope: Scope,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let (ports, policy) = (&self.ingest_ports, &self.policy);
        let dry_run = ingest::dry_run(ports, policy, observations, scope, invocation)
            .await
            .map_err(|error| InvocationError::new("DryRunFailed", error))?;
        Ok(report::dry_run_response(&dry_run))
    }
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
