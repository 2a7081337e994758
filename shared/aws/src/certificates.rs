//! The certificates that developers registered, in a bucket.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use banto_domain::UserName;
use banto_domain::policy::IdentityAccount;
use banto_ports::{Certificates, ErrorKind, PortError};

use crate::errors::port_error;

const CALL: &str = "s3:GetObject";

/// Largest object that is read, in bytes; one more than the largest certificate that is accepted, so
/// that a larger one is refused as such and not read as a torn one.
const MAX_BYTES: i64 = 256 * 1024 + 1;

/// The certificates of one identity account's users.
#[derive(Debug)]
pub struct S3Certificates {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3Certificates {
    pub(crate) fn new(client: Client, identity: &IdentityAccount) -> Self {
        let (bucket, prefix) = (identity.certificate_bucket.clone(), identity.certificate_prefix.clone());
        Self { client, bucket, prefix }
    }
}

#[async_trait]
impl Certificates for S3Certificates {
    async fn read(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError> {
        let key = format!("{}{user}.asc", self.prefix);
        let range = format!("bytes=0-{}", MAX_BYTES - 1);
        let answer = match self.client.get_object().bucket(&self.bucket).key(&key).range(range).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return match port_error(CALL, &error) {
                    error if error.kind == ErrorKind::Missing && error.message.contains("NoSuchKey") => Ok(None),
                    // Without s3:ListBucket, S3 says this of a missing object too.
                    error if error.kind == ErrorKind::Denied => Err(PortError {
                        message: format!(
                            "{}; or s3:ListBucket on {} is lacking to tell that {key} is missing",
                            error.message, self.bucket
                        ),
                        ..error
                    }),
                    error => Err(error),
                };
            }
        };
        // Whatever the server makes of the range, no more than this is kept.
        if answer.content_length.is_some_and(|length| length > MAX_BYTES) {
            return Err(PortError::new(ErrorKind::Invalid, CALL, format!("{key} is larger than any certificate")));
        }
        let body = answer.body.collect().await;
        let body = body.map_err(|_| PortError::new(ErrorKind::Unavailable, CALL, "the connection failed"))?;
        Ok(Some(body.to_vec()))
    }
}
