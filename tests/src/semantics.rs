//! docs/SEMANTICS.md is held to the sources: every promise stands there, with tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/SEMANTICS.md")).unwrap()
}

/// A promise's section: its number, and its text.
fn promises(document: &str) -> Vec<(String, String)> {
    let sections = document.split("\n### ").skip(1);
    let promise = |section: &str| {
        let (title, text) = section.split_once('\n').unwrap();
        let (number, _) = title.split_once(':').unwrap();
        (
            number.to_owned(),
            text.split("\n## ").next().unwrap().to_owned(),
        )
    };
    sections.map(promise).collect()
}

/// The names of the tests that a promise says are held by.
fn named_tests(text: &str) -> BTreeSet<String> {
    let tests = text.split("**Tests:**").nth(1).unwrap_or_default();
    tests
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The names of all functions in the Rust files of a folder, tests among them.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Tests are not told apart from other functions: macros of proptest hide the attribute.
            for line in text.lines() {
                let line = line.trim_start().trim_start_matches("async ");
                if let Some((name, _)) = line
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.split_once('('))
                {
                    found.insert(name.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_promise_stands_in_the_document_once_and_in_order() {
    let numbers: Vec<String> = promises(&document())
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    let of = |letter: char, last: u32| (1..=last).map(move |number| format!("{letter}{number}"));
    let letters = of('R', 11).chain(of('O', 5)).chain(of('N', 6));
    let expected: Vec<String> = letters.chain(of('C', 6)).chain(of('V', 1)).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn every_promise_names_tests_that_exist() {
    let mut known = BTreeSet::new();
    for folder in ["cli", "functions", "shared", "tests"] {
        tests_in(&root().join(folder), &mut known);
    }
    let mut problems = Vec::new();
    for (number, text) in promises(&document()) {
        let named = named_tests(&text);
        if named.is_empty() {
            problems.push(format!("{number} names no test"));
        }
        problems.extend(
            named
                .difference(&known)
                .map(|name| format!("{number}: there is no test {name}")),
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
