//! Writes a user's record, version after version, and has each version signed where the policy says
//! so.

use banto_domain::UserName;
use banto_domain::policy::{IdentityAccount, Signing};
use banto_domain::record::{LEASE, Readers, Record};
use banto_ports::{Clock, ErrorKind, Records, Signer};
use jiff::Timestamp;

use crate::job::Job;
use crate::outcome::ApplyError;
use crate::ports::Ports;
use crate::snapshot::{StoredRecord, User};

/// Writes a user's record, and knows the version that was written last.
pub(crate) struct RecordWriter<'a> {
    records: &'a dyn Records,
    clock: &'a dyn Clock,
    signer: Option<&'a dyn Signer>,
    /// The keys that records are signed with; `None` where they are not.
    signing: Option<&'a Signing>,
    identity: &'a IdentityAccount,
    user: &'a User,
    /// The run that writes, so that two runs never write the same bytes.
    run: &'a str,
    stored: StoredRecord,
    /// True if the record's secret is known to be marked as open.
    is_marked: bool,
}

impl<'a> RecordWriter<'a> {
    /// A writer that goes on from what is stored.
    pub(crate) fn new(
        ports: &'a Ports,
        job: &Job<'a>,
        user: &'a User,
        stored: StoredRecord,
        run: &'a str,
    ) -> Self {
        Self {
            records: ports.records.as_ref(),
            clock: ports.clock.as_ref(),
            signer: ports.signer.as_deref(),
            signing: job.policy.signing.as_ref(),
            identity: job.identity,
            user,
            run,
            stored,
            is_marked: user.marked_open,
        }
    }

