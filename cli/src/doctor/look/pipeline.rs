//! The pipeline's roles: do they trust both forms of GitHub's `sub`, and no more than these?

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic};
use super::organization::or_fine;
use super::place::Here;
use crate::doctor::probe::elements;

/// GitHub's name for who asks, in a trust policy.
const SUBJECT: &str = "token.actions.githubusercontent.com:sub";

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let ask = Ask::aws(
        "iam:ListRoles",
        json!({"PathPrefix": "/banto/", "MaxItems": 1000}),
    )
    .all_pages("Marker", "Marker");
    let check = Check::new(Topic::Pipeline, "roles banto/pipeline-*", vec![ask], judge);
    here.management().map(|_| check).into_iter().collect()
}

fn judge(texts: &[String]) -> Vec<Said> {
    let text = texts.first().map(String::as_str).unwrap_or_default();
    let roles = elements(text, "RoleName").into_iter();
    let roles = roles.zip(elements(text, "AssumeRolePolicyDocument"));
    let roles: Vec<(&str, &str)> = roles
        .filter(|(name, _)| name.starts_with("pipeline-"))
        .collect();
    if roles.is_empty() {
        return vec![Said::note(
            "there is none: people apply",
            &["docs/pipeline.md says how GitHub does"],
        )];
    }
    let said = roles
        .iter()
        .filter_map(|(name, trust)| of_role(name, trust))
        .collect();
    or_fine(said, format!("{} trust both forms of sub", roles.len()))
}

fn of_role(name: &str, trust: &str) -> Option<Said> {
    let trust = percent_decode_str(trust).decode_utf8_lossy();
    let trust: Value = serde_json::from_str(&trust).unwrap_or_default();
    let statements = trust.get("Statement");
    let statements: Vec<&Value> = match statements {
        Some(Value::Array(all)) => all.iter().collect(),
        one => one.into_iter().collect(),
    };
    let equal = |statement: &&Value| statement.pointer("/Condition/StringEquals").cloned();
    let subjects: Vec<String> = statements
        .iter()
        .filter_map(equal)
        .filter_map(|equal| equal.get(SUBJECT).cloned())
        .flat_map(|own| match own {
            Value::Array(all) => all,
            one => vec![one],
        })
        .filter_map(|own| own.as_str().map(str::to_owned))
        .collect();
    let apply = [
        "apply the module pipeline, as a person: in the folder of the root pipeline (docs/pipeline.md)",
        "$ terraform apply",
    ];
    // StringLike, or no condition on the subject at all.
    if subjects.is_empty() || subjects.iter().any(|own| own.contains('*')) {
        let words = format!("{name} does not name who may assume it: whole organizations may");
        return Some(Said::error(words, &apply));
    }
    let with_ids = |own: &String| own.split(':').nth(1).is_some_and(|own| own.contains('@'));
    let (new, old): (Vec<&String>, Vec<&String>) = subjects.iter().partition(|own| with_ids(own));
    let lacks = match (new.is_empty(), old.is_empty()) {
        (true, _) => "with ids, which repositories have that were made or renamed since July 2026",
        (_, true) => "without ids, which older repositories have",
        _ => return None,
    };
    Some(Said::error(
        format!("{name} lacks the form of sub {lacks}"),
        &apply,
    ))
}
