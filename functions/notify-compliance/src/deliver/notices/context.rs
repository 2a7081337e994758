//! What all messages of a route depend on.

use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;

/// What all messages of a route depend on.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) route: &'a Route,
    pub(super) policy: &'a CompliancePolicy,
}
