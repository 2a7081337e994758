//! Words that come from elsewhere, as sentences.

/// Returns the words of a reason as a sentence of their own.
pub(super) fn sentence(words: &str) -> String {
    let words = words.trim();
    let mut rest = words.chars();
    let first: String = rest.next().iter().flat_map(|c| c.to_uppercase()).collect();
    let end = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", rest.as_str())
}
