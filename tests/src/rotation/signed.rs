//! Signed records: what others wrote, copied or brought back is told and not believed, and an
//! exposed key ends all the same.

use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_domain::record::Record;
use banto_fake::{KeyPair, World};
use banto_ports::ErrorKind;

use super::harness::{
    Delivered, Signed, add_registered, alone, any_has, count, days, delivered, disabled, everyone,
    exposed, is_active, is_there, minutes, operators_told, policy, record, run_daily, sealed,
    working,
};
use super::play::{Blow, Hit, SIGNED, Told};
use super::stories::stories;
use crate::harness::crash_points::{Tally, one_fault_in};
use crate::harness::{Sqs, enqueue, handle_with};

/// Checks a text as anyone does who has the public key.
fn verified(text: &str) -> Result<String, banto_receipt::ReceiptError> {
    let public = KeyPair::of_kms().public().parse().unwrap();
    banto_receipt::Verifier::new(vec![public]).verify(text)
}

/// A policy with something else about it.
fn but(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = policy();
    change(&mut policy);
    policy
}

/// Where the record is not believed: nothing is done for days, operators learn why, and an exposed
/// key ends in the first run.
fn assert_not_believed(rotation: &Delivered, says: &str) {
    let (world, user) = (&rotation.world, &rotation.user);
    let keys = world.view().users[user].keys.clone();
    let current = world.record(user);
    run_daily(world, &policy(), 3);
    assert_eq!(world.view().users[user].keys, keys, "{says}");
    assert_eq!(world.record(user), current, "{says}");
    let told = operators_told(world);
    assert!(any_has(&told, "is not believed"), "{says}: {told:?}");
    assert!(any_has(&told, says), "{says}: {told:?}");
    let named = rotation.new.clone();
    enqueue(world, &[exposed(&[&named])]);
    Sqs::default().deliver(world, &policy(), None);
    assert!(!is_active(world, &named), "{says}");
}

/// The last version that Banto signed.
fn last_good(world: &World, user: &UserName) -> String {
    let tokens = world.record_tokens(user);
    let signed = tokens.iter().filter_map(|token| {
        let number = Record::sequence_of_token(token)?;
        Some((number, token))
    });
    signed.max().unwrap().1.clone()
}

#[test]
fn every_version_is_signed_once_and_says_whose_it_is() {
    let _signed = Signed::from_now(true);
    let rotation = disabled();
    let (world, user) = (&rotation.world, &rotation.user);
    run_daily(world, &policy(), 14);
    assert!(!is_there(world, user, &rotation.old));
    assert_eq!(working(world, user), [rotation.new]);
    let texts = world.everything_written();
    let texts: Vec<&String> = texts.iter().filter(|text| text.starts_with('{')).collect();
    for text in &texts {
        let text = verified(text).unwrap();
        assert!(
            text.contains("\"user\":\"alice\"") && text.contains("\"account\":\"111122223333\"")
        );
    }
    assert_eq!(count(world, "kms:Sign"), texts.len());
}

