//! What Banto tells people: one [`Notice`] type, how it looks in Slack and in SNS, and how it is sent.
//!
//! Deliberately absent: what is said and when. A function decides that; here it only becomes visible.

mod messenger;
mod notice;
pub mod slack;
pub mod sns;
mod webhook;

pub use messenger::{Messenger, SendError, Way};
pub use notice::{Audience, Notice, Section, Step, Urgency};
pub use webhook::SlackWebhooks;
