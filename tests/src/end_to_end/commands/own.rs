//! `banto keys register, fetch, status, ack`: developers with the real command and GnuPG, the real
//! function, and a local AWS between them.

mod interrupted;
mod office;
mod with_sq;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use banto::local::proxy::{Fault, Proxy, Rule};
use jiff::SignedDuration;
use serde_json::{Value, json};

use self::office::{Office, files_with, profile};
use super::desk::lacks;
use super::program::TERMINAL;
use super::town::Person;

const POLICIES: [&str; 2] = [
    include_str!("../../../../infra/modules/identity/policies/users.json"),
    include_str!("../../../../infra/modules/identity/policies/mfa.json"),
];

/// Everybody registers a certificate, and gets a key once it counts.
async fn with_new_keys(office: &mut Office) {
    // The clock stands still between the function's runs, and that of GnuPG does not.
    let hour = SignedDuration::from_hours(1);
    office.town.local.advance(hour).await;
    for person in &office.town.people {
        office.says(person, "keys status", 1, "banto keys register");
        office.says(person, "keys fetch --yes", 1, "no new key was made");
        register(office, person);
        let name = person.name;
        let stored = office.town.stored(&format!("certs/{name}.asc")).await;
        let fingerprint = person.desk.fingerprints().remove(0);
        let exported = person
            .desk
            .run(&format!("gpg --export --armor {fingerprint}"));
        assert_eq!(stored, exported);
        let pin = office.town.tag(name, "banto:openpgp").await;
        assert_eq!(pin.as_deref(), Some(fingerprint.as_str()));
        office.says(person, "keys register", 0, "Nothing to do");
    }
    office.town.local.advance(hour).await;
    office.town.run().await;
    let alice = &office.town.people[0];
    office.says(alice, "keys status", 0, ", counts from ");
    office.town.advance_days(8).await;
    office.town.run().await;
}

/// One names all by options. Another is asked on a terminal, and types an address that is none.
fn register(office: &Office, person: &Person) {
    let (command, counts) = ("banto keys register --make", "It counts from ");
    if person.name == "alice" {
        let options = "--name Alice --mail alice@example.com --yes";
        office.shell_says(person, &format!("{command} {options}"), 0, counts);
        return;
    }
    // Ctrl-U takes back what was typed.
    let steps = json!([
        ["Your name", "Bob\r"],
        ["mail address", "bob\r"],
        ["as in `alice@example.com`", "\u{15}bob@example.com\r"],
        ["Register it?", "y\r"],
    ]);
    // The machine's clock, by which the certificate is made after the command has begun: in another
    // second, as where somebody types a passphrase.
    let slow = "#!/bin/sh\ncase \"$*\" in *--quick-gen-key*) sleep 1.1 ;; esac\n\
                export PATH=\"${PATH#*:}\"\nexec gpg \"$@\"\n";
    person.desk.program("gpg", slow);
    let typed = format!(
        "BANTO_CLOCK_OFFSET_SECONDS=0 TERM=xterm python3 {TERMINAL} 80 '{steps}' {command}"
    );
    office.shell_says(person, &typed, 0, counts);
}

