//! A stand-in for Slack: incoming webhooks, and the Web API for a bot token. It keeps what is
//! posted, and refuses when told to.
//!
//! Where it falls short of the real one: every channel exists and the bot is in it, but members are
//! those that were added; of blocks it knows those that Banto makes; it holds nobody to Slack's
//! pace but keeps what a test needs to do so; and it gives each page of a history without a cursor
//! to the next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use banto_notice::slack;
use banto_ports::MemberState;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::http::{Answer, HangUp, Server, response};

#[cfg(test)]
mod direct_tests;
#[cfg(test)]
mod tests;
mod web_api;

/// The content type of the Web API's answers.
const JSON: &str = "application/json; charset=utf-8";

/// The bot token, which every call of the Web API must carry.
pub const TOKEN: &str = "xoxb-of-the-local-slack-only";
/// The scopes that the token has: those that docs/OPERATIONS.md asks for.
const SCOPES: &str = "chat:write,channels:history,users:read";

/// Slack on the loopback interface, until it is dropped.
#[derive(Debug)]
pub struct Slack {
    server: Server,
    state: Arc<Mutex<State>>,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The channel: as [`Slack::webhook`] was given it, or its id. That of direct messages to a
    /// member is the member's id, with a `D` for its first letter.
    pub channel: String,
    /// Slack's id of the message, which no other message has.
    pub ts: String,
    /// The message whose thread it is in.
    pub thread: Option<String>,
    /// True if the channel sees it too, though it is in a thread.
    pub is_broadcast: bool,
    /// The message as it is now: `text`, `blocks` and whatever else came.
    pub body: Value,
    /// Its text before each correction, the first first.
    pub earlier: Vec<Value>,
    /// When it arrived.
    pub at: Timestamp,
}

/// What Slack does instead of taking a call. (Slack's "Rate limits", "Incoming webhooks" and "Web
/// API" pages.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Status 429, to be tried again after this many seconds.
    RateLimited(u64),
    /// The same, with the time at which to try again in place of the seconds, as a proxy may say
    /// it.
    RateLimitedUntil(Timestamp),
    /// Status 500.
    ServerError,
    /// Status 503.
    Unavailable,
    /// Slack's word for what is wrong, as in `channel_not_found`.
    Word(&'static str),
    /// `invalid_blocks`.
    InvalidBlocks,
    /// A page of HTML with status 200, as a proxy may have one in place of Slack's answer.
    Page,
    /// Nothing with status 200, as a proxy may answer, too.
    Empty,
    /// JSON that is not ok, with status 200 and Slack's word, on whichever way.
    NotOk(&'static str),
    /// No answer at all, for as long as the client waits.
    Silence,
    /// The connection is closed before anything is done.
    LostRequest,
    /// The call is carried out, but the connection is closed before its answer.
    LostAnswer,
}

#[derive(Debug, Default)]
struct State {
    posts: Vec<Post>,
    refusals: VecDeque<Refusal>,
    /// The workspace's members, by their ids.
    members: BTreeMap<String, MemberState>,
    /// Time that this clock is ahead of the machine's.
    ahead: SignedDuration,
}

/// Where a call comes in.
#[derive(Debug, Clone, Copy)]
enum Door<'a> {
    /// The webhook of a channel.
    Webhook(&'a str),
    /// A method of the Web API.
    WebApi(&'a str),
}

impl Post {
    /// The place as people call it: `#payments`, or the member whom a direct message is for, as in
    /// `@U024BE7LH`.
    pub fn place(&self) -> String {
        let is_of_ids = |rest: &&str| rest.chars().all(|c| c.is_ascii_digit() || c.is_uppercase());
        match self.channel.strip_prefix('D').filter(is_of_ids) {
            Some(rest) => format!("@U{rest}"),
            None => format!("#{}", self.channel),
        }
    }
}

impl Slack {
    /// Starts with nothing posted.
    pub async fn start() -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let handler = state.clone();
        let server = Server::start(move |request| answer(handler.clone(), request)).await?;
        Ok(Self { server, state })
    }

    /// The webhook of a channel.
    pub fn webhook(&self, channel: &str) -> String {
        format!("{}/services/{channel}", self.server.url())
    }

    /// The Web API, as `SLACK_API_URL` takes it.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.server.url())
    }

    /// Every message that was accepted, in order.
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.state).posts.clone()
    }

    /// Adds a member to the workspace, or changes the state of one.
    pub fn set_member(&self, id: &str, state: MemberState) {
        lock(&self.state).members.insert(id.to_owned(), state);
    }

    /// Refuses the next call, whatever it is; of several such calls, each refuses one.
    pub fn refuse_next(&self, refusal: Refusal) {
        self.refuse(1, refusal);
    }

    /// Refuses the next calls, after those that are to be refused already.
    pub fn refuse(&self, times: usize, refusal: Refusal) {
        lock(&self.state)
            .refusals
            .extend(std::iter::repeat_n(refusal, times));
    }

    /// Sets the clock, which goes on from there: a function on a simulated clock looks for its own
    /// messages by time.
    pub fn set_clock(&self, now: Timestamp) {
        lock(&self.state).ahead = now.duration_since(Timestamp::now());
    }
}

