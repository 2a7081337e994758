//! The keys of objects. (AWS Config developer guide, the examples of delivery notifications.)

use crate::channel::Channel;
use crate::shape::Oddity;
use crate::time::{compact, day, padded_day};

/// The folder of a day, with a slash at its end.
fn folder(root: &str, channel: &Channel<'_>, region: &str, at: i64) -> String {
    let account = &channel.account.id;
    let day = if channel.has(Oddity::PaddedDates) {
        padded_day(at)
    } else {
        day(at)
    };
    format!("{root}AWSLogs/{account}/Config/{region}/{day}/")
}

/// The key of a snapshot.
pub(crate) fn snapshot(root: &str, channel: &Channel<'_>, at: i64, uuid: &str) -> String {
    let (account, region) = (&channel.account.id, channel.region);
    let folder = folder(root, channel, region.as_str(), at);
    let time = compact(at);
    format!("{folder}ConfigSnapshot/{account}_Config_{region}_ConfigSnapshot_{time}_{uuid}.json.gz")
}

/// The key of a history file, which has the items of a type between two moments.
pub(crate) fn history(
    root: &str,
    channel: &Channel<'_>,
    type_name: &str,
    (from, to): (i64, i64),
    part: usize,
) -> String {
    let (account, region) = (&channel.account.id, channel.region);
    let folder = folder(root, channel, region.as_str(), to);
    let (from, to) = (compact(from), compact(to));
    format!(
        "{folder}ConfigHistory/{account}_Config_{region}_ConfigHistory_{type_name}_{from}_{to}_{part}.json.gz"
    )
}

/// The key of a notification that was too large for SNS. Those of IAM lie in a folder that is named
/// like a region, and is none: `global`.
pub(crate) fn oversized(
    root: &str,
    channel: &Channel<'_>,
    (type_name, id): (&str, &str),
    at: i64,
) -> String {
    let is_global = type_name.starts_with("AWS::IAM::");
    let region = if is_global {
        "global"
    } else {
        channel.region.as_str()
    };
    let (account, state) = (&channel.account.id, at * 1000);
    let folder = folder(root, channel, region, at);
    let time = compact(at);
    format!(
        "{folder}OversizedChangeNotification/{type_name}/{id}/{account}_Config_{region}_ChangeNotification_{type_name}_{id}_{time}_{state}.json.gz"
    )
}

/// The key of the empty object by which AWS Config finds out that it may write.
pub(crate) fn writability_check(root: &str, account: &str) -> String {
    format!("{root}AWSLogs/{account}/Config/ConfigWritabilityCheckFile")
}
