//! The theft of a key: the thief digs in, AWS Health tells of it, and the owner is left with a key.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::environment::{ACCOUNT, Environment, scheduled};
use super::people::People;
use super::rotation;
use super::show::{self, Held};
use super::tour::{Scene, Tour};
use crate::local::aws::{AccessKey, Aws, Refused};
use crate::local::queue::Queue;
use crate::local::slack::Post;

/// The user whose key is stolen.
pub(super) const OWNER: &str = "heidi";

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

/// Scenes of this part.
pub(super) const SCENES: usize = 3;

const BREAK_IN: Scene<'_> = Scene {
    title: "A thief: Mallory digs in",
    happens: "Mallory has found heidi's access key, makes a second one with it, and begins two sessions.",
    notice: "to disable the stolen key alone would leave three ways in.",
};
const ALARM: Scene<'_> = Scene {
    title: "A thief: AWS Health raises the alarm",
    happens: "Ten minutes later AWS finds the key in public, and its event comes to the queue of rotate-access-keys.",
    notice: "what is exposed ends first; then heidi gets a new key, and operators read what is left to them.",
};
const AFTERMATH: Scene<'_> = Scene {
    title: "A thief: who ends up with what",
    happens: "Mallory tries everything again, and heidi opens the envelope that came with her notice.",
    notice: "what is done to a user does not reach the sessions of a role: it is these that operators were told to end.",
};

/// Plays the theft, from the thief's first call to the owner's new key.
pub(super) async fn play(env: &mut Environment, tour: &Tour, people: &People) -> Result<()> {
    tour.scene(&BREAK_IN).await?;
    env.reach_last_day().await?;
    let stolen = only_key(env).await?;
    let loot = dig_in(env, &stolen).await?;
    let before = try_all(&loot).await?;
    let mut table = tour.screen.table(&["Mallory has", "aws s3 ls"]);
    for (loot, answer) in loot.iter().zip(&before) {
        table.add_row([loot.what, answer]);
        ensure!(answer == "works", "{} does not work: {answer}", loot.what);
    }
    tour.line(&table.to_string());

    tour.scene(&ALARM).await?;
    env.advance_minutes(10).await?;
    let told_before = env.slack.posts().len();
    let queue = Queue::create(&env.aws, "banto-rotate-access-keys").await?;
    queue.send(&[exposed(&stolen, env.now)]).await?;
    env.work_off(&queue).await?;
    let posts = env.slack.posts().split_off(told_before);
    let (to_operators, to_owners): (Vec<&Post>, Vec<&Post>) =
        posts.iter().partition(|post| post.channel == "operators");
    tour.line(&show::headlines(&tour.screen, to_owners, &tour.names));
    for post in to_operators {
        tour.message(post);
    }
    env.advance_minutes(SECOND_LOOK).await?;
    env.work_off(&queue).await?;
    ensure!(queue.waiting().await? == 0, "the event is not done");
    tour.paragraph(
        "\nThe event comes again once CloudTrail shows all of what was done; then it is done.",
    );

    tour.scene(&AFTERMATH).await?;
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
            what: loot.what,
            before,
            after: format!("{}: {after}", state(loot, &keys)),
        });
    }
    held.push(new_key(env, people).await?);
    tour.line(&show::held(&tour.screen, &held));
    next_day(env, tour).await
}

/// The next daily run finds the new key in use.
async fn next_day(env: &Environment, tour: &Tour) -> Result<()> {
    let answer = env.invoke(&scheduled(env.now)).await?;
    let deeds = show::deeds(&answer);
    let (_, done) = deeds
        .iter()
        .find(|(of, _)| of == OWNER)
        .context("the next run did nothing for heidi")?;
    rotation::nothing_more(env).await?;
    tour.paragraph(&format!(
        "The next daily run, for {OWNER}: {done}. The one after it finds nothing to do."
    ));
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

/// AWS's answer to a call: that it works, or the code of its refusal.
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
    let caller = rotation::caller(env, &payload).await?;
    ensure!(caller.ends_with("/heidi"), "the new key is {caller}'s");
    Ok(Held {
        who: OWNER,
        what: "the new key",
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
