//! Odd files, held against what botocore reads in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use banto_setup::{Packages, Venv};
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::text::lines;
use super::super::{Document, Keys, Kind, Paths, put_key};

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// One process of Python, for all cases. It ends with this one.
struct Botocore {
    _child: Child,
    cases: ChildStdin,
    answers: BufReader<ChildStdout>,
}

static BOTOCORE: LazyLock<Mutex<Botocore>> = LazyLock::new(|| {
    let venv = Venv::ensure(Packages::LocalAws, &|_step| Ok(())).unwrap();
    let mut child = Command::new(venv.python())
        .args(["-I", "-X", "utf8", "-c", include_str!("botocore.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Mutex::new(Botocore {
        cases: child.stdin.take().unwrap(),
        answers: BufReader::new(child.stdout.take().unwrap()),
        _child: child,
    })
});

fn ask<T: for<'a> Deserialize<'a>>(case: &Value) -> T {
    let mut botocore = BOTOCORE.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(botocore.cases, "{case}").unwrap();
    let mut answer = String::new();
    botocore.answers.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// What botocore reads in a text, unless it refuses it.
fn sections(text: &str) -> Option<Sections> {
    ask(&json!({ "text": text }))
}

fn ours(document: &Document, section: &str, keys: &BTreeMap<String, String>) -> bool {
    let known = document
        .entries(section)
        .all(|(key, _)| keys.contains_key(key));
    let same = keys
        .iter()
        .all(|(key, value)| document.get(section, key) == Some(value));
    known && same
}

const KEYS: [&str; 10] = [
    "aws_access_key_id",
    "AWS_Secret_Access_Key",
    "aws_session_token",
    "region",
    "role_arn",
    "source_profile",
    "login_session",
    "credential_process",
    "s3",
    "x y",
];

const VALUES: [&str; 9] = [
    "",
    "v",
    "a b",
    "x = y",
    "# no comment",
    "v ; w",
    "ü\u{a0}",
    "[v]",
    "k: v",
];

/// Lines that say nothing, and lines that spoil a file.
const SILENT: [&str; 7] = [
    "",
    "",
    "# comment",
    "; comment",
    "  # indented",
    "   ",
    "\t",
];
const SPOILT: [&str; 5] = ["no entry", "[", "[]", "[open", " = v"];

fn entry() -> impl Strategy<Value = String> {
    let indent = prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\t"), 1 => Just("\u{a0}")];
    let key = prop_oneof![40 => select(&KEYS[..]), 1 => Just("")];
    let delimiter = select(&[" = ", "=", ": ", "  =", "\t:\t", " =\u{1f}"][..]);
    let nested = prop_oneof![
        4 => Just(""),
        4 => Just("\n    a = b\n    c = d"),
        4 => Just("\n  # between\n\n  more = 1"),
        1 => Just("\n  more"),
    ];
    (indent, key, delimiter, select(&VALUES[..]), nested).prop_map(
        |(indent, key, delimiter, value, nested)| {
            // Nobody nests a key of the others, and botocore breaks over it.
            let nested = if matches!(key, "s3" | "x y") {
                nested
            } else {
                ""
            };
            format!("{indent}{key}{delimiter}{value}{nested}")
        },
    )
}

fn other_line() -> impl Strategy<Value = String> {
    prop_oneof![24 => select(&SILENT[..]), 1 => select(&SPOILT[..])].prop_map(str::to_owned)
}

/// A section of a name that no other one has, as a rule: what comes twice spoils a file.
fn section(number: usize) -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        6 => Just(format!("p{number}")),
        6 => Just(format!("profile p{number}")),
        1 => Just(format!("profile \"p {number}\"")),
        1 => Just(format!("profile 'p{number}'")),
        1 => Just(format!(" p{number} ")),
        1 => Just("default".to_owned()),
        1 => Just("DEFAULT".to_owned()),
        1 => Just("profile p0".to_owned()),
        1 => Just(format!("profile p{number} \\")),
        1 => Just(format!("a]b{number}")),
    ];
    let header = (
        prop_oneof![8 => Just(""), 1 => Just("  ")],
        name,
        prop_oneof![8 => Just(""), 1 => Just(" ; tail")],
    )
        .prop_map(|(indent, name, tail)| format!("{indent}[{name}]{tail}"));
    let line = prop_oneof![3 => entry(), 1 => other_line()];
    (header, prop::collection::vec(line, 0..4)).prop_map(|(header, mut lines)| {
        lines.insert(0, header);
        lines
    })
}

