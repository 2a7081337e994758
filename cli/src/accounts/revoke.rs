//! `banto accounts revoke`: the function is asked to end a user's sessions everywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow};
use banto_domain::{AccountId, RoleName};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use onboard_accounts::Onboarder;
use onboard_accounts::converge::CONCURRENT_ACCOUNTS;
use onboard_accounts::event::RevocationAsked;
use onboard_accounts::message::{Revocation, RevokeRequest};
use onboard_accounts::revoke::{self, observe, plan};
use serde::Deserialize;

use super::{Revoke, Wait};
use crate::ask;
use crate::ending::{Ending, misused, not_seen};
use crate::output::{complain, line};
use crate::progress;
use crate::terminal::{Screen, Tone};

/// The time between two rounds of looks at the accounts that are left.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// The function's answer to a dry run of a revocation.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) revocation: Revocation,
    accounts: Vec<InAccount>,
    limits: Vec<String>,
    pub(super) refused: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct InAccount {
    account: AccountId,
    roles: Vec<RoleName>,
}

/// Shows where sessions end, asks for the user's name, sends and, if asked to, follows.
pub(super) async fn run(
    onboarder: &Onboarder,
    to_send: &Onboarder,
    options: &Revoke,
) -> Result<Ending> {
    let asked = RevocationAsked {
        user: options.user.clone(),
        account: options.account.clone(),
        before: options.before,
        dry_run: true,
    };
    let asked = ask_first(onboarder, &asked).await?;
    line(&show(&asked, &Screen::of_output()));
    if !asked.refused.is_empty() {
        return Ok(Ending::FINDINGS);
    }
    let user = options.user.as_str();
    let question = format!(
        "This ends {user}'s sessions in {} accounts.",
        asked.accounts.len()
    );
    if !ask::typed(&question, user, options.confirm.as_deref(), "--confirm")? {
        complain("that is not the user's name; nothing was sent");
        return Ok(Ending::FINDINGS);
    }
    send(to_send, &asked.revocation).await?;
    line("Sent: onboard-accounts begins within a minute, and tells operators what it can't end.");
    match options.wait.wait {
        true => follow(onboarder, &asked.revocation, &options.wait).await,
        false => Ok(Ending::Done),
    }
}

/// Asks the function's own code where sessions would end.
///
/// # Errors
/// If the moment is in the future, or Organizations can't be asked.
pub(super) async fn ask_first(onboarder: &Onboarder, asked: &RevocationAsked) -> Result<Asked> {
    let answer = revoke::ask(&onboarder.converge, asked, &onboarder.policy).await;
    // A revocation is refused by what was asked for.
    let answer = answer.map_err(|error| match error.kind {
        revoke::REFUSED => misused(error.error),
        _ => not_seen(error.error),
    })?;
    Ok(serde_json::from_value(answer.body)?)
}

/// Sends the revocation as the function itself does, with the moment that was shown.
pub(super) async fn send(onboarder: &Onboarder, revocation: &Revocation) -> Result<()> {
    let asked = RevocationAsked {
        user: revocation.user.clone(),
        account: revocation.account.clone(),
        before: Some(revocation.before),
        dry_run: false,
    };
    let sent = revoke::ask(&onboarder.converge, &asked, &onboarder.policy).await;
    sent.map(drop).map_err(|error| anyhow!("{:#}", error.error))
}

/// The moment, the roles with the accounts that have them, and what does not end.
pub(super) fn show(asked: &Asked, screen: &Screen) -> String {
    let Revocation { user, before, .. } = &asked.revocation;
    let title = format!("Sessions of {user} that were issued before {before} end:");
    let mut lines = vec![screen.paint(Tone::Strong, &title)];
    let mut alike: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for InAccount { account, roles } in &asked.accounts {
        let roles = roles.iter().map(RoleName::as_str).collect();
        alike.entry(roles).or_default().push(account.as_str());
    }
    for (roles, accounts) in alike {
        let roles = match roles.is_empty() {
            true => "no role of a baseline".to_owned(),
            false => roles.join(", "),
        };
        lines.push(indented(screen, &format!("{roles} in {}", some(&accounts))));
    }
    lines.push(indented(
        screen,
        "and every other role there with the tag banto:managed",
    ));
    let limits = asked.limits.iter().map(|limit| (Tone::Warning, limit));
    let refused = asked.refused.iter().map(|why| (Tone::Bad, why));
    for (tone, text) in limits.chain(refused) {
        let text = screen.wrapped(text, 2);
        let painted: Vec<String> = text.lines().map(|line| screen.paint(tone, line)).collect();
        lines.push(painted.join("\n"));
    }
    lines.join("\n")
}

