//! What an edit changes, and what it refuses.

use secrecy::SecretString;

use super::super::{Document, Keys, Kind, put_key};

const FILE: &str = "\
# mine
[default]
  AWS_ACCESS_KEY_ID:AKIAOLD
aws_secret_access_key   =   old ; not a comment

; work
[work]
s3 =
    max_concurrent_requests = 20
    # between
    addressing_style = path
aws_session_token = token
region=eu-west-1

# last
[other]
region = us-east-1";

fn edited(text: &str, edit: impl FnOnce(&mut Document)) -> String {
    let mut document = Document::parse(text).unwrap();
    edit(&mut document);
    document.text().to_owned()
}

fn new_key() -> Keys {
    Keys {
        id: "AKIANEW".to_owned(),
        secret: SecretString::from("new"),
        token: None,
    }
}

fn refusal(text: &str) -> String {
    Document::parse(text).unwrap_err().to_string()
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    let text = edited(FILE, |document| {
        put_key(document, "default", &new_key()).unwrap()
    });
    let expected = FILE
        .replace("AWS_ACCESS_KEY_ID:AKIAOLD", "AWS_ACCESS_KEY_ID:AKIANEW")
        .replace("   =   old ; not a comment", "   =   new");
    assert_eq!(text, expected);
}

#[test]
fn a_new_key_ends_the_former_sessions_token_and_stands_behind_the_last_one() {
    let text = edited(FILE, |document| {
        put_key(document, "work", &new_key()).unwrap()
    });
    let expected = FILE.replace("aws_session_token = token\n", "").replace(
        "region=eu-west-1\n",
        "region=eu-west-1\naws_access_key_id = AKIANEW\naws_secret_access_key = new\n",
    );
    assert_eq!(text, expected);
}

#[test]
fn a_nested_value_is_replaced_as_a_whole_and_its_comments_stay() {
    let text = edited(FILE, |document| document.set("work", "s3", "none").unwrap());
    let block =
        "s3 =\n    max_concurrent_requests = 20\n    # between\n    addressing_style = path\n";
    assert_eq!(text, FILE.replace(block, "s3 = none\n    # between\n"));
}

#[test]
fn a_file_without_a_last_line_end_gets_one_only_where_something_follows() {
    let replaced = edited(FILE, |document| {
        document.set("other", "region", "eu-west-3").unwrap();
    });
    assert!(replaced.ends_with("[other]\nregion = eu-west-3"));

    let added = edited(FILE, |document| {
        put_key(document, "new", &new_key()).unwrap()
    });
    let tail = "\n\n[new]\naws_access_key_id = AKIANEW\naws_secret_access_key = new\n";
    assert_eq!(added, format!("{FILE}{tail}"));
}

#[test]
fn line_ends_are_those_of_the_file() {
    let windows = FILE.replace('\n', "\r\n");
    let text = edited(&windows, |document| {
        put_key(document, "work", &new_key()).unwrap()
    });
    assert!(text.contains("\r\naws_secret_access_key = new\r\n"));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn a_section_that_is_added_and_removed_leaves_the_file_as_it_was() {
    let file = format!("{FILE}\n");
    let mut document = Document::parse(&file).unwrap();
    document
        .add("profile a", Some("# ours"), &[("region", "eu-west-1")])
        .unwrap();
    assert_eq!(
        document.text(),
        format!("{file}\n# ours\n[profile a]\nregion = eu-west-1\n")
    );
    assert_eq!(document.comment_above("profile a"), Some("# ours"));
    document.remove_section("profile a").unwrap();
    assert_eq!(document.text(), file);
}

#[test]
fn what_the_aws_cli_cannot_read_is_refused_with_its_line() {
    for (text, line, why) in [
        (
            "[a]\nx = 1\n[a]\n",
            3,
            "[a] is there twice, first in line 1",
        ),
        ("[a]\nx = 1\nX = 2\n", 3, "x is there twice in [a]"),
        ("x = 1\n", 1, "there is text before the first section"),
        ("\u{feff}[a]\nx = 1\n", 1, "byte order mark"),
        ("[a]\nhello\n", 2, "neither a [section] nor a key = value"),
        ("[a]\n = 1\n", 2, "no key before the ="),
        (
            "[a]\ns3 =\n  path\n",
            2,
            "the lines below s3 must be key = value",
        ),
    ] {
        let said = refusal(text);
        assert!(said.starts_with(&format!("line {line}: ")), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn an_edit_that_would_change_what_else_is_read_is_refused() {
    // Behind a key of the section a, the indented header would continue its value.
    let mut document = Document::parse("[a]\n  [b]\n  x = 1\n").unwrap();
    let refused = document.set("a", "region", "eu-west-1").unwrap_err();
    assert!(
        refused.why.contains("can't be edited without a change"),
        "{refused}"
    );

    // What [DEFAULT] says would still be read.
    let mut document = Document::parse("[DEFAULT]\naws_session_token = t\n[a]\n").unwrap();
    let refused = put_key(&mut document, "a", &new_key()).unwrap_err();
    assert!(
        refused.why.contains("[DEFAULT] sets aws_session_token"),
        "{refused}"
    );

    // A value of two lines would be two entries.
    let mut document = Document::parse("[a]\nx = 1\n").unwrap();
    assert!(document.set("a", "x", "1\ny = 2").is_err());
    assert!(document.set("a", "y", " 2").is_err());
    assert_eq!(document.text(), "[a]\nx = 1\n");
}

#[test]
fn two_sections_of_one_profile_are_not_edited() {
    let document = Document::parse("[profile a]\n[profile 'a']\n").unwrap();
    let refused = Kind::Config.to_edit(&document, "a").unwrap_err();
    assert!(refused.why.contains("both the profile a"), "{refused}");
    assert_eq!(refused.line, 2);
}

#[test]
fn names_that_tools_read_in_different_ways_are_refused() {
    let document = Document::parse("").unwrap();
    for name in ["", "a]b", "a\nb", "DEFAULT", "a\"b", " a"] {
        assert!(
            Kind::Credentials.to_edit(&document, name).is_err(),
            "{name}"
        );
    }
    let spaced = Kind::Config.to_edit(&document, "my work").unwrap();
    assert_eq!(spaced, "profile \"my work\"");
}

#[test]
fn no_debug_output_has_a_value() {
    let shown = format!("{:?}", Document::parse(FILE).unwrap());
    assert_eq!(shown, r#"["default", "work", "other"]"#);
}
