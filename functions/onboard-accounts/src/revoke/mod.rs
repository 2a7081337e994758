//! Revocation: a user's sessions in every role of Banto's end, in every account.
//!
//! [`revoke`] sends a message for each account; [`visit`] writes a denial into the roles of one
//! account, and [`report_visits`] tells operators of what failed. An account's message comes again
//! until a look finds nothing to do, or until the longest session is over. The daily convergence
//! takes the denials off.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::{Breach, UserName};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::Notice;
use jiff::Timestamp;
use serde_json::json;

pub mod apply;
pub mod check;
pub mod notices;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod snapshot;

use self::apply::OUT_OF_TIME;
use self::outcome::Outcome;
use self::plan::Failure;
use self::report::Visit;
use crate::converge::ports::Ports;
use crate::converge::retry::backoff;
use crate::event::RevocationAsked;
use crate::fan_out::report::response;
use crate::message::{BegunRevocation, Message, Revocation, RevokeRequest};
use crate::revocation::{CLOCK_SKEW, has_ended, whole_second};

/// The time that one account takes at the worst: a look of a few calls, and a call for each of its
/// roles. With less time left the account's message comes again.
const ACCOUNT_TIME: Duration = Duration::from_secs(90);

/// The kind of the error of a request that makes no sense.
pub const REFUSED: &str = "RevocationRefused";

/// The kind of the error of a notice that reached nobody.
const NOBODY_TOLD: &str = "NobodyTold";

/// The time for one notice: a minute for Slack, and one for SNS. With more, a channel that hangs
/// could hold the messages of the next visits up for the rest of the invocation.
const NOTICE_TIME: Duration = Duration::from_mins(2);

/// The number of attempts to list the accounts that follow one another within seconds and minutes:
/// more than an hour of them. Later ones are left to the queue, whose dead letters raise an alarm.
const ATTEMPTS: u32 = 9;

/// The attempt after which operators are told that no account is reached: some minutes after the
/// first. What is throttled has passed by then, and whoever holds the sessions must not have much
/// longer.
const TOLD_AT: u32 = 4;

/// Takes an operator's request: it goes to the queue, where it can't be lost, or a dry run answers
/// where sessions would end.
///
/// # Errors
/// If the request is refused, or if Organizations or the queue can't be reached.
pub async fn ask(
    ports: &Ports,
    asked: &RevocationAsked,
    policy: &OnboardingPolicy,
) -> Result<Response, InvocationError> {
    let revocation = revocation(asked, ports.clock.now());
    refuse_future(&revocation, ports.clock.now())?;
    if asked.dry_run {
        return dry_run(ports, &revocation, policy).await;
    }
    let message = Message::Revoke(revocation.clone());
    send(ports, &[(message, Duration::ZERO)]).await?;
    Ok(response(json!({ "queued": 1, "revocation": revocation })))
}

/// The revocation that an operator asks for.
pub fn revocation(asked: &RevocationAsked, now: Timestamp) -> Revocation {
    Revocation {
        account: asked.account.clone(),
        user: asked.user.clone(),
        before: whole_second(asked.before.unwrap_or(now)),
        attempt: 0,
    }
}

fn refuse_future(revocation: &Revocation, now: Timestamp) -> Result<(), InvocationError> {
    let before = revocation.before;
    if before.duration_since(now) <= CLOCK_SKEW {
        return Ok(());
    }
    let error = anyhow!(
        "\"before\" is {before}, and it is {now}: sessions that are yet to be issued can't be ended; \
         name a moment up to now, or leave \"before\" out"
    );
    Err(InvocationError::new(REFUSED, error))
}

async fn dry_run(
    ports: &Ports,
    revocation: &Revocation,
    policy: &OnboardingPolicy,
) -> Result<Response, InvocationError> {
    let mut accounts = Vec::new();
    for request in look_and_plan(ports, revocation).await? {
        let roles = plan::known_roles(policy, &request.account);
        accounts.push(json!({ "account": request.account.id, "roles": roles }));
    }
    let refused = match policy.enabled {
        true => Vec::new(),
        false => vec![plan::DISABLED],
    };
    Ok(response(json!({
        "dryRun": true,
        "revocation": revocation,
        "accounts": accounts,
        "alsoIn": "every other role with the tag banto:managed",
        "limits": notices::limits(&revocation.user, policy),
        "refused": refused,
    })))
}

async fn look_and_plan(
    ports: &Ports,
    revocation: &Revocation,
) -> Result<Vec<RevokeRequest>, InvocationError> {
    let accounts = ports.organization.accounts().await;
    let accounts =
        accounts.map_err(|error| InvocationError::new("OrganizationUnreachable", error))?;
    Ok(plan::requests(accounts, revocation, ports.clock.now()))
}

