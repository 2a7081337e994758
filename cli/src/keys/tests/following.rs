//! Requests, followed to their ends.

use super::*;

#[test]
fn a_forced_rotation_is_followed_from_the_queue_to_the_delivery() {
    let world = world();
    let (alice, _) = registered(&world, "alice", 10);
    let request = request(Mode::Force, &alice);
    let asked = Asked::by("message-1", world.now());
    let standing =
        |world| follow::standings(&request, &self::looked(world, &scope_of(&alice)), &asked);
    let before = standing(&world);
    assert!(
        matches!(before.as_slice(), [Standing::Going(_)]),
        "{before:?}"
    );
    hand_over(&world, &request, &asked);
    let after = standing(&world);
    assert!(
        matches!(after.as_slice(), [Standing::Done(text)] if text.contains("is delivered")),
        "{after:?}"
    );
}

/// Waits for a request by the clock of the world. Nobody works meanwhile.
fn waited(world: &Arc<World>, request: &Request, asked: &Asked) -> anyhow::Result<Ending> {
    let run = world.run(None);
    let policy = policy();
    let rotator = rotator(&run, &policy);
    let wait = follow::wait(run.as_ref(), &rotator.accounts[0], &policy, request, asked);
    match drive(&run, wait) {
        Driven::Done(ended) => ended,
        Driven::Cancelled => panic!("nobody ended it"),
    }
}

#[test]
fn a_request_is_waited_for_until_it_is_done_or_held_or_a_quarter_of_an_hour_is_over() {
    let world = world();
    let (alice, _) = registered(&world, "alice", 10);
    let bob = in_grace(&world, "bob", 10);
    let begun = world.now();
    for (user, ends) in [(&alice, Ending::Done), (&bob, Ending::FINDINGS)] {
        let request = request(Mode::Force, user);
        let asked = Asked::by(&format!("message of {user}"), world.now());
        hand_over(&world, &request, &asked);
        assert_eq!(waited(&world, &request, &asked).unwrap(), ends, "{user}");
    }
    assert!(world.now().duration_since(begun) < SignedDuration::from_mins(5));

    let nobody_works = Asked::by("message-3", world.now());
    let begun = world.now();
    let given_up = waited(&world, &request(Mode::Force, &alice), &nobody_works).unwrap_err();
    let text = given_up.to_string();
    assert!(text.contains("banto keys status alice"), "{text}");
    assert!(world.now().duration_since(begun) >= SignedDuration::from_mins(15));
}

#[test]
fn a_forced_rotation_without_a_certificate_is_held_and_says_why() {
    let world = world();
    let erin = world.add_user("erin");
    world.add_key(&erin, days(10));
    let request = request(Mode::Force, &erin);
    let asked = Asked::by("message-1", world.now());
    hand_over(&world, &request, &asked);
    let standings = follow::standings(&request, &looked(&world, &scope_of(&erin)), &asked);
    assert!(
        matches!(standings.as_slice(), [Standing::Held(text)] if text.contains("owed")),
        "{standings:?}"
    );
}

#[test]
fn an_emergency_is_followed_until_nothing_old_works() {
    let world = world();
    let (alice, old) = registered(&world, "alice", 10);
    handle(&world, &json!({ "users": ["alice"], "mode": "force" }));
    world.jump(days(1));
    let request = request(Mode::Emergency, &alice);
    let asked = Asked::by("message-1", world.now());
    let standing = || follow::standings(&request, &looked(&world, &scope_of(&alice)), &asked);
    let before = standing();
    assert!(
        matches!(before.as_slice(), [Standing::Going(text)] if text.contains(old.as_str())),
        "{before:?}"
    );
    hand_over(&world, &request, &asked);
    let after = standing();
    assert!(after.iter().all(Standing::is_over), "{after:?}");
    assert!(!world.works(&old));
}

