//! Settings of an account as a whole: password policy, S3's block of public access, contacts, regions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_account::types::{AlternateContactType, RegionOptStatus};
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3control::types::PublicAccessBlockConfiguration;
use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::{AccountId, Region};
use banto_ports::{AccountSettings, ErrorKind, PortError, RegionState};

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};

/// Settings of an account that was entered.
#[derive(Debug)]
pub(crate) struct MemberSettings {
    account: AccountId,
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3control::Client,
    management: aws_sdk_account::Client,
}

impl MemberSettings {
    pub(crate) fn new(aws: &Aws, account: &AccountId) -> Self {
        Self {
            account: account.clone(),
            iam: aws_sdk_iam::Client::new(&aws.of(Service::Iam)),
            s3: s3_control(aws),
            management: aws_sdk_account::Client::new(&aws.of(Service::Account)),
        }
    }
}

/// S3 Control puts the account's id before the host's name, which a local AWS has no name for.
fn s3_control(aws: &Aws) -> aws_sdk_s3control::Client {
    let config = aws.of(Service::S3Control);
    let mut builder = aws_sdk_s3control::config::Builder::from(&config);
    if let Some(url) = config.endpoint_url() {
        builder = builder.endpoint_resolver(AsItIs(url.to_owned()));
    }
    aws_sdk_s3control::Client::from_conf(builder.build())
}

/// An endpoint that is used as it is.
#[derive(Debug)]
struct AsItIs(String);

impl ResolveEndpoint for AsItIs {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

#[async_trait]
impl AccountSettings for MemberSettings {
    async fn regions(&self) -> Result<BTreeMap<Region, RegionState>, PortError> {
        const CALL: &str = "account:ListRegions";
        let mut regions = BTreeMap::new();
        let mut token = None;
        loop {
            let page = self.management.list_regions().set_next_token(token).send().await;
            let page = page.map_err(|error| port_error(CALL, &error))?;
            for region in page.regions() {
                let name = region.region_name().and_then(|name| name.parse().ok());
                let state = match region.region_opt_status() {
                    Some(RegionOptStatus::Enabled | RegionOptStatus::EnabledByDefault) => RegionState::Enabled,
                    Some(RegionOptStatus::Enabling) => RegionState::Enabling,
                    _ => RegionState::Disabled,
                };
                regions.insert(name.ok_or_else(|| lacking(CALL, "a region's name that can be read"))?, state);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(regions);
            }
        }
    }

    async fn password_policy(&self) -> Result<Option<PasswordPolicy>, PortError> {
        const CALL: &str = "iam:GetAccountPasswordPolicy";
        let answer = self.iam.get_account_password_policy().send().await;
        let Some(answer) = or_none(answer.map_err(|error| port_error(CALL, &error)))? else { return Ok(None) };
        let policy = answer.password_policy.ok_or_else(|| lacking(CALL, "the policy"))?;
        Ok(Some(PasswordPolicy {
            // IAM's own default where it says nothing.
            minimum_length: policy.minimum_password_length.unwrap_or(6),
            all_character_kinds: policy.require_symbols
                && policy.require_numbers
                && policy.require_uppercase_characters
                && policy.require_lowercase_characters,
            max_age_days: policy.max_password_age.filter(|_| policy.expire_passwords),
            reuse_prevention: policy.password_reuse_prevention,
        }))
    }

    async fn set_password_policy(&self, policy: &PasswordPolicy) -> Result<(), PortError> {
        let all = policy.all_character_kinds;
        let request = self.iam.update_account_password_policy().minimum_password_length(policy.minimum_length);
        let request = request.require_symbols(all).require_numbers(all);
        let request = request.require_uppercase_characters(all).require_lowercase_characters(all);
        let request = request.set_max_password_age(policy.max_age_days);
        // What is left out IAM sets to its default: users could no longer change their own passwords.
        let request =
            request.set_password_reuse_prevention(policy.reuse_prevention).allow_users_to_change_password(true);
        request.send().await.map_err(|error| port_error("iam:UpdateAccountPasswordPolicy", &error))?;
        Ok(())
    }

    async fn public_access_blocks(&self) -> Result<Option<u8>, PortError> {
        const CALL: &str = "s3:GetAccountPublicAccessBlock";
        let answer = self.s3.get_public_access_block().account_id(self.account.as_str()).send().await;
        let Some(answer) = or_none(answer.map_err(|error| port_error(CALL, &error)))? else { return Ok(None) };
        let blocks = answer.public_access_block_configuration.ok_or_else(|| lacking(CALL, "the blocks"))?;
        let blocks = [
            blocks.block_public_acls,
            blocks.ignore_public_acls,
            blocks.block_public_policy,
            blocks.restrict_public_buckets,
        ];
        Ok(Some(blocks.into_iter().map(|block| u8::from(block == Some(true))).sum()))
    }

    async fn block_public_access(&self) -> Result<(), PortError> {
        let all = PublicAccessBlockConfiguration::builder().block_public_acls(true).ignore_public_acls(true);
        let all = all.block_public_policy(true).restrict_public_buckets(true).build();
        let request = self.s3.put_public_access_block().account_id(self.account.as_str());
        let sent = request.public_access_block_configuration(all).send().await;
        sent.map_err(|error| port_error("s3:PutAccountPublicAccessBlock", &error))?;
        Ok(())
    }

    async fn contact(&self, kind: ContactKind) -> Result<Option<Contact>, PortError> {
        const CALL: &str = "account:GetAlternateContact";
        let answer = self.management.get_alternate_contact().alternate_contact_type(aws_kind(kind)).send().await;
        let Some(answer) = or_none(answer.map_err(|error| port_error(CALL, &error)))? else { return Ok(None) };
        let contact = answer.alternate_contact.ok_or_else(|| lacking(CALL, "the contact"))?;
        Ok(Some(Contact {
            name: contact.name.unwrap_or_default(),
            title: contact.title.unwrap_or_default(),
            email: contact.email_address.unwrap_or_default(),
            phone: contact.phone_number.unwrap_or_default(),
        }))
    }

    async fn set_contact(&self, kind: ContactKind, contact: &Contact) -> Result<(), PortError> {
        let request = self.management.put_alternate_contact().alternate_contact_type(aws_kind(kind));
        let request = request.name(&contact.name).title(&contact.title);
        let request = request.email_address(&contact.email).phone_number(&contact.phone);
        request.send().await.map_err(|error| port_error("account:PutAlternateContact", &error))?;
        Ok(())
    }
}

/// What is missing was never set.
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
