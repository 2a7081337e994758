//! `banto replay`: an event through a function's own code, on this machine.

mod dry;
mod event;
mod readers;
mod replayed;
mod rotation;

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use banto_domain::policy::Policy;
use banto_lambda::event::Invoked;
use banto_lambda::{Invocation, InvocationError, LONGEST, Response};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use readers::Function;
use replayed::{Failed, Replayed, request_id};

use crate::ask;
use crate::ending::{Ending, misused, not_seen};
use crate::functions::{Means, notifier, onboarder, reporter, rotator};
use crate::keys::place;
use crate::output;
use crate::policy::PolicyFile;
use crate::progress::Spinner;
use crate::session::Where;
use crate::terminal::{Screen, Tone};

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The event's file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub event: PathBuf,
    /// The function, where several read the event.
    #[arg(long, value_enum)]
    pub function: Option<Function>,
    /// Looks and plans, and changes nothing and tells nobody.
    #[arg(long)]
    pub dry_run: bool,
    /// Stands for typing the account in which it acts.
    #[arg(long, value_name = "ACCOUNT")]
    pub confirm: Option<String>,
    /// Takes the rotator's role in the identity account.
    #[arg(long)]
    pub assume: bool,
    /// Prints one JSON document.
    #[arg(long)]
    pub json: bool,
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyFile,
    /// Credentials and region.
    #[command(flatten)]
    pub place: Where,
}

const EXAMPLES: &str = "\
Examples:
  banto replay event.json --dry-run
  aws sqs receive-message --queue-url URL | banto replay - --dry-run
  banto replay event.json --function notify-compliance

An event may come as the function got it (a request, an event of EventBridge, by
SNS or SQS), as a message that `aws sqs receive-message` printed (with
--attribute-names All it has its date), as what Lambda keeps of an invocation
that failed, or as a line of a log. Without --dry-run the function's code really
acts, with your credentials; the message stays in its queue. BANTO_LOG=info
shows the function's log.

Exit codes: 0 done, 1 the function failed or left something, 2 no function reads
the event, 3 could not look.";

/// Replays it.
///
/// # Errors
/// If the event can't be read, or the function can't be made ready.
pub async fn run(options: &Options) -> Result<Ending> {
    let text = text(options).map_err(misused)?;
    let found = event::find(&text).map_err(|error| misused(anyhow!(error)))?;
    let named = options.function;
    let function = named.map_or_else(|| readers::only(&found.event), Ok);
    let function = function.map_err(|error| misused(anyhow!(error)))?;
    let what = format!("{}: {} for it", function.name(), found.came_as);
    output::complain(&what);
    let policy = options.policy.read()?;
    let session = place(&policy, &options.place).connect().await?;
    banto_lambda::log_from("warn");
    let replayed = if options.dry_run {
        let means = Means::to_look(&session, options.assume)?;
        let _spinner = Spinner::saying("looking");
        let looked = looked(function, &found.event, &means, &policy).await;
        looked.map_err(not_seen)?
    } else {
        let question = format!(
            "{} acts for real: in AWS as {}, and towards people.",
            function.name(),
            session.arn
        );
        let given = options.confirm.as_deref();
        if !ask::typed(&question, session.account.as_str(), given, "--confirm")? {
            output::complain("Nothing was done.");
            return Ok(Ending::FINDINGS);
        }
        let means = Means::to_act(&session, options.assume)?;
        let _spinner = Spinner::saying("at work");
        acted(function, &found.event, &means, &policy).await?
    };
    if options.json {
        output::line(&format!("{:#}", as_json(&replayed)));
    } else {
        output::line(&shown(&replayed, options.dry_run, &Screen::of_output()));
    }
    Ok(ending(&replayed, options.dry_run))
}

fn text(options: &Options) -> Result<String> {
    if options.event.as_os_str() == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.context("standard input can't be read")?;
        return Ok(text);
    }
    let text = std::fs::read_to_string(&options.event);
    text.with_context(|| format!("can't read {}", options.event.display()))
}

/// Has the function look, and do nothing.
async fn looked(
    function: Function,
    event: &Value,
    means: &Means,
    policy: &Policy,
) -> Result<Replayed> {
    if function == Function::RotateAccessKeys {
        return rotation::looked(event, means, policy).await;
    }
    let mut answers = Vec::new();
    let requests = dry::requests(function, event).map_err(|error| misused(anyhow!(error)))?;
    for request in requests {
        answers.push(match request {
            Ok(request) => handled(function, &request, means, policy, "dry-run").await?,
            Err(words) => Ok(json!({ "wouldDo": words })),
        });
    }
    Ok(Replayed {
        answers,
        messages: means.told.messages(),
        plans: None,
    })
}

