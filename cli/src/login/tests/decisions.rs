//! Which roles there are, and what becomes of a config file.

use serde_json::json;

use super::super::aws_cli::too_old;
use super::super::roles::{Granted, Role, assumable};
use super::super::sections::{
    Blocked, Change, Wanted, edit, foreign_keys, own, profile_of, remove,
};
use super::super::show::Missing;
use super::super::{account, one_each, plain_name};
use crate::profiles::Document;

const READONLY: &str = "arn:aws:iam::444455556666:role/readonly";

fn wanted(profile: &str, entries: &[(&'static str, &str)]) -> Wanted {
    let entries = entries
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()));
    Wanted {
        profile: profile.to_owned(),
        entries: entries.collect(),
    }
}

fn role(source: &str) -> Wanted {
    let entries = [("role_arn", READONLY), ("source_profile", source)];
    wanted("archive-readonly", &entries)
}

#[test]
fn what_policies_allow_to_assume_is_found_in_each_form_that_iam_takes() {
    let one = json!({"Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": READONLY,
    }});
    assert_eq!(assumable(&one), [READONLY]);
    let many = json!({"Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "STS:assumerole"], "Resource": ["a", "b"]},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "c"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "d"},
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "e"},
    ]});
    assert_eq!(assumable(&many), ["a", "b"]);
}

#[test]
fn a_role_of_every_account_is_one_in_each_account_that_was_named() {
    let accounts = [
        "444455556666".parse().unwrap(),
        "999988887777".parse().unwrap(),
    ];
    let mut granted = Granted::default();
    granted.add("arn:aws:iam::*:role/readonly", accounts.iter());
    granted.add(READONLY, accounts.iter());
    let arns: Vec<&str> = granted.roles.iter().map(|role| role.arn.as_str()).collect();
    assert_eq!(arns, [READONLY, "arn:aws:iam::999988887777:role/readonly"]);
    assert!(granted.open.is_empty());

    let mut granted = Granted::default();
    granted.add("arn:aws:iam::*:role/readonly", [].iter());
    granted.add("arn:aws:iam::444455556666:role/*", [].iter());
    assert!(granted.roles.is_empty());
    let open = [
        "arn:aws:iam::444455556666:role/*",
        "readonly in every account",
    ];
    assert!(granted.open.iter().eq(open));
}

#[test]
fn a_profile_is_called_after_the_account_and_the_role() {
    let role = Role::parse("arn:aws:iam::444455556666:role/teams/admin").unwrap();
    assert_eq!(role.profile(Some("archive")), "archive-teams-admin");
    assert_eq!(role.profile(None), "444455556666-teams-admin");
    for arn in [
        "arn:aws:iam::444455556666:user/alice",
        "arn:aws:iam::4444:role/readonly",
        "arn:aws:iam::444455556666:role/",
        "readonly",
    ] {
        assert_eq!(Role::parse(arn), None, "{arn}");
    }
    assert_eq!(account("444455556666=archive").unwrap().1, "archive");
    assert!(account("archive").is_err() && plain_name("a b").is_err() && plain_name("-x").is_err());
}

#[test]
fn sections_are_added_once_and_then_kept() {
    let file = "# mine\n[default]\nregion = eu-west-1\n";
    let mut document = Document::parse(file).unwrap();
    let all = [wanted("banto", &[]), role("banto-process")];
    let changed = edit(&mut document, &all).unwrap();
    assert!(
        changed
            .iter()
            .all(|changed| changed.change == Change::Added)
    );
    assert_eq!(
        profile_of(&document, READONLY).as_deref(),
        Some("archive-readonly")
    );
    let once = document.text().to_owned();
    let changed = edit(&mut document, &all).unwrap();
    assert!(changed.iter().all(|changed| changed.change == Change::Same));
    assert_eq!(document.text(), once);

    let changed = remove(&mut document).unwrap();
    assert!(
        changed
            .iter()
            .all(|changed| changed.change == Change::Removed)
    );
    assert_eq!(document.text(), file);
}

