//! What people see of a policy, and of its keys.

use std::fs;

use banto_domain::policy::Policy;
use banto_fake::assert_as_committed;
use jiff::Timestamp;

use super::check::{Checked, checked, shown};
use super::places::NewRegions;
use super::{explain, export, init, keys};
use crate::expected;

const BANTO: &str = include_str!("../../../examples/banto.toml");
const DIRECT: &str = include_str!("../../../examples/direct.toml");
const EXAMPLE: &str = include_str!("../../../infra/envs/example/banto.toml");

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

fn judged(text: &str) -> Checked {
    checked("banto.toml", text, &NewRegions::default(), now())
}

/// The text about a policy, one line for each thing.
fn told(text: &str) -> String {
    let wide = crate::terminal::Screen::plain(u16::MAX);
    shown(&judged(text), &wide)
}

/// The policy of the example Organization with one text instead of another.
fn with(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

fn first(account: &str, region: &str, slack: bool) -> String {
    let (account, region) = (account.parse().unwrap(), region.parse().unwrap());
    init::text(&account, &region, None, slack)
}

#[test]
fn a_person_sees_what_a_policy_means() {
    expected::holds("config/check", |screen| shown(&judged(BANTO), screen));
    expected::holds("config/check-direct", |screen| {
        shown(&judged(DIRECT), screen)
    });
    let odd = with(
        "deadline_days = 30",
        "deadline_days = 3000\nrotate_after_days = 3650",
    )
    .replacen(
        "home_region = \"ap-northeast-1\"",
        "home_region = \"ap-northeast-1\"\nenabled = false",
        1,
    );
    expected::holds("config/check-odd", |screen| shown(&judged(&odd), screen));
}

#[test]
fn a_person_sees_all_that_is_wrong_with_its_lines() {
    let wrong = with("deadline_days", "deadlin_days").replacen(
        "way = \"stackset\"",
        "way = \"sideways\"",
        1,
    );
    expected::holds("config/check-wrong", |screen| {
        shown(&judged(&wrong), screen)
    });
    let misplaced = with("\"us-east-1\"]", "\"us-est-1\"]");
    expected::holds("config/check-misplaced", |screen| {
        shown(&judged(&misplaced), screen)
    });
}

#[test]
fn a_region_that_aws_lacks_is_refused_unless_it_is_said_to_be_new() {
    let text = with("\"us-east-1\"]", "\"us-est-1\"]");
    let line = text
        .lines()
        .position(|line| line.contains("us-est-1"))
        .unwrap()
        + 1;
    let said = told(&text);
    let start = format!("banto.toml:{line}: error: `onboarding.regions` names us-est-1");
    assert!(said.contains(&start), "{said}");
    assert!(
        said.contains("Did you mean us-east-1 or us-west-1?"),
        "{said}"
    );
    let policy = Policy::parse(&text).unwrap();
    let refused = export::text(&policy, &NewRegions::default())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("us-east-1 or us-west-1"), "{refused}");
    let new = NewRegions {
        known: vec!["us-est-1".parse().unwrap()],
    };
    assert!(export::text(&policy, &new).unwrap().contains("us-est-1"));
    assert!(checked("banto.toml", &text, &new, now()) != judged(&text));
}