/// R10: what others made of a record.
#[test]
fn what_others_made_of_a_signed_record_is_told_and_not_believed() {
    let _signed = Signed::from_now(true);
    type Tamper = fn(&Delivered);
    let tampers: [(Tamper, &str); 8] = [
        (|it| it.world.strip_signature(&it.user), "it is not signed"),
        (
            |it| {
                it.world.tamper(&it.user, |text| {
                    text.replacen("\"rotation\"", "\"rotatioN\"", 1)
                })
            },
            "its signature is of another text",
        ),
        (
            |it| {
                it.world
                    .tamper(&it.user, |text| KeyPair::of_somebody().signed(text))
            },
            "or of a key that the policy does not name",
        ),
        (
            |it| {
                let other = "-----BEGIN PGP MESSAGE-----\n\nabcd\n-----END PGP MESSAGE-----\n";
                it.world.swap_envelope(&it.user, other);
            },
            "its signature is of another text",
        ),
        (
            |it| {
                let (bob, _) = add_registered(&it.world, "bob", days(100));
                run_daily(&it.world, &policy(), 1);
                it.world.copy_record(&bob, &it.user);
            },
            "it was written for another user or account",
        ),
        (
            |it| it.world.restore_version(&it.user, 1),
            "it is older than version",
        ),
        (
            |it| it.world.tamper(&it.user, |_| String::new()),
            "it is not signed",
        ),
        (
            |it| {
                let nobodys = |text: &str| text.replacen("\"user\":\"alice\",", "", 1);
                let sign = |text: &str| KeyPair::of_kms().signed(&nobodys(text));
                it.world.tamper(&it.user, sign);
            },
            "it was written for another user or account",
        ),
    ];
    for (tamper, says) in tampers {
        let rotation = delivered();
        rotation.world.use_key(&rotation.new);
        rotation.world.advance(minutes(30));
        tamper(&rotation);
        assert_not_believed(&rotation, says);
    }
}

/// OPERATIONS: the last version that Banto wrote is made current again.
#[test]
fn once_the_last_good_version_is_current_again_runs_go_on() {
    let _signed = Signed::from_now(true);
    type Tamper = fn(&World, &UserName);
    let tampers: [Tamper; 3] = [
        World::strip_signature,
        |world, user| world.restore_version(user, 1),
        |world, user| {
            // Versions that claim a later number, under Banto's own kind of token.
            let text = world.record(user).unwrap();
            let mut next = Record::from_text(&text).unwrap();
            for _ in 0..5 {
                next = next.next("somebody");
                world.put_version(user, &text, &next.write_token(0));
            }
            world.strip_signature(user);
        },
    ];
    for (number, tamper) in tampers.into_iter().enumerate() {
        let rotation = delivered();
        let (world, user) = (&rotation.world, &rotation.user);
        let good = last_good(world, user);
        world.use_key(&rotation.new);
        world.advance(minutes(30));
        tamper(world, user);
        run_daily(world, &policy(), 2);
        assert!(is_active(world, &rotation.old), "{number}");
        world.make_current(user, &good);
        run_daily(world, &policy(), 20);
        assert!(!is_there(world, user, &rotation.old), "{number}");
        assert_eq!(working(world, user), [rotation.new], "{number}");
    }
}

/// Whoever may write can make the look at a record expensive, and not endless.
#[test]
fn more_later_numbers_than_are_read_are_told() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let good = last_good(world, user);
    let mut next = record(&world.view(), user).unwrap();
    for _ in 0..101 {
        next = next.next("somebody");
        world.put_version(user, "{}", &next.write_token(0));
    }
    world.make_current(user, &good);
    world.advance(minutes(30));
    assert_not_believed(&rotation, "over 100 versions claim a later number");
}

/// A version of another run, which was written just now and does not show yet.
#[test]
fn a_later_version_that_was_written_just_now_is_no_reason_to_disbelieve() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.restore_version(user, 1);
    drop(handle_with(world, &policy(), &everyone(), None));
    assert!(!any_has(&operators_told(world), "is not believed"));
    world.advance(minutes(30));
    drop(handle_with(world, &policy(), &everyone(), None));
    assert!(any_has(&operators_told(world), "is not believed"));
}

/// Without a signature, too, a record that says that it is another's is not believed.
#[test]
fn a_colleagues_record_is_not_believed_be_records_signed_or_not() {
    for is_signed in [false, true] {
        let _signed = Signed::from_now(is_signed);
        let rotation = delivered();
        let (bob, _) = add_registered(&rotation.world, "bob", days(100));
        run_daily(&rotation.world, &policy(), 1);
        rotation.world.copy_record(&bob, &rotation.user);
        rotation.world.advance(minutes(30));
        assert_not_believed(&rotation, "it was written for another user or account");
    }
}

