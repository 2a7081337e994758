//! What may name what: asserted from Cargo's own knowledge and from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The crates of ours that each crate of ours may name, besides in tests.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    BTreeMap::from([
        ("banto-domain", BTreeSet::new()),
        ("banto-ports", BTreeSet::from(["banto-domain"])),
        ("banto-seal", BTreeSet::from(["banto-domain"])),
        ("banto-setup", BTreeSet::new()),
        (
            "banto-lambda",
            BTreeSet::from(["banto-domain", "banto-ports"]),
        ),
        ("banto-tls", BTreeSet::new()),
        (
            "banto-notice",
            BTreeSet::from(["banto-domain", "banto-ports", "banto-tls"]),
        ),
        (
            "banto-aws",
            BTreeSet::from(["banto-domain", "banto-ports", "banto-tls"]),
        ),
        (
            "banto-fake",
            BTreeSet::from(["banto-domain", "banto-ports"]),
        ),
        (
            "rotate-access-keys",
            BTreeSet::from([
                "banto-aws",
                "banto-domain",
                "banto-notice",
                "banto-ports",
                "banto-seal",
                "banto-lambda",
            ]),
        ),
        (
            "onboard-accounts",
            BTreeSet::from([
                "banto-aws",
                "banto-domain",
                "banto-notice",
                "banto-ports",
                "banto-lambda",
            ]),
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
            BTreeSet::from([
                "banto-aws",
                "banto-domain",
                "banto-notice",
                "banto-ports",
                "banto-lambda",
            ]),
        ),
        ("banto-tests", BTreeSet::new()),
    ])
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
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
    assert_eq!(
        packages.len(),
        allowed.len(),
        "every crate of ours has its line in the table above"
    );
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let may = &allowed[name];
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && allowed.contains_key(on) {
                assert!(may.contains(on), "{name} may not depend on {on}");
            }
            let is_sdk = on.starts_with("aws-") || on == "aws-types";
            assert!(
                !is_sdk || name == "banto-aws",
                "{name} may not name the SDK crate {on}"
            );
            assert!(
                on != "sequoia-openpgp" || name == "banto-seal",
                "{name} may not name sequoia"
            );
        }
    }
}

/// Every source file below a folder, but those of its tests.
fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

/// The code of a text, without comments and without its tests, which clippy has at its end.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The code of a file.
fn code(path: &Path) -> String {
    code_of(&fs::read_to_string(path).unwrap())
}

/// The sources of each function.
fn functions() -> Vec<PathBuf> {
    let functions = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|function| function.unwrap().path());
    let sources: Vec<PathBuf> = functions.map(|function| function.join("src")).collect();
    assert!(!sources.is_empty());
    sources
}

/// The modules that a function's code names by the path from its root.
fn named_modules(code: &str) -> BTreeSet<String> {
    let paths = code.split("crate::").skip(1);
    let name = |path: &str| {
        assert!(
            !path.starts_with('{'),
            "a group of modules is not understood here: {}",
            path.lines().next().unwrap()
        );
        path.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_')
            .next()
            .unwrap()
            .to_owned()
    };
    paths.map(name).collect()
}

/// The modules that code declares.
fn declared_modules(code: &str) -> BTreeSet<String> {
    let declared = code.lines().filter_map(|line| {
        line.trim_start()
            .trim_start_matches("pub ")
            .strip_prefix("mod ")?
            .strip_suffix(';')
            .map(str::to_owned)
    });
    declared.collect()
}

/// A module of a function: its file, and those below it.
fn module(source: &Path, name: &str) -> BTreeSet<PathBuf> {
    let below = source.join(name);
    let mut files = if below.is_dir() {
        sources(&below)
    } else {
        BTreeSet::new()
    };
    files.extend(Some(below.with_extension("rs")).filter(|file| file.is_file()));
    files
}

/// What must be pure of a function: `plan` and `check` with all below them, the modules that these name, and the rest
/// of what people read or deploy.
fn pure(source: &Path) -> BTreeSet<PathBuf> {
    let decides = ["plan", "check"]
        .iter()
        .flat_map(|name| module(source, name));
    let mut pure: BTreeSet<PathBuf> = decides.collect();
    let named: BTreeSet<String> = pure
        .iter()
        .flat_map(|file| named_modules(&code(file)))
        .collect();
    let rest = ["diff", "stacks", "template", "words"].map(str::to_owned);
    pure.extend(
        named
            .into_iter()
            .chain(rest)
            .flat_map(|name| module(source, &name)),
    );
    pure
}

#[test]
fn only_a_functions_main_names_the_adapters() {
    for function in functions() {
        for source in sources(&function) {
            let names_aws = code(&source).contains("banto_aws");
            assert_eq!(
                names_aws,
                source.ends_with("src/main.rs"),
                "{}",
                source.display()
            );
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
    for function in functions() {
        let pure = pure(&function);
        for path in &pure {
            for word in forbidden {
                assert!(
                    !code(path).contains(word),
                    "{} names {word:?}",
                    path.display()
                );
            }
        }
        // By what the modules themselves declare: no file of theirs was missed.
        for root in ["plan", "check"].map(|name| function.join(name)) {
            assert!(
                pure.contains(&root.with_extension("rs")),
                "{} was not looked at",
                root.display()
            );
            for declared in declared_modules(&code(&root.with_extension("rs"))) {
                let file = root.join(&declared).with_extension("rs");
                assert!(pure.contains(&file), "{} was not looked at", file.display());
            }
        }
    }
}

#[test]
fn comments_and_tests_are_left_out_of_what_is_looked_at() {
    let text = "//! About tokio.\nmod user;\nuse crate::event::Mode;\n\n    // tokio\n#[cfg(test)]\nmod tests {\n    use tokio;\n}\n";
    assert_eq!(code_of(text), "mod user;\nuse crate::event::Mode;\n");
    assert_eq!(
        code_of("fn plan() {}\n\n#[cfg(test)]\nmod tests;\n"),
        "fn plan() {}\n"
    );
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        declared_modules("mod queue;\npub mod user;\nmod inline {\n}"),
        names(&["queue", "user"])
    );
    assert_eq!(
        named_modules("use crate::event::Mode;\nlet x = crate::plan_b::y();"),
        names(&["event", "plan_b"])
    );
    // What a planner names must be as pure as itself.
    let found = pure(&root().join("functions/rotate-access-keys/src"));
    let found: Vec<&str> = found
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    for file in ["user.rs", "snapshot.rs", "event.rs"] {
        assert!(found.contains(&file), "{file}: {found:?}");
    }
    assert!(!found.contains(&"tests.rs"), "{found:?}");
}

#[test]
fn no_crate_of_ours_may_be_unsafe() {
    for package in packages() {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        let own = manifest.contains("unsafe_code = \"forbid\"");
        assert!(
            own || manifest.contains("[lints]\nworkspace = true"),
            "{}",
            package["name"]
        );
    }
    assert!(
        fs::read_to_string(root().join("Cargo.toml"))
            .unwrap()
            .contains("unsafe_code = \"forbid\"")
    );
}
