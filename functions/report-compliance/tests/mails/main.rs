//! The mails: each reads as it did in `expected/`, where a person last looked (`BLESS=1` writes the
//! files anew), fits every mail program, and says the same in both of its forms.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::path::Path;

use banto_fake::assert_as_committed;
use report_compliance::model::MonthReport;
use report_compliance::publish::mail::{self, Csv, MOST_HTML, MailContent};

mod months;

mod programs;
mod samples;

fn csv() -> Csv {
    Csv::Attached(b"account_id,account_name\n".to_vec())
}

fn mail(report: &MonthReport) -> MailContent {
    match report.owner {
        Some(_) => mail::of_owner(report, &samples::policy(), csv()),
        None => mail::all(report, &samples::policy(), csv()),
    }
}

/// Holds a mail against its files.
fn assert_reads(name: &str, report: &MonthReport) {
    let mail = mail(report);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails/expected");
    let text = format!("Subject: {}\n\n{}", mail.subject, mail.text);
    assert_as_committed(folder.join(format!("{name}.txt")), &text);
    // A tag a line can be compared by eye.
    let html = mail.html.replace('>', ">\n");
    assert_as_committed(folder.join(format!("{name}.html")), &html);
}

#[test]
fn a_usual_month_reads_as_a_person_last_saw_it() {
    assert_reads("normal", &months::normal());
}

#[test]
fn a_first_month_compares_with_nothing() {
    let report = months::first();
    let mail = mail(&report);
    assert!(
        !mail.subject.contains("up ") && !mail.subject.contains("fixed"),
        "{}",
        mail.subject
    );
    assert!(mail.text.contains("first report"));
    assert_reads("first", &report);
}

#[test]
fn an_organization_without_accounts_is_told_as_that() {
    assert_reads("empty", &months::empty());
}

#[test]
fn what_is_unknown_is_nowhere_told_as_compliant() {
    let report = months::all_unknown();
    let mail = mail(&report);
    for form in [&mail.subject, &mail.text, &mail.html] {
        assert!(
            !form.contains("100.0 %") && !form.contains("nothing to do"),
            "{form}"
        );
    }
    assert_reads("all-unknown", &report);
}

#[test]
fn an_owner_reads_of_their_own_accounts_only() {
    let report = months::of_payments();
    let mail = mail(&report);
    for form in [&mail.subject, &mail.text, &mail.html] {
        for other in [
            "website",
            "data-lake",
            "of-another-team",
            "log-archive",
            "444",
        ] {
            assert!(!form.contains(other), "{other}");
        }
    }
    let page = "/dashboard/2026-10/index.html#owner=payments";
    assert!(mail.text.contains(page) && mail.html.contains(page));
    assert_reads("owner", &report);
}

#[test]
fn a_mail_of_a_thousand_accounts_is_as_short_as_gmail_shows_whole() {
    let names = [
        "payments",
        &"<&\"".repeat(400),
        &"番頭".repeat(600),
        &"https://".repeat(100),
    ];
    for name in names {
        let mail = mail(&months::large(name));
        assert!(
            mail.html.len() <= MOST_HTML,
            "{name:.9}: {}",
            mail.html.len()
        );
        assert!(mail.html.contains("</html>"));
        assert!(mail.subject.chars().count() <= 200);
    }
    let usual = mail(&months::large("payments"));
    assert!(
        usual.text.contains("990 with something open"),
        "{}",
        usual.text
    );
}

#[test]
fn names_that_others_gave_are_text_and_never_markup_nor_headers() {
    let name = "<script>alert(1)</script>\r\nBcc: mallory@example.com\u{202e}\u{0}";
    let mut report = months::large(name);
    report.owner = Some(name.to_owned());
    for line in &mut report.rules {
        line.runbook = Some("javascript:alert(1)".to_owned());
    }
    let mail = mail(&report);
    assert!(
        !mail.subject.contains(['\r', '\n', '\0', '\u{202e}']),
        "{:?}",
        mail.subject
    );
    for form in [&mail.text, &mail.html] {
        assert!(form.contains("alert(1)") && !form.contains("javascript:"));
        assert!(!form.contains(['\r', '\0', '\u{202e}']));
    }
    assert!(!mail.html.contains("<script"));
}

#[test]
fn plain_text_has_78_columns_but_for_addresses_and_names() {
    let long = "securityhub-with-quite-a-long-name-that-goes-on";
    for report in [months::normal(), months::of_payments(), months::large(long)] {
        let mail = mail(&report);
        for line in mail.text.lines() {
            let longest_word = line
                .split_whitespace()
                .map(|word| word.chars().count())
                .max();
            let may_be_long = line.contains("https://") || longest_word > Some(60);
            assert!(line.chars().count() <= 78 || may_be_long, "{line}");
        }
    }
}

#[test]
fn both_forms_of_a_mail_have_the_same_numbers() {
    for report in [months::normal(), months::first(), months::of_payments()] {
        let mail = mail(&report);
        let (text, html) = (numbers(&mail.text), numbers(&stripped(&mail.html)));
        let lost: Vec<&String> = html
            .iter()
            .filter(|number| !text.contains(number))
            .collect();
        assert!(html.len() > 50 && lost.is_empty(), "{lost:?}");
    }
}

/// The text of a page, without its tags, each of which ends a word.
fn stripped(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1;
    let parts = body
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").replace("&nbsp;", " ")
}

fn numbers(text: &str) -> Vec<String> {
    let is_number = |part: &&str| part.bytes().any(|byte| byte.is_ascii_digit());
    let parts = text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','));
    let parts = parts
        .filter(is_number)
        .map(|part| part.trim_matches(['.', ',']).to_owned());
    parts.collect()
}

#[test]
fn a_list_of_findings_too_large_for_a_mail_is_linked_instead() {
    let report = months::normal();
    let address = "https://reports.example.com/compliance/findings/all.csv";
    let mail = mail::all(&report, &samples::policy(), csv());
    assert_eq!(mail.attachments.len(), 1);
    assert_eq!(mail.attachments[0].name, "findings-2026-10.csv");
    assert!(
        mail.text.contains("attached file findings-2026-10.csv") && !mail.text.contains(address)
    );
    let linked = Csv::Link(address.to_owned());
    let mail = mail::all(&report, &samples::policy(), linked);
    assert!(mail.attachments.is_empty());
    assert!(mail.text.contains(address) && mail.html.contains(&format!("href=\"{address}\"")));
    // A folder is no page of the web, and still found by people.
    let folder = Csv::Link("s3://log-archive/reports/findings/".to_owned());
    let mail = mail::all(&report, &samples::policy(), folder);
    assert!(
        mail.html.contains("s3://log-archive/reports/findings/")
            && !mail.html.contains("href=\"s3")
    );
}

#[test]
fn a_month_that_lasts_still_is_told_as_that() {
    let mut report = months::normal();
    report.period.end = samples::at("2026-10-12T09:00:00Z");
    let mail = mail(&report);
    assert!(
        mail.subject
            .contains("October 2026 until 12 October 09:00 UTC"),
        "{}",
        mail.subject
    );
}
