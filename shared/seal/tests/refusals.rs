//! The words for people whose certificate can't be used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samples;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use banto_domain::Fingerprint;
use banto_seal::{AcknowledgementError, AcknowledgementProblem, Recipient, Refusal};
use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::crypto::mpi::{MPI, PublicKey};
use openpgp::packet::key::{Key4, PublicParts, SubordinateRole};
use openpgp::packet::signature::SignatureBuilder;
use openpgp::packet::{Key, Signature};
use openpgp::serialize::SerializeInto;
use openpgp::types::{
    Curve, HashAlgorithm, KeyFlags, PublicKeyAlgorithm, SignatureType, SymmetricAlgorithm,
};
use openpgp::{Cert, Packet};

fn made_at() -> SystemTime {
    let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    SystemTime::try_from(at).unwrap()
}

fn now() -> Timestamp {
    "2026-11-27T01:00:00Z".parse().unwrap()
}

/// The outcome for a file that somebody had.
fn outcome(certificate: &[u8], fingerprint: &str) -> Result<Recipient, Refusal> {
    let pin = Fingerprint::from_human(fingerprint).unwrap();
    Recipient::parse(certificate, &pin, now())
}

macro_rules! case {
    ($name:literal) => {
        outcome(
            include_bytes!(concat!("data/", $name, ".asc")),
            include_str!(concat!("data/", $name, ".fingerprint")),
        )
    };
}

fn assert_refused(outcome: Result<Recipient, Refusal>, code: &str, phrases: &[&str]) {
    let refusal = outcome.unwrap_err();
    assert_eq!(refusal.code(), code);
    let text = refusal.to_string();
    for phrase in phrases {
        assert!(text.contains(phrase), "{phrase:?} is not in {text:?}");
    }
}

#[test]
fn a_certificate_without_a_user_id_is_to_be_exported_from_the_owners_keyring() {
    let phrases = [
        "from your own keyring",
        "has no user id",
        "`gpg --export --armor B19F81D28F1F64647D877B6BE1C4A0BD71510DB7`",
    ];
    assert_refused(case!("no-userid"), "no-user-id", &phrases);
}

#[test]
fn a_curve_that_is_not_supported_is_named() {
    let brainpool = ["The curve brainpoolP256r1 is not supported."];
    assert_refused(case!("brainpool-only"), "unsupported-curve", &brainpool);
    let secp256k1 = ["The curve secp256k1 is not supported."];
    assert_refused(case!("secp256k1-only"), "unsupported-curve", &secp256k1);
}

#[test]
fn a_version_that_is_not_supported_is_named() {
    let phrases = ["Keys of version 5 are not supported.", "version 4"];
    assert_refused(case!("v5"), "unsupported-version", &phrases);
}

#[test]
fn a_certificate_without_key_flags_is_accepted_as_gpg_does() {
    assert!(case!("no-key-flags").is_ok());
}

#[test]
fn sha1_is_named_where_a_certificate_relies_on_it() {
    let phrases = ["signatures are made with SHA-1, which is not safe any more"];
    assert_refused(case!("sha1"), "weak-algorithm", &phrases);
}

#[test]
fn a_certificate_that_was_extended_after_it_had_expired_is_accepted() {
    assert!(case!("expired-then-extended").is_ok());
}

#[test]
fn a_short_key_is_named_with_its_length() {
    let phrases = ["RSA with 1024 bits is not safe any more."];
    assert_refused(case!("rsa1024"), "weak-algorithm", &phrases);
}

/// A certificate that signs, and what it takes to add to it.
struct Workshop(Cert);

impl Workshop {
    fn new() -> Self {
        let builder = CertBuilder::new()
            .add_userid("Alice <alice@example.com>")
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(made_at());
        Self(builder.generate().unwrap().0)
    }

