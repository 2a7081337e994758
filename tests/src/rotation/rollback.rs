//! Rollbacks: a run of the newer of two releases ends at any of its calls, the older one goes on for
//! days, and the newer one comes back. And the other way round: what the older one began, the newer
//! one finishes.

use std::collections::BTreeMap;

use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Driven, Fault, FaultKind};

use super::harness::{
    add_registered, any_has, days, everyone, exposed, is_active, minutes, operators_told, policy,
    run_daily, working,
};
use super::play::settle;
use super::stories::{Asks, Prepared, Story, stories};
use super::watch::Watch;
use crate::harness::crash_points::Tally;
use crate::harness::{Sqs, enqueue, invoke_on};

/// Days for which the older release runs.
const ROLLED_BACK: usize = 3;

/// What operators read of a record that the newer release wrote.
const TOLD: &str = "it has version 3, but this Banto knows the versions 1 and 2 only";

/// The stories that a rollback befalls: what makes, ends, or takes back keys.
fn rolled_back() -> impl Iterator<Item = Story> {
    let names = [
        "issue",
        "force",
        "first key",
        "emergency",
        "emergency, named by AWS",
        "disable",
        "delete",
        "leave",
        "leave taken back",
    ];
    let stories = stories().into_iter();
    stories.filter(move |story| names.contains(&story.name))
}

/// A story whose first run ends at a call, and the release that goes on.
struct Play {
    story: Story,
    prepared: Prepared,
    watch: Watch,
    sqs: Sqs,
    broken: Vec<String>,
}

impl Play {
    fn of(story: Story) -> Self {
        let prepared = (story.prepare)();
        let watch = Watch::on(&prepared.world, &policy(), prepared.terms.clone());
        Self {
            story,
            prepared,
            watch,
            sqs: Sqs::default(),
            broken: Vec::new(),
        }
    }

    /// Asks for what the story is about, and ends the run at a call. False if it makes fewer.
    fn begin(&mut self, call: usize) -> bool {
        if self.story.asks == Asks::ByQueue {
            enqueue(
                &self.prepared.world,
                std::slice::from_ref(&self.prepared.event),
            );
        }
        let kind = FaultKind::CancelAfter;
        self.attempt(Some(Fault { call, kind }))
    }

    /// Tries the request again, at Lambda's or the queue's times.
    fn try_again(&mut self) {
        for pause in [minutes(30), minutes(31)] {
            self.prepared.world.advance(pause);
            self.attempt(None);
        }
    }

    fn attempt(&mut self, fault: Option<Fault>) -> bool {
        let world = &self.prepared.world;
        let run = world.run(fault);
        match self.story.asks {
            Asks::ByQueue => drop(self.sqs.deliver_on(&run, world, &policy())),
            Asks::Directly | Asks::Schedule => {
                let handled = invoke_on(&run, world, &policy(), "asked", &self.prepared.event);
                self.refused(&handled);
            }
        }
        self.watch.run_ended();
        run.fault_fired()
    }

    fn refused(&mut self, handled: &crate::harness::Handled) {
        if let Driven::Done(Err(failure)) = handled
            && failure.kind == "PlanRefused"
        {
            self.broken.push(format!("refused: {failure}"));
        }
    }

    /// The keys of the user that nobody named as exposed, and whether they work. Those that were end
    /// whatever a record says (R9), and so do those of whoever leaves (R11).
    fn keys(&self) -> BTreeMap<AccessKeyId, bool> {
        let Prepared {
            world, user, terms, ..
        } = &self.prepared;
        let view = world.view();
        let keys = view.users[user].keys.iter();
        let keys = keys.filter(|(id, _)| !terms.exposed.contains(*id));
        keys.map(|(id, key)| (id.clone(), key.active && !terms.leaves))
            .collect()
    }

    fn text(&self) -> Option<String> {
        self.prepared.world.record(&self.prepared.user)
    }

