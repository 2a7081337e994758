//! Open findings.

use super::*;

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

#[test]
fn severities_are_read_as_the_policy_writes_them() {
    assert_eq!(
        options(&["--severity", "high"]).severity,
        Some(Severity::High)
    );
}
