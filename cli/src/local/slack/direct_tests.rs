//! Direct messages over real HTTP, sent as the functions send them.

use std::time::Duration;

use async_trait::async_trait;
use banto_domain::policy::{NoticePolicy, SlackPolicy};
use banto_domain::{SecretArn, TopicArn};
use banto_notice::{
    Audience, DeliveredBy, Notice, NoticeSender, SlackChat, SlackWebhooks, Urgency,
};
use banto_ports::{Chat as _, Clock, ErrorKind, PortError, Secrets, TopicMessage, Topics};
use secrecy::SecretString;

use super::super::http::Client;
use super::*;

const ALICE: &str = "U024BE7LH";

/// The world around a local Slack: a clock on which waiting takes no time, its secrets, and topics
/// that take all.
struct Around {
    slack: Arc<Slack>,
    now: Mutex<Timestamp>,
}

#[async_trait]
impl Clock for Around {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.now.lock().unwrap() += SignedDuration::try_from(duration).unwrap();
    }
}

#[async_trait]
impl Secrets for Around {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let name = secret.as_str().rsplit('/').next().unwrap();
        Ok(SecretString::from(match name {
            "token" => TOKEN.to_owned(),
            channel => self.slack.webhook(channel),
        }))
    }
}

#[async_trait]
impl Topics for Around {
    async fn publish(&self, _topic: &TopicArn, _message: &TopicMessage) -> Result<(), PortError> {
        Ok(())
    }
}

fn secret(name: &str) -> SecretArn {
    let arn = format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/{name}");
    arn.parse().unwrap()
}

fn topic(name: &str) -> TopicArn {
    let arn = format!("arn:aws:sns:eu-west-1:111122223333:{name}");
    arn.parse().unwrap()
}

/// Slack with Alice as an active member, and the functions' own way to it.
async fn set() -> (Arc<Slack>, NoticeSender) {
    let slack = Arc::new(Slack::start().await.unwrap());
    slack.set_member(ALICE, MemberState::Active);
    let around = Arc::new(Around {
        slack: slack.clone(),
        now: Mutex::new(Timestamp::UNIX_EPOCH),
    });
    let policy = NoticePolicy {
        operators_topic: topic("operators"),
        owners_topic: topic("owners"),
        slack: Some(SlackPolicy {
            operators: secret("operators"),
            owners: secret("owners"),
            channels: BTreeMap::new(),
            token: Some(secret("token")),
        }),
        queue: None,
    };
    let webhooks = Arc::new(SlackWebhooks::new(&Default::default()));
    let chat = SlackChat::at(&slack.api_url(), &Default::default()).unwrap();
    let sender = NoticeSender::new(around.clone(), webhooks, around.clone(), policy, around);
    (slack, sender.writing_by(Arc::new(chat)))
}

async fn tell_alice(sender: &NoticeSender) -> DeliveredBy {
    let audience = Audience::Owner {
        account: "111122223333".parse().unwrap(),
        user: "alice".parse().unwrap(),
        slack: Some(ALICE.to_owned()),
    };
    let headline = "Your new access key is ready".to_owned();
    let notice = Notice::new("one".to_owned(), audience, Urgency::Action, headline);
    sender
        .send(&notice, Duration::from_secs(900))
        .await
        .unwrap()
}

fn channels(slack: &Slack) -> Vec<String> {
    let posts = slack.posts();
    posts.into_iter().map(|post| post.channel).collect()
}

#[tokio::test]
async fn an_active_member_has_the_notice_where_nobody_else_reads() {
    let (slack, sender) = set().await;
    assert!(tell_alice(&sender).await.is_evidence());
    let posts = slack.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].channel, "D024BE7LH");
    assert_eq!(posts[0].place(), "@U024BE7LH");
    assert_eq!(posts[0].body["text"], "Your new access key is ready");
    assert_eq!(slack::check(&posts[0].body), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_is_no_active_member_is_told_in_the_owners_channel() {
    for state in [
        MemberState::Deactivated,
        MemberState::Bot,
        MemberState::Outside,
    ] {
        let (slack, sender) = set().await;
        slack.set_member(ALICE, state);
        assert_eq!(tell_alice(&sender).await, DeliveredBy::Slack, "{state:?}");
        assert_eq!(channels(&slack), ["owners"], "{state:?}");
        assert_eq!(slack.posts()[0].place(), "#owners");
    }
}

/// The first call is `users.info`, the second `chat.postMessage`.
#[tokio::test]
async fn no_answer_of_either_call_but_slacks_ok_is_evidence() {
    let words = [
        "user_not_found",
        "user_not_visible",
        "channel_not_found",
        "missing_scope",
        "not_authed",
        "invalid_auth",
        "account_inactive",
        "token_revoked",
        "is_archived",
        "messages_tab_disabled",
        "msg_too_long",
        "restricted_action",
        "no_such_word",
    ];
    let refusals = words
        .map(Refusal::Word)
        .into_iter()
        .chain([Refusal::RateLimited(30), Refusal::InvalidBlocks]);
    for refusal in refusals {
        for calls_before in [0, 1] {
            let (slack, sender) = set().await;
            if calls_before == 1 {
                assert!(tell_alice(&sender).await.is_evidence());
            }
            slack.refuse_next(refusal);
            let way = tell_alice(&sender).await;
            assert_eq!(way, DeliveredBy::Slack, "{refusal:?}, {calls_before}");
            assert_eq!(channels(&slack).last().unwrap(), "owners", "{refusal:?}");
            assert_eq!(slack.posts().len(), calls_before + 1, "{refusal:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_may_come_later_is_asked_for_three_times_and_then_it_is_no_evidence() {
    for refusal in [
        Refusal::Page,
        Refusal::ServerError,
        Refusal::Unavailable,
        Refusal::LostRequest,
        Refusal::RateLimited(1),
        Refusal::Word("internal_error"),
    ] {
        let (slack, sender) = set().await;
        slack.refuse(2, refusal);
        assert!(tell_alice(&sender).await.is_evidence(), "{refusal:?}");
        slack.refuse(3, refusal);
        let way = tell_alice(&sender).await;
        assert_eq!(way, DeliveredBy::Slack, "{refusal:?}");
        assert_eq!(channels(&slack), ["D024BE7LH", "owners"], "{refusal:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_may_post_a_notice_twice_and_the_second_is_evidence() {
    let (slack, sender) = set().await;
    tell_alice(&sender).await;
    slack.refuse_next(Refusal::LostAnswer);
    assert!(tell_alice(&sender).await.is_evidence());
    assert_eq!(channels(&slack), ["D024BE7LH"; 3]);
}

#[tokio::test]
async fn users_info_takes_a_form_and_knows_the_members_that_were_added() {
    let (slack, _) = set().await;
    let chat = SlackChat::at(&slack.api_url(), &Default::default()).unwrap();
    let token = SecretString::from(TOKEN);
    let state = chat.member(&token, ALICE).await;
    assert_eq!(state, Ok(MemberState::Active));
    let error = chat.member(&token, "U0NOBODY00").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(error.to_string().contains("user_not_found"), "{error}");
    let wrong = SecretString::from("xoxb-of-somebody-else");
    let error = chat.member(&wrong, ALICE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);

    let request = Request::post(format!("{}/users.info", slack.api_url()))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Bytes::from(json!({ "user": ALICE }).to_string()))
        .unwrap();
    let answer = Client::new().send(request).await.unwrap();
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(answer["error"], "invalid_arguments");
}
