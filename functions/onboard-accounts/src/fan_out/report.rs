//! The response to a fan-out.

use banto_lambda::{Metrics, Response};
use serde_json::{Value, json};

use super::plan::Plan;

/// Responds with the number of accounts that were sent to the queue, and those that are not in the
/// Organization.
pub fn report(plan: &Plan) -> Response {
    let queued = plan.converge_requests().count();
    tracing::info!(
        queued,
        departed = plan.delete_statuses.len(),
        "accounts sent to the queue"
    );
    let mut metrics = Metrics::default();
    metrics.count("AccountsQueued", queued);
    Response {
        body: json!({ "queued": queued, "departed": plan.delete_statuses }),
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
