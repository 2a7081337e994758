//! Slack by a bot token: `chat.postMessage`, `chat.update`, `conversations.history`,
//! `conversations.replies` and `users.info`. (Slack's Web API reference of each.)

use async_trait::async_trait;
use banto_domain::SlackCloud;
use banto_domain::compliance::MessageRef;
use banto_ports::{Chat, ErrorKind, MemberState, PortError};
use banto_tls::TrustedRoots;
use http::{Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::http::{Answered, Http, invalid, is_local, kind_of, refused};
use crate::slack::is_member_id;

const POST: &str = "slack:chat.postMessage";
const UPDATE: &str = "slack:chat.update";
const HISTORY: &str = "slack:conversations.history";
const REPLIES: &str = "slack:conversations.replies";
const MEMBER: &str = "slack:users.info";

/// The content type of arguments for methods that take no JSON.
const FORM: &str = "application/x-www-form-urlencoded";

/// Names another Web API than that of slack.com.
const API_VARIABLE: &str = "SLACK_API_URL";

/// Most bytes of an answer that are read: a message that was posted comes back, with up to twelve
/// bytes for a character (two escapes of UTF-16) and its text twice, as text and in blocks. Of some
/// 13,000 characters that are 312 KB.
const ANSWER_BYTES: usize = 512 * 1024;
/// A hundred messages of a history.
const HISTORY_BYTES: usize = 4 * 1024 * 1024;
/// How many messages of a channel are looked through.
const LOOKED_THROUGH: usize = 100;

/// Slackbot's id in every workspace, whose user object does not say that it is a bot.
const SLACKBOT: &str = "USLACKBOT";
/// Fields of a user object that are true of programs.
const BOTS: [&str; 3] = ["is_bot", "is_workflow_bot", "is_connector_bot"];
/// Fields of a user object that are true of people who are not in the workspace, or not yet.
const OUTSIDERS: [&str; 2] = ["is_stranger", "is_invited_user"];

/// What the messages' own data is called in Slack.
const EVENT: &str = "banto_notice";

/// Slack's Web API. The client is made when it is first needed.
#[derive(Debug)]
pub struct SlackChat {
    http: Http,
    api: String,
}

/// Another Slack that was asked for and refused: whoever has the token may write as the bot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{API_VARIABLE} is neither {}, nor {} for GovSlack, nor http on this machine for tests and the demo",
    SlackCloud::Commercial.api(),
    SlackCloud::Gov.api()
)]
pub struct NotSlack;

impl SlackChat {
    /// Reads the environment: which Slack is meant (`SLACK_API_URL`; slack.com's without it). These
    /// authorities vouch for its certificate.
    ///
    /// # Errors
    /// If it is neither of Slack's own nor on this machine.
    pub fn from_env(roots: &TrustedRoots) -> Result<Self, NotSlack> {
        match std::env::var(API_VARIABLE) {
            Ok(url) => Self::at(&url, roots),
            Err(_) => Self::at(SlackCloud::Commercial.api(), roots),
        }
    }

    /// A Slack by the address of its Web API.
    ///
    /// # Errors
    /// As for [`Self::from_env`].
    pub fn at(url: &str, roots: &TrustedRoots) -> Result<Self, NotSlack> {
        let url = url.trim_end_matches('/');
        let is_slack = [SlackCloud::Commercial, SlackCloud::Gov]
            .iter()
            .any(|cloud| cloud.api() == url);
        let uri: Uri = url.parse().map_err(|_| NotSlack)?;
        let is_here = uri.scheme_str() == Some("http") && uri.host().is_some_and(is_local);
        if is_slack || is_here {
            Ok(Self {
                http: Http::new(roots),
                api: url.to_owned(),
            })
        } else {
            Err(NotSlack)
        }
    }

    /// Asks a method that only looks, and answers what it says, `ok` or not: of all that only `ok`,
    /// `error` and `scopes`, those of the token, so that nothing of a channel is handed on.
    ///
    /// # Errors
    /// If Slack can't be asked, or says nothing that can be read.
    pub async fn look(
        &self,
        call: &'static str,
        token: &SecretString,
        form: String,
    ) -> Result<Value, PortError> {
        let asked = self.asked(call, token, FORM, form, ANSWER_BYTES);
        let answered = asked.await?;
        let answer: Option<Value> = serde_json::from_slice(&answered.body).ok();
        let Some(answer) = answer.filter(|_| answered.status.is_success()) else {
            return Err(refused(call, kind_of(answered.status), &answered, ""));
        };
        let field = |name| answer.get(name).cloned().unwrap_or_default();
        Ok(json!({"ok": field("ok"), "error": field("error"), "scopes": answered.scopes}))
    }

