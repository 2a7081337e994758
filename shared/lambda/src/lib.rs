//! The glue between a function and Lambda: events, configuration, logs, metrics, deadline,
//! diagnostics.
//!
//! A function's `main` calls [`run`]; its library sees an [`Invocation`] and answers with an
//! [`Response`] or a [`InvocationError`]. Deliberately absent: anything a function decides, and AWS
//! SDK types.

mod clock;
pub mod event;
mod invocation;
mod logs;
mod metrics;
mod policy;
mod run;

pub use clock::{ClockError, SystemClock};
pub use invocation::{Invocation, InvocationError, LONGEST, Response};
pub use logs::log_from;
pub use metrics::Metrics;
pub use policy::policy;
pub use run::run;
