//! A new access key, encrypted to its owner.

use std::fmt;
use std::io::{Cursor, Write};

use banto_domain::{AccessKeyId, AccountId, UserName};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp as openpgp;
use serde::Serialize;
use zeroize::Zeroizing;

use openpgp::Packet;
use openpgp::parse::{PacketParser, PacketParserResult, Parse};
use openpgp::serialize::stream::{
    Armorer, Encryptor, LiteralWriter, Message, Recipient as StreamRecipient,
};

use crate::Recipient;

/// Room for a payload, in bytes: IAM's longest names make one of some 500. It is fixed, so that the
/// plaintext is never copied to a larger buffer and left behind in the smaller.
const PAYLOAD_BYTES: usize = 1024;

/// A new access key, as its owner will see it.
pub struct Credential<'a> {
    /// The account of the user.
    pub account: &'a AccountId,
    /// The user.
    pub user: &'a UserName,
    /// The key's id.
    pub key: &'a AccessKeyId,
    /// The key's secret.
    pub secret: &'a SecretString,
    /// When IAM created the key.
    pub created_at: Timestamp,
}

/// An armored OpenPGP message that holds one [`Credential`] for exactly one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope(String);

/// A key that could not be sealed; never holds what was to be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key could not be sealed: {0}")]
pub struct SealError(String);

/// The content of an envelope: the AWS CLI's `credential_process` output, version 1, so that it can
/// be used as it is (AWS CLI user guide, "Sourcing credentials with an external process"), and
/// three fields more, which the CLI passes over.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a> {
    version: u32,
    access_key_id: &'a AccessKeyId,
    secret_access_key: &'a str,
    user_name: &'a UserName,
    account_id: &'a AccountId,
    create_date: Timestamp,
}

impl Recipient {
    /// Encrypts a fixed text, to find out before a key is created whether encryption would fail.
    pub fn try_out(&self) -> Result<(), SealError> {
        self.encrypt(b"a trial").map(drop)
    }

    /// Encrypts a new key to this recipient and nobody else.
    pub fn seal(&self, credential: &Credential<'_>) -> Result<Envelope, SealError> {
        let payload = Payload {
            version: 1,
            access_key_id: credential.key,
            secret_access_key: credential.secret.expose_secret(),
            user_name: credential.user,
            account_id: credential.account,
            create_date: credential.created_at,
        };
        let mut buffer = Zeroizing::new([0_u8; PAYLOAD_BYTES]);
        let mut cursor = Cursor::new(&mut buffer[..]);
        // The library's error would only say that the buffer is full, or quote what it holds.
        let written = serde_json::to_writer_pretty(&mut cursor, &payload)
            .map_err(|_| too_long())
            .and_then(|()| cursor.write_all(b"\n").map_err(|_| too_long()));
        let length = usize::try_from(cursor.position()).unwrap_or(PAYLOAD_BYTES);
        written?;
        self.encrypt(buffer.get(..length).unwrap_or_default())
    }

    fn encrypt(&self, plaintext: &[u8]) -> Result<Envelope, SealError> {
        let armored = self
            .encrypt_unchecked(plaintext)
            .map_err(|error| SealError(error.to_string()))?;
        let recipients = recipients_of(&armored)?;
        let expected = self.handle().to_hex();
        if recipients != [expected.clone()] {
            return Err(SealError(format!(
                "it was to be for {expected} alone, but is for {recipients:?}"
            )));
        }
        Ok(Envelope(armored))
    }

    fn encrypt_unchecked(&self, plaintext: &[u8]) -> openpgp::Result<String> {
        let recipient = StreamRecipient::new(self.features(), self.handle(), &self.key);
        let mut sink = Vec::new();
        let message = Armorer::new(Message::new(&mut sink)).build()?;
        let message = Encryptor::for_recipients(message, [recipient]).build()?;
        let mut message = LiteralWriter::new(message).build()?;
        message.write_all(plaintext)?;
        message.finalize()?;
        Ok(String::from_utf8(sink)?)
    }
}

impl Envelope {
    /// The armored message.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The armored message, for good.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Names the key only.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("key", &self.key.as_str())
            .finish_non_exhaustive()
    }
}

/// Whom a message is encrypted to: a fingerprint or key id for each recipient, in hexadecimal
/// digits; `anonymous` for one that is not named, `passphrase` for one who needs no key.
pub fn recipients_of(armored: &str) -> Result<Vec<String>, SealError> {
    let failed =
        |error: openpgp::anyhow::Error| SealError(format!("the message can't be read: {error}"));
    let mut recipients = Vec::new();
    let mut next = PacketParser::from_bytes(armored).map_err(failed)?;
    while let PacketParserResult::Some(parser) = next {
        match &parser.packet {
            Packet::PKESK(packet) => {
                recipients.push(
                    packet
                        .recipient()
                        .map_or_else(|| "anonymous".to_owned(), |handle| handle.to_hex()),
                );
            }
            Packet::SKESK(_) => recipients.push("passphrase".to_owned()),
            Packet::SEIP(_) => return Ok(recipients),
            other => {
                return Err(SealError(format!(
                    "the message begins with {}, which is not encrypted",
                    other.tag()
                )));
            }
        }
        next = parser.next().map_err(failed)?.1;
    }
    Err(SealError("the message holds nothing encrypted".to_owned()))
}

fn too_long() -> SealError {
    SealError(format!("it is longer than {PAYLOAD_BYTES} bytes"))
}
