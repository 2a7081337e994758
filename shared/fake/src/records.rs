//! Secrets Manager: the secrets of records, with their tags and every version that is known.

use std::collections::BTreeMap;

use banto_domain::record::{Readers, secret_name};
use banto_domain::{RoleArn, UserName};
use banto_ports::{ErrorKind, OpenRecords, PortError, StoredText};
use jiff::{SignedDuration, Timestamp};

use crate::lag::Reader;
use crate::world::State;

/// The beginning of the name of each record's secret.
pub(crate) const PREFIX: &str = "banto/access-keys/";
/// The tag that tells the user.
pub(crate) const USER_TAG: &str = "banto:user";
/// The tag of a record that is open.
pub(crate) const OPEN_TAG: &str = "banto:open";

/// Versions that Secrets Manager keeps; of more, it removes the oldest that are over a day old.
/// (Secrets Manager user guide, "Quotas" and "What's in a secret?".)
const MAX_VERSIONS: usize = 100;
/// The age from which a version too many is removed.
const YOUNGEST_REMOVED: SignedDuration = SignedDuration::from_hours(24);

/// Bytes that a secret holds. (Secrets Manager user guide, "Quotas".)
const MAX_BYTES: usize = 65_536;

/// Time after which a secret that is scheduled for deletion is gone, where nobody chose another.
/// (Secrets Manager API reference, `DeleteSecret`, `RecoveryWindowInDays`.)
const RECOVERY_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All secrets, by name. The names are case-sensitive, unlike those of users.
#[derive(Debug, Default)]
pub(crate) struct Store {
    secrets: BTreeMap<String, Secret>,
    /// Every text that was ever stored.
    pub(crate) written: Vec<String>,
    /// True while a resource policy of somebody else denies every call about a record.
    pub(crate) is_denied: bool,
    /// The role that Banto calls as; while nobody said it, no secret's own policy denies anything.
    pub(crate) caller: Option<RoleArn>,
}

/// The calls that a record's own policy denies to all but those whom it names. Listing versions and
/// changing the policy are not among them.
const DENIED_TO_OTHERS: [&str; 4] = [
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
];

/// A secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    /// Its versions, the oldest first.
    pub(crate) versions: Vec<Version>,
    /// The token of the current version.
    pub(crate) current: String,
    /// The principals that its resource policy names; `None` while it has none.
    pub(crate) readers: Option<Readers>,
    pub(crate) tags: BTreeMap<String, String>,
    created_at: Timestamp,
    /// When it is gone, once it is scheduled for deletion.
    deleted_from: Option<Timestamp>,
    /// What was before each change, the oldest first, for those who read late.
    past: Vec<Past>,
}

/// What was true of a secret until then.
#[derive(Debug, Clone)]
struct Past {
    until: Timestamp,
    current: String,
    tags: BTreeMap<String, String>,
}

/// A version of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) token: String,
    pub(crate) text: String,
    pub(crate) created_at: Timestamp,
}

impl Version {
    /// The version, as its reader gets it.
    pub(crate) fn stored(&self) -> StoredText {
        StoredText {
            text: self.text.clone(),
            token: self.token.clone(),
            written_at: self.created_at,
        }
    }
}

impl Store {
    /// A user's secret, be it scheduled for deletion or not.
    pub(crate) fn of_user(&self, user: &UserName, now: Timestamp) -> Option<&Secret> {
        let secret = self.secrets.get(&secret_name(user));
        secret.filter(|secret| !secret.is_gone(now))
    }

    /// A user's secret, for a test that changes it.
    pub(crate) fn secret_mut(&mut self, user: &UserName) -> Option<&mut Secret> {
        self.secrets.get_mut(&secret_name(user))
    }

    /// Adds a secret, or replaces the one of that name.
    pub(crate) fn put(&mut self, name: String, secret: Secret) {
        let texts = secret.versions.iter().map(|version| version.text.clone());
        self.written.extend(texts);
        self.secrets.insert(name, secret);
    }

