//! Rotates developers' access keys, and seals each new key to its owner's OpenPGP certificate so
//! that nobody else ever sees it.
//!
//! The way of an event, a file each: [`event`] decodes it, [`observe`](mod@observe) reads the world
//! into a [`snapshot`], [`plan`](mod@plan) decides, [`check`](mod@check) looks a second time,
//! [`apply`](mod@apply) acts, [`announce`](mod@announce) tells operators, [`report`] responds. The
//! promises are in `docs/SEMANTICS.md`, and a rotation's life is in `docs/rotation.md`.
//!
//! Deliberately absent: AWS SDK types, and any store besides IAM and one record per user.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

use anyhow::anyhow;
use banto_domain::policy::RotationPolicy;
use banto_domain::{AccountId, Breach};
use banto_lambda::event::{Invoked, Record};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};

pub mod announce;
pub mod apply;
pub mod check;
pub mod credential_report;
pub mod event;
pub mod job;
pub mod notices;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod ports;
mod record_writer;
pub mod report;
pub mod snapshot;

use event::{Request, Scope, Trigger};
use job::Job;
use outcome::{AccountOutcome, RunOutcome};
use plan::Plan;
use ports::{Account, Ports};
use snapshot::{NotObserved, Observed, Snapshot};

/// The function: made once, before the first event.
pub struct Rotator {
    pub policy: RotationPolicy,
    /// The identity accounts, in the policy's order.
    pub accounts: Vec<Account>,
}

impl Rotator {
    /// Handles one event, from its bytes to the response.
    ///
    /// A failure of one user or one account keeps no other from being served, and is part of the
    /// report. A message of a queue fails alone, and comes again.
    ///
    /// # Errors
    /// If the event can't be read or names an unknown account, if no account could be observed, if
    /// a plan is refused, or if anything failed of what was asked for users or keys by name.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(messages) => Ok(self.handle_batch(messages, invocation).await),
            Invoked::Direct(Trigger::Rotate(request)) => {
                let run = self.rotate(&request, invocation).await?;
                match report::failure(&run) {
                    Some(error) => Err(error),
                    None => Ok(report::respond(&run)),
                }
            }
            Invoked::Direct(Trigger::Nothing { reason }) => Ok(report::respond_nothing(&reason)),
        }
    }

    /// Handles the messages of a queue, one after the other. Those that fail come again.
    async fn handle_batch(
        &self,
        messages: Vec<Record<Trigger>>,
        invocation: &Invocation,
    ) -> Response {
        let mut failed = Vec::new();
        let mut metrics = Metrics::default();
        for (number, Record { id, payload }) in (1..).zip(messages) {
            let invocation = invocation.of_record(number);
            let handled = self
                .handle_message(payload, &mut metrics, &invocation)
                .await;
            if let Err(error) = handled {
                tracing::error!(message.id = id, error.kind = error.kind, %error,
                    "the message failed and goes back to the queue");
                failed.push(id);
            }
        }
        metrics.count("RecordsBack", failed.len());
        Response::of_batch(failed, metrics)
    }

    async fn handle_message(
        &self,
        payload: Result<Trigger, String>,
        metrics: &mut Metrics,
        invocation: &Invocation,
    ) -> Result<(), InvocationError> {
        let request = match payload {
            Err(error) => return Err(InvocationError::new("UnknownEvent", anyhow!(error))),
            Ok(Trigger::Nothing { reason }) => {
                tracing::warn!(reason, "the message asks for nothing");
                return Ok(());
            }
            Ok(Trigger::Rotate(request)) => request,
        };
        let run = self.rotate(&request, invocation).await?;
        metrics.add(report::metrics(&run));
        report::failure_of_message(&run).map_or(Ok(()), Err)
    }

    async fn rotate(
        &self,
        request: &Request,
        invocation: &Invocation,
    ) -> Result<RunOutcome, InvocationError> {
        let accounts = job::accounts_for(request, &self.accounts)
            .map_err(|error| InvocationError::new("UnknownAccount", error))?;
        let mut run = RunOutcome {
            accounts: Vec::new(),
            dry_run: request.dry_run,
            is_named: request.scope != Scope::Everyone,
        };
        for Account { identity, ports } in accounts {
            let job = Job {
                identity,
                scope: &request.scope,
                policy: &self.policy,
            };
            let outcome = rotate_account(ports, &job, request.dry_run, invocation).await;
            if !request.dry_run {
                announce::announce(ports, &job, &outcome, invocation).await;
            }
            run.accounts.push(outcome);
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
        return AccountOutcome::waits(plan::waiting(account, reason));
    }
    let observed = match observe::observe(ports, job, now).await {
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
