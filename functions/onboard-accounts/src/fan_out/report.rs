//! The response to a fan-out.

use banto_domain::AccountId;
use banto_lambda::{Metrics, Response};
use serde_json::{Value, json};

use super::plan::Plan;

/// Responds with the number of accounts that were sent to the queue, those among them that are
/// looked up when their message comes, and those that have left the Organization.
pub fn report(plan: &Plan) -> Response {
    let looked_up_later: Vec<&AccountId> = plan.looked_up_later().collect();
    let queued = plan.converge_requests().count() + looked_up_later.len();
    tracing::info!(
        queued,
        departed = plan.delete_statuses.len(),
        "accounts sent to the queue"
    );
    let mut metrics = Metrics::default();
    metrics.count("AccountsQueued", queued);
    Response {
        body: json!({ "queued": queued, "lookedUpLater": looked_up_later, "departed": plan.delete_statuses }),
        metrics,
    }
}

/// A response without metrics.
pub fn response(body: Value) -> Response {
    Response {
        body,
        metrics: Metrics::default(),
    }
}
