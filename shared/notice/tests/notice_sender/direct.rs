//! Direct messages to owners: what is evidence that one was reached, and what is not.

use banto_domain::compliance::MessageRef;
use banto_ports::{Chat, MemberState};
use serde_json::Value;

use super::*;

const ALICE: &str = "U024BE7LH";
const OTHER: &str = "W9876ABCDE";

/// A world before a Slack with members.
#[derive(Default)]
struct Workspace {
    world: Arc<World>,
    /// Errors of `users.info` and of `chat.postMessage`.
    member_fails: Mutex<Option<PortError>>,
    post_fails: Mutex<Option<PortError>>,
    /// The state of everyone.
    state: Mutex<Option<MemberState>>,
}

#[async_trait]
impl Chat for Workspace {
    async fn post(
        &self,
        _token: &SecretString,
        id: &str,
        body: &Value,
    ) -> Result<MessageRef, PortError> {
        let channel = body["channel"].as_str().unwrap();
        assert!(!body.to_string().contains("<@"), "{body}");
        assert_eq!(id, "test");
        self.world
            .sent
            .lock()
            .unwrap()
            .push(format!("direct {channel}"));
        match self.post_fails.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok(MessageRef {
                channel: channel.replacen('U', "D", 1),
                ts: "1.2".into(),
            }),
        }
    }

    async fn update(
        &self,
        _token: &SecretString,
        _message: &MessageRef,
        _body: &Value,
    ) -> Result<(), PortError> {
        unreachable!()
    }

    async fn find(
        &self,
        _token: &SecretString,
        _channel: &str,
        _thread: Option<&MessageRef>,
        _id: &str,
        _since: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        unreachable!()
    }

    async fn member(&self, _token: &SecretString, id: &str) -> Result<MemberState, PortError> {
        self.world.sent.lock().unwrap().push(format!("who is {id}"));
        match self.member_fails.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok((*self.state.lock().unwrap()).unwrap_or(MemberState::Active)),
        }
    }
}

impl Workspace {
    fn of(world: World) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::new(world),
            ..Self::default()
        })
    }

    /// A sender whose policy has a token.
    fn notice_sender(self: &Arc<Self>) -> NoticeSender {
        notice_sender_with(&self.world, true, Some(secret("token"))).writing_by(self.clone())
    }

    /// Everything that went out since it was last asked, but the look-ups of secrets.
    fn take_sent(&self) -> Vec<String> {
        let mut sent = self.world.take_sent();
        sent.retain(|what| !what.starts_with("looked up"));
        sent
    }
}

fn told(notice_sender: &NoticeSender, slack: &str) -> DeliveredBy {
    notice_sender
        .send(&notice(owner(Some(slack))), AMPLE)
        .now_or_never()
        .unwrap()
        .unwrap()
}

fn everywhere(
    notice_sender: &NoticeSender,
    slack: Option<&str>,
    also: Option<&str>,
) -> Result<DeliveredBy, String> {
    let notice = notice(owner(slack));
    let way = notice_sender.send_everywhere(&notice, also, AMPLE);
    way.now_or_never()
        .unwrap()
        .map_err(|error| error.to_string())
}

fn direct(member: &str) -> DeliveredBy {
    DeliveredBy::DirectMessage {
        member: member.to_owned(),
    }
}

fn error(kind: ErrorKind) -> PortError {
    PortError::new(kind, "slack:chat.postMessage", "refused")
}

#[test]
fn an_owner_who_is_an_active_member_is_written_to_and_that_alone_is_evidence() {
    let slack = Workspace::of(World::default());
    let way = told(&slack.notice_sender(), ALICE);
    assert_eq!(way, direct(ALICE));
    assert!(way.is_evidence());
    assert_eq!(
        slack.take_sent(),
        [format!("who is {ALICE}"), format!("direct {ALICE}")]
    );
    for way in [
        DeliveredBy::Slack,
        DeliveredBy::Queue,
        DeliveredBy::Topic { because: None },
    ] {
        assert!(!way.is_evidence(), "{way:?}");
    }
}

#[test]
fn nobody_is_written_to_directly_but_an_owner_whose_tag_is_a_member_id() {
    for audience in [
        Audience::Operators,
        Audience::Route("payments".into()),
        owner(None),
        owner(Some("team-payments")),
        owner(Some("u024be7lh")),
    ] {
        let slack = Workspace::of(World::default());
        let notice_sender = slack.notice_sender();
        let notice = notice(audience);
        let way = notice_sender.send(&notice, AMPLE).now_or_never().unwrap();
        assert_eq!(way.unwrap(), DeliveredBy::Slack);
        assert_eq!(slack.take_sent().len(), 1);
    }
    // Nor is anybody by a policy without a token.
    let slack = Workspace::of(World::default());
    let tokenless = notice_sender(&slack.world, true).writing_by(slack.clone());
    assert_eq!(told(&tokenless, ALICE), DeliveredBy::Slack);
    assert_eq!(slack.take_sent(), ["slack owners"]);
}

