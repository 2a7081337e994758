//! What is read, what is refused, and how each problem is named.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{Policy, Selector, UserAttributes};

mod compliance;
mod onboarding;
mod report;

const EXAMPLE: &str = include_str!("../../../../examples/banto.toml");
const SCHEMA: &str = include_str!("../../../../banto.schema.json");
const DOCS: &str = include_str!("../../../../docs/policy.md");

/// The least that a policy must say.
const LEAST: &str = r#"
[rotation]
[[rotation.accounts]]
id = "111122223333"
role = "arn:aws:iam::111122223333:role/banto"
certificate_bucket = "certificates"
[notices]
operators_topic = "arn:aws:sns:eu-west-1:111122223333:operators"
owners_topic = "arn:aws:sns:eu-west-1:111122223333:owners"
"#;

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn problems(text: &str) -> String {
    Policy::parse(text).unwrap_err().to_string()
}

/// The least policy with something added to its first section.
fn with(lines: &str) -> String {
    LEAST.replacen("[rotation]\n", &format!("[rotation]\n{lines}\n"), 1)
}

#[test]
fn the_example_says_everything_and_is_accepted() {
    let policy = Policy::parse(EXAMPLE).unwrap();
    let rotation = &policy.rotation;
    assert_eq!(
        rotation.timings.deadline,
        Some(SignedDuration::from_hours(14 * 24))
    );
    assert_eq!(
        rotation.machines.as_ref().unwrap().timings.recovery,
        rotation.timings.recovery
    );
    assert_eq!(
        rotation.machines.as_ref().unwrap().timings.rotate_after,
        SignedDuration::from_hours(365 * 24)
    );
    assert_eq!(
        rotation.exemptions[0].until,
        "2027-02-01T00:00:00Z".parse().unwrap()
    );
    assert!(rotation.enabled && rotation.emergencies);
    let included = [
        Selector::Path("/developers/".into()),
        Selector::Path("/machines/".into()),
    ];
    assert_eq!(rotation.include, included);
    assert_eq!(
        rotation.exclude,
        [Selector::Group("break-glass".parse().unwrap())]
    );
    assert_eq!(rotation.timings.retire_unused_after, Some(days(180)));
    let machines = &rotation.machines.as_ref().unwrap().timings;
    assert_eq!((rotation.timings.rest, machines.rest), (days(1), days(7)));
    assert_eq!(rotation.windows[0].days.len(), 5);
    let slack = policy.notices.slack.unwrap();
    assert!(slack.channels.contains_key("team-payments"));
    assert_eq!(slack.token, policy.compliance.unwrap().slack_token);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let rotation = Policy::parse(LEAST).unwrap().rotation;
    assert_eq!(rotation.timings, super::RotationTimings::default());
    assert!(rotation.enabled && rotation.windows.is_empty() && rotation.exemptions.is_empty());
    assert!(rotation.emergencies && rotation.include.is_empty() && rotation.exclude.is_empty());
    assert_eq!(rotation.timings.rest, days(1));
    assert_eq!(rotation.timings.retire_unused_after, None);
    assert_eq!(rotation.max_users_per_run, 25);
    assert!(rotation.accounts[0].assume);
    assert_eq!(rotation.accounts[0].certificate_prefix, "certs/");
}

#[test]
fn machines_rest_a_week_or_as_long_as_people_where_that_is_longer() {
    let rests = |people: &str, machines: &str| {
        let lines = format!("{people}\nmachines = {{ who = [{{ user = \"ci\" }}]{machines} }}");
        let policy = Policy::parse(&with(&lines)).unwrap().rotation;
        (policy.timings.rest, policy.machines.unwrap().timings.rest)
    };
    assert_eq!(rests("", ""), (days(1), days(7)));
    assert_eq!(rests("rest_days = 9", ""), (days(9), days(9)));
    assert_eq!(
        rests("rest_days = 3", ", rest_days = 2"),
        (days(3), days(2))
    );
}

