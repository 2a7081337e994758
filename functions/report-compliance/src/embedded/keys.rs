//! Keys of the archive, as AWS Config makes them below `AWSLogs/`.
//!
//! ```text
//! <account>/Config/ConfigWritabilityCheckFile
//! <account>/Config/<region>/<year>/<month>/<day>/ConfigSnapshot/
//!     <account>_Config_<region>_ConfigSnapshot_<yyyymmddThhmmssZ>_<uuid>.json.gz
//! <account>/Config/<region>/<year>/<month>/<day>/ConfigHistory/
//!     <account>_Config_<region>_ConfigHistory_<type>_<from>_<to>_<number>.json.gz
//! <account>/Config/<region>/<year>/<month>/<day>/OversizedChangeNotification/
//! ```
//!
//! Month and day have no leading zeros, as in `2026/1/9`. (AWS Config developer guide, "Components
//! of a Configuration Item" and the examples of delivery notifications.)

use banto_domain::{AccountId, Month, Region};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::evidence::Snapshot;

/// The folder that all keys of AWS Config lie below.
pub(super) const ROOT: &str = "AWSLogs/";

/// Returns the folder of an account's regions.
pub(super) fn config(root: &str, account: &AccountId) -> String {
    format!("{root}{account}/Config/")
}

/// Returns the folder of an account's region.
pub(super) fn region(root: &str, account: &AccountId, region: &Region) -> String {
    format!("{root}{account}/Config/{region}/")
}

/// Returns the folders of a month of a region: as AWS Config writes it, and as tools that pad do.
pub(super) fn months(region: &str, month: Month) -> Vec<String> {
    let (year, month) = (month.year(), month.month());
    let mut folders = vec![
        format!("{region}{year}/{month}/"),
        format!("{region}{year}/{month:02}/"),
    ];
    folders.dedup();
    folders
}

/// Returns the folder of a day's snapshots.
pub(super) fn snapshots(day: &str) -> String {
    format!("{day}ConfigSnapshot/")
}

/// True for the key of a history file.
pub(super) fn is_history(key: &str) -> bool {
    key.contains("/ConfigHistory/") && is_json(key)
}

/// Returns the last part of a folder's name.
pub(super) fn last_part(folder: &str) -> &str {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    folder.rsplit_once('/').map_or(folder, |(_, last)| last)
}

/// Returns the snapshot that has a key; `None` for whatever else lies beside snapshots.
pub(super) fn snapshot(key: &str) -> Option<Snapshot> {
    let (_, name) = key.rsplit_once('/')?;
    let (_, rest) = name.split_once("_ConfigSnapshot_")?;
    let (time, _) = rest.split_once('_')?;
    if !is_json(name) {
        return None;
    }
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    let taken_at: Timestamp = TimeZone::UTC.to_timestamp(time).ok()?;
    let key = key.to_owned();
    Some(Snapshot { taken_at, key })
}

fn is_json(name: &str) -> bool {
    name.ends_with(".json.gz") || name.ends_with(".json")
}
