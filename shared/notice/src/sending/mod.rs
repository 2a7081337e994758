//! Sends one message on one channel: at the channel's pace, again where that helps, and not at all
//! while the channel fails again and again.
//!
//! Each of these is a small type that acts on plain values, so that its state can be stored between
//! two runs: [`RateLimiter`], [`Retry`] and [`Breaker`]. [`Sender`] composes them.
//!
//! Deliberately absent: the fall-back. The caller knows which one there is, and what it says.

mod breaker;
mod rate_limiter;
mod retry;
mod sender;

pub use breaker::Breaker;
pub use rate_limiter::RateLimiter;
pub use retry::{Decision, Retry};
pub use sender::{ChannelState, Sender, Undelivered};