#[test]
fn machines_retire_unused_keys_as_people_do_unless_they_say_otherwise() {
    let lines = |machines: &str| {
        format!(
            "retire_unused_after_days = 60\nmachines = {{ who = [{{ user = \"ci\" }}]{machines} }}"
        )
    };
    for (machines, expected) in [("", 60), (", retire_unused_after_days = 400", 400)] {
        let policy = Policy::parse(&with(&lines(machines))).unwrap().rotation;
        assert_eq!(policy.timings.retire_unused_after, Some(days(60)));
        let timings = policy.machines.unwrap().timings;
        assert_eq!(timings.retire_unused_after, Some(days(expected)));
    }
}

#[test]
fn a_user_is_covered_who_is_included_and_not_excluded() {
    let lines = "include = [{ path = \"/developers/\" }, { user = \"carol\" }]\n\
                 exclude = [{ group = \"parked\" }, { tag = { key = \"kind\", value = \"bot\" } }]";
    let policy = Policy::parse(&with(lines)).unwrap().rotation;
    let everyone = Policy::parse(LEAST).unwrap().rotation;
    let parked = "parked".parse().unwrap();
    assert_eq!(policy.groups(), BTreeSet::from([&parked]));
    for (name, path, kind, group, is_covered) in [
        ("alice", "/developers/eu/", "", "", true),
        ("Carol", "/", "", "", true),
        ("bob", "/", "", "", false),
        ("alice", "/developers/", "bot", "", false),
        ("alice", "/developers/", "", "parked", false),
        ("carol", "/", "", "parked", false),
    ] {
        let (user, tags) = (
            name.parse().unwrap(),
            BTreeMap::from([("kind".into(), kind.into())]),
        );
        let groups = group.parse().into_iter().collect();
        let attributes = UserAttributes {
            user: &user,
            path,
            tags: &tags,
            groups: &groups,
        };
        assert_eq!(
            policy.covers(attributes),
            is_covered,
            "{name} {path} {kind} {group}"
        );
        assert!(everyone.covers(attributes), "no list at all is everyone");
    }
}

#[test]
fn emergencies_are_switched_apart_from_all_else() {
    for (lines, enabled, emergencies) in [
        ("enabled = false", false, true),
        ("emergencies = false", true, false),
        ("enabled = false\nemergencies = false", false, false),
    ] {
        let rotation = Policy::parse(&with(lines)).unwrap().rotation;
        assert_eq!(
            (rotation.enabled, rotation.emergencies),
            (enabled, emergencies),
            "{lines}"
        );
    }
}

#[test]
fn by_default_a_rotation_ends_after_a_month_and_its_end_is_reminded_of_four_times() {
    let rotation = Policy::parse(LEAST).unwrap().rotation;
    assert_eq!(rotation.timings.deadline, Some(days(30)));
    assert_eq!(rotation.timings.reminders, [14, 7, 3, 1].map(days));
    assert_eq!(rotation.timings.disable_unregistered_after, None);
    assert_eq!(rotation.pin_grace, days(7));
}

#[test]
fn a_deadline_may_be_never_and_reminders_are_told_longest_first() {
    let lines = "deadline_days = \"never\"\nremind_before_days = [2, 9, 2]";
    let timings = Policy::parse(&with(lines)).unwrap().rotation.timings;
    assert_eq!(timings.deadline, None);
    assert_eq!(timings.reminders, [9, 2].map(days));
    assert_eq!(timings.last_reminder(), days(2));
    let within: Vec<_> = timings.reminders_within(days(9)).collect();
    assert_eq!(within, [days(2)]);
    for (lines, says) in [
        (
            "deadline_days = \"soon\"",
            "must be a number of days or \"never\", but is \"soon\"",
        ),
        ("remind_before_days = []", "must name at least one lead"),
        ("remind_before_days = 2", "must be a list, but is integer"),
        (
            "remind_before_days = [0]",
            "must be a whole number from 1 to 3650, but is 0",
        ),
    ] {
        let found = problems(&with(lines));
        assert!(found.contains(says), "{lines}: {found}");
    }
}

