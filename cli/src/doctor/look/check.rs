//! What is looked at, as data: the calls, and a pure function that says what their answers mean.

use banto_domain::SecretArn;
use jiff::Timestamp;
use serde_json::Value;

use super::origin::Origin;
use crate::doctor::probe::{Answer, Refused};

/// What a thing that is looked at belongs to, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Credentials,
    TrustedAccess,
    StackSets,
    Recorders,
    Rules,
    Queues,
    Functions,
    Alarms,
    Storage,
    Secrets,
    Slack,
    Mail,
    Subscriptions,
    Certificates,
    Pipeline,
}

/// What a look came to, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Fine,
    /// Somebody may want to know it, and need do nothing.
    Note,
    /// It could not be looked at.
    Blind,
    Warning,
    Error,
}

/// The beginning of a command for other credentials than those of this run: it is printed without
/// their profile.
pub(super) const OTHERS: &str = "$ @ ";

/// What a judge says of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) level: Level,
    pub(super) words: String,
    /// Steps that mend it. One that begins with `$ ` is a command, and one that begins with
    /// [`OTHERS`] is a command for other credentials.
    pub(super) to_do: Vec<String>,
    /// True if there is no such thing at all.
    pub(super) is_absent: bool,
}

/// What was said, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) topic: Topic,
    pub(super) what: String,
    pub(super) said: Said,
}

/// Whom a call asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Whom {
    Aws {
        region: Option<String>,
        arguments: Value,
        /// The pointer to an answer's token for the next page, and the argument that takes it.
        pages: Option<(&'static str, &'static str)>,
    },
    /// Slack, by the bot token in this secret, with these arguments.
    Slack(SecretArn, String),
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) call: &'static str,
    pub(super) whom: Whom,
    /// True if the answer may be that there is no such thing. The judge reads an empty text then.
    pub(super) may_be_missing: bool,
    /// True if the judge can do without it: it reads [`UNSEEN`] and the error's code then.
    pub(super) may_be_unseen: bool,
}

/// Begins what a judge reads instead of an answer that was refused. No answer begins like this.
pub(super) const UNSEEN: &str = "\0";

/// Says what answers mean.
pub(super) type Judge = Box<dyn Fn(&[String]) -> Vec<Said> + Send + Sync>;

/// Further calls, which the first answers lead to.
pub(super) type More = Box<dyn Fn(&[String]) -> Vec<Ask> + Send + Sync>;

/// Something to look at.
pub(super) struct Check {
    pub(super) topic: Topic,
    pub(super) what: String,
    pub(super) asks: Vec<Ask>,
    pub(super) more: Option<More>,
    pub(super) judge: Judge,
    /// Where the thing comes from, if a module makes it.
    pub(super) origin: Option<Origin>,
    /// True of what only its own region knows.
    pub(super) is_regional: bool,
}

impl Topic {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Credentials => "Credentials",
            Self::TrustedAccess => "Trusted access",
            Self::StackSets => "StackSets",
            Self::Recorders => "Recorders and delivery",
            Self::Rules => "Rules",
            Self::Queues => "Queues and dead letters",
            Self::Functions => "Functions and schedules",
            Self::Alarms => "Alarms",
            Self::Storage => "Tables and buckets",
            Self::Secrets => "Secrets",
            Self::Slack => "Slack",
            Self::Mail => "Mail",
            Self::Subscriptions => "Subscriptions",
            Self::Certificates => "Certificates",
            Self::Pipeline => "Pipeline",
        }
    }
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Blind => "not seen",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Said {
    fn of(level: Level, words: impl Into<String>, to_do: &[&str]) -> Self {
        let to_do = to_do.iter().map(|step| (*step).to_owned()).collect();
        let words = words.into();
        Self {
            level,
            words,
            to_do,
            is_absent: false,
        }
    }

    pub(super) fn fine(words: impl Into<String>) -> Self {
        Self::of(Level::Fine, words, &[])
    }

    pub(super) fn note(words: impl Into<String>, to_do: &[&str]) -> Self {
        Self::of(Level::Note, words, to_do)
    }

    pub(super) fn blind(words: impl Into<String>, to_do: &[&str]) -> Self {
        Self::of(Level::Blind, words, to_do)
    }

    pub(super) fn warning(words: impl Into<String>, to_do: &[&str]) -> Self {
        Self::of(Level::Warning, words, to_do)
    }

    pub(super) fn error(words: impl Into<String>, to_do: &[&str]) -> Self {
        Self::of(Level::Error, words, to_do)
    }

    /// An error: there is no such thing, and what makes it.
    pub(super) fn absent(words: impl Into<String>, origin: Option<Origin>) -> Self {
        let [name, apply, command] = match origin {
            Some(origin) => origin.steps(),
            None => return Self::error(words, &["docs/DEPLOY.md says what makes it"]),
        };
        Self {
            is_absent: true,
            ..Self::error(words, &[&name, &apply, &command])
        }
    }

    /// The same, mended by applying a module.
    pub(super) fn applied(self, origin: Origin) -> Self {
        let [words, command] = origin.apply();
        self.then(&[&words, &command])
    }

    /// The same with further steps.
    pub(super) fn then(mut self, steps: &[&str]) -> Self {
        self.to_do
            .extend(steps.iter().map(|step| (*step).to_owned()));
        self
    }
}

