//! The methods of Slack's Web API that Banto calls. (Slack's Web API reference of each.)

use banto_ports::MemberState;
use bytes::Bytes;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{Post, State, TOKEN, fits};

/// A method's arguments.
type Arguments = Map<String, Value>;

/// A method's answer: JSON, or Slack's word for what is wrong.
type Said = Result<Value, &'static str>;

/// Arguments that say where a message goes, and are no part of it.
const PLACE: [&str; 4] = ["channel", "ts", "thread_ts", "reply_broadcast"];

/// Most messages of a history, and how many where nobody says.
const MOST: usize = 999;
const DEFAULT: usize = 100;

/// Carries a method out.
pub(super) fn call(state: &mut State, method: &str, request: &Request<Bytes>) -> Said {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match token.map(|token| token.strip_prefix("Bearer ")) {
        None => return Err("not_authed"),
        Some(token) if token != Some(TOKEN) => return Err("invalid_auth"),
        Some(_) => {}
    }
    let arguments = arguments(request)?;
    match method {
        "chat.postMessage" => post(state, &arguments),
        "chat.update" => update(state, &arguments),
        "conversations.history" => history(state, &arguments),
        "conversations.replies" => replies(state, &arguments),
        // What it says of the token is in a header.
        "auth.test" => Ok(json!({ "ok": true })),
        "users.info" if is_json(request) => Err("invalid_arguments"),
        "users.info" => member(state, &arguments),
        _ => Err("unknown_method"),
    }
}

/// True if the arguments come as JSON, which not every method takes.
fn is_json(request: &Request<Bytes>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn arguments(request: &Request<Bytes>) -> Result<Arguments, &'static str> {
    if is_json(request) {
        return serde_json::from_slice(request.body()).map_err(|_| "invalid_json");
    }
    let form = std::str::from_utf8(request.body()).map_err(|_| "invalid_form_data")?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text)
            .decode_utf8()
            .map(String::from)
            .map_err(|_| "invalid_form_data")
    };
    let fields = form
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Ok((decoded(name)?, Value::String(decoded(value)?)))
        });
    fields.collect()
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A yes or no, as JSON or as a form has it.
fn is_set(arguments: &Arguments, name: &str) -> bool {
    match arguments.get(name) {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(is)) => is == "true" || is == "1",
        _ => false,
    }
}

fn channel(arguments: &Arguments) -> Result<&str, &'static str> {
    text(arguments, "channel").ok_or("channel_not_found")
}

/// Finds a message by its channel and time.
fn position(state: &State, channel: &str, ts: Option<&str>) -> Option<usize> {
    state
        .posts
        .iter()
        .position(|post| post.channel == channel && Some(post.ts.as_str()) == ts)
}

fn content(arguments: &Arguments) -> Value {
    let is_content = |(name, _): &(&String, &Value)| !PLACE.contains(&name.as_str());
    arguments
        .iter()
        .filter(is_content)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The channel of the bot's direct messages to a member, where a member's id is given for a
/// channel.
fn opened(state: &State, channel: &str) -> Result<String, &'static str> {
    let Some(rest) = channel.strip_prefix(['U', 'W']) else {
        return Ok(channel.to_owned());
    };
    match state.members.get(channel) {
        Some(MemberState::Active) => Ok(format!("D{rest}")),
        Some(MemberState::Bot) => Err("cannot_dm_bot"),
        Some(MemberState::Deactivated | MemberState::Outside) | None => Err("channel_not_found"),
    }
}

/// The user object of a member, with the fields that tell who that is.
fn member(state: &State, arguments: &Arguments) -> Said {
    let id = text(arguments, "user").ok_or("user_not_found")?;
    let member = *state.members.get(id).ok_or("user_not_found")?;
    Ok(json!({ "ok": true, "user": {
        "id": id,
        "deleted": member == MemberState::Deactivated,
        "is_bot": member == MemberState::Bot,
        "is_stranger": member == MemberState::Outside,
        "is_app_user": false,
        "profile": {},
    } }))
}

fn post(state: &mut State, arguments: &Arguments) -> Said {
    let channel = &opened(state, channel(arguments)?)?;
    let body = content(arguments);
    fits(&body)?;
    has_good_metadata(&body)?;
    let thread = text(arguments, "thread_ts");
    // Only a message of the channel itself has a thread, not one that is in a thread.
    let above = position(state, channel, thread).and_then(|at| state.posts.get(at));
    if thread.is_some() && above.is_none_or(|above| above.thread.is_some()) {
        return Err("thread_not_found");
    }
    let is_broadcast = thread.is_some() && is_set(arguments, "reply_broadcast");
    let post = state.accept(channel, thread.map(str::to_owned), is_broadcast, body);
    Ok(json!({ "ok": true, "channel": channel, "ts": post.ts, "message": shown(&post, true) }))
}

