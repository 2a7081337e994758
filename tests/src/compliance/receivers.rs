//! Told is what the receiver acknowledged, and what a transport says of itself breaks nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::CompliancePolicy;
use banto_fake::{DeliveriesQueue, Fault, FaultKind, Sent, SlackAnswer, World, drive};
use banto_notice::{Audience, Notice, NoticeSender, Urgency};
use banto_ports::{Delayed, ErrorKind};
use serde_json::Value;

use super::harness::{
    Evaluation, PAYMENTS, SEARCH, bad, lines, minutes, seen, tell, text, unreminded,
    unreminded_with, world,
};
use crate::harness::{Sqs, enqueue, settle};

const WEBHOOK: &str =
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/search-AbCdEf";
const FOUND: &str = "[critical] S3 bucket is public: index in search";

fn index() -> Evaluation<'static> {
    bad(SEARCH, "bucket-public", "index")
}

#[test]
fn a_200_that_is_not_slacks_own_ok_is_not_told_and_goes_by_sns() {
    for (id, way, topic) in [
        (SEARCH, "webhook", "search"),
        (PAYMENTS, "C0PAYMENTS", "operators"),
    ] {
        let (world, policy) = (world(), unreminded());
        world.slack_answers(SlackAnswer::Foreign);
        tell(
            &world,
            &policy,
            &[bad(id, "bucket-public", "index").event()],
        );
        assert_eq!(lines(&world, way), Vec::<String>::new());
        let by_topic = lines(&world, topic);
        assert!(
            by_topic.len() == 1 && by_topic[0].contains("index"),
            "{by_topic:?}"
        );
        let message = seen(&world).into_iter().find(|seen| seen.way == topic);
        let text = message.unwrap().text;
        assert!(
            text.contains("Sent by SNS") && text.contains("failed"),
            "{text}"
        );
    }
}

#[test]
fn a_webhooks_secret_in_the_consoles_json_form_is_understood() {
    let (world, policy) = (world(), unreminded());
    let stored = "{\"url\": \"https://hooks.slack.com/services/T0/B0/example\"}";
    world.set_secret_text(&WEBHOOK.parse().unwrap(), stored);
    tell(&world, &policy, &[index().event()]);
    assert_eq!(lines(&world, "webhook"), [FOUND]);
}

