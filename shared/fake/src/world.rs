//! The state of the world, its time, and who watches it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use banto_domain::SecretArn;
use banto_ports::ErrorKind;
use jiff::{SignedDuration, Timestamp};

use crate::certificates::Bucket;
use crate::compliance::ComplianceState;
use crate::iam::Iam;
use crate::lag::Lags;
use crate::members::Members;
use crate::objects::Buckets;
use crate::organization::Org;
use crate::outages::Outage;
use crate::permissions::Permission;
use crate::queue::Messages;
use crate::records::Store;
use crate::report::ReportShape;
use crate::run::{Fault, Run};
use crate::signer::KeyPair;
use crate::trail::History;
use crate::view::{Call, Sent, View};

/// The account that the world is.
pub(crate) const ACCOUNT: &str = "111122223333";

/// An identity account with everything around it, in memory.
pub struct World {
    state: Mutex<State>,
    watcher: Mutex<Option<Watcher>>,
}

/// Called after every effect with what can be seen.
type Watcher = Box<dyn Fn(&View, &Call) + Send>;

/// Everything there is.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    /// How far the function's clock is ahead of AWS's.
    pub(crate) skew: SignedDuration,
    pub(crate) lags: Lags,
    pub(crate) outages: Vec<Outage>,
    /// Permissions that are missing, each until then.
    pub(crate) forbidden: Vec<(Permission, Timestamp)>,
    pub(crate) iam: Iam,
    pub(crate) history: History,
    pub(crate) queue: Messages,
    pub(crate) deliveries: Messages,
    pub(crate) records: Store,
    /// True while the newer of two releases runs.
    pub(crate) is_newer_release: bool,
    /// True once another key stands under the ARN of KMS's own.
    pub(crate) has_other_key: bool,
    pub(crate) bucket: Bucket,
    pub(crate) buckets: Buckets,
    pub(crate) sent: Vec<Sent>,
    pub(crate) org: Org,
    pub(crate) compliance: ComplianceState,
    pub(crate) members: Members,
    calls: Vec<Call>,
    call_count: usize,
    /// True if calls are counted and not kept.
    counts_calls_only: bool,
    runs: usize,
    /// How long each call takes, where time is simulated.
    pub(crate) latency: Option<SignedDuration>,
    pub(crate) timers: BTreeMap<(Timestamp, usize), Waker>,
    /// Tells timers of the same time apart.
    timer_count: usize,
    turns: u64,
    pub(crate) webhooks_fail: Option<ErrorKind>,
    pub(crate) topics_fail: Option<ErrorKind>,
    pub(crate) endpoints_fail: Option<ErrorKind>,
    /// The texts of secrets that hold no webhook's URL.
    pub(crate) secret_texts: BTreeMap<SecretArn, String>,
}

