//! `banto keys`: access keys. A developer's own are in `own`; the others are for operators.

mod follow;
pub(crate) mod look;
pub mod others;
pub mod own;
pub mod plan;
pub(crate) mod request;
pub mod requests;
mod rows;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use anyhow::Result;
use banto_domain::policy::Policy;
use clap::{Args, Subcommand};

use crate::ending::Ending;
use crate::session::Where;

/// What to do with keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  banto keys register        for developers: the certificate that counts
  banto keys fetch           for developers: a new key
  banto keys status --all    for operators: where every rotation stands
  banto keys rotate alice    for operators: a new key for alice, now")]
pub enum Command {
    /// Chooses the OpenPGP certificate that your new keys are sealed to.
    Register(own::register::Options),
    /// Receives your new key: opens it, proves it, and puts it where you want it.
    Fetch(own::fetch::Options),
    /// Says where your key stands, and what happens next; for operators, where everyone's do.
    Status(Status),
    /// Tells that your new key arrived, where you can't use it yet.
    Ack(own::ack::Options),
    /// For operators: what the rotator would do now.
    Plan(plan::Options),
    /// For operators: has new keys issued now.
    Rotate(requests::Rotate),
    /// For operators: has keys made active again that Banto disabled.
    Restore(requests::Restore),
    /// For operators: has a key deleted that an interrupted issue left behind.
    Discard(requests::Discard),
    /// For operators: lets a new certificate count at once.
    Approve(requests::Approve),
    /// For operators: has everything end that a user has who left.
    Leave(requests::Leave),
}

/// Whose keys, and where to look.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys status                yours
  banto keys status alice bob      for operators: those of two users
  banto keys status --all          for operators: everyone who is followed

Exit code 1: somebody must do something, or a key is late.")]
pub struct Status {
    /// Users, for operators.
    #[command(flatten)]
    pub others: others::Others,
    /// All else.
    #[command(flatten)]
    pub own: own::status::Options,
}

/// Where the function and the records of keys are: in the region of the topic for owners, unless
/// `--region` says otherwise.
pub(crate) fn place(policy: &Policy, given: &Where) -> Where {
    given.or_in(Some(policy.notices.owners_topic.region()))
}

/// Does it.
///
/// # Errors
/// If it can't be done.
pub async fn run(command: &Command) -> Result<Ending> {
    match command {
        Command::Register(options) => own::register::run(options).await,
        Command::Fetch(options) => own::fetch::run(options).await,
        Command::Status(Status { others, own }) if others.are_named() => {
            others::run(others, own.json, &own.common.policy, &own.common.place).await
        }
        Command::Status(Status { own, .. }) => own::status::run(own).await,
        Command::Ack(options) => own::ack::run(options).await,
        Command::Plan(options) => plan::run(options).await,
        Command::Rotate(options) => requests::rotate(options).await,
        Command::Restore(options) => requests::restore(options).await,
        Command::Discard(options) => requests::discard(options).await,
        Command::Approve(options) => requests::approve(options).await,
        Command::Leave(options) => requests::leave(options).await,
    }
}