impl Ask {
    /// A call of AWS, in the words of a policy.
    pub(super) fn aws(call: &'static str, arguments: Value) -> Self {
        let whom = Whom::Aws {
            region: None,
            arguments,
            pages: None,
        };
        Self {
            call,
            whom,
            may_be_missing: false,
            may_be_unseen: false,
        }
    }

    pub(super) fn in_region(mut self, name: &str) -> Self {
        if let Whom::Aws { region, .. } = &mut self.whom {
            *region = Some(name.to_owned());
        }
        self
    }

    /// The same, and the pages after the first one.
    pub(super) fn all_pages(mut self, pointer: &'static str, argument: &'static str) -> Self {
        if let Whom::Aws { pages, .. } = &mut self.whom {
            *pages = Some((pointer, argument));
        }
        self
    }

    pub(super) fn or_missing(self) -> Self {
        Self {
            may_be_missing: true,
            ..self
        }
    }

    pub(super) fn or_unseen(self) -> Self {
        Self {
            may_be_unseen: true,
            ..self
        }
    }
}

impl Check {
    pub(super) fn new(
        topic: Topic,
        what: impl Into<String>,
        asks: Vec<Ask>,
        judge: impl Fn(&[String]) -> Vec<Said> + Send + Sync + 'static,
    ) -> Self {
        Self {
            topic,
            what: what.into(),
            asks,
            more: None,
            judge: Box::new(judge),
            origin: None,
            is_regional: true,
        }
    }

    /// The same, of a thing that a module makes.
    pub(super) fn made_by(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// The same, of a thing whose name is known in all regions.
    pub(super) fn everywhere(self) -> Self {
        Self {
            is_regional: false,
            ..self
        }
    }

    /// The same, with calls that follow from the first answers.
    pub(super) fn and_then(
        self,
        more: impl Fn(&[String]) -> Vec<Ask> + Send + Sync + 'static,
    ) -> Self {
        let more: More = Box::new(more);
        Self {
            more: Some(more),
            ..self
        }
    }

    /// The calls that follow from the first answers.
    pub(super) fn further(&self, answers: &[Answer]) -> Vec<Ask> {
        match (&self.more, texts(&self.asks, answers, None)) {
            (Some(more), Ok(texts)) => more(&texts),
            _ => Vec::new(),
        }
    }

    /// Decides what the answers of `asks` mean. A refusal comes before all else.
    pub(super) fn judged(&self, asks: &[Ask], answers: &[Answer]) -> Vec<Finding> {
        let said = match texts(asks, answers, self.origin) {
            Ok(texts) => (self.judge)(&texts),
            Err(said) => vec![said],
        };
        let finding = |said| Finding {
            topic: self.topic,
            what: self.what.clone(),
            said,
        };
        said.into_iter().map(finding).collect()
    }
}

/// The answers' texts, or what the first refusal means.
fn texts(asks: &[Ask], answers: &[Answer], origin: Option<Origin>) -> Result<Vec<String>, Said> {
    let pairs = asks.iter().zip(answers);
    pairs
        .map(|(ask, answer)| match answer {
            Ok(text) => Ok(text.clone()),
            Err(refused) if is_missing(refused) && ask.may_be_missing => Ok(String::new()),
            Err(refused) if ask.may_be_unseen => Ok(format!("{UNSEEN}{}", refused.code)),
            // The secret is a finding of its own.
            Err(refused) if is_missing(refused) && matches!(ask.whom, Whom::Slack(..)) => {
                Err(Said::blind(
                    "the secret of its token is not there",
                    &["mend the secret, then look again"],
                ))
            }
            Err(refused) => Err(of_refusal(refused, origin)),
        })
        .collect()
}

fn of_refusal(refused: &Refused, origin: Option<Origin>) -> Said {
    if is_missing(refused) {
        return Said::absent("is not there", origin);
    }
    // S3 says so of a bucket of another region. (S3 API reference, "Error responses".)
    if refused.code == "PermanentRedirect" {
        return Said::fine("is there, in another region");
    }
    let words = format!("{} was refused: {}", refused.call, refused.code);
    if refused.is_denial() {
        let allow = format!("allow {} to these credentials", refused.call);
        Said::blind(words, &[&allow])
    } else if refused.is_silent {
        Said::blind(words, &["look again in a minute"])
    } else {
        Said::blind(words, &[refused.words.as_str()])
    }
}

fn is_missing(refused: &Refused) -> bool {
    let code = refused.code.as_str();
    code.starts_with("NoSuch")
        || code.contains("NonExistentQueue")
        || code.contains("QueueDoesNotExist")
        || code.starts_with("ResourceNotFound")
        || code.starts_with("NotFound")
        || code == "StackSetNotFoundException"
        || code == "missing"
}

/// The JSON documents of an answer: one for each page.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let stream = serde_json::Deserializer::from_str(text).into_iter();
    stream.map_while(Result::ok).collect()
}

/// The elements of a list that every page has, by JSON pointer.
pub(super) fn items(text: &str, pointer: &str) -> Vec<Value> {
    let pages = documents(text);
    let lists = pages
        .iter()
        .filter_map(|page| page.pointer(pointer)?.as_array());
    lists.flatten().cloned().collect()
}

/// A text within a value; empty, if there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// A moment as CloudWatch takes it: in whole seconds. (CloudWatch API reference,
/// GetMetricStatistics.)
pub(super) fn second(at: Timestamp) -> String {
    at.strftime("%FT%TZ").to_string()
}
