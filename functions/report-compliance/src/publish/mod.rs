//! The second half: adds all accounts up, and tells people.

pub mod apply;
pub mod check;
pub mod claims;
pub mod csv_file;
pub mod dashboard;
pub mod mail;
pub mod mails;
pub mod outcome;
pub mod plan;
pub mod reports;
