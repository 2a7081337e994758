//! The certificates that developers registered, in a bucket.

use async_trait::async_trait;
use banto_domain::UserName;
use banto_domain::policy::IdentityAccount;
use banto_ports::{Certificates, ErrorKind, PortError};

use crate::objects::S3;

const CALL: &str = "s3:GetObject";

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
}

#[async_trait]
impl Certificates for S3Certificates {
    async fn read(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError> {
        let key = format!("{}{user}.asc", self.prefix);
        match self.s3.get(CALL, &self.bucket, &key, MAX_BYTES).await {
            Ok(certificate) if certificate.len() > MAX_BYTES => {
                let message = format!("{key} is larger than any certificate");
                Err(PortError::new(ErrorKind::Invalid, CALL, message))
            }
            Ok(certificate) => Ok(Some(certificate)),
            Err(error)
                if error.kind == ErrorKind::Missing && error.message.contains("NoSuchKey") =>
            {
                Ok(None)
            }
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
