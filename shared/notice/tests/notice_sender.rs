//! Which way a notice goes, and what happens when a way fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "notice_sender/direct.rs"]
mod direct;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::policy::{NoticePolicy, SlackPolicy};
use banto_domain::{SecretArn, TopicArn};
use banto_notice::{Audience, DeliveredBy, Notice, NoticeSender, Urgency};
use banto_ports::{
    Clock, Delayed, ErrorKind, PortError, Queue, Secrets, TopicMessage, Topics, Webhooks,
};
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

/// The time that a run has left, where it is no matter.
const AMPLE: Duration = Duration::from_secs(900);

/// The outside world: what went where, and what fails. Only waiting takes time.
#[derive(Default)]
struct World {
    sent: Mutex<Vec<String>>,
    now: Mutex<Timestamp>,
    slack_fails: Mutex<Option<ErrorKind>>,
    retry_after: Option<Duration>,
    topics_fail: bool,
}

impl World {
    fn slack_fails(kind: ErrorKind) -> Self {
        Self {
            slack_fails: Mutex::new(Some(kind)),
            ..Self::default()
        }
    }

    /// Everything that went out since it was last asked.
    fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.now.lock().unwrap() += SignedDuration::try_from(duration).unwrap();
    }
}

#[async_trait]
impl Secrets for World {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let name = secret.as_str().rsplit('/').next().unwrap();
        self.sent.lock().unwrap().push(format!("looked up {name}"));
        Ok(SecretString::from(format!(
            "https://hooks.slack.com/services/{name}"
        )))
    }
}

#[async_trait]
impl Webhooks for World {
    async fn post(&self, url: &SecretString, _body: String) -> Result<(), PortError> {
        self.sent.lock().unwrap().push(
            url.expose_secret()
                .replace("https://hooks.slack.com/services/", "slack "),
        );
        match *self.slack_fails.lock().unwrap() {
            None => Ok(()),
            Some(kind) => {
                Err(PortError::new(kind, "slack:post", "ratelimited").retry_after(self.retry_after))
            }
        }
    }
}

#[async_trait]
impl Topics for World {
    async fn publish(&self, topic: &TopicArn, _message: &TopicMessage) -> Result<(), PortError> {
        self.sent
            .lock()
            .unwrap()
            .push(topic.as_str().rsplit(':').next().unwrap().to_owned());
        if self.topics_fail {
            Err(PortError::new(
                ErrorKind::Denied,
                "sns:Publish",
                "not allowed",
            ))
        } else {
            Ok(())
        }
    }
}

fn secret(name: &str) -> SecretArn {
    format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/{name}")
        .parse()
        .unwrap()
}

fn notice_sender(world: &Arc<World>, with_slack: bool) -> NoticeSender {
    notice_sender_with(world, with_slack, None)
}

fn notice_sender_with(
    world: &Arc<World>,
    with_slack: bool,
    token: Option<SecretArn>,
) -> NoticeSender {
    let slack = SlackPolicy {
        operators: secret("operators"),
        owners: secret("owners"),
        channels: [("team-payments".to_owned(), secret("payments"))].into(),
        token,
    };
    let policy = NoticePolicy {
        operators_topic: "arn:aws:sns:eu-west-1:111122223333:operators"
            .parse()
            .unwrap(),
        owners_topic: "arn:aws:sns:eu-west-1:111122223333:owners".parse().unwrap(),
        slack: with_slack.then_some(slack),
        queue: None,
    };
    NoticeSender::new(
        world.clone(),
        world.clone(),
        world.clone(),
        policy,
        world.clone(),
    )
}

fn notice(audience: Audience) -> Notice {
    Notice::new(
        "test".into(),
        audience,
        Urgency::Information,
        "Something happened".into(),
    )
}

fn owner(slack: Option<&str>) -> Audience {
    let slack = slack.map(str::to_owned);
    Audience::Owner {
        account: "111122223333".parse().unwrap(),
        user: "alice".parse().unwrap(),
        slack,
    }
}

