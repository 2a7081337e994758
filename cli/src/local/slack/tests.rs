//! Over real HTTP: by Banto's own clients where they can ask, by hand where they can't.

use std::time::Duration;

use banto_domain::compliance::MessageRef;
use banto_notice::{SlackChat, SlackWebhooks};
use banto_ports::{Chat as _, ErrorKind, Webhooks as _};
use hyper::Response;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::super::http::Client;
use super::*;

const CHANNEL: &str = "C024BE91L";

fn message(text: &str) -> Value {
    json!({ "channel": CHANNEL, "text": text, "mrkdwn": false, "blocks": [line(text)] })
}

fn line(text: &str) -> Value {
    let text = json!({ "type": "text", "text": text });
    json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [text] }] })
}

fn token() -> SecretString {
    SecretString::from(TOKEN)
}

fn chat(slack: &Slack) -> SlackChat {
    SlackChat::at(&slack.api_url(), &Default::default()).unwrap()
}

/// A message as Banto's own client finds it.
async fn find(
    slack: &Slack,
    thread: Option<&MessageRef>,
    id: &str,
    since: Timestamp,
) -> Option<MessageRef> {
    chat(slack)
        .find(&token(), CHANNEL, thread, id, since)
        .await
        .unwrap()
}

/// Calls the Web API by hand; status and answer.
async fn call(slack: &Slack, method: &str, kind: &str, body: impl Into<Bytes>) -> (u16, Value) {
    let request = Request::post(format!("{}/{method}", slack.api_url()))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", kind)
        .body(body.into())
        .unwrap();
    let answer = Client::new().send(request).await.unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_slice(answer.body()).unwrap_or_default(),
    )
}

async fn ask(slack: &Slack, method: &str, form: String) -> Value {
    call(slack, method, "application/x-www-form-urlencoded", form)
        .await
        .1
}

async fn post(slack: &Slack, body: Value) -> Value {
    call(
        slack,
        "chat.postMessage",
        "application/json; charset=utf-8",
        body.to_string(),
    )
    .await
    .1
}