    /// Creates a record's secret. The same request again changes nothing.
    pub(crate) fn create(&mut self, user: &UserName, version: Version) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:CreateSecret";
        let now = version.created_at;
        match self.of_user(user, now) {
            Some(known) if known.deleted_from.is_some() => return Err(marked_for_deletion(CALL)),
            Some(known) if known.holds(&version) => return Ok(()),
            Some(_) => return Err(error(ErrorKind::Conflict, CALL, "ResourceExistsException")),
            None => {}
        }
        refuse_long(CALL, &version.text)?;
        let tags = [(USER_TAG, user.as_str()), (OPEN_TAG, "true")];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.put(secret_name(user), Secret::new(version, tags.into()));
        Ok(())
    }

    /// Writes a version, which becomes the current one. The same bytes under the same token change
    /// nothing, not even which version is current.
    pub(crate) fn write(&mut self, user: &UserName, version: Version) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:PutSecretValue";
        refuse_long(CALL, &version.text)?;
        let secret = self.usable(CALL, user, version.created_at)?;
        let known = secret.version(&version.token);
        if let Some(known) = known {
            return if known.text == version.text {
                Ok(())
            } else {
                Err(error(ErrorKind::Conflict, CALL, "ResourceExistsException"))
            };
        }
        let text = version.text.clone();
        secret.add(version);
        self.written.push(text);
        Ok(())
    }

    /// A user's secret, for a call that reads or changes it.
    pub(crate) fn usable(
        &mut self,
        call: &'static str,
        user: &UserName,
        now: Timestamp,
    ) -> Result<&mut Secret, PortError> {
        let is_denied = self.is_denied;
        let caller = self.caller.clone();
        let secret = self.secrets.get_mut(&secret_name(user));
        let secret = secret.filter(|secret| !secret.is_gone(now));
        let missing = || error(ErrorKind::Missing, call, "ResourceNotFoundException");
        let secret = secret.ok_or_else(missing)?;
        if is_denied || caller.is_some_and(|caller| secret.denies(call, &caller)) {
            let message = "AccessDeniedException: with an explicit deny in a resource-based policy";
            return Err(error(ErrorKind::Denied, call, message));
        }
        if secret.deleted_from.is_some() {
            return Err(marked_for_deletion(call));
        }
        Ok(secret)
    }

    /// A page of the secrets that were marked as open then, by name.
    pub(crate) fn page_of_open(&self, from: usize, size: usize, seen: &Seen) -> Vec<Listed> {
        let listed = self.secrets.iter().filter_map(|(name, secret)| {
            let tags = secret.tags_at(seen.at)?;
            let is_listed = name.starts_with(PREFIX)
                && secret.deleted_from.is_none()
                && tags.keys().any(|key| key.starts_with(OPEN_TAG));
            is_listed.then(|| Listed {
                name: name.clone(),
                tags: tags.clone(),
            })
        });
        listed.skip(from).take(size).collect()
    }
}

/// The moment whose truth a list tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
}

/// An entry of a list of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    name: String,
    tags: BTreeMap<String, String>,
}

impl State {
    /// The moment whose truth Secrets Manager's list tells now.
    pub(crate) fn secrets_seen(&self) -> Seen {
        Seen {
            at: self.as_read_by(Reader::ListSecrets),
        }
    }
}

impl Listed {
    /// Adds the secret to the open records, or to those that are no record's. The filter of
    /// `ListSecrets` matches beginnings of keys, so that another tag may have brought it here.
    pub(crate) fn add_to(self, open: &mut OpenRecords) {
        if !self.tags.contains_key(OPEN_TAG) {
            return;
        }
        let user = self.tags.get(USER_TAG).and_then(|user| user.parse().ok());
        let user = user.filter(|user| secret_name(user) == self.name);
        match user {
            Some(user) => drop(open.users.insert(user)),
            None => drop(open.strangers.insert(self.name)),
        }
    }
}

