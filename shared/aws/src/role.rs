//! Credentials of a role in another account.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use banto_domain::RoleArn;
use banto_ports::PortError;
use jiff::Timestamp;

use crate::caller::Caller;
use crate::errors::lacking;
use crate::xml::{self, Element};

/// What CloudTrail shows of the session.
const SESSION: &str = "banto";

/// Assumes a role; the SDK's identity cache sees to it that this is done once, and again before the
/// credentials expire.
#[derive(Debug)]
pub(crate) struct AssumedRole {
    sts: Caller,
    role: RoleArn,
}

impl AssumedRole {
    pub(crate) fn new(sts: Caller, role: RoleArn) -> Self {
        Self { sts, role }
    }

    async fn assume(&self) -> Result {
        credentials(&self.sts, self.role.as_str(), None)
            .await
            .map_err(CredentialsError::provider_error)
    }
}

/// Assumes a role, its session limited by a policy if one is given. (STS API reference,
/// `AssumeRole`.)
pub(crate) async fn credentials(
    sts: &Caller,
    role: &str,
    policy: Option<&str>,
) -> std::result::Result<Credentials, PortError> {
    const CALL: &str = "sts:AssumeRole";
    let mut fields = vec![("RoleArn", role), ("RoleSessionName", SESSION)];
    fields.extend(policy.map(|policy| ("Policy", policy)));
    let text = sts.query(CALL, "2011-06-15", &fields).await?;
    let document = xml::document(CALL, &text)?;
    let result = document.root_element().child("AssumeRoleResult");
    let found = result
        .and_then(|result| result.child("Credentials"))
        .ok_or_else(|| lacking(CALL, "credentials"))?;
    let part = |name| found.text_of(name).ok_or_else(|| lacking(CALL, name));
    let expiration = part("Expiration")?.parse::<Timestamp>();
    let expires_at = expiration.map_err(|_| lacking(CALL, "when the credentials expire"))?;
    let expires_at = SystemTime::try_from(expires_at)
        .map_err(|_| lacking(CALL, "an end that a clock can tell"))?;
    let token = Some(part("SessionToken")?.to_owned());
    Ok(Credentials::new(
        part("AccessKeyId")?,
        part("SecretAccessKey")?,
        token,
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
