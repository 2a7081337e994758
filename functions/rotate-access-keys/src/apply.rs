//! Does what the plan says: one exhaustive match, one small function an action.
//!
//! Nothing is decided here. An action that fails ends its own chain; the next run plans anew from what
//! it then sees.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::record::{Issued, Reason, Record, Rotation, StoredEnvelope, lease_left};
use banto_domain::{AccessKeyId, Fingerprint, UserName};
use banto_lambda::Invocation;
use banto_notice::{NoticeSender, SendError};
use banto_ports::{Clock, ErrorKind, PortError};
use banto_seal::{Credential, Recipient, SealError};

use crate::observe::Observed;
use crate::plan::{Action, Chain, OwnerNotice, Plan};
use crate::snapshot::{StoredRecord, User};
use crate::{Account, Rotator, words};

/// What an action may take at the worst: four calls, each with all its attempts. With less time left, a
/// run stops.
const ACTION_TIME: Duration = Duration::from_secs(100);

/// What must be left of an intent's lease when the key is created.
const LEASE_MARGIN: Duration = Duration::from_secs(120);

/// What became of a chain.
#[derive(Debug)]
pub struct Outcome {
    /// The user.
    pub user: UserName,
    /// The actions that were done.
    pub done: Vec<Action>,
    /// The action that failed, and why.
    pub failed: Option<(Action, ApplyError)>,
    /// The actions that were left for the next run.
    pub left: Vec<Action>,
    /// The record as it was last written, for what the report adds to it.
    pub memory: Memory,
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A call failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Nobody could be told.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The recipient is not the one that was planned.
    #[error("the certificate {0} is not at hand")]
    NoRecipient(Fingerprint),
    /// Too much time passed since the intent was recorded.
    #[error("the intent was recorded too long ago to create a key on it")]
    LeaseOver,
    /// The lost key turned out to be used; it was made active again.
    #[error("{0} was to be discarded as lost, but someone uses it")]
    OrphanInUse(AccessKeyId),
    /// The record could not be read, so nothing can be added to it.
    #[error("the record can't be read, so nothing can be noted in it")]
    NoMemory,
}

/// What is remembered of a user while a chain is worked off.
#[derive(Debug, Clone)]
pub struct Memory {
    /// The record; `None` where the stored one can't be read.
    record: Option<Record>,
    /// Whether a version of it is stored.
    is_stored: bool,
}

/// Works off every chain, one after the other.
pub async fn apply(
    plan: &Plan,
    observed: &Observed,
    account: &Account,
    rotator: &Rotator,
    invocation: &Invocation,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for chain in &plan.chains {
        let Some(user) = observed
            .snapshot
            .users
            .iter()
            .find(|user| user.name == chain.user)
        else {
            continue;
        };
        let worker = Worker {
            user,
            recipient: observed.recipients.get(&chain.user),
            account,
            notice_sender: &rotator.notice_sender,
            clock: rotator.clock.as_ref(),
            invocation,
            memory: Memory::of(user),
        };
        outcomes.push(worker.work_off(chain).await);
    }
    outcomes
}

/// Adds notices to what was said to people about a user.
pub async fn note_said(
    account: &Account,
    user: &User,
    mut memory: Memory,
    ids: &[String],
    clock: &dyn Clock,
    run: &str,
) -> Result<(), ApplyError> {
    let now = clock.now();
    memory
        .write(account, user, run, |record| {
            record
                .notified
                .extend(ids.iter().map(|id| (id.clone(), now)))
        })
        .await
}

/// Works off one chain.
struct Worker<'a> {
    user: &'a User,
    recipient: Option<&'a Recipient>,
    account: &'a Account,
    notice_sender: &'a NoticeSender,
    clock: &'a dyn Clock,
    invocation: &'a Invocation,
    memory: Memory,
}

