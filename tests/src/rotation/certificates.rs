//! The receiver of a key: whoever holds the old one may pin and store a certificate of their own.

use std::sync::Arc;

use banto_domain::policy::Policy;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{PolicyText, World};
use banto_ports::{ErrorKind, MemberState};
use banto_seal::holder::Holder;
use serde_json::{Value, json};

use super::harness::{
    HOLDER, alone, another_holder, any_has, asked, by_queue, count, days, delivered, everyone,
    exposed, has, is_active, is_there, operators_told, owners_told, policy, record, run_daily,
    sealed, start, subjects, working,
};
use crate::harness::{handle, handle_with};

/// Pins and stores a certificate for a user, as whoever holds the user's key can.
fn pin(world: &World, user: &UserName, holder: &Holder, certificate: &str) {
    world.tag(user, "banto:openpgp", holder.fingerprint().as_str());
    world.put_certificate(user, certificate.as_bytes());
}

fn pin_own(world: &World, user: &UserName, holder: &Holder) {
    pin(world, user, holder, &holder.certificate().unwrap());
}

/// True if the user's envelope is there, and this holder opens it.
fn opens(world: &World, user: &UserName, holder: &Holder) -> bool {
    let envelope = record(&world.view(), user).and_then(|record| record.envelope);
    envelope.is_some_and(|envelope| holder.open(&envelope.armored).is_ok())
}

/// A user whose first key Banto issued and who uses it, so that a certificate counts.
fn settled() -> (Arc<World>, UserName, AccessKeyId) {
    let rotation = delivered();
    rotation.world.use_key(&rotation.new);
    run_daily(&rotation.world, &policy(), 20);
    assert!(!is_there(&rotation.world, &rotation.user, &rotation.old));
    (rotation.world, rotation.user, rotation.new)
}

fn approve(user: &UserName, holder: &Holder) -> Value {
    json!({ "users": [user], "mode": "approve", "certificate": holder.fingerprint() })
}

/// R8: a thief with the old key gets the next one neither by an emergency nor within the grace, and
/// people hear of it at once.
#[test]
fn whoever_holds_an_exposed_key_does_not_get_the_new_one() {
    let (world, user, key) = settled();
    let mallory = another_holder();
    pin_own(&world, &user, &mallory);
    by_queue(&world, &policy(), &exposed(&[&key]));
    assert!(!is_active(&world, &key));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    assert!(!opens(&world, &user, &mallory));
    let fingerprint = mallory.fingerprint().as_str();
    assert!(any_has(&owners_told(&world), fingerprint));
    assert!(any_has(&operators_told(&world), fingerprint));
    run_daily(&world, &policy(), 5);
    assert!(!opens(&world, &user, &mallory));
    // The owner puts the certificate back, and gets the key that is owed.
    pin_own(&world, &user, &HOLDER);
    run_daily(&world, &policy(), 1);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    assert!(opens(&world, &user, &HOLDER));
}

/// R8: the same where Banto knows nothing of the user yet.
#[test]
fn whoever_holds_a_key_that_banto_did_not_issue_does_not_get_the_new_one_at_once() {
    let mallory = another_holder();
    for event in ["emergency", "force"] {
        let (world, user, _) = alone(days(100));
        pin_own(&world, &user, &mallory);
        by_queue(&world, &policy(), &asked(&user, event));
        assert_eq!(count(&world, "iam:CreateAccessKey"), 0, "{event}");
        let fingerprint = mallory.fingerprint().as_str();
        assert!(any_has(&owners_told(&world), fingerprint), "{event}");
        assert!(any_has(&operators_told(&world), fingerprint), "{event}");
    }
}

/// R8: nobody is asked twice, and the key comes once the days of grace are over.
#[test]
fn a_new_certificate_counts_after_the_grace_of_which_everybody_was_told_once() {
    let (world, user, _) = settled();
    let new = another_holder();
    pin_own(&world, &user, &new);
    handle(&world, &policy(), &asked(&user, "force"));
    for day in 1..=6 {
        run_daily(&world, &policy(), 1);
        assert_eq!(count(&world, "iam:CreateAccessKey"), 1, "day {day}");
    }
    run_daily(&world, &policy(), 2);
    assert!(opens(&world, &user, &new));
    let subject = "A new OpenPGP certificate was registered for you";
    let told = subjects(&world);
    assert_eq!(told.iter().filter(|it| it.contains(subject)).count(), 1);
    let told = operators_told(&world);
    let line = format!("has pinned the certificate {}", new.fingerprint());
    assert_eq!(told.iter().filter(|text| has(text, &line)).count(), 1);
}

