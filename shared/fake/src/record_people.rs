//! What people do to the secrets of records, and what a test sees of them.

use std::collections::BTreeMap;

use banto_domain::UserName;
use banto_domain::record::secret_name;

use crate::records::{Secret, USER_TAG, Version};
use crate::world::World;

impl World {
    /// Stores a text as the user's record, whatever it is. It replaces all that was there, and is
    /// not marked as open.
    pub fn put_record(&self, user: &UserName, text: &str) {
        let mut state = self.state();
        let version = Version {
            token: "put".to_owned(),
            text: text.to_owned(),
            created_at: state.now,
        };
        let tags = BTreeMap::from([(USER_TAG.to_owned(), user.as_str().to_owned())]);
        let secret = Secret::new(version, tags);
        state.records.put(secret_name(user), secret);
    }

    /// Adds a secret of this name with these tags, which is no record.
    pub fn add_secret(&self, name: &str, tags: &BTreeMap<String, String>) {
        let mut state = self.state();
        let version = Version {
            token: "put".to_owned(),
            text: "a secret of somebody else".to_owned(),
            created_at: state.now,
        };
        let secret = Secret::new(version, tags.clone());
        state.records.put(name.to_owned(), secret);
    }

    /// Writes a version of a record under a token, as a person with `PutSecretValue` does.
    pub fn put_version(&self, user: &UserName, text: &str, token: &str) {
        let mut state = self.state();
        let version = Version {
            token: token.to_owned(),
            text: text.to_owned(),
            created_at: state.now,
        };
        state.records.written.push(text.to_owned());
        drop(state);
        self.change_secret(user, |secret| secret.add(version));
    }

    /// Writes the current text again with a change, under a token of the writer's program.
    pub fn tamper(&self, user: &UserName, change: impl FnOnce(&str) -> String) {
        let text = self.record(user).unwrap_or_default();
        let token = format!(
            "00000000-0000-4000-8000-{:012}",
            self.record_tokens(user).len()
        );
        self.put_version(user, &change(&text), &token);
    }

    /// Takes the signature off the current text, and writes that.
    pub fn strip_signature(&self, user: &UserName) {
        self.tamper(user, |text| banto_receipt::without_signature(text).0);
    }

    /// Writes the current text again with another envelope in place of its own, and the signature
    /// that it had.
    pub fn swap_envelope(&self, user: &UserName, armored: &str) {
        self.tamper(user, |text| {
            let header = text.split_once("\n\n").map_or("", |(header, _)| header);
            format!("{header}\n\n{armored}")
        });
    }

    /// Writes the current text of one user's record into another's.
    #[expect(
        clippy::panic,
        reason = "a test that copies a record that isn't there is to fail at once"
    )]
    pub fn copy_record(&self, from: &UserName, to: &UserName) {
        match self.record(from) {
            Some(text) => self.tamper(to, |_| text),
            None => panic!("{from} has no record"),
        }
    }

    /// Makes the version current that was written under a token, as a person with
    /// `UpdateSecretVersionStage` does.
    #[expect(
        clippy::panic,
        reason = "a test that names a version that isn't there is to fail at once"
    )]
    pub fn make_current(&self, user: &UserName, token: &str) {
        let place = self
            .record_tokens(user)
            .iter()
            .rev()
            .position(|known| known == token);
        match place {
            Some(back) => self.restore_version(user, back),
            None => panic!("there is no version {token}"),
        }
    }

    /// Makes the version current that was written so many versions before the last one, as a person
    /// with `UpdateSecretVersionStage` does.
    #[expect(
        clippy::panic,
        reason = "a test that restores a version that isn't there is to fail at once"
    )]
    pub fn restore_version(&self, user: &UserName, back: usize) {
        let now = self.now();
        self.change_secret(user, |secret| {
            if secret.restore(back, now).is_none() {
                panic!("there is no version {back} before the last one");
            }
        });
    }

    /// Schedules a record's secret for deletion: it can't be read or written from now on, and is
    /// gone after 30 days.
    pub fn schedule_deletion(&self, user: &UserName) {
        let now = self.now();
        self.change_secret(user, |secret| secret.schedule_deletion(now));
    }

    /// Takes the deletion back.
    pub fn restore_secret(&self, user: &UserName) {
        self.change_secret(user, Secret::cancel_deletion);
    }

    /// Lets a resource policy of somebody else deny every call about records, or no longer.
    pub fn deny_records(&self, deny: bool) {
        self.state().records.is_denied = deny;
    }

    /// Changes a tag of a record's secret; `None` removes it.
    pub fn tag_record(&self, user: &UserName, key: &str, value: Option<&str>) {
        let now = self.now();
        self.change_secret(user, |secret| {
            secret.change_tags(now, |tags| {
                drop(match value {
                    Some(value) => tags.insert(key.to_owned(), value.to_owned()),
                    None => tags.remove(key),
                });
            });
        });
    }

    /// The current text of a user's record, be there such a user or not.
    pub fn record(&self, user: &UserName) -> Option<String> {
        let state = self.state();
        let secret = state.records.of_user(user, state.now)?;
        secret.text().map(str::to_owned)
    }

    /// The tags of a record's secret; empty if there is none.
    pub fn record_tags(&self, user: &UserName) -> BTreeMap<String, String> {
        let state = self.state();
        let secret = state.records.of_user(user, state.now);
        secret.map(|secret| secret.tags.clone()).unwrap_or_default()
    }

    /// The tokens of a record's versions, the oldest first.
    pub fn record_tokens(&self, user: &UserName) -> Vec<String> {
        let state = self.state();
        let secret = state.records.of_user(user, state.now);
        let versions = secret.into_iter().flat_map(|secret| &secret.versions);
        versions.map(|version| version.token.clone()).collect()
    }

    #[expect(
        clippy::panic,
        reason = "a test that names a record that isn't there is to fail at once"
    )]
    fn change_secret(&self, user: &UserName, change: impl FnOnce(&mut Secret)) {
        match self.state().records.secret_mut(user) {
            Some(secret) => change(secret),
            None => panic!("{user} has no record"),
        }
    }
}
