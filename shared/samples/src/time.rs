//! Moments, in seconds since 1970 in UTC.

use banto_domain::Month;
use jiff::Timestamp;
use jiff::tz::TimeZone;

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

/// Parts of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    pub(crate) fn of(moment: i64) -> Self {
        let moment = Timestamp::from_second(moment).unwrap_or(Timestamp::UNIX_EPOCH);
        let civil = moment.to_zoned_datetime(TimeZone::UTC);
        Self {
            year: civil.year().into(),
            month: civil.month().into(),
            day: civil.day().into(),
            hour: civil.hour().into(),
            minute: civil.minute().into(),
            second: civil.second().into(),
        }
    }

    /// As items have it: `2026-10-03T09:12:33.000Z`.
    pub(crate) fn iso(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
    }

    /// As keys have it: `20261003T091233Z`.
    pub(crate) fn compact(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        format!("{year}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}