#[test]
fn whoever_is_no_active_person_is_told_in_the_channel_and_nothing_is_tried_twice() {
    for state in [
        MemberState::Deactivated,
        MemberState::Bot,
        MemberState::Outside,
    ] {
        let slack = Workspace::of(World::default());
        *slack.state.lock().unwrap() = Some(state);
        assert_eq!(told(&slack.notice_sender(), ALICE), DeliveredBy::Slack);
        let asked = format!("who is {ALICE}");
        assert_eq!(slack.take_sent(), [asked, "slack owners".to_owned()]);
    }
}

#[test]
fn however_a_direct_message_is_refused_the_channel_has_the_notice_and_it_is_no_evidence() {
    for (kind, attempts) in [
        (ErrorKind::Missing, 1),
        (ErrorKind::Denied, 1),
        (ErrorKind::Invalid, 1),
        (ErrorKind::Throttled, 3),
        (ErrorKind::Unavailable, 3),
    ] {
        let slack = Workspace::of(World::default());
        *slack.member_fails.lock().unwrap() = Some(error(kind));
        assert_eq!(told(&slack.notice_sender(), ALICE), DeliveredBy::Slack);
        let mut expected = vec![format!("who is {ALICE}"); attempts];
        expected.push("slack owners".to_owned());
        assert_eq!(slack.take_sent(), expected, "users.info: {kind:?}");

        let slack = Workspace::of(World::default());
        *slack.post_fails.lock().unwrap() = Some(error(kind));
        assert_eq!(told(&slack.notice_sender(), ALICE), DeliveredBy::Slack);
        // The member is known after the first attempt.
        let mut expected = vec![format!("who is {ALICE}")];
        expected.extend(vec![format!("direct {ALICE}"); attempts]);
        expected.push("slack owners".to_owned());
        assert_eq!(slack.take_sent(), expected, "chat.postMessage: {kind:?}");
    }
}

#[test]
fn where_slack_refuses_everything_the_topic_has_the_notice_and_why() {
    let slack = Workspace::of(World::slack_fails(ErrorKind::Invalid));
    *slack.post_fails.lock().unwrap() = Some(error(ErrorKind::Denied));
    let way = told(&slack.notice_sender(), ALICE);
    let because = "slack:chat.postMessage: denied: refused; then slack:post: invalid: ratelimited";
    let because = Some(because.to_owned());
    assert_eq!(way, DeliveredBy::Topic { because });
    assert_eq!(slack.take_sent().last().map(String::as_str), Some("owners"));
}

#[test]
fn a_long_pause_that_slack_asks_for_is_kept_to_for_every_member() {
    let slack = Workspace::of(World::default());
    let again = Some(Duration::from_secs(30));
    *slack.member_fails.lock().unwrap() = Some(error(ErrorKind::Throttled).retry_after(again));
    let notice_sender = slack.notice_sender();
    assert_eq!(told(&notice_sender, ALICE), DeliveredBy::Slack);
    slack.take_sent();
    *slack.member_fails.lock().unwrap() = None;
    assert_eq!(told(&notice_sender, OTHER), DeliveredBy::Slack);
    assert_eq!(slack.take_sent(), ["slack owners"]);
    let pause = slack.world.sleep(Duration::from_secs(30));
    pause.now_or_never().unwrap();
    assert_eq!(told(&notice_sender, OTHER), direct(OTHER));
}

#[test]
fn wrong_tags_keep_no_message_from_others_and_a_refused_token_is_not_tried_on_and_on() {
    let slack = Workspace::of(World::default());
    let notice_sender = slack.notice_sender();
    for kind in [ErrorKind::Missing, ErrorKind::Invalid] {
        *slack.member_fails.lock().unwrap() = Some(error(kind));
        for _ in 0..4 {
            assert_eq!(told(&notice_sender, ALICE), DeliveredBy::Slack);
        }
    }
    *slack.member_fails.lock().unwrap() = None;
    assert_eq!(told(&notice_sender, OTHER), direct(OTHER));

    *slack.post_fails.lock().unwrap() = Some(error(ErrorKind::Denied));
    for _ in 0..3 {
        told(&notice_sender, OTHER);
    }
    slack.take_sent();
    *slack.post_fails.lock().unwrap() = None;
    assert_eq!(told(&notice_sender, OTHER), DeliveredBy::Slack);
    assert_eq!(slack.take_sent(), ["slack owners"]);
    let pause = slack.world.sleep(Duration::from_secs(600));
    pause.now_or_never().unwrap();
    assert_eq!(told(&notice_sender, OTHER), direct(OTHER));
}

#[test]
fn a_token_that_was_refused_is_looked_up_anew_and_one_that_a_member_was_refused_by_is_not() {
    for (kind, lookups) in [(ErrorKind::Denied, 2), (ErrorKind::Missing, 1)] {
        let slack = Workspace::of(World::default());
        *slack.post_fails.lock().unwrap() = Some(error(kind));
        let notice_sender = slack.notice_sender();
        told(&notice_sender, ALICE);
        told(&notice_sender, ALICE);
        let sent = slack.world.take_sent();
        let looked_up = sent.iter().filter(|what| *what == "looked up token");
        assert_eq!(looked_up.count(), lookups, "{kind:?}");
    }
}

