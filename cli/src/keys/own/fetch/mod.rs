//! `banto keys fetch`: the envelope is opened, the new key is proven, and only then it takes the
//! place of the old one.

mod opened;
mod plan;
mod prove;
mod show;
mod source;
mod target;

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use banto_aws::Aws;
use banto_domain::{Fingerprint, UserName};
use banto_ports::{ErrorKind, LiveKey, PortError};
use clap::Args;

use self::opened::{Expected, Opened};
use self::plan::{Decision, Seen};
use self::source::Sealed;
use self::target::{Target, To};
use super::super::place;
use super::cloud::{Cloud as _, OnAws};
use super::me::{Common, Me, identity, policy_file};
use super::record::{self, Kept, Signature};
use crate::ending::{Ending, misused};
use crate::openpgp::{self, OpenPgpError};
use crate::session::Where;
use crate::terminal::Screen;
use crate::{ask, output};

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Where the new key goes.
    #[arg(long, value_enum, default_value = "credentials")]
    to: To,
    /// The profile that gets the key; with `--to pass`, the entry below `aws/`. Left out: the
    /// profile that is used to fetch it.
    #[arg(long, value_name = "NAME")]
    profile_name: Option<String>,
    /// Open this envelope, a notice or a record in a file or (-) on standard input, and ask AWS
    /// nothing with the old key: for the day on which that no longer works.
    #[arg(long, value_name = "FILE|-")]
    envelope: Option<String>,
    /// Your user's name, which the envelope's key must be of: with it --yes answers for an
    /// envelope, too, as nothing else says there whose key it is to be.
    #[arg(long, value_name = "NAME", requires = "envelope")]
    user: Option<UserName>,
    /// The file that has your OpenPGP secret key, for an `sq` that keeps no keys of its own.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Replace the key in the profile without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  banto keys fetch                         into the profile that you use
  banto keys fetch --profile-name work     into another one
  banto keys fetch --profile banto --profile-name default  after `banto login`
  banto keys fetch --envelope notice.txt   from a notice: the old key is dead
  banto keys fetch --envelope - --user alice --yes < notice.txt
  banto keys fetch --to pass               into the password store
  eval \"$(banto keys fetch --to shell)\"    into this shell

In ~/.aws/config, opened at each use:
  credential_process = banto keys fetch --to process --envelope FILE --user NAME
                       --policy FILE       (in one line)";

/// Does it.
///
/// # Errors
/// If the key can't be opened, proven or put in place. The old one is untouched then.
pub async fn run(options: &Options) -> Result<Ending> {
    // Before anything is asked: whoever has opened a key must be able to put it somewhere.
    let profile = profile(options);
    let target = Target::find(options.to, &profile, options.profile_name.is_some())?;
    match &options.envelope {
        Some(file) => from_envelope(options, file, &target).await,
        None => from_record(options, &target).await,
    }
}

/// The profile that gets the key.
fn profile(options: &Options) -> String {
    let named = options.profile_name.clone();
    named.unwrap_or_else(|| options.common.place.profile_name())
}

async fn from_record(options: &Options, target: &Target) -> Result<Ending> {
    let me = Me::find(&options.common).await.map_err(dead_key)?;
    let now = super::now()?;
    let read = me.cloud.record().await;
    let user = me.cloud.user().await;
    let user = user.context("your IAM user can't be read")?;
    let kept = record::judged(read, &me.policy, &me.identity.id, &me.user, now)?.of(&user.id);
    let keys = me.cloud.keys().await.ok();
    let seen = Seen {
        kept: &kept,
        keys: keys.as_deref(),
        in_target: target.holds(),
        is_target_named: options.profile_name.is_some(),
        now,
    };
    tell_policy(&options.common);
    let screen = Screen::of_output();
    let (key, armored) = match plan::decide(&seen) {
        Decision::Open { key, armored } => (key, armored),
        Decision::InPlace { key } => {
            output::line(&screen.wrapped(&show::in_place(&key, target), 0));
            return Ok(Ending::Done);
        }
        Decision::Nothing(why) => {
            output::complain(&screen.wrapped(&why, 0));
            super::tell_profile(&why, &options.common.place);
            return Ok(Ending::FINDINGS);
        }
        Decision::Refuse(why) => bail!("{why}"),
    };
    answerable(target, options.yes, "--yes")?;
    tell_signature(signature(&kept));
    let expected = Expected {
        key: Some(key),
        user: Some(me.user.clone()),
        accounts: vec![me.identity.id.clone()],
    };
    let rotation = kept.record().and_then(|record| record.rotation.as_ref());
    let sealed_to = rotation.map(|rotation| &rotation.intent.recipient);
    let opened = open(options, &armored, &expected, sealed_to).await?;
    if !agreed(target, &opened, options.yes, "--yes")? {
        return Ok(Ending::FINDINGS);
    }
    proven(&opened, &place(&me.policy, &options.common.place)).await?;
    let after = show::After {
        old: old_keys(&opened, keys.as_deref()),
        policy: &me.policy.rotation,
    };
    put(target, &opened, &after).await
}

