//! Plays stories in kinds of world: what befalls them there, who follows, and what is judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_domain::record::Record;
use banto_fake::{Driven, Fault, FaultKind, Reader, Run, UserView, World};
use banto_ports::ErrorKind;

use super::harness::{
    SUCCESSOR, Signed, any_has, days, everyone, hours, minutes, operators_told, policy, record,
    register, register_successor, story,
};
use super::stories::{Asks, End, Prepared, Story};
use super::watch::{Watch, has_usable};
use crate::harness::crash_points::{Played, Scene};
use crate::harness::{Function, Handled, Sqs, enqueue, handle_with, invoke_on};

/// A kind of world that every story may happen in.
#[derive(Clone, Copy)]
pub struct Nature {
    pub begin: fn(&World),
    /// True if records are signed, from the story's beginning.
    pub is_signed: bool,
}

/// Nothing lags.
pub const PLAIN: Nature = Nature {
    begin: |_| {},
    is_signed: false,
};

/// Nothing lags, and records are signed.
pub const SIGNED: Nature = Nature {
    begin: |_| {},
    is_signed: true,
};

/// IAM shows what was done late.
pub const LAGGING: Nature = Nature {
    begin: |world| {
        world.lag(Reader::ListAccessKeys, iam_lag());
        world.lag(Reader::GetAccessKeyLastUsed, hours(3));
    },
    is_signed: false,
};

/// What people report of IAM: seconds.
fn iam_lag() -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(30)
}

/// Secrets Manager shows records and their marks late, and IAM users.
pub const LATE_RECORDS: Nature = Nature {
    begin: |world| {
        world.lag(Reader::GetSecretValue, iam_lag());
        world.lag(Reader::ListSecrets, minutes(5));
        world.lag(Reader::GetUser, iam_lag());
    },
    is_signed: false,
};

