//! What a developer asks of AWS about themselves: the calls that the module `identity` lets every
//! user make (infra/modules/identity/policies/users.json), and no other.

use async_trait::async_trait;
use banto_aws::Aws;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::secret_name;
use banto_domain::{AccessKeyId, UserName};
use banto_ports::{
    AccessKeys as _, ErrorKind, LastUse, LiveKey, LiveUser, NewObject, PortError, Records as _,
    ReportStore as _, StoredText,
};
use jiff::Timestamp;
use serde_json::json;

use crate::doctor::{elements, value};

/// An object of a user's in the bucket of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// The certificate that new keys are sealed to.
    Certificate,
    /// The signed id of a new key that arrived.
    Acknowledgement,
}

/// An object, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: Vec<u8>,
    /// The moment since which it has been stored, if S3 says so.
    pub(super) since: Option<Timestamp>,
}

/// The calls, as one user makes them.
#[async_trait]
pub(super) trait Cloud: Send + Sync {
    /// The user, with their tags.
    async fn user(&self) -> Result<LiveUser, PortError>;
    /// The user's access keys.
    async fn keys(&self) -> Result<Vec<LiveKey>, PortError>;
    /// The last use of a key of theirs, if IAM has seen one.
    async fn last_use(&self, key: &AccessKeyId) -> Result<Option<LastUse>, PortError>;
    /// The user's record.
    async fn record(&self) -> Result<Option<StoredText>, PortError>;
    /// What is stored; `None` if nothing is, or if S3 does not say.
    async fn stored(&self, object: Object) -> Result<Option<Stored>, PortError>;
    /// Stores a text in place of what is there.
    async fn store(&self, object: Object, bytes: &[u8]) -> Result<(), PortError>;
    /// Sets a tag of the user.
    async fn tag(&self, key: &str, value: &str) -> Result<(), PortError>;
    /// The serial numbers of the user's devices for a second factor.
    async fn mfa_devices(&self) -> Result<Vec<String>, PortError>;
    /// The same calls in a session that was begun with a code of a device.
    async fn with_mfa(&self, serial: &str, code: &str) -> Result<Box<dyn Cloud>, PortError>;
}

/// The calls on AWS.
pub(super) struct OnAws {
    pub(super) aws: Aws,
    pub(super) user: UserName,
    pub(super) identity: IdentityAccount,
}

/// Seconds for which a session with a second factor lasts: the least that STS gives, and more than
/// one tag needs. (STS API reference, `GetSessionToken`, `DurationSeconds`.)
const SESSION_SECONDS: &str = "900";

/// Bytes of an object that are read: one more than the largest certificate that the rotator takes,
/// so that a larger one is refused as such. (docs/openpgp.md.)
const LARGEST: usize = 256 * 1024 + 1;

impl OnAws {
    /// The rotator's own adapters, with the developer's credentials in place of its role.
    fn account(&self) -> banto_aws::Account {
        let identity = IdentityAccount {
            assume: false,
            ..self.identity.clone()
        };
        self.aws.account(&identity, None)
    }

    fn key(&self, object: Object) -> String {
        let extension = match object {
            Object::Certificate => "asc",
            Object::Acknowledgement => "acknowledged",
        };
        format!(
            "{}{}.{extension}",
            self.identity.certificate_prefix, self.user
        )
    }
}

#[async_trait]
impl Cloud for OnAws {
    async fn user(&self) -> Result<LiveUser, PortError> {
        self.account().keys.user(&self.user).await
    }

    async fn keys(&self) -> Result<Vec<LiveKey>, PortError> {
        self.account().keys.keys(&self.user).await
    }

    async fn last_use(&self, key: &AccessKeyId) -> Result<Option<LastUse>, PortError> {
        let usage = self.account().keys.usage(key).await?;
        Ok(usage.last)
    }

    async fn record(&self) -> Result<Option<StoredText>, PortError> {
        let read = self.account().records.read(&self.user).await;
        read.map_err(|error| PortError {
            message: format!("{} ({})", error.message, secret_name(&self.user)),
            ..error
        })
    }

    async fn stored(&self, object: Object) -> Result<Option<Stored>, PortError> {
        let bucket = self.aws.bucket(&self.identity.certificate_bucket);
        match bucket.read_dated(&self.key(object), LARGEST).await {
            Ok((bytes, since)) => Ok(Some(Stored { bytes, since })),
            // Whoever may not list a bucket gets "denied" for an object that is not there. (S3 API
            // reference, `GetObject`.)
            Err(error) if matches!(error.kind, ErrorKind::Missing | ErrorKind::Denied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn store(&self, object: Object, bytes: &[u8]) -> Result<(), PortError> {
        let bucket = self.aws.bucket(&self.identity.certificate_bucket);
        let stored = NewObject {
            key: self.key(object),
            media_type: "application/pgp-keys",
            encoding: None,
            body: bytes.to_vec(),
        };
        bucket.put(stored).await
    }

    async fn tag(&self, key: &str, value: &str) -> Result<(), PortError> {
        let asked = json!({
            "UserName": self.user.as_str(),
            "Tags.member.1.Key": key,
            "Tags.member.1.Value": value,
        });
        self.aws.plain("iam:TagUser", None, &asked).await.map(drop)
    }

    async fn mfa_devices(&self) -> Result<Vec<String>, PortError> {
        let asked = json!({ "UserName": self.user.as_str() });
        let answer = self.aws.plain("iam:ListMFADevices", None, &asked).await?;
        let serials = elements(&answer, "SerialNumber");
        Ok(serials.into_iter().map(str::to_owned).collect())
    }

    async fn with_mfa(&self, serial: &str, code: &str) -> Result<Box<dyn Cloud>, PortError> {
        const CALL: &str = "sts:GetSessionToken";
        let asked = json!({
            "SerialNumber": serial,
            "TokenCode": code,
            "DurationSeconds": SESSION_SECONDS,
        });
        let answer = zeroize::Zeroizing::new(self.aws.plain(CALL, None, &asked).await?);
        let part = |name: &str| {
            let lacking =
                || PortError::new(ErrorKind::Unavailable, CALL, "the answer lacks credentials");
            value(&answer, name)
                .map(zeroize::Zeroizing::new)
                .ok_or_else(lacking)
        };
        let (id, secret, token) = (
            part("AccessKeyId")?,
            part("SecretAccessKey")?,
            part("SessionToken")?,
        );
        Ok(Box::new(Self {
            aws: self.aws.with_keys(&id, &secret, Some(&token)),
            user: self.user.clone(),
            identity: self.identity.clone(),
        }))
    }
}
