//! The demo's first act: keys in each part of their life, through 16 simulated days.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::environment::{Environment, REGION, scheduled};
use super::people::People;
use super::show::{self, Show};
use super::theft;
use crate::local::aws::caller_identity_by_boto3;

/// Plays the first act, from everyone's first key to a stolen one.
pub(super) async fn play(env: &mut Environment, show: &Show) -> Result<()> {
    let people = People::settle(env, &|what| show.progress(what)).await?;
    show.clear();
    show.introduction(&people, env.first_day);

    show.title("The plan for day 0, asked for with {\"dryRun\": true}");
    let plan = env.invoke(&json!({ "dryRun": true })).await?;
    show.plan(&plan);

    day(env, show, "Day 0: the daily run").await?;
    once_more(env, show).await?;
    fetch(env, show, &people).await?;

    env.advance(1).await?;
    day(
        env,
        show,
        "Day 1: alice has used her new key, and the old one must rest for a day",
    )
    .await?;
    env.advance(1).await?;
    day(
        env,
        show,
        "Day 2: nobody has used alice's old key since, and its grace is over",
    )
    .await?;
    quiet_days(env, show, 9).await?;
    env.advance(1).await?;
    day(
        env,
        show,
        "Day 12: alice's old key has been disabled for ten days",
    )
    .await?;
    quiet_days(env, show, 1).await?;
    env.advance(1).await?;
    day(
        env,
        show,
        "Day 14: bob never fetched his key, and the policy sets a deadline",
    )
    .await?;
    open_notice(env, show, &people)?;

    env.advance(2).await?;
    theft::play(env, show, &people).await?;
    day(env, show, "The next daily run").await?;
    once_more(env, show).await?;

    show.title("In the end");
    show.people(&people, &people.look(&env.aws).await?);
    show.messages(&env.slack.posts());
    Ok(())
}

/// A daily run, and what it did.
async fn day(env: &Environment, show: &Show, title: &str) -> Result<()> {
    show.title(title);
    let told_before = env.slack.posts().len();
    let answer = env.invoke(&scheduled(env.now)).await?;
    show.outcomes(&answer, &env.slack.posts(), told_before);
    Ok(())
}

/// Daily runs of which only the deeds are shown.
async fn quiet_days(env: &mut Environment, show: &Show, days: i64) -> Result<()> {
    for _ in 0..days {
        env.advance(1).await?;
        let day = env.now.duration_since(env.first_day).as_hours() / 24;
        show.progress(&format!("day {day}"));
        let told_before = env.slack.posts().len();
        let answer = env.invoke(&scheduled(env.now)).await?;
        if show::did_anything(&answer) {
            show.title(&format!("Day {day}: the daily run"));
            show.outcomes(&answer, &env.slack.posts(), told_before);
        }
    }
    show.clear();
    Ok(())
}

/// The same run again, straight away.
async fn once_more(env: &Environment, show: &Show) -> Result<()> {
    let answer = env.invoke(&scheduled(env.now)).await?;
    ensure!(
        !show::did_anything(&answer),
        "a second run did something: {answer}"
    );
    show.line("  The same run again, straight away: nothing to do.");
    Ok(())
}

/// Alice opens her envelope and uses what is inside.
async fn fetch(env: &Environment, show: &Show, people: &People) -> Result<()> {
    show.title("Alice fetches her key, as anyone can with plain aws and gpg");
    let alice = people.get("alice")?;
    let old = env
        .aws
        .access_keys("alice")
        .await?
        .first()
        .context("alice has no key")?
        .id
        .clone();
    let record = env
        .aws
        .with_key(&old)
        .secret_value("banto/access-keys/alice")
        .await?;
    show.envelope(&record);
    let holder = alice.holder.as_ref().context("alice has no certificate")?;
    let payload = holder.open(&record)?;
    // With the check on, the local AWS recomputes the signature from the secret that it knows.
    env.moto.check_credentials(true).await?;
    let caller = caller_identity_by_boto3(&env.venv, env.moto.endpoint(), REGION, &payload).await;
    env.moto.check_credentials(false).await?;
    let caller = caller.context("the new key does not work")?;
    let inside: Value = serde_json::from_slice(&payload).context("the payload is not JSON")?;
    let key = inside
        .get("AccessKeyId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    show.fetched(key, &caller);
    if !caller.ends_with("/alice") {
        bail!("the new key belongs to {caller}");
    }
    Ok(())
}

/// Bob, whose key is dead, opens the envelope that the notice itself carried.
fn open_notice(env: &Environment, show: &Show, people: &People) -> Result<()> {
    let posts = env.slack.posts();
    let envelope = show::last_envelope(&posts).context("no notice has an envelope")?;
    let bob = people
        .get("bob")?
        .holder
        .as_ref()
        .context("bob has no certificate")?;
    let payload: Value =
        serde_json::from_slice(&bob.open(&envelope)?).context("the payload is not JSON")?;
    show.opened(
        payload
            .get("AccessKeyId")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
    Ok(())
}
