//! The commands of the notices to owners, for ordinary names and odd ones: those of `banto`, and those
//! for whoever lacks it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use banto::local::aws::Aws;
use banto::local::function_binary;
use banto_domain::Fingerprint;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::local::{ACCOUNT, REGION};
use super::desk::{Desk, lacks};
use super::town::{Letter, Person, Town, commands_in};

/// Names as IAM allows them: letters, digits and `+=,.@_-`, in any place.
const NAMES: [&str; 5] = ["alice", "a,b", "bob+smith@example.com", "-x=y", "_.-"];

/// Every message that alice can get.
const MESSAGES: &str = include_str!("../../../../functions/rotate-access-keys/tests/messages.txt");

/// The key in those messages.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// The commands of a message that holds the envelope.
const OPEN: [&str; 2] = ["banto keys fetch --envelope notice.txt", "gpg --decrypt"];

/// The command of a reminder.
const ACKNOWLEDGE: &str = "banto keys ack";

/// Who goes by the commands of `banto`: the others do without.
const BY_BANTO: [&str; 3] = ["bob+smith@example.com", "-x=y", "_.-"];

/// Who can't use the new key yet.
const LATE: &str = "_.-";

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

fn goes_by_banto(person: &Person) -> bool {
    BY_BANTO.contains(&person.name)
}

/// Puts the command and the policy where every person has them.
async fn hand_out_banto(town: &Town) {
    let banto = function_binary("banto", &|_: &str| {}).await.unwrap();
    for person in &town.people {
        symlink(&banto, person.desk.path("bin/banto")).unwrap();
        fs::create_dir_all(person.desk.path(".config/banto")).unwrap();
        person
            .desk
            .write(".config/banto/banto.toml", &town.policy());
    }
}

