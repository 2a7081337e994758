//! What may name what: asserted from Cargo's own knowledge and from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates of ours that each crate of ours may name, besides in tests.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    BTreeMap::from([
        ("banto-domain", BTreeSet::new()),
        ("banto-ports", BTreeSet::from(["banto-domain"])),
        ("banto-seal", BTreeSet::from(["banto-domain"])),
        ("banto-setup", BTreeSet::new()),
        ("banto-shell", BTreeSet::from(["banto-domain", "banto-ports"])),
        ("banto-tls", BTreeSet::new()),
        ("banto-notice", BTreeSet::from(["banto-domain", "banto-ports", "banto-tls"])),
        ("banto-aws", BTreeSet::from(["banto-domain", "banto-ports", "banto-tls"])),
        ("banto-fake", BTreeSet::from(["banto-domain", "banto-ports"])),
        (
            "rotate-access-keys",
            BTreeSet::from(["banto-aws", "banto-domain", "banto-notice", "banto-ports", "banto-seal", "banto-shell"]),
        ),
        (
            "onboard-accounts",
            BTreeSet::from(["banto-aws", "banto-domain", "banto-notice", "banto-ports", "banto-shell"]),
        ),
        (
            "banto",
            BTreeSet::from([
                "banto-domain",
                "banto-notice",
                "banto-ports",
                "banto-seal",
                "banto-setup",
                "notify-compliance",
                "onboard-accounts",
                "rotate-access-keys",
            ]),
        ),
        (
            "notify-compliance",
            BTreeSet::from(["banto-aws", "banto-domain", "banto-notice", "banto-ports", "banto-shell"]),
        ),
        ("banto-tests", BTreeSet::new()),
    ])
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn dependencies_point_one_way() {
    let allowed = allowed();
    let packages = packages();
    assert_eq!(packages.len(), allowed.len(), "every crate of ours has its line in the table above");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let may = &allowed[name];
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && allowed.contains_key(on) {
                assert!(may.contains(on), "{name} may not depend on {on}");
            }
            let is_sdk = on.starts_with("aws-") || on == "aws-types";
            assert!(!is_sdk || name == "banto-aws", "{name} may not name the SDK crate {on}");
            assert!(on != "sequoia-openpgp" || name == "banto-seal", "{name} may not name sequoia");
        }
    }
}

/// Every source file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file, without comments and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.take_while(|line| !line.starts_with("#[cfg(test)]\nmod tests {")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_a_functions_main_names_the_adapters() {
    for function in fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap) {
        for source in sources(&function.path().join("src")) {
            let names_aws = code(&source).contains("banto_aws");
            assert_eq!(names_aws, source.ends_with("src/main.rs"), "{}", source.display());
        }
    }
}

#[test]
fn planners_and_checkers_are_free_of_async_io_clocks_and_logs() {
    let forbidden = [
        "async ",
        ".await",
        "tokio",
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "tracing",
        "dyn Clock",
        "rand",
        "println!",
        "std::io",
    ];
    let mut checked = 0;
    for function in fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap) {
        let source = function.path().join("src");
        let pure =
            ["plan.rs", "check.rs", "letters.rs", "words.rs", "stacks.rs", "documents.rs", "template.rs", "diff.rs"];
        let mut pure: Vec<PathBuf> = pure.map(|name| source.join(name)).to_vec();
        let below = fs::read_dir(source.join("plan")).into_iter().flatten();
        pure.extend(below.map(|entry| entry.unwrap().path()));
        for path in pure.iter().filter(|path| path.is_file() && !path.ends_with("tests.rs")) {
            for word in forbidden {
                assert!(!code(path).contains(word), "{} names {word:?}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 16, "{checked}");
}

#[test]
fn no_crate_of_ours_may_be_unsafe() {
    for package in packages() {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        let own = manifest.contains("unsafe_code = \"forbid\"");
        assert!(own || manifest.contains("[lints]\nworkspace = true"), "{}", package["name"]);
    }
    assert!(fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("unsafe_code = \"forbid\""));
}
