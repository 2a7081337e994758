//! The commands of the notices to owners, for ordinary names and odd ones.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, Fingerprint, UserName};
use banto_lambda::event::Invoked;
use jiff::SignedDuration;
use rotate_access_keys::event::{self, Mode, Request, Scope, Trigger};
use serde_json::{Value, json};

use super::desk::lacks;
use super::town::{Letter, Person, Town, commands_in};

/// Names as IAM allows them: letters, digits and `+=,.@_-`, in any place.
const NAMES: [&str; 5] = ["alice", "a,b", "bob+smith@example.com", "-x=y", "_.-"];

/// Every message that alice can get.
const MESSAGES: &str = include_str!("../../../../functions/rotate-access-keys/tests/messages.txt");

/// The key in those messages.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// The command of a message that holds the envelope.
const OPEN: &str = "gpg --decrypt";

/// A prefix that a shell would take apart.
const ODD_PREFIX: &str = "team a & b's/";

/// The letter to a person with these words in it.
fn letter<'a>(letters: &'a [Letter], user: &str, words: &str) -> &'a Letter {
    let mut found = letters.iter();
    let found = found.find(|letter| letter.user == user && letter.body.contains(words));
    found.unwrap_or_else(|| panic!("{user} is not told {words:?}: {letters:#?}"))
}

/// The ways to write a fingerprint: as GnuPG lists it, as it prints it for people, and as an id.
fn spelled(fingerprint: &str, way: usize) -> String {
    let groups: Vec<&str> = (0..10).map(|n| &fingerprint[4 * n..4 * n + 4]).collect();
    match way % 3 {
        0 => fingerprint.to_owned(),
        1 => format!("{}  {}", groups[..5].join(" "), groups[5..].join(" ")),
        _ => format!("0x{}", fingerprint.to_ascii_lowercase()),
    }
}

/// Each person makes a certificate.
fn make_certificates(town: &mut Town) {
    let made = town.at_each(|person| {
        let desk = &person.desk;
        desk.run("gpg --quick-gen-key 'Someone <someone@example.com>' future-default default 2y");
        desk.fingerprints().remove(0)
    });
    for (way, (person, fingerprint)) in town.people.iter_mut().zip(made).enumerate() {
        person.desk.fingerprint = spelled(&fingerprint, way);
    }
}

/// Each person does what the letter about a missing certificate says. Returns the letters.
async fn register(town: &mut Town) -> Vec<Letter> {
    let letters = town.run().await;
    make_certificates(town);
    town.at_each(|person| {
        let letter = letter(&letters, person.name, "no usable certificate");
        let commands = letter.commands();
        assert_eq!(commands.len(), 2, "{}", letter.body);
        for command in commands {
            person.desk.run(command);
        }
    });
    // The clock of the function stands still between its runs, and that of GnuPG does not.
    town.local.advance(SignedDuration::from_hours(1)).await;
    letters
}

/// The payload that a command prints.
fn payload(person: &Person, printed: &str) -> Value {
    let payload: Value = serde_json::from_str(printed).unwrap();
    assert_eq!(payload["UserName"], person.name);
    payload
}

/// Each person uses the new key, alice by the command, whose signature is checked.
async fn use_keys(town: &Town, command: &str, payloads: &[Value]) {
    for payload in payloads {
        let key = payload["AccessKeyId"].as_str().unwrap();
        let user = town.local.aws.with_key(key);
        let caller = user.caller_identity().await.unwrap();
        let name = payload["UserName"].as_str().unwrap();
        assert!(caller.ends_with(&format!("/{name}")), "{caller}");
    }
    town.local.moto.check_credentials(true).await.unwrap();
    let caller = town.people[0].desk.run(command);
    town.local.moto.check_credentials(false).await.unwrap();
    let caller: Value = serde_json::from_str(&caller).unwrap();
    let alice = "arn:aws:iam::111122223333:user/developers/alice";
    assert_eq!(caller["Arn"], alice);
}

