//! The members of Slack's workspace, and the direct messages that they get.

use std::collections::BTreeMap;

use banto_ports::{ErrorKind, MemberState, PortError};

use crate::world::World;

/// The members, by the ids that Slack gave them.
#[derive(Debug, Default)]
pub(crate) struct Members(BTreeMap<String, MemberState>);

impl Members {
    /// The state of a member.
    pub(crate) fn state_of(&self, id: &str) -> Result<MemberState, PortError> {
        let state = self.0.get(id).copied();
        state.ok_or_else(|| refused("slack:users.info", ErrorKind::Missing, "user_not_found"))
    }

    /// The member whom a message to this channel goes to directly; `None` if it is no member's id.
    pub(crate) fn addressed(&self, channel: &str) -> Result<Option<String>, PortError> {
        const CALL: &str = "slack:chat.postMessage";
        if !channel.starts_with(['U', 'W']) {
            return Ok(None);
        }
        match self.0.get(channel) {
            Some(MemberState::Active) => Ok(Some(channel.to_owned())),
            Some(MemberState::Bot) => Err(refused(CALL, ErrorKind::Invalid, "cannot_dm_bot")),
            Some(MemberState::Deactivated | MemberState::Outside) | None => {
                Err(refused(CALL, ErrorKind::Missing, "channel_not_found"))
            }
        }
    }
}

/// The channel of the bot's direct messages to a member.
pub(crate) fn channel_with(member: &str) -> String {
    format!("D{}", member.get(1..).unwrap_or_default())
}

fn refused(call: &'static str, kind: ErrorKind, word: &str) -> PortError {
    PortError::new(kind, call, word)
}

impl World {
    /// Adds a member to Slack's workspace, or changes the state of one.
    pub fn set_member(&self, id: &str, state: MemberState) {
        self.state().members.0.insert(id.to_owned(), state);
    }
}
