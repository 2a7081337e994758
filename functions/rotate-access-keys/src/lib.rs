//! Rotates developers' access keys, and seals each new key to its owner's OpenPGP certificate so
//! that nobody else ever sees it.
//!
//! The way of an event, a file each: [`event`] decodes it, [`contain`](mod@contain) ends what AWS
//! named as exposed, [`observe`](mod@observe) reads the world into a [`snapshot`],
//! [`plan`](mod@plan) decides, [`check`](mod@check) looks a second time,
//! [`apply`](mod@apply) acts, [`announce`](mod@announce) tells operators, [`report`] responds. The
//! promises are in `docs/SEMANTICS.md`, and a rotation's life is in `docs/rotation.md`.
//!
//! Deliberately absent: AWS SDK types, and any store besides IAM and one record per user.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::RotationPolicy;
use banto_domain::{AccountId, Breach};
use banto_lambda::event::{Delivery, Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_notice::NoticeSender;
use banto_ports::{Clock, ReceivedMessages};

pub mod announce;
pub mod apply;
pub mod check;
pub mod contain;
pub mod credential_report;
pub mod event;
pub mod job;
mod messages;
pub mod notices;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod ports;
mod record_writer;
pub mod report;
pub mod snapshot;
mod strangers;
pub mod trail_times;

use event::{Asked, Request, Scope, Trigger};
use job::Job;
use messages::End;
pub use messages::Told;
use outcome::{AccountOutcome, Failures, RunOutcome};
use plan::Plan;
use ports::{Account, Ports};
use snapshot::{Contained, NotObserved, Observed, Snapshot};

/// The `errorType` of a request about an account that the policy does not have or single out.
const UNKNOWN_ACCOUNT: &str = "UnknownAccount";

/// The function: made once, before the first event.
pub struct Rotator {
    pub policy: RotationPolicy,
    /// The identity accounts, in the policy's order; at least one.
    pub accounts: Vec<Account>,
    pub notice_sender: Arc<NoticeSender>,
    pub clock: Arc<dyn Clock>,
    /// The queue's messages, which come again when they must.
    pub messages: Arc<dyn ReceivedMessages>,
    /// The requests of which this process told operators.
    pub told: Told,
}

impl Rotator {
    /// Handles one event, from its bytes to the response.
    ///
    /// A failure of one user or one account keeps no other from being served, and is part of the
    /// report. A message of a queue fails alone, and comes again.
    ///
    /// # Errors
    /// If the event can't be read or names an unknown account, if no account could be observed, if
    /// a plan is refused, or if anything is not done of what was asked for by name.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(messages) => Ok(self.handle_batch(messages, invocation).await),
            Invoked::Direct(Trigger::Rotate(request)) => {
                let id = &invocation.request_id;
                let asked = messages::asked_by(&request, id, request.asked_at, self.clock.now());
                let run = self
                    .rotate(&request, &asked, Failures::Told, invocation)
                    .await?;
                match report::failure(&run) {
                    Some(error) => Err(error),
                    None => Ok(report::respond(&run)),
                }
            }
            Invoked::Direct(Trigger::Nothing { reason }) => Ok(report::respond_nothing(&reason)),
        }
    }

    /// Handles the messages of a queue, one after the other. Those that are not done come again.
    async fn handle_batch(
        &self,
        messages: Vec<Record<Trigger>>,
        invocation: &Invocation,
    ) -> Response {
        let mut back = Vec::new();
        let mut metrics = Metrics::default();
        for (number, message) in (1..).zip(messages) {
            let invocation = invocation.of_record(number);
            let handled = self
                .handle_message(&message, &mut metrics, &invocation)
                .await;
            if let Some(pause) = messages::pause(&message, handled, self.clock.now()) {
                self.hide(&message.delivery, pause).await;
                back.push(message.id);
            }
        }
        metrics.count("RecordsBack", back.len());
        Response::of_batch(back, metrics)
    }

    async fn handle_message(
        &self,
        message: &Record<Trigger>,
        metrics: &mut Metrics,
        invocation: &Invocation,
    ) -> Result<End, InvocationError> {
        let request = match &message.payload {
            Err(error) => return self.tell_unreadable(message, error, invocation).await,
            Ok(Trigger::Nothing { reason }) => {
                tracing::warn!(reason, "the message asks for nothing");
                return Ok(End::Done);
            }
            Ok(Trigger::Rotate(request)) => request,
        };
        let now = self.clock.now();
        let sent_at = message.delivery.sent_at;
        let asked = messages::asked_by(request, &message.id, sent_at, now);
        let failures = messages::failures_to_tell(&asked, &self.told, now);
        let run = match self.rotate(request, &asked, failures, invocation).await {
            // However often it comes again, the policy has no such account.
            Err(error) if error.kind == UNKNOWN_ACCOUNT => {
                let why = error.to_string();
                return self.tell_unreadable(message, &why, invocation).await;
            }
            run => run?,
        };
        metrics.add(report::metrics(&run));
        match report::failure(&run) {
            None => Ok(report::comes_again_at(&run).map_or(End::Done, End::LooksAgain)),
            Some(error) if error.kind == report::NO_SUCH_USER => Ok(End::Done),
            Some(error) => {
                let was_told = run.accounts.iter().all(|account| !account.untold);
                if failures == Failures::Told && was_told {
                    self.told.add(&asked.id, now);
                }
                Err(error)
            }
        }
    }

    /// Tells operators of a message that nobody can read. It would never be done, however often it
    /// comes again.
    async fn tell_unreadable(
        &self,
        message: &Record<Trigger>,
        error: &str,
        invocation: &Invocation,
    ) -> Result<End, InvocationError> {
        tracing::error!(message.id = message.id, error, "the message can't be read");
        let notice = notices::unreadable(&message.id, error);
        let sent = self
            .notice_sender
            .send(&notice, invocation.remaining())
            .await;
        match sent {
            Ok(_) => Ok(End::Done),
            Err(error) => Err(InvocationError::new("NobodyTold", error)),
        }
    }

    /// Hides the message. If that fails, the queue's own visibility timeout holds.
    async fn hide(&self, delivery: &Delivery, pause: Duration) {
        let Some(received) = &delivery.received else {
            return;
        };
        if let Err(error) = self.messages.hide(received, pause).await {
            tracing::warn!(%error, "the message's visibility could not be changed");
        }
    }

    async fn rotate(
        &self,
        request: &Request,
        asked: &Asked,
        failures: Failures,
        invocation: &Invocation,
    ) -> Result<RunOutcome, InvocationError> {
        let accounts = job::accounts_for(request, &self.accounts)
            .map_err(|error| InvocationError::new(UNKNOWN_ACCOUNT, error))?;
        let mut run = RunOutcome {
            accounts: Vec::new(),
            strangers: strangers::of_request(request, &self.policy, accounts.is_empty()),
            dry_run: request.dry_run,
            is_named: request.scope != Scope::Everyone,
        };
        for Account {
            identity,
            region,
            ports,
        } in accounts
        {
            let job = Job {
                identity,
                region,
                scope: &request.scope,
                policy: &self.policy,
                asked,
            };
            let mut outcome = rotate_account(ports, &job, request.dry_run, invocation).await;
            if !request.dry_run {
                let told = announce::announce(ports, &job, &outcome, failures, invocation).await;
                outcome.untold = !told;
            }
            run.accounts.push(outcome);
        }
        if !request.dry_run {
            let now = self.clock.now();
            let (sender, told) = (&self.notice_sender, &self.told);
            strangers::tell(sender, &run, asked, told, now, invocation).await?;
        }
        Ok(run)
    }
}

