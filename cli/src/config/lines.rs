//! The line of banto.toml on which a key is.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line, from 1, of a key like `compliance.queue`, or of the nearest section around it that is
/// given; `None` if not even that is.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut start = None;
    for name in key.split('.') {
        let Some((found, value)) = table.and_then(|table| table.get_key_value(name)) else {
            break;
        };
        start = Some(found.span().start);
        table = entry(value).as_table();
    }
    let before = text.as_bytes().get(..start?)?;
    Some(before.iter().filter(|byte| **byte == b'\n').count() + 1)
}

/// A value, or the first entry of a list.
fn entry<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> &'a DeValue<'i> {
    let value = value.get_ref();
    let first = value.as_array().and_then(|list| list.iter().next());
    first.map_or(value, Spanned::get_ref)
}
