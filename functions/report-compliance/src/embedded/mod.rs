//! The engine that reads the archive's objects itself.
//!
//! An object goes through it in pieces: `gunzip` unzips them, `cut` cuts them into configuration
//! items and holds one at a time, `item` says what an item means, and `region` adds items up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use banto_domain::{AccountId, Region};
use banto_ports::{ErrorKind, Objects, PortError};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};

use self::document::Document;
use self::history::Recorded;
use self::listing::Snapshots;
use crate::engine::{Engine, ReadJob};
use crate::evidence::{AccountEvidence, EngineUsage, Period, Problem, RegionEvidence};

mod cut;
mod document;
mod gunzip;
mod history;
mod item;
mod json;
mod keys;
mod listing;
mod names;
mod region;
#[cfg(test)]
mod tests;

pub use document::Unreadable;
pub use gunzip::Damaged;
pub use json::Malformed;
pub use region::SnapshotReader;

/// Bytes that are read of an object at once. Most objects are smaller: one call reads them.
const PIECE_BYTES: usize = 1 << 20;

/// Regions that are listed side by side: all that an account usually has, since listing is
/// waiting, and S3 takes thousands of calls a second. (Amazon S3 user guide, "Best practices design
/// patterns": 5,500 a prefix.)
const LISTS_AT_ONCE: usize = 17;

/// Snapshots that are read side by side: enough to read one while another is on its way. Each
/// holds up to a [piece](PIECE_BYTES), an item and the names of its resources, so that four of
/// the largest stay far below 128 MB.
const READS_AT_ONCE: usize = 4;

/// History files that are read side by side. They are small, and there are many.
const HISTORIES_AT_ONCE: usize = 32;

/// Snapshots of a region that are tried before it counts as having none: more than one that can't
/// be read means that something is wrong with the archive rather than with a file.
const MOST_TRIES: usize = 5;

/// The code of S3's refusal to read what lies in a storage class for archives.
const ARCHIVED: &str = "InvalidObjectState";

/// Reads the archive's objects itself.
pub struct Embedded {
    archive: Arc<dyn Objects>,
    prefix: String,
    reads_history: bool,
    /// The folders `AWSLogs/`, once they were found.
    roots: OnceLock<Vec<String>>,
    usage: Mutex<EngineUsage>,
    /// The last refusal to read an object.
    refusal: Mutex<Option<PortError>>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded")
            .field("prefix", &self.prefix)
            .field("reads_history", &self.reads_history)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn accounts(&self, _: Period) -> Result<BTreeSet<AccountId>, PortError> {
        let mut accounts = BTreeSet::new();
        for root in self.roots().await? {
            accounts.extend(listing::accounts(&*self.archive, root).await?);
        }
        Ok(accounts)
    }

    async fn read(&self, job: ReadJob<'_>) -> Result<AccountEvidence, PortError> {
        let folders = self.region_folders(job.account).await?;
        let mut evidence = AccountEvidence::default();
        for read in self.read_snapshots(job, &folders).await? {
            evidence.regions.insert(read.region, read.evidence);
            evidence.problems.extend(read.problems);
        }
        if self.reads_history {
            let recorded = self.read_history(job, &folders).await?;
            evidence.recorded = recorded.by_type;
            // Files come in the order in which they were read, which is another one each time.
            let problems: BTreeSet<Problem> = recorded.problems.into_iter().collect();
            evidence.problems.extend(problems);
        }
        self.assert_readable()?;
        Ok(evidence)
    }

    fn usage(&self) -> EngineUsage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A region's evidence, and what went wrong on the way to it.
#[derive(Debug)]
struct RegionRead {
    region: Region,
    evidence: RegionEvidence,
    problems: Vec<Problem>,
}

impl Embedded {
    /// Reads the archive whose `AWSLogs/` lies below a prefix; the history files, too, if their
    /// items are to be counted.
    pub fn new(archive: Arc<dyn Objects>, prefix: String, reads_history: bool) -> Self {
        Self {
            archive,
            prefix,
            reads_history,
            roots: OnceLock::new(),
            usage: Mutex::default(),
            refusal: Mutex::default(),
        }
    }

    async fn roots(&self) -> Result<&[String], PortError> {
        if let Some(roots) = self.roots.get() {
            return Ok(roots);
        }
        let roots = listing::roots(&*self.archive, &self.prefix).await?;
        Ok(self.roots.get_or_init(|| roots))
    }

