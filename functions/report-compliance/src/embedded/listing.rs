//! Finds its way through the archive by folders: nothing lists more of it than it needs.

use banto_domain::{AccountId, Month, Region};
use banto_ports::{ErrorKind, Objects, PortError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::keys;
use crate::evidence::Snapshot;

/// Folders that are looked into for `AWSLogs/`. A log archive has it at its top, below a prefix, or
/// below an organization's id, or below both, and may have some hundred other folders. One call
/// takes some 20 ms, so that looking into as many as this takes 20 s, once a run; to look into more
/// would take minutes.
const MOST_FOLDERS: usize = 1000;

/// Levels below the prefix at which `AWSLogs/` may lie: a prefix of one's own, and Control Tower's
/// organization id. (AWS Control Tower user guide, "About logging in AWS Control Tower".)
const MOST_LEVELS: usize = 2;

/// Days that are looked through for a snapshot, from the newest on that has anything: a region
/// whose history goes on without snapshots must not cost a call for each day of years.
const MOST_DAYS: usize = 62;

/// Returns every folder `AWSLogs/` of the archive.
pub(super) async fn roots(archive: &dyn Objects, prefix: &str) -> Result<Vec<String>, PortError> {
    if prefix.ends_with(keys::ROOT) {
        return Ok(vec![prefix.to_owned()]);
    }
    let mut roots = Vec::new();
    let mut level = vec![prefix.to_owned()];
    let mut looked_into = 0;
    for depth in 0..=MOST_LEVELS {
        let mut below = Vec::new();
        for folder in level {
            looked_into += 1;
            if looked_into > MOST_FOLDERS {
                return Err(too_many_folders(prefix));
            }
            for found in archive.folders(&folder).await? {
                if found.ends_with(&format!("/{}", keys::ROOT)) || found == keys::ROOT {
                    roots.push(found);
                } else if depth < MOST_LEVELS {
                    below.push(found);
                }
            }
        }
        level = below;
    }
    Ok(roots)
}

fn too_many_folders(prefix: &str) -> PortError {
    PortError::new(
        ErrorKind::Invalid,
        "s3:ListBucket",
        format!(
            "more than {MOST_FOLDERS} folders below {prefix:?}: let the prefix of the archive end in {}",
            keys::ROOT
        ),
    )
}

/// Returns the accounts below a folder `AWSLogs/`.
pub(super) async fn accounts(
    archive: &dyn Objects,
    root: &str,
) -> Result<Vec<AccountId>, PortError> {
    let folders = archive.folders(root).await?;
    let accounts = folders.iter().map(|folder| keys::last_part(folder).parse());
    Ok(accounts.filter_map(Result::ok).collect())
}

/// Returns the regions of an account below a folder `AWSLogs/`.
pub(super) async fn regions(
    archive: &dyn Objects,
    root: &str,
    account: &AccountId,
) -> Result<Vec<Region>, PortError> {
    let folders = archive.folders(&keys::config(root, account)).await?;
    let regions = folders.iter().map(|folder| keys::last_part(folder).parse());
    Ok(regions.filter_map(Result::ok).collect())
}

/// Returns the history files of a month below a region's folder.
pub(super) async fn history(
    archive: &dyn Objects,
    region: &str,
    month: Month,
) -> Result<Vec<String>, PortError> {
    let mut files = Vec::new();
    for folder in keys::months(region, month) {
        let objects = archive.list(&folder).await?;
        let keys = objects.into_iter().map(|object| object.key);
        files.extend(keys.filter(|key| keys::is_history(key)));
    }
    Ok(files)
}

/// The snapshots of a region from before a moment, the newest first, from wherever they lie.
#[derive(Debug)]
pub(super) struct Snapshots {
    walks: Vec<Walk>,
}

impl Snapshots {
    /// Begins with the region's folders, one below each `AWSLogs/` that has it.
    pub(super) fn new(folders: &[String], end: Timestamp) -> Self {
        let walks = folders.iter().map(|folder| Walk::new(folder, end));
        Self {
            walks: walks.collect(),
        }
    }

    /// Looks for the next older snapshot.
    pub(super) async fn look(&mut self, archive: &dyn Objects) -> Result<(), PortError> {
        for walk in &mut self.walks {
            walk.look(archive).await?;
        }
        Ok(())
    }

    /// True if the region had begun to deliver anything. Known once it was [looked](Self::look) for
    /// snapshots.
    pub(super) fn had_begun(&self) -> bool {
        self.walks.iter().any(|walk| walk.has_days)
    }

    /// Returns the next older snapshot.
    pub(super) async fn next(
        &mut self,
        archive: &dyn Objects,
    ) -> Result<Option<Snapshot>, PortError> {
        self.look(archive).await?;
        let newest = self
            .walks
            .iter_mut()
            .max_by(|a, b| a.newest().cmp(&b.newest()));
        Ok(newest.and_then(|walk| walk.found.pop()))
    }
}

/// A walk through a region's days, from the newest one back.
#[derive(Debug)]
struct Walk {
    end: Timestamp,
    /// Year, month and day of the last day that may have something.
    last_day: [i16; 3],
    /// Folders that are still to be looked into, the newest last.
    folders: Vec<Dated>,
    /// Snapshots that were found and not taken yet, the newest last.
    found: Vec<Snapshot>,
    days_left: usize,
    /// True if a day that was over, or begun, by the end has anything.
    has_days: bool,
}

/// A folder, and its year, month and day, as far as it has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Dated {
    date: Vec<i16>,
    folder: String,
}

