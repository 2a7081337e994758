//! The function on the world in memory, what people ask of it, and what a test sees.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use banto_domain::policy::Policy;
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{
    Call, Driven, KeyPair, Permissions, Policies, PolicyText, Run, Sent, UserView, View, World,
};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::NoticeSender;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::ports::{Account, Ports};
use rotate_access_keys::{Rotator, Told};
use serde_json::{Value, json};

use crate::harness::{Function, Handled, Sqs, enqueue, handle, handle_with};

/// Everyone's certificate: making one takes longer than all else here.
pub static HOLDER: LazyLock<Holder> = LazyLock::new(|| {
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    Holder::generate(
        "Alice <alice@example.com>",
        Kind::Curve25519,
        Lifetime { from, until: None },
    )
    .unwrap()
});

/// The certificate with which everyone's own is replaced, where it is.
pub static SUCCESSOR: LazyLock<Holder> = LazyLock::new(another_holder);

/// The same, certified by the one that it replaces.
static CERTIFIED: LazyLock<String> = LazyLock::new(|| HOLDER.certify(&SUCCESSOR).unwrap());

/// Another certificate: a thief's, or a new one of the same user.
pub fn another_holder() -> Holder {
    let from = "2026-02-01T00:00:00Z".parse().unwrap();
    let lifetime = Lifetime { from, until: None };
    Holder::generate("Mallory <mallory@example.com>", Kind::Curve25519, lifetime).unwrap()
}

pub fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Read once: it is asked for at every crash point.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    PolicyText::least()
        .with_lines("rotation", "deadline_days = 14")
        .parse()
});

thread_local! {
    static IS_SIGNED: Cell<bool> = const { Cell::new(false) };
}

/// The policy that tests have; while [`Signed`] lasts, records are signed by it.
pub fn policy() -> Policy {
    if IS_SIGNED.get() {
        SIGNING.clone()
    } else {
        POLICY.clone()
    }
}

/// The time in which this thread's policy has records signed, or not.
pub struct Signed {
    before: bool,
}

impl Signed {
    pub fn from_now(is_signed: bool) -> Self {
        Self {
            before: IS_SIGNED.replace(is_signed),
        }
    }
}

impl Drop for Signed {
    fn drop(&mut self) {
        IS_SIGNED.set(self.before);
    }
}

/// The same policy with records signed.
static SIGNING: LazyLock<Policy> = LazyLock::new(|| {
    let lines = format!("deadline_days = 14\n{}", KeyPair::policy_lines());
    PolicyText::least().with_lines("rotation", &lines).parse()
});

/// What the function may do in AWS.
pub static PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    Permissions::new(
        "rotate-access-keys",
        include_str!("../../../functions/rotate-access-keys/iam-policy.json"),
        &[],
    )
});

/// The function, on one run's view of the world.
pub fn rotator(run: &Arc<Run>, policy: &Policy) -> Rotator {
    run.hold_to(Policies {
        own: &PERMISSIONS,
        session: None,
    });
    let notice_sender = NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        policy.notices.clone(),
        run.clone(),
    );
    let notice_sender = Arc::new(notice_sender.writing_by(run.clone()));
    if let Some(identity) = policy.rotation.accounts.first() {
        run.act_as(&identity.role);
    }
    let signing = policy.rotation.signing.as_ref();
    let accounts = policy.rotation.accounts.iter().map(|identity| Account {
        identity: identity.clone(),
        region: "eu-west-1".parse().unwrap(),
        ports: Ports {
            keys: run.clone(),
            sessions: run.clone(),
            trail: run.clone(),
            revocations: policy
                .rotation
                .revocations
                .is_some()
                .then(|| run.clone() as Arc<dyn banto_ports::Queue>),
            records: run.clone(),
            signer: signing.map(|_| run.clone() as Arc<dyn banto_ports::Signer>),
            certificates: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
    });
    Rotator {
        accounts: accounts.collect(),
        policy: policy.rotation.clone(),
        notice_sender,
        clock: run.clone(),
        messages: run.clone(),
        told: Told::default(),
    }
}

/// Receipts after which the queue gives a message up: as many as SQS allows, since an emergency
/// goes on for days. (SQS API reference, `SetQueueAttributes`, `maxReceiveCount`.)
const MOST_RECEIVES: u32 = 1_000;

/// The function, in a process of its own for each event.
impl Function for Policy {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(30);
    const RECEIVES: u32 = MOST_RECEIVES;

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        rotator(run, self).handle(event, invocation).await
    }
}

