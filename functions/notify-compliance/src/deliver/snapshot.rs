//! What is seen of one lane of a route before a plan is made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, Lane, LaneState, OutboxBatch, OutboxEntry,
    RouteState, Severity,
};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use banto_domain::{AccountId, RuleName};
use banto_lambda::Invocation;
use banto_ports::ResourceFacts;
use jiff::{SignedDuration, Timestamp};

use super::delivery::Haste;
use crate::delays::LONGEST_DELAY;

/// Least time between two digests where the first can't be changed, so that a storm makes six
/// messages an hour. Where it can, the digest takes up more once a window.
const DIGEST_REST: SignedDuration = SignedDuration::from_mins(10);

/// Longest time for which the urgent lanes rest after a digest: what is urgent is told within two
/// minutes, of which the window before a delivery takes one.
const URGENT_REST: SignedDuration = SignedDuration::from_secs(30);

/// Time after which an urgent finding no longer waits for its route: within half a minute more, the
/// fall-back has it.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_secs(80);

/// Time for which what a first check found is collected: the accounts of an Organization are
/// checked one after another, a second or a few each.
const TAKEOVER_WAIT: SignedDuration = LONGEST_DELAY;

/// Most findings that a digest of an urgent lane names at a time; the list of all has the others.
/// More names than these nobody reads.
pub const MAX_NAMED: usize = 200;

/// What a delivery is about.
#[derive(Debug)]
pub struct Job<'a> {
    pub route: &'a DeliveryRoute,
    pub policy: &'a CompliancePolicy,
    pub invocation: &'a Invocation,
}

impl Job<'_> {
    pub(super) fn has_time_for(&self, time: Duration) -> bool {
        self.invocation.has_time_for(time)
    }
}

/// A route as a delivery sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRoute {
    /// The route, as the policy has it today; of one that the policy has dropped, a route without a
    /// destination of its own.
    pub route: Route,
    /// True if the policy has dropped it. Nothing new is told there; messages in Slack that it
    /// wrote are still brought to an end.
    pub is_dropped: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub route: DeliveryRoute,
    pub state: RouteState,
    /// The lane that is delivered.
    pub lane: Lane,
    /// When the oldest of what waits in it was put there.
    pub oldest: Option<Timestamp>,
    /// Batches of the lane, the oldest first.
    pub batches: Vec<OutboxBatch>,
    /// The lane as a whole where it is too much to be told by group.
    pub flood: Option<Flood>,
    /// The groups that the entries are about, by id.
    pub groups: BTreeMap<String, FindingGroup>,
    /// The digests that those were told in, and the one that is open.
    pub digests: BTreeMap<String, Digest>,
    /// Facts of resources whose ids nobody knows.
    pub facts: BTreeMap<FindingKey, ResourceFacts>,
    pub accounts: BTreeMap<AccountId, AccountInfo>,
    /// Findings whose accounts belong to other routes now, which know of them.
    pub elsewhere: BTreeSet<FindingKey>,
}

/// What a look shows.
pub(super) enum Observed {
    /// Nothing can be delivered now; if something waits, after what time it can.
    Nothing(Option<SignedDuration>),
    /// Findings that belong to other routes now, and that this one still has to be told about.
    Strays(Vec<FindingKey>),
    Lane(Box<Snapshot>),
}

/// The counts of a lane that holds more than can be told by group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flood {
    /// Its batches, in the order in which they were read.
    pub batches: Vec<FloodBatch>,
    /// The rules' own names, and the number of each name by which one is deployed.
    pub rules: Vec<RuleName>,
    pub numbers: BTreeMap<RuleName, usize>,
    pub accounts: BTreeSet<AccountId>,
    /// The first findings, as many as may be named.
    pub first: Vec<OutboxEntry>,
}

/// A batch of a flood, and what it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FloodBatch {
    pub id: String,
    pub entries: usize,
    /// By the number of the rule in [`Flood::rules`].
    pub counts: Vec<(usize, FloodTally)>,
}

/// The counts of one rule in a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodTally {
    pub severity: Severity,
    pub found: u32,
    pub resolved: u32,
    pub closed: u32,
}

impl Snapshot {
    /// A lane of a route in which nothing waits, and of which nothing was told.
    pub fn empty(route: &DeliveryRoute, state: RouteState, lane: Lane) -> Self {
        Self {
            route: route.clone(),
            state,
            lane,
            oldest: None,
            batches: Vec::new(),
            flood: None,
            groups: BTreeMap::new(),
            digests: BTreeMap::new(),
            facts: BTreeMap::new(),
            accounts: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
        }
    }

    /// All entries, batch by batch.
    pub fn entries(&self) -> impl Iterator<Item = &OutboxEntry> {
        self.batches.iter().flat_map(|batch| &batch.entries)
    }

    pub fn lane_state(&self) -> Option<&LaneState> {
        self.state.lanes.get(&self.lane)
    }

    /// How urgent the lane is now.
    pub(super) fn haste(&self, now: Timestamp) -> Haste {
        let waits = self.oldest.map(|oldest| now.duration_since(oldest));
        let is_urgent = self.lane.is_urgent();
        Haste {
            is_urgent,
            is_overdue: is_urgent && waits.is_some_and(|waits| waits > OVERDUE_AFTER),
        }
    }

    /// True if the findings of this lane are named one by one.
    pub fn names_findings(&self) -> bool {
        self.lane.is_urgent() || self.lane == Lane::Takeover
    }
}

impl DeliveryRoute {
    /// True if messages of the lane wait for the end of quiet hours now.
    pub fn is_quiet(&self, lane: Lane, now: Timestamp) -> bool {
        self.route.is_quiet(least_severity(lane), now)
    }

    /// Returns the time for which a lane still rests after its last digest, so that a storm makes
    /// few messages. `oldest` is when the oldest of its batches was put there.
    pub fn rests_for(
        &self,
        lane: Lane,
        state: &RouteState,
        oldest: Timestamp,
        window: SignedDuration,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let last = state.lanes.get(&lane).and_then(|lane| lane.last_digest_at);
        let until = match (lane, last) {
            (Lane::Takeover, None) => oldest + TAKEOVER_WAIT,
            (_, None) => return None,
            (_, Some(last)) => last + self.rest(lane, window),
        };
        let left = until.duration_since(now);
        (left > SignedDuration::ZERO).then_some(left)
    }

    fn rest(&self, lane: Lane, window: SignedDuration) -> SignedDuration {
        let rest = match self.route.to {
            Destination::Channel(_) | Destination::ChannelOf(_) => window,
            Destination::Webhook(_)
            | Destination::Topic(_)
            | Destination::Mail(_)
            | Destination::Endpoint(_) => DIGEST_REST,
        };
        if lane.is_urgent() {
            rest.min(URGENT_REST)
        } else {
            rest
        }
    }
}

/// The least severity of a lane's entries, for which quiet hours hold soonest.
fn least_severity(lane: Lane) -> Severity {
    match lane {
        Lane::Critical => Severity::Critical,
        Lane::High => Severity::High,
        Lane::Medium => Severity::Medium,
        Lane::Low | Lane::Takeover => Severity::Low,
    }
}
