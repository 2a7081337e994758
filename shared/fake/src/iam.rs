//! IAM: users, groups, at most two access keys a user, and what each of them was before.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{ErrorKind, KeyOwner, LastUse, LiveKey, LiveUser, PortError, Usage};
use jiff::Timestamp;

use crate::report::Report;
use crate::world::{ACCOUNT, parsed};

/// Most keys that a user may have, active or not. (IAM user guide, "IAM and AWS STS quotas".)
const MAX_KEYS: usize = 2;

/// Most managed policies attached to a user, where no larger quota was asked for. (IAM user guide,
/// "IAM and AWS STS quotas".)
pub(crate) const MAX_POLICIES: usize = 10;

/// The policy that denies every temporary credential of the user that it is attached to.
pub(crate) const DENY_POLICY: &str =
    "arn:aws:iam::111122223333:policy/banto/deny-temporary-credentials";

#[derive(Debug, Default)]
pub(crate) struct Iam {
    /// By the name that IAM keeps, which is found whatever the case of the letters.
    pub(crate) users: BTreeMap<UserName, User>,
    pub(crate) groups: BTreeMap<GroupName, BTreeSet<UserName>>,
    pub(crate) report: Report,
    pub(crate) secrets: BTreeSet<String>,
    /// The keys of the account's root user.
    pub(crate) root_keys: Vec<Key>,
    /// True once somebody deleted the policy that Terraform put there.
    pub(crate) lacks_deny_policy: bool,
    /// What users were before each change, the oldest first, by their names in small letters.
    past: BTreeMap<String, Vec<Past>>,
    created: u64,
}

/// A user as it was until then.
#[derive(Debug)]
struct Past {
    until: Timestamp,
    name: UserName,
    user: User,
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) keys: Vec<Key>,
    /// The ARNs of the managed policies that are attached.
    pub(crate) policies: BTreeSet<String>,
    /// From when the user is there under this name.
    since: Timestamp,
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

/// A user under the name that IAM keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) name: &'a UserName,
    pub(crate) user: &'a User,
}