/// The function, in one process for all events: it remembers what it told.
pub struct Process(Rotator);

impl Process {
    pub fn start(world: &Arc<World>, policy: &Policy) -> Self {
        Self(rotator(&world.run(None), policy))
    }
}

impl Function for Process {
    const HIDDEN: SignedDuration = Policy::HIDDEN;
    const RECEIVES: u32 = MOST_RECEIVES;

    async fn handle(
        &self,
        _: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        self.0.handle(event, invocation).await
    }
}

pub fn everyone() -> Value {
    json!({})
}

pub fn asked(user: &UserName, mode: &str) -> Value {
    json!({ "users": [user], "mode": mode })
}

/// What an operator asks about some keys of a user.
pub fn asked_about(user: &UserName, mode: &str, keys: &[&AccessKeyId]) -> Value {
    json!({ "users": [user], "mode": mode, "keys": keys })
}

/// What AWS Health tells of exposed credentials, as an event of EventBridge.
pub fn exposed(credentials: &[&AccessKeyId]) -> Value {
    exposed_entities(credentials.iter().map(|key| json!(key)))
}

/// What AWS Health tells of whatever it holds for exposed.
pub fn exposed_entities(entities: impl IntoIterator<Item = Value>) -> Value {
    let entities = entities
        .into_iter()
        .map(|one| json!({ "entityValue": one }));
    json!({
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "account": "111122223333",
        "detail": {
            "eventArn": "arn:aws:health:global::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/1",
            "service": "RISK",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "affectedEntities": entities.collect::<Vec<_>>(),
        },
    })
}

/// A user who has registered a certificate, and a key of that age.
pub fn add_registered(world: &World, name: &str, age: SignedDuration) -> (UserName, AccessKeyId) {
    let user = world.add_user(name);
    register(world, &user);
    let key = world.add_key(&user, age);
    (user, key)
}

/// A user registers a certificate, so long ago that nobody need vouch for it.
pub fn register(world: &World, user: &UserName) {
    world.tag(user, "banto:openpgp", HOLDER.fingerprint().as_str());
    let certificate = HOLDER.certificate().unwrap();
    world.put_certificate_before(user, certificate.as_bytes(), days(365));
}

/// A user pins and stores the certificate that replaces their own.
pub fn register_successor(world: &World, user: &UserName, is_certified: bool) {
    world.tag(user, "banto:openpgp", SUCCESSOR.fingerprint().as_str());
    let certificate = match is_certified {
        true => CERTIFIED.clone(),
        false => SUCCESSOR.certificate().unwrap(),
    };
    world.put_certificate(user, certificate.as_bytes());
}

/// A user with a key of that age, alone in a world.
pub fn alone(age: SignedDuration) -> (Arc<World>, UserName, AccessKeyId) {
    let world = World::at(start());
    let (user, key) = add_registered(&world, "alice", age);
    (world, user, key)
}

/// A rotation whose new key was delivered.
pub struct Delivered {
    pub world: Arc<World>,
    pub user: UserName,
    pub old: AccessKeyId,
    pub new: AccessKeyId,
}

/// Straight after a rotation.
pub fn delivered() -> Delivered {
    let (world, user, old) = alone(days(100));
    handle(&world, &policy(), &everyone());
    let new = sealed(&world, &user);
    Delivered {
        world,
        user,
        old,
        new,
    }
}

/// Straight after the old key was disabled, since the new one is in use.
pub fn disabled() -> Delivered {
    let rotation = delivered();
    rotation.world.use_key(&rotation.new);
    rotation.world.advance(days(2));
    handle(&rotation.world, &policy(), &everyone());
    assert!(!is_active(&rotation.world, &rotation.old));
    rotation
}

/// Lets so many days pass, with a scheduled run on each, which may fail. A plan that is refused is
/// a defect of the planner.
pub fn run_daily(world: &Arc<World>, policy: &Policy, days_to_come: usize) {
    for _ in 0..days_to_come {
        world.advance(days(1));
        if let Driven::Done(Err(failure)) = handle_with(world, policy, &everyone(), None).0 {
            assert_ne!(failure.kind, "PlanRefused", "{failure}");
        }
    }
}

