//! Open findings in the world in memory, waivers in a policy's text, and their screens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, AskedFor, Compliance, FindingKey, FindingState, Severity,
};
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_fake::{
    Driven, MemberAccount, PolicyText, Run, TableItem, World, assert_as_committed, drive,
};
use banto_ports::{AccountCache as _, ErrorKind, FindingChange, FindingCommit, FindingStore as _};
use clap::Parser;
use jiff::{SignedDuration, Timestamp};

use super::edit::{self, Target, Terms};
use super::look::{Seen, look};
use super::wiring::Ports;
use super::{Command, Open, ending, show, waive};
use crate::ending::Ending;
use crate::expected;
use crate::terminal::Screen;

const ROUTES: &str = r#"[compliance]
queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-compliance"
deliveries = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-deliveries"
table = "banto-compliance"
aggregator = "banto"
owner_tag = "owner"

[compliance.default]
to = { topic = "arn:aws:sns:eu-west-1:111122223333:compliance" }

[compliance.rules.bucket-public]
title = "S3 bucket is public"
severity = "critical"
remedy = "Block public access to the bucket."

[[waivers]]                  # accepted for a while
rule = "access-keys-rotated"
account = "444455556666"
owner = "alice"
reason = "the vendor's tool can't rotate"   # asked in March
until = 2026-12-31

[[waivers]]
rule = "bucket-public"
resource = "website-*"
owner = "alice"
reason = "a public website"
until = 2026-08-31
"#;

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "555566667777";

fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn text() -> String {
    PolicyText::least().and(ROUTES).to_string()
}

fn policy() -> CompliancePolicy {
    Policy::parse(&text()).unwrap().compliance.unwrap()
}

