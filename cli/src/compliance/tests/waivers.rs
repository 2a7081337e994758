//! Waivers.

use super::*;

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

/// A policy's text, as a function reads it.
fn read(policy: &str) -> CompliancePolicy {
    Policy::parse(policy).unwrap().compliance.unwrap()
}

#[test]
fn a_waiver_is_written_behind_the_others_and_nothing_else_changes() {
    let before = text();
    let search: AccountId = SEARCH.parse().unwrap();
    let target = on("bucket-public", Some(&search), Some("reports"));
    let after = edit::with_waiver(&before, target, TERMS).unwrap();
    assert!(after.starts_with(before.trim_end()), "{after}");
    let waivers = read(&after).findings.waivers;
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
    let waivers = read(&after).findings.waivers;
    assert_eq!(waivers.len(), 1, "{after}");
    let again = edit::without_waiver(&after, on("bucket-public", None, None)).unwrap();
    assert_eq!(again.trim_end(), before.trim_end());
}

#[test]
fn the_example_policy_keeps_every_comment_and_line() {
    let before = include_str!("../../../../examples/banto.toml");
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
    let waivers = read(&after).findings.waivers;
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
    let waivers = read(&after).findings.waivers;
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
fn about(arguments: &[&str]) -> crate::compliance::About {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        about: crate::compliance::About,
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
