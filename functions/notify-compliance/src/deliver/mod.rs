//! Deliver: the entries of a route's outbox become messages.
//!
//! New groups of findings get a message each, or one digest for all of them where they are many.
//! What changes later goes into the thread of the message that told it, and that message is
//! corrected, where the way to people allows.

use banto_domain::Breach;
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;
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
mod ports;
pub(crate) mod report;
pub mod route_sender;
pub mod snapshot;

pub use ports::Ports;

use lock::HeldRoute;
use plan::{Next, Plan};
use report::Delivered;
use snapshot::Job;

/// Delivers what waits on a route. One run at a time holds the route; another one comes again.
///
/// # Errors
/// If what is left can only be delivered when this message comes again.
pub(crate) async fn deliver(
    ports: &Ports,
    policy: &CompliancePolicy,
    name: &str,
    invocation: &Invocation,
) -> Result<Delivered, PortError> {
    let mut delivered = Delivered::default();
    let Some(route) = route_of(policy, name) else {
        return Ok(delivered);
    };
    let Some(mut held) = lock::acquire(ports, name, invocation).await? else {
        delivered.again = Some(lock::RETRY_AFTER);
        return Ok(delivered);
    };
    let job = Job {
        outbox: name,
        route,
        policy,
    };
    let again = deliver_all(ports, &job, &mut held, &mut delivered, invocation).await;
    lock::release(ports, held).await;
    delivered.again = again?;
    Ok(delivered)
}

/// Entries of a route that the policy no longer has go the default way. Switched off, nothing is
/// delivered.
fn route_of<'a>(policy: &'a CompliancePolicy, name: &str) -> Option<&'a Route> {
    let route = policy.route(name).or_else(|| policy.routes.last());
    route.filter(|_| policy.enabled)
}

/// Observe, plan, log, check, apply: until the outbox is empty, or what is left has to wait.
async fn deliver_all(
    ports: &Ports,
    job: &Job<'_>,
    held: &mut HeldRoute,
    delivered: &mut Delivered,
    invocation: &Invocation,
) -> Result<Option<SignedDuration>, PortError> {
    loop {
        let now = ports.clock.now();
        let snapshot = observe::observe(ports, job, &held.state, now).await?;
        let plan = plan::plan(&snapshot, job.policy, now);
        let messages = notices::render(&plan, job.route);
        log(job, &plan);
        let mut breaches = check::check(&snapshot, &plan, job.policy, now);
        breaches.extend(check::check_messages(&plan, &messages));
        refuse(&breaches)?;
        let cut = apply::apply(ports, job, &plan, &messages, held, delivered, invocation).await?;
        match plan.next {
            _ if cut.is_some() => return Ok(cut),
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

fn refuse(breaches: &[Breach]) -> Result<(), PortError> {
    if breaches.is_empty() {
        return Ok(());
    }
    let breaches = Breach::join(breaches);
    tracing::error!(breaches, "plan refused");
    Err(PortError::new(
        ErrorKind::Invalid,
        "notify:deliver",
        breaches,
    ))
}
