//! Every permission of every function: none is missing, none unused.
//!
//! The world in memory holds every call of every test to the policy of the function (see each
//! function's `harness.rs`), so that a missing permission fails whichever test needs it. Here all
//! that the scenes of the crash points use is held against all that the policies allow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use banto_fake::{Fault, FaultKind, Permission, Permissions, take_used_permissions};

use crate::harness::crash_points::Scene;
use crate::harness::take_signs_of_denial;
use crate::{compliance, onboarding, report, rotation};

/// A line each: policy | statement | action | why no scene uses it.
const UNUSED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/permissions/unused.txt");
/// The same of each permission whose denial nobody is told of within the hour.
const SILENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/permissions/silent.txt");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.md");

/// Fewer words say nothing.
const WORDS: usize = 4;

/// The permissions that a scene uses before and while it is played, by a reason that is given, and
/// those of the policy.
fn assert_used_or_explained(policies: &[&'static Permissions], scenes: &[Box<dyn Scene>]) {
    take_used_permissions();
    for scene in scenes {
        let broken = scene.play(&[]).broken;
        assert_eq!(broken, Vec::<String>::new(), "{}", scene.name());
    }
    let used = take_used_permissions();
    let all: BTreeSet<Permission> = policies.iter().flat_map(|policy| policy.all()).collect();
    let unused: BTreeSet<String> = all.difference(&used).map(name).collect();
    let names: BTreeSet<&str> = all.iter().map(|one| one.policy).collect();
    let reasons = reasons(UNUSED);
    let explained = reasons.keys().filter(|one| {
        let policy = one.split(" | ").next().unwrap();
        names.contains(policy)
    });
    let explained: BTreeSet<String> = explained.cloned().collect();
    let unexplained: Vec<_> = unused.difference(&explained).collect();
    let outdated: Vec<_> = explained.difference(&unused).collect();
    assert!(
        unexplained.is_empty() && outdated.is_empty(),
        "no scene uses, and unused.txt lacks: {unexplained:#?}\nused or gone, and in unused.txt: {outdated:#?}"
    );
}

/// Everything that a scene does without a permission, by the signs that people have of it.
type Denied = BTreeMap<Permission, BTreeSet<&'static str>>;

/// Takes each permission away that the scenes use, one at a time and for an hour, from the first
/// call on. Somebody is told, no promise is broken, and all is well once it is back: what became a
/// dead letter, whose alarm tells people, is done by the next day's schedule, too.
fn deny_once(scenes: &[Box<dyn Scene>]) -> (Denied, Vec<String>) {
    let (mut denied, mut broken) = (Denied::new(), Vec::new());
    for scene in scenes {
        take_used_permissions();
        scene.play(&[]);
        for permission in take_used_permissions() {
            if denied.contains_key(&permission) {
                continue;
            }
            let fault = Fault {
                call: 1,
                kind: FaultKind::Forbidden(permission),
            };
            take_signs_of_denial();
            let mut played = scene.play(&[(0, fault)]);
            // What only the preparation used is used by another scene.
            let Some(mut signs) = take_signs_of_denial() else {
                continue;
            };
            let is_dead =
                |what: &String| what.starts_with("given up: ") || what.ends_with(" dead letters");
            if played.broken.extract_if(.., |what| is_dead(what)).count() > 0 {
                signs.insert("it becomes a dead letter");
            }
            let place = format!("{}, without {}", scene.name(), name(&permission));
            let found = played.broken.into_iter();
            broken.extend(found.map(|what| format!("{place}: {what}")));
            denied.insert(permission, signs);
        }
    }
    (denied, broken)
}

/// Denies each permission of these policies once, and writes down what comes of it: all that is
/// neither denied nor explained fails, and so does a denial that is silent for no reason.
fn assert_denied_once(policies: &[&'static Permissions], scenes: &[Box<dyn Scene>]) {
    let (denied, mut wrong) = deny_once(scenes);
    let (unused, silent) = (reasons(UNUSED), reasons(SILENT));
    let mut rows = Vec::new();
    for permission in policies.iter().flat_map(|policy| policy.all()) {
        let name = name(&permission);
        let signs = denied.get(&permission).map(|signs| {
            let signs: Vec<&str> = signs.iter().copied().collect();
            signs.join("; ")
        });
        let reason = match &signs {
            Some(_) => silent.get(&name),
            // The daily schedule's own calls are made before a scene begins.
            None => unused.get(&name).or(silent.get(&name)),
        };
        let consequence = match (signs.as_deref(), reason) {
            (Some(""), Some(reason)) => format!("nothing within the hour: {reason}"),
            (None, Some(reason)) => format!("not tried: {reason}"),
            (Some(signs), None) if !signs.is_empty() => signs.to_owned(),
            (signs, reason) => {
                wrong.push(format!("{name}: told by {signs:?}, listed with {reason:?}"));
                continue;
            }
        };
        rows.push(row(&permission, &consequence));
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
    for policy in policies {
        let of_policy = rows.iter().filter(|(name, _)| *name == policy.name());
        let rows: Vec<&str> = of_policy.map(|(_, row)| row.as_str()).collect();
        assert_documented(policy.name(), &rows.join(""));
    }
}

/// The policy and a row of its table.
fn row(permission: &Permission, consequence: &str) -> (&'static str, String) {
    let Permission {
        policy,
        sid,
        action,
    } = permission;
    (
        *policy,
        format!("| `{action}` | {} | {consequence} |\n", words(sid)),
    )
}

/// The words of a statement's name: `KeepTheLedger` is to keep the ledger.
fn words(sid: &str) -> String {
    let mut words = String::new();
    for letter in sid.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Holds the page to a table; `BLESS=1` writes it there.
fn assert_documented(policy: &str, rows: &str) {
    static PAGE_IS_OPEN: Mutex<()> = Mutex::new(());
    let _open = PAGE_IS_OPEN.lock();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let heading = format!("## {policy}\n");
    let section =
        format!("{heading}\n| Permission | Needed to | Without it |\n| --- | --- | --- |\n{rows}");
    let begin = page.find(&heading);
    let begin = begin.unwrap_or_else(|| panic!("docs/permissions.md has no heading {heading}"));
    let end = page[begin + 1..].find("\n## ");
    let end = end.map_or(page.len(), |end| begin + 1 + end);
    if std::env::var_os("BLESS").is_some() {
        let page = format!("{}{section}{}", &page[..begin], &page[end..]);
        std::fs::write(PAGE, page).unwrap();
        return;
    }
    assert!(
        page[begin..end] == section,
        "docs/permissions.md is out of date: BLESS=1 writes it. {policy}: {section}"
    );
}

/// The name of a permission in the lists.
fn name(permission: &Permission) -> String {
    let Permission {
        policy,
        sid,
        action,
    } = permission;
    format!("{policy} | {sid} | {action}")
}

/// The reasons of a list, by the permission's name.
fn reasons(list: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(list).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    let reason = |line: &str| {
        let (name, reason) = line.rsplit_once(" | ").unwrap();
        assert!(reason.split_whitespace().count() >= WORDS, "{line}");
        (name.to_owned(), reason.to_owned())
    };
    lines.map(reason).collect()
}

#[test]
fn each_permission_to_rotate_is_used_or_has_a_reason() {
    let scenes = rotation::crash_points::lasting();
    assert_used_or_explained(&[&rotation::harness::PERMISSIONS], &scenes);
}

#[test]
fn each_permission_to_onboard_is_used_or_has_a_reason() {
    let policies: [&'static Permissions; 2] = [
        &onboarding::harness::PERMISSIONS,
        &onboarding::harness::SESSION_PERMISSIONS,
    ];
    assert_used_or_explained(&policies, &onboarding::crash_points::all());
}

#[test]
fn each_permission_to_notify_is_used_or_has_a_reason() {
    let scenes = compliance::crash_points::all();
    assert_used_or_explained(&[&compliance::harness::PERMISSIONS], &scenes);
}

#[test]
fn each_permission_to_report_is_used_or_has_a_reason() {
    let scenes = report::crash_points::all();
    assert_used_or_explained(&[&report::harness::PERMISSIONS], &scenes);
}

#[test]
fn a_permission_to_rotate_that_is_missing_is_told_and_breaks_no_promise() {
    let scenes = rotation::crash_points::lasting();
    assert_denied_once(&[&rotation::harness::PERMISSIONS], &scenes);
}

#[test]
fn a_permission_to_onboard_that_is_missing_is_told_and_breaks_no_promise() {
    let policies: [&'static Permissions; 2] = [
        &onboarding::harness::PERMISSIONS,
        &onboarding::harness::SESSION_PERMISSIONS,
    ];
    assert_denied_once(&policies, &onboarding::crash_points::all());
}

#[test]
fn a_permission_to_notify_that_is_missing_is_told_and_breaks_no_promise() {
    let scenes = compliance::crash_points::all();
    assert_denied_once(&[&compliance::harness::PERMISSIONS], &scenes);
}

#[test]
fn a_permission_to_report_that_is_missing_is_told_and_breaks_no_promise() {
    let scenes = report::crash_points::all();
    assert_denied_once(&[&report::harness::PERMISSIONS], &scenes);
}