/// R8: days in which people could not be told are none of the grace.
#[test]
fn the_grace_does_not_begin_before_owner_and_operators_were_told() {
    let (world, user, _) = settled();
    handle(&world, &policy(), &asked(&user, "force"));
    let issued = count(&world, "iam:CreateAccessKey");
    world.use_key(&sealed(&world, &user));
    run_daily(&world, &policy(), 20);
    world.fail_topics(Some(ErrorKind::Unavailable));
    pin_own(&world, &user, &another_holder());
    handle_with(&world, &policy(), &asked(&user, "force"), None);
    run_daily(&world, &policy(), 10);
    world.fail_topics(None);
    run_daily(&world, &policy(), 7);
    assert_eq!(count(&world, "iam:CreateAccessKey"), issued);
    run_daily(&world, &policy(), 1);
    assert_eq!(count(&world, "iam:CreateAccessKey"), issued + 1);
}

/// R8: the time counts from when this certificate was stored without a break.
#[test]
fn a_certificate_that_was_put_back_begins_its_grace_anew_and_one_that_was_extended_keeps_its_age() {
    let mallory = another_holder();
    let later = "2028-01-01T00:00:00Z".parse().unwrap();
    let extended = mallory.extend(later).unwrap().certificate().unwrap();
    let own = mallory.certificate().unwrap();
    type Act<'a> = &'a dyn Fn(&World, &UserName);
    let swapped: Act<'_> = &|world, user| {
        world.put_certificate(user, HOLDER.certificate().unwrap().as_bytes());
        world.put_certificate(user, own.as_bytes());
    };
    let deleted: Act<'_> = &|world, user| {
        world.delete_certificate(user);
        world.put_certificate(user, own.as_bytes());
    };
    let longer: Act<'_> = &|world, user| world.put_certificate(user, extended.as_bytes());
    for (name, act, counts) in [
        ("swapped", swapped, false),
        ("deleted", deleted, false),
        ("extended", longer, true),
    ] {
        let (world, user, _) = alone(days(50));
        pin_own(&world, &user, &mallory);
        world.advance(days(6));
        act(&world, &user);
        world.advance(days(2));
        handle(&world, &policy(), &asked(&user, "force"));
        assert_eq!(count(&world, "iam:CreateAccessKey") == 1, counts, "{name}");
    }
}

/// R8: the time counts anew for a pin that was taken back, though its file stayed all the while.
#[test]
fn a_pin_that_was_taken_back_begins_its_grace_anew_and_people_hear_of_it_again() {
    let (world, user, _) = settled();
    let mallory = another_holder();
    pin_own(&world, &user, &mallory);
    handle(&world, &policy(), &asked(&user, "force"));
    run_daily(&world, &policy(), 1);
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    run_daily(&world, &policy(), 10);
    world.tag(&user, "banto:openpgp", mallory.fingerprint().as_str());
    run_daily(&world, &policy(), 6);
    assert!(!opens(&world, &user, &mallory));
    let told = operators_told(&world);
    let line = format!("has pinned the certificate {}", mallory.fingerprint());
    assert_eq!(told.iter().filter(|text| has(text, &line)).count(), 2);
}

/// Whoever has no key yet has none that could be stolen.
#[test]
fn a_first_certificate_counts_at_once_for_a_user_without_a_key() {
    let world = World::at(start());
    let user = world.add_user("alice");
    pin_own(&world, &user, &HOLDER);
    handle(&world, &policy(), &asked(&user, "force"));
    assert!(opens(&world, &user, &HOLDER));
}

