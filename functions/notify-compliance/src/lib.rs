//! Tells the right people about noncompliance: once, in words that they can act on.
//!
//! A change goes two ways through one table. *In*: [`event`] decodes, [`observe`] looks into a snapshot,
//! [`plan`](mod@plan) decides what is news and for which routes, [`check`] looks a second time, and [`intake`]
//! notes the change together with an entry in each route's outbox, all or nothing. *Out*: a message to come has
//! the route told ([`telling`]): [`letters`](mod@letters) decides which messages the outbox becomes, [`send`]
//! sends them at the channel's pace. [`reconcile`] compares with AWS Config's aggregator each day. The promises
//! N1 to N5 are in `docs/ARCHITECTURE.md`.
//!
//! Deliberately absent: AWS SDK types, and any memory beside the table, names of accounts apart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::CompliancePolicy;
use banto_lambda::event::{Invoked, Record, Subscription};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_notice::{Notice, NoticeSender, QueueMessage};
use banto_ports::{Aggregator, Clock, Delayed, Ledger, Organization, PortError, Queue};
use jiff::SignedDuration;
use serde_json::json;

pub mod check;
pub mod event;
pub mod intake;
pub mod letters;
pub mod observe;
pub mod plan;
pub mod reconcile;
mod report;
pub mod send;
pub mod telling;
pub mod words;

use event::{Body, Observation, Trigger};
use observe::Remembered;
use report::Outcome;
use send::RouteSender;

/// What taking a batch in, or comparing an account, may take.
const RECORD_TIME: Duration = Duration::from_secs(30);

/// For how long a notice is not said again: longer than SQS keeps a message. An account may be ready twice in its
/// life.
const SAID: SignedDuration = SignedDuration::from_hours(24 * 15);

/// The function: made once, before the first event.
pub struct Notifier {
    /// What `banto.toml` says.
    pub policy: CompliancePolicy,
    /// What is known and was said.
    pub ledger: Arc<dyn Ledger>,
    /// The accounts of the Organization.
    pub organization: Arc<dyn Organization>,
    /// What AWS Config knows of all of them.
    pub aggregator: Arc<dyn Aggregator>,
    /// The queue that events come by.
    pub queue: Arc<dyn Queue>,
    /// The ways to people.
    pub route_sender: RouteSender,
    /// The way to operators, and that of other functions' notices.
    pub notice_sender: NoticeSender,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Accounts that were looked up.
    pub remembered: Remembered,
}

