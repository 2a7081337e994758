//! The data of a plan: chains of actions, and the condition of each place once they are done. It
//! has a file of its own, since apply, check, diff and notices need it without the planner.

use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::status::Condition;
use banto_domain::{AccountId, PerPlace, RoleName};
use banto_ports::{Channel, NewRole, Recorder, RoleChange, VpcPart};
use serde::Serialize;

/// The steps that bring an account to its baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub account: AccountId,
    /// A chain for the account as a whole, which comes first, and one for each region of the
    /// baseline; the regions go side by side.
    #[serde(flatten)]
    pub chains: PerPlace<Chain>,
}

/// Ordered actions in one place. A failure ends the chain of its own place only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub actions: Vec<Action>,
    /// The place's condition once the actions are done.
    pub condition: Condition,
}

/// One call that changes an account. `replaces` is what was there before, if anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// Make the role that AWS Config itself uses.
    CreateConfigRole,
    /// Make a role; later actions complete it.
    CreateRole { name: RoleName, role: NewRole },
    /// Change a role of Banto's.
    ChangeRole { name: RoleName, change: RoleChange },
    /// Replace the password policy.
    SetPasswordPolicy {
        policy: PasswordPolicy,
        replaces: Option<PasswordPolicy>,
    },
    /// Block public access to S3 for the whole account.
    BlockPublicAccess {
        /// The number of the four blocks that are on.
        replaces: Option<u8>,
    },
    /// Replace an alternate contact.
    SetContact {
        contact_kind: ContactKind,
        contact: Contact,
        replaces: Option<Contact>,
    },
    /// Make or change a recorder.
    PutRecorder {
        recorder: Recorder,
        replaces: Option<Recorder>,
    },
    /// Make or change a delivery channel.
    PutChannel {
        channel: Channel,
        replaces: Option<Channel>,
    },
    /// Start a recorder.
    StartRecorder { name: String },
    /// Encrypt new EBS volumes.
    EncryptEbs,
    /// Delete a part of an empty default VPC.
    DeleteVpcPart { part: VpcPart },
}

impl Plan {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.chains.values().all(|chain| chain.actions.is_empty())
    }
}

impl Action {
    /// The action's kind, for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CreateConfigRole => "CreateConfigRole",
            Self::CreateRole { .. } => "CreateRole",
            Self::ChangeRole { .. } => "ChangeRole",
            Self::SetPasswordPolicy { .. } => "SetPasswordPolicy",
            Self::BlockPublicAccess { .. } => "BlockPublicAccess",
            Self::SetContact { .. } => "SetContact",
            Self::PutRecorder { .. } => "PutRecorder",
            Self::PutChannel { .. } => "PutChannel",
            Self::StartRecorder { .. } => "StartRecorder",
            Self::EncryptEbs => "EncryptEbs",
            Self::DeleteVpcPart { .. } => "DeleteVpcPart",
        }
    }
}
