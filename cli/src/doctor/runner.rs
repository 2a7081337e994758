//! Acts out a probe: makes its calls, has them judged, and removes what was made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use banto_aws::Aws;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::made::{self, Made};
use super::probe::{Answer, Answers, Probe, Refused, Step, Verdict, Wait, value};

/// How often a step that waits is tried. Changes of IAM come within some ten seconds as a rule;
/// "almost immediately" is all that IAM's user guide promises.
const TRIES: usize = 40;
/// Between two tries.
pub(crate) const PAUSE: Duration = Duration::from_secs(2);
/// How often a call must be refused that is asked after rights were changed: ten seconds.
const STILL: usize = 5;

/// Makes a probe's calls.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) account: &'a str,
    /// Set by Ctrl-C: no call begins any more but those that remove.
    pub(crate) stop: &'a AtomicBool,
    pub(crate) tries: usize,
    pub(crate) pause: Duration,
}

/// A probe that was run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) verdict: Verdict,
    /// What couldn't be removed, and why.
    pub(crate) left: Vec<String>,
    /// What no transcript may show.
    pub(crate) secrets: BTreeSet<String>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(aws: &'a Aws, account: &'a str, stop: &'a AtomicBool) -> Self {
        Self {
            aws,
            account,
            stop,
            tries: TRIES,
            pause: PAUSE,
        }
    }

    /// Runs a probe under a name of its own. A call that was cut off may still have made
    /// something, so that everything is removed whose making was tried.
    pub(crate) async fn run(&self, probe: &Probe, name: &str) -> Ran {
        let mut answers = Answers::default();
        let mut made = Vec::new();
        let ended = self.steps(probe, name, &mut answers, &mut made).await;
        let verdict = match ended {
            Ok(()) => verdict(probe, &answers, self.stop.load(Ordering::Relaxed)),
            Err(why) => Verdict::Unclear(why),
        };
        let mut left = Vec::new();
        for (thing, is_sure) in made.iter().rev() {
            let removed = made::remove_again(self.aws, thing, *is_sure, self.pause).await;
            if let Err(refused) = removed {
                left.push(format!("{thing}: {} {}", refused.call, refused.code));
            }
        }
        Ran {
            verdict,
            left,
            secrets: secrets(&answers),
        }
    }

    async fn steps(
        &self,
        probe: &Probe,
        name: &str,
        answers: &mut Answers,
        made: &mut Vec<(Made, bool)>,
    ) -> Result<(), String> {
        for step in &probe.steps {
            if self.stop.load(Ordering::Relaxed) {
                return Err("ended before its last step".to_owned());
            }
            let fill = |text: &str| self.filled(text, name, answers);
            let arguments = strings(&step.arguments, &fill);
            let aws = match step.by {
                Some(by) => signed_as(self.aws, by, answers)?,
                None => self.aws.clone(),
            };
            // A key has no name of its own before it is made.
            let named = step.makes.map(|(kind, own)| (kind, fill(own)));
            if let Some((kind, own)) = named.clone().filter(|(_, own)| !own.contains("<<")) {
                made.push((Made { kind, name: own }, false));
            }
            let answer = self.ask(&aws, step, &arguments).await;
            let refused = answer.first().and_then(|answer| answer.as_ref().err());
            let refused = refused.filter(|refused| !step.may_be_refused && !is_ours(step, refused));
            let refused = refused.cloned();
            answers.0.insert(step.name, answer);
            if let Some((kind, own)) = step.makes.filter(|(_, own)| own.contains(':')) {
                let own = self.filled(own, name, answers);
                made.extend((!own.contains("<<")).then_some((Made { kind, name: own }, true)));
            } else if step.makes.is_some() && answers.is_yes(step.name) {
                made.last_mut().into_iter().for_each(|last| last.1 = true);
            }
            if let Some(refused) = refused {
                return Err(cut_short(&refused));
            }
        }
        Ok(())
    }

    async fn ask(&self, aws: &Aws, step: &Step, arguments: &Value) -> Vec<Answer> {
        let once = || async {
            let answer = aws.plain(step.call, step.region, arguments).await;
            answer.map_err(Refused::from)
        };
        if matches!(step.wait, Wait::Later) {
            tokio::time::sleep(self.pause).await;
        }
        let mut answer = join_all((0..step.copies).map(|_| once())).await;
        let tries = match step.wait {
            Wait::StillRefused => self.tries.min(STILL),
            _ => self.tries,
        };
        for _ in 1..tries {
            if is_there(step.wait, &answer) || self.stop.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(self.pause).await;
            answer = vec![once().await];
        }
        answer
    }

    /// A text with its variables filled in; those that aren't known stay.
    fn filled(&self, text: &str, name: &str, answers: &Answers) -> String {
        let mut parts = text.split("<<");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (variable, rest) = part.split_once(">>").unwrap_or((part, ""));
            let known = match variable.split_once(':') {
                None if variable == "name" => Some(name.to_owned()),
                None if variable == "account" => Some(self.account.to_owned()),
                None if variable == "region" => Some(self.aws.region().to_string()),
                None if variable == "location" => Some(location(&self.aws.region().to_string())),
                // Whole seconds, and the next one: a session of this second is older.
                None if variable == "now" => Some(next_second(Timestamp::now())),
                None => None,
                Some((step, place)) => value(answers.text(step), place),
            };
            filled += &known.unwrap_or_else(|| format!("<<{variable}>>"));
            filled += rest;
        }
        filled
    }
}