/// Changes a message. What is not given stays, but blocks go where only a text is given; the
/// metadata stays either way.
fn update(state: &mut State, arguments: &Arguments) -> Said {
    let channel = channel(arguments)?;
    let at = position(state, channel, text(arguments, "ts")).ok_or("message_not_found")?;
    let post = state.posts.get_mut(at).ok_or("message_not_found")?;
    let mut body = post.body.clone();
    if let (Some(fields), Value::Object(new)) = (body.as_object_mut(), content(arguments)) {
        if new.contains_key("text") && !new.contains_key("blocks") {
            fields.remove("blocks");
        }
        fields.extend(new);
    }
    fits(&body)?;
    has_good_metadata(&body)?;
    post.earlier.push(std::mem::replace(&mut post.body, body));
    Ok(json!({ "ok": true, "channel": channel, "ts": post.ts, "text": post.body.get("text") }))
}

fn has_good_metadata(body: &Value) -> Result<(), &'static str> {
    let is_good = body.get("metadata").is_none_or(|metadata| {
        metadata.get("event_type").is_some_and(Value::is_string)
            && metadata.get("event_payload").is_some_and(Value::is_object)
    });
    is_good.then_some(()).ok_or("invalid_metadata_format")
}

/// The messages of a channel, the newest first, without threads.
fn history(state: &State, arguments: &Arguments) -> Said {
    let channel = channel(arguments)?;
    let is_in =
        |post: &&Post| post.channel == channel && (post.thread.is_none() || post.is_broadcast);
    page(state.posts.iter().rev().filter(is_in), arguments)
}

/// A message and its thread, the oldest first.
fn replies(state: &State, arguments: &Arguments) -> Said {
    let channel = channel(arguments)?;
    let at = position(state, channel, text(arguments, "ts")).ok_or("thread_not_found")?;
    let above = state.posts.get(at).ok_or("thread_not_found")?;
    let is_in = |post: &&Post| post.channel == channel && post.thread.as_ref() == Some(&above.ts);
    let mut answer = page(state.posts.iter().filter(is_in), arguments)?;
    // However few are asked for, the message above is the first.
    if let Some(messages) = answer.get_mut("messages").and_then(Value::as_array_mut) {
        messages.insert(0, shown(above, is_set(arguments, "include_all_metadata")));
    }
    Ok(answer)
}

/// As many messages as are asked for, of the time that is asked for.
fn page<'a>(posts: impl Iterator<Item = &'a Post>, arguments: &Arguments) -> Said {
    let time = |name, otherwise| {
        text(arguments, name).map_or(Ok(otherwise), |ts| micros(ts).ok_or("invalid_arguments"))
    };
    let (oldest, latest) = (time("oldest", i64::MIN)?, time("latest", i64::MAX)?);
    let is_inclusive = is_set(arguments, "inclusive");
    let is_in_time = |post: &&Post| {
        let at = post.at.as_microsecond();
        (oldest < at && at < latest) || (is_inclusive && (at == oldest || at == latest))
    };
    let limit = match arguments.get("limit") {
        Some(Value::String(limit)) => limit.parse().unwrap_or(DEFAULT),
        Some(limit) => limit
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(DEFAULT),
        None => DEFAULT,
    };
    let has_metadata = is_set(arguments, "include_all_metadata");
    let mut posts = posts.filter(is_in_time);
    let messages: Vec<Value> = posts
        .by_ref()
        .take(limit.min(MOST))
        .map(|post| shown(post, has_metadata))
        .collect();
    Ok(json!({ "ok": true, "messages": messages, "has_more": posts.next().is_some() }))
}

/// A message as Slack tells it.
fn shown(post: &Post, has_metadata: bool) -> Value {
    let mut message = post.body.clone();
    let Some(fields) = message.as_object_mut() else {
        return message;
    };
    if !has_metadata {
        fields.remove("metadata");
    }
    fields.insert("type".to_owned(), "message".into());
    fields.insert("ts".to_owned(), post.ts.clone().into());
    if let Some(thread) = &post.thread {
        fields.insert("thread_ts".to_owned(), thread.clone().into());
    }
    if post.is_broadcast {
        fields.insert("subtype".to_owned(), "thread_broadcast".into());
    }
    message
}

/// Seconds with up to six digits after the point, as in `1405894322.002768`, in microseconds.
fn micros(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}
