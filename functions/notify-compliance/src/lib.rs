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

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::policy::CompliancePolicy;
use banto_domain::{AccountId, QueueUrl};
use banto_lambda::event::{Delivery, Invoked, Record, Subscription};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::{ComparedUpTo, Notice, QueueMessage};
use banto_ports::{Delayed, ErrorKind, PortError};
use jiff::SignedDuration;

pub mod accounts;
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

use deliver::Next;
use delivery_queue::DeliveryQueue;
use event::{Item, Observation, Scope, Trigger};
use relay::Relay;
use report::Outcome;
use work::Work;

/// Least time in which a message of the queue is taken up: one call of AWS's SDK with all its
/// attempts takes 25 s. What takes longer looks at the time itself, or comes again by the queue.
const MESSAGE_TIME: Duration = Duration::from_secs(30);

/// Time after which what could not be done for now is tried again: AWS's throttling and most
/// outages of seconds are over by then.
const POSTPONED_FOR: Duration = Duration::from_secs(60);

/// Time of an invocation in which comparisons of accounts are begun. They share a queue with events,
/// and one that is urgent is told within two minutes: it can't wait for a batch of accounts.
const COMPARING_FOR: SignedDuration = SignedDuration::from_secs(20);

/// How often a delivery looks again within one invocation, after it had findings moved to other
/// routes. Each look may move some 2,000.
const RECHECKS: usize = 20;

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
    /// queue. One that has to wait is sent anew. An invocation without records fails as a whole:
    /// its caller is told, and AWS repeats it if nobody waits for the answer.
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
        let mut received = BTreeMap::new();
        for record in records {
            let trigger = self.trigger_of(record.payload, &record.delivery);
            let body = record.body;
            let group = record.delivery.group;
            received.insert(record.id.clone(), (body, group));
            match trigger {
                Ok(Trigger::Item(item)) => work.add(&record.id, vec![item]),
                Ok(Trigger::Items(items)) => work.add(&record.id, items),
                Ok(trigger) => {
                    if let Err(error) = self.handle_trigger(trigger, invocation).await {
                        outcome.fail(&record.id, error.error);
                    }
                }
                Err(error) => outcome.fail(&record.id, error),
            }
        }
        let held_up = self.handle_work(work, &mut outcome, invocation).await;
        self.postpone(&held_up, &received, &mut outcome).await;
        outcome.batch_response()
    }

    /// Returns what a record asks for, if its queue may bring that. Only the queue of deliveries,
    /// which none but Banto's functions write to, brings everything.
    fn trigger_of(
        &self,
        payload: Result<Trigger, String>,
        delivery: &Delivery,
    ) -> anyhow::Result<Trigger> {
        let trigger = payload.map_err(|error| anyhow::anyhow!(error))?;
        let received = delivery.received.as_ref();
        if received.is_some_and(|received| is_same(&received.queue, &self.policy.deliveries)) {
            return Ok(trigger);
        }
        Ok(trigger.taken_from_events_queue()?)
    }

    async fn handle_trigger(
        &self,
        trigger: Trigger,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match trigger {
            Trigger::Item(item) => self.handle_items(vec![item], invocation).await,
            Trigger::Items(items) => self.handle_items(items, invocation).await,
            Trigger::FanOut(scope) => self.fan_out(scope, invocation).await,
            Trigger::DryRun {
                observations,
                scope,
            } => self.dry_run(observations, scope, invocation).await,
        }
    }

    async fn handle_items(
        &self,
        items: Vec<Item>,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let (mut work, mut outcome) = (Work::default(), Outcome::default());
        work.add("request", items);
        for record in self.handle_work(work, &mut outcome, invocation).await {
            outcome.fail(&record, anyhow::anyhow!("AWS can't take it in for now"));
        }
        outcome.direct_response()
    }

    /// Observations are ingested together, and before the deliveries, which then tell them too. The
    /// comparison of an account may take minutes, and comes last. Returns the records that have to
    /// wait.
    async fn handle_work(
        &self,
        work: Work,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> BTreeSet<String> {
        let (ports, policy) = (&self.ingest_ports, &self.policy);
        let ingested = ingest::ingest(ports, policy, work.observations, invocation).await;
        let now = self.delivery_queue.clock.now();
        let held_up = outcome.fail_observations(&work.brought_by, &ingested, now);
        outcome.ingested.add(ingested);
        self.handle_messages(work.deliveries, outcome, invocation)
            .await;
        for (record, subscription) in &work.subscriptions {
            if let Err(error) = self.tell_of(subscription, outcome, invocation).await {
                outcome.fail(record, error);
            }
        }
        self.handle_messages(work.other_messages, outcome, invocation)
            .await;
        held_up
    }

    /// Sends records anew that could not be taken in for now: that must not make them dead letters.
    async fn postpone(
        &self,
        records: &BTreeSet<String>,
        received: &BTreeMap<String, (String, Option<String>)>,
        outcome: &mut Outcome,
    ) {
        let mut again = Vec::new();
        for record in records {
            let (body, group) = received.get(record).cloned().unwrap_or_default();
            again.push(Delayed {
                body,
                delay: POSTPONED_FOR,
                group,
            });
        }
        if again.is_empty() {
            return;
        }
        match self.delivery_queue.send_events_again(&again).await {
            Ok(()) => outcome.postponed += again.len(),
            Err(error) => {
                for record in records {
                    outcome.fail(record, error.clone().into());
                }
            }
        }
    }

    /// Handles messages of our own. Comparisons that are not begun in time are sent anew, behind the
    /// events that came meanwhile.
    async fn handle_messages(
        &self,
        messages: Vec<(String, QueueMessage)>,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) {
        let clock = &self.delivery_queue.clock;
        let until = clock.now() + COMPARING_FOR;
        let mut late = BTreeMap::new();
        for (record, message) in messages {
            if matches!(message, QueueMessage::Reconcile { .. }) && clock.now() >= until {
                late.insert(record, message);
            } else if let Err(error) = self.handle_message(message, outcome, invocation).await {
                outcome.fail(&record, error);
            }
        }
        let messages: Vec<QueueMessage> = late.values().cloned().collect();
        if let Err(error) = self.delivery_queue.send(&messages, Duration::ZERO).await {
            for record in late.keys() {
                outcome.fail(record, error.clone().into());
            }
        }
    }

    /// Handles a message of our own. Without the time for it, or while AWS throttles or is away, the
    /// message is sent anew rather than given back: given back, it would be hidden for longer than
    /// what is urgent can wait. After some times it is given back after all, and becomes a dead
    /// letter.
    async fn handle_message(
        &self,
        message: QueueMessage,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        if !invocation.has_time_for(MESSAGE_TIME) {
            return Ok(self.send_again(&message, Duration::ZERO).await?);
        }
        let handled = match &message {
            QueueMessage::Deliver { route, .. } => {
                self.deliver_on(route, outcome, invocation).await
            }
            QueueMessage::Remind { route } => self.remind_on(route, outcome, invocation).await,
            QueueMessage::Reconcile { account, after, .. } => {
                self.reconcile_account(account, after.clone(), outcome, invocation)
                    .await
            }
            QueueMessage::RelayNotice { notice } => {
                self.relay_notice(notice, outcome, invocation).await
            }
        };
        match handled {
            Err(error) if passes(&error) => match message.tried_again() {
                Some(message) => {
                    tracing::warn!(error = format!("{error:#}"), "message is tried again later");
                    outcome.postponed += 1;
                    Ok(self.send_again(&message, POSTPONED_FOR).await?)
                }
                None => Err(error),
            },
            handled => handled,
        }
    }

    async fn send_again(&self, message: &QueueMessage, delay: Duration) -> Result<(), PortError> {
        let messages = std::slice::from_ref(message);
        self.delivery_queue.send(messages, delay).await
    }

    async fn deliver_on(
        &self,
        route: &str,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let (ports, policy) = (&self.deliver_ports, &self.policy);
        let mut again = SignedDuration::ZERO;
        for _ in 0..RECHECKS {
            let delivered = &mut outcome.delivered;
            match deliver::deliver(ports, policy, route, delivered, invocation).await? {
                Next::Done => return Ok(()),
                Next::Again(after) => {
                    again = after;
                    break;
                }
                Next::Recheck(findings) => {
                    let ports = &self.ingest_ports;
                    let moved = ingest::recheck(ports, policy, findings, invocation).await?;
                    let (saved, failed) = (moved.saved, moved.failed.len());
                    outcome.ingested.add(moved);
                    anyhow::ensure!(failed == 0, "{failed} findings could not be moved");
                    if saved == 0 {
                        again = SignedDuration::try_from(POSTPONED_FOR)?;
                        break;
                    }
                }
            }
        }
        let again = BTreeMap::from([(route.to_owned(), again)]);
        Ok(self.delivery_queue.queue_deliveries(&again).await?)
    }

    async fn remind_on(
        &self,
        route: &str,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let (ports, policy) = (&self.deliver_ports, &self.policy);
        let delivered = &mut outcome.delivered;
        match deliver::remind::remind(ports, policy, route, delivered, invocation).await? {
            Next::Again(after) => {
                let message = QueueMessage::Remind {
                    route: route.to_owned(),
                };
                Ok(self.send_again(&message, after.unsigned_abs()).await?)
            }
            Next::Done | Next::Recheck(_) => Ok(()),
        }
    }

    async fn reconcile_account(
        &self,
        account: &AccountId,
        after: Option<ComparedUpTo>,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let (ports, policy) = (&self.ingest_ports, &self.policy);
        let compared =
            ingest::reconcile::compare_account(ports, policy, account, after, invocation).await?;
        let failed = compared.ingested.failed.len();
        let held_up = compared.ingested.held_up.len();
        outcome.ingested.add(compared.ingested);
        // What failed must not keep the rest of the account from being compared.
        if held_up > 0 || compared.again.is_some() {
            let message = QueueMessage::Reconcile {
                account: account.clone(),
                after: compared.again,
                attempts: 0,
            };
            let delay = if held_up > 0 {
                POSTPONED_FOR
            } else {
                Duration::ZERO
            };
            self.send_again(&message, delay).await?;
        } else {
            outcome.reconciled += 1;
        }
        anyhow::ensure!(failed == 0, "{failed} findings were not taken in");
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

    /// A queue that is not subscribed yet hears nothing, so that people are told to confirm it.
    async fn tell_of(
        &self,
        subscription: &Subscription,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        match notices::subscription(subscription) {
            Some(notice) => self.relay_notice(&notice, outcome, invocation).await,
            None => Ok(()),
        }
    }

    /// Queues the daily comparison of accounts, and a delivery and the reminders on every route. The
    /// schedule, which is about all accounts, also warns of waivers that end.
    async fn fan_out(
        &self,
        scope: Scope,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let (ports, policy) = (&self.ingest_ports, &self.policy);
        let is_of_all = scope == Scope::AllAccounts;
        let accounts = ingest::reconcile::fan_out(ports, policy, scope)
            .await
            .map_err(|error| InvocationError::new("FanOutFailed", error))?;
        if is_of_all && policy.enabled {
            waivers::warn(&self.relay, &policy.findings.waivers, invocation).await;
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

/// True if two addresses are of one queue. The policy's may lead to this machine, and then has no
/// region; that of a record is made of the queue's ARN, and always has one.
fn is_same(received: &QueueUrl, named: &QueueUrl) -> bool {
    let is_there = named.region().is_none() || named.region() == received.region();
    is_there && (named.account(), named.name()) == (received.account(), received.name())
}

/// True if an error is likely to be over in a while: AWS asks for patience, does not answer, or
/// another run was first.
fn passes(error: &anyhow::Error) -> bool {
    let port = error.downcast_ref::<PortError>();
    port.is_some_and(|error| {
        matches!(
            error.kind,
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Conflict
        )
    })
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
