//! What Banto talks about: names that are valid because they were parsed, the policy in
//! `banto.toml`, and the record of a rotation.
//!
//! Deliberately absent: I/O, clocks, async, AWS SDK types, and every secret. A value of this crate
//! may be logged.

mod names;
pub mod policy;
pub mod record;

pub use names::{
    AccessKeyId, AccountId, Fingerprint, GroupName, NameError, RoleArn, SecretArn, TopicArn, UserArn, UserId, UserName,
};
