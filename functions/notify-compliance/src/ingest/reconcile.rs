//! The daily comparison with AWS Config's aggregator, for events are best effort. (AWS Config
//! developer guide, "Monitoring AWS Config with Amazon EventBridge".)

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::compliance::AccountInfo;
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Destination;
use banto_lambda::Invocation;
use banto_notice::{ComparedUpTo, QueueMessage};
use banto_ports::{ErrorKind, PortError};

use super::CALL_TIME;
use super::ports::Ports;
use super::report::{DryRun, Ingested};
use crate::delivery_queue::left_to_another_release;
use crate::event::{Observation, Scope};

mod comparison;
mod known;
mod sink;

use comparison::{Comparison, Progress};
use sink::Sink;

/// The outcome of the comparison of an account.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The outcome of the findings that it took in. Those of a rule that comes again are not among
    /// the ones that are held up.
    pub(crate) ingested: Ingested,
    /// The place at which to go on, if there was not the time for all rules.
    pub(crate) again: Option<ComparedUpTo>,
}

/// Time after which people are reminded: by then most accounts were compared, and nobody is
/// reminded of what that closes. SQS delays a message no longer.
const REMIND_AFTER: Duration = Duration::from_secs(15 * 60);

/// Queues the comparison of each account that Organizations lists, a closed one too, and a delivery and reminders on every route. Returns the
/// number of accounts.
///
/// # Errors
/// If Organizations, the table or the queue can't be reached.
pub(crate) async fn fan_out(
    ports: &Ports,
    policy: &CompliancePolicy,
    scope: Scope,
) -> Result<usize, PortError> {
    let is_of_all = scope == Scope::AllAccounts;
    let accounts = accounts_of(ports, scope).await?;
    let count = accounts.len();
    let mut messages: Vec<QueueMessage> = Vec::new();
    for account in accounts {
        messages.push(QueueMessage::Reconcile {
            account,
            after: None,
            attempts: 0,
        });
    }
    let routes = routes(ports, policy).await?;
    ports.delivery_queue.send(&messages, Duration::ZERO).await?;
    if is_of_all && !policy.reminders.is_empty() {
        let reminders: Vec<QueueMessage> = routes
            .iter()
            .map(|route| QueueMessage::Remind {
                route: route.clone(),
            })
            .collect();
        ports.delivery_queue.send(&reminders, REMIND_AFTER).await?;
    }
    let deliveries = routes.into_iter().map(|route| (route, policy.window));
    ports
        .delivery_queue
        .queue_deliveries(&deliveries.collect())
        .await?;
    Ok(count)
}

/// The routes of the policy, and those that something was ever put into the outbox of. A route
/// whose channel an account's tags name is known with its channel only.
async fn routes(ports: &Ports, policy: &CompliancePolicy) -> Result<BTreeSet<String>, PortError> {
    let mut routes = ports.registry.registered_routes().await?;
    for route in &policy.routes {
        if !matches!(route.to, Destination::ChannelOf(_)) {
            routes.insert(route.name.clone());
        }
    }
    Ok(routes)
}

/// Compares an account with what the aggregator knows of it, rule by rule, and takes in what
/// differs.
///
/// # Errors
/// If Organizations, the aggregator or the table can't be read, or there was not even the time for
/// one rule. What was taken in until then stays.
pub(crate) async fn compare_account(
    ports: &Ports,
    policy: &CompliancePolicy,
    account: &AccountId,
    after: Option<ComparedUpTo>,
    invocation: &Invocation,
) -> Result<Compared, PortError> {
    let info = look_up(ports, policy, account).await?;
    let is_first = is_first(ports, account, after.as_ref()).await?;
    let sink = Sink::Ingest(Ingested::default());
    let mut comparison =
        Comparison::begin(ports, policy, &info, is_first, sink, invocation).await?;
    let progress = comparison.run(after.as_ref()).await?;
    let mut ingested = comparison.into_sink().into_ingested();
    let again = match progress {
        Progress::NotAtAll => return Err(no_time()),
        Progress::NothingKnown => None,
        Progress::UpTo(place) => {
            ingested.held_up.clear();
            Some(place)
        }
        Progress::ToTheEnd => {
            // What failed is tried again, and was not missed: the account is compared.
            if ingested.held_up.is_empty() {
                let now = ports.clock.now();
                left_to_another_release(ports.findings.save_compared(account, now).await)?;
            }
            None
        }
    };
    Ok(Compared { ingested, again })
}

/// A comparison without time, or whose findings are held up, is no failure of the account's.
fn no_time() -> PortError {
    PortError::new(
        ErrorKind::Throttled,
        "config:GetAggregateComplianceDetailsByConfigRule",
        "there was not the time to compare a rule, or to save what differs",
    )
}

async fn look_up(
    ports: &Ports,
    policy: &CompliancePolicy,
    account: &AccountId,
) -> Result<AccountInfo, PortError> {
    let mut looked_up = ports.accounts.look_up_to_compare(policy, account).await?;
    match (
        looked_up.infos.remove(account),
        looked_up.failed.remove(account),
    ) {
        (Some(info), _) => Ok(info),
        (None, Some(error)) => Err(error),
        (None, None) => Err(PortError::new(
            ErrorKind::Missing,
            "organizations:DescribeAccount",
            format!("nothing is known of the account {account}"),
        )),
    }
}

/// True if the account was never compared to the end. That another release noted when, tells enough.
async fn is_first(
    ports: &Ports,
    account: &AccountId,
    after: Option<&ComparedUpTo>,
) -> Result<bool, PortError> {
    match after {
        Some(after) => Ok(after.is_first),
        None => match ports.findings.compared_at(account).await {
            Err(error) if error.kind == ErrorKind::Unreadable => Ok(false),
            compared => Ok(compared?.is_none()),
        },
    }
}

/// Plans what observations and the comparison of accounts would change, and ends after `check`.
pub(crate) async fn dry_run(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: Vec<Observation>,
    scope: Scope,
    invocation: &Invocation,
) -> Result<DryRun, PortError> {
    let mut sink = Sink::Plan(DryRun::default());
    sink.take(ports, policy, observations, invocation).await?;
    let mut not_compared = Vec::new();
    for account in accounts_of(ports, scope).await? {
        if !invocation.has_time_for(CALL_TIME) {
            not_compared.push(account);
            continue;
        }
        let Ok(info) = look_up(ports, policy, &account).await else {
            sink.add_unknown(account);
            continue;
        };
        let is_first = is_first(ports, &account, None).await?;
        let mut comparison =
            Comparison::begin(ports, policy, &info, is_first, sink, invocation).await?;
        let progress = comparison.run(None).await?;
        sink = comparison.into_sink();
        if matches!(progress, Progress::UpTo(_) | Progress::NotAtAll) {
            not_compared.push(account);
        }
    }
    Ok(DryRun {
        not_compared,
        ..sink.into_dry_run()
    })
}

async fn accounts_of(ports: &Ports, scope: Scope) -> Result<BTreeSet<AccountId>, PortError> {
    match scope {
        Scope::AllAccounts => listed_accounts(ports).await,
        Scope::Accounts(accounts) => Ok(accounts),
        Scope::NoAccount => Ok(BTreeSet::new()),
    }
}

/// All accounts of the Organization. One that was closed is listed for 90 days more, in which its
/// findings are closed, too. (Organizations user guide, "Closing a member account".)
async fn listed_accounts(ports: &Ports) -> Result<BTreeSet<AccountId>, PortError> {
    let listed = ports.accounts.organization.accounts().await?;
    Ok(listed.into_iter().map(|account| account.id).collect())
}