/// Has the function act.
async fn acted(
    function: Function,
    event: &Value,
    means: &Means,
    policy: &Policy,
) -> Result<Replayed> {
    let mut answers = Vec::new();
    for (id, event) in pieces(function, event, means.clock.now())? {
        answers.push(handled(function, &event, means, policy, &id).await?);
    }
    Ok(Replayed {
        answers,
        messages: means.told.messages(),
        plans: None,
    })
}

/// The events that a function is handed, each with the id of what brought it. A message of
/// notify-compliance's counts by its queue, which a copy does not name; as an invocation each does.
/// The others keep a message's id and date, by which a request is told from all others.
fn pieces(function: Function, event: &Value, now: Timestamp) -> Result<Vec<(String, Value)>> {
    let whole = || vec![(request_id(now), event.clone())];
    if function != Function::NotifyCompliance {
        return Ok(whole());
    }
    let bytes = event.to_string().into_bytes();
    let decoded = notify_compliance::event::decode(&bytes);
    let decoded = decoded.map_err(|error| misused(anyhow!("{error}")))?;
    let Invoked::Batch(records) = decoded else {
        return Ok(whole());
    };
    let mut pieces = Vec::new();
    for record in records {
        let body = serde_json::from_str(&record.body);
        let body = body.with_context(|| format!("the message {} is not JSON", record.id))?;
        pieces.push((record.id, body));
    }
    Ok(pieces)
}

/// The function's own answer to an event.
async fn handled(
    function: Function,
    event: &Value,
    means: &Means,
    policy: &Policy,
    id: &str,
) -> Result<Result<Value, Failed>> {
    let invocation = Invocation::by_hand(id, LONGEST)?;
    let bytes = event.to_string().into_bytes();
    let answer = match function {
        Function::RotateAccessKeys => {
            let rotator = rotator(means, policy)?;
            rotator.handle(&bytes, &invocation).await
        }
        Function::OnboardAccounts => {
            let onboarder = onboarder(means, policy)?;
            onboarder.handle(&bytes, &invocation).await
        }
        Function::NotifyCompliance => {
            let notifier = notifier(means, policy)?;
            notifier.handle(&bytes, &invocation).await
        }
        Function::ReportCompliance => {
            let reporter = reporter(means, policy)?;
            reporter.handle(&bytes, &invocation).await
        }
    };
    Ok(body(answer))
}

fn body(answer: Result<Response, InvocationError>) -> Result<Value, Failed> {
    match answer {
        Ok(response) => Ok(response.body),
        Err(error) => Err(Failed::of(&error)),
    }
}

/// A failure, or records that would come again. A dry run only looks: where each answer is that the
/// function could not, nothing was looked at.
fn ending(replayed: &Replayed, is_dry: bool) -> Ending {
    let mut answers = replayed.answers.iter();
    let is_blind = |answer: &Result<Value, Failed>| {
        let failed = answer.as_ref().err();
        failed.is_some_and(|failed| failed.is_blind)
    };
    if is_dry && !replayed.answers.is_empty() && answers.all(is_blind) {
        return Ending::BLIND;
    }
    let is_left = |answer: &Result<Value, Failed>| match answer {
        Err(_) => true,
        Ok(body) => {
            let back = body.get("batchItemFailures").and_then(Value::as_array);
            back.is_some_and(|back| !back.is_empty())
        }
    };
    if replayed.answers.iter().any(is_left) {
        Ending::FINDINGS
    } else {
        Ending::Done
    }
}

/// The answers and the messages, for people.
pub(crate) fn shown(replayed: &Replayed, is_dry: bool, screen: &Screen) -> String {
    let mut parts = Vec::new();
    parts.extend(replayed.plans.clone());
    for answer in &replayed.answers {
        match answer {
            Ok(_) if replayed.plans.is_some() => {}
            Ok(body) => parts.push(format!("The function answers:\n{}", cut(body))),
            Err(failed) => {
                let text = screen.wrapped(&format!("The function fails: {}", failed.words), 2);
                parts.push(screen.paint(Tone::Bad, &text));
            }
        }
    }
    let (told, nobody) = if is_dry {
        ("Would be told", "Nobody would be told.")
    } else {
        ("Told", "Nobody was told.")
    };
    if replayed.messages.is_empty() {
        parts.push(nobody.to_owned());
    }
    for message in &replayed.messages {
        let head = screen.wrapped(&format!("{told}, {}:", message.to), 2);
        let text: Vec<String> = message
            .text
            .lines()
            .map(|line| screen.wrapped(line, 2))
            .collect();
        parts.push(format!(
            "{}\n{}",
            screen.paint(Tone::Strong, &head),
            text.join("\n")
        ));
    }
    parts.join("\n\n")
}

