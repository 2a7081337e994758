//! The AWS CLI's commands on the pages about rotation, and in the notice about strangers.

use std::collections::BTreeSet;

use banto_domain::CredentialId;
use rotate_access_keys::notices;
use rotate_access_keys::snapshot::Stranger;
use serde_json::{Value, json};

use super::super::local::REGION;
use super::desk::{Desk, lacks};
use super::town::{BUCKET, Town};

const OPENPGP: &str = include_str!("../../../../docs/openpgp.md");
const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");
const RECEIPTS: &str = include_str!("../../../../docs/receipts.md");
const ROTATION: &str = include_str!("../../../../docs/rotation.md");
const SECURITY: &str = include_str!("../../../../docs/SECURITY.md");

/// The key that the page about receipts has in its commands.
const KMS_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// The secret of alice's record.
const RECORD: &str = "banto/access-keys/alice";

/// The blocks of shell of a page that call the AWS CLI.
fn blocks(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    blocks.filter(|block| block.contains("aws ")).collect()
}

/// The lines of a page's shell that call the AWS CLI, those that go on in the next line joined.
fn lines(page: &str) -> Vec<String> {
    let text = blocks(page).concat().replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| line.contains("aws "));
    lines.map(str::to_owned).collect()
}

/// A town of alice alone, who has a record, and whose AWS CLI has the records' region.
async fn town() -> Town {
    let mut town = Town::of(&["alice"], "certs/").await;
    let record = town.local.aws.create_secret(RECORD, "first");
    record.await.unwrap();
    for person in &mut town.people {
        person.desk.region = REGION;
    }
    town
}

fn desk(town: &Town) -> &Desk {
    &town.people[0].desk
}

fn json_of(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap()
}

/// The file and the place of a command that copies the one to the other.
fn copied(command: &str) -> Option<(&str, &str)> {
    let (_, words) = command.split_once("aws s3 cp ")?;
    let (file, url) = words.split_once(' ')?;
    Some((file, url.strip_prefix("s3://certificates/")?))
}

/// The tag and the value of a command that tags alice.
fn tagged(command: &str) -> Option<(&str, &str)> {
    let (_, tag) = command.split_once("aws iam tag-user --user-name alice --tags Key=")?;
    tag.split_once(",Value=")
}

/// The commands have one local AWS among them, since it takes longer to start than they do.
#[tokio::test]
async fn every_aws_command_of_a_page_or_about_a_stranger_does_what_the_text_says() {
    let town = town().await;
    repair_a_record(&town).await;
    unlock_a_record(&town).await;
    end_the_sessions_of_a_role(&town).await;
    if !lacks("openssl") {
        check_a_receipt(&town).await;
    }
    if !lacks("gpg") {
        follow_the_page_about_certificates(&town).await;
    }
    end_a_strangers_key(&town).await;
}

async fn follow_the_page_about_certificates(town: &Town) {
    let desk = desk(town);
    desk.run("gpg --quick-gen-key 'Alice <alice@example.com>' future-default default 2y");
    let fingerprint = desk.fingerprints().remove(0);
    desk.run("echo opened | gpg --trust-model always -ear alice@example.com > sealed");
    let sealed = std::fs::read_to_string(desk.path("sealed")).unwrap();
    let record = format!("{{\"version\":2}}\n\n{sealed}");
    write(town, "sealed", &record).await;
    let mut seen = [0, 0, 0];
    for command in distinct(OPENPGP, &fingerprint) {
        if let Some((file, key)) = copied(&command) {
            desk.write(file, file);
            desk.run(&command);
            assert_eq!(town.stored(key).await, file, "{command}");
            seen[0] += 1;
        } else if let Some((tag, value)) = tagged(&command) {
            desk.run(&command);
            let set = town.tag("alice", tag).await;
            assert_eq!(set.as_deref(), Some(value), "{command}");
            seen[1] += 1;
        } else {
            assert_eq!(desk.run(&command), "opened\n", "{command}");
            seen[2] += 1;
        }
    }
    assert_eq!(seen, [2, 2, 1]);
}

/// The commands of a page for alice's own bucket and fingerprint, each once.
fn distinct(page: &str, fingerprint: &str) -> BTreeSet<String> {
    let lines = lines(page).into_iter();
    let lines = lines.map(|line| line.replace("BUCKET", BUCKET));
    let lines = lines.map(|line| line.replace("NEW-FINGERPRINT", fingerprint));
    let lines = lines.map(|line| line.replace("FINGERPRINT", fingerprint));
    lines.collect()
}

/// Writes a further version of the record, and returns its id. `name` tells it from others.
async fn write(town: &Town, name: &str, text: &str) -> String {
    let version = json!({
        "SecretId": RECORD,
        "SecretString": text,
        "ClientRequestToken": format!("{name:0>32}"),
    });
    let written = town.local.aws.secrets_manager("PutSecretValue", &version);
    let written = written.await.unwrap();
    written["VersionId"].as_str().unwrap().to_owned()
}

