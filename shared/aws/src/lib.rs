//! The ports of `banto-ports` on AWS; the only crate that names SDK crates.
//!
//! It owns paging, retries, timeouts, assumed roles and the classification of errors. Deliberately
//! absent: anything that decides, and AWS's default credential chain, of which Lambda needs one
//! link.

mod aggregator;
mod athena;
mod caller;
mod cancellation;
mod certificates;
mod clients;
mod compliance_table;
mod config;
mod default_vpc;
mod ec2;
mod errors;
mod http;
mod keys;
mod mail;
mod member;
mod messages;
mod objects;
mod organization;
mod plain;
mod queue;
mod reading;
mod recording;
mod records;
mod regional;
mod report_objects;
mod role;
mod roles;
mod secrets;
mod service;
mod sessions;
mod settings;
mod signer;
mod stacks;
mod statuses;
mod token_bucket;
mod topics;
mod trail;
mod xml;

pub use athena::AthenaQueries;
pub use clients::{Account, ComplianceClients, OrganizationClients, ReportClients};
pub use config::{Aws, ConfigError};
pub use records::record_policy;
pub use report_objects::S3Objects;
