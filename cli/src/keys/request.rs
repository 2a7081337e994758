//! A request to the rotator: its message, the question before it, and what follows.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, AccountId, Fingerprint, UserName};
use rotate_access_keys::event::{Mode, Scope};
use rotate_access_keys::notices;
use rotate_access_keys::snapshot::Stranger;
use serde_json::{Map, Value, json};

use super::look::Looked;

/// A request, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) account: AccountId,
    pub(crate) users: BTreeSet<UserName>,
    pub(crate) mode: Mode,
    pub(crate) keys: BTreeSet<AccessKeyId>,
    pub(crate) certificate: Option<Fingerprint>,
}

impl Request {
    /// A request that names no key and no certificate.
    pub(crate) fn new(
        account: AccountId,
        mode: Mode,
        users: impl IntoIterator<Item = UserName>,
    ) -> Self {
        Self {
            account,
            users: users.into_iter().collect(),
            mode,
            keys: BTreeSet::new(),
            certificate: None,
        }
    }

    /// The message, as the function decodes it.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::from_iter([
            ("account".to_owned(), json!(self.account)),
            ("users".to_owned(), json!(self.users)),
            ("mode".to_owned(), json!(self.mode)),
        ]);
        if !self.keys.is_empty() {
            body.insert("keys".to_owned(), json!(self.keys));
        }
        if let Some(certificate) = &self.certificate {
            body.insert("certificate".to_owned(), json!(certificate));
        }
        Value::Object(body)
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::Users {
            users: self.users.clone(),
            mode: self.mode,
            keys: self.keys.clone(),
            certificate: self.certificate.clone(),
        }
    }

    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.users.iter().map(UserName::as_str).collect();
        names.join(" ")
    }

    fn key_ids(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(AccessKeyId::as_str).collect();
        keys.join(" and ")
    }

    /// What speaks against sending it: who or what it names is not there.
    pub(crate) fn refusals(&self, looked: &Looked) -> Vec<String> {
        let snapshot = &looked.observed.snapshot;
        let mut refusals = Vec::new();
        for stranger in &snapshot.strangers {
            if let Stranger::NoSuchUser { user } = stranger {
                refusals.push(format!("there is no user {user} in {}", looked.account));
            }
        }
        // A user who could not be looked at may have it.
        if !snapshot.not_observed.is_empty() || !refusals.is_empty() {
            return refusals;
        }
        for key in &self.keys {
            if !snapshot.users.iter().any(|user| user.key(key).is_some()) {
                refusals.push(format!("{} has no access key {key}", self.names()));
            }
        }
        refusals
    }

    /// What the request is for, to be confirmed. What can't be undone is confirmed by the users'
    /// names.
    pub(crate) fn question(&self) -> (String, bool) {
        let names = self.names();
        match self.mode {
            Mode::Due => (format!("Look at {names}?"), false),
            Mode::Force => (format!("Issue a new key to {names}?"), false),
            Mode::Emergency => (
                format!("End all keys and sessions of {names} that are older than now."),
                true,
            ),
            Mode::Restore if self.keys.is_empty() => {
                (format!("Restore what Banto disabled of {names}?"), false)
            }
            Mode::Restore => (format!("Restore {} of {names}?", self.key_ids()), false),
            Mode::Discard => (
                format!("Delete {} of {names} for good.", self.key_ids()),
                true,
            ),
            Mode::Approve => {
                let certificate = self.certificate.as_ref().map(Fingerprint::as_str);
                let certificate = certificate.unwrap_or_default();
                (
                    format!("Let the certificate {certificate} of {names} count?"),
                    false,
                )
            }
            Mode::Leave => (
                format!("End all keys and sessions of {names}, who left."),
                true,
            ),
        }
    }

    /// What follows, once it is sent, by what was seen before.
    pub(crate) fn follows(&self, looked: Option<&Looked>) -> String {
        let mut sentences = Vec::new();
        if let Some(reason) = looked.and_then(|looked| looked.waits.as_ref()) {
            let why = notices::waiting(reason);
            sentences.push(format!(
                "The function does nothing for now: {why}. What follows comes once that is over."
            ));
        }
        match self.mode {
            Mode::Force => sentences.extend(self.issues(looked)),
            mode => sentences.push(after(mode).to_owned()),
        }
        let names = self.names();
        // A name may begin with a hyphen, which reads as an option unless it follows two of them.
        let end = if self.users.iter().any(|user| user.as_str().starts_with('-')) {
            "-- "
        } else {
            ""
        };
        sentences.push(format!(
            "To see where it stands: banto keys status {end}{names}"
        ));
        sentences.join(" ")
    }

    /// Who is issued a key at once, and what the others wait for.
    fn issues(&self, looked: Option<&Looked>) -> Vec<String> {
        let (mut held, mut unknown) = (Vec::new(), 0);
        for user in &self.users {
            let is_issued = looked.is_some_and(|looked| looked.issues_to(user));
            match looked.and_then(|looked| looked.hindrance(user)) {
                _ if is_issued => {}
                Some(why) => {
                    let why = why.trim_end_matches('.');
                    held.push(format!("No key for {user} yet: {why}."));
                }
                None => unknown += 1,
            }
        }
        let mut sentences = Vec::new();
        if held.len() < self.users.len() {
            sentences.push(after(Mode::Force).to_owned());
        }
        if !held.is_empty() {
            held.push("A key that is owed comes by itself once nothing is in its way.".to_owned());
        }
        if unknown > 0 {
            let unseen = "Without a usable certificate the key is owed, and comes by itself later.";
            held.push(unseen.to_owned());
        }
        sentences.extend(held);
        sentences
    }
}

