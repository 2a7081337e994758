//! Tells what waits on a route: one run at a time has the route, at the channel's pace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::compliance::{FindingKey, InFlight, NotifiedIn, OutboxEntry, RouteState};
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_ports::{DeliveryCommit, ErrorKind, PortError, RouteLease};
use jiff::SignedDuration;

use crate::letters::{DIGEST_PAUSE, Letter, Outbox, Place, about, letters};
use crate::send::{Sent, Unsent};
use crate::{Notifier, check};

/// For how long a run has a route without saying so again: longer than a letter can take.
const CLAIM: SignedDuration = SignedDuration::from_mins(5);
/// How long a run waits that finds the route taken.
const TAKEN: SignedDuration = SignedDuration::from_secs(30);
/// How often what waits for the morning is looked at; SQS delays no longer.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// Most entries that are told at once.
const AT_ONCE: usize = 5_000;
/// What a letter and its settlement take at least.
const LETTER_TIME: Duration = Duration::from_secs(30);
/// Most resources of one telling whose names are looked up.
const NAMED: usize = 100;

/// What was told in a run, and what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Telling {
    /// Messages that people got, corrections and details aside.
    pub(crate) messages: usize,
    /// How many of them the fall-back took.
    pub(crate) fell_back: usize,
    /// Entries that were told.
    pub(crate) told: usize,
    /// After what time the rest is to be told, if there is any.
    pub(crate) again: Option<SignedDuration>,
}

impl Telling {
    /// Adds what was told on another route.
    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.fell_back += other.fell_back;
        self.told += other.told;
    }
}

/// A run that has a route.
struct Turn<'a> {
    route: &'a Route,
    claim: RouteLease,
    lane: RouteState,
    /// A message that an earlier run may have posted without noting it.
    unsure: Option<InFlight>,
    telling: Telling,
    invocation: &'a Invocation,
}

impl Notifier {
    /// Tells what waits on a route.
    ///
    /// # Errors
    /// If what is left can only be told when this message comes again.
    pub(crate) async fn tell(
        &self,
        name: &str,
        invocation: &Invocation,
    ) -> Result<Telling, PortError> {
        // What waits on a route that the policy no longer has goes the default way.
        let route = self
            .policy
            .route(name)
            .or_else(|| self.policy.routes.last());
        let Some(route) = route.filter(|_| self.policy.enabled) else {
            return Ok(Telling::default());
        };
        let claim = RouteLease {
            route: name.to_owned(),
            run: invocation.run.clone(),
            until: self.clock.now() + CLAIM,
        };
        let lane = match self.ledger.claim(&claim, self.clock.now()).await {
            Ok(lane) => lane,
            Err(error) if error.kind == ErrorKind::Conflict => {
                return Ok(Telling {
                    again: Some(TAKEN),
                    ..Telling::default()
                });
            }
            Err(error) => return Err(error),
        };
        // The lane keeps it, too, until its letter is sent: it may be quiet now.
        let unsure = lane.in_flight.clone();
        let mut turn = Turn {
            route,
            claim,
            lane,
            unsure,
            telling: Telling::default(),
            invocation,
        };
        let told = self.tell_all(&mut turn).await;
        turn.claim.until = self.clock.now();
        if let Err(error) = self.ledger.keep(&turn.claim, &turn.lane).await {
            tracing::warn!(route = name, %error, "the route could not be given back; its claim ends by itself");
        }
        Ok(Telling {
            again: told?,
            ..turn.telling
        })
    }

    /// Tells what there is; after what time to come again, if something is left.
    async fn tell_all(&self, turn: &mut Turn<'_>) -> Result<Option<SignedDuration>, PortError> {
        loop {
            let now = self.clock.now();
            let waiting = self.ledger.waiting(&turn.claim.route, AT_ONCE).await?;
            let is_all = waiting.len() < AT_ONCE;
            let (quiet, entries): (Vec<OutboxEntry>, Vec<OutboxEntry>) = waiting
                .into_iter()
                .partition(|entry| turn.route.is_quiet(entry.severity, now));
            if entries.is_empty() {
                return Ok((!quiet.is_empty()).then_some(QUIET));
            }
            if let Some(pause) = self.pause(turn.route, &turn.lane) {
                return Ok(Some(pause));
            }
            let outbox = self.outbox(&turn.claim, entries, &turn.lane).await?;
            let letters = letters(&outbox, turn.route, &self.policy, now);
            let breaches = check::check_letters(&letters, &outbox.entries);
            if !breaches.is_empty() {
                let words: Vec<String> = breaches.iter().map(ToString::to_string).collect();
                return Err(PortError::new(
                    ErrorKind::Invalid,
                    "notify:letters",
                    words.join("; "),
                ));
            }
            tracing::info!(
                route = turn.claim.route,
                entries = outbox.entries.len(),
                letters = letters.len(),
                "to be told"
            );
            for letter in letters {
                if !turn.invocation.has_time_for(LETTER_TIME) {
                    return Ok(Some(SignedDuration::ZERO));
                }
                if let Some(again) = self.tell_one(letter, turn).await? {
                    return Ok(Some(again));
                }
            }
            if is_all && quiet.is_empty() {
                return Ok(None);
            }
        }
    }

