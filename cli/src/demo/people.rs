//! Who takes part: a user in each part of a key's life, with real certificates.

use anyhow::{Context as _, Result};
use banto_ports::MemberState;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::{SignedDuration, Timestamp};

use super::environment::{ACCOUNT, Environment};
use crate::local::aws::{AccessKey, Aws};
use crate::local::slack::TOKEN;

const BUCKET: &str = "banto-certificates-111122223333";

/// Everyone in the demo.
pub(super) struct People(Vec<Person>);

/// A user.
pub(super) struct Person {
    pub(super) name: &'static str,
    /// What is special about them, in a few words.
    pub(super) story: &'static str,
    /// Their certificate and its secret key.
    pub(super) holder: Option<Holder>,
}

/// How a user begins.
struct Beginning {
    name: &'static str,
    story: &'static str,
    path: &'static str,
    /// The ages of their keys, in days.
    keys: &'static [i64],
    certificate: Option<(Kind, Expiry)>,
}

enum Expiry {
    Never,
    /// Days before the first run.
    Expired(i64),
}

fn beginnings() -> Vec<Beginning> {
    let person = |name, story, keys, certificate| Beginning {
        name,
        story,
        path: "/",
        keys,
        certificate,
    };
    let curve = || Some((Kind::Curve25519, Expiry::Never));
    vec![
        person("alice", "key of 95 days", &[95], curve()),
        person(
            "bob",
            "key of 120 days, RSA; never fetches",
            &[120],
            Some((Kind::Rsa3072, Expiry::Never)),
        ),
        person(
            "carol",
            "key of 100 days; certificate expired",
            &[100],
            Some((Kind::Curve25519, Expiry::Expired(30))),
        ),
        person("dave", "key of 91 days; registered nothing", &[91], None),
        person(
            "erin",
            "key of 70 days, so not due for long",
            &[70],
            Some((Kind::NistP256, Expiry::Never)),
        ),
        person("frank", "key of 200 days; exempt", &[200], curve()),
        person(
            "grace",
            "two keys that Banto did not make",
            &[100, 50],
            curve(),
        ),
        person(
            "heidi",
            "key of 10 days; will be stolen",
            &[10],
            Some((Kind::Curve25519V6, Expiry::Never)),
        ),
        Beginning {
            path: "/machines/",
            ..person("robot", "a machine with a pace of its own", &[200], curve())
        },
    ]
}

impl People {
    /// Creates everyone, each key on the day that its age asks for, and everything else there is.
    pub(super) async fn settle(env: &mut Environment, progress: &dyn Fn(&str)) -> Result<Self> {
        let aws = env.aws.clone();
        aws.create_bucket(BUCKET).await?;
        aws.create_denial_of_sessions().await?;
        let operators = aws.create_topic("banto-operators").await?;
        let owners = aws.create_topic("banto-owners").await?;
        let operators_hook = aws
            .create_secret("banto/slack/operators", &env.slack.webhook("operators"))
            .await?;
        let owners_hook = aws
            .create_secret("banto/slack/owners", &env.slack.webhook("developers"))
            .await?;
        // Another secret than the second act's, which makes its own.
        let token = aws
            .create_secret("banto/slack/rotation-token", TOKEN)
            .await?;
        let frank_until = (env.first_day + days(90)).strftime("%F").to_string();
        let policy = policy(
            &[&operators, &owners, &operators_hook, &owners_hook, &token],
            &frank_until,
        );
        std::fs::write(env.policy_path(), policy).context("can't write the policy")?;

        // Certificates that were registered long enough ago, so that nobody need vouch for them.
        env.set_now(env.first_day - days(30)).await?;
        let mut people = Vec::new();
        let mut births: Vec<(i64, &'static str)> = Vec::new();
        for beginning in beginnings() {
            progress(&format!("making {}'s certificate and key", beginning.name));
            let holder = beginning
                .certificate
                .map(|(kind, expiry)| certificate(beginning.name, kind, &expiry, env.first_day));
            let holder = holder.transpose()?;
            let slack = member_id(beginning.name);
            // Nobody reads what a machine is sent, so that it goes to the owners' channel.
            let state = match beginning.path {
                "/" => MemberState::Active,
                _ => MemberState::Bot,
            };
            env.slack.set_member(&slack, state);
            let mut tags = vec![("banto:slack", slack.as_str())];
            if let Some(holder) = &holder {
                aws.put_object(
                    BUCKET,
                    &format!("certs/{}.asc", beginning.name),
                    holder.certificate()?,
                )
                .await?;
                tags.push(("banto:openpgp", holder.fingerprint().as_str()));
            }
            aws.create_user(beginning.name, beginning.path, &tags)
                .await?;
            births.extend(beginning.keys.iter().map(|age| (*age, beginning.name)));
            people.push(Person {
                name: beginning.name,
                story: beginning.story,
                holder,
            });
        }
        // The local AWS's clock goes through the past, oldest key first.
        births.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
        for (age, name) in births {
            env.set_now(env.first_day - days(age)).await?;
            aws.create_access_key(name).await?;
        }
        env.set_now(env.first_day).await?;
        Ok(Self(people))
    }

    /// Everyone.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter()
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Result<&Person> {
        self.iter()
            .find(|person| person.name == name)
            .with_context(|| format!("there is no {name}"))
    }

    /// The keys that everyone has now.
    pub(super) async fn look(&self, aws: &Aws) -> Result<Vec<Vec<AccessKey>>> {
        let mut keys = Vec::new();
        for person in self.iter() {
            keys.push(aws.access_keys(person.name).await?);
        }
        Ok(keys)
    }
}

fn certificate(name: &str, kind: Kind, expiry: &Expiry, first_day: Timestamp) -> Result<Holder> {
    let until = match expiry {
        Expiry::Never => None,
        Expiry::Expired(ago) => Some(first_day - days(*ago)),
    };
    let lifetime = Lifetime {
        from: first_day - days(400),
        until,
    };
    Ok(Holder::generate(
        &format!("{name} <{name}@example.com>"),
        kind,
        lifetime,
    )?)
}

/// An id as Slack gives them.
fn member_id(name: &str) -> String {
    format!("U0{:0<8}", name.to_uppercase())
}

fn policy(arns: &[&str; 5], frank_until: &str) -> String {
    let [operators, owners, operators_hook, owners_hook, token] = arns;
    format!(
        r#"[rotation]
rotate_after_days = 90
warn_before_days = 7
grace_days = 1
deadline_days = 14
remind_before_days = [2]
recovery_days = 10

[rotation.machines]
who = [{{ path = "/machines/" }}]
rotate_after_days = 365

[[rotation.accounts]]
id = "{ACCOUNT}"
role = "arn:aws:iam::{ACCOUNT}:role/banto/rotate-access-keys"
assume = false
certificate_bucket = "{BUCKET}"

[[rotation.exemptions]]
user = "frank"
until = {frank_until}
reason = "on leave; his key is parked"

[notices]
operators_topic = "{operators}"
owners_topic = "{owners}"

[notices.slack]
operators = "{operators_hook}"
owners = "{owners_hook}"
token = "{token}"
"#
    )
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}
