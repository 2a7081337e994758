//! Keys in each part of their life, through fourteen simulated days.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::environment::{Environment, REGION, scheduled};
use super::people::{Casting, People};
use super::show::{self, Day};
use super::tour::{Scene, Tour};
use crate::local::aws::caller_identity_by_boto3;
use crate::notices::terminal;

/// Scenes of this part.
pub(super) const SCENES: usize = 6;

/// The day of the policy's deadline for those who do nothing.
const LAST_DAY: i64 = 14;

const PLAN: Scene<'_> = Scene {
    title: "Rotation: what would be done today",
    happens: "Nine users have keys of every kind, and rotate-access-keys is asked for its plan, with {\"dryRun\": true}.",
    notice: "whoever can't be helped is named with the reason, and what Banto did not make is left to people.",
};
const ISSUED: Scene<'_> = Scene {
    title: "Rotation: a new key for alice",
    happens: "The daily run does what was planned, and alice reads of it in a direct message.",
    notice: "no key is in the message, and her old one still works.",
};
const FETCHED: Scene<'_> = Scene {
    title: "Rotation: alice opens her envelope",
    happens: "She fetches the record, as anyone can with plain aws and gpg, decrypts it, and calls AWS with the key inside.",
    notice: "only her OpenPGP key opens it; to everyone else it is ciphertext.",
};
const RETIRED: Scene<'_> = Scene {
    title: "Rotation: the end of alice's old key",
    happens: "Fourteen daily runs pass on the simulated clock; this is what they do for alice.",
    notice: "the old key is disabled once the new one is used, each step is told before it is done, and for ten days it can be undone.",
};
const IDLE: Scene<'_> = Scene {
    title: "Rotation: those who do nothing",
    happens: "The same days for all others: bob never fetches his new key, and carol and dave have no certificate that a key could be sealed to.",
    notice: "nobody is told once and then forgotten, and operators read who is late.",
};
const STANDING: Scene<'_> = Scene {
    title: "Rotation: where everyone stands",
    happens: "The keys of all nine on day 14, and what Banto told each of them last.",
    notice: "whoever had a key that works still has one.",
};

/// Plays it, from everyone's first key to the deadline of those who do nothing.
pub(super) async fn play(env: &mut Environment, tour: &Tour, casting: Casting) -> Result<People> {
    tour.scene(&PLAN).await?;
    tour.step("making users, keys and certificates");
    let people = People::settle(env, casting).await?;
    let plan = env.invoke(&json!({ "dryRun": true })).await?;
    tour.line(&show::plan(&tour.screen, &people, &plan));

    tour.scene(&ISSUED).await?;
    let today = run(env, 0).await?;
    let posts = env.slack.posts();
    let to_alice = posts
        .iter()
        .find(|post| terminal::place(post, &tour.names) == "@alice")
        .context("alice was told nothing")?;
    tour.message(to_alice);
    tour.paragraph(&format!("\nOperators read: {}", today.operators));
    nothing_more(env).await?;
    tour.paragraph("The same run again, straight away: nothing to do.");

    tour.scene(&FETCHED).await?;
    fetch(env, tour, &people).await?;

    tour.scene(&RETIRED).await?;
    let mut days = Vec::new();
    for number in 1..=LAST_DAY {
        tour.step(&format!("day {number}"));
        env.advance(1).await?;
        days.push(run(env, number).await?);
    }
    tour.line(&show::days_of(&tour.screen, "alice", &days));

    tour.scene(&IDLE).await?;
    tour.line(&show::days_without(&tour.screen, "alice", &days));
    open_notice(env, &people)?;
    tour.paragraph(
        "Bob's old key is dead, so that he could no longer fetch anything: his notice itself carried the envelope, and he opened it with `gpg --decrypt`.",
    );

    tour.scene(&STANDING).await?;
    let keys = people.look(&env.aws).await?;
    let posts = env.slack.posts();
    tour.line(&show::people(
        &tour.screen,
        &people,
        &keys,
        &posts,
        &tour.names,
    ));
    Ok(people)
}

/// A daily run.
async fn run(env: &Environment, number: i64) -> Result<Day> {
    let told_before = env.slack.posts().len();
    let answer = env.invoke(&scheduled(env.now)).await?;
    let posts = env.slack.posts();
    let mut told = posts.iter().skip(told_before);
    let summary = told.find(|post| post.channel == "operators");
    Ok(Day {
        number,
        deeds: show::deeds(&answer),
        operators: summary.map_or(String::new(), terminal::headline),
    })
}

/// The same run again, straight away, does nothing.
pub(super) async fn nothing_more(env: &Environment) -> Result<()> {
    let answer = env.invoke(&scheduled(env.now)).await?;
    ensure!(
        !show::did_anything(&answer),
        "a second run did something: {answer}"
    );
    Ok(())
}

/// Alice opens her envelope and uses what is inside.
async fn fetch(env: &Environment, tour: &Tour, people: &People) -> Result<()> {
    let alice = people.get("alice")?;
    let keys = env.aws.access_keys("alice").await?;
    let old = &keys.first().context("alice has no key")?.id;
    let record = env
        .aws
        .with_key(old)
        .secret_value("banto/access-keys/alice")
        .await?;
    tour.line("  $ aws secretsmanager get-secret-value --secret-id banto/access-keys/alice \\");
    tour.line("      --query SecretString --output text | gpg --decrypt");
    tour.line(&show::envelope(&record));
    let holder = alice.holder.as_ref().context("alice has no certificate")?;
    let caller = caller(env, &holder.open(&record)?).await?;
    ensure!(
        caller.ends_with("/alice"),
        "the new key belongs to {caller}"
    );
    tour.line(&format!("  $ aws sts get-caller-identity\n  {caller}"));
    tour.paragraph(
        "\nThe call is signed with the new secret, and the local AWS checks the signature.",
    );
    Ok(())
}

/// The ARN of whoever's key is in an opened envelope. With the check on, the local AWS recomputes
/// the signature from the secret that it knows.
pub(super) async fn caller(env: &Environment, payload: &[u8]) -> Result<String> {
    env.moto.check_credentials(true).await?;
    let caller = caller_identity_by_boto3(&env.venv, env.moto.endpoint(), REGION, payload).await;
    env.moto.check_credentials(false).await?;
    caller.context("the new key does not work")
}

/// Bob, whose key is dead, opens the envelope that the notice itself carried.
fn open_notice(env: &Environment, people: &People) -> Result<()> {
    let posts = env.slack.posts();
    let envelope = show::last_envelope(&posts).context("no notice has an envelope")?;
    let bob = people.get("bob")?.holder.as_ref();
    let bob = bob.context("bob has no certificate")?;
    let inside: Value =
        serde_json::from_slice(&bob.open(&envelope)?).context("the payload is not JSON")?;
    ensure!(
        inside.get("AccessKeyId").is_some_and(Value::is_string),
        "bob's envelope has no key"
    );
    Ok(())
}
