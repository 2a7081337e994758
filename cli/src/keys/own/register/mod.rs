//! `banto keys register`: a certificate is chosen, judged as the rotator will, stored and pinned.

mod choose;
mod look;
mod options;
mod plan;
mod show;

use anyhow::{Context as _, Result};
use banto_domain::Fingerprint;
use banto_seal::Certificate;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::snapshot::PIN_TAG;

use self::choose::Chosen;
use self::look::Looked;
pub use self::options::Options;
use self::plan::{Plan, Step, Vouched};
use super::cloud::{Cloud, Object};
use super::counts::Counts;
use super::me::Me;
use super::mfa;
use crate::ending::Ending;
use crate::openpgp::{Candidate, NotUsable, Secret};
use crate::terminal::Screen;
use crate::{ask, output};

/// Does it.
///
/// # Errors
/// If the certificate can't be chosen, stored or pinned. The same command finishes what an
/// interrupted one began.
pub async fn run(options: &Options) -> Result<Ending> {
    let me = Me::find(&options.common).await?;
    let looked = Looked::at(&me, super::now()?).await?;
    let mut chosen = choose::choose(options, looked.begun().as_ref()).await?;
    // A certificate that was just made is valid from then on.
    let now = super::now()?;
    let screen = Screen::of_output();
    let refused = |refusal: &NotUsable| {
        output::complain(&screen.wrapped(&show::refused(refusal), 0));
        Ok(Ending::FINDINGS)
    };
    let judged = match looked.judge(&chosen, now) {
        Ok(judged) => judged,
        Err(refusal) => return refused(&refusal),
    };
    let mut vouched = vouching(&looked, &chosen, now);
    let place = me.identity.certificate_url(&me.user);
    let plan = plan::plan(&looked.seen(&chosen));
    let (fingerprint, candidate) = (chosen.fingerprint.clone(), chosen.candidate.clone());
    let shown = show::Registration {
        user: &me.user,
        place: &place,
        policy: me.policy_file.as_deref(),
        fingerprint: &fingerprint,
        candidate: candidate.as_ref(),
        expires_at: judged.expires_at,
        plan: &plan,
        vouched: &vouched.clone(),
        counts: &looked.counts(&me, &chosen, &vouched, now),
        known: looked.known(),
        now,
    };
    output::complain(&shown.before(&screen));
    for sentence in card(&chosen).await {
        output::complain(&screen.wrapped(&sentence, 0));
    }
    let changes = !plan.steps.is_empty() || matches!(vouched, Vouched::Will(_));
    let goes_on = !changes || ask::confirm("Register it?", options.yes)?;
    if !goes_on {
        output::complain("Nothing was done.");
        return Ok(Ending::FINDINGS);
    }
    if let Vouched::Will(former) = &vouched {
        vouched = vouch(&looked, &mut chosen, former.clone(), now).await;
        // What is stored is judged, and no copy of before.
        if let Err(refusal) = looked.judge(&chosen, now) {
            return refused(&refusal);
        }
    }
    let plan = plan::plan(&looked.seen(&chosen));
    act(me.cloud.as_ref(), options, &plan, &chosen).await?;
    // As it is now, so that `status` says the same.
    let counts = match Looked::at(&me, now).await {
        Ok(looked) => looked.counts(&me, &chosen, &vouched, super::now()?),
        Err(error) => Counts::Unknown(format!("{error:#}")),
    };
    let shown = show::Registration {
        plan: &plan,
        vouched: &vouched,
        counts: &counts,
        ..shown
    };
    let text = shown.after(&screen);
    output::line(&text);
    super::tell_profile(&text, &options.common.place);
    Ok(Ending::Done)
}

/// Time that a person may take for the passphrase of the former certificate. The signature is of
/// its end, a moment that is still to come.
const SIGNED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Looks who vouches for it: nothing is signed yet.
fn vouching(looked: &Looked, chosen: &Chosen, now: Timestamp) -> Vouched {
    let Some(pin) = looked.pin() else {
        return Vouched::NotNeeded;
    };
    let former = pin.fingerprint.clone();
    if former == chosen.fingerprint {
        return Vouched::NotNeeded;
    }
    // Whoever died after storing has the signature there already, and the rotator merges that.
    if is_certified(looked, &chosen.bytes, now) {
        return Vouched::By(former);
    }
    match holder(chosen, &former) {
        Some(_) => Vouched::Will(former),
        None => {
            let why = "its secret key is not on this machine".to_owned();
            Vouched::Not(former, why)
        }
    }
}

/// True if the rotator will see that the certificate which counts signed this one: it asks the
/// copy in the record.
fn is_certified(looked: &Looked, bytes: &[u8], now: Timestamp) -> bool {
    let counted = looked.pin();
    let counted = counted.and_then(|pin| Certificate::from_kept(&pin.certificate).ok());
    let (Some(counted), Ok(new)) = (counted, Certificate::read(bytes)) else {
        return false;
    };
    let new = looked.earlier().iter().fold(new, Certificate::with_earlier);
    new.is_certified_by(&counted, now)
}

fn holder<'a>(chosen: &'a Chosen, former: &Fingerprint) -> Option<&'a Candidate> {
    let mut own = chosen.own.iter();
    own.find(|one| one.fingerprint == *former && one.primary != Secret::Elsewhere)
}

