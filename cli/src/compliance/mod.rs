//! `banto compliance`: findings that are open, and waivers.
//!
//! Open findings are those that notify-compliance keeps in its table. Waivers are in the policy,
//! and nowhere else: who accepts what, why and until when is a reviewed change. So `waive` and
//! `unwaive` change banto.toml, and AWS is not asked.

mod edit;
mod look;
mod show;
#[cfg(test)]
mod tests;
mod waive;
mod wiring;

use anyhow::{Context as _, Result};
use banto_domain::AccountId;
use banto_domain::compliance::Severity;
use clap::{Args, Subcommand};

use crate::ending::{Ending, misused, not_seen};
use crate::output::line;
use crate::policy::PolicyFile;
use crate::session::Where;
use crate::terminal::Screen;

/// What to do with findings.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  banto compliance open --severity critical
  banto compliance unwaive ebs-encrypted")]
pub enum Command {
    /// Shows the findings that are open, the most severe first. Nothing is written.
    #[command(after_help = OPEN_EXAMPLES)]
    Open(Open),
    /// Mutes a rule's findings until a date: writes a waiver into the policy, to be reviewed.
    #[command(after_help = WAIVE_EXAMPLES)]
    Waive(Waive),
    /// Takes a waiver out of the policy.
    #[command(after_help = UNWAIVE_EXAMPLES)]
    Unwaive(Unwaive),
}

const OPEN_EXAMPLES: &str = "\
Examples:
  banto compliance open
  banto compliance open --severity high --owner alice
  banto compliance open --account payments --rule 's3-*' --all
  banto compliance open --json

Exit codes: 0 nothing is open besides what is waived, 1 findings, 3 could not
look.";

const WAIVE_EXAMPLES: &str = "\
Examples:
  banto compliance waive 's3-*' --owner bob --reason demo --until 2027-03-31

A waiver counts once the policy is deployed: the command says how. It ends by
itself; operators are told a week before, and a day before.

Exit codes: 0 written, 1 not written.";

const UNWAIVE_EXAMPLES: &str = "\
Examples:
  banto compliance unwaive s3-bucket-public-read-prohibited
  banto compliance unwaive 's3-*' --account 444455556666 --resource 'website-*'

What the waiver covered is told again with the next daily run after the policy
is deployed.

Exit codes: 0 written, 1 not written.";

/// The findings to show.
#[derive(Debug, Args)]
pub struct Open {
    /// Only this account, by name or id; may be given several times.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Vec<String>,
    /// Only this rule, by its own name; `*` stands for anything.
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only this severity and above: low, medium, high or critical.
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub severity: Option<Severity>,
    /// Only accounts whose owner tag says this.
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Shows what is waived, too, and all of it.
    #[arg(long)]
    pub all: bool,
    /// One JSON document: docs/operators.md has its shape.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    policy: PolicyFile,
    #[command(flatten)]
    aws: Where,
}

/// The findings that a waiver is about.
#[derive(Debug, Args)]
pub struct About {
    /// The rule's own name; `*` stands for anything.
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// The account's id; any account, if left out.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<AccountId>,
    /// The resource's id or name; `*` stands for anything.
    #[arg(long, value_name = "RESOURCE")]
    pub resource: Option<String>,
    /// Goes on without a question.
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    policy: PolicyFile,
}

/// A waiver to write.
#[derive(Debug, Args)]
#[command(override_usage = "\
banto compliance waive [OPTIONS] <RULE>
       --until <DATE> --reason <TEXT> --owner <OWNER>")]
pub struct Waive {
    #[command(flatten)]
    about: About,
    /// The last day, as in 2027-03-31, to its end in UTC; or a moment with an offset.
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Why this is accepted.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The person or team that answers for it.
    #[arg(long, value_name = "OWNER")]
    pub owner: String,
}

/// A waiver to take out.
#[derive(Debug, Args)]
pub struct Unwaive {
    #[command(flatten)]
    about: About,
}

fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL.into_iter().find(|it| it.as_str() == text);
    known.ok_or_else(|| "low, medium, high and critical are known".to_owned())
}

/// Does it.
///
/// # Errors
/// If it can't be done.
pub async fn run(command: &Command) -> Result<Ending> {
    match command {
        Command::Open(options) => open(options).await,
        Command::Waive(options) => waive::waive(options),
        Command::Unwaive(options) => waive::unwaive(options),
    }
}

/// The complaint about a policy by which notify-compliance does nothing.
const NO_SECTION: &str = "the policy has no section [compliance]";

async fn open(options: &Open) -> Result<Ending> {
    let policy = options.policy.read()?;
    let policy = policy.compliance.context(NO_SECTION).map_err(misused)?;
    let place = options.aws.or_in(policy.queue.region());
    let session = place.connect().await?;
    let ports = wiring::ports(&session.aws.reading_only(), &policy)?;
    let seen = look::look(&ports, &policy, options).await;
    let (seen, now) = (seen.map_err(not_seen)?, ports.clock.now());
    if options.json {
        line(&format!("{:#}", show::as_json(&seen, &policy, now)));
    } else {
        line(&show::show(
            &seen,
            &policy,
            options.all,
            now,
            &Screen::of_output(),
        ));
    }
    Ok(ending(&seen))
}

fn ending(seen: &look::Seen) -> Ending {
    let is_open = seen.findings.iter().any(|finding| finding.waived.is_none());
    match (look::is_blind(seen), is_open || !seen.unread.is_empty()) {
        (true, _) => Ending::BLIND,
        (false, true) => Ending::FINDINGS,
        (false, false) => Ending::Done,
    }
}
