//! `banto keys register`: a certificate is chosen, judged as the rotator will, stored and pinned.

mod choose;
mod options;
mod plan;
mod show;

use anyhow::{Context as _, Result};
use banto_domain::Fingerprint;
use banto_domain::record::{Pin, Record};
use banto_ports::{LiveKey, LiveUser};
use banto_seal::Certificate;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::snapshot::PIN_TAG;

use self::choose::Chosen;
pub use self::options::Options;
use self::plan::{Plan, Seen, Step, Vouched};
use super::cloud::{Cloud, Object};
use super::me::Me;
use super::mfa;
use super::record::{self, Kept};
use crate::ending::Ending;
use crate::openpgp::{self, Candidate, Judged, NotUsable, Secret};
use crate::terminal::Screen;
use crate::{ask, output};

/// Does it.
///
/// # Errors
/// If the certificate can't be chosen, stored or pinned. The same command finishes what an
/// interrupted one began.
pub async fn run(options: &Options) -> Result<Ending> {
    let me = Me::find(&options.common).await?;
    let now = super::now()?;
    let looked = Looked::at(&me, now).await?;
    let mut chosen = choose::choose(options, looked.begun().as_ref()).await?;
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
    let grace = me.policy.rotation.pin_grace;
    let plan = plan::plan(&looked.seen(&chosen, &vouched, grace, now));
    let shown = show::Registration {
        user: &me.user,
        place: &place,
        policy: me.policy_file.as_deref(),
        fingerprint: &chosen.fingerprint,
        candidate: chosen.candidate.as_ref(),
        expires_at: judged.expires_at,
        plan: &plan,
        vouched: &vouched,
        now,
    };
    output::complain(&shown.before(&screen));
    if let Kept::Refused(why) = &looked.kept {
        let told = format!("Your record says nothing of what counts: {why}.");
        output::complain(&screen.wrapped(&told, 0));
    }
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
    let plan = plan::plan(&looked.seen(&chosen, &vouched, grace, now));
    act(me.cloud.as_ref(), options, &plan, &chosen).await?;
    let shown = show::Registration {
        user: &me.user,
        place: &place,
        policy: me.policy_file.as_deref(),
        fingerprint: &chosen.fingerprint,
        candidate: chosen.candidate.as_ref(),
        expires_at: judged.expires_at,
        plan: &plan,
        vouched: &vouched,
        now,
    };
    output::line(&shown.after(&screen));
    Ok(Ending::Done)
}

/// All that is so in AWS.
struct Looked {
    user: LiveUser,
    stored: Option<Vec<u8>>,
    kept: Kept,
    keys: Option<Vec<LiveKey>>,
}

impl Looked {
    async fn at(me: &Me, now: Timestamp) -> Result<Self> {
        let user = me.cloud.user().await;
        let read = me.cloud.record().await;
        let user = user.context("the tags of your IAM user can't be read")?;
        let kept = record::judged(read, &me.policy, &me.identity.id, &me.user, now)?;
        Ok(Self {
            stored: me.cloud.stored(Object::Certificate).await?,
            kept: kept.of(&user.id),
            user,
            keys: me.cloud.keys().await.ok(),
        })
    }

    fn record(&self) -> Option<&Record> {
        self.kept.record()
    }

    /// The certificate that counts so far.
    fn pin(&self) -> Option<&Pin> {
        self.record()?.pin.as_ref()
    }

    fn tag(&self) -> Option<&str> {
        self.user.tags.get(PIN_TAG).map(String::as_str)
    }

    /// The certificate that a command stored which ended before it was pinned.
    fn begun(&self) -> Option<Fingerprint> {
        let stored = Certificate::read(self.stored.as_ref()?).ok()?;
        let stored: Fingerprint = stored.fingerprint().parse().ok()?;
        let pinned = self.tag().and_then(|tag| Fingerprint::from_human(tag).ok());
        (pinned.as_ref() != Some(&stored)).then_some(stored)
    }

    /// The copies that the rotator merges with what will be stored, as far as a user sees them.
    fn earlier(&self) -> Vec<Certificate> {
        let stored = self.stored.as_ref();
        let stored = stored.and_then(|stored| Certificate::read(stored).ok());
        let kept = self.pin();
        let kept = kept.and_then(|pin| Certificate::from_kept(&pin.certificate).ok());
        stored.into_iter().chain(kept).collect()
    }

    fn judge(&self, chosen: &Chosen, now: Timestamp) -> Result<Judged, NotUsable> {
        openpgp::judge(&chosen.bytes, &self.earlier(), &chosen.fingerprint, now)
    }

    fn seen<'a>(
        &'a self,
        chosen: &'a Chosen,
        vouched: &Vouched,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Seen<'a> {
        Seen {
            now,
            grace,
            certificate: &chosen.fingerprint,
            is_certified: vouched.counts(),
            is_stored: says_all(self.stored.as_deref(), &chosen.bytes),
            tag: self.tag(),
            record: self.record(),
            keys: self.keys.as_deref(),
        }
    }
}

/// True if what is stored says all that a certificate says, so that it need not be stored again.
fn says_all(stored: Option<&[u8]>, bytes: &[u8]) -> bool {
    let Some(stored) = stored else {
        return false;
    };
    let read = (Certificate::read(stored), Certificate::read(bytes));
    match read {
        (Ok(stored), Ok(new)) if stored.fingerprint() == new.fingerprint() => {
            stored.clone().with_earlier(&new) == stored
        }
        _ => stored == bytes,
    }
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

/// What to do on the smartcard, where the certificate is on one.
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
            now: Timestamp::now(),
            grace: SignedDuration::from_hours(1),
            certificate: &chosen.fingerprint,
            is_certified: false,
            is_stored: says_all(stored.as_deref(), &chosen.bytes),
            tag: user.tags.get(PIN_TAG).map(String::as_str),
            record: None,
            keys: None,
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