/// Something that befalls a call of an invocation.
#[derive(Clone, Copy)]
pub enum Blow {
    Fault(FaultKind),
    /// Calls whose name begins so fail for an hour.
    Outage(&'static str),
    /// Calls whose name begins so have their effect for an hour, and their answers are lost.
    Silence(&'static str),
    /// A person acts.
    Act(Act),
}

/// What a person does.
#[derive(Clone, Copy)]
pub struct Act {
    pub name: &'static str,
    pub act: fn(&World, &UserName),
}

/// The name of a user who was renamed in the middle of a run.
const RENAMED: &str = "renamed";

/// The user's name now.
fn present_name(world: &World, user: &UserName) -> UserName {
    if world.view().users.contains_key(user) {
        return user.clone();
    }
    RENAMED.parse().unwrap()
}

/// Everything that a person may do between two calls.
pub const ACTS: [Act; 8] = [
    Act {
        name: "adds a key",
        act: |world, user| {
            if world.view().users[user].keys.len() < 2 {
                world.add_key(user, days(0));
            }
        },
    },
    Act {
        name: "switches the new key off and on",
        act: |world, user| {
            if let Some(new) = Prepared::new_key(world, user) {
                world.set_active(&new, false);
                world.set_active(&new, true);
            }
        },
    },
    Act {
        name: "deletes the new key",
        act: |world, user| {
            if let Some(new) = Prepared::new_key(world, user) {
                world.delete_key(&new);
            }
        },
    },
    Act {
        name: "switches the new key off",
        act: |world, user| {
            if let Some(new) = Prepared::new_key(world, user) {
                world.set_active(&new, false);
            }
        },
    },
    Act {
        name: "deactivates the old key",
        act: |world, user| {
            if let Some(old) = Prepared::old(world, user) {
                world.set_active(&old, false);
            }
        },
    },
    Act {
        name: "uses the old key",
        act: |world, user| {
            if let Some(old) = Prepared::old(world, user).filter(|old| world.works(old)) {
                world.use_key(&old);
            }
        },
    },
    Act {
        name: "renames the user",
        act: |world, user| {
            let user = world.rename_user(user, RENAMED);
            store_pinned(world, &user);
        },
    },
    Act {
        name: "tags",
        act: |world, user| world.tag(user, "team", "red"),
    },
];

/// Stores the pinned certificate under the user's present name.
fn store_pinned(world: &World, user: &UserName) {
    let pin = world.view().users[user].tags.get("banto:openpgp").cloned();
    if pin.as_deref() == Some(SUCCESSOR.fingerprint().as_str()) {
        register_successor(world, user, false);
    } else {
        register(world, user);
    }
}

/// A story in a kind of world.
pub struct Told {
    pub story: Story,
    pub nature: Nature,
}

/// A blow to a call, from 1, of an invocation, from 0.
#[derive(Clone, Copy)]
pub struct Hit {
    pub invocation: usize,
    pub call: usize,
    pub blow: Blow,
}

impl Told {
    /// Plays the story until nothing is left to do.
    pub fn play_with(&self, hits: &[Hit]) -> Played {
        let _signed = Signed::from_now(self.nature.is_signed);
        let policy = policy();
        let mut prepared = (self.story.prepare)();
        (self.nature.begin)(&prepared.world);
        prepared.terms.people_act = hits.iter().any(|hit| matches!(hit.blow, Blow::Act(_)));
        let watch = Watch::on(&prepared.world, &policy, prepared.terms.clone());
        let mut play = Play {
            policy: &policy,
            prepared: &prepared,
            watch: &watch,
            hits,
            number: 0,
            played: Played::default(),
        };
        play.ask(self.asks(hits));
        play.play_on();
        let mut played = play.played;
        played.broken.extend(watch.broken());
        let hindered = hits.iter().any(|hit| matches!(hit.blow, Blow::Act(_)));
        let end = (!hindered).then_some(self.story.end);
        played
            .broken
            .extend(settle(&prepared, &policy, &watch, end));
        played
    }
}

impl Told {
    /// Lambda gives a direct request up after minutes, and says so; an outage is outlasted by a
    /// message alone.
    fn asks(&self, hits: &[Hit]) -> Asks {
        let is_outage = hits
            .iter()
            .any(|hit| matches!(hit.blow, Blow::Outage(_) | Blow::Silence(_)));
        match self.story.asks {
            Asks::Directly if is_outage => Asks::ByQueue,
            asks => asks,
        }
    }
}

impl Scene for Told {
    fn name(&self) -> &str {
        self.story.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let hits = faults.iter().map(|(invocation, fault)| Hit {
            invocation: *invocation,
            call: fault.call,
            blow: Blow::Fault(fault.kind),
        });
        self.play_with(&hits.collect::<Vec<_>>())
    }
}

/// The invocations of a story.
struct Play<'a> {
    policy: &'a Policy,
    prepared: &'a Prepared,
    watch: &'a Watch,
    hits: &'a [Hit],
    /// The number of the next invocation.
    number: usize,
    played: Played,
}

impl Play<'_> {
    fn ask(&mut self, asks: Asks) {
        let world = &self.prepared.world;
        if asks == Asks::ByQueue {
            enqueue(world, std::slice::from_ref(&self.prepared.event));
            let mut sqs = Sqs::default();
            while let Some(at) = world.next_message_at() {
                world.advance_to(at);
                let run = self.run();
                sqs.deliver_on(&run, world, self.policy);
                self.ended(&run, None);
            }
            // Whoever is renamed is no longer there under the name that was asked about.
            let is_told = any_has(&operators_told(world), "there is no such user");
            if !sqs.dead.is_empty() && !is_told {
                self.played
                    .broken
                    .push("R9: a message was given up".to_owned());
            }
            return;
        }
        let request = format!("request-{}", world.run_count());
        for pause in [None, Some(minutes(1)), Some(minutes(2))] {
            world.advance(pause.unwrap_or_default());
            let run = self.run();
            let handled = invoke_on(&run, world, self.policy, &request, &self.prepared.event);
            let is_done = matches!(handled, Driven::Done(Ok(_)));
            self.ended(&run, Some(&handled));
            if is_done {
                break;
            }
        }
    }

