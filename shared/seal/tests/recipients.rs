//! Which certificates are accepted, which are refused and why, and what an envelope gives away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use banto_domain::Fingerprint;
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::{Credential, Recipient, Refusal, recipients_of};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use secrecy::SecretString;
use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::{CertBuilder, CipherSuite, SubkeyRevocationBuilder};
use openpgp::crypto::KeyPair;
use openpgp::serialize::SerializeInto;
use openpgp::types::{KeyFlags, ReasonForRevocation};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn made_at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn builder() -> CertBuilder<'static> {
    CertBuilder::new()
        .add_userid("Alice <alice@example.com>")
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(SystemTime::try_from(made_at()).unwrap())
}

fn encrypting() -> Cert {
    builder()
        .add_transport_encryption_subkey()
        .generate()
        .unwrap()
        .0
}

/// Signs in the name of the certificate, whose secret key is at hand.
fn signer(cert: &Cert) -> KeyPair {
    let key = cert.primary_key().key().clone();
    key.parts_into_secret().unwrap().into_keypair().unwrap()
}

fn bytes(cert: &Cert) -> Vec<u8> {
    cert.armored().to_vec().unwrap()
}

fn pin(cert: &Cert) -> Fingerprint {
    cert.fingerprint().to_hex().parse().unwrap()
}

fn parse(cert: &Cert) -> Result<Recipient, Refusal> {
    Recipient::parse(&bytes(cert), &pin(cert), now())
}

fn refusal(cert: &Cert) -> Refusal {
    parse(cert).unwrap_err()
}

fn encryption_subkey(cert: &Cert) -> String {
    let subkey = cert.keys().subkeys().next().unwrap();
    subkey.key().fingerprint().to_hex()
}

#[test]
fn every_promised_kind_is_accepted_armored_and_binary_and_opens_again() {
    for kind in [
        Kind::Curve25519,
        Kind::Curve25519V6,
        Kind::NistP256,
        Kind::NistP384,
        Kind::NistP521,
        Kind::Rsa2048,
    ] {
        let holder = Holder::generate(
            "Alice",
            kind,
            Lifetime {
                from: made_at(),
                until: None,
            },
        )
        .unwrap();
        let armored = holder.certificate().unwrap();
        let windows = format!("Here it is:\r\n\r\n{}", armored.replace('\n', "\r\n"));
        let binary = dearmored(&armored);
        for certificate in [armored.as_bytes(), windows.as_bytes(), &binary] {
            let recipient = Recipient::parse(certificate, holder.fingerprint(), now()).unwrap();
            recipient.try_out().unwrap();
            let envelope = sealed(&recipient);
            let payload: serde_json::Value =
                serde_json::from_slice(&holder.open(&envelope).unwrap()).unwrap();
            assert_eq!(
                payload,
                serde_json::json!({
                    "Version": 1,
                    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
                    "SecretAccessKey": SECRET,
                    "UserName": "alice",
                    "AccountId": "111122223333",
                    "CreateDate": "2026-11-24T01:00:00Z",
                }),
                "{kind:?}"
            );
        }
    }
}

fn dearmored(armored: &str) -> Vec<u8> {
    use openpgp::parse::Parse;
    Cert::from_bytes(armored).unwrap().to_vec().unwrap()
}

fn sealed(recipient: &Recipient) -> String {
    let credential = Credential {
        account: &"111122223333".parse().unwrap(),
        user: &"alice".parse().unwrap(),
        key: &"AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret: &SecretString::from(SECRET),
        created_at: now(),
    };
    recipient.seal(&credential).unwrap().into_string()
}