/// The versions' ids with their labels, as the command lists them.
fn labels(listed: &str, version: &str) -> Value {
    let listed = json_of(listed);
    let mut versions = listed["Versions"].as_array().unwrap().iter();
    let found = versions.find(|listed| listed["VersionId"] == version);
    found.unwrap()["VersionStages"].clone()
}

async fn repair_a_record(town: &Town) {
    let desk = desk(town);
    let earlier = write(town, "second", "earlier").await;
    let current = write(town, "third", "current").await;
    let commands = lines(OPERATIONS);
    let commands = commands.iter().filter(|line| line.contains(RECORD));
    let [list, repair] = &commands.collect::<Vec<_>>()[..] else {
        panic!("{OPERATIONS}")
    };
    let repair = repair
        .replace("id EARLIER", &format!("id {earlier}"))
        .replace("id CURRENT", &format!("id {current}"));
    desk.run(&repair);
    let listed = desk.run(list);
    assert_eq!(labels(&listed, &earlier), json!(["AWSCURRENT"]));
    assert_eq!(labels(&listed, &current), json!(["AWSPREVIOUS"]));
}

async fn unlock_a_record(town: &Town) {
    let aws = &town.local.aws;
    let locked = json!({ "SecretId": RECORD, "ResourcePolicy": "{\"Statement\": []}" });
    let put = aws.secrets_manager("PutResourcePolicy", &locked);
    put.await.unwrap();
    let get = json!({ "SecretId": RECORD });
    let before = aws.secrets_manager("GetResourcePolicy", &get);
    assert!(before.await.unwrap()["ResourcePolicy"].is_string());
    let [unlock] = blocks(SECURITY)[..] else {
        panic!("{:?}", blocks(SECURITY))
    };
    desk(town).run(unlock);
    let after = aws.secrets_manager("GetResourcePolicy", &get);
    assert!(after.await.unwrap()["ResourcePolicy"].is_null());
}

async fn end_the_sessions_of_a_role(town: &Town) {
    let desk = desk(town);
    town.local.aws.create_role("admin").await.unwrap();
    let [revoke] = blocks(ROTATION)[..] else {
        panic!("{:?}", blocks(ROTATION))
    };
    desk.run(revoke);
    let policy = "aws iam get-role-policy --role-name admin --policy-name AWSRevokeOlderSessions";
    let denied = &json_of(&desk.run(policy))["PolicyDocument"]["Statement"][0];
    assert_eq!(denied["Effect"], "Deny");
    let before = &denied["Condition"]["DateLessThan"]["aws:TokenIssueTime"];
    assert_eq!(before, "2026-11-24T01:00:00Z");
}

/// Signs a text as Banto does, but that the AWS CLI has KMS take its digest.
fn signed(desk: &Desk, key: &str, text: &str) -> String {
    desk.write("unsigned.txt", text);
    let signature = desk.run(&format!(
        "aws kms sign --key-id {key} --message fileb://unsigned.txt --message-type RAW \
         --signing-algorithm ECDSA_SHA_256 --query Signature --output text"
    ));
    let (line, rest) = text.split_once('\n').unwrap();
    let signature = signature.trim_end();
    format!("{line}\n{{\"signature\":\"{signature}\"}}\n{rest}")
}

async fn check_a_receipt(town: &Town) {
    let desk = desk(town);
    let [check, make] = blocks(RECEIPTS)[..] else {
        panic!("{:?}", blocks(RECEIPTS))
    };
    let key = desk.run(make);
    let key = key.trim_end();
    assert!(key.starts_with("arn:aws:kms:eu-west-1:111122223333:key/"));
    let text = "{\"version\":2}\n\n-----BEGIN PGP MESSAGE-----\n\n…\n-----END PGP MESSAGE-----\n";
    let record = signed(desk, key, text);
    write(town, "signed", &record).await;
    assert_eq!(check.matches(KMS_KEY).count(), 1);
    let said = desk.run(&check.replace(KMS_KEY, key));
    assert!(said.ends_with("Verified OK\n"), "{said}");
}

/// The command in a sentence, up to its full stop.
fn command_in(sentence: &str) -> &str {
    let from = sentence.find("aws ").unwrap();
    sentence[from..].split('.').next().unwrap()
}

async fn end_a_strangers_key(town: &Town) {
    let desk = desk(town);
    let aws = &town.local.aws;
    let key = aws.access_keys("alice").await.unwrap()[0].id.clone();
    let credential: CredentialId = key.parse().unwrap();
    let told = notices::of_strangers(
        &[
            Stranger::NoOwner {
                key: key.parse().unwrap(),
            },
            Stranger::OtherAccount {
                account: "111122223333".parse().unwrap(),
                credential,
            },
        ],
        "example",
    );
    let [find, end] = &told.sections[0].lines[..] else {
        panic!("{told:?}")
    };
    let found = json_of(&desk.run(command_in(find)));
    assert_eq!(found["Account"], "111122223333");
    desk.run(&command_in(end).replace("USER", "alice"));
    assert!(!aws.access_keys("alice").await.unwrap()[0].active);
}