/// A certificate that the former one certified counts at once, and alarms nobody.
#[test]
fn a_certificate_that_the_former_one_certified_counts_at_once() {
    let (world, user, _) = settled();
    let new = another_holder();
    pin(&world, &user, &new, &HOLDER.certify(&new).unwrap());
    handle(&world, &policy(), &asked(&user, "force"));
    assert!(opens(&world, &user, &new));
    assert!(!any_has(&owners_told(&world), "A new OpenPGP certificate"));
    // It is the one that vouches from now on, and the former one no more.
    let next = another_holder();
    world.use_key(&sealed(&world, &user));
    run_daily(&world, &policy(), 20);
    pin(&world, &user, &next, &HOLDER.certify(&next).unwrap());
    handle(&world, &policy(), &asked(&user, "force"));
    assert!(!opens(&world, &user, &next));
}

#[test]
fn a_certificate_that_somebody_else_certified_does_not_count_at_once() {
    let (world, user, _) = settled();
    let (mallory, eve) = (another_holder(), another_holder());
    pin(&world, &user, &mallory, &eve.certify(&mallory).unwrap());
    handle(&world, &policy(), &asked(&user, "force"));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}

/// An operator approves a certificate; the owner hears of it wherever they can be reached.
#[test]
fn an_operator_lets_a_certificate_count_and_its_owner_is_told() {
    let (world, user, _) = settled();
    let new = another_holder();
    pin_own(&world, &user, &new);
    by_queue(&world, &policy(), &asked(&user, "force"));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    let sqs = by_queue(&world, &policy(), &approve(&user, &new));
    assert!(sqs.dead.is_empty());
    assert!(opens(&world, &user, &new));
    assert!(any_has(&owners_told(&world), "An operator approved"));
    assert!(any_has(&operators_told(&world), "approved, as asked"));
}

/// The certificate that was approved may have been swapped since.
#[test]
fn approving_another_certificate_than_the_pinned_one_is_answered_and_changes_nothing() {
    let (world, user, _) = settled();
    let (new, mallory) = (another_holder(), another_holder());
    pin_own(&world, &user, &mallory);
    handle(&world, &policy(), &approve(&user, &new));
    let record = record(&world.view(), &user).unwrap();
    assert_eq!(record.pin.unwrap().fingerprint, *HOLDER.fingerprint());
    assert!(any_has(
        &operators_told(&world),
        "was to have the certificate"
    ));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}

/// An older copy does not unsay what a certificate once said.
#[test]
fn a_certificate_that_was_revoked_stays_so_though_an_older_copy_is_stored() {
    let (world, user, _) = settled();
    let older = HOLDER.certificate().unwrap();
    world.put_certificate(&user, HOLDER.revoke().unwrap().as_bytes());
    handle(&world, &policy(), &asked(&user, "force"));
    world.put_certificate(&user, older.as_bytes());
    run_daily(&world, &policy(), 3);
    by_queue(&world, &policy(), &asked(&user, "force"));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    assert!(any_has(&owners_told(&world), "revoked"));
}

/// The same before Banto knows the user: the bucket keeps what was stored.
#[test]
fn a_first_certificate_that_was_revoked_within_its_grace_stays_so() {
    let (world, user, _) = alone(days(50));
    let holder = another_holder();
    pin_own(&world, &user, &holder);
    world.advance(days(1));
    world.put_certificate(&user, holder.revoke().unwrap().as_bytes());
    world.advance(days(1));
    world.put_certificate(&user, holder.certificate().unwrap().as_bytes());
    handle(&world, &policy(), &asked(&user, "force"));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    assert!(any_has(&owners_told(&world), "revoked"));
}

/// A lost OpenPGP key is no dead end.
#[test]
fn a_key_that_its_owner_can_not_open_comes_anew_for_the_new_certificate() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let new = another_holder();
    pin_own(world, user, &new);
    run_daily(world, &policy(), 9);
    assert!(!is_there(world, user, &rotation.new));
    assert!(is_active(world, &rotation.old));
    assert!(opens(world, user, &new));
    world.use_key(&sealed(world, user));
    run_daily(world, &policy(), 20);
    assert_eq!(working(world, user), [sealed(world, user)]);
}

