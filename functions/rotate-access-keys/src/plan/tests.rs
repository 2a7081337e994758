//! The planner's tests: a table of every situation a user can be in, promises held against any
//! snapshot at all, and the rules that concern several users.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{
    Emergency, Intent, Issued, Left, Owed, Pin, Reason, Record, Rotation, StoredEnvelope,
};
use banto_domain::{AccessKeyId, Fingerprint, RoleArn};
use banto_fake::PolicyText;
use banto_ports::LastUse;
use jiff::{SignedDuration, Timestamp};

use super::{Action, Exposed, Leave, OrphanProof, OwnerNotice, Plan, plan};
use crate::event::{Asked, Mode};
use crate::snapshot::{Certificate, Creations, Key, PIN_TAG, Snapshot, StoredRecord, Used, User};

mod certificates;
mod emergencies;
mod leaves;
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

/// The fingerprint of another certificate.
fn another() -> Fingerprint {
    "0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()
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
        certified: false,
        stored_since: Some(now() - days(365)),
    }
}

fn user(name: &str, keys: Vec<Key>) -> User {
    User {
        tags: BTreeMap::from([(PIN_TAG.to_owned(), PINNED.to_owned())]),
        keys,
        certificate: usable(),
        ..User::new(
            name.parse().unwrap(),
            "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            format!("arn:aws:iam::111122223333:user/{name}")
                .parse()
                .unwrap(),
            "/",
        )
    }
}

fn role() -> RoleArn {
    "arn:aws:iam::111122223333:role/banto".parse().unwrap()
}

/// A request of this very moment.
fn asked() -> Asked {
    Asked::by("request", now())
}

fn snapshot(mode: Mode, users: Vec<User>) -> Snapshot {
    Snapshot {
        mode,
        users,
        ..Snapshot::empty("111122223333".parse().unwrap(), role(), asked())
    }
}

/// The record of a user who has had no rotation yet.
fn first_record() -> Record {
    Record {
        readers: Some(format!(
            "v2 arn:aws:iam::111122223333:user/alice {}",
            role()
        )),
        open: true,
        ..Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap())
    }
}

fn record(rotation: Rotation) -> Record {
    let envelope = StoredEnvelope {
        key: rotation.issued.key.clone(),
        armored: "-----BEGIN PGP MESSAGE-----".into(),
    };
    Record {
        rotation: Some(rotation),
        envelope: Some(envelope),
        ..first_record()
    }
}

/// The record of an issue that was interrupted.
fn interrupted(intent: Intent) -> Record {
    Record {
        intent: Some(intent),
        ..first_record()
    }
}

/// The intent to replace `OLD`, recorded so long ago.
fn intent(age: SignedDuration) -> Intent {
    Intent {
        reason: Reason::Due,
        request: None,
        intended_at: now() - age,
        existing_keys: BTreeSet::from([id(OLD)]),
        recipient: pinned(),
    }
}

/// A rotation from `OLD` to `NEW`, which is stored.
fn issued(age: SignedDuration) -> Rotation {
    Rotation {
        intent: intent(age),
        issued: Issued {
            key: id(NEW),
            created_at: now() - age,
        },
        delivered_at: None,
        proven_at: None,
        withdrawn_at: None,
    }
}

/// The same with `NEW` delivered.
fn delivered(age: SignedDuration) -> Rotation {
    Rotation {
        delivered_at: Some(now() - age),
        ..issued(age)
    }
}

/// The same, and `NEW` was found in use.
fn proven(age: SignedDuration) -> Rotation {
    Rotation {
        proven_at: Some(now() - age),
        ..delivered(age)
    }
}

/// The record of an emergency that exposed `OLD`, so long ago.
fn emergency(age: SignedDuration) -> Record {
    let at = now() - age;
    let mut record = first_record();
    record.exposed.insert(id(OLD));
    record.disabled.insert(id(OLD), at);
    record.notified.insert(format!("exposed:{OLD}"), at);
    record.emergency = Some(Emergency {
        request: "earlier".into(),
        asked_at: at,
        since: at,
        contained_at: at,
        sessions_denied_at: Some(at),
        revoked_at: None,
        looked_at: None,
    });
    record
}

/// The record of a user who left so long ago, and whose keys ended then.
fn left(age: SignedDuration, worked: &[&str], inactive: &[&str]) -> Record {
    let at = now() - age;
    let mut record = first_record();
    for key in worked.iter().chain(inactive) {
        record.disabled.insert(id(key), at);
    }
    record.notified.insert(Left::REPORTED.to_owned(), at);
    record.left = Some(Left {
        worked: worked.iter().map(|key| id(key)).collect(),
        inactive: inactive.iter().map(|key| id(key)).collect(),
        sessions_denied_at: Some(at),
        revoked_at: Some(at),
        ..Left::new(at, Some(pinned()))
    });
    record
}

/// A plan in one line.
fn in_short(plan: &Plan) -> String {
    let key = |id: &AccessKeyId| if *id == id_of_old() { "old" } else { "new" };
    let keys = |ids: &BTreeSet<AccessKeyId>| {
        let words: Vec<&str> = ids.iter().map(key).collect();
        words.join("+")
    };
    let action = |action: &Action| match action {
        Action::DisableExposed(exposed) if exposed.is_beside => {
            format!("disable {} beside", keys(&exposed.keys))
        }
        Action::DisableExposed(exposed) => format!("disable exposed {}", keys(&exposed.keys)),
        Action::Leave(leave) => format!("leave {}", keys(&leave.keys())),
        Action::TakeBack { keys: again, .. } => format!("take back {}", keys(again)),
        Action::DeleteExposed { key: id } => format!("delete exposed {}", key(id)),
        Action::DiscardOrphan { key: id, .. } => format!("discard {}", key(id)),
        Action::Issue { reason, .. } => format!("issue ({reason:?})"),
        Action::Owe { reason, .. } => format!("owe ({reason:?})"),
        Action::NotifyOwner(OwnerNotice::Issued {
            carry_envelope: true,
            ..
        }) => "notify issued with envelope".into(),
        Action::NotifyOwner(message) => format!("notify {}", named(&message.id())),
        Action::Disable {
            key: id,
            stand_in: None,
            ..
        } => format!("retire {}", key(id)),
        Action::Disable { key: id, .. } => format!("disable {}", key(id)),
        Action::Delete { key: id } => format!("delete {}", key(id)),
        Action::SaveRestored { key: id } => format!("save {} restored", key(id)),
        Action::Restore { key: id } => format!("restore {}", key(id)),
        other => other.kind().to_owned(),
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
    text.replace(OLD, "old")
        .replace(NEW, "new")
        .replace(PINNED, "pinned")
        .replace(another().as_str(), "another")
}
