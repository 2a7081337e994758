//! Deliver: the entries of a route's outbox become messages.
//!
//! New groups of findings get a message each, or one digest for all of them where they are many.
//! What changes later goes into the thread of the message that told it, and that message is
//! corrected, where the way to people allows.

use banto_domain::Breach;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;

mod apply;
pub mod check;
pub mod delivery;
mod lock;
pub mod notices;
mod observe;
pub mod plan;
pub mod ports;
pub(crate) mod report;
pub mod route_sender;
pub mod snapshot;

use apply::Run;
use plan::{Next, Plan};
use ports::Ports;
use report::Delivered;
use snapshot::Job;

/// Delivers what waits on a route, and adds what people got to `delivered`, also if a later message
/// fails. Returns after what time to deliver again, if something is left. One run at a time holds
/// the route; another one comes again.
///
/// # Errors
/// If what is left can only be delivered when this message comes again.
pub(crate) async fn deliver(
    ports: &Ports,
    policy: &CompliancePolicy,
    name: &str,
    delivered: &mut Delivered,
    invocation: &Invocation,
) -> Result<Option<SignedDuration>, PortError> {
    // Kill switch: changes are taken in, and nobody is told.
    if !policy.enabled {
        return Ok(None);
    }
    // Entries of a route that the policy no longer has go the default way.
    let Some(route) = policy.route(name).or_else(|| policy.default_route()) else {
        return Ok(None);
    };
    let Some(held) = lock::acquire(ports, name, invocation).await? else {
        return Ok(Some(lock::RETRY_AFTER));
    };
    let job = Job {
        outbox: name,
        route,
        policy,
    };
    let mut run = Run {
        job: &job,
        held,
        delivered,
        invocation,
    };
    let again = deliver_all(ports, &mut run).await;
    lock::release(ports, run.held).await;
    again
}

/// Observe, plan, log, check, apply: until the outbox is empty, or what is left has to wait.
async fn deliver_all(
    ports: &Ports,
    run: &mut Run<'_>,
) -> Result<Option<SignedDuration>, PortError> {
    let job = run.job;
    loop {
        let now = ports.clock.now();
        let snapshot = observe::observe(ports, job, &run.held.state, now).await?;
        let plan = plan::plan(&snapshot, job.policy, now);
        let messages = notices::render(&plan, job.route);
        log(job, &plan);
        refuse(
            job,
            &check::check(&snapshot, &plan, &messages, job.policy, now),
        )?;
        if let Some(after) = apply::apply(ports, &plan, &messages, run).await? {
            return Ok(Some(after));
        }
        match plan.next {
            Next::Done => return Ok(None),
            Next::Again(after) => return Ok(Some(after)),
            Next::Observe => {}
        }
    }
}

fn log(job: &Job<'_>, plan: &Plan) {
    tracing::info!(
        route.name = job.outbox,
        deliveries = plan.deliveries.len(),
        "deliveries planned"
    );
    tracing::debug!(route.name = job.outbox, plan = %serde_json::json!(plan), "deliveries planned in full");
}

fn refuse(job: &Job<'_>, breaches: &[Breach]) -> Result<(), PortError> {
    if breaches.is_empty() {
        return Ok(());
    }
    let breaches = Breach::join(breaches);
    tracing::error!(route.name = job.outbox, breaches, "route's plan refused");
    Err(PortError::new(
        ErrorKind::Invalid,
        "notify:deliver",
        breaches,
    ))
}
