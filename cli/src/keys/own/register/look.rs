//! Looks at what a registration changes, and asks the planner what comes of it.

use anyhow::{Context as _, Result};
use banto_domain::Fingerprint;
use banto_domain::record::Pin;
use banto_ports::{LiveKey, LiveUser, PortError};
use banto_seal::Certificate;
use jiff::Timestamp;
use rotate_access_keys::snapshot::{Certificate as Usable, Key, PIN_TAG, Used};

use super::super::cloud::{Object, Stored};
use super::super::counts::{Counts, Planner};
use super::super::me::Me;
use super::super::record::{self, Kept};
use super::super::seen;
use super::choose::Chosen;
use super::plan::{Seen, Vouched};
use super::show::Known;
use crate::openpgp::{self, Judged, NotUsable};

/// All that is so in AWS.
pub(super) struct Looked {
    user: LiveUser,
    stored: Option<Stored>,
    kept: Kept,
    keys: Result<Vec<LiveKey>, PortError>,
}

impl Looked {
    pub(super) async fn at(me: &Me, now: Timestamp) -> Result<Self> {
        let user = me.cloud.user().await;
        let read = me.cloud.record().await;
        let user = user.context("the tags of your IAM user can't be read")?;
        let kept = record::judged(read, &me.policy, &me.identity.id, &me.user, now)?;
        Ok(Self {
            stored: me.cloud.stored(Object::Certificate).await?,
            kept: kept.of(&user.id),
            user,
            keys: me.cloud.keys().await,
        })
    }

    /// The certificate that counts so far.
    pub(super) fn pin(&self) -> Option<&Pin> {
        self.kept.record()?.pin.as_ref()
    }

    fn tag(&self) -> Option<&str> {
        self.user.tags.get(PIN_TAG).map(String::as_str)
    }

    /// The certificate that is stored, if it can be read.
    fn stored(&self) -> Option<Certificate> {
        Certificate::read(&self.stored.as_ref()?.bytes).ok()
    }

    /// The certificate that a command stored which ended before it was pinned.
    pub(super) fn begun(&self) -> Option<Fingerprint> {
        let stored: Fingerprint = self.stored()?.fingerprint().parse().ok()?;
        let pinned = self.tag().and_then(|tag| Fingerprint::from_human(tag).ok());
        (pinned.as_ref() != Some(&stored)).then_some(stored)
    }

    /// The copies that the rotator merges with what will be stored, as far as a user sees them.
    pub(super) fn earlier(&self) -> Vec<Certificate> {
        let kept = self.pin();
        let kept = kept.and_then(|pin| Certificate::from_kept(&pin.certificate).ok());
        self.stored().into_iter().chain(kept).collect()
    }

    pub(super) fn judge(&self, chosen: &Chosen, now: Timestamp) -> Result<Judged, NotUsable> {
        openpgp::judge(&chosen.bytes, &self.earlier(), &chosen.fingerprint, now)
    }

    pub(super) fn seen<'a>(&'a self, chosen: &'a Chosen) -> Seen<'a> {
        Seen {
            certificate: &chosen.fingerprint,
            is_stored: says_all(self.stored.as_ref(), &chosen.bytes),
            tag: self.tag(),
        }
    }

    /// Since when the certificate counts, once it is stored and pinned: the planner is asked about
    /// the user as they are then.
    pub(super) fn counts(
        &self,
        me: &Me,
        chosen: &Chosen,
        vouched: &Vouched,
        now: Timestamp,
    ) -> Counts {
        let keys = match &self.keys {
            Ok(keys) => keys.iter(),
            Err(error) => {
                return Counts::Unknown(format!("your access keys can't be listed ({error})"));
            }
        };
        let mut live = self.user.clone();
        let pin = chosen.fingerprint.to_string();
        live.tags.insert(PIN_TAG.to_owned(), pin);
        // A later file of the same certificate keeps its age.
        let is_there = self
            .stored()
            .is_some_and(|stored| stored.fingerprint() == chosen.fingerprint.as_str());
        let stored = Stored {
            bytes: chosen.bytes.clone(),
            since: match &self.stored {
                Some(stored) if is_there => stored.since,
                _ => Some(now),
            },
        };
        let mut user = seen::user(&me.identity, live, &self.kept, Some(&stored), now).user;
        user.keys = keys.map(unasked).collect();
        if let Usable::Usable { certified, .. } = &mut user.certificate {
            *certified |= matches!(vouched, Vouched::By(_) | Vouched::Will(_));
        }
        Planner::of(&me.identity, &me.policy.rotation, now).counts(&user, now)
    }

    pub(super) fn known(&self) -> Known {
        let has_active = |keys: &Vec<LiveKey>| keys.iter().any(|key| key.active);
        match (&self.kept, self.pin(), &self.keys) {
            (_, Some(_), _) => Known::Certificate,
            (_, None, Ok(keys)) if !has_active(keys) => Known::Newcomer,
            (Kept::Denied(_), ..) => Known::KeyAndDenied,
            _ => Known::Key,
        }
    }
}

/// A key whose use plays no part.
fn unasked(key: &LiveKey) -> Key {
    Key {
        id: key.id.clone(),
        active: key.active,
        created_at: key.created_at,
        used: Used::Unknown,
    }
}

/// True if what is stored says all that a certificate says, so that it need not be stored again.
pub(super) fn says_all(stored: Option<&Stored>, bytes: &[u8]) -> bool {
    let Some(Stored { bytes: stored, .. }) = stored else {
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

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
