//! One run's view of the world: counts its calls, and lets a fault befall one of them.

use std::fmt;
use std::future::{self, Future};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use banto_domain::RoleArn;
use banto_ports::{ErrorKind, PortError};
use serde_json::Value;

use crate::constraints;
use crate::outages::Moment;
use crate::permissions::{self, Permission, Permissions};
use crate::view::Call;
use crate::world::{State, World};

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
    /// A permission is missing from this call on, for an hour: every call that needs it is denied,
    /// of this run and of later ones.
    Forbidden(Permission),
}

/// One run's view of the world. Implements every port.
#[derive(Debug)]
pub struct Run {
    pub(crate) world: Arc<World>,
    fault: Option<Fault>,
    calls: AtomicUsize,
    fired: AtomicBool,
    cancelled: AtomicBool,
    interferences: Mutex<Vec<Interference>>,
    /// What the function may do, and what its sessions in other accounts may.
    policies: OnceLock<Policies>,
    denials: AtomicUsize,
}

/// The policies that the calls of a run are held to.
#[derive(Debug, Clone, Copy)]
pub struct Policies {
    /// The function's own.
    pub own: &'static Permissions,
    /// That of its sessions in other accounts.
    pub session: Option<&'static Permissions>,
}

/// Something that a person does just before a call has its effect.
struct Interference {
    before: Before,
    act: Box<dyn FnOnce(&World) + Send>,
}

/// The call before which a person acts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// The nth of the run, from 1.
    Number(usize),
    /// The first of this name.
    Name(String),
}

impl Run {
    pub(crate) fn new(world: Arc<World>, fault: Option<Fault>) -> Self {
        Self {
            world,
            fault,
            calls: AtomicUsize::new(0),
            fired: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            interferences: Mutex::default(),
            policies: OnceLock::new(),
            denials: AtomicUsize::new(0),
        }
    }

    /// Holds every call from now on to the function's policies: one that AWS would deny fails the
    /// test.
    pub fn hold_to(&self, policies: Policies) {
        let _held_already = self.policies.set(policies).is_err();
    }

    /// The number of calls that were denied for a permission that is missing for a time.
    pub fn denials(&self) -> usize {
        self.denials.load(Ordering::SeqCst)
    }