    /// Binds a subkey with these flags, with a signature that this changes.
    fn with_subkey(
        self,
        subkey: Key<PublicParts, SubordinateRole>,
        flags: KeyFlags,
        change: fn(SignatureBuilder) -> SignatureBuilder,
    ) -> Self {
        let primary = self.0.primary_key().key().clone();
        let mut signer = primary.parts_into_secret().unwrap().into_keypair().unwrap();
        let builder = SignatureBuilder::new(SignatureType::SubkeyBinding)
            .set_signature_creation_time(subkey.creation_time())
            .and_then(|builder| builder.set_key_flags(flags))
            .unwrap();
        let binding: Signature = subkey.bind(&mut signer, &self.0, change(builder)).unwrap();
        let packets = [Packet::from(subkey), Packet::from(binding)];
        Self(self.0.insert_packets(packets).unwrap().0)
    }

    fn outcome(&self) -> Result<Recipient, Refusal> {
        let certificate = self.0.armored().to_vec().unwrap();
        outcome(&certificate, &self.0.fingerprint().to_hex())
    }
}

fn unchanged(builder: SignatureBuilder) -> SignatureBuilder {
    builder
}

fn encrypting() -> KeyFlags {
    KeyFlags::empty().set_transport_encryption()
}

/// A subkey that is good in all but its point, which is on no curve.
fn broken_subkey(age: Duration) -> Key<PublicParts, SubordinateRole> {
    ecdh_subkey(Curve::NistP256, age)
}

fn ecdh_subkey(curve: Curve, age: Duration) -> Key<PublicParts, SubordinateRole> {
    let mut point = [1; 65];
    point[0] = 4;
    let public = PublicKey::ECDH {
        curve,
        q: MPI::new(&point),
        hash: HashAlgorithm::SHA256,
        sym: SymmetricAlgorithm::AES128,
    };
    let key = Key4::new(made_at() + age, PublicKeyAlgorithm::ECDH, public);
    key.unwrap().into()
}

