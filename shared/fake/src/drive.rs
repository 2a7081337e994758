//! Drives runs by hand: one poll is one call, and a test decides who is polled.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::run::Run;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driven<T> {
    /// It came to its end.
    Done(T),
    /// A fault ended it.
    Cancelled,
}

/// Drives one run to its end, or until a fault ends it; then it is dropped where it is.
pub fn drive<T>(run: &Run, future: impl Future<Output = T>) -> Driven<T> {
    let mut future = pin!(future);
    loop {
        if let Some(end) = poll(run, future.as_mut()) {
            return end;
        }
    }
}

/// Drives two runs, call by call. `turns` says for each next call whether it is the first run's;
/// when it ends, or says that an ended run is next, whoever is left goes on.
pub fn interleave<A, B>(
    (run_a, future_a): (&Run, impl Future<Output = A>),
    (run_b, future_b): (&Run, impl Future<Output = B>),
    turns: impl IntoIterator<Item = bool>,
) -> (Driven<A>, Driven<B>) {
    let (mut future_a, mut future_b) = (pin!(future_a), pin!(future_b));
    let (mut end_a, mut end_b) = (None, None);
    let mut turns = turns.into_iter();
    loop {
        let is_a = turns.next();
        match (&end_a, &end_b) {
            (None, Some(_)) => end_a = poll(run_a, future_a.as_mut()),
            (Some(_), None) => end_b = poll(run_b, future_b.as_mut()),
            (None, None) if is_a.unwrap_or(true) => end_a = poll(run_a, future_a.as_mut()),
            (None, None) => end_b = poll(run_b, future_b.as_mut()),
            (Some(_), Some(_)) => {}
        }
        if let (Some(_), Some(_)) = (&end_a, &end_b) {
            break;
        }
    }
    (
        end_a.unwrap_or(Driven::Cancelled),
        end_b.unwrap_or(Driven::Cancelled),
    )
}

fn poll<T>(run: &Run, future: Pin<&mut impl Future<Output = T>>) -> Option<Driven<T>> {
    let turns = run.world.turns();
    let polled = future.poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(value) => return Some(Driven::Done(value)),
        Poll::Pending if run.is_cancelled() => return Some(Driven::Cancelled),
        Poll::Pending => {}
    }
    // Whoever waits for no call waits for time to pass.
    if run.world.turns() == turns
        && let Some(next) = run.world.next_timer()
    {
        run.world.advance_to(next);
    }
    None
}
