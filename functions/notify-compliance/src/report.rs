//! What an invocation answers and counts.

use std::collections::BTreeSet;
use std::fmt::Display;

use banto_lambda::Metrics;
use serde_json::{Value, json};

use crate::intake::Taken;
use crate::plan::Plan;
use crate::telling::Telling;

/// What became of an invocation.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) taken: Taken,
    pub(crate) told: Telling,
    /// Notices of other functions.
    pub(crate) notices: usize,
    /// Accounts that were compared.
    pub(crate) compared: usize,
    /// Records that come again.
    pub(crate) back: BTreeSet<String>,
}

impl Outcome {
    pub(crate) fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        let counts = [
            ("ChangesNoted", self.taken.noted),
            ("ObservationsWithoutNews", self.taken.silent),
            ("EntriesQueued", self.taken.waiting),
            ("EntriesTold", self.told.told),
            ("MessagesSent", self.told.messages),
            ("MessagesByFallback", self.told.fell_back),
            ("NoticesCarried", self.notices),
            ("AccountsCompared", self.compared),
            ("RecordsBack", self.back.len()),
        ];
        for (name, count) in counts
            .into_iter()
            .filter(|(name, count)| *count > 0 || *name == "RecordsBack")
        {
            metrics.count(name, count);
        }
        metrics
    }

    /// A record failed, and comes again.
    pub(crate) fn goes_back(&mut self, id: &str, error: &impl Display) {
        tracing::error!(message = id, %error, "the record goes back to the queue");
        self.back.insert(id.to_owned());
    }

    pub(crate) fn direct_response(&self) -> Value {
        json!({ "noted": self.taken.noted, "queued": self.taken.waiting, "told": self.told.told })
    }
}

/// A plan for people and other programs: each change, and where it is told.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let changes = plan.chains.iter().flat_map(|chain| &chain.changes).map(|change| {
        let key = &change.after.key;
        json!({
            "account": key.account,
            "region": key.region,
            "rule": key.rule,
            "resourceType": key.resource_type,
            "resourceId": key.resource_id,
            "compliance": change.after.compliance,
            "at": change.after.at,
            "flapping": change.after.damped,
            "routes": change.entries.iter().map(|(route, _)| route.as_str()).collect::<Vec<_>>(),
        })
    });
    json!({ "changes": changes.collect::<Vec<_>>(), "silent": plan.silent })
}
