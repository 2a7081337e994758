//! What was delivered, on all routes of an invocation.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Messages that people got, corrections and details aside.
    pub messages: usize,
    /// How many of them went by the fall-back.
    pub by_fallback: usize,
    /// Batches of the outbox that were told, or part of them.
    pub batches: usize,
}
