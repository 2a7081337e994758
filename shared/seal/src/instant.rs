//! Moments, as OpenPGP has them and as Banto has them.

use std::time::SystemTime;

use jiff::Timestamp;

/// OpenPGP knows no time before 1970 (RFC 9580, section 3.5).
pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::try_from(at).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The same moment, as Banto has it.
pub(crate) fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::MAX)
}