/// Signing is switched on over records that were written without.
#[test]
fn what_was_written_before_signing_began_is_believed_and_no_later_text_is() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let _signed = Signed::from_now(true);
    let since = world.now() + minutes(1);
    let policy = but(|policy| policy.rotation.signing.as_mut().unwrap().since = Some(since));
    world.use_key(&rotation.new);
    run_daily(world, &policy, 2);
    assert!(!is_active(world, &rotation.old));
    assert!(verified(&world.record(user).unwrap()).is_ok());
    world.strip_signature(user);
    let keys = world.view().users[user].keys.clone();
    run_daily(world, &policy, 20);
    assert_eq!(world.view().users[user].keys, keys);
    assert!(any_has(&operators_told(world), "it is not signed"));
    // Nor is an older one that was written before.
    world.restore_version(user, world.record_tokens(user).len() - 1);
    run_daily(world, &policy, 1);
    assert!(any_has(&operators_told(world), "it is older than version"));
}

/// Whoever wrote a later number before signing began holds up nobody after.
#[test]
fn an_unsigned_version_of_a_later_number_takes_nothing_back() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let good = last_good(world, user);
    let forged = Record {
        sequence: 100,
        ..record(&world.view(), user).unwrap()
    };
    let text = forged.to_text(&"111122223333".parse().unwrap(), user);
    world.put_version(user, &text, &forged.write_token(0));
    world.make_current(user, &good);
    let _signed = Signed::from_now(true);
    let since = world.now() + minutes(1);
    let policy = but(|policy| policy.rotation.signing.as_mut().unwrap().since = Some(since));
    world.use_key(&rotation.new);
    run_daily(world, &policy, 20);
    assert_eq!(working(world, user), std::slice::from_ref(&rotation.new));
    assert!(
        !is_there(world, user, &rotation.old),
        "{:?}",
        operators_told(world)
    );
}

/// Signing is switched off: what is signed is read on.
#[test]
fn where_signing_ends_signed_records_are_read_on() {
    let rotation = {
        let _signed = Signed::from_now(true);
        delivered()
    };
    rotation.world.use_key(&rotation.new);
    run_daily(&rotation.world, &policy(), 20);
    assert_eq!(working(&rotation.world, &rotation.user), [rotation.new]);
}

/// A signing key is replaced: both public keys are believed.
#[test]
fn a_record_of_an_earlier_signing_key_is_believed_while_the_policy_names_that() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.tamper(user, |text| KeyPair::of_somebody().signed(text));
    world.use_key(&rotation.new);
    let both = but(|policy| {
        let keys = [KeyPair::of_kms(), KeyPair::of_somebody()];
        let keys = keys.map(|key| key.public().parse().unwrap());
        let verifier = banto_receipt::Verifier::new(keys.into());
        policy.rotation.signing.as_mut().unwrap().verifier = verifier;
    });
    run_daily(world, &both, 20);
    assert_eq!(working(world, user), std::slice::from_ref(&rotation.new));
    assert!(
        verified(&world.record(user).unwrap()).is_ok(),
        "the next is signed by KMS's"
    );
}

/// R9: nothing is written while KMS is away, and no key waits for it that AWS named.
#[test]
fn while_kms_is_away_nothing_is_written_and_an_exposed_key_ends_nonetheless() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    let before = world.record(user);
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Denied,
        ErrorKind::Missing,
    ] {
        world.outage("kms:", kind, world.now() + days(1) + minutes(1));
        run_daily(world, &policy(), 1);
        assert_eq!(world.record(user), before, "{kind:?}");
        assert!(is_active(world, &rotation.old), "{kind:?}");
    }
    world.outage("kms:", ErrorKind::Unavailable, world.now() + days(1));
    enqueue(world, &[exposed(&[&rotation.new])]);
    let mut sqs = Sqs::default();
    sqs.deliver(world, &policy(), None);
    assert!(!is_active(world, &rotation.new));
    assert!(any_has(&operators_told(world), "kms:Sign"));
    world.advance(days(1));
    sqs.settle(world, &policy(), &[]);
    run_daily(world, &policy(), 1);
    world.use_key(&sealed(world, user));
    run_daily(world, &policy(), 20);
    assert_eq!(working(world, user), [sealed(world, user)]);
}