/// Judges answers that were all given: one that Ctrl-C cut off, or that a service did not really
/// give, says nothing about the fact. Nor does a denial of those who run the probe.
pub(crate) fn verdict(probe: &Probe, answers: &Answers, was_stopped: bool) -> Verdict {
    if was_stopped {
        return Verdict::Unclear("ended before its last answer".to_owned());
    }
    for step in &probe.steps {
        let mut refusals = answers
            .all(step.name)
            .iter()
            .filter_map(|a| a.as_ref().err());
        let is_own = step.by.is_none() && !step.may_be_denied;
        let spoils = |refused: &&Refused| refused.is_silent || is_own && refused.is_denial();
        if let Some(refused) = refusals.find(spoils) {
            return Verdict::Unclear(cut_short(refused));
        }
    }
    (probe.judge)(answers)
}

/// The body of CreateBucket: us-east-1 is no location, and is refused as one. (S3 API reference,
/// CreateBucket.)
pub(crate) fn location(region: &str) -> String {
    if region == "us-east-1" {
        return String::new();
    }
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
}

fn next_second(now: Timestamp) -> String {
    let next = Timestamp::from_second(now.as_second() + 1).unwrap_or(now);
    next.to_string()
}

/// True if a thing is there already: its name is random, so that an earlier try, whose answer was
/// lost, has made it.
fn is_ours(step: &Step, refused: &Refused) -> bool {
    let codes = [
        "EntityAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "ResourceInUseException",
    ];
    step.makes.is_some() && codes.contains(&refused.code.as_str())
}

fn is_there(wait: Wait, answer: &[Answer]) -> bool {
    match (wait, answer.first()) {
        (Wait::No | Wait::Later, _) => true,
        (Wait::Answered | Wait::StillRefused, Some(answer)) => answer.is_ok(),
        (Wait::Refused, Some(Err(refused))) => !refused.is_silent,
        (Wait::Until(is_there), Some(Ok(text))) => is_there(text),
        _ => false,
    }
}

/// The words for a probe that a refusal cut short: what is missing.
pub(crate) fn cut_short(refused: &Refused) -> String {
    let why = if refused.is_silent {
        "no answer"
    } else if refused.is_denial() {
        "these credentials may not"
    } else {
        "not set up, or not as expected"
    };
    format!(
        "{why}: {} answers {} {}",
        refused.call, refused.code, refused.words
    )
}

/// AWS as whoever a step's answer has credentials of.
fn signed_as(aws: &Aws, step: &str, answers: &Answers) -> Result<Aws, String> {
    let text = answers.text(step);
    let of = |name| value(text, name);
    let (Some(id), Some(secret)) = (of("AccessKeyId"), of("SecretAccessKey")) else {
        return Err(format!("no credentials came of the step {step}"));
    };
    Ok(aws.with_keys(&id, &secret, of("SessionToken").as_deref()))
}

fn secrets(answers: &Answers) -> BTreeSet<String> {
    let texts = answers.0.values().flatten().filter_map(|a| a.as_ref().ok());
    texts
        .flat_map(|text| {
            let of = |name| value(text, name);
            [of("SecretAccessKey"), of("SessionToken")]
        })
        .flatten()
        .collect()
}

/// The same JSON with its strings changed.
fn strings(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| strings(item, change)).collect(),
        Value::Object(fields) => {
            let changed = fields
                .iter()
                .map(|(name, item)| (name.clone(), strings(item, change)));
            Value::Object(changed.collect())
        }
        other => other.clone(),
    }
}