/// Most lines of an answer that are shown: a few screens. An answer may have 1,000 findings.
const SHOWN_LINES: usize = 100;

/// An answer as far as people read it.
fn cut(body: &Value) -> String {
    let text = format!("{body:#}");
    let mut lines = text.lines();
    let shown = lines.by_ref().take(SHOWN_LINES).collect::<Vec<_>>();
    let mut shown = shown.join("\n");
    let left = lines.count();
    if left > 0 {
        shown.push_str(&format!("\nand {left} more lines, which --json has"));
    }
    shown
}

fn as_json(replayed: &Replayed) -> Value {
    let answers: Vec<Value> = replayed
        .answers
        .iter()
        .map(|answer| match answer {
            Ok(body) => json!({ "response": body }),
            Err(failed) => json!({ "error": failed.words }),
        })
        .collect();
    let messages: Vec<Value> = replayed
        .messages
        .iter()
        .map(|message| json!({ "to": message.to, "text": message.text }))
        .collect();
    json!({ "answers": answers, "messages": messages })
}

#[cfg(test)]
mod tests {
    use banto_ports::{ErrorKind, PortError};

    use super::*;
    use crate::expected;
    use crate::functions::Message;

    #[test]
    fn answers_failures_and_messages_are_shown() {
        let replayed = Replayed {
            answers: vec![
                Ok(json!({ "batchItemFailures": [] })),
                Err(Failed {
                    words: "NothingSeen: The account could not be looked at: iam:ListUsers: denied"
                        .to_owned(),
                    is_blind: true,
                }),
            ],
            messages: vec![Message {
                to: "topic arn:aws:sns:eu-west-1:111122223333:owners".to_owned(),
                text: "A new access key is ready for you\n\nIt replaces AKIAIOSFODNN7EXAMPLE, \
                       which works on until the new one was used for the first time."
                    .to_owned(),
            }],
            plans: None,
        };
        expected::holds("replay/shown", |screen| shown(&replayed, false, screen));
        assert_eq!(ending(&replayed, false), Ending::FINDINGS);
    }

    #[test]
    fn messages_that_would_come_again_are_an_end_of_their_own() {
        let replayed = |back: Value| Replayed {
            answers: vec![Ok(json!({ "batchItemFailures": back }))],
            messages: Vec::new(),
            plans: None,
        };
        assert_eq!(ending(&replayed(json!([])), false), Ending::Done);
        let back = json!([{ "itemIdentifier": "1" }]);
        assert_eq!(ending(&replayed(back), false), Ending::FINDINGS);
    }

    #[test]
    fn a_dry_run_that_could_look_at_nothing_is_blind_and_one_that_lacks_something_is_a_finding() {
        let replayed = |answers| Replayed {
            answers,
            messages: Vec::new(),
            plans: None,
        };
        let failed = |kind| {
            let error = PortError::new(kind, "organizations:ListAccounts", "no");
            body(Err(InvocationError::new("OrganizationUnreachable", error)))
        };
        let denied = || failed(ErrorKind::Denied);
        let nothing = replayed(vec![denied(), failed(ErrorKind::Unavailable)]);
        assert_eq!(ending(&nothing, true), Ending::BLIND);
        assert_eq!(ending(&nothing, false), Ending::FINDINGS);
        let some = replayed(vec![denied(), Ok(json!({}))]);
        assert_eq!(ending(&some, true), Ending::FINDINGS);
        // What it saw can't be read, or it was asked for what it does not know.
        let unknown = anyhow!("no account 999988887777");
        for other in [
            failed(ErrorKind::Unreadable),
            body(Err(InvocationError::new("UnknownAccount", unknown))),
        ] {
            let seen = replayed(vec![denied(), other]);
            assert_eq!(ending(&seen, true), Ending::FINDINGS);
        }
        assert_eq!(ending(&replayed(Vec::new()), true), Ending::Done);
    }

    #[test]
    fn an_event_that_is_replayed_again_is_a_request_of_its_own() {
        let emergency = json!({ "users": ["alice"], "mode": "emergency" });
        let ids = ["2026-06-01T01:00:00Z", "2026-06-01T01:00:00.001Z"].map(|now| {
            let now = now.parse().unwrap();
            let pieces = pieces(Function::RotateAccessKeys, &emergency, now).unwrap();
            assert_eq!(pieces[0].1, emergency);
            pieces[0].0.clone()
        });
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn an_answer_of_a_thousand_findings_is_cut_and_the_rest_is_counted() {
        let findings = vec!["a finding of one of a thousand accounts"; 1000];
        let body = json!({ "findings": findings });
        let text = cut(&body);
        assert_eq!(text.lines().count(), SHOWN_LINES + 1);
        assert!(
            text.ends_with("and 904 more lines, which --json has"),
            "{text}"
        );
    }
}