    /// Lets the older release go on, for days: what it can't read it leaves alone, and says so.
    /// True if there was such a record.
    fn roll_back(&mut self) -> bool {
        let (world, user) = (self.prepared.world.clone(), self.prepared.user.clone());
        world.roll_back();
        let is_newer = world.is_of_newer_release(&user);
        let before = (self.keys(), self.text());
        self.try_again();
        run_daily(&world, &policy(), ROLLED_BACK);
        self.watch.run_ended();
        if !is_newer {
            return false;
        }
        if (self.keys(), self.text()) != before {
            self.broken
                .push("what the newer release wrote was touched".to_owned());
        }
        let told = operators_told(&world);
        let told = told.iter().filter(|text| any_has(&[(*text).clone()], TOLD));
        if told.count() == 0 {
            self.broken.push("operators were not told".to_owned());
        }
        true
    }

    /// Lets the queue be worked off, and scheduled runs follow until nothing is left to do.
    fn end(mut self) -> Vec<String> {
        self.sqs.settle(&self.prepared.world, &policy(), &[]);
        self.watch.run_ended();
        let end = Some(self.story.end);
        let mut broken = settle(&self.prepared, &policy(), &self.watch, end);
        broken.extend(self.broken);
        broken
    }
}

/// R1, R2, R4, R9 and R11, watched at every call.
#[test]
fn a_rollback_at_any_call_touches_nothing_of_the_newer_release_which_then_converges() {
    let mut tally = Tally::of("rollbacks");
    let mut unread = 0;
    for story in rolled_back() {
        for call in 1.. {
            let mut play = Play::of(story);
            play.prepared.world.deploy_newer_release();
            if !play.begin(call) {
                break;
            }
            unread += usize::from(play.roll_back());
            play.prepared.world.deploy_newer_release();
            tally.add(format!("{}, call {call}", story.name), play.end());
        }
    }
    say!("of these, the older release met a record of the newer one: {unread}");
    assert!(unread > 50, "{unread}");
    tally.close();
}

/// R4: the newer release takes up what the older one left at any call, and says nothing twice.
#[test]
fn an_upgrade_at_any_call_finishes_what_was_begun_and_says_nothing_twice() {
    let mut tally = Tally::of("upgrades");
    for story in rolled_back() {
        // Every third call, since each is played twice.
        for call in (1..).step_by(3) {
            let mut worlds = Vec::new();
            let mut broken = Vec::new();
            for is_upgraded in [false, true] {
                let mut play = Play::of(story);
                if !play.begin(call) {
                    break;
                }
                if is_upgraded {
                    play.prepared.world.deploy_newer_release();
                }
                play.try_again();
                worlds.push(play.prepared.world.clone());
                broken.extend(play.end());
            }
            let [without, with] = worlds.as_slice() else {
                break;
            };
            let (without, with) = (without.view().sent.len(), with.view().sent.len());
            if without != with {
                broken.push(format!("{with} messages to people instead of {without}"));
            }
            tally.add(format!("{}, call {call}", story.name), broken);
        }
    }
    assert!(tally.close() > 30);
}

/// R10: a user whose record the newer release wrote holds up nobody else, and an exposed key of
/// theirs ends all the same (R9).
#[test]
fn a_record_of_a_newer_release_holds_up_no_other_user_and_no_end_of_an_exposed_key() {
    let (world, user, old) = super::harness::alone(days(100));
    world.deploy_newer_release();
    crate::harness::handle(&world, &policy(), &everyone());
    assert!(world.is_of_newer_release(&user));
    let (bob, _): (UserName, AccessKeyId) = add_registered(&world, "bob", days(100));
    world.roll_back();
    run_daily(&world, &policy(), 1);
    assert_eq!(working(&world, &bob).len(), 2, "bob has his new key");
    assert_eq!(working(&world, &user).len(), 2, "nothing was touched");
    enqueue(&world, &[exposed(&[&old])]);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &policy(), None);
    assert!(!is_active(&world, &old));
    assert_eq!(world.waiting_messages(), 1, "the request comes again");
    world.deploy_newer_release();
    world.advance(minutes(31));
    sqs.settle(&world, &policy(), &[]);
    assert!(sqs.dead.is_empty() && world.is_of_newer_release(&user));
}