/// What the function makes of a request where nothing is in its way.
fn after(mode: Mode) -> &'static str {
    match mode {
        Mode::Due => "The function looks at them by the policy's pace.",
        Mode::Force => {
            "The function issues a key within a minute or two and tells its owner; the old one works \
             on until the new one is used."
        }
        Mode::Emergency => {
            "The function ends keys and sessions at once, then issues a new key and tells owner and \
             operators; 15 minutes later it looks at CloudTrail again."
        }
        Mode::Restore => "The function makes the keys active again, and tells their owner.",
        Mode::Discard => "The function deletes the key if an interrupted issue explains it.",
        Mode::Approve => {
            "The certificate counts at once if it is the one that is pinned and stored; the owner is \
             told at every address."
        }
        Mode::Leave => {
            "The function disables the keys and denies sessions at once; the keys are deleted when \
             the days of recovery are over. Until then: banto keys restore."
        }
    }
}

#[cfg(test)]
mod tests {
    use banto_lambda::event::Invoked;
    use rotate_access_keys::event::{self, Trigger};

    use super::*;
    use crate::expected;

    fn request(mode: Mode) -> Request {
        let account = "111122223333".parse().unwrap();
        Request::new(account, mode, ["alice".parse().unwrap()])
    }

    fn every_request() -> Vec<Request> {
        let keys: BTreeSet<AccessKeyId> = ["AKIAIOSFODNN7EXAMPLE".parse().unwrap()].into();
        let certificate = "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap();
        vec![
            request(Mode::Force),
            request(Mode::Emergency),
            request(Mode::Restore),
            Request {
                keys: keys.clone(),
                ..request(Mode::Restore)
            },
            Request {
                keys,
                ..request(Mode::Discard)
            },
            Request {
                certificate: Some(certificate),
                ..request(Mode::Approve)
            },
            request(Mode::Leave),
        ]
    }

    #[test]
    fn the_function_reads_every_request_as_it_was_meant() {
        for request in every_request() {
            let read = event::decode(request.body().to_string().as_bytes()).unwrap();
            let expected = event::Request {
                account: Some(request.account.clone()),
                scope: request.scope(),
                dry_run: false,
                asked_at: None,
            };
            assert_eq!(read, Invoked::Direct(Trigger::Rotate(expected)));
        }
    }

    #[test]
    fn what_cannot_be_undone_is_confirmed_by_name() {
        let finals: Vec<Mode> = every_request()
            .iter()
            .filter(|request| request.question().1)
            .map(|request| request.mode)
            .collect();
        assert_eq!(finals, [Mode::Emergency, Mode::Discard, Mode::Leave]);
    }

    #[test]
    fn what_is_asked_and_what_follows_is_said() {
        expected::holds("keys/requests", |screen| {
            let mut lines = Vec::new();
            for request in every_request() {
                lines.push(screen.wrapped(&request.question().0, 2));
                lines.push(screen.wrapped(&request.follows(None), 2));
                lines.push(String::new());
            }
            lines.join("\n")
        });
    }
}
