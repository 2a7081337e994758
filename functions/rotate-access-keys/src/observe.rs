//! Looks at one identity account: the credential report for everyone, live calls only for users who
//! need a closer look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::policy::RotationPolicy;
use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError, ReportState};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::apply::ACTION_TIME;
use crate::credential_report::{self, ReportError};
use crate::event::{Mode, Scope};
use crate::job::Job;
use crate::ports::Ports;
use crate::snapshot::{Contained, Observed, Snapshot, Stranger, TrailLook};

mod certificate;
mod choice;
mod look;
mod owners;
mod renamed;
mod stored;
mod trail;
mod user;

use look::{Chosen, Look, add_not_observed, earliest};
pub use stored::{believed, is_from_the_future};
use user::{Seen, SeenUser};

/// Users looked at side by side: IAM answers some 15 calls a second of a kind before it throttles,
/// and eight users keep just below that.
const CONCURRENT_USERS: usize = 8;

/// Longest wait for a credential report; IAM makes one of 5,000 users in less than a minute, and a
/// run has fifteen.
const REPORT_PATIENCE: Duration = Duration::from_secs(120);

/// Most links of a chain of keys, each made with the one before, that are followed. A thief who
/// makes more within minutes is followed on by the next visit.
const MOST_LINKS: usize = 10;

/// A failure that keeps a whole account from being looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The report was not ready in time.
    #[error("IAM did not finish the credential report within {} seconds", REPORT_PATIENCE.as_secs())]
    ReportNotReady,
}

/// Looks at one identity account. `contained` are the keys that AWS named, which have ended
/// already.
pub async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    contained: &[Contained],
    invocation: &Invocation,
    now: Timestamp,
) -> Result<Observed, ObserveError> {
    let mut observed = Observed {
        at: now,
        snapshot: empty_snapshot(job),
        recipients: BTreeMap::new(),
    };
    let mut chosen = choose_users(ports, job, contained, now, &mut observed.snapshot).await?;
    chosen.groups = match groups_for(ports, job.policy, &chosen).await {
        Ok(groups) => groups,
        // They decide timings only, which must not keep an exposed or a leaver's key active.
        Err(error) if matches!(job.scope.mode(), Mode::Emergency | Mode::Leave) => {
            add_not_observed(&mut observed.snapshot, "the groups", &error.to_string());
            BTreeMap::new()
        }
        Err(error) => return Err(error.into()),
    };
    let look = Look {
        ports,
        job,
        chosen: &chosen,
        now,
        // A run that looked until its time was over would do nothing, each time anew.
        time_to_act: ACTION_TIME.max(invocation.remaining() / 2),
    };
    look_at_users(&look, chosen.names(), invocation, &mut observed).await;
    look_at_owners_of_made_keys(&look, invocation, &mut observed).await;
    observed.snapshot.oldest_key = oldest_key(&observed.snapshot);
    Ok(observed)
}

fn empty_snapshot(job: &Job<'_>) -> Snapshot {
    let identity = job.identity;
    let exposure = job.scope.exposure();
    let since = exposure.map(|exposure| exposure.began(job.asked.at));
    Snapshot {
        mode: job.scope.mode(),
        break_glass: identity.break_glass.clone(),
        named_keys: job.scope.named_keys(),
        approved: job.scope.approved().cloned(),
        exposed_since: since,
        exposed: exposure
            .map(|exposure| exposure.keys.clone())
            .unwrap_or_default(),
        ..Snapshot::empty(
            identity.id.clone(),
            identity.role.clone(),
            job.asked.clone(),
        )
    }
}