impl Notifier {
    /// Handles one event, from its bytes to the answer.
    ///
    /// A record of SQS that can't be seen to goes back alone, and in the end to the dead letter queue. An
    /// invocation without records fails as a whole, and AWS calls it again.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(records) => {
                let outcome = self.batch(records, invocation).await;
                let metrics = outcome.metrics();
                Ok(Response::of_batch(outcome.back, metrics))
            }
            Invoked::Direct(trigger) => self.direct(trigger, invocation).await,
        }
    }

    async fn direct(
        &self,
        trigger: Trigger,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match trigger {
            Trigger::Bodies(bodies) => self.bodies(bodies, invocation).await,
            Trigger::Reconcile(accounts) => {
                let everybody = accounts.is_none();
                let sent = self
                    .reconcile_all(accounts)
                    .await
                    .map_err(|error| InvocationError::new("NotReconciled", error))?;
                if everybody {
                    self.announce_waivers(invocation).await;
                }
                Ok(Response {
                    body: json!({ "queued": sent }),
                    metrics: Metrics::default(),
                })
            }
            Trigger::Rehearsal {
                observations,
                accounts,
            } => self.rehearse(observations, accounts, invocation).await,
        }
    }

    /// Sees to records: observations together, everything else one by one.
    async fn batch(&self, records: Vec<Record<Trigger>>, invocation: &Invocation) -> Outcome {
        let mut outcome = Outcome::default();
        let (mut observed, mut routes) = (Vec::new(), Vec::new());
        for Record { id, payload } in records {
            let bodies = match payload {
                Ok(Trigger::Bodies(bodies)) => bodies,
                Ok(trigger @ (Trigger::Reconcile(_) | Trigger::Rehearsal { .. })) => {
                    match self.direct(trigger, invocation).await {
                        Ok(answer) => {
                            tracing::info!(message = id, answer = %answer.body, "a record is done")
                        }
                        Err(error) => outcome.goes_back(&id, &error),
                    }
                    continue;
                }
                Err(error) => {
                    tracing::error!(message = id, error, "a record can't be read");
                    outcome.back.insert(id);
                    continue;
                }
            };
            for body in bodies {
                match body {
                    Body::Observation(observation) => observed.push((id.clone(), observation)),
                    // Of several messages on one route, one does for all.
                    Body::Message(QueueMessage::Tell { route }) => routes.push((id.clone(), route)),
                    Body::Message(message) => {
                        if let Err(error) = self.see_to(message, &mut outcome, invocation).await {
                            outcome.goes_back(&id, &error);
                        }
                    }
                    Body::Subscription(subscription) => pass_over(&subscription),
                    Body::Nothing => {}
                }
            }
        }
        if !observed.is_empty() {
            let observations = observed
                .iter()
                .map(|(_, observation)| observation.clone())
                .collect();
            outcome.taken.add(self.take_in(observations).await);
            let failed = observed
                .into_iter()
                .filter(|(_, seen)| outcome.taken.failed.contains(&seen.key));
            outcome.back.extend(failed.map(|(id, _)| id));
        }
        let mut told = BTreeSet::new();
        for (id, route) in routes {
            if told.insert(route.clone())
                && let Err(error) = self
                    .see_to(QueueMessage::Tell { route }, &mut outcome, invocation)
                    .await
            {
                outcome.goes_back(&id, &error);
            }
        }
        outcome
    }

    async fn bodies(
        &self,
        bodies: Vec<Body>,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let mut outcome = Outcome::default();
        let mut observations = Vec::new();
        for body in bodies {
            match body {
                Body::Observation(observation) => observations.push(observation),
                Body::Message(message) => {
                    let seen = self.see_to(message, &mut outcome, invocation).await;
                    seen.map_err(|error| InvocationError::new("NotDone", error))?;
                }
                Body::Subscription(subscription) => pass_over(&subscription),
                Body::Nothing => {}
            }
        }
        outcome.taken.add(self.take_in(observations).await);
        if !outcome.taken.failed.is_empty() {
            let error = anyhow::anyhow!("{} findings were not noted", outcome.taken.failed.len());
            return Err(InvocationError::new("NotNoted", error));
        }
        Ok(Response {
            body: outcome.direct_response(),
            metrics: outcome.metrics(),
        })
    }

    /// Sees to a message of our own.
    async fn see_to(
        &self,
        message: QueueMessage,
        outcome: &mut Outcome,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        if !invocation.has_time_for(RECORD_TIME) {
            // Sent anew rather than given back: that it was not tried must not make it a dead letter.
            return Ok(self
                .queue
                .send(&[Delayed {
                    body: message.body(),
                    delay: Duration::ZERO,
                }])
                .await?);
        }
        match message {
            QueueMessage::Tell { route } => {
                let telling = self.tell(&route, invocation).await?;
                let again = telling.again;
                outcome.told.add(telling);
                if let Some(after) = again {
                    // SQS delays a message by 15 minutes at the most; it then asks again.
                    let after = after.min(SignedDuration::from_mins(14));
                    self.announce(&[route].into(), after).await?;
                }
            }
            QueueMessage::Reconcile { account } => {
                let observations = self.compared(&account).await?;
                outcome.compared += 1;
                let taken = self.take_in(observations).await;
                let failed = taken.failed.len();
                outcome.taken.add(taken);
                anyhow::ensure!(failed == 0, "{failed} findings were not noted");
            }
            QueueMessage::Notice { notice } => {
                self.carry(&notice, invocation).await?;
                outcome.notices += 1;
            }
        }
        Ok(())
    }

    /// Carries a notice to its audience, unless it was carried lately.
    pub(crate) async fn carry(
        &self,
        notice: &Notice,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        let said = self.ledger.said_at(&notice.id).await?;
        if said.is_none_or(|at| self.clock.now().duration_since(at) > SAID) {
            self.notice_sender
                .send(notice, invocation.remaining())
                .await?;
            self.ledger.note_said(&notice.id, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Plans, and changes nothing.
    async fn rehearse(
        &self,
        mut observations: Vec<Observation>,
        accounts: Option<BTreeSet<banto_domain::AccountId>>,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let failed = |error: PortError| InvocationError::new("NotPlanned", error);
        let accounts = match accounts {
            Some(accounts) => accounts,
            None => self.active_accounts().await.map_err(failed)?,
        };
        let mut left = Vec::new();
        for account in accounts {
            if invocation.has_time_for(RECORD_TIME) {
                observations.extend(self.compared(&account).await.map_err(failed)?);
            } else {
                left.push(account);
            }
        }
        let snapshot = self.observe(&observations).await.map_err(failed)?;
        let plan = plan::plan(&observations, &snapshot, &self.policy, self.clock.now());
        let response = json!({ "dryRun": true, "plan": report::plan_json(&plan), "left": left });
        Ok(Response {
            body: response,
            metrics: Metrics::default(),
        })
    }
}

/// Nothing is to be done about a subscription but to say that somebody should look at it.
fn pass_over(subscription: &Subscription) {
    tracing::warn!(
        topic = subscription.topic,
        kind = subscription.kind,
        "{subscription}"
    );
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
