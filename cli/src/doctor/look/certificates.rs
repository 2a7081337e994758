//! People's OpenPGP certificates: those that no key can be sealed to, those that end soon, and those
//! that may not count yet.

use banto_domain::Fingerprint;
use banto_domain::policy::IdentityAccount;
use banto_seal::{Certificate, Recipient};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::check::{Ask, Check, Level, Said, Topic, UNSEEN};
use super::organization::{or_fine, rest};
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
    let own = prefix.clone();
    let check = Check::new(
        Topic::Certificates,
        "certificates",
        vec![list],
        move |texts| {
            let stored = stored(texts, &own);
            let bodies = texts.get(1..).unwrap_or_default();
            let pairs = || stored.iter().zip(bodies);
            let seen = pairs().filter(|(_, body)| !body.starts_with(UNSEEN));
            let all = seen.filter_map(|(stored, body)| judged(stored, body, now, grace));
            let mut said = shortened(all.collect());
            let unseen = pairs().filter_map(|(stored, body)| {
                Some((stored.user.as_str(), body.strip_prefix(UNSEEN)?))
            });
            said.extend(not_read(&unseen.collect::<Vec<_>>()));
            if stored.len() > MOST {
                said.push(Said::note(
                    format!("{MOST} of {} were looked at", stored.len()),
                    &[],
                ));
            }
            or_fine(said, format!("{} that keys can be sealed to", stored.len()))
        },
    );
    check.and_then(move |texts| {
        let all = stored(texts, &prefix).into_iter().take(MOST);
        let ask = |one: Stored| {
            let path = format!("/{}", one.key);
            Ask::aws(
                "s3:GetObject",
                json!({"bucket": bucket.as_str(), "path": path}),
            )
            .or_missing()
            .or_unseen()
        };
        all.map(ask).collect()
    })
}

/// The first of each level, and how many more there are.
fn shortened(all: Vec<Said>) -> Vec<Said> {
    let (warnings, notes): (Vec<Said>, Vec<Said>) = all
        .into_iter()
        .partition(|said| said.level == Level::Warning);
    let mut said = Vec::new();
    for own in [warnings, notes] {
        let (count, level) = (own.len(), own.first().map(|first| first.level));
        said.extend(own.into_iter().take(NAMED));
        if let Some(level) = level
            && count > NAMED
        {
            let words = format!("{} more like these", count.saturating_sub(NAMED));
            let to_do = vec!["once these are mended, another look names the next".to_owned()];
            said.push(Said {
                level,
                words,
                to_do,
            });
        }
    }
    said
}

/// Users and the codes with which their certificates were refused.
fn not_read(unseen: &[(&str, &str)]) -> Option<Said> {
    let (_, code) = unseen.first()?;
    let users: Vec<&str> = unseen.iter().take(NAMED).map(|(user, _)| *user).collect();
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
    user: String,
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
        let is_user = user.parse::<banto_domain::UserName>().is_ok();
        is_user.then(|| Stored {
            key: key.to_owned(),
            user: user.to_owned(),
            at: at.parse().ok(),
        })
    });
    stored.collect()
}

fn judged(stored: &Stored, body: &str, now: Timestamp, grace: SignedDuration) -> Option<Said> {
    if body.is_empty() {
        return None;
    }
    let user = &stored.user;
    let register =
        format!("have {user} register another one, which the old one signs: banto keys register");
    let read = Certificate::read(body.as_bytes()).and_then(|certificate| {
        let fingerprint = certificate.fingerprint();
        let own: Option<Fingerprint> = fingerprint.parse().ok();
        let recipient = own
            .map(|own| Recipient::judge(&certificate, &own, now))
            .transpose()?;
        Ok((fingerprint, recipient))
    });
    let (fingerprint, recipient) = match read {
        Ok(read) => read,
        Err(refusal) => {
            let words = format!("{user}: no key can be sealed to it ({})", refusal.code());
            return Some(Said::warning(words, &[&register]));
        }
    };
    if let Some(at) = recipient.and_then(|recipient| recipient.expires_soon(now)) {
        let words = format!("{user}: ends {}", dates::in_words(at, now));
        let extend = format!("have {user} extend it (docs/openpgp.md), or register another one");
        return Some(Said::warning(words, &[&extend]));
    }
    let at = stored.at?;
    let until = at.checked_add(grace).ok().filter(|until| *until > now)?;
    let words = format!(
        "{user}: stored {}; unless the one before signed it, it counts from {} at the earliest",
        dates::distance(at, now),
        dates::day(until)
    );
    let ask = format!("ask {user} in person whether it is theirs; if it is and they can't wait");
    let approve = format!("$ banto keys approve {user} {fingerprint}");
    Some(Said::note(words, &[&ask, &approve]))
}