fn key(account: &str, rule: &str, resource: &str) -> FindingKey {
    FindingKey {
        account: account.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        rule: rule.parse().unwrap(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: resource.to_owned(),
    }
}

/// A finding that was open for so many hours when the world began, and that payments' route knows.
fn state(key: FindingKey, open_for: i64) -> FindingState {
    let at = start() - hours(open_for);
    FindingState {
        key,
        evaluated_in: "eu-west-1".parse().unwrap(),
        compliance: Compliance::Noncompliant,
        recorded_at: at,
        told: BTreeSet::from(["payments".to_owned()]),
        changes: vec![at],
        flapping: false,
        doubted_at: None,
        unknown_since: None,
        revision: 1,
    }
}

fn run<T>(world: &Arc<World>, act: impl AsyncFnOnce(Arc<Run>) -> T) -> T {
    let run = world.run(None);
    match drive(&run, act(run.clone())) {
        Driven::Done(done) => done,
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

fn save(world: &Arc<World>, states: Vec<FindingState>) {
    run(world, async |run| {
        for after in states {
            let change = FindingChange {
                expected_revision: None,
                after,
            };
            let commit = FindingCommit {
                findings: vec![change],
                batches: Vec::new(),
            };
            run.save_findings(&commit).await.unwrap();
        }
    });
}

fn add_account(world: &Arc<World>, id: &str, name: &str, owner: &str) {
    world.add_account(MemberAccount::new(id, name, &["eu-west-1"], start()));
    let info = AccountInfo {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        path: Vec::new(),
        tags: BTreeMap::from([("owner".to_owned(), owner.to_owned())]),
        joined_at: None,
        fetched_at: start(),
        asked_for: AskedFor::default(),
        is_closed: false,
    };
    run(world, async |run| run.save_account(&info).await.unwrap());
}

/// Two accounts with findings of each kind: open, untold, waived by id and by name, muted, told
/// that it is over.
fn world() -> Arc<World> {
    let world = World::at(start());
    add_account(&world, PAYMENTS, "payments", "alice");
    add_account(&world, SEARCH, "search", "bob");
    let mut untold = state(key(SEARCH, "bucket-public", "reports"), 1);
    untold.told = BTreeSet::new();
    let mut muted = state(key(SEARCH, "encrypted-volumes", "vol-0a1b2c3d"), 30);
    muted.flapping = true;
    muted.changes.push(start() - hours(2));
    muted.compliance = Compliance::Compliant;
    let mut over = state(key(SEARCH, "encrypted-volumes", "vol-gone"), 90);
    over.compliance = Compliance::Compliant;
    let buckets = ["assets", "backups", "invoices", "logs", "statements"];
    let public = buckets.iter().enumerate();
    let public = public.map(|(n, bucket)| {
        let hours = i64::try_from(n).unwrap() * 24 + 5;
        state(key(PAYMENTS, "bucket-public", bucket), hours)
    });
    let mut states: Vec<FindingState> = public.collect();
    states.extend([
        untold,
        muted,
        over,
        state(key(PAYMENTS, "access-keys-rotated", "AIDAEXAMPLE"), 2_000),
        state(key(SEARCH, "bucket-public", "b-1234"), 48),
        state(key(PAYMENTS, "s3-bucket-versioning-enabled", "archive"), 3),
    ]);
    save(&world, states);
    world.name_resource(&key(SEARCH, "bucket-public", "b-1234"), "website-home");
    world
}

/// The options of `compliance open`, as the command line has them.
fn options(arguments: &[&str]) -> Open {
    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }
    let line = ["compliance", "open"].iter().chain(arguments);
    match Line::try_parse_from(line).unwrap().command {
        Command::Open(open) => open,
        _ => panic!("another command"),
    }
}

fn seen(world: &Arc<World>, arguments: &[&str]) -> anyhow::Result<Seen> {
    let (policy, options) = (policy(), options(arguments));
    run(world, async |run| {
        let ports = Ports {
            organization: run.clone(),
            accounts: run.clone(),
            findings: run.clone(),
            aggregator: run.clone(),
            clock: run.clone(),
        };
        look(&ports, &policy, &options).await
    })
}

#[test]
fn open_findings_are_grouped_as_people_read_them_and_the_most_severe_come_first() {
    let (world, policy) = (world(), policy());
    let seen = seen(&world, &[]).unwrap();
    expected::holds("compliance/open", |screen| {
        show::show(&seen, &policy, false, start(), screen)
    });
    expected::holds("compliance/open-all", |screen| {
        show::show(&seen, &policy, true, start(), screen)
    });
    let json = format!("{:#}\n", show::as_json(&seen, &policy, start()));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected/compliance/open.json");
    assert_as_committed(file, &json);
    assert_eq!(ending(&seen), Ending::FINDINGS);
}

#[test]
fn what_is_waived_by_id_or_by_name_is_listed_only_on_request_and_is_no_finding() {
    let (world, policy) = (world(), policy());
    let seen = seen(&world, &["--rule", "access-*"]).unwrap();
    assert_eq!((seen.findings.len(), ending(&seen)), (1, Ending::Done));
    let text = show::show(&seen, &policy, false, start(), &Screen::plain(80));
    assert_eq!(text, "Nothing is open. 1 waived (--all lists them).");
    let by_name = self::seen(&world, &["--account", "search", "--rule", "bucket-public"]).unwrap();
    let waived = |it: &Seen| {
        it.findings
            .iter()
            .filter(|one| one.waived.is_some())
            .count()
    };
    assert_eq!((by_name.findings.len(), waived(&by_name)), (2, 1));
    // A waiver ends by itself.
    world.advance(hours(24 * 100));
    assert_eq!(
        waived(&self::seen(&world, &["--rule", "bucket-public"]).unwrap()),
        0
    );
}

#[test]
fn each_option_narrows_what_is_shown() {
    let world = world();
    let count = |arguments: &[&str]| seen(&world, arguments).unwrap().findings.len();
    assert_eq!(count(&[]), 10);
    assert_eq!(count(&["--account", PAYMENTS]), 7);
    assert_eq!(count(&["--account", "payments", "--account", "search"]), 10);
    assert_eq!(count(&["--owner", "bob"]), 3);
    assert_eq!(count(&["--owner", "nobody"]), 0);
    assert_eq!(count(&["--rule", "encrypted-volumes"]), 1);
    assert_eq!(count(&["--severity", "critical"]), 7);
    assert!(
        seen(&world, &["--account", "other"])
            .unwrap_err()
            .to_string()
            .contains("other")
    );
}

#[test]
fn looking_at_findings_writes_nothing() {
    let world = world();
    let before = world.calls().len();
    seen(&world, &[]).unwrap();
    let calls: BTreeSet<&str> = world
        .calls()
        .split_off(before)
        .iter()
        .map(|it| it.name)
        .collect();
    let reads = [
        "config:BatchGetAggregateResourceConfig",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "organizations:ListAccounts",
    ];
    assert_eq!(calls, BTreeSet::from(reads));
}

#[test]
fn an_account_that_cannot_be_read_is_named_and_hides_no_other() {
    let (world, policy) = (world(), policy());
    let unreadable = TableItem::Finding(key(SEARCH, "bucket-public", "reports"));
    world.set_of_newer_release(&unreadable, true);
    let seen = seen(&world, &[]).unwrap();
    assert_eq!(seen.findings.len(), 7);
    expected::holds("compliance/unreadable", |screen| {
        show::show(&seen, &policy, false, start(), screen)
    });
    assert_eq!(ending(&seen), Ending::FINDINGS);
}

#[test]
fn a_table_that_is_denied_or_throttled_is_blindness_and_no_clean_bill() {
    for kind in [ErrorKind::Denied, ErrorKind::Throttled] {
        let world = world();
        world.outage("dynamodb:Query", kind, start() + hours(1));
        assert_eq!(ending(&seen(&world, &[]).unwrap()), Ending::BLIND);
        world.outage("organizations:", kind, start() + hours(1));
        assert!(seen(&world, &[]).is_err());
    }
}

#[test]
fn names_that_are_not_known_waive_nothing_and_that_is_told() {
    let (world, policy) = (world(), policy());
    world.outage("config:", ErrorKind::Denied, start() + hours(1));
    let seen = seen(&world, &["--account", "search"]).unwrap();
    assert!(seen.findings.iter().all(|finding| finding.waived.is_none()));
    let text = show::show(&seen, &policy, false, start(), &Screen::plain(80));
    assert!(text.contains("waivers by name do not count"), "{text}");
}

#[test]
fn findings_of_a_thousand_accounts_stay_readable() {
    let (world, policy) = (World::at(start()), policy());
    let mut states = Vec::new();
    for number in 0..1_000 {
        let (id, name) = (format!("2{number:011}"), format!("team-{number:04}"));
        add_account(&world, &id, &name, "alice");
        states.push(state(
            key(&id, "s3-bucket-versioning-enabled", "logs"),
            number,
        ));
    }
    states.push(state(key("200000000500", "bucket-public", "open"), 1));
    save(&world, states);
    let seen = seen(&world, &[]).unwrap();
    let text = show::show(&seen, &policy, false, start(), &Screen::plain(80));
    assert!(text.lines().count() < 140, "{text}");
    assert!(text.contains("971 more rows"), "{text}");
    let first = text.lines().nth(4).unwrap();
    assert!(first.contains("critical"), "{text}");
    let all = show::show(&seen, &policy, true, start(), &Screen::plain(80));
    assert!(all.contains("team-0000"), "the newest is the last");
}

const TERMS: Terms<'_> = Terms {
    owner: "bob",
    reason: "moves to CloudFront",
    until: "2027-03-31",
};

fn on<'a>(rule: &'a str, account: Option<&'a AccountId>, resource: Option<&'a str>) -> Target<'a> {
    Target {
        rule,
        account,
        resource,
    }
}