#[tokio::test]
async fn every_command_of_an_owners_notice_does_what_its_step_says_whatever_the_name() {
    if lacks("gpg") {
        return;
    }
    let mut town = Town::of(&NAMES, "certs/").await;
    let unregistered = register(&mut town).await;
    for person in &town.people {
        let stored = town.stored(&format!("certs/{}.asc", person.name)).await;
        let exported = person.desk.run("gpg --export --armor \"$FINGERPRINT\"");
        assert_eq!(stored, exported, "{}", person.name);
        let pin = town.tag(person.name, "banto:openpgp").await.unwrap();
        let pin = Fingerprint::from_human(&pin).unwrap();
        assert_eq!(
            pin.as_str(),
            person.desk.fingerprints()[0],
            "{}",
            person.name
        );
    }
    // The first certificate of somebody who has a key waits out its days of grace.
    let told = town.run().await;
    for person in &town.people {
        letter(
            &told,
            person.name,
            "A new OpenPGP certificate was registered",
        );
    }
    town.advance_days(8).await;

    let issued = town.run().await;
    let payloads = town.at_each(|person| {
        let letter = letter(&issued, person.name, "is ready to fetch");
        let [fetch, _] = letter.commands()[..] else {
            panic!("{}", letter.body)
        };
        let payload = payload(person, &person.desk.run(fetch));
        let headline = letter.body.lines().next().unwrap();
        assert!(headline.contains(payload["AccessKeyId"].as_str().unwrap()));
        person.desk.take_payload(&payload);
        payload
    });
    let use_it = letter(&issued, "alice", "is ready to fetch").commands()[1];
    use_keys(&town, use_it, &payloads).await;

    town.advance_days(2).await;
    let disabled = town.run().await;
    restore(&mut town, &disabled).await;
    assert_every_command_was_run(&town, &[unregistered, issued, disabled].concat()).await;
}

/// Compares the commands in alice's letters, all of which were run, with those in all messages that
/// there are. Another test runs the one that opens an envelope.
async fn assert_every_command_was_run(town: &Town, letters: &[Letter]) {
    let keys = town.local.aws.access_keys("alice").await.unwrap();
    let alices = letters.iter().filter(|letter| letter.user == "alice");
    let run = alices.flat_map(Letter::commands);
    let run = run.map(|command| command.replace(&keys[0].id, KEY));
    let mut run: BTreeSet<String> = run.collect();
    run.insert(OPEN.to_owned());
    let known = commands_in(MESSAGES).into_iter().map(str::to_owned);
    assert_eq!(known.collect::<BTreeSet<String>>(), run);
}

/// Puts what the letters say into the queue, and sees the keys that were disabled work again.
async fn restore(town: &mut Town, letters: &[Letter]) {
    let mut requests = Vec::new();
    let mut disabled = Vec::new();
    for name in NAMES {
        let keys = town.local.aws.access_keys(name).await.unwrap();
        assert!(!keys[0].active && keys[1].active, "{name}: {keys:?}");
        let [request] = letter(letters, name, "stops working now").commands()[..] else {
            panic!("{letters:#?}")
        };
        let decoded = event::decode(request.as_bytes()).unwrap();
        let expected = restoring(name, &keys[0].id);
        assert_eq!(decoded, Invoked::Direct(Trigger::Rotate(expected)));
        requests.push(serde_json::from_str(request).unwrap());
        disabled.push((name, keys[0].id.clone()));
    }
    let told = town.ask(&requests).await;
    for (name, key) in disabled {
        letter(&told, name, &format!("{key} works again"));
        let keys = town.local.aws.access_keys(name).await.unwrap();
        assert!(keys[0].active, "{name}: {keys:?}");
    }
}

fn restoring(user: &str, key: &str) -> Request {
    let user: UserName = user.parse().unwrap();
    let key: AccessKeyId = key.parse().unwrap();
    Request {
        account: Some("111122223333".parse().unwrap()),
        scope: Scope::Users {
            users: BTreeSet::from([user]),
            mode: Mode::Restore,
            keys: BTreeSet::from([key]),
            certificate: None,
        },
        dry_run: false,
        asked_at: None,
    }
}

#[tokio::test]
async fn a_message_that_holds_the_envelope_is_opened_by_the_command_in_it_as_it_came() {
    if lacks("gpg") {
        return;
    }
    let mut town = Town::of(&["a,b"], ODD_PREFIX).await;
    register(&mut town).await;
    town.advance_days(8).await;
    town.run().await;
    let request = json!({ "users": ["a,b"], "mode": "emergency" });
    let letters = town.ask(&[request]).await;
    let letter = letter(&letters, "a,b", "BEGIN PGP MESSAGE");
    let [open] = letter.commands()[..] else {
        panic!("{}", letter.body)
    };
    let owner = &town.people[0];
    assert_eq!(open, OPEN);
    let payload = payload(owner, &owner.desk.run_on(open, &letter.body));
    let keys = town.local.aws.access_keys("a,b").await.unwrap();
    let works = keys.iter().filter(|key| key.active);
    let works: Vec<&str> = works.map(|key| key.id.as_str()).collect();
    assert_eq!(works, [payload["AccessKeyId"].as_str().unwrap()]);
}
