//! Messages as one HTML page that looks like Slack, and the lock screens of those who get them.
//!
//! The page needs nothing but itself: no script, no request, and a policy for browsers that allows
//! neither.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::rich_text::{self, Block, Part, Piece, headline, is_address};
use crate::local::slack::Post;

const STYLE: &str = include_str!("page.css");
/// The seal of a head clerk: 番, drawn, since not every system has a font for it.
const SEAL: &str = include_str!("seal.svg");

/// What a page shows.
#[derive(Debug)]
pub struct Page {
    /// What the page is, in a sentence or two.
    pub note: String,
    /// The channels, in their order.
    pub channels: Vec<Channel>,
    /// Names of members, by their ids.
    pub members: BTreeMap<String, String>,
}

/// A channel and its messages.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub topic: String,
    /// Its messages and those of their threads, in order.
    pub messages: Vec<Shown>,
}

/// A message, and what it is an example of.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What kind of message it is; of a message in a thread, nothing.
    pub about: Option<String>,
    /// The message.
    pub post: Post,
}

/// The page, whole.
pub fn html(page: &Page) -> String {
    let links = page.channels.iter().enumerate().map(|(index, channel)| {
        format!(
            "<li><a href=\"#channel-{index}\"><i>#</i>{}</a></li>",
            escaped(&channel.name)
        )
    });
    let channels = page
        .channels
        .iter()
        .enumerate()
        .map(|(index, it)| channel(index, it, &page.members));
    let (links, channels) = (links.collect::<String>(), channels.collect::<String>());
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>What Banto says</title>
<style>
{STYLE}</style>
</head>
<body>
{SEAL}
<div class="app">
<nav aria-label="Channels">
<p class="workspace">{icon}<span>What Banto says</span></p>
<h2>Channels</h2>
<ul>{links}</ul>
<p class="note">{note}</p>
</nav>
<main>
{channels}</main>
</div>
</body>
</html>
"##,
        icon = icon(),
        note = escaped(&page.note),
    )
}

fn icon() -> &'static str {
    r##"<svg class="icon" viewBox="0 0 36 36" aria-hidden="true"><use href="#seal"/></svg>"##
}

fn channel(index: usize, channel: &Channel, members: &BTreeMap<String, String>) -> String {
    let (name, topic) = (escaped(&channel.name), escaped(&channel.topic));
    let mut messages = String::new();
    let mut day = String::new();
    for shown in channel
        .messages
        .iter()
        .filter(|shown| shown.post.thread.is_none() || shown.post.is_broadcast)
    {
        let today = long_day(shown.post.at);
        if today != day {
            put(
                &mut messages,
                format_args!("<p class=\"day\"><span>{today}</span></p>\n"),
            );
            day = today;
        }
        messages.push_str(&message(shown, channel, members));
    }
    format!(
        "<section class=\"channel\" id=\"channel-{index}\">\n<header><h1><i>#</i>{name}</h1><p>{topic}</p></header>\n\
         <div class=\"beside\">\n<div class=\"messages\">\n{messages}</div>\n{}</div>\n</section>\n",
        phone(channel)
    )
}

/// A message of the channel, with its thread below.
fn message(shown: &Shown, channel: &Channel, members: &BTreeMap<String, String>) -> String {
    let post = &shown.post;
    let about = shown.about.as_ref().map_or_else(String::new, |about| {
        format!("<p class=\"about\">{}</p>\n", escaped(about))
    });
    let mut rest = String::new();
    if let Some(thread) = &post.thread {
        let above = channel
            .messages
            .iter()
            .find(|shown| shown.post.ts == *thread);
        let text = above.map_or_else(String::new, |above| first_line(&above.post));
        put(
            &mut rest,
            format_args!("<p class=\"broadcast\">replied to a thread: <span>{text}</span></p>\n"),
        );
    }
    rest.push_str(&blocks(post, members));
    let replies: Vec<&Shown> = channel
        .messages
        .iter()
        .filter(|it| it.post.thread.as_ref() == Some(&post.ts))
        .collect();
    if let Some(last) = replies.last() {
        let count = if replies.len() == 1 {
            "1 reply".to_owned()
        } else {
            format!("{} replies", replies.len())
        };
        let each = replies
            .iter()
            .map(|reply| row("reply", &reply.post, &blocks(&reply.post, members)));
        put(
            &mut rest,
            format_args!(
                "<details class=\"thread\" open><summary>{}<b>{count}</b> <span>Last reply at {}</span></summary>\n{}</details>\n",
                icon(),
                time(last.post.at),
                each.collect::<String>()
            ),
        );
    }
    about + &row("message", post, &rest)
}