#[test]
fn problems_of_lists_and_switches_are_named_with_their_lines() {
    let found = problems(&with(
        "emergencies = 1\n\
         include = [{ user = \"alice\", path = \"/\" }]\n\
         exclude = \"alice\"\n\
         rest_days = 0\n\
         retire_unused_after_days = \"never\"",
    ));
    for (line, says) in [
        (
            3,
            "`rotation.emergencies` must be true or false, but is integer",
        ),
        (
            4,
            "must have exactly one of `user`, `path`, `tag` and `group`",
        ),
        (5, "`rotation.exclude` must be a list, but is string"),
        (
            6,
            "`rotation.rest_days` must be a whole number from 1 to 3650, but is 0",
        ),
        (
            7,
            "`rotation.retire_unused_after_days` must be a whole number from 1 to 3650, but is string",
        ),
    ] {
        let named = found.lines().any(|problem| {
            problem.starts_with(&format!("banto.toml:{line}: ")) && problem.contains(says)
        });
        assert!(named, "{line} {says}\n---\n{found}");
    }
    assert_eq!(found.lines().count(), 5, "{found}");
}

#[test]
fn every_problem_is_named_at_once_each_with_its_line() {
    let text = EXAMPLE
        .replace("grace_days = 1 ", "grace_days = 0 ")
        .replace("recovery_days", "recovery_dais")
        .replace("Asia/Tokyo", "Asia/Tokio")
        .replace("until = 2027-01-31", "until = \"soon\"");
    let found = problems(&text);
    for (line, says) in [
        (
            21,
            "`rotation.grace_days` must be a whole number from 1 to 3650, but is 0",
        ),
        (
            24,
            "`rotation.recovery_dais` is unknown; did you mean `recovery_days`?",
        ),
        (
            50,
            "`rotation.windows.time_zone` must be a time zone's IANA name, as in \"Asia/Tokyo\", but is \"Asia/Tokio\"",
        ),
        (
            54,
            "`rotation.exemptions.until` must be a date, as in 2027-01-31, or a moment with an offset, but is string",
        ),
    ] {
        assert!(
            found.contains(&format!("banto.toml:{line}: {says}")),
            "{says}\n---\n{found}"
        );
    }
    assert_eq!(found.lines().count(), 4, "{found}");
}

