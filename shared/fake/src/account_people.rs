//! Acts of people on an account of the Organization, be it just before a call of a run.

use banto_domain::{AccountId, OuId};
use banto_ports::{AccountState, RecordingGroup};
use serde_json::{Value, json};

use crate::member_account::MemberAccount;
use crate::world::{World, parsed};

/// Acts in an account. What is not there stays so.
impl World {
    /// Narrows a recorder to these types.
    pub fn narrow_recorder(&self, account: &AccountId, region: &str, types: &[&str]) {
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        self.change_account(account, |member| {
            if let Some(recorder) = &mut member.region(region).recorder {
                recorder.recorder.group = RecordingGroup::Only(types);
            }
        });
    }

    /// Stops a recorder.
    pub fn stop_recorder(&self, account: &AccountId, region: &str) {
        self.change_account(account, |member| {
            if let Some(status) = &mut member.region(region).status {
                status.recording = false;
            }
        });
    }

    /// Points a channel at another bucket.
    pub fn point_channel(&self, account: &AccountId, region: &str, bucket: &str) {
        self.change_account(account, |member| {
            if let Some(channel) = &mut member.region(region).channel {
                bucket.clone_into(&mut channel.bucket);
            }
        });
    }

    /// Lets everybody assume a role.
    pub fn open_trust(&self, account: &AccountId, role: &str) {
        self.change_account(account, |member| {
            if let Some((role, _)) = member.roles.get_mut(&parsed(role)) {
                role.trust = anybody();
            }
        });
    }

    /// Deletes a role.
    pub fn delete_role(&self, account: &AccountId, role: &str) {
        self.change_account(account, |member| {
            member.roles.remove(&parsed(role));
        });
        let key = (account.clone(), parsed(role));
        self.state().org.roles_made.remove(&key);
    }

    /// Puts something into the default VPC, in words: `network interface eni-1`.
    pub fn use_default_vpc(&self, account: &AccountId, region: &str, what: &str) {
        self.change_account(account, |member| {
            if let Some(vpc) = &mut member.region(region).default_vpc {
                vpc.uses.insert(what.to_owned());
            }
        });
    }
}

/// Acts on an account in Organizations.
impl World {
    /// Moves an account to another unit: the root and the units that it is in then, the root first.
    pub fn move_account(&self, account: &AccountId, path: &[&str]) {
        let path: Vec<OuId> = path.iter().map(|unit| parsed(unit)).collect();
        self.change_account(account, |member| member.move_to(&path));
    }

    /// Renames an account.
    pub fn rename_account(&self, account: &AccountId, name: &str) {
        self.change_account(account, |member| {
            name.clone_into(&mut member.org.name);
        });
    }

    /// Tags an account.
    pub fn tag_account(&self, account: &AccountId, key: &str, value: &str) {
        self.change_account(account, |member| {
            let (key, value) = (key.to_owned(), value.to_owned());
            member.org_tags.insert(key, value);
        });
    }

    /// Takes a tag off an account.
    pub fn untag_account(&self, account: &AccountId, key: &str) {
        self.change_account(account, |member| {
            member.org_tags.remove(key);
        });
    }

    /// Closes an account: nobody can do anything in it from now on.
    pub fn close_account(&self, account: &AccountId) {
        self.change_account(account, |member: &mut MemberAccount| {
            member.org.state = AccountState::Suspended;
        });
    }

    /// Reopens an account that was closed.
    pub fn reopen_account(&self, account: &AccountId) {
        self.change_account(account, |member| {
            member.org.state = AccountState::Active;
        });
    }
}

/// A trust policy that lets everybody in.
fn anybody() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": "sts:AssumeRole",
        }],
    })
}
