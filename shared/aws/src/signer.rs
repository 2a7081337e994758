//! KMS: signs records. (KMS API reference, version 2014-11-01, `Sign`, in AWS's JSON 1.1 protocol.)

use async_trait::async_trait;
use banto_domain::KeyArn;
use banto_ports::{PortError, Signer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::caller::{Caller, Request};
use crate::config::Aws;
use crate::errors::lacking;
use crate::service::Service;

const CALL: &str = "kms:Sign";

/// The operation in AWS's JSON 1.1 protocol.
const TARGET: &str = "TrentService.Sign";

/// A key that signs, in its own region; it may be another account's.
#[derive(Debug)]
pub struct KmsSigner {
    caller: Caller,
    key: KeyArn,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature: Option<String>,
}

impl KmsSigner {
    pub(crate) fn new(aws: &Aws, key: &KeyArn) -> Self {
        Self {
            caller: aws.caller_in(Service::Kms, key.region()),
            key: key.clone(),
        }
    }
}

#[async_trait]
impl Signer for KmsSigner {
    async fn sign(&self, digest: [u8; 32]) -> Result<Vec<u8>, PortError> {
        let body = json!({
            "KeyId": self.key,
            "Message": STANDARD.encode(digest),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        });
        let request = Request::aws_json(CALL, "1.1", TARGET, &body);
        let answer = self.caller.ask(request).await?;
        let unreadable = || lacking(CALL, "a signature that can be read");
        let signed: Signed = serde_json::from_slice(&answer).map_err(|_| unreadable())?;
        let signature = signed.signature.ok_or_else(unreadable)?;
        STANDARD.decode(signature).map_err(|_| unreadable())
    }
}
