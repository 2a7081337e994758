//! Rules that are deployed everywhere, and find something everywhere: a storm of events in the
//! world in memory, whose functions run side by side and whose clock each call moves on.

use std::collections::BTreeMap;
use std::fs;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use banto_domain::compliance::{FindingGroup, NotifiedIn};
use banto_domain::policy::CompliancePolicy;
use banto_fake::{Queued, Run, Sent, World};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_ports::Delayed;
use jiff::{SignedDuration, Timestamp};
use notify_compliance::Notifier;

use super::harness::{self, Evaluation, account, add_account, breaches, notifier, rule};
use crate::harness::{batch, failed};
use crate::table::{at_least, at_most, row};

/// The Organization, all of whose accounts one team has.
const ACCOUNTS: usize = 5_000;

/// Events that come each second.
const A_SECOND: usize = 5_000;

/// Messages that the mappings hand over at once: of events, and of deliveries.
const EVENTS: usize = 100;
const DELIVERIES: usize = 10;

/// Invocations side by side: of the mapping of events, and of that of deliveries.
const INGESTING: usize = 50;
const DELIVERING: usize = 5;

/// Time that each call takes. DynamoDB's take less, Slack's more.
const LATENCY: SignedDuration = SignedDuration::from_millis(20);

/// Write units that a partition takes each second. (DynamoDB developer guide, "Best practices for
/// designing and using partition keys effectively".)
const UNITS: usize = 1_000;

/// Time for which a message that is given back is hidden: SQS's visibility timeout, six times the
/// function's.
const HIDDEN: SignedDuration = SignedDuration::from_mins(30);

/// Rules of the storm.
const RULES: [&str; 3] = ["storm-low", "storm-medium", "storm-tags"];

/// Severities of the storm's rules, and of the two that must not be lost in it.
const SEVERITIES: &str = r#"
[compliance.rules.storm-low]
severity = "low"
[compliance.rules.storm-medium]
severity = "medium"
[compliance.rules.storm-tags]
severity = "low"
[compliance.rules.keys-exposed]
severity = "high"
"#;

/// Findings among the storm's that are told by name, by the resource's, and whether they are
/// critical.
const NAMED: [(&str, &str); 4] = [
    ("critical-amid-the-storm", "bucket-public"),
    ("high-amid-the-storm", "keys-exposed"),
    ("critical-at-its-end", "bucket-public"),
    ("high-at-its-end", "keys-exposed"),
];

/// The way to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Channel,
    Mail,
}

/// Tells storms in a channel and by mail. Numbers of events (from 1,000 on) and the ways' names
/// among the arguments choose some: `-- storm 20000 channel`.
pub fn storms() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers = arguments.iter().filter_map(|number| number.parse().ok());
    let mut sizes: Vec<usize> = numbers.collect();
    if sizes.is_empty() {
        sizes = vec![100_000, 750_000];
    }
    let all = [(Way::Channel, "channel"), (Way::Mail, "mail")];
    let is_asked_for = |name: &str| arguments.iter().any(|argument| argument == name);
    let asks_for_none = !all.iter().any(|(_, name)| is_asked_for(name));
    for events in sizes {
        for (way, name) in all {
            if asks_for_none || is_asked_for(name) {
                Storm::new(events, way).blow();
            }
        }
    }
}

type Handling = Pin<Box<dyn Future<Output = Result<Response, InvocationError>>>>;

/// An invocation that is under way, and the process that is busy with it.
struct Active {
    handling: Handling,
    messages: Vec<Queued>,
    process: usize,
    is_delivery: bool,
}

/// Lines on standard error now and then: a storm takes minutes.
struct Progress {
    begun: Instant,
    shown: Instant,
}

impl Progress {
    fn new() -> Self {
        let begun = Instant::now();
        Self {
            begun,
            shown: begun,
        }
    }