/// Puts an event on the queue and works it off, time passing, until the queue is empty.
pub fn by_queue(world: &Arc<World>, function: &impl Function, event: &Value) -> Sqs {
    enqueue(world, std::slice::from_ref(event));
    let mut sqs = Sqs::default();
    sqs.settle(world, function, &[]);
    sqs
}

/// True if an event was handled, and is not tried again.
pub fn is_done(handled: &Handled) -> bool {
    matches!(handled, Driven::Done(Ok(_)))
}

/// What an event that failed says.
pub fn failure(handled: &Handled) -> String {
    match handled {
        Driven::Done(Err(failure)) => format!("{}: {failure}", failure.kind),
        other => panic!("no failure: {other:?}"),
    }
}

/// True if the key is there, and requests can be signed with it.
pub fn is_active(world: &World, key: &AccessKeyId) -> bool {
    world.works(key)
}

/// True if the user has the key, active or not.
pub fn is_there(world: &World, user: &UserName, key: &AccessKeyId) -> bool {
    world.view().users[user].keys.contains_key(key)
}

/// The user's keys that work.
pub fn working(world: &World, user: &UserName) -> Vec<AccessKeyId> {
    let view = world.view();
    let keys = view.users[user].keys.iter();
    keys.filter(|(_, key)| key.active)
        .map(|(id, _)| id.clone())
        .collect()
}

/// The key in the user's envelope.
pub fn sealed(world: &World, user: &UserName) -> AccessKeyId {
    record(&world.view(), user).unwrap().envelope.unwrap().key
}

/// The subjects of everything sent so far.
pub fn subjects(world: &World) -> Vec<String> {
    let sent = world.view().sent;
    let subject = |sent: Sent| match sent {
        Sent::Topic(_, message) => Some(message.subject),
        Sent::Slack(_) | Sent::Direct(..) | Sent::Mail(_) | Sent::Endpoint { .. } => None,
    };
    sent.into_iter().filter_map(subject).collect()
}

/// The number of calls of this name so far.
pub fn count(world: &World, call: &str) -> usize {
    let calls = world.calls();
    calls.iter().filter(|made| made.name == call).count()
}

/// Everything sent so far, to owners and to operators, each in one text.
pub fn told(world: &World) -> Vec<String> {
    let sent = world.view().sent;
    sent.iter().map(text_of).collect()
}

/// Everything sent to operators so far, each in one text.
pub fn operators_told(world: &World) -> Vec<String> {
    to_topic(world, ":operators")
}

/// Everything sent to owners so far, each in one text.
pub fn owners_told(world: &World) -> Vec<String> {
    to_topic(world, ":owners")
}

fn to_topic(world: &World, topic: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for sent in &world.view().sent {
        if matches!(sent, Sent::Topic(arn, _) if arn.as_str().ends_with(topic)) {
            texts.push(text_of(sent));
        }
    }
    texts
}

fn text_of(sent: &Sent) -> String {
    match sent {
        Sent::Topic(_, message) => format!("{}\n{}", message.subject, message.body),
        other => format!("{other:?}"),
    }
}

/// True if one of the texts has this piece, wherever its lines end.
pub fn any_has(texts: &[String], piece: &str) -> bool {
    texts.iter().any(|text| has(text, piece))
}

/// True if a text has this piece, wherever its lines end.
pub fn has(text: &str, piece: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").contains(piece)
}

/// The record of a user.
pub fn record(view: &View, user: &UserName) -> Option<Record> {
    view.users[user]
        .record
        .as_deref()
        .map(|text| Record::from_text(text).unwrap())
}

/// The secret that an owner finds in their envelope, as their OpenPGP program would show it.
pub fn opened(text: &str) -> BTreeMap<String, Value> {
    serde_json::from_slice(&HOLDER.open(text).unwrap()).unwrap()
}

/// The secret that an owner finds in their envelope with the certificate that they pinned now;
/// `None` if they can't open it.
pub fn opened_by(user: &UserView, text: &str) -> Option<BTreeMap<String, Value>> {
    let pin = user.tags.get("banto:openpgp")?;
    let holder = match *pin == SUCCESSOR.fingerprint().to_string() {
        true => &SUCCESSOR,
        false => &HOLDER,
    };
    let opened = holder.open(text).ok()?;
    serde_json::from_slice(&opened).ok()
}

/// The calls that were made, one a line, for a failing test's message.
pub fn story(calls: &[Call]) -> String {
    calls
        .iter()
        .map(|call| format!("{} {} {}\n", call.at, call.name, call.subject))
        .collect()
}
