//! What Banto talks about: names that are valid because they were parsed, the policy in
//! `banto.toml`, the record of a rotation, the status of an account, and what is known of each
//! finding of AWS Config.
//!
//! Deliberately absent: I/O, clocks, async, AWS SDK types, and every secret. A value of this crate
//! may be logged.

mod breach;
pub mod compliance;
mod month;
mod names;
mod pages;
mod partition;
mod percent;
mod place;
pub mod policy;
pub mod record;
mod regions;
mod slack;
pub mod status;

pub use breach::Breach;
pub use month::{Month, MonthError};
pub use names::{
    AccessKeyId, AccountId, CredentialId, Fingerprint, GroupName, KeyArn, NameError, OuId,
    PolicyArn, QueueUrl, Region, ResourceType, RoleArn, RoleName, RuleName, RuleSource, SecretArn,
    SessionKeyId, TopicArn, UserArn, UserId, UserName,
};
pub use pages::{resource_page, rule_page};
pub use partition::Partition;
pub use percent::percent_encoded;
pub use place::{PerPlace, Place};
pub use regions::REGIONS;
pub use slack::SlackCloud;
