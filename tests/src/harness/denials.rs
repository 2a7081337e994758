//! The signs by which people learn that a permission is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use banto_fake::{Driven, Run, World};

use super::Handled;

thread_local! {
    static SIGNS: RefCell<Option<BTreeSet<&'static str>>> = const { RefCell::new(None) };
}

/// The signs since they were asked for last; `None` if no call was denied.
pub fn take_signs_of_denial() -> Option<BTreeSet<&'static str>> {
    SIGNS.take()
}

/// Looks at an invocation for signs.
pub fn look(run: &Run, world: &World, handled: &Handled) {
    if !world.was_forbidden() {
        return;
    }
    if run.denials() > 0 {
        add(None);
        add(sign_of(handled));
    }
    // Operators may be told later than a call is denied.
    let is_told =
        |text: String| text.contains("not authorized to perform") || text.contains("denied");
    let sent = world.sent();
    if sent
        .iter()
        .any(|sent| is_told(format!("{sent:?}").to_lowercase()))
    {
        add(Some("operators are told"));
    }
    let rows = world.statuses();
    if rows
        .values()
        .any(|row| is_told(format!("{row:?}").to_lowercase()))
    {
        add(Some("the account's status says so"));
    }
}

fn sign_of(handled: &Handled) -> Option<&'static str> {
    match handled {
        Driven::Done(Err(_)) => Some("the invocation fails"),
        Driven::Done(Ok(answer)) => {
            let body = answer.body.to_string();
            let comes_again = answer.body["batchItemFailures"].as_array();
            if comes_again.is_some_and(|messages| !messages.is_empty()) {
                Some("its message comes again")
            } else if body.contains("not authorized to perform") || body.contains("denied") {
                Some("the response says so")
            } else {
                None
            }
        }
        Driven::Cancelled => None,
    }
}

fn add(sign: Option<&'static str>) {
    SIGNS.with_borrow_mut(|signs| {
        let signs = signs.get_or_insert_default();
        signs.extend(sign);
    });
}
