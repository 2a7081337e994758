//! The data of a plan: chains of actions, and the condition of each place once they are done. It
//! has a file of its own, since apply, check, diff and notices need it without the planner.

use std::collections::BTreeSet;

use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::status::Condition;
use banto_domain::{AccountId, PerPlace, Region, RoleName};
use banto_ports::{Channel, LivePasswordPolicy, NewRole, Recorder, RoleChange, VpcPart};
use serde::Serialize;
use serde_json::Value;

/// The steps that bring an account to its baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub account: AccountId,
    /// The changes that are asked of the StackSet.
    pub instances: InstanceChanges,
    /// A chain for the account as a whole, which comes first, and one for each region of the
    /// baseline; the regions go side by side.
    #[serde(flatten)]
    pub chains: PerPlace<Chain>,
}

/// The regions of an account in which the StackSet's instances are made or deployed anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceChanges {
    pub create: BTreeSet<Region>,
    pub update: BTreeSet<Region>,
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
    ChangeRole {
        name: RoleName,
        change: RoleChange,
        replaces: Option<Value>,
        cause: ChangeCause,
    },
    /// Replace the password policy.
    SetPasswordPolicy {
        policy: LivePasswordPolicy,
        replaces: Option<LivePasswordPolicy>,
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
    /// Delete a part of a default VPC that nothing uses.
    DeleteVpcPart { part: VpcPart },
}

/// Why a role is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeCause {
    /// It is being made.
    Creation,
    /// It differs from the baseline.
    Drift,
    /// Sessions that were denied have ended by themselves.
    EndOfRevocation,
}

impl Plan {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && !self.changes_account()
    }

    /// True if anything is to be done in the account itself.
    pub fn changes_account(&self) -> bool {
        self.chains.values().any(|chain| !chain.actions.is_empty())
    }
}

impl InstanceChanges {
    /// True if nothing is asked of the StackSet.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.update.is_empty()
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
