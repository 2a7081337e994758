//! People's OpenPGP certificates: those that no key can be sealed to, those that end soon, and those
//! that may not count yet.

use banto_domain::policy::{IdentityAccount, Signing};
use banto_domain::record::{Record, secret_name};
use banto_domain::{AccountId, Fingerprint, UserName};
use banto_ports::StoredText;
use banto_seal::{Certificate, Recipient};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::observe::believed;
use serde_json::{Value, json};

use super::check::{Ask, Check, Level, OTHERS, Said, Topic, UNSEEN, text};
use super::organization::{or_fine, rest};
use super::origin::{Named, Origin};
use super::place::Here;
use crate::dates;
use crate::doctor::probe::elements;

/// Most certificates that are read: a call each, and S3 takes thousands a second of a prefix.
const MOST: usize = 1000;
/// Most certificates of a kind that are named: more fill a screen, and one cause often has them all.
const NAMED: usize = 5;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let identity = here.identity();
    identity
        .map(|identity| check(here, identity))
        .into_iter()
        .collect()
}

fn check(here: &Here<'_>, identity: &IdentityAccount) -> Check {
    let (bucket, prefix) = (
        identity.certificate_bucket.clone(),
        identity.certificate_prefix.clone(),
    );
    let query = json!({"list-type": "2", "prefix": prefix.as_str()});
    let list = Ask::aws(
        "s3:ListBucket",
        json!({"bucket": bucket.as_str(), "path": "/", "query": query}),
    )
    .all_pages("NextContinuationToken", "continuation-token");
    let (now, grace) = (here.now, here.policy.rotation.pin_grace);
    let judge = Judge {
        account: identity.id.clone(),
        signing: here.policy.rotation.signing.clone(),
        now,
    };
    // Those that were read, and of each the day on which it counts, if that is still to come.
    let looked_at = move |texts: &[String]| -> Vec<(Stored, Option<Timestamp>)> {
        let stored = stored(texts, &prefix).into_iter().take(MOST);
        let until = |one: &Stored| one.at?.checked_add(grace).ok().filter(|until| *until > now);
        stored
            .map(|one| {
                let until = until(&one);
                (one, until)
            })
            .collect()
    };
    let further = looked_at.clone();
    let what = format!("certificates in the bucket {bucket}");
    let check = Check::new(Topic::Certificates, what, vec![list], move |texts| {
        let mut answers = texts.iter().skip(1);
        let (mut all, mut unseen) = (Vec::new(), Vec::new());
        let looked = looked_at(texts);
        let count = looked.len();
        for (stored, until) in looked {
            let body = answers.next().map(String::as_str).unwrap_or_default();
            let grace = until.and_then(|until| Some((until, answers.next()?.as_str())));
            match body.strip_prefix(UNSEEN) {
                Some(code) => unseen.push((stored.user.to_string(), code.to_owned())),
                None => all.extend(judge.judged(&stored, body, grace)),
            }
        }
        let mut said = shortened(all);
        said.extend(not_read(&unseen));
        let names = texts.first().map_or(0, |text| elements(text, "Key").len());
        if count == MOST && names > MOST {
            said.push(Said::note(format!("{MOST} of {names} were looked at"), &[]));
        }
        or_fine(said, format!("{count} that keys can be sealed to"))
    });
    let check = check.and_then(move |texts| {
        let asks = further(texts).into_iter().flat_map(|(stored, until)| {
            let path = format!("/{}", stored.key);
            let body = Ask::aws(
                "s3:GetObject",
                json!({"bucket": bucket.as_str(), "path": path}),
            );
            let id = json!({"SecretId": secret_name(&stored.user)});
            let record = until.map(|_| Ask::aws("secretsmanager:GetSecretValue", id));
            [Some(body), record].into_iter().flatten()
        });
        asks.map(|ask| ask.or_missing().or_unseen()).collect()
    });
    let key = Named::Policy("rotation.accounts[].certificate_bucket");
    check.made_by(Origin::new("identity", key)).everywhere()
}

/// The first of each level, and how many more there are.
fn shortened(all: Vec<Said>) -> Vec<Said> {
    let (warnings, notes): (Vec<Said>, Vec<Said>) = all
        .into_iter()
        .partition(|said| said.level == Level::Warning);
    let mut said = Vec::new();
    for own in [warnings, notes] {
        let count = own.len();
        let more = own.first().filter(|_| count > NAMED).map(|first| Said {
            words: format!("{} more like these", count.saturating_sub(NAMED)),
            to_do: vec!["once these are mended, another look names the next".to_owned()],
            ..first.clone()
        });
        said.extend(own.into_iter().take(NAMED));
        said.extend(more);
    }
    said
}

/// Users and the codes with which their certificates were refused.
fn not_read(unseen: &[(String, String)]) -> Option<Said> {
    let (_, code) = unseen.first()?;
    let users = unseen.iter().take(NAMED).map(|(user, _)| user.as_str());
    let users: Vec<&str> = users.collect();
    let words = format!(
        "s3:GetObject was refused ({code}) for {}{}",
        users.join(", "),
        rest(unseen.len())
    );
    let allow = "allow s3:GetObject and, with a key of KMS, kms:Decrypt to these credentials, \
                 or look again in a minute";
    Some(Said::blind(words, &[allow]))
}

/// A file of the bucket.
struct Stored {
    key: String,
    user: UserName,
    at: Option<Timestamp>,
}