#[test]
fn queues_and_secrets_must_be_where_their_function_is() {
    for (from, to, key, part) in [
        (
            "ap-northeast-1.amazonaws.com/444455556666/banto-deliveries\"\ntable",
            "us-east-1.amazonaws.com/444455556666/banto-deliveries\"\ntable",
            "compliance.deliveries",
            "lies in account 444455556666 and us-east-1",
        ),
        (
            "ap-northeast-1.amazonaws.com/444455556666/banto-deliveries\"\ntable",
            "ap-northeast-1.amazonaws.com/111122223333/banto-deliveries\"\ntable",
            "compliance.deliveries",
            "lies in account 111122223333",
        ),
        (
            "ap-northeast-1.amazonaws.com/444455556666/banto-deliveries\"\n\n[notices.slack]",
            "ap-northeast-1.amazonaws.com/444455556666/banto-delivery\"\n\n[notices.slack]",
            "notices.queue",
            "nobody takes from it",
        ),
        (
            "ap-northeast-1:444455556666:secret:banto/endpoints",
            "us-east-1:444455556666:secret:banto/endpoints",
            "compliance.routes",
            "secrets of one account and region",
        ),
        (
            "arn:aws:sns:ap-northeast-1:444455556666:banto-owners",
            "arn:aws:sns:cn-north-1:444455556666:banto-owners",
            "notices.owners_topic",
            "another partition",
        ),
    ] {
        let said = told(&with(from, to));
        let error = said
            .lines()
            .find(|line| line.contains(&format!("error: `{key}`")));
        assert!(
            error.is_some_and(|error| error.contains(part)),
            "{key}: {said}"
        );
    }
    let both = EXAMPLE.replace(
        "sqs.ap-northeast-1.amazonaws.com/444455556666",
        "sqs.eu-west-1.amazonaws.com/444455556666",
    );
    let said = told(&both);
    assert!(
        said.contains("`compliance.queue` lies in eu-west-1, and [onboarding] has ap-northeast-1"),
        "{said}"
    );
}

#[test]
fn what_is_legal_and_seldom_meant_is_a_warning() {
    for (from, to, warning) in [
        (
            "deadline_days = 30",
            "deadline_days = \"never\"",
            "is \"never\"",
        ),
        (
            "deadline_days = 30",
            "emergencies = false",
            "works on until somebody",
        ),
        (
            "from = \"09:00\"",
            "from = \"16:30\"",
            "150 minutes of the week",
        ),
        (
            "trusted = [\"111122223333\"]",
            "trusted = [\"111122223334\"]",
            "trusts 111122223334",
        ),
        (
            "trusted = [\"111122223333\"]",
            "trusted = [\"111122223334\"]",
            "differ in one place only",
        ),
        (
            "mfa = false\nsession_name = \"any\"\nconditions = '{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::999988887777:role/banto/pipeline-apply-*\"}}'",
            "mfa = false\nsession_name = \"any\"",
            "needs neither a second factor",
        ),
        (
            "severity = \"high\"\n",
            "rules = [\"s3-bucket-versioning-enable\"]\n",
            "s3-bucket-versioning-enabled?",
        ),
        (
            "token = \"arn:aws:secretsmanager:ap-northeast-1:444455556666:secret:banto/slack/token\"\noperators",
            "operators",
            "no owner is written to directly",
        ),
        (
            "[notices]",
            "[[waivers]]\nrule = \"iam-*\"\nowner = \"alice\"\nreason = \"later\"\nuntil = 2026-11-01\n[notices]",
            "a waiver that ended 29 days ago",
        ),
        (
            "[notices]",
            "[[waivers]]\nrule = \"iam-*\"\nowner = \"alice\"\nreason = \"later\"\nuntil = 2036-11-01\n[notices]",
            "a waiver that ends only in",
        ),
    ] {
        let said = told(&with(from, to));
        let warned = said
            .lines()
            .any(|line| line.contains("warning") && line.contains(warning));
        assert!(warned, "{warning}: {said}");
        assert!(judged(&with(from, to)).json()["valid"].as_bool().unwrap());
    }
    assert_eq!(judged(EXAMPLE).json()["warnings"], serde_json::json!([]));
}

#[test]
fn every_key_of_the_schema_is_explained_and_every_row_of_the_page_is_a_key() {
    let lacking = keys::all()
        .iter()
        .filter(|key| key.meaning.is_empty() || key.kind.is_empty());
    let lacking: Vec<&str> = lacking.map(|key| key.path.as_str()).collect();
    assert_eq!(lacking, [""; 0]);
    let paths: Vec<&str> = keys::all().iter().map(|key| key.path.as_str()).collect();
    let unknown: Vec<&str> = keys::rows()
        .map(|(key, ..)| key)
        .filter(|key| !paths.contains(key))
        .collect();
    assert_eq!(unknown, [""; 0]);
    assert!(keys::rows().count() > 150, "{}", keys::rows().count());
    assert!(paths.len() > 250, "{}", paths.len());
}

