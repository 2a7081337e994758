//! Fan-out: an event, the schedule or a request becomes messages on the queue, one for each
//! account.
//!
//! It also edits the tags and the organizational unit of accounts, on request only, and deletes the
//! status of accounts that have left the Organization.

pub mod apply;
pub mod check;
pub mod notices;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod report;
pub mod snapshot;