/// A listing has a date for each key, behind it. (S3 API reference, ListObjectsV2.)
fn stored(texts: &[String], prefix: &str) -> Vec<Stored> {
    let listing = texts.first().map(String::as_str).unwrap_or_default();
    let keys = elements(listing, "Key").into_iter();
    let pairs = keys.zip(elements(listing, "LastModified"));
    let stored = pairs.filter_map(|(key, at)| {
        // Names of users have no character that XML escapes.
        let user = key.strip_prefix(prefix)?.strip_suffix(".asc")?;
        Some(Stored {
            key: key.to_owned(),
            user: user.parse().ok()?,
            at: at.parse().ok(),
        })
    });
    stored.collect()
}

/// What certificates are judged by.
struct Judge {
    account: AccountId,
    signing: Option<Signing>,
    now: Timestamp,
}

/// What a user's record says of a new certificate.
enum Vouching {
    /// The one before signed it, or an operator approved it.
    Counts,
    /// Nobody vouches for it, and it replaces no other: whoever has no active access key need not
    /// wait (docs/openpgp.md).
    IsFirst,
    /// Nobody vouches for it, and another one counts.
    Waits,
    /// The record can't be read or is not believed, and why.
    Unknown(String),
}

impl Judge {
    /// Judges a certificate; of one in its grace by the day on which that ends, and the record.
    fn judged(
        &self,
        stored: &Stored,
        body: &str,
        grace: Option<(Timestamp, &str)>,
    ) -> Option<Said> {
        if body.is_empty() {
            return None;
        }
        let (user, now) = (&stored.user, self.now);
        let register = format!(
            "have {user} call banto keys register, with another one that the old one signs"
        );
        let read = Certificate::read(body.as_bytes()).and_then(|certificate| {
            let fingerprint = certificate.fingerprint();
            let own: Option<Fingerprint> = fingerprint.parse().ok();
            let recipient = own
                .map(|own| Recipient::judge(&certificate, &own, now))
                .transpose()?;
            Ok((certificate, recipient))
        });
        let (certificate, recipient) = match read {
            Ok(read) => read,
            Err(refusal) => {
                let code = refusal.code();
                let words = format!("{user}: no key can be sealed to it ({code}: docs/openpgp.md)");
                return Some(Said::warning(words, &[&register]));
            }
        };
        if let Some(at) = recipient.and_then(|recipient| recipient.expires_soon(now)) {
            let words = format!("{user}: ends {}", dates::in_words(at, now));
            let extend = format!(
                "have {user} extend it (docs/openpgp.md) or make another one, and call banto keys register"
            );
            return Some(Said::warning(words, &[&extend]));
        }
        let (until, record) = grace?;
        match self.vouching(stored, &certificate, record) {
            Vouching::Counts => None,
            vouching => Some(self.in_grace(stored, &certificate, until, &vouching)),
        }
    }

    /// The rotator's own judgement of the record, but for versions that were taken back, and for a
    /// user who was made anew by the same name.
    fn vouching(&self, stored: &Stored, certificate: &Certificate, answer: &str) -> Vouching {
        if answer.is_empty() {
            return Vouching::IsFirst;
        }
        if let Some(code) = answer.strip_prefix(UNSEEN) {
            return Vouching::Unknown(format!("secretsmanager:GetSecretValue was refused: {code}"));
        }
        let pin = match self.record(&stored.user, answer) {
            Ok(record) => record.pin,
            Err(why) => return Vouching::Unknown(why),
        };
        let Some(pin) = pin else {
            return Vouching::IsFirst;
        };
        let is_signed = || {
            let before = Certificate::from_kept(&pin.certificate);
            before.is_ok_and(|before| certificate.is_certified_by(&before, self.now))
        };
        if pin.fingerprint.to_string() == certificate.fingerprint() || is_signed() {
            Vouching::Counts
        } else {
            Vouching::Waits
        }
    }

    fn record(&self, user: &UserName, answer: &str) -> Result<Record, String> {
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let seconds = answer.get("CreatedDate").and_then(Value::as_f64);
        let written_at = seconds.and_then(|seconds| {
            let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
            Timestamp::UNIX_EPOCH.checked_add(since).ok()
        });
        let stored = StoredText {
            text: text(&answer, "/SecretString").to_owned(),
            token: text(&answer, "/VersionId").to_owned(),
            written_at: written_at.ok_or("the record has no date")?,
        };
        let signing = self.signing.as_ref();
        let since = signing.and_then(|signing| signing.since);
        believed(signing, &self.account, user, &stored, since)
    }

    fn in_grace(
        &self,
        stored: &Stored,
        certificate: &Certificate,
        until: Timestamp,
        vouching: &Vouching,
    ) -> Said {
        let user = &stored.user;
        let at = stored.at.unwrap_or(self.now);
        let (at, until) = (dates::distance(at, self.now), dates::day(until));
        let approve = format!("$ banto keys approve {user} {}", certificate.fingerprint());
        if let Vouching::Unknown(why) = vouching {
            let words = format!(
                "{user}: stored {at}; it counts from {until} at the earliest, unless the one before \
                 signed it, an operator has approved it already, or {user} has no active access \
                 key, so that it counts at once. Only the record says more ({why})"
            );
            let see = "see whether it counts already, by the role of break glass, which may read the \
                       record";
            let status = format!("{OTHERS}banto keys status {user}");
            let ask =
                format!("if it does not and {user} can't wait, ask in person whether it is theirs");
            return Said::note(words, &[see, &status, &ask, &approve]);
        }
        let unless = match vouching {
            Vouching::IsFirst => {
                format!(", unless {user} has no active access key, so that it counts at once")
            }
            _ => String::new(),
        };
        let words = format!(
            "{user}: stored {at}, and nobody vouches for it: it counts from {until} at the \
             earliest{unless}"
        );
        let ask =
            format!("ask {user} in person whether it is theirs; if it is and they can't wait");
        Said::note(words, &[&ask, &approve])
    }
}