#[test]
fn a_leave_and_its_taking_back_are_followed() {
    let world = world();
    let (alice, old) = registered(&world, "alice", 10);
    for (mode, works) in [(Mode::Leave, false), (Mode::Restore, true)] {
        let request = request(mode, &alice);
        let asked = Asked::by(&format!("{mode:?}"), world.now());
        let scope = follow::scope(&request);
        let standing = || follow::standings(&request, &looked(&world, &scope), &asked);
        assert!(!standing()[0].is_over(), "{mode:?}: {:?}", standing());
        hand_over(&world, &request, &asked);
        assert!(
            matches!(standing()[0], Standing::Done(_)),
            "{:?}",
            standing()
        );
        assert_eq!(world.works(&old), works);
        world.jump(days(1));
    }
}

#[test]
fn a_restore_of_a_key_that_is_exposed_or_gone_or_of_nobody_is_held_and_never_done() {
    let world = world();
    let (alice, old) = registered(&world, "alice", 10);
    let asked = Asked::by("message-1", world.now());
    let unknown = Request {
        keys: ["AKIAI44QH8DHBEXAMPLE".parse().unwrap()].into(),
        ..request(Mode::Restore, &alice)
    };
    for request in [&request(Mode::Restore, &alice), &unknown] {
        let standing = standing(&world, request, &asked);
        assert!(matches!(standing, Standing::Held(_)), "{standing:?}");
    }
    hand_over(&world, &request(Mode::Emergency, &alice), &asked);
    world.jump(days(1));
    let exposed = Request {
        keys: [old.clone()].into(),
        ..request(Mode::Restore, &alice)
    };
    let again = Asked::by("message-2", world.now());
    hand_over(&world, &exposed, &again);
    let held = standing(&world, &exposed, &again);
    assert!(
        matches!(&held, Standing::Held(text) if text.contains("exposed")),
        "{held:?}"
    );
    assert!(!world.works(&old));
}

#[test]
fn what_is_asked_of_a_record_that_is_not_readable_is_not_said_to_be_done() {
    let world = world();
    let (alice, _) = registered(&world, "alice", 10);
    handle(&world, &json!({ "users": ["alice"], "mode": "force" }));
    world.deny_records(true);
    let asked = Asked::by("message-1", world.now());
    let certificate = Some(HOLDER.fingerprint().clone());
    let approve = Request {
        certificate,
        ..request(Mode::Approve, &alice)
    };
    for request in [request(Mode::Restore, &alice), approve] {
        let held = standing(&world, &request, &asked);
        assert!(
            matches!(&held, Standing::Held(text) if text.contains("not readable")),
            "{held:?}"
        );
    }
}

#[test]
fn a_discard_that_no_interrupted_issue_explains_is_held() {
    let world = world();
    let (alice, key) = registered(&world, "alice", 10);
    let discard = Request {
        keys: [key.clone()].into(),
        ..request(Mode::Discard, &alice)
    };
    let asked = Asked::by("message-1", world.now());
    hand_over(&world, &discard, &asked);
    let held = standing(&world, &discard, &asked);
    assert!(
        matches!(&held, Standing::Held(text) if text.contains(key.as_str())),
        "{held:?}"
    );
}

#[test]
fn a_key_of_the_emergency_itself_is_not_one_from_before_whatever_this_clock_says() {
    let world = world();
    let (alice, _) = registered(&world, "alice", 10);
    let request = request(Mode::Emergency, &alice);
    let asked = Asked::by("message-1", world.now());
    hand_over(&world, &request, &asked);
    let ahead = Asked::by("message-1", world.now() + days(1));
    let over = standing(&world, &request, &ahead);
    assert!(over.is_over(), "{over:?}");
}

#[test]
fn a_request_that_waits_for_a_switch_is_not_waited_for() {
    let off = PolicyText::least().with_lines("rotation", "enabled = false");
    let world = world();
    let before = |policy: &Policy| looked_by(&world, policy, &Scope::Everyone);
    assert!(follow::hopeless(&before(&off.parse())).is_some());
    assert_eq!(follow::hopeless(&before(&policy())), None);
}

#[test]
fn a_user_whom_nobody_knows_is_told() {
    let world = world();
    let nobody = "nobody".parse().unwrap();
    let request = request(Mode::Force, &nobody);
    let asked = Asked::by("message-1", world.now());
    let standings = follow::standings(&request, &looked(&world, &scope_of(&nobody)), &asked);
    let text = "there is no user nobody in 111122223333".to_owned();
    assert_eq!(standings, [Standing::Held(text)]);
}
