//! The end of a user's own sessions: one managed policy, attached or not.

use async_trait::async_trait;
use aws_sdk_iam::Client;
use banto_domain::policy::IdentityAccount;
use banto_domain::{RoleArn, UserName};
use banto_ports::{ErrorKind, PortError, UserSessions};

use crate::errors::port_error;

/// The managed policy that denies temporary credentials, by path and name. Terraform puts it into
/// the account, and Banto's role may attach no other.
const POLICY: &str = "banto/deny-temporary-credentials";

/// The sessions of the users of one identity account.
#[derive(Debug)]
pub struct IamSessions {
    client: Client,
    policy: String,
}

impl IamSessions {
    pub(crate) fn new(client: Client, identity: &IdentityAccount) -> Self {
        let partition = partition(&identity.role);
        let policy = format!("arn:{partition}:iam::{}:policy/{POLICY}", identity.id);
        Self { client, policy }
    }
}

/// The partition of an account, as ARNs name it: that of Banto's role there.
fn partition(role: &RoleArn) -> &str {
    role.as_str().split(':').nth(1).unwrap_or("aws")
}

#[async_trait]
impl UserSessions for IamSessions {
    async fn deny(&self, user: &UserName) -> Result<(), PortError> {
        let request = self
            .client
            .attach_user_policy()
            .user_name(user.as_str())
            .policy_arn(&self.policy);
        request
            .send()
            .await
            .map_err(|error| port_error("iam:AttachUserPolicy", &error))?;
        Ok(())
    }

    async fn allow(&self, user: &UserName) -> Result<(), PortError> {
        let request = self
            .client
            .detach_user_policy()
            .user_name(user.as_str())
            .policy_arn(&self.policy);
        let answer = request.send().await;
        match answer.map_err(|error| port_error("iam:DetachUserPolicy", &error)) {
            // It is not attached, or the user or the policy is gone: nothing denies any more.
            Err(error) if error.kind == ErrorKind::Missing => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}
