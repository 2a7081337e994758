//! Counts the configuration items of history files: what AWS Config's bill comes from.

use std::collections::BTreeMap;

use super::cut::{Items, Odd};
use super::item::resource_type;
use super::json::Members;
use crate::evidence::Problem;

/// Items by resource type.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) by_type: BTreeMap<String, u64>,
    pub(super) problems: Vec<Problem>,
    /// Items without a resource type, of which only the number is known.
    odd: u64,
}

impl Recorded {
    /// Nothing, since the file can't be read to its end.
    pub(super) fn unreadable(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }

    /// Adds another one's.
    pub(super) fn add(&mut self, other: Self) {
        for (resource_type, count) in other.by_type {
            *self.by_type.entry(resource_type).or_default() += count;
        }
        self.problems.extend(other.problems);
    }

    /// Names the file of the items that could not be counted.
    pub(super) fn of_file(mut self, key: &str) -> Self {
        if self.odd > 0 {
            self.problems.push(Problem {
                key: key.to_owned(),
                what: format!("{} items above 4 MB or without a resource type", self.odd),
            });
        }
        self
    }
}

impl Items for Recorded {
    fn item(&mut self, item: Members<'_>) {
        let Some(resource_type) = resource_type(item) else {
            self.odd += 1;
            return;
        };
        // Most files have one type: no text is made for each item.
        match self.by_type.get_mut(resource_type.as_ref()) {
            Some(count) => *count += 1,
            None => {
                self.by_type.insert(resource_type.into_owned(), 1);
            }
        }
    }

    fn odd(&mut self, _: Odd) {
        self.odd += 1;
    }
}
