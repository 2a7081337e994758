//! Every port, on the world's state.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, GroupName, SecretArn, TopicArn, UserArn, UserName};
use banto_ports::{
    AccessKeys, Certificates, Clock, CreatedKey, ErrorKind, LiveKey, LiveUser, PortError, Records,
    ReportState, Secrets, TopicMessage, Topics, Usage, Webhooks,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::run::{Run, yield_once};
use crate::world::{Secret, Sent, webhook_url};

#[async_trait]
impl Clock for Run {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    async fn sleep(&self, duration: Duration) {
        yield_once().await;
        self.world
            .advance(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX));
    }
}

#[async_trait]
impl AccessKeys for Run {
    async fn request_report(&self) -> Result<ReportState, PortError> {
        self.step("iam:GenerateCredentialReport", "", |state| {
            Ok(state.iam.report.request(state.iam.users.iter(), state.now))
        })
        .await
    }

    async fn report(&self) -> Result<Vec<u8>, PortError> {
        self.step("iam:GetCredentialReport", "", |state| {
            state.iam.report.get(state.now)
        })
        .await
    }

    async fn user(&self, user: &UserName) -> Result<LiveUser, PortError> {
        const CALL: &str = "iam:GetUser";
        self.step(CALL, user, |state| state.iam.live_user(CALL, user))
            .await
    }

    async fn members(&self, group: &GroupName) -> Result<BTreeSet<UserName>, PortError> {
        const CALL: &str = "iam:GetGroup";
        let missing = || PortError::new(ErrorKind::Missing, CALL, "NoSuchEntity");
        self.step(CALL, group, |state| {
            state.iam.groups.get(group).cloned().ok_or_else(missing)
        })
        .await
    }

    async fn keys(&self, user: &UserName) -> Result<Vec<LiveKey>, PortError> {
        const CALL: &str = "iam:ListAccessKeys";
        self.step(CALL, user, |state| {
            Ok(state
                .iam
                .user(CALL, user)?
                .keys
                .iter()
                .map(crate::iam::Key::live)
                .collect())
        })
        .await
    }

    async fn usage(&self, key: &AccessKeyId) -> Result<Usage, PortError> {
        const CALL: &str = "iam:GetAccessKeyLastUsed";
        let missing = || PortError::new(ErrorKind::Missing, CALL, "NoSuchEntity");
        self.step(CALL, key, |state| {
            let (user, key) = state.iam.owner_of(key).ok_or_else(missing)?;
            Ok(Usage {
                user: user.clone(),
                last: key.used.clone(),
            })
        })
        .await
    }

    async fn create(&self, user: &UserName) -> Result<CreatedKey, PortError> {
        self.step("iam:CreateAccessKey", user, |state| {
            let created_at = state.now;
            let (id, secret) = state.iam.create(user, created_at)?;
            Ok(CreatedKey {
                id,
                secret: SecretString::from(secret),
                created_at,
            })
        })
        .await
    }

    async fn set_active(
        &self,
        user: &UserName,
        key: &AccessKeyId,
        active: bool,
    ) -> Result<(), PortError> {
        const CALL: &str = "iam:UpdateAccessKey";
        self.step(CALL, user, |state| {
            let now = state.now;
            state.iam.key_of(CALL, user, key)?.set_active(active, now);
            Ok(())
        })
        .await
    }

    async fn delete(&self, user: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        const CALL: &str = "iam:DeleteAccessKey";
        self.step(CALL, user, |state| {
            state.iam.key_of(CALL, user, key)?;
            state.iam.delete_key(key);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Records for Run {
    async fn read(&self, user: &UserName) -> Result<Option<String>, PortError> {
        self.step("secretsmanager:GetSecretValue", user, |state| {
            Ok(state
                .records
                .get(user)
                .and_then(Secret::text)
                .map(str::to_owned))
        })
        .await
    }

    async fn create(&self, user: &UserName, record: &Record) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:CreateSecret";
        self.step(CALL, user, |state| {
            if state.records.contains_key(user) {
                return Err(PortError::new(
                    ErrorKind::Conflict,
                    CALL,
                    "ResourceExistsException",
                ));
            }
            let (token, text) = (record.write_token(), record.to_text());
            let secret = Secret {
                versions: [(token.clone(), text)].into(),
                current: token,
                reader: None,
            };
            state.records.insert(user.clone(), secret);
            Ok(())
        })
        .await
    }

    async fn protect(&self, user: &UserName, owner: &UserArn) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:PutResourcePolicy";
        let missing = || PortError::new(ErrorKind::Missing, CALL, "ResourceNotFoundException");
        self.step(CALL, user, |state| {
            state.records.get_mut(user).ok_or_else(missing)?.reader = Some(owner.clone());
            Ok(())
        })
        .await
    }

    async fn write(&self, user: &UserName, record: &Record) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:PutSecretValue";
        let error = |kind, code: &str| PortError::new(kind, CALL, code);
        self.step(CALL, user, |state| {
            let secret = state.records.get_mut(user);
            let secret =
                secret.ok_or_else(|| error(ErrorKind::Missing, "ResourceNotFoundException"))?;
            let (token, text) = (record.write_token(), record.to_text());
            match secret.versions.get(&token) {
                Some(known) if *known == text => Ok(()),
                Some(_) => Err(error(ErrorKind::Conflict, "ResourceExistsException")),
                None => {
                    secret.versions.insert(token.clone(), text);
                    secret.current = token;
                    Ok(())
                }
            }
        })
        .await
    }
}

#[async_trait]
impl Certificates for Run {
    async fn read(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError> {
        self.step("s3:GetObject", user, |state| {
            Ok(state.certificates.get(user).cloned())
        })
        .await
    }
}

#[async_trait]
impl Secrets for Run {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        self.step("secretsmanager:GetSecretValue", secret, |_| {
            Ok(SecretString::from(webhook_url(secret)))
        })
        .await
    }
}

#[async_trait]
impl Webhooks for Run {
    async fn post(&self, _url: &SecretString, body: String) -> Result<(), PortError> {
        self.step("slack:post", "", |state| match state.webhooks_fail {
            Some(kind) => Err(PortError::new(kind, "slack:post", "refused by the test")),
            None => {
                state.sent.push(Sent::Slack(body));
                Ok(())
            }
        })
        .await
    }
}

#[async_trait]
impl Topics for Run {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        self.step("sns:Publish", topic, |state| match state.topics_fail {
            Some(kind) => Err(PortError::new(kind, "sns:Publish", "refused by the test")),
            None => {
                state.sent.push(Sent::Topic(topic.clone(), message.clone()));
                Ok(())
            }
        })
        .await
    }
}
