//! CloudTrail: what was done with which credential, in the order in which it was done.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::{AccessKeyId, CredentialId, RoleArn, SessionKeyId, UserName};
use banto_ports::{Activity, Clock, ErrorKind, KeyCreation, PortError, Trail};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::iam::{DENY_POLICY, Iam, letters, whole_second};
use crate::lag::Reader;
use crate::run::{Run, page_of};
use crate::world::{ACCOUNT, State, parsed};

const CALL: &str = "cloudtrail:LookupEvents";

/// Most events of a page. (CloudTrail API reference, `LookupEvents`.)
const PAGE: usize = 50;

/// Most pages that Banto reads of one look-up, as its adapter does.
const MAX_PAGES: usize = 10;

/// Time for which CloudTrail answers about an event. (CloudTrail user guide, "Viewing CloudTrail
/// event history".)
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Time for which Banto asks, an hour less, as its adapter does.
const ASKED: SignedDuration = SignedDuration::from_hours(90 * 24 - 1);

/// The longest life of a user's own session. (STS API reference, `GetSessionToken`.)
const USER_SESSION: SignedDuration = SignedDuration::from_hours(36);

/// The longest life of a role's session. (STS API reference, `AssumeRole`.)
const ROLE_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// What happened, and the sessions that were started.
#[derive(Debug, Default)]
pub(crate) struct History {
    events: Vec<Event>,
    sessions: BTreeMap<SessionKeyId, Session>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    at: Timestamp,
    by: Option<Identity>,
    credential: Option<CredentialId>,
    deed: Deed,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    User(UserName),
    Role(RoleArn),
    Root,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    CreatedKey { key: AccessKeyId, user: UserName },
    AssumedRole(RoleArn),
    Other,
}

/// A session, of a user or of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Session {
    of: Identity,
    /// The id of the user, whom a later one of the same name does not follow.
    user_id: Option<String>,
    until: Timestamp,
}

impl History {
    pub(crate) fn log(
        &mut self,
        at: Timestamp,
        by: Option<Identity>,
        credential: Option<CredentialId>,
        deed: Deed,
    ) {
        self.events.push(Event {
            at: whole_second(at),
            by,
            credential,
            deed,
        });
    }

    /// The events of a time, the latest first; of those in one moment, the one that was last.
    fn between(&self, from: Timestamp, until: Timestamp) -> Vec<&Event> {
        let within = |event: &&Event| (from..=until).contains(&event.at);
        let mut events: Vec<&Event> = self.events.iter().filter(within).collect();
        events.reverse();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        events
    }

    fn start(&mut self, session: Session) -> SessionKeyId {
        let number = self.sessions.len() as u64;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let id = format!("ASIA{}", letters(0xa51a ^ number, 16, alphabet));
        let id: SessionKeyId = parsed(&id);
        self.sessions.insert(id.clone(), session);
        id
    }
}

impl Identity {
    /// The role that Banto runs as.
    pub(crate) fn banto() -> Self {
        Self::Role(parsed(&format!("arn:aws:iam::{ACCOUNT}:role/banto")))
    }
}

impl State {
    /// Whose credential it is, if it works now.
    pub(crate) fn bearer(&self, credential: &CredentialId) -> Option<Identity> {
        if let Ok(key) = credential.as_str().parse::<AccessKeyId>() {
            return bearer_of_key(&self.iam, &key);
        }
        let session = credential.as_str().parse().ok();
        let session = session.and_then(|id: SessionKeyId| self.history.sessions.get(&id))?;
        (self.works(session)).then(|| session.of.clone())
    }

    /// Starts a session, with a credential that works.
    pub(crate) fn start_session(
        &mut self,
        credential: CredentialId,
        role: Option<&RoleArn>,
    ) -> Option<SessionKeyId> {
        let bearer = self.bearer(&credential)?;
        let (of, life) = match role {
            Some(role) => (Identity::Role(role.clone()), ROLE_SESSION),
            None => (bearer.clone(), USER_SESSION),
        };
        let deed = role.cloned().map_or(Deed::Other, Deed::AssumedRole);
        let session = Session {
            user_id: user_id(&self.iam, &of),
            of,
            until: self.now + life,
        };
        (self.history).log(self.now, Some(bearer), Some(credential), deed);
        Some(self.history.start(session))
    }

    /// True if requests can be signed with the session, and are not all denied.
    fn works(&self, session: &Session) -> bool {
        let Identity::User(name) = &session.of else {
            return self.now < session.until;
        };
        let user = self.iam.find(name).map(|found| found.user);
        self.now < session.until
            && user.is_some_and(|user| {
                session.user_id.as_ref() == Some(&user.id) && !user.policies.contains(DENY_POLICY)
            })
    }
}

fn bearer_of_key(iam: &Iam, key: &AccessKeyId) -> Option<Identity> {
    if !iam.is_active(key) {
        return None;
    }
    let owner = iam.owner_of(key);
    Some(owner.map_or(Identity::Root, |owner| Identity::User(owner.name.clone())))
}

