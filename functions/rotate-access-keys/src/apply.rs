//! Does what the plan says: one exhaustive match, one small function an action.
//!
//! An action that fails ends its own chain; the next run plans anew from what it then sees.
//!
//! Deliberately absent: any decision what to do, which is the plan's. An action only looks a last
//! time whether it is still safe.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::AccessKeyId;
use banto_domain::record::{
    Emergency, Intent, Issued, Owed, Reason, Record, Rotation, StoredEnvelope, lease_left,
};
use banto_lambda::Invocation;
use banto_notice::DeliveredBy;
use banto_ports::{CreatedKey, Delayed, ErrorKind, LiveKey, PortError};
use banto_seal::{Credential, Recipient, SealError};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::job::Job;
use crate::notices;
use crate::outcome::{ApplyError, ChainOutcome};
use crate::plan::{Action, Chain, DisableReason, Exposed, OwnerNotice, Plan};
use crate::ports::Ports;
use crate::record_writer::RecordWriter;
use crate::snapshot::{Observed, SLACK_TAG, Used, User};

mod leave;

/// Time that an action takes at the worst. Issuing makes most calls: the record is marked, written
/// and protected, the key is created, its envelope stored; and where a write is in the way of an
/// older version, that costs two more; both texts are signed. Each of the nine ends within 25 s,
/// all its attempts included (`CALL_TIMEOUT` in `banto_aws`). With less time left a run stops, so
/// that no action is cut short by the end of the invocation.
pub const ACTION_TIME: Duration = Duration::from_secs(9 * 25);

/// Time that must be left of an intent's lease when the key is created, since a later run could
/// otherwise take the key for an orphan: creating it, signing and storing its envelope take 25 s
/// each at most, and 70 s are for a process that is paused or a clock that differs.
const LEASE_NEEDED: Duration = Duration::from_secs(145);

