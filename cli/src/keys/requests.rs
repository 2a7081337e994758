//! Requests of operators to the rotator: `banto keys rotate, restore, discard, approve, leave`.
//!
//! Each goes to the function's queue as the function itself decodes it, after it was shown what
//! comes of it. Nothing is done here.

use anyhow::{Context as _, Result, bail, ensure};
use banto_domain::policy::Policy;
use banto_domain::{AccessKeyId, AccountId, Fingerprint, QueueUrl, UserName};
use clap::Args;
use rotate_access_keys::event::{Asked, Mode};
use rotate_access_keys::ports::Account;
use serde_json::json;

use super::look::{self, Looked};
use super::request::Request;
use super::{follow, place, plan};
use crate::ask;
use crate::doctor::value;
use crate::ending::{Ending, misused};
use crate::functions::{Means, accounts};
use crate::output;
use crate::policy::PolicyFile;
use crate::progress::Spinner;
use crate::session::{Session, Where};
use crate::terminal::Screen;

/// The queue's name, unless the module's variable `queue_name` says another.
const QUEUE: &str = "banto-rotation";

/// Options that all requests have.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Answers yes. Where a name must be typed, only `--confirm` stands for that.
    #[arg(long, short)]
    pub yes: bool,
    /// Stands for typing the name, where one must be typed.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Waits until it is done, and says what it waits for.
    #[arg(long)]
    pub wait: bool,
    /// The identity account that the users are in, where the policy has several.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// The function's queue: its name, or its URL where the function is in no identity account.
    #[arg(long, value_name = "QUEUE", default_value = QUEUE)]
    pub queue: String,
    /// Takes the rotator's role in the identity account to look.
    #[arg(long)]
    pub assume: bool,
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyFile,
    /// Credentials and region.
    #[command(flatten)]
    pub place: Where,
}

/// Issues new keys now.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys rotate alice --wait
  banto keys rotate alice --emergency     her keys leaked: they end at once")]
pub struct Rotate {
    /// Whose keys.
    #[arg(required = true)]
    pub users: Vec<UserName>,
    /// Ends all keys and sessions from before now first. It can't be undone.
    #[arg(long)]
    pub emergency: bool,
    /// Options that all requests have.
    #[command(flatten)]
    pub common: Common,
}

/// Makes keys active again that Banto disabled, or takes a leave back.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys restore alice
  banto keys restore alice --key AKIAIOSFODNN7EXAMPLE")]
pub struct Restore {
    /// Whose keys.
    #[arg(required = true)]
    pub users: Vec<UserName>,
    /// This key alone; all that Banto disabled, if none is named.
    #[arg(long = "key", value_name = "KEY-ID")]
    pub keys: Vec<AccessKeyId>,
    /// Options that all requests have.
    #[command(flatten)]
    pub common: Common,
}

/// Deletes a key that an interrupted issue left behind, and that nobody has.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys discard alice --key AKIAIOSFODNN7EXAMPLE")]
pub struct Discard {
    /// Whose key.
    pub user: UserName,
    /// The key. It can't be had back.
    #[arg(long = "key", value_name = "KEY-ID", required = true)]
    pub keys: Vec<AccessKeyId>,
    /// Options that all requests have.
    #[command(flatten)]
    pub common: Common,
}

/// Lets a new certificate count at once. Ask its owner for the fingerprint in person.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys approve alice D1A66E1A23B182C9980F788CFBFCC82A015E7330")]
pub struct Approve {
    /// Whose certificate.
    pub user: UserName,
    /// Its fingerprint, in whatever groups.
    #[arg(required = true, num_args = 1.., value_name = "FINGERPRINT")]
    pub fingerprint: Vec<String>,
    /// Options that all requests have.
    #[command(flatten)]
    pub common: Common,
}

/// Ends everything that a user has who left: keys, sessions, and sessions in roles.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto keys leave alice --wait

It can be taken back for some days: banto keys restore alice.")]
pub struct Leave {
    /// Who left.
    pub user: UserName,
    /// Options that all requests have.
    #[command(flatten)]
    pub common: Common,
}

/// Asks for new keys.
///
/// # Errors
/// If it can't be asked for, or nobody confirmed it.
pub async fn rotate(options: &Rotate) -> Result<Ending> {
    let mode = if options.emergency {
        Mode::Emergency
    } else {
        Mode::Force
    };
    let users = options.users.clone();
    of(&options.common, |account| {
        Ok(Request::new(account, mode, users))
    })
    .await
}

/// Asks for keys to be active again.
///
/// # Errors
/// If it can't be asked for, or nobody confirmed it.
pub async fn restore(options: &Restore) -> Result<Ending> {
    of(&options.common, |account| {
        Ok(Request {
            keys: options.keys.iter().cloned().collect(),
            ..Request::new(account, Mode::Restore, options.users.clone())
        })
    })
    .await
}

/// Asks for keys to be deleted.
///
/// # Errors
/// If it can't be asked for, or nobody confirmed it.
pub async fn discard(options: &Discard) -> Result<Ending> {
    of(&options.common, |account| {
        Ok(Request {
            keys: options.keys.iter().cloned().collect(),
            ..Request::new(account, Mode::Discard, [options.user.clone()])
        })
    })
    .await
}

/// Asks for a certificate to count.
///
/// # Errors
/// If it can't be asked for, or nobody confirmed it.
pub async fn approve(options: &Approve) -> Result<Ending> {
    of(&options.common, |account| {
        let fingerprint = Fingerprint::from_human(&options.fingerprint.join(""));
        let fingerprint = fingerprint.map_err(|error| misused(error.into()))?;
        Ok(Request {
            certificate: Some(fingerprint),
            ..Request::new(account, Mode::Approve, [options.user.clone()])
        })
    })
    .await
}