impl World {
    /// An empty world at a given time.
    pub fn at(now: Timestamp) -> Arc<Self> {
        let state = State {
            now,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            watcher: Mutex::default(),
        })
    }

    /// A view for one run, which a fault befalls if one is given.
    pub fn run(self: &Arc<Self>, fault: Option<Fault>) -> Arc<Run> {
        self.state().runs += 1;
        Arc::new(Run::new(Arc::clone(self), fault))
    }

    /// A view for one run, in which somebody acts just before the nth call, from 1, has its effect.
    /// A fault befalls the run if one is given, be it at the same call.
    pub fn run_with(
        self: &Arc<Self>,
        fault: Option<Fault>,
        call: usize,
        act: impl FnOnce(&World) + Send + 'static,
    ) -> Arc<Run> {
        let run = self.run(fault);
        run.interfere(call, act);
        run
    }

    /// Calls back after every effect from now on, and after each act of a person between two calls,
    /// which is told as [`Call::PERSON`].
    pub fn watch(&self, watcher: impl Fn(&View, &Call) + Send + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(watcher));
    }

    /// The time, as AWS has it.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Sets the function's clock forth, or back, by this much. AWS's own dates stay true, and so
    /// do queues and outages. Requests are answered however far the clock is off; AWS refuses those
    /// that are signed more than five minutes off.
    pub fn jump(&self, by: SignedDuration) {
        self.state().skew += by;
    }

    /// The time, as the function's clock tells it.
    pub(crate) fn function_clock(&self) -> Timestamp {
        let state = self.state();
        state.now + state.skew
    }

    /// Lets time pass.
    pub fn advance(&self, time: SignedDuration) {
        self.state().now += time;
    }

    /// Lets each call take a time that only [`World::advance_to`] lets pass, so that many runs go
    /// on side by side as they would on a network.
    pub fn take_time(&self, latency: SignedDuration) {
        self.state().latency = Some(latency);
    }

    /// When the next call that is under way ends.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.state().timers.keys().next().map(|(at, _)| *at)
    }

    /// Lets time pass until then, and wakes the calls that have ended.
    pub fn advance_to(&self, at: Timestamp) {
        let due = {
            let mut state = self.state();
            state.now = state.now.max(at);
            let later = state.timers.split_off(&(at, usize::MAX));
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// Waits for a call's turn: at once the next time that anybody polls, or when its time has
    /// passed.
    pub(crate) async fn turn(&self) {
        let latency = {
            let mut state = self.state();
            state.turns += 1;
            state.latency
        };
        match latency {
            None => crate::run::yield_once().await,
            Some(latency) => Timer::new(self, latency).await,
        }
    }

    /// Waits for a time to pass. Whoever polls by hand lets it pass once nothing else goes on.
    pub(crate) async fn sleep(&self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Timer::new(self, duration).await;
    }

    /// The number of turns that calls have waited for so far.
    pub(crate) fn turns(&self) -> u64 {
        self.state().turns
    }

    /// Sets the shape of the credential report, and the time that IAM takes for it.
    pub fn shape_report(&self, shape: ReportShape) {
        self.state().iam.report.shape = shape;
    }

    /// Lets Slack refuse everything from now on; `None` lets it accept again.
    pub fn fail_webhooks(&self, kind: Option<ErrorKind>) {
        self.state().webhooks_fail = kind;
    }

    /// Lets SNS refuse everything from now on; `None` lets it accept again.
    pub fn fail_topics(&self, kind: Option<ErrorKind>) {
        self.state().topics_fail = kind;
    }

    /// Lets the endpoints of others refuse everything from now on; `None` lets them accept again.
    pub fn fail_endpoints(&self, kind: Option<ErrorKind>) {
        self.state().endpoints_fail = kind;
    }

    /// Lets a secret hold this text, in place of a webhook's URL.
    pub fn set_secret_text(&self, secret: &SecretArn, text: &str) {
        let texts = &mut self.state().secret_texts;
        texts.insert(secret.clone(), text.to_owned());
    }

    /// Counts calls from now on and keeps none of them: of millions the memory would not do.
    pub fn count_calls_only(&self) {
        self.state().counts_calls_only = true;
    }

    /// Lets KMS sign with a key that no policy believes from now on, or with its own again.
    pub fn change_signing_key(&self, is_other: bool) {
        self.state().has_other_key = is_other;
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The number of runs that were begun so far.
    pub fn run_count(&self) -> usize {
        self.state().runs
    }

    /// The number of calls so far.
    pub fn call_count(&self) -> usize {
        self.state().call_count
    }

    /// Every secret that was ever told, in whatever way.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.state().iam.secrets.clone()
    }

    /// Every text that was ever stored or sent: all that an intruder could read.
    pub fn everything_written(&self) -> Vec<String> {
        let state = self.state();
        let records = state.records.written.iter().cloned();
        let sent = state.sent.iter().map(|sent| format!("{sent:?}"));
        records.chain(sent).collect()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the watcher of an effect.
    pub(crate) fn effect(&self, call: &Call) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = watcher.as_ref() {
            watcher(&self.view(), call);
        }
    }
}

impl State {
    /// Counts a call, and keeps it unless calls are counted only.
    pub(crate) fn record(&mut self, call: &Call) {
        self.call_count += 1;
        if !self.counts_calls_only {
            self.calls.push(call.clone());
        }
    }

    /// The key that KMS signs with.
    pub(crate) fn signing_key(&self) -> KeyPair {
        if self.has_other_key {
            KeyPair::of_somebody()
        } else {
            KeyPair::of_kms()
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// The webhook URL that a secret's ARN stands for.
pub(crate) fn webhook_url(secret: &SecretArn) -> String {
    format!(
        "https://hooks.slack.com/services/{}",
        secret.as_str().rsplit(':').next().unwrap_or_default()
    )
}

#[expect(
    clippy::panic,
    reason = "a test that sets up a wrong name is to fail at once"
)]
pub(crate) fn parsed<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// A wait until a time. One that is given up wakes nobody.
struct Timer<'a> {
    world: &'a World,
    key: (Timestamp, usize),
}

impl<'a> Timer<'a> {
    fn new(world: &'a World, duration: SignedDuration) -> Self {
        let mut state = world.state();
        let until = state.now.saturating_add(duration);
        state.timer_count += 1;
        let key = (until.unwrap_or(Timestamp::MAX), state.timer_count);
        drop(state);
        Self { world, key }
    }
}

impl Future for Timer<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.state();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.timers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.world.state().timers.remove(&self.key);
    }
}