fn user_id(iam: &Iam, of: &Identity) -> Option<String> {
    let Identity::User(name) = of else {
        return None;
    };
    iam.find(name).map(|found| found.user.id.clone())
}

impl Run {
    /// Looks up the events of an attribute, page by page.
    async fn look_up(&self, lookup: &Lookup) -> Result<Found, PortError> {
        let mut found = Found {
            events: Vec::new(),
            is_complete: false,
        };
        for page in 0..MAX_PAGES {
            let request = lookup.request(page);
            let page = self.ask(CALL, &lookup.value, request, |state| {
                state.org.take("cloudtrail", CALL, state.now)?;
                lookup.page(state, page * PAGE)
            });
            let page = page.await?;
            found.events.extend(page.events);
            found.is_complete = page.is_complete;
            if found.is_complete {
                break;
            }
        }
        Ok(found)
    }
}

/// The events of a look-up or of a page of it, the latest first.
struct Found {
    events: Vec<Event>,
    /// False if there are more.
    is_complete: bool,
}

/// A question to CloudTrail.
struct Lookup {
    attribute: &'static str,
    value: String,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Lookup {
    /// The request, as CloudTrail gets it.
    fn request(&self, page: usize) -> serde_json::Value {
        let until = self.until.map(Timestamp::as_second);
        let request = json!({
            "LookupAttributes": [{
                "AttributeKey": self.attribute,
                "AttributeValue": self.value,
            }],
            "StartTime": self.from.as_second(),
            "EndTime": until,
            "MaxResults": PAGE,
        });
        page_of(request, page)
    }

    /// The events that are shown by now, from the nth on.
    fn page(&self, state: &State, skipped: usize) -> Result<Found, PortError> {
        if self.until.is_some_and(|until| self.from > until) {
            let message = "InvalidTimeRangeException: the start time is after the end time";
            return Err(PortError::new(ErrorKind::Invalid, CALL, message));
        }
        let shown = state.as_read_by(Reader::LookupEvents);
        let until = self.until.map_or(shown, |until| until.min(shown));
        let from = whole_second(self.from.max(state.now - KEPT));
        let found = state.history.between(from, until).into_iter();
        let found = found.filter(|event| self.is_about(event));
        let mut found = found.skip(skipped).cloned();
        Ok(Found {
            events: found.by_ref().take(PAGE).collect(),
            is_complete: found.next().is_none(),
        })
    }

    fn is_about(&self, event: &Event) -> bool {
        if self.attribute == "EventName" {
            return matches!(event.deed, Deed::CreatedKey { .. });
        }
        let credential = event.credential.as_ref();
        credential.is_some_and(|credential| credential.as_str() == self.value)
    }
}

#[async_trait]
impl Trail for Run {
    async fn key_creations(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<KeyCreation>, PortError> {
        if from < self.now() - ASKED {
            let message = format!("{from} is before the 90 days that CloudTrail remembers");
            return Err(PortError::new(ErrorKind::Missing, CALL, message));
        }
        let lookup = Lookup {
            attribute: "EventName",
            value: "CreateAccessKey".to_owned(),
            from,
            until: Some(until),
        };
        let found = self.look_up(&lookup).await?;
        if !found.is_complete {
            let message = "more than the 500 events that are read";
            return Err(PortError::new(ErrorKind::LimitExceeded, CALL, message));
        }
        let events = found.events.into_iter();
        Ok(events.filter_map(Event::creation).collect())
    }

    async fn activity(
        &self,
        credential: &CredentialId,
        since: Timestamp,
    ) -> Result<Activity, PortError> {
        let oldest = self.now() - ASKED;
        let lookup = Lookup {
            attribute: "AccessKeyId",
            value: credential.as_str().to_owned(),
            from: since.max(oldest),
            until: None,
        };
        let found = self.look_up(&lookup).await?;
        let mut activity = Activity {
            is_complete: found.is_complete && since >= oldest,
            ..Activity::default()
        };
        for event in found.events {
            event.add_to(&mut activity);
        }
        Ok(activity)
    }
}

impl Event {
    fn creation(self) -> Option<KeyCreation> {
        let Deed::CreatedKey { key, user } = self.deed else {
            return None;
        };
        let by_role = match self.by {
            Some(Identity::Role(role)) => Some(role),
            _ => None,
        };
        Some(KeyCreation {
            key,
            user,
            at: self.at,
            by_role,
        })
    }

    fn add_to(self, activity: &mut Activity) {
        match &self.by {
            Some(Identity::User(user)) => activity.user = Some(user.clone()),
            Some(Identity::Role(role)) => activity.role = Some(role.clone()),
            Some(Identity::Root) | None => {}
        }
        match &self.deed {
            Deed::AssumedRole(role) if !activity.assumed.contains(role) => {
                activity.assumed.push(role.clone());
            }
            _ => activity.created.extend(self.creation()),
        }
    }
}
