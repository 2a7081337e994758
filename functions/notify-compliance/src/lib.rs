//! Tells the right people about noncompliance: once, in words that they can act on.
//!
//! A change travels through two halves, with one table between them. [`ingest`] decides what an
//! observation of AWS Config changes, and saves it together with an entry in the outbox of each
//! route that fits. [`deliver`] decides which messages a route's outbox becomes, and sends them at
//! the channel's pace. Beside them, [`waivers`] warns of waivers that end, and [`relay`] sends the
//! notices of other functions.
//!
//! Deliberately absent: AWS SDK types, and any memory beside the table but that of accounts.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::event::{Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::{Notice, QueueMessage};
use jiff::SignedDuration;

pub mod deliver;
pub mod event;
pub mod ingest;
pub mod notices;
pub mod relay;
mod report;
mod resource_names;
pub mod schedule;
pub mod waivers;
mod work;

use event::{Observation, Trigger};
use relay::Relay;
use report::Outcome;
use schedule::Scheduler;
use work::Work;

/// Least time in which a message is begun: one call of AWS's SDK with all its attempts takes 25 s.
/// What takes longer looks at the time itself, or comes again by the queue.
const MESSAGE_TIME: Duration = Duration::from_secs(30);

/// Longest delay of a delivery: SQS delays a message by 15 minutes at most, and the scheduler adds
/// a second. A route that rests for longer is looked at again in between.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(14);

/// The function, made once, before the first event.
pub struct Notifier {
    pub policy: CompliancePolicy,
    pub ingest: ingest::Ports,
    pub deliver: deliver::Ports,
    pub relay: Relay,
    pub scheduler: Scheduler,
}

impl Notifier {
    /// Handles one event, from its bytes to the answer.
    ///
    /// A record of SQS that fails goes back to the queue alone, and in the end to the dead letter
    /// queue. An invocation without records fails as a whole, and AWS repeats it.
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
        for Record { id, payload } in records {
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
            Trigger::Reconcile(accounts) => self.fan_out(accounts, invocation).await,
            Trigger::DryRun {
                observations,
                accounts,
            } => self.dry_run(observations, accounts, invocation).await,
        }
    }

    /// Messages first, then all observations together, then each route once.
    async fn handle_work(&self, work: Work, outcome: &mut Outcome, invocation: &Invocation) {
        for (id, message) in work.messages {
            if let Err(error) = self.handle_message(message, outcome, invocation).await {
                outcome.fail(&id, error);
            }
        }
        let observations: Vec<Observation> = work
            .observations
            .iter()
            .map(|(_, observation)| observation.clone())
            .collect();
        let ingested = ingest::ingest(&self.ingest, &self.policy, observations).await;
        outcome.fail_observations(&work.observations, &ingested);
        outcome.ingested.add(ingested);
        for (route, id) in work.deliveries {
            let message = QueueMessage::Deliver { route };
            if let Err(error) = self.handle_message(message, outcome, invocation).await {
                outcome.fail(&id, error);
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
            return Ok(self.scheduler.requeue(&message).await?);
        }
        match message {
            QueueMessage::Deliver { route } => self.deliver(&route, outcome, invocation).await,
            QueueMessage::Reconcile { account } => self.reconcile(&account, outcome).await,
            QueueMessage::RelayNotice { notice } => self.relay(&notice, outcome, invocation).await,
        }
    }

    async fn deliver(
        &self,
        route: &str,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let delivered = deliver::deliver(&self.deliver, &self.policy, route, invocation).await?;
        let again = delivered.again;
        outcome.delivered.add(delivered);
        if let Some(after) = again {
            self.scheduler
                .schedule(&[route.to_owned()].into(), after.min(LONGEST_DELAY))
                .await?;
        }
        Ok(())
    }

    async fn reconcile(&self, account: &AccountId, outcome: &mut Outcome) -> anyhow::Result<()> {
        let observations = ingest::reconcile::observations_of(&self.ingest, account).await?;
        outcome.reconciled += 1;
        let ingested = ingest::ingest(&self.ingest, &self.policy, observations).await;
        let failed = ingested.failed.len();
        outcome.ingested.add(ingested);
        anyhow::ensure!(failed == 0, "{failed} findings were not saved");
        Ok(())
    }

    async fn relay(
        &self,
        notice: &Notice,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        self.relay.relay(notice, invocation).await?;
        outcome.relayed += 1;
        Ok(())
    }

    /// Queues the daily comparison of accounts, and delivers what may wait on any route. The
    /// schedule, which names no account, also warns of waivers that end.
    async fn fan_out(
        &self,
        accounts: Option<BTreeSet<AccountId>>,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let is_scheduled = accounts.is_none();
        let queued = ingest::reconcile::fan_out(&self.ingest, &self.policy, accounts)
            .await
            .map_err(|error| InvocationError::new("FanOutFailed", error))?;
        if is_scheduled {
            waivers::warn(&self.relay, &self.policy.waivers, invocation).await;
        }
        Ok(report::fan_out_response(queued))
    }

    async fn dry_run(
        &self,
        observations: Vec<Observation>,
        accounts: Option<BTreeSet<AccountId>>,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let dry_run = ingest::dry_run(
            &self.ingest,
            &self.policy,
            observations,
            accounts,
            invocation,
        )
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
