//! The state of the world, and what a test sees of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use banto_domain::{AccessKeyId, GroupName, SecretArn, TopicArn, UserArn, UserName};
use banto_ports::{ErrorKind, LastUse, Mail, TopicMessage};
use jiff::{SignedDuration, Timestamp};

use crate::compliance::ComplianceState;
use crate::iam::Iam;
use crate::organization::Org;
use crate::report::ReportShape;
use crate::run::{Fault, Run};

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
    pub(crate) iam: Iam,
    pub(crate) records: BTreeMap<UserName, Secret>,
    pub(crate) certificates: BTreeMap<UserName, Vec<u8>>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) org: Org,
    pub(crate) compliance: ComplianceState,
    pub(crate) calls: Vec<Call>,
    /// How long each call takes, where time is simulated.
    pub(crate) latency: Option<SignedDuration>,
    pub(crate) timers: BTreeMap<(Timestamp, usize), Waker>,
    pub(crate) webhooks_fail: Option<ErrorKind>,
    pub(crate) topics_fail: Option<ErrorKind>,
}

/// A record's secret, with every version it ever had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secret {
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) current: String,
    pub(crate) reader: Option<UserArn>,
}

/// A call that had its effect, or was refused by the world itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The call, in the words of an IAM policy: `iam:CreateAccessKey`.
    pub name: &'static str,
    /// The user or thing that it was about; empty if none.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// Something that people were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// To a Slack webhook: its body.
    Slack(String),
    /// To an SNS topic.
    Topic(TopicArn, TopicMessage),
    /// By mail.
    Mail(Mail),
}

/// What can be seen of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The time.
    pub now: Timestamp,
    /// Every user.
    pub users: BTreeMap<UserName, UserView>,
    /// Everything that people were sent, in order.
    pub sent: Vec<Sent>,
}

/// What can be seen of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    /// The keys, by id.
    pub keys: BTreeMap<AccessKeyId, KeyView>,
    /// The user's IAM tags.
    pub tags: BTreeMap<String, String>,
    /// The current text of the user's record.
    pub record: Option<String>,
    /// Whom the record's resource policy lets read it besides Banto.
    pub record_reader: Option<UserArn>,
}

/// What can be seen of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyView {
    /// Whether it works.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its last use.
    pub used: Option<LastUse>,
    /// Its secret, which only tests see.
    pub secret: String,
    /// Whether it was created through the port, and not by the test.
    pub by_banto: bool,
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
        Arc::new(Run::new(Arc::clone(self), fault))
    }

    /// Calls back after every effect from now on.
    pub fn watch(&self, watcher: impl Fn(&View, &Call) + Send + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(watcher));
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.state().now
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
        let Some(latency) = self.state().latency else {
            return crate::run::yield_once().await;
        };
        let until = self.now() + latency;
        std::future::poll_fn(|context| {
            let mut state = self.state();
            if state.now >= until {
                return Poll::Ready(());
            }
            let number = state.timers.len() + state.calls.len();
            state
                .timers
                .insert((until, number), context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Adds a user, at the path `/`.
    pub fn add_user(&self, name: &str) -> UserName {
        self.add_user_at("/", name)
    }

    /// Adds a user at a path.
    pub fn add_user_at(&self, path: &str, name: &str) -> UserName {
        let name: UserName = parsed(name);
        self.state().iam.add_user(&name, path);
        name
    }

    /// Removes a user and all keys; a later one of the same name is another user.
    pub fn remove_user(&self, user: &UserName) {
        self.state().iam.users.remove(user);
    }

    /// Tags a user.
    pub fn tag(&self, user: &UserName, key: &str, value: &str) {
        self.state().iam.user_mut(user, |user| {
            drop(user.tags.insert(key.to_owned(), value.to_owned()))
        });
    }

    /// Puts a user into a group.
    pub fn add_to_group(&self, user: &UserName, group: &str) {
        let group: GroupName = parsed(group);
        self.state()
            .iam
            .groups
            .entry(group)
            .or_default()
            .insert(user.clone());
    }

    /// Gives a user a key of this age, as a person would.
    pub fn add_key(&self, user: &UserName, age: SignedDuration) -> AccessKeyId {
        let mut state = self.state();
        let created_at = state.now - age;
        state.iam.add_key(user, created_at, false).0
    }

    /// Uses a key, as its owner would.
    pub fn use_key(&self, key: &AccessKeyId) {
        let mut state = self.state();
        let used = LastUse {
            at: state.now,
            service: "s3".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        state.iam.key_mut(key, |key| key.used = Some(used));
    }

    /// Makes a key active or inactive, as a person would.
    pub fn set_active(&self, key: &AccessKeyId, active: bool) {
        let mut state = self.state();
        let now = state.now;
        state.iam.key_mut(key, |key| key.set_active(active, now));
    }

    /// Deletes a key, as a person would.
    pub fn delete_key(&self, key: &AccessKeyId) {
        self.state().iam.delete_key(key);
    }

    /// Stores a user's certificate.
    pub fn put_certificate(&self, user: &UserName, certificate: &[u8]) {
        self.state()
            .certificates
            .insert(user.clone(), certificate.to_vec());
    }

    /// Stores a text as the user's record, whatever it is.
    pub fn put_record(&self, user: &UserName, text: &str) {
        let versions = BTreeMap::from([("put".to_owned(), text.to_owned())]);
        self.state().records.insert(
            user.clone(),
            Secret {
                versions,
                current: "put".to_owned(),
                reader: None,
            },
        );
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

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The number of calls so far.
    pub fn call_count(&self) -> usize {
        self.state().calls.len()
    }

    /// Everything that can be seen now.
    pub fn view(&self) -> View {
        View::of(&self.state())
    }

    /// Every secret that was ever told, in whatever way.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.state().iam.secrets.clone()
    }

    /// Every text that was ever stored or sent: all that an intruder could read.
    pub fn everything_written(&self) -> Vec<String> {
        let state = self.state();
        let records = state
            .records
            .values()
            .flat_map(|secret| secret.versions.values().cloned());
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

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

impl View {
    fn of(state: &State) -> Self {
        let users = state.iam.users.iter().map(|(name, user)| {
            let keys = user
                .keys
                .iter()
                .map(|key| (key.id.clone(), key.view()))
                .collect();
            let secret = state.records.get(name);
            let view = UserView {
                keys,
                tags: user.tags.clone(),
                record: secret.and_then(Secret::text).map(str::to_owned),
                record_reader: secret.and_then(|secret| secret.reader.clone()),
            };
            (name.clone(), view)
        });
        Self {
            now: state.now,
            users: users.collect(),
            sent: state.sent.clone(),
        }
    }
}

impl Secret {
    pub(crate) fn text(&self) -> Option<&str> {
        self.versions.get(&self.current).map(String::as_str)
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
