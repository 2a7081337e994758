//! Envelopes, opened by every program with the keys of every other.

use banto_seal::{Certificate, Credential, Recipient};
use jiff::Timestamp;
use secrecy::SecretString;
use sequoia_openpgp as openpgp;

use openpgp::Packet;
use openpgp::parse::{PacketParser, PacketParserResult, Parse};

use crate::gnupg::GnuPg;
use crate::peers::{PAIRS, Pair, Peer};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Seals a key to a certificate, as Banto stores it: a line of JSON, one with the signature, then
/// the envelope.
pub(crate) fn stored(certificate: &[u8]) -> String {
    let certificate = Certificate::read(certificate).unwrap();
    let pin = certificate.fingerprint().parse().unwrap();
    // Other programs make certificates by their own clock, which may be a second ahead.
    let now = Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let recipient = Recipient::judge(&certificate, &pin, now).unwrap();
    let credential = Credential {
        account: &"111122223333".parse().unwrap(),
        user: &"alice".parse().unwrap(),
        key: &"AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret: &SecretString::from(SECRET),
        created_at: now,
    };
    let envelope = recipient.seal(&credential).unwrap();
    format!(
        "{{\"version\":2,\"sealedKey\":\"AKIAIOSFODNN7EXAMPLE\"}}\n{{\"signature\":\"MEUCIEPjjzVZ0A9mjtRIEihj\"}}\n\n{}",
        envelope.as_str()
    )
}

pub(crate) fn assert_opened(payload: &[u8], what: &str) {
    let payload: serde_json::Value =
        serde_json::from_slice(payload).unwrap_or_else(|error| panic!("{what}: {error}"));
    let secret = payload.get("SecretAccessKey").unwrap();
    assert_eq!(secret, SECRET, "{what}");
}

fn opens_what_is_sealed_to_the_keys_of_every_program(opener: Peer) {
    if !opener.is_there() {
        return;
    }
    let known: Vec<&Pair> = PAIRS.iter().filter(|pair| opener.knows(pair)).collect();
    assert!(known.len() >= 2);
    let mut failures = Vec::new();
    for pair in known {
        let what = format!("{opener:?} with {}", pair.maker);
        let opened = opener.open(pair, stored(&pair.certificate).as_bytes());
        match opened {
            Ok(opened) => assert_opened(&opened, &what),
            Err(complaint) => failures.push(format!("{what}: {complaint}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn gpg_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::GnuPg);
}

#[test]
fn openpgpjs_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::OpenPgpJs);
}

#[test]
fn rpgp_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::RPgp);
}

#[test]
fn sqop_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::Sqop);
}

#[test]
fn gosop_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::Gosop);
}

#[test]
fn pgpy_opens_what_is_sealed_to_the_keys_of_every_program() {
    opens_what_is_sealed_to_the_keys_of_every_program(Peer::PgPy);
}

/// The versions of the packets that a message begins with: to whom, and what.
fn versions(stored: &str) -> (Option<u8>, Option<u8>) {
    let mut versions = (None, None);
    let mut next = PacketParser::from_bytes(stored).unwrap();
    while let PacketParserResult::Some(parser) = next {
        match &parser.packet {
            Packet::PKESK(packet) => versions.0 = Some(packet.version()),
            Packet::SEIP(packet) => {
                versions.1 = Some(packet.version());
                return versions;
            }
            _ => {}
        }
        next = parser.next().unwrap().1;
    }
    versions
}

#[test]
fn what_is_sealed_to_version_4_is_of_rfc_4880_and_to_version_6_of_rfc_9580() {
    for pair in PAIRS.iter() {
        let expected = if pair.is_version_6 { (6, 2) } else { (3, 1) };
        let expected = (Some(expected.0), Some(expected.1));
        let found = versions(&stored(&pair.certificate));
        assert_eq!(found, expected, "{}", pair.maker);
    }
}

#[test]
fn gpg_opens_what_is_sealed_to_an_imported_certificate_that_claims_rfc_9580() {
    let claiming = PAIRS.iter().filter(|it| it.maker.starts_with("sequoia"));
    for pair in claiming {
        let Some(gpg) = GnuPg::new() else {
            return;
        };
        gpg.run(&["--import"], &pair.secret);
        let fingerprint = gpg.fingerprints().remove(0);
        let exported = gpg.export(&fingerprint, &[]);
        let opened = gpg.run(&["--decrypt"], stored(&exported).as_bytes());
        assert_opened(&opened, &pair.maker);
    }
}
