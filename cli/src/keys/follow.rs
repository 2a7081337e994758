//! Where a request stands, by what is seen of its users.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use banto_domain::policy::Policy;
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, UserName};
use banto_ports::Clock;
use rotate_access_keys::event::{Asked, Mode, Scope};
use rotate_access_keys::notices;
use rotate_access_keys::ports::Account;
use rotate_access_keys::snapshot::{StoredRecord, User};

use super::look::{self, Looked};
use super::request::Request;
use crate::ending::Ending;
use crate::output;
use crate::progress::Spinner;

/// Between two looks at a request: the function takes up a message within a second or two, and an
/// issue takes some seconds.
const PAUSE: Duration = Duration::from_secs(10);

/// Looks at a request before it is left alone: a quarter of an hour, the longest pause of one that
/// comes again.
const LOOKS: u32 = 90;

/// The look by which a request is followed: a restore and a discard by what the function would still
/// do for them, the others by what the users have.
pub(crate) fn scope(request: &Request) -> Scope {
    match request.mode {
        Mode::Restore | Mode::Discard => request.scope(),
        _ => look::scope(&request.users.iter().cloned().collect::<Vec<UserName>>()),
    }
}

/// The reason why waiting would show nothing, if there is one.
pub(crate) fn hopeless(before: &Result<Looked>) -> Option<String> {
    match before {
        Ok(looked) => {
            let reason = looked.waits.as_ref()?;
            Some(format!(
                "the function does nothing for now: {}",
                notices::waiting(reason)
            ))
        }
        Err(_) => Some("these credentials can't look at it".to_owned()),
    }
}

/// Looks at the users until all stand where they were to, and says where they do.
pub(crate) async fn wait(
    clock: &dyn Clock,
    account: &Account,
    policy: &Policy,
    request: &Request,
    asked: &Asked,
) -> Result<Ending> {
    let spinner = Spinner::saying("the request is on the queue");
    let (scope, mut said) = (scope(request), BTreeSet::new());
    for _ in 0..LOOKS {
        let looked = look::look(account, &policy.rotation, &scope, asked).await;
        let standings = match &looked {
            Ok(looked) => standings(request, looked, asked),
            Err(error) => vec![Standing::Going(format!("{error:#}"))],
        };
        for standing in &standings {
            spinner.says(standing.text());
            if said.insert(standing.text().to_owned()) {
                output::complain(standing.text());
            }
        }
        if standings.iter().all(Standing::is_over) {
            let is_held = standings.iter().any(|one| matches!(one, Standing::Held(_)));
            return Ok(if is_held {
                Ending::FINDINGS
            } else {
                Ending::Done
            });
        }
        clock.sleep(PAUSE).await;
    }
    bail!(
        "it is not done after 15 minutes; the function goes on with it for 7 days: banto keys \
         status {}",
        request.names()
    );
}

/// Where a request stands for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was done.
    Done(String),
    /// The function did what it could; the rest is for a person, or for later.
    Held(String),
    /// It is still to be done.
    Going(String),
}

impl Standing {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Done(text) | Self::Held(text) | Self::Going(text) => text,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        !matches!(self, Self::Going(_))
    }
}

/// The standing of each user of a request.
pub(crate) fn standings(request: &Request, looked: &Looked, asked: &Asked) -> Vec<Standing> {
    let mut standings = Vec::new();
    for name in &request.users {
        let user = looked.observed.snapshot.user(name);
        standings.push(match user {
            Some(user) => standing(request, looked, user, asked),
            None => unseen(looked, name.as_str()),
        });
    }
    standings
}

fn unseen(looked: &Looked, name: &str) -> Standing {
    let mut not_observed = looked.observed.snapshot.not_observed.iter();
    match not_observed.find(|one| one.subject == name) {
        Some(one) => Standing::Going(format!("{name} could not be looked at: {}", one.why)),
        None => Standing::Held(format!("there is no user {name} in {}", looked.account)),
    }
}

fn standing(request: &Request, looked: &Looked, user: &User, asked: &Asked) -> Standing {
    let name = &user.name;
    let going = |what: &str| Standing::Going(format!("{name}: {what}"));
    let done = |what: String| Standing::Done(format!("{name}: {what}"));
    match request.mode {
        Mode::Due => done("was looked at".to_owned()),
        Mode::Force => issued(looked, user, asked),
        Mode::Emergency => match working_from_before(user, asked) {
            Some(key) => going(&format!("{key} still works")),
            None => after_the_end(looked, user, asked),
        },
        Mode::Restore => restored(request, looked, user),
        Mode::Discard => match request.keys.iter().find(|key| user.key(key).is_some()) {
            Some(key) => finding(looked, user)
                .map(Standing::Held)
                .unwrap_or_else(|| going(&format!("{key} is still there"))),
            None => done("the key is deleted".to_owned()),
        },
        Mode::Approve => {
            let pinned = user.record().and_then(Record::pinned);
            if pinned.is_some() && pinned == request.certificate.as_ref() {
                done("the certificate counts".to_owned())
            } else {
                closed(user).unwrap_or_else(|| going("the certificate does not count yet"))
            }
        }
        Mode::Leave => {
            let works = user.keys.iter().find(|key| key.active);
            let has_left = user.record().is_some_and(|record| record.left.is_some());
            match (works, has_left) {
                (Some(key), _) => going(&format!("{} still works", key.id)),
                (None, true) => done("no key works any more".to_owned()),
                (None, false) => {
                    closed(user).unwrap_or_else(|| going("no key works; the leave is not recorded"))
                }
            }
        }
    }
}

