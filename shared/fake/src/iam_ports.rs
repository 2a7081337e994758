//! The ports of IAM, on the world's state.

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{
    AccessKeys, CreatedKey, ErrorKind, LiveKey, LiveUser, PortError, ReportState, Usage,
    UserSessions,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::iam::{DENY_POLICY, Key};
use crate::lag::Reader;
use crate::run::Run;
use crate::trail::{Deed, Identity};
use crate::world::State;

/// Entries of a page of a group's members.
const PAGE: usize = 1000;

#[async_trait]
impl AccessKeys for Run {
    async fn request_report(&self) -> Result<ReportState, PortError> {
        self.ask("iam:GenerateCredentialReport", "", json!({}), |state| {
            Ok(state.iam.report.request(state.iam.users.iter(), state.now))
        })
        .await
    }

    async fn report(&self) -> Result<Vec<u8>, PortError> {
        self.ask("iam:GetCredentialReport", "", json!({}), |state| {
            state.iam.report.get(state.now)
        })
        .await
    }

    async fn user(&self, user: &UserName) -> Result<LiveUser, PortError> {
        const CALL: &str = "iam:GetUser";
        self.ask(CALL, user, about(user), |state| {
            let at = state.as_read_by(Reader::GetUser);
            state.iam.live_user(CALL, user, at)
        })
        .await
    }

    async fn members(&self, group: &GroupName) -> Result<BTreeSet<UserName>, PortError> {
        const CALL: &str = "iam:GetGroup";
        let missing = || PortError::new(ErrorKind::Missing, CALL, "NoSuchEntity");
        let request = json!({ "GroupName": group, "MaxItems": PAGE });
        self.ask(CALL, group, request, |state| {
            state.iam.groups.get(group).cloned().ok_or_else(missing)
        })
        .await
    }

    async fn keys(&self, user: &UserName) -> Result<Vec<LiveKey>, PortError> {
        const CALL: &str = "iam:ListAccessKeys";
        self.ask(CALL, user, about(user), |state| {
            let at = state.as_read_by(Reader::ListAccessKeys);
            let user = state.iam.user_at(CALL, user, at)?.user;
            Ok(user.keys.iter().map(Key::live).collect())
        })
        .await
    }

    async fn usage(&self, key: &AccessKeyId) -> Result<Usage, PortError> {
        const CALL: &str = "iam:GetAccessKeyLastUsed";
        let missing = || PortError::new(ErrorKind::Missing, CALL, "NoSuchEntity");
        self.ask(CALL, key, json!({ "AccessKeyId": key }), |state| {
            let at = state.as_read_by(Reader::GetAccessKeyLastUsed);
            state.iam.usage(key, at).ok_or_else(missing)
        })
        .await
    }

    async fn create(&self, user: &UserName) -> Result<CreatedKey, PortError> {
        self.ask("iam:CreateAccessKey", user, about(user), |state| {
            create(state, user)
        })
        .await
    }

    async fn set_active(
        &self,
        user: &UserName,
        key: &AccessKeyId,
        active: bool,
    ) -> Result<(), PortError> {
        let status = if active { "Active" } else { "Inactive" };
        let request = json!({ "UserName": user, "AccessKeyId": key, "Status": status });
        self.ask("iam:UpdateAccessKey", user, request, |state| {
            state.iam.update(user, key, active, state.now)
        })
        .await
    }

    async fn delete(&self, user: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        let request = json!({ "UserName": user, "AccessKeyId": key });
        self.ask("iam:DeleteAccessKey", user, request, |state| {
            state.iam.delete(user, key, state.now)
        })
        .await
    }
}

#[async_trait]
impl UserSessions for Run {
    async fn deny(&self, user: &UserName) -> Result<(), PortError> {
        self.ask("iam:AttachUserPolicy", user, denial_of(user), |state| {
            state.iam.attach(user, state.now)
        })
        .await
    }

    async fn allow(&self, user: &UserName) -> Result<(), PortError> {
        self.ask("iam:DetachUserPolicy", user, denial_of(user), |state| {
            state.iam.detach(user, state.now);
            Ok(())
        })
        .await
    }
}

fn about(user: &UserName) -> Value {
    json!({ "UserName": user })
}

fn denial_of(user: &UserName) -> Value {
    json!({ "UserName": user, "PolicyArn": DENY_POLICY })
}

/// Creates a key, which CloudTrail logs as the deed of Banto's role.
fn create(state: &mut State, user: &UserName) -> Result<CreatedKey, PortError> {
    let now = state.now;
    let key = state.iam.create(user, true, now)?;
    let deed = Deed::CreatedKey {
        key: key.id.clone(),
        user: user.clone(),
    };
    (state.history).log(now, Some(Identity::banto()), None, deed);
    Ok(CreatedKey {
        id: key.id,
        secret: SecretString::from(key.secret),
        created_at: key.created_at,
    })
}