impl Worker<'_> {
    async fn work_off(mut self, chain: &Chain) -> Outcome {
        let mut done = Vec::new();
        let mut failed = None;
        for action in &chain.actions {
            if !self.invocation.has_time_for(ACTION_TIME) {
                break;
            }
            if let Err(error) = self.act(action).await {
                tracing::error!(account = %self.account.identity.id, user = %chain.user, action = action.kind(),
                    error = %error, "failed");
                failed = Some((action.clone(), error));
                break;
            }
            tracing::info!(account = %self.account.identity.id, user = %chain.user, action = action.kind(), "done");
            done.push(action.clone());
        }
        let tried = done.len() + usize::from(failed.is_some());
        let left = chain.actions.iter().skip(tried).cloned().collect();
        Outcome {
            user: chain.user.clone(),
            done,
            failed,
            left,
            memory: self.memory,
        }
    }

    async fn act(&mut self, action: &Action) -> Result<(), ApplyError> {
        match action {
            Action::DisableExposed { key } => self.disable_exposed(key).await,
            Action::DiscardOrphan { key } => self.discard_orphan(key).await,
            Action::Issue {
                reason,
                existing_keys,
                recipient,
            } => self.issue(*reason, existing_keys, recipient).await,
            Action::NotifyOwner(message) => self.tell(message).await,
            Action::Disable { key } => self.disable(key).await,
            Action::Delete { key } => self.delete(key).await,
            Action::SaveRestored { key } => self.save_restored(key).await,
        }
    }

    /// Notes the exposure first, so that a later run finishes what a crash cuts short; but disables
    /// the key whether or not it could be noted, unless another run was faster: then it may be that
    /// run's new key.
    async fn disable_exposed(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let noted = self.write(|record| {
            record.exposed.insert(key.clone());
            record.restored.remove(key);
        });
        let noted = noted.await;
        if let Err(ApplyError::Port(error)) = &noted
            && error.kind == ErrorKind::Conflict
        {
            return noted;
        }
        self.account
            .keys
            .set_active(&self.user.name, key, false)
            .await?;
        noted?;
        self.stamp_disabled(key).await
    }

    /// Disables the key before it looks a last time whether someone uses it: then nobody can begin to.
    async fn discard_orphan(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let user = &self.user.name;
        self.account.keys.set_active(user, key, false).await?;
        if self.account.keys.usage(key).await?.last.is_some() {
            self.account.keys.set_active(user, key, true).await?;
            return Err(ApplyError::OrphanInUse(key.clone()));
        }
        self.delete_if_there(key).await
    }

    /// The one action that can't be repeated, since the secret is told only once: everything that can
    /// fail beforehand is done beforehand, and the intent makes a crash in the middle recognisable.
    async fn issue(
        &mut self,
        reason: Reason,
        existing_keys: &BTreeSet<AccessKeyId>,
        fingerprint: &Fingerprint,
    ) -> Result<(), ApplyError> {
        let recipient = self
            .recipient
            .filter(|recipient| recipient.fingerprint() == fingerprint);
        let recipient = recipient.ok_or_else(|| ApplyError::NoRecipient(fingerprint.clone()))?;
        recipient.try_out()?;

        let intended_at = self.clock.now();
        let intent = Rotation {
            reason,
            intended_at,
            existing_keys: existing_keys.clone(),
            recipient: fingerprint.clone(),
            issued: None,
            delivered_at: None,
        };
        self.write(|record| {
            record.rotation = Some(intent);
            forget_all_but(record, existing_keys);
        })
        .await?;
        lease_left(intended_at, self.clock.now())
            .filter(|left| *left > LEASE_MARGIN)
            .ok_or(ApplyError::LeaseOver)?;

        let created = self.account.keys.create(&self.user.name).await?;
        let envelope = recipient.seal(&Credential {
            account: &self.account.identity.id,
            user: &self.user.name,
            key: &created.id,
            secret: &created.secret,
            created_at: created.created_at,
        });
        // Wiped here, whether or not it was sealed.
        drop(created.secret);
        let armored = envelope?.into_string();

        self.write(|record| {
            record.envelope = Some(StoredEnvelope {
                key: created.id.clone(),
                armored,
            });
            record.exposed.clear();
            if let Some(rotation) = &mut record.rotation {
                rotation.issued = Some(Issued {
                    key: created.id,
                    created_at: created.created_at,
                });
            }
        })
        .await
    }

    async fn tell(&mut self, message: &OwnerNotice) -> Result<(), ApplyError> {
        let record = self.memory.record.as_ref();
        let notice = words::to_owner(message, self.user, &self.account.identity, record);
        self.notice_sender
            .send(&notice, self.invocation.remaining())
            .await?;
        let now = self.clock.now();
        let is_issued = matches!(message, OwnerNotice::Issued { .. });
        self.write(|record| match &mut record.rotation {
            Some(rotation) if is_issued => rotation.delivered_at = Some(now),
            _ => record.notified.extend([(message.id(), now)]),
        })
        .await
    }

    async fn disable(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.account
            .keys
            .set_active(&self.user.name, key, false)
            .await?;
        self.stamp_disabled(key).await
    }

    async fn stamp_disabled(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let now = self.clock.now();
        self.write(|record| {
            record.disabled.insert(key.clone(), now);
        })
        .await
    }

    async fn delete(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        // A person may have made it active since it was looked at; then it is theirs again.
        let live = self.account.keys.keys(&self.user.name).await?;
        if live.iter().any(|live| live.id == *key && live.active) {
            let message = format!("{key} was made active again in the meantime");
            return Err(PortError::new(ErrorKind::Conflict, "iam:DeleteAccessKey", message).into());
        }
        self.delete_if_there(key).await
    }

    async fn delete_if_there(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        match self.account.keys.delete(&self.user.name, key).await {
            Err(error) if error.kind != ErrorKind::Missing => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn save_restored(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.write(|record| {
            record.disabled.remove(key);
            record.exposed.remove(key);
            record.restored.insert(key.clone());
        })
        .await
    }

    async fn write(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), ApplyError> {
        self.memory
            .write(self.account, self.user, &self.invocation.run, change)
            .await
    }
}

impl Memory {
    /// What is remembered of a user before the chain begins.
    pub fn of(user: &User) -> Self {
        let first = || Record::first(user.id.clone());
        match &user.record {
            StoredRecord::Absent => Self {
                record: Some(first()),
                is_stored: false,
            },
            StoredRecord::Own(record) => Self {
                record: Some(record.clone()),
                is_stored: true,
            },
            StoredRecord::FormerUser(former) => Self {
                record: Some(Record {
                    sequence: former.sequence,
                    ..first()
                }),
                is_stored: true,
            },
            StoredRecord::Unreadable(_) => Self {
                record: None,
                is_stored: true,
            },
        }
    }

    /// Writes the next version. Before anything but dates and key ids is stored, only the owner and
    /// Banto can read it.
    async fn write(
        &mut self,
        account: &Account,
        user: &User,
        run: &str,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ApplyError> {
        let record = self.record.as_mut().ok_or(ApplyError::NoMemory)?;
        let readers = format!("{} {}", user.arn, account.identity.role);
        let mut next = record.next(run);
        change(&mut next);
        if !self.is_stored {
            account.records.create(&user.name, &next).await?;
            *record = next;
            self.is_stored = true;
            account.records.protect(&user.name, &user.arn).await?;
            record.readers = Some(readers);
            return Ok(());
        }
        if next.readers.as_ref() != Some(&readers) {
            account.records.protect(&user.name, &user.arn).await?;
            next.readers = Some(readers);
        }
        account.records.write(&user.name, &next).await?;
        *record = next;
        Ok(())
    }
}

/// Forgets what was remembered of keys that are gone, as a new rotation begins.
fn forget_all_but(record: &mut Record, keys: &BTreeSet<AccessKeyId>) {
    record
        .notified
        .retain(|id, _| keys.iter().any(|key| id.contains(key.as_str())));
    record.disabled.retain(|key, _| keys.contains(key));
    record.restored.retain(|key| keys.contains(key));
}
