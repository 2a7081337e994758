//! The planner's tests: a table of every situation a user can be in, promises held against any
//! snapshot at all, and the rules that concern several users.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{Issued, Reason, Record, Rotation, StoredEnvelope};
use banto_domain::{AccessKeyId, Fingerprint};
use banto_fake::PolicyText;
use banto_ports::LastUse;
use jiff::{SignedDuration, Timestamp};

use super::{Action, OwnerNotice, Plan, plan};
use crate::event::Mode;
use crate::snapshot::{Certificate, Key, PIN_TAG, Snapshot, StoredRecord, Used, User};

mod properties;
mod several;
mod table;

const OLD: &str = "AKIAOLDOLDOLDOLDOLDO";
const NEW: &str = "AKIANEWNEWNEWNEWNEWN";
const PINNED: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn id(id: &str) -> AccessKeyId {
    id.parse().unwrap()
}

fn pinned() -> Fingerprint {
    PINNED.parse().unwrap()
}

fn policy() -> RotationPolicy {
    PolicyText::least().parse().rotation
}

fn key(name: &str, active: bool, age: SignedDuration) -> Key {
    Key {
        id: id(name),
        active,
        created_at: now() - age,
        used: Used::Unknown,
    }
}

fn used_at(at: Timestamp) -> Used {
    Used::Last(LastUse {
        at,
        service: "s3".into(),
        region: "eu-west-1".into(),
    })
}

fn usable() -> Certificate {
    Certificate::Usable {
        fingerprint: pinned(),
        expires_soon: None,
    }
}

fn user(name: &str, keys: Vec<Key>) -> User {
    User {
        name: name.parse().unwrap(),
        id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
        arn: format!("arn:aws:iam::111122223333:user/{name}")
            .parse()
            .unwrap(),
        path: "/".into(),
        tags: BTreeMap::from([(PIN_TAG.to_owned(), PINNED.to_owned())]),
        groups: BTreeSet::new(),
        keys,
        record: StoredRecord::Absent,
        certificate: usable(),
    }
}

fn snapshot(mode: Mode, users: Vec<User>) -> Snapshot {
    Snapshot {
        account: "111122223333".parse().unwrap(),
        mode,
        named_exposed: BTreeSet::new(),
        users,
        not_observed: Vec::new(),
        users_in_order: 0,
        oldest_key: None,
    }
}

fn record(rotation: Option<Rotation>) -> Record {
    let sealed = rotation
        .as_ref()
        .and_then(|rotation| rotation.issued.as_ref())
        .map(|issued| issued.key.clone());
    Record {
        rotation,
        envelope: sealed.map(|key| StoredEnvelope {
            key,
            armored: "-----BEGIN PGP MESSAGE-----".into(),
        }),
        ..Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap())
    }
}

/// A rotation from `OLD` that was intended so long ago.
fn intent(age: SignedDuration) -> Rotation {
    Rotation {
        reason: Reason::Due,
        intended_at: now() - age,
        existing_keys: BTreeSet::from([id(OLD)]),
        recipient: pinned(),
        issued: None,
        delivered_at: None,
    }
}

/// The same with `NEW` stored.
fn issued(age: SignedDuration) -> Rotation {
    Rotation {
        issued: Some(Issued {
            key: id(NEW),
            created_at: now() - age,
        }),
        ..intent(age)
    }
}

/// The same with `NEW` delivered.
fn delivered(age: SignedDuration) -> Rotation {
    Rotation {
        delivered_at: Some(now() - age),
        ..issued(age)
    }
}

/// A plan in one line.
fn in_short(plan: &Plan) -> String {
    let key = |id: &AccessKeyId| if *id == id_of_old() { "old" } else { "new" };
    let action = |action: &Action| match action {
        Action::DisableExposed { key: id } => format!("disable exposed {}", key(id)),
        Action::DiscardOrphan { key: id } => format!("discard {}", key(id)),
        Action::Issue { reason, .. } => format!("issue ({reason:?})"),
        Action::NotifyOwner(OwnerNotice::Issued {
            carry_envelope: true,
            ..
        }) => "notify issued with envelope".into(),
        Action::NotifyOwner(message) => format!("notify {}", named(&message.id())),
        Action::Disable { key: id } => format!("disable {}", key(id)),
        Action::Delete { key: id } => format!("delete {}", key(id)),
        Action::SaveRestored { key: id } => format!("save {} restored", key(id)),
    };
    let actions = plan
        .chains
        .iter()
        .flat_map(|chain| chain.actions.iter().map(action));
    let findings = plan
        .findings
        .iter()
        .map(|finding| format!("! {}", named(&finding.kind.id())));
    let waiting = plan
        .waiting
        .iter()
        .map(|waiting| format!("~ {}", crate::notices::waiting(&waiting.reason)));
    let all: Vec<String> = actions.chain(findings).chain(waiting).collect();
    if all.is_empty() {
        "-".to_owned()
    } else {
        named(&all.join("; "))
    }
}

fn id_of_old() -> AccessKeyId {
    id(OLD)
}

fn named(text: &str) -> String {
    text.replace(OLD, "old").replace(NEW, "new")
}
