//! Sends the messages of a plan, and saves what each has told.

use std::time::Duration;

use banto_domain::compliance::{InFlight, NotifiedIn, OpenDigest};
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_ports::{DeliveryCommit, PortError};
use jiff::SignedDuration;

use super::delivery::{Delivery, Target};
use super::lock::{self, HeldRoute};
use super::notices::Message;
use super::plan::Plan;
use super::ports::Ports;
use super::report::Delivered;
use super::route_sender::{Outgoing, Sent, Unsent};
use super::snapshot::Job;

/// Least time in which a message is begun: one attempt of 25 s, and 5 s for its commit.
const DELIVERY_TIME: Duration = Duration::from_secs(30);

/// A run that holds a route, and what it has delivered so far.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) held: HeldRoute,
    pub(super) delivered: &'a mut Delivered,
    pub(super) invocation: &'a Invocation,
}

/// Sends messages in their order. Returns after what time to come again, if one can't be sent now.
pub(super) async fn apply(
    ports: &Ports,
    plan: &Plan,
    messages: &[Message],
    run: &mut Run<'_>,
) -> Result<Option<SignedDuration>, PortError> {
    for (delivery, message) in plan.deliveries.iter().zip(messages) {
        if !run.invocation.has_time_for(DELIVERY_TIME) {
            return Ok(Some(SignedDuration::ZERO));
        }
        let outgoing = Outgoing {
            id: &delivery.id,
            target: &delivery.target,
            message,
            route: run.job.route,
        };
        let sent = match deliver_one(ports, &outgoing, run).await {
            Ok(sent) => sent,
            Err(Unsent::Later(after)) => return Ok(Some(after)),
            Err(Unsent::Failed(error)) => return Err(error),
        };
        run.delivered.messages += 1;
        run.delivered.by_fallback += usize::from(sent.fell_back);
        commit(ports, delivery, &sent, run).await?;
        tracing::info!(
            route.name = run.job.outbox,
            delivery.id = delivery.id,
            notice.id = message.notice.id,
            fell_back = sent.fell_back,
            "message delivered"
        );
        correct(ports, run.job.route, message, &sent).await;
    }
    Ok(None)
}

/// Sends one message, and begins its thread. A message that an earlier run may have sent is
/// searched for first.
async fn deliver_one(
    ports: &Ports,
    outgoing: &Outgoing<'_>,
    run: &mut Run<'_>,
) -> Result<Sent, Unsent> {
    let (held, invocation) = (&mut run.held, run.invocation);
    let unconfirmed = held.take_unconfirmed(outgoing.id);
    let posted = match &unconfirmed {
        Some(in_flight) => ports.sender.find(outgoing, in_flight.at).await,
        None => None,
    };
    announce(ports, outgoing, held)
        .await
        .map_err(Unsent::Failed)?;
    let sent = ports
        .sender
        .send(outgoing, &mut held.state, posted, invocation)
        .await?;
    if let Some(thread) = outgoing.detail_thread(&sent) {
        let is_there = match &unconfirmed {
            Some(in_flight) => ports.sender.has_detail(&thread, in_flight.at).await,
            None => false,
        };
        if !is_there {
            ports
                .sender
                .add_detail(&thread, &mut held.state, invocation)
                .await;
        }
    }
    Ok(sent)
}

/// Saves that a message is about to be sent, before it is: a run that ends now leaves a trace of
/// it. Only in a channel can it be searched for.
async fn announce(
    ports: &Ports,
    outgoing: &Outgoing<'_>,
    held: &mut HeldRoute,
) -> Result<(), PortError> {
    held.state.in_flight = is_channel(outgoing.route).then(|| InFlight {
        id: outgoing.id.to_owned(),
        at: ports.clock.now(),
    });
    lock::save(ports, held).await
}

fn is_channel(route: &Route) -> bool {
    matches!(route.to, Destination::Channel(_))
}

/// Saves what a message has told, piece by piece.
async fn commit(
    ports: &Ports,
    delivery: &Delivery,
    sent: &Sent,
    run: &mut Run<'_>,
) -> Result<(), PortError> {
    note_digest(ports, &mut run.held, delivery);
    for piece in &delivery.commits {
        let piece = with_message(piece.clone(), &delivery.target, sent);
        ports.outbox.commit(&run.held.lease, &piece).await?;
        run.delivered.entries += piece.entries.len();
    }
    run.held.state.in_flight = None;
    Ok(())
}

/// Notes in the route's state that a digest was sent: the route rests, and a new digest takes up
/// what else comes.
fn note_digest(ports: &Ports, held: &mut HeldRoute, delivery: &Delivery) {
    let mut digests = delivery.commits.iter().map(|piece| &piece.digest);
    let Some(digest) = digests.find_map(Option::as_ref) else {
        return;
    };
    let now = ports.clock.now();
    held.state.last_digest_at = Some(now);
    if delivery.target == Target::New {
        held.state.open_digest = Some(OpenDigest {
            id: digest.id.clone(),
            opened_at: now,
        });
    }
}

/// A commit with the message that told it, where the message is a new one.
fn with_message(mut piece: DeliveryCommit, target: &Target, sent: &Sent) -> DeliveryCommit {
    if *target != Target::New {
        return piece;
    }
    if let Some(digest) = &mut piece.digest {
        digest.message.clone_from(&sent.message);
        return piece;
    }
    for group in &mut piece.groups {
        group.notified_in = match &sent.message {
            Some(message) => NotifiedIn::Message(message.clone()),
            None => NotifiedIn::Untracked,
        };
    }
    piece
}

async fn correct(ports: &Ports, route: &Route, message: &Message, sent: &Sent) {
    if let (Some((above, notice)), false) = (&message.correction, sent.fell_back) {
        ports.sender.correct(route, above, notice).await;
    }
}