impl Secret {
    /// A secret with its first version.
    pub(crate) fn new(version: Version, tags: BTreeMap<String, String>) -> Self {
        Self {
            current: version.token.clone(),
            created_at: version.created_at,
            versions: vec![version],
            readers: None,
            tags,
            deleted_from: None,
            past: Vec::new(),
        }
    }

    /// The current text.
    pub(crate) fn text(&self) -> Option<&str> {
        let current = self.version(&self.current);
        current.map(|version| version.text.as_str())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.tags.contains_key(OPEN_TAG)
    }

    /// Writes a version, and makes it the current one.
    pub(crate) fn add(&mut self, version: Version) {
        let now = version.created_at;
        self.keep(now);
        self.current.clone_from(&version.token);
        self.versions.push(version);
        while self.versions.len() > MAX_VERSIONS {
            let is_removed = |version: &Version| {
                now.duration_since(version.created_at) >= YOUNGEST_REMOVED
                    && version.token != self.current
            };
            let Some(place) = self.versions.iter().position(is_removed) else {
                return;
            };
            self.versions.remove(place);
        }
    }

    /// Changes the tags, and keeps what they were for those who read late.
    pub(crate) fn change_tags(
        &mut self,
        now: Timestamp,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) {
        self.keep(now);
        change(&mut self.tags);
    }

    /// Makes a version current that was written so many versions before the last one.
    pub(crate) fn restore(&mut self, back: usize, now: Timestamp) -> Option<()> {
        let place = self.versions.len().checked_sub(1 + back)?;
        let token = self.versions.get(place)?.token.clone();
        self.keep(now);
        self.current = token;
        Some(())
    }

    /// The version that was current then; `None` if the secret was not there yet.
    pub(crate) fn current_at(&self, at: Timestamp) -> Option<&Version> {
        let current = self.past_at(at).map_or(&self.current, |past| &past.current);
        let current = self.version(current);
        current.filter(|_| self.created_at <= at)
    }

    fn keep(&mut self, now: Timestamp) {
        self.past.push(Past {
            until: now,
            current: self.current.clone(),
            tags: self.tags.clone(),
        });
    }

    fn past_at(&self, at: Timestamp) -> Option<&Past> {
        self.past.iter().find(|past| past.until > at)
    }

    pub(crate) fn schedule_deletion(&mut self, now: Timestamp) {
        self.deleted_from = Some(now + RECOVERY_WINDOW);
    }

    pub(crate) fn cancel_deletion(&mut self) {
        self.deleted_from = None;
    }

    /// True if the secret's policy denies a call of a role.
    fn denies(&self, call: &str, caller: &RoleArn) -> bool {
        let readers = self.readers.as_ref();
        DENIED_TO_OTHERS.contains(&call)
            && readers.is_some_and(|readers| !readers.writers().contains(&caller))
    }

    fn is_gone(&self, now: Timestamp) -> bool {
        self.deleted_from.is_some_and(|from| from <= now)
    }

    pub(crate) fn version(&self, token: &str) -> Option<&Version> {
        let mut versions = self.versions.iter();
        versions.find(|version| version.token == token)
    }

    fn holds(&self, version: &Version) -> bool {
        let known = self.version(&version.token);
        known.is_some_and(|known| known.text == version.text)
    }

    /// The tags as they were then; `None` if the secret was not there yet.
    fn tags_at(&self, at: Timestamp) -> Option<&BTreeMap<String, String>> {
        let tags = self.past_at(at).map_or(&self.tags, |past| &past.tags);
        (self.created_at <= at).then_some(tags)
    }
}

fn refuse_long(call: &'static str, text: &str) -> Result<(), PortError> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("InvalidRequestException: the secret is longer than {MAX_BYTES} bytes");
    Err(error(ErrorKind::Invalid, call, &message))
}

fn marked_for_deletion(call: &'static str) -> PortError {
    let message = "InvalidRequestException: You can't perform this operation on the secret because \
                   it was marked for deletion.";
    error(ErrorKind::Invalid, call, message)
}

fn error(kind: ErrorKind, call: &'static str, message: &str) -> PortError {
    PortError::new(kind, call, message)
}
