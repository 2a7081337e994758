//! Vouching for a new certificate and acknowledging a key, by what GnuPG writes.

use banto_domain::AccessKeyId;
use banto_seal::{Certificate, Recipient};
use jiff::Timestamp;

use crate::gnupg::GnuPg;

fn now() -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_secs(5)
}

fn key() -> AccessKeyId {
    "AKIAIOSFODNN7EXAMPLE".parse().unwrap()
}

/// Alice's keyring: the old certificate, the new one, and one of somebody else.
struct Keyring {
    gpg: GnuPg,
    old: String,
    new: String,
    third: String,
}

impl Keyring {
    fn new() -> Option<Self> {
        let gpg = GnuPg::new()?;
        let make = |user_id| gpg.make(user_id, "ed25519", "cv25519");
        let old = make("Alice <alice@example.com>");
        let new = make("Alice <alice@example.org>");
        let third = make("Bob <bob@example.com>");
        Some(Self {
            gpg,
            old,
            new,
            third,
        })
    }

    /// Certifies the new certificate with another.
    fn certify_with(&self, certifier: &str) {
        let arguments = ["--default-key", certifier, "--quick-sign-key", &self.new];
        self.gpg.run(&arguments, b"");
    }

    fn read(&self, fingerprint: &str, options: &[&str]) -> Certificate {
        Certificate::read(&self.gpg.export(fingerprint, options)).unwrap()
    }

    /// True if the new certificate, exported with these options, is certified by the old one.
    fn is_vouched_for(&self, options: &[&str]) -> bool {
        let old = self.read(&self.old, &[]);
        self.read(&self.new, options).is_certified_by(&old, now())
    }

    /// Revokes the old certificate by the file that GnuPG made along with it.
    fn revoke_old(&self) {
        let folder = self.gpg.home().join("openpgp-revocs.d");
        let revocation = std::fs::read_to_string(folder.join(format!("{}.rev", self.old)));
        let revocation = revocation.unwrap().replace(":-----BEGIN", "-----BEGIN");
        self.gpg.run(&["--import"], revocation.as_bytes());
    }
}

#[test]
fn a_certification_by_the_old_key_counts_in_a_full_export_and_in_a_clean_one() {
    let Some(alice) = Keyring::new() else { return };
    assert!(!alice.is_vouched_for(&[]));
    alice.certify_with(&alice.old);
    assert!(alice.is_vouched_for(&[]));
    assert!(alice.is_vouched_for(&["--export-options", "export-clean"]));
}

#[test]
fn a_minimal_export_has_no_certification_by_the_old_key() {
    let Some(alice) = Keyring::new() else { return };
    alice.certify_with(&alice.old);
    assert!(!alice.is_vouched_for(&["--export-options", "export-minimal"]));
}

#[test]
fn a_certification_by_a_third_key_does_not_count() {
    let Some(alice) = Keyring::new() else { return };
    alice.certify_with(&alice.third);
    assert!(!alice.is_vouched_for(&[]));
}

#[test]
fn a_certification_by_a_revoked_key_does_not_count() {
    let Some(alice) = Keyring::new() else { return };
    alice.certify_with(&alice.old);
    alice.revoke_old();
    assert!(!alice.is_vouched_for(&[]));
}

#[test]
fn what_gpg_signs_is_an_acknowledgement_clear_or_inline() {
    let Some(alice) = Keyring::new() else { return };
    let certificate = alice.read(&alice.new, &[]);
    let line = format!("{}\n", key());
    for how in [
        &["--clearsign"][..],
        &["--compress-algo", "none", "--sign"],
        &["--compress-algo", "none", "--armor", "--sign"],
    ] {
        let arguments = [&["--local-user", &alice.new], how].concat();
        let signed = alice.gpg.run(&arguments, line.as_bytes());
        let checked = certificate.check_acknowledgement(&signed, &key(), now());
        assert_eq!(checked, Ok(()), "{how:?}");
        let old = alice.read(&alice.old, &[]);
        assert!(old.check_acknowledgement(&signed, &key(), now()).is_err());
    }
}

#[test]
fn what_is_kept_of_a_crowded_certificate_of_rsa4096_is_short_and_can_be_sealed_to() {
    let Some(gpg) = GnuPg::new() else { return };
    let fingerprint = gpg.make("Alice <alice@example.com>", "rsa4096", "rsa4096");
    for number in 0..24 {
        let user_id = format!("Alice <alice{number}@example.com>");
        gpg.run(&["--quick-add-uid", &fingerprint, &user_id], b"");
    }
    let other = gpg.make("Bob <bob@example.com>", "rsa2048", "rsa2048");
    let sign = ["--default-key", &other, "--quick-sign-key", &fingerprint];
    gpg.run(&sign, b"");
    let exported = gpg.export(&fingerprint, &[]);
    assert!(exported.len() > 32 * 1024);
    let certificate = Certificate::read(&exported).unwrap();
    let text = certificate.to_kept();
    assert!(text.len() <= 16_384, "{}", text.len());
    let kept = Certificate::from_kept(&text).unwrap();
    let pin = fingerprint.parse().unwrap();
    assert!(Recipient::judge(&kept, &pin, now()).is_ok());
}
