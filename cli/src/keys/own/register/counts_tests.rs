//! Since when a certificate counts: what `register` says, what `status` says, and the notices.

use banto_domain::record::{Left, Record};
use banto_fake::PolicyText;
use banto_ports::StoredText;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use rotate_access_keys::notices;
use rotate_access_keys::plan::{FindingKind, OwnerNotice, WaitReason};

use super::super::super::cloud_in_memory::InMemory;
use super::super::super::status;
use super::*;
use crate::dates::day;

const OTHER: &str = "1234567890123456789012345678901234567890";
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);

fn ago(now: Timestamp, hours: i64) -> Timestamp {
    now - SignedDuration::from_hours(hours)
}

/// A user, as far as it plays a part.
#[derive(Default)]
struct Case {
    has_key: bool,
    /// Hours since which the certificate has been stored.
    stored: i64,
    /// Another certificate has counted.
    replaces: bool,
    told_owner: Option<i64>,
    told_operators: Option<i64>,
    /// What else is in the record.
    more: Option<fn(&mut Record, Timestamp)>,
}

fn me(case: &Case, holder: &Holder, now: Timestamp) -> Me {
    let policy = PolicyText::least().parse();
    let identity = policy.rotation.accounts[0].clone();
    let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
    record.pin = case.replaces.then(|| Pin {
        fingerprint: OTHER.parse().unwrap(),
        certificate: String::new(),
    });
    let certificate = holder.fingerprint();
    for (prefix, told) in [
        (OwnerNotice::NEW_CERTIFICATE, case.told_owner),
        (FindingKind::NEW_CERTIFICATE, case.told_operators),
    ] {
        let told = told.map(|hours| (format!("{prefix}{certificate}"), ago(now, hours)));
        record.notified.extend(told);
    }
    case.more.inspect(|more| more(&mut record, now));
    let is_there = record != Record::first(record.user_id.clone());
    let user: banto_domain::UserName = "alice".parse().unwrap();
    let record = is_there.then(|| StoredText {
        text: record.to_text(&identity.id, &user),
        token: String::new(),
        written_at: now,
    });
    let keys = vec![LiveKey {
        id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        active: case.has_key,
        created_at: ago(now, 24),
    }];
    let stored = Stored {
        bytes: holder.certificate().unwrap().into_bytes(),
        since: Some(ago(now, case.stored)),
    };
    let pin = holder.fingerprint().as_str().parse().unwrap();
    Me {
        policy,
        policy_file: None,
        identity,
        user,
        cloud: Box::new(InMemory::with(keys, record, &pin, stored)),
    }
}

fn holder(now: Timestamp) -> Holder {
    let lifetime = Lifetime {
        from: ago(now, 1000),
        until: None,
    };
    Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap()
}

/// What `register` says, once all is stored and pinned; `status` must say the same.
async fn said(case: &Case, holder: &Holder, now: Timestamp) -> Counts {
    let me = me(case, holder, now);
    let looked = Looked::at(&me, now).await.unwrap();
    let chosen = Chosen {
        fingerprint: holder.fingerprint().as_str().parse().unwrap(),
        bytes: holder.certificate().unwrap().into_bytes(),
        candidate: None,
        own: Vec::new(),
    };
    let counts = looked.counts(&me, &chosen, &Vouched::NotNeeded, now);
    let screen = status::screen(&me, now).await;
    let words = match &counts {
        Counts::Now => ", counts\n".to_owned(),
        other => format!(", counts {}\n", other.words()),
    };
    assert!(screen.contains(&words), "{words}{screen}");
    counts
}

#[tokio::test]
async fn register_and_status_say_the_same_of_a_first_certificate_and_of_another_one() {
    let now = Timestamp::now();
    let holder = holder(now);
    let from = |hours: i64| Counts::From(ago(now, hours) + GRACE);
    let after = || Counts::AfterTold(GRACE);
    let first = |stored| Case {
        has_key: true,
        stored,
        ..Case::default()
    };
    let another = |stored, told_owner, told_operators| Case {
        replaces: true,
        told_owner,
        told_operators,
        ..first(stored)
    };
    let exposed: fn(&mut Record, Timestamp) = |record, _| {
        let key = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
        record.exposed.insert(key);
    };
    for (number, (case, counts)) in [
        // A first one: from the day on which it was stored, whoever was told.
        (first(48), from(48)),
        (first(200), Counts::Now),
        (
            Case {
                told_owner: Some(47),
                told_operators: Some(47),
                ..first(48)
            },
            from(48),
        ),
        // Who has no key that could be stolen waits for nothing.
        (Case::default(), Counts::Now),
        (
            Case {
                more: Some(exposed),
                ..Case::default()
            },
            from(0),
        ),
        // Another one: from the day on which both were told.
        (another(200, None, None), after()),
        (another(200, Some(30), None), after()),
        (another(48, Some(47), Some(30)), from(30)),
        (another(300, Some(200), Some(200)), Counts::Now),
        // One that was extended since is a later file.
        (another(1, Some(47), Some(30)), from(30)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(said(&case, &holder, now).await, counts, "case {number}");
        if let Counts::From(until) = counts {
            let certificate = holder.fingerprint().as_str().parse().unwrap();
            let notice = notices::waiting(&WaitReason::PinGrace { certificate, until });
            assert!(counts.words().contains(&day(until)) && notice.contains(&day(until)));
        }
    }
}

#[tokio::test]
async fn what_the_planner_says_nothing_of_is_no_date() {
    let now = Timestamp::now();
    let holder = holder(now);
    let left: fn(&mut Record, Timestamp) = |record, now| record.left = Some(Left::new(now, None));
    let case = Case {
        has_key: true,
        more: Some(left),
        ..Case::default()
    };
    let Counts::Unknown(why) = said(&case, &holder, now).await else {
        panic!("a date for who left")
    };
    assert!(why.contains("having left"), "{why}");
    let early: fn(&mut Record, Timestamp) = |record, now| {
        let tomorrow = now + SignedDuration::from_hours(24);
        record.notified.insert("finding".to_owned(), tomorrow);
    };
    let case = Case {
        more: Some(early),
        ..case
    };
    let Counts::Unknown(why) = said(&case, &holder, now).await else {
        panic!("a date by a record that is not believed")
    };
    assert!(why.contains("not believed"), "{why}");
}
