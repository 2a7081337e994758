//! A probe as data: the calls that it makes, and the function that reads a verdict from their
//! answers.

use std::collections::BTreeMap;

use banto_ports::{ErrorKind, PortError};
use serde_json::Value;

/// One fact of docs/UNPROVEN.md, and the way to see it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The row's id.
    pub(crate) id: &'static str,
    /// The account that it is about.
    pub(crate) account: Account,
    /// The most that it costs, for what isn't free.
    pub(crate) cost: Cost,
    /// The calls, in their order.
    pub(crate) steps: Vec<Step>,
    /// Decides from the answers. Every step has one, unless it was one that ended the probe.
    pub(crate) judge: fn(&Answers) -> Verdict,
}

/// An account that a probe is apt for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Any,
    Member,
    Delegated,
    Recorded,
}

/// What a probe costs at list prices of November 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    Free,
    /// Requests, below 0.01 USD.
    Requests,
    /// Keys of KMS: 1 USD a month each, by the hour, until their deletion is scheduled.
    Keys,
}

/// A kind of thing that probes make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Alias,
    Bucket,
    Key,
    Queue,
    Role,
    Secret,
    Table,
    Topic,
    User,
}

/// When a step has its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    /// At once.
    No,
    /// A pause later, where the second must be another one.
    Later,
    /// When it isn't refused any more, since changes of IAM come late.
    Answered,
    /// When it is refused.
    Refused,
    /// When it isn't refused any more, or was refused some times one after the other: rights of
    /// IAM come late, so that a first refusal may be one of yesterday's.
    StillRefused,
    /// When the answer is like this.
    Until(fn(&str) -> bool),
}

/// A call.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) call: &'static str,
    pub(crate) arguments: Value,
    /// The step whose answer has the credentials.
    pub(crate) by: Option<&'static str>,
    pub(crate) region: Option<&'static str>,
    /// What the call makes, by the name that it gets.
    pub(crate) makes: Option<(Kind, &'static str)>,
    pub(crate) wait: Wait,
    /// True if a refusal is an answer to judge, and not the probe's end.
    pub(crate) may_be_refused: bool,
    /// True if a denial of the credentials that run the probe is an answer to judge, too.
    pub(crate) may_be_denied: bool,
    /// So many at once.
    pub(crate) copies: usize,
}

/// A call of this name, in the words of a policy. `<<name>>`, `<<account>>`, `<<region>>`, `<<now>>`
/// and `<<step:Element>>` or `<<step:/json/pointer>>` in its arguments are filled in.
pub(crate) fn step(name: &'static str, call: &'static str, arguments: Value) -> Step {
    Step {
        name,
        call,
        arguments,
        by: None,
        region: None,
        makes: None,
        wait: Wait::No,
        may_be_refused: false,
        may_be_denied: false,
        copies: 1,
    }
}

impl Probe {
    /// A probe for any account, which costs requests.
    pub(crate) fn of(id: &'static str, steps: Vec<Step>, judge: fn(&Answers) -> Verdict) -> Self {
        Self {
            id,
            account: Account::Any,
            cost: Cost::Requests,
            steps,
            judge,
        }
    }
}

impl Step {
    pub(crate) fn by(self, step: &'static str) -> Self {
        let by = Some(step);
        Self { by, ..self }
    }

    pub(crate) fn making(self, kind: Kind, name: &'static str) -> Self {
        let makes = Some((kind, name));
        Self { makes, ..self }
    }

    pub(crate) fn wait(self, wait: Wait) -> Self {
        Self { wait, ..self }
    }

    pub(crate) fn refusable(self) -> Self {
        Self {
            may_be_refused: true,
            ..self
        }
    }

    pub(crate) fn deniable(self) -> Self {
        Self {
            may_be_denied: true,
            ..self.refusable()
        }
    }
}

/// AWS's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) call: &'static str,
    /// The error's code, or else the kind of failure.
    pub(crate) code: String,
    pub(crate) words: String,
    /// True if the service did not say no, but nothing: throttled, or not to be had.
    pub(crate) is_silent: bool,
}

impl From<PortError> for Refused {
    fn from(error: PortError) -> Self {
        let is_silent = matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable);
        let (code, words) = match error.message.split_once(": ") {
            Some((code, words)) if !code.contains(' ') => (code.to_owned(), words.to_owned()),
            _ if !error.message.contains(' ') => (error.message.clone(), String::new()),
            _ => (error.kind.as_str().to_owned(), error.message.clone()),
        };
        Self {
            call: error.call,
            code,
            words,
            is_silent,
        }
    }
}

impl Refused {
    /// True if the caller may not, as services say it.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDenied"
                | "AccessDeniedException"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "UnauthorizedOperation"
        )
    }
}

/// An answer of a call.
pub(crate) type Answer = Result<String, Refused>;

/// All answers, by the steps' names.
#[derive(Debug, Default)]
pub(crate) struct Answers(pub(crate) BTreeMap<&'static str, Vec<Answer>>);

impl Answers {
    /// All answers of a step.
    pub(crate) fn all(&self, step: &str) -> &[Answer] {
        self.0.get(step).map_or(&[], Vec::as_slice)
    }

    /// The answer's text; empty for a refusal.
    pub(crate) fn text(&self, step: &str) -> &str {
        match self.all(step).first() {
            Some(Ok(text)) => text,
            _ => "",
        }
    }

    /// The answer as JSON; null for anything else.
    pub(crate) fn json(&self, step: &str) -> Value {
        serde_json::from_str(self.text(step)).unwrap_or_default()
    }

    /// True if the call was carried out.
    pub(crate) fn is_yes(&self, step: &str) -> bool {
        matches!(self.all(step).first(), Some(Ok(_)))
    }

    /// The refusal, if it was one.
    pub(crate) fn refusal(&self, step: &str) -> Option<&Refused> {
        self.all(step).first()?.as_ref().err()
    }

    /// The refusal's code, or "yes".
    pub(crate) fn code(&self, step: &str) -> &str {
        self.refusal(step).map_or("yes", |refused| &refused.code)
    }

    /// True if the caller was denied.
    pub(crate) fn is_denied(&self, step: &str) -> bool {
        self.refusal(step).is_some_and(Refused::is_denial)
    }
}

/// What was found out about a fact; each with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proven(String),
    Disproven(String),
    Unclear(String),
}

impl Verdict {
    /// Proven if it holds, and else disproven.
    pub(crate) fn of(holds: bool, evidence: impl Into<String>) -> Self {
        if holds {
            Self::Proven(evidence.into())
        } else {
            Self::Disproven(evidence.into())
        }
    }

    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Proven(_) => "proven",
            Self::Disproven(_) => "disproven",
            Self::Unclear(_) => "unclear",
        }
    }

    pub(crate) fn evidence(&self) -> &str {
        match self {
            Self::Proven(text) | Self::Disproven(text) | Self::Unclear(text) => text,
        }
    }
}

/// The texts of all elements of a name, in XML whose elements of that name hold text only, without
/// entities: ids, dates, names.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(close.as_str())?.0))
        .collect()
}

/// A value of an answer: by JSON pointer, or the first element of that name. JSON's null is none.
pub(crate) fn value(text: &str, place: &str) -> Option<String> {
    if !place.starts_with('/') {
        return elements(text, place).first().map(|text| (*text).to_owned());
    }
    let json: Value = serde_json::from_str(text).ok()?;
    let found = json.pointer(place).filter(|found| !found.is_null())?;
    Some(
        found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned),
    )
}