/// Sends, and returns the way and everything that went out.
fn send(
    world: World,
    with_slack: bool,
    audience: Audience,
) -> (Result<DeliveredBy, String>, Vec<String>) {
    let world = Arc::new(world);
    let way = notice_sender(&world, with_slack)
        .send(&notice(audience), AMPLE)
        .now_or_never()
        .unwrap();
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
        assert_eq!(
            (way, sent.last().map(String::as_str)),
            (Ok(DeliveredBy::Slack), Some(expected))
        );
    }
}

#[test]
fn without_slack_everyone_is_told_by_topic() {
    let (way, sent) = send(World::default(), false, owner(None));
    assert_eq!(
        (way, sent),
        (
            Ok(DeliveredBy::Topic { because: None }),
            vec!["owners".to_owned()]
        )
    );
}

#[test]
fn whatever_way_slack_fails_the_topic_carries_the_notice() {
    for (kind, attempts) in [
        (ErrorKind::Throttled, 3),
        (ErrorKind::Unavailable, 3),
        (ErrorKind::Invalid, 1),
    ] {
        let (way, sent) = send(World::slack_fails(kind), true, Audience::Operators);
        let because = Some(format!("slack:post: {}: ratelimited", kind.as_str()));
        assert_eq!(way, Ok(DeliveredBy::Topic { because }));
        let mut expected = vec!["looked up operators"];
        expected.extend(std::iter::repeat_n("slack operators", attempts));
        expected.push("operators");
        assert_eq!(sent, expected);
    }
}

#[test]
fn an_error_names_both_ways_and_no_url() {
    let world = World {
        topics_fail: true,
        ..World::slack_fails(ErrorKind::Throttled)
    };
    let (way, _) = send(world, true, Audience::Operators);
    let error = way.unwrap_err();
    assert!(
        error.contains("slack:post") && error.contains("sns:Publish"),
        "{error}"
    );
    assert!(!error.contains("hooks.slack.com"));
}

#[async_trait]
impl Queue for World {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        let mut sent = self.sent.lock().unwrap();
        sent.extend(
            messages
                .iter()
                .map(|message| format!("queued {}", message.body)),
        );
        if self.slack_fails.lock().unwrap().is_some() {
            Err(PortError::new(
                ErrorKind::Invalid,
                "sqs:SendMessage",
                "too long",
            ))
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
        let way = notice_sender
            .send(&notice(audience), AMPLE)
            .now_or_never()
            .unwrap()
            .unwrap();
        (way, world.sent.lock().unwrap().clone())
    };
    let (way, sent) = through(World::default(), Audience::Operators);
    assert_eq!((way, sent.len()), (DeliveredBy::Queue, 1));
    assert!(
        sent[0].starts_with(
            r#"queued {"kind":"relayNotice","notice":{"attributes":{},"audience":"operators""#
        ),
        "{sent:?}"
    );
    assert_eq!(through(World::default(), owner(None)).0, DeliveredBy::Slack);
    // A queue that does not take it is no reason to be silent.
    let (way, _) = through(
        World::slack_fails(ErrorKind::Unavailable),
        Audience::Operators,
    );
    assert!(matches!(way, DeliveredBy::Topic { .. }), "{way:?}");
}

#[test]
fn a_webhook_is_looked_up_once() {
    let world = Arc::new(World::default());
    let notice_sender = notice_sender(&world, true);
    for _ in 0..3 {
        notice_sender
            .send(&notice(Audience::Operators), AMPLE)
            .now_or_never()
            .unwrap()
            .unwrap();
    }
    let sent = world.sent.lock().unwrap();
    assert_eq!(
        sent.iter()
            .filter(|what| what.starts_with("looked up"))
            .count(),
        1
    );
    assert!(!format!("{notice_sender:?}").contains("hooks.slack.com"));
}

