//! Sends the messages of a plan, and saves what each has told.

use std::time::Duration;

use banto_domain::compliance::{InFlight, NotifiedIn, OpenDigest};
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_ports::{DeliveryCommit, ErrorKind, PortError};
use jiff::SignedDuration;

use super::delivery::{Delivery, Haste, Target};
use super::lock::{self, HeldRoute};
use super::notices::Message;
use super::plan::Plan;
use super::ports::Ports;
use super::report::Delivered;
use super::route_sender::{DetailThread, Outgoing, Sent, Unsent};
use super::snapshot::Job;

/// Least time in which a message is begun: one attempt of 25 s, and 5 s for its commit.
const DELIVERY_TIME: Duration = Duration::from_secs(30);

/// Most messages that are sent before the outbox is looked at again: at a message a second, what is
/// urgent waits no longer than this for what is not.
const MESSAGES_AT_A_TIME: usize = 20;

/// Pieces of a commit between two looks at the time, in which the lease is renewed too: they take
/// some tens of milliseconds each.
const PIECES_AT_A_TIME: usize = 50;

/// Pauses while DynamoDB throttles, which counts by the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Pause after a part of an urgent message's thread was not taken, where Slack names none.
const DETAIL_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A run that holds a route, and what it has delivered so far.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    /// How urgent what is delivered now is.
    pub(super) haste: Haste,
    pub(super) held: HeldRoute,
    pub(super) delivered: &'a mut Delivered,
}

impl<'a> Run<'a> {
    pub(super) fn new(job: &'a Job<'a>, held: HeldRoute, delivered: &'a mut Delivered) -> Self {
        Self {
            job,
            haste: Haste::default(),
            held,
            delivered,
        }
    }
}

/// How far a plan was carried out.
pub(super) enum Applied {
    /// To its end, or as far as is done at a time.
    AsPlanned,
    /// A message can't be sent before this time has passed.
    Until(SignedDuration),
}

/// Sends messages in their order.
pub(super) async fn apply(
    ports: &Ports,
    plan: &Plan,
    messages: &[Option<Message>],
    run: &mut Run<'_>,
) -> Result<Applied, PortError> {
    let mut sent = 0;
    for (delivery, message) in plan.deliveries.iter().zip(messages) {
        if !run.job.invocation.has_time_for(DELIVERY_TIME) {
            return Ok(Applied::Until(SignedDuration::ZERO));
        }
        let Some(message) = message else {
            if !save_pieces(ports, delivery, &NOT_SENT, run).await? {
                return Ok(Applied::Until(SignedDuration::ZERO));
            }
            continue;
        };
        if sent == MESSAGES_AT_A_TIME {
            return Ok(Applied::AsPlanned);
        }
        sent += 1;
        if let Some(after) = tell(ports, delivery, message, run).await? {
            return Ok(Applied::Until(after));
        }
    }
    Ok(Applied::AsPlanned)
}

/// Sends a message and saves what it told. Returns after what time to come again, if it can't be
/// sent now.
async fn tell(
    ports: &Ports,
    delivery: &Delivery,
    message: &Message,
    run: &mut Run<'_>,
) -> Result<Option<SignedDuration>, PortError> {
    let outgoing = Outgoing {
        id: &delivery.id,
        target: &delivery.target,
        message,
        route: &run.job.route.route,
        haste: run.haste,
    };
    let sent = match deliver_one(ports, &outgoing, run).await {
        Ok(sent) => sent,
        Err(Unsent::Later(after)) => return Ok(Some(after)),
        Err(Unsent::Failed(error)) => return Err(error),
    };
    if let Some(in_flight) = &mut run.held.state.in_flight {
        in_flight.said = Some(outgoing.words());
    }
    let is_complete = commit(ports, delivery, &sent, run).await?;
    tracing::info!(
        route.name = run.job.route.route.name,
        delivery.id = delivery.id,
        notice.id = message.notice.id,
        fell_back = sent.fell_back,
        "message delivered"
    );
    correct(ports, message, &sent, run).await;
    Ok((!is_complete).then_some(SignedDuration::ZERO))
}

/// Sends a message that commits nothing. Returns after what time to come again, if it can't be sent
/// now.
pub(super) async fn send_alone(
    ports: &Ports,
    id: &str,
    target: &Target,
    message: &Message,
    run: &mut Run<'_>,
) -> Result<Option<SignedDuration>, PortError> {
    if !run.job.invocation.has_time_for(DELIVERY_TIME) {
        return Ok(Some(SignedDuration::ZERO));
    }
    let outgoing = Outgoing {
        id,
        target,
        message,
        route: &run.job.route.route,
        haste: Haste::default(),
    };
    match deliver_one(ports, &outgoing, run).await {
        Ok(_) => Ok(None),
        Err(Unsent::Later(after)) => Ok(Some(after)),
        Err(Unsent::Failed(error)) => Err(error),
    }
}