#[test]
fn a_waiver_is_written_behind_the_others_and_nothing_else_changes() {
    let before = text();
    let search: AccountId = SEARCH.parse().unwrap();
    let target = on("bucket-public", Some(&search), Some("reports"));
    let after = edit::with_waiver(&before, target, TERMS).unwrap();
    assert!(after.starts_with(before.trim_end()), "{after}");
    let waivers = Policy::parse(&after)
        .unwrap()
        .compliance
        .unwrap()
        .findings
        .waivers;
    assert_eq!(waivers.len(), 3);
    let waiver = &waivers[2];
    assert_eq!(
        (waiver.owner.as_str(), waiver.resource.as_str()),
        ("bob", "reports")
    );
    expected::holds("compliance/waive", |screen| {
        waive::shown(&before, &after, &waive::promise(waiver), screen)
    });
}

#[test]
fn a_policy_with_the_line_ends_of_windows_is_refused_and_not_rewritten_whole() {
    let policy = "[rotation]\r\nenabled = true\r\n";
    let error = edit::with_waiver(policy, on("s3-*", None, None), TERMS).unwrap_err();
    assert!(error.to_string().contains("CRLF"), "{error}");
}

#[test]
fn a_policy_without_waivers_gets_its_first() {
    let (before, _) = ROUTES.split_once("[[waivers]]").unwrap();
    let before = PolicyText::least().and(before).to_string();
    let after = edit::with_waiver(&before, on("bucket-public", None, None), TERMS).unwrap();
    let waivers = Policy::parse(&after)
        .unwrap()
        .compliance
        .unwrap()
        .findings
        .waivers;
    assert_eq!(waivers.len(), 1, "{after}");
    let again = edit::without_waiver(&after, on("bucket-public", None, None)).unwrap();
    assert_eq!(again.trim_end(), before.trim_end());
}

#[test]
fn the_example_policy_keeps_every_comment_and_line() {
    let before = include_str!("../../../examples/banto.toml");
    let after = edit::with_waiver(before, on("s3-*", None, Some("x")), TERMS).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let kept: BTreeSet<String> = lines(&after).into_iter().collect();
    for line in lines(before) {
        assert!(kept.contains(&line), "{line}");
    }
    assert_eq!(lines(&after).len(), lines(before).len() + 7);
    let back = edit::without_waiver(&after, on("s3-*", None, None)).unwrap();
    assert_eq!(back, before);
}

