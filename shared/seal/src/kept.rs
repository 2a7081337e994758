//! A certificate's words about itself, short enough for a record.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sequoia_openpgp as openpgp;

use openpgp::cert::amalgamation::ComponentAmalgamation;
use openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::packet::signature::subpacket::{Subpacket, SubpacketTag};
use openpgp::serialize::MarshalInto as _;
use openpgp::{Cert, Packet};

use crate::certificate::is_hard;
use crate::diagnosis::is_weak;
use crate::{Certificate, Refusal};

/// Most characters of the kept form: a record takes no more (`banto_domain::record`).
const MAX_KEPT: usize = 16_384;

/// Most bytes of it before they are encoded: base64 makes four characters of three.
const MAX_KEPT_BYTES: usize = MAX_KEPT / 4 * 3;

/// Current self-signatures that are kept of each part: the newest may be too weak to count, or of
/// the future, and then the one before it counts.
const CURRENT: usize = 2;

impl Certificate {
    /// The certificate's words about itself, in base64, in at most 16,384 characters: its keys and
    /// user ids, their current self-signatures, and every revocation by itself; nothing that others
    /// say.
    ///
    /// If that is too long, older self-signatures go first, then user ids, then subkeys, the oldest
    /// first and those that are not revoked before those that are. The primary key and a revocation
    /// of it stay, unless their own signatures are too long: then those that fit do, and nothing if
    /// the key itself is too long. [`Recipient::judge`](crate::Recipient::judge) refuses such a
    /// certificate.
    pub fn to_kept(&self) -> String {
        let parts = Parts::of(&self.0);
        let all = parts.all();
        let whole: Vec<u8> = all.iter().flat_map(|part| part.written(CURRENT)).collect();
        if whole.len() <= MAX_KEPT_BYTES {
            return STANDARD.encode(whole);
        }
        STANDARD.encode(parts.shortened())
    }

    /// The refusal of a certificate whose least form is too long to be kept.
    pub(crate) fn too_long_to_keep(&self) -> Option<Refusal> {
        let bytes = Parts::of(&self.0).primary.least().len();
        (bytes > MAX_KEPT_BYTES).then_some(Refusal::SignaturesTooLarge {
            bytes,
            limit: MAX_KEPT_BYTES,
        })
    }

    /// Reads what [`Self::to_kept`] wrote.
    ///
    /// # Errors
    /// A [`Refusal`], as [`Self::read`] has it.
    pub fn from_kept(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_KEPT {
            return Err(Refusal::TooLarge {
                bytes: text.len(),
                limit: MAX_KEPT,
            });
        }
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| Refusal::NotACertificate)?;
        Self::read(&bytes)
    }
}

/// Most bytes of a signing subkey's own signature: one with RSA of 8192 bits has 1,100.
const MAX_EMBEDDED: usize = 1_200;

/// A certificate, taken apart; what comes first in a list stays longest.
struct Parts {
    primary: Part,
    user_ids: Vec<Part>,
    subkeys: Vec<Part>,
}

/// A key or user id, with what the certificate says of it.
struct Part {
    packet: Packet,
    /// Newest first.
    signatures: Vec<Signature>,
    /// Hard ones first, which count for all time.
    revocations: Vec<Signature>,
}

impl Parts {
    fn of(cert: &Cert) -> Self {
        let primary = cert.primary_key();
        let key = Packet::from(primary.key().clone());
        let primary = Part::new(key, primary.self_signatures(), primary.self_revocations());
        let user_ids = cert.userids().map(|id| user_id(&id));
        let mut user_ids: Vec<Part> = user_ids.filter(Part::is_its_own).collect();
        user_ids.sort_by_key(|part| (part.is_revoked(), Reverse(part.rank())));
        let mut keys: Vec<_> = cert.keys().subkeys().collect();
        keys.sort_by_key(|key| {
            let is_revoked = key.self_revocations().next().is_some();
            (Reverse(is_revoked), Reverse(key.key().creation_time()))
        });
        let subkeys = keys.into_iter().map(|key| subkey(&key.into()));
        let subkeys = subkeys.filter(Part::is_its_own).collect();
        Self {
            primary,
            user_ids,
            subkeys,
        }
    }

    /// All of them, in the order of a certificate.
    fn all(&self) -> Vec<&Part> {
        let parts = std::iter::once(&self.primary);
        parts.chain(&self.user_ids).chain(&self.subkeys).collect()
    }

