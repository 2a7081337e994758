//! A month that is made anew, or while it lasts.
//!
//! What the store has of such a month was read before, so that a run can't take it for its own. The
//! moment at which the month was begun anew is kept instead: accounts that were read since are not
//! read again, and until the month is whole once more any run on it goes on with it.

use banto_ports::PortError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Request;
use crate::evidence::Period;
use crate::store::{Store, json, remake_key};

/// Age up to which a month that lasts is gone on with, as of the moment at which it was begun:
/// Lambda hands a request over again for six hours. (Lambda developer guide, "Configuring error
/// handling settings for Lambda asynchronous invocations".)
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// A month that is made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remake {
    /// The request that began it; `None` of a local run.
    pub request: Option<String>,
    /// The moment at which it was begun.
    pub since: Timestamp,
    /// The period that is read, which ends in the middle of a month that lasts.
    pub period: Period,
    pub is_done: bool,
}

/// Returns how a month is made anew, and begins it if nobody has; `None` if it is made for the
/// first time, or whole.
///
/// # Errors
/// If the store can't be read or written.
pub async fn begun(
    store: &Store,
    request: &Request,
    id: Option<&str>,
    period: Period,
    now: Timestamp,
) -> Result<Option<Remake>, PortError> {
    if request.dry_run {
        return Ok(None);
    }
    let key = remake_key(period.month);
    let known = store.get_json::<Remake>(&key).await?;
    let is_over = period.end == period.month.end();
    let is_anew = request.again || !is_over;
    let of_period = known.filter(|known| is_over == known.is_over());
    match of_period {
        Some(known) if known.is_of(id) && is_over => {
            return Ok((!known.is_done).then_some(known));
        }
        Some(known) if !known.is_done && known.goes_on(request, id, is_over, now) => {
            return Ok(Some(known));
        }
        _ if !is_anew => return Ok(None),
        _ => {}
    }
    let remake = Remake {
        request: id.map(str::to_owned),
        since: now,
        period,
        is_done: false,
    };
    store.put(json(key, &remake)?).await?;
    Ok(Some(remake))
}

impl Remake {
    /// True if the month was over.
    fn is_over(&self) -> bool {
        self.period.end == self.period.month.end()
    }

    /// True if it was begun by this very request.
    fn is_of(&self, id: Option<&str>) -> bool {
        id.is_some() && self.request.as_deref() == id
    }

    /// True if a request goes on with it. Whoever asks for a month anew has it read anew.
    fn goes_on(&self, request: &Request, id: Option<&str>, is_over: bool, now: Timestamp) -> bool {
        let is_recent = is_over || now.duration_since(self.since) < LONGEST;
        self.is_of(id) || (!request.again && is_recent)
    }

    /// Writes down that the month is whole again.
    ///
    /// # Errors
    /// If it can't be written; the next run then publishes the month once more.
    pub async fn finish(self, store: &Store) -> Result<(), PortError> {
        let key = remake_key(self.period.month);
        let done = Self {
            is_done: true,
            ..self
        };
        store.put(json(key, &done)?).await
    }
}
