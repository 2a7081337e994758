//! Looks at one identity account: the credential report for everyone, live calls only for users who
//! need a closer look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::policy::{IdentityAccount, RotationPolicy};
use banto_domain::record::{LEASE, Record, Rotation};
use banto_domain::{Fingerprint, GroupName, UserName};
use banto_ports::{Clock, ErrorKind, LiveKey, LiveUser, PortError, ReportState};
use banto_seal::Recipient;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::credential_report::{self, Row};
use crate::event::Mode;
use crate::snapshot::{Certificate, Key, PIN_TAG, Snapshot, StoredRecord, Unread, Used, User};
use crate::{Account, Target};

/// Users looked at side by side: IAM answers some 15 calls a second of a kind before it throttles.
const SIDE_BY_SIDE: usize = 8;

/// Longest wait for a credential report; IAM makes one of 5,000 users in less than a minute.
const REPORT_PATIENCE: Duration = Duration::from_secs(120);

/// What was seen, and the certificates that new keys can be sealed to.
#[derive(Debug)]
pub struct Observed {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The recipients of the users whose certificate is usable.
    pub recipients: BTreeMap<UserName, Recipient>,
}

/// A failure that keeps a whole account from being looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A call failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The report made no sense.
    #[error(transparent)]
    Report(#[from] credential_report::ReportError),
    /// The report was not ready in time.
    #[error("IAM did not finish the credential report within {} seconds", REPORT_PATIENCE.as_secs())]
    ReportNotReady,
}

/// Looks at one identity account.
pub async fn observe(
    account: &Account,
    target: &Target,
    policy: &RotationPolicy,
    clock: &dyn Clock,
) -> Result<Observed, ObserveError> {
    let now = clock.now();
    let mut snapshot = Snapshot {
        account: account.identity.id.clone(),
        mode: target.mode(),
        exposed: target.exposed(),
        users: Vec::new(),
        unread: Vec::new(),
        in_order: 0,
        oldest_key: None,
    };
    let names = candidates(account, target, policy, clock, &mut snapshot).await?;
    let groups = if names.is_empty() {
        BTreeMap::new()
    } else {
        members(account, policy).await?
    };

    let look = Look {
        account,
        policy,
        mode: target.mode(),
        groups: &groups,
        now,
    };
    let mut looks: Vec<_> = stream::iter(names)
        .map(|name| async move { (look.user(&name).await, name) })
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    looks.sort_by(|(_, one), (_, other)| one.cmp(other));

    let mut recipients = BTreeMap::new();
    for (seen, name) in looks {
        match seen {
            Ok(Some((user, recipient))) => {
                recipients.extend(recipient.map(|recipient| (name, recipient)));
                snapshot.users.push(user);
            }
            // The report is up to four hours old: the user may be gone.
            Ok(None) if target.is_everyone() => {}
            Ok(None) => snapshot.unread.push(Unread {
                subject: name.to_string(),
                why: "there is no such user".into(),
            }),
            Err(error) => snapshot.unread.push(Unread {
                subject: name.to_string(),
                why: error.to_string(),
            }),
        }
    }
    let active = snapshot
        .users
        .iter()
        .flat_map(|user| &user.keys)
        .filter(|key| key.active);
    snapshot.oldest_key = active
        .map(|key| key.created_at)
        .chain(snapshot.oldest_key)
        .min();
    Ok(Observed {
        snapshot,
        recipients,
    })
}