    /// Lets everyone of the world who calls call as this role, as a policy names it.
    pub fn act_as(&self, role: &RoleArn) {
        self.world.state().records.caller = Some(role.clone());
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

    /// Lets somebody act just before the nth call, from 1, has its effect, or fails by a fault.
    pub fn interfere(&self, call: usize, act: impl FnOnce(&World) + Send + 'static) {
        self.interfere_before(Before::Number(call), act);
    }

    /// Lets somebody act just before the first call of this name has its effect, or fails.
    pub fn interfere_at(&self, call: &str, act: impl FnOnce(&World) + Send + 'static) {
        self.interfere_before(Before::Name(call.to_owned()), act);
    }

    /// The number of persons' acts that are still to come: none, once every call was made that a
    /// test interfered with.
    pub fn acts_to_come(&self) -> usize {
        self.interferences().len()
    }

    /// A call with a request that AWS's own model of it must allow.
    pub(crate) async fn ask<T>(
        &self,
        name: &'static str,
        subject: impl ToString,
        request: Value,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let operation = constraints::operation_of(name);
        self.ask_by(operation, name, subject, &[request], effect)
            .await
    }

    /// A call that the adapter makes by this operation, with one request or several.
    pub(crate) async fn ask_by<T>(
        &self,
        operation: &str,
        name: &'static str,
        subject: impl ToString,
        requests: &[Value],
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let met = self.held_to(operation, name, requests, |policies| Some(policies.own));
        self.step(name, subject, &met, effect).await
    }

    /// A call in another account, whose role the run has assumed.
    pub(crate) async fn ask_in_account<T>(
        &self,
        name: &'static str,
        subject: impl ToString,
        request: Value,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let operation = constraints::operation_of(name);
        let met = self.held_to(operation, name, &[request], |policies| policies.session);
        self.step(name, subject, &met, effect).await
    }

    /// Holds requests to AWS's models and to a policy; answers the permissions that they need.
    fn held_to(
        &self,
        operation: &str,
        name: &str,
        requests: &[Value],
        of: impl FnOnce(&Policies) -> Option<&'static Permissions>,
    ) -> Vec<Permission> {
        for request in requests {
            constrain(operation, request);
        }
        let policy = self.policies.get().and_then(of);
        policy.map_or_else(Vec::new, |policy| {
            policy.meet(name, &permissions::needs_of(operation, requests))
        })
    }

    /// True if it can be told that there is no such object: S3 tells that only to who may list.
    pub(crate) fn absent(&self, call: &'static str, bucket: &str) -> Result<(), PortError> {
        let request = serde_json::json!({ "Bucket": bucket });
        let met = self.policies.get().map_or_else(Vec::new, |policies| {
            let needs = permissions::needs_of(permissions::MISSING_OBJECT, &[request]);
            policies.own.meet(call, &needs)
        });
        self.permit(call, &met)
    }

    /// Denies a call while a permission that it needs is missing.
    fn permit(&self, call: &'static str, met: &[Permission]) -> Result<(), PortError> {
        let missing = self.world.state().missing_of(met);
        let Some(missing) = missing else {
            return Ok(());
        };
        self.denials.fetch_add(1, Ordering::SeqCst);
        let message = format!("not authorized to perform: {}", missing.action);
        Err(PortError::new(ErrorKind::Denied, call, message))
    }

    /// A call of a receiver other than AWS, of which there is no model.
    #[expect(
        clippy::panic,
        reason = "a call of AWS without a request would go unchecked"
    )]
    pub(crate) async fn ask_receiver<T>(
        &self,
        name: &'static str,
        subject: impl ToString,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        if !name.starts_with("slack:") && !name.starts_with("endpoint:") {
            panic!("{name} is a call of AWS");
        }
        self.step(name, subject, &[], effect).await
    }

    /// One call: waits for its turn, then has its effect, unless a fault or an outage befalls it.
    async fn step<T>(
        &self,
        name: &'static str,
        subject: impl ToString,
        met: &[Permission],
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        self.world.turn().await;
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.let_people_act(number, name);
        let fault = self
            .fault
            .filter(|fault| fault.call == number)
            .map(|fault| fault.kind);
        self.fired.fetch_or(fault.is_some(), Ordering::SeqCst);
        self.fail_before(name, fault).await?;
        self.permit(name, met)?;
        let outage = self.world.state().outage_of(name).cloned();
        let outage = outage.map(|outage| (outage.moment, outage.error(name)));
        if let Some((Moment::BeforeEffect, error)) = outage {
            return Err(error);
        }
        let result = self.have_effect(name, subject.to_string(), effect);
        self.fail_after(name, fault).await?;
        match outage {
            Some((_, error)) => Err(error),
            None => result,
        }
    }

    /// Fails or ends the run before the effect, if that is the fault.
    async fn fail_before(
        &self,
        name: &'static str,
        fault: Option<FaultKind>,
    ) -> Result<(), PortError> {
        match fault {
            Some(FaultKind::ErrorBefore(kind)) => Err(injected(kind, name)),
            Some(FaultKind::CancelBefore) => self.cancel().await,
            Some(FaultKind::Forbidden(permission)) => {
                self.world.forbid(permission);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Fails or ends the run after the effect, if that is the fault.
    #[expect(clippy::panic, reason = "the injected panic is the fault")]
    async fn fail_after(
        &self,
        name: &'static str,
        fault: Option<FaultKind>,
    ) -> Result<(), PortError> {
        match fault {
            Some(FaultKind::ErrorAfter(kind)) => Err(injected(kind, name)),
            Some(FaultKind::CancelAfter) => self.cancel().await,
            Some(FaultKind::PanicAfter) => panic!("injected after {name}"),
            _ => Ok(()),
        }
    }

    /// Changes the state, and tells the watcher.
    fn have_effect<T>(
        &self,
        name: &'static str,
        subject: String,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let (result, call) = {
            let mut state = self.world.state();
            let at = state.now;
            let call = Call { name, subject, at };
            state.record(&call);
            (effect(&mut state), call)
        };
        self.world.effect(&call);
        result
    }

    fn interfere_before(&self, before: Before, act: impl FnOnce(&World) + Send + 'static) {
        self.interferences().push(Interference {
            before,
            act: Box::new(act),
        });
    }

    /// Lets those act who wait for this call, in the order in which the test named them.
    fn let_people_act(&self, number: usize, name: &'static str) {
        let is_now = |interference: &mut Interference| match &interference.before {
            Before::Number(awaited) => *awaited == number,
            Before::Name(awaited) => awaited == name,
        };
        let due: Vec<Interference> = self.interferences().extract_if(.., is_now).collect();
        for Interference { act, .. } in due {
            act(&self.world);
            self.world.effect(&Call {
                name: Call::PERSON,
                subject: name.to_owned(),
                at: self.world.now(),
            });
        }
    }

    fn interferences(&self) -> MutexGuard<'_, Vec<Interference>> {
        let interferences = self.interferences.lock();
        interferences.unwrap_or_else(PoisonError::into_inner)
    }

    /// Never goes on; whoever drives the run ends it.
    async fn cancel<T>(&self) -> T {
        self.cancelled.store(true, Ordering::SeqCst);
        future::pending().await
    }
}

impl fmt::Debug for Interference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interference")
            .field("before", &self.before)
            .finish_non_exhaustive()
    }
}

/// Fails the test if AWS would refuse the request for its form alone.
#[expect(
    clippy::panic,
    reason = "a request that AWS would refuse is a defect of the caller"
)]
fn constrain(operation: &str, request: &Value) {
    if let Err(problem) = constraints::check(operation, request) {
        panic!("{problem}");
    }
}

fn injected(kind: ErrorKind, call: &'static str) -> PortError {
    PortError::new(kind, call, "injected")
}

/// The request for the nth page of a list, from 0.
pub(crate) fn page_of(mut request: Value, page: usize) -> Value {
    if let Some(members) = request.as_object_mut().filter(|_| page > 0) {
        members.insert("NextToken".to_owned(), format!("page-{page}").into());
    }
    request
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