#[test]
fn a_waiver_of_the_same_is_renewed_and_keeps_its_comments() {
    let before = text();
    let payments: AccountId = PAYMENTS.parse().unwrap();
    let target = on("access-keys-rotated", Some(&payments), None);
    let after = edit::with_waiver(&before, target, TERMS).unwrap();
    let waivers = Policy::parse(&after)
        .unwrap()
        .compliance
        .unwrap()
        .findings
        .waivers;
    assert_eq!((waivers.len(), waivers[0].owner.as_str()), (2, "bob"));
    assert!(
        after.contains("reason = \"moves to CloudFront\"   # asked in March"),
        "{after}"
    );
    expected::holds("compliance/renew", |screen| {
        waive::shown(&before, &after, &waive::promise(&waivers[0]), screen)
    });
}

#[test]
fn only_the_waiver_that_was_named_is_taken_out() {
    let before = text();
    let target = on("bucket-public", None, None);
    let after = edit::without_waiver(&before, target).unwrap();
    let waivers = Policy::parse(&after)
        .unwrap()
        .compliance
        .unwrap()
        .findings
        .waivers;
    assert_eq!(
        (waivers.len(), waivers[0].rule.as_str()),
        (1, "access-keys-rotated")
    );
    expected::holds("compliance/unwaive", |screen| {
        waive::shown(
            &before,
            &after,
            "What it covered is told again with the next daily run.",
            screen,
        )
    });
    let two = edit::with_waiver(&before, on("bucket-public", None, Some("logs")), TERMS).unwrap();
    let refused = edit::without_waiver(&two, target).unwrap_err().to_string();
    assert!(
        refused.contains("--resource 'website-*'") && refused.contains("logs"),
        "{refused}"
    );
    let none = edit::without_waiver(&before, on("other", None, None))
        .unwrap_err()
        .to_string();
    assert!(
        none.contains("access-keys-rotated --account 444455556666"),
        "{none}"
    );
}

#[test]
fn what_is_no_waiver_is_refused_and_says_what_would_be_one() {
    let before = text();
    let until = |until| {
        let terms = Terms { until, ..TERMS };
        edit::with_waiver(&before, on("bucket-public", None, Some("x")), terms)
    };
    assert!(
        until("soon")
            .unwrap_err()
            .to_string()
            .contains("2027-03-31")
    );
    let policy = |text: &str| crate::policy::parse("banto.toml", text);
    // A time of day is a date to TOML, and none to the policy.
    let time = policy(&until("07:32:00").unwrap()).unwrap_err().to_string();
    assert!(time.contains("until"), "{time}");

    let past = policy(&until("2026-05-31").unwrap()).unwrap();
    let about = about(&["bucket-public", "--resource", "x"]);
    let refused = waive::written(&past, &about, start())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("has passed"), "{refused}");
    let today = policy(&until("2026-06-01").unwrap()).unwrap();
    assert!(waive::written(&today, &about, start()).is_ok());

    let least = PolicyText::least().to_string();
    let unread = edit::with_waiver(&least, on("bucket-public", None, Some("x")), TERMS).unwrap();
    let refused = waive::written(&policy(&unread).unwrap(), &about, start()).unwrap_err();
    assert!(refused.to_string().contains("[compliance]"), "{refused}");

    let inline = format!("waivers = [{{ rule = \"x\" }}]\n{least}");
    let refused = edit::with_waiver(&inline, on("x", None, None), TERMS).unwrap_err();
    assert!(refused.to_string().contains("[[waivers]]"), "{refused}");
}

/// What `unwaive` is told, as the command line has it.
fn about(arguments: &[&str]) -> super::About {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        about: super::About,
    }
    let line = ["unwaive"].iter().chain(arguments);
    Line::try_parse_from(line).unwrap().about
}

#[test]
fn an_end_a_reason_and_an_owner_are_needed() {
    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }
    let terms = [
        "--until",
        "2027-03-31",
        "--reason",
        "website",
        "--owner",
        "alice",
    ];
    let all: Vec<&str> = ["compliance", "waive", "bucket-public"]
        .into_iter()
        .chain(terms)
        .collect();
    assert!(Line::try_parse_from(&all).is_ok());
    for lacking in [3, 5, 7] {
        let mut some = all.clone();
        some.drain(lacking..lacking + 2);
        assert!(Line::try_parse_from(&some).is_err(), "{some:?}");
    }
}

#[test]
fn severities_are_read_as_the_policy_writes_them() {
    assert_eq!(
        options(&["--severity", "high"]).severity,
        Some(Severity::High)
    );
}