async fn hook(slack: &Slack, body: &str) -> Response<Bytes> {
    let request = Request::post(slack.webhook("operators"))
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    Client::new().send(request).await.unwrap()
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_is_posted_found_corrected_and_answered() {
    let slack = Slack::start().await.unwrap();
    let before = Timestamp::now();
    let first = chat(&slack)
        .post(&token(), "one", &message("found"))
        .await
        .unwrap();
    chat(&slack)
        .update(&token(), &first, &message("resolved"))
        .await
        .unwrap();
    let mut reply = message("a reply");
    reply["thread_ts"] = first.ts.clone().into();
    let reply = chat(&slack).post(&token(), "two", &reply).await.unwrap();

    assert_eq!(find(&slack, None, "one", before).await, Some(first.clone()));
    assert_eq!(
        find(&slack, None, "two", before).await,
        None,
        "a reply is in its thread only"
    );
    assert_eq!(
        find(&slack, Some(&first), "two", before).await,
        Some(reply.clone())
    );
    let later = Timestamp::now() + SignedDuration::from_secs(1);
    assert_eq!(find(&slack, None, "one", later).await, None);

    let posts = slack.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!(
        (posts[0].channel.as_str(), &posts[0].ts),
        (CHANNEL, &first.ts)
    );
    assert_eq!(
        (
            posts[0].body["text"].as_str(),
            posts[0].earlier[0]["text"].as_str()
        ),
        (Some("resolved"), Some("found"))
    );
    assert_eq!(
        posts[0].body["metadata"]["event_payload"]["id"], "one",
        "a correction leaves it"
    );
    assert_eq!(
        (posts[1].thread.as_ref(), posts[1].is_broadcast),
        (Some(&first.ts), false)
    );
    assert!(
        posts[0].body.get("channel").is_none(),
        "where it is is no part of a message"
    );
    assert!(before <= posts[0].at && posts[0].at < posts[1].at);
}

#[tokio::test]
async fn a_history_is_newest_first_and_within_its_limits() {
    let slack = Slack::start().await.unwrap();
    let ts: Vec<String> = {
        let mut ts = Vec::new();
        for text in ["one", "two", "three"] {
            ts.push(
                post(&slack, message(text)).await["ts"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        ts
    };
    post(
        &slack,
        json!({ "channel": "C0ANOTHER", "text": "elsewhere" }),
    )
    .await;
    let mut reply = message("shown to the channel");
    reply["thread_ts"] = ts[0].clone().into();
    reply["reply_broadcast"] = true.into();
    post(&slack, reply).await;
    hook(&slack, r#"{"text":"by a webhook"}"#).await;

    let history = ask(
        &slack,
        "conversations.history",
        format!("channel={CHANNEL}&limit=3"),
    )
    .await;
    assert_eq!(texts(&history), ["shown to the channel", "three", "two"]);
    assert_eq!(
        (&history["has_more"], &history["messages"][0]["subtype"]),
        (&json!(true), &json!("thread_broadcast"))
    );
    let since = format!("channel={CHANNEL}&oldest={}", ts[1]);
    assert_eq!(
        texts(&ask(&slack, "conversations.history", since.clone()).await),
        ["shown to the channel", "three"]
    );
    let inclusive = ask(
        &slack,
        "conversations.history",
        format!("{since}&inclusive=true&latest={}", ts[2]),
    )
    .await;
    assert_eq!(texts(&inclusive), ["three", "two"]);
    let replies = ask(
        &slack,
        "conversations.replies",
        format!("channel={CHANNEL}&ts={}&limit=9", ts[0]),
    )
    .await;
    assert_eq!(texts(&replies), ["one", "shown to the channel"]);
    let encoded = ask(
        &slack,
        "conversations.history",
        "channel=C024%42E91L&limit=1".to_owned(),
    )
    .await;
    assert_eq!(texts(&encoded).len(), 1);
}

#[tokio::test]
async fn metadata_is_told_only_where_it_is_asked_for() {
    let slack = Slack::start().await.unwrap();
    chat(&slack)
        .post(&token(), "one", &message("found"))
        .await
        .unwrap();
    let ask = async |more: &str| {
        ask(
            &slack,
            "conversations.history",
            format!("channel={CHANNEL}{more}"),
        )
        .await
    };
    assert!(ask("").await["messages"][0].get("metadata").is_none());
    let told = ask("&include_all_metadata=true").await;
    assert_eq!(
        told["messages"][0]["metadata"]["event_payload"]["id"],
        "one"
    );
}

#[tokio::test]
async fn what_slack_would_not_take_is_refused_in_its_words() {
    let slack = Slack::start().await.unwrap();
    let long = "x".repeat(2_990);
    let with = |field: &str, value: Value| {
        let mut message = message("text");
        message[field] = value;
        message
    };
    for (body, word) in [
        (json!({ "text": "nowhere" }), "channel_not_found"),
        (json!({ "channel": CHANNEL, "blocks": [] }), "no_text"),
        (with("blocks", json!([])), "invalid_blocks"),
        (
            with(
                "blocks",
                json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "x" } }]),
            ),
            "invalid_blocks",
        ),
        (with("blocks", vec![line("x"); 51].into()), "invalid_blocks"),
        (
            with("blocks", json!([line(&"x".repeat(3_001))])),
            "invalid_blocks",
        ),
        (
            with("blocks", vec![line(&long); 5].into()),
            "msg_blocks_too_long",
        ),
        (with("thread_ts", json!("1.000000")), "thread_not_found"),
        (
            with("metadata", json!({ "event_type": "x" })),
            "invalid_metadata_format",
        ),
    ] {
        assert_eq!(
            post(&slack, body).await,
            json!({ "ok": false, "error": word })
        );
    }
    assert_eq!(slack.posts(), []);
}

#[tokio::test]
async fn what_is_not_there_and_who_is_not_known_is_refused_in_slacks_words() {
    let slack = Slack::start().await.unwrap();
    let other = MessageRef {
        channel: CHANNEL.into(),
        ts: "1.000000".into(),
    };
    let error = chat(&slack)
        .update(&token(), &other, &message("text"))
        .await
        .unwrap_err();
    assert!(
        error.kind == ErrorKind::Missing && error.to_string().contains("message_not_found"),
        "{error}"
    );
    let wrong = SecretString::from("xoxb-of-somebody-else");
    let error = chat(&slack)
        .post(&wrong, "one", &message("text"))
        .await
        .unwrap_err();
    assert!(
        error.kind == ErrorKind::Denied && error.to_string().contains("invalid_auth"),
        "{error}"
    );
    assert_eq!(
        ask(
            &slack,
            "conversations.replies",
            format!("channel={CHANNEL}&ts=1.0")
        )
        .await["error"],
        "thread_not_found"
    );
    assert_eq!(
        ask(&slack, "chat.delete", String::new()).await["error"],
        "unknown_method"
    );

    for (body, status, word) in [
        ("{", 400, "invalid_payload"),
        (r#"{"text":"x","blocks":[]}"#, 400, "invalid_blocks"),
    ] {
        let answer = hook(&slack, body).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (status, word.as_bytes())
        );
    }
    assert_eq!(slack.posts(), []);
}

#[tokio::test]
async fn each_refusal_is_for_as_many_calls_as_were_asked_for_on_either_way() {
    let slack = Slack::start().await.unwrap();
    slack.refuse(2, Refusal::RateLimited(30));
    slack.refuse_next(Refusal::Unavailable);
    slack.refuse_next(Refusal::Word("channel_is_archived"));
    let url = SecretString::from(slack.webhook("operators"));
    let by_webhook = async || {
        SlackWebhooks::new(&Default::default())
            .post(&url, r#"{"text":"x"}"#.to_owned())
            .await
    };
    let error = by_webhook().await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (ErrorKind::Throttled, Some(Duration::from_secs(30)))
    );
    let error = chat(&slack)
        .post(&token(), "one", &message("x"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (ErrorKind::Throttled, Some(Duration::from_secs(30)))
    );
    assert_eq!(by_webhook().await.unwrap_err().kind, ErrorKind::Unavailable);
    let answer = hook(&slack, r#"{"text":"x"}"#).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (410, &b"channel_is_archived"[..])
    );

    slack.refuse_next(Refusal::Word("channel_not_found"));
    slack.refuse_next(Refusal::InvalidBlocks);
    slack.refuse_next(Refusal::ServerError);
    for kind in [
        ErrorKind::Missing,
        ErrorKind::Invalid,
        ErrorKind::Unavailable,
    ] {
        assert_eq!(
            chat(&slack)
                .post(&token(), "one", &message("x"))
                .await
                .unwrap_err()
                .kind,
            kind
        );
    }
    assert_eq!(slack.posts(), []);
    by_webhook().await.unwrap();
    assert_eq!(slack.posts().len(), 1);
}

#[tokio::test]
async fn what_a_proxy_says_in_slacks_place_is_not_told_on_either_way() {
    let slack = Slack::start().await.unwrap();
    let url = SecretString::from(slack.webhook("operators"));
    let webhooks = SlackWebhooks::new(&Default::default());
    for (refusal, kind) in [
        (Refusal::Page, ErrorKind::Unavailable),
        (Refusal::Empty, ErrorKind::Unavailable),
        (Refusal::NotOk("channel_not_found"), ErrorKind::Missing),
    ] {
        slack.refuse(2, refusal);
        let body = r#"{"text":"x"}"#.to_owned();
        let error = webhooks.post(&url, body).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{refusal:?}");
        let error = chat(&slack)
            .post(&token(), "one", &message("x"))
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{refusal:?}");
    }
    let at = Timestamp::now() + SignedDuration::from_secs(90);
    slack.refuse_next(Refusal::RateLimitedUntil(at));
    let body = r#"{"text":"x"}"#.to_owned();
    let error = webhooks.post(&url, body).await.unwrap_err();
    let pause = error.retry_after.unwrap().as_secs();
    assert!((60..=90).contains(&pause), "{pause}");
    assert_eq!(slack.posts(), []);
}

#[tokio::test]
async fn of_a_lost_request_nothing_is_posted_and_of_a_lost_answer_all_is() {
    for (refusal, posted) in [(Refusal::LostRequest, 0), (Refusal::LostAnswer, 1)] {
        let slack = Slack::start().await.unwrap();
        slack.refuse_next(refusal);
        let error = chat(&slack)
            .post(&token(), "one", &message("x"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, slack.posts().len()),
            (ErrorKind::Unavailable, posted),
            "{refusal:?}"
        );
        let found = find(
            &slack,
            None,
            "one",
            Timestamp::now() - SignedDuration::from_secs(60),
        )
        .await;
        assert_eq!(found.is_some(), posted == 1);
    }
}

#[tokio::test]
async fn silence_lasts_until_the_client_gives_up_and_others_are_heard_meanwhile() {
    let slack = Slack::start().await.unwrap();
    slack.refuse_next(Refusal::Silence);
    let waited =
        tokio::time::timeout(Duration::from_millis(200), post(&slack, message("unheard"))).await;
    assert!(waited.is_err());
    assert_eq!(post(&slack, message("heard")).await["ok"], true);
    assert_eq!(slack.posts().len(), 1);
}

#[tokio::test]
async fn on_a_simulated_clock_messages_arrive_then() {
    let slack = Slack::start().await.unwrap();
    let then = Timestamp::now() + SignedDuration::from_hours(24 * 365);
    slack.set_clock(then);
    let posted = chat(&slack)
        .post(&token(), "one", &message("x"))
        .await
        .unwrap();
    assert!(slack.posts()[0].at.duration_since(then) < SignedDuration::from_secs(60));
    assert_eq!(find(&slack, None, "one", then).await, Some(posted));
}
