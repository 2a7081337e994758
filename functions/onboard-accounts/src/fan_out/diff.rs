//! Edits of accounts as people read them in a dry run.

use super::plan::{Edit, EditChange};

/// An edit in one line, which counts as one change.
pub fn edit_line(edit: &Edit) -> String {
    let account = &edit.account;
    match &edit.change {
        EditChange::Tag(tags) => {
            let tags: Vec<String> = tags
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            format!("{account}: ~ tags: {}", tags.join(", "))
        }
        EditChange::Move { from, to } => format!("{account}: ~ unit: {from} → {to}"),
    }
}
