//! IAM: users, groups, and at most two access keys a user.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{ErrorKind, LastUse, LiveKey, LiveUser, PortError};
use jiff::Timestamp;

use crate::report::Report;
use crate::world::{ACCOUNT, KeyView, parsed};

/// Most keys that a user may have, active or not. (IAM user guide, "IAM and AWS STS quotas".)
const MAX_KEYS: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Iam {
    pub(crate) users: BTreeMap<UserName, User>,
    pub(crate) groups: BTreeMap<GroupName, BTreeSet<UserName>>,
    pub(crate) report: Report,
    pub(crate) secrets: BTreeSet<String>,
    created: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) keys: Vec<Key>,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: AccessKeyId,
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
    /// Created or re-activated: what the credential report calls `last_rotated`.
    pub(crate) changed_at: Timestamp,
    pub(crate) used: Option<LastUse>,
    pub(crate) secret: String,
    pub(crate) by_banto: bool,
}

impl Iam {
    pub(crate) fn add_user(&mut self, name: &UserName, path: &str) {
        self.created += 1;
        let id = format!("AIDA{:017}", self.created);
        self.users.insert(
            name.clone(),
            User {
                id,
                path: path.to_owned(),
                tags: BTreeMap::new(),
                keys: Vec::new(),
            },
        );
    }

    pub(crate) fn add_key(
        &mut self,
        user: &UserName,
        created_at: Timestamp,
        by_banto: bool,
    ) -> (AccessKeyId, String) {
        self.created += 1;
        let id: AccessKeyId = parsed(&format!(
            "AKIA{}",
            letters(self.created, 16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        ));
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let secret = letters(self.created ^ 0x5eed, 40, alphabet);
        self.secrets.insert(secret.clone());
        let key = Key {
            id: id.clone(),
            active: true,
            created_at,
            changed_at: created_at,
            used: None,
            secret: secret.clone(),
            by_banto,
        };
        self.user_mut(user, |user| user.keys.push(key));
        (id, secret)
    }

    pub(crate) fn user(&self, call: &'static str, user: &UserName) -> Result<&User, PortError> {
        let missing = || {
            PortError::new(
                ErrorKind::Missing,
                call,
                format!("NoSuchEntity: no user {user}"),
            )
        };
        self.users.get(user).ok_or_else(missing)
    }

    pub(crate) fn live_user(
        &self,
        call: &'static str,
        name: &UserName,
    ) -> Result<LiveUser, PortError> {
        let user = self.user(call, name)?;
        Ok(LiveUser {
            id: parsed(&user.id),
            arn: parsed(&format!("arn:aws:iam::{ACCOUNT}:user{}{name}", user.path)),
            path: user.path.clone(),
            tags: user.tags.clone(),
        })
    }

    pub(crate) fn create(
        &mut self,
        user: &UserName,
        now: Timestamp,
    ) -> Result<(AccessKeyId, String), PortError> {
        const CALL: &str = "iam:CreateAccessKey";
        if self.user(CALL, user)?.keys.len() >= MAX_KEYS {
            return Err(PortError::new(
                ErrorKind::LimitExceeded,
                CALL,
                "LimitExceeded: AccessKeysPerUser: 2",
            ));
        }
        Ok(self.add_key(user, now, true))
    }

    /// The key, which must be the user's own.
    pub(crate) fn key_of(
        &mut self,
        call: &'static str,
        user: &UserName,
        id: &AccessKeyId,
    ) -> Result<&mut Key, PortError> {
        self.user(call, user)?;
        let keys = self.users.get_mut(user).map(|user| user.keys.iter_mut());
        let found = keys.into_iter().flatten().find(|key| key.id == *id);
        found.ok_or_else(|| {
            PortError::new(
                ErrorKind::Missing,
                call,
                format!("NoSuchEntity: no key {id}"),
            )
        })
    }

    pub(crate) fn owner_of(&self, id: &AccessKeyId) -> Option<(&UserName, &Key)> {
        self.users
            .iter()
            .find_map(|(name, user)| Some((name, user.keys.iter().find(|key| key.id == *id)?)))
    }

    pub(crate) fn delete_key(&mut self, id: &AccessKeyId) {
        for user in self.users.values_mut() {
            user.keys.retain(|key| key.id != *id);
        }
    }

    #[expect(
        clippy::panic,
        reason = "a test that names a user who isn't there is to fail at once"
    )]
    pub(crate) fn user_mut(&mut self, user: &UserName, change: impl FnOnce(&mut User)) {
        match self.users.get_mut(user) {
            Some(user) => change(user),
            None => panic!("there is no user {user}"),
        }
    }

    #[expect(
        clippy::panic,
        reason = "a test that names a key that isn't there is to fail at once"
    )]
    pub(crate) fn key_mut(&mut self, id: &AccessKeyId, change: impl FnOnce(&mut Key)) {
        let mut keys = self.users.values_mut().flat_map(|user| &mut user.keys);
        match keys.find(|key| key.id == *id) {
            Some(key) => change(key),
            None => panic!("there is no key {id}"),
        }
    }
}

impl Key {
    pub(crate) fn set_active(&mut self, active: bool, now: Timestamp) {
        if active && !self.active {
            self.changed_at = now;
        }
        self.active = active;
    }

    pub(crate) fn live(&self) -> LiveKey {
        LiveKey {
            id: self.id.clone(),
            active: self.active,
            created_at: self.created_at,
        }
    }

    pub(crate) fn view(&self) -> KeyView {
        KeyView {
            active: self.active,
            created_at: self.created_at,
            used: self.used.clone(),
            secret: self.secret.clone(),
            by_banto: self.by_banto,
        }
    }
}

/// Letters that look random and follow from the seed (SplitMix64), so that every test is
/// repeatable.
fn letters(seed: u64, length: usize, alphabet: &[u8]) -> String {
    let mut state = seed;
    let letter = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let place = usize::try_from(mixed % alphabet.len() as u64).unwrap_or_default();
        alphabet.get(place).copied().map_or('A', char::from)
    };
    (0..length).map(letter).collect()
}