/// Says what to do where AWS takes the old key no more.
fn dead_key(error: anyhow::Error) -> anyhow::Error {
    let refused = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<PortError>())
        .is_some_and(|error| matches!(error.kind, ErrorKind::Denied | ErrorKind::UnknownCaller));
    if !refused {
        return error;
    }
    error.context(
        "your record can't be fetched. If your old key was disabled, open the envelope that the \
         notice carried: `banto keys fetch --envelope FILE`",
    )
}

/// The envelope alone: the new key itself is asked whose it is.
async fn from_envelope(options: &Options, file: &str, target: &Target) -> Result<Ending> {
    // A program reads these, and nobody sees whose key it is.
    let is_seen = matches!(target, Target::Profile { .. } | Target::Pass { .. });
    if !is_seen && options.user.is_none() {
        return Err(misused(anyhow!(
            "nobody is asked whose key is in the envelope: name your user with --user NAME"
        )));
    }
    tell_policy(&options.common);
    let yes = options.yes && options.user.is_some();
    answerable(target, yes, "--user NAME --yes")?;
    let policy = options.common.policy.read()?;
    let text = source::text(file)?;
    let Sealed {
        armored,
        key,
        user,
        account,
        signature,
    } = source::sealed(&text, &policy)?;
    tell_signature(signature);
    let accounts = policy
        .rotation
        .accounts
        .iter()
        .map(|identity| identity.id.clone());
    let is_of_another = |named: &&UserName| user.as_ref().is_some_and(|user| user != *named);
    if let (Some(named), Some(user)) = (options.user.as_ref().filter(is_of_another), &user) {
        bail!("the record is of {user}, and you are {named}: nothing was changed");
    }
    let expected = Expected {
        key,
        user: options.user.clone().or(user),
        accounts: match account {
            Some(account) => accounts.filter(|known| *known == account).collect(),
            None => accounts.collect(),
        },
    };
    let opened = open(options, &armored, &expected, None).await?;
    if target.holds() == Some(opened.key.as_str()) {
        output::line(&Screen::of_output().wrapped(&show::in_place(&opened.key, target), 0));
        return Ok(Ending::Done);
    }
    if !agreed(target, &opened, yes, "--user NAME --yes")? {
        return Ok(Ending::FINDINGS);
    }
    let aws = proven(&opened, &place(&policy, &options.common.place)).await?;
    let cloud = OnAws {
        aws,
        user: opened.user.clone(),
        identity: identity(&policy, &opened.account)?.clone(),
    };
    let keys = cloud.keys().await.ok();
    // The question named the key that is replaced, and a person has answered it.
    let is_agreed = options.profile_name.is_some() || !yes;
    if let Some(why) = plan::stranger(target.holds(), keys.as_deref(), is_agreed) {
        bail!("{why}");
    }
    if policy.rotation.signing.is_some() {
        let read = cloud.record().await;
        let kept = record::judged(read, &policy, &opened.account, &opened.user, super::now()?)?;
        names(&kept, &opened).map_err(anyhow::Error::msg)?;
    }
    let after = show::After {
        old: old_keys(&opened, keys.as_deref()),
        policy: &policy.rotation,
    };
    put(target, &opened, &after).await
}

/// Looks whether Banto's own record, which the new key has read, is of this envelope. A notice may
/// come from anybody who has the certificate; the record is signed.
fn names(kept: &Kept, opened: &Opened) -> Result<(), String> {
    let envelope = kept.record().and_then(|record| record.envelope.as_ref());
    match (kept, envelope) {
        (_, Some(envelope)) if envelope.key == opened.key => Ok(()),
        (_, Some(envelope)) => Err(format!(
            "the envelope has {}, and your record names {}: nothing was changed; fetch that one \
             from a newer notice, and if there is none tell the security team",
            opened.key, envelope.key
        )),
        (Kept::Refused(why) | Kept::Denied(why), None) => Err(format!(
            "{} works, but nothing shows that Banto made it: {why}. Nothing was changed; tell the \
             security team",
            opened.key
        )),
        (Kept::Nothing | Kept::Believed(..), None) => Err(format!(
            "{} works, but Banto has no record of it: nothing was changed; tell the security team",
            opened.key
        )),
    }
}

/// Says which policy was found, as that of the folder comes before the kept one.
fn tell_policy(common: &Common) {
    if let Some(file) = policy_file(common) {
        output::complain(&format!("The policy is {}.", file.display()));
    }
}

fn signature(kept: &Kept) -> Option<Signature> {
    match kept {
        Kept::Believed(_, signature) => Some(*signature),
        Kept::Nothing | Kept::Denied(_) | Kept::Refused(_) => None,
    }
}