#[test]
fn a_value_that_is_wrong_is_named_with_what_would_be_right() {
    for (lines, says) in [
        (
            "rotate_after_days = \"90\"",
            "must be a whole number from 1 to 3650, but is string",
        ),
        ("rotate_after_days = 4000", "but is 4000"),
        ("enabled = \"yes\"", "must be true or false, but is string"),
        ("canaries = [\"alice bob\"]", "is not an IAM user name"),
        ("canaries = \"alice\"", "must be a list, but is string"),
        ("max_users_per_run = 0", "from 1 to 5000, but is 0"),
        (
            "machines = { who = [] }",
            "must name at least one user, path, tag or group",
        ),
        (
            "machines = { who = [{ path = \"machines\" }] }",
            "must begin and end with `/`",
        ),
        (
            "machines = { who = [{ user = \"a\", group = \"b\" }] }",
            "must have exactly one of",
        ),
        ("machines = { who = [{}] }", "must have exactly one of"),
        (
            "windows = [{ days = [], from = \"09:00\", to = \"17:00\", time_zone = \"UTC\" }]",
            "must name at least one day",
        ),
        (
            "windows = [{ days = [\"monday\"], from = \"09:00\", to = \"17:00\", time_zone = \"UTC\" }]",
            "must be one of mon",
        ),
        (
            "windows = [{ days = [\"mon\"], from = \"9am\", to = \"17:00\", time_zone = \"UTC\" }]",
            "must be a time of day",
        ),
        (
            "windows = [{ days = [\"mon\"], from = \"17:00\", to = \"09:00\", time_zone = \"UTC\" }]",
            "must be before",
        ),
        (
            "exemptions = [{ user = \"carol\", until = 2027-01-31 }]",
            "`rotation.exemptions.reason` is missing",
        ),
        (
            "exemptions = [{ user = \"carol\", until = 2027-01-31, reason = \" \" }]",
            "must not be empty",
        ),
        (
            "colour = \"red\"",
            "`rotation.colour` is unknown; known here: ",
        ),
    ] {
        let found = problems(&with(lines));
        assert!(found.contains(says), "{lines}: {found}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    for (lines, says) in [
        (
            "warn_before_days = 90",
            "`warn_before_days` must be less than `rotate_after_days`",
        ),
        (
            "remind_before_days = [14, 10]",
            "the last of `remind_before_days` must be less than `recovery_days`",
        ),
        (
            "disable_unregistered_after_days = 1",
            "`disable_unregistered_after_days` must be more than the last of `remind_before_days`",
        ),
        (
            "deadline_days = 1",
            "`deadline_days` must be more than `grace_days`",
        ),
        (
            "deadline_days = 80",
            "an old key must be gone before the next warning",
        ),
        (
            "rotate_after_days = 18",
            "an old key must be gone before the next warning",
        ),
        (
            "rest_days = 73",
            "an old key must be gone before the next warning",
        ),
        (
            "rest_days = 73\ndeadline_days = 14",
            "an old key must be gone before the next warning",
        ),
        (
            "machines = { who = [{ user = \"ci\" }], rotate_after_days = 24 }",
            "an old key must be gone before the next warning",
        ),
        (
            "canaries = [\"alice\"]\nexemptions = [{ user = \"alice\", until = 2027-01-31, reason = \"on leave\" }]",
            "alice is a canary and exempt",
        ),
        (
            "accounts = [{ id = \"111122223333\", role = \"arn:aws:iam::444455556666:role/banto\", certificate_bucket = \"abc\" }]",
            "`role` is in account 444455556666, not in 111122223333",
        ),
    ] {
        let text = if lines.starts_with("accounts") {
            let (before, after) = LEAST.split_once("[[rotation.accounts]]").unwrap();
            format!(
                "{before}{lines}\n[notices]{}",
                after.split_once("[notices]").unwrap().1
            )
        } else {
            with(lines)
        };
        let found = problems(&text);
        assert!(found.contains(says), "{lines}: {found}");
    }
    let account = LEAST
        .split_once("[[rotation.accounts]]")
        .unwrap()
        .1
        .split_once("[notices]")
        .unwrap()
        .0;
    let twice = LEAST.replace(
        "[notices]",
        &format!("[[rotation.accounts]]{account}[notices]"),
    );
    assert!(problems(&twice).contains("111122223333 is listed twice"));
}

const KEY: &str = "signing_key = \"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n";
const PUBLIC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhdf2mgxRRzK4NTn3C0jI/TNBz0WrTWtKXEfp73K2iL9xUd/lZQRhv+tCzcDVmCBkxlm2mew/JcsMdvh4M0HBlA==";

#[test]
fn a_policy_that_has_records_signed_says_with_which_key_whom_to_believe_and_since_when() {
    let lines = format!(
        "{KEY}signing_public_keys = [\"{PUBLIC}\"]\nsigned_since = \"2026-12-01T00:00:00Z\""
    );
    let signing = Policy::parse(&with(&lines))
        .unwrap()
        .rotation
        .signing
        .unwrap();
    assert_eq!(signing.key.region(), "eu-west-1");
    assert_eq!(signing.since, Some("2026-12-01T00:00:00Z".parse().unwrap()));
    assert_eq!(
        signing.verifier,
        banto_receipt::Verifier::new(vec![PUBLIC.parse().unwrap()])
    );
    let plain = lines.replace("\"2026-12-01T00:00:00Z\"", "2026-12-01T00:00:00Z");
    assert_eq!(
        Policy::parse(&with(&plain)).unwrap().rotation.signing,
        Some(signing)
    );
    assert_eq!(Policy::parse(LEAST).unwrap().rotation.signing, None);
}

#[test]
fn a_policy_that_could_refuse_all_that_it_signs_is_refused() {
    let keys = format!("signing_public_keys = [\"{PUBLIC}\"]");
    let alias = KEY.replace("key/1234abcd-12ab-34cd-56ef-1234567890ab", "alias/banto");
    for (lines, says) in [
        (KEY.to_owned(), "`signing_key` needs `signing_public_keys`"),
        (
            format!("{KEY}signing_public_keys = []"),
            "`signing_key` needs `signing_public_keys`",
        ),
        (keys.clone(), "need `signing_key`"),
        (
            "signed_since = \"2026-12-01T00:00:00Z\"".to_owned(),
            "need `signing_key`",
        ),
        (
            format!("{KEY}signing_public_keys = [\"MFkw\"]"),
            "no public key on the curve P-256",
        ),
        (
            format!("{KEY}signing_public_keys = [\"-----BEGIN\"]"),
            "it is not base64",
        ),
        (
            format!("{KEY}{keys}\nsigned_since = 2026-12-01"),
            "must be a moment with an offset",
        ),
        (
            format!("{KEY}{keys}\nsigned_since = 5"),
            "must be a moment with an offset",
        ),
        (format!("{alias}{keys}"), "a KMS key's ARN"),
    ] {
        let found = problems(&with(&lines));
        assert!(found.contains(says), "{lines}: {found}");
    }
}

#[test]
fn the_break_glass_role_is_another_role_of_the_same_account() {
    let with_role = |arn: &str| {
        let line = format!("certificate_bucket = \"certificates\"\nbreak_glass = \"{arn}\"");
        LEAST.replacen("certificate_bucket = \"certificates\"", &line, 1)
    };
    let arn = "arn:aws:iam::111122223333:role/break-glass";
    let policy = Policy::parse(&with_role(arn)).unwrap();
    assert_eq!(
        policy.rotation.accounts[0].break_glass,
        Some(arn.parse().unwrap())
    );
    for (arn, says) in [
        (
            "arn:aws:iam::444455556666:role/break-glass",
            "`break_glass` is in account 444455556666",
        ),
        (
            "arn:aws:iam::111122223333:role/banto",
            "must be another role than `role`",
        ),
    ] {
        let found = problems(&with_role(arn));
        assert!(found.contains(says), "{found}");
    }
}

#[test]
fn what_is_missing_is_named() {
    assert!(problems("").contains("the section [rotation] is missing"));
    assert!(problems("[rotation]\n[notices]").contains("`notices.owners_topic` is missing"));
    assert!(problems("[rotation]\n[notices]").contains("at least one identity account"));
    assert!(problems("rotation = 5").contains("`rotation` must be a table, but is integer"));
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let found = problems("[rotation]\nenabled = = true\n[notices]\nx = 'unclosed");
    assert!(found.contains("banto.toml:2: "), "{found}");
    assert!(found.contains("banto.toml:4: "), "{found}");
}

#[test]
fn a_user_is_named_whatever_the_case_of_the_letters() {
    let (tags, groups) = Default::default();
    let user = "Alice".parse().unwrap();
    let attributes = super::UserAttributes {
        user: &user,
        path: "/developers/eu/",
        tags: &tags,
        groups: &groups,
    };
    assert!(Selector::User("alice".parse().unwrap()).matches(attributes));
    assert!(Selector::Path("/developers/".into()).matches(attributes));
    assert!(!Selector::Path("/machines/".into()).matches(attributes));
}

/// Every key that a schema knows, sections flattened.
fn schema_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        keys.insert(name.clone());
        schema_keys(property, keys);
    }
    for beneath in ["items", "definitions", "additionalProperties"] {
        if let Some(schema) = schema.get(beneath) {
            schema_keys(schema, keys);
        }
    }
    for definition in schema["definitions"].as_object().into_iter().flatten() {
        schema_keys(definition.1, keys);
    }
}