/// R1: a key that its owner did use, before the new certificate counts, is left alone.
#[test]
fn a_key_that_its_owner_used_is_not_issued_anew() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    pin_own(world, user, &another_holder());
    run_daily(world, &policy(), 6);
    world.use_key(&rotation.new);
    run_daily(world, &policy(), 6);
    assert!(is_active(world, &rotation.new));
    assert_eq!(count(world, "iam:CreateAccessKey"), 1);
}

const SLACK: &str = r#"[notices.slack]
operators = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/operators"
owners = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/owners"
token = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token""#;

fn with_bot() -> Policy {
    PolicyText::least().and(SLACK).parse()
}

/// A thief who changes the certificate changes the address, too: the owner hears of it nonetheless,
/// before and after notices went to the thief.
#[test]
fn news_of_a_new_certificate_goes_to_the_member_who_was_reached_before() {
    let policy = with_bot();
    for first_hears_of_others in [false, true] {
        let (world, user, key) = alone(days(100));
        for member in ["U024BE7LH", "U0MALLORY"] {
            world.set_member(member, MemberState::Active);
        }
        world.tag(&user, "banto:slack", "U024BE7LH");
        handle(&world, &policy, &everyone());
        world.use_key(&sealed(&world, &user));
        run_daily(&world, &policy, 1);
        world.tag(&user, "banto:slack", "U0MALLORY");
        if first_hears_of_others {
            // The old key ends, of which the thief is told.
            run_daily(&world, &policy, 13);
            assert!(!is_there(&world, &user, &key));
        }
        pin_own(&world, &user, &another_holder());
        handle(&world, &policy, &asked(&user, "force"));
        let news = "A new OpenPGP certificate was registered for you";
        let to_alice = world.view().sent.iter().any(|sent| {
            matches!(sent, banto_fake::Sent::Direct(member, body)
                if member == "U024BE7LH" && body.contains(news))
        });
        assert!(to_alice, "{first_hears_of_others}");
        let record = record(&world.view(), &user).unwrap();
        assert_eq!(record.reached_by.as_deref(), Some("U024BE7LH"));
    }
}

/// The addresses that a notice with these words went to.
fn addresses(world: &World, words: &str) -> Vec<String> {
    let mut addresses = Vec::new();
    for sent in world.view().sent {
        let is_it = format!("{sent:?}").contains(words);
        let address = match sent {
            banto_fake::Sent::Direct(member, _) => member,
            banto_fake::Sent::Slack(_) => "channel".to_owned(),
            banto_fake::Sent::Topic(..) => "topic".to_owned(),
            banto_fake::Sent::Mail(_) => "mail".to_owned(),
            banto_fake::Sent::Endpoint { .. } => "endpoint".to_owned(),
        };
        addresses.extend(is_it.then_some(address));
    }
    addresses
}

/// R8: the first certificate that will count is named where a thief has not put themselves.
#[test]
fn the_warning_that_names_a_first_certificate_goes_to_every_address() {
    let (world, user, _) = alone(days(84));
    world.set_member("U0MALLORY", MemberState::Active);
    world.tag(&user, "banto:slack", "U0MALLORY");
    handle(&world, &with_bot(), &everyone());
    let told = addresses(&world, "is replaced on");
    assert_eq!(told, ["U0MALLORY", "channel", "topic"]);
}

/// Whoever changes the tag gets no reminder alone, and starts no deadline; an operator who asked
/// the owner lets the new member count.
#[test]
fn notices_go_to_both_members_until_an_operator_approves() {
    let policy = with_bot();
    let (world, user, _) = alone(days(100));
    for member in ["U024BE7LH", "U0ANOTHER"] {
        world.set_member(member, MemberState::Active);
    }
    world.tag(&user, "banto:slack", "U024BE7LH");
    handle(&world, &policy, &everyone());
    world.tag(&user, "banto:slack", "U0ANOTHER");
    run_daily(&world, &policy, 16);
    let told = addresses(&world, "stops working on");
    assert_eq!(told, ["U024BE7LH", "U0ANOTHER", "channel", "topic"]);
    handle(&world, &policy, &approve(&user, &HOLDER));
    let reached_by = || record(&world.view(), &user).unwrap().reached_by;
    assert_eq!(reached_by().as_deref(), Some("U0ANOTHER"));
}
