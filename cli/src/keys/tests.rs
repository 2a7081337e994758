//! What operators see of a world in memory, in which the rotator itself has worked.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use banto_domain::policy::Policy;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Driven, PolicyText, Run, World, drive};
use banto_lambda::Invocation;
use banto_notice::NoticeSender;
use banto_ports::ErrorKind;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use rotate_access_keys::event::{Asked, Mode, Scope};
use rotate_access_keys::ports::{Account, Ports};
use rotate_access_keys::{Rotator, Told};
use serde_json::{Value, json};

use super::follow::{self, Standing};
use super::look::{self, Looked};
use super::request::Request;
use super::{others, plan};
use crate::ending::Ending;
use crate::expected;

static HOLDER: LazyLock<Holder> = LazyLock::new(|| {
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    let lifetime = Lifetime { from, until: None };
    Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap()
});

/// A text as it would be with a certificate that is always the same.
fn settled(text: &str) -> String {
    let made: String = HOLDER.fingerprint().as_str().chars().take(16).collect();
    text.replace(&made, "D1A66E1A23B182C9")
}

fn policy() -> Policy {
    PolicyText::least().parse()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn world() -> Arc<World> {
    World::at("2026-06-01T01:00:00Z".parse().unwrap())
}

/// A user with a key of that age, and a certificate that has been stored for long.
fn registered(world: &World, name: &str, age: i64) -> (UserName, AccessKeyId) {
    let user = world.add_user(name);
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    let certificate = HOLDER.certificate().unwrap();
    world.put_certificate_before(&user, certificate.as_bytes(), days(365));
    let key = world.add_key(&user, days(age));
    (user, key)
}

fn rotator(run: &Arc<Run>, policy: &Policy) -> Rotator {
    let sender = NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        policy.notices.clone(),
        run.clone(),
    );
    let notice_sender = Arc::new(sender);
    let accounts = policy.rotation.accounts.iter().map(|identity| Account {
        identity: identity.clone(),
        region: "eu-west-1".parse().unwrap(),
        ports: Ports {
            keys: run.clone(),
            sessions: run.clone(),
            trail: run.clone(),
            revocations: None,
            records: run.clone(),
            signer: None,
            certificates: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
    });
    run.act_as(&policy.rotation.accounts[0].role);
    Rotator {
        accounts: accounts.collect(),
        policy: policy.rotation.clone(),
        notice_sender,
        clock: run.clone(),
        messages: run.clone(),
        told: Told::default(),
    }
}

/// The function works off an event.
fn handle(world: &Arc<World>, event: &Value) {
    let run = world.run(None);
    let rotator = rotator(&run, &policy());
    let name = format!("run-{}", world.run_count());
    let invocation = Invocation::for_tests(&name, Duration::from_secs(900));
    let event = event.to_string();
    drop(drive(&run, rotator.handle(event.as_bytes(), &invocation)));
}

/// A request as the queue hands it over.
fn hand_over(world: &Arc<World>, request: &Request, asked: &Asked) {
    let record = json!({
        "messageId": asked.id, "eventSource": "aws:sqs", "body": request.body().to_string(),
        "attributes": { "SentTimestamp": asked.at.as_millisecond().to_string() },
    });
    handle(world, &json!({ "Records": [record] }));
}

/// Looks by a policy, which must write nothing.
fn looked_by(world: &Arc<World>, policy: &Policy, scope: &Scope) -> anyhow::Result<Looked> {
    let (before, calls) = (world.everything_written(), world.calls().len());
    let run = world.run(None);
    let rotator = rotator(&run, policy);
    let asked = Asked::by("a look", world.now());
    let look = look::look(&rotator.accounts[0], &policy.rotation, scope, &asked);
    let Driven::Done(looked) = drive(&run, look) else {
        panic!("nobody ended it");
    };
    assert_eq!(world.everything_written(), before, "a look writes nothing");
    for call in world.calls().iter().skip(calls) {
        let (_, operation) = call.name.split_once(':').unwrap();
        let reads = ["Get", "List", "Lookup", "GenerateCredentialReport"];
        let is_read = reads.iter().any(|read| operation.starts_with(read));
        assert!(is_read, "{} is no look", call.name);
    }
    looked
}

fn looked(world: &Arc<World>, scope: &Scope) -> Looked {
    looked_by(world, &policy(), scope).unwrap()
}

fn request(mode: Mode, user: &UserName) -> Request {
    let account = "111122223333".parse().unwrap();
    Request::new(account, mode, [user.clone()])
}

/// A world with someone at each step of a rotation, and some trouble.
fn town() -> Arc<World> {
    let world = world();
    let (used, _) = registered(&world, "alice", 92);
    registered(&world, "bob", 91);
    handle(&world, &json!({ "users": ["alice", "bob"] }));
    let new = looked(&world, &look::scope(std::slice::from_ref(&used)));
    let new = new.observed.snapshot.user(&used).unwrap();
    let new = new.rotation().unwrap().issued.key.clone();
    world.jump(days(1));
    world.use_key(&new);
    world.jump(days(2));
    handle(&world, &json!({ "users": ["alice", "bob"] }));
    registered(&world, "carol", 30);
    registered(&world, "dave", 95);
    let erin = world.add_user("erin");
    world.add_key(&erin, days(120));
    let (frank, _) = registered(&world, "frank", 91);
    world.put_record(&frank, "somebody else's");
    world
}

#[test]
fn a_plan_is_shown_by_user_and_what_is_found_is_marked() {
    let looked = [looked(&town(), &Scope::Everyone)];
    expected::holds("keys/plan", |screen| settled(&plan::shown(&looked, screen)));
    let json = plan::as_json(&looked);
    let chains = json["accounts"][0]["plan"]["chains"].as_array().unwrap();
    assert!(chains.iter().any(|chain| chain["user"] == "dave"));
}

#[test]
fn where_rotations_stand_is_shown_with_what_needs_a_person_first() {
    let looked = looked(&town(), &Scope::Everyone);
    let rows = others::rows(&looked, &policy().rotation);
    let needs: Vec<others::Need> = rows.iter().map(|row| row.need).collect();
    assert!(needs.is_sorted(), "{needs:?}");
    assert_eq!(needs[0], others::Need::Person);
    expected::holds("keys/status-all", |screen| {
        settled(&others::shown(&[(&looked, rows.clone())], screen))
    });
}

#[test]
fn a_switch_that_is_off_is_told_and_the_plan_shown_nonetheless() {
    let off = PolicyText::least().with_lines("rotation", "enabled = false");
    let looked = [looked_by(&town(), &off.parse(), &Scope::Everyone).unwrap()];
    expected::holds("keys/switched-off", |screen| {
        let text = plan::shown(&looked, screen);
        text.lines().take(4).collect::<Vec<_>>().join("\n")
    });
    assert!(!looked[0].plan.chains.is_empty());
}

#[test]
fn a_breach_is_told_loudly() {
    let mut looked = looked(&town(), &Scope::Everyone);
    let why = "would be left without a usable key";
    looked.breaches = vec![banto_domain::Breach::new("R1", "alice", why)];
    expected::holds("keys/refused", |screen| {
        let text = plan::shown(std::slice::from_ref(&looked), screen);
        text.lines().take(5).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn of_records_that_these_credentials_may_not_read_nothing_is_planned_and_that_is_said() {
    let world = town();
    world.deny_records(true);
    let users = ["bob".parse().unwrap(), "dave".parse().unwrap()];
    let looked = looked(&world, &look::scope(&users));
    assert!(looked.closed.iter().eq(&users[..1]), "{:?}", looked.closed);
    let planned = looked.plan.chains.iter().map(|chain| &chain.user);
    assert!(planned.eq(&users[1..]) && looked.plan.waiting.is_empty());
    let rows = others::rows(&looked, &policy().rotation);
    expected::holds("keys/closed", |screen| {
        let status = others::shown(&[(&looked, rows.clone())], screen);
        let plan = plan::shown(std::slice::from_ref(&looked), screen);
        settled(&format!("{status}\n\n{plan}"))
    });
}

#[test]
fn what_keeps_an_account_from_being_looked_at_is_an_error_that_names_call_and_account() {
    for kind in [ErrorKind::Denied, ErrorKind::Throttled] {
        let world = town();
        world.outage("iam:GetCredentialReport", kind, world.now() + days(1));
        let error = looked_by(&world, &policy(), &Scope::Everyone).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("111122223333") && text.contains("iam:GetCredentialReport"),
            "{text}"
        );
    }
}

#[test]
fn one_user_who_cannot_be_looked_at_hides_no_other() {
    let world = town();
    let soon = world.now() + days(1);
    world.outage("iam:GetAccessKeyLastUsed", ErrorKind::Throttled, soon);
    let looked = looked(&world, &Scope::Everyone);
    let unseen = &looked.observed.snapshot.not_observed;
    let is_unseen = |name: &str| unseen.iter().any(|one| one.subject == name);
    let rows = others::rows(&looked, &policy().rotation);
    let is_shown = |name: &str| rows.iter().any(|row| row.user.as_str() == name);
    assert!(!unseen.is_empty(), "the outage hides somebody");
    for name in ["bob", "dave", "erin", "frank"] {
        assert!(is_shown(name) != is_unseen(name), "{name}: {unseen:?}");
    }
    assert!(rows.len() > 1, "{rows:?}");
    let all = [(&looked, rows)];
    assert_eq!(others::ending(&all), Ending::FINDINGS);
    let json = others::as_json(&all);
    assert_eq!(
        json["accounts"][0]["notObserved"].as_array().unwrap().len(),
        unseen.len()
    );
}

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

fn scope_of(user: &UserName) -> Scope {
    look::scope(std::slice::from_ref(user))
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

/// The standing of a request's only user.
fn standing(world: &Arc<World>, request: &Request, asked: &Asked) -> Standing {
    let looked = looked(world, &follow::scope(request));
    follow::standings(request, &looked, asked).remove(0)
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
fn a_request_for_a_user_or_a_key_that_is_not_there_is_refused_before_it_is_sent() {
    let world = world();
    let (alice, key) = registered(&world, "alice", 10);
    let refusals = |request: &Request| request.refusals(&looked(&world, &request.scope()));
    let leave = request(Mode::Leave, &"alise".parse().unwrap());
    let text = "there is no user alise in 111122223333".to_owned();
    assert_eq!(refusals(&leave), std::slice::from_ref(&text));
    let shown = plan::shown(
        &[looked(&world, &leave.scope())],
        &crate::terminal::Screen::plain(120),
    );
    assert!(shown.contains(&text), "{shown}");
    let all = [looked(&world, &leave.scope())];
    assert_eq!(plan::ending(&all), Ending::FINDINGS);
    let discard = |key: &str| Request {
        keys: [key.parse().unwrap()].into(),
        ..request(Mode::Discard, &alice)
    };
    assert!(refusals(&discard(key.as_str())).is_empty());
    let text = "alice has no access key AKIAI44QH8DHBEXAMPLE".to_owned();
    assert_eq!(refusals(&discard("AKIAI44QH8DHBEXAMPLE")), [text]);
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

#[test]
fn users_of_several_accounts_need_the_account_named() {
    let two = PolicyText::least().with(
        "[[rotation.accounts]]",
        "[[rotation.accounts]]\nid = \"444455556666\"\n\
         role = \"arn:aws:iam::444455556666:role/banto\"\ncertificate_bucket = \"others\"\n\
         [[rotation.accounts]]",
    );
    let policy = two.parse();
    let error = look::account_of(&policy, None).unwrap_err().to_string();
    assert!(
        error.contains("--account 444455556666, 111122223333"),
        "{error}"
    );
    let named = "111122223333".parse().unwrap();
    assert_eq!(look::account_of(&policy, Some(&named)).unwrap(), named);
    let foreign = "999988887777".parse().unwrap();
    assert!(look::account_of(&policy, Some(&foreign)).is_err());
}
