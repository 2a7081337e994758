//! What is looked for, where its name comes from, and what applies it: held against the modules, the
//! policy's keys and docs/doctor.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::doctor::look::origin::{DEAD, FAILED, Named, Origin};

const DOCUMENT: &str = include_str!("../../../../../docs/doctor.md");
const KEYS: &str = include_str!("../../../../../docs/policy.md");

/// All looks of the example's accounts.
fn all() -> Vec<Check> {
    let policy = policy();
    let accounts = [MANAGEMENT, LOG_ARCHIVE, IDENTITY];
    accounts
        .iter()
        .flat_map(|account| checks(&here(&policy, account)))
        .collect()
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/modules")
}

/// What Terraform reads of a module.
fn source(module: &str) -> String {
    let files = fs::read_dir(modules().join(module)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|end| end == "tf"));
    files
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// The name of what is looked at, which stands last.
fn name(check: &Check) -> &str {
    check.what.rsplit(' ').next().unwrap()
}

/// A name as the document has it, where another name is in it.
fn pattern(name: &str) -> String {
    if name.ends_with(DEAD) {
        "QUEUE-dead".to_owned()
    } else if name.ends_with(FAILED) {
        "FUNCTION-failed".to_owned()
    } else {
        name.to_owned()
    }
}

/// The document's names that the policy does not have, and beside each the last column.
fn documented() -> BTreeMap<&'static str, &'static str> {
    let section = DOCUMENT.split("\n### Names\n").nth(1).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let name = row.split('`').next().unwrap();
        (
            name,
            row.trim_end_matches(" |").rsplit(" | ").next().unwrap(),
        )
    })
    .collect()
}

#[test]
fn the_document_lists_each_name_that_the_policy_does_not_have() {
    let checks = all();
    let unnamed = checks.iter().filter(|check| match check.origin {
        Some(Origin { named, behind, .. }) => {
            !matches!(named, Named::Policy(_)) || !behind.is_empty()
        }
        None => name(check).ends_with('*'),
    });
    let mut looked_for: BTreeMap<String, Option<Origin>> = BTreeMap::new();
    for check in unnamed {
        looked_for.insert(pattern(name(check)), check.origin);
    }
    let documented = documented();
    let names: Vec<&str> = looked_for.keys().map(String::as_str).collect();
    assert_eq!(names, documented.keys().copied().collect::<Vec<_>>());
    for (name, origin) in &looked_for {
        let of_another = ["QUEUE-dead", "FUNCTION-failed"].contains(&name.as_str());
        if let Some(origin) = origin.filter(|_| !of_another) {
            let module = format!("`{}`", origin.module);
            assert!(
                documented[name.as_str()].contains(&module),
                "{name}: {module}"
            );
            if let Named::Default(variable) = origin.named {
                let variable = format!("`{variable}`");
                assert!(
                    documented[name.as_str()].contains(&variable),
                    "{name}: {variable}"
                );
            }
        }
    }
}

#[test]
fn the_modules_give_what_they_make_the_names_by_which_it_is_looked_for() {
    let function = source("lambda-function");
    for behind in [DEAD, FAILED] {
        assert!(function.contains(&format!("}}{behind}\"")), "{behind}");
    }
    for check in all() {
        let Some(Origin {
            module,
            named,
            behind,
        }) = check.origin
        else {
            continue;
        };
        let source = source(module);
        let own = name(&check).strip_suffix(behind).unwrap();
        match named {
            Named::Policy(key) => assert!(KEYS.contains(&format!("| `{key}` |")), "{key}"),
            Named::Module => assert!(source.contains(&format!("\"{own}\"")), "{module}: {own}"),
            Named::Default(variable) => {
                let default = source
                    .split(&format!("variable \"{variable}\""))
                    .nth(1)
                    .unwrap();
                let default = default.split("\nvariable ").next().unwrap();
                assert!(default.contains(&format!("\"{own}\"")), "{variable}: {own}");
            }
        }
    }
}

#[test]
fn the_policys_keys_that_are_told_have_the_names_that_are_looked_for() {
    let policy: toml::Table = text().parse().unwrap();
    let mut seen = 0;
    for check in all() {
        let Some(Origin {
            named: Named::Policy(key),
            behind,
            ..
        }) = check.origin
        else {
            continue;
        };
        let mut value = Some(&toml::Value::Table(policy.clone())).cloned();
        // Of a list any element may be the one, and a table may have it anywhere within.
        for part in key.split('.').map(|part| part.trim_end_matches("[]")) {
            value = value.and_then(|value| match value {
                toml::Value::Array(all) => {
                    let own = all
                        .iter()
                        .filter_map(|one| one.get(part))
                        .cloned()
                        .collect();
                    Some(toml::Value::Array(own))
                }
                value => value.get(part).cloned(),
            });
        }
        // A default is said by no key.
        let Some(value) = value.map(|value| format!("{value:?}")) else {
            assert!(key.ends_with(".fallback"), "{key}");
            continue;
        };
        let own = name(&check).strip_suffix(behind).unwrap();
        assert!(value.contains(own), "{key} is {value}, and not {own}");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn what_is_missing_is_told_with_its_name_its_module_and_what_to_type() {
    let missing = |ask: &Ask| Err(faults::refused(ask.call, "ResourceNotFoundException"));
    for check in all() {
        let Some(origin) = check.origin else {
            continue;
        };
        let answers: Vec<Answer> = check.asks.iter().map(missing).collect();
        let findings = check.judged(&check.asks, &answers);
        let [told] = &findings[..] else {
            panic!("{}: {findings:#?}", check.what)
        };
        assert!(told.said.is_absent, "{told:#?}");
        assert!(told.what.contains(name(&check)), "{told:#?}");
        let steps = told.said.to_do.join("\n");
        match origin.named {
            Named::Policy(key) => assert!(steps.contains(key), "{steps}"),
            Named::Default(variable) => assert!(steps.contains(variable), "{steps}"),
            Named::Module => assert!(steps.contains("always calls it so"), "{steps}"),
        }
        if told.said.level == Level::Error {
            assert!(
                steps.contains(&format!("apply the module {}:", origin.module)),
                "{steps}"
            );
            assert!(steps.ends_with("$ terraform apply"), "{steps}");
        }
    }
}
