//! Does what the plan says: one exhaustive match, one small function an action.
//!
//! An action that fails ends its own chain; the next run plans anew from what it then sees.
//!
//! Deliberately absent: any decision what to do, which is the plan's. An action only looks a last
//! time whether it is still safe.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::record::{Issued, Reason, Record, Rotation, StoredEnvelope, lease_left};
use banto_domain::{AccessKeyId, Fingerprint};
use banto_lambda::Invocation;
use banto_ports::{CreatedKey, ErrorKind, PortError};
use banto_seal::{Credential, Recipient, SealError};

use crate::job::Job;
use crate::notices;
use crate::outcome::{ApplyError, ChainOutcome};
use crate::plan::{Action, Chain, OwnerNotice, Plan};
use crate::ports::Ports;
use crate::record_writer::RecordWriter;
use crate::snapshot::{Observed, User};

/// Time that an action takes at the worst. Issuing makes most calls, four: one writes the intent,
/// one protects the record, one creates the key, one stores the envelope. Each ends within 25 s,
/// all its attempts included (`CALL_TIMEOUT` in `banto_aws`). With less time left a run stops, so
/// that no action is cut short by the end of the invocation.
const ACTION_TIME: Duration = Duration::from_secs(100);

/// Time that must be left of an intent's lease when the key is created, since a later run could
/// otherwise take the key for an orphan: creating it and storing its envelope take 25 s each at
/// most, and 70 s are for a process that is paused or a clock that differs.
const LEASE_NEEDED: Duration = Duration::from_secs(120);

/// Carries out every chain, one after the other.
pub async fn apply(
    ports: &Ports,
    job: &Job<'_>,
    observed: &Observed,
    plan: &Plan,
    invocation: &Invocation,
) -> Vec<ChainOutcome> {
    let mut outcomes = Vec::new();
    for chain in &plan.chains {
        let Some(user) = observed.snapshot.user(&chain.user) else {
            continue;
        };
        let executor = Executor {
            ports,
            job,
            user,
            recipient: observed.recipients.get(&chain.user),
            invocation,
            writer: RecordWriter::new(ports, job, user, user.record.clone(), &invocation.run),
        };
        outcomes.push(executor.execute(chain).await);
    }
    outcomes
}

/// Carries out one chain.
struct Executor<'a> {
    ports: &'a Ports,
    job: &'a Job<'a>,
    user: &'a User,
    recipient: Option<&'a Recipient>,
    invocation: &'a Invocation,
    writer: RecordWriter<'a>,
}