/// Another key under the same ARN, or a policy whose public keys are another key's.
#[test]
fn a_version_that_nobody_would_believe_is_not_written() {
    let _signed = Signed::from_now(true);
    let (world, user, _) = alone(days(100));
    world.change_signing_key(true);
    run_daily(&world, &policy(), 2);
    assert_eq!(world.record(&user), None);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    assert!(any_has(
        &operators_told(&world),
        "by none of `rotation.signing_public_keys`"
    ));
    world.change_signing_key(false);
    run_daily(&world, &policy(), 1);
    assert!(is_active(&world, &sealed(&world, &user)));
}

/// A later user of the same name starts afresh after a signed record, too; bringing the former
/// user's record back is noticed.
#[test]
fn a_later_user_of_the_same_name_starts_afresh_after_a_signed_record() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let former = last_good(world, user);
    let former_id = record(&world.view(), user).unwrap().user_id;
    world.remove_user(user);
    let (user, _) = add_registered(world, user.as_str(), days(100));
    run_daily(world, &policy(), 1);
    let own = record(&world.view(), &user).unwrap();
    assert_ne!(own.user_id, former_id);
    let new = sealed(world, &user);
    world.advance(minutes(30));
    world.make_current(&user, &former);
    let again = Delivered {
        world: Arc::clone(world),
        user,
        old: new.clone(),
        new,
    };
    assert_not_believed(&again, "it is older than version");
}

/// A secret was deleted with its former user, and somebody had saved what Banto wrote into it.
#[test]
fn a_former_users_later_number_is_no_reason_to_disbelieve_a_users_own_record() {
    let _signed = Signed::from_now(true);
    let former = disabled();
    let (world, user) = (&former.world, &former.user);
    let (saved, token) = (world.record(user).unwrap(), last_good(world, user));
    world.remove_user(user);
    world.schedule_deletion(user);
    world.advance(days(31));
    let (user, old) = add_registered(world, user.as_str(), days(100));
    run_daily(world, &policy(), 1);
    let good = last_good(world, &user);
    assert!(Record::sequence_of_token(&good) < Record::sequence_of_token(&token));
    world.put_version(&user, &saved, &token);
    world.make_current(&user, &good);
    world.use_key(&sealed(world, &user));
    run_daily(world, &policy(), 20);
    assert!(!is_there(world, &user, &old), "{:?}", operators_told(world));
    assert!(!any_has(&operators_told(world), "is not believed"));
}

/// The role that the policy names changed: the records' own policies still name the old one.
fn with_another_role() -> Policy {
    but(|policy| {
        let arn = "arn:aws:iam::111122223333:role/banto-2";
        policy.rotation.accounts[0].role = arn.parse().unwrap();
    })
}

/// R9, and attack 16: an exposed key ends though the role may not read its record, which it can the
/// next time.
#[test]
fn a_role_that_is_new_protects_records_anew_before_it_reads_them() {
    for is_signed in [false, true] {
        let _signed = Signed::from_now(is_signed);
        let rotation = delivered();
        let (world, user) = (&rotation.world, &rotation.user);
        world.use_key(&rotation.new);
        world.advance(days(1));
        let policy = with_another_role();
        enqueue(world, &[exposed(&[&rotation.new])]);
        let mut sqs = Sqs::default();
        sqs.deliver(world, &policy, None);
        assert!(!is_active(world, &rotation.new));
        assert_eq!(count(world, "secretsmanager:PutResourcePolicy"), 2);
        sqs.settle(world, &policy, &[]);
        assert!(sqs.dead.is_empty());
        let record = record(&world.view(), user).unwrap();
        assert!(record.exposed.contains(&rotation.new));
        assert!(record.readers.unwrap().contains("role/banto-2"));
        run_daily(world, &policy, 1);
        world.use_key(&sealed(world, user));
        run_daily(world, &policy, 20);
        assert_eq!(working(world, user), [sealed(world, user)]);
    }
}

