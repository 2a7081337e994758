//! What is seen of a route before a plan is made.

use std::collections::BTreeMap;

use banto_domain::compliance::{Digest, FindingGroup, FindingKey, OutboxEntry, RouteState};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use jiff::{SignedDuration, Timestamp};

/// Least time between two digests where the first can't be changed, so that a storm makes six
/// messages an hour. Where it can, the digest takes up more once a window.
const DIGEST_REST: SignedDuration = SignedDuration::from_mins(10);

/// What a delivery is about.
#[derive(Debug)]
pub struct Job<'a> {
    /// The name of the outbox. It is the route's own name, unless the policy has dropped that
    /// route.
    pub outbox: &'a str,
    pub route: &'a Route,
    pub policy: &'a CompliancePolicy,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The route, as the policy has it today.
    pub route: Route,
    pub state: RouteState,
    /// The entries, the oldest first, but those that wait for the end of quiet hours.
    pub entries: Vec<OutboxEntry>,
    /// How many entries wait for the end of quiet hours.
    pub quiet: usize,
    /// Whether the outbox holds more than was read.
    pub has_more: bool,
    /// The groups that the entries are about, by id.
    pub groups: BTreeMap<String, FindingGroup>,
    /// The digests that those were told in, and the one that is open.
    pub digests: BTreeMap<String, Digest>,
    /// Names of resources whose ids nobody knows.
    pub names: BTreeMap<FindingKey, String>,
}

impl Snapshot {
    /// A route on which nothing waits, and nothing was told.
    pub fn empty(route: &Route, state: RouteState) -> Self {
        Self {
            route: route.clone(),
            state,
            entries: Vec::new(),
            quiet: 0,
            has_more: false,
            groups: BTreeMap::new(),
            digests: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Returns the time for which the route still rests after its last digest, so that a storm
    /// makes few messages.
    pub fn rests_for(&self, window: SignedDuration, now: Timestamp) -> Option<SignedDuration> {
        let rest = match self.route.to {
            Destination::Channel(_) => window,
            Destination::Webhook(_) | Destination::Topic(_) | Destination::Mail(_) => DIGEST_REST,
        };
        let left = rest - now.duration_since(self.state.last_digest_at?);
        (left > SignedDuration::ZERO).then_some(left)
    }

    /// True if a delivery is possible now: something waits that need not be quiet, and the route
    /// does not rest.
    pub fn is_ready(&self, window: SignedDuration, now: Timestamp) -> bool {
        !self.entries.is_empty() && self.rests_for(window, now).is_none()
    }
}
