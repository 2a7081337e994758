//! Worlds in which something is about to happen, what is asked of the function there, and what must
//! be true in the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Reader, World};
use serde_json::{Value, json};

use super::harness::{
    Delivered, SUCCESSOR, alone, asked, asked_about, days, delivered, disabled, everyone, exposed,
    hours, minutes, policy, register, register_successor, start,
};
use super::watch::Terms;
use crate::harness::handle;

/// A story: a world, what is asked of the function there, and how that ends.
#[derive(Clone, Copy)]
pub struct Story {
    pub name: &'static str,
    pub asks: Asks,
    pub prepare: fn() -> Prepared,
    pub end: End,
}

/// The way in which the function is asked for something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// By the schedule: Lambda tries three times.
    Schedule,
    /// By an operator, without the queue: Lambda tries three times.
    Directly,
    /// By the queue: a message comes again until it is done.
    ByQueue,
}

/// A world in which something is about to happen.
pub struct Prepared {
    pub world: Arc<World>,
    pub user: UserName,
    pub event: Value,
    pub terms: Terms,
    /// The keys that AWS names as exposed.
    pub named: BTreeSet<AccessKeyId>,
}

/// What must be true in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The user has one key, a new one.
    OneNewKey,
    /// The user has one key, and it is sealed to the certificate that replaced the former one.
    OneKeyForSuccessor,
    /// The user has the one key that was there before.
    SameKey,
    /// The user has the old key back, and the new one.
    BothKeys,
    /// The user is out: no key is left, and sessions are denied.
    Out,
}

impl Prepared {
    fn new(world: Arc<World>, user: UserName, event: Value) -> Self {
        Self {
            world,
            user,
            event,
            terms: Terms::default(),
            named: BTreeSet::new(),
        }
    }

    fn with_exposed(self, keys: impl IntoIterator<Item = AccessKeyId>) -> Self {
        let exposed = keys.into_iter().collect();
        let terms = Terms {
            exposed,
            ..self.terms
        };
        Self { terms, ..self }
    }

    /// The key that a person would call the old one: the oldest.
    pub fn old(world: &World, user: &UserName) -> Option<AccessKeyId> {
        let view = world.view();
        let keys = view.users.get(user)?.keys.iter();
        keys.min_by_key(|(_, key)| key.created_at)
            .map(|(id, _)| id.clone())
    }

    /// The key that Banto issued last.
    pub fn new_key(world: &World, user: &UserName) -> Option<AccessKeyId> {
        let view = world.view();
        let keys = view.users.get(user)?.keys.iter();
        keys.filter(|(_, key)| key.by_banto)
            .max_by_key(|(_, key)| key.created_at)
            .map(|(id, _)| id.clone())
    }
}

fn due() -> Prepared {
    let (world, user, _) = alone(days(100));
    Prepared::new(world, user, everyone())
}

fn forced() -> Prepared {
    let (world, user, _) = alone(days(10));
    let event = asked(&user, "force");
    Prepared::new(world, user, event)
}

fn first_key() -> Prepared {
    let (world, user, key) = alone(days(1));
    world.delete_key(&key);
    let event = asked(&user, "force");
    Prepared::new(world, user, event)
}

fn emergency() -> Prepared {
    let (world, user, old) = alone(days(100));
    let event = asked(&user, "emergency");
    Prepared::new(world, user, event).with_exposed([old])
}

fn named_by_aws() -> Prepared {
    let (world, user, old) = alone(days(10));
    let event = exposed(&[&old]);
    let prepared = Prepared::new(world, user, event).with_exposed([old.clone()]);
    Prepared {
        named: BTreeSet::from([old]),
        ..prepared
    }
}

/// A thief has a session, and a key that was made beside the exposed one.
fn thief() -> Prepared {
    let (world, user, old) = alone(days(10));
    world.start_session(&old);
    let made = world.add_key_with(&user, &old).unwrap();
    world.use_key(&made);
    world.lag(Reader::LookupEvents, minutes(5));
    world.advance(minutes(10));
    let event = exposed(&[&old]);
    let prepared = Prepared::new(world, user, event).with_exposed([old.clone(), made]);
    Prepared {
        named: BTreeSet::from([old]),
        ..prepared
    }
}

fn warned() -> Prepared {
    let (world, user, _) = alone(days(85));
    Prepared::new(world, user, everyone())
}

/// The new key was used, and the old one has rested.
fn proven() -> Prepared {
    let rotation = delivered();
    rotation.world.use_key(&rotation.new);
    rotation.world.advance(days(2));
    Prepared::new(rotation.world, rotation.user, everyone())
}

/// The deadline has passed, and the old key is still in use.
fn past_deadline() -> Prepared {
    let rotation = delivered();
    rotation.world.use_key(&rotation.new);
    for _ in 0..14 {
        rotation.world.use_key(&rotation.old);
        rotation.world.advance(days(1));
        handle(&rotation.world, &policy(), &everyone());
    }
    rotation.world.use_key(&rotation.old);
    rotation.world.advance(days(1));
    let prepared = Prepared::new(rotation.world, rotation.user, everyone());
    let terms = Terms {
        deadline: true,
        ..Terms::default()
    };
    Prepared { terms, ..prepared }
}

/// The old key was disabled long ago, and its owner reminded.
fn retired() -> Prepared {
    let rotation = disabled();
    for _ in 0..9 {
        rotation.world.advance(days(1));
        handle(&rotation.world, &policy(), &everyone());
    }
    rotation.world.advance(days(1));
    Prepared::new(rotation.world, rotation.user, everyone())
}

