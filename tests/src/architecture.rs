//! What may name what: asserted from Cargo's own knowledge and from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod modules;

use modules::{Module, Modules, code_of};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The crates of ours that each crate of ours may name, besides in tests.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    BTreeMap::from([
        ("banto-receipt", BTreeSet::new()),
        ("banto-domain", BTreeSet::from(["banto-receipt"])),
        ("banto-ports", BTreeSet::from(["banto-domain"])),
        ("banto-seal", BTreeSet::from(["banto-domain"])),
        ("banto-setup", BTreeSet::new()),
        (
            "banto-lambda",
            BTreeSet::from(["banto-domain", "banto-ports"]),
        ),
        ("banto-tls", BTreeSet::new()),
        ("banto-samples", BTreeSet::from(["banto-domain"])),
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
            BTreeSet::from(["banto-domain", "banto-ports", "banto-receipt"]),
        ),
        (
            "rotate-access-keys",
            BTreeSet::from([
                "banto-aws",
                "banto-domain",
                "banto-notice",
                "banto-ports",
                "banto-receipt",
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
                "banto-aws",
                "banto-domain",
                "banto-lambda",
                "banto-notice",
                "banto-ports",
                "banto-samples",
                "banto-seal",
                "banto-setup",
                "banto-tls",
                "notify-compliance",
                "onboard-accounts",
                "report-compliance",
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
        (
            "report-compliance",
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

/// The folder `src` of each function.
fn functions() -> Vec<PathBuf> {
    let functions = fs::read_dir(root().join("functions")).unwrap();
    let sources: Vec<PathBuf> = functions
        .map(|function| function.unwrap().path().join("src"))
        .collect();
    assert!(!sources.is_empty());
    sources
}

/// Files that decide, and those that say in words what was decided: none of them may act.
const DECIDES: [&str; 5] = ["plan", "check", "notices", "diff", "template"];

/// The modules of a function that must be pure: those that decide, all below them, and all that
/// they name.
fn pure(modules: &Modules) -> BTreeSet<Module> {
    let mut pure = BTreeSet::new();
    for (module, ..) in modules.iter() {
        if module.iter().any(|name| DECIDES.contains(&name.as_str())) {
            pure.extend(modules.reached_from(module));
            pure.insert(module.clone());
        }
    }
    pure
}

#[test]
fn only_a_functions_main_names_the_adapters() {
    for function in functions() {
        for (_, path, code) in Modules::of(&function).iter() {
            assert!(!code.contains("banto_aws"), "{}", path.display());
        }
        let main = fs::read_to_string(function.join("main.rs")).unwrap();
        assert!(main.contains("banto_aws"), "{}", function.display());
    }
}

#[test]
fn files_form_no_circle() {
    let mut crates = functions();
    crates.push(root().join("cli/src"));
    for folder in fs::read_dir(root().join("shared")).unwrap() {
        let folder = folder.unwrap().path();
        // The world in memory is one state: each of its services names it, and it names them.
        if !folder.ends_with("fake") {
            crates.push(folder.join("src"));
        }
    }
    for src in crates {
        let modules = Modules::of(&src);
        let circle = modules.in_circles();
        let named: Vec<String> = (circle.iter())
            .flat_map(|module| {
                modules
                    .named_by(module)
                    .into_iter()
                    .map(move |other| (module, other))
            })
            .filter(|(_, other)| circle.contains(other))
            .map(|(module, other)| format!("{} names {}", module.join("::"), other.join("::")))
            .collect();
        assert!(named.is_empty(), "{}:\n{}", src.display(), named.join("\n"));
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
        let modules = Modules::of(&function);
        let pure = pure(&modules);
        for name in ["plan", "check", "notices"] {
            assert!(
                pure.iter()
                    .any(|module| module.last().is_some_and(|last| last == name)),
                "{} has no {name}",
                function.display()
            );
        }
        for module in &pure {
            for word in forbidden {
                let names_it = modules.code(module).contains(word);
                assert!(
                    !names_it,
                    "{} names {word:?}",
                    modules.file(module).display()
                );
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
    // What a planner names must be as pure as itself.
    let modules = Modules::of(&root().join("functions/rotate-access-keys/src"));
    let pure = pure(&modules);
    let files: BTreeSet<&str> = pure
        .iter()
        .map(|module| module.last().map_or("lib", String::as_str))
        .collect();
    for file in ["user", "snapshot", "event"] {
        assert!(files.contains(file), "{file}: {files:?}");
    }
    assert!(!files.contains("tests"), "{files:?}");
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