#[test]
fn the_editors_schema_knows_just_the_keys_that_the_parser_knows() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let mut in_schema = BTreeSet::new();
    schema_keys(&schema, &mut in_schema);
    // The parser names every key that it asked for in a section when it meets one that it doesn't
    // know.
    let mut in_parser: BTreeSet<String> = BTreeSet::from(["rotation".into(), "notices".into()]);
    let everywhere = [
        ("", "zzz = 1"),
        ("[rotation]", "zzz = 1"),
        ("[rotation.machines]", "zzz = 1"),
        ("[[rotation.machines.who]]", "zzz = 1"),
        (
            "[[rotation.machines.who]]\n[rotation.machines.who.tag]",
            "zzz = 1",
        ),
        ("[[rotation.accounts]]", "zzz = 1"),
        ("[[rotation.windows]]", "zzz = 1"),
        ("[[rotation.exemptions]]", "zzz = 1"),
        ("[[rotation.include]]", "zzz = 1"),
        ("[[rotation.exclude]]", "zzz = 1"),
        ("[onboarding]", "zzz = 1"),
        ("[onboarding.dashboard]", "zzz = 1"),
        (
            "[onboarding]\nway = \"stackset\"\n[onboarding.stack_set]",
            "zzz = 1",
        ),
        ("[onboarding.config]", "zzz = 1"),
        ("[onboarding.roles.admin]", "zzz = 1"),
        ("[onboarding.settings]", "zzz = 1"),
        ("[onboarding.settings.password_policy]", "zzz = 1"),
        ("[onboarding.settings.contacts]", "zzz = 1"),
        ("[onboarding.settings.contacts.billing]", "zzz = 1"),
        (
            "[onboarding.config]\nbucket = \"abc\"\n[[onboarding.overrides]]",
            "zzz = 1",
        ),
        (
            "[onboarding.config]\nbucket = \"abc\"\n[[onboarding.overrides]]\n[onboarding.overrides.tag]",
            "zzz = 1",
        ),
        ("[compliance]", "zzz = 1"),
        ("[[compliance.routes]]", "zzz = 1"),
        ("[[compliance.routes]]\n[compliance.routes.to]", "zzz = 1"),
        ("[[compliance.routes]]\n[compliance.routes.tag]", "zzz = 1"),
        ("[compliance.rules.plain]", "zzz = 1"),
        ("[compliance.reminders]", "zzz = 1"),
        ("[report]", "zzz = 1"),
        ("[report.archive]", "zzz = 1"),
        ("[report.store]", "zzz = 1"),
        ("[report.athena]", "zzz = 1"),
        ("[[report.expected]]", "zzz = 1"),
        ("[[report.expected]]\n[report.expected.tag]", "zzz = 1"),
        ("[report.mail]", "zzz = 1"),
        ("[[waivers]]", "zzz = 1"),
        ("[notices]", "zzz = 1"),
        ("[notices.slack]", "zzz = 1"),
    ];
    for (section, line) in everywhere {
        let found = problems(&format!("{section}\n{line}\n"));
        let known = found
            .lines()
            .filter_map(|line| line.split_once("known here: "));
        in_parser.extend(
            known
                .flat_map(|(_, known)| known.split(", "))
                .map(str::to_owned),
        );
    }
    assert_eq!(in_schema, in_parser);
}