    /// The user's own record, if one is stored.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.stored.own()
    }

    /// Ends the writing, and returns what is stored.
    pub(crate) fn into_stored(self) -> StoredRecord {
        self.stored
    }

    /// Saves the ids of notices that were accepted for delivery.
    pub(crate) async fn save_notified(
        &mut self,
        ids: &[String],
        at: Timestamp,
    ) -> Result<(), ApplyError> {
        self.write(|record| {
            for id in ids {
                record.notified.insert(id.clone(), at);
            }
        })
        .await
    }

    /// Writes the next version, and marks the record as open before: what is begun is looked at
    /// again. Writing nothing new lets the record follow its user's name and readers.
    pub(crate) async fn write(
        &mut self,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ApplyError> {
        let mut next = self.next().ok_or(ApplyError::UnreadableRecord)?;
        next.open = true;
        change(&mut next);
        match self.stored.clone() {
            StoredRecord::Absent => self.create(next).await,
            StoredRecord::Renamed { from, sequence, .. } => {
                self.take_over(next, sequence).await?;
                self.close_earlier(&from).await
            }
            _ => {
                self.mark().await?;
                self.replace(next).await
            }
        }
    }

    /// Lets the record follow its user's readers. One that Banto is denied to read is protected
    /// anew first: its policy names an earlier role, and the next run reads it.
    pub(crate) async fn reprotect(&mut self) -> Result<(), ApplyError> {
        match &self.stored {
            StoredRecord::Denied(_) => {
                let name = &self.user.name;
                Ok(self.records.protect(name, &self.readers()).await?)
            }
            _ => self.write(|_| {}).await,
        }
    }

    /// Writes that nothing is left to follow, then takes the mark off. A mark that stays behind
    /// costs a look.
    pub(crate) async fn close(&mut self) -> Result<(), ApplyError> {
        if self.record().is_some_and(|record| record.open) {
            let mut next = self.next().ok_or(ApplyError::UnreadableRecord)?;
            next.open = false;
            self.replace(next).await?;
        }
        self.is_marked = false;
        Ok(self.records.mark_closed(&self.user.name).await?)
    }

    /// Takes the mark off the record that is kept under an earlier name.
    pub(crate) async fn close_earlier(&self, from: &UserName) -> Result<(), ApplyError> {
        Ok(self.records.mark_closed(from).await?)
    }

    /// The version to write next, as the last one is; `None` if that can't be read.
    fn next(&self) -> Option<Record> {
        Some(self.last()?.next(self.run))
    }

    /// The version to go on from; `None` if it can't be read. A former user's record leaves its
    /// sequence only.
    fn last(&self) -> Option<Record> {
        let first = Record::first(self.user.id.clone());
        match &self.stored {
            StoredRecord::Absent => Some(first),
            StoredRecord::Own(record) => Some(record.clone()),
            StoredRecord::FormerUser(former) => Some(Record {
                sequence: former.sequence,
                ..first
            }),
            StoredRecord::Renamed {
                record, sequence, ..
            } => Some(Record {
                sequence: sequence.unwrap_or(0),
                readers: None,
                ..record.clone()
            }),
            StoredRecord::Unreadable(_) | StoredRecord::Denied(_) => None,
        }
    }

    /// Writes the record under the user's present name.
    async fn take_over(&mut self, record: Record, sequence: Option<u64>) -> Result<(), ApplyError> {
        match sequence {
            None => self.create(record).await,
            Some(_) => {
                self.mark().await?;
                self.replace(record).await
            }
        }
    }

    /// Marks the record as open, unless it is known to be. What it says of itself proves nothing:
    /// an earlier version may have been made current again.
    async fn mark(&mut self) -> Result<(), ApplyError> {
        if !self.is_marked {
            self.records.mark_open(&self.user.name).await?;
            self.is_marked = true;
        }
        Ok(())
    }

    /// Writes the first version, then protects the secret: no secret exists before, and what the
    /// first version holds is dates, key ids and ciphertext. It counts as stored even if protecting
    /// fails, so that the next write replaces it.
    async fn create(&mut self, mut record: Record) -> Result<(), ApplyError> {
        let text = self.text_of(&record).await?;
        self.records
            .create(&self.user.name, &text, &record.write_token(0))
            .await?;
        self.is_marked = true;
        self.stored = StoredRecord::Own(record.clone());
        self.protect(&mut record).await?;
        self.stored = StoredRecord::Own(record);
        Ok(())
    }

    /// Protects the secret, then writes a later version, which may hold an envelope.
    async fn replace(&mut self, mut record: Record) -> Result<(), ApplyError> {
        if record.readers != Some(self.readers().to_string()) {
            self.protect(&mut record).await?;
        }
        self.write_version(&record).await?;
        self.stored = StoredRecord::Own(record);
        Ok(())
    }

    /// Writes a version under the first token that is not taken for good. A token is taken for good
    /// if its version is so old that no run which is at work can have written it: somebody restored
    /// an earlier version since, or wrote one of their own.
    async fn write_version(&self, record: &Record) -> Result<(), ApplyError> {
        let name = &self.user.name;
        let text = self.text_of(record).await?;
        let written = self
            .records
            .write(name, &text, &record.write_token(0))
            .await;
        let conflict = match written {
            Err(error) if error.kind == ErrorKind::Conflict => error,
            written => return Ok(written?),
        };
        let versions = self.records.versions(name).await?;
        let now = self.clock.now();
        let mut step = 0;
        while let Some(written_at) = versions.get(&record.write_token(step)) {
            if now.duration_since(*written_at) <= LEASE {
                return Err(conflict.into());
            }
            step += 1;
        }
        if step == 0 {
            // The version that was in the way does not show: it was written just now.
            return Err(conflict.into());
        }
        tracing::warn!(user.name = %name, step, "an older version of the record is in the way and is stepped over");
        Ok(self
            .records
            .write(name, &text, &record.write_token(step))
            .await?)
    }

    /// The text of a version, signed where the policy says so. It is signed once, however often it
    /// is tried to be written, and not written if no reader would believe it.
    async fn text_of(&self, record: &Record) -> Result<String, ApplyError> {
        let text = record.to_text(&self.identity.id, &self.user.name);
        let Some(signing) = self.signing else {
            return Ok(text);
        };
        let signer = self.signer.ok_or(ApplyError::Unsigned)?;
        let signature = signer.sign(banto_receipt::digest(&text)).await?;
        let signed = banto_receipt::with_signature(&text, &signature);
        match signing.verifier.verify(&signed) {
            Ok(_) => Ok(signed),
            Err(_) => Err(ApplyError::Unsigned),
        }
    }

    /// Lets the owner and Banto read the record, and nobody else.
    async fn protect(&self, record: &mut Record) -> Result<(), ApplyError> {
        let readers = self.readers();
        self.records.protect(&self.user.name, &readers).await?;
        record.readers = Some(readers.to_string());
        Ok(())
    }

    fn readers(&self) -> Readers {
        self.identity.readers_of(&self.user.arn)
    }
}
