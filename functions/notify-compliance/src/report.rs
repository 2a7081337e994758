//! The response of an invocation, and its metrics.

use std::collections::{BTreeMap, BTreeSet};

use banto_lambda::{InvocationError, Metrics, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::deliver::report::Delivered;
use crate::ingest::report::{DryRun, Ingested};
use crate::work::Brought;

/// Longest time since AWS Config's own for which an event is sent anew: an outage of AWS is over by
/// then, or people have to look.
const POSTPONED_FOR_AT_MOST: SignedDuration = SignedDuration::from_hours(24);

/// What became of the work of an invocation, over all its records.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) ingested: Ingested,
    pub(crate) delivered: Delivered,
    pub(crate) relayed: usize,
    pub(crate) reconciled: usize,
    /// Records that were sent to the queue anew, to be tried later.
    pub(crate) postponed: usize,
    /// The first error of each record that failed, or of the request.
    failures: BTreeMap<String, anyhow::Error>,
}

impl Outcome {
    pub(crate) fn fail(&mut self, record: &str, error: anyhow::Error) {
        tracing::error!(
            message.id = record,
            error = format!("{error:#}"),
            "record or request failed; a record goes back to the queue"
        );
        self.failures.entry(record.to_owned()).or_insert(error);
    }

    /// Fails the records whose findings were not taken in, and returns those whose findings have to
    /// wait. One that has waited for too long fails too, and becomes a dead letter.
    pub(crate) fn fail_observations(
        &mut self,
        brought_by: &[Brought],
        ingested: &Ingested,
        now: Timestamp,
    ) -> BTreeSet<String> {
        let mut held_up = BTreeSet::new();
        for Brought { record, key, at } in brought_by {
            if let Some(why) = ingested.failed.get(key) {
                let resource = &key.resource_id;
                let error = anyhow::anyhow!("the finding of {resource} was not taken in: {why}");
                self.fail(record, error);
            } else if ingested.held_up.contains(key) {
                if now.duration_since(*at) > POSTPONED_FOR_AT_MOST {
                    let error = anyhow::anyhow!("the finding could not be taken in for a day");
                    self.fail(record, error);
                }
                held_up.insert(record.clone());
            }
        }
        held_up.retain(|record| !self.failures.contains_key(record));
        held_up
    }

    pub(crate) fn batch_response(self) -> Response {
        let metrics = self.metrics();
        Response::of_batch(self.failures.into_keys(), metrics)
    }

    pub(crate) fn direct_response(mut self) -> Result<Response, InvocationError> {
        if let Some((_, error)) = self.failures.pop_first() {
            return Err(InvocationError::new("RequestFailed", error));
        }
        Ok(Response {
            body: json!({
                "changesSaved": self.ingested.saved,
                "entriesQueued": self.ingested.queued,
                "messagesSent": self.delivered.messages,
            }),
            metrics: self.metrics(),
        })
    }

    /// The counts that are not zero, and always that of failed records: an alarm watches it.
    fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        for (name, count) in [
            ("ChangesSaved", self.ingested.saved),
            ("ObservationsSkipped", self.ingested.skipped),
            ("EntriesQueued", self.ingested.queued),
            ("BatchesDelivered", self.delivered.batches),
            ("MessagesSent", self.delivered.messages),
            ("MessagesByFallback", self.delivered.by_fallback),
            ("NoticesRelayed", self.relayed),
            ("AccountsReconciled", self.reconciled),
            ("RecordsPostponed", self.postponed),
        ] {
            if count > 0 {
                metrics.count(name, count);
            }
        }
        metrics.count("RecordsBack", self.failures.len());
        metrics
    }
}

pub(crate) fn fan_out_response(accounts: usize) -> Response {
    Response {
        body: json!({ "accountsQueued": accounts }),
        metrics: Metrics::default(),
    }
}

/// The plan with what `check` refuses of it, the number of findings that there is no room for, and
/// the accounts that it leaves out.
pub(crate) fn dry_run_response(dry_run: &DryRun) -> Response {
    let refused: Vec<String> = dry_run.refused.iter().map(ToString::to_string).collect();
    Response {
        body: json!({
            "dryRun": true,
            "plan": dry_run.plan,
            "leftOut": dry_run.left_out,
            "refused": refused,
            "notCompared": dry_run.not_compared,
            "unknownAccounts": dry_run.unknown_accounts,
        }),
        metrics: Metrics::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_how_many_findings_its_answer_has_no_room_for() {
        let dry_run = DryRun {
            left_out: 3,
            ..DryRun::default()
        };
        assert_eq!(dry_run_response(&dry_run).body["leftOut"], 3);
    }
}
