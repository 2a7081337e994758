//! The forms in which certificates come, what is kept of them, who vouches for them, and what they
//! acknowledge.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use banto_domain::{AccessKeyId, Fingerprint};
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::{Certificate, Recipient, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sequoia_openpgp as openpgp;

use openpgp::cert::{CertBuilder, CipherSuite, SubkeyRevocationBuilder};
use openpgp::packet::Signature;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::packet::signature::subpacket::{
    NotationData, NotationDataFlags, Subpacket, SubpacketValue,
};
use openpgp::serialize::SerializeInto;
use openpgp::types::{ReasonForRevocation, SignatureType};
use openpgp::{Cert, Packet};

/// Files that people had, and the fingerprints in them.
const FORMS: [(&str, &[u8], &str); 5] = [
    (
        "base64, wrapped",
        include_bytes!("data/base64-wrapped.txt"),
        include_str!("data/base64-wrapped.fingerprint"),
    ),
    (
        "base64, one line",
        include_bytes!("data/base64-oneline.txt"),
        include_str!("data/base64-oneline.fingerprint"),
    ),
    (
        "UTF-16",
        include_bytes!("data/utf16le-bom.asc"),
        include_str!("data/utf16le-bom.fingerprint"),
    ),
    (
        "UTF-8 with a byte order mark",
        include_bytes!("data/utf8-bom.asc"),
        include_str!("data/utf8-bom.fingerprint"),
    ),
    (
        "escaped line breaks",
        include_bytes!("data/escaped-newlines.txt"),
        include_str!("data/escaped-newlines.fingerprint"),
    ),
];

fn made_at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-27T01:00:00Z".parse().unwrap()
}

fn holder_until(until: Option<Timestamp>) -> Holder {
    let lifetime = Lifetime {
        from: made_at(),
        until,
    };
    Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap()
}

fn holder() -> Holder {
    holder_until(None)
}

fn read(text: &str) -> Certificate {
    Certificate::read(text.as_bytes()).unwrap()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(unit).collect()
}

fn dearmored(armored: &str) -> Vec<u8> {
    let mut binary = Vec::new();
    let mut reader = openpgp::armor::Reader::from_bytes(armored.as_bytes(), None);
    std::io::Read::read_to_end(&mut reader, &mut binary).unwrap();
    binary
}

/// A text form of what is armored here, by number; every number is one.
fn form(armored: &str, number: usize) -> Vec<u8> {
    let binary = || dearmored(armored);
    let wrapped = |text: &str, width: usize| {
        let lines = text.as_bytes().chunks(width).map(String::from_utf8_lossy);
        lines.collect::<Vec<_>>().join("\n")
    };
    match number % 14 {
        0 => armored.into(),
        1 => binary(),
        2 => BASE64.encode(binary()).into(),
        3 => wrapped(&BASE64.encode(binary()), 76).into(),
        4 => utf16(armored, u16::to_le_bytes),
        5 => utf16(armored, u16::to_be_bytes),
        6 => format!("\u{feff}{armored}").into(),
        7 => armored.replace('\n', "\\n").into(),
        8 => serde_json::to_vec(armored).unwrap(),
        9 => armored.replace('\n', "\r\n").into(),
        10 => BASE64.encode(armored).into(),
        11 => BASE64.encode(binary()).trim_end_matches('=').into(),
        12 => armored.replace('\n', " ").into(),
        _ => {
            let body = armored.lines().filter(|line| !line.contains([':', '-']));
            body.collect::<Vec<_>>().join("\n").into()
        }
    }
}

