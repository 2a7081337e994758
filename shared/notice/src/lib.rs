//! What Banto tells people: one [`Notice`] type, how it looks in Slack, SNS and mail, and how it is
//! sent.
//!
//! Deliberately absent: what is said and when. A function decides that; here it only becomes
//! visible.

mod chat;
mod direct_messages;
pub mod endpoint;
mod http;
pub mod mail;
mod notice;
mod notice_sender;
mod queue_message;
mod secrets;
pub mod sending;
pub mod slack;
pub mod sns;
pub mod text;
mod webhook;

pub use chat::SlackChat;
pub use endpoint::HttpsEndpoints;
pub use notice::{Audience, Link, Notice, Section, Step, Urgency};
pub use notice_sender::{DeliveredBy, NoticeSender, SendError};
pub use queue_message::{ComparedUpTo, QueueMessage};
pub use secrets::SecretCache;
pub use webhook::SlackWebhooks;