/// Sends a message for each account, and one that tells operators. If the kill switch is off they
/// get the commands instead. What fails on the way is tried again soon by a message of its own: the
/// queue itself hands this one out again after a quarter of an hour only.
///
/// # Errors
/// If the revocation is refused, if the queue can't be reached, or if all attempts have failed.
pub async fn revoke(
    ports: &Ports,
    revocation: &Revocation,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Response, InvocationError> {
    let mut revocation = revocation.clone();
    revocation.before = whole_second(revocation.before);
    let now = ports.clock.now();
    refuse_future(&revocation, now)?;
    if has_ended(revocation.before, now) {
        let reason = format!("all sessions issued before {} are over", revocation.before);
        return Ok(response(json!({ "nothing": reason })));
    }
    match begin(ports, &revocation, policy, invocation).await {
        Err(error) if revocation.attempt < ATTEMPTS => {
            revocation.attempt += 1;
            tracing::warn!(user.name = %revocation.user, %error, "revocation not begun; tried again soon");
            let delay = backoff(revocation.attempt);
            send(ports, &[(Message::Revoke(revocation.clone()), delay)]).await?;
            if revocation.attempt == TOLD_AT && error.kind != NOBODY_TOLD {
                let notice = notices::not_begun(&revocation, &error.to_string(), policy);
                tell_failures(ports, &notice, invocation).await;
            }
            Ok(response(json!({ "triedAgain": error.to_string() })))
        }
        begun => begun,
    }
}

async fn begin(
    ports: &Ports,
    revocation: &Revocation,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Response, InvocationError> {
    let requests = look_and_plan(ports, revocation).await?;
    if !policy.enabled {
        let notice = notices::by_hand(revocation, &requests, policy);
        tell(ports, &notice, invocation).await?;
        return Ok(response(json!({ "told": notice.headline })));
    }
    let accounts = requests.len();
    let mut messages = Vec::new();
    for request in requests {
        messages.push((Message::RevokeIn(request), Duration::ZERO));
    }
    // Telling may fail or take long: it has a message of its own.
    let begun = BegunRevocation {
        revocation: revocation.clone(),
        accounts,
    };
    messages.push((Message::RevocationBegun(begun), Duration::ZERO));
    send(ports, &messages).await?;
    tracing::info!(user.name = %revocation.user, accounts, "revocation sent to the queue");
    Ok(response(json!({ "queued": accounts })))
}

/// Tells operators of a revocation that has begun.
///
/// # Errors
/// If nobody could be told.
pub async fn tell_begun(
    ports: &Ports,
    begun: &BegunRevocation,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Response, InvocationError> {
    let notice = notices::begun(begun, policy);
    tell(ports, &notice, invocation).await?;
    Ok(response(json!({ "told": notice.headline })))
}

/// Ends a user's sessions in one account: observe, plan, check, apply. Returns `None` if they are
/// over by themselves.
pub async fn visit(
    ports: &Ports,
    request: RevokeRequest,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Option<Visit> {
    let now = ports.clock.now();
    if has_ended(request.before, now) {
        tracing::info!(account.id = %request.account.id, user.name = %request.user, "sessions are over by themselves");
        return None;
    }
    if request.not_before.is_some_and(|at| at > now) {
        return Some(Visit::early(request, now));
    }
    let outcome = match invocation.has_time_for(ACCOUNT_TIME) {
        true => deny(ports, &request, policy, invocation).await,
        false => Outcome::of_account(Failure::of_account(OUT_OF_TIME, false)),
    };
    Some(Visit::new(request, outcome, now))
}

/// Tells operators of what failed in the accounts of a batch, in one notice for each revocation,
/// and sends the messages of the next visits.
///
/// # Errors
/// If the queue can't be reached.
pub async fn report_visits(
    ports: &Ports,
    visits: &[Visit],
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let mut revocations: BTreeMap<(&UserName, Timestamp), Vec<&Visit>> = BTreeMap::new();
    for visit in visits {
        let RevokeRequest { user, before, .. } = &visit.request;
        revocations.entry((user, *before)).or_default().push(visit);
    }
    let mut messages = Vec::new();
    for ((user, before), visits) in revocations {
        let is_told = match notices::not_ended(user, before, &visits, policy) {
            Some(notice) => tell_failures(ports, &notice, invocation).await,
            None => false,
        };
        let next = visits.iter().filter_map(|visit| visit.next(is_told));
        messages.extend(next.map(|(request, delay)| (Message::RevokeIn(request), delay)));
    }
    if messages.is_empty() {
        return Ok(());
    }
    send(ports, &messages).await
}

/// Sends a notice of failures. Returns true if somebody was told.
async fn tell_failures(ports: &Ports, notice: &Notice, invocation: &Invocation) -> bool {
    match tell(ports, notice, invocation).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(notice.id = notice.id, %error, "notice not sent; what still fails later is told then");
            false
        }
    }
}

/// Writes the denials that an account lacks. Whatever keeps one from being written is a failure of
/// its role, or of the account as a whole.
async fn deny(
    ports: &Ports,
    request: &RevokeRequest,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Outcome {
    if !policy.enabled {
        return Outcome::of_account(Failure::of_account(plan::DISABLED, true));
    }
    let observed = match observe::observe(ports, request, policy).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return Outcome::default(),
        Err(error) => return Outcome::of_account(Failure::of_error(None, &error)),
    };
    let plan = plan::plan(&observed.snapshot);
    tracing::info!(
        account.id = %request.account.id,
        user.name = %request.user,
        roles = %json!(plan.roles()),
        "revocation planned"
    );
    let breaches = check::check(&observed.snapshot, &plan, policy, ports.clock.now());
    if !breaches.is_empty() {
        let breaches = Breach::join(&breaches);
        tracing::error!(account.id = %request.account.id, breaches, "revocation refused");
        let why = format!("the plan would break {breaches}");
        return Outcome::of_account(Failure::of_account(&why, true));
    }
    apply::apply(observed.clients.roles.as_ref(), request, plan, invocation).await
}

async fn tell(
    ports: &Ports,
    notice: &Notice,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let time = invocation.remaining().min(NOTICE_TIME);
    let sent = ports.notice_sender.send(notice, time);
    sent.await
        .map(drop)
        .map_err(|error| InvocationError::new(NOBODY_TOLD, error))
}

async fn send(ports: &Ports, messages: &[(Message, Duration)]) -> Result<(), InvocationError> {
    let mut delayed = Vec::new();
    for (message, delay) in messages {
        let message = message.delayed(*delay);
        delayed.push(message.map_err(|error| InvocationError::new("MessageNotWritten", error))?);
    }
    ports
        .queue
        .send(&delayed)
        .await
        .map_err(|error| InvocationError::new("QueueUnreachable", error))
}