#[test]
fn a_secret_with_several_keys_falls_back_and_its_keys_are_named_without_their_values() {
    let (world, policy) = (world(), unreminded());
    let stored =
        "{\"hook\": \"https://hooks.slack.com/services/hidden\", \"token\": \"xoxb-hidden\"}";
    world.set_secret_text(&WEBHOOK.parse().unwrap(), stored);
    tell(&world, &policy, &[index().event()]);
    assert_eq!(lines(&world, "webhook"), Vec::<String>::new());
    let told = seen(&world).into_iter().find(|seen| seen.way == "search");
    let text = told.unwrap().text;
    assert!(text.contains("hook, token"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
}

/// The policy in which search has an endpoint of its own.
fn to_endpoint() -> CompliancePolicy {
    let hook = format!("{{ webhook = \"{WEBHOOK}\" }}");
    unreminded_with(&[(&hook, &hook.replace("webhook", "endpoint"))])
}

/// The posts to the endpoint: each one's id and document.
fn posts(world: &World) -> Vec<(String, Value)> {
    let mut posts = Vec::new();
    for sent in world.sent() {
        if let Sent::Endpoint { id, body } = sent {
            posts.push((id, serde_json::from_str(&body).unwrap()));
        }
    }
    posts
}

#[test]
fn an_endpoint_gets_each_message_once_as_json_under_an_id_of_its_own() {
    let (world, policy) = (world(), to_endpoint());
    tell(&world, &policy, &[index().event(), index().event()]);
    world.advance(minutes(30));
    tell(&world, &policy, &[index().good(world.now()).event()]);
    let posts = posts(&world);
    let ids: BTreeSet<&String> = posts.iter().map(|(id, _)| id).collect();
    assert_eq!((posts.len(), ids.len()), (2, 2), "{posts:#?}");
    let headlines: Vec<&str> = posts
        .iter()
        .map(|(_, body)| body["headline"].as_str().unwrap())
        .collect();
    let resolved = "Resolved: index in search (S3 bucket is public)";
    assert_eq!(headlines, [FOUND, resolved]);
    assert!(
        posts.iter().all(|(_, body)| body["version"] == 1),
        "{posts:#?}"
    );
}

#[test]
fn an_endpoint_that_fails_has_its_message_go_by_sns() {
    for kind in [
        ErrorKind::Invalid,
        ErrorKind::Denied,
        ErrorKind::Unavailable,
    ] {
        let (world, policy) = (world(), to_endpoint());
        world.fail_endpoints(Some(kind));
        tell(&world, &policy, &[index().event()]);
        assert_eq!(posts(&world).len(), 0);
        assert_eq!(lines(&world, "search").len(), 1, "{kind:?}");
    }
}

#[test]
fn an_endpoint_can_tell_a_message_that_comes_again_by_its_id_wherever_the_run_ended() {
    let told = |faults: &[(usize, Fault)]| {
        let (world, policy) = (world(), to_endpoint());
        enqueue(&world, &[index().event()]);
        let mut sqs = Sqs::default();
        sqs.settle(&world, &policy, faults);
        (posts(&world), sqs)
    };
    let (clean, sqs) = told(&[]);
    let kind = FaultKind::CancelAfter;
    let mut again = 0;
    for call in 1..=sqs.calls[1] {
        let (posts, sqs) = told(&[(1, Fault { call, kind })]);
        let ids: BTreeSet<&String> = posts.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [&clean[0].0].into(), "call {call}");
        assert!(sqs.dead.is_empty());
        again += posts.len() - 1;
    }
    assert!(again > 0, "no run ended between the post and its commit");
}

/// A message of the queue as its transport sends it.
fn raw(body: &str) -> Delayed {
    Delayed {
        body: body.to_owned(),
        delay: Duration::ZERO,
        group: None,
    }
}

/// The body of the first record of an event file.
fn first_body(file: &str) -> String {
    let event: Value = serde_json::from_str(file).unwrap();
    event["Records"][0]["body"].as_str().unwrap().to_owned()
}

#[test]
fn operators_are_told_once_to_confirm_a_subscription_and_never_read_its_token() {
    let (world, policy) = (world(), unreminded());
    let body = first_body(include_str!(
        "../../../functions/notify-compliance/tests/events/subscription-confirmation.json"
    ));
    for _ in 0..3 {
        world.enqueue(&[raw(&body)]);
        settle(&world, &policy);
        world.advance(minutes(60));
    }
    let told = seen(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].way, "operators");
    let text = &told[0].text;
    assert!(
        text.contains("arn:aws:sns:eu-west-1:444455556666:config"),
        "{text}"
    );
    assert!(!text.contains("Token="), "{text}");
}

#[test]
fn a_note_on_an_oversized_item_is_passed_over_and_the_event_beside_it_is_told() {
    let (world, policy) = (world(), unreminded());
    let body = first_body(include_str!(
        "../../../functions/notify-compliance/tests/events/oversized-item-raw.json"
    ));
    world.enqueue(&[raw(&body)]);
    tell(&world, &policy, &[index().event()]);
    assert_eq!(seen(&world).len(), 1);
    assert_eq!(lines(&world, "webhook"), [FOUND]);
}

/// Another function's notice of a failure.
fn failure(reason: &str) -> Notice {
    let headline = "An account could not be created".to_owned();
    let id = "onboard-accounts:creation-failed".to_owned();
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Action, headline);
    notice.facts = vec![("Reason".to_owned(), reason.to_owned())];
    notice
}

/// Hands a notice on as its function does, and sees it told.
fn relay(world: &Arc<World>, notice: &Notice) {
    let run = world.run(None);
    let notices = text().parse().notices;
    let sender = NoticeSender::new(run.clone(), run.clone(), run.clone(), notices, run.clone())
        .through(Some(Arc::new(DeliveriesQueue(run.clone()))));
    drive(&run, sender.send(notice, Duration::from_secs(900)));
    settle(world, &unreminded());
}

#[test]
fn two_happenings_under_one_notice_id_are_both_told_and_a_repeat_of_one_is_not() {
    let world = world();
    for reason in [
        "the address is in use",
        "the unit is not registered",
        "the address is in use",
    ] {
        relay(&world, &failure(reason));
        world.advance(minutes(3 * 24 * 60));
    }
    let told = seen(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].text.contains("the address is in use"));
    assert!(told[1].text.contains("the unit is not registered"));
}