fn file() -> impl Strategy<Value = String> {
    let preamble = prop_oneof![
        20 => Just(vec![]),
        4 => Just(vec!["# first".to_owned(), String::new()]),
        1 => Just(vec!["\u{feff}".to_owned()]),
        1 => Just(vec!["text".to_owned()]),
    ];
    let sections = (section(0), section(1), section(2), section(3));
    let ends = prop_oneof![
        6 => Just("\n"),
        2 => Just("\r\n"),
        1 => Just("\r"),
    ];
    (preamble, sections, ends, any::<bool>()).prop_map(|(preamble, sections, end, last)| {
        let (a, b, c, d) = sections;
        let lines = [preamble, a, b, c, d].concat();
        let text = lines.join("\n").replace('\n', end);
        if last { text + end } else { text }
    })
}

fn key() -> Keys {
    Keys {
        id: "AKIANEW".to_owned(),
        secret: SecretString::from("new"),
        token: None,
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Set(&'static str, &'static str),
    Remove(&'static str),
    Key,
    Section,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (
            select(&["region", "s3", "new", "role_arn"][..]),
            select(&["v", "a = b"][..])
        )
            .prop_map(|(key, value)| Edit::Set(key, value)),
        select(&["region", "s3", "aws_session_token"][..]).prop_map(Edit::Remove),
        Just(Edit::Key),
        Just(Edit::Section),
    ]
}

impl Edit {
    /// Edits a document, and what botocore read in it likewise.
    fn make(&self, document: &mut Document, read: &mut Sections, section: &str) -> bool {
        let mut entries = read.get(section).cloned().unwrap_or_default();
        let mut set = |key: &str, value: &str| entries.insert(key.to_owned(), value.to_owned());
        let made = match self {
            Self::Set(key, value) => {
                set(key, value);
                document.set(section, key, value)
            }
            Self::Remove(key) => {
                entries.remove(*key);
                document.remove(section, key)
            }
            Self::Key => {
                set("aws_access_key_id", "AKIANEW");
                set("aws_secret_access_key", "new");
                entries.remove("aws_session_token");
                put_key(document, section, &key())
            }
            Self::Section => {
                read.remove(section);
                return document.remove_section(section).is_ok();
            }
        };
        read.insert(section.to_owned(), entries);
        made.is_ok()
    }
}

/// The lines before a section's header and those from the next header on.
fn around<'a>(document: &'a Document, section: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let all: Vec<&str> = lines(document.text()).collect();
    let Some(header) = document.line(section) else {
        return (all, Vec::new());
    };
    let next = document.headers().find(|line| *line > header);
    let next = next.map_or(all.len(), |line| line - 1);
    (all[..header - 1].to_vec(), all[next..].to_vec())
}

