//! The status of an account: a condition for the account as a whole and one for each region.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountId, PerPlace, Place};

/// The conditions of an account, measured against its baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatus {
    /// The account.
    pub account: AccountId,
    /// Its name, as Organizations knows it.
    pub name: String,
    /// When this was seen.
    pub checked_at: Timestamp,
    /// The account as a whole (reach, roles, settings), and each region of its baseline.
    #[serde(flatten)]
    pub conditions: PerPlace<Condition>,
}

/// The condition of an account as a whole, or of one of its regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "camelCase")]
pub enum Condition {
    /// Everything is as the baseline says.
    InPlace,
    /// Another service or the policy keeps it so, and Banto leaves it alone.
    LeftAlone {
        /// Why.
        because: String,
    },
    /// Something differs, and the policy says to report it only.
    Drifted {
        /// The differences, in words.
        items: Vec<String>,
    },
    /// Not yet; it is tried again.
    NotReady(Reason),
    /// Not, and waiting won't help.
    Failed(Reason),
}

/// Why an account or a region is not in place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The kind, for those who branch on it.
    pub kind: ReasonKind,
    /// The finding in words; a service's own where it has some.
    pub detail: String,
}

/// Declares the kinds of reasons: a name, whether time may heal it, what it means and what to do.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident, $transient:literal, $description:literal, $remedy:literal;)*) => {
        /// A kind of reason why an account or a region is not in place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum ReasonKind {
            $($(#[$doc])* $name,)*
        }

        impl ReasonKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind's name, as documents and metrics have it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// True if it may pass by itself within the hour, so that waiting is worth it.
            pub fn is_transient(self) -> bool {
                match self { $(Self::$name => $transient,)* }
            }

            /// The kind in a few words, as notices and the documentation have it.
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }

            /// The thing that an operator does about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

reasons! {
    /// The role that Banto assumes can't be assumed.
    NotAssumable, true, "can't assume role",
        "See that the role named `reach_role` exists in the account and trusts Banto; an invited account never gets OrganizationAccountAccessRole by itself.";
    /// AWS is still setting the account up.
    Initialising, true, "sign-up not complete",
        "Wait; if it lasts, sign in once as the account's root user and see that its sign-up is complete.";
    /// Organizations tells a state of the account that this release does not know.
    StateUnknown, false, "unknown state",
        "See what state the account has in AWS Organizations, and update Banto.";
    /// AWS Control Tower is still setting the account up.
    ControlTowerSettingUp, true, "Control Tower set-up not complete",
        "Look at the account in Control Tower's Account Factory; enrol it again if its enrolment failed.";
    /// Another operation on the StackSet is under way.
    StackSetBusy, true, "another StackSet operation is under way",
        "Look at the StackSet's operations; turn on managed execution so that operations queue.";
    /// The StackSet's instance is being made.
    StackInstancePending, true, "stack not deployed yet",
        "Look at the StackSet's operations, and stop one that hangs; see that the account is in one of the StackSet's targets.";
    /// The StackSet's instance failed.
    StackInstanceFailed, true, "stack failed",
        "Read CloudFormation's reason and mend what it names in the account. It is tried again for an hour (seven in a new account), and with each daily run.";
    /// The StackSet's instance is one that CloudFormation no longer deploys.
    StackInstanceInoperable, true, "inoperable stack instance",
        "Delete the stack instance from the StackSet, retaining the stack; then delete the stack in the account by hand. Both are made anew.";
    /// The region is not enabled in the account.
    RegionDisabled, true, "region not enabled",
        "Enable the region in the account, or take it out of `regions`.";
    /// Too many requests.
    Throttled, true, "AWS is throttling us",
        "Wait; if it lasts, lower the maximum concurrency of the queue's event source mapping.";
    /// A policy denies a call; for some 20 minutes after an account joins, conditions on the
    /// Organization do not know it yet.
    Denied, true, "call denied",
        "See which service control policy or boundary denies the call, and exempt Banto's role from it.";
    /// AWS Config may not write to the bucket.
    DeliveryRefused, true, "AWS Config may not deliver to the bucket",
        "See that the log archive bucket's policy (and its KMS key's) lets config.amazonaws.com write for this account.";
    /// AWS Config may not publish to the topic of a delivery channel.
    TopicRefused, false, "SNS topic of the delivery channel refused",
        "Name a topic of the channel's own region in `topics`; and see that it exists and that its policy lets config.amazonaws.com publish.";
    /// The bucket does not exist.
    BucketMissing, false, "log archive bucket does not exist",
        "Correct `bucket` in [onboarding.config], or create the bucket.";
    /// The recorder or channel runs with errors.
    DeliveryFailing, false, "AWS Config reports errors",
        "Read the error: most often the bucket, its key or the recorder's role was changed.";
    /// No snapshot came for two of the channel's periods, and nothing says why.
    SnapshotOverdue, false, "no configuration snapshots",
        "Look at the delivery channel in AWS Config, and at the bucket's policy and key; if they are right, stop and start the recorder.";
    /// A role of this name exists that Banto did not make.
    ForeignRole, false, "a role of this name is not Banto's",
        "Rename the role in the account or in the policy; or tag it banto:managed = true to hand it over.";
    /// A quota is used up.
    QuotaExceeded, false, "quota used up",
        "Ask for more in Service Quotas, or remove what is not needed.";
    /// It was done and does not show yet.
    Propagating, true, "applied, not visible yet",
        "Wait; if it lasts, something else in the account undoes it: CloudTrail tells who.";
    /// The invocation's time was up before all was done.
    OutOfTime, true, "out of time",
        "Wait: the next message goes on where this one ended. If it lasts, lower the queue's batch size or raise the function's timeout.";
    /// A service failed or did not answer.
    Unavailable, true, "a service does not answer",
        "Wait; look at AWS Health if it lasts.";
    /// A call made no sense to AWS.
    Refused, false, "AWS refuses a call",
        "Read the message; most often the policy names something that does not exist.";
    /// The check found that the plan would break a promise.
    PlanRefused, false, "plan refused",
        "Nothing of the refused plan was done. This is a defect of Banto: report it with the plan in the log.";
}

