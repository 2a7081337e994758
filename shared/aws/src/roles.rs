//! IAM roles of an account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, RoleDetail, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use banto_domain::RoleName;
use banto_domain::policy::OnboardingPolicy;
use banto_ports::{ErrorKind, LiveRole, NewRole, PortError, RoleChange, Roles};
use serde_json::Value;

use crate::config::Aws;
use crate::errors::{lacking, port_error};
use crate::service::Service;
use crate::token_bucket::TokenBucket;

/// The role that AWS Config makes for itself.
const CONFIG_ROLE: &str = "AWSServiceRoleForConfig";
/// The tag of Banto's roles.
const MANAGED_TAG: &str = "banto:managed";

/// Most entries of a page. (IAM API reference, `ListRoles`.)
const PAGE: i32 = 1_000;
/// Entries of a page of roles with all their policies. At some 20 kB a role (an estimate) a page
/// takes 2 MB, for each of the accounts that are looked at at once.
const PAGE_OF_DETAILS: i32 = 100;

/// Calls a second in one account. AWS publishes no rate for these calls of IAM; what it throttles
/// at this one, the SDK tries again.
const CALLS_PER_SECOND: u32 = 10;
/// Calls that go at once: as many as a look at one account makes.
const BURST: u32 = 20;

/// IAM of an account whose role was assumed.
#[derive(Debug)]
pub(crate) struct IamRoles {
    client: Client,
    calls: TokenBucket,
    /// The roles that the policy names, in small letters: IAM compares names without regard to
    /// case.
    names: BTreeSet<String>,
}

impl IamRoles {
    pub(crate) fn new(aws: &Aws, policy: &OnboardingPolicy) -> Self {
        let names = policy.role_names().into_iter();
        Self {
            client: Client::new(&aws.of(Service::Iam)),
            calls: TokenBucket::per_second(CALLS_PER_SECOND, BURST),
            names: names
                .map(|name| name.as_str().to_ascii_lowercase())
                .collect(),
        }
    }

    /// True of a role that the policy names, that has Banto's tag, or that AWS Config itself uses.
    fn concerns_banto(&self, role: &RoleDetail) -> bool {
        let name = role.role_name().unwrap_or_default();
        name == CONFIG_ROLE
            || self.names.contains(&name.to_ascii_lowercase())
            || role.tags().iter().any(|tag| tag.key == MANAGED_TAG)
    }
}

/// One call for each change of a role.
impl IamRoles {
    async fn set_trust(&self, role: &str, trust: &Value) -> Result<(), PortError> {
        let request = self.client.update_assume_role_policy().role_name(role);
        let sent = request.policy_document(trust.to_string()).send().await;
        done("iam:UpdateAssumeRolePolicy", sent)
    }

    async fn set_session(&self, role: &str, seconds: i32) -> Result<(), PortError> {
        let request = self.client.update_role().role_name(role);
        let sent = request.max_session_duration(seconds).send().await;
        done("iam:UpdateRole", sent)
    }

    async fn attach(&self, role: &str, policy: &str) -> Result<(), PortError> {
        let request = self.client.attach_role_policy().role_name(role);
        let sent = request.policy_arn(policy).send().await;
        done("iam:AttachRolePolicy", sent)
    }

    async fn detach(&self, role: &str, policy: &str) -> Result<(), PortError> {
        let request = self.client.detach_role_policy().role_name(role);
        let sent = request.policy_arn(policy).send().await;
        done("iam:DetachRolePolicy", sent)
    }

    async fn put_inline(&self, role: &str, id: &str, policy: &Value) -> Result<(), PortError> {
        let request = self
            .client
            .put_role_policy()
            .role_name(role)
            .policy_name(id);
        let sent = request.policy_document(policy.to_string()).send().await;
        done("iam:PutRolePolicy", sent)
    }

    async fn delete_inline(&self, role: &str, id: &str) -> Result<(), PortError> {
        let request = self.client.delete_role_policy().role_name(role);
        let sent = request.policy_name(id).send().await;
        done("iam:DeleteRolePolicy", sent)
    }

    async fn set_boundary(&self, role: &str, policy: &str) -> Result<(), PortError> {
        let request = self.client.put_role_permissions_boundary().role_name(role);
        let sent = request.permissions_boundary(policy).send().await;
        done("iam:PutRolePermissionsBoundary", sent)
    }

    async fn remove_boundary(&self, role: &str) -> Result<(), PortError> {
        let request = self.client.delete_role_permissions_boundary();
        let sent = request.role_name(role).send().await;
        done("iam:DeleteRolePermissionsBoundary", sent)
    }

    async fn tag(&self, role: &str, new: &BTreeMap<String, String>) -> Result<(), PortError> {
        let request = self.client.tag_role().role_name(role);
        let sent = request.set_tags(Some(tags(new)?)).send().await;
        done("iam:TagRole", sent)
    }
}