/// A restore, by what the function would still do for it.
fn restored(request: &Request, looked: &Looked, user: &User) -> Standing {
    let name = &user.name;
    if let Some(closed) = closed(user) {
        return closed;
    }
    if let Some(key) = request.keys.iter().find(|key| user.key(key).is_none()) {
        return Standing::Held(format!("{name} has no key {key}"));
    }
    if looked.plan.chains.iter().any(|chain| chain.user == *name) {
        return Standing::Going(format!("{name}: what Banto disabled is not restored yet"));
    }
    match (finding(looked, user), user.record()) {
        (Some(finding), _) => Standing::Held(finding),
        (None, None) => Standing::Held(format!("{name}: Banto has disabled nothing of theirs")),
        (None, Some(_)) => Standing::Done(format!("{name}: what Banto disabled is active again")),
    }
}

/// A key from before an emergency that works. The emergency's own new key is none, whatever this
/// machine's clock says.
fn working_from_before(user: &User, asked: &Asked) -> Option<AccessKeyId> {
    let own = user
        .rotation()
        .filter(|rotation| rotation.intent.request.as_deref() == Some(asked.id.as_str()));
    let is_own = |key: &AccessKeyId| own.is_some_and(|rotation| rotation.issued.key == *key);
    let mut keys = user.keys.iter();
    let key = keys.find(|key| key.active && key.created_at < asked.at && !is_own(&key.id))?;
    Some(key.id.clone())
}

/// What is found of a user, in words.
fn finding(looked: &Looked, user: &User) -> Option<String> {
    let mut findings = looked.plan.findings.iter();
    let finding = findings.find(|finding| finding.user == user.name)?;
    let words = notices::finding(&user.name, &finding.kind);
    Some(format!("{}: {words}", user.name))
}

/// Whose record these credentials can't read can be followed no further.
fn closed(user: &User) -> Option<Standing> {
    let is_closed = matches!(
        user.record,
        StoredRecord::Denied(_) | StoredRecord::Unreadable(_)
    );
    let text = format!(
        "{}: these credentials can't follow it, since the record is not readable; operators are \
         told what comes of it",
        user.name
    );
    is_closed.then_some(Standing::Held(text))
}

/// A new key that was asked for: delivered, owed, or not there yet.
fn issued(looked: &Looked, user: &User, asked: &Asked) -> Standing {
    let name = &user.name;
    if let Some(closed) = closed(user) {
        return closed;
    }
    if let Some(rotation) = user.rotation()
        && rotation.intent.request.as_deref() == Some(asked.id.as_str())
    {
        let key = &rotation.issued.key;
        return match rotation.delivered_at {
            Some(_) => Standing::Done(format!("{name}: the new key {key} is delivered")),
            None => Standing::Going(format!("{name}: {key} is made, and its owner is told next")),
        };
    }
    let owed = user.record().and_then(|record| record.owed.as_ref());
    if owed.is_some_and(|owed| owed.request == asked.id) {
        let why = looked.hindrance(name);
        let mut words = vec![why.unwrap_or_else(|| "it comes with the next run".to_owned())];
        let mut waiting = looked.plan.waiting.iter();
        let waiting = waiting.find(|waiting| waiting.user.as_ref() == Some(name));
        words.extend(waiting.and_then(notices::command));
        return Standing::Held(format!("{name}: a new key is owed: {}", words.join(": ")));
    }
    Standing::Going(format!("{name}: the function has not issued the key yet"))
}

/// What follows an emergency's end of keys.
fn after_the_end(looked: &Looked, user: &User, asked: &Asked) -> Standing {
    let name = &user.name;
    if let Some(closed) = closed(user) {
        return closed;
    }
    let record = user.record();
    let is_taken_up = record.is_some_and(|record| {
        let current = record.emergency.as_ref();
        current.is_some_and(|emergency| emergency.request == asked.id)
            || record.last_emergency.as_ref() == Some(&asked.id)
    });
    if !is_taken_up {
        return Standing::Going(format!("{name}: the function has not taken it up yet"));
    }
    match issued(looked, user, asked) {
        Standing::Going(_) if record.is_some_and(|record| record.owed.is_none()) => {
            Standing::Done(format!("{name}: keys and sessions have ended"))
        }
        standing => standing,
    }
}