    async fn ask(
        &self,
        call: &'static str,
        token: &SecretString,
        content_type: &str,
        body: String,
        most: usize,
    ) -> Result<Value, PortError> {
        let answered = self.asked(call, token, content_type, body, most).await?;
        let answer: Option<Value> = serde_json::from_slice(&answered.body).ok();
        match answer {
            Some(answer)
                if answered.status.is_success() && answer.get("ok") == Some(&Value::Bool(true)) =>
            {
                Ok(answer)
            }
            Some(answer) => Err(not_ok(
                call,
                &answered,
                answer.get("error").and_then(Value::as_str),
            )),
            None if answered.status.is_success() => Err(PortError::new(
                ErrorKind::Unavailable,
                call,
                "an answer that can't be read",
            )),
            None => Err(refused(call, kind_of(answered.status), &answered, "")),
        }
    }

    async fn asked(
        &self,
        call: &'static str,
        token: &SecretString,
        content_type: &str,
        body: String,
        most: usize,
    ) -> Result<Answered, PortError> {
        let method = call.strip_prefix("slack:").unwrap_or(call);
        let request = Request::post(format!("{}/{method}", self.api))
            .header("content-type", content_type)
            .header(
                "authorization",
                format!("Bearer {}", token.expose_secret().trim()),
            )
            .body(Full::<Bytes>::from(body));
        let request = request.map_err(|_| invalid(call, "the token can't be used"))?;
        self.http.ask(call, request, most).await
    }

    async fn write(
        &self,
        call: &'static str,
        token: &SecretString,
        body: &Value,
    ) -> Result<MessageRef, PortError> {
        let answer = self
            .ask(
                call,
                token,
                "application/json; charset=utf-8",
                body.to_string(),
                ANSWER_BYTES,
            )
            .await?;
        let text = |name| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = text("channel")
            .zip(text("ts"))
            .map(|(channel, ts)| MessageRef { channel, ts });
        message.ok_or_else(|| {
            PortError::new(
                ErrorKind::Unavailable,
                call,
                "the answer lacks the message's id",
            )
        })
    }
}

#[async_trait]
impl Chat for SlackChat {
    async fn post(
        &self,
        token: &SecretString,
        id: &str,
        body: &Value,
    ) -> Result<MessageRef, PortError> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert(
                "metadata".into(),
                json!({ "event_type": EVENT, "event_payload": { "id": id } }),
            );
            fields.insert("unfurl_links".into(), Value::Bool(false));
        }
        self.write(POST, token, &body).await
    }

    async fn update(
        &self,
        token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("channel".into(), Value::String(message.channel.clone()));
            fields.insert("ts".into(), Value::String(message.ts.clone()));
        }
        self.write(UPDATE, token, &body).await.map(drop)
    }

    async fn find(
        &self,
        token: &SecretString,
        channel: &str,
        thread: Option<&MessageRef>,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        // Ids of channels and messages are letters, digits and a point, so that nothing here needs
        // an encoding.
        let mut form = format!(
            "channel={channel}&oldest={}&inclusive=true&include_all_metadata=true&limit={LOOKED_THROUGH}",
            since.as_second()
        );
        form.extend(thread.iter().flat_map(|message| ["&ts=", &message.ts]));
        let call = if thread.is_some() { REPLIES } else { HISTORY };
        let answer = self.ask(call, token, FORM, form, HISTORY_BYTES).await?;
        let messages = answer
            .get("messages")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let found = messages.iter().find(|message| {
            let of = |pointer| message.pointer(pointer).and_then(Value::as_str);
            of("/metadata/event_type") == Some(EVENT)
                && of("/metadata/event_payload/id") == Some(id)
        });
        let ts = found.and_then(|message| message.get("ts")?.as_str());
        Ok(ts.map(|ts| MessageRef {
            channel: channel.to_owned(),
            ts: ts.to_owned(),
        }))
    }

    async fn member(&self, token: &SecretString, id: &str) -> Result<MemberState, PortError> {
        // An id is letters and digits; whatever else a text holds could be another argument.
        if !is_member_id(id) {
            return Err(invalid(MEMBER, "the text is no member's id"));
        }
        let form = format!("user={id}");
        let answer = self.ask(MEMBER, token, FORM, form, ANSWER_BYTES).await?;
        let user = answer.get("user").unwrap_or(&Value::Null);
        state_of(user, id).ok_or_else(|| {
            PortError::new(
                ErrorKind::Unavailable,
                MEMBER,
                "the answer does not say who that is",
            )
        })
    }
}

