//! The response of an invocation, and its metrics.

use std::collections::BTreeMap;

use banto_lambda::{InvocationError, Metrics, Response};
use serde_json::json;

use crate::deliver::report::Delivered;
use crate::event::Observation;
use crate::ingest::report::{DryRun, Ingested};

/// What became of the work of an invocation, over all its records.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) ingested: Ingested,
    pub(crate) delivered: Delivered,
    pub(crate) relayed: usize,
    pub(crate) reconciled: usize,
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

    /// Fails the records whose findings were not taken in.
    pub(crate) fn fail_observations(
        &mut self,
        observations: &[(String, Observation)],
        ingested: &Ingested,
    ) {
        for (record, observation) in observations {
            if ingested.failed.contains(&observation.key) {
                let resource = &observation.key.resource_id;
                self.fail(
                    record,
                    anyhow::anyhow!("the finding of {resource} was not taken in"),
                );
            }
        }
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
                "entriesDelivered": self.delivered.entries,
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
            ("EntriesDelivered", self.delivered.entries),
            ("MessagesSent", self.delivered.messages),
            ("MessagesByFallback", self.delivered.by_fallback),
            ("NoticesRelayed", self.relayed),
            ("AccountsReconciled", self.reconciled),
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

/// The plan with what `check` refuses of it, and the accounts that it leaves out.
pub(crate) fn dry_run_response(dry_run: &DryRun) -> Response {
    let refused: Vec<String> = dry_run.refused.iter().map(ToString::to_string).collect();
    Response {
        body: json!({
            "dryRun": true,
            "plan": dry_run.plan,
            "refused": refused,
            "notCompared": dry_run.not_compared,
            "unknownAccounts": dry_run.unknown_accounts,
        }),
        metrics: Metrics::default(),
    }
}
