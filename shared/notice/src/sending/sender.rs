//! One message on one channel: wait, try, try again, record.

use std::time::Duration;

use banto_ports::{Clock, PortError};
use jiff::{SignedDuration, Timestamp};

use super::{Breaker, Decision, RateLimiter, Retry};

/// What outlives a message on its channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelState {
    /// The channel's pace.
    pub limiter: RateLimiter,
    /// The channel's failures.
    pub breaker: Breaker,
}

/// Sends messages, and begins no attempt that could not end before a deadline.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    clock: &'a dyn Clock,
    retry: Retry,
    attempt_time: Duration,
    deadline: Timestamp,
}

/// A message that its channel did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// The channel's breaker is open; nothing was tried.
    BreakerOpen,
    /// The channel's turn comes too late for this run.
    Later {
        /// The time until then.
        after: Duration,
        /// The error of the last attempt, if there was one.
        error: Option<PortError>,
    },
    /// All attempts failed.
    Failed(PortError),
}

impl<'a> Sender<'a> {
    /// A sender that has so much time left. An attempt, with what must follow it, may take
    /// `attempt_time`.
    pub fn new(
        clock: &'a dyn Clock,
        retry: Retry,
        attempt_time: Duration,
        time_left: Duration,
    ) -> Self {
        let left = SignedDuration::try_from(time_left).unwrap_or(SignedDuration::MAX);
        let deadline = clock.now().saturating_add(left).unwrap_or(Timestamp::MAX);
        Self {
            clock,
            retry,
            attempt_time,
            deadline,
        }
    }

    /// Sends a message: waits for the channel's turn, tries, tries again where that helps, and
    /// records the outcome.
    ///
    /// # Errors
    /// If the channel did not take the message. It is the caller's to fall back or to come again.
    pub async fn send<T>(
        &self,
        channel: &mut ChannelState,
        attempt: impl AsyncFn() -> Result<T, PortError>,
    ) -> Result<T, Undelivered> {
        if channel.breaker.is_open(self.clock.now()) {
            return Err(Undelivered::BreakerOpen);
        }
        let mut attempts = 0;
        let mut last = None;
        loop {
            if let Err(after) = self.acquire(&channel.limiter).await {
                return Err(Undelivered::Later { after, error: last });
            }
            let answer = attempt().await;
            attempts += 1;
            let now = self.clock.now();
            channel.limiter.sent(now);
            let error = match answer {
                Ok(sent) => {
                    channel.breaker.succeeded();
                    return Ok(sent);
                }
                Err(error) => error,
            };
            match self.retry.decide(attempts, &error) {
                Decision::Again(pause) => channel.limiter.pause(now, pause),
                Decision::Later(pause) => {
                    channel.limiter.pause(now, pause);
                    return Err(Undelivered::Later {
                        after: pause,
                        error: Some(error),
                    });
                }
                Decision::GiveUp(rest) => {
                    channel.limiter.pause(now, rest);
                    channel.breaker.failed(now);
                    return Err(Undelivered::Failed(error));
                }
            }
            last = Some(error);
        }
    }

