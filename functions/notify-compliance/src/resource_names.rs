//! Names of resources whose ids nobody knows.

use std::collections::BTreeMap;

use banto_domain::compliance::FindingKey;
use banto_ports::Aggregator;

/// Returns the names of resources, as far as AWS Config tells them. Without one, a resource goes by
/// its id: people read that, and a waiver that goes by the name does not count.
pub(crate) async fn names(
    aggregator: &dyn Aggregator,
    keys: Vec<FindingKey>,
) -> BTreeMap<FindingKey, String> {
    if keys.is_empty() {
        return BTreeMap::new();
    }
    match aggregator.names(&keys).await {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(%error, "resource names could not be read; resources go by their ids, and waivers by name do not count");
            BTreeMap::new()
        }
    }
}
