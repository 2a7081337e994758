//! Writes a user's record, version after version.

use banto_domain::RoleArn;
use banto_domain::record::Record;
use banto_ports::Records;
use jiff::Timestamp;

use crate::job::Job;
use crate::outcome::ApplyError;
use crate::ports::Ports;
use crate::snapshot::{StoredRecord, User};

/// Writes a user's record, and knows the version that was written last.
pub(crate) struct RecordWriter<'a> {
    records: &'a dyn Records,
    role: &'a RoleArn,
    user: &'a User,
    /// The run that writes, so that two runs never write the same bytes.
    run: &'a str,
    stored: StoredRecord,
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
            role: &job.identity.role,
            user,
            run,
            stored,
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

    /// Writes the next version.
    pub(crate) async fn write(
        &mut self,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ApplyError> {
        let last = self.last().ok_or(ApplyError::UnreadableRecord)?;
        let mut next = last.next(self.run);
        change(&mut next);
        if matches!(self.stored, StoredRecord::Absent) {
            self.create(next).await
        } else {
            self.replace(next).await
        }
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
            StoredRecord::Unreadable(_) => None,
        }
    }

    /// Writes the first version, then protects the secret: no secret exists before, and the first
    /// version holds dates and key ids only. It counts as stored even if protecting fails, so that
    /// the next write replaces it.
    async fn create(&mut self, mut record: Record) -> Result<(), ApplyError> {
        self.records.create(&self.user.name, &record).await?;
        self.stored = StoredRecord::Own(record.clone());
        self.protect(&mut record).await?;
        self.stored = StoredRecord::Own(record);
        Ok(())
    }

    /// Protects the secret, then writes a later version, which may hold an envelope.
    async fn replace(&mut self, mut record: Record) -> Result<(), ApplyError> {
        if record.readers.as_ref() != Some(&self.readers()) {
            self.protect(&mut record).await?;
        }
        self.records.write(&self.user.name, &record).await?;
        self.stored = StoredRecord::Own(record);
        Ok(())
    }

    /// Lets the owner and Banto read the record, and nobody else.
    async fn protect(&self, record: &mut Record) -> Result<(), ApplyError> {
        let user = self.user;
        self.records.protect(&user.name, &user.arn).await?;
        record.readers = Some(self.readers());
        Ok(())
    }

    fn readers(&self) -> String {
        format!("{} {}", self.user.arn, self.role)
    }
}
