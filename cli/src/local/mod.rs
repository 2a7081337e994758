//! An environment on this machine for the real functions: a local AWS, a Lambda Runtime API, Slack,
//! a proxy that breaks calls, and TLS before any of them.
//!
//! The demo plays on it, and so do the end-to-end tests. Everything listens on the loopback
//! interface only and ends when it is dropped. Deliberately absent: AWS's SDK, which is part of
//! what is tested here.

pub mod aws;
pub mod compliance;
mod function;
mod http;
pub mod ministack;
pub mod moto;
pub mod organization;
pub mod proxy;
mod python;
pub mod queue;
pub mod runtime_api;
pub mod slack;
pub mod tls;
pub mod venv;

pub use function::function_binary;

/// Is told what is being done, in a few words, as it goes on.
pub type Progress<'a> = dyn Fn(&str) + Send + Sync + 'a;