    /// How long a route rests after a summary, so that a storm makes few messages.
    fn pause(&self, route: &Route, lane: &RouteState) -> Option<SignedDuration> {
        let rest = if matches!(route.to, Destination::Channel(_)) {
            self.policy.window
        } else {
            DIGEST_PAUSE
        };
        let left = rest - self.clock.now().duration_since(lane.last_digest_at?);
        (left > SignedDuration::ZERO).then_some(left)
    }

    async fn outbox(
        &self,
        claim: &RouteLease,
        entries: Vec<OutboxEntry>,
        lane: &RouteState,
    ) -> Result<Outbox, PortError> {
        let cases = self.ledger.cases(&claim.route, &about(&entries)).await?;
        let in_digests = cases.values().filter_map(|case| match &case.notified_in {
            NotifiedIn::Digest(id) => Some(id.clone()),
            NotifiedIn::Message(_) | NotifiedIn::Untracked => None,
        });
        let digests: BTreeSet<String> = in_digests
            .chain(lane.digest.iter().map(|(id, _)| id.clone()))
            .collect();
        let digests = if digests.is_empty() {
            BTreeMap::new()
        } else {
            self.ledger.digests(&claim.route, &digests).await?
        };
        let names = self.names(named(&entries)).await;
        Ok(Outbox {
            entries,
            cases,
            digests,
            lane: lane.clone(),
            names,
        })
    }

    /// Sends a letter and notes it; when to come again, if it can't be sent now.
    async fn tell_one(
        &self,
        letter: Letter,
        turn: &mut Turn<'_>,
    ) -> Result<Option<SignedDuration>, PortError> {
        let unsure = turn.unsure.take_if(|sending| sending.id == letter.id);
        let (is_again, sent_since) = (
            unsure.is_some(),
            unsure.map_or_else(|| self.clock.now(), |sending| sending.at),
        );
        let posted = match is_again {
            true => {
                self.route_sender
                    .find(&letter.id, &letter.place, turn.route, sent_since)
                    .await
            }
            false => None,
        };
        turn.claim.until = self.clock.now() + CLAIM;
        let can_be_found = matches!(turn.route.to, Destination::Channel(_));
        turn.lane.in_flight = can_be_found.then(|| InFlight {
            id: letter.id.clone(),
            at: self.clock.now(),
        });
        // Before it is sent: a run that ends now leaves a trace of it.
        self.ledger.keep(&turn.claim, &turn.lane).await?;
        let sent = match self
            .route_sender
            .send(&letter, turn.route, &mut turn.lane, posted, turn.invocation)
            .await
        {
            Ok(sent) => sent,
            Err(Unsent::Later(after)) => return Ok(Some(after)),
            Err(Unsent::Failed(error)) => return Err(error),
        };
        if let (Some(detail), Some(message)) = (&letter.detail, &sent.message) {
            let detail_id = format!("{}-detail", letter.id);
            let place = Place::Thread {
                message: message.clone(),
                broadcast: false,
            };
            let is_there = is_again
                && self
                    .route_sender
                    .find(&detail_id, &place, turn.route, sent_since)
                    .await
                    .is_some();
            if !is_there {
                self.route_sender
                    .add_detail(&detail_id, &place, detail, &mut turn.lane, turn.invocation)
                    .await;
            }
        }
        turn.telling.messages += 1;
        turn.telling.fell_back += usize::from(sent.fell_back);
        if let Some(digest) = letter
            .commits
            .iter()
            .find_map(|piece| piece.digest.as_ref())
        {
            turn.lane.last_digest_at = Some(self.clock.now());
            if letter.place == Place::Channel {
                turn.lane.digest = Some((digest.id.clone(), self.clock.now()));
            }
        }
        for piece in letter.commits {
            turn.telling.told += piece.entries.len();
            self.ledger
                .commit(&turn.claim, &settled(piece, &letter.place, &sent))
                .await?;
        }
        turn.lane.in_flight = None;
        tracing::info!(
            route = turn.claim.route,
            letter = letter.id,
            fell_back = sent.fell_back,
            "told"
        );
        if let (Some((message, notice)), false) = (&letter.correction, sent.fell_back) {
            self.route_sender.correct(message, notice).await;
        }
        Ok(None)
    }
}

/// The resources whose names are looked up: those of IAM first, whose ids nobody knows.
fn named(entries: &[OutboxEntry]) -> Vec<FindingKey> {
    let keys: BTreeSet<&FindingKey> = entries.iter().map(|entry| &entry.key).collect();
    let (mut keys, others): (Vec<&FindingKey>, Vec<&FindingKey>) = keys
        .into_iter()
        .partition(|key| key.resource_type.starts_with("AWS::IAM::"));
    keys.extend(others);
    keys.into_iter().take(NAMED).cloned().collect()
}

/// What is noted, with the message that told it.
fn settled(mut piece: DeliveryCommit, place: &Place, sent: &Sent) -> DeliveryCommit {
    if *place != Place::Channel {
        return piece;
    }
    match &mut piece.digest {
        Some(digest) => digest.message.clone_from(&sent.message),
        None => {
            for case in &mut piece.cases {
                case.notified_in = sent
                    .message
                    .clone()
                    .map_or(NotifiedIn::Untracked, NotifiedIn::Message);
            }
        }
    }
    piece
}
