//! One notice, whatever way it is sent.

use std::collections::BTreeMap;

use banto_domain::{AccountId, UserName};
use serde::{Deserialize, Serialize};

/// Something to tell people, in words; each way of sending renders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notice {
    /// Tells this notice from all others; the same notice has the same id whenever it is sent.
    pub id: String,
    /// The people whom it is for; the sender chooses channel and topic by it.
    pub audience: Audience,
    /// The time that a person has to act.
    pub urgency: Urgency,
    /// The Slack ids of members and user groups who are mentioned where the notice goes to a
    /// channel.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// One line that is enough on a lock screen.
    pub headline: String,
    /// A paragraph each for what happened and what it means.
    #[serde(default)]
    pub paragraphs: Vec<String>,
    /// Short facts: a label and its value.
    #[serde(default)]
    pub facts: Vec<(String, String)>,
    /// The steps that the reader can take, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Lists, as an operators' summary has them.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// An armored OpenPGP message that only the reader can open; safe to send anywhere.
    #[serde(default)]
    pub envelope: Option<String>,
    /// Where there is more to see.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Attributes that subscribers of SNS topics filter by, besides audience and urgency.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl Notice {
    /// A notice of one line.
    pub fn new(id: String, audience: Audience, urgency: Urgency, headline: String) -> Self {
        Self {
            id,
            audience,
            urgency,
            mentions: Vec::new(),
            headline,
            paragraphs: Vec::new(),
            facts: Vec::new(),
            steps: Vec::new(),
            sections: Vec::new(),
            envelope: None,
            links: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }
}

/// The people whom a notice is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Audience {
    /// The people who run Banto, in the operators' channel or topic.
    Operators,
    /// Those who read a route of the compliance policy, by its name.
    Route(String),
    /// The owner of an access key.
    Owner {
        /// The account that the user lives in.
        account: AccountId,
        /// The IAM user whose key it is.
        user: UserName,
        /// The user's IAM tag `banto:slack`: a Slack member id (`U024BE7LH`) or the name
        /// of a channel in the policy.
        slack: Option<String>,
    },
}

/// The time that a person has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// Something is in order again.
    Done,
    /// Nothing has to be done.
    Information,
    /// The reader should do something in the next days.
    Action,
    /// The reader should do something now.
    Alarm,
}

impl Urgency {
    /// As attributes and documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Information => "information",
            Self::Action => "action",
            Self::Alarm => "alarm",
        }
    }
}

/// Something that the reader can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A sentence that says what to do, and ends with a colon where a command follows.
    pub text: String,
    /// The command that does it, where one does.
    pub command: Option<String>,
}

/// A list under a title, like "Failed" or "To look at".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// One or a few words.
    pub title: String,
    /// Lines of text, without marks; renderings may count those that do not fit.
    pub lines: Vec<String>,
}

/// A page that the reader can open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The words that are shown in place of the address.
    pub label: String,
    /// Its address, which begins with `https://`.
    pub url: String,
}
