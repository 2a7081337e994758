//! Ends what a user has who left, and gives it back.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::Left;

use super::Executor;
use crate::outcome::ApplyError;
use crate::plan::Leave;

impl Executor<'_> {
    /// Records that the user left, then disables their keys. What can't be recorded ends all the
    /// same: the request is not done then, and comes again.
    pub(super) async fn leave(&mut self, leave: &Leave) -> Result<(), ApplyError> {
        let recorded = self.save_left(leave).await;
        let keys = leave.keys();
        self.set_all_active(&keys, false).await?;
        recorded?;
        if keys.is_empty() {
            return Ok(());
        }
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                for key in keys {
                    record.disabled.insert(key, now);
                }
                // Roles can have been assumed with a key that worked.
                if let Some(left) = &mut record.left {
                    left.revoked_at = None;
                }
            })
            .await
    }

    /// Records the leave before anything is done. What an earlier try recorded of a key stays: it
    /// may have disabled it.
    async fn save_left(&mut self, leave: &Leave) -> Result<(), ApplyError> {
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                record.owed = None;
                let certificate = leave.certificate.clone();
                let left = record
                    .left
                    .get_or_insert_with(|| Left::new(now, certificate));
                for key in &leave.worked {
                    if !left.inactive.contains(key) {
                        left.worked.insert(key.clone());
                    }
                }
                for key in &leave.inactive {
                    if !left.worked.contains(key) {
                        left.inactive.insert(key.clone());
                    }
                }
                // A person's word that a key works again is overruled by the leave.
                for key in left.keys() {
                    record.restored.remove(key);
                }
            })
            .await
    }

    pub(super) async fn deny_leaver(&mut self) -> Result<(), ApplyError> {
        self.ports.sessions.deny(&self.user.name).await?;
        let now = self.ports.clock.now();
        self.writer
            .write(|record| {
                if let Some(left) = &mut record.left {
                    left.sessions_denied_at = Some(now);
                }
            })
            .await
    }

    /// Makes the keys active again before it records that: if it is cut short, they end anew, and
    /// whoever asked asks again.
    pub(super) async fn take_back(
        &mut self,
        keys: &BTreeSet<AccessKeyId>,
        allows_sessions: bool,
    ) -> Result<(), ApplyError> {
        self.set_all_active(keys, true).await?;
        if allows_sessions {
            self.ports.sessions.allow(&self.user.name).await?;
        }
        let taken_back = self.save_taken_back(keys).await;
        if taken_back.is_err() && allows_sessions {
            // The record still says that the user left.
            self.ports.sessions.deny(&self.user.name).await?;
        }
        taken_back
    }

    /// What others had made inactive is theirs again, and is not deleted.
    async fn save_taken_back(&mut self, keys: &BTreeSet<AccessKeyId>) -> Result<(), ApplyError> {
        self.writer
            .write(|record| {
                let left = record.left.take();
                for key in keys
                    .iter()
                    .chain(left.iter().flat_map(|left| &left.inactive))
                {
                    record.disabled.remove(key);
                }
                record.notified.remove(Left::REPORTED);
            })
            .await
    }
}
