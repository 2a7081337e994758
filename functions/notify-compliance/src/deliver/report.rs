//! What was delivered.

use jiff::SignedDuration;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Messages that people got, corrections and details aside.
    pub messages: usize,
    /// How many of them went by the fall-back.
    pub by_fallback: usize,
    /// Outbox entries that were told.
    pub entries: usize,
    /// After what time to deliver the rest, if there is any.
    pub again: Option<SignedDuration>,
}

impl Delivered {
    /// Adds what was delivered on another route.
    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.by_fallback += other.by_fallback;
        self.entries += other.entries;
    }
}