impl Walk {
    fn new(folder: &str, end: Timestamp) -> Self {
        // A snapshot that is exactly of the end does not count.
        let last = end
            .checked_sub(SignedDuration::from_nanos(1))
            .unwrap_or(end);
        let last = last.to_zoned_datetime(TimeZone::UTC).date();
        Self {
            end,
            last_day: [last.year(), last.month().into(), last.day().into()],
            folders: vec![Dated {
                date: Vec::new(),
                folder: folder.to_owned(),
            }],
            found: Vec::new(),
            days_left: MOST_DAYS,
            has_days: false,
        }
    }

    fn newest(&self) -> Option<Timestamp> {
        self.found.last().map(|snapshot| snapshot.taken_at)
    }

    /// Looks on until it has found something, or everything was looked into.
    async fn look(&mut self, archive: &dyn Objects) -> Result<(), PortError> {
        while self.found.is_empty() && self.days_left > 0 {
            let Some(next) = self.folders.pop() else {
                return Ok(());
            };
            if next.date.len() == self.last_day.len() {
                self.days_left -= 1;
                self.look_into_day(archive, &next.folder).await?;
            } else {
                self.look_below(archive, next).await?;
            }
        }
        Ok(())
    }

    async fn look_into_day(&mut self, archive: &dyn Objects, day: &str) -> Result<(), PortError> {
        let objects = archive.list(&keys::snapshots(day)).await?;
        let snapshots = objects
            .iter()
            .filter_map(|object| keys::snapshot(&object.key));
        self.found = snapshots
            .filter(|found| found.taken_at < self.end)
            .collect();
        self.found.sort();
        Ok(())
    }

    async fn look_below(&mut self, archive: &dyn Objects, above: Dated) -> Result<(), PortError> {
        let mut below: Vec<Dated> = Vec::new();
        for folder in archive.folders(&above.folder).await? {
            let Ok(number) = keys::last_part(&folder).parse() else {
                continue;
            };
            let mut date = above.date.clone();
            date.push(number);
            if self.last_day.get(..date.len()) >= Some(date.as_slice()) {
                self.has_days |= date.len() == self.last_day.len();
                below.push(Dated { date, folder });
            }
        }
        below.sort();
        self.folders.extend(below);
        Ok(())
    }
}
