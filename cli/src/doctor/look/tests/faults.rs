//! A fault for each thing that is looked at: the call that shows it, and what it answers.

mod functions;
mod identity;
mod management;
mod messages;
mod queues;
mod recorders;

use serde_json::{Value, json};

use super::super::check::{Ask, Level, Topic};
use super::LOG_ARCHIVE;
use super::healthy::points;
use crate::doctor::probe::{Answer, Refused};

pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) account: &'static str,
    /// The call.
    call: &'static str,
    /// What its arguments hold.
    about: &'static str,
    pub(super) answer: Answer,
    pub(super) topic: Topic,
    pub(super) level: Level,
}

impl Fault {
    pub(super) fn strikes(&self, ask: &Ask) -> bool {
        ask.call == self.call && format!("{:?}", ask.whom).contains(self.about)
    }
}

pub(super) fn refused(call: &'static str, code: &str) -> Refused {
    Refused {
        call,
        code: code.to_owned(),
        words: String::new(),
        is_silent: code == "Throttling",
    }
}

pub(super) fn faults() -> Vec<Fault> {
    let all = [
        management::of_management(),
        recorders::of_recorders(),
        queues::of_queues(),
        functions::of_functions(),
        messages::of_secrets(),
        messages::of_slack(),
        messages::of_mail_and_topics(),
        identity::of_identity(),
    ];
    all.into_iter().flatten().collect()
}

type Seen = (&'static str, &'static str, Result<Value, &'static str>);

fn fault(
    name: &'static str,
    account: &'static str,
    (call, about, answer): Seen,
    topic: Topic,
    level: Level,
) -> Fault {
    // XML comes as a text.
    let text = |answer: Value| {
        answer
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_owned)
    };
    Fault {
        name,
        account,
        call,
        about,
        answer: answer.map(text).map_err(|code| refused(call, code)),
        topic,
        level,
    }
}

/// The age of dead letters, which comes from CloudWatch.
#[test]
fn the_oldest_dead_letter_has_its_date() {
    let policy = super::policy();
    let here = super::here(&policy, LOG_ARCHIVE);
    let all = faults();
    let dead = all
        .iter()
        .find(|fault| fault.name == "dead-letters")
        .unwrap();
    let findings = super::found(&here, |ask| {
        let is_age = format!("{:?}", ask.whom).contains("ApproximateAgeOfOldestMessage");
        match ask.call {
            _ if dead.strikes(ask) => dead.answer.clone(),
            "cloudwatch:GetMetricStatistics" if is_age => Ok(points("Maximum", "345600.0")),
            _ => Ok(super::healthy(ask)),
        }
    });
    let told = findings
        .iter()
        .find(|finding| finding.said.level == Level::Error);
    assert_eq!(
        told.unwrap().said.words,
        "3 messages, the oldest of 4 days ago (23 Nov 2026)"
    );
}

#[test]
fn dead_letters_are_sent_back_only_once_their_queue_names_their_own() {
    let policy = super::policy();
    let here = super::here(&policy, LOG_ARCHIVE);
    let arn = |name: &str| format!("arn:aws:sqs:ap-northeast-1:{LOG_ARCHIVE}:{name}");
    let source = |dead: &str| {
        let redrive = json!({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 5});
        let attributes =
            json!({"ApproximateNumberOfMessages": "0", "RedrivePolicy": redrive.to_string()});
        Ok(json!({"Attributes": attributes}).to_string())
    };
    let denied = Err(refused("sqs:GetQueueAttributes", "AccessDenied"));
    for (source, is_mended_first) in [
        (source("banto-deliveries-dead"), false),
        (source("somebody-elses"), true),
        (
            Err(refused("sqs:GetQueueAttributes", "QueueDoesNotExist")),
            true,
        ),
        // Whoever may not look at it is not told that it is wrong.
        (denied, false),
    ] {
        let findings = super::found(&here, |ask| match format!("{:?}", ask.whom) {
            whom if whom.contains("/banto-deliveries-dead\"") && ask.call.starts_with("sqs:") => {
                Ok(json!({"Attributes": {"ApproximateNumberOfMessages": "3"}}).to_string())
            }
            whom if whom.contains("/banto-deliveries\"") && ask.call.starts_with("sqs:") => {
                source.clone()
            }
            _ => Ok(super::healthy(ask)),
        });
        let own = |finding: &&super::Finding| finding.what.ends_with("banto-deliveries-dead");
        let steps = findings.iter().find(own).unwrap().said.to_do.join("\n");
        let first = "apply the module notify-compliance: banto-deliveries does not name";
        assert_eq!(steps.contains(first), is_mended_first, "{steps}");
        let again = format!(
            "aws sqs start-message-move-task --source-arn {}",
            arn("banto-deliveries-dead")
        );
        assert!(steps.contains(&again), "{steps}");
    }
}
