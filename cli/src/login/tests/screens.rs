//! What people read, at both widths.

use serde_json::{Value, json};

use super::super::sections::{Change, Changed};
use super::super::show::{Missing, Shown};
use crate::expected;

fn changed(profile: &str, change: Change, lines: &[&str]) -> Changed {
    Changed {
        profile: profile.to_owned(),
        change,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn shown() -> Shown {
    Shown {
        who: Some(("alice".to_owned(), "111122223333".to_owned())),
        changed: vec![
            changed("banto", Change::Same, &[]),
            changed(
                "banto-process",
                Change::Added,
                &[
                    "+ # banto login: keeps this profile; banto login --remove takes it out",
                    "+ [profile banto-process]",
                    "+ credential_process = aws configure export-credentials --profile banto \
                     --format process",
                ],
            ),
            changed(
                "log-archive-readonly",
                Change::Updated,
                &[
                    "  [profile log-archive-readonly]",
                    "- role_arn = arn:aws:iam::444455556666:role/read-only",
                    "+ role_arn = arn:aws:iam::444455556666:role/readonly",
                ],
            ),
        ],
        example: Some("log-archive-readonly".to_owned()),
        ..Shown::default()
    }
}

#[test]
fn profiles_are_listed_with_one_to_try() {
    expected::holds("login/profiles", |screen| {
        let policy = Some("/home/alice/.config/banto/banto.toml".to_owned());
        Shown { policy, ..shown() }.text(screen)
    });
}

#[test]
fn the_json_has_what_the_screen_has() {
    let device = Missing::NoDevice {
        user: "alice".to_owned(),
    };
    let shown = Shown {
        missing: vec![device.clone()],
        ..shown()
    };
    let json = shown.to_json();
    assert_eq!(json["user"], "alice");
    assert_eq!(json["account"], "111122223333");
    assert_eq!(
        (&json["dryRun"], &json["policy"]),
        (&false.into(), &Value::Null)
    );
    let profiles = json["profiles"].as_array().unwrap();
    let profiles: Vec<_> = profiles
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["change"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        profiles,
        [
            ("banto", "same"),
            ("banto-process", "added"),
            ("log-archive-readonly", "updated"),
        ]
    );
    assert_eq!(json["profiles"][1]["lines"][1], "+ [profile banto-process]");
    let missing = json!([{ "code": "no-mfa-device", "fails": true, "why": device.told() }]);
    assert_eq!(json["missing"], missing);
    assert_eq!(json["example"], "log-archive-readonly");
}

#[test]
fn a_dry_run_shows_the_lines_that_would_change() {
    expected::holds("login/dry-run", |screen| {
        let shown = Shown {
            dry_run: true,
            policy: Some("/home/alice/.config/banto/banto.toml".to_owned()),
            ..shown()
        };
        shown.text(screen)
    });
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let missing = vec![
        Missing::NoAwsCli,
        Missing::OldAwsCli("2.15.30".to_owned()),
        Missing::SignIn,
        Missing::NotSignedIn,
        Missing::NoDevice {
            user: "alice".to_owned(),
        },
        Missing::Roles {
            why: "iam:ListGroupsForUser: denied".to_owned(),
        },
        Missing::Open(vec!["readonly in every account".to_owned()]),
        Missing::Nobody {
            why: "AWS does not take these credentials".to_owned(),
        },
        Missing::NoRoles {
            profile: "banto".to_owned(),
        },
    ];
    let shown = Shown {
        missing,
        ..Shown::default()
    };
    expected::holds("login/missing", |screen| shown.text(screen));
}
