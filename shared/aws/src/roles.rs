//! IAM roles of an account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, RoleDetail, Tag};
use banto_domain::RoleName;
use banto_ports::{ErrorKind, LiveRole, NewRole, PortError, RoleChange, Roles};
use serde_json::Value;

use crate::config::Aws;
use crate::errors::{lacking, port_error};
use crate::pace::Pace;
use crate::service::Service;

/// The role that AWS Config makes for itself.
const CONFIG_ROLE: &str = "AWSServiceRoleForConfig";

/// Most entries of a page. (IAM API reference, `ListRoles`.)
const PAGE: i32 = 1_000;

/// IAM of an account that was entered.
#[derive(Debug)]
pub(crate) struct IamRoles {
    client: Client,
    pace: Pace,
}

impl IamRoles {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self {
            client: Client::new(&aws.of(Service::Iam)),
            pace: Pace::per_second(10, 20),
        }
    }
}

#[async_trait]
impl Roles for IamRoles {
    async fn all(&self) -> Result<Vec<LiveRole>, PortError> {
        const CALL: &str = "iam:GetAccountAuthorizationDetails";
        let mut roles = Vec::new();
        let mut marker = None;
        loop {
            self.pace.turn().await;
            let request = self
                .client
                .get_account_authorization_details()
                .filter(EntityType::Role)
                .max_items(PAGE);
            let page = request
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for role in page.role_detail_list() {
                roles.push(live_role(CALL, role)?);
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
            self.pace.turn().await;
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
        self.pace.turn().await;
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
        self.pace.turn().await;
        let (client, name) = (&self.client, name.as_str());
        match change {
            RoleChange::Trust(trust) => {
                let request = client
                    .update_assume_role_policy()
                    .role_name(name)
                    .policy_document(trust.to_string());
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:UpdateAssumeRolePolicy", &error))?;
            }
            RoleChange::SessionSeconds(seconds) => {
                let request = client
                    .update_role()
                    .role_name(name)
                    .max_session_duration(*seconds);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:UpdateRole", &error))?;
            }
            RoleChange::Attach(policy) => {
                let request = client
                    .attach_role_policy()
                    .role_name(name)
                    .policy_arn(policy);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:AttachRolePolicy", &error))?;
            }
            RoleChange::Detach(policy) => {
                let request = client
                    .detach_role_policy()
                    .role_name(name)
                    .policy_arn(policy);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:DetachRolePolicy", &error))?;
            }
            RoleChange::PutInline(id, policy) => {
                let request = client.put_role_policy().role_name(name).policy_name(id);
                let sent = request.policy_document(policy.to_string()).send().await;
                sent.map_err(|error| port_error("iam:PutRolePolicy", &error))?;
            }
            RoleChange::DeleteInline(id) => {
                let request = client.delete_role_policy().role_name(name).policy_name(id);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:DeleteRolePolicy", &error))?;
            }
            RoleChange::SetBoundary(policy) => {
                let request = client
                    .put_role_permissions_boundary()
                    .role_name(name)
                    .permissions_boundary(policy);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:PutRolePermissionsBoundary", &error))?;
            }
            RoleChange::RemoveBoundary => {
                let request = client.delete_role_permissions_boundary().role_name(name);
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:DeleteRolePermissionsBoundary", &error))?;
            }
            RoleChange::Tag(new) => {
                let request = client.tag_role().role_name(name).set_tags(Some(tags(new)?));
                request
                    .send()
                    .await
                    .map_err(|error| port_error("iam:TagRole", &error))?;
            }
        }
        Ok(())
    }

    async fn has_config_role(&self) -> Result<bool, PortError> {
        self.pace.turn().await;
        let answer = self.client.get_role().role_name(CONFIG_ROLE).send().await;
        match answer.map_err(|error| port_error("iam:GetRole", &error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ErrorKind::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create_config_role(&self) -> Result<(), PortError> {
        const CALL: &str = "iam:CreateServiceLinkedRole";
        self.pace.turn().await;
        let request = self
            .client
            .create_service_linked_role()
            .aws_service_name("config.amazonaws.com");
        let sent = request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error));
        // IAM says `InvalidInput` of a service-linked role that exists; there is no other input here.
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
