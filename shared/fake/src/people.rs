//! What people do: those who own the account, and those who got hold of a key.

use banto_domain::{AccessKeyId, CredentialId, GroupName, RoleArn, SessionKeyId, UserName};
use banto_ports::{ErrorKind, LastUse, PortError};
use jiff::SignedDuration;

use crate::iam::MAX_POLICIES;
use crate::trail::{Deed, Identity};
use crate::world::{World, parsed};

impl World {
    /// Adds a user, at the path `/`.
    pub fn add_user(&self, name: &str) -> UserName {
        self.add_user_at("/", name)
    }

    /// Adds a user at a path.
    pub fn add_user_at(&self, path: &str, name: &str) -> UserName {
        let name: UserName = parsed(name);
        let mut state = self.state();
        let now = state.now;
        state.iam.add_user(&name, path, now);
        name
    }

    /// Removes a user, all keys and the memberships; a later one of the same name is another user.
    pub fn remove_user(&self, user: &UserName) {
        let mut state = self.state();
        let now = state.now;
        drop(state.iam.remove_user(user, now));
        for members in state.iam.groups.values_mut() {
            members.remove(user);
        }
    }

    /// Renames a user; the unique id stays.
    pub fn rename_user(&self, user: &UserName, name: &str) -> UserName {
        let name: UserName = parsed(name);
        let mut state = self.state();
        let now = state.now;
        state.iam.rename_user(user, &name, now);
        name
    }

    /// Moves a user to another path, which changes the ARN.
    pub fn move_user(&self, user: &UserName, path: &str) {
        let mut state = self.state();
        let now = state.now;
        let path = path.to_owned();
        state.iam.user_mut(user, now, |user| user.path = path);
    }

    /// Tags a user.
    pub fn tag(&self, user: &UserName, key: &str, value: &str) {
        let mut state = self.state();
        let now = state.now;
        let (key, value) = (key.to_owned(), value.to_owned());
        state.iam.user_mut(user, now, |user| {
            drop(user.tags.insert(key, value));
        });
    }

    /// Puts a user into a group.
    pub fn add_to_group(&self, user: &UserName, group: &str) {
        let group: GroupName = parsed(group);
        let mut state = self.state();
        let members = state.iam.groups.entry(group).or_default();
        members.insert(user.clone());
    }

    /// Attaches so many managed policies to a user, at most as many as IAM allows.
    pub fn attach_policies(&self, user: &UserName, number: usize) {
        let mut state = self.state();
        let now = state.now;
        let policies = (1..=number.min(MAX_POLICIES))
            .map(|number| format!("arn:aws:iam::aws:policy/Policy{number}"));
        state
            .iam
            .user_mut(user, now, |user| user.policies.extend(policies));
    }

    /// Deletes the policy that Terraform put there to deny temporary credentials.
    pub fn remove_deny_policy(&self) {
        self.state().iam.lacks_deny_policy = true;
    }

    /// Gives a user a key of this age, as a person at the console would. A test may give a third.
    pub fn add_key(&self, user: &UserName, age: SignedDuration) -> AccessKeyId {
        let mut state = self.state();
        let now = state.now;
        let key = state.iam.add_key(user, now - age, now).id;
        let deed = Deed::CreatedKey {
            key: key.clone(),
            user: user.clone(),
        };
        state.history.log(now - age, None, None, deed);
        key
    }

    /// Creates a key for a user with a credential, as whoever has that may.
    ///
    /// # Errors
    /// [`Denied`](ErrorKind::Denied) if the credential does not work, be it inactive, gone, expired
    /// or denied; [`LimitExceeded`](ErrorKind::LimitExceeded) if the user has two keys.
    pub fn add_key_with(
        &self,
        user: &UserName,
        credential: impl Into<CredentialId>,
    ) -> Result<AccessKeyId, PortError> {
        let mut state = self.state();
        let (credential, now) = (credential.into(), state.now);
        let denied = || PortError::new(ErrorKind::Denied, "iam:CreateAccessKey", "AccessDenied");
        let bearer = state.bearer(&credential).ok_or_else(denied)?;
        let key = state.iam.create(user, false, now)?.id;
        let deed = Deed::CreatedKey {
            key: key.clone(),
            user: user.clone(),
        };
        (state.history).log(now, Some(bearer), Some(credential), deed);
        Ok(key)
    }

    /// Gives the account's root user a key.
    pub fn add_root_key(&self) -> AccessKeyId {
        let mut state = self.state();
        let now = state.now;
        let key = state.iam.new_key(now, false);
        state.iam.root_keys.push(key.clone());
        key.id
    }

    /// Starts a session of the credential's own user; `None` if the credential does not work.
    pub fn start_session(&self, credential: impl Into<CredentialId>) -> Option<SessionKeyId> {
        self.state().start_session(credential.into(), None)
    }

    /// Assumes a role with a credential; `None` if the credential does not work.
    pub fn assume_role(
        &self,
        credential: impl Into<CredentialId>,
        role: &str,
    ) -> Option<SessionKeyId> {
        let role: RoleArn = parsed(role);
        self.state().start_session(credential.into(), Some(&role))
    }

    /// True if requests that are signed with the credential are not all refused now.
    pub fn works(&self, credential: impl Into<CredentialId>) -> bool {
        self.state().bearer(&credential.into()).is_some()
    }

    /// Makes so many calls with a credential that CloudTrail logs and nobody minds.
    pub fn call_with(&self, credential: impl Into<CredentialId>, calls: usize) {
        let mut state = self.state();
        let credential = credential.into();
        let (by, now): (Option<Identity>, _) = (state.bearer(&credential), state.now);
        for _ in 0..calls {
            (state.history).log(now, by.clone(), Some(credential.clone()), Deed::Other);
        }
    }

    /// Uses a key, as its owner would.
    pub fn use_key(&self, key: &AccessKeyId) {
        let mut state = self.state();
        let now = state.now;
        let used = LastUse {
            at: now,
            service: "s3".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        state.iam.key_mut(key, now, |key| key.used = Some(used));
    }

    /// Makes a key active or inactive, as a person would.
    pub fn set_active(&self, key: &AccessKeyId, active: bool) {
        let mut state = self.state();
        let now = state.now;
        (state.iam).key_mut(key, now, |key| key.set_active(active, now));
    }

    /// Deletes a key, as a person would.
    pub fn delete_key(&self, key: &AccessKeyId) {
        let mut state = self.state();
        let now = state.now;
        state.iam.delete_key(key, now);
    }
}
