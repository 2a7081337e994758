//! Which way a notice goes, and what happens when a way fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use banto_domain::policy::{NoticePolicy, SlackPolicy};
use banto_domain::{SecretArn, TopicArn};
use banto_notice::{Audience, Notice, NoticeSender, Urgency, Way};
use banto_ports::{Delayed, ErrorKind, PortError, Queue, Secrets, TopicMessage, Topics, Webhooks};
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};

/// The outside world: what went where, and what fails.
#[derive(Default)]
struct World {
    sent: Mutex<Vec<String>>,
    slack_fails: Option<ErrorKind>,
    topics_fail: bool,
}

#[async_trait]
impl Secrets for World {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let name = secret.as_str().rsplit('/').next().unwrap();
        self.sent.lock().unwrap().push(format!("looked up {name}"));
        Ok(SecretString::from(format!("https://hooks.slack.com/services/{name}")))
    }
}

#[async_trait]
impl Webhooks for World {
    async fn post(&self, url: &SecretString, _body: String) -> Result<(), PortError> {
        self.sent.lock().unwrap().push(url.expose_secret().replace("https://hooks.slack.com/services/", "slack "));
        match self.slack_fails {
            None => Ok(()),
            Some(kind) => Err(PortError::new(kind, "slack:post", "ratelimited")),
        }
    }
}

#[async_trait]
impl Topics for World {
    async fn publish(&self, topic: &TopicArn, _message: &TopicMessage) -> Result<(), PortError> {
        self.sent.lock().unwrap().push(topic.as_str().rsplit(':').next().unwrap().to_owned());
        if self.topics_fail { Err(PortError::new(ErrorKind::Denied, "sns:Publish", "not allowed")) } else { Ok(()) }
    }
}

fn secret(name: &str) -> SecretArn {
    format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/{name}").parse().unwrap()
}

fn notice_sender(world: &Arc<World>, with_slack: bool) -> NoticeSender {
    let slack = SlackPolicy {
        operators: secret("operators"),
        owners: secret("owners"),
        channels: [("team-payments".to_owned(), secret("payments"))].into(),
    };
    let policy = NoticePolicy {
        operators_topic: "arn:aws:sns:eu-west-1:111122223333:operators".parse().unwrap(),
        owners_topic: "arn:aws:sns:eu-west-1:111122223333:owners".parse().unwrap(),
        slack: with_slack.then_some(slack),
        queue: None,
    };
    NoticeSender::new(world.clone(), world.clone(), world.clone(), policy)
}

fn notice(audience: Audience) -> Notice {
    Notice::new("test".into(), audience, Urgency::Information, "Something happened".into())
}

fn owner(slack: Option<&str>) -> Audience {
    let slack = slack.map(str::to_owned);
    Audience::Owner { account: "111122223333".parse().unwrap(), user: "alice".parse().unwrap(), slack }
}

/// Sends, and returns the way and everything that went out.
fn send(world: World, with_slack: bool, audience: Audience) -> (Result<Way, String>, Vec<String>) {
    let world = Arc::new(world);
    let way = notice_sender(&world, with_slack).send(&notice(audience)).now_or_never().unwrap();
    let sent = world.sent.lock().unwrap().clone();
    (way.map_err(|error| error.to_string()), sent)
}

#[test]
fn each_audience_is_told_where_it_reads() {
    for (audience, expected) in [
        (Audience::Operators, "slack operators"),
        (owner(None), "slack owners"),
        (owner(Some("U024BE7LH")), "slack owners"),
        (owner(Some("team-payments")), "slack payments"),
        (owner(Some("no-such-channel")), "slack owners"),
    ] {
        let (way, sent) = send(World::default(), true, audience);
        assert_eq!((way, sent.last().map(String::as_str)), (Ok(Way::Slack), Some(expected)));
    }
}

#[test]
fn without_slack_everyone_is_told_by_topic() {
    let (way, sent) = send(World::default(), false, owner(None));
    assert_eq!((way, sent), (Ok(Way::Topic { because: None }), vec!["owners".to_owned()]));
}

#[test]
fn whatever_way_slack_fails_the_topic_carries_the_notice() {
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Invalid] {
        let (way, sent) = send(World { slack_fails: Some(kind), ..World::default() }, true, Audience::Operators);
        let because = Some(format!("slack:post: {}: ratelimited", kind.as_str()));
        assert_eq!(way, Ok(Way::Topic { because }));
        assert_eq!(sent, ["looked up operators", "slack operators", "operators"]);
    }
}

#[test]
fn an_error_names_both_ways_and_no_url() {
    let world = World { slack_fails: Some(ErrorKind::Throttled), topics_fail: true, ..World::default() };
    let (way, _) = send(world, true, Audience::Operators);
    let error = way.unwrap_err();
    assert!(error.contains("slack:post") && error.contains("sns:Publish"), "{error}");
    assert!(!error.contains("hooks.slack.com"));
}

#[async_trait]
impl Queue for World {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        let mut sent = self.sent.lock().unwrap();
        sent.extend(messages.iter().map(|message| format!("queued {}", message.body)));
        if self.slack_fails.is_some() {
            Err(PortError::new(ErrorKind::Invalid, "sqs:SendMessage", "too long"))
        } else {
            Ok(())
        }
    }
}

#[test]
fn what_operators_are_told_goes_through_the_queue_and_what_owners_are_told_never_does() {
    let through = |world: World, audience| {
        let world = Arc::new(world);
        let notice_sender = notice_sender(&world, true).through(Some(world.clone()));
        let way = notice_sender.send(&notice(audience)).now_or_never().unwrap().unwrap();
        (way, world.sent.lock().unwrap().clone())
    };
    let (way, sent) = through(World::default(), Audience::Operators);
    assert_eq!((way, sent.len()), (Way::Queue, 1));
    assert!(
        sent[0].starts_with(r#"queued {"do":"notice","notice":{"attributes":{},"audience":"operators""#),
        "{sent:?}"
    );
    assert_eq!(through(World::default(), owner(None)).0, Way::Slack);
    // A queue that does not take it is no reason to be silent.
    let (way, _) =
        through(World { slack_fails: Some(ErrorKind::Unavailable), ..World::default() }, Audience::Operators);
    assert!(matches!(way, Way::Topic { .. }), "{way:?}");
}

#[test]
fn a_webhook_is_looked_up_once() {
    let world = Arc::new(World::default());
    let notice_sender = notice_sender(&world, true);
    for _ in 0..3 {
        notice_sender.send(&notice(Audience::Operators)).now_or_never().unwrap().unwrap();
    }
    let sent = world.sent.lock().unwrap();
    assert_eq!(sent.iter().filter(|what| what.starts_with("looked up")).count(), 1);
    assert!(!format!("{notice_sender:?}").contains("hooks.slack.com"));
}
