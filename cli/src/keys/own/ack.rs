//! `banto keys ack`: the new key's id, signed, for whoever can't use the key yet.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use banto_domain::record::{Pin, Record};
use banto_domain::{AccessKeyId, Fingerprint};
use banto_ports::LiveUser;
use banto_seal::Certificate;
use clap::Args;
use rotate_access_keys::snapshot::ACKNOWLEDGED_TAG;

use super::cloud::{Cloud, Object};
use super::me::{Common, Me};
use super::mfa::{self, Mfa};
use super::record;
use crate::ending::Ending;
use crate::openpgp;
use crate::output;
use crate::terminal::Screen;

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The new key's id; the one that the record names, if left out.
    #[arg(value_name = "KEY-ID")]
    key: Option<AccessKeyId>,
    /// The file that has your OpenPGP secret key, for an `sq` that keeps no keys of its own.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    mfa: Mfa,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
`banto keys fetch` uses the new key once, and that is proof enough. This is for
a key that can't be used yet: it says that it arrived, and lets Banto retire the
old one.

Examples:
  banto keys ack
  banto keys ack AKIAIOSFODNN7EXAMPLE --mfa-code 123456";

/// Does it.
///
/// # Errors
/// If there is nothing to acknowledge, or it can't be signed, stored or named in the tag.
pub async fn run(options: &Options) -> Result<Ending> {
    let me = Me::find(&options.common).await?;
    let now = super::now()?;
    let read = me.cloud.record().await;
    let user = me.cloud.user().await.context("your tags can't be read")?;
    let kept = record::judged(read, &me.policy, &me.identity.id, &me.user, now)?.of(&user.id);
    let record = kept.record().context(
        "no record of yours can be read, so that there is nothing to acknowledge: `banto keys status` says more",
    )?;
    let screen = Screen::of_output();
    let (key, pin) = match wanted(record, options.key.as_ref())? {
        Wanted::Proven(key) => {
            let text = format!("Nothing to do: {key} was used or acknowledged already.");
            output::line(&screen.wrapped(&text, 0));
            return Ok(Ending::Done);
        }
        Wanted::Sign { key, pin } => (key, pin),
    };
    let certificate = Certificate::from_kept(&pin.certificate).map_err(|refusal| {
        anyhow::anyhow!("the certificate in the record can't be read: {refusal}")
    })?;
    let is_good = |signed: &[u8]| certificate.check_acknowledgement(signed, &key, now).is_ok();
    let stored = me.cloud.stored(Object::Acknowledgement).await?;
    let is_stored = stored.is_some_and(|stored| is_good(&stored.bytes));
    let steps = steps(&user, is_stored, &key);
    let signed = if steps.contains(&Step::Store) {
        sign(options, &key, &pin.fingerprint, &certificate).await?
    } else {
        Vec::new()
    };
    act(me.cloud.as_ref(), options, &steps, &key, &signed).await?;
    let text = if steps.is_empty() {
        format!("Nothing to do: {key} is acknowledged. Banto's next run reads it.")
    } else {
        format!(
            "{key} is acknowledged. Banto's next run reads that, within a day; the old key is \
             disabled once it has rested."
        )
    };
    output::line(&screen.wrapped(&text, 0));
    Ok(Ending::Done)
}

/// What there is to acknowledge.
#[derive(Debug, PartialEq, Eq)]
enum Wanted<'a> {
    Sign { key: AccessKeyId, pin: &'a Pin },
    Proven(AccessKeyId),
}

/// The latest new key, if it is the one that is named, and the certificate that it is sealed to.
fn wanted<'a>(record: &'a Record, named: Option<&AccessKeyId>) -> Result<Wanted<'a>> {
    let rotation = record
        .rotation
        .as_ref()
        .context("there is nothing to acknowledge: no new key was made for you yet")?;
    let key = rotation.issued.key.clone();
    if let Some(named) = named.filter(|named| **named != key) {
        bail!("{named} is not the key that waits, which is {key}: leave the id out, or name that");
    }
    if rotation.proven_at.is_some() {
        return Ok(Wanted::Proven(key));
    }
    let sealed_to = &rotation.intent.recipient;
    let pin = record
        .pin
        .as_ref()
        .filter(|pin| pin.fingerprint == *sealed_to);
    let pin = pin.with_context(|| {
        format!("{key} is sealed to {sealed_to}, which counts no more: use the key once instead")
    })?;
    Ok(Wanted::Sign { key, pin })
}

/// A step in AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Store,
    Tag,
}

/// The steps that are left. The tag comes last: by itself it proves nothing.
fn steps(user: &LiveUser, is_stored: bool, key: &AccessKeyId) -> Vec<Step> {
    let is_tagged = user.tags.get(ACKNOWLEDGED_TAG).map(String::as_str) == Some(key.as_str());
    let mut steps = Vec::new();
    if !is_stored {
        steps.push(Step::Store);
    }
    if !is_tagged {
        steps.push(Step::Tag);
    }
    steps
}