#[test]
fn certificates_are_read_in_the_forms_that_people_have_them_in() {
    for (name, bytes, fingerprint) in FORMS {
        let certificate = Certificate::read(bytes);
        let certificate = certificate.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(certificate.fingerprint(), fingerprint.trim(), "{name}");
        let pin = Fingerprint::from_human(fingerprint).unwrap();
        assert!(
            Recipient::judge(&certificate, &pin, now()).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn every_text_form_of_a_certificate_reads_to_the_same_fingerprint() {
    let holder = holder();
    let armored = holder.certificate().unwrap();
    for number in 0..14 {
        let read = Certificate::read(&form(&armored, number));
        let fingerprint = read.map(|certificate| certificate.fingerprint());
        assert_eq!(
            fingerprint,
            Ok(holder.fingerprint().to_string()),
            "{number}"
        );
    }
}

#[test]
fn a_secret_key_is_refused_as_exposed_in_every_text_form_torn_ones_too() {
    let (cert, _) = CertBuilder::general_purpose(Some("Alice"))
        .generate()
        .unwrap();
    let armored = String::from_utf8(cert.as_tsk().armored().to_vec().unwrap()).unwrap();
    for number in 0..14 {
        let whole = form(&armored, number);
        let torn = whole.get(..whole.len() / 2).unwrap();
        for exposed in [&whole, torn] {
            let refusal = Certificate::read(exposed).unwrap_err();
            assert_eq!(refusal, Refusal::SecretKey, "{number}");
        }
    }
}

#[test]
fn a_secret_key_behind_a_good_certificate_is_refused_as_exposed() {
    let (cert, _) = CertBuilder::general_purpose(Some("Alice"))
        .generate()
        .unwrap();
    let both = [cert.to_vec().unwrap(), cert.as_tsk().to_vec().unwrap()].concat();
    assert_eq!(Certificate::read(&both), Err(Refusal::SecretKey));
}

#[test]
fn an_older_copy_does_not_unsay_a_revocation() {
    let holder = holder();
    let revoked = read(&holder.revoke().unwrap());
    let replayed = read(&holder.certificate().unwrap()).with_earlier(&revoked);
    let refusal = Recipient::judge(&replayed, holder.fingerprint(), now()).unwrap_err();
    assert_eq!(refusal.code(), "revoked");
}

#[test]
fn an_older_copy_does_not_unsay_that_a_subkey_was_revoked() {
    let made_at = SystemTime::try_from(made_at()).unwrap();
    let (cert, _) = CertBuilder::new()
        .add_userid("Alice")
        .add_transport_encryption_subkey()
        .set_creation_time(made_at)
        .generate()
        .unwrap();
    let signer = cert.primary_key().key().clone().parts_into_secret();
    let mut signer = signer.unwrap().into_keypair().unwrap();
    let subkey = cert.keys().subkeys().next().unwrap().key().clone();
    let revocation = SubkeyRevocationBuilder::new()
        .set_signature_creation_time(made_at + Duration::from_secs(60))
        .unwrap()
        .build(&mut signer, &cert, &subkey, None)
        .unwrap();
    let before = Certificate::read(&cert.to_vec().unwrap()).unwrap();
    let revoked = cert.insert_packets(revocation).unwrap().0;
    let revoked = Certificate::read(&revoked.to_vec().unwrap()).unwrap();
    let kept = Certificate::from_kept(&revoked.to_kept()).unwrap();
    let pin = before.fingerprint().parse().unwrap();
    assert!(Recipient::judge(&before, &pin, now()).is_ok());
    let refusal = Recipient::judge(&before.with_earlier(&kept), &pin, now()).unwrap_err();
    assert_eq!(refusal.code(), "encryption-subkey-revoked");
}

#[test]
fn an_older_copy_does_not_unsay_an_extension() {
    let short = holder_until(Some("2026-06-01T00:00:00Z".parse().unwrap()));
    let long = short.extend("2028-01-01T00:00:00Z".parse().unwrap());
    let long = read(&long.unwrap().certificate().unwrap());
    let replayed = read(&short.certificate().unwrap());
    let pin = short.fingerprint();
    assert!(Recipient::judge(&replayed, pin, now()).is_err());
    assert!(Recipient::judge(&replayed.with_earlier(&long), pin, now()).is_ok());
}

#[test]
fn another_certificate_says_nothing_about_this_one() {
    let (one, other) = (holder(), holder());
    let certificate = read(&one.certificate().unwrap());
    let merged = certificate
        .clone()
        .with_earlier(&read(&other.revoke().unwrap()));
    assert_eq!(merged, certificate);
}

#[test]
fn what_is_kept_has_the_fingerprint_the_revocation_and_the_key_that_is_sealed_to() {
    let holder = holder();
    let certificate = read(&holder.certificate().unwrap());
    let kept = Certificate::from_kept(&certificate.to_kept()).unwrap();
    assert_eq!(kept.fingerprint(), certificate.fingerprint());
    let recipients = [&certificate, &kept].map(|certificate| {
        let recipient = Recipient::judge(certificate, holder.fingerprint(), now()).unwrap();
        let envelope = banto_seal::recipients_of(trial(&recipient).as_str());
        envelope.unwrap()
    });
    assert_eq!(recipients[0], recipients[1]);
    let revoked = Certificate::from_kept(&read(&holder.revoke().unwrap()).to_kept()).unwrap();
    let refusal = Recipient::judge(&revoked, holder.fingerprint(), now()).unwrap_err();
    assert_eq!(refusal.code(), "revoked");
}

fn trial(recipient: &Recipient) -> banto_seal::Envelope {
    let credential = banto_seal::Credential {
        account: &"111122223333".parse().unwrap(),
        user: &"alice".parse().unwrap(),
        key: &key(),
        secret: &secrecy::SecretString::from("a secret"),
        created_at: now(),
    };
    recipient.seal(&credential).unwrap()
}

fn key() -> AccessKeyId {
    "AKIAIOSFODNN7EXAMPLE".parse().unwrap()
}

/// A certificate with many user ids that many others certified, and many revoked subkeys.
fn crowded(suite: CipherSuite, user_ids: usize, subkeys: usize) -> Cert {
    let mut builder = CertBuilder::new()
        .set_cipher_suite(suite)
        .set_creation_time(SystemTime::try_from(made_at()).unwrap())
        .add_transport_encryption_subkey();
    for number in 0..user_ids {
        builder = builder.add_userid(format!("Alice <alice{number}@example.com>"));
    }
    for _ in 0..subkeys {
        builder = builder.add_signing_subkey();
    }
    let (mut cert, revocation) = builder.generate().unwrap();
    let (other, _) = CertBuilder::new().add_userid("Bob").generate().unwrap();
    let signer = other.primary_key().key().clone().parts_into_secret();
    let mut signer = signer.unwrap().into_keypair().unwrap();
    let certifications: Vec<_> = cert
        .userids()
        .map(|id| id.userid().certify(&mut signer, &cert, None, None, None))
        .collect::<openpgp::Result<_>>()
        .unwrap();
    cert = cert.insert_packets(certifications).unwrap().0;
    cert.insert_packets(revocation).unwrap().0
}

#[test]
fn what_is_kept_is_short_enough_and_never_without_the_revocation() {
    let cases = [
        (CipherSuite::Cv25519, 200, 3),
        (CipherSuite::Cv25519, 1, 60),
        (CipherSuite::RSA2k, 60, 2),
    ];
    for (suite, user_ids, subkeys) in cases {
        let cert = crowded(suite, user_ids, subkeys);
        assert!(cert.to_vec().unwrap().len() > 16 * 1024, "{suite:?}");
        let certificate = Certificate::read(&cert.to_vec().unwrap()).unwrap();
        let text = certificate.to_kept();
        assert!(text.len() <= 16_384, "{suite:?}: {}", text.len());
        let kept = Certificate::from_kept(&text).unwrap();
        assert_eq!(kept.fingerprint(), certificate.fingerprint());
        let pin = kept.fingerprint().parse().unwrap();
        let refusal = Recipient::judge(&kept, &pin, now()).unwrap_err();
        assert_eq!(refusal.code(), "revoked", "{suite:?}");
    }
}

/// The certificate with a long remark on each of its signatures, which nobody signed.
fn bloated(cert: Cert) -> Cert {
    let remark = SubpacketValue::NotationData(NotationData::new(
        "remark@example.com",
        [b'.'; 20_000],
        NotationDataFlags::empty(),
    ));
    let packets: Vec<Packet> = cert
        .into_packets()
        .map(|packet| match packet {
            Packet::Signature(mut signature) => {
                let remark = Subpacket::new(remark.clone(), false).unwrap();
                signature.unhashed_area_mut().add(remark).unwrap();
                Packet::Signature(signature)
            }
            other => other,
        })
        .collect();
    Cert::from_packets(packets.into_iter()).unwrap()
}

#[test]
fn what_nobody_signed_crowds_nothing_out_of_what_is_kept() {
    let (cert, revocation) = CertBuilder::new()
        .add_userid("Alice")
        .add_transport_encryption_subkey()
        .set_creation_time(SystemTime::try_from(made_at()).unwrap())
        .generate()
        .unwrap();
    let cert = cert.strip_secret_key_material();
    let pin = cert.fingerprint().to_hex().parse().unwrap();
    let revoked = cert.clone().insert_packets(revocation).unwrap().0;
    let kept = [bloated(cert), bloated(revoked)].map(|cert| {
        let bytes = cert.to_vec().unwrap();
        assert!(bytes.len() > 60_000);
        let text = Certificate::read(&bytes).unwrap().to_kept();
        assert!(text.len() < 2_000, "{}", text.len());
        Certificate::from_kept(&text).unwrap()
    });
    let [good, revoked] = kept.map(|kept| Recipient::judge(&kept, &pin, now()));
    assert!(good.is_ok());
    assert_eq!(revoked.unwrap_err().code(), "revoked");
}

/// A remark of so many bytes in a signature.
fn remarked(builder: SignatureBuilder, bytes: usize) -> SignatureBuilder {
    let flags = NotationDataFlags::empty().set_human_readable();
    let remark = "x".repeat(bytes);
    builder
        .set_signature_creation_time(SystemTime::try_from(now()).unwrap() - Duration::from_secs(60))
        .unwrap()
        .add_notation("remark@example.com", remark, flags, false)
        .unwrap()
}

/// A certificate with a remark of so many bytes that its primary key signed with what it says of
/// itself; one with such a remark in its revocation; and one that has been revoked without a remark
/// as well.
fn signed_with_remarks(bytes: usize) -> [Certificate; 3] {
    let (cert, revocation) = CertBuilder::new()
        .add_userid("Alice")
        .add_transport_encryption_subkey()
        .set_creation_time(SystemTime::try_from(made_at()).unwrap())
        .generate()
        .unwrap();
    let signer = cert.primary_key().key().clone().parts_into_secret();
    let mut signer = signer.unwrap().into_keypair().unwrap();
    let mut signed = |signature: &Signature| {
        remarked(signature.clone().into(), bytes)
            .sign_direct_key(&mut signer, None)
            .unwrap()
    };
    let direct = signed(cert.primary_key().self_signatures().next().unwrap());
    let remarked = signed(&revocation);
    let cert = cert.clone().strip_secret_key_material();
    [
        vec![direct],
        vec![remarked.clone()],
        vec![remarked, revocation],
    ]
    .map(|signatures| {
        let cert = cert.clone().insert_packets(signatures).unwrap().0;
        Certificate::read(&cert.to_vec().unwrap()).unwrap()
    })
}

/// The code of the refusal of a certificate.
fn code(certificate: &Certificate) -> Option<&'static str> {
    let pin = certificate.fingerprint().parse().unwrap();
    let outcome = Recipient::judge(certificate, &pin, now());
    outcome.err().map(|refusal| refusal.code())
}

#[test]
fn what_is_kept_is_short_enough_however_long_the_primary_keys_own_signatures_are() {
    let (long, revoked) = (Some("signatures-too-large"), Some("revoked"));
    for (bytes, is_short) in [
        (1_000, true),
        (8_000, true),
        (11_000, true),
        (13_000, false),
        (60_000, false),
    ] {
        let of_certificate = long.filter(|_| !is_short);
        let certificates = signed_with_remarks(bytes);
        let kept = certificates.each_ref().map(|certificate| {
            let text = certificate.to_kept();
            assert!(text.len() <= 16_384, "{bytes}: {}", text.len());
            let kept = Certificate::from_kept(&text).unwrap();
            assert_eq!(kept.fingerprint(), certificate.fingerprint());
            kept
        });
        let codes = certificates.each_ref().map(code);
        assert_eq!(codes, [of_certificate, revoked, revoked], "{bytes}");
        let is_revoked = kept.each_ref().map(|kept| code(kept) == revoked);
        assert_eq!(is_revoked, [false, is_short, true], "{bytes}");
    }
}

#[test]
fn user_ids_that_anybody_added_are_not_kept() {
    let armored = holder().certificate().unwrap();
    let certificate = read(&armored);
    let mut bytes = dearmored(&armored);
    for number in 0..20_000 {
        bytes.extend([0xB4, 6]);
        bytes.extend(format!("{number:06}").bytes());
    }
    let crowded = Certificate::read(&bytes).unwrap();
    let pin = crowded.fingerprint().parse().unwrap();
    assert!(Recipient::judge(&crowded, &pin, now()).is_ok());
    assert_eq!(crowded.to_kept(), certificate.to_kept());
}

#[test]
fn what_is_kept_has_nothing_that_others_say() {
    let (old, new) = (holder(), holder());
    let certified = read(&old.certify(&new).unwrap());
    let kept = Certificate::from_kept(&certified.to_kept()).unwrap();
    assert!(!kept.is_certified_by(&read(&old.certificate().unwrap()), now()));
}

#[test]
fn a_certificate_is_vouched_for_by_the_one_that_certified_it_and_by_no_other() {
    let (old, new, third) = (holder(), holder(), holder());
    let [old_read, new_read, third_read] =
        [&old, &new, &third].map(|holder| read(&holder.certificate().unwrap()));
    let certified = read(&old.certify(&new).unwrap());
    assert!(certified.is_certified_by(&old_read, now()));
    assert!(!new_read.is_certified_by(&old_read, now()));
    assert!(!certified.is_certified_by(&third_read, now()));
    assert!(!certified.is_certified_by(&certified, now()));
    assert!(!old_read.is_certified_by(&certified, now()));
    let kept = Certificate::from_kept(&old_read.to_kept()).unwrap();
    assert!(certified.is_certified_by(&kept, now()));
}

#[test]
fn a_revoked_certificate_vouches_for_nothing() {
    let (old, new) = (holder(), holder());
    let certified = read(&old.certify(&new).unwrap());
    assert!(!certified.is_certified_by(&read(&old.revoke().unwrap()), now()));
}

/// A certificate, another that certified it, and the other's word about it, if that has one.
fn certified_and(revocation: Option<Duration>) -> (Certificate, Certificate) {
    let made_at = SystemTime::try_from(made_at()).unwrap();
    let [old, new] = ["old", "new"].map(|name| {
        let builder = CertBuilder::new().add_userid(name);
        builder.set_creation_time(made_at).generate().unwrap().0
    });
    let signer = old.primary_key().key().clone().parts_into_secret();
    let mut signer = signer.unwrap().into_keypair().unwrap();
    let user_id = new.userids().next().unwrap().userid().clone();
    let certified_at = made_at + Duration::from_secs(60);
    let mut words = vec![
        user_id
            .certify(&mut signer, &new, None, None, certified_at)
            .unwrap(),
    ];
    if let Some(after) = revocation {
        let builder = SignatureBuilder::new(SignatureType::CertificationRevocation)
            .set_signature_creation_time(made_at + after)
            .and_then(|builder| {
                builder.set_reason_for_revocation(ReasonForRevocation::UIDRetired, b"")
            });
        let revocation = user_id.bind(&mut signer, &new, builder.unwrap());
        words.push(revocation.unwrap());
    }
    let new = new.insert_packets(words).unwrap().0;
    let read = |cert: &Cert| Certificate::read(&cert.to_vec().unwrap()).unwrap();
    (read(&new), read(&old))
}

#[test]
fn a_certification_that_was_taken_back_does_not_count_and_one_made_afterwards_does() {
    let second = Duration::from_secs(1);
    let cases = [
        (None, true),
        (Some(second * 90), false),
        (Some(second * 30), true),
    ];
    for (revocation, counts) in cases {
        let (new, old) = certified_and(revocation);
        assert_eq!(new.is_certified_by(&old, now()), counts, "{revocation:?}");
    }
}

#[test]
fn an_expired_certificate_vouches_for_what_it_certified_before() {
    let old = holder_until(Some(made_at() + SignedDuration::from_hours(1)));
    let old_read = read(&old.certificate().unwrap());
    let before = read(&old.certify(&holder()).unwrap());
    assert!(before.is_certified_by(&old_read, now()));
    let lifetime = Lifetime {
        from: made_at() + SignedDuration::from_hours(2),
        until: None,
    };
    let late = Holder::generate("Alice", Kind::Curve25519, lifetime).unwrap();
    let after = read(&old.certify(&late).unwrap());
    assert!(!after.is_certified_by(&old_read, now()));
}

#[test]
fn the_id_of_a_key_signed_by_its_owner_is_an_acknowledgement_in_every_text_form() {
    let holder = holder();
    let certificate = read(&holder.certificate().unwrap());
    let signed = holder.acknowledge(&key()).unwrap();
    let forms = [
        signed.clone().into_bytes(),
        signed.replace('\n', "\r\n").into_bytes(),
        utf16(&signed, u16::to_le_bytes),
    ];
    for form in forms {
        let checked = certificate.check_acknowledgement(&form, &key(), now());
        assert_eq!(checked, Ok(()));
    }
}

#[test]
fn an_acknowledgement_counts_only_from_its_owner_for_its_key_and_while_the_owner_counts() {
    let alice = holder();
    let certificate = read(&alice.certificate().unwrap());
    let refused = |signed: &[u8], certificate: &Certificate, at| {
        let checked = certificate.check_acknowledgement(signed, &key(), at);
        checked.unwrap_err().code()
    };
    let own = alice.acknowledge(&key()).unwrap();
    let bobs = holder().acknowledge(&key()).unwrap();
    let other: AccessKeyId = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
    let of_other = alice.acknowledge(&other).unwrap();
    let changed = own.replace(key().as_str(), other.as_str());
    let by = "acknowledgement-not-by-owner";
    assert_eq!(refused(bobs.as_bytes(), &certificate, now()), by);
    assert_eq!(
        refused(of_other.as_bytes(), &certificate, now()),
        "acknowledgement-other-text"
    );
    assert_eq!(refused(changed.as_bytes(), &certificate, now()), by);
    assert_eq!(
        refused(key().as_str().as_bytes(), &certificate, now()),
        "acknowledgement-not-signed"
    );
    assert_eq!(
        refused(&vec![b' '; 65 * 1024], &certificate, now()),
        "acknowledgement-too-large"
    );
    let revoked = read(&alice.revoke().unwrap());
    assert_eq!(refused(own.as_bytes(), &revoked, now()), by);
    let expiring = holder_until(Some(made_at() + SignedDuration::from_hours(1)));
    let expired = read(&expiring.certificate().unwrap());
    let signed = expiring.acknowledge(&key()).unwrap();
    assert_eq!(refused(signed.as_bytes(), &expired, now()), by);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Certificate::read(&bytes).is_err());
        prop_assert!(Certificate::from_kept(&String::from_utf8_lossy(&bytes)).is_err());
        let certificate = Certificate::read(FORMS[0].1).unwrap();
        prop_assert!(certificate.check_acknowledgement(&bytes, &key(), now()).is_err());
    }

    #[test]
    fn a_text_form_of_a_text_form_reads_to_the_same_fingerprint(
        inner in 0usize..14,
        outer in 0usize..5,
    ) {
        let armored = String::from_utf8_lossy(FORMS[3].1);
        let inner = form(armored.trim_start_matches('\u{feff}'), inner);
        let text = String::from_utf8(inner.clone());
        let whole = match (outer, text) {
            (0, _) | (_, Err(_)) => BASE64.encode(&inner).into(),
            (1, Ok(text)) => utf16(text.trim_start_matches('\u{feff}'), u16::to_le_bytes),
            (2, Ok(text)) => text.replace('\n', "\r\n").into(),
            (3, Ok(text)) => format!("\n\n  {text}\n\n").into(),
            (_, Ok(text)) => format!("'{text}'").into(),
        };
        let read = Certificate::read(&whole).map(|certificate| certificate.fingerprint());
        prop_assert_eq!(read, Ok(FORMS[3].2.trim().to_owned()));
    }

    #[test]
    fn a_text_form_torn_anywhere_never_panics(number in 0usize..14, cut in 0usize..1200) {
        let armored = String::from_utf8_lossy(FORMS[3].1);
        let mut torn = form(armored.trim_start_matches('\u{feff}'), number);
        torn.truncate(cut);
        let _whatever = Certificate::read(&torn).is_ok();
    }
}