/// The time after the end of keys and sessions up to which sessions in roles end too: IAM takes
/// seconds, and at times a minute or two, until a change holds everywhere. (IAM user guide,
/// "Changes that I make are not always immediately visible".) onboard-accounts refuses a moment
/// that is more than five minutes ahead of its clock.
const REVOCATION_MARGIN: SignedDuration = SignedDuration::from_mins(2);

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
        let mut failed = Vec::new();
        for action in &chain.actions {
            if !self.invocation.has_time_for(ACTION_TIME) {
                break;
            }
            let result = self.act(action).await;
            self.log(action, &result);
            match result {
                Ok(()) => done.push(action.clone()),
                Err(error) => {
                    failed.push((action.clone(), error));
                    if !action.may_be_passed_over() {
                        break;
                    }
                }
            }
        }
        let tried = done.len() + failed.len();
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
        let keys: Vec<String> = action.keys().iter().map(AccessKeyId::to_string).collect();
        let keys = keys.join(" ");
        match result {
            Ok(()) => {
                tracing::info!(account.id = %account, user.name = %user, key.ids = keys,
                    action.kind = action.kind(), "{}", action.past());
            }
            Err(error) => {
                tracing::error!(account.id = %account, user.name = %user, key.ids = keys,
                    action.kind = action.kind(), %error, "the action failed");
            }
        }
    }

    async fn act(&mut self, action: &Action) -> Result<(), ApplyError> {
        match action {
            // Whoever writes lets the record follow name and readers.
            Action::FollowRename { .. } => self.writer.write(|_| {}).await,
            Action::Reprotect => self.writer.reprotect().await,
            Action::DisableExposed(exposed) => self.disable_exposed(exposed).await,
            Action::DenySessions {
                request,
                asked_at,
                since,
            } => self.deny_sessions(request, *asked_at, *since).await,
            Action::Revoke => self.revoke().await,
            Action::AllowSessions => self.allow_sessions().await,
            Action::SaveLook => self.save_look().await,
            Action::Leave(leave) => self.leave(leave).await,
            Action::DenyLeaver => self.deny_leaver().await,
            Action::TakeBack {
                keys,
                allows_sessions,
            } => self.take_back(keys, *allows_sessions).await,
            Action::DeleteExposed { key } | Action::Delete { key } => self.delete(key).await,
            Action::DiscardOrphan { key, .. } => self.discard_orphan(key).await,
            Action::DropIntent => self.drop_intent().await,
            Action::SaveCertificate => self.save_certificate(|_| {}).await,
            Action::Approve { .. } => {
                self.save_certificate(|record| record.reached_by = None)
                    .await
            }
            Action::ForgetNews { ids } => self.forget_news(ids).await,
            Action::Owe {
                reason,
                request,
                asked_at,
            } => self.owe(*reason, request, *asked_at).await,
            Action::Withdraw {
                reason,
                request,
                asked_at,
            } => self.withdraw(*reason, request, *asked_at).await,
            Action::Issue {
                reason,
                request,
                existing_keys,
                recipient,
            } => {
                let intent = Intent {
                    reason: *reason,
                    request: request.clone(),
                    intended_at: self.ports.clock.now(),
                    existing_keys: existing_keys.clone(),
                    recipient: recipient.clone(),
                };
                self.issue(intent).await
            }
            Action::NotifyOwner(notice) => self.notify_owner(notice).await,
            Action::SaveProof { at } => self.save_proof(*at).await,
            Action::Disable {
                key,
                stand_in,
                reason,
            } => self.disable(key, stand_in.as_ref(), *reason).await,
            Action::SaveDisabled { key } => self.save_disabled(key).await,
            Action::SaveRestored { key } => self.save_restored(key).await,
            Action::Restore { key } => self.restore(key).await,
            Action::Close => self.writer.close().await,
            Action::CloseEarlier { from } => self.writer.close_earlier(from).await,
        }
    }

    /// Disables keys that were named before it writes anything: no record stands between an exposed
    /// key and its end. Keys that nobody named are recorded first: if another run wrote the record
    /// in between, one of them may be the key that this run has just issued.
    async fn disable_exposed(&mut self, exposed: &Exposed) -> Result<(), ApplyError> {
        if exposed.is_beside {
            self.save_exposed(exposed).await?;
        }
        self.set_all_active(&exposed.keys, false).await?;
        if exposed.is_beside {
            return Ok(());
        }
        self.save_exposed(exposed).await
    }

    async fn save_exposed(&mut self, exposed: &Exposed) -> Result<(), ApplyError> {
        let now = self.ports.clock.now();
        let emergency = Emergency {
            request: exposed.request.clone(),
            asked_at: exposed.asked_at,
            since: exposed.since,
            contained_at: now,
            sessions_denied_at: None,
            revoked_at: None,
            looked_at: None,
        };
        self.writer
            .write(|record| {
                for key in &exposed.keys {
                    record.exposed.insert(key.clone());
                    record.restored.remove(key);
                    record.disabled.entry(key.clone()).or_insert(now);
                }
                if exposed.owed {
                    record.owed = Some(Owed {
                        reason: Reason::Emergency,
                        request: exposed.request.clone(),
                        asked_at: exposed.asked_at,
                    });
                }
                record.emergency = Some(emergency);
            })
            .await
    }

    async fn deny_sessions(
        &mut self,
        request: &str,
        asked_at: Timestamp,
        since: Timestamp,
    ) -> Result<(), ApplyError> {
        self.ports.sessions.deny(&self.user.name).await?;
        let now = self.ports.clock.now();
        let first = Emergency {
            request: request.to_owned(),
            asked_at,
            since,
            contained_at: now,
            sessions_denied_at: Some(now),
            revoked_at: None,
            looked_at: None,
        };
        self.writer
            .write(|record| match &mut record.emergency {
                Some(emergency) if emergency.request == first.request => {
                    emergency.sessions_denied_at = Some(now);
                }
                Some(earlier) => {
                    let since = earlier.since.min(first.since);
                    *earlier = Emergency { since, ..first };
                }
                none => *none = Some(first),
            })
            .await
    }

    /// Hands the end of sessions in roles to whoever reaches every account. The message says what
    /// onboard-accounts' queue takes: a kind, the user, and the moment before which sessions end.
    async fn revoke(&mut self) -> Result<(), ApplyError> {
        let Some(queue) = &self.ports.revocations else {
            return Ok(());
        };
        let before = self.contained_at() + REVOCATION_MARGIN;
        let message = json!({
            "version": 1,
            "kind": "revoke",
            "account": self.job.identity.id,
            "user": self.user.name,
            "before": before,
        });
        let body = message.to_string();
        let delay = Duration::ZERO;
        let group = Some(self.job.identity.id.to_string());
        queue.send(&[Delayed { body, delay, group }]).await?;
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                if let Some(emergency) = &mut record.emergency {
                    emergency.revoked_at = Some(now);
                }
                if let Some(left) = &mut record.left {
                    left.revoked_at = Some(now);
                }
            })
            .await
    }

    /// The moment at which keys and sessions had ended as far as is recorded, so that a message
    /// that is sent again is the same; now if nothing is recorded.
    fn contained_at(&self) -> Timestamp {
        let mut ended = Vec::new();
        if let Some(record) = self.writer.record() {
            if let Some(emergency) = &record.emergency {
                ended.push(emergency.contained_at);
                ended.extend(emergency.sessions_denied_at);
            }
            if let Some(left) = &record.left {
                ended.push(left.at);
                ended.extend(left.sessions_denied_at);
                ended.extend(left.keys().filter_map(|key| record.disabled.get(key)));
            }
        }
        let last = ended.into_iter().max();
        last.unwrap_or_else(|| self.ports.clock.now())
    }

    async fn allow_sessions(&mut self) -> Result<(), ApplyError> {
        self.ports.sessions.allow(&self.user.name).await?;
        let ended = self
            .writer
            .write(|record| {
                let ended = record.emergency.take().map(|emergency| emergency.request);
                record.last_emergency = ended.or(record.last_emergency.take());
            })
            .await;
        if ended.is_err() {
            // Another run may have denied them anew in between.
            self.ports.sessions.deny(&self.user.name).await?;
        }
        ended
    }

    async fn save_look(&mut self) -> Result<(), ApplyError> {
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                if let Some(emergency) = &mut record.emergency {
                    emergency.looked_at = Some(now);
                }
            })
            .await
    }

    /// Disables the key before it looks a last time whether someone uses it: then nobody can begin
    /// to.
    async fn discard_orphan(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        match self.set_active(key, false).await {
            // A person, or an earlier try, deleted it.
            Err(error) if error.kind == ErrorKind::Missing => return Ok(()),
            disabled => disabled?,
        }
        if self.ports.keys.usage(key).await?.last.is_some() {
            self.set_active(key, true).await?;
            return Err(ApplyError::OrphanInUse(key.clone()));
        }
        self.delete_if_there(key).await
    }

    async fn drop_intent(&mut self) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                let intent = record.intent.take();
                // Whoever left is owed nothing.
                if let Some(intent) = intent.filter(|_| record.left.is_none()) {
                    keep_request(intent, record);
                }
            })
            .await
    }

    async fn forget_news(&mut self, ids: &BTreeSet<String>) -> Result<(), ApplyError> {
        self.writer
            .write(|record| record.notified.retain(|id, _| !ids.contains(id)))
            .await
    }

    /// Saves the pinned certificate as it was seen: it counts from now on, and what it says of
    /// itself is remembered.
    async fn save_certificate(&mut self, and: impl FnOnce(&mut Record)) -> Result<(), ApplyError> {
        let seen = self.user.seen_certificate.clone();
        self.writer
            .write(|record| {
                record.pin = seen.or(record.pin.take());
                and(record);
            })
            .await
    }

    async fn owe(
        &mut self,
        reason: Reason,
        request: &str,
        asked_at: Timestamp,
    ) -> Result<(), ApplyError> {
        let owed = owed(reason, request, asked_at);
        self.writer.write(|record| record.owed = Some(owed)).await
    }

    async fn withdraw(
        &mut self,
        reason: Reason,
        request: &str,
        asked_at: Timestamp,
    ) -> Result<(), ApplyError> {
        let owed = owed(reason, request, asked_at);
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                record.owed.get_or_insert(owed);
                if let Some(rotation) = &mut record.rotation {
                    rotation.withdrawn_at = Some(now);
                }
            })
            .await
    }

    /// Issues a key. This is the one action that can't be repeated, since the secret is told only
    /// once: everything that can fail beforehand is done beforehand, and the intent makes a crash
    /// in the middle recognisable.
    async fn issue(&mut self, intent: Intent) -> Result<(), ApplyError> {
        let recipient = self
            .recipient
            .filter(|recipient| *recipient.fingerprint() == intent.recipient)
            .ok_or_else(|| ApplyError::NoRecipient(intent.recipient.clone()))?;
        recipient.try_out()?;
        self.save_intent(&intent).await?;
        let created = match self.ports.keys.create(&self.user.name).await {
            Err(error) => return self.give_up(error).await,
            Ok(created) => created,
        };
        let issued = Issued {
            key: created.id.clone(),
            created_at: created.created_at,
        };
        let armored = self.seal(created, recipient)?;
        self.save_envelope(intent, issued, armored).await
    }

    /// Drops the intent if it is certain that no key was created. Otherwise a key that a person
    /// makes later would look like what is left of it.
    async fn give_up(&mut self, error: PortError) -> Result<(), ApplyError> {
        if error.kind != ErrorKind::Unavailable
            && let Err(second) = self.drop_intent().await
        {
            tracing::warn!(user.name = %self.user.name, error = %second,
                "the intent of a refused issue could not be dropped");
        }
        Err(error.into())
    }

    /// Saves the intent to issue a key, and makes sure that its lease lasts long enough to do so.
    async fn save_intent(&mut self, intent: &Intent) -> Result<(), ApplyError> {
        let pin = self.user.seen_certificate.clone();
        let pin = pin.filter(|pin| pin.fingerprint == intent.recipient);
        self.writer
            .write(|record| {
                record.intent = Some(intent.clone());
                record.pin = pin.or(record.pin.take());
                keep_only_what_names(&intent.existing_keys, record);
            })
            .await?;
        match lease_left(intent.intended_at, self.ports.clock.now()) {
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

    async fn save_envelope(
        &mut self,
        intent: Intent,
        issued: Issued,
        armored: String,
    ) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                record.envelope = Some(StoredEnvelope {
                    key: issued.key.clone(),
                    armored,
                });
                record.intent = None;
                record.owed = None;
                record.rotation = Some(Rotation {
                    intent,
                    issued,
                    delivered_at: None,
                    proven_at: None,
                    withdrawn_at: None,
                });
            })
            .await
    }

    /// Notifies the owner, and saves that once the notice was accepted for delivery.
    async fn notify_owner(&mut self, notice: &OwnerNotice) -> Result<(), ApplyError> {
        let record = self.writer.record();
        let place = notices::Place {
            identity: self.job.identity,
            region: self.job.region,
        };
        let message = notices::to_owner(notice, self.user, place, record);
        let sender = &self.ports.notice_sender;
        let time_left = self.invocation.remaining();
        let reached_by = record.and_then(|record| record.reached_by.as_ref());
        // Whoever holds the user's key may have changed the tag.
        let is_elsewhere = reached_by.is_some() && self.user.tags.get(SLACK_TAG) != reached_by;
        let way = if is_elsewhere || notice.goes_everywhere(record) {
            let reached_by = reached_by.map(String::as_str);
            sender
                .send_everywhere(&message, reached_by, time_left)
                .await?
        } else {
            sender.send(&message, time_left).await?
        };
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                save_delivered(notice, now, record);
                if let DeliveredBy::DirectMessage { member } = way {
                    save_reached(notice, member, now, record);
                }
            })
            .await
    }

    async fn save_proof(&mut self, at: Timestamp) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                let Some(rotation) = &mut record.rotation else {
                    return;
                };
                rotation.proven_at = Some(at);
                // Nothing is owed any more that this very key answers, were it withdrawn meanwhile.
                let request = rotation.intent.request.as_ref();
                record
                    .owed
                    .take_if(|owed| owed.reason == Reason::Due || Some(&owed.request) == request);
            })
            .await
    }

    /// Looks right before and right after at what the plan rests on. Where that has changed, the
    /// owner's notice is forgotten: the next one comes before the key ends for good.
    async fn disable(
        &mut self,
        key: &AccessKeyId,
        stand_in: Option<&AccessKeyId>,
        reason: DisableReason,
    ) -> Result<(), ApplyError> {
        let disabled = self.disable_if_unchanged(key, stand_in, reason).await;
        match disabled {
            Ok(()) => self.save_disabled(key).await,
            Err(error @ (ApplyError::ChangedMeanwhile(_) | ApplyError::Undone(_))) => {
                let id = format!("disabling:{key}");
                self.writer
                    .write(|record| {
                        record.notified.remove(&id);
                    })
                    .await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn disable_if_unchanged(
        &mut self,
        key: &AccessKeyId,
        stand_in: Option<&AccessKeyId>,
        reason: DisableReason,
    ) -> Result<(), ApplyError> {
        // At a deadline the key ends, whoever uses it.
        let is_by_date = matches!(
            reason,
            DisableReason::Deadline | DisableReason::Unregistered
        );
        if !is_by_date && self.was_used_since(key).await? {
            return Err(ApplyError::ChangedMeanwhile(key.clone()));
        }
        let Some(stand_in) = stand_in else {
            return Ok(self.set_active(key, false).await?);
        };
        if !is_active(&self.live_keys().await?, stand_in) {
            return Err(ApplyError::ChangedMeanwhile(stand_in.clone()));
        }
        self.set_active(key, false).await?;
        if is_active(&self.live_keys().await?, stand_in) {
            return Ok(());
        }
        self.set_active(key, true).await?;
        Err(ApplyError::Undone(key.clone()))
    }

    /// True if the key was used since it was observed.
    async fn was_used_since(&self, key: &AccessKeyId) -> Result<bool, ApplyError> {
        let seen = match self.user.key(key).map(|key| &key.used) {
            Some(Used::Last(used)) => Some(used.at),
            _ => None,
        };
        let last = self.ports.keys.usage(key).await?.last;
        Ok(last.is_some_and(|last| seen.is_none_or(|seen| last.at > seen)))
    }

    async fn save_disabled(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                record.disabled.insert(key.clone(), now);
            })
            .await
    }

    /// Deletes an inactive key, unless a person has made it active since it was observed.
    async fn delete(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        if is_active(&self.live_keys().await?, key) {
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

    async fn restore(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.set_active(key, true).await?;
        self.save_restored(key).await
    }

    async fn save_restored(&mut self, key: &AccessKeyId) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                record.disabled.remove(key);
                record.restored.insert(key.clone());
                record.notified.remove(&format!("restored:{key}"));
            })
            .await
    }

    async fn live_keys(&self) -> Result<Vec<LiveKey>, PortError> {
        self.ports.keys.keys(&self.user.name).await
    }

    /// Makes keys active or inactive, one that is gone left out.
    async fn set_all_active(
        &self,
        keys: &BTreeSet<AccessKeyId>,
        active: bool,
    ) -> Result<(), PortError> {
        for key in keys {
            match self.set_active(key, active).await {
                Err(error) if error.kind != ErrorKind::Missing => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn set_active(&self, key: &AccessKeyId, active: bool) -> Result<(), PortError> {
        let keys = &self.ports.keys;
        keys.set_active(&self.user.name, key, active).await
    }
}

/// Keeps in mind that a notice was accepted for delivery.
fn save_delivered(notice: &OwnerNotice, now: Timestamp, record: &mut Record) {
    if !matches!(notice, OwnerNotice::Issued { .. }) {
        record.notified.insert(notice.id(), now);
    } else if let Some(rotation) = &mut record.rotation {
        rotation.delivered_at = Some(now);
    }
}

/// Keeps in mind that Slack has the notice before a person, and since when the owner knows of the
/// keys that it is about. Another member than the first is no evidence: whoever holds the user's
/// key may have changed the tag.
fn save_reached(notice: &OwnerNotice, member: String, now: Timestamp, record: &mut Record) {
    if *record.reached_by.get_or_insert_with(|| member.clone()) != member {
        return;
    }
    let asks = matches!(
        notice,
        OwnerNotice::CertificateProblem { .. } | OwnerNotice::WillEndUnregistered { .. }
    );
    for key in notice.keys(record) {
        let id = if asks {
            Record::asked_id(&key)
        } else {
            Record::reached_id(&key)
        };
        record.notified.entry(id).or_insert(now);
    }
}

/// Keeps in mind that somebody asked for the key of an issue that came to nothing.
fn keep_request(intent: Intent, record: &mut Record) {
    if let (Reason::Forced | Reason::Emergency, Some(request)) = (intent.reason, intent.request) {
        record.owed.get_or_insert(Owed {
            reason: intent.reason,
            request,
            asked_at: intent.intended_at,
        });
    }
}

fn owed(reason: Reason, request: &str, asked_at: Timestamp) -> Owed {
    Owed {
        reason,
        request: request.to_owned(),
        asked_at,
    }
}

fn is_active(keys: &[LiveKey], id: &AccessKeyId) -> bool {
    keys.iter().any(|key| key.id == *id && key.active)
}

/// Keeps of a record only what names one of these keys, as a new rotation begins. What was told of
/// keys that are gone is forgotten, and so is what names no key, like a certificate's problem: if
/// it comes up again, people are told again.
fn keep_only_what_names(keys: &BTreeSet<AccessKeyId>, record: &mut Record) {
    record.notified.retain(|id, _| names_any(id, keys));
    record.disabled.retain(|key, _| keys.contains(key));
    // A key that was restored is an old one of the new rotation now.
    record.restored.clear();
    // What was done with a key that is gone is still looked for while the emergency lasts.
    if record.emergency.is_none() {
        record.exposed.retain(|key| keys.contains(key));
    }
}

fn names_any(id: &str, keys: &BTreeSet<AccessKeyId>) -> bool {
    keys.iter().any(|key| id.contains(key.as_str()))
}
