//! What became of mails.

use serde::Serialize;

/// A mail, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailOutcome {
    /// The owner, or `all` of the mail with everything.
    pub name: String,
    #[serde(flatten)]
    pub state: MailState,
}

/// The state of a mail after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum MailState {
    /// SES took it in this run.
    Sent,
    /// SES took it in an earlier run.
    SentBefore,
    /// SES refused it.
    Refused { because: String },
    /// Nobody knows whether SES took it; it is not sent again.
    InDoubt {
        /// Why, where it is this run that knows.
        because: Option<String>,
    },
    /// Another run is sending it.
    UnderWay,
    /// Nobody knows the owner's address.
    NoAddress,
    /// A dry run would send it.
    ToBeSent,
}