fn tell_signature(signature: Option<Signature>) {
    if let Some(words) = show::signature(signature) {
        output::complain(words);
    }
}

/// Opens an envelope by the person's own program.
async fn open(
    options: &Options,
    armored: &str,
    expected: &Expected,
    sealed_to: Option<&Fingerprint>,
) -> Result<Opened> {
    let programs = super::programs(options.key_file.as_deref()).await?;
    let plaintext = openpgp::decrypt(&programs, armored.as_bytes()).await;
    let plaintext = plaintext.map_err(|error| {
        let told = match (sealed_to, &error) {
            (Some(certificate), OpenPgpError::NoKey { .. }) => format!(
                "the envelope was not opened, and nothing was changed. It is sealed to \
                 {certificate}; if you lost that key, `banto keys register` another certificate, and \
                 a new key follows"
            ),
            _ => "the envelope was not opened, and nothing was changed".to_owned(),
        };
        anyhow!(error).context(told)
    })?;
    let opened = Opened::read(&plaintext).map_err(anyhow::Error::msg)?;
    opened.check(expected).map_err(anyhow::Error::msg)?;
    Ok(opened)
}

/// The active keys that the new one takes the place of.
fn old_keys(opened: &Opened, keys: Option<&[LiveKey]>) -> Vec<String> {
    let keys = keys.unwrap_or_default().iter();
    let old = keys.filter(|key| key.active && key.id != opened.key);
    old.map(|key| key.id.to_string()).collect()
}

/// Refuses, before anything is opened, what will need an answer that nobody can give.
fn answerable(target: &Target, yes: bool, option: &str) -> Result<()> {
    match show::place(target) {
        Some(place) if !yes && !ask::somebody_is_there() => {
            ask::confirm_by(&format!("Put the new key into the {place}?"), yes, option).map(drop)
        }
        _ => Ok(()),
    }
}

/// Asks whether the key is to be put there, where it takes the place of another.
fn agreed(target: &Target, opened: &Opened, yes: bool, option: &str) -> Result<bool> {
    let Some(question) = show::question(opened, target) else {
        return Ok(true);
    };
    let agreed = ask::confirm_by(&question, yes, option)?;
    if !agreed {
        output::complain("Nothing was done.");
    }
    Ok(agreed)
}

/// Uses the key once; answers AWS as its user sees it.
async fn proven(opened: &Opened, place: &Where) -> Result<Aws> {
    let aws = prove::aws_of(opened, place.region.as_deref())?;
    prove::prove(opened, &prove::PAUSES, || prove::caller(&aws)).await?;
    Ok(aws)
}

/// Puts a proven key in place.
async fn put(target: &Target, opened: &Opened, after: &show::After<'_>) -> Result<Ending> {
    let put = target.put(opened).await;
    let place = put.with_context(|| {
        format!(
            "{} works, but could not be put in place; the old key is untouched: mend what follows, \
             and call again",
            opened.key
        )
    })?;
    let text = show::done(&Screen::of_output(), opened, &place, after);
    match target {
        Target::Profile { .. } | Target::Pass { .. } => output::line(&text),
        // Standard output has the key, for a program.
        Target::Process => {}
        Target::Shell => output::complain(&text),
    }
    if matches!(target, Target::Profile { .. })
        && std::env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|id| !id.is_empty())
    {
        output::complain(
            "AWS_ACCESS_KEY_ID is set in this shell, and comes before any profile: unset it, and \
             AWS_SECRET_ACCESS_KEY.",
        );
    }
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use banto_domain::record::{Record, StoredEnvelope};

    use super::*;

    #[test]
    fn an_envelope_that_the_signed_record_does_not_name_is_not_put_in_place() {
        let sealed = br#"{"Version": 1, "AccessKeyId": "AKIAI44QH8DHBEXAMPLE",
            "SecretAccessKey": "s3cret", "UserName": "alice", "AccountId": "111122223333"}"#;
        let opened = Opened::read(sealed).unwrap();
        let kept = |key: Option<&str>| {
            let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
            record.envelope = key.map(|key| StoredEnvelope {
                key: key.parse().unwrap(),
                armored: String::new(),
            });
            Kept::Believed(Box::new(record), Signature::Checked)
        };
        assert_eq!(names(&kept(Some("AKIAI44QH8DHBEXAMPLE")), &opened), Ok(()));
        for (kept, why) in [
            (kept(Some("AKIAIOSFODNN7EXAMPLE")), "names AKIAIOSF"),
            (kept(None), "no record of it"),
            (Kept::Nothing, "no record of it"),
            (Kept::Refused("it is not signed".to_owned()), "not signed"),
            (Kept::Denied("denied".to_owned()), "denied"),
        ] {
            let error = names(&kept, &opened).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