    fn show(&mut self, storm: &Storm) {
        // The world copies its outbox for this, which takes a second or two of a large one.
        if self.shown.elapsed() < Duration::from_secs(30) {
            return;
        }
        self.shown = Instant::now();
        let world = &storm.world;
        eprintln!(
            "{:.0} s, {:.0} s of the world: {} of {} events came, {} entries wait, {} calls",
            self.begun.elapsed().as_secs_f64(),
            world.now().duration_since(storm.begun_at).as_secs_f64(),
            storm.sent,
            storm.events,
            world.outbox("payments").len(),
            world.call_count(),
        );
    }
}

/// A storm, and what is seen of it.
struct Storm {
    events: usize,
    way: Way,
    world: Arc<World>,
    accounts: Vec<String>,
    begun_at: Timestamp,
    sent: usize,
    processes: Vec<(Arc<Run>, Arc<Notifier>)>,
    idle: Vec<usize>,
    active: Vec<Active>,
    invocations: usize,
    given_back: usize,
    /// When each finding of `NAMED` came, and when people read its name.
    came: BTreeMap<&'static str, Timestamp>,
    told: BTreeMap<&'static str, Timestamp>,
    /// Mails that were looked at.
    mails: usize,
    cpu: Duration,
}

impl Storm {
    fn new(events: usize, way: Way) -> Self {
        let world = World::at(harness::start());
        let numbers = 0..ACCOUNTS as u64;
        let accounts: Vec<String> = numbers
            .map(|number| format!("{:012}", 700_000_000_000 + number))
            .collect();
        for id in &accounts {
            add_account(&world, id, &format!("payments-{id}"), "payments");
        }
        let policy = policy(way);
        let processes: Vec<_> = (0..INGESTING + DELIVERING)
            .map(|_| {
                let run = world.run(None);
                let function = Arc::new(notifier(&run, &policy));
                (run, function)
            })
            .collect();
        world.count_calls_only();
        world.limit_table(Some(UNITS));
        world.take_time(LATENCY);
        Self {
            events,
            way,
            accounts,
            begun_at: world.now(),
            sent: 0,
            idle: (0..processes.len()).collect(),
            processes,
            active: Vec::new(),
            invocations: 0,
            given_back: 0,
            came: BTreeMap::new(),
            told: BTreeMap::new(),
            mails: 0,
            cpu: Duration::ZERO,
            world,
        }
    }

    /// Lets all events come, and all messages be worked off.
    fn blow(mut self) {
        self.greet();
        self.begun_at = self.world.now();
        let (calls, cpu) = (self.world.call_count(), self.cpu);
        let mut progress = Progress::new();
        while self.step() {
            progress.show(&self);
        }
        self.print(self.world.call_count() - calls, self.cpu - cpu);
    }

    /// Lets every account be known: of each one a compliant event comes, of which nothing is told.
    fn greet(&mut self) {
        let now = self.world.now();
        let known = self.accounts.iter().map(|id| {
            let good = Evaluation::bad(id, "storm-low", "known", now).good(now);
            message(&good)
        });
        let known: Vec<Delayed> = known.collect();
        self.world.enqueue(&known);
        let sent = std::mem::replace(&mut self.sent, self.events);
        while self.step() {}
        self.sent = sent;
    }

    /// Does what can be done now, or lets time pass. Returns false once nothing is left.
    fn step(&mut self) -> bool {
        self.let_events_come();
        self.invoke();
        if self.poll() {
            return true;
        }
        let next_events = (self.sent < self.events).then(|| self.events_at());
        let waiting = self.world.next_message_at();
        let next = [self.world.next_timer(), next_events, waiting];
        // A message that is due waits for a process.
        let next = next
            .into_iter()
            .flatten()
            .filter(|at| *at > self.world.now());
        match next.min() {
            Some(next) => self.world.advance_to(next),
            None => return false,
        }
        true
    }

    /// When the next events come.
    fn events_at(&self) -> Timestamp {
        self.begun_at + SignedDuration::from_secs((self.sent / A_SECOND) as i64)
    }

