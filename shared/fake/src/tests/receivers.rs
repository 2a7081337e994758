//! Receivers whose transport answers 200 and who did not take it, and those that got it twice.

use banto_ports::{Chat, Endpoints, ErrorKind, Secrets, Webhooks};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{done, kind, start, world};
use crate::{Run, Sent, SlackAnswer};

fn secret() -> SecretString {
    SecretString::from("secret")
}

fn hook(run: &Run) -> Option<ErrorKind> {
    kind(done(run, Webhooks::post(run, &secret(), "{}".to_owned())))
}

fn post(run: &Run, id: &str) -> Option<ErrorKind> {
    let body = json!({ "channel": format!("C0{id}"), "text": "news" });
    kind(done(run, Chat::post(run, &secret(), id, &body)))
}

#[test]
fn an_answer_that_is_not_slacks_own_says_that_nothing_was_taken() {
    let world = world();
    let run = world.run(None);
    world.slack_answers(SlackAnswer::Foreign);
    assert_eq!(hook(&run), Some(ErrorKind::Invalid));
    assert_eq!(post(&run, "1"), Some(ErrorKind::Invalid));
    assert!(world.sent().is_empty() && world.slack_messages().is_empty());
    world.slack_answers(SlackAnswer::Own);
    assert_eq!((hook(&run), post(&run, "1")), (None, None));
}

#[test]
fn a_message_whose_answer_was_lost_was_taken_and_is_found_by_its_id() {
    let world = world();
    let run = world.run(None);
    world.slack_answers(SlackAnswer::Lost);
    assert_eq!(hook(&run), Some(ErrorKind::Unavailable));
    assert_eq!(post(&run, "1"), Some(ErrorKind::Unavailable));
    assert_eq!(world.sent(), [Sent::Slack("{}".to_owned())]);
    let token = secret();
    let found = run.find(&token, "C01", None, "1", start());
    let found = done(&run, found).unwrap().unwrap();
    let body = json!({ "text": "other news" });
    let updated = done(&run, run.update(&token, &found, &body));
    assert_eq!(kind(updated), Some(ErrorKind::Unavailable));
    assert_eq!(world.slack_messages()[0].text(), "other news");
}

#[test]
fn a_message_that_is_not_there_can_not_be_changed() {
    let world = world();
    let run = world.run(None);
    assert_eq!(post(&run, "1"), None);
    let mut message = world.slack_messages()[0].message.clone();
    message.ts.push('1');
    let updated = done(&run, run.update(&secret(), &message, &json!({})));
    assert_eq!(kind(updated), Some(ErrorKind::Missing));
}

#[test]
fn a_channel_takes_one_message_a_second_and_another_channel_does_not_wait_for_it() {
    let world = world();
    let run = world.run(None);
    assert_eq!((post(&run, "1"), post(&run, "2")), (None, None));
    assert_eq!(post(&run, "1"), Some(ErrorKind::Throttled));
}

#[test]
fn an_endpoint_gets_what_was_posted_under_its_id_unless_it_refuses() {
    let world = world();
    let run = world.run(None);
    let post = || {
        kind(done(
            &run,
            Endpoints::post(&*run, &secret(), "1", "{}".to_owned()),
        ))
    };
    world.fail_endpoints(Some(ErrorKind::Unavailable));
    assert_eq!(
        (post(), world.sent().len()),
        (Some(ErrorKind::Unavailable), 0)
    );
    world.fail_endpoints(None);
    assert_eq!(post(), None);
    let sent = Sent::Endpoint {
        id: "1".to_owned(),
        body: "{}".to_owned(),
    };
    assert_eq!(world.sent(), [sent]);
}

#[test]
fn a_secret_holds_the_text_that_people_gave_it() {
    let world = world();
    let run = world.run(None);
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack-AbCdEf";
    let arn = arn.parse().unwrap();
    let text = |run: &Run| {
        done(run, run.value(&arn))
            .unwrap()
            .expose_secret()
            .to_owned()
    };
    assert!(text(&run).starts_with("https://hooks.slack.com/"));
    world.set_secret_text(&arn, r#"{"token":"xoxb-1"}"#);
    assert_eq!(text(&run), r#"{"token":"xoxb-1"}"#);
}