    /// The most important parts that there is room for.
    fn shortened(&self) -> Vec<u8> {
        let mut primary = self.primary.written(1);
        if primary.len() > MAX_KEPT_BYTES / 2 {
            primary = self.primary.least();
        }
        if primary.len() > MAX_KEPT_BYTES {
            return self.primary.fitting();
        }
        let mut room = MAX_KEPT_BYTES.saturating_sub(primary.len());
        let (first, others) = self.user_ids.split_at(1.min(self.user_ids.len()));
        let mut fitting = |parts: &[Part]| {
            let mut bytes = Vec::new();
            for written in parts.iter().map(|part| part.written(1)) {
                if written.len() <= room {
                    room -= written.len();
                    bytes.extend(written);
                }
            }
            bytes
        };
        let first = fitting(first);
        let subkeys = fitting(&self.subkeys);
        [primary, first, fitting(others), subkeys].concat()
    }
}

impl Part {
    fn new<'a>(
        packet: Packet,
        signatures: impl Iterator<Item = &'a Signature>,
        revocations: impl Iterator<Item = &'a Signature>,
    ) -> Self {
        let mut signatures: Vec<Signature> = signatures.map(slim).collect();
        signatures.sort_by_key(|signature| {
            Reverse((
                !is_weak(signature.hash_algo()),
                signature.signature_creation_time(),
            ))
        });
        let mut revocations: Vec<Signature> = revocations.map(slim).collect();
        revocations.sort_by_key(|revocation| {
            Reverse((is_hard(revocation), revocation.signature_creation_time()))
        });
        Self {
            packet,
            signatures,
            revocations,
        }
    }

    fn is_revoked(&self) -> bool {
        !self.revocations.is_empty()
    }

    /// The order among user ids: the primary one is the newest of those that say so of themselves,
    /// else the newest.
    fn rank(&self) -> (bool, Option<std::time::SystemTime>) {
        let newest = self.signatures.first();
        let is_primary = newest.and_then(|signature| signature.primary_userid());
        (
            is_primary.unwrap_or(false),
            newest.and_then(|signature| signature.signature_creation_time()),
        )
    }

    /// The packets, with so many of the current signatures.
    fn written(&self, signatures: usize) -> Vec<u8> {
        let current = self.signatures.iter().take(signatures);
        let signatures = self.revocations.iter().chain(current);
        let packets = signatures.cloned().map(Packet::from);
        std::iter::once(self.packet.clone())
            .chain(packets)
            .filter_map(|packet| packet.to_vec().ok())
            .flatten()
            .collect()
    }

    /// The least that says what counts: the gravest revocation, and the newest signature.
    fn least(&self) -> Vec<u8> {
        let least = Self {
            packet: self.packet.clone(),
            signatures: self.signatures.clone(),
            revocations: self.revocations.first().cloned().into_iter().collect(),
        };
        least.written(1)
    }

    /// The packet, and those of its signatures that there is room for, revocations first; nothing
    /// if there is no room for the packet.
    fn fitting(&self) -> Vec<u8> {
        let signatures = self.revocations.iter().chain(&self.signatures);
        let signatures = signatures.cloned().map(Packet::from);
        let packets = std::iter::once(self.packet.clone()).chain(signatures);
        let mut fitting: Vec<u8> = Vec::new();
        for (number, packet) in packets.enumerate() {
            let packet = packet.to_vec().unwrap_or_default();
            if fitting.len() + packet.len() <= MAX_KEPT_BYTES {
                fitting.extend(packet);
            } else if number == 0 {
                break;
            }
        }
        fitting
    }

    /// True if the certificate says anything of it: anybody can add user ids and keys.
    fn is_its_own(&self) -> bool {
        !(self.signatures.is_empty() && self.revocations.is_empty())
    }
}

fn user_id(user_id: &ComponentAmalgamation<'_, openpgp::packet::UserID>) -> Part {
    Part::new(
        Packet::from(user_id.userid().clone()),
        user_id.self_signatures(),
        user_id.self_revocations(),
    )
}

fn subkey(key: &ErasedKeyAmalgamation<'_, PublicParts>) -> Part {
    Part::new(
        Packet::from(key.key().clone().role_into_subordinate()),
        key.self_signatures(),
        key.self_revocations(),
    )
}

/// The signature without what is not signed, which anybody could have added; one of each kind that
/// names the signer stays, and a signing subkey's own signature.
fn slim(signature: &Signature) -> Signature {
    let mut slim = signature.clone();
    let area = slim.unhashed_area_mut();
    let mut kept: Vec<Subpacket> = Vec::new();
    for subpacket in area.iter() {
        let is_first = kept.iter().all(|other| other.tag() != subpacket.tag());
        if is_first && is_kept(subpacket) {
            kept.push(subpacket.clone());
        }
    }
    area.clear();
    for subpacket in kept {
        // It came out of such an area, so it fits.
        if area.add(subpacket).is_err() {
            break;
        }
    }
    slim
}

fn is_kept(subpacket: &Subpacket) -> bool {
    match subpacket.tag() {
        SubpacketTag::Issuer | SubpacketTag::IssuerFingerprint => true,
        SubpacketTag::EmbeddedSignature => subpacket.value().serialized_len() <= MAX_EMBEDDED,
        _ => false,
    }
}