#[tokio::test]
async fn developers_get_from_nothing_to_a_proven_key_and_the_old_ones_are_retired() {
    if lacks("gpg") {
        return;
    }
    let mut office = Office::of(&["alice", "bob"]).await;
    with_new_keys(&mut office).await;
    let [alice, bob] = &office.town.people[..] else {
        panic!("two people")
    };
    office.says(alice, "keys status", 1, "new, waits for you");
    // Nobody can answer, so that nothing is opened.
    let unanswered = "Put the new key into the profile default of";
    office.says(alice, "keys fetch", 2, unanswered);
    let alone = "AWS_ENDPOINT_URL=http://127.0.0.1:9 banto keys fetch --yes";
    office.shell_says(alice, alone, 3, "AWS can't be reached");
    let (old, old_secret) = profile(&alice.desk);
    let fetched = office.says(alice, "keys fetch --yes", 0, "need not acknowledge it");
    let (new, secret) = profile(&alice.desk);
    assert_ne!(new, old);
    let home = alice.desk.path("");
    assert_eq!(
        files_with(&home, &secret),
        [alice.desk.path(".aws/credentials")]
    );
    let backup = alice.desk.path(".aws/credentials.banto-backup");
    assert_eq!(files_with(&home, &old_secret), [backup]);
    let mode = fs::metadata(alice.desk.path(".aws/credentials"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{}{}", fetched.said, fetched.complained).contains(&secret));
    office.says(alice, "keys fetch --yes", 0, "Nothing to do");
    office.says(alice, "keys status", 0, "Nothing to do.");

    // Bob can't use the key yet.
    office.says(bob, "keys ack", 0, "is acknowledged");
    office.says(bob, "keys ack", 0, "Nothing to do");
    other_targets(&office, alice, &new, &secret);

    // The use is two days old then; the acknowledgement is read by the first run, and the old key
    // rests from then on.
    for _ in 0..2 {
        office.town.advance_days(2).await;
        office.town.run().await;
    }
    for person in &office.town.people {
        let keys = office
            .town
            .local
            .aws
            .access_keys(person.name)
            .await
            .unwrap();
        let active: Vec<bool> = keys.iter().map(|key| key.active).collect();
        assert_eq!(active, [false, true], "{}", person.name);
    }
    let [alice, bob] = &office.town.people[..] else {
        panic!("two people")
    };
    office.says(alice, "keys status", 0, "disabled by Banto");
    assert_eq!(profile(&alice.desk), (new, secret));
    from_an_envelope(&office, bob).await;
    another_certificate(&office, alice).await;
    assert_every_call_is_in_the_policies(&office.proxy);
}

/// The key goes where it is asked to, and is in no arguments and no environment on the way.
fn other_targets(office: &Office, alice: &Person, new: &str, secret: &str) {
    let desk = &alice.desk;
    let printed = office.says(alice, "keys fetch --to process", 0, new);
    let printed: Value = serde_json::from_str(&printed.said).unwrap();
    assert_eq!(
        (&printed["Version"], &printed["SecretAccessKey"]),
        (&1.into(), &secret.into())
    );
    let shell = "eval \"$(banto keys fetch --to shell)\"; printf %s \"$AWS_SECRET_ACCESS_KEY\"";
    assert_eq!(office.shell(desk, shell).said, secret);

    office.says(alice, "keys fetch --to pass", 1, "no `pass` in PATH");
    let pass = "#!/bin/sh\ncat > kept\n{ printf '%s\\n' \"$@\"; env; } > seen\n";
    desk.program("pass", pass);
    let to_pass = "keys fetch --to pass --profile-name work";
    office.says(alice, to_pass, 2, "into the entry aws/work of pass?");
    assert!(!desk.path("kept").exists());
    let to_pass = format!("AWS_SECRET_ACCESS_KEY=hidden banto {to_pass} --yes");
    let ended = office.shell(desk, &to_pass);
    assert_eq!(ended.code, 0, "{}", ended.complained);
    assert!(ended.said.contains("the entry aws/work"), "{}", ended.said);
    assert!(
        fs::read_to_string(desk.path("kept"))
            .unwrap()
            .contains(secret)
    );
    let seen = fs::read_to_string(desk.path("seen")).unwrap();
    assert!(
        seen.starts_with("insert\n") && !seen.contains(secret) && !seen.contains("hidden"),
        "{seen}"
    );
    fs::remove_file(desk.path("kept")).unwrap();
    fs::remove_file(desk.path("bin/pass")).unwrap();
}

/// The old key is dead: the new one is in an envelope that came another way.
async fn from_an_envelope(office: &Office, bob: &Person) {
    let desk = &bob.desk;
    let get = json!({ "SecretId": "banto/access-keys/bob" });
    let got = office
        .town
        .local
        .aws
        .secrets_manager("GetSecretValue", &get);
    let record = got.await.unwrap()["SecretString"]
        .as_str()
        .unwrap()
        .to_owned();
    desk.write("record", &record);
    let before = fs::read_to_string(desk.path(".aws/credentials")).unwrap();
    // One letter of the ciphertext is another one.
    let middle = record.find("-----END").unwrap() - 100;
    let mut tampered = record.into_bytes();
    tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
    fs::write(desk.path("tampered"), tampered).unwrap();
    let refused = office.banto(desk, "keys fetch --envelope tampered --user bob --yes");
    assert_eq!(refused.code, 1, "{}", refused.complained);
    assert_eq!(
        fs::read_to_string(desk.path(".aws/credentials")).unwrap(),
        before
    );

    // Nobody says whose key it is to be: no question is answered for a person who is not there.
    let unnamed = "keys fetch --envelope record --yes";
    office.says(bob, unnamed, 2, "--user NAME --yes");
    let other = "keys fetch --envelope record --user alice --yes";
    office.says(bob, other, 1, "the record is of bob");
    assert_eq!(
        fs::read_to_string(desk.path(".aws/credentials")).unwrap(),
        before
    );
    let own = "keys fetch --envelope record --user bob --yes";
    let fetched = office.says(bob, own, 0, "works");
    let (new, secret) = profile(desk);
    assert!(!before.contains(&new) && fetched.said.contains(&new));
    assert!(!format!("{}{}", fetched.said, fetched.complained).contains(&secret));
}

/// The former certificate signs the new one, whose pin wants a second factor.
async fn another_certificate(office: &Office, alice: &Person) {
    let device = "arn:aws:iam::111122223333:mfa/alice";
    let codes = [
        ("UserName", "alice"),
        ("SerialNumber", device),
        ("AuthenticationCode1", "123456"),
        ("AuthenticationCode2", "234567"),
    ];
    office
        .town
        .local
        .aws
        .iam("EnableMFADevice", &codes)
        .await
        .unwrap();
    let deny = |first: usize| Rule {
        operation: Some("iam:TagUser".to_owned()),
        first,
        times: 1,
        fault: Fault::Denied,
    };
    office.proxy.inject(deny(1));
    office.proxy.inject(deny(2));
    let make = "keys register --make --name Alice --mail alice@example.com --yes";
    office.says(alice, make, 2, "answer with --mfa-code CODE");
    let new = alice.desk.fingerprints().remove(1);
    // The same command with a code finishes what that one began.
    let again = format!("{make} --mfa-code 654321");
    office.says(alice, &again, 0, "It counts at once, since your former");
    assert_eq!(alice.desk.fingerprints().len(), 2, "no third is made");
    let pin = office.town.tag("alice", "banto:openpgp").await;
    assert_eq!(pin, Some(new));
    office.says(alice, "keys status", 0, ", counts");
    one_of_two_certificates(office, alice);
}

/// The former certificate and the new one are both there: a person is asked which, and any change
/// is asked about; nobody else is.
fn one_of_two_certificates(office: &Office, alice: &Person) {
    office.says(
        alice,
        "keys register",
        2,
        "answer with --fingerprint FINGERPRINT",
    );
    // The newest is the first. Ctrl-U takes back the number that is suggested.
    let steps = json!([["Which certificate", "\u{15}2\r"], ["Register it?", "n\r"]]);
    let register = format!("TERM=xterm python3 {TERMINAL} 80 '{steps}' banto keys register");
    let ended = office.shell(&alice.desk, &register);
    assert_eq!(ended.code, 1, "{}", ended.said);
    let [former, new] = &alice.desk.fingerprints()[..] else {
        panic!("two certificates")
    };
    for shown in [former, new, "Nothing was done."] {
        assert!(ended.said.contains(shown), "{shown}: {}", ended.said);
    }
}

/// Everything that the command asked of AWS is in the users' own policies, or needs no permission.
fn assert_every_call_is_in_the_policies(proxy: &Proxy) {
    let calls = proxy.all_calls();
    let calls = calls.iter().map(|call| call.operation.as_str());
    let mut made: BTreeSet<&str> = calls.collect();
    // (STS API reference: neither needs a permission.)
    for free in ["sts:GetCallerIdentity", "sts:GetSessionToken"] {
        assert!(made.remove(free), "{made:?}");
    }
    let expected = [
        "iam:GetAccessKeyLastUsed",
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:ListMFADevices",
        "iam:TagUser",
        "s3:GetObject",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
    ];
    assert_eq!(made, BTreeSet::from(expected));
    let [users, mfa] = POLICIES;
    for call in expected {
        let quoted = format!("\"{call}\"");
        assert!(users.contains(&quoted), "{call}");
        // A tag is what the second factor is for.
        assert_eq!(mfa.contains(&quoted), call != "iam:TagUser", "{call}");
    }
}