    /// Lets scheduled runs follow until every blow has had its turn.
    fn play_on(&mut self) {
        let world = &self.prepared.world;
        let last = self.hits.iter().map(|hit| hit.invocation).max();
        while last.is_some_and(|last| self.number <= last) {
            world.advance(days(1));
            let run = self.run();
            let handled = invoke_on(&run, world, self.policy, "next", &everyone());
            self.ended(&run, Some(&handled));
        }
    }

    /// The next invocation's view of the world, with what befalls it.
    fn run(&mut self) -> Arc<Run> {
        let hits = self.hits.iter();
        let here: Vec<Hit> = hits
            .filter(|hit| hit.invocation == self.number)
            .copied()
            .collect();
        self.number += 1;
        let fault = here.iter().find_map(|hit| match hit.blow {
            Blow::Fault(kind) => Some(Fault {
                call: hit.call,
                kind,
            }),
            Blow::Outage(_) | Blow::Silence(_) | Blow::Act(_) => None,
        });
        let run = self.prepared.world.run(fault);
        for hit in here {
            match hit.blow {
                Blow::Fault(_) => {}
                Blow::Outage(calls) => run.interfere(hit.call, move |world| {
                    world.outage(calls, ErrorKind::Unavailable, world.now() + hours(1));
                }),
                Blow::Silence(calls) => run.interfere(hit.call, move |world| {
                    let until = world.now() + hours(1);
                    world.outage_after(calls, ErrorKind::Unavailable, until);
                }),
                Blow::Act(Act { act, .. }) => {
                    let user = self.prepared.user.clone();
                    run.interfere(hit.call, move |world| act(world, &user));
                }
            }
        }
        run
    }

    fn ended(&mut self, run: &Run, handled: Option<&Handled>) {
        self.watch.run_ended();
        self.played.calls.push(run.calls());
        self.played.fired += usize::from(run.fault_fired());
        self.played.broken.extend(refused(handled));
        if self.number == 1 {
            self.played.broken.extend(self.active_though_named());
        }
    }

    /// R9: what AWS named ends in the first run that can reach IAM.
    fn active_though_named(&self) -> Option<String> {
        let spares_iam = |hit: &Hit| match hit.blow {
            Blow::Outage(calls) | Blow::Silence(calls) => !calls.starts_with("iam:"),
            Blow::Act(_) => true,
            // The first calls of an exposure are IAM's: two for each key.
            Blow::Fault(_) => hit.call > 2 * self.prepared.named.len(),
        };
        let can_reach_iam = self.hits.iter().all(spares_iam);
        let mut named = self.prepared.named.iter();
        let active = named.find(|key| self.prepared.world.works(*key))?;
        can_reach_iam.then(|| format!("R9: {active} works after the first run"))
    }
}

/// A plan that would break a promise is a defect of the planner.
fn refused(handled: Option<&Handled>) -> Option<String> {
    match handled {
        Some(Driven::Done(Err(failure))) if failure.kind == "PlanRefused" => {
            Some(format!("refused: {failure}"))
        }
        _ => None,
    }
}

/// Lets scheduled runs follow until nothing is left to do, and says what is not true in the end.
pub fn settle(
    prepared: &Prepared,
    policy: &Policy,
    watch: &Watch,
    end: Option<End>,
) -> Vec<String> {
    let (world, user) = (&prepared.world, &prepared.user);
    world.advance(Policy::HIDDEN);
    let mut broken = Vec::new();
    if !converge(prepared, policy, watch, &mut broken) {
        broken.push(format!("R4: did not converge:\n{}", story(&world.calls())));
    }
    broken.extend(watch.broken());
    let view = world.view();
    let user = &present_name(world, user);
    let keys: Vec<_> = view.users[user].keys.values().collect();
    let is_as_it_should = match end {
        None => true,
        Some(End::OneNewKey) => {
            keys.len() == 1 && keys.iter().all(|key| key.active && key.by_banto)
        }
        Some(End::OneKeyForSuccessor) => {
            keys.len() == 1 && keys.iter().all(|key| key.active) && opens_its_key(&view.users[user])
        }
        Some(End::SameKey) => keys.len() == 1 && keys.iter().all(|key| key.active),
        Some(End::BothKeys) => keys.len() == 2 && keys.iter().all(|key| key.active),
        Some(End::Out) => keys.is_empty() && is_out(&view.users[user]),
    };
    let needs_key = end.is_some_and(|end| end != End::Out);
    if view.users[user].record.is_some() && view.users[user].record_reader.is_none() {
        broken.push("R8: the record is readable by everyone in the end".to_owned());
    }
    if !is_as_it_should || needs_key && !has_usable(&view.users[user]) {
        let calls = story(&world.calls());
        broken.push(format!("R4: {end:?} in the end, but {keys:?}\n{calls}"));
    }
    broken
}

