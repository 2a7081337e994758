//! One run's view of the world: counts its calls, and lets a fault befall one of them.

use std::future::{self, Future};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use banto_ports::{ErrorKind, PortError};

use crate::world::{Call, State, World};

/// A fault that befalls one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which call of the run, from 1.
    pub call: usize,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The call fails, and nothing has happened.
    ErrorBefore(ErrorKind),
    /// It happens, but the call fails.
    ErrorAfter(ErrorKind),
    /// The run ends before it happens.
    CancelBefore,
    /// It happens, and the run ends.
    CancelAfter,
    /// The run's code panics after it happened.
    PanicAfter,
}

/// One run's view of the world. Implements every port.
#[derive(Debug)]
pub struct Run {
    pub(crate) world: Arc<World>,
    fault: Option<Fault>,
    calls: AtomicUsize,
    fired: AtomicBool,
    cancelled: AtomicBool,
}

impl Run {
    pub(crate) fn new(world: Arc<World>, fault: Option<Fault>) -> Self {
        Self {
            world,
            fault,
            calls: AtomicUsize::new(0),
            fired: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
        }
    }

    /// The number of calls that the run has made.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// True once the fault has befallen its call.
    pub fn fault_fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }

    /// True if the run is to be ended.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// One call: waits for its turn, then has its effect, unless a fault befalls it.
    #[expect(clippy::panic, reason = "the injected panic is the fault")]
    pub(crate) async fn step<T>(
        &self,
        name: &'static str,
        subject: impl ToString,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        self.world.turn().await;
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = self
            .fault
            .filter(|fault| fault.call == number)
            .map(|fault| fault.kind);
        self.fired.fetch_or(fault.is_some(), Ordering::SeqCst);
        let injected = |kind| PortError::new(kind, name, "injected");
        match fault {
            Some(FaultKind::ErrorBefore(kind)) => return Err(injected(kind)),
            Some(FaultKind::CancelBefore) => self.cancel().await,
            _ => {}
        }
        let (result, call) = {
            let mut state = self.world.state();
            let call = Call {
                name,
                subject: subject.to_string(),
                at: state.now,
            };
            state.calls.push(call.clone());
            (effect(&mut state), call)
        };
        self.world.effect(&call);
        match fault {
            Some(FaultKind::ErrorAfter(kind)) => return Err(injected(kind)),
            Some(FaultKind::CancelAfter) => self.cancel().await,
            Some(FaultKind::PanicAfter) => panic!("injected after {name}"),
            _ => {}
        }
        result
    }

    /// Never goes on; whoever drives the run ends it.
    async fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        future::pending().await
    }
}

/// Lets whoever polls go elsewhere once, so that each poll is one call.
pub(crate) fn yield_once() -> impl Future<Output = ()> {
    let mut yielded = false;
    future::poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