/// The key's id, signed, as the rotator will take it.
async fn sign(
    options: &Options,
    key: &AccessKeyId,
    by: &Fingerprint,
    certificate: &Certificate,
) -> Result<Vec<u8>> {
    let programs = super::programs(options.key_file.as_deref()).await?;
    let own = openpgp::own(&programs).await?;
    let holder = own.iter().find(|one| one.fingerprint == *by).with_context(|| {
        format!(
            "the secret key of {by} is not on this machine: acknowledge where it is (for sq before 1.0: \
             with --key-file FILE), or use {key} once"
        )
    })?;
    let text = format!("{key}\n");
    let signed = holder.program.clearsign(&text, by).await?;
    // By the clock after the signature: one of a moment still to come counts for nothing.
    let checked = certificate.check_acknowledgement(&signed, key, super::now()?);
    checked.map_err(|error| anyhow::anyhow!("the signature would prove nothing: {error}"))?;
    Ok(signed)
}

async fn act(
    cloud: &dyn Cloud,
    options: &Options,
    steps: &[Step],
    key: &AccessKeyId,
    signed: &[u8],
) -> Result<()> {
    for step in steps {
        match step {
            Step::Store => {
                let stored = cloud.store(Object::Acknowledgement, signed).await;
                stored
                    .context("the signed id was not stored, and nothing is changed: call again")?;
            }
            Step::Tag => {
                let tagged = mfa::tag(cloud, &options.mfa, ACKNOWLEDGED_TAG, key.as_str()).await;
                tagged.context("the signed id is stored; the same command goes on with the tag")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use banto_domain::record::{Intent, Issued, Reason, Rotation};

    use jiff::Timestamp;

    use super::super::cloud_in_memory::InMemory;
    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    const CERTIFICATE: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";

    fn key() -> AccessKeyId {
        KEY.parse().unwrap()
    }

    fn record() -> Record {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let certificate: Fingerprint = CERTIFICATE.parse().unwrap();
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.pin = Some(Pin {
            fingerprint: certificate.clone(),
            certificate: String::new(),
        });
        record.rotation = Some(Rotation {
            intent: Intent {
                reason: Reason::Due,
                request: None,
                intended_at: now,
                existing_keys: BTreeSet::new(),
                recipient: certificate,
            },
            issued: Issued {
                key: key(),
                created_at: now,
            },
            delivered_at: None,
            proven_at: None,
            withdrawn_at: None,
        });
        record
    }

    #[test]
    fn the_key_that_waits_is_acknowledged_and_no_other() {
        let record = record();
        let pin = record.pin.as_ref().unwrap();
        let sign = Wanted::Sign { key: key(), pin };
        assert_eq!(wanted(&record, None).unwrap(), sign);
        assert_eq!(wanted(&record, Some(&key())).unwrap(), sign);
        let other = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
        let error = wanted(&record, Some(&other)).unwrap_err().to_string();
        assert!(error.contains(KEY), "{error}");
    }

    #[test]
    fn a_key_that_is_proven_gone_or_sealed_to_another_certificate_is_not_signed_for() {
        let mut proven = record();
        proven.rotation.as_mut().unwrap().proven_at = Some(Timestamp::now());
        assert_eq!(wanted(&proven, None).unwrap(), Wanted::Proven(key()));
        let mut none = record();
        none.rotation = None;
        assert!(wanted(&none, None).is_err());
        let mut former = record();
        former.pin.as_mut().unwrap().fingerprint = "0".repeat(40).parse().unwrap();
        let error = wanted(&former, None).unwrap_err().to_string();
        assert!(error.contains("counts no more"), "{error}");
    }

    async fn acknowledge(cloud: &InMemory) -> Result<()> {
        let options = Options {
            key: None,
            key_file: None,
            mfa: Mfa::default(),
            common: Common::default(),
        };
        let user = cloud.user().await.unwrap();
        let stored = cloud.stored(Object::Acknowledgement).await.unwrap();
        let is_stored = stored.is_some_and(|stored| stored.bytes == b"signed");
        let steps = steps(&user, is_stored, &key());
        act(cloud, &options, &steps, &key(), b"signed").await
    }

    #[tokio::test]
    async fn whatever_call_fails_the_same_command_finishes() {
        let clean = InMemory::new();
        acknowledge(&clean).await.unwrap();
        assert_eq!(clean.calls(), ["store", "tag"]);
        for failing in 0..2 {
            for has_effect in [false, true] {
                let cloud = InMemory::new();
                cloud.fail(failing, has_effect);
                acknowledge(&cloud).await.unwrap_err();
                acknowledge(&cloud).await.unwrap();
                assert_eq!(cloud.state(), clean.state());
                let before = cloud.calls();
                acknowledge(&cloud).await.unwrap();
                assert_eq!(cloud.calls(), before);
            }
        }
    }
}
