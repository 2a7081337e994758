//! What is looked at and shown: status and plan.

use super::*;

#[test]
fn status_shows_what_needs_a_person_first_and_leaves_out_what_is_in_order() {
    let world = troubled();
    let rows = rows(&world);
    let now = start() + SignedDuration::from_hours(3);
    expected::holds("accounts/status", |screen| {
        status::show(&rows, false, now, screen)
    });
    expected::holds("accounts/status-all", |screen| {
        status::show(&rows, true, now, screen)
    });
    let text = status::show(&rows, false, now, &Screen::plain(80));
    assert!(text.contains("search") && text.contains("legacy"), "{text}");
    assert!(!text.contains("payments"), "{text}");
}

/// Lets days pass, with a daily run on each.
fn daily(world: &Arc<World>, days: i64) {
    for _ in 0..days {
        world.advance(SignedDuration::from_hours(24));
        function(world, &json!({}));
        settle(world);
    }
}

#[test]
fn status_says_for_how_long_an_account_is_as_it_is_and_begins_anew_with_another_condition() {
    let world = world();
    world.change_account(&id(SEARCH), |search| search.reachable_from = None);
    daily(&world, 4);
    let shown =
        |world: &Arc<World>| status::show(&rows(world), false, world.now(), &Screen::plain(140));
    let text = shown(&world);
    assert!(
        text.contains("not ready for 3 days: can't assume role"),
        "{text}"
    );
    let json = status::as_json(&rows(&world), world.now());
    let since: Timestamp = json["accounts"][0]["since"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let days = world.now().duration_since(since).as_hours() / 24;
    assert_eq!(days, 3, "{json:#}");

    // In order, and again not: it begins anew.
    world.change_account(&id(SEARCH), |search| search.reachable_from = Some(start()));
    daily(&world, 1);
    assert!(
        shown(&world).starts_with("2 accounts: 2 in place"),
        "{}",
        shown(&world)
    );
    world.change_account(&id(SEARCH), |search| search.reachable_from = None);
    let text = shown(&world);
    assert!(
        text.contains("not ready: can't assume role"),
        "the function has not seen it: {text}"
    );
    daily(&world, 1);
    let text = shown(&world);
    assert!(text.contains("not ready for 1 hour: "), "{text}");
}

#[test]
fn status_as_json_has_a_place_for_each_region_and_says_what_to_do() {
    let world = troubled();
    let json = status::as_json(&rows(&world), start());
    let shown = format!("{json:#}\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected/accounts/status.json");
    assert_as_committed(file, &shown);
}

#[test]
fn a_plan_is_the_functions_own_and_accounts_that_need_the_same_are_shown_together() {
    let world = troubled();
    add(&world, "888899990000", "storage");
    add(&world, "999900001111", "streams");
    let looked = looked(&world, &[]);
    expected::holds("accounts/plan", |screen| plan::show(&looked, false, screen));
    let all = plan::show(&looked, true, &Screen::plain(140));
    assert!(all.contains("(payments)"), "{all}");
    // What the function answers to a dry run, to the letter.
    let own = looked.response().unwrap().body;
    let event = br#"{"dryRun": true}"#;
    let invocation = Invocation::for_tests("run", Duration::from_secs(900));
    let asked = with(&world, async |it| {
        it.handle(event, &invocation).await.unwrap()
    });
    assert_eq!(own, asked.body);
}

#[test]
fn looking_writes_nothing_and_sends_nothing() {
    let world = troubled();
    let (before, sent) = (world.writes().len(), world.sent().len());
    let looked = looked(&world, &[]);
    plan::show(&looked, true, &Screen::plain(80));
    rows(&world);
    assert_eq!(world.writes().len(), before, "{:?}", world.writes());
    assert_eq!((world.sent().len(), world.waiting_messages()), (sent, 0));
}

#[test]
fn accounts_go_by_name_or_id_and_one_that_is_not_there_is_told() {
    let world = world();
    let named = looked(&world, &["payments", SEARCH]);
    assert_eq!(named.accounts.len(), 2);
    let account = |id: &str, name: &str| OrgAccount {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: None,
        was_created: true,
    };
    let listed = [account(PAYMENTS, "same"), account(SEARCH, "same")];
    let error = |name: &str| {
        look::ids_of(&[name.to_owned()], &listed)
            .unwrap_err()
            .to_string()
    };
    assert!(
        error("same").contains(&format!("{PAYMENTS}, {SEARCH}")),
        "{}",
        error("same")
    );
    assert!(error("other").contains("other"), "{}", error("other"));
    let unknown = with(&world, async |onboarder| {
        let scope = Scope::Accounts([id("121212121212")].into());
        look::look(onboarder, scope).await
    });
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("not in the Organization")
    );
}

#[test]
fn what_is_denied_or_throttled_is_a_reason_of_its_account_and_hides_no_other() {
    for (call, kind) in [
        ("iam:GetAccountPasswordPolicy", ErrorKind::Denied),
        ("sts:AssumeRole", ErrorKind::Throttled),
    ] {
        let world = world();
        world.outage(call, kind, world.now() + SignedDuration::from_hours(1));
        let rows = rows(&world);
        assert!(
            rows.iter().all(|row| row.state == status::State::NotReady),
            "{rows:#?}"
        );
        let text = status::show(&rows, false, world.now(), &Screen::plain(80));
        assert!(text.contains("2 not ready"), "{text}");
    }
    let world = world();
    world.outage(
        "organizations:",
        ErrorKind::Denied,
        world.now() + SignedDuration::from_hours(1),
    );
    let blind = with(&world, async |it| look::look(it, Scope::AllAccounts).await);
    assert!(blind.unwrap_err().to_string().contains("denied"));
}

#[test]
fn a_plan_that_lacks_an_account_is_a_finding_and_one_of_nothing_is_blind() {
    let world = world();
    let both = looked(&world, &[]);
    assert_eq!(planned(&both), Ending::Done);
    let not_planned = |account: &str| {
        Err(converge::account::NotPlanned {
            account: id(account),
            why: "no time was left".to_owned(),
        })
    };
    let mut some = looked(&world, &[]);
    some.accounts[0] = not_planned(PAYMENTS);
    assert_eq!(planned(&some), Ending::FINDINGS);
    let rows = status::rows(&some, &BTreeMap::new());
    let text = status::show(&rows, false, start(), &Screen::plain(80));
    assert!(
        text.contains("1 not seen") && text.contains("no time was left"),
        "{text}"
    );
    some.accounts[1] = not_planned(SEARCH);
    assert_eq!(planned(&some), Ending::BLIND);
}

#[test]
fn a_thousand_accounts_stay_readable() {
    let world = world();
    for number in 0..1_000 {
        let (id, name) = (format!("2{number:011}"), format!("team-{number:04}"));
        add(&world, &id, &name);
        if number < 400 {
            world.change_account(&self::id(&id), |account| account.reachable_from = None);
        }
    }
    let rows = rows(&world);
    let looked = looked(&world, &[]);
    assert_eq!(rows.len(), 1_002);
    for screen in [Screen::plain(80), Screen::plain(140)] {
        let status = status::show(&rows, false, start(), &screen);
        assert!(status.lines().count() < 30, "{status}");
        assert!(status.contains("and 397 others"), "{status}");
        let plan = plan::show(&looked, false, &screen);
        assert!(plan.lines().count() < 80, "{plan}");
    }
    let all = status::show(&rows, true, start(), &Screen::plain(140));
    assert!(all.contains("team-0999"));
}