/// The users who need a closer look.
async fn candidates(
    account: &Account,
    target: &Target,
    policy: &RotationPolicy,
    clock: &dyn Clock,
    snapshot: &mut Snapshot,
) -> Result<BTreeSet<UserName>, ObserveError> {
    match target {
        Target::Everyone => {
            let rows = credential_report::parse(&read_report(account, clock).await?)?;
            let now = clock.now();
            let needs_a_look = |row: &&Row| row.needs_a_look(policy.earliest_warning(), now);
            let names: BTreeSet<UserName> = rows
                .iter()
                .filter(needs_a_look)
                .map(|row| row.user.clone())
                .collect();
            snapshot.in_order = rows.len() - names.len();
            let in_order = rows.iter().filter(|row| !names.contains(&row.user));
            snapshot.oldest_key = in_order.filter_map(Row::oldest_active).min();
            Ok(names)
        }
        Target::Users { users, .. } => Ok(users.clone()),
        Target::Exposed(keys) => {
            let mut owners = BTreeSet::new();
            for key in keys {
                match account.keys.usage(key).await {
                    Ok(usage) => drop(owners.insert(usage.user)),
                    Err(error) => snapshot.unread.push(Unread {
                        subject: key.to_string(),
                        why: error.to_string(),
                    }),
                }
            }
            Ok(owners)
        }
    }
}

/// Reads the credential report, waiting while IAM makes it. Two calls if it is ready at once, or after
/// the first pause.
async fn read_report(account: &Account, clock: &dyn Clock) -> Result<Vec<u8>, ObserveError> {
    let give_up_at = clock.now() + REPORT_PATIENCE;
    let mut pause = Duration::from_secs(2);
    let mut state = account.keys.request_report().await?;
    loop {
        if state == ReportState::InProgress {
            if clock.now() + pause > give_up_at {
                return Err(ObserveError::ReportNotReady);
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(16));
        }
        state = match account.keys.report().await {
            Ok(report) => return Ok(report),
            Err(error) if error.kind == ErrorKind::NotReady => ReportState::InProgress,
            // Absent, or expired since it was asked for; asking again without a pause could go on for ever.
            Err(error) if error.kind == ErrorKind::Missing => {
                account.keys.request_report().await?;
                ReportState::InProgress
            }
            Err(error) => return Err(error.into()),
        };
    }
}

/// The members of every group that the policy names; one call a group, however many users.
async fn members(
    account: &Account,
    policy: &RotationPolicy,
) -> Result<BTreeMap<GroupName, BTreeSet<UserName>>, PortError> {
    let mut members = BTreeMap::new();
    for group in policy.groups() {
        match account.keys.members(group).await {
            Ok(users) => drop(members.insert(group.clone(), users)),
            // A group that one identity account has, another may not have.
            Err(error) if error.kind == ErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
    }
    Ok(members)
}

/// How users are looked at.
#[derive(Clone, Copy)]
struct Look<'a> {
    account: &'a Account,
    policy: &'a RotationPolicy,
    mode: Mode,
    groups: &'a BTreeMap<GroupName, BTreeSet<UserName>>,
    now: Timestamp,
}