/// The paths of a section's keys, as docs/policy.md writes them: `machines.who[].user`.
fn schema_paths(schema: &serde_json::Value, section: &str, paths: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{section}.{name}");
        if property["items"]["properties"].is_object() {
            let path = format!("{path}[]");
            schema_paths(&property["items"], &path, paths);
            paths.insert(path);
        } else if property["properties"].is_object() && name != "tag" {
            schema_paths(property, &path, paths);
        } else if property["additionalProperties"]["properties"].is_object() {
            let named = &property["additionalProperties"];
            schema_paths(named, &format!("{path}.<name>"), paths);
        } else {
            paths.insert(path);
        }
    }
}

/// The keys of a section that docs/policy.md has a row for.
fn rows(section: &str) -> BTreeSet<String> {
    let keys = DOCS.lines().filter_map(|line| {
        let (key, _) = line.strip_prefix("| `")?.split_once('`')?;
        key.starts_with(section).then(|| key.to_owned())
    });
    keys.collect()
}

#[test]
fn the_page_of_the_policy_has_a_row_for_each_key_of_onboarding() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let onboarding = &schema["properties"]["onboarding"];
    let mut in_schema = BTreeSet::new();
    schema_paths(onboarding, "onboarding", &mut in_schema);
    // One row stands for the keys of everyone's baseline.
    let (exception, own) = (
        "onboarding.overrides[].",
        ["account", "ou", "tag", "left_alone_because"],
    );
    in_schema.retain(|key| {
        key.strip_prefix(exception)
            .is_none_or(|key| own.contains(&key))
    });
    assert_eq!(rows("onboarding."), in_schema);
}