/// The result of a call whose answer says nothing.
fn done<T, E>(
    call: &'static str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<(), PortError>
where
    E: ProvideErrorMetadata,
{
    match sent {
        Ok(_) => Ok(()),
        Err(error) => Err(port_error(call, &error)),
    }
}

#[async_trait]
impl Roles for IamRoles {
    async fn all(&self) -> Result<Vec<LiveRole>, PortError> {
        const CALL: &str = "iam:GetAccountAuthorizationDetails";
        let mut roles = Vec::new();
        let mut marker = None;
        loop {
            self.calls.acquire().await;
            let request = self
                .client
                .get_account_authorization_details()
                .filter(EntityType::Role)
                .max_items(PAGE_OF_DETAILS);
            let page = request
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for role in page.role_detail_list() {
                if self.concerns_banto(role) {
                    roles.push(live_role(CALL, role)?);
                }
            }
            marker = page.marker;
            if !page.is_truncated || marker.is_none() {
                return Ok(roles);
            }
        }
    }

    async fn session_lengths(&self) -> Result<BTreeMap<RoleName, i32>, PortError> {
        const CALL: &str = "iam:ListRoles";
        let mut lengths = BTreeMap::new();
        let mut marker = None;
        loop {
            self.calls.acquire().await;
            let request = self.client.list_roles().max_items(PAGE).set_marker(marker);
            let page = request
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for role in page.roles() {
                let name = role
                    .role_name
                    .parse()
                    .map_err(|_| lacking(CALL, "a role's name that can be read"))?;
                lengths.extend(role.max_session_duration.map(|length| (name, length)));
            }
            marker = page.marker;
            if !page.is_truncated || marker.is_none() {
                return Ok(lengths);
            }
        }
    }

    async fn create(&self, name: &RoleName, role: &NewRole) -> Result<(), PortError> {
        self.calls.acquire().await;
        let request = self
            .client
            .create_role()
            .role_name(name.as_str())
            .description(&role.description);
        let request = request.assume_role_policy_document(role.trust.to_string());
        let request = request
            .max_session_duration(role.session_seconds)
            .set_tags(Some(tags(&role.tags)?));
        let sent = request
            .set_permissions_boundary(role.boundary.clone())
            .send()
            .await;
        sent.map_err(|error| port_error("iam:CreateRole", &error))?;
        Ok(())
    }

    async fn change(&self, name: &RoleName, change: &RoleChange) -> Result<(), PortError> {
        self.calls.acquire().await;
        let name = name.as_str();
        match change {
            RoleChange::Trust(trust) => self.set_trust(name, trust).await,
            RoleChange::SessionSeconds(seconds) => self.set_session(name, *seconds).await,
            RoleChange::Attach(policy) => self.attach(name, policy).await,
            RoleChange::Detach(policy) => self.detach(name, policy).await,
            RoleChange::PutInline(id, policy) => self.put_inline(name, id, policy).await,
            RoleChange::DeleteInline(id) => self.delete_inline(name, id).await,
            RoleChange::SetBoundary(policy) => self.set_boundary(name, policy).await,
            RoleChange::RemoveBoundary => self.remove_boundary(name).await,
            RoleChange::Tag(new) => self.tag(name, new).await,
        }
    }

    async fn create_config_role(&self) -> Result<(), PortError> {
        const CALL: &str = "iam:CreateServiceLinkedRole";
        self.calls.acquire().await;
        let request = self
            .client
            .create_service_linked_role()
            .aws_service_name("config.amazonaws.com");
        let sent = request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error));
        // IAM says `InvalidInput` of a service-linked role that exists; there is no other input
        // here.
        sent.map(drop)
            .map_err(|error| match error.message.contains("has been taken") {
                true => PortError {
                    kind: ErrorKind::Conflict,
                    ..error
                },
                false => error,
            })
    }
}

fn tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, PortError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let made: Result<Vec<Tag>, _> = tags.iter().map(tag).collect();
    made.map_err(|_| lacking("iam:TagRole", "a tag's key"))
}

fn live_role(call: &'static str, role: &RoleDetail) -> Result<LiveRole, PortError> {
    let name = role.role_name().unwrap_or_default();
    let policies = role.role_policy_list().iter().map(|policy| {
        let document = document(call, policy.policy_document().unwrap_or_default())?;
        Ok((
            policy.policy_name().unwrap_or_default().to_owned(),
            document,
        ))
    });
    let attached = role
        .attached_managed_policies()
        .iter()
        .filter_map(|policy| policy.policy_arn());
    let boundary = role
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    Ok(LiveRole {
        name: name
            .parse()
            .map_err(|_| lacking(call, "a role's name that can be read"))?,
        path: role.path().unwrap_or_default().to_owned(),
        trust: document(call, role.assume_role_policy_document().unwrap_or_default())?,
        managed_policies: attached.map(str::to_owned).collect::<BTreeSet<_>>(),
        inline_policies: policies.collect::<Result<_, PortError>>()?,
        boundary: boundary.map(str::to_owned),
        tags: role
            .tags()
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
    })
}

/// A policy document, which IAM tells percent-encoded (RFC 3986).
fn document(call: &'static str, text: &str) -> Result<Value, PortError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).map_err(|_| lacking(call, "a policy document that can be read"))
}
