//! `banto keys register, fetch, status, ack`: developers with the real command and GnuPG, the real
//! function, and a local AWS between them.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use banto::local::function_binary;
use banto::local::proxy::{Fault, Proxy, Rule};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::desk::{Desk, lacks};
use super::town::{Person, Town};

const POLICIES: [&str; 2] = [
    include_str!("../../../../infra/modules/identity/policies/users.json"),
    include_str!("../../../../infra/modules/identity/policies/mfa.json"),
];

/// Developers, each with the command, and what stands between them and AWS.
struct Office {
    town: Town,
    proxy: Proxy,
    /// Ends the proxy's thread when it is dropped.
    _end: oneshot::Sender<()>,
}

/// How a command ended.
struct Ended {
    code: i32,
    said: String,
    complained: String,
}

impl Office {
    async fn of(names: &[&'static str]) -> Self {
        let town = Town::of(names, "certs/").await;
        let banto = function_binary("banto", &|_| {}).await.unwrap();
        for person in &town.people {
            symlink(&banto, person.desk.path("bin/banto")).unwrap();
            person.desk.write("banto.toml", &town.policy());
        }
        let (proxy, end) = aside(town.local.moto.endpoint()).await;
        Self {
            town,
            proxy,
            _end: end,
        }
    }

    /// Runs the command at a desk, at the simulated time.
    fn banto(&self, desk: &Desk, arguments: &str) -> Ended {
        self.shell(desk, &format!("banto {arguments}"))
    }

    fn shell(&self, desk: &Desk, command: &str) -> Ended {
        let ahead = self.town.local.now.duration_since(Timestamp::now());
        let variables = format!(
            "export AWS_ENDPOINT_URL={} BANTO_CLOCK_OFFSET_SECONDS={};",
            self.proxy.endpoint(),
            ahead.as_secs()
        );
        let output = desk.try_run(&format!("{variables} {command}"), "");
        Ended {
            code: output.status.code().unwrap(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the command, which must end so and say this on standard output or standard error.
    fn says(&self, person: &Person, arguments: &str, code: i32, words: &str) -> Ended {
        let ended = self.banto(&person.desk, arguments);
        let text = format!("{}\n{}", ended.said, ended.complained);
        assert_eq!(ended.code, code, "{arguments}\n{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{arguments}: {words}\n{text}");
        ended
    }
}

/// A proxy in a thread of its own: the test's waits for the commands.
async fn aside(target: &str) -> (Proxy, oneshot::Sender<()>) {
    let ((tell, told), (end, ended)) = (oneshot::channel(), oneshot::channel());
    let target = target.to_owned();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let proxy = Proxy::start(&target).await.unwrap();
            drop(tell.send(proxy));
            let _dropped = ended.await;
        });
    });
    (told.await.unwrap(), end)
}

/// The key of the profile that a developer uses.
fn profile(desk: &Desk) -> (String, String) {
    let text = fs::read_to_string(desk.path(".aws/credentials")).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim_start_matches([' ', '=']).to_owned()
    };
    (value("aws_access_key_id"), value("aws_secret_access_key"))
}

/// The files below a folder that have a text in them.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files_with(&path, text));
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            if bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.push(path);
            }
        }
    }
    found
}

/// Everybody registers a certificate, and gets a key once it counts.
async fn with_new_keys(office: &mut Office) {
    // The clock stands still between the function's runs, and that of GnuPG does not.
    let hour = SignedDuration::from_hours(1);
    office.town.local.advance(hour).await;
    for person in &office.town.people {
        office.says(person, "keys status", 1, "banto keys register");
        office.says(person, "keys fetch --yes", 1, "no new key was made");
        let make = "keys register --make --name Someone --mail someone@example.com --yes";
        office.says(person, make, 0, "It counts 7 days after");
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
    office.says(alice, "keys status", 0, "does not count yet");
    office.town.advance_days(8).await;
    office.town.run().await;
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
    desk.write("bin/pass", pass);
    fs::set_permissions(desk.path("bin/pass"), Permissions::from_mode(0o755)).unwrap();
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
