//! `banto demo`: a tour of the real functions on a local AWS. They bring an Organization's accounts
//! to their baseline, rotate keys, end what a thief has, tell people about noncompliance, and report
//! on the month.
//!
//! The story takes 16 simulated days, and the report comes after the month's end. `environment` is
//! what it plays on, `people` who takes part, `tour` leads through the scenes, and `show` and
//! `words` have the tables and the words.

mod compliance;
mod environment;
mod onboarding;
mod people;
mod policy;
mod report;
mod rotation;
mod show;
mod thief;
mod tour;
mod words;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::ending::Ending;
use environment::{DAYS, Environment};
use onboarding::Company;
use people::People;
use tour::{Left, Scene, Tour};

/// A demo that is asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Plays one part; what it needs of the others is made without being shown.
    #[arg(long, value_enum, value_name = "NAME")]
    pub scenario: Option<Scenario>,
    /// Goes on without waiting for Enter after each scene, as it does without a terminal.
    #[arg(long)]
    pub no_pause: bool,
    /// Leaves the local AWS running afterwards, until Ctrl-C.
    #[arg(long)]
    pub keep: bool,
}

const EXAMPLES: &str = "\
Examples:
  banto demo                          the whole story, a scene at a time
  banto demo --scenario thief         a stolen key, and what becomes of it
  banto demo --no-pause > story.txt   all of it, to read later
  banto demo --scenario rotation --keep";

/// A part of the story that can be played alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Accounts come to their baseline, and are repaired.
    Onboarding,
    /// Keys are replaced without anyone seeing them.
    Rotation,
    /// A stolen key, and what becomes of it.
    Thief,
    /// A finding, a storm of them, and a resolution.
    Compliance,
    /// The month's mails and dashboard.
    Report,
}

const END: Scene<'_> = Scene {
    title: "What this machine can't show",
    happens: "The local AWS is moto's server, which falls short of the real one in some places.",
    notice: "docs/UNPROVEN.md has what only the real AWS can prove, and how to prove it.",
};

const SHORTCOMINGS: [&str; 6] = [
    "It lets anyone read any secret: that the resource policy keeps out everyone but the owner can't be seen here.",
    "Its CloudTrail shows events at once, and only those of new keys and new sessions.",
    "Its credential report has no row for the root user, and is never stale.",
    "A new account's role can be assumed at once; the demo refuses it twice, as the real AWS would.",
    "Its AWS Config delivers nothing, evaluates nothing and has no aggregator: the demo sends the events itself, and makes the snapshots up.",
    "It has no StackSets that carry AWS Config: the demo takes the direct way.",
];

/// Plays the demo. Whatever it started ends with it: after the story, after `--keep`'s Ctrl-C, or
/// in the middle.
///
/// # Errors
/// If something it needs is missing, or a function fails.
pub async fn run(options: &Options) -> Result<Ending> {
    let mut names = people::slack_names();
    names.extend([compliance::channel_name()]);
    let tour = Tour::new(scenes(options.scenario), options.no_pause, names);
    let left = |ending| {
        tour.clear();
        tour.line("\nEnded. Everything that the demo started is gone.");
        Ok(ending)
    };
    tokio::select! {
        played = play(&tour, options) => match played {
            Err(error) if error.is::<Left>() => left(Ending::Done),
            played => played.map(|()| Ending::Done),
        },
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("can't listen for Ctrl-C")?;
            left(Ending::Interrupted)
        }
    }
}

/// The number of scenes of a part, or of all.
fn scenes(scenario: Option<Scenario>) -> usize {
    let of = |scenario| match scenario {
        Scenario::Onboarding => onboarding::SCENES,
        Scenario::Rotation => rotation::SCENES,
        Scenario::Thief => thief::SCENES,
        Scenario::Compliance => compliance::SCENES,
        Scenario::Report => report::SCENES,
    };
    let all = || Scenario::value_variants().iter().copied().map(of);
    // The story ends with what could not be seen.
    scenario.map_or_else(|| all().sum::<usize>() + 1, of)
}

