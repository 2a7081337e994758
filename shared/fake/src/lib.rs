//! A stateful world in memory, behind the same ports as AWS, and the faults that can befall it.
//!
//! [`World`] holds the state of one identity account, and of an Organization with its compliance
//! beside it; a [`Run`] is one run's view of it: it counts the calls, injects a [`Fault`], and lets
//! a test decide who goes next. [`drive`] polls by hand, one call a poll, so that everything is
//! deterministic. Beside the world lie the texts that tests of several crates need: a
//! [`PolicyText`], and what people committed ([`Book`]). For tests only; no release depends on it.
//!
//! A bad day has more than one fault, and the world can have each of these:
//! - readers that answer with what was true a while ago ([`World::lag`]), and what was done that
//!   takes effect late ([`World::delay`]);
//! - calls, or whole services, that fail until a moment ([`World::outage`],
//!   [`World::outage_after`]);
//! - people who act just before a call has its effect ([`Run::interfere`], [`Run::interfere_at`]),
//!   on users and keys, on the secrets of records, with a credential that they got hold of, and on
//!   accounts of the Organization;
//! - an aggregator that lags ([`World::lag_aggregator`]), is rebuilt, and comes back half filled
//!   ([`World::forget_aggregated`], [`World::refill_aggregated`]), and rules that can't tell
//!   ([`World::say_of_rule`]);
//! - listings in small pages, some of them empty ([`World::page_by`]);
//! - partitions of DynamoDB that throttle ([`World::limit_table`]), and transactions that meet
//!   others ([`World::contend`]);
//! - receivers that answer and took nothing, or took it and whose answer is lost
//!   ([`World::slack_answers`]);
//! - a StackSet whose operations take their time, queue and fail
//!   ([`World::stack_set_operations`]), and snapshots that silently come no more
//!   ([`MemberRegion::delivers_until`]);
//! - two releases one after the other ([`World::deploy_newer_release`], [`World::roll_back`]);
//! - a clock that jumps ([`World::jump`]);
//! - requests that AWS would refuse for their form alone, which fail the test ([`check_request`]);
//! - calls that the function's policy does not allow, which fail the test ([`Run::hold_to`]), and
//!   permissions that are missing for a time ([`FaultKind::Forbidden`]).
//!
//! Deliberately absent: conditions and denials of IAM policies, regions of the identity account, limits of
//! DynamoDB's reads, and what expires by a time to live.

mod account_people;
mod account_ports;
mod aggregator;
mod capacity;
mod certificates;
mod committed;
mod compliance;
mod compliance_ports;
mod constraints;
mod drive;
mod iam;
mod iam_ports;
mod lag;
pub mod leaks;
mod member_account;
mod members;
mod objects;
mod organization;
mod organization_ports;
mod outages;
mod past;
mod people;
mod permissions;
mod policy;
mod ports;
mod queue;
mod record_people;
mod record_ports;
mod recording;
mod recording_ports;
mod records;
mod releases;
mod report;
mod requests;
mod role_ports;
mod run;
mod setting_ports;
mod sharded;
mod signer;
mod stack_set;
mod status_ports;
#[cfg(test)]
mod tests;
mod trail;
mod view;
mod world;

pub use account_ports::FakeAccountAccess;
pub use committed::{Book, assert_as_committed};
pub use compliance::{SlackAnswer, SlackMessage};
pub use constraints::{check as check_request, operation_of};
pub use drive::{Driven, drive, interleave};
pub use lag::{Effect, Reader};
pub use leaks::LogCapture;
pub use member_account::{MemberAccount, MemberRegion};
pub use objects::FakeBucket;
pub use permissions::{Permission, Permissions, actions_of, take_used_permissions};
pub use policy::PolicyText;
pub use queue::{DELIVERIES_ARN, DeliveriesQueue, QUEUE_ARN, Queued};
pub use releases::TableItem;
pub use report::ReportShape;
pub use run::{Fault, FaultKind, Policies, Run};
pub use signer::KeyPair;
pub use stack_set::{Deploy, StackOperation, StackOperationStatus};
pub use view::{Call, KeyView, Sent, UserView, View};
pub use world::World;