#[test]
fn a_member_who_was_active_is_asked_for_again_after_an_hour_or_a_refusal() {
    let slack = Workspace::of(World::default());
    let notice_sender = slack.notice_sender();
    let asked = || {
        assert_eq!(told(&notice_sender, ALICE), direct(ALICE));
        slack.take_sent().contains(&format!("who is {ALICE}"))
    };
    let sleep = |seconds| {
        let sleep = slack.world.sleep(Duration::from_secs(seconds));
        sleep.now_or_never().unwrap();
    };
    assert!(asked());
    sleep(3_599);
    assert!(!asked());
    sleep(1);
    assert!(asked());
    *slack.post_fails.lock().unwrap() = Some(error(ErrorKind::Missing));
    assert_eq!(told(&notice_sender, ALICE), DeliveredBy::Slack);
    slack.take_sent();
    *slack.post_fails.lock().unwrap() = None;
    assert!(asked());
}

#[test]
fn no_direct_message_outlasts_the_time_that_is_left() {
    // 70 s are kept for the two calls of an attempt, for SNS's call after it, and for the caller's.
    for (left, attempts) in [(69, 0), (70, 1), (71, 2), (73, 3)] {
        let slack = Workspace::of(World::default());
        *slack.member_fails.lock().unwrap() = Some(error(ErrorKind::Unavailable));
        let notice = notice(owner(Some(ALICE)));
        let notice_sender = slack.notice_sender();
        let way = notice_sender.send(&notice, Duration::from_secs(left));
        assert_eq!(way.now_or_never().unwrap().unwrap(), DeliveredBy::Slack);
        assert_eq!(slack.take_sent().len(), attempts + 1, "{left} s");
    }
}

#[test]
fn what_must_reach_an_owner_goes_to_every_address_whatever_the_tag_says() {
    let direct_to = |member: &str| [format!("who is {member}"), format!("direct {member}")];
    for (tag, members, channels) in [
        (None, vec![OTHER], vec!["slack owners"]),
        (Some(ALICE), vec![OTHER, ALICE], vec!["slack owners"]),
        (Some(OTHER), vec![OTHER], vec!["slack owners"]),
        (
            Some("team-payments"),
            vec![OTHER],
            vec!["slack owners", "slack payments"],
        ),
    ] {
        let slack = Workspace::of(World::default());
        let way = everywhere(&slack.notice_sender(), tag, Some(OTHER));
        assert_eq!(way, Ok(direct(OTHER)), "{tag:?}");
        let members = members.into_iter().flat_map(direct_to);
        let channels = channels.into_iter().map(str::to_owned);
        let expected: Vec<String> = members
            .chain(channels)
            .chain(["owners".to_owned()])
            .collect();
        assert_eq!(slack.take_sent(), expected, "{tag:?}");
    }
}

#[test]
fn what_goes_everywhere_is_accepted_if_one_address_besides_the_tags_takes_it_and_the_strongest_is_told()
 {
    let refused = || Some(error(ErrorKind::Denied));
    let to = |world: World, has_members: bool| {
        let slack = Workspace::of(world);
        *slack.post_fails.lock().unwrap() = if has_members { None } else { refused() };
        everywhere(&slack.notice_sender(), Some(ALICE), None)
    };
    let to_other = |world: World| {
        let slack = Workspace::of(world);
        everywhere(&slack.notice_sender(), Some(ALICE), Some(OTHER))
    };
    let deaf = |slack: Option<ErrorKind>, topics_fail| World {
        slack_fails: Mutex::new(slack),
        topics_fail,
        ..World::default()
    };
    let invalid = Some(ErrorKind::Invalid);
    // The member whom the tag names may be the thief.
    let way = to(deaf(invalid, true), true);
    assert!(way.unwrap_err().contains("nobody could be told"));
    assert_eq!(to(deaf(None, true), true), Ok(direct(ALICE)));
    assert_eq!(to_other(deaf(invalid, true)), Ok(direct(OTHER)));
    assert_eq!(to(deaf(None, true), false), Ok(DeliveredBy::Slack));
    let way = to(deaf(invalid, false), false);
    assert!(matches!(way, Ok(DeliveredBy::Topic { .. })), "{way:?}");
    let way = to(deaf(invalid, true), false);
    assert!(way.unwrap_err().contains("nobody could be told"));
}

#[test]
fn what_goes_everywhere_needs_no_slack() {
    let slack = Workspace::of(World::default());
    let notice_sender = notice_sender(&slack.world, false).writing_by(slack.clone());
    let way = everywhere(&notice_sender, Some(ALICE), Some(OTHER));
    assert_eq!(way, Ok(DeliveredBy::Topic { because: None }));
    assert_eq!(slack.take_sent(), ["owners"]);
}
