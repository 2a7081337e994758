//! `banto keys plan`: what the rotator would do now, by its own planner.

use anyhow::Result;
use banto_domain::{AccountId, Breach, UserName};
use clap::Args;
use rotate_access_keys::event::Asked;
use rotate_access_keys::notices;
use rotate_access_keys::plan::FindingKind;
use rotate_access_keys::snapshot::Stranger;
use serde_json::{Value, json};

use super::look::{self, Looked};
use super::words;
use crate::ending::{Ending, not_seen};
use crate::functions::{Means, accounts};
use crate::output;
use crate::policy::PolicyFile;
use crate::session::Where;
use crate::terminal::{Screen, Tone};

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The users to look at; everyone whom the next run looks at, if none is named.
    pub users: Vec<UserName>,
    /// The identity account that the users are in, where the policy has several.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Takes the rotator's role in the identity account.
    #[arg(long)]
    pub assume: bool,
    /// Prints one JSON document.
    #[arg(long)]
    pub json: bool,
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyFile,
    /// Credentials and region.
    #[command(flatten)]
    pub place: Where,
}

const EXAMPLES: &str = "\
Examples:
  banto keys plan                what the next run does
  banto keys plan alice bob      what it does for two users
  banto keys plan --json | jq '.accounts[].plan.chains'

Nothing is changed, and nobody told.

Exit codes: 0 nothing is found, 1 something is found, could not be looked at, or
the plan breaks a promise, 3 could not look.";

/// Shows it.
///
/// # Errors
/// If it can't be looked at.
pub async fn run(options: &Options) -> Result<Ending> {
    let policy = options.policy.read()?;
    let session = super::place(&policy, &options.place).connect().await?;
    let means = Means::to_look(&session, options.assume)?;
    let all = accounts(&means, &policy)?;
    let scope = look::scope(&options.users);
    let chosen = look::chosen(&all, options.account.as_ref(), !options.users.is_empty())?;
    let asked = Asked::by("banto keys plan", means.clock.now());
    let mut looked = Vec::new();
    for account in chosen {
        output::complain(&format!("looking at {}", account.identity.id));
        let one = look::look(account, &policy.rotation, &scope, &asked).await;
        looked.push(one.map_err(not_seen)?);
    }
    if options.json {
        output::line(&format!("{:#}", as_json(&looked)));
    } else {
        let screen = Screen::of_output();
        output::line(&shown(&looked, &screen));
    }
    Ok(ending(&looked))
}

/// Findings, promises that would be broken, and what can't be seen are for a person.
pub(crate) fn ending(looked: &[Looked]) -> Ending {
    let is_fine =
        |one: &Looked| one.plan.findings.is_empty() && one.closed.is_empty() && is_whole(one);
    if looked.iter().all(is_fine) {
        Ending::Done
    } else {
        Ending::FINDINGS
    }
}

/// True if all that was asked for could be looked at, and no promise would be broken.
pub(crate) fn is_whole(looked: &Looked) -> bool {
    let snapshot = &looked.observed.snapshot;
    looked.breaches.is_empty() && snapshot.not_observed.is_empty() && snapshot.strangers.is_empty()
}

/// The plans of all accounts, for people.
pub(crate) fn shown(looked: &[Looked], screen: &Screen) -> String {
    let account = |one: &Looked| {
        let mut parts = vec![account(one, screen)];
        parts.extend(commands(one, screen));
        parts.join("\n")
    };
    let accounts: Vec<String> = looked.iter().map(account).collect();
    accounts.join("\n\n")
}

/// The plan of an account, without commands.
pub(crate) fn account(looked: &Looked, screen: &Screen) -> String {
    let mut parts = vec![screen.paint(Tone::Strong, &screen.wrapped(&counts(looked), 2))];
    if let Some(reason) = &looked.waits {
        let why = format!(
            "The function does nothing for now: {}. This is what it does once that is over.",
            notices::waiting(reason)
        );
        parts.push(screen.paint(Tone::Warning, &screen.wrapped(&why, 2)));
    }
    parts.extend(refusal(&looked.breaches, screen));
    parts.extend(unseen(looked, screen));
    let rows = rows(looked);
    if !rows.is_empty() {
        let mut table = screen.table(&["User", "What happens"]);
        for (user, lines) in rows {
            table.add_row([user, lines.join("\n")]);
        }
        parts.push(table.to_string());
    }
    parts.join("\n")
}

/// The commands that end a wait, a line each, so that they can be pasted as they stand.
pub(crate) fn commands(looked: &Looked, screen: &Screen) -> Vec<String> {
    let commands = looked.commands();
    if commands.is_empty() {
        return Vec::new();
    }
    let title = "What ends a wait (approve only what its owner has confirmed in person):";
    let mut lines = vec![screen.wrapped(title, 2)];
    lines.extend(commands.iter().map(|command| format!("  {command}")));
    lines
}