fn row(class: &str, post: &Post, inside: &str) -> String {
    let time = time(post.at);
    format!(
        "<article class=\"{class}\">{}<div>\n<p class=\"by\"><b>Banto</b><span class=\"badge\">APP</span><time>{time}</time></p>\n{inside}</div></article>\n",
        icon()
    )
}

/// The body of a message.
fn blocks(post: &Post, members: &BTreeMap<String, String>) -> String {
    let blocks = rich_text::blocks(&post.body);
    blocks.iter().map(|it| block(it, members)).collect()
}

fn block(block: &Block, members: &BTreeMap<String, String>) -> String {
    match block {
        Block::Header(text) => format!("<h3>{}</h3>\n", escaped(text)),
        Block::RichText(parts) => {
            let each = parts.iter().map(|it| part(it, members));
            format!("<div class=\"text\">{}</div>\n", each.collect::<String>())
        }
    }
}

fn part(part: &Part, members: &BTreeMap<String, String>) -> String {
    match part {
        Part::Line(pieces) => format!("<p>{}</p>", line(pieces, members)),
        Part::Code(code) => format!("<pre>{}</pre>", escaped(code)),
        Part::List(lines) => {
            let each = lines
                .iter()
                .map(|it| format!("<li>{}</li>", line(it, members)));
            format!("<ul>{}</ul>", each.collect::<String>())
        }
    }
}

fn line(pieces: &[Piece], members: &BTreeMap<String, String>) -> String {
    pieces.iter().map(|it| piece(it, members)).collect()
}

fn piece(piece: &Piece, members: &BTreeMap<String, String>) -> String {
    match piece {
        Piece::Text {
            text,
            is_bold: true,
        } => format!("<b>{}</b>", escaped(text)),
        Piece::Text { text, .. } => escaped(text),
        Piece::Time(text) => format!("<span class=\"date\">{}</span>", escaped(text)),
        Piece::Link { url, label } if is_address(url) => {
            format!(
                "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
                escaped(url),
                escaped(label)
            )
        }
        Piece::Link { label, .. } => escaped(label),
        Piece::Mention(id) => format!(
            "<span class=\"mention\">@{}</span>",
            escaped(members.get(id).unwrap_or(id))
        ),
    }
}

/// A lock screen, which shows of each message the first line only, the newest message first.
fn phone(channel: &Channel) -> String {
    let latest = channel
        .messages
        .iter()
        .map(|shown| shown.post.at)
        .max()
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let each = channel.messages.iter().rev().map(|Shown { post, .. }| {
        let place = if post.thread.is_some() { "Thread in " } else { "" };
        format!(
            "<li>{}<div><p><b>{place}#{}</b><time>{}</time></p><p class=\"line\">Banto: {}</p></div></li>\n",
            icon(),
            escaped(&channel.name),
            time(post.at),
            first_line(post)
        )
    });
    format!(
        "<aside class=\"phone\" aria-label=\"The lock screen of whoever reads #{}\">\n<p class=\"clock\">{}</p>\n\
         <p class=\"date\">{}</p>\n<ol>\n{}</ol>\n</aside>\n",
        escaped(&channel.name),
        time(latest),
        long_day(latest),
        each.collect::<String>()
    )
}

/// The line that a phone showed when the message arrived; a correction makes it ring no more.
fn first_line(post: &Post) -> String {
    escaped(&headline(post.earlier.first().unwrap_or(&post.body)))
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

fn long_day(at: Timestamp) -> String {
    at.strftime("%A, %-d %B").to_string()
}

/// A text that HTML takes for nothing but text, in an element and in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _infallible = text.write_fmt(more).is_ok();
}