impl Executor<'_> {
    async fn execute(mut self, chain: &Chain) -> ChainOutcome {
        let mut done = Vec::new();
        let mut failed = None;
        for action in &chain.actions {
            if !self.invocation.has_time_for(ACTION_TIME) {
                break;
            }
            let result = self.act(action).await;
            self.log(action, &result);
            if let Err(error) = result {
                failed = Some((action.clone(), error));
                break;
            }
            done.push(action.clone());
        }
        let tried = done.len() + usize::from(failed.is_some());
        ChainOutcome {
            user: chain.user.clone(),
            done,
            failed,
            left: chain.actions.iter().skip(tried).cloned().collect(),
            record: self.writer.into_stored(),
        }
    }

    fn log(&self, action: &Action, result: &Result<(), ApplyError>) {
        let (account, user) = (&self.job.identity.id, &self.user.name);
        let key = action.key().map(AccessKeyId::as_str);
        match result {
            Ok(()) => {
                tracing::info!(account.id = %account, user.name = %user, key.id = key,
                    action.kind = action.kind(), "{}", action.past());
            }
            Err(error) => {
                tracing::error!(account.id = %account, user.name = %user, key.id = key,
                    action.kind = action.kind(), %error, "the action failed; its chain ends here");
            }
        }
    }

    async fn act(&mut self, action: &Action) -> Result<(), ApplyError> {
        match action {
            Action::DisableExposed { key } => self.disable_exposed(key).await,
            Action::DiscardOrphan { key } => self.discard_orphan(key).await,
            Action::Issue {
                reason,
                existing_keys,
                recipient: fingerprint,
            } => self.issue(*reason, existing_keys, fingerprint).await,
            Action::NotifyOwner(notice) => self.notify_owner(notice).await,
            Action::Disable { key } => self.disable(key).await,
            Action::Delete { key } => self.delete(key).await,
            Action::SaveRestored { key } => self.save_restored(key).await,
        }
    }

    /// Records the exposure first, so that a later run finishes what a crash cuts short. A key
    /// whose exposure could not be recorded is disabled all the same, with one exception: if
    /// another run wrote the record in between, the key may be the new one which that run issued.
    async fn disable_exposed(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let recorded = self
            .writer
            .write(|record| {
                record.exposed.insert(key.clone());
                record.restored.remove(key);
            })
            .await;
        if let Err(ApplyError::Port(error)) = &recorded
            && error.kind == ErrorKind::Conflict
        {
            return recorded;
        }
        self.set_active(key, false).await?;
        recorded?;
        self.save_disabled(key).await
    }

    /// Disables the key before it looks a last time whether someone uses it: then nobody can begin
    /// to.
    async fn discard_orphan(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.set_active(key, false).await?;
        if self.ports.keys.usage(key).await?.last.is_some() {
            self.set_active(key, true).await?;
            return Err(ApplyError::OrphanInUse(key.clone()));
        }
        self.delete_if_there(key).await
    }

    /// Issues a key. This is the one action that can't be repeated, since the secret is told only
    /// once: everything that can fail beforehand is done beforehand, and the intent makes a crash
    /// in the middle recognisable.
    async fn issue(
        &mut self,
        reason: Reason,
        existing_keys: &BTreeSet<AccessKeyId>,
        fingerprint: &Fingerprint,
    ) -> Result<(), ApplyError> {
        let recipient = self
            .recipient
            .filter(|recipient| recipient.fingerprint() == fingerprint)
            .ok_or_else(|| ApplyError::NoRecipient(fingerprint.clone()))?;
        recipient.try_out()?;
        self.save_intent(reason, existing_keys, fingerprint).await?;
        let created = self.ports.keys.create(&self.user.name).await?;
        let issued = Issued {
            key: created.id.clone(),
            created_at: created.created_at,
        };
        let armored = self.seal(created, recipient)?;
        self.save_envelope(issued, armored).await
    }

    /// Saves the intent to issue a key, and makes sure that its lease lasts long enough to do so.
    async fn save_intent(
        &mut self,
        reason: Reason,
        existing_keys: &BTreeSet<AccessKeyId>,
        fingerprint: &Fingerprint,
    ) -> Result<(), ApplyError> {
        let intended_at = self.ports.clock.now();
        let intent = Rotation {
            reason,
            intended_at,
            existing_keys: existing_keys.clone(),
            recipient: fingerprint.clone(),
            issued: None,
            delivered_at: None,
        };
        self.writer
            .write(|record| {
                record.rotation = Some(intent);
                keep_only_what_names(existing_keys, record);
            })
            .await?;
        match lease_left(intended_at, self.ports.clock.now()) {
            Some(left) if left > LEASE_NEEDED => Ok(()),
            Some(_) | None => Err(ApplyError::LeaseOver),
        }
    }

    /// Seals a key, and drops it: `SecretString` wipes the secret as it is dropped, whether or not
    /// the key could be sealed.
    fn seal(&self, created: CreatedKey, recipient: &Recipient) -> Result<String, SealError> {
        let envelope = recipient.seal(&Credential {
            account: &self.job.identity.id,
            user: &self.user.name,
            key: &created.id,
            secret: &created.secret,
            created_at: created.created_at,
        });
        Ok(envelope?.into_string())
    }

    async fn save_envelope(&mut self, issued: Issued, armored: String) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                record.envelope = Some(StoredEnvelope {
                    key: issued.key.clone(),
                    armored,
                });
                record.exposed.clear();
                if let Some(rotation) = &mut record.rotation {
                    rotation.issued = Some(issued);
                }
            })
            .await
    }

    /// Notifies the owner, and saves that once the notice was accepted for delivery.
    async fn notify_owner(&mut self, notice: &OwnerNotice) -> Result<(), ApplyError> {
        let record = self.writer.record();
        let message = notices::to_owner(notice, self.user, self.job.identity, record);
        self.ports
            .notice_sender
            .send(&message, self.invocation.remaining())
            .await?;
        let now = self.ports.clock.now();
        if !matches!(notice, OwnerNotice::Issued { .. }) {
            return self.writer.save_notified(&[notice.id()], now).await;
        }
        self.writer
            .write(|record| {
                if let Some(rotation) = &mut record.rotation {
                    rotation.delivered_at = Some(now);
                }
            })
            .await
    }

    async fn disable(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.set_active(key, false).await?;
        self.save_disabled(key).await
    }

    async fn save_disabled(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                record.disabled.insert(key.clone(), now);
            })
            .await
    }

    async fn delete(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        // A person may have made it active since it was observed; then it is theirs again.
        let live = self.ports.keys.keys(&self.user.name).await?;
        if live.iter().any(|live| live.id == *key && live.active) {
            return Err(ApplyError::RestoredMeanwhile(key.clone()));
        }
        self.delete_if_there(key).await
    }

    async fn delete_if_there(&self, key: &AccessKeyId) -> Result<(), ApplyError> {
        match self.ports.keys.delete(&self.user.name, key).await {
            Err(error) if error.kind != ErrorKind::Missing => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn save_restored(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                record.disabled.remove(key);
                record.exposed.remove(key);
                record.restored.insert(key.clone());
            })
            .await
    }

    async fn set_active(&self, key: &AccessKeyId, active: bool) -> Result<(), PortError> {
        let keys = &self.ports.keys;
        keys.set_active(&self.user.name, key, active).await
    }
}

/// Keeps of a record only what names one of these keys, as a new rotation begins. What was told of
/// keys that are gone is forgotten, and so is what names no key, like a certificate's problem: if
/// it comes up again, people are told again.
fn keep_only_what_names(keys: &BTreeSet<AccessKeyId>, record: &mut Record) {
    record.notified.retain(|id, _| names_any(id, keys));
    record.disabled.retain(|key, _| keys.contains(key));
    record.restored.retain(|key| keys.contains(key));
}

fn names_any(id: &str, keys: &BTreeSet<AccessKeyId>) -> bool {
    keys.iter().any(|key| id.contains(key.as_str()))
}