fn counts(looked: &Looked) -> String {
    let plan = &looked.plan;
    let in_order = looked.observed.snapshot.users_in_order;
    format!(
        "{}: {} to act on, {} found, {} waiting, {in_order} in order",
        looked.account,
        users(plan.chains.len()),
        things(plan.findings.len()),
        plan.waiting.len(),
    )
}

fn users(count: usize) -> String {
    format!("{count} {}", if count == 1 { "user" } else { "users" })
}

fn things(count: usize) -> String {
    format!("{count} {}", if count == 1 { "thing" } else { "things" })
}

/// Promises that the plan would break: the function refuses it whole.
fn refusal(breaches: &[Breach], screen: &Screen) -> Option<String> {
    if breaches.is_empty() {
        return None;
    }
    let text = format!(
        "REFUSED. The function will not carry this plan out, since it would break promises; \
         this is a defect of Banto, please report it: {}",
        Breach::join(breaches)
    );
    Some(screen.paint(Tone::Bad, &screen.wrapped(&text, 2)))
}

/// Most users who are named in one sentence; `--json` has all. About four lines of a terminal.
const NAMED: usize = 20;

/// Sentences about what can't be seen: by these credentials, or for now.
pub(crate) fn unseen(looked: &Looked, screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    if !looked.closed.is_empty() {
        let mut names = looked.closed.iter().map(UserName::as_str);
        let mut named = names.by_ref().take(NAMED).collect::<Vec<_>>().join(", ");
        let others = names.count();
        if others > 0 {
            named = format!("{named} and {others} others");
        }
        let role = looked.observed.snapshot.break_glass.as_ref();
        let role = role.map_or_else(
            || "that role (--assume)".to_owned(),
            |role| format!("that role (--assume) or {role}"),
        );
        let text = format!(
            "These credentials may not read the records of {}: each is for its owner and Banto's \
             role alone. Nothing is planned for them here; look with {role}.",
            named
        );
        lines.push(screen.paint(Tone::Warning, &screen.wrapped(&text, 2)));
    }
    for one in &looked.observed.snapshot.not_observed {
        let text = format!("{} could not be looked at: {}", one.subject, one.why);
        lines.push(screen.paint(Tone::Bad, &screen.wrapped(&text, 2)));
    }
    for stranger in &looked.observed.snapshot.strangers {
        let text = match stranger {
            Stranger::NoSuchUser { user } => {
                format!("there is no user {user} in {}", looked.account)
            }
            other => notices::of_strangers(std::slice::from_ref(other), "").headline,
        };
        lines.push(screen.paint(Tone::Bad, &screen.wrapped(&text, 2)));
    }
    lines
}

/// A row for each user of whom there is something to say: what is done, found, and waited for.
pub(crate) fn rows(looked: &Looked) -> Vec<(String, Vec<String>)> {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |user: &str, line: String| match rows.iter_mut().find(|(name, _)| name == user) {
        Some((_, lines)) => lines.push(line),
        None => rows.push((user.to_owned(), vec![line])),
    };
    for chain in &looked.plan.chains {
        for action in &chain.actions {
            add(chain.user.as_str(), words::action(action, looked.now));
        }
    }
    for finding in &looked.plan.findings {
        // What a user had who left is a list of its own, in the operators' notice.
        let is_list = matches!(finding.kind, FindingKind::Left { .. });
        let text = if is_list {
            "left, and operators are told what they had".to_owned()
        } else {
            notices::finding(&finding.user, &finding.kind)
        };
        add(finding.user.as_str(), format!("! {text}"));
    }
    for waiting in &looked.plan.waiting {
        let user = waiting.user.as_ref().map_or("everyone", UserName::as_str);
        add(
            user,
            format!("waits: {}", notices::waiting(&waiting.reason)),
        );
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

/// The plans as one JSON document.
pub(crate) fn as_json(looked: &[Looked]) -> Value {
    let accounts: Vec<Value> = looked.iter().map(account_json).collect();
    json!({ "accounts": accounts })
}

fn account_json(looked: &Looked) -> Value {
    let refused: Vec<String> = looked.breaches.iter().map(Breach::to_string).collect();
    json!({
        "account": looked.account,
        "waits": looked.waits,
        "usersInOrder": looked.observed.snapshot.users_in_order,
        "plan": looked.plan,
        "refused": refused,
        "notReadable": looked.closed,
        "notObserved": not_observed(looked),
        "strangers": looked.observed.snapshot.strangers,
    })
}

/// Says what could not be looked at, and why.
pub(crate) fn not_observed(looked: &Looked) -> Vec<Value> {
    let not_observed = looked.observed.snapshot.not_observed.iter();
    not_observed
        .map(|one| json!({ "subject": one.subject, "why": one.why }))
        .collect()
}