impl State {
    /// Takes a message. Times are whole microseconds, and each is later than the one before.
    fn accept(
        &mut self,
        channel: &str,
        thread: Option<String>,
        is_broadcast: bool,
        body: Value,
    ) -> Post {
        let now = Timestamp::now()
            .checked_add(self.ahead)
            .unwrap_or(Timestamp::MAX);
        let least = self
            .posts
            .last()
            .map_or(0, |last| last.at.as_microsecond() + 1);
        let micros = now.as_microsecond().max(least);
        let post = Post {
            channel: channel.to_owned(),
            ts: format!(
                "{}.{:06}",
                micros.div_euclid(1_000_000),
                micros.rem_euclid(1_000_000)
            ),
            thread,
            is_broadcast,
            body,
            earlier: Vec::new(),
            at: Timestamp::from_microsecond(micros).unwrap_or(now),
        };
        self.posts.push(post.clone());
        post
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Bytes>) -> Answer {
    let path = request.uri().path();
    let door = match (path.strip_prefix("/services/"), path.strip_prefix("/api/")) {
        (Some(channel), _) if request.method() == Method::POST => Door::Webhook(channel),
        (_, Some(method)) => Door::WebApi(method),
        _ => return Ok(response(StatusCode::NOT_FOUND, "text/plain", "no_service")),
    };
    let refusal = lock(&state).refusals.pop_front();
    match refusal {
        None => door.open(&state, &request),
        Some(Refusal::Silence) => std::future::pending().await,
        Some(Refusal::LostRequest) => Err(HangUp),
        Some(Refusal::LostAnswer) => door.open(&state, &request).and(Err(HangUp)),
        Some(Refusal::Word(word)) => door.say(Err(word)),
        Some(Refusal::InvalidBlocks) => door.say(Err("invalid_blocks")),
        Some(Refusal::Page) => {
            let page = "<html><body>Please sign in.</body></html>";
            Ok(response(StatusCode::OK, "text/html", page))
        }
        Some(Refusal::Empty) => Ok(response(StatusCode::OK, "text/plain", "")),
        Some(Refusal::NotOk(word)) => Ok(response(StatusCode::OK, JSON, not_ok(word))),
        Some(Refusal::ServerError) => Ok(response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            "server_error",
        )),
        Some(Refusal::Unavailable) => {
            Ok(response(StatusCode::SERVICE_UNAVAILABLE, "text/plain", ""))
        }
        Some(Refusal::RateLimited(seconds)) => Ok(door.rate_limited(HeaderValue::from(seconds))),
        Some(Refusal::RateLimitedUntil(at)) => {
            let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let date = HeaderValue::try_from(date).unwrap_or(HeaderValue::from_static("0"));
            Ok(door.rate_limited(date))
        }
    }
}

fn not_ok(word: &str) -> String {
    json!({ "ok": false, "error": word }).to_string()
}

impl Door<'_> {
    /// Carries a call out.
    fn open(self, state: &Mutex<State>, request: &Request<Bytes>) -> Answer {
        let mut state = lock(state);
        self.say(match self {
            Self::WebApi(method) => web_api::call(&mut state, method, request),
            Self::Webhook(channel) => match serde_json::from_slice(request.body()) {
                Err(_) => Err("invalid_payload"),
                Ok(body) => fits(&body).map(|()| {
                    state.accept(channel, None, false, body);
                    Value::Null
                }),
            },
        })
    }

    /// Answers as Slack does there: webhooks with a status and a word, the Web API with JSON.
    fn say(self, said: Result<Value, &'static str>) -> Answer {
        let plain = |status, word: &'static str| Ok(response(status, "text/plain", word));
        match (self, said) {
            (Self::Webhook(_), Ok(_)) => plain(StatusCode::OK, "ok"),
            (Self::Webhook(_), Err(word)) => plain(status_of(word), word),
            (Self::WebApi(_), said) => {
                let said = said.map_or_else(not_ok, |said| said.to_string());
                let mut answer = response(StatusCode::OK, JSON, said);
                let scopes = HeaderValue::from_static(SCOPES);
                answer.headers_mut().insert("x-oauth-scopes", scopes);
                Ok(answer)
            }
        }
    }

    /// Answers with status 429.
    fn rate_limited(self, retry_after: HeaderValue) -> Response<Full<Bytes>> {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut refused = match self {
            Self::Webhook(_) => response(status, "text/plain", "rate_limited"),
            Self::WebApi(_) => response(status, JSON, not_ok("ratelimited")),
        };
        refused.headers_mut().insert(RETRY_AFTER, retry_after);
        refused
    }
}

/// The status that a webhook says a word with. (Slack's changelog, "Improving error conditions for
/// Incoming Webhooks".)
fn status_of(word: &str) -> StatusCode {
    match word {
        "action_prohibited" | "invalid_token" => StatusCode::FORBIDDEN,
        "channel_not_found" | "no_service" | "no_team" => StatusCode::NOT_FOUND,
        "channel_is_archived" => StatusCode::GONE,
        "rollup_error" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Answers as Slack does: it takes this content, or has a word for why not. A message without
/// `text` is refused, though Slack would take one that has blocks: nobody could read it on a lock
/// screen.
fn fits(body: &Value) -> Result<(), &'static str> {
    if body
        .get("text")
        .and_then(Value::as_str)
        .is_none_or(|text| text.trim().is_empty())
    {
        return Err("no_text");
    }
    if body.get("blocks").is_none() {
        return Ok(());
    }
    let problems = slack::check(body);
    match problems
        .iter()
        .all(|problem| problem.ends_with("characters in all"))
    {
        true if problems.is_empty() => Ok(()),
        true => Err("msg_blocks_too_long"),
        false => Err("invalid_blocks"),
    }
}