    fn let_events_come(&mut self) {
        while self.sent < self.events && self.events_at() <= self.world.now() {
            let at = self.events_at();
            let mut events = Vec::with_capacity(A_SECOND);
            for _ in 0..A_SECOND.min(self.events - self.sent) {
                let account = &self.accounts[self.sent % ACCOUNTS];
                let round = self.sent / ACCOUNTS;
                let resource = format!("bucket-{round}");
                let rule = RULES[round % RULES.len()];
                events.push(message(&Evaluation::bad(account, rule, &resource, at)));
                self.sent += 1;
            }
            let mut named = Vec::new();
            if self.came.is_empty() && self.sent >= self.events / 2 {
                named.extend(&NAMED[..2]);
            }
            if self.sent == self.events {
                named.extend(&NAMED[2..]);
            }
            for (resource, rule) in named {
                let account = &self.accounts[0];
                events.push(message(&Evaluation::bad(account, rule, resource, at)));
                self.came.insert(resource, at);
            }
            self.world.enqueue(&events);
        }
    }

    /// Hands messages over, as both mappings do.
    fn invoke(&mut self) {
        loop {
            let delivering = self.active.iter().filter(|active| active.is_delivery);
            let delivering = delivering.count();
            let messages = if delivering < DELIVERING {
                self.world.receive_deliveries(DELIVERIES)
            } else {
                Vec::new()
            };
            if !messages.is_empty() {
                self.begin(messages, true);
                continue;
            }
            if self.active.len() - delivering >= INGESTING {
                return;
            }
            let messages = self.world.receive_events(EVENTS);
            if messages.is_empty() {
                return;
            }
            self.begin(messages, false);
        }
    }

    fn begin(&mut self, messages: Vec<Queued>, is_delivery: bool) {
        let process = self.idle.pop().unwrap();
        let function = Arc::clone(&self.processes[process].1);
        self.invocations += 1;
        let id = format!("run-{}", self.invocations);
        let event = batch(&messages).to_string();
        self.active.push(Active {
            handling: Box::pin(async move {
                let invocation = Invocation::for_tests(&id, Duration::from_secs(300));
                function.handle(event.as_bytes(), &invocation).await
            }),
            messages,
            process,
            is_delivery,
        });
    }

    /// Lets all invocations go on. Returns true if one of them ended.
    fn poll(&mut self) -> bool {
        let begun = on_cpu();
        let mut running = Vec::new();
        let mut ended = Vec::new();
        for mut active in self.active.drain(..) {
            let mut context = Context::from_waker(Waker::noop());
            match active.handling.as_mut().poll(&mut context) {
                Poll::Ready(answer) => ended.push((active, answer)),
                Poll::Pending => running.push(active),
            }
        }
        self.cpu += on_cpu() - begun;
        self.active = running;
        let has_ended = !ended.is_empty();
        for (active, answer) in ended {
            self.end(active, &answer.unwrap());
        }
        has_ended
    }

    fn end(&mut self, active: Active, answer: &Response) {
        self.idle.push(active.process);
        let back = failed(&answer.body);
        for message in active.messages {
            if back.contains(&message.id) {
                self.given_back += 1;
                self.world.put_back(message, HIDDEN);
            }
        }
        if active.is_delivery && self.way == Way::Mail {
            self.look_at_mails();
        }
    }

    fn look_at_mails(&mut self) {
        let sent = self.world.sent();
        let new = sent.iter().skip(self.mails);
        for mail in new {
            let Sent::Mail(mail) = mail else { continue };
            for (name, _) in NAMED {
                if mail.text.contains(name) {
                    self.told.entry(name).or_insert(self.world.now());
                }
            }
        }
        self.mails = sent.len();
    }