#[test]
fn own_sections_follow_and_keep_what_others_wrote_in_them() {
    let mut document = Document::parse("").unwrap();
    let with_device = [
        ("role_arn", READONLY),
        ("source_profile", "old"),
        ("mfa_serial", "device"),
    ];
    edit(&mut document, &[wanted("archive-readonly", &with_device)]).unwrap();
    let section = own(&document).remove(0).1;
    document.set(&section, "output", "json").unwrap();
    let changed = edit(&mut document, &[role("banto-process")]).unwrap();
    assert_eq!(changed[0].change, Change::Updated);
    assert_eq!(
        changed[0].lines,
        [
            "  [profile archive-readonly]",
            "- mfa_serial = device",
            "- source_profile = old",
            "+ source_profile = banto-process",
        ]
    );
    assert_eq!(document.get(&section, "output"), Some("json"));
}

#[test]
fn profiles_of_others_are_refused_all_at_once_unless_they_say_the_same() {
    let file = format!(
        "[profile banto]\nregion = eu-west-1\n[profile archive-readonly]\nrole_arn = {READONLY}\n"
    );
    let mut document = Document::parse(&file).unwrap();
    let all = [
        wanted("banto", &[("region", "eu-west-3")]),
        role("banto-process"),
    ];
    let Err(Blocked::Foreign(foreign)) = edit(&mut document, &all) else {
        panic!("sections of others were edited");
    };
    assert_eq!(
        foreign.0,
        [
            ("[profile banto]".to_owned(), 1),
            ("[profile archive-readonly]".to_owned(), 3)
        ]
    );
    let told = foreign.told("config");
    assert!(
        told.contains("config:1: [profile banto] was not made by banto login"),
        "{told}"
    );
    assert_eq!(document.text(), file);

    let same = [wanted("banto", &[("region", "eu-west-1")])];
    assert_eq!(edit(&mut document, &same).unwrap()[0].change, Change::Same);
    assert_eq!(document.text(), file);
    assert!(remove(&mut document).unwrap().is_empty());
}

#[test]
fn a_profile_with_credentials_of_its_own_is_not_signed_in_with() {
    for line in ["role_arn = a", "sso_session = s", "aws_access_key_id = A"] {
        let file = format!("[profile work]\n{line}\n");
        let mut document = Document::parse(&file).unwrap();
        let edited = edit(&mut document, &[wanted("work", &[])]);
        assert!(matches!(edited, Err(Blocked::Foreign(_))), "{line}");
    }
    let mut document = Document::parse("[profile work]\nlogin_session = s\n").unwrap();
    assert!(edit(&mut document, &[wanted("work", &[])]).is_ok());
}

#[test]
fn a_key_in_the_credentials_file_that_tools_would_use_instead_is_somebody_elses() {
    let file = "[default]\naws_access_key_id = A\n[banto]\nregion = eu-west-1\n\
                [banto-process]\naws_access_key_id = A\naws_secret_access_key = s\n";
    let credentials = Document::parse(file).unwrap();
    let base = [wanted("banto", &[]), wanted("banto-process", &[])];
    let told = foreign_keys(&credentials, &base).unwrap().told("file");
    assert!(
        told.contains("\nfile:5: [banto-process] was not made by banto login"),
        "{told}"
    );
    assert!(!told.contains("[banto]"), "{told}");
    assert_eq!(foreign_keys(&credentials, &base[..1]), None);
}

#[test]
fn roles_whose_profiles_would_have_one_name_are_refused() {
    let other = "arn:aws:iam::999988887777:role/readonly";
    let second = wanted("archive-readonly", &[("role_arn", other)]);
    let error = one_each(&[role("banto-process"), second]).unwrap_err();
    let told = error.to_string();
    assert!(told.contains(READONLY) && told.contains(other), "{told}");
    assert!(one_each(&[role("banto-process"), wanted("banto", &[])]).is_ok());
}

#[test]
fn an_aws_cli_without_login_is_told_with_its_version() {
    assert_eq!(too_old("aws-cli/2.32.0 Python/3.13.9 Linux/6.1\n"), None);
    assert_eq!(too_old("aws-cli/3.0.0 Python/3.13.9"), None);
    for version in ["1.46.3", "2.31.9", "2.9.32"] {
        let found = too_old(&format!("aws-cli/{version} Python/3.11.7"));
        assert_eq!(found, Some(Missing::OldAwsCli(version.to_owned())));
    }
    assert!(too_old("amazing whale shop").is_some());
}
