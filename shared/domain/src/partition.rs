//! AWS's partitions, and what follows from them: ARNs, endpoints, consoles.

use std::fmt;

use crate::Region;

/// A group of regions with accounts, names and domains of their own. (IAM user guide, "Identify AWS
/// resources with Amazon Resource Names"; botocore, `partitions.json`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// China.
    AwsCn,
    /// AWS GovCloud (US).
    AwsUsGov,
    /// The AWS European Sovereign Cloud.
    AwsEusc,
    /// AWS ISO (US).
    AwsIso,
    /// AWS ISOB (US).
    AwsIsoB,
    /// AWS ISOE (Europe).
    AwsIsoE,
    /// AWS ISOF.
    AwsIsoF,
}

/// What a region's code begins with, outside the commercial partition.
/// (botocore, `partitions.json`, `regionRegex`.)
const PREFIXES: [(&str, Partition); 7] = [
    ("cn-", Partition::AwsCn),
    ("us-gov-", Partition::AwsUsGov),
    ("eusc-", Partition::AwsEusc),
    ("us-iso-", Partition::AwsIso),
    ("us-isob-", Partition::AwsIsoB),
    ("eu-isoe-", Partition::AwsIsoE),
    ("us-isof-", Partition::AwsIsoF),
];

impl Partition {
    /// The partition as ARNs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsEusc => "aws-eusc",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
        }
    }

    /// The region that IAM is in. (IAM user guide, "Resilience in IAM"; botocore, endpoint rules of
    /// the service `iam`.)
    pub fn iam_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::AwsCn => "cn-north-1",
            Self::AwsUsGov => "us-gov-west-1",
            Self::AwsEusc => "eusc-de-east-1",
            Self::AwsIso => "us-iso-east-1",
            Self::AwsIsoB => "us-isob-east-1",
            Self::AwsIsoE => "eu-isoe-west-1",
            Self::AwsIsoF => "us-isof-south-1",
        }
    }

    /// The domain of its services' endpoints. (botocore, `partitions.json`, `dnsSuffix`.)
    fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsEusc => "amazonaws.eu",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
        }
    }

    /// The domain of its console and its sign-in pages. (botocore, endpoint rules of the service
    /// `signin`.)
    fn console_domain(self) -> &'static str {
        match self {
            Self::Aws => "aws.amazon.com",
            Self::AwsCn => "amazonaws.cn",
            Self::AwsUsGov => "amazonaws-us-gov.com",
            Self::AwsEusc => "amazonaws-eusc.eu",
            Self::AwsIso => "c2shome.ic.gov",
            Self::AwsIsoB => "sc2shome.sgov.gov",
            Self::AwsIsoE => "csphome.adc-e.uk",
            Self::AwsIsoF => "csphome.hci.ic.gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Region {
    /// The partition that the region is in.
    ///
    /// ```
    /// use banto_domain::{Partition, Region};
    /// let region: Region = "us-gov-west-1".parse().unwrap();
    /// assert_eq!(region.partition(), Partition::AwsUsGov);
    /// ```
    pub fn partition(&self) -> Partition {
        let of_prefix = PREFIXES
            .iter()
            .find(|(prefix, _)| self.as_str().starts_with(prefix));
        of_prefix.map_or(Partition::Aws, |(_, partition)| *partition)
    }

    /// The region that IAM's resources are in, seen from this one.
    pub fn of_iam(&self) -> Self {
        // The regions of `iam_region` are well formed.
        self.partition()
            .iam_region()
            .parse()
            .unwrap_or_else(|_| self.clone())
    }

    /// The host of a service's endpoint in the region, where the service follows the common rule.
    /// (AWS General Reference, "Regional endpoints".)
    ///
    /// ```
    /// use banto_domain::Region;
    /// let region: Region = "cn-north-1".parse().unwrap();
    /// assert_eq!(region.endpoint("ec2"), "ec2.cn-north-1.amazonaws.com.cn");
    /// ```
    pub fn endpoint(&self, service: &str) -> String {
        format!("{service}.{self}.{}", self.partition().dns_suffix())
    }

    /// The address of the region's console, without a slash at its end.
    ///
    /// ```
    /// use banto_domain::Region;
    /// let region: Region = "eusc-de-east-1".parse().unwrap();
    /// assert_eq!(region.console(), "https://eusc-de-east-1.console.amazonaws-eusc.eu");
    /// ```
    pub fn console(&self) -> String {
        format!(
            "https://{self}.console.{}",
            self.partition().console_domain()
        )
    }

    /// The address of the sign-in pages, without a slash at its end. Only the three oldest
    /// partitions have a documented one without a region.
    pub fn sign_in(&self) -> String {
        let partition = self.partition();
        let domain = partition.console_domain();
        match partition {
            Partition::Aws | Partition::AwsCn | Partition::AwsUsGov => {
                format!("https://signin.{domain}")
            }
            _ => format!("https://{self}.signin.{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_arns_endpoints_and_consoles() {
        for (region, partition, endpoint, console, sign_in) in [
            (
                "eu-west-1",
                "aws",
                "ec2.eu-west-1.amazonaws.com",
                "https://eu-west-1.console.aws.amazon.com",
                "https://signin.aws.amazon.com",
            ),
            (
                "cn-northwest-1",
                "aws-cn",
                "ec2.cn-northwest-1.amazonaws.com.cn",
                "https://cn-northwest-1.console.amazonaws.cn",
                "https://signin.amazonaws.cn",
            ),
            (
                "us-gov-east-1",
                "aws-us-gov",
                "ec2.us-gov-east-1.amazonaws.com",
                "https://us-gov-east-1.console.amazonaws-us-gov.com",
                "https://signin.amazonaws-us-gov.com",
            ),
            (
                "eusc-de-east-1",
                "aws-eusc",
                "ec2.eusc-de-east-1.amazonaws.eu",
                "https://eusc-de-east-1.console.amazonaws-eusc.eu",
                "https://eusc-de-east-1.signin.amazonaws-eusc.eu",
            ),
            (
                "us-iso-east-1",
                "aws-iso",
                "ec2.us-iso-east-1.c2s.ic.gov",
                "https://us-iso-east-1.console.c2shome.ic.gov",
                "https://us-iso-east-1.signin.c2shome.ic.gov",
            ),
            (
                "us-isob-east-1",
                "aws-iso-b",
                "ec2.us-isob-east-1.sc2s.sgov.gov",
                "https://us-isob-east-1.console.sc2shome.sgov.gov",
                "https://us-isob-east-1.signin.sc2shome.sgov.gov",
            ),
            (
                "eu-isoe-west-1",
                "aws-iso-e",
                "ec2.eu-isoe-west-1.cloud.adc-e.uk",
                "https://eu-isoe-west-1.console.csphome.adc-e.uk",
                "https://eu-isoe-west-1.signin.csphome.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                "aws-iso-f",
                "ec2.us-isof-south-1.csp.hci.ic.gov",
                "https://us-isof-south-1.console.csphome.hci.ic.gov",
                "https://us-isof-south-1.signin.csphome.hci.ic.gov",
            ),
        ] {
            let region: Region = region.parse().unwrap();
            assert_eq!(region.partition().to_string(), partition);
            assert_eq!(region.endpoint("ec2"), endpoint);
            assert_eq!(region.console(), console);
            assert_eq!(region.sign_in(), sign_in);
        }
    }
}
