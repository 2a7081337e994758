use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use banto_domain::policy::Policy;
use banto_fake::assert_as_committed;
use serde_json::Value;

use super::export::{FILE, Options, run, text};
use super::places::NewRegions;

const BANTO: &str = include_str!("../../../examples/banto.toml");
const DIRECT: &str = include_str!("../../../examples/direct.toml");

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn exported(policy: &str) -> String {
    text(&Policy::parse(policy).unwrap(), &NewRegions::default()).unwrap()
}

fn values(policy: &str) -> Value {
    serde_json::from_str::<Value>(&exported(policy)).unwrap()["banto"].take()
}

#[test]
fn the_example_policies_say_this_to_terraform() {
    let expected = root().join("cli/src/config/expected");
    assert_as_committed(expected.join("banto.json"), &exported(BANTO));
    assert_as_committed(expected.join("direct.json"), &exported(DIRECT));
}

#[test]
fn the_example_organizations_files_are_those_of_its_policy() {
    let example = root().join("infra/envs/example");
    let policy = fs::read_to_string(example.join("banto.toml")).unwrap();
    let text = exported(&policy);
    // Modules' own tests read the one beside the policy.
    assert_as_committed(example.join(FILE), &text);
    for entry in fs::read_dir(&example).unwrap() {
        let root = entry.unwrap().path();
        if root.join("main.tf").exists() {
            assert_as_committed(root.join(FILE), &text);
        }
    }
}

/// The keys whose text is the name of something that Terraform makes or points at.
const NAMING: [&str; 16] = [
    "aggregator",
    "break_glass",
    "bucket",
    "certificate_bucket",
    "certificate_prefix",
    "configuration_set",
    "database",
    "from",
    "group",
    "home_region",
    "mail_from",
    "management_account",
    "name",
    "prefix",
    "reach_role",
    "table",
];

/// Tables of the policy that hold names and that Terraform is told nothing of, with the reason.
const NOT_TOLD: [(&str, &str); 4] = [
    (
        "onboarding.overrides",
        "the function makes what they say, by the direct way",
    ),
    (
        "onboarding.settings",
        "the function sets them in each account; a contact's name is a person's",
    ),
    ("compliance.routes.name", "routes are named for people"),
    ("compliance.routes.quiet", "hours of the day"),
];

/// Collects the names of a policy's part: texts of naming keys, ARNs and queues' addresses.
fn names(part: &toml::Value, path: &str, key: &str, found: &mut BTreeSet<(String, String)>) {
    if NOT_TOLD.iter().any(|(told, _)| path == *told) {
        return;
    }
    match part {
        toml::Value::Table(table) => {
            for (key, value) in table {
                names(
                    value,
                    format!("{path}.{key}").trim_start_matches('.'),
                    key,
                    found,
                );
            }
        }
        toml::Value::Array(values) => {
            for value in values {
                names(value, path, key, found);
            }
        }
        toml::Value::String(text) => {
            let is_address = text.starts_with("arn:") || text.starts_with("https://sqs.");
            if is_address || NAMING.contains(&key) {
                found.insert((path.to_owned(), text.clone()));
            }
        }
        _ => {}
    }
}

/// Collects every text of a JSON value, keys included.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                texts(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::String(text) => drop(found.insert(text.clone())),
        _ => {}
    }
}

/// The names that a policy has and its export lacks.
fn forgotten(policy: &str, values: &Value) -> Vec<(String, String)> {
    let (mut named, mut told) = (BTreeSet::new(), BTreeSet::new());
    names(&toml::from_str(policy).unwrap(), "", "", &mut named);
    assert!(named.len() > 10);
    texts(values, &mut told);
    named
        .into_iter()
        .filter(|(_, name)| !told.contains(name))
        .collect()
}

#[test]
fn no_name_that_terraform_must_make_is_forgotten() {
    for policy in [BANTO, DIRECT] {
        assert_eq!(forgotten(policy, &values(policy)), []);
    }
    let mut lacking = values(BANTO);
    lacking["report"]["mail"]["configuration_set"].take();
    lacking["compliance"]["deliveries"].take();
    lacking["notices"]["queue"].take();
    let paths: Vec<String> = forgotten(BANTO, &lacking)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        paths,
        ["compliance.deliveries", "notices.queue"],
        "the set has the aggregator's name"
    );
}

#[test]
fn the_template_is_the_one_that_the_function_makes_of_the_policy() {
    let policy = Policy::parse(BANTO).unwrap().onboarding.unwrap();
    let values = values(BANTO);
    let text = values["onboarding"]["stack_set"]["template"]
        .as_str()
        .unwrap();
    let template: Value = serde_json::from_str(text).unwrap();
    assert_eq!(template, onboard_accounts::template::template(&policy));
    assert!(self::values(DIRECT)["onboarding"]["stack_set"].is_null());
}

#[test]
fn the_age_of_the_oldest_key_is_that_of_whoever_may_have_the_older_one() {
    let days = |policy: &str| values(policy)["rotation"]["oldest_key_days"].clone();
    // Machines: 365 days, the deadline of 14 and two weeks.
    assert_eq!(days(BANTO), 393);
    // The defaults of 90 and 30 days.
    assert_eq!(days(DIRECT), 134);
    let never = DIRECT.replacen("enabled = false", "deadline_days = \"never\"", 1);
    assert_eq!(days(&never), 104);
}

#[test]
fn a_schedule_is_told_the_windows_as_the_policy_has_them() {
    let windows = |policy: &str| values(policy)["rotation"]["windows"].clone();
    let weekdays = ["mon", "tue", "wed", "thu", "fri"];
    assert_eq!(
        windows(BANTO),
        serde_json::json!([{ "days": weekdays, "from": "09:00", "to": "17:00", "time_zone": "Asia/Tokyo" }])
    );
    assert_eq!(windows(DIRECT), serde_json::json!([]));
}