#[test]
fn an_envelope_has_one_recipient_even_if_the_certificate_has_two_subkeys() {
    let cert = builder()
        .add_transport_encryption_subkey()
        .add_storage_encryption_subkey()
        .generate()
        .unwrap()
        .0;
    assert_eq!(
        recipients_of(&sealed(&parse(&cert).unwrap()))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn an_envelope_shows_neither_the_secret_nor_anything_of_it() {
    let cert = encrypting();
    let recipient = parse(&cert).unwrap();
    let envelope = sealed(&recipient);
    let raw = openpgp::armor::Reader::from_bytes(envelope.as_bytes(), None);
    let raw = std::io::read_to_string(std::io::Cursor::new(read_all(raw))).unwrap_or_default();
    for window in SECRET
        .as_bytes()
        .windows(8)
        .map(|window| std::str::from_utf8(window).unwrap())
    {
        assert!(!envelope.contains(window) && !raw.contains(window));
    }
    let key: banto_domain::AccessKeyId = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let secret = SecretString::from(SECRET);
    let (account, user) = ("111122223333".parse().unwrap(), "alice".parse().unwrap());
    let credential = Credential {
        account: &account,
        user: &user,
        key: &key,
        secret: &secret,
        created_at: now(),
    };
    assert_eq!(
        format!("{credential:?}"),
        "Credential { key: \"AKIAIOSFODNN7EXAMPLE\", .. }"
    );
}

fn read_all(mut reader: impl std::io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    all
}

#[test]
fn a_secret_key_is_refused_and_its_owner_told_that_it_is_exposed() {
    let cert = encrypting();
    for exposed in [
        cert.as_tsk().armored().to_vec().unwrap(),
        cert.as_tsk().to_vec().unwrap(),
    ] {
        let refusal = Recipient::parse(&exposed, &pin(&cert), now()).unwrap_err();
        assert_eq!(refusal, Refusal::SecretKey);
        assert!(refusal.to_string().contains("exposed"));
    }
    let torn = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nnonsense";
    assert_eq!(
        Recipient::parse(torn, &pin(&cert), now()).unwrap_err(),
        Refusal::SecretKey
    );
}

#[test]
fn a_certificate_other_than_the_pinned_one_is_refused() {
    let (cert, other) = (encrypting(), encrypting());
    let refusal = Recipient::parse(&bytes(&other), &pin(&cert), now()).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::WrongFingerprint {
            pinned: pin(&cert),
            found: pin(&other).to_string()
        }
    );
}

#[test]
fn two_certificates_are_refused_however_they_are_put_together() {
    let (cert, other) = (encrypting(), encrypting());
    let armored = [bytes(&cert), bytes(&other)].concat();
    let binary = [cert.to_vec().unwrap(), other.to_vec().unwrap()].concat();
    for both in [armored, binary] {
        assert_eq!(
            Recipient::parse(&both, &pin(&cert), now()).unwrap_err(),
            Refusal::MoreThanOne
        );
    }
}

#[test]
fn what_is_not_a_certificate_is_refused() {
    let pin = pin(&encrypting());
    for foreign in [
        &b""[..],
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        &[0xff; 100],
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
    ] {
        assert_eq!(
            Recipient::parse(foreign, &pin, now()).unwrap_err(),
            Refusal::NotACertificate
        );
    }
    let large = vec![b' '; 300 * 1024];
    assert!(matches!(
        Recipient::parse(&large, &pin, now()),
        Err(Refusal::TooLarge { .. })
    ));
}

#[test]
fn validity_is_judged_at_the_given_moment() {
    let day = Duration::from_secs(24 * 60 * 60);
    let cert = builder()
        .set_validity_period(day * 365)
        .add_transport_encryption_subkey()
        .generate()
        .unwrap()
        .0;
    let at = |moment: &str| Recipient::parse(&bytes(&cert), &pin(&cert), moment.parse().unwrap());
    assert_eq!(
        at("2025-12-31T23:59:59Z").unwrap_err(),
        Refusal::NotYetValid { from: made_at() }
    );
    let end = made_at() + SignedDuration::from_hours(365 * 24);
    assert_eq!(
        at("2027-01-01T00:00:01Z").unwrap_err(),
        Refusal::Expired {
            fingerprint: pin(&cert),
            subkey: Some(encryption_subkey(&cert)),
            at: end
        }
    );
    assert_eq!(
        at("2026-12-01T23:59:59Z")
            .unwrap()
            .expires_soon("2026-12-01T23:59:59Z".parse().unwrap()),
        None
    );
    assert_eq!(
        at("2026-12-02T00:00:00Z")
            .unwrap()
            .expires_soon("2026-12-02T00:00:00Z".parse().unwrap()),
        Some(end)
    );
    assert_eq!(parse(&encrypting()).unwrap().expires_at(), None);
}

#[test]
fn a_revoked_certificate_is_refused_with_the_kind_of_its_reason() {
    let (cert, _) = builder()
        .add_transport_encryption_subkey()
        .generate()
        .unwrap();
    let mut signer = signer(&cert);
    let revocation = cert
        .revoke(
            &mut signer,
            ReasonForRevocation::KeyCompromised,
            b"anyone's words",
        )
        .unwrap();
    let refusal = refusal(
        &cert
            .insert_packets(revocation)
            .unwrap()
            .0
            .strip_secret_key_material(),
    );
    assert!(
        refusal
            .to_string()
            .contains("This one was revoked: its secret key was compromised."),
        "{refusal}"
    );
}

#[test]
fn a_certificate_that_can_not_encrypt_is_refused_with_the_command_that_mends_it() {
    let refusal = refusal(
        &builder()
            .add_signing_subkey()
            .generate()
            .unwrap()
            .0
            .strip_secret_key_material(),
    );
    assert_eq!(refusal.code(), "no-encryption-subkey");
    assert!(refusal.to_string().contains("gpg --quick-add-key"));
}

#[test]
fn an_expired_or_revoked_encryption_subkey_is_refused_as_such() {
    let day = Duration::from_secs(24 * 60 * 60);
    let expiring = builder()
        .add_subkey(KeyFlags::empty().set_transport_encryption(), day * 30, None)
        .generate()
        .unwrap()
        .0
        .strip_secret_key_material();
    let end = made_at() + SignedDuration::from_hours(30 * 24);
    assert_eq!(
        refusal(&expiring),
        Refusal::EncryptionSubkeyExpired {
            fingerprint: pin(&expiring),
            subkey: encryption_subkey(&expiring),
            at: end
        }
    );

    let cert = encrypting();
    let mut signer = signer(&cert);
    let subkey = cert.keys().subkeys().next().unwrap();
    let revocation = SubkeyRevocationBuilder::new()
        .set_reason_for_revocation(ReasonForRevocation::KeyRetired, b"")
        .unwrap()
        .set_signature_creation_time(
            SystemTime::try_from(made_at() + SignedDuration::from_hours(1)).unwrap(),
        )
        .unwrap()
        .build(&mut signer, &cert, subkey.key(), None)
        .unwrap();
    let revoked = cert
        .clone()
        .insert_packets(revocation)
        .unwrap()
        .0
        .strip_secret_key_material();
    let fingerprint = pin(&cert);
    assert_eq!(
        refusal(&revoked),
        Refusal::EncryptionSubkeyRevoked { fingerprint }
    );
}

#[test]
fn the_newest_usable_subkey_is_taken_where_an_older_one_has_expired() {
    let day = Duration::from_secs(24 * 60 * 60);
    let cert = builder()
        .add_subkey(KeyFlags::empty().set_transport_encryption(), day * 30, None)
        .add_transport_encryption_subkey()
        .generate()
        .unwrap()
        .0
        .strip_secret_key_material();
    assert!(parse(&cert).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let pin = "A".repeat(40).parse().unwrap();
        prop_assert!(Recipient::parse(&bytes, &pin, now()).is_err());
        prop_assert!(recipients_of(&String::from_utf8_lossy(&bytes)).is_err());
    }

    #[test]
    fn a_certificate_torn_anywhere_never_panics(cut in 0usize..600, flip in 0usize..600) {
        let cert = encrypting();
        let mut torn = cert.to_vec().unwrap();
        let flip = flip % torn.len();
        torn[flip] ^= 0x55;
        torn.truncate(cut);
        let _whatever = Recipient::parse(&torn, &pin(&cert), now()).is_ok();
    }
}
