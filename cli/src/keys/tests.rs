//! What operators see of a world in memory, in which the rotator itself has worked.

mod following;
mod looking;
mod told;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use banto_domain::policy::Policy;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Driven, PolicyText, Run, World, drive};
use banto_lambda::Invocation;
use banto_notice::NoticeSender;
use banto_ports::ErrorKind;
use banto_seal::holder::{Holder, Kind, Lifetime};
use clap::Parser as _;
use jiff::SignedDuration;
use rotate_access_keys::event::{Asked, Mode, Scope};
use rotate_access_keys::notices;
use rotate_access_keys::plan::{OwnerNotice, WaitReason, Waiting};
use rotate_access_keys::ports::{Account, Ports};
use rotate_access_keys::snapshot::User;
use rotate_access_keys::{Rotator, Told};
use serde_json::{Value, json};

use super::follow::{self, Standing};
use super::look::{self, Looked};
use super::request::Request;
use super::{others, plan, rows};
use crate::commands::Arguments;
use crate::ending::Ending;
use crate::expected;

static HOLDER: LazyLock<Holder> = LazyLock::new(|| {
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    let lifetime = Lifetime { from, until: None };
    Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap()
});

/// A text as it would be with a certificate that is always the same.
fn settled(text: &str) -> String {
    let made: String = HOLDER.fingerprint().as_str().chars().take(16).collect();
    text.replace(&made, "D1A66E1A23B182C9")
}

fn policy() -> Policy {
    PolicyText::least().parse()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn world() -> Arc<World> {
    World::at("2026-06-01T01:00:00Z".parse().unwrap())
}

/// A user with a key of that age, and a certificate that has been stored for long.
fn registered(world: &World, name: &str, age: i64) -> (UserName, AccessKeyId) {
    let user = world.add_user(name);
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    let certificate = HOLDER.certificate().unwrap();
    world.put_certificate_before(&user, certificate.as_bytes(), days(365));
    let key = world.add_key(&user, days(age));
    (user, key)
}

fn rotator(run: &Arc<Run>, policy: &Policy) -> Rotator {
    let sender = NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        policy.notices.clone(),
        run.clone(),
    );
    let notice_sender = Arc::new(sender);
    let accounts = policy.rotation.accounts.iter().map(|identity| Account {
        identity: identity.clone(),
        region: "eu-west-1".parse().unwrap(),
        ports: Ports {
            keys: run.clone(),
            sessions: run.clone(),
            trail: run.clone(),
            revocations: None,
            records: run.clone(),
            signer: None,
            certificates: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
    });
    run.act_as(&policy.rotation.accounts[0].role);
    Rotator {
        accounts: accounts.collect(),
        policy: policy.rotation.clone(),
        notice_sender,
        clock: run.clone(),
        messages: run.clone(),
        told: Told::default(),
    }
}

/// The function works off an event.
fn handle(world: &Arc<World>, event: &Value) {
    let run = world.run(None);
    let rotator = rotator(&run, &policy());
    let name = format!("run-{}", world.run_count());
    let invocation = Invocation::for_tests(&name, Duration::from_secs(900));
    let event = event.to_string();
    drop(drive(&run, rotator.handle(event.as_bytes(), &invocation)));
}

/// A request as the queue hands it over.
fn hand_over(world: &Arc<World>, request: &Request, asked: &Asked) {
    let record = json!({
        "messageId": asked.id, "eventSource": "aws:sqs", "body": request.body().to_string(),
        "attributes": { "SentTimestamp": asked.at.as_millisecond().to_string() },
    });
    handle(world, &json!({ "Records": [record] }));
}

/// Looks by a policy, which must write nothing.
fn looked_by(world: &Arc<World>, policy: &Policy, scope: &Scope) -> anyhow::Result<Looked> {
    let (before, calls) = (world.everything_written(), world.calls().len());
    let run = world.run(None);
    let rotator = rotator(&run, policy);
    let asked = Asked::by("a look", world.now());
    let look = look::look(&rotator.accounts[0], &policy.rotation, scope, &asked);
    let Driven::Done(looked) = drive(&run, look) else {
        panic!("nobody ended it");
    };
    assert_eq!(world.everything_written(), before, "a look writes nothing");
    for call in world.calls().iter().skip(calls) {
        let (_, operation) = call.name.split_once(':').unwrap();
        let reads = ["Get", "List", "Lookup", "GenerateCredentialReport"];
        let is_read = reads.iter().any(|read| operation.starts_with(read));
        assert!(is_read, "{} is no look", call.name);
    }
    looked
}

fn looked(world: &Arc<World>, scope: &Scope) -> Looked {
    looked_by(world, &policy(), scope).unwrap()
}

fn request(mode: Mode, user: &UserName) -> Request {
    let account = "111122223333".parse().unwrap();
    Request::new(account, mode, [user.clone()])
}

/// A user whose first certificate waits out its days of grace, with a key of that age.
fn in_grace(world: &World, name: &str, age: i64) -> UserName {
    let user = world.add_user(name);
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    let certificate = HOLDER.certificate().unwrap();
    world.put_certificate(&user, certificate.as_bytes());
    world.add_key(&user, days(age));
    user
}

fn scope_of(user: &UserName) -> Scope {
    look::scope(std::slice::from_ref(user))
}

/// The standing of a request's only user.
fn standing(world: &Arc<World>, request: &Request, asked: &Asked) -> Standing {
    let looked = looked(world, &follow::scope(request));
    follow::standings(request, &looked, asked).remove(0)
}