#[test]
fn a_window_that_begins_within_a_minute_is_told_from_the_next_one() {
    let from = |time: &str| {
        let policy = BANTO.replacen("from = \"09:00\"", &format!("from = {time:?}"), 1);
        values(&policy)["rotation"]["windows"][0]["from"].clone()
    };
    assert_eq!(from("09:30"), "09:30");
    assert_eq!(from("09:30:01"), "09:31");
}

#[test]
fn a_policy_without_sections_has_nothing_to_say_of_them() {
    let start = DIRECT.find("[onboarding]").unwrap();
    let end = DIRECT.find("[notices]").unwrap();
    let values = values(&format!("{}{}", &DIRECT[..start], &DIRECT[end..]));
    for part in [
        "organization",
        "log_archive",
        "onboarding",
        "compliance",
        "report",
    ] {
        assert!(values[part].is_null(), "{part}");
    }
    assert_eq!(values["rotation"]["accounts"][0]["id"], "111122223333");
}

#[test]
fn the_report_has_the_archive_and_the_regions_where_nobody_is_onboarded() {
    let start = DIRECT.find("[onboarding]").unwrap();
    let end = DIRECT.find("[report]").unwrap();
    let policy = format!("{}{}", &DIRECT[..start], &DIRECT[end..]).replacen(
        "[report]",
        "[report]\narchive = { bucket = \"archive\", prefix = \"o-exampleorgid/\" }\nregions = [\"eu-west-1\"] #",
        1,
    );
    let alone = values(&policy);
    assert_eq!(alone["log_archive"]["bucket"], "archive");
    assert_eq!(alone["log_archive"]["prefix"], "o-exampleorgid");
    assert_eq!(alone["report"]["regions"][0], "eu-west-1");
    let regions = values(DIRECT)["report"]["regions"].clone();
    assert_eq!(regions, serde_json::json!(["eu-central-1", "eu-west-1"]));
}

#[test]
fn a_secret_is_made_once_however_it_is_named() {
    let end = "secret:banto/slack/token-AbCdEf\"\nmail_from";
    assert!(BANTO.contains(end));
    let policy = BANTO.replacen(end, "secret:banto/slack/token\"\nmail_from", 1);
    let secrets = values(&policy)["secrets"].clone();
    let names = secrets
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["name"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    assert_eq!(
        names,
        [
            "banto/endpoints/pager",
            "banto/slack/operators",
            "banto/slack/owners",
            "banto/slack/sandboxes",
            "banto/slack/team-payments",
            "banto/slack/token",
        ]
    );
}

#[test]
fn a_queue_that_is_not_of_aws_is_named_with_its_key() {
    let policy = DIRECT.replacen(
        "https://sqs.eu-west-1.amazonaws.com/",
        "http://127.0.0.1:5000/",
        1,
    );
    let error = text(&Policy::parse(&policy).unwrap(), &NewRegions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("onboarding.queue is http://127.0.0.1:5000/"),
        "{error}"
    );
}

/// A folder with the policy and a root, and the options of an export to both.
fn roots() -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("banto.toml");
    fs::write(&policy, DIRECT).unwrap();
    fs::create_dir(folder.path().join("identity")).unwrap();
    let options = Options {
        policy,
        check: false,
        stdout: false,
        new: NewRegions::default(),
        folders: vec![folder.path().to_owned(), folder.path().join("identity")],
    };
    (folder, options)
}

#[test]
fn a_check_names_each_file_that_is_missing_or_differs_and_writes_none() {
    let (folder, options) = roots();
    let check = Options {
        check: true,
        ..options.clone()
    };
    let files: Vec<PathBuf> = options
        .folders
        .iter()
        .map(|folder| folder.join(FILE))
        .collect();
    let error = run(&check).unwrap_err().to_string();
    for file in &files {
        assert!(
            error.contains(&format!("{} is missing", file.display())),
            "{error}"
        );
        assert!(!file.exists());
    }
    run(&options).unwrap();
    run(&check).unwrap();
    fs::write(&files[1], exported(DIRECT).replace("134", "135")).unwrap();
    let error = run(&check).unwrap_err().to_string();
    assert!(
        error.contains(&format!("{} says something else", files[1].display())),
        "{error}"
    );
    assert!(
        !error.contains(&format!("{} ", files[0].display())),
        "{error}"
    );
    run(&options).unwrap();
    run(&check).unwrap();
    let left = fs::read_dir(folder.path().join("identity"))
        .unwrap()
        .count();
    assert_eq!(left, 1, "nothing unfinished is left");
}

#[test]
fn a_folder_that_is_missing_is_named_and_no_other_is_written() {
    let (folder, mut options) = roots();
    options.folders.push(folder.path().join("nowhere"));
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
    assert!(!folder.path().join(FILE).exists());
}

#[test]
fn a_policy_with_problems_writes_nothing_and_names_each_with_its_line() {
    let (folder, options) = roots();
    let wrong = DIRECT.replacen("way = \"direct\"", "way = \"sideways\"", 1);
    fs::write(
        &options.policy,
        wrong.replacen("control_tower = true", "control_tower = 1", 1),
    )
    .unwrap();
    let error = run(&options).unwrap_err().to_string();
    let lines = error
        .lines()
        .filter(|line| line.contains("banto.toml:"))
        .count();
    assert!(lines >= 2, "{error}");
    assert!(!folder.path().join(FILE).exists());
}
