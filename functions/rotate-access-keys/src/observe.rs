//! Looks at one identity account: the credential report for everyone, live calls only for users who
//! need a closer look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::policy::RotationPolicy;
use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{ErrorKind, PortError, ReportState};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::credential_report::{self, ReportError, Row};
use crate::event::Scope;
use crate::job::Job;
use crate::ports::Ports;
use crate::snapshot::{NotObserved, Observed, Snapshot};

mod certificate;
mod user;

/// Users looked at side by side: IAM answers some 15 calls a second of a kind before it throttles,
/// and eight users keep just below that.
const CONCURRENT_USERS: usize = 8;

/// Longest wait for a credential report; IAM makes one of 5,000 users in less than a minute, and a
/// run has fifteen.
const REPORT_PATIENCE: Duration = Duration::from_secs(120);

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

/// Looks at one identity account.
pub async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    now: Timestamp,
) -> Result<Observed, ObserveError> {
    let mut observed = Observed {
        at: now,
        snapshot: Snapshot {
            account: job.identity.id.clone(),
            mode: job.scope.mode(),
            named_exposed: job.scope.exposed_keys(),
            users: Vec::new(),
            not_observed: Vec::new(),
            users_in_order: 0,
            oldest_key: None,
        },
        recipients: BTreeMap::new(),
    };
    let names = users_to_observe(ports, job, now, &mut observed.snapshot).await?;
    if !names.is_empty() {
        observe_users(ports, job, names, now, &mut observed).await?;
    }
    observed.snapshot.oldest_key = oldest_key(&observed.snapshot);
    Ok(observed)
}

/// The users who need a closer look.
async fn users_to_observe(
    ports: &Ports,
    job: &Job<'_>,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> Result<BTreeSet<UserName>, ObserveError> {
    match job.scope {
        Scope::Everyone => {
            let rows = credential_report::parse(&read_report(ports).await?)?;
            Ok(choose(&rows, job.policy, now, snapshot))
        }
        Scope::Users { users, .. } => Ok(users.clone()),
        Scope::ExposedKeys(keys) => Ok(owners_of(ports, keys, snapshot).await),
    }
}

/// Chooses by the report who needs a closer look; the others are in order.
fn choose(
    rows: &[Row],
    policy: &RotationPolicy,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let earliest_warning = policy.earliest_warning();
    let mut chosen = BTreeSet::new();
    for row in rows {
        if row.needs_a_look(earliest_warning, now) {
            chosen.insert(row.user.clone());
            continue;
        }
        snapshot.users_in_order += 1;
        snapshot.oldest_key = earliest(snapshot.oldest_key, row.oldest_active());
    }
    chosen
}

/// The owners of exposed keys. A key whose owner can't be found out was not
/// observed.
async fn owners_of(
    ports: &Ports,
    keys: &BTreeSet<AccessKeyId>,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let mut owners = BTreeSet::new();
    for key in keys {
        // GetAccessKeyLastUsed tells a key's owner too.
        match ports.keys.usage(key).await {
            Ok(usage) => drop(owners.insert(usage.user)),
            Err(error) => snapshot.not_observed.push(NotObserved {
                subject: key.to_string(),
                why: error.to_string(),
            }),
        }
    }
    owners
}

/// Reads the credential report, waiting while IAM makes it. Two calls if it is ready at once, or
/// after the first pause.
async fn read_report(ports: &Ports) -> Result<Vec<u8>, ObserveError> {
    let give_up_at = ports.clock.now() + REPORT_PATIENCE;
    let mut pause = Duration::from_secs(2);
    let mut state = ports.keys.request_report().await?;
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

/// Looks at these users, several side by side.
async fn observe_users(
    ports: &Ports,
    job: &Job<'_>,
    names: BTreeSet<UserName>,
    now: Timestamp,
    observed: &mut Observed,
) -> Result<(), PortError> {
    let groups = &group_members(ports, job.policy).await?;
    let mut seen: Vec<_> = stream::iter(names)
        .map(|name| async move {
            let seen = user::observe_user(ports, job, &name, groups, now).await;
            (name, seen)
        })
        .buffer_unordered(CONCURRENT_USERS)
        .collect()
        .await;
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, seen) in seen {
        match seen {
            Ok(Some((user, recipient))) => {
                observed
                    .recipients
                    .extend(recipient.map(|recipient| (name, recipient)));
                observed.snapshot.users.push(user);
            }
            // The report is up to four hours old: the user may be gone.
            Ok(None) if *job.scope == Scope::Everyone => {}
            Ok(None) => add_not_observed(observed, &name, "there is no such user"),
            Err(error) => add_not_observed(observed, &name, &error.to_string()),
        }
    }
    Ok(())
}

fn add_not_observed(observed: &mut Observed, name: &UserName, why: &str) {
    observed.snapshot.not_observed.push(NotObserved {
        subject: name.to_string(),
        why: why.to_owned(),
    });
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

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
