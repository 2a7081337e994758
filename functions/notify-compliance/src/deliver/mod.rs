//! Deliver: the entries of a route's outbox become messages.
//!
//! One lane is worked at a time, the most urgent first. New groups of findings get a message each,
//! or one digest for all of them where they are many. What changes later goes into the thread of
//! the message that told it, and that message is corrected, where the way to people allows.

use banto_domain::Breach;
use banto_domain::compliance::FindingKey;
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;

mod apply;
pub mod check;
pub mod delivery;
mod flood;
mod lock;
mod lookups;
pub mod notices;
mod observe;
pub mod plan;
pub mod ports;
pub mod remind;
pub(crate) mod report;
pub mod route_sender;
pub mod snapshot;

use apply::{Applied, Run};
use plan::Plan;
use ports::Ports;
use report::Delivered;
use snapshot::{DeliveryRoute, Job, Observed};

use crate::delays::LONGEST_DELAY;

/// What follows a delivery, or a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing waits.
    Done,
    /// The route is delivered on again after this time.
    Again(SignedDuration),
    /// These findings belong to other routes by now. Once ingest has moved them, the route is
    /// delivered on again.
    Recheck(Vec<FindingKey>),
}

/// Delivers what waits on a route, and adds what people got to `delivered`, also if a later message
/// fails. One run at a time holds the route; another one comes again.
///
/// # Errors
/// If what is left can only be delivered when this message comes again.
pub(crate) async fn deliver(
    ports: &Ports,
    policy: &CompliancePolicy,
    name: &str,
    delivered: &mut Delivered,
    invocation: &Invocation,
) -> Result<Next, PortError> {
    // Kill switch: changes are taken in and kept, and nobody is told. The route is looked at again
    // and again, so that people are told as soon as it is switched on.
    if !policy.enabled {
        return Ok(Next::Again(LONGEST_DELAY));
    }
    let Some(route) = delivery_route(policy, name) else {
        return Ok(Next::Done);
    };
    let Some(held) = lock::acquire(ports, name, invocation).await? else {
        return Ok(Next::Again(lock::RETRY_AFTER));
    };
    let job = Job {
        route: &route,
        policy,
        invocation,
    };
    let mut run = Run::new(&job, held, delivered);
    let next = deliver_all(ports, &mut run).await;
    lock::release(ports, run.held).await;
    if route.is_dropped && next == Ok(Next::Done) {
        ports.registry.deregister_route(name).await?;
    }
    next
}

/// The route of an outbox. One that the policy has dropped can still end what it began in Slack.
fn delivery_route(policy: &CompliancePolicy, name: &str) -> Option<DeliveryRoute> {
    if let Some(route) = policy.route(name) {
        return Some(DeliveryRoute {
            route,
            is_dropped: false,
        });
    }
    let fallback = policy.default_route()?.fallback.clone();
    Some(DeliveryRoute {
        route: Route {
            name: name.to_owned(),
            only: None,
            to: Destination::Channel(String::new()),
            fallback,
            quiet: Vec::new(),
            quiet_below: banto_domain::compliance::Severity::Low,
        },
        is_dropped: true,
    })
}

/// Observe, plan, log, check, apply: until the outbox is empty, or what is left has to wait.
async fn deliver_all(ports: &Ports, run: &mut Run<'_>) -> Result<Next, PortError> {
    let job = run.job;
    loop {
        let now = ports.clock.now();
        let snapshot = match observe::observe(ports, job, &run.held.state, now).await? {
            Observed::Nothing(None) => return Ok(Next::Done),
            Observed::Nothing(Some(after)) => return Ok(Next::Again(after)),
            Observed::Strays(keys) => return Ok(Next::Recheck(keys)),
            Observed::Lane(snapshot) => snapshot,
        };
        run.haste = snapshot.haste(now);
        let plan = plan::plan(&snapshot, job.policy, now);
        let messages = notices::render(&plan, &job.route.route, job.policy);
        log(job, &plan);
        refuse(
            job,
            &check::check(&snapshot, &plan, &messages, job.policy, now),
        )?;
        let before = run.delivered.batches;
        if let Applied::Until(after) = apply::apply(ports, &plan, &messages, run).await? {
            return Ok(Next::Again(after));
        }
        // Whatever the reason may be that nothing went, looking again at once would not help.
        if run.delivered.batches == before {
            return Ok(Next::Again(lock::RETRY_AFTER));
        }
    }
}

fn log(job: &Job<'_>, plan: &Plan) {
    let name = &job.route.route.name;
    tracing::info!(
        route.name = name,
        deliveries = plan.deliveries.len(),
        "deliveries planned"
    );
    tracing::debug!(route.name = name, plan = %serde_json::json!(plan), "deliveries planned in full");
}

fn refuse(job: &Job<'_>, breaches: &[Breach]) -> Result<(), PortError> {
    if breaches.is_empty() {
        return Ok(());
    }
    let breaches = Breach::join(breaches);
    tracing::error!(
        route.name = job.route.route.name,
        breaches,
        "route's plan refused"
    );
    Err(PortError::new(
        ErrorKind::Invalid,
        "notify:deliver",
        breaches,
    ))
}
