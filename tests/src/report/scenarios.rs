//! What people get, month by month.

mod again;
mod doubts;
mod gaps;
mod mails;
mod months;
mod runs;