/// Has the certificate that counts sign the new one.
async fn vouch(
    looked: &Looked,
    chosen: &mut Chosen,
    former: Fingerprint,
    now: Timestamp,
) -> Vouched {
    let Some(holder) = holder(chosen, &former) else {
        let why = "its secret key is not on this machine".to_owned();
        return Vouched::Not(former, why);
    };
    let signed_by = now + SIGNED_WITHIN;
    let certified = holder.program.certify(&chosen.bytes, &former, signed_by);
    match certified.await {
        Ok(certified) if is_certified(looked, &certified, signed_by) => {
            chosen.bytes = certified;
            Vouched::By(former)
        }
        Ok(_) => {
            let why = "by the copy of it that Banto keeps, its signature proves nothing".to_owned();
            Vouched::Not(former, why)
        }
        Err(error) => Vouched::Not(former, error.to_string()),
    }
}

/// Sentences about what to do on the smartcard, where the certificate is on one.
async fn card(chosen: &Chosen) -> Vec<String> {
    let on_card = |candidate: &&Candidate| candidate.card().is_some();
    let Some(candidate) = chosen.candidate.as_ref().filter(on_card) else {
        return Vec::new();
    };
    match candidate.program.card().await {
        Ok(Some(card)) => card.what_to_do(),
        _ => vec![
            "Its key is on a smartcard, which is to be in the reader when a new key is fetched."
                .to_owned(),
        ],
    }
}

/// Does the steps, one after the other.
async fn act(cloud: &dyn Cloud, options: &Options, plan: &Plan, chosen: &Chosen) -> Result<()> {
    for step in &plan.steps {
        match step {
            Step::Store => {
                let stored = cloud.store(Object::Certificate, &chosen.bytes).await;
                stored.context(
                    "the certificate was not stored, and nothing is changed: call again",
                )?;
            }
            Step::Pin => {
                let pin = chosen.fingerprint.as_str();
                let pinned = mfa::tag(cloud, &options.mfa, PIN_TAG, pin).await;
                pinned.context(
                    "the certificate is stored, and not pinned yet: the same command goes on there",
                )?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::cloud_in_memory::InMemory;
    use super::super::me::Common;
    use super::super::mfa::Mfa;
    use super::look::says_all;
    use super::plan::Seen;
    use super::*;

    fn chosen() -> Chosen {
        Chosen {
            fingerprint: "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap(),
            bytes: b"certificate".to_vec(),
            candidate: None,
            own: Vec::new(),
        }
    }

    fn options() -> Options {
        Options {
            from: None,
            fingerprint: None,
            make: false,
            name: None,
            mail: None,
            key_file: None,
            yes: true,
            mfa: Mfa {
                mfa_code: Some("123456".to_owned()),
                mfa_serial: None,
            },
            common: Common::default(),
        }
    }

    /// Plans from what is there, and acts.
    async fn register(cloud: &InMemory) -> Result<()> {
        let chosen = chosen();
        let user = cloud.user().await.unwrap();
        let stored = cloud.stored(Object::Certificate).await.unwrap();
        let plan = plan::plan(&Seen {
            certificate: &chosen.fingerprint,
            is_stored: says_all(stored.as_ref(), &chosen.bytes),
            tag: user.tags.get(PIN_TAG).map(String::as_str),
        });
        act(cloud, &options(), &plan, &chosen).await
    }

    #[tokio::test]
    async fn whatever_call_fails_before_or_after_its_effect_the_same_command_finishes() {
        let clean = InMemory::new();
        register(&clean).await.unwrap();
        let calls = clean.calls();
        assert_eq!(calls, ["store", "tag"]);
        for failing in 0..calls.len() {
            for has_effect in [false, true] {
                let cloud = InMemory::new();
                cloud.fail(failing, has_effect);
                let error = format!("{:#}", register(&cloud).await.unwrap_err());
                assert!(
                    error.contains("again") || error.contains("same command"),
                    "{error}"
                );
                register(&cloud).await.unwrap();
                assert_eq!(cloud.state(), clean.state());
                let before = cloud.calls();
                register(&cloud).await.unwrap();
                assert_eq!(cloud.calls(), before, "nothing is done twice");
            }
        }
    }

    #[tokio::test]
    async fn a_tag_that_wants_a_second_factor_gets_it() {
        let cloud = InMemory::new();
        cloud.wants_mfa(&["arn:aws:iam::111122223333:mfa/alice"]);
        register(&cloud).await.unwrap();
        assert_eq!(cloud.calls(), ["store", "tag", "with_mfa", "tag"]);
        let pin = cloud.user().await.unwrap().tags[PIN_TAG].clone();
        assert_eq!(pin, chosen().fingerprint.as_str());
    }

    #[tokio::test]
    async fn whoever_has_a_passkey_alone_is_told_to_sign_in() {
        let cloud = InMemory::new();
        cloud.wants_mfa(&["arn:aws:iam::111122223333:u2f/user/alice/key"]);
        let error = format!("{:#}", register(&cloud).await.unwrap_err());
        assert!(
            error.contains("aws login") && error.contains("stored, and not pinned"),
            "{error}"
        );
    }
}
