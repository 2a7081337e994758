//! Slack's own markup, "mrkdwn", taken apart. (Slack's "Formatting message text".)

/// The emoji that Banto's messages use, by the code that Slack has for each.
const EMOJI: [(&str, &str); 6] = [
    (":white_check_mark:", "✅"),
    (":white_circle:", "⚪"),
    (":information_source:", "ℹ️"),
    (":large_orange_circle:", "🟠"),
    (":key:", "🔑"),
    (":rotating_light:", "🚨"),
];

/// A piece of a text, as people see it: nothing in it is escaped any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Text(String),
    /// `*bold*`
    Bold(Vec<Piece>),
    /// `_italic_`
    Italic(Vec<Piece>),
    /// `~struck~`
    Struck(Vec<Piece>),
    /// `` `code` ``
    Code(String),
    /// Code in a block of its own.
    Block(String),
    /// `<url|label>`, or an address in the text.
    Link { url: String, label: String },
    /// `<@U024BE7LH>`: a member by their id.
    Mention(String),
}

/// A text with Slack's markup.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let (mut found, mut plain) = (Vec::new(), String::new());
    let (mut rest, mut before) = (text, None);
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match marked(rest, first, before) {
            Some((piece, length)) => (Some(piece), length),
            None => (None, first.len_utf8()),
        };
        let (now, later) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match piece {
            Some(piece) => {
                found.extend(text_piece(&mut plain));
                found.push(piece);
            }
            None => plain.push_str(now),
        }
        before = now.chars().last();
        rest = later;
    }
    found.extend(text_piece(&mut plain));
    found
}

/// A text without markup in which codes of emoji count, as a header's does.
pub(super) fn plain_text(text: &str) -> String {
    EMOJI.iter().fold(text.to_owned(), |text, (code, emoji)| {
        text.replace(code, emoji)
    })
}

/// Takes Slack's escapes back.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn text_piece(plain: &mut String) -> Option<Piece> {
    let text = plain_text(&unescaped(&std::mem::take(plain)));
    (!text.is_empty()).then_some(Piece::Text(text))
}

/// The piece that begins here, if it is anything but plain text, and its length in bytes.
fn marked(rest: &str, first: char, before: Option<char>) -> Option<(Piece, usize)> {
    // Within a word a marker is a character like any other.
    let is_start = before.is_none_or(|before| !before.is_alphanumeric());
    match first {
        '`' if rest.starts_with("```") => {
            let (code, length) = enclosed(rest, "```", "```")?;
            Some((Piece::Block(unescaped(code.trim_matches('\n'))), length))
        }
        '`' => {
            let (code, length) =
                enclosed(rest, "`", "`").filter(|(code, _)| !code.contains('\n'))?;
            Some((Piece::Code(unescaped(code)), length))
        }
        '<' => enclosed(rest, "<", ">").map(|(inside, length)| (reference(inside), length)),
        '*' if is_start => styled(rest, "*").map(|(inside, length)| (Piece::Bold(inside), length)),
        '_' if is_start => {
            styled(rest, "_").map(|(inside, length)| (Piece::Italic(inside), length))
        }
        '~' if is_start => {
            styled(rest, "~").map(|(inside, length)| (Piece::Struck(inside), length))
        }
        'h' if is_start && is_address(rest) => {
            let end = rest
                .find(|c: char| c.is_whitespace() || "<>|".contains(c))
                .unwrap_or(rest.len());
            let url = rest
                .get(..end)?
                .trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
            let shown = unescaped(url);
            Some((
                Piece::Link {
                    url: shown.clone(),
                    label: shown,
                },
                url.len(),
            ))
        }
        _ => None,
    }
}

/// True if this begins an address that may be linked to; no other scheme may.
pub(super) fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The text between two marks, if there is any, and the length with its marks.
fn enclosed<'a>(rest: &'a str, open: &str, close: &str) -> Option<(&'a str, usize)> {
    let inside = rest.strip_prefix(open)?;
    let (inside, _) = inside.split_once(close)?;
    (!inside.is_empty()).then_some((inside, open.len() + inside.len() + close.len()))
}

/// The text that a marker styles: on one line, with no space at its ends, and no word going on
/// behind it.
fn styled(rest: &str, marker: &str) -> Option<(Vec<Piece>, usize)> {
    let (inside, length) = enclosed(rest, marker, marker)?;
    let is_tight = inside.trim() == inside && !inside.contains('\n');
    let ends = rest
        .get(length..)?
        .chars()
        .next()
        .is_none_or(|after| !after.is_alphanumeric());
    (is_tight && ends).then(|| (pieces(inside), length))
}

/// The text between `<` and `>`.
fn reference(inside: &str) -> Piece {
    let (target, label) = inside
        .split_once('|')
        .map_or((inside, None), |(target, label)| (target, Some(label)));
    if let Some(member) = target.strip_prefix('@') {
        return Piece::Mention(unescaped(member));
    }
    let label = unescaped(label.unwrap_or(target));
    if is_address(target) {
        Piece::Link {
            url: unescaped(target),
            label,
        }
    } else {
        Piece::Text(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn every_mark_is_taken_apart() {
        assert_eq!(
            pieces("*Account*\n&lt;payments&gt; &amp; _co_, ~old~ `code` ```\na & b\n```"),
            [
                Piece::Bold(vec![text("Account")]),
                text("\n<payments> & "),
                Piece::Italic(vec![text("co")]),
                text(", "),
                Piece::Struck(vec![text("old")]),
                text(" "),
                Piece::Code("code".into()),
                text(" "),
                Piece::Block("a & b".into()),
            ]
        );
        assert_eq!(
            pieces(
                "<@U024BE7LH> see <https://a.example/?b&amp;c|Runbook>, or https://b.example/?x=1."
            ),
            [
                Piece::Mention("U024BE7LH".into()),
                text(" see "),
                Piece::Link {
                    url: "https://a.example/?b&c".into(),
                    label: "Runbook".into()
                },
                text(", or "),
                Piece::Link {
                    url: "https://b.example/?x=1".into(),
                    label: "https://b.example/?x=1".into()
                },
                text("."),
            ]
        );
        assert_eq!(pieces(":key: :unknown:"), [text("🔑 :unknown:")]);
    }

    #[test]
    fn what_only_looks_like_markup_stays_text() {
        for plain in [
            "website-*",
            "2 * 3 * 4",
            "SNAKE_CASE_NAME",
            "a*b*c",
            "`half",
            "```",
            "*",
            "* a *",
            "<half",
            "<>",
        ] {
            assert_eq!(pieces(plain), [text(plain)], "{plain}");
        }
        assert_eq!(pieces("<javascript:alert(1)|Runbook>"), [text("Runbook")]);
        assert_eq!(pieces("&amp;lt;"), [text("&lt;")]);
    }
}
