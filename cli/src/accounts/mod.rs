//! `banto accounts`: accounts and their baseline, as onboard-accounts sees them.
//!
//! Looks and plans are those of the function's own library. Nothing is changed from here: `apply`
//! and `revoke` send the function its own messages.

mod apply;
mod look;
mod plan;
mod revoke;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::Result;
use banto_domain::{AccountId, UserName};
use banto_ports::AccountRow;
use clap::{Args, Subcommand};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use onboard_accounts::Onboarder;
use onboard_accounts::converge::CONCURRENT_ACCOUNTS;
use onboard_accounts::dry_run::DryRun;

use crate::ending::{Ending, not_seen};
use crate::functions::{self, Means};
use crate::output::{complain, line};
use crate::policy::PolicyFile;
use crate::session::Where;
use crate::terminal::Screen;

pub(crate) use look::ids_of;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  banto accounts status                  which account is not in order
  banto accounts plan payments           what the function would do there
  banto accounts apply payments --wait   have it done now")]
pub enum Command {
    /// Shows what onboard-accounts would do in each account and region. Nothing is written.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Look),
    /// Shows which accounts are not in order, the worst first, and what to do. Nothing is written.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(Look),
    /// Asks onboard-accounts to bring accounts to their baseline now.
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(Apply),
    /// Ends a user's sessions in Banto's roles in every account: docs/revocation.md.
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(Revoke),
}

const PLAN_EXAMPLES: &str = "\
Examples:
  banto accounts plan
  banto accounts plan payments search
  banto accounts plan 444455556666 --json

Exit codes: 0 planned, 1 an account could not be planned or its plan is refused,
3 could not look.";

const STATUS_EXAMPLES: &str = "\
Examples:
  banto accounts status
  banto accounts status payments
  banto accounts status --all
  banto accounts status --json

Exit codes: 0 all accounts are in order, 1 some are not, 3 could not look.";

const APPLY_EXAMPLES: &str = "\
Examples:
  banto accounts apply payments
  banto accounts apply 444455556666 555566667777 --wait
  banto accounts apply --all --yes

Exit codes: 0 sent (with --wait: in order), 1 not sent (with --wait: not in
order), 3 could not look.";

const REVOKE_EXAMPLES: &str = "\
Examples:
  banto accounts revoke alice --wait
  banto accounts revoke alice --before 2026-11-27T01:00:00Z
  banto accounts revoke alice --confirm alice

Whoever holds alice's key begins new sessions: disable the key first.

Exit codes: 0 sent (with --wait: ended), 1 not sent (with --wait: not ended
everywhere), 3 could not look.";

/// What every command about accounts needs.
#[derive(Debug, Args)]
pub struct Common {
    #[command(flatten)]
    policy: PolicyFile,
    #[command(flatten)]
    aws: Where,
}

/// The accounts to look at.
#[derive(Debug, Args)]
pub struct Look {
    /// Accounts by name or id; all of them, if left out.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Shows the accounts that are in order, too, and each one apart.
    #[arg(long)]
    pub all: bool,
    /// One JSON document: docs/operators.md has its shape.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    common: Common,
}

/// The accounts to bring to their baseline.
#[derive(Debug, Args)]
pub struct Apply {
    /// Accounts by name or id.
    #[arg(
        value_name = "ACCOUNT",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub accounts: Vec<String>,
    /// Every account of the Organization that is not in order.
    #[arg(long)]
    pub all: bool,
    /// Goes on without a question.
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    common: Common,
}

/// The user whose sessions end.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The name of the IAM user.
    #[arg(value_name = "USER")]
    pub user: UserName,
    /// Sessions that were issued before this moment end; before now, if left out.
    #[arg(long, value_name = "TIME")]
    pub before: Option<Timestamp>,
    /// The account in which the user lives, for the notice to operators.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<AccountId>,
    /// The user's name again, in place of typing it when asked.
    #[arg(long, value_name = "USER")]
    pub confirm: Option<String>,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    common: Common,
}

/// How long to follow what was asked for.
#[derive(Debug, Args)]
pub struct Wait {
    /// Follows what the function does until it is done.
    #[arg(long)]
    pub wait: bool,
    /// The most minutes to follow it, a day at most; what was sent goes on afterwards.
    #[arg(long, value_name = "MINUTES", default_value_t = 30, requires = "wait",
          value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: u32,
}