/// Chooses the users who need a closer look.
async fn choose_users(
    ports: &Ports,
    job: &Job<'_>,
    contained: &[Contained],
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> Result<Chosen, ObserveError> {
    let mut chosen = Chosen::default();
    match job.scope {
        Scope::Everyone => {
            chosen.open = open_records(ports, snapshot).await;
            let rows = credential_report::parse(&read_report(ports).await?)?;
            let choice = choice::choose(&rows, job.policy, now, snapshot);
            chosen.users = choice.users;
            let older = look_at_slice(ports, job, choice.slice, now, snapshot).await;
            chosen.users.extend(older);
        }
        Scope::Users { users, .. } => chosen.users = users.clone(),
        Scope::Exposed(exposure) => {
            chosen.users = owners::of_keys(ports, contained, now, snapshot).await;
            chosen.sessions = owners::of_sessions(ports, exposure, now, snapshot).await;
            chosen.users.extend(chosen.sessions.keys().cloned());
            owners::strangers(exposure, snapshot);
        }
    }
    Ok(chosen)
}

/// Looks at the keys of the day's slice. Returns the users who have an older key than the report
/// shows, or whose keys are not known.
async fn look_at_slice(
    ports: &Ports,
    job: &Job<'_>,
    slice: BTreeSet<UserName>,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let earliest_warning = job.policy.earliest_warning();
    let looks = stream::iter(slice).map(|name| async move {
        let is_young = match ports.keys.keys(&name).await {
            Ok(keys) => keys
                .iter()
                .all(|key| now.duration_since(key.created_at) < earliest_warning),
            Err(_) => false,
        };
        (name, is_young)
    });
    let seen: Vec<(UserName, bool)> = looks.buffer_unordered(CONCURRENT_USERS).collect().await;
    let mut older = BTreeSet::new();
    for (name, is_young) in seen {
        if !is_young {
            snapshot.users_in_order = snapshot.users_in_order.saturating_sub(1);
            older.insert(name);
        }
    }
    older
}

/// The users whose record is open. Not to know them holds up nobody whom the report shows.
async fn open_records(ports: &Ports, snapshot: &mut Snapshot) -> BTreeSet<UserName> {
    match ports.records.open().await {
        Ok(open) => {
            let strangers = open.strangers.into_iter();
            let strangers = strangers.map(|secret| Stranger::NoRecord { secret });
            snapshot.strangers.extend(strangers);
            open.users
        }
        Err(error) => {
            add_not_observed(snapshot, "the open records", &error.to_string());
            BTreeSet::new()
        }
    }
}

/// Reads the credential report, waiting while IAM makes it. Two calls if it is ready at once, or
/// after the first pause.
async fn read_report(ports: &Ports) -> Result<Vec<u8>, ObserveError> {
    let give_up_at = ports.clock.now() + REPORT_PATIENCE;
    let mut pause = Duration::from_secs(2);
    let mut state = match ports.keys.request_report().await {
        // So many were asked for that IAM makes none now; the last one may still be there.
        Err(error) if error.kind == ErrorKind::LimitExceeded => ReportState::Complete,
        state => state?,
    };
    loop {
        if state == ReportState::InProgress {
            if ports.clock.now() + pause > give_up_at {
                return Err(ObserveError::ReportNotReady);
            }
            ports.clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(16));
        }
        match ports.keys.report().await {
            Ok(report) => return Ok(report),
            Err(error) if error.kind == ErrorKind::NotReady => {}
            // Absent, or expired since it was asked for; asking again without a pause could go on
            // for ever.
            Err(error) if error.kind == ErrorKind::Missing => {
                ports.keys.request_report().await?;
            }
            Err(error) => return Err(error.into()),
        }
        state = ReportState::InProgress;
    }
}

/// Looks at these users, several side by side, until the time is over.
async fn look_at_users(
    look: &Look<'_>,
    names: BTreeSet<UserName>,
    invocation: &Invocation,
    observed: &mut Observed,
) {
    let mut seen: Vec<_> = stream::iter(names)
        .map(|name| async move {
            if !invocation.has_time_for(look.time_to_act) {
                return (name, None);
            }
            let seen = user::look_at_user(look, &name).await;
            (name, Some(seen))
        })
        .buffer_unordered(CONCURRENT_USERS)
        .collect()
        .await;
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, seen) in seen {
        match seen {
            None => add_not_observed(&mut observed.snapshot, name.as_str(), "the time was over"),
            Some(Err(error)) => {
                add_not_observed(&mut observed.snapshot, name.as_str(), &error.to_string());
            }
            Some(Ok(seen)) => add_seen(look, &name, seen, observed),
        }
    }
    // Two names that differ in case only are one user, and so are an earlier and a present one: the
    // look that found the earlier record is the one that counts.
    let users = &mut observed.snapshot.users;
    users.sort_by_cached_key(|user| (user.name.clone(), user.left_open.is_none()));
    users.dedup_by(|one, other| one.name == other.name);
}