/// The state of a user object, if it is that of the id which was asked for. (Slack's "User object";
/// fields that say no may be left out, but `deleted`.)
fn state_of(user: &Value, id: &str) -> Option<MemberState> {
    let has_id = user.get("id").and_then(Value::as_str) == Some(id);
    let is_deleted = user.get("deleted").and_then(Value::as_bool);
    let is_any = |fields: &[&str]| {
        let is_set = |field: &&str| user.get(field) == Some(&Value::Bool(true));
        fields.iter().any(is_set)
    };
    let state = match is_deleted.filter(|_| has_id)? {
        true => MemberState::Deactivated,
        false if id == SLACKBOT || is_any(&BOTS) => MemberState::Bot,
        false if is_any(&OUTSIDERS) => MemberState::Outside,
        false => MemberState::Active,
    };
    Some(state)
}

/// Slack says no with status 200 and a word. (Slack's Web API reference, "Errors" of each method.)
fn not_ok(call: &'static str, answered: &Answered, word: Option<&str>) -> PortError {
    let word = word.unwrap_or_default();
    let kind = match word {
        "ratelimited" | "rate_limited" => ErrorKind::Throttled,
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => ErrorKind::Unavailable,
        "channel_not_found" | "is_archived" | "message_not_found" | "thread_not_found"
        | "user_not_found" | "user_not_visible" => ErrorKind::Missing,
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive"
        | "missing_scope" | "not_in_channel" | "restricted_action" | "no_permission"
        | "access_denied" | "ekm_access_denied" => ErrorKind::Denied,
        _ if answered.status.is_success() => ErrorKind::Invalid,
        _ => kind_of(answered.status),
    };
    refused(call, kind, answered, word)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// A Slack that gives one answer, and what it was asked.
    fn answering(head: &str, body: &str) -> (SlackChat, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (send, asked) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap();
            send.send(String::from_utf8_lossy(&request[..length]).into_owned())
                .unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        (
            SlackChat::at(&url, &TrustedRoots::default()).unwrap(),
            asked,
        )
    }

    fn token() -> SecretString {
        SecretString::from("xoxb-confidential\n")
    }

    #[tokio::test]
    async fn a_message_is_posted_with_the_id_by_which_it_is_found_again() {
        let (slack, asked) = answering("200 OK", r#"{"ok":true,"channel":"C024BE91L","ts":"1.2"}"#);
        let message = slack
            .post(
                &token(),
                "case",
                &json!({ "channel": "C024BE91L", "text": "hello" }),
            )
            .await
            .unwrap();
        assert_eq!(
            message,
            MessageRef {
                channel: "C024BE91L".into(),
                ts: "1.2".into()
            }
        );
        let asked = asked.recv().unwrap();
        assert!(
            asked.starts_with("POST /api/chat.postMessage HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(
            asked.contains("authorization: Bearer xoxb-confidential\r\n"),
            "{asked}"
        );
        assert!(
            asked.contains(
                r#""metadata":{"event_payload":{"id":"case"},"event_type":"banto_notice"}"#
            ),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn a_message_is_found_by_its_id_in_the_channel_and_in_a_thread() {
        let message = MessageRef {
            channel: "C024BE91L".into(),
            ts: "1.2".into(),
        };
        let history = json!({ "ok": true, "messages": [
            { "ts": "3.4", "text": "a person's" },
            { "ts": "1.2", "metadata": { "event_type": "banto_notice", "event_payload": { "id": "case" } } },
        ] });
        let (slack, asked) = answering("200 OK", &history.to_string());
        let found = slack
            .find(
                &token(),
                "C024BE91L",
                None,
                "case",
                Timestamp::from_second(7).unwrap(),
            )
            .await
            .unwrap();
        assert_eq!(found, Some(message.clone()));
        let asked = asked.recv().unwrap();
        assert!(
            asked.starts_with("POST /api/conversations.history "),
            "{asked}"
        );
        assert!(asked.contains("channel=C024BE91L&oldest=7&"), "{asked}");

        let reply = MessageRef {
            ts: "1.2".into(),
            ..message.clone()
        };
        let (slack, asked) = answering("200 OK", &history.to_string());
        let above = MessageRef {
            ts: "0.9".into(),
            ..message
        };
        let since = Timestamp::from_second(7).unwrap();
        let found = slack
            .find(&token(), "C024BE91L", Some(&above), "case", since)
            .await
            .unwrap();
        assert_eq!(found, Some(reply));
        let asked = asked.recv().unwrap();
        assert!(
            asked.starts_with("POST /api/conversations.replies "),
            "{asked}"
        );
        assert!(asked.ends_with("&ts=0.9"), "{asked}");
    }

    #[tokio::test]
    async fn a_message_is_changed_where_it_is() {
        let (slack, asked) = answering("200 OK", r#"{"ok":true,"channel":"C024BE91L","ts":"1.2"}"#);
        let message = MessageRef {
            channel: "C024BE91L".into(),
            ts: "1.2".into(),
        };
        slack
            .update(&token(), &message, &json!({ "text": "resolved" }))
            .await
            .unwrap();
        let asked = asked.recv().unwrap();
        assert!(
            asked.starts_with("POST /api/chat.update HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(
            asked.ends_with(r#"{"channel":"C024BE91L","text":"resolved","ts":"1.2"}"#),
            "{asked}"
        );
    }

    async fn member(head: &str, body: &str) -> Result<MemberState, PortError> {
        let (slack, _asked) = answering(head, body);
        slack.member(&token(), "U024BE7LH").await
    }

    #[tokio::test]
    async fn a_member_is_asked_for_by_a_form_since_slack_takes_no_json_there() {
        let user = r#"{"ok":true,"user":{"id":"U024BE7LH","deleted":false,"is_bot":false}}"#;
        let (slack, asked) = answering("200 OK", user);
        let state = slack.member(&token(), "U024BE7LH").await;
        assert_eq!(state, Ok(MemberState::Active));
        let asked = asked.recv().unwrap();
        for piece in [
            "POST /api/users.info HTTP/1.1\r\n",
            "content-type: application/x-www-form-urlencoded\r\n",
            "authorization: Bearer xoxb-confidential\r\n",
            "\r\n\r\nuser=U024BE7LH",
        ] {
            assert!(asked.contains(piece), "{asked}");
        }
        assert!(asked.ends_with("user=U024BE7LH"), "{asked}");
    }

    #[tokio::test]
    async fn only_a_person_who_is_in_the_workspace_is_an_active_member() {
        for (fields, state) in [
            (r#""deleted":false"#, MemberState::Active),
            // A guest.
            (
                r#""deleted":false,"is_restricted":true"#,
                MemberState::Active,
            ),
            // A person who uses an app is none.
            (r#""deleted":false,"is_app_user":true"#, MemberState::Active),
            (r#""deleted":true"#, MemberState::Deactivated),
            (r#""deleted":true,"is_bot":true"#, MemberState::Deactivated),
            (r#""deleted":false,"is_bot":true"#, MemberState::Bot),
            (
                r#""deleted":false,"is_workflow_bot":true"#,
                MemberState::Bot,
            ),
            (
                r#""deleted":false,"is_connector_bot":true"#,
                MemberState::Bot,
            ),
            (
                r#""deleted":false,"is_stranger":true"#,
                MemberState::Outside,
            ),
            (
                r#""deleted":false,"is_invited_user":true"#,
                MemberState::Outside,
            ),
        ] {
            let user = format!(r#"{{"ok":true,"user":{{"id":"U024BE7LH",{fields}}}}}"#);
            assert_eq!(member("200 OK", &user).await, Ok(state), "{fields}");
        }
        let slackbot = r#"{"ok":true,"user":{"id":"USLACKBOT","deleted":false,"is_bot":false}}"#;
        let (slack, _asked) = answering("200 OK", slackbot);
        let state = slack.member(&token(), "USLACKBOT").await;
        assert_eq!(state, Ok(MemberState::Bot));
    }

    #[tokio::test]
    async fn no_answer_but_one_about_the_member_says_that_they_are_active() {
        let other = r#"{"ok":true,"user":{"id":"U9","deleted":false}}"#;
        let unsaid = r#"{"ok":true,"user":{"id":"U024BE7LH"}}"#;
        for (head, body, kind, says) in [
            ("200 OK", r#"{"ok":true}"#, ErrorKind::Unavailable, "who"),
            ("200 OK", other, ErrorKind::Unavailable, "who"),
            ("200 OK", unsaid, ErrorKind::Unavailable, "who"),
            ("200 OK", "<html>", ErrorKind::Unavailable, "can't be read"),
            ("200 OK", "ok", ErrorKind::Unavailable, "can't be read"),
            (
                "200 OK",
                r#"{"ok":false,"error":"user_not_found"}"#,
                ErrorKind::Missing,
                "user_not_found",
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"user_not_visible"}"#,
                ErrorKind::Missing,
                "user_not_visible",
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"missing_scope","needed":"users:read"}"#,
                ErrorKind::Denied,
                "missing_scope",
            ),
            (
                "429 X\r\nretry-after: 30",
                r#"{"ok":false,"error":"ratelimited"}"#,
                ErrorKind::Throttled,
                "after 30 s",
            ),
            ("502 X", "<html>", ErrorKind::Unavailable, "502"),
        ] {
            let error = member(head, body).await.unwrap_err();
            assert_eq!(error.kind, kind, "{head} {body}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn what_is_no_members_id_is_never_asked_for() {
        // Nobody listens at port 9: a call would fail as unavailable.
        let nobody = SlackChat::at("http://127.0.0.1:9/api", &TrustedRoots::default()).unwrap();
        for id in [
            "alice",
            "",
            "C024BE91L",
            "U024BE7LH&channel=C1",
            "u024be7lh",
        ] {
            let refused = nobody.member(&token(), id).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid, "{id}");
        }
    }

    #[tokio::test]
    async fn every_refusal_has_its_kind_and_none_repeats_the_token() {
        for (head, body, kind, retry_after) in [
            (
                "200 OK",
                r#"{"ok":false,"error":"channel_not_found"}"#,
                ErrorKind::Missing,
                None,
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"missing_scope","needed":"chat:write"}"#,
                ErrorKind::Denied,
                None,
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"token_revoked"}"#,
                ErrorKind::Denied,
                None,
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"invalid_blocks"}"#,
                ErrorKind::Invalid,
                None,
            ),
            (
                "200 OK",
                r#"{"ok":false,"error":"internal_error"}"#,
                ErrorKind::Unavailable,
                None,
            ),
            ("200 OK", "<html>", ErrorKind::Unavailable, None),
            ("200 OK", r#"{"ok":true}"#, ErrorKind::Unavailable, None),
            (
                "429 X\r\nretry-after: 30",
                r#"{"ok":false,"error":"ratelimited"}"#,
                ErrorKind::Throttled,
                Some(30),
            ),
            (
                "429 X\r\nretry-after: 30",
                "",
                ErrorKind::Throttled,
                Some(30),
            ),
            ("503 X", "", ErrorKind::Unavailable, None),
        ] {
            let (slack, _asked) = answering(head, body);
            let error = slack.post(&token(), "case", &json!({})).await.unwrap_err();
            assert_eq!(
                (error.kind, error.retry_after),
                (kind, retry_after.map(Duration::from_secs)),
                "{head} {body}"
            );
            assert!(
                !format!("{error:?} {error}").contains("confidential"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_token_goes_to_slack_or_to_this_machine_only() {
        for (url, api) in [
            ("https://slack.com/api", "https://slack.com/api"),
            ("https://slack-gov.com/api/", "https://slack-gov.com/api"),
            ("http://127.0.0.1:8080/api/", "http://127.0.0.1:8080/api"),
        ] {
            assert_eq!(
                SlackChat::at(url, &TrustedRoots::default()).unwrap().api,
                api
            );
        }
        for url in [
            "https://example.com/api",
            "http://slack.com/api",
            "http://localhost.example.com",
            "nonsense",
            "",
            "https://slack-gov.com.example.com/api",
            "https://slack-gov.com/api/../x",
        ] {
            assert_eq!(
                SlackChat::at(url, &TrustedRoots::default()).unwrap_err(),
                NotSlack,
                "{url}"
            );
        }
    }
}
