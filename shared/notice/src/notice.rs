//! One notice, whatever way it is sent.

use banto_domain::{AccountId, UserName};

/// Something to tell people, in words; each way of sending renders it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Tells this notice from all others; the same notice has the same id whenever it is sent.
    pub id: String,
    /// Who is told.
    pub audience: Audience,
    /// How soon a person must act.
    pub urgency: Urgency,
    /// One line that is enough on a lock screen.
    pub headline: String,
    /// What happened and what it means, a paragraph each.
    pub paragraphs: Vec<String>,
    /// Short facts: a label and its value.
    pub facts: Vec<(String, String)>,
    /// What the reader can do, in order.
    pub steps: Vec<Step>,
    /// Lists, as an operators' summary has them.
    pub sections: Vec<Section>,
    /// An armored OpenPGP message that only the reader can open; safe to send anywhere.
    pub envelope: Option<String>,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Those who run Banto.
    Operators,
    /// The owner of an access key.
    Owner {
        /// The account that the user lives in.
        account: AccountId,
        /// The IAM user.
        user: UserName,
        /// What the user's IAM tag `banto:slack` says: a Slack member id (`U024BE7LH`) or the name
        /// of a channel in the policy.
        slack: Option<String>,
    },
}

/// How soon a person must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Good to know.
    Information,
    /// Something to do in the next days.
    Action,
    /// Something to do now.
    Alarm,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub text: String,
    /// The command that does it, where one does.
    pub command: Option<String>,
}

/// A titled list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The list's title.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
}