fn good_subkey() -> Key<PublicParts, SubordinateRole> {
    let key: Key4<_, SubordinateRole> = Key4::generate_ecc(false, Curve::Cv25519).unwrap();
    let mut key = Key::from(key.take_secret().0);
    key.set_creation_time(made_at()).unwrap();
    key
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn a_subkey_to_which_sealing_fails_is_told_to_its_owner() {
    let broken = Workshop::new().with_subkey(broken_subkey(DAY), encrypting(), unchanged);
    let phrases = ["was tried, and failed", "gpg --quick-add-key"];
    assert_refused(broken.outcome(), "encryption-fails", &phrases);
}

#[test]
fn of_several_subkeys_the_newest_to_which_sealing_works_is_taken() {
    let workshop = Workshop::new()
        .with_subkey(good_subkey(), encrypting(), unchanged)
        .with_subkey(broken_subkey(DAY), encrypting(), unchanged)
        .with_subkey(
            ecdh_subkey(Curve::BrainpoolP256, DAY * 2),
            encrypting(),
            unchanged,
        );
    assert!(workshop.outcome().is_ok());
}

#[test]
fn a_subkey_on_an_unsupported_curve_is_to_be_replaced_alone() {
    let subkey = ecdh_subkey(Curve::BrainpoolP256, DAY);
    let workshop = Workshop::new().with_subkey(subkey, encrypting(), unchanged);
    let phrases = ["Add another encryption subkey", "gpg --quick-add-key"];
    assert_refused(workshop.outcome(), "unsupported-curve", &phrases);
}

#[test]
fn an_encryption_subkey_that_is_bound_by_sha1_is_weak_and_not_absent() {
    let sha1 = |builder: SignatureBuilder| builder.set_hash_algo(HashAlgorithm::SHA1);
    let workshop = Workshop::new().with_subkey(good_subkey(), encrypting(), sha1);
    assert_refused(workshop.outcome(), "weak-algorithm", &["SHA-1"]);
}

#[test]
fn a_subkey_that_only_signs_is_not_encrypted_to() {
    let authenticating = KeyFlags::empty().set_authentication();
    let workshop = Workshop::new().with_subkey(good_subkey(), authenticating, unchanged);
    let phrases = ["It can only sign"];
    assert_refused(workshop.outcome(), "no-encryption-subkey", &phrases);
}

#[test]
fn a_certificate_whose_own_signatures_have_expired_is_to_be_signed_anew() {
    let workshop = Workshop::new();
    let primary = workshop.0.primary_key().key().clone();
    let user_id = workshop.0.userids().next().unwrap().userid().clone();
    let signer = primary.clone().parts_into_secret().unwrap();
    let mut signer = signer.into_keypair().unwrap();
    let signature = SignatureBuilder::new(SignatureType::PositiveCertification)
        .set_signature_creation_time(made_at())
        .and_then(|builder| builder.set_signature_validity_period(DAY))
        .unwrap();
    let binding = user_id.bind(&mut signer, &workshop.0, signature).unwrap();
    let packets = [
        Packet::from(primary.take_secret().0),
        Packet::from(user_id),
        Packet::from(binding),
    ];
    let expired = Workshop(Cert::from_packets(packets.into_iter()).unwrap());
    let phrases = ["expired on 2 January 2026", "gpg --quick-set-expire"];
    assert_refused(expired.outcome(), "self-signature-expired", &phrases);
}

#[test]
fn a_certificate_that_nothing_in_it_signs_is_to_be_exported_anew() {
    let primary = Workshop::new().0.primary_key().key().clone();
    let packets = [
        Packet::from(primary.take_secret().0),
        Packet::from(openpgp::packet::UserID::from("Alice <alice@example.com>")),
    ];
    let bare = Workshop(Cert::from_packets(packets.into_iter()).unwrap());
    let phrases = ["from your own keyring"];
    assert_refused(bare.outcome(), "no-self-signature", &phrases);
}

/// One refusal of each kind.
fn refusals() -> Vec<Refusal> {
    let fingerprint = "B19F81D28F1F64647D877B6BE1C4A0BD71510DB7".parse().unwrap();
    samples::refusals(&fingerprint, &"A".repeat(40))
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let refusals = refusals();
    let is_weak = |refusal: &&Refusal| refusal.code() == "weak-algorithm";
    let weak = refusals.iter().filter(is_weak).count();
    let codes: BTreeSet<&str> = refusals.iter().map(Refusal::code).collect();
    // A weak signature and a weak key have one code.
    assert_eq!((codes.len(), weak), (refusals.len() - 1, 2));
}

#[test]
fn every_refusal_is_sentences_for_people() {
    for refusal in refusals() {
        let text = refusal.to_string();
        let prose: String = text.split('`').step_by(2).collect();
        assert!(text.starts_with(char::is_uppercase), "{text}");
        assert!(text.ends_with('.') && !text.contains("  "), "{text}");
        assert!(!text.contains("T00:00:00Z") && !text.contains("export-minimal"));
        for sentence in prose.split_inclusive(". ") {
            assert!(sentence.len() < 160, "too long: {sentence}");
        }
    }
}

#[test]
fn commands_for_the_owner_of_a_pin_have_its_fingerprint() {
    let pin = "B19F81D28F1F64647D877B6BE1C4A0BD71510DB7".parse().unwrap();
    let command = format!("`gpg --export --armor {pin}`");
    assert!(Refusal::NotACertificate.text_for(&pin).contains(&command));
    for refusal in refusals() {
        assert!(!refusal.text_for(&pin).contains("FINGERPRINT"));
    }
}

#[test]
fn a_date_in_a_refusal_is_one_that_people_write() {
    let expired = refusals()
        .into_iter()
        .find(|refusal| refusal.code() == "expired");
    let text = expired.unwrap().to_string();
    assert!(text.contains("It expired on 9 October 2026."), "{text}");
}

#[test]
fn the_page_names_every_code() {
    let page = include_str!("../../../docs/openpgp.md");
    let refusals = refusals();
    let problems = [
        AcknowledgementProblem::TooLarge,
        AcknowledgementProblem::NotSigned,
        AcknowledgementProblem::NotByOwner,
        AcknowledgementProblem::OtherText,
    ];
    let errors = problems.map(|problem| AcknowledgementError {
        problem,
        key: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        certificate: String::new(),
    });
    let codes = refusals.iter().map(Refusal::code);
    for code in codes.chain(errors.iter().map(AcknowledgementError::code)) {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
}