/// Sends one message, and begins its thread. A message that an earlier run may have sent is
/// searched for first.
async fn deliver_one(
    ports: &Ports,
    outgoing: &Outgoing<'_>,
    run: &mut Run<'_>,
) -> Result<Sent, Unsent> {
    let (held, invocation) = (&mut run.held, run.job.invocation);
    let unconfirmed = held.take_unconfirmed(outgoing.id);
    let posted = match &unconfirmed {
        Some(in_flight) => ports.sender.find(outgoing, in_flight.at).await,
        None => None,
    };
    // That it was said could not be saved: it is not said again each time that saving is tried.
    if unconfirmed
        .as_ref()
        .is_some_and(|known| known.said == Some(outgoing.words()))
    {
        return Ok(Sent {
            fell_back: posted.is_none() && is_channel(outgoing.route),
            message: posted,
        });
    }
    announce(ports, outgoing, held)
        .await
        .map_err(Unsent::Failed)?;
    let sent = ports
        .sender
        .send(outgoing, &mut held.state, posted, invocation)
        .await?;
    run.delivered.messages += 1;
    run.delivered.by_fallback += usize::from(sent.fell_back);
    for thread in outgoing.detail_threads(&sent) {
        let is_there = match &unconfirmed {
            Some(in_flight) => ports.sender.has_detail(&thread, in_flight.at).await,
            None => false,
        };
        if !is_there {
            add_detail(ports, &thread, outgoing, held, invocation).await?;
        }
    }
    Ok(sent)
}

/// Adds a part of a message's thread. What is urgent is named there: such a part is tried again
/// before anything is committed, and in the end it goes by the fall-back.
async fn add_detail(
    ports: &Ports,
    thread: &DetailThread<'_>,
    outgoing: &Outgoing<'_>,
    held: &mut HeldRoute,
    invocation: &Invocation,
) -> Result<(), Unsent> {
    let sender = &ports.sender;
    let added = sender.add_detail(thread, &mut held.state, invocation).await;
    let Err(error) = added else {
        return Ok(());
    };
    if !outgoing.haste.is_urgent {
        return Ok(());
    }
    let passes = matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable);
    if passes && !outgoing.haste.is_overdue {
        let pause = error.retry_after.map(SignedDuration::try_from);
        let pause = pause.and_then(Result::ok).unwrap_or(DETAIL_PAUSE);
        return Err(Unsent::Later(pause));
    }
    sender.fall_back_with_detail(thread, &error).await
}

/// Saves that a message is about to be sent, before it is: a run that ends now leaves a trace of
/// it. Only in a channel can it be searched for.
async fn announce(
    ports: &Ports,
    outgoing: &Outgoing<'_>,
    held: &mut HeldRoute,
) -> Result<(), PortError> {
    held.state.in_flight = Some(InFlight {
        id: outgoing.id.to_owned(),
        at: ports.clock.now(),
        said: None,
    });
    lock::save(ports, held).await
}

fn is_channel(route: &Route) -> bool {
    matches!(route.to, Destination::Channel(_))
}

/// What is saved of entries that nobody was told of.
const NOT_SENT: Sent = Sent {
    message: None,
    fell_back: false,
};

/// Saves what a message has told, piece by piece. That a digest is open is saved first: a run that
/// takes up what is left adds it to that digest.
///
/// Returns false if there was not the time for all of it.
async fn commit(
    ports: &Ports,
    delivery: &Delivery,
    sent: &Sent,
    run: &mut Run<'_>,
) -> Result<bool, PortError> {
    if note_digest(ports, &mut run.held, delivery) {
        lock::save(ports, &mut run.held).await?;
    }
    let is_complete = save_pieces(ports, delivery, sent, run).await?;
    if is_complete {
        run.held.state.in_flight = None;
    }
    Ok(is_complete)
}

async fn save_pieces(
    ports: &Ports,
    delivery: &Delivery,
    sent: &Sent,
    run: &mut Run<'_>,
) -> Result<bool, PortError> {
    for (number, piece) in delivery.commits.iter().enumerate() {
        if number > 0 && number.is_multiple_of(PIECES_AT_A_TIME) {
            if !run.job.invocation.has_time_for(DELIVERY_TIME) {
                return Ok(false);
            }
            lock::save(ports, &mut run.held).await?;
        }
        let piece = with_message(piece.clone(), &delivery.target, sent);
        if !commit_piece(ports, &piece, run).await? {
            return Ok(false);
        }
        run.delivered.batches += piece.batches.len();
    }
    Ok(true)
}

/// Writes a piece, and waits where DynamoDB asks for patience: the message was sent, and would be
/// sent again. Returns false if there is no time to wait.
async fn commit_piece(
    ports: &Ports,
    piece: &DeliveryCommit,
    run: &mut Run<'_>,
) -> Result<bool, PortError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match ports.outbox.commit(&run.held.lease, piece).await {
            Err(error) if error.kind == ErrorKind::Throttled => {
                if !run.job.invocation.has_time_for(pause + DELIVERY_TIME) {
                    return Ok(false);
                }
                ports.clock.sleep(pause).await;
                lock::save(ports, &mut run.held).await?;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            written => return written.map(|()| true),
        }
    }
}

/// Notes in the route's state that a digest was sent: its lane rests, and a new digest takes up
/// what else comes. Returns whether it was one.
fn note_digest(ports: &Ports, held: &mut HeldRoute, delivery: &Delivery) -> bool {
    let mut digests = delivery.commits.iter().map(|piece| &piece.digest);
    let Some(digest) = digests.find_map(Option::as_ref) else {
        return false;
    };
    let now = ports.clock.now();
    let lane = held.state.lanes.entry(digest.lane).or_default();
    lane.last_digest_at = Some(now);
    if delivery.target == Target::New {
        lane.open_digest = Some(OpenDigest {
            id: digest.id.clone(),
            opened_at: now,
        });
    }
    true
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

async fn correct(ports: &Ports, message: &Message, sent: &Sent, run: &Run<'_>) {
    if let (Some((above, notice)), false) = (&message.correction, sent.fell_back) {
        let route = &run.job.route.route;
        let sender = &ports.sender;
        sender
            .correct(route, above, notice, run.job.invocation)
            .await;
    }
}
