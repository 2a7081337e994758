//! Facts of resources, whose ids nobody knows by heart.

use std::collections::BTreeMap;

use banto_domain::Region;
use banto_domain::compliance::FindingKey;
use banto_ports::{Aggregator, PortError, ResourceFacts};

/// Returns facts of resources, as far as AWS Config tells them. Each comes with the region in which
/// a rule looked at it. Without facts, people read a resource's id.
pub(crate) async fn facts(
    aggregator: &dyn Aggregator,
    resources: Vec<(FindingKey, Region)>,
) -> BTreeMap<FindingKey, ResourceFacts> {
    match read(aggregator, &resources).await {
        Ok(facts) => facts,
        Err(error) => {
            tracing::warn!(
                %error,
                "facts of resources could not be read; resources go by their ids"
            );
            BTreeMap::new()
        }
    }
}

/// Reads facts of resources.
///
/// # Errors
/// If AWS Config does not tell them.
pub(crate) async fn read(
    aggregator: &dyn Aggregator,
    resources: &[(FindingKey, Region)],
) -> Result<BTreeMap<FindingKey, ResourceFacts>, PortError> {
    if resources.is_empty() {
        return Ok(BTreeMap::new());
    }
    aggregator.resources(resources).await
}
