//! A rule that is deployed everywhere finds something everywhere.

use banto_domain::compliance::NotifiedIn;

use super::harness::{Evaluation, account, add_account, breaches, policy, rule, world};
use crate::harness::{enqueue, settle};

#[test]
fn of_a_storm_every_finding_is_counted_in_a_handful_of_messages() {
    const ACCOUNTS: usize = 60;
    const RESOURCES: usize = 20;
    let world = world();
    let ids: Vec<String> = (0..ACCOUNTS)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number as u64))
        .collect();
    for (number, id) in ids.iter().enumerate() {
        add_account(&world, id, &format!("payments-{number}"), "payments");
    }
    // Each second brings some; the window is a minute.
    for resource in 0..RESOURCES {
        let resource = format!("bucket-{resource}");
        let events: Vec<_> = ids
            .iter()
            .map(|id| Evaluation::bad(id, "bucket-public", &resource, world.now()).event())
            .collect();
        enqueue(&world, &events);
        world.advance(jiff::SignedDuration::from_secs(5));
    }
    settle(&world, &policy());
    let messages = world.slack_messages();
    let in_channel = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast)
        .count();
    assert_eq!(
        in_channel,
        1,
        "{:?}",
        messages
            .iter()
            .map(banto_fake::SlackMessage::text)
            .collect::<Vec<_>>()
    );
    assert!(messages.len() <= 8, "{}", messages.len());
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: 1,200 resources in 60 accounts"
    );
    let digests = world.digests_of("payments");
    assert_eq!(digests.len(), 1);
    let tally = digests[0].rules[&rule("bucket-public")];
    assert_eq!((tally.open, digests[0].accounts.len()), (1_200, 60));
    for id in &ids {
        let group = world
            .finding_group("payments", &account(id), &rule("bucket-public"))
            .unwrap();
        assert_eq!(
            (group.open, &group.notified_in),
            (RESOURCES as u32, &NotifiedIn::Digest(digests[0].id.clone()))
        );
    }
    assert!(world.outbox("payments").is_empty());
    assert_eq!(breaches(&world), Vec::<String>::new());
}
