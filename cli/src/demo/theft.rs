//! The theft of a key: the thief digs in, AWS Health tells of it, and the owner is left with a key.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::environment::{ACCOUNT, Environment, REGION};
use super::people::People;
use super::show::{self, Held, Show};
use crate::local::aws::{AccessKey, Aws, Refused, caller_identity_by_boto3};
use crate::local::queue::Queue;

/// The user whose key is stolen.
const OWNER: &str = "heidi";

/// A role of another account that the thief assumes: its sessions are not the owner's.
const ROLE: &str = "arn:aws:iam::444455556666:role/deploy";

/// The region of the history that the function reads.
const TRAIL_REGION: &str = "us-east-1";

/// Minutes after which the function looks again: CloudTrail shows all by then.
const SECOND_LOOK: i64 = 16;

/// A credential of the thief.
struct Loot {
    aws: Aws,
    id: String,
    kind: Kind,
    what: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    UserSession,
    RoleSession,
}

/// Plays the theft, from the thief's first call to the owner's new key.
pub(super) async fn play(env: &mut Environment, show: &Show, people: &People) -> Result<()> {
    show.title("Day 16: Mallory has heidi's key, makes a second one, and begins two sessions");
    let stolen = only_key(env).await?;
    let loot = dig_in(env, &stolen).await?;
    let before = try_all(&loot).await?;
    ensure!(
        before.iter().all(|answer| answer == "works"),
        "something of the thief's does not work: {before:?}"
    );
    show.line("  Each of the four works: `aws s3 ls`.");

    env.advance_minutes(10).await?;
    show.title("Ten minutes later: AWS Health finds the key in public, and tells the queue");
    let told_before = env.slack.posts().len();
    let queue = Queue::create(&env.aws, "banto-rotate-access-keys").await?;
    queue.send(&[exposed(&stolen, env.now)]).await?;
    env.work_off(&queue).await?;
    show.news(env.slack.posts().get(told_before..).unwrap_or_default());
    env.advance_minutes(SECOND_LOOK).await?;
    env.work_off(&queue).await?;
    ensure!(queue.waiting().await? == 0, "the event is not done");
    show.line("  The event comes again once CloudTrail shows all of it; then it is done.");

    show.title("Who ends up with what");
    let after = try_all(&loot).await?;
    let keys = env.aws.access_keys(OWNER).await?;
    let mut held = Vec::new();
    for ((loot, before), after) in loot.iter().zip(before).zip(after) {
        ensure!(
            (after == "works") == (loot.kind == Kind::RoleSession),
            "{}: {after}",
            loot.what
        );
        held.push(Held {
            who: "Mallory",
            what: format!("{}, {}", loot.id, loot.what),
            before,
            after: format!("{}: {after}", state(loot, &keys)),
        });
    }
    held.push(new_key(env, people).await?);
    show.held(&held);
    show.line("  What is done to a user does not reach the sessions of a role: operators were");
    show.line("  told which role, and how to end them.");
    Ok(())
}

async fn only_key(env: &Environment) -> Result<String> {
    let keys = env.aws.access_keys(OWNER).await?;
    let key = keys.first().context("heidi has no key")?;
    Ok(key.id.clone())
}

/// The thief makes a second key with the stolen one, and begins a session with each.
async fn dig_in(env: &Environment, stolen: &str) -> Result<Vec<Loot>> {
    let thief = env.aws.with_key(stolen);
    let second = thief.create_access_key(OWNER).await?.access_key_id;
    let session = thief.with_key(&second).session().await?.access_key_id;
    let in_region = thief.in_region(TRAIL_REGION);
    let of_role = in_region.assume_role(ROLE).await?.access_key_id;
    let loot = |id: String, kind, what| Loot {
        aws: env.aws.with_key(&id),
        id,
        kind,
        what,
    };
    Ok(vec![
        loot(stolen.to_owned(), Kind::Key, "heidi's own key"),
        loot(second, Kind::Key, "a key made with it"),
        loot(session, Kind::UserSession, "a session of that one"),
        loot(of_role, Kind::RoleSession, "a session of a role"),
    ])
}

/// The end of a credential, in a word.
fn state(loot: &Loot, keys: &[AccessKey]) -> &'static str {
    match (loot.kind, keys.iter().find(|key| key.id == loot.id)) {
        (Kind::Key, None) => "deleted",
        (Kind::Key, Some(key)) if key.active => "active",
        (Kind::Key, Some(_)) => "disabled",
        (Kind::UserSession, _) => "denied",
        (Kind::RoleSession, _) => "not reached",
    }
}

async fn try_all(loot: &[Loot]) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for Loot { aws, .. } in loot {
        answers.push(answer(aws).await?);
    }
    Ok(answers)
}

/// What AWS says to a call: that it works, or the code of its refusal.
async fn answer(aws: &Aws) -> Result<String> {
    let Err(error) = aws.list_buckets().await else {
        return Ok("works".to_owned());
    };
    match error.downcast_ref::<Refused>().and_then(Refused::code) {
        Some(code) => Ok(code),
        None => Err(error),
    }
}

/// The owner's new key, out of the envelope that the notice carried.
async fn new_key(env: &Environment, people: &People) -> Result<Held> {
    let posts = env.slack.posts();
    let envelope = show::last_envelope(&posts).context("no notice has an envelope")?;
    let owner = people.get(OWNER)?.holder.as_ref();
    let payload = owner.context("heidi has no certificate")?.open(&envelope)?;
    env.moto.check_credentials(true).await?;
    let caller = caller_identity_by_boto3(&env.venv, env.moto.endpoint(), REGION, &payload).await;
    env.moto.check_credentials(false).await?;
    let caller = caller.context("the new key does not work")?;
    ensure!(caller.ends_with("/heidi"), "the new key is {caller}'s");
    let inside: Value = serde_json::from_slice(&payload).context("the payload is not JSON")?;
    let key = inside.get("AccessKeyId").and_then(Value::as_str);
    Ok(Held {
        who: OWNER,
        what: format!("{}, the new key", key.unwrap_or_default()),
        before: "-".to_owned(),
        after: "active: works, and is hers alone".to_owned(),
    })
}

/// An event of AWS Health about a key that was found in public.
fn exposed(key: &str, now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "121345678-1234-1234-1234-123456789012",
        "detail-type": "AWS Health Event",
        "source": "aws.health",
        "account": ACCOUNT,
        "time": now,
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventArn": "arn:aws:health:us-east-1::event/AWS_RISK_CREDENTIALS_EXPOSED_XYZ",
            "service": "RISK",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "eventTypeCategory": "issue",
            "affectedEntities": [{ "entityValue": key }],
        },
    })
}