/// True if the record says that the user left, and sessions are denied.
fn is_out(user: &UserView) -> bool {
    let text = user.record.as_deref().unwrap_or_default();
    let record = Record::from_text(text).ok();
    user.sessions_denied && record.is_some_and(|record| record.left.is_some())
}

/// True if the user's only key is in the envelope, and the certificate that replaced the former one
/// opens that.
fn opens_its_key(user: &UserView) -> bool {
    let text = user.record.as_deref().unwrap_or_default();
    let record = Record::from_text(text).ok();
    let envelope = record.and_then(|record| record.envelope);
    envelope.is_some_and(|envelope| {
        user.keys.contains_key(&envelope.key) && SUCCESSOR.open(&envelope.armored).is_ok()
    })
}

/// Runs daily until runs change nothing for longer than anything waits, but that people are told
/// again each week; the owner uses each new key as soon as it is told. True if it came to that.
fn converge(prepared: &Prepared, policy: &Policy, watch: &Watch, broken: &mut Vec<String>) -> bool {
    let (world, user) = (&prepared.world, &prepared.user);
    let mut quiet = 0;
    let mut told = 0;
    for _ in 0..60 {
        let before = (settled(world), world.view().sent.len());
        let (handled, _) = handle_with(world, policy, &everyone(), None);
        watch.run_ended();
        broken.extend(refused(Some(&handled)));
        let after = (settled(world), world.view().sent.len());
        told += after.1 - before.1;
        if before.0 == after.0 && told <= 2 {
            quiet += 1;
        } else {
            (quiet, told) = (0, 0);
        }
        let user = &present_name(world, user);
        use_new_key(world, user);
        world.advance(days(1));
        // What is closed waits for nothing.
        let is_open = world.view().users[user].record_is_open;
        if quiet > 12 || quiet > 1 && !is_open {
            return true;
        }
    }
    false
}

/// The users with their keys and records, but for the moments at which people were told.
fn settled(world: &World) -> Vec<String> {
    let view = world.view();
    let mut users = Vec::new();
    for (name, user) in &view.users {
        // One that can't be read is seen by its text.
        let text = user.record.as_deref().unwrap_or_default();
        let record = Record::from_text(text).map(|record| Record {
            notified: BTreeMap::new(),
            sequence: 0,
            run: String::new(),
            ..record
        });
        let record = record.map_err(|_| text);
        users.push(format!(
            "{name} {:?} {record:?} {}",
            user.keys, user.record_is_open
        ));
    }
    users
}

/// The owner uses the new key, once told of it; not one that the certificate they pinned now does
/// not open.
fn use_new_key(world: &World, user: &UserName) {
    let rotation = record(&world.view(), user).and_then(|record| record.rotation);
    let Some(rotation) = rotation.filter(|rotation| rotation.delivered_at.is_some()) else {
        return;
    };
    let pin = world.view().users[user].tags.get("banto:openpgp").cloned();
    let is_opened = pin.as_deref() == Some(rotation.intent.recipient.as_str());
    let key = rotation.issued.key;
    if is_opened && world.works(&key) {
        world.use_key(&key);
    }
}
