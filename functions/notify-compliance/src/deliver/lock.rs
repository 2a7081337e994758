//! One run at a time delivers on a route: it holds the route's lease, and keeps the route's state.

use banto_domain::compliance::{InFlight, RouteState};
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError, RouteLease};
use jiff::SignedDuration;

use super::ports::Ports;

/// Time for which a lease holds without being renewed, which it is before each message. All
/// attempts at a message that is not urgent take 94 s; and what is urgent must not wait for long
/// after a run that ended. A run that outlives its lease commits nothing.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// Time after which a run comes again that finds the route held: a few messages at a channel's pace
/// of one a second take less. The lease is no measure: a run that ends well gives the route back
/// long before it expires.
pub(super) const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// A route that this run holds.
pub(super) struct HeldRoute {
    pub(super) lease: RouteLease,
    pub(super) state: RouteState,
    /// A message that an earlier run may have sent before it ended. The state keeps it too, until
    /// the same message is sent again: quiet hours may come between.
    pub(super) unconfirmed: Option<InFlight>,
}

impl HeldRoute {
    /// The unconfirmed message, if it has this id.
    pub(super) fn take_unconfirmed(&mut self, id: &str) -> Option<InFlight> {
        self.unconfirmed.take_if(|in_flight| in_flight.id == id)
    }
}

/// Takes the route; `None` while another run holds it.
pub(super) async fn acquire(
    ports: &Ports,
    route: &str,
    invocation: &Invocation,
) -> Result<Option<HeldRoute>, PortError> {
    let now = ports.clock.now();
    let lease = RouteLease {
        route: route.to_owned(),
        holder: invocation.run.clone(),
        expires_at: now + LEASE,
    };
    match ports.lock.lock_route(&lease, now).await {
        Ok(state) => Ok(Some(HeldRoute {
            unconfirmed: state.in_flight.clone(),
            lease,
            state,
        })),
        Err(error) if error.kind == ErrorKind::Conflict => Ok(None),
        Err(error) => Err(error),
    }
}

/// Saves the route's state and renews its lease.
pub(super) async fn save(ports: &Ports, held: &mut HeldRoute) -> Result<(), PortError> {
    held.lease.expires_at = ports.clock.now() + LEASE;
    ports.lock.save_route_state(&held.lease, &held.state).await
}

/// Saves the route's state and gives the route back.
pub(super) async fn release(ports: &Ports, mut held: HeldRoute) {
    held.lease.expires_at = ports.clock.now();
    if let Err(error) = ports.lock.save_route_state(&held.lease, &held.state).await {
        tracing::warn!(route.name = held.lease.route, %error, "route could not be given back; its lease expires by itself");
    }
}
