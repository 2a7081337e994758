//! Every call of a run fails in every way: before and after its effect, by an error and by the end
//! of the process. Last month's report stays whole, the next runs make this month's, and no mail is
//! sent twice.

use std::sync::Arc;

use banto_fake::{Fault, World};

use super::archive::{BAD, deliver, evaluated};
use super::harness::{
    OWNERS, REGION, VERSIONING, hour, notices, policy, receivers, scheduled, stored, two_months,
};
use crate::harness::crash_points::{Played, Scene, fault_of, one_fault, two_faults};
use crate::harness::{handle, handle_with};

/// Runs after which a month must be whole: the schedule's hourly ones of a morning.
const RUNS: usize = 4;

/// A month that is about to be made.
struct Begun {
    name: &'static str,
    prepare: fn() -> Arc<World>,
    month: &'static str,
    /// The month before it that was published.
    published: Option<&'static str>,
}

fn first_month() -> Arc<World> {
    two_months()
}

fn second_month() -> Arc<World> {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let november = [evaluated(VERSIONING, "fresh", BAD)];
    for (account, ..) in OWNERS {
        deliver(&world, account, REGION, "2026-11-30T03:00:00Z", &november);
    }
    world.advance_to("2026-12-02T03:00:00Z".parse().unwrap());
    world
}

fn scenes() -> [Begun; 2] {
    [
        Begun {
            name: "the first month",
            prepare: first_month,
            month: "2026-10",
            published: None,
        },
        Begun {
            name: "the second month",
            prepare: second_month,
            month: "2026-11",
            published: Some("2026-10"),
        },
    ]
}

/// Every scene.
pub fn all() -> Vec<Box<dyn Scene>> {
    let scenes = scenes().into_iter();
    scenes
        .map(|scene| Box::new(scene) as Box<dyn Scene>)
        .collect()
}

/// What people may read of the month that was published before, at any time.
fn last_month(world: &World, month: &str) -> [Option<String>; 4] {
    [
        stored(world, &format!("months/{month}/summary.json")),
        stored(world, &format!("months/{month}/report.json")),
        stored(world, &format!("dashboard/{month}/index.html")),
        stored(
            world,
            &format!("findings/month={month}/{}.csv.gz", OWNERS[0].0),
        ),
    ]
}

/// True if the page that leads to the newest month leads to one that is there.
fn newest_page_leads_somewhere(world: &World) -> bool {
    let Some(page) = stored(world, "dashboard/index.html") else {
        return true;
    };
    let (_, rest) = page.split_once("url=").unwrap();
    let (name, _) = rest.split_once('"').unwrap();
    stored(world, &format!("dashboard/{name}")).is_some()
}

/// What is broken in the end.
fn broken(world: &Arc<World>, scene: &Begun, before: usize, faults: usize) -> Vec<String> {
    let mut broken = Vec::new();
    if stored(world, &format!("months/{}/summary.json", scene.month)).is_none() {
        broken.push("C5: the month is not whole".to_owned());
    }
    if faults == 0
        && notices(world)
            .iter()
            .any(|notice| notice.body.contains("in doubt"))
    {
        broken.push("C6: a doubt without a fault".to_owned());
    }
    let told: String = notices(world)
        .into_iter()
        .map(|notice| notice.body)
        .collect();
    let sent = receivers(world).split_off(before);
    for (mail, receiver) in [
        ("all", "sre@example.com"),
        ("payments", "payments@example.com"),
        ("search@example.com", "search@example.com"),
    ] {
        let times = sent.iter().filter(|sent| *sent == receiver).count();
        let payload = format!("\"month\":\"{}\",\"resend\"", scene.month);
        let is_told = told
            .lines()
            .any(|line| line.contains(&payload) && line.contains(&format!("\"{mail}\"")));
        match times {
            1 => {}
            0 if is_told => {}
            0 => broken.push(format!("C6: {mail} was never sent, and nobody was told")),
            _ => broken.push(format!("C6: {mail} was sent {times} times")),
        }
    }
    broken
}

impl Scene for Begun {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let world = (self.prepare)();
        let mails = receivers(&world).len();
        let published = self.published.map(|month| last_month(&world, month));
        let mut played = Played::default();
        for number in 0..RUNS {
            let fault = fault_of(faults, number);
            let (_, run) = handle_with(&world, &policy(), &scheduled(), fault);
            played.calls.push(run.calls());
            played.fired += usize::from(run.fault_fired());
            if self.published.map(|month| last_month(&world, month)) != published {
                played
                    .broken
                    .push(format!("C5: last month changed in run {number}"));
            }
            if !newest_page_leads_somewhere(&world) {
                played
                    .broken
                    .push(format!("C5: the newest page leads nowhere in run {number}"));
            }
            world.advance(hour());
        }
        played
            .broken
            .extend(broken(&world, self, mails, faults.len()));
        // Once the month is whole, a run reads that it is, and that operators were told; that is
        // all.
        let calls = world.call_count();
        handle(&world, &policy(), &scheduled());
        if world.call_count() > calls + 4 {
            played
                .broken
                .push("C5: something is done again and again".to_owned());
        }
        if faults.is_empty() {
            played.calls.truncate(1);
        }
        played
    }
}

#[test]
fn after_a_fault_at_any_call_the_month_is_made_and_no_mail_is_sent_twice() {
    one_fault(&scenes());
}

#[test]
fn after_a_fault_in_the_run_that_follows_a_fault_the_month_is_made_too() {
    use banto_fake::FaultKind::{CancelAfter, ErrorAfter};
    let unavailable = ErrorAfter(banto_ports::ErrorKind::Unavailable);
    let kinds = [[CancelAfter, unavailable], [unavailable, CancelAfter]];
    two_faults(&scenes(), 11, &kinds);
}
