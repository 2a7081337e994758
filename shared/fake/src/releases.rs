//! Two releases of Banto on one world. What the newer one writes has a version that the other, which
//! is the code under test, does not know, and a field besides. The newer one reads both.
//!
//! The newer one is the code under test too, behind a translation: what it would do differently,
//! nobody knows yet. So this shows what the older one does with what it can't read, and that what
//! it left is taken up again.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, UserName};
use banto_ports::{ErrorKind, PortError, StoredText};

use crate::compliance::ComplianceState;
use crate::world::{State, World};

/// The field that the newer release writes into a record besides, before the version.
const FIELD: &str = "\"ofANewerRelease\":true,";

/// The name of the version in a record.
const VERSION: &str = "\"version\":";

/// An item of the table of compliance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableItem {
    /// The state of a finding.
    Finding(FindingKey),
    /// When an account was compared.
    Compared(AccountId),
    /// When a delivery on a route is due.
    Schedule(String),
    /// The state of a route, with its lease.
    RouteState(String),
    /// A route of the registry.
    Registered(String),
    /// A batch of a route's outbox, by its id.
    Batch(String, String),
    /// A group of a route, by its id.
    Group(String, String),
}

impl World {
    /// Lets the newer release run from now on.
    pub fn deploy_newer_release(&self) {
        self.state().is_newer_release = true;
    }

    /// Lets the code under test run again, as it is.
    pub fn roll_back(&self) {
        self.state().is_newer_release = false;
    }

    /// True if the current version of the user's record is the newer release's.
    pub fn is_of_newer_release(&self, user: &UserName) -> bool {
        self.record(user).is_some_and(|text| text.contains(FIELD))
    }

    /// Lets the newer release have written an item of the table of compliance, or not.
    pub fn set_of_newer_release(&self, item: &TableItem, is_so: bool) {
        let newer = &mut self.state().compliance.of_newer_release;
        if is_so {
            newer.insert(item.clone());
        } else {
            newer.remove(item);
        }
    }

    /// What an item of the table of compliance holds, to be compared with what it held; nothing of
    /// one that is not there.
    pub fn content_of(&self, item: &TableItem) -> String {
        self.state().compliance.content_of(item)
    }
}

impl ComplianceState {
    /// # Errors
    /// If the newer release wrote one of these items.
    pub(crate) fn check_readable(
        &self,
        call: &'static str,
        is_asked_for: impl Fn(&TableItem) -> bool,
    ) -> Result<(), PortError> {
        match self.of_newer_release.iter().any(is_asked_for) {
            true => Err(of_newer_release(call)),
            false => Ok(()),
        }
    }

    /// The routes of the registry that the newer release wrote.
    pub(crate) fn registered_by_newer_release(&self) -> BTreeSet<&String> {
        let items = self.of_newer_release.iter();
        let routes = items.filter_map(|item| match item {
            TableItem::Registered(route) => Some(route),
            _ => None,
        });
        routes.collect()
    }

    fn content_of(&self, item: &TableItem) -> String {
        let route = |name: &String| self.routes.get(name);
        match item {
            TableItem::Finding(key) => format!("{:?}", self.finding(key)),
            TableItem::Compared(account) => format!("{:?}", self.compared.get(account)),
            TableItem::Schedule(name) => format!("{:?}", route(name).map(|items| items.due)),
            TableItem::RouteState(name) => {
                format!(
                    "{:?}",
                    route(name).map(|items| (&items.claim, &items.state))
                )
            }
            TableItem::Registered(name) => format!("{:?}", self.registered.get(name)),
            TableItem::Batch(name, id) => {
                format!("{:?}", route(name).map(|items| items.batches.get(id)))
            }
            TableItem::Group(name, id) => {
                format!("{:?}", route(name).map(|items| items.groups.get(id)))
            }
        }
    }
}

impl State {
    /// A record as the release that runs writes it.
    pub(crate) fn record_written(&self, text: &str) -> String {
        match self.is_newer_release {
            true => upgraded(text),
            false => text.to_owned(),
        }
    }

    /// A version of a record as the release that runs reads it.
    pub(crate) fn as_read(&self, stored: StoredText) -> StoredText {
        match self.is_newer_release {
            true => StoredText {
                text: downgraded(&stored.text),
                ..stored
            },
            false => stored,
        }
    }
}

/// The error that the table's adapter makes of an item of another version.
pub(crate) fn of_newer_release(call: &'static str) -> PortError {
    let message = "the item has version 2; this Banto knows version 1";
    PortError::new(ErrorKind::Unreadable, call, message)
}

/// The record with the next version and a field more.
fn upgraded(text: &str) -> String {
    changed(text, 1, "", FIELD)
}

/// What the newer release knows of a record, as the code under test has it.
pub(crate) fn downgraded(text: &str) -> String {
    match text.contains(FIELD) {
        true => changed(text, -1, FIELD, ""),
        false => text.to_owned(),
    }
}

/// The text with another version, and with one field before that in the place of another. A text
/// without a version is no record, and stays.
fn changed(text: &str, by: i64, from: &str, to: &str) -> String {
    let parts = text.split_once(&format!("{from}{VERSION}"));
    let Some((before, rest)) = parts else {
        return text.to_owned();
    };
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    let number = number.parse::<i64>().unwrap_or_default() + by;
    format!("{before}{to}{VERSION}{number}{after}")
}