#[test]
fn the_page_of_the_policy_has_a_row_for_each_key_of_compliance() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let compliance = &schema["properties"]["compliance"];
    let mut in_schema = BTreeSet::new();
    schema_paths(compliance, "compliance", &mut in_schema);
    // One row stands for the keys of the default route, and one for those of a time window.
    in_schema.retain(|key| {
        !key.starts_with("compliance.default.") && !key.starts_with("compliance.routes[].quiet[].")
    });
    in_schema.insert("compliance.default".to_owned());
    assert_eq!(rows("compliance."), in_schema);
}

#[test]
fn the_page_of_the_policy_has_a_row_for_each_key_of_the_report() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let report = &schema["properties"]["report"];
    let mut in_schema = BTreeSet::new();
    schema_paths(report, "report", &mut in_schema);
    assert_eq!(rows("report."), in_schema);
}

#[test]
fn the_page_of_the_policy_has_a_row_for_each_key_of_rotation_with_its_meaning() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let rotation = &schema["properties"]["rotation"];
    let mut in_schema = BTreeSet::new();
    schema_paths(rotation, "rotation", &mut in_schema);
    assert_eq!(rows("rotation."), in_schema);
    for (section, prefix) in [
        (rotation, "rotation"),
        (&rotation["properties"]["machines"], "rotation.machines"),
    ] {
        for (name, property) in section["properties"].as_object().unwrap() {
            let row = DOCS
                .lines()
                .find(|line| line.starts_with(&format!("| `{prefix}.{name}` ")));
            let Some(row) = row else { continue };
            let means = property["description"].as_str().unwrap();
            assert!(row.contains(means), "{row}\n{means}");
            let default = &property["default"];
            let is_told = row.ends_with(&format!("| `{default}` |"));
            assert_eq!(is_told, !default.is_null(), "{row}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,400}") {
        let _whatever = Policy::parse(&text).is_ok();
    }

    #[test]
    fn a_mangled_line_is_never_blamed_on_a_line_outside_the_file(line in 0usize..60, with in "[a-z=\\[\\]\"0-9 ]{0,30}") {
        let mut lines: Vec<&str> = EXAMPLE.lines().collect();
        let count = lines.len();
        lines[line % count] = &with;
        if let Err(problems) = Policy::parse(&lines.join("\n")) {
            prop_assert!(problems.iter().all(|(line, _)| (1..=count + 1).contains(&line)), "{}", problems);
        }
    }
}

#[test]
fn an_empty_file_is_told_what_it_lacks() {
    let problems = Policy::parse("").unwrap_err().to_string();
    assert!(
        problems.contains(": the section [rotation] is missing") && !problems.contains('`'),
        "{problems}"
    );
}
