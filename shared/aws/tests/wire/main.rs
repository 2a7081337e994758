//! Each adapter on the wire: what is asked, in the services' own protocols, and what their
//! documented answers and errors become.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod athena;
mod compliance;
mod default_vpc;
mod emergency;
mod identity;
mod organization;
mod recording;
mod records;
mod report;
mod service;
mod settings;
mod stacks;
mod statuses;
