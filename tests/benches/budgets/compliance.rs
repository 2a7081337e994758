//! What notify-compliance costs: a storm of 100,000 events in the world in memory, and one process.

#[path = "../../src/compliance/stage.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod stage;

use std::time::{Duration, Instant};

use banto_domain::compliance::Told as Where;
use banto_fake::{Driven, World, drive};
use banto_shell::Invocation;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::row;
use stage::{Told, account, add_account, batch, breaches, failed, notifier, policy, rule};

/// One rule in so many accounts, each with so many resources.
const ACCOUNTS: usize = 1_000;
const RESOURCES: usize = 100;
/// Events of an SQS batch, and events that come each second.
const BATCH: usize = 10;
const A_SECOND: usize = 1_000;

/// A rule is deployed everywhere, and finds everything wrong: all of it is told, in a handful of messages.
pub fn storm() {
    let world = World::at(stage::start());
    let ids: Vec<String> = (0..ACCOUNTS).map(|number| format!("{:012}", 700_000_000_000_u64 + number as u64)).collect();
    ids.iter().for_each(|id| add_account(&world, id, &format!("payments-{id}"), "payments"));
    let (policy, run) = (policy(), world.run(None));
    let function = notifier(&run, &policy);
    let mut spent = Duration::ZERO;
    let mut handle = |event: &Value| {
        let event = event.to_string();
        let invocation = Invocation::for_tests(&format!("run-{}", world.call_count()), Duration::from_secs(900));
        let begun = Instant::now();
        let handled = drive(&run, function.handle(event.as_bytes(), &invocation));
        spent += begun.elapsed();
        let Driven::Done(Ok(answer)) = handled else { panic!("{handled:?}") };
        assert!(failed(&answer.response).is_empty(), "something went back to the queue");
    };
    let mut events = Vec::with_capacity(BATCH);
    let mut sent = 0;
    for resource in 0..RESOURCES {
        let resource = format!("bucket-{resource}");
        for id in &ids {
            let event = Told::bad(id, "bucket-public", &resource, world.now()).event().to_string();
            events.push(json!({ "messageId": format!("{sent}"), "eventSource": "aws:sqs", "body": event }));
            sent += 1;
            if events.len() == BATCH {
                handle(&json!({ "Records": std::mem::take(&mut events) }));
            }
            if sent % A_SECOND == 0 {
                world.advance(SignedDuration::from_secs(1));
                let messages = world.receive(BATCH);
                if !messages.is_empty() {
                    handle(&batch(&messages));
                }
            }
        }
    }
    while let Some(next) = world.next_message_at() {
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        handle(&batch(&world.receive(BATCH)));
    }
    let total = ACCOUNTS * RESOURCES;
    let messages = world.slack_messages();
    let in_channel = messages.iter().filter(|message| message.thread.is_none() || message.broadcast).count();
    let counted = ids.iter().filter_map(|id| world.case("payments", &account(id), &rule("bucket-public")));
    let counted: u32 = counted.filter(|case| matches!(case.told, Where::Digest(_))).map(|case| case.open).sum();
    let called = |name: &str| world.calls().iter().filter(|call| call.name == name).count();
    let refused = called("slack:chat.postMessage") - messages.len();
    row("storm of 100,000 events: messages in the channel", in_channel, "");
    row("storm: replies in its thread", messages.len() - in_channel, "");
    row("storm: events that are counted in messages", counted, "100000");
    row("storm: events that still wait", world.outbox("payments").len(), "0");
    row("storm: messages that Slack refused for their pace", refused, "0");
    row("storm: breaches of Slack's limits", breaches(&world).len(), "0");
    row("storm: calls to AWS and Slack an event", format!("{:.2}", world.call_count() as f64 / total as f64), "");
    row("storm: CPU an event, µs, the world's own included", spent.as_micros() / total as u128, "");
}