async fn play(tour: &Tour, options: &Options) -> Result<()> {
    tour.paragraph(&introduction(tour, options.scenario));
    let first_day = environment::first_day();
    let cast = |only| people::cast(only, first_day);
    let mut env = Environment::start(first_day, &|what| tour.progress(what)).await?;
    policy::write(&env).await?;
    let env = &mut env;
    match options.scenario {
        None => {
            let casting = cast(None);
            let company = onboarding::play(env, tour).await?;
            let people = rotation::play(env, tour, casting).await?;
            thief::play(env, tour, &people).await?;
            let office = compliance::set_up(env, &company).await?;
            compliance::play(env, tour, &office, &company.payments).await?;
            report::play(env, tour, &company.organization).await?;
            tour.scene(&END).await?;
            for shortcoming in SHORTCOMINGS {
                tour.line(&tour.screen.wrapped(&format!("• {shortcoming}"), 2));
            }
        }
        Some(Scenario::Onboarding) => drop(onboarding::play(env, tour).await?),
        Some(Scenario::Rotation) => drop(rotation::play(env, tour, cast(None)).await?),
        Some(Scenario::Thief) => {
            env.reach_last_day().await?;
            let people = People::settle(env, cast(Some(thief::OWNER))).await?;
            thief::play(env, tour, &people).await?;
        }
        Some(Scenario::Compliance) => {
            let company = Company::found(env).await?;
            let office = compliance::set_up(env, &company).await?;
            compliance::play(env, tour, &office, &company.payments).await?;
        }
        Some(Scenario::Report) => {
            let company = Company::found(env).await?;
            compliance::set_up(env, &company).await?;
            report::play(env, tour, &company.organization).await?;
        }
    }
    tour.clear();
    if options.keep {
        // What people try then follows the machine's clock.
        env.set_now(Timestamp::now().max(env.now)).await?;
        tour.line(&kept(env, options.scenario));
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn introduction(tour: &Tour, scenario: Option<Scenario>) -> String {
    let parts = match scenario {
        None => "onboarding, rotation, a thief, compliance and a report".to_owned(),
        Some(part) => format!("{part:?}, alone").to_lowercase(),
    };
    format!(
        "Banto, a tour in {} scenes: {parts}.\n\nThe functions are the real binaries, driven through the real Lambda Runtime API, before a local AWS and a local Slack. All of them follow a simulated clock that starts {DAYS} days ago; your machine's own clock is untouched, and no AWS account is needed.",
        tour.scenes()
    )
}

/// Commands to try on a demo that was left running.
fn kept(env: &Environment, scenario: Option<Scenario>) -> String {
    let has_accounts = "aws organizations list-accounts".to_owned();
    let has_keys = |of| {
        format!(
            "aws iam list-access-keys --user-name {of}\n  \
             aws secretsmanager get-secret-value --secret-id banto/access-keys/{of} \\\n      \
             --query SecretString --output text"
        )
    };
    let tries = match scenario {
        None => format!("{has_accounts}\n  {}", has_keys("alice")),
        Some(Scenario::Rotation) => has_keys("alice"),
        Some(Scenario::Thief) => has_keys(thief::OWNER),
        Some(Scenario::Onboarding | Scenario::Compliance | Scenario::Report) => has_accounts,
    };
    format!(
        "\nLeft running until Ctrl-C. Try, in another terminal:\n  \
         export AWS_ENDPOINT_URL={} AWS_DEFAULT_REGION={}\n  \
         export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any\n  \
         export BANTO_POLICY={}\n  {tries}",
        env.moto.endpoint(),
        environment::REGION,
        env.credentials.access_key_id,
        env.policy_path().display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_demo_knows_the_scenarios_that_there_are() {
        let known = Scenario::value_variants().iter();
        let known = known.filter_map(Scenario::to_possible_value);
        let known: Vec<String> = known.map(|name| name.get_name().to_owned()).collect();
        assert_eq!(known, banto_setup::SCENARIOS);
    }
}
