//! What programs say, read: listings, status lines, cards.

use banto_domain::Fingerprint;

use super::home::{Home, Tried};
use crate::openpgp::error::CardTrouble;
use crate::openpgp::program::{Kind, Version};
use crate::openpgp::run::complaint;
use crate::openpgp::{Address, Card, Name, OpenPgpError, Program, Secret, gpg, store};

async fn some_gpg(home: &Home) -> Tried<Program> {
    home.program(home.script("gpg", "#!/bin/sh\necho 'gpg (GnuPG) 2.2.40'\n")?)
        .await
}

/// A primary key that is elsewhere, subkeys on a card; then a key on disk whose newest encryption
/// subkey is revoked. In the form of GnuPG's doc/DETAILS.
const LISTING: &str = "\
sec:u:255:22:F0E1D2C3B4A59687:1700000000:1900000000::u:::scESC:::#::ed25519:::0:
fpr:::::::::0123456789ABCDEF0123456789ABCDEF01234567:
grp:::::::::AAAA:
uid:u::::1700000000::BBBB::Alice \\x3cof\\x3a the hill\\x3e\\x1b[2J::::::::::0:
uid:r::::1700000000::BBBB::Alice of old::::::::::0:
ssb:u:255:22:1111111111111111:1700000000::::::s:::D2760001240100000006123456780000::ed25519::
fpr:::::::::1123456789ABCDEF0123456789ABCDEF01234567:
ssb:u:255:18:2222222222222222:1700000000::::::e:::D2760001240100000006123456780000::cv25519::
fpr:::::::::2123456789ABCDEF0123456789ABCDEF01234567:
sec:u:3072:1:F0E1D2C3B4A59688:1800000000:::u:::scESC:::+:::23::0:
fpr:::::::::3123456789ABCDEF0123456789ABCDEF01234567:
uid:u::::1800000000::BBBB::Bob::::::::::0:
ssb:u:3072:1:3333333333333333:1800000000::::::e:::+:::23:
fpr:::::::::4123456789ABCDEF0123456789ABCDEF01234567:
ssb:r:3072:1:4444444444444444:1800000009::::::e:::#:::23:
fpr:::::::::5123456789ABCDEF0123456789ABCDEF01234567:
";

#[tokio::test]
async fn a_listing_tells_where_each_secret_key_is() -> Tried {
    let home = Home::new()?;
    let program = some_gpg(&home).await?;
    let [alice, bob] = &gpg::listed(LISTING, &program)[..] else {
        panic!("not two")
    };
    assert_eq!(
        alice.fingerprint.as_str(),
        "0123456789ABCDEF0123456789ABCDEF01234567"
    );
    assert_eq!(alice.user_ids, ["Alice <of: the hill>[2J"]);
    assert_eq!(alice.primary, Secret::Elsewhere);
    assert_eq!(alice.card(), Some("D2760001240100000006123456780000"));
    assert_eq!(bob.card(), None);
    assert_eq!(bob.encryption, Some(Secret::Here));
    Ok(())
}

#[tokio::test]
async fn codes_of_cards_and_their_daemon_have_their_own_errors() -> Tried {
    let home = Home::new()?;
    let program = some_gpg(&home).await?;
    let why = |code: u32| {
        let errors = format!("gpg: failed\n[GNUPG:] ERROR pkdecrypt_failed {code}\n");
        gpg::why(&program, &errors)
    };
    let scd = 6 << 24;
    assert!(matches!(
        why(scd | 112),
        Some(OpenPgpError::Card(CardTrouble::Absent))
    ));
    assert!(matches!(
        why(scd | 130),
        Some(OpenPgpError::Card(CardTrouble::Blocked))
    ));
    assert!(matches!(
        why(scd | 119),
        Some(OpenPgpError::Card(CardTrouble::NoDaemon))
    ));
    assert!(matches!(why(scd | 87), Some(OpenPgpError::BadPassphrase)));
    assert!(matches!(
        why(scd | 1),
        Some(OpenPgpError::Card(CardTrouble::Other(1)))
    ));
    assert!(why(1).is_none());
    assert!(gpg::why(&program, "[GNUPG:] FAILURE gpg-exit 33554433\n").is_none());
    // As gpg 2.2.40 says it with `no-allow-loopback-pinentry` for its agent.
    let refused = "[GNUPG:] ERROR set_pinentry_mode 67108924\n[GNUPG:] KEY_NOT_CREATED\n";
    assert!(matches!(
        gpg::why(&program, refused),
        Some(OpenPgpError::Loopback)
    ));
    Ok(())
}

const CARD: &str = "\
Reader:Yubico YubiKey OTP FIDO CCID 00 00:AID:D2760001240100000006123456780000:openpgp-card:
version:0304:
vendor:0006:Yubico:
serial:12345678:
pinretry:3:0:3:
uif:0:1:0:
fpr:1123456789ABCDEF0123456789ABCDEF01234567:2123456789ABCDEF0123456789ABCDEF01234567::
";

#[test]
fn a_card_tells_its_keys_its_tries_and_its_touch() {
    let card = Card::read(CARD).unwrap();
    assert_eq!(card.serial, "D2760001240100000006123456780000");
    assert_eq!(
        (card.vendor.as_str(), card.pin_tries, card.touch),
        ("Yubico", Some(3), Some(true))
    );
    assert_eq!(
        card.encryption.as_deref(),
        Some("2123456789ABCDEF0123456789ABCDEF01234567")
    );
    assert_eq!(card.what_to_do().len(), 2);
    assert!(card.what_to_do()[1].ends_with("Then touch the card while it blinks."));
    assert_eq!(Card::read("AID:::\n"), None);

    let fresh = CARD.replace(":2123456789ABCDEF0123456789ABCDEF01234567:", "::");
    let blocked = fresh.replace("pinretry:3", "pinretry:0");
    let told = Card::read(&blocked).unwrap().what_to_do().join(" ");
    assert!(
        told.contains("no encryption key") && told.contains("PIN is blocked"),
        "{told}"
    );
}

/// As `sq` 1.5.0 printed it, with a card's line as its source writes it.
const STORE: &str = " - Backend gpg-agent has no keys.

 - 88E5DEF97E4553F5CAD6B1555A24669106E102A3
   - user ID: Alice <alice@example.com> (authenticated)
   - created 2026-11-27 14:46:06 UTC
   - will expire 2028-11-27T02:23:40Z
   - usable for signing
   - @softkeys/88E5DEF97E4553F5CAD6B1555A24669106E102A3: available, unlocked

   - 300D677502DA05ECAE575A87B791CB9013677E5F
     - created 2026-11-27 14:46:06 UTC
     - usable for signing
     - @softkeys/88E5DEF97E4553F5CAD6B1555A24669106E102A3: available, unlocked
   - 456E79DA6FC7C3B55B481241CA271F6901FFFC52
     - created 2026-11-27 14:46:06 UTC
     - usable for decryption
     - @openpgp-card/0006:12345678: available, locked

 - 555FC386F34EF888CA35946AE39E2792DDB23222
   - created 2026-11-27 14:46:06 UTC

   - 1B7BAD9445302CB47C121B65FC651E043906D961
     - usable for signing
     - @softkeys/555FC386F34EF888CA35946AE39E2792DDB23222: available, locked
";

#[test]
fn a_key_stores_listing_is_read() -> Tried {
    let [alice, bob] = &store::listed(STORE)[..] else {
        panic!("not two")
    };
    let fingerprint: Fingerprint = "88E5DEF97E4553F5CAD6B1555A24669106E102A3".parse()?;
    assert_eq!(alice.fingerprint, fingerprint);
    assert_eq!(alice.primary, Some(Secret::Here));
    let serial = "0006:12345678".to_owned();
    assert_eq!(alice.encryption, Some(Secret::Card { serial }));
    assert_eq!((&bob.primary, &bob.encryption), (&None, &None));
    Ok(())
}

#[test]
fn a_name_or_an_address_that_no_user_id_can_have_is_refused_with_a_likeness() {
    for (text, is_name, is_address) in [
        (" Alice Example ", true, false),
        ("alice@example.com", true, true),
        ("", false, false),
        ("-x", false, false),
        ("A <a@example.com>", false, false),
        ("alice@", true, false),
        ("a b@example.com", true, false),
    ] {
        assert_eq!(text.parse::<Name>().is_ok(), is_name, "{text:?}");
        assert_eq!(text.parse::<Address>().is_ok(), is_address, "{text:?}");
    }
    let told = "alice".parse::<Address>().unwrap_err().to_string();
    assert!(told.contains("as in `alice@example.com`"), "{told}");
}

#[test]
fn versions_are_read_and_only_known_command_lines_are_used() {
    let kind = |said: &str| {
        let (name, version) = Version::said(said)?;
        Kind::of(&name, version).ok()
    };
    assert_eq!(kind("gpg (GnuPG) 2.5.13-beta1"), Some(Kind::Gpg));
    assert_eq!(
        kind("sq 0.27.0 (sequoia-openpgp 1.12.0, using Nettle)"),
        Some(Kind::SqOfFiles)
    );
    assert_eq!(
        kind("error: no such option\n\nsq 1.5.0\nusing sequoia-openpgp 2.4.1"),
        Some(Kind::Sq)
    );
    for too_old in ["gpg (GnuPG) 2.0.30", "sq 0.26.0", "sq 0.40.0"] {
        assert_eq!(kind(too_old), None, "{too_old}");
    }
}

#[test]
fn a_complaint_is_the_last_lines_without_status_lines_and_control_characters() {
    let errors = "one\n[GNUPG:] KEY_CONSIDERED 1\n2\n3\n\n4\n5\x1b[31m\n6\n7\n";
    assert_eq!(complaint(errors), "2\n3\n4\n5[31m\n6\n7");
    assert_eq!(complaint(&"x".repeat(1000)).len(), 200);
}