/// A text within an indentation of two.
fn indented(screen: &Screen, text: &str) -> String {
    let inner = Screen {
        width: screen.width - 2,
        ..*screen
    };
    format!("  {}", inner.wrapped(text, 4))
}

/// Most accounts that are named by their ids.
const NAMED: usize = 5;

fn some(accounts: &[&str]) -> String {
    let (named, others) = accounts.split_at(NAMED.min(accounts.len()));
    match others.len() {
        0 => named.join(", "),
        n => format!("{} and {n} other accounts", named.join(", ")),
    }
}

/// What is left of a revocation, by account.
pub(super) type Left = BTreeMap<AccountId, Why>;

/// Why sessions have not ended in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) words: String,
    /// True if time alone won't help.
    pub(super) is_permanent: bool,
}

impl Why {
    fn passing(words: String) -> Self {
        Self {
            words,
            is_permanent: false,
        }
    }
}

/// Looks, by the function's own code, where a denial is still to be written.
pub(super) async fn left(onboarder: &Onboarder, requests: &[RevokeRequest]) -> Left {
    let (ports, policy) = (&onboarder.converge, &onboarder.policy);
    let looks = requests.iter().map(|request| async {
        let seen = observe::observe(ports, request, policy).await;
        (
            request.account.id.clone(),
            match seen {
                Ok(None) => None,
                Ok(Some(seen)) => why_left(&plan::plan(&seen.snapshot)),
                Err(error) => Some(Why::passing(format!("could not look: {error}"))),
            },
        )
    });
    let looks: Vec<_> = stream::iter(looks)
        .buffer_unordered(CONCURRENT_ACCOUNTS)
        .collect()
        .await;
    let left = looks
        .into_iter()
        .filter_map(|(account, why)| Some((account, why?)));
    left.collect()
}

fn why_left(plan: &plan::Plan) -> Option<Why> {
    let roles: Vec<&str> = plan.denials.iter().map(|it| it.role.as_str()).collect();
    if !roles.is_empty() {
        let words = format!("sessions of {} are not denied yet", roles.join(", "));
        return Some(Why::passing(words));
    }
    let is_permanent = plan.failures.iter().all(|failure| failure.is_permanent);
    let failures = plan.failures.iter().map(|failure| match &failure.role {
        Some(role) => format!("{role}: {}", failure.why),
        None => failure.why.clone(),
    });
    let failures: Vec<String> = failures.collect();
    (!failures.is_empty()).then(|| Why {
        words: failures.join("; "),
        is_permanent,
    })
}

async fn follow(onboarder: &Onboarder, revocation: &Revocation, wait: &Wait) -> Result<Ending> {
    let (clock, organization) = (&onboarder.converge.clock, &onboarder.converge.organization);
    let accounts = organization.accounts().await;
    let accounts = accounts.map_err(|error| not_seen(error.into()))?;
    let mut requests = plan::requests(accounts, revocation, clock.now());
    let (total, until) = (
        requests.len(),
        clock.now() + SignedDuration::from_mins(i64::from(wait.minutes)),
    );
    let bar = progress::bar(total, "accounts");
    loop {
        let left = left(onboarder, &requests).await;
        requests.retain(|request| left.contains_key(&request.account.id));
        bar.set_position((total - left.len()) as u64);
        if left.values().all(|why| why.is_permanent) || clock.now() >= until {
            bar.finish_and_clear();
            line(&ended(total, &left, &Screen::of_output()));
            return Ok(if left.is_empty() {
                Ending::Done
            } else {
                Ending::FINDINGS
            });
        }
        clock.sleep(BETWEEN_LOOKS).await;
    }
}

pub(super) fn ended(total: usize, left: &Left, screen: &Screen) -> String {
    let done = total - left.len();
    let mut lines = vec![format!("Ended in {done} of {total} accounts.")];
    for (account, why) in left {
        lines.push(screen.wrapped(&format!("{account}: {}", why.words), 4));
    }
    if !left.is_empty() {
        let more = "onboard-accounts goes on with these, and its notice to operators has the \
                    commands that do the same by hand.";
        lines.push(screen.wrapped(more, 0));
    }
    lines.join("\n")
}
