//! Who takes part: a user in each part of a key's life, with real certificates.

use std::collections::BTreeMap;
use std::thread;

use anyhow::{Context as _, Result};
use banto_ports::MemberState;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::environment::Environment;
use super::policy;
use crate::local::aws::{AccessKey, Aws};

/// Everyone in the demo.
pub(super) struct People(Vec<Person>);

/// A user.
pub(super) struct Person {
    pub(super) name: &'static str,
    /// Their situation, in a few words.
    pub(super) story: &'static str,
    /// Their certificate and its secret key.
    pub(super) holder: Option<Holder>,
}

/// A user's beginning.
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

/// The cast with their certificates, which are still being made.
pub(super) struct Casting(oneshot::Receiver<Result<Cast>>);

type Cast = Vec<(Beginning, Option<Holder>)>;

/// Begins to make the certificates of everyone, or of one. It takes seconds to find an RSA key, so
/// that it is done beside all else: by a thread that nobody waits for once the demo ends.
pub(super) fn cast(only: Option<&'static str>, first_day: Timestamp) -> Casting {
    let (made, casting) = oneshot::channel();
    thread::spawn(move || {
        let everyone = beginnings().into_iter();
        let wanted = everyone.filter(|beginning| only.is_none_or(|only| only == beginning.name));
        let cast = wanted.map(|beginning| {
            let certificate = beginning.certificate.as_ref();
            let holder = certificate
                .map(|(kind, expiry)| certificate_of(beginning.name, *kind, expiry, first_day));
            Ok((beginning, holder.transpose()?))
        });
        drop(made.send(cast.collect()));
    });
    Casting(casting)
}

/// The names of everyone, by their ids in Slack.
pub(super) fn slack_names() -> BTreeMap<String, String> {
    let names = beginnings().into_iter();
    names
        .map(|beginning| (member_id(beginning.name), beginning.name.to_owned()))
        .collect()
}

impl People {
    /// Creates everyone who was cast, each key on the day that its age asks for.
    pub(super) async fn settle(env: &mut Environment, casting: Casting) -> Result<Self> {
        let (aws, now) = (env.aws.clone(), env.now);
        let cast = casting.0.await.context("nobody was cast")??;
        // Certificates that were registered long enough ago, so that nobody need vouch for them.
        env.set_now(env.first_day - days(30)).await?;
        let mut people = Vec::new();
        let mut births: Vec<(i64, &'static str)> = Vec::new();
        for (beginning, holder) in cast {
            let slack = member_id(beginning.name);
            // Nobody reads what a machine is sent, so that it goes to the owners' channel.
            let state = match beginning.path {
                "/" => MemberState::Active,
                _ => MemberState::Bot,
            };
            env.slack.set_member(&slack, state);
            let mut tags = vec![("banto:slack", slack.as_str())];
            if let Some(holder) = &holder {
                let object = format!("certs/{}.asc", beginning.name);
                let certificate = holder.certificate()?;
                aws.put_object(policy::CERTIFICATES, &object, certificate)
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
        env.set_now(now).await?;
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

fn certificate_of(name: &str, kind: Kind, expiry: &Expiry, first_day: Timestamp) -> Result<Holder> {
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

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}
