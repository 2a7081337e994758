//! The certificates that developers registered, in a bucket.

use std::cmp::Reverse;

use async_trait::async_trait;
use banto_domain::UserName;
use banto_domain::policy::IdentityAccount;
use banto_ports::{CertificateVersion, Certificates, ErrorKind, PortError};
use jiff::Timestamp;
use roxmltree::Node;

use crate::errors::lacking;
use crate::objects::{S3, Version};
use crate::xml::{self, Element};

const GET: &str = "s3:GetObject";
const GET_VERSION: &str = "s3:GetObjectVersion";
/// The permission is on the bucket. (S3 API reference, `ListObjectVersions`.)
const VERSIONS: &str = "s3:ListBucketVersions";

/// Largest object that is read, in bytes; one more than the largest certificate that is accepted,
/// so that a larger one is refused as such and not read as a torn one.
const MAX_BYTES: usize = 256 * 1024 + 1;

/// The certificates of one identity account's users.
#[derive(Debug)]
pub struct S3Certificates {
    s3: S3,
    bucket: String,
    prefix: String,
}

impl S3Certificates {
    pub(crate) fn new(s3: S3, identity: &IdentityAccount) -> Self {
        let (bucket, prefix) = (
            identity.certificate_bucket.clone(),
            identity.certificate_prefix.clone(),
        );
        Self { s3, bucket, prefix }
    }

    /// The key of something of the user's.
    fn key(&self, user: &UserName, extension: &str) -> String {
        format!("{}{user}.{extension}", self.prefix)
    }

    /// An object, or a version of one; `None` if it is missing.
    fn found(
        &self,
        key: &str,
        answer: Result<Vec<u8>, PortError>,
    ) -> Result<Option<Vec<u8>>, PortError> {
        match answer {
            Ok(object) if object.len() > MAX_BYTES => {
                let message = format!("{key} is larger than any certificate");
                Err(PortError::new(ErrorKind::Invalid, GET, message))
            }
            Ok(object) => Ok(Some(object)),
            Err(error) if is_missing(&error) => Ok(None),
            // Without s3:ListBucket, S3 says this of a missing object too.
            Err(error) if error.kind == ErrorKind::Denied => Err(PortError {
                message: format!(
                    "{}; or s3:ListBucket on {} is lacking to tell that {key} is missing",
                    error.message, self.bucket
                ),
                ..error
            }),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Certificates for S3Certificates {
    async fn versions(&self, user: &UserName) -> Result<Vec<CertificateVersion>, PortError> {
        let key = self.key(user, "asc");
        let text = self.s3.versions(VERSIONS, &self.bucket, &key).await?;
        let document = xml::document(VERSIONS, &text)?;
        let mut versions = Vec::new();
        for node in document.root_element().children() {
            // The prefix is also that of longer keys.
            if node.text_of("Key") == Some(key.as_str()) {
                versions.extend(version(node)?);
            }
        }
        // Versions and deletions come apart from each other.
        versions.sort_by_key(|version| Reverse(version.stored_at));
        Ok(versions)
    }

    async fn read_version(
        &self,
        user: &UserName,
        version: &str,
    ) -> Result<Option<Vec<u8>>, PortError> {
        let key = self.key(user, "asc");
        let object = Version {
            key: &key,
            id: version,
        };
        let s3 = &self.s3;
        let answer = s3.get_version(GET_VERSION, &self.bucket, object, MAX_BYTES);
        self.found(&key, answer.await)
    }

    async fn acknowledgement(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError> {
        let key = self.key(user, "acknowledged");
        let answer = self.s3.get(GET, &self.bucket, &key, MAX_BYTES).await;
        self.found(&key, answer)
    }
}

/// True if there is no such object, or no such version of it; not if there is no such bucket.
fn is_missing(error: &PortError) -> bool {
    let is_of_object =
        error.message.contains("NoSuchKey") || error.message.contains("NoSuchVersion");
    error.kind == ErrorKind::Missing && is_of_object
}

/// A version, or a deletion; `None` of an element that is neither.
fn version(node: Node<'_, '_>) -> Result<Option<CertificateVersion>, PortError> {
    let id = if node.is_named("DeleteMarker") {
        None
    } else if node.is_named("Version") {
        let id = node.text_of("VersionId");
        let id = id.ok_or_else(|| lacking(VERSIONS, "a version's id"))?;
        Some(id.to_owned())
    } else {
        return Ok(None);
    };
    let stored_at = node.text_of("LastModified");
    let stored_at: Option<Timestamp> = stored_at.and_then(|at| at.parse().ok());
    let stored_at = stored_at.ok_or_else(|| lacking(VERSIONS, "a version's date"))?;
    Ok(Some(CertificateVersion { id, stored_at }))
}