/// Asks for all to end that a user has.
///
/// # Errors
/// If it can't be asked for, or nobody confirmed it.
pub async fn leave(options: &Leave) -> Result<Ending> {
    of(&options.common, |account| {
        Ok(Request::new(account, Mode::Leave, [options.user.clone()]))
    })
    .await
}

/// Shows what a request does, asks, sends it, and follows it.
async fn of(common: &Common, make: impl FnOnce(AccountId) -> Result<Request>) -> Result<Ending> {
    let policy = common.policy.read()?;
    let request = make(look::account_of(&policy, common.account.as_ref())?)?;
    let session = place(&policy, &common.place).connect().await?;
    let queue = queue_url(&policy, session.aws.region().as_str(), &common.queue);
    let queue = queue.map_err(misused)?;
    let means = Means::to_look(&session, common.assume)?;
    let all = accounts(&means, &policy)?;
    let account = look::chosen(&all, Some(&request.account), true)?;
    let account = account.first().context("the policy has no such account")?;
    let screen = Screen::of_output();
    let looked = looked(&means, account, &policy, &request).await;
    match &looked {
        Ok(looked) => {
            output::line(&plan::account(looked, &screen));
            let refusals = request.refusals(looked);
            ensure!(
                refusals.is_empty(),
                "nothing was sent: {}",
                refusals.join("; ")
            );
        }
        Err(error) => {
            let text = format!("What comes of it can't be shown beforehand: {error:#}");
            output::complain(&screen.wrapped(&text, 2));
        }
    }
    let (question, is_final) = request.question();
    let is_confirmed = if is_final {
        let given = common.confirm.as_deref();
        ask::typed(&question, &request.names(), given, "--confirm")?
    } else {
        ask::confirm(&question, common.yes)?
    };
    if !is_confirmed {
        output::complain("Nothing was sent.");
        return Ok(Ending::FINDINGS);
    }
    let asked = send(&session, &means, &queue, &request).await?;
    let seen = looked.as_ref().ok();
    let follows = request.follows(seen);
    output::line(&screen.wrapped(&format!("Sent as {}. {follows}", asked.id), 2));
    for command in seen
        .iter()
        .flat_map(|looked| plan::commands(looked, &screen))
    {
        output::line(&command);
    }
    if !common.wait {
        return Ok(Ending::Done);
    }
    if let Some(why) = follow::hopeless(&looked) {
        output::complain(&screen.wrapped(&format!("Not waited for: {why}"), 2));
        return Ok(Ending::FINDINGS);
    }
    tokio::select! {
        ended = follow::wait(means.clock.as_ref(), account, &policy, &request, &asked) => ended,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("can't listen for Ctrl-C")?;
            output::complain("Nobody waits any more; the request is on the queue nonetheless.");
            Ok(Ending::Interrupted)
        }
    }
}

/// Plans what the rotator would do by the request.
async fn looked(
    means: &Means,
    account: &Account,
    policy: &Policy,
    request: &Request,
) -> Result<Looked> {
    let _spinner = Spinner::saying(&format!("looking at {}", request.names()));
    let asked = Asked::by("a request that is not sent", means.clock.now());
    look::look(account, &policy.rotation, &request.scope(), &asked).await
}

/// The queue's URL, which follows from its name: the queue lets operators send, and ask nothing. The
/// function runs in the identity account in which it assumes no role.
fn queue_url(policy: &Policy, region: &str, queue: &str) -> Result<QueueUrl> {
    if queue.contains("://") {
        return Ok(queue.parse()?);
    }
    let mut accounts = policy.rotation.accounts.iter();
    let Some(own) = accounts.find(|account| !account.assume) else {
        bail!(
            "no identity account of the policy has assume = false, so that it does not say in which \
             account the function runs: give its queue's URL (Terraform's output) with --queue"
        );
    };
    let arn = format!("arn:aws:sqs:{region}:{}:{queue}", own.id);
    QueueUrl::of_arn(&arn).with_context(|| format!("{queue} is no name of a queue"))
}

/// Sends it, and answers what tells it from all others.
async fn send(
    session: &Session,
    means: &Means,
    queue: &QueueUrl,
    request: &Request,
) -> Result<Asked> {
    let arguments = json!({ "QueueUrl": queue, "MessageBody": request.body().to_string() });
    let answer = session.aws.plain("sqs:SendMessage", None, &arguments).await;
    let answer = answer.with_context(|| {
        format!(
            "the request was not sent to {queue}: --queue names another queue, --region another \
             region; rotate-access-keys' module has its name (queue_name) and whoever may send to \
             it (operators)"
        )
    })?;
    let id = value(&answer, "/MessageId").context("SQS did not say the message's id")?;
    Ok(Asked::by(&id, means.clock.now()))
}

#[cfg(test)]
mod tests {
    use banto_fake::PolicyText;

    use super::*;

    #[test]
    fn the_queue_is_in_the_account_in_which_no_role_is_assumed() {
        let url = |policy: &PolicyText, queue: &str| {
            queue_url(&policy.parse(), "eu-west-1", queue).map(|url| url.to_string())
        };
        let beside = PolicyText::least().with("role = ", "assume = true\nrole = ");
        let error = url(&beside, QUEUE).unwrap_err().to_string();
        assert!(error.contains("--queue"), "{error}");
        let own = PolicyText::least().with("role = ", "assume = false\nrole = ");
        let named = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation";
        assert_eq!(url(&own, QUEUE).unwrap(), named);
        let other = "https://sqs.eu-west-1.amazonaws.com/444455556666/mine";
        assert_eq!(url(&beside, other).unwrap(), other);
    }
}