#[test]
fn a_key_is_found_by_its_path_its_end_or_with_a_name_of_yours_in_it() {
    let found = |asked: &str| -> Vec<&str> {
        let found = keys::found(asked).into_iter();
        found.map(|key| key.path.as_str()).collect()
    };
    assert_eq!(found("rotation.accounts[].id"), ["rotation.accounts[].id"]);
    assert_eq!(found("rotation.accounts.id"), ["rotation.accounts[].id"]);
    assert_eq!(
        found("onboarding.roles.admin.mfa"),
        ["onboarding.roles.<name>.mfa"]
    );
    assert_eq!(found("pin_grace_days"), ["rotation.pin_grace_days"]);
    assert_eq!(found("[rotation]"), ["rotation"]);
    let both = ["rotation.deadline_days", "rotation.machines.deadline_days"];
    assert_eq!(found("deadline_days"), both);
    assert_eq!(found("nothing"), [""; 0]);
    assert!(
        explain::unknown("rotation.deadlin_days").contains("Did you mean rotation.deadline_days,")
    );
    assert!(!explain::unknown("qqq").contains("Did you mean"));
}

#[test]
fn a_person_sees_what_a_key_means() {
    for (name, asked) in [
        ("key", "rotation.deadline_days"),
        ("ends", "deadline_days"),
        ("section", "report.athena"),
        ("enum", "onboarding.config.frequency"),
    ] {
        let found = keys::found(asked);
        expected::holds(&format!("config/explain-{name}"), |screen| {
            explain::shown(Some(asked), &found, screen)
        });
    }
    let all: Vec<_> = keys::all().iter().collect();
    expected::holds("config/explain", |screen| {
        explain::shown(None, &all, screen)
    });
}

#[test]
fn a_first_policy_works_and_is_as_people_were_promised() {
    for (region, slack) in [("eu-west-1", false), ("cn-north-1", true)] {
        let text = first("111122223333", region, slack);
        let policy = Policy::parse(&text).unwrap();
        export::text(&policy, &NewRegions::default()).unwrap();
        assert!(
            !policy.rotation.enabled,
            "nothing happens before somebody says so"
        );
        assert_eq!(policy.notices.slack.is_some(), slack);
        assert_eq!(judged(&text).json()["problems"], serde_json::json!([]));
    }
    let lines = first("111122223333", "eu-west-1", false);
    let lines = lines
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(lines.count() <= 15);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/expected/config/init.toml");
    assert_as_committed(file, &first("111122223333", "eu-west-1", true));
}

#[test]
fn a_first_policy_never_overwrites_one() {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Only {
        #[command(flatten)]
        options: init::Options,
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("banto.toml");
    let run = |region: &str, bucket: &str| {
        let options = ["", "--account", "111122223333", "--region", region];
        let more = ["--bucket", bucket, "--out", out.to_str().unwrap()];
        init::run(
            &Only::try_parse_from([&options[..], &more[..]].concat())
                .unwrap()
                .options,
        )
    };
    let error = run("eu-wst-1", "certificates").unwrap_err().to_string();
    assert!(error.contains("Did you mean eu-west-1"), "{error}");
    let error = run("eu-west-1", "No Bucket").unwrap_err().to_string();
    assert!(error.contains("must be a bucket's name"), "{error}");
    assert!(!out.exists());
    run("eu-west-1", "certificates").unwrap();
    fs::write(&out, "mine").unwrap();
    let error = run("eu-west-1", "certificates").unwrap_err().to_string();
    assert!(error.contains("there already"), "{error}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
}
