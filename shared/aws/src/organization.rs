//! The accounts of the Organization.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::operation::describe_effective_policy::DescribeEffectivePolicyError;
use aws_sdk_organizations::types::{
    Account, AccountJoinedMethod, AccountState as State, AccountStatus, EffectivePolicyType, Tag,
};
use banto_domain::{AccountId, OuId};
use banto_ports::{AccountState, OrgAccount, OrgPolicyKind, Organization, PortError};
use serde_json::Value;
use tracing::warn;

use crate::errors::{lacking, port_error};
use crate::keys::timestamp;
use crate::token_bucket::TokenBucket;

/// AWS publishes no rate for Organizations; at ten a second, others' tools were not throttled.
const CALLS_PER_SECOND: u32 = 10;

/// AWS Organizations.
#[derive(Debug)]
pub struct Organizations {
    client: Client,
    calls: TokenBucket,
}

impl Organizations {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            calls: TokenBucket::per_second(CALLS_PER_SECOND, CALLS_PER_SECOND),
        }
    }
}

#[async_trait]
impl Organization for Organizations {
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError> {
        const CALL: &str = "organizations:ListAccounts";
        let mut accounts = Vec::new();
        let mut token = None;
        loop {
            self.calls.acquire().await;
            let page = self
                .client
                .list_accounts()
                .set_next_token(token)
                .send()
                .await;
            let page = page.map_err(|error| port_error(CALL, &error))?;
            for account in page.accounts() {
                match org_account(CALL, account) {
                    Ok(account) => accounts.push(account),
                    // One account never keeps the others from being seen to.
                    Err(error) => warn!(
                        account.id = account.id(),
                        account.name = account.name(),
                        error = %error,
                        "an account is left out",
                    ),
                }
            }
            // A page may be empty and yet not the last. (Organizations API reference,
            // `ListAccounts`.)
            token = page.next_token;
            if token.is_none() {
                return Ok(accounts);
            }
        }
    }

    async fn account(&self, account: &AccountId) -> Result<OrgAccount, PortError> {
        const CALL: &str = "organizations:DescribeAccount";
        self.calls.acquire().await;
        let answer = self
            .client
            .describe_account()
            .account_id(account.as_str())
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        org_account(
            CALL,
            answer
                .account()
                .ok_or_else(|| lacking(CALL, "the account"))?,
        )
    }

    async fn parent(&self, child: &str) -> Result<Option<OuId>, PortError> {
        const CALL: &str = "organizations:ListParents";
        if child.starts_with("r-") {
            return Ok(None);
        }
        self.calls.acquire().await;
        let answer = self.client.list_parents().child_id(child).send().await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        let parent = answer
            .parents()
            .first()
            .and_then(|parent| parent.id()?.parse().ok());
        parent.map(Some).ok_or_else(|| lacking(CALL, "a parent"))
    }

    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError> {
        const CALL: &str = "organizations:ListTagsForResource";
        let mut tags = BTreeMap::new();
        let mut token = None;
        loop {
            self.calls.acquire().await;
            let request = self
                .client
                .list_tags_for_resource()
                .resource_id(account.as_str());
            let page = request
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            tags.extend(
                page.tags()
                    .iter()
                    .map(|tag| (tag.key.clone(), tag.value.clone())),
            );
            token = page.next_token;
            if token.is_none() {
                return Ok(tags);
            }
        }
    }

    async fn tag(
        &self,
        account: &AccountId,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), PortError> {
        const CALL: &str = "organizations:TagResource";
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags: Result<Vec<Tag>, _> = tags.iter().map(tag).collect();
        let tags = tags.map_err(|_| lacking(CALL, "a tag's key"))?;
        self.calls.acquire().await;
        let request = self
            .client
            .tag_resource()
            .resource_id(account.as_str())
            .set_tags(Some(tags));
        request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }

    async fn move_to(&self, account: &AccountId, from: &OuId, to: &OuId) -> Result<(), PortError> {
        self.calls.acquire().await;
        let request = self.client.move_account().account_id(account.as_str());
        let request = request
            .source_parent_id(from.as_str())
            .destination_parent_id(to.as_str());
        request
            .send()
            .await
            .map_err(|error| port_error("organizations:MoveAccount", &error))?;
        Ok(())
    }

    async fn effective_policy(
        &self,
        account: &AccountId,
        kind: OrgPolicyKind,
    ) -> Result<Option<Value>, PortError> {
        const CALL: &str = "organizations:DescribeEffectivePolicy";
        self.calls.acquire().await;
        let kind = match kind {
            OrgPolicyKind::S3 => EffectivePolicyType::S3Policy,
            OrgPolicyKind::Ec2 => EffectivePolicyType::DeclarativePolicyEc2,
        };
        let request = self.client.describe_effective_policy().policy_type(kind);
        let answer = request.target_id(account.as_str()).send().await;
        // Also where policies of this type are not enabled.
        if let Err(error) = &answer
            && let Some(DescribeEffectivePolicyError::EffectivePolicyNotFoundException(_)) =
                error.as_service_error()
        {
            return Ok(None);
        }
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        let content = answer
            .effective_policy()
            .and_then(|policy| policy.policy_content())
            .ok_or_else(|| lacking(CALL, "the policy"))?;
        let content = serde_json::from_str(content);
        content
            .map(Some)
            .map_err(|_| lacking(CALL, "a policy that can be read"))
    }
}

fn org_account(call: &'static str, account: &Account) -> Result<OrgAccount, PortError> {
    let id = account
        .id()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| lacking(call, "an account's id"))?;
    // `Status` was to be retired on 2026-09-09; a service that knows no `State` yet still tells it.
    let state = match (account.state(), account.status()) {
        (Some(State::Active), _) | (None, Some(AccountStatus::Active)) => AccountState::Active,
        (Some(State::PendingActivation), _) => AccountState::PendingActivation,
        (Some(State::PendingClosure), _) | (None, Some(AccountStatus::PendingClosure)) => {
            AccountState::PendingClosure
        }
        (Some(State::Closed), _) => AccountState::Closed,
        (Some(State::Suspended), _) | (None, Some(AccountStatus::Suspended)) => {
            AccountState::Suspended
        }
        _ => AccountState::Unknown,
    };
    // `o-…/r-…/ou-…/…/<account>/`; units other than the root's and the organization's own id.
    let path = account
        .paths()
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    Ok(OrgAccount {
        id,
        name: account.name().unwrap_or_default().to_owned(),
        state,
        path: path
            .split('/')
            .filter_map(|part| part.parse().ok())
            .collect(),
        joined_at: account
            .joined_timestamp()
            .map(|at| timestamp(call, at))
            .transpose()?,
        was_created: account.joined_method() == Some(&AccountJoinedMethod::Created),
    })
}
