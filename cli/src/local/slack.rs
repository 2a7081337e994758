//! A stand-in for Slack's incoming webhooks: it keeps what is posted, and refuses when told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use serde_json::Value;

use super::http::{Answer, Server, response};

/// Webhooks on the loopback interface, until it is dropped.
#[derive(Debug)]
pub struct Slack {
    server: Server,
    state: Arc<Mutex<State>>,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The channel, as [`Slack::webhook`] was given it.
    pub channel: String,
    /// The message: `text`, `blocks` and whatever else came.
    pub body: Value,
}

/// What Slack answers instead of accepting a message. (Slack API, "Incoming webhooks", "Rate limits".)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Status 429, to be tried again after this many seconds.
    RateLimited(u64),
    /// Status 500.
    ServerError,
    /// Status 400, `invalid_blocks`.
    InvalidBlocks,
}

#[derive(Debug, Default)]
struct State {
    posts: Vec<Post>,
    refusals: VecDeque<Refusal>,
}

impl Slack {
    /// Starts with nothing posted.
    pub async fn start() -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let handler = state.clone();
        let server = Server::start(move |request| {
            let answer = answer(&handler, &request);
            async { answer }
        })
        .await?;
        Ok(Self { server, state })
    }

    /// The webhook of a channel.
    pub fn webhook(&self, channel: &str) -> String {
        format!("{}/services/{channel}", self.server.url())
    }

    /// Every message that was accepted, in order.
    pub fn posts(&self) -> Vec<Post> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).posts.clone()
    }

    /// Refuses the next message; of several such calls, each refuses one.
    pub fn refuse_next(&self, refusal: Refusal) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refusals.push_back(refusal);
    }
}

fn answer(state: &Mutex<State>, request: &Request<Bytes>) -> Answer {
    let plain = |status, text: &'static str| Ok(response(status, "text/plain", text));
    let channel = request.uri().path().strip_prefix("/services/");
    let (&Method::POST, Some(channel)) = (request.method(), channel) else {
        return plain(StatusCode::NOT_FOUND, "no_service");
    };
    let Ok(body) = serde_json::from_slice(request.body()) else {
        return plain(StatusCode::BAD_REQUEST, "invalid_payload");
    };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    match state.refusals.pop_front() {
        None => {
            state.posts.push(Post { channel: channel.to_owned(), body });
            plain(StatusCode::OK, "ok")
        }
        Some(Refusal::RateLimited(seconds)) => {
            let mut refused = response(StatusCode::TOO_MANY_REQUESTS, "text/plain", "rate_limited");
            refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(refused)
        }
        Some(Refusal::ServerError) => plain(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        Some(Refusal::InvalidBlocks) => plain(StatusCode::BAD_REQUEST, "invalid_blocks"),
    }
}