    /// Returns an account's regions, and the folders of each.
    async fn region_folders(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<Region, Vec<String>>, PortError> {
        let mut folders: BTreeMap<Region, Vec<String>> = BTreeMap::new();
        for root in self.roots().await? {
            for region in listing::regions(&*self.archive, root, account).await? {
                let folder = keys::region(root, account, &region);
                folders.entry(region).or_default().push(folder);
            }
        }
        Ok(folders)
    }

    async fn read_snapshots(
        &self,
        job: ReadJob<'_>,
        folders: &BTreeMap<Region, Vec<String>>,
    ) -> Result<Vec<RegionRead>, PortError> {
        let searches: Vec<_> = (folders.iter())
            .map(|(region, folders)| self.search(job, region, folders))
            .collect();
        stream::iter(searches)
            .buffered(LISTS_AT_ONCE)
            .try_filter(|(_, snapshots)| future::ready(snapshots.had_begun()))
            .map_ok(|(region, snapshots)| self.read_region(job, region, snapshots))
            .try_buffered(READS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Finds the newest snapshot of a region, before it is known whether it can be read.
    async fn search(
        &self,
        job: ReadJob<'_>,
        region: &Region,
        folders: &[String],
    ) -> Result<(Region, Snapshots), PortError> {
        let mut snapshots = Snapshots::new(folders, job.period.end);
        snapshots.look(&*self.archive).await?;
        Ok((region.clone(), snapshots))
    }

    /// Reads the newest snapshot of a region that can be read.
    async fn read_region(
        &self,
        job: ReadJob<'_>,
        region: Region,
        mut snapshots: Snapshots,
    ) -> Result<RegionRead, PortError> {
        let mut evidence = RegionEvidence::default();
        let mut problems = Vec::new();
        for _ in 0..MOST_TRIES {
            let Some(snapshot) = snapshots.next(&*self.archive).await? else {
                break;
            };
            let key = snapshot.key.clone();
            let mut reader =
                SnapshotReader::new(job.account, &region, snapshot, job.previously_open);
            let is_read = self.pieces(&key, |piece| reader.push(piece)).await?;
            match is_read.and_then(|()| reader.finish()) {
                Ok((read, oddities)) => {
                    evidence = read;
                    problems.extend(oddities);
                    break;
                }
                Err(unreadable) => problems.push(problem(key, unreadable)),
            }
        }
        Ok(RegionRead {
            region,
            evidence,
            problems,
        })
    }

    async fn read_history(
        &self,
        job: ReadJob<'_>,
        folders: &BTreeMap<Region, Vec<String>>,
    ) -> Result<Recorded, PortError> {
        let lists: Vec<_> = (folders.values().flatten())
            .map(|folder| listing::history(&*self.archive, folder, job.period.month))
            .collect();
        stream::iter(lists)
            .buffered(LISTS_AT_ONCE)
            .map_ok(|keys| stream::iter(keys).map(Ok))
            .try_flatten()
            .map_ok(|key| self.read_history_file(key))
            .try_buffer_unordered(HISTORIES_AT_ONCE)
            .try_fold(Recorded::default(), |mut all, file| async move {
                all.add(file);
                Ok(all)
            })
            .await
    }

    async fn read_history_file(&self, key: String) -> Result<Recorded, PortError> {
        let mut document = Document::new(Recorded::default());
        let is_read = self.pieces(&key, |piece| document.push(piece)).await?;
        Ok(match is_read.and_then(|()| document.finish()) {
            Ok(recorded) => recorded.of_file(&key),
            Err(unreadable) => Recorded::unreadable(problem(key, unreadable)),
        })
    }

    /// Reads an object to its end, unless what reads its pieces can't go on.
    async fn pieces(
        &self,
        key: &str,
        mut push: impl FnMut(&[u8]) -> Result<(), Unreadable>,
    ) -> Result<Result<(), Unreadable>, PortError> {
        let mut from = 0;
        loop {
            let piece = match self.archive.read(key, from, PIECE_BYTES).await {
                Ok(piece) => piece,
                // A lifecycle rule may remove an object between listing and reading.
                Err(error) if error.kind == ErrorKind::Missing => return Ok(Err(Unreadable::Gone)),
                Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Invalid) => {
                    self.note_refusal(error);
                    return Ok(Err(Unreadable::Refused));
                }
                Err(error) => return Err(error),
            };
            let length = piece.len() as u64;
            self.count(u64::from(from == 0), length);
            if let Err(unreadable) = push(&piece) {
                return Ok(Err(unreadable));
            }
            if piece.len() < PIECE_BYTES {
                return Ok(Ok(()));
            }
            from += length;
        }
    }

    /// Notes that S3 refuses an object. One that lies in a storage class for archives says nothing
    /// of others. (Amazon S3 API reference, `GetObject`, error `InvalidObjectState`.)
    fn note_refusal(&self, error: PortError) {
        if !error.message.starts_with(ARCHIVED) {
            let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = Some(error);
        }
    }

    /// Fails if objects were refused and none could ever be read: then permission is lacking for
    /// the archive as a whole, and a report without it would say nothing.
    fn assert_readable(&self) -> Result<(), PortError> {
        let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        match refusal.take() {
            Some(error) if self.usage().objects == 0 => Err(error),
            _ => Ok(()),
        }
    }

    fn count(&self, objects: u64, bytes: u64) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.objects += objects;
        usage.bytes += bytes;
    }
}

fn problem(key: String, unreadable: Unreadable) -> Problem {
    Problem {
        key,
        what: unreadable.to_string(),
    }
}
