//! Names and ARNs of the resources of a snapshot, as small as they get: a finding may come before
//! its resource or behind it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::item::Resource;

/// Bytes of names and ARNs that are kept of a snapshot: those of some 200,000 resources. Findings
/// of resources beyond have ids only. Without a limit, a process of 128 MB would end at the
/// largest snapshots, of which some are read side by side.
const MOST_BYTES: usize = 16 << 20;

/// Names and ARNs by a hash of resource type and id.
#[derive(Debug, Default)]
pub(super) struct Names {
    hash: RandomState,
    places: HashMap<u64, Place>,
    text: String,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    name: u16,
    arn: u16,
}

impl Names {
    /// Keeps what a resource is called.
    pub(super) fn keep(&mut self, resource: &Resource<'_>) {
        let name = resource.name.as_deref().filter(|name| *name != resource.id);
        let (name, arn) = (name.unwrap_or(""), resource.arn.as_deref().unwrap_or(""));
        let length = name.len() + arn.len();
        if length == 0 || self.text.len() + length > MOST_BYTES {
            return;
        }
        let lengths = (
            u32::try_from(self.text.len()),
            u16::try_from(name.len()),
            u16::try_from(arn.len()),
        );
        if let (Ok(start), Ok(name_length), Ok(arn_length)) = lengths {
            let key = self.key(&resource.resource_type, &resource.id);
            let place = Place {
                start,
                name: name_length,
                arn: arn_length,
            };
            self.places.insert(key, place);
            self.text.push_str(name);
            self.text.push_str(arn);
        }
    }

    /// Returns a resource's name and ARN.
    pub(super) fn get(&self, resource_type: &str, id: &str) -> (Option<String>, Option<String>) {
        let Some(place) = self.places.get(&self.key(resource_type, id)) else {
            return (None, None);
        };
        let start = usize::try_from(place.start).unwrap_or(usize::MAX);
        let middle = start + usize::from(place.name);
        let end = middle + usize::from(place.arn);
        let part = |from: usize, to: usize| {
            let part = self.text.get(from..to).filter(|part| !part.is_empty());
            part.map(str::to_owned)
        };
        (part(start, middle), part(middle, end))
    }

    fn key(&self, resource_type: &str, id: &str) -> u64 {
        self.hash.hash_one((resource_type, id))
    }
}