#[test]
fn a_webhook_that_was_refused_is_looked_up_anew_for_the_next_notice() {
    for (kind, lookups) in [
        (ErrorKind::Invalid, 2),
        (ErrorKind::Denied, 2),
        (ErrorKind::Unavailable, 1),
    ] {
        let world = Arc::new(World::slack_fails(kind));
        let notice_sender = notice_sender(&world, true);
        for _ in 0..2 {
            notice_sender
                .send(&notice(Audience::Operators), AMPLE)
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let looked_up = world
            .take_sent()
            .iter()
            .filter(|sent| sent.starts_with("looked up "))
            .count();
        assert_eq!(looked_up, lookups, "{kind:?}");
    }
}

#[test]
fn each_channel_gets_a_notice_a_second() {
    let world = Arc::new(World::default());
    let notice_sender = notice_sender(&world, true);
    let mut sent_at = Vec::new();
    for audience in [
        Audience::Operators,
        owner(None),
        Audience::Operators,
        owner(None),
        Audience::Operators,
    ] {
        notice_sender
            .send(&notice(audience), AMPLE)
            .now_or_never()
            .unwrap()
            .unwrap();
        sent_at.push(world.now().as_second());
    }
    assert_eq!(sent_at, [0, 0, 1, 1, 2]);
}

#[test]
fn a_short_pause_that_slack_asks_for_is_waited_for_and_a_long_one_is_not() {
    for (asked, waited, attempts) in [(10, 20, 3), (11, 0, 1)] {
        let retry_after = Some(Duration::from_secs(asked));
        let world = Arc::new(World {
            retry_after,
            ..World::slack_fails(ErrorKind::Throttled)
        });
        let notice_sender = notice_sender(&world, true);
        let way = notice_sender
            .send(&notice(Audience::Operators), AMPLE)
            .now_or_never()
            .unwrap()
            .unwrap();
        assert!(
            matches!(way, DeliveredBy::Topic { because: Some(_) }),
            "{way:?}"
        );
        assert_eq!(world.now().as_second(), waited);
        assert_eq!(
            world
                .take_sent()
                .iter()
                .filter(|what| *what == "slack operators")
                .count(),
            attempts
        );
        if asked == 11 {
            // Until the pause is over the channel is left alone.
            let way = notice_sender
                .send(&notice(Audience::Operators), AMPLE)
                .now_or_never()
                .unwrap()
                .unwrap();
            let because = Some(
                "slack:post: throttled: the channel's turn, in 11 s, comes too late for this run"
                    .to_owned(),
            );
            assert_eq!(
                (way, world.take_sent()),
                (DeliveredBy::Topic { because }, vec!["operators".to_owned()])
            );
        }
    }
}

#[test]
fn a_channel_that_fails_again_and_again_is_left_alone_for_ten_minutes_and_no_other_is() {
    let world = Arc::new(World::slack_fails(ErrorKind::Invalid));
    let notice_sender = notice_sender(&world, true);
    let send = |audience| {
        notice_sender
            .send(&notice(audience), AMPLE)
            .now_or_never()
            .unwrap()
            .unwrap()
    };
    for _ in 0..3 {
        send(Audience::Operators);
    }
    world.take_sent();
    *world.slack_fails.lock().unwrap() = None;
    let way = send(Audience::Operators);
    assert!(matches!(way, DeliveredBy::Topic { .. }), "{way:?}");
    assert_eq!(world.take_sent(), ["operators"]);
    assert_eq!(send(owner(None)), DeliveredBy::Slack);
    world
        .sleep(Duration::from_secs(600))
        .now_or_never()
        .unwrap();
    assert_eq!(send(Audience::Operators), DeliveredBy::Slack);
}

#[test]
fn no_notice_outlasts_the_time_that_is_left() {
    // 60 s are kept for an attempt, for SNS's call after it, and for the caller's.
    for (left, attempts) in [(59, 0), (60, 1), (61, 2), (63, 3)] {
        let world = Arc::new(World::slack_fails(ErrorKind::Unavailable));
        let notice_sender = notice_sender(&world, true);
        let sent = notice_sender
            .send(&notice(owner(None)), Duration::from_secs(left))
            .now_or_never()
            .unwrap();
        assert!(
            matches!(sent, Ok(DeliveredBy::Topic { because: Some(_) })),
            "{sent:?}"
        );
        let posts = world
            .take_sent()
            .iter()
            .filter(|what| *what == "slack owners")
            .count();
        assert_eq!(posts, attempts, "{left} s");
    }
}
