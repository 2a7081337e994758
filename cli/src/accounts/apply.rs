//! `banto accounts apply`: the function is asked, by its own messages, to bring accounts to their
//! baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use banto_domain::AccountId;
use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{Delayed, ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::Onboarder;
use onboard_accounts::dry_run::DryRun;
use onboard_accounts::message::Message;

use super::plan::{self, is_in_order};
use super::{Apply, Wait, look, looked};
use crate::ask;
use crate::ending::{Ending, not_seen};
use crate::output::{complain, line};
use crate::progress;
use crate::terminal::Screen;

/// The time between two looks at the table of statuses. The function takes seconds at least for an
/// account; a look at a table of 1,000 accounts reads about a megabyte.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// Shows the plan, asks, sends and, if asked to, follows.
pub(super) async fn run(
    onboarder: &Onboarder,
    to_send: &Onboarder,
    options: &Apply,
) -> Result<Ending> {
    if !onboarder.policy.enabled {
        bail!("[onboarding] enabled is false: onboard-accounts would drop every message");
    }
    let looked = looked(onboarder, &options.accounts).await?;
    line(&plan::show(&looked, false, &Screen::of_output()));
    let accounts = to_apply(&looked);
    if accounts.is_empty() {
        return Ok(Ending::Done);
    }
    let question = match accounts.len() {
        1 => "Bring this account to its baseline?".to_owned(),
        n => format!("Bring these {n} accounts to their baseline?"),
    };
    if !ask::confirm(&question, options.yes)? {
        complain("nothing was sent");
        return Ok(Ending::FINDINGS);
    }
    let before = onboarder.converge.statuses.all().await;
    let before = checked(&before.map_err(|error| not_seen(error.into()))?);
    to_send
        .fan_out
        .queue
        .send(&messages(&looked, &accounts)?)
        .await?;
    line(&sent(accounts.len()));
    match options.wait.wait {
        true => follow(onboarder, &accounts, &before, &options.wait).await,
        false => Ok(Ending::Done),
    }
}

fn sent(accounts: usize) -> String {
    match accounts {
        1 => "Sent: onboard-accounts works on it within a minute.".to_owned(),
        n => {
            format!("Sent: onboard-accounts works on the {n} accounts, and begins within a minute.")
        }
    }
}

/// The accounts that are not in order. One that an operator can't look at may be one that the
/// function can.
pub(super) fn to_apply(looked: &DryRun) -> BTreeSet<AccountId> {
    let accounts = looked.accounts.iter();
    let amiss = accounts.filter(|look| !look.as_ref().is_ok_and(|it| is_in_order(&it.plan)));
    amiss.map(look::account_of).cloned().collect()
}

/// The function's own messages about these accounts, and the one that publishes the dashboard.
pub(super) fn messages(looked: &DryRun, accounts: &BTreeSet<AccountId>) -> Result<Vec<Delayed>> {
    let mut messages = Vec::new();
    for planned in &looked.fan_out.plan.messages {
        let is_asked_for = match &planned.message {
            Message::Converge(request) => accounts.contains(&request.account.id),
            _ => true,
        };
        if is_asked_for {
            messages.push(planned.message.delayed(planned.delay)?);
        }
    }
    Ok(messages)
}

/// When each account was last looked at.
fn checked(statuses: &[AccountStatus]) -> BTreeMap<AccountId, Timestamp> {
    let checked = statuses
        .iter()
        .map(|it| (it.account.clone(), it.checked_at));
    checked.collect()
}

/// How far the function has come with the accounts that it was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// In order.
    pub(super) done: BTreeSet<AccountId>,
    /// Not in order, and only reported: the policy leaves the mending to people.
    pub(super) drifted: BTreeSet<AccountId>,
    /// Accounts for which waiting won't help, and why.
    pub(super) failed: BTreeMap<AccountId, String>,
    /// The others, and why they wait, where the function has said so.
    pub(super) waiting: BTreeMap<AccountId, String>,
}

/// Compares the statuses with those from before the messages were sent.
pub(super) fn progress(
    accounts: &BTreeSet<AccountId>,
    before: &BTreeMap<AccountId, Timestamp>,
    statuses: &[AccountStatus],
) -> Progress {
    let mut progress = Progress::default();
    for account in accounts {
        let status = statuses.iter().find(|it| it.account == *account);
        let status = status.filter(|it| before.get(account) != Some(&it.checked_at));
        let account = account.clone();
        let Some(status) = status else {
            progress
                .waiting
                .insert(account, "not looked at yet".to_owned());
            continue;
        };
        match status.worst() {
            Condition::InPlace | Condition::LeftAlone { .. } => {
                progress.done.insert(account);
            }
            Condition::Drifted { .. } => {
                progress.drifted.insert(account);
            }
            Condition::NotReady(reason) => {
                progress.waiting.insert(account, reason.to_string());
            }
            Condition::Failed(reason) => {
                progress.failed.insert(account, reason.to_string());
            }
        }
    }
    progress
}

/// True of an error that is over at a later look. Others hold for good: a right or a table lacks.
fn passes(error: &PortError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Throttled | ErrorKind::NotReady | ErrorKind::Unavailable
    )
}

/// Looks at the statuses until no account waits, or the time is up.
pub(super) async fn follow(
    onboarder: &Onboarder,
    accounts: &BTreeSet<AccountId>,
    before: &BTreeMap<AccountId, Timestamp>,
    wait: &Wait,
) -> Result<Ending> {
    let (clock, statuses) = (&onboarder.converge.clock, &onboarder.converge.statuses);
    let bar = progress::bar(accounts.len(), "accounts");
    let until = clock.now() + SignedDuration::from_mins(i64::from(wait.minutes));
    loop {
        let is_over = clock.now() >= until;
        let progress = match statuses.all().await {
            Ok(statuses) => progress(accounts, before, &statuses),
            Err(error) if is_over || !passes(&error) => return Err(not_seen(error.into())),
            // One look that fails says nothing of the accounts.
            Err(_) => {
                clock.sleep(BETWEEN_LOOKS).await;
                continue;
            }
        };
        bar.set_position((accounts.len() - progress.waiting.len()) as u64);
        if progress.waiting.is_empty() || is_over {
            bar.finish_and_clear();
            line(&ended(&progress, &Screen::of_output()));
            return Ok(if progress.done.len() == accounts.len() {
                Ending::Done
            } else {
                Ending::FINDINGS
            });
        }
        clock.sleep(BETWEEN_LOOKS).await;
    }
}

/// What came of it: a count, and an account a line where something is left.
pub(super) fn ended(progress: &Progress, screen: &Screen) -> String {
    let rest = progress.drifted.len() + progress.failed.len() + progress.waiting.len();
    let total = progress.done.len() + rest;
    let mut lines = vec![format!("{} of {total} in order.", progress.done.len())];
    for account in &progress.drifted {
        let text = format!("{account} is not in order, and the policy says only to report that");
        lines.push(screen.wrapped(&text, 4));
    }
    for (account, why) in &progress.failed {
        lines.push(screen.wrapped(&format!("{account} failed: {why}"), 4));
    }
    for (account, why) in &progress.waiting {
        lines.push(screen.wrapped(&format!("{account} waits, and is tried again: {why}"), 4));
    }
    if rest > 0 {
        lines.push("banto accounts status says what to do.".to_owned());
    }
    lines.join("\n")
}
