//! Lines and spaces as Python has them.

/// Python's `str.isspace`. To Unicode the four separators are no white space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// A text without the space around it.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// A text without the space after it.
pub(super) fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// The space before a line's text, without the line's end.
pub(super) fn indent(line: &str) -> &str {
    let line = line.trim_end_matches(['\n', '\r']);
    let text = line.trim_start_matches(is_space);
    line.get(..line.len() - text.len()).unwrap_or_default()
}

/// The characters that end a line: none, if it is the last one of many a file.
pub(super) fn ending(line: &str) -> &str {
    let text = line.trim_end_matches(['\n', '\r']);
    line.get(text.len()..).unwrap_or_default()
}

/// The lines of a file with their ends, which Python knows as `\n`, `\r\n` and `\r`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.find(['\n', '\r'])?;
        let length = if rest.get(end..)?.starts_with("\r\n") {
            2
        } else {
            1
        };
        let (line, after) = rest.split_at_checked(end + length)?;
        rest = after;
        Some(line)
    })
    .chain(last(text))
}

/// What follows the last end of a line.
fn last(text: &str) -> Option<&str> {
    let line = text.rsplit(['\n', '\r']).next()?;
    (!line.is_empty()).then_some(line)
}

/// The lines of a value, as Python's `str.splitlines` has them.
pub(super) fn python_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| {
        matches!(
            character,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    })
}