impl Reason {
    /// A reason.
    pub fn new(kind: ReasonKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// The condition of an account or region with this reason.
    pub fn condition(self) -> Condition {
        if self.kind.is_transient() {
            Condition::NotReady(self)
        } else {
            Condition::Failed(self)
        }
    }
}

/// The kind's description, and the detail if there is one.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.description())?;
        if self.detail.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.detail)
        }
    }
}

impl Condition {
    /// The reason, if there is one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::NotReady(reason) | Self::Failed(reason) => Some(reason),
            Self::InPlace | Self::LeftAlone { .. } | Self::Drifted { .. } => None,
        }
    }

    /// The condition in two words at most.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::LeftAlone { .. } => "left alone",
            Self::Drifted { .. } => "drifted",
            Self::NotReady(_) => "not ready",
            Self::Failed(_) => "failed",
        }
    }

    fn severity(&self) -> u8 {
        match self {
            Self::InPlace => 0,
            Self::LeftAlone { .. } => 1,
            Self::Drifted { .. } => 2,
            Self::NotReady(_) => 3,
            Self::Failed(_) => 4,
        }
    }
}

impl AccountStatus {
    /// The worst condition of all places.
    pub fn worst(&self) -> &Condition {
        self.conditions
            .values()
            .max_by_key(|condition| condition.severity())
            .unwrap_or(&self.conditions.account)
    }

    /// The reasons of all places, each kind once with where it was found.
    pub fn reasons(&self) -> BTreeMap<ReasonKind, Vec<(Place<'_>, &Reason)>> {
        let mut reasons: BTreeMap<ReasonKind, Vec<_>> = BTreeMap::new();
        for (place, condition) in self.conditions.iter() {
            if let Some(reason) = condition.reason() {
                reasons
                    .entry(reason.kind)
                    .or_default()
                    .push((place, reason));
            }
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_keeps_the_shape_in_which_the_table_and_the_dashboard_have_it() {
        let denied = Reason::new(ReasonKind::Denied, "iam:CreateRole").condition();
        let status = AccountStatus {
            account: "444455556666".parse().unwrap(),
            name: "payments".to_owned(),
            checked_at: "2026-11-24T01:00:00Z".parse().unwrap(),
            conditions: PerPlace {
                account: denied,
                regions: [("eu-west-1".parse().unwrap(), Condition::InPlace)].into(),
            },
        };
        let text = concat!(
            r#"{"account":"444455556666","name":"payments","checkedAt":"2026-11-24T01:00:00Z","#,
            r#""global":{"condition":"notReady","kind":"denied","detail":"iam:CreateRole"},"#,
            r#""regions":{"eu-west-1":{"condition":"inPlace"}}}"#,
        );
        assert_eq!(serde_json::to_string(&status).unwrap(), text);
        assert_eq!(serde_json::from_str::<AccountStatus>(text).unwrap(), status);
    }
}