    /// Waits for the channel's turn.
    ///
    /// # Errors
    /// If the turn comes too late: the time until then.
    pub async fn acquire(&self, limiter: &RateLimiter) -> Result<(), Duration> {
        let now = self.clock.now();
        let wait = limiter.wait(now);
        let left = self
            .deadline
            .duration_since(now)
            .max(SignedDuration::ZERO)
            .unsigned_abs();
        if wait > self.retry.longest_pause || left < wait + self.attempt_time {
            return Err(wait);
        }
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Sender<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender")
            .field("retry", &self.retry)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use banto_ports::ErrorKind;
    use futures_util::FutureExt;

    use super::*;

    /// A clock on which only waiting takes time.
    struct World(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for World {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += SignedDuration::try_from(duration).unwrap();
        }
    }

    fn error(kind: ErrorKind, retry_after: Option<u64>) -> PortError {
        PortError::new(kind, "slack:post", "refused")
            .retry_after(retry_after.map(Duration::from_secs))
    }

    /// Sends with these answers and 100 s before the deadline: the outcome, the seconds at which it
    /// was tried, and what is left of the channel.
    fn send(
        mut channel: ChannelState,
        answers: impl IntoIterator<Item = Result<(), PortError>>,
    ) -> (Result<(), Undelivered>, Vec<i64>, ChannelState) {
        let world = World(Mutex::new(Timestamp::UNIX_EPOCH));
        let retry = Retry {
            attempts: 3,
            first_pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(30),
        };
        let sender = Sender::new(
            &world,
            retry,
            Duration::from_secs(25),
            Duration::from_secs(100),
        );
        let answers = RefCell::new(answers.into_iter().collect::<VecDeque<_>>());
        let tried = RefCell::new(Vec::new());
        let sent = sender.send(&mut channel, async || {
            tried.borrow_mut().push(world.now().as_second());
            answers.borrow_mut().pop_front().unwrap()
        });
        let sent = sent.now_or_never().unwrap();
        assert!(answers.borrow().is_empty(), "every answer was needed");
        (sent, tried.into_inner(), channel)
    }

    fn next_at(second: i64) -> ChannelState {
        let limiter = RateLimiter {
            next_at: Some(Timestamp::from_second(second).unwrap()),
        };
        ChannelState {
            limiter,
            breaker: Breaker::default(),
        }
    }

    #[test]
    fn a_message_waits_for_its_turn_and_leaves_the_next_one_a_second() {
        let (sent, tried, channel) = send(next_at(7), [Ok(())]);
        assert_eq!((sent, tried, channel), (Ok(()), vec![7], next_at(8)));
    }

    #[test]
    fn what_was_not_taken_is_tried_again_after_its_pause() {
        let answers = [
            Err(error(ErrorKind::Unavailable, None)),
            Err(error(ErrorKind::Throttled, Some(20))),
            Ok(()),
        ];
        let (sent, tried, channel) = send(ChannelState::default(), answers);
        assert_eq!(
            (sent, tried, channel),
            (Ok(()), vec![0, 2, 22], next_at(23))
        );
    }

    #[test]
    fn the_last_attempts_error_is_told_and_counted_once() {
        let answers = [
            ErrorKind::Throttled,
            ErrorKind::Throttled,
            ErrorKind::Unavailable,
        ];
        let (sent, tried, channel) = send(
            ChannelState::default(),
            answers.map(|kind| Err(error(kind, None))),
        );
        assert_eq!(
            sent,
            Err(Undelivered::Failed(error(ErrorKind::Unavailable, None)))
        );
        assert_eq!((tried, channel.breaker.failures), (vec![0, 2, 6], 1));
        // The channel rests as long as it would before another attempt.
        assert_eq!(channel.limiter, next_at(14).limiter);
    }

    #[test]
    fn what_would_be_refused_again_is_tried_once() {
        let (sent, tried, channel) = send(
            ChannelState::default(),
            [Err(error(ErrorKind::Invalid, None))],
        );
        assert_eq!(
            sent,
            Err(Undelivered::Failed(error(ErrorKind::Invalid, None)))
        );
        assert_eq!((tried, channel.breaker.failures), (vec![0], 1));
    }

    #[test]
    fn a_turn_that_comes_too_late_is_no_failure() {
        let throttled = error(ErrorKind::Throttled, Some(31));
        let (sent, tried, channel) = send(ChannelState::default(), [Err(throttled.clone())]);
        assert_eq!(
            sent,
            Err(Undelivered::Later {
                after: Duration::from_secs(31),
                error: Some(throttled)
            })
        );
        assert_eq!((tried, channel), (vec![0], next_at(31)));
        // The next message does not even try.
        let (sent, tried, _) = send(channel, []);
        assert_eq!(
            sent,
            Err(Undelivered::Later {
                after: Duration::from_secs(31),
                error: None
            })
        );
        assert!(tried.is_empty(), "{tried:?}");
    }

    #[test]
    fn no_attempt_begins_too_late_to_end_before_the_deadline() {
        let slow = || Err(error(ErrorKind::Throttled, Some(30)));
        // At 50 s another 30 s of waiting and 25 s of trying would end after 100 s.
        let (sent, tried, _) = send(next_at(20), [slow(), slow()]);
        assert!(
            matches!(sent, Err(Undelivered::Later { error: Some(_), .. })),
            "{sent:?}"
        );
        assert_eq!(tried, [20, 50]);
    }

    #[test]
    fn while_the_breaker_is_open_nothing_is_tried() {
        let until = Some(Timestamp::from_second(1).unwrap());
        let open = ChannelState {
            breaker: Breaker {
                failures: 0,
                open_until: until,
            },
            ..ChannelState::default()
        };
        assert_eq!(
            send(open, []),
            (Err(Undelivered::BreakerOpen), vec![], open)
        );
        // Afterwards it is tried, and a success begins the count of failures anew.
        let was_open = ChannelState {
            breaker: Breaker {
                failures: 2,
                open_until: None,
            },
            ..ChannelState::default()
        };
        assert_eq!(send(was_open, [Ok(())]), (Ok(()), vec![0], next_at(1)));
    }
}