impl Look<'_> {
    /// One user; `None` if there is none of that name.
    async fn user(&self, name: &UserName) -> Result<Option<(User, Option<Recipient>)>, PortError> {
        let live = match self.account.keys.user(name).await {
            Ok(live) => live,
            Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
            Err(error) => return Err(error),
        };
        // The record before the keys: if another run changes both in between, the record is the stale
        // one, and whatever is planned on it is refused when its next version is written.
        let record = remembered(self.account.records.read(name).await?, &live);
        let mut keys = self.account.keys.keys(name).await?;
        keys.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));

        let groups = self
            .groups
            .iter()
            .filter(|(_, members)| members.contains(name));
        let mut user = User {
            name: name.clone(),
            groups: groups.map(|(group, _)| group.clone()).collect(),
            id: live.id,
            arn: live.arn,
            path: live.path,
            tags: live.tags,
            keys: keys.into_iter().map(Key::unasked).collect(),
            record,
            certificate: Certificate::NotAsked,
        };
        self.ask_usage(&mut user).await;
        let recipient = if self.may_issue(&user) {
            self.look_at_certificate(&mut user).await
        } else {
            None
        };
        Ok(Some((user, recipient)))
    }

    /// Asks whether a key was used, where something hangs on it: the new key of a rotation, and a
    /// key that may be the orphan of a crash.
    async fn ask_usage(&self, user: &mut User) {
        let Some(rotation) = user.record().and_then(|record| record.rotation.clone()) else {
            return;
        };
        let has_old = user
            .keys
            .iter()
            .any(|key| rotation.existing_keys.contains(&key.id));
        for key in user
            .keys
            .iter_mut()
            .filter(|key| matters(&rotation, has_old, key))
        {
            // Not to know is an answer: nothing is done that hangs on it.
            if let Ok(usage) = self.account.keys.usage(&key.id).await {
                key.used = usage.last.map_or(Used::Never, Used::Last);
            }
        }
    }

    /// Whether this run may want to issue the user a key, or warn of it.
    fn may_issue(&self, user: &User) -> bool {
        let warning_age = self.policy.timings_for(user.attributes()).warning_age();
        let nears_end =
            |key: &Key| key.active && self.now.duration_since(key.created_at) >= warning_age;
        let exposed = |key: &Key| {
            user.record()
                .is_some_and(|record| record.exposed.contains(&key.id))
        };
        self.mode != Mode::Due || user.keys.iter().any(|key| nears_end(key) || exposed(key))
    }

    async fn look_at_certificate(&self, user: &mut User) -> Option<Recipient> {
        let refused = |code: &str, reason: String| Certificate::Refused {
            code: code.to_owned(),
            reason,
        };
        let Some(pin) = user.tags.get(PIN_TAG) else {
            let identity: &IdentityAccount = &self.account.identity;
            user.certificate = refused(
                "no-pin",
                format!(
                    "no certificate is registered: the IAM tag {PIN_TAG} is missing. Register with `banto keys register`, or put \
                     your certificate's fingerprint into that tag and the certificate to s3://{}/{}{}.asc",
                    identity.certificate_bucket, identity.certificate_prefix, user.name
                ),
            );
            return None;
        };
        let pin = match Fingerprint::from_human(pin) {
            Ok(pin) => pin,
            Err(error) => {
                user.certificate = refused(
                    "bad-pin",
                    format!("the IAM tag {PIN_TAG} is no fingerprint: {error}"),
                );
                return None;
            }
        };
        let parsed = match self.account.certificates.read(&user.name).await {
            Err(error) => Err(Certificate::Unknown(error.to_string())),
            Ok(None) => Err(refused(
                "no-certificate",
                format!(
                    "the IAM tag {PIN_TAG} pins {pin}, but no certificate is stored. Run `banto keys register` again"
                ),
            )),
            Ok(Some(bytes)) => Recipient::parse(&bytes, &pin, self.now)
                .map_err(|refusal| refused(refusal.code(), refusal.to_string())),
        };
        match parsed {
            Ok(recipient) => {
                user.certificate = Certificate::Usable {
                    fingerprint: recipient.fingerprint().clone(),
                    expires_soon: recipient.expires_soon(self.now),
                };
                Some(recipient)
            }
            Err(certificate) => {
                user.certificate = certificate;
                None
            }
        }
    }
}

impl Key {
    fn unasked(live: LiveKey) -> Self {
        Self {
            id: live.id,
            active: live.active,
            created_at: live.created_at,
            used: Used::Unknown,
        }
    }
}

/// Whether the plan hangs on the use of this key.
fn matters(rotation: &Rotation, has_old: bool, key: &Key) -> bool {
    match &rotation.issued {
        Some(issued) => has_old && issued.key == key.id,
        None => {
            !rotation.existing_keys.contains(&key.id)
                && key.created_at.duration_since(rotation.intended_at) <= LEASE * 2
        }
    }
}

fn remembered(text: Option<String>, live: &LiveUser) -> StoredRecord {
    let Some(text) = text else {
        return StoredRecord::Absent;
    };
    match Record::from_text(&text) {
        Ok(record) if record.user_id == live.id => StoredRecord::Own(record),
        Ok(record) => StoredRecord::FormerUser(record),
        Err(error) => StoredRecord::Unreadable(error.to_string()),
    }
}