fn add_seen(look: &Look<'_>, name: &UserName, seen: Seen, observed: &mut Observed) {
    let snapshot = &mut observed.snapshot;
    match seen {
        Seen::User(seen) => {
            let SeenUser {
                user,
                recipient,
                uses_not_read,
            } = *seen;
            for (key, error) in uses_not_read {
                let what = format!("the last use of {}'s {key}", user.name);
                add_not_observed(snapshot, &what, &error.to_string());
            }
            let recipient = recipient.map(|recipient| (user.name.clone(), recipient));
            observed.recipients.extend(recipient);
            if let TrailLook::Seen { made, .. } = &user.trail {
                snapshot.exposed.extend(made.keys().cloned());
            }
            snapshot.users.push(user);
        }
        Seen::Gone => drop(snapshot.gone.insert(name.clone())),
        // The report is up to four hours old: the user may be gone.
        Seen::Nobody if *look.job.scope == Scope::Everyone => {}
        Seen::Nobody => {
            let user = name.clone();
            snapshot.strangers.push(Stranger::NoSuchUser { user });
        }
    }
}

/// Looks at the owners of keys that were made with exposed ones, who may be others; and of keys
/// that were made with those.
async fn look_at_owners_of_made_keys(
    look: &Look<'_>,
    invocation: &Invocation,
    observed: &mut Observed,
) {
    let mut asked = BTreeSet::new();
    for _ in 0..MOST_LINKS {
        let mut unknown = made_keys(&observed.snapshot);
        unknown.retain(|key| asked.insert(key.clone()));
        let owners = owners::of_made_keys(look.ports, &unknown, &mut observed.snapshot).await;
        if owners.is_empty() {
            return;
        }
        look_at_users(look, owners, invocation, observed).await;
    }
    let why = "more keys were made with each other than can be followed";
    add_not_observed(&mut observed.snapshot, "exposed keys", why);
}

/// The keys that were made with exposed ones and that no user has who was looked at.
fn made_keys(snapshot: &Snapshot) -> BTreeSet<AccessKeyId> {
    let mut made = BTreeSet::new();
    for user in &snapshot.users {
        if let TrailLook::Seen { made: keys, .. } = &user.trail {
            made.extend(keys.keys().cloned());
        }
    }
    made.retain(|key| !snapshot.users.iter().any(|user| user.key(key).is_some()));
    made
}

/// The groups, if anybody is to be looked at.
async fn groups_for(
    ports: &Ports,
    policy: &RotationPolicy,
    chosen: &Chosen,
) -> Result<BTreeMap<GroupName, BTreeSet<UserName>>, PortError> {
    if chosen.names().is_empty() {
        return Ok(BTreeMap::new());
    }
    group_members(ports, policy).await
}

/// The members of every group that the policy names; one call a group, however many users.
async fn group_members(
    ports: &Ports,
    policy: &RotationPolicy,
) -> Result<BTreeMap<GroupName, BTreeSet<UserName>>, PortError> {
    let mut members = BTreeMap::new();
    for group in policy.groups() {
        match ports.keys.members(group).await {
            Ok(users) => drop(members.insert(group.clone(), users)),
            // A group that one identity account has, another may not have.
            Err(error) if error.kind == ErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
    }
    Ok(members)
}

/// The date of the oldest active key, by the report and by live calls.
fn oldest_key(snapshot: &Snapshot) -> Option<Timestamp> {
    let mut oldest = snapshot.oldest_key;
    for user in &snapshot.users {
        for key in user.keys.iter().filter(|key| key.active) {
            oldest = earliest(oldest, Some(key.created_at));
        }
    }
    oldest
}
