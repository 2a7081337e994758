//! Moments, in seconds since 1970 in UTC.

use banto_domain::Month;
use jiff::Timestamp;

use crate::draw::Draw;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Days of a month on which things change: few, so that there are few history files. They end
/// before the days that have snapshots, so that a month's last snapshot is its end.
const CHANGE_DAYS: [i64; 4] = [3, 10, 17, 24];

/// Hours in which things change. AWS Config delivers history every six hours.
const CHANGE_HOURS: [i64; 2] = [9, 15];

/// The months of an archive.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub(crate) months: Vec<Month>,
}

impl Calendar {
    /// The first moment.
    pub(crate) fn start(&self) -> i64 {
        self.months
            .first()
            .map_or(0, |month| month.start().as_second())
    }

    /// A moment at which something changes.
    pub(crate) fn change(&self, draw: &mut Draw) -> i64 {
        let at = usize::try_from(draw.below(self.months.len() as u64)).unwrap_or(0);
        self.months
            .get(at)
            .map_or(0, |month| change_in(*month, draw))
    }

    /// A moment before the first month, at most 400 days.
    pub(crate) fn before(&self, draw: &mut Draw) -> i64 {
        let ago = draw.below(400 * DAY.unsigned_abs());
        self.start() - DAY - i64::try_from(ago).unwrap_or(0)
    }
}

/// A moment of a month at which something changes.
pub(crate) fn change_in(month: Month, draw: &mut Draw) -> i64 {
    let mut one_of = |list: &[i64]| {
        let at = usize::try_from(draw.below(list.len() as u64)).unwrap_or(0);
        list.get(at).copied().unwrap_or(1)
    };
    let (day, hour) = (one_of(&CHANGE_DAYS), one_of(&CHANGE_HOURS));
    let seconds = i64::try_from(draw.below(3_000)).unwrap_or(0);
    month.start().as_second() + (day - 1) * DAY + hour * 3_600 + seconds
}

/// As items have a moment: `2026-10-03T09:12:33.000Z`.
pub(crate) fn iso(at: i64) -> String {
    written(at, "%Y-%m-%dT%H:%M:%S.000Z")
}

/// As keys have a moment: `20261003T091233Z`.
pub(crate) fn compact(at: i64) -> String {
    written(at, "%Y%m%dT%H%M%SZ")
}

/// As keys have a day: `2026/10/3`.
pub(crate) fn day(at: i64) -> String {
    written(at, "%Y/%-m/%-d")
}

/// A day as keys have it where somebody copied them: `2026/10/03`.
pub(crate) fn padded_day(at: i64) -> String {
    written(at, "%Y/%m/%d")
}

fn written(at: i64, format: &str) -> String {
    let moment = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime(format).to_string()
}
