//! IAM users and their access keys.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_user::GetUserOutput;
use aws_sdk_iam::types::{AccessKeyMetadata, ReportStateType, StatusType};
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{
    AccessKeys, CreatedKey, KeyOwner, LastUse, LiveKey, LiveUser, PortError, ReportState, Usage,
};
use jiff::Timestamp;

use crate::errors::{lacking, port_error};

/// Entries of a page of IAM's lists: the most that IAM allows, so that a large group takes few
/// calls.
const PAGE: i32 = 1000;

/// The root user in place of a user's name, as the credential report has it. (IAM user guide,
/// "Getting credential reports", column `user`.)
const ROOT: &str = "<root_account>";

/// IAM users and their access keys, in the account of the client's credentials.
#[derive(Debug)]
pub struct IamKeys {
    client: Client,
}

impl IamKeys {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl AccessKeys for IamKeys {
    async fn request_report(&self) -> Result<ReportState, PortError> {
        const CALL: &str = "iam:GenerateCredentialReport";
        let answer = self.client.generate_credential_report().send().await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        match answer.state {
            Some(ReportStateType::Complete) => Ok(ReportState::Complete),
            Some(_) => Ok(ReportState::InProgress),
            None => Err(lacking(CALL, "the report's state")),
        }
    }

    async fn report(&self) -> Result<Vec<u8>, PortError> {
        const CALL: &str = "iam:GetCredentialReport";
        let answer = self
            .client
            .get_credential_report()
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        answer
            .content
            .map(aws_smithy_types::Blob::into_inner)
            .ok_or_else(|| lacking(CALL, "the report"))
    }

    async fn user(&self, user: &UserName) -> Result<LiveUser, PortError> {
        const CALL: &str = "iam:GetUser";
        let answer = self.client.get_user().user_name(user.as_str()).send().await;
        live_user(answer.map_err(|error| port_error(CALL, &error))?)
            .map_err(|what| lacking(CALL, &what))
    }

    async fn members(&self, group: &GroupName) -> Result<BTreeSet<UserName>, PortError> {
        const CALL: &str = "iam:GetGroup";
        let pages = self
            .client
            .get_group()
            .group_name(group.as_str())
            .max_items(PAGE)
            .into_paginator();
        let mut users = pages.items().send();
        let mut members = BTreeSet::new();
        while let Some(user) = users.next().await {
            let user = user.map_err(|error| port_error(CALL, &error))?;
            members.insert(parsed(CALL, "a user's name", user.user_name())?);
        }
        Ok(members)
    }

    async fn keys(&self, user: &UserName) -> Result<Vec<LiveKey>, PortError> {
        const CALL: &str = "iam:ListAccessKeys";
        let mut pages = self
            .client
            .list_access_keys()
            .user_name(user.as_str())
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(key) = pages.next().await {
            keys.push(live_key(
                CALL,
                &key.map_err(|error| port_error(CALL, &error))?,
            )?);
        }
        Ok(keys)
    }

    async fn usage(&self, key: &AccessKeyId) -> Result<Usage, PortError> {
        const CALL: &str = "iam:GetAccessKeyLastUsed";
        let answer = self
            .client
            .get_access_key_last_used()
            .access_key_id(key.as_str())
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        // An answer that says nothing of the use is not one that says "never": IAM tells that with
        // a block whose date is absent.
        let used = answer
            .access_key_last_used
            .ok_or_else(|| lacking(CALL, "the key's use"))?;
        let last = used.last_used_date.map(|at| {
            let at = timestamp(CALL, &at)?;
            Ok(LastUse {
                at,
                service: used.service_name.clone(),
                region: used.region.clone(),
            })
        });
        Ok(Usage {
            owner: owner(CALL, answer.user_name.as_deref())?,
            last: last.transpose()?,
        })
    }

    async fn create(&self, user: &UserName) -> Result<CreatedKey, PortError> {
        const CALL: &str = "iam:CreateAccessKey";
        // Tried once: an answer that is lost leaves a key behind, and a second try would make
        // another.
        let once = aws_sdk_iam::config::Config::builder().retry_config(RetryConfig::disabled());
        let request = self
            .client
            .create_access_key()
            .user_name(user.as_str())
            .customize()
            .config_override(once);
        let answer = request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        let key = answer.access_key.ok_or_else(|| lacking(CALL, "the key"))?;
        let created_at = key
            .create_date
            .as_ref()
            .ok_or_else(|| lacking(CALL, "the key's date"))?;
        Ok(CreatedKey {
            id: parsed(CALL, "the key's id", &key.access_key_id)?,
            created_at: timestamp(CALL, created_at)?,
            secret: key.secret_access_key.into(),
        })
    }

    async fn set_active(
        &self,
        user: &UserName,
        key: &AccessKeyId,
        active: bool,
    ) -> Result<(), PortError> {
        let status = if active {
            StatusType::Active
        } else {
            StatusType::Inactive
        };
        let request = self
            .client
            .update_access_key()
            .user_name(user.as_str())
            .access_key_id(key.as_str());
        request
            .status(status)
            .send()
            .await
            .map_err(|error| port_error("iam:UpdateAccessKey", &error))?;
        Ok(())
    }

    async fn delete(&self, user: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        let request = self
            .client
            .delete_access_key()
            .user_name(user.as_str())
            .access_key_id(key.as_str());
        request
            .send()
            .await
            .map_err(|error| port_error("iam:DeleteAccessKey", &error))?;
        Ok(())
    }
}

fn live_user(answer: GetUserOutput) -> Result<LiveUser, String> {
    let user = answer.user.ok_or("the user")?;
    Ok(LiveUser {
        name: user
            .user_name
            .parse()
            .map_err(|error| format!("a readable name: {error}"))?,
        id: user
            .user_id
            .parse()
            .map_err(|error| format!("a readable id: {error}"))?,
        arn: user
            .arn
            .parse()
            .map_err(|error| format!("a readable ARN: {error}"))?,
        path: user.path,
        tags: user
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect(),
    })
}

/// Returns whose key it is. The root user is no user with a name; what IAM answers for its keys is
/// not documented, so that each way of saying "nobody" is taken for it.
fn owner(call: &'static str, name: Option<&str>) -> Result<KeyOwner, PortError> {
    match name {
        None | Some("" | ROOT) => Ok(KeyOwner::Root),
        Some(name) => Ok(KeyOwner::User(parsed(call, "the user's name", name)?)),
    }
}

fn live_key(call: &'static str, key: &AccessKeyMetadata) -> Result<LiveKey, PortError> {
    let created_at = key
        .create_date()
        .ok_or_else(|| lacking(call, "a key's date"))?;
    let active = match key.status() {
        Some(StatusType::Active) => true,
        Some(StatusType::Inactive) => false,
        _ => return Err(lacking(call, "a key's status that is Active or Inactive")),
    };
    let id = parsed(call, "a key's id", key.access_key_id().unwrap_or_default())?;
    Ok(LiveKey {
        id,
        active,
        created_at: timestamp(call, created_at)?,
    })
}

fn parsed<T: std::str::FromStr>(
    call: &'static str,
    what: &str,
    text: &str,
) -> Result<T, PortError> {
    text.parse()
        .map_err(|_| lacking(call, &format!("{what} that can be read")))
}

pub(crate) fn timestamp(call: &'static str, at: &DateTime) -> Result<Timestamp, PortError> {
    let nanoseconds = i32::try_from(at.subsec_nanos()).unwrap_or_default();
    Timestamp::new(at.secs(), nanoseconds).map_err(|_| lacking(call, "a date that can be read"))
}
