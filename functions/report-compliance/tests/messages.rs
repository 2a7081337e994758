//! Every notice about reports: it fits Slack and SNS, and reads as it did in `messages.txt`, where
//! a person last looked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Month;
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace, ReportPolicy};
use banto_fake::Book;
use banto_notice::{Notice, slack, sns};
use jiff::SignedDuration;
use report_compliance::evidence::{EngineUsage, Period, Problem};
use report_compliance::model::Tally;
use report_compliance::notices;
use report_compliance::publish::mails::{MailOutcome, MailState};
use report_compliance::publish::plan::ReportBuilder;
use report_compliance::report::Made;

fn month() -> Month {
    "2026-10".parse().unwrap()
}

fn policy() -> ReportPolicy {
    let place = ObjectPlace {
        bucket: "banto-reports".to_owned(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: place.clone(),
        store: place,
        engine: EngineChoice::Embedded,
        history: false,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(48),
        aggregator: None,
        trend_months: 13,
        mail: None,
        address: None,
        units: BTreeMap::new(),
        statuses: None,
        findings: FindingPolicy::default(),
    }
}

/// A report of these numbers, and what became of its mails.
fn made(mails: Vec<(String, MailState)>, problems: u64) -> Made {
    let (policy, month) = (policy(), month());
    let period = Period {
        month,
        end: month.end(),
    };
    let builder = ReportBuilder::new(&policy, period, None, Some(month.previous()));
    let mut report = builder.finish(Vec::new(), month.end(), EngineUsage::default());
    report.totals = Tally {
        compliant: 91_400,
        new: 14,
        open: 8_586,
        waived: 3,
        unknown: 120,
        fixed: 32,
        closed: 5,
    };
    report.problem_count = problems;
    let problem = |number: u64| Problem {
        key: format!("AWSLogs/111122223333/Config/eu-west-1/2026/10/31/{number}.json.gz"),
        what: "it ends in the middle".to_owned(),
    };
    report.problems = (0..problems.min(100)).map(problem).collect();
    let outcome = |(name, state)| MailOutcome { name, state };
    Made {
        report,
        read: 3,
        left_out: Vec::new(),
        mails: mails.into_iter().map(outcome).collect(),
        page: Some("https://reports.example.com/dashboard/2026-10/index.html".to_owned()),
        dry_run: None,
    }
}

fn in_doubt(because: Option<&str>) -> MailState {
    MailState::InDoubt {
        because: because.map(str::to_owned),
    }
}

fn refused() -> MailState {
    MailState::Refused {
        because: "ses:SendEmail: invalid: MessageRejected: Email address is not verified"
            .to_owned(),
    }
}

fn messages() -> Vec<(&'static str, Notice)> {
    let mail = |name: &str, state: MailState| (name.to_owned(), state);
    let sent = vec![
        mail("all", MailState::Sent),
        mail("payments", MailState::SentBefore),
    ];
    let wrong = vec![
        mail("all", in_doubt(Some("ses:SendEmail: unavailable: timeout"))),
        mail("legacy", MailState::NoAddress),
        mail("payments", in_doubt(None)),
        mail("search", refused()),
    ];
    vec![
        ("made", notices::made(&made(sent, 0))),
        (
            "made, and something is wrong",
            notices::made(&made(wrong, 12)),
        ),
        ("out of time", notices::out_of_time(month())),
    ]
}

#[test]
fn every_notice_fits_and_reads_as_it_did() {
    let mut book = Book::of(env!("CARGO_MANIFEST_DIR"));
    for (name, notice) in messages() {
        let in_slack = slack::message(&notice);
        assert_eq!(slack::check(&in_slack), Vec::<String>::new(), "{name}");
        let by_topic = sns::message(&notice);
        let reads = format!("Subject: {}\n\n{}", by_topic.subject, by_topic.body);
        book.add(name, &reads, &[("json", &in_slack.to_string())]);
    }
    book.assert_as_committed();
}

#[test]
fn a_notice_of_a_thousand_mails_in_doubt_still_fits() {
    let mails = (0..1_000).map(|number| {
        let name = format!("team-{number}-{}", "x".repeat(200));
        (name, in_doubt(Some("ses:SendEmail: unavailable: timeout")))
    });
    let notice = notices::made(&made(mails.collect(), 1_000));
    assert_eq!(slack::check(&slack::message(&notice)), Vec::<String>::new());
    assert!(sns::message(&notice).body.len() <= 256 * 1024);
}

#[test]
fn a_notice_that_says_something_else_has_another_id_and_the_same_one_has_the_same() {
    let id = |state: MailState, problems| {
        notices::made(&made(vec![("all".to_owned(), state)], problems)).id
    };
    let sent = id(MailState::Sent, 0);
    assert_eq!(sent, id(MailState::SentBefore, 0));
    let other = [
        id(in_doubt(None), 0),
        id(refused(), 0),
        id(MailState::Sent, 1),
    ];
    let distinct: BTreeSet<&String> = other.iter().chain([&sent]).collect();
    assert_eq!(distinct.len(), 4);
}
