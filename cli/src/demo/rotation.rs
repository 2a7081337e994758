//! The demo's first act: keys in each part of their life, through 16 simulated days.

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::environment::{ACCOUNT, Environment, REGION, scheduled};
use super::people::People;
use super::show::{self, Show};
use crate::local::aws::caller_identity_by_boto3;

/// Plays the first act, from everyone's first key to an exposed one.
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
        "Day 1: alice has used her new key, and its day of grace is over",
    )
    .await?;
    quiet_days(env, show, 9).await?;
    env.advance(1).await?;
    day(
        env,
        show,
        "Day 11: alice's old key has been disabled for ten days",
    )
    .await?;
    quiet_days(env, show, 2).await?;
    env.advance(1).await?;
    day(
        env,
        show,
        "Day 14: bob never fetched his key, and the policy sets a deadline",
    )
    .await?;
    open_notice(env, show, &people)?;

    env.advance(2).await?;
    let key = env
        .aws
        .access_keys("heidi")
        .await?
        .first()
        .context("heidi has no key")?
        .id
        .clone();
    show.title("Day 16: AWS Health finds heidi's key in public (AWS_RISK_CREDENTIALS_EXPOSED)");
    let answer = env.invoke(&exposed(&key, env.now)).await?;
    show.outcomes(&answer, env.slack.posts());
    once_more(env, show).await?;

    show.title("In the end");
    show.people(&people, &people.look(&env.aws).await?);
    show.messages(&env.slack.posts());
    Ok(())
}

/// A daily run, and what it did.
async fn day(env: &Environment, show: &Show, title: &str) -> Result<()> {
    show.title(title);
    let answer = env.invoke(&scheduled(env.now)).await?;
    show.outcomes(&answer, env.slack.posts());
    Ok(())
}

/// Daily runs of which only the deeds are shown.
async fn quiet_days(env: &mut Environment, show: &Show, days: i64) -> Result<()> {
    for _ in 0..days {
        env.advance(1).await?;
        let day = env.now.duration_since(env.first_day).as_hours() / 24;
        show.progress(&format!("day {day}"));
        let answer = env.invoke(&scheduled(env.now)).await?;
        if show::did_anything(&answer) {
            show.title(&format!("Day {day}: the daily run"));
            show.outcomes(&answer, env.slack.posts());
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
    let texts = posts.iter().rev().flat_map(|post| show::texts(&post.body));
    let envelope = texts
        .into_iter()
        .find(|text| text.contains("BEGIN PGP MESSAGE"))
        .context("no notice has an envelope")?;
    let envelope = envelope.trim_matches('`');
    let bob = people
        .get("bob")?
        .holder
        .as_ref()
        .context("bob has no certificate")?;
    let payload: Value =
        serde_json::from_slice(&bob.open(envelope)?).context("the payload is not JSON")?;
    show.opened(
        payload
            .get("AccessKeyId")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
    Ok(())
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
