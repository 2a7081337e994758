//! Credentials of a role in another account.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use banto_domain::RoleArn;
use banto_ports::PortError;

use crate::errors::{lacking, port_error};

/// What CloudTrail shows of the session.
const SESSION: &str = "banto";

/// Assumes a role; the SDK's identity cache sees to it that this is done once, and again before the
/// credentials expire.
#[derive(Debug)]
pub(crate) struct AssumedRole {
    sts: aws_sdk_sts::Client,
    role: RoleArn,
}

impl AssumedRole {
    pub(crate) fn new(sts: aws_sdk_sts::Client, role: RoleArn) -> Self {
        Self { sts, role }
    }

    async fn assume(&self) -> Result {
        credentials(&self.sts, self.role.as_str(), None).await.map_err(CredentialsError::provider_error)
    }
}

/// Assumes a role, its session limited by a policy if one is given.
pub(crate) async fn credentials(
    sts: &aws_sdk_sts::Client,
    role: &str,
    policy: Option<&str>,
) -> std::result::Result<Credentials, PortError> {
    const CALL: &str = "sts:AssumeRole";
    let request = sts.assume_role().role_arn(role).role_session_name(SESSION).set_policy(policy.map(str::to_owned));
    let answer = request.send().await.map_err(|error| port_error(CALL, &error))?;
    let credentials = answer.credentials.ok_or_else(|| lacking(CALL, "credentials"))?;
    let expires_at = credentials.expiration.try_into().map_err(|_| lacking(CALL, "when the credentials expire"))?;
    Ok(Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        Some(expires_at),
        "AssumeRole",
    ))
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