/// Runs a command of `banto` as it stands at the simulated time, and answers its question with yes.
fn banto(town: &Town, desk: &Desk, command: &str) -> String {
    let ahead = town.local.now.duration_since(Timestamp::now()).as_secs();
    // An option comes before a name that looks like one.
    let command = match command.split_once(" -- ") {
        Some((command, rest)) => format!("{command} --yes -- {rest}"),
        None if command == ACKNOWLEDGE => command.to_owned(),
        None => format!("{command} --yes"),
    };
    desk.run(&format!("BANTO_CLOCK_OFFSET_SECONDS={ahead} {command}"))
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
    hand_out_banto(town).await;
    // The clock of the function stands still, and that of GnuPG, which made the certificates, not.
    town.local.advance(SignedDuration::from_hours(1)).await;
    let at = &*town;
    at.at_each(|person| {
        let letter = letter(&letters, person.name, "no usable certificate");
        let [short, store, pin] = letter.commands()[..] else {
            panic!("{}", letter.body)
        };
        if goes_by_banto(person) {
            banto(at, &person.desk, short);
        } else {
            person.desk.run(store);
            person.desk.run(pin);
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

/// The new key's id in a person's credentials file.
fn key_in_place(person: &Person) -> String {
    let text = fs::read_to_string(person.desk.path(".aws/credentials")).unwrap();
    let mut lines = text.lines();
    let id = lines.find_map(|line| line.strip_prefix("aws_access_key_id"));
    id.unwrap().trim_start_matches([' ', '=']).to_owned()
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
    let opened = town.at_each(|person| open_by_letter(&town, person, &issued));
    let in_use = opened.into_iter().filter(|it| it["UserName"] != LATE);
    let used = letter(&issued, "alice", "is ready to fetch");
    let command = "aws sts get-caller-identity";
    assert!(used.body.contains(&format!("`{command}`")), "{}", used.body);
    use_keys(&town, command, &in_use.collect::<Vec<Value>>()).await;

    // An acknowledgement is read by the first run, and the old key rests from then on.
    let mut disabled = Vec::new();
    for _ in 0..2 {
        town.advance_days(2).await;
        disabled.extend(town.run().await);
    }
    restore(&mut town, &disabled).await;
    assert_every_command_was_run(&town, &[unregistered, issued, disabled].concat()).await;
}

/// A person does what the letter about the new key says, and opens it without `banto` in any case.
fn open_by_letter(town: &Town, person: &Person, letters: &[Letter]) -> Value {
    let letter = letter(letters, person.name, "is ready to fetch");
    let [short, fetch] = letter.commands()[..] else {
        panic!("{}", letter.body)
    };
    let payload = payload(person, &person.desk.run(fetch));
    let key = payload["AccessKeyId"].as_str().unwrap();
    let headline = letter.body.lines().next().unwrap();
    assert!(headline.contains(key));
    if person.name == LATE {
        // So says the reminder, which comes two weeks later.
        assert!(MESSAGES.contains(ACKNOWLEDGE));
        banto(town, &person.desk, ACKNOWLEDGE);
    } else if goes_by_banto(person) {
        banto(town, &person.desk, short);
        assert_eq!(key_in_place(person), key, "{}", person.name);
    } else {
        person.desk.take_payload(&payload);
    }
    payload
}

/// Compares the commands in alice's letters, which were run by somebody, with those in all messages
/// that there are. Another test runs those that open an envelope.
async fn assert_every_command_was_run(town: &Town, letters: &[Letter]) {
    let keys = town.local.aws.access_keys("alice").await.unwrap();
    let alices = letters.iter().filter(|letter| letter.user == "alice");
    let run = alices.flat_map(Letter::commands);
    let run = run.map(|command| command.replace(&keys[0].id, KEY));
    let mut run: BTreeSet<String> = run.collect();
    run.extend(OPEN.into_iter().chain([ACKNOWLEDGE]).map(str::to_owned));
    let known = commands_in(MESSAGES).into_iter().map(str::to_owned);
    assert_eq!(known.collect::<BTreeSet<String>>(), run);
}

/// An operator runs what the letters say, and sees the keys that were disabled work again.
async fn restore(town: &mut Town, letters: &[Letter]) {
    let operator = operator(town).await;
    let mut disabled = Vec::new();
    for name in NAMES {
        let keys = town.local.aws.access_keys(name).await.unwrap();
        assert!(!keys[0].active && keys[1].active, "{name}: {keys:?}");
        let [command] = letter(letters, name, "stops working now").commands()[..] else {
            panic!("{letters:#?}")
        };
        let sent = banto(town, &operator, command);
        let sent = sent.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(sent.contains("makes the keys active again"), "{sent}");
        disabled.push((name, keys[0].id.clone()));
    }
    let told = town.ask(&[]).await;
    for (name, key) in disabled {
        letter(&told, name, &format!("{key} works again"));
        let keys = town.local.aws.access_keys(name).await.unwrap();
        assert!(keys[0].active, "{name}: {keys:?}");
    }
}

/// An operator's desk, with the command and a session of a role.
async fn operator(town: &Town) -> Desk {
    let mut desk = Desk::before(&town.local);
    let banto = function_binary("banto", &|_: &str| {}).await.unwrap();
    symlink(banto, desk.path("bin/banto")).unwrap();
    desk.write("banto.toml", &town.policy());
    let nobody = Aws::nobody(town.local.moto.endpoint(), REGION);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/operator");
    let credentials = nobody.assume_role(&role).await.unwrap();
    desk.variables = vec![
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.as_str().to_owned(),
        ),
        ("AWS_SESSION_TOKEN", credentials.session_token.unwrap()),
    ];
    desk
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
    let [short, open] = letter.commands()[..] else {
        panic!("{}", letter.body)
    };
    let owner = &town.people[0];
    assert_eq!([short, open], OPEN);
    let payload = payload(owner, &owner.desk.run_on(open, &letter.body));
    let keys = town.local.aws.access_keys("a,b").await.unwrap();
    let works = keys.iter().filter(|key| key.active);
    let works: Vec<&str> = works.map(|key| key.id.as_str()).collect();
    let key = payload["AccessKeyId"].as_str().unwrap();
    assert_eq!(works, [key]);
    assert_ne!(key_in_place(owner), key);
    owner.desk.write("notice.txt", &letter.body);
    banto(&town, &owner.desk, &format!("{short} --user=a,b"));
    assert_eq!(key_in_place(owner), key);
}
