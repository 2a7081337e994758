//! Credentials of a role in another account.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use banto_domain::RoleArn;

use crate::errors::port_error;

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
        let answer = self.sts.assume_role().role_arn(self.role.as_str()).role_session_name(SESSION).send().await;
        let answer = answer.map_err(|error| CredentialsError::provider_error(port_error("sts:AssumeRole", &error)))?;
        let lacking = || CredentialsError::unhandled("the answer of sts:AssumeRole lacks credentials");
        let credentials = answer.credentials.ok_or_else(lacking)?;
        let expires_at = credentials.expiration.try_into().map_err(|_| lacking())?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expires_at),
            "AssumeRole",
        ))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
