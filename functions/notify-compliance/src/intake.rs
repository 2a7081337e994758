//! Takes observations in: from events, and from the comparison with the aggregator.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::compliance::FindingKey;
use banto_notice::QueueMessage;
use banto_ports::{Delayed, ErrorKind, PortError};
use futures_util::stream::{self, StreamExt};
use jiff::SignedDuration;

use crate::event::Observation;
use crate::plan::{self, Chain, Plan};
use crate::{Notifier, check, report};

/// How many findings are noted at once.
const AT_ONCE: usize = 16;
/// How often a finding is looked at again that somebody else changed.
const ATTEMPTS: usize = 3;

/// What became of observations.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Findings that were not noted; whoever brought them brings them again.
    pub(crate) failed: BTreeSet<FindingKey>,
    /// How many changes were noted.
    pub(crate) noted: usize,
    /// How many of them wait to be told, counted once for each route.
    pub(crate) waiting: usize,
    /// How many observations changed nothing.
    pub(crate) silent: usize,
}

impl Taken {
    /// Adds what became of others.
    pub(crate) fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.noted += other.noted;
        self.waiting += other.waiting;
        self.silent += other.silent;
    }
}

impl Notifier {
    /// Notes what observations change, and sees to it that the routes are told.
    pub(crate) async fn take_in(&self, observations: Vec<Observation>) -> Taken {
        let mut taken = Taken::default();
        let (mut routes, mut touched) = (BTreeSet::new(), BTreeSet::new());
        let mut left = observations;
        for attempt in 1..=ATTEMPTS {
            if left.is_empty() {
                break;
            }
            let Some(plan) = self.planned(&left, &mut taken).await else {
                break;
            };
            let planned: BTreeSet<&FindingKey> =
                plan.chains.iter().map(|chain| &chain.key).collect();
            let mut again = BTreeSet::new();
            let notes = plan
                .chains
                .iter()
                .map(|chain| async move { (chain, self.note(chain).await) });
            for (chain, noted) in stream::iter(notes)
                .buffer_unordered(AT_ONCE)
                .collect::<Vec<_>>()
                .await
            {
                let done = chain.changes.iter().take(noted.0);
                taken.noted += noted.0;
                for (route, _) in done.flat_map(|change| &change.entries) {
                    taken.waiting += 1;
                    routes.insert(route.clone());
                }
                routes.extend(chain.again.iter().cloned());
                touched.insert(chain.key.clone());
                match noted.1 {
                    None => {}
                    // Somebody else changed it first: it is looked at again.
                    Some(error) if error.kind == ErrorKind::Conflict && attempt < ATTEMPTS => {
                        again.insert(chain.key.clone());
                    }
                    Some(error) => {
                        tracing::error!(account = %chain.key.account, rule = %chain.key.rule, %error, "not noted");
                        taken.failed.insert(chain.key.clone());
                    }
                }
            }
            taken.silent += left
                .iter()
                .filter(|observation| !planned.contains(&observation.key))
                .count();
            left.retain(|observation| again.contains(&observation.key));
        }
        if let Err(error) = self.announce(&routes, self.policy.window).await {
            tracing::error!(%error, "the routes could not be queued");
            // Whoever brings them again has their routes queued again.
            taken.failed.append(&mut touched);
        }
        taken
    }

    /// The plan for observations, checked; findings that can't be planned have failed.
    async fn planned(&self, observations: &[Observation], taken: &mut Taken) -> Option<Plan> {
        let all = || {
            observations
                .iter()
                .map(|observation| observation.key.clone())
        };
        let snapshot = match self.observe(observations).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::error!(%error, "what is known can't be read");
                taken.failed.extend(all());
                return None;
            }
        };
        let now = self.clock.now();
        let plan = plan::plan(observations, &snapshot, &self.policy, now);
        tracing::debug!(plan = %report::plan_json(&plan), "planned");
        let breaches = check::check(&plan, &snapshot, &self.policy, now);
        if !breaches.is_empty() {
            let words: Vec<String> = breaches.iter().map(ToString::to_string).collect();
            tracing::error!(breaches = words.join("; "), "the plan is refused");
            taken.failed.extend(all());
            return None;
        }
        taken
            .failed
            .extend(all().filter(|key| !snapshot.accounts.contains_key(&key.account)));
        Some(plan)
    }

    /// Notes a finding's changes in their order; how many were noted, and what ended it.
    async fn note(&self, chain: &Chain) -> (usize, Option<PortError>) {
        for (index, change) in chain.changes.iter().enumerate() {
            if let Err(error) = self.ledger.note(change).await {
                return (index, Some(error));
            }
        }
        (chain.changes.len(), None)
    }

    /// Has routes told after a while, unless a message that does so is to come by then.
    pub(crate) async fn announce(
        &self,
        routes: &BTreeSet<String>,
        after: SignedDuration,
    ) -> Result<(), PortError> {
        for route in routes {
            let now = self.clock.now();
            let at = now + after;
            if self
                .ledger
                .due(route)
                .await?
                .is_some_and(|due| now < due && due <= at)
            {
                continue;
            }
            let message = QueueMessage::Tell {
                route: route.clone(),
            };
            // A little later than noted: whatever is put into the outbox before then is told.
            let delay = after.unsigned_abs() + Duration::from_secs(1);
            self.queue
                .send(&[Delayed {
                    body: message.body(),
                    delay,
                }])
                .await?;
            self.ledger.note_due(route, at).await?;
        }
        Ok(())
    }
}