impl Iam {
    #[expect(
        clippy::panic,
        reason = "a test that adds a user whom IAM would refuse is to fail at once"
    )]
    pub(crate) fn add_user(&mut self, name: &UserName, path: &str, now: Timestamp) {
        if let Some(known) = self.find(name) {
            panic!("EntityAlreadyExists: {}", known.name);
        }
        self.created += 1;
        let user = User {
            id: format!("AIDA{:017}", self.created),
            path: path.to_owned(),
            tags: BTreeMap::new(),
            keys: Vec::new(),
            policies: BTreeSet::new(),
            since: now,
        };
        self.users.insert(name.clone(), user);
    }

    /// Removes a user, and keeps it for those who read late.
    pub(crate) fn remove_user(&mut self, name: &UserName, now: Timestamp) -> Option<User> {
        let user = self.users.remove(name)?;
        self.keep(name, user.clone(), now);
        Some(user)
    }

    /// Gives a user another name; the unique id stays.
    #[expect(
        clippy::panic,
        reason = "a test that renames a user who isn't there is to fail at once"
    )]
    pub(crate) fn rename_user(&mut self, name: &UserName, new: &UserName, now: Timestamp) {
        let Some(user) = self.remove_user(name, now) else {
            panic!("there is no user {name}");
        };
        self.users.insert(new.clone(), User { since: now, ..user });
        for members in self.groups.values_mut() {
            if members.remove(name) {
                members.insert(new.clone());
            }
        }
    }

    /// A new key, which belongs to nobody yet.
    pub(crate) fn new_key(&mut self, created_at: Timestamp, by_banto: bool) -> Key {
        self.created += 1;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let id = format!("AKIA{}", letters(self.created, 16, alphabet));
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let secret = letters(self.created ^ 0x5eed, 40, alphabet);
        self.secrets.insert(secret.clone());
        Key {
            id: parsed(&id),
            active: true,
            created_at,
            changed_at: created_at,
            used: None,
            secret,
            by_banto,
        }
    }

    /// Gives a user a key of a test's own, which those who read late have known since then.
    pub(crate) fn add_key(
        &mut self,
        user: &UserName,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Key {
        let key = self.new_key(created_at, false);
        self.user_mut(user, now, |user| {
            user.since = user.since.min(created_at);
            user.keys.push(key.clone());
        });
        let past = self.past.entry(lowercase(user)).or_default();
        for past in past.iter_mut().filter(|past| past.until > created_at) {
            past.user.since = past.user.since.min(created_at);
            past.user.keys.push(key.clone());
        }
        key
    }

    /// The user of this name, whatever the case of its letters.
    pub(crate) fn find(&self, name: &UserName) -> Option<Named<'_>> {
        let exact = self.users.get_key_value(name);
        let is_same = |kept: &UserName| kept.as_str().eq_ignore_ascii_case(name.as_str());
        let found = exact.or_else(|| self.users.iter().find(|(kept, _)| is_same(kept)));
        found.map(|(name, user)| Named { name, user })
    }

    pub(crate) fn user(&self, call: &'static str, name: &UserName) -> Result<Named<'_>, PortError> {
        self.find(name).ok_or_else(|| no_user(call, name))
    }

    /// The user of this name as it was then.
    pub(crate) fn user_at(
        &self,
        call: &'static str,
        name: &UserName,
        at: Timestamp,
    ) -> Result<Named<'_>, PortError> {
        let mut past = self.past.get(&lowercase(name)).into_iter().flatten();
        let then = past.find(|past| past.until > at);
        let found = match then {
            Some(past) => Some(Named {
                name: &past.name,
                user: &past.user,
            }),
            None => self.find(name),
        };
        let there = found.filter(|found| found.user.since <= at);
        there.ok_or_else(|| no_user(call, name))
    }

    pub(crate) fn live_user(
        &self,
        call: &'static str,
        name: &UserName,
        at: Timestamp,
    ) -> Result<LiveUser, PortError> {
        let Named { name, user } = self.user_at(call, name, at)?;
        Ok(LiveUser {
            name: name.clone(),
            id: parsed(&user.id),
            arn: parsed(&format!("arn:aws:iam::{ACCOUNT}:user{}{name}", user.path)),
            path: user.path.clone(),
            tags: user.tags.clone(),
        })
    }

    pub(crate) fn create(
        &mut self,
        user: &UserName,
        by_banto: bool,
        now: Timestamp,
    ) -> Result<Key, PortError> {
        const CALL: &str = "iam:CreateAccessKey";
        let Named { name, user } = self.user(CALL, user)?;
        if user.keys.len() >= MAX_KEYS {
            return Err(PortError::new(
                ErrorKind::LimitExceeded,
                CALL,
                "LimitExceeded: AccessKeysPerUser: 2",
            ));
        }
        let name = name.clone();
        let key = self.new_key(whole_second(now), by_banto);
        self.user_mut(&name, now, |user| user.keys.push(key.clone()));
        Ok(key)
    }

    /// Changes the status of a key, which must be the user's own.
    pub(crate) fn update(
        &mut self,
        user: &UserName,
        id: &AccessKeyId,
        active: bool,
        now: Timestamp,
    ) -> Result<(), PortError> {
        self.own("iam:UpdateAccessKey", user, id)?;
        self.key_mut(id, now, |key| key.set_active(active, now));
        Ok(())
    }

    /// Deletes a key, which must be the user's own.
    pub(crate) fn delete(
        &mut self,
        user: &UserName,
        id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<(), PortError> {
        self.own("iam:DeleteAccessKey", user, id)?;
        self.delete_key(id, now);
        Ok(())
    }

    /// Attaches the policy that denies temporary credentials.
    pub(crate) fn attach(&mut self, user: &UserName, now: Timestamp) -> Result<(), PortError> {
        const CALL: &str = "iam:AttachUserPolicy";
        let Named { name, user } = self.user(CALL, user)?;
        if self.lacks_deny_policy {
            let message = format!("NoSuchEntity: Policy {DENY_POLICY} does not exist");
            return Err(PortError::new(ErrorKind::Missing, CALL, message));
        }
        if user.policies.contains(DENY_POLICY) {
            return Ok(());
        }
        if user.policies.len() >= MAX_POLICIES {
            let message = format!("LimitExceeded: PoliciesPerUser: {MAX_POLICIES}");
            return Err(PortError::new(ErrorKind::LimitExceeded, CALL, message));
        }
        let name = name.clone();
        self.user_mut(&name, now, |user| {
            user.policies.insert(DENY_POLICY.to_owned());
        });
        Ok(())
    }

    /// Detaches the policy that denies temporary credentials; there may be none.
    pub(crate) fn detach(&mut self, user: &UserName, now: Timestamp) {
        let attached = self.find(user);
        let attached = attached.filter(|found| found.user.policies.contains(DENY_POLICY));
        if let Some(name) = attached.map(|found| found.name.clone()) {
            self.user_mut(&name, now, |user| {
                user.policies.remove(DENY_POLICY);
            });
        }
    }

    /// The owner and the last use of a key as they were then.
    pub(crate) fn usage(&self, id: &AccessKeyId, at: Timestamp) -> Option<Usage> {
        if let Some(key) = self.root_keys.iter().find(|key| key.id == *id) {
            return Some(Usage {
                owner: KeyOwner::Root,
                last: key.used.clone(),
            });
        }
        // Nearly every key is its owner's for all its life, so that only a rare one is looked for
        // among all names.
        let owner = self.owner_of(id).map(|owner| owner.name);
        let usage = owner.and_then(|owner| self.usage_of(owner, id, at));
        usage.or_else(|| {
            let former = self.past.values().flatten().map(|past| &past.name);
            let names: BTreeSet<&UserName> = former.chain(self.users.keys()).collect();
            let mut names = names.into_iter();
            names.find_map(|name| self.usage_of(name, id, at))
        })
    }

    fn usage_of(&self, name: &UserName, id: &AccessKeyId, at: Timestamp) -> Option<Usage> {
        let found = self.user_at("iam:GetAccessKeyLastUsed", name, at).ok()?;
        let key = found.user.keys.iter().find(|key| key.id == *id)?;
        Some(Usage {
            owner: KeyOwner::User(found.name.clone()),
            last: key.used.clone(),
        })
    }

    /// The user whose key it is now.
    pub(crate) fn owner_of(&self, id: &AccessKeyId) -> Option<Named<'_>> {
        let mut users = self.users.iter();
        let found = users.find(|(_, user)| user.keys.iter().any(|key| key.id == *id))?;
        Some(Named {
            name: found.0,
            user: found.1,
        })
    }

    /// True if requests can be signed with the key.
    pub(crate) fn is_active(&self, id: &AccessKeyId) -> bool {
        let users = self.users.values().flat_map(|user| &user.keys);
        let mut keys = users.chain(&self.root_keys);
        keys.any(|key| key.id == *id && key.active)
    }

    pub(crate) fn delete_key(&mut self, id: &AccessKeyId, now: Timestamp) {
        if let Some(name) = self.owner_of(id).map(|owner| owner.name.clone()) {
            self.user_mut(&name, now, |user| user.keys.retain(|key| key.id != *id));
        }
    }

    #[expect(
        clippy::panic,
        reason = "a test that names a user who isn't there is to fail at once"
    )]
    pub(crate) fn user_mut(
        &mut self,
        name: &UserName,
        now: Timestamp,
        change: impl FnOnce(&mut User),
    ) {
        let Some(user) = self.users.get_mut(name) else {
            panic!("there is no user {name}");
        };
        let before = user.clone();
        change(user);
        self.keep(name, before, now);
    }

    #[expect(
        clippy::panic,
        reason = "a test that names a key that isn't there is to fail at once"
    )]
    pub(crate) fn key_mut(
        &mut self,
        id: &AccessKeyId,
        now: Timestamp,
        change: impl FnOnce(&mut Key),
    ) {
        if let Some(key) = self.root_keys.iter_mut().find(|key| key.id == *id) {
            return change(key);
        }
        let Some(name) = self.owner_of(id).map(|owner| owner.name.clone()) else {
            panic!("there is no key {id}");
        };
        self.user_mut(&name, now, |user| {
            if let Some(key) = user.keys.iter_mut().find(|key| key.id == *id) {
                change(key);
            }
        });
    }

    fn keep(&mut self, name: &UserName, user: User, until: Timestamp) {
        let past = self.past.entry(lowercase(name)).or_default();
        past.push(Past {
            until,
            name: name.clone(),
            user,
        });
    }

    /// Refuses a call about a key that is not the user's own.
    fn own(&self, call: &'static str, user: &UserName, id: &AccessKeyId) -> Result<(), PortError> {
        let keys = &self.user(call, user)?.user.keys;
        if keys.iter().any(|key| key.id == *id) {
            return Ok(());
        }
        let message = format!("NoSuchEntity: no key {id}");
        Err(PortError::new(ErrorKind::Missing, call, message))
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
}

fn no_user(call: &'static str, name: &UserName) -> PortError {
    PortError::new(
        ErrorKind::Missing,
        call,
        format!("NoSuchEntity: no user {name}"),
    )
}

/// The second of a moment: neither IAM nor CloudTrail tells a smaller part. A key may so seem to be
/// older than the call that created it.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn lowercase(name: &UserName) -> String {
    name.as_str().to_ascii_lowercase()
}

/// Letters that look random and follow from the seed (SplitMix64), so that every test is
/// repeatable.
pub(crate) fn letters(seed: u64, length: usize, alphabet: &[u8]) -> String {
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
