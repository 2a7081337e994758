//! The dashboard in a real Chromium: `page.mjs` looks at pages that are made here of made-up months,
//! by the DevTools protocol.
//!
//! Without Chromium or the packages of `package.json` nothing is looked at, and the tests say so;
//! with `BANTO_BROWSER=required` they fail then. `BANTO_SCREENSHOTS` names a folder for pictures.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    clippy::print_stdout,
    reason = "a test may fail, its sizes are small, and its reader wants to know what was not seen"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use report_compliance::model::Tally;
use report_compliance::publish::dashboard::{Rows, account_file, render_beside};
use serde_json::{Value, json};

mod made_up;

use made_up::{Made, Size};

const SMALL: Size = Size {
    accounts: 40,
    rules: 24,
    findings: 1_500,
};

/// The size that the page is measured at.
const LARGE: Size = Size {
    accounts: 1_000,
    rules: 150,
    findings: 50_000,
};

/// Most bytes of a page of [`LARGE`].
const MOST_BYTES: usize = 5_000_000;

#[test]
fn a_page_of_a_thousand_accounts_by_150_rules_has_at_most_5_mb() {
    let made = Made::new(LARGE);
    assert_eq!(made.rows.len(), LARGE.findings);
    let page = inline(&made);
    println!("bytes of the page: {}", page.len());
    assert!(page.len() <= MOST_BYTES, "{}", page.len());
}

#[test]
fn in_chromium_nothing_is_refused_and_the_numbers_are_the_models() {
    looked_at("numbers", &Made::new(SMALL));
}

#[test]
fn in_chromium_hostile_names_are_texts_and_no_formulas() {
    let mut made = Made::new(SMALL);
    made.make_hostile();
    looked_at("hostile", &made);
}

#[test]
fn in_chromium_the_address_restores_the_view_and_the_keyboard_reaches_the_findings() {
    looked_at("use", &Made::new(SMALL));
}

#[test]
fn in_chromium_axe_finds_nothing_in_light_and_dark() {
    looked_at("axe", &Made::new(SMALL));
}

#[test]
fn in_chromium_findings_in_files_are_loaded_from_a_folder_and_over_http() {
    looked_at("files", &Made::new(SMALL));
}

#[test]
fn in_chromium_a_large_page_is_quick() {
    looked_at("quick", &Made::new(LARGE));
}

#[test]
fn in_chromium_an_empty_first_month_is_shown() {
    let mut made = Made::new(Size {
        accounts: 0,
        rules: 0,
        findings: 0,
    });
    made.report.compared_with = None;
    made.report.trend.drain(..made.report.trend.len() - 1);
    made.before = None;
    looked_at("empty", &made);
}

/// The page with all findings in it.
fn inline(made: &Made) -> String {
    let rows = Rows::Inline(&made.rows);
    render_beside(&made.report, made.before.as_ref(), &made.policy, rows).page
}

/// Writes a month as people find it, and has `page.mjs` look at it in one way.
fn looked_at(way: &str, made: &Made) {
    let Some(browser) = browser() else {
        let wanted = std::env::var("BANTO_BROWSER");
        assert_ne!(
            wanted.as_deref(),
            Ok("required"),
            "no Chromium, or no npm ci"
        );
        println!("skipped: there is no Chromium here, or no `npm ci` was run in tests/dashboard");
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dashboard-{way}"));
    if way == "files" {
        write_with_files(&folder, made);
    } else {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("index.html"), inline(made)).unwrap();
    }
    fs::write(folder.join("expected.json"), expected(made).to_string()).unwrap();
    let output = Command::new("node")
        .arg(here().join("page.mjs"))
        .args([way.as_ref(), folder.as_os_str(), browser.as_os_str()])
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// Writes the month's page with its files beside it, and the page of the newest month above.
fn write_with_files(folder: &Path, made: &Made) {
    let of_month = folder.join(made.report.period.month.to_string());
    fs::create_dir_all(of_month.join("rows")).unwrap();
    let before = made.before.as_ref();
    let page = render_beside(&made.report, before, &made.policy, Rows::PerAccount).page;
    fs::write(of_month.join("index.html"), &page).unwrap();
    fs::write(folder.join("index.html"), &page).unwrap();
    for account in made.account_months() {
        let of_account = |row: &&_| made_up::is_of(row, &account.account);
        let rows: Vec<_> = made.rows.iter().filter(of_account).cloned().collect();
        let (name, bytes) = account_file(&account, &rows);
        fs::write(of_month.join(name), bytes).unwrap();
    }
}

/// The model's numbers, which the page must show.
fn expected(made: &Made) -> Value {
    let report = &made.report;
    let accounts: BTreeMap<&str, Value> = report
        .accounts
        .iter()
        .map(|line| (line.account.as_str(), numbers(&line.tally)))
        .collect();
    let rules: BTreeMap<&str, Value> = report
        .rules
        .iter()
        .map(|line| (line.rule.as_str(), numbers(&line.tally)))
        .collect();
    let severities: BTreeMap<&str, Value> = report
        .by_severity
        .iter()
        .map(|(severity, tally)| (severity.as_str(), numbers(tally)))
        .collect();
    let of_names = |tallies: &BTreeMap<String, Tally>| -> BTreeMap<String, Value> {
        let named = |(name, tally): (&String, &Tally)| (name.clone(), numbers(tally));
        tallies.iter().map(named).collect()
    };
    json!({
        "totals": numbers(&report.totals),
        "before": report.trend.iter().rev().nth(1).map(|point| numbers(&point.totals)),
        "oldest": report.oldest,
        "end": report.period.end,
        "account": accounts,
        "rule": rules,
        "severity": severities,
        "owner": of_names(&report.by_owner),
        "unit": of_names(&report.by_unit),
    })
}

fn numbers(tally: &Tally) -> Value {
    json!({
        "compliance": tally.compliance(),
        "open": tally.all_open(),
        "new": tally.new,
        "fixed": tally.fixed,
        "unknown": tally.unknown,
    })
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dashboard")
}

/// The browser that there is, if the packages that drive it are there, too.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let mut paths = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = paths.find(|path| path.is_file())?;
    here().join("node_modules").is_dir().then_some(found)
}
