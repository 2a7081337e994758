//! Reminds people of what stays open: one message for each severity that is due, the oldest first.

use banto_domain::compliance::{FindingGroup, Severity};
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::PortError;

use super::apply::Run;
use super::delivery::Target;
use super::lookups::look_up;
use super::notices::Message;
use super::ports::Ports;
use super::report::Delivered;
use super::snapshot::{DeliveryRoute, Job};
use super::{Next, apply, lock};
use crate::delays::LONGEST_DELAY;

mod notices;
pub mod plan;

pub use notices::notice;
use plan::{Reminder, plan};

/// Sends the reminders that are due on a route.
///
/// # Errors
/// If groups can't be read, or a reminder reached nobody.
pub(crate) async fn remind(
    ports: &Ports,
    policy: &CompliancePolicy,
    name: &str,
    delivered: &mut Delivered,
    invocation: &Invocation,
) -> Result<Next, PortError> {
    let Some(route) = policy.route(name).filter(|_| policy.enabled) else {
        return Ok(Next::Done);
    };
    let Some(held) = lock::acquire(ports, name, invocation).await? else {
        return Ok(Next::Again(lock::RETRY_AFTER));
    };
    let route = DeliveryRoute {
        route,
        is_dropped: false,
    };
    let job = Job {
        route: &route,
        policy,
        invocation,
    };
    let mut run = Run::new(&job, held, delivered);
    let next = send_due(ports, &mut run).await;
    lock::release(ports, run.held).await;
    next
}

async fn send_due(ports: &Ports, run: &mut Run<'_>) -> Result<Next, PortError> {
    let (policy, route) = (run.job.policy, &run.job.route.route);
    let now = ports.clock.now();
    let reminded = &run.held.state.reminded_at;
    if Severity::ALL
        .iter()
        .all(|severity| !plan::is_due(*severity, reminded, policy, now))
    {
        return Ok(Next::Done);
    }
    let groups = open_groups(ports, run.job).await?;
    for reminder in plan(&groups, reminded, route, policy, now) {
        if route.is_quiet(reminder.severity, now) {
            return Ok(Next::Again(LONGEST_DELAY));
        }
        if let Some(after) = send(ports, &reminder, run).await? {
            return Ok(Next::Again(after));
        }
    }
    Ok(Next::Done)
}

/// The groups in which something is open, of accounts that belong to the route today.
async fn open_groups(ports: &Ports, job: &Job<'_>) -> Result<Vec<FindingGroup>, PortError> {
    let name = &job.route.route.name;
    let mut groups = Vec::new();
    let mut after = None;
    loop {
        let page = ports.outbox.open_groups(name, after).await?;
        groups.extend(page.items.into_iter().filter(|group| {
            let severity = job.policy.findings.severity_of(&group.rule);
            job.policy.reminders.contains_key(&severity)
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let wanted = groups.iter().map(|group| group.account.clone()).collect();
    let accounts = look_up(ports, job, &wanted).await?;
    groups.retain(|group| {
        let account = accounts.get(&group.account);
        account.is_some_and(|account| job.policy.is_on(name, &group.rule, account))
    });
    Ok(groups)
}

/// Sends one reminder. Returns after what time to come again, if it can't be sent now.
async fn send(
    ports: &Ports,
    reminder: &Reminder,
    run: &mut Run<'_>,
) -> Result<Option<jiff::SignedDuration>, PortError> {
    let message = Message {
        notice: notice(reminder, &run.job.route.route, run.job.policy),
        correction: None,
        details: Vec::new(),
    };
    let after = apply::send_alone(ports, &reminder.id, &Target::New, &message, run).await?;
    if after.is_none() {
        let now = ports.clock.now();
        let state = &mut run.held.state;
        state.reminded_at.insert(reminder.severity, now);
        state.in_flight = None;
        lock::save(ports, &mut run.held).await?;
    }
    Ok(after)
}