proptest! {
    #[test]
    fn a_file_is_read_as_botocore_reads_it(text in file()) {
        let (ours_is, theirs) = (Document::parse(&text), sections(&text));
        prop_assert_eq!(ours_is.is_ok(), theirs.is_some(), "{:?}", ours_is);
        if let (Ok(document), Some(theirs)) = (ours_is, theirs) {
            prop_assert_eq!(document.text(), &text);
            let mut names: Vec<&str> = document.names().collect();
            names.sort_unstable();
            prop_assert!(theirs.keys().eq(names));
            for (section, keys) in &theirs {
                prop_assert!(ours(&document, section, keys), "{}: {:?}", section, keys);
            }
        }
    }

    #[test]
    fn an_edit_changes_what_is_asked_and_nothing_else(
        text in file(),
        edit in edit(),
        place in 0_usize..5,
    ) {
        let Ok(mut document) = Document::parse(&text) else { return Ok(()) };
        let section = document.names().nth(place).unwrap_or("fresh").to_owned();
        // A new section has what [DEFAULT] says, too, which the model below does not know.
        prop_assume!(document.line(&section).is_some() || !text.contains("[DEFAULT]"));
        let mut expected = sections(&text).unwrap();
        let before = Document::parse(&text).unwrap();
        if edit.make(&mut document, &mut expected, &section) {
            let mut read = sections(document.text()).unwrap();
            // A key that is taken out of a section that isn't there makes none.
            expected.retain(|_, keys| !keys.is_empty());
            read.retain(|_, keys| !keys.is_empty());
            prop_assert_eq!(&read, &expected);
            let (above, below) = around(&before, &section);
            let after: Vec<&str> = lines(document.text()).collect();
            // The comment of a section that goes, and an empty line before it, go too.
            let spared = if matches!(edit, Edit::Section) { 2 } else { 0 };
            let above = above.get(..above.len().saturating_sub(spared)).unwrap();
            let whole = |line: &&str| line.trim_end_matches(['\r', '\n']).to_owned();
            prop_assert!(after.iter().map(whole).collect::<Vec<_>>()
                .starts_with(&above.iter().map(whole).collect::<Vec<_>>()));
            prop_assert!(after.ends_with(&below));
        } else {
            prop_assert_eq!(document.text().is_empty(), false);
        }
    }
}

proptest! {
    // botocore takes a tenth of a second for a case of two files.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_profile_says_what_botocore_finds_in_both_files(config in file(), credentials in file()) {
        let folder = TempDir::new().unwrap();
        let paths = Paths {
            config: folder.path().join("config"),
            credentials: folder.path().join("credentials"),
        };
        fs::write(&paths.config, &config).unwrap();
        fs::write(&paths.credentials, &credentials).unwrap();
        let Ok(profiles) = paths.read() else { return Ok(()) };
        let theirs: BTreeMap<String, Profile> = ask(&json!({ "texts": [config, credentials] }));
        prop_assert!(theirs.keys().eq(&profiles.names()));
        for (name, profile) in theirs {
            for (key, value) in &profile.entries {
                prop_assert_eq!(profiles.get(&name, key), Some(value.as_str()));
            }
            let keys = profiles.static_credentials(&name);
            match profile.keys {
                Some(Found::Key { id, secret, token }) => {
                    let keys = keys.unwrap().unwrap();
                    prop_assert_eq!(keys.id, id);
                    prop_assert_eq!(keys.secret.expose_secret(), secret);
                    prop_assert_eq!(keys.token.map(|t| t.expose_secret().to_owned()), token);
                }
                Some(Found::Partial { partial }) if partial != "assume-role" => {
                    prop_assert!(keys.is_err());
                }
                // No key is nested.
                Some(Found::Nested { .. }) => {}
                _ => prop_assert!(keys.unwrap().is_none()),
            }
        }
    }
}

#[derive(Debug, Deserialize)]
struct Profile {
    entries: BTreeMap<String, String>,
    keys: Option<Found>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Found {
    Key {
        id: String,
        secret: String,
        token: Option<String>,
    },
    Partial {
        partial: String,
    },
    Nested {
        #[serde(rename = "nested")]
        _in: String,
    },
    Asked {
        #[serde(rename = "asked")]
        _by: String,
    },
}

/// The properties above say nothing of files that are refused, so most of them must not be.
#[test]
fn most_of_the_odd_files_are_read_and_edited() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut read, mut edited) = (0, 0);
    for _ in 0..200 {
        let text = file().new_tree(&mut runner).unwrap().current();
        let Ok(mut document) = Document::parse(&text) else {
            continue;
        };
        read += 1;
        let section = document.names().next().unwrap_or("fresh").to_owned();
        let section = Kind::Credentials
            .to_edit(&document, &section)
            .unwrap_or(section);
        edited += u32::from(document.set(&section, "region", "v").is_ok());
    }
    assert!(
        read > 60 && edited * 3 > read * 2,
        "{read} read, {edited} edited"
    );
}
