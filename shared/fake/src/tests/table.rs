//! DynamoDB: what an item keeps, and requests that it would refuse.

use std::collections::BTreeSet;

use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, PerPlace};
use banto_ports::{AccountStatuses, Held, LastNotified, NotificationLog, Told};

use super::{days, done, start, world};

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

#[test]
fn what_people_were_told_is_remembered_and_its_repairs_are_no_longer_untold() {
    let world = world();
    let run = world.run(None);
    let repairs: BTreeSet<String> = ["admin", "readonly"].map(str::to_owned).into();
    done(&run, run.add_repairs(&account(), &repairs)).unwrap();
    let news = LastNotified {
        mark: "stuck".to_owned(),
        at: start(),
    };
    let told = Told {
        news: Some(news.clone()),
        repairs: BTreeSet::from(["admin".to_owned()]),
    };
    done(&run, run.save_told(&account(), &told)).unwrap();
    done(&run, run.save_told(&account(), &Told::default())).unwrap();
    let row = done(&run, run.row(&account())).unwrap();
    assert_eq!(row.last_notified, Some(news));
    assert_eq!(row.repairs, BTreeSet::from(["readonly".to_owned()]));
}

#[test]
fn a_trouble_whose_beginning_was_not_saved_has_not_the_beginning_of_an_earlier_one() {
    let world = world();
    let run = world.run(None);
    let day = |day| start() + days(day);
    let save = |checked_at, condition| {
        let status = AccountStatus {
            account: account(),
            name: "payments".into(),
            checked_at,
            conditions: PerPlace::of_account(condition),
        };
        done(&run, run.save_status(&status)).unwrap()
    };
    let not_ready = || Reason::new(ReasonKind::Denied, "iam:CreateRole").condition();
    save(day(1), not_ready());
    let first = Held {
        condition: not_ready().as_str().to_owned(),
        since: day(1),
    };
    done(&run, run.save_held(&account(), &first)).unwrap();
    let row = done(&run, run.row(&account())).unwrap();
    assert_eq!(row.held_since(), Some(day(1)));
    assert_eq!(save(day(3), Condition::InPlace).held, Some(first));
    // The run ends before it saves since when.
    assert_eq!(save(day(20), not_ready()).held, None);
    let row = done(&run, run.row(&account())).unwrap();
    assert_eq!(row.held_since(), None);
}

#[test]
#[should_panic = "dynamodb:UpdateItem: ExpressionAttributeValues.:repairs.SS: 0 entries, at least 1"]
fn a_set_without_members_fails_the_test() {
    let run = world().run(None);
    drop(done(&run, run.add_repairs(&account(), &BTreeSet::new())));
}

#[test]
#[should_panic = "dynamodb:GetItem: Key.pk.S: 409607 bytes, at most 409600"]
fn a_text_larger_than_an_item_fails_the_test() {
    let run = world().run(None);
    drop(done(&run, run.notified_at(&"a".repeat(409_600))));
}
