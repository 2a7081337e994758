//! The regions that a baseline is for, which decide about its recording.

use std::collections::BTreeSet;

use crate::Region;

/// The regions that a baseline is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// The home region, if it could be read.
    pub(super) home: Option<&'a Region>,
    /// The regions of the baseline; every enabled one if `None`.
    pub(super) regions: Option<&'a BTreeSet<Region>>,
}

impl Places<'_> {
    /// True if there is no region but home.
    pub(super) fn is_home_alone(self) -> bool {
        let is_home = |region: &Region| Some(region) == self.home;
        self.regions
            .is_some_and(|regions| regions.iter().all(is_home))
    }
}
