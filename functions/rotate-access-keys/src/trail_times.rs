//! Times that IAM and CloudTrail take to show what was done, the times that emergencies look back
//! and ahead by, and the time by which daily runs differ.

use jiff::{SignedDuration, Timestamp};

/// Time after which CloudTrail's history shows an event: typically 5 minutes, and 15 are what AWS
/// names as the longest that it usually takes. (CloudTrail user guide, "CloudTrail concepts":
/// "within an average of about 5 minutes"; FAQ: "within 15 minutes".)
pub const TRAIL_LAG: SignedDuration = SignedDuration::from_mins(15);

/// Time after an intent after which CloudTrail shows who created a key, or never will: four times
/// what AWS names, and the lease of the intent besides.
pub const TRAIL_PATIENCE: SignedDuration = SignedDuration::from_mins(60);

/// Time before an exposure began in which a key that appeared is suspect: AWS finds a key that was
/// published some time after somebody else did.
pub const BESIDE: SignedDuration = SignedDuration::from_hours(24);

/// The longest life of a user's session. (STS API reference, `GetSessionToken`: 36 hours.)
pub const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(36);

/// Time after which IAM shows the use of a key. (IAM user guide, "Refining permissions using last
/// accessed information": within four hours.)
pub const USAGE_LAG: SignedDuration = SignedDuration::from_hours(4);

/// Time by which a run may come early and a date still counts as reached. Daily runs don't start on
/// the same second: something told some seconds late would otherwise put off by a whole day what it
/// announced.
pub const RUN_JITTER: SignedDuration = SignedDuration::from_hours(1);

/// The moment so long after another; the first or last that can be counted, where it is beyond.
pub fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    let limit = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    at.checked_add(by).unwrap_or(limit)
}
