//! The view of one account, as a value: the planner sees nothing else.

use banto_ports::LiveRole;
use jiff::Timestamp;

use crate::message::RevokeRequest;

/// The roles in which a user may have sessions that Banto ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub request: RevokeRequest,
    pub roles: Vec<SeenRole>,
    pub now: Timestamp,
}

/// A role of the account's baseline, or one that has Banto's tag: roles that leave the policy keep
/// it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRole {
    pub live: LiveRole,
    /// True if the policy lets its sessions bear any name. Operators are told of these roles as the
    /// revocation begins.
    pub any_name: bool,
}
