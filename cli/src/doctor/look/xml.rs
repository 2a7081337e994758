//! The little of XML that answers of the query protocol need.

use crate::doctor::probe::elements;

/// The first element of a name; empty, if there is none.
pub(super) fn element<'a>(text: &'a str, name: &str) -> &'a str {
    let found = elements(text, name);
    found.first().copied().unwrap_or_default()
}

/// The members of all lists of a name, which may have lists of their own in them.
pub(super) fn members<'a>(text: &'a str, list: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{list}>"), format!("</{list}>"));
    let lists = text.split(open.as_str()).skip(1);
    let lists = lists.filter_map(|list| Some(list.split_once(close.as_str())?.0));
    lists.flat_map(members_of).collect()
}

fn members_of(list: &str) -> Vec<&str> {
    let (mut members, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, _) in list.match_indices("member>") {
        let before = list.get(..at).unwrap_or_default();
        if before.ends_with("</") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                members.extend(list.get(begin..at));
            }
        } else {
            if depth == 0 {
                begin = at;
            }
            depth += 1;
        }
    }
    members
}

/// A text as it was before XML escaped it. The ampersand comes last: what it escapes is no entity.
pub(super) fn unescaped(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .into_iter()
        .fold(text.to_owned(), |text, (entity, own)| {
            text.replace(entity, own)
        })
}