/// Does it.
///
/// # Errors
/// If it can't be done.
pub async fn run(command: &Command) -> Result<Ending> {
    let common = match command {
        Command::Plan(look) | Command::Status(look) => &look.common,
        Command::Apply(apply) => &apply.common,
        Command::Revoke(revoke) => &revoke.common,
    };
    let policy = common.policy.read()?;
    let onboarding = policy.onboarding.as_ref();
    // The function's queue and its table are in its own region.
    let place = common
        .aws
        .or_in(onboarding.and_then(|policy| policy.queue.region()));
    let session = place.connect().await?;
    let onboarder = functions::onboarder(&Means::to_look(&session, false)?, &policy)?;
    let to_send = || functions::onboarder(&Means::to_act(&session, false)?, &policy);
    match command {
        Command::Plan(options) => plan(&onboarder, options).await,
        Command::Status(options) => status(&onboarder, options).await,
        Command::Apply(options) => apply::run(&onboarder, &to_send()?, options).await,
        Command::Revoke(options) => revoke::run(&onboarder, &to_send()?, options).await,
    }
}

async fn looked(onboarder: &Onboarder, accounts: &[String]) -> Result<DryRun> {
    let scope = look::scope(onboarder, accounts).await.map_err(not_seen)?;
    look::look(onboarder, scope).await.map_err(not_seen)
}

async fn plan(onboarder: &Onboarder, options: &Look) -> Result<Ending> {
    let looked = looked(onboarder, &options.accounts).await?;
    if options.json {
        // The function's own answer to a dry run, which fails if its only account was not planned.
        let response = looked.response().map_err(|error| not_seen(error.error))?;
        line(&format!("{:#}", response.body));
    } else {
        line(&plan::show(&looked, options.all, &Screen::of_output()));
    }
    Ok(planned(&looked))
}

/// How a plan ends: well, if there is one of every account and nothing speaks against it.
fn planned(looked: &DryRun) -> Ending {
    let unseen = looked.accounts.iter().filter(|look| look.is_err()).count();
    if unseen > 0 && unseen == looked.accounts.len() {
        Ending::BLIND
    } else if unseen > 0 || !looked.refused().is_empty() {
        Ending::FINDINGS
    } else {
        Ending::Done
    }
}

async fn status(onboarder: &Onboarder, options: &Look) -> Result<Ending> {
    let looked = looked(onboarder, &options.accounts).await?;
    let saved = saved(onboarder, &looked).await;
    let (rows, now) = (
        status::rows(&looked, &saved),
        onboarder.converge.clock.now(),
    );
    if options.json {
        line(&format!("{:#}", status::as_json(&rows, now)));
    } else {
        line(&status::show(&rows, options.all, now, &Screen::of_output()));
    }
    let unseen = rows.iter().all(|row| row.state == status::State::Unseen);
    Ok(match rows.iter().all(|row| row.state.is_fine()) {
        true => Ending::Done,
        false if unseen => Ending::BLIND,
        false => Ending::FINDINGS,
    })
}

/// What the function has saved of the accounts that are not in order. Without it the table lacks since
/// when they are not, and what people were told last.
async fn saved(onboarder: &Onboarder, looked: &DryRun) -> BTreeMap<AccountId, AccountRow> {
    let statuses = &onboarder.converge.statuses;
    let is_amiss = |look: &&Result<_, _>| !look.as_ref().is_ok_and(in_order);
    let amiss = looked
        .accounts
        .iter()
        .filter(is_amiss)
        .map(look::account_of);
    let rows = amiss.map(|account| async { (account.clone(), statuses.row(account).await) });
    let rows: Vec<_> = stream::iter(rows)
        .buffer_unordered(CONCURRENT_ACCOUNTS)
        .collect()
        .await;
    let mut saved = BTreeMap::new();
    for (account, row) in rows {
        match row {
            Ok(row) => drop(saved.insert(account, row)),
            Err(error) => complain(&format!(
                "{account}: what the function has saved is not known: {error}"
            )),
        }
    }
    saved
}

fn in_order(planned: &onboard_accounts::converge::account::Planned) -> bool {
    plan::is_in_order(&planned.plan)
}
