//! Settings of an account as a whole: password policy, S3's block of public access, contacts,
//! regions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_account::types::{AlternateContactType, RegionOptStatus};
use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::{AccountId, Region};
use banto_ports::{AccountSettings, ErrorKind, LivePasswordPolicy, PortError, RegionState};

use crate::caller::{Caller, Request};
use crate::config::Aws;
use crate::errors::{lacking, port_error};
use crate::service::Service;
use crate::xml::{self, Element};

/// Settings of an account whose role was assumed.
#[derive(Debug)]
pub(crate) struct MemberSettings {
    account: AccountId,
    iam: aws_sdk_iam::Client,
    s3: Caller,
    management: aws_sdk_account::Client,
}

impl MemberSettings {
    pub(crate) fn new(aws: &Aws, account: &AccountId) -> Self {
        Self {
            account: account.clone(),
            iam: aws_sdk_iam::Client::new(&aws.of(Service::Iam)),
            s3: aws.caller(Service::S3Control),
            management: aws_sdk_account::Client::new(&aws.of(Service::Account)),
        }
    }
}

/// The four blocks of public access to S3. (S3 API reference, `PublicAccessBlockConfiguration`.)
const BLOCKS: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

/// A request about the account's blocks, whose id is part of the host's name.
fn blocks_of(account: &AccountId, call: &'static str) -> Request {
    let headers = vec![("x-amz-account-id", account.to_string())];
    let path = "/v20180820/configuration/publicAccessBlock";
    Request {
        host_prefix: Some(account.to_string()),
        headers,
        ..Request::get(call, path)
    }
}

#[async_trait]
impl AccountSettings for MemberSettings {
    async fn regions(&self) -> Result<BTreeMap<Region, RegionState>, PortError> {
        const CALL: &str = "account:ListRegions";
        let mut regions = BTreeMap::new();
        let mut token = None;
        loop {
            let page = self
                .management
                .list_regions()
                .set_next_token(token)
                .send()
                .await;
            let page = page.map_err(|error| port_error(CALL, &error))?;
            for region in page.regions() {
                let name = region.region_name().and_then(|name| name.parse().ok());
                let state = match region.region_opt_status() {
                    Some(RegionOptStatus::Enabled | RegionOptStatus::EnabledByDefault) => {
                        RegionState::Enabled
                    }
                    Some(RegionOptStatus::Enabling) => RegionState::Enabling,
                    _ => RegionState::Disabled,
                };
                regions.insert(
                    name.ok_or_else(|| lacking(CALL, "a region's name that can be read"))?,
                    state,
                );
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(regions);
            }
        }
    }

    async fn password_policy(&self) -> Result<Option<LivePasswordPolicy>, PortError> {
        const CALL: &str = "iam:GetAccountPasswordPolicy";
        let answer = self.iam.get_account_password_policy().send().await;
        let Some(answer) = or_none(answer.map_err(|error| port_error(CALL, &error)))? else {
            return Ok(None);
        };
        let policy = answer
            .password_policy
            .ok_or_else(|| lacking(CALL, "the policy"))?;
        Ok(Some(LivePasswordPolicy {
            // IAM's own default where it says nothing.
            minimum_length: policy.minimum_password_length.unwrap_or(6),
            lowercase: policy.require_lowercase_characters,
            uppercase: policy.require_uppercase_characters,
            numbers: policy.require_numbers,
            symbols: policy.require_symbols,
            users_may_change: policy.allow_users_to_change_password,
            hard_expiry: policy.hard_expiry.unwrap_or(false),
            max_age_days: policy.max_password_age.filter(|_| policy.expire_passwords),
            reuse_prevention: policy.password_reuse_prevention,
        }))
    }

    async fn set_password_policy(&self, policy: &LivePasswordPolicy) -> Result<(), PortError> {
        // What is left out IAM sets to its default.
        let request = self
            .iam
            .update_account_password_policy()
            .minimum_password_length(policy.minimum_length);
        let request = request
            .require_symbols(policy.symbols)
            .require_numbers(policy.numbers);
        let request = request
            .require_uppercase_characters(policy.uppercase)
            .require_lowercase_characters(policy.lowercase);
        let request = request.set_max_password_age(policy.max_age_days);
        let request = request
            .set_password_reuse_prevention(policy.reuse_prevention)
            .allow_users_to_change_password(policy.users_may_change)
            .hard_expiry(policy.hard_expiry);
        request
            .send()
            .await
            .map_err(|error| port_error("iam:UpdateAccountPasswordPolicy", &error))?;
        Ok(())
    }

    async fn public_access_blocks(&self) -> Result<Option<u8>, PortError> {
        const CALL: &str = "s3:GetAccountPublicAccessBlock";
        let answer = self.s3.ask(blocks_of(&self.account, CALL)).await;
        let Some(answer) = or_none(answer)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&answer);
        let document = xml::document(CALL, &text)?;
        let blocks = document.root_element();
        Ok(Some(
            BLOCKS
                .into_iter()
                .map(|block| u8::from(blocks.text_of(block) == Some("true")))
                .sum(),
        ))
    }

    async fn block_public_access(&self) -> Result<(), PortError> {
        let all: String = BLOCKS
            .into_iter()
            .map(|block| format!("<{block}>true</{block}>"))
            .collect();
        let namespace = "http://awss3control.amazonaws.com/doc/2018-08-20/";
        let body = format!(
            "<PublicAccessBlockConfiguration xmlns=\"{namespace}\">{all}</PublicAccessBlockConfiguration>"
        );
        let request = blocks_of(&self.account, "s3:PutAccountPublicAccessBlock");
        self.s3
            .ask(Request {
                method: "PUT",
                body: body.into_bytes(),
                ..request
            })
            .await
            .map(drop)
    }

    async fn contact(&self, kind: ContactKind) -> Result<Option<Contact>, PortError> {
        const CALL: &str = "account:GetAlternateContact";
        let answer = self
            .management
            .get_alternate_contact()
            .alternate_contact_type(aws_kind(kind))
            .send()
            .await;
        let Some(answer) = or_none(answer.map_err(|error| port_error(CALL, &error)))? else {
            return Ok(None);
        };
        let contact = answer
            .alternate_contact
            .ok_or_else(|| lacking(CALL, "the contact"))?;
        Ok(Some(Contact {
            name: contact.name.unwrap_or_default(),
            title: contact.title.unwrap_or_default(),
            email: contact.email_address.unwrap_or_default(),
            phone: contact.phone_number.unwrap_or_default(),
        }))
    }

    async fn set_contact(&self, kind: ContactKind, contact: &Contact) -> Result<(), PortError> {
        let request = self
            .management
            .put_alternate_contact()
            .alternate_contact_type(aws_kind(kind));
        let request = request.name(&contact.name).title(&contact.title);
        let request = request
            .email_address(&contact.email)
            .phone_number(&contact.phone);
        request
            .send()
            .await
            .map_err(|error| port_error("account:PutAlternateContact", &error))?;
        Ok(())
    }
}

/// Turns a missing setting into none: it was never set.
fn or_none<T>(result: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ErrorKind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

fn aws_kind(kind: ContactKind) -> AlternateContactType {
    match kind {
        ContactKind::Billing => AlternateContactType::Billing,
        ContactKind::Operations => AlternateContactType::Operations,
        ContactKind::Security => AlternateContactType::Security,
    }
}
