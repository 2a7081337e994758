//! The regions that AWS has, so that a slip of the pen in one is noticed before something is made of
//! it.

use crate::Region;

/// Every region of every partition, sorted. (botocore 1.44.8, `partitions.json`.) AWS adds some each
/// year, so that a code that is not here may be right all the same: ask, and don't refuse for good.
pub const REGIONS: [&str; 48] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// Most slips of the pen (a letter too few, too many or wrong, two that changed places) by which a
/// code may differ from the one that was meant. With three, most codes are near to most others.
const SLIPS: usize = 2;

impl Region {
    /// True if AWS has the region, as far as this release knows.
    pub fn is_known(&self) -> bool {
        REGIONS.binary_search(&self.as_str()).is_ok()
    }

    /// Returns the known regions whose code is nearest to this one's, if any is near.
    ///
    /// ```
    /// use banto_domain::Region;
    /// let region: Region = "us-est-1".parse().unwrap();
    /// assert!(!region.is_known());
    /// assert_eq!(region.nearest(), ["us-east-1", "us-west-1"]);
    /// ```
    pub fn nearest(&self) -> Vec<&'static str> {
        let distances = REGIONS
            .into_iter()
            .map(|known| (strsim::osa_distance(known, self.as_str()), known))
            .filter(|(slips, _)| *slips <= SLIPS);
        let distances: Vec<(usize, &str)> = distances.collect();
        let least = distances.iter().map(|(slips, _)| *slips).min();
        let nearest = distances.iter().filter(|(slips, _)| Some(*slips) == least);
        nearest.map(|(_, known)| *known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::onboarding::LATE_REGIONS;

    #[test]
    fn the_table_is_sorted_and_each_entry_is_a_regions_code() {
        assert!(REGIONS.is_sorted());
        for region in REGIONS {
            assert!(region.parse::<Region>().unwrap().is_known(), "{region}");
        }
        for late in LATE_REGIONS {
            assert!(REGIONS.contains(&late), "{late}");
        }
    }

    #[test]
    fn what_is_like_no_region_is_near_to_none() {
        let near = |text: &str| text.parse::<Region>().unwrap().nearest();
        assert_eq!(near("eu-wset-1"), ["eu-west-1"]);
        assert_eq!(near("ap-northeast-11"), ["ap-northeast-1"]);
        assert_eq!(near("moon-crater-1"), [""; 0]);
    }
}
