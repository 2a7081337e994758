//! `banto doctor`: looks whether what the policy names is there, and with `--probe` whether AWS is
//! as docs/UNPROVEN.md has it.

mod left;
mod look;
mod made;
mod probe;
mod probes;
mod prove;
mod rows;
mod runner;
#[cfg(test)]
mod tests;
mod transcript;

pub(crate) use probe::{elements, value};

use std::path::PathBuf;

use anyhow::Result;
use banto_domain::AccountId;
use clap::Args;
use jiff::Timestamp;

use crate::ending::Ending;
use crate::output::complain;
use crate::policy::PolicyFile;
use crate::session::Where;
use transcript::masked;

/// What to look at.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto doctor                          what is not in order, and what to do
  banto doctor --profile log-archive    the same, in another account
  banto doctor --verbose                what is in order, too
  banto doctor --probe --sandbox 111122223333
  banto doctor --probe --make --sandbox 111122223333 --out transcript.md
  banto doctor --clean --sandbox 111122223333

Exit codes: 0 well, 1 findings, 2 wrong use, 3 could not look, 130 Ctrl-C.
docs/doctor.md has more.")]
pub struct Options {
    #[command(flatten)]
    policy: PolicyFile,
    #[command(flatten)]
    place: Where,
    /// Shows each thing that is fine, too.
    #[arg(long, short, conflicts_with_all = ["probe", "clean"])]
    pub verbose: bool,
    /// Proves facts of docs/UNPROVEN.md in a sandbox account.
    #[arg(long, requires = "sandbox", conflicts_with = "policy")]
    pub probe: bool,
    /// Runs the probes, too, that make something and remove it again.
    #[arg(long, requires = "probe")]
    pub make: bool,
    /// Lists what a probe left behind, and with --yes removes it.
    #[arg(long, requires = "sandbox", conflicts_with_all = ["probe", "policy", "json"])]
    pub clean: bool,
    /// Removes what --clean lists.
    #[arg(long, requires = "clean")]
    pub yes: bool,
    /// The sandbox account, which must be that of the credentials.
    #[arg(long, value_name = "ACCOUNT")]
    pub sandbox: Option<AccountId>,
    /// Allows the management account of an Organization.
    #[arg(long)]
    pub organization: bool,
    /// Only these probes, by their ids.
    #[arg(long, value_name = "ID,...", value_delimiter = ',', requires = "probe")]
    pub only: Vec<String>,
    /// The transcript's file, instead of standard output.
    #[arg(long, value_name = "FILE", requires = "probe")]
    pub out: Option<PathBuf>,
    /// JSON instead of text: docs/doctor.md has its shape.
    #[arg(long)]
    pub json: bool,
}

/// Looks, and says what was seen.
///
/// # Errors
/// If there is no policy, it can't be used, or the transcript can't be written.
pub async fn run(options: &Options) -> Result<Ending> {
    if !options.probe && !options.clean {
        return look(options).await;
    }
    let known = probes::all();
    if let Some(id) = options
        .only
        .iter()
        .find(|id| known.iter().all(|p| p.id != **id))
    {
        let ids: Vec<&str> = known.iter().map(|probe| probe.id).collect();
        complain(&format!(
            "no probe is called {id}; there are {}",
            ids.join(", ")
        ));
        return Ok(Ending::MISUSED);
    }
    let session = match options.place.connect().await {
        Ok(session) => session,
        Err(error) => return Ok(blind(&error)),
    };
    let (aws, account) = (&session.aws, session.account.as_str());
    if let Err(why) = prove::allowed(aws, options, account).await {
        complain(&why);
        return Ok(Ending::MISUSED);
    }
    if options.clean {
        return Ok(left::clean(aws, options.yes, Timestamp::now()).await);
    }
    prove::run(aws, options, account, known).await
}

/// Looks at what the policy names. The policy comes first: it is read here, and asks nobody.
async fn look(options: &Options) -> Result<Ending> {
    let policy = options.policy.read()?;
    let session = match options.place.connect().await {
        Ok(session) => session,
        Err(error) => return Ok(blind(&error)),
    };
    let form = look::Form {
        given: look::Given {
            place: &options.place,
            policy: &options.policy,
        },
        is_json: options.json,
        is_verbose: options.verbose,
    };
    Ok(look::run(&session, &policy, form).await)
}

/// Tells why nothing could be looked at.
fn blind(error: &anyhow::Error) -> Ending {
    complain(&without_accounts(&format!("banto: {error:#}")));
    Ending::BLIND
}

/// Hides the numbers of accounts, as standard error is pasted into issues, too.
fn without_accounts(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let parts = text.split_inclusive(|c| !is_digit(c));
    let hidden = parts.map(|part| {
        let digits = part.trim_end_matches(|c| !is_digit(c));
        let rest = part.get(digits.len()..).unwrap_or_default();
        if digits.len() == 12 {
            format!("{}{rest}", masked(digits))
        } else {
            part.to_owned()
        }
    });
    hidden.collect()
}