    fn print(&mut self, calls: usize, cpu: Duration) {
        let name = format!("storm of {} events", with_commas(self.events));
        match self.way {
            Way::Channel => self.print_channel(&name),
            Way::Mail => row(&format!("{name}: messages by mail"), self.mails),
        }
        let way = if self.way == Way::Mail {
            ", by mail"
        } else {
            ""
        };
        for (resource, _) in NAMED {
            let seconds = self.told.get(resource).map(|told| {
                let waited = told.duration_since(self.came[resource]);
                waited.as_secs_f64()
            });
            at_most(
                &format!("{name}{way}: seconds to {resource}"),
                format!("{:.0}", seconds.unwrap_or(f64::INFINITY)),
                120.0,
            );
        }
        at_most(
            &format!("{name}{way}: entries that still wait"),
            self.world.outbox("payments").len(),
            0.0,
        );
        at_least(
            &format!("{name}{way}: findings that are counted in messages"),
            self.counted(),
            (self.events + NAMED.len()) as f64,
        );
        at_most(
            &format!("{name}{way}: messages given back to the queue"),
            self.given_back,
            0.0,
        );
        let lasted = self.world.now().duration_since(self.begun_at);
        row(
            &format!("{name}{way}: minutes until all is told and quiet"),
            format!("{:.1}", lasted.as_secs_f64() / 60.0),
        );
        row(
            &format!("{name}{way}: calls to AWS and people an event"),
            format!("{:.3}", calls as f64 / self.events as f64),
        );
        row(
            &format!("{name}{way}: CPU an event, µs, the world's own included"),
            cpu.as_micros() / self.events as u128,
        );
    }

    fn print_channel(&mut self, name: &str) {
        let messages = self.world.slack_messages();
        let in_channel = messages
            .iter()
            .filter(|message| message.thread.is_none() || message.broadcast);
        row(
            &format!("{name}: messages that the channel sees"),
            in_channel.count(),
        );
        row(
            &format!("{name}: messages with those in threads"),
            messages.len(),
        );
        at_most(
            &format!("{name}: breaches of Slack's limits"),
            breaches(&self.world).len(),
            0.0,
        );
        for message in &messages {
            let text = message.bodies[0].to_string();
            for (name, _) in NAMED {
                if text.contains(name) {
                    self.told.entry(name).or_insert(message.at);
                }
            }
        }
    }

    /// Findings that digests count, and groups with a message of their own.
    fn counted(&self) -> u32 {
        let digests = self.world.digests_of("payments");
        let tallies = digests.iter().flat_map(|digest| digest.rules.values());
        let in_digests: u32 = tallies.map(|tally| tally.open).sum();
        in_digests + self.in_messages()
    }

    fn in_messages(&self) -> u32 {
        let rules = RULES.into_iter().chain(["bucket-public", "keys-exposed"]);
        let mut open = 0;
        for name in rules {
            let groups = self.accounts.iter().filter_map(|id| {
                self.world
                    .finding_group("payments", &account(id), &rule(name))
            });
            let alone = groups.filter(|group| !matches!(group.notified_in, NotifiedIn::Digest(_)));
            open += alone.map(|group: FindingGroup| group.open).sum::<u32>();
        }
        open
    }
}

fn policy(way: Way) -> CompliancePolicy {
    let text = harness::text().and(SEVERITIES);
    let text = match way {
        Way::Channel => text,
        Way::Mail => text.with(
            r#"to = { channel = "C0PAYMENTS" }"#,
            r#"to = { mail = ["payments@example.com"] }"#,
        ),
    };
    text.parse().compliance.unwrap()
}

fn message(evaluation: &Evaluation<'_>) -> Delayed {
    Delayed {
        body: evaluation.event().to_string(),
        delay: Duration::ZERO,
        group: None,
    }
}

/// The time that this thread has been on a processor. The first number is in nanoseconds. (Linux,
/// sched-stats.)
fn on_cpu() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = statistics.split(' ').next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let (thousands, rest) = digits.split_at(digits.len() - 3);
    format!("{thousands},{rest}")
}