fn renamed() -> Prepared {
    let rotation = delivered();
    let user = rotation.world.rename_user(&rotation.user, "alicia");
    register(&rotation.world, &user);
    rotation.world.advance(days(1));
    Prepared::new(rotation.world, user, everyone())
}

fn to_be_restored() -> Prepared {
    let rotation = disabled();
    rotation.world.advance(days(1));
    let event = asked_about(&rotation.user, "restore", &[&rotation.old]);
    Prepared::new(rotation.world, rotation.user, event)
}

/// A key is owed, and its owner has registered a certificate since.
fn owed() -> Prepared {
    let world = World::at(start());
    let user = world.add_user("alice");
    handle(&world, &policy(), &asked(&user, "force"));
    world.advance(days(1));
    register(&world, &user);
    Prepared::new(world, user, everyone())
}

/// A user who uses the only key, which Banto issued, so that a certificate counts.
fn settled() -> (Arc<World>, UserName) {
    let Delivered {
        world,
        user,
        old,
        new,
    } = delivered();
    world.use_key(&new);
    world.delete_key(&old);
    world.advance(days(1));
    handle(&world, &policy(), &everyone());
    assert!(!world.view().users[&user].record_is_open);
    (world, user)
}

/// A key is to be issued, and its owner has pinned another certificate, for which nobody vouches.
fn new_certificate() -> Prepared {
    let (world, user) = settled();
    register_successor(&world, &user, false);
    let grace = policy().rotation.pin_grace;
    // A daily run that is some minutes early counts the day as over.
    let counts_from = Some(world.now() + grace - hours(1));
    let event = asked(&user, "force");
    let prepared = Prepared::new(world, user, event);
    let terms = Terms {
        counts_from,
        ..Terms::default()
    };
    Prepared { terms, ..prepared }
}

/// An operator approves the certificate for which a key waits.
fn to_be_approved() -> Prepared {
    let waiting = new_certificate();
    let (world, user) = (waiting.world, waiting.user);
    handle(&world, &policy(), &waiting.event);
    world.advance(days(1));
    let certificate = SUCCESSOR.fingerprint();
    let event = json!({ "users": [user], "mode": "approve", "certificate": certificate });
    Prepared::new(world, user, event)
}

/// The new key is sealed to a certificate that its owner has replaced before they used it.
fn to_come_anew() -> Prepared {
    let Delivered {
        world, user, new, ..
    } = delivered();
    register_successor(&world, &user, true);
    world.advance(days(1));
    let prepared = Prepared::new(world, user, everyone());
    let terms = Terms {
        replaced: [new].into(),
        ..Terms::default()
    };
    Prepared { terms, ..prepared }
}

/// A user leaves in the middle of a rotation, with both keys in use.
fn leaver() -> Prepared {
    let Delivered {
        world,
        user,
        old,
        new,
    } = delivered();
    world.use_key(&old);
    world.use_key(&new);
    world.advance(hours(1));
    let event = asked(&user, "leave");
    with_leave(Prepared::new(world, user, event))
}

/// A user leaves who has no key, and of whom nothing was ever recorded.
fn leaver_without_anything() -> Prepared {
    let world = World::at(start());
    let user = world.add_user("alice");
    // IAM shows a user late, too.
    world.advance(hours(1));
    let event = asked(&user, "leave");
    with_leave(Prepared::new(world, user, event))
}

/// A leave that was a mistake, in the middle of a rotation.
fn to_be_taken_back() -> Prepared {
    let Prepared { world, user, .. } = leaver();
    handle(&world, &policy(), &asked(&user, "leave"));
    world.advance(days(1));
    let event = asked(&user, "restore");
    with_leave(Prepared::new(world, user, event))
}

fn with_leave(prepared: Prepared) -> Prepared {
    let terms = Terms {
        leaves: true,
        ..prepared.terms
    };
    Prepared { terms, ..prepared }
}

/// Every story.
pub fn stories() -> Vec<Story> {
    use Asks::{ByQueue, Directly, Schedule};
    use End::{BothKeys, OneKeyForSuccessor, OneNewKey, Out, SameKey};
    let story = |name, asks, prepare, end| Story {
        name,
        asks,
        prepare,
        end,
    };
    vec![
        story("issue", Schedule, due as fn() -> Prepared, OneNewKey),
        story("force", Directly, forced, OneNewKey),
        story("first key", ByQueue, first_key, OneNewKey),
        story("emergency", ByQueue, emergency, OneNewKey),
        story("emergency, named by AWS", ByQueue, named_by_aws, OneNewKey),
        story("emergency with a thief", ByQueue, thief, OneNewKey),
        story("warn", Schedule, warned, SameKey),
        story("disable", Schedule, proven, OneNewKey),
        story("deadline", Schedule, past_deadline, OneNewKey),
        story("delete", Schedule, retired, OneNewKey),
        story("rename", Schedule, renamed, OneNewKey),
        story("restore", ByQueue, to_be_restored, BothKeys),
        story("leave", Directly, leaver, Out),
        story("leave without a key", ByQueue, leaver_without_anything, Out),
        story("leave taken back", ByQueue, to_be_taken_back, OneNewKey),
        story("owed key", Schedule, owed, OneNewKey),
        story("approve", ByQueue, to_be_approved, OneKeyForSuccessor),
        story("issue anew", Schedule, to_come_anew, OneKeyForSuccessor),
        story(
            "new certificate",
            Directly,
            new_certificate,
            OneKeyForSuccessor,
        ),
    ]
}