#[test]
fn a_scheduled_run_of_a_new_role_protects_records_anew_and_the_next_goes_on() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    let policy = with_another_role();
    run_daily(world, &policy, 1);
    assert!(
        is_active(world, &rotation.old),
        "nothing is done on a record that was not read"
    );
    run_daily(world, &policy, 15);
    assert_eq!(working(world, user), [rotation.new]);
}

/// A fault that lasts is told: the role may not even protect the record.
#[test]
fn a_record_that_can_not_be_protected_anew_is_told_each_day() {
    let rotation = delivered();
    let world = &rotation.world;
    world.deny_records(true);
    run_daily(world, &policy(), 1);
    let told = operators_told(world);
    assert!(any_has(&told, "whose readers are set anew"), "{told:?}");
    let before = told.len();
    run_daily(world, &policy(), 1);
    assert!(operators_told(world).len() > before);
    world.deny_records(false);
    world.use_key(&rotation.new);
    run_daily(world, &policy(), 15);
    assert_eq!(
        working(world, &rotation.user),
        std::slice::from_ref(&rotation.new)
    );
}

#[test]
fn a_break_glass_role_that_the_policy_newly_names_may_read_what_is_looked_at() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let arn = "arn:aws:iam::111122223333:role/break-glass";
    let with_role = but(|policy| {
        policy.rotation.accounts[0].break_glass = Some(arn.parse().unwrap());
    });
    run_daily(world, &with_role, 1);
    let readers = record(&world.view(), user).unwrap().readers.unwrap();
    assert!(readers.ends_with(arn), "{readers}");
    run_daily(world, &policy(), 1);
    let readers = record(&world.view(), user).unwrap().readers.unwrap();
    assert!(!readers.contains(arn), "{readers}");
}

/// Attack 16: the resource policy of an earlier release lets any role of the account write.
#[test]
fn a_record_that_an_earlier_release_protected_is_protected_anew() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let readers = record(&world.view(), user).unwrap().readers.unwrap();
    world.tamper(user, |text| text.replace("\"v2 arn", "\"arn"));
    let earlier = record(&world.view(), user).unwrap().readers.unwrap();
    assert_ne!(earlier, readers);
    let before = count(world, "secretsmanager:PutResourcePolicy");
    run_daily(world, &policy(), 2);
    let again = count(world, "secretsmanager:PutResourcePolicy");
    assert_eq!(again, before + 1);
    let anew = record(&world.view(), user).unwrap().readers;
    assert_eq!(anew, Some(readers));
}

/// R4: a sample of the crash points, each call of KMS among them.
#[test]
fn after_a_fault_at_any_call_runs_converge_where_records_are_signed() {
    let told: Vec<Told> = told_signed();
    let points = one_fault_in("crash points (signed records)", &told, 5);
    assert!(points > 200, "{points}");
}

/// R4: KMS is away for an hour, or its answers are lost, from any call on.
#[test]
fn after_an_hour_without_kms_from_any_call_on_runs_converge() {
    let mut tally = Tally::of("crash points (KMS is away)");
    for told in told_signed() {
        for (invocation, calls) in told.play_with(&[]).calls.into_iter().enumerate() {
            for (number, call) in (1..=calls).step_by(3).enumerate() {
                let blow = [Blow::Outage("kms:"), Blow::Silence("kms:")][number % 2];
                let hit = Hit {
                    invocation,
                    call,
                    blow,
                };
                let place = format!("{}, invocation {invocation}, call {call}", told.story.name);
                tally.add(place, told.play_with(&[hit]).broken);
            }
        }
    }
    tally.close();
}

fn told_signed() -> Vec<Told> {
    let told = |story| Told {
        story,
        nature: SIGNED,
    };
    stories().into_iter().map(told).collect()
}
