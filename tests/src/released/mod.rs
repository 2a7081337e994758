//! What releases wrote is read by today's code, and what today's code writes is read by the release
//! before: `tests/released` has what each release writes, a file for each shape. A release has a
//! file only of what it writes otherwise than the one before. (docs/versions.md.)
//!
//! `BLESS=1` adds what is missing of the release that is being made, and never changes a file.

mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use samples::{Shape, shapes};
use serde_json::Value;

/// The release that is being made.
const NEXT: &str = "v0.1.0";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("released")
}

/// The releases that have files, the earliest first.
fn releases() -> Vec<String> {
    let folders = fs::read_dir(folder()).into_iter().flatten();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('v')).collect();
    names.sort_by_key(|name| numbers(name));
    names
}

/// The numbers of a release: v0.10.0 comes after v0.9.0.
fn numbers(release: &str) -> Vec<u64> {
    let numbers = release.trim_start_matches('v').split('.');
    numbers.map(|number| number.parse().unwrap()).collect()
}

fn path(release: &str, shape: &Shape) -> PathBuf {
    folder().join(release).join(shape.file)
}

/// Each release that has a file of a shape, the earliest first, with what it writes.
fn released(shape: &Shape) -> Vec<(String, String)> {
    let files = releases().into_iter().filter_map(|release| {
        let text = fs::read_to_string(path(&release, shape)).ok()?;
        Some((release, text))
    });
    files.collect()
}

/// The JSON of a text: all of it, or what is before the envelope of a record.
fn json(text: &str) -> Value {
    let json = text.split("\n\n").next().unwrap_or_default();
    serde_json::from_str(json).unwrap()
}

/// Every field with its type, by its path.
fn fields(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect("", value, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            for item in items {
                collect(&format!("{path}[]"), item, found);
            }
            "list"
        }
        Value::Object(members) => {
            for (name, member) in members {
                collect(&format!("{path}.{name}"), member, found);
            }
            "object"
        }
    };
    found.insert(format!("{path}: {kind}"));
}

/// What a writer of today writes otherwise than the file says; `None` if nothing.
fn difference(shape: &Shape, file: &str) -> Option<String> {
    let (now, then) = (json(&(shape.write)()), json(file));
    if now["version"] != then["version"] {
        return Some(format!(
            "version {} instead of {}",
            now["version"], then["version"]
        ));
    }
    let (now, then) = (fields(&now), fields(&then));
    let more: Vec<_> = now.difference(&then).collect();
    let less: Vec<_> = then.difference(&now).collect();
    (now != then).then(|| format!("more: {more:?}, less: {less:?}"))
}

/// What is wrong with a writer of today, given what the last release that has a file writes.
fn fault(shape: &Shape, last: Option<&(String, String)>) -> Option<String> {
    let name = shape.file;
    let Some((release, file)) = last else {
        return Some(format!(
            "{name}: no release has a file; BLESS=1 adds one to {NEXT}"
        ));
    };
    let difference = difference(shape, file)?;
    let is_newer = json(&(shape.write)())["version"].as_u64() > json(file)["version"].as_u64();
    Some(if is_newer && release != NEXT {
        format!("{name}: {difference}: BLESS=1 adds a file to {NEXT}")
    } else {
        format!(
            "{name}: today's code writes another shape than {release} ({difference}). What {release} \
             wrote stays readable, and {release} reads what is written next: let one release read a new \
             version and write the old one, and the next one write it (docs/decisions/versions.md). If \
             {release} has no tag yet, delete its file and run this with BLESS=1."
        )
    })
}

#[test]
fn todays_code_writes_what_the_previous_release_reads() {
    let mut faults = Vec::new();
    for shape in shapes() {
        let last = released(&shape).pop();
        let fault = fault(&shape, last.as_ref());
        if fault
            .as_deref()
            .is_some_and(|fault| fault.contains("BLESS=1 adds"))
            && std::env::var_os("BLESS").is_some()
        {
            let path = path(NEXT, &shape);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, (shape.write)()).unwrap();
        } else {
            faults.extend(fault);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn todays_code_reads_what_every_release_wrote_and_loses_nothing_of_it() {
    let mut read = 0;
    for shape in shapes() {
        for (release, text) in released(&shape) {
            let again = (shape.rewrite)(&text);
            let again =
                again.unwrap_or_else(|error| panic!("{} of {release}: {error}", shape.file));
            let is_same_version = json(&again)["version"] == json(&text)["version"];
            assert!(
                !is_same_version || json(&again) == json(&text),
                "{} of {release}:\n{text}\nis written again as\n{again}",
                shape.file
            );
            read += 1;
        }
    }
    assert!(read >= shapes().len(), "{read}");
}

#[test]
fn a_changed_writer_is_told_what_to_do_and_a_released_file_stays() {
    let shape = Shape {
        file: "thing.json",
        write: || r#"{"version":1,"name":"a","more":1}"#.to_owned(),
        rewrite: |text| Ok(text.to_owned()),
    };
    let of = |version: u32| {
        let file = format!(r#"{{"version":{version},"name":"a"}}"#);
        ("v0.0.9".to_owned(), file)
    };
    let told = fault(&shape, Some(&of(1))).unwrap();
    assert!(
        told.contains("more: [\".more: number\"], less: []"),
        "{told}"
    );
    assert!(
        told.contains("let one release read a new version"),
        "{told}"
    );
    assert!(
        !told.contains("BLESS=1 adds"),
        "a released file would change: {told}"
    );
    // With a version of its own, it is another file's business.
    let told = fault(&shape, Some(&of(0))).unwrap();
    assert!(told.ends_with("BLESS=1 adds a file to v0.1.0"), "{told}");
    assert!(
        fault(&shape, None)
            .unwrap()
            .contains("no release has a file")
    );
}