/// Rotates the keys of one account: the way of an event, step by step.
async fn rotate_account(
    ports: &Ports,
    job: &Job<'_>,
    dry_run: bool,
    invocation: &Invocation,
) -> AccountOutcome {
    let account = &job.identity.id;
    let now = ports.clock.now();
    // `plan` asks this too; asked here first, a run that only waits makes no call at all.
    if let Some(reason) = plan::reason_to_wait(job.policy, job.scope.mode(), now) {
        let mode = job.scope.mode();
        return AccountOutcome {
            mode,
            ..AccountOutcome::waits(plan::waiting(account, reason))
        };
    }
    // Keys that AWS named end before anything else is looked at.
    let contained = match job.scope.exposure() {
        Some(exposure) => contain::contain(ports, exposure, dry_run).await,
        None => Vec::new(),
    };
    let outcome = rotate_observed(ports, job, &contained, dry_run, invocation).await;
    AccountOutcome {
        mode: job.scope.mode(),
        contained,
        ..outcome
    }
}

async fn rotate_observed(
    ports: &Ports,
    job: &Job<'_>,
    contained: &[Contained],
    dry_run: bool,
    invocation: &Invocation,
) -> AccountOutcome {
    let account = &job.identity.id;
    let now = ports.clock.now();
    let observed = match observe::observe(ports, job, contained, invocation, now).await {
        Ok(observed) => observed,
        Err(error) => {
            tracing::error!(account.id = %account, %error, "the account could not be observed");
            return AccountOutcome::not_observed(account.clone(), error.to_string());
        }
    };
    log_not_observed(&observed);

    // Looking may have taken minutes, and the plan depends on ages and leases.
    let now = ports.clock.now();
    let plan = plan::plan(&observed.snapshot, job.policy, now);
    log_plan(&plan);

    let breaches = check::check(&observed.snapshot, &plan, job.policy, now);
    log_breaches(account, &breaches);
    if dry_run || !breaches.is_empty() {
        return AccountOutcome::checked(observed, plan, breaches);
    }

    let chains = apply::apply(ports, job, &observed, &plan, invocation).await;
    AccountOutcome::applied(observed, plan, chains)
}

fn log_not_observed(observed: &Observed) {
    let Snapshot {
        account,
        not_observed,
        ..
    } = &observed.snapshot;
    for NotObserved { subject, why } in not_observed {
        tracing::error!(account.id = %account, subject, error = why,
            "a user or an exposed key could not be observed");
    }
}

fn log_plan(plan: &Plan) {
    tracing::info!(account.id = %plan.account, chains = plan.chains.len(), findings = plan.findings.len(),
        waiting = plan.waiting.len(), plan = %plan.to_json(), "plan made");
}

fn log_breaches(account: &AccountId, breaches: &[Breach]) {
    if !breaches.is_empty() {
        tracing::error!(account.id = %account, breaches = Breach::join(breaches),
            "plan refused: it would break promises");
    }
}

impl std::fmt::Debug for Rotator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotator")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}
