//! The policy: what `banto.toml` says, after every line of it was checked.

use std::collections::{BTreeMap, BTreeSet};

use banto_receipt::Verifier;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::record::Readers;
use crate::{
    AccountId, GroupName, KeyArn, QueueUrl, RoleArn, SecretArn, TopicArn, UserArn, UserName,
};

pub mod compliance;
pub mod onboarding;
mod parse;
pub mod report;
mod section;
#[cfg(test)]
mod tests;

pub use compliance::CompliancePolicy;
pub use onboarding::OnboardingPolicy;
pub use report::ReportPolicy;
pub use section::PolicyProblems;

/// Everything that `banto.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `[rotation]`: how access keys are rotated.
    pub rotation: RotationPolicy,
    /// `[onboarding]`: what every account must have; `None` where Banto does not onboard accounts.
    pub onboarding: Option<OnboardingPolicy>,
    /// `[compliance]` and `[[waivers]]`: how people hear of noncompliance; `None` where Banto does
    /// not tell them.
    pub compliance: Option<CompliancePolicy>,
    /// `[report]`: the monthly report; `None` where Banto makes none.
    pub report: Option<ReportPolicy>,
    /// `[notices]`: where people are told.
    pub notices: NoticePolicy,
}

/// The policy for rotating access keys.
#[derive(Debug, Clone, PartialEq)]
pub struct RotationPolicy {
    /// The kill switch: `false` stops everything but emergencies.
    pub enabled: bool,
    /// The kill switch of emergencies: `false` leaves exposed keys alone, and operators hear of
    /// each.
    pub emergencies: bool,
    /// Where developers' IAM users live; at least one.
    pub accounts: Vec<IdentityAccount>,
    /// onboard-accounts' queue, where it is to end the sessions that exposed keys left in other
    /// accounts' roles.
    pub revocations: Option<QueueUrl>,
    /// The keys that sign records, and whose signature is believed; `None` where none does.
    pub signing: Option<Signing>,
    /// The users whose keys are rotated; all, if empty.
    pub include: Vec<Selector>,
    /// The users whose keys are not rotated, be they included. Exposed keys end nonetheless.
    pub exclude: Vec<Selector>,
    /// The timings for people.
    pub timings: RotationTimings,
    /// Users that are machines, and their own timings.
    pub machines: Option<Machines>,
    /// Time for which a new certificate does not count yet, unless somebody vouches for it: whoever
    /// holds a stolen key may register one.
    pub pin_grace: SignedDuration,
    /// Most users of one account who are issued a key in one run.
    pub max_users_per_run: usize,
    /// Users who are rotated before all others of a run.
    pub canaries: BTreeSet<UserName>,
    /// When scheduled runs may act; always, if empty.
    pub windows: Vec<ChangeWindow>,
    /// Users whose keys are left alone for a while.
    pub exemptions: Vec<Exemption>,
}

/// The keys that sign records, and whose signature is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The KMS key that signs what is written.
    pub key: KeyArn,
    /// The public keys whose signature is believed: the present one, and those before it.
    pub verifier: Verifier,
    /// The moment before which what was written without a signature is believed; `None` if nothing
    /// unsigned ever is.
    pub since: Option<Timestamp>,
}

/// An account where IAM users live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityAccount {
    /// The account's id.
    pub id: AccountId,
    /// The role that Banto is in this account; it reads and writes records.
    pub role: RoleArn,
    /// True if the role is assumed; `false` where it is the function's own execution role.
    pub assume: bool,
    /// A role that may read and write records besides, for days on which Banto can't.
    pub break_glass: Option<RoleArn>,
    /// The bucket that holds the developers' certificates.
    pub certificate_bucket: String,
    /// The prefix of `<user>.asc` in the bucket, as in `certs/`.
    pub certificate_prefix: String,
}

/// The lengths of the parts of a key's life, and the lead of warnings and reminders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationTimings {
    /// Age at which a key is replaced.
    pub rotate_after: SignedDuration,
    /// Lead of the warning to its owner before that.
    pub warn_before: SignedDuration,
    /// Least time between the recorded delivery of a new key and the disabling of the old one.
    pub grace: SignedDuration,
    /// Time after the owner was known to be reached at which the old key is disabled though the new
    /// one is unproven; `None` where that is never.
    pub deadline: Option<SignedDuration>,
    /// Leads of the reminders to its owner before a key ends, the longest first; never empty.
    pub reminders: Vec<SignedDuration>,
    /// Time for which a disabled key can be restored before it is deleted.
    pub recovery: SignedDuration,
    /// Time for which an old key must have been unused, since the new one was first used, before it
    /// is disabled.
    pub rest: SignedDuration,
    /// Time without use after which a key that is due is retired instead of rotated; `None` where
    /// every key is rotated.
    pub retire_unused_after: Option<SignedDuration>,
    /// Time after a key was due, and its owner known to be reached, at which it is disabled if no
    /// usable certificate is registered; `None` where its owner is only told, week by week.
    pub disable_unregistered_after: Option<SignedDuration>,
}

/// Users that are machines, and their own timings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machines {
    /// Whoever matches one of these is a machine.
    pub who: Vec<Selector>,
    /// The machines' timings.
    pub timings: RotationTimings,
}

/// A way to point at users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// One user.
    User(UserName),
    /// Every user whose IAM path starts so; begins and ends with `/`.
    Path(String),
    /// Every user who carries this IAM tag.
    Tag {
        /// The tag's key.
        key: String,
        /// The tag's value.
        value: String,
    },
    /// Every member of this IAM group.
    Group(GroupName),
}

/// The attributes of a user that selectors are matched against.
#[derive(Debug, Clone, Copy)]
pub struct UserAttributes<'a> {
    /// The user's name.
    pub user: &'a UserName,
    /// The user's IAM path.
    pub path: &'a str,
    /// The user's IAM tags.
    pub tags: &'a BTreeMap<String, String>,
    /// Those of the groups named in the policy that the user is in.
    pub groups: &'a BTreeSet<GroupName>,
}

/// A user, or many, whose keys are left alone until a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// Who is exempt.
    pub who: Selector,
    /// When the exemption ends.
    pub until: Timestamp,
    /// Why; people read it.
    pub reason: String,
}

/// Hours of the week in which scheduled runs may act.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeWindow {
    /// The days; never empty.
    pub days: Vec<Weekday>,
    /// The first moment of each day, inclusive.
    pub from: Time,
    /// The last moment of each day, exclusive; later than `from`.
    pub to: Time,
    /// Whose clock the two are read on.
    pub time_zone: TimeZone,
}

/// Where people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticePolicy {
    /// SNS topic for operators; the fall-back where Slack is configured.
    pub operators_topic: TopicArn,
    /// SNS topic for owners of keys, who filter by the message attribute `user`; the fall-back
    /// where Slack is configured.
    pub owners_topic: TopicArn,
    /// Slack, where it is used.
    pub slack: Option<SlackPolicy>,
    /// notify-compliance's queue, where that is to carry what onboard-accounts and
    /// report-compliance tell operators.
    pub queue: Option<QueueUrl>,
}

/// Slack: incoming webhooks, each of which is a secret whose value is the URL, and the bot that
/// writes to owners themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackPolicy {
    /// The operators' channel.
    pub operators: SecretArn,
    /// The channel for owners who name none of their own.
    pub owners: SecretArn,
    /// Channels by the name that an owner's IAM tag `banto:slack` may give.
    pub channels: BTreeMap<String, SecretArn>,
    /// The secret that holds the bot token, where owners are written to directly.
    pub token: Option<SecretArn>,
}

impl Selector {
    /// True if the selector points at this user.
    pub fn matches(&self, user: UserAttributes<'_>) -> bool {
        match self {
            // IAM user names are unique whatever the case of their letters.
            Self::User(name) => name.as_str().eq_ignore_ascii_case(user.user.as_str()),
            Self::Path(prefix) => user.path.starts_with(prefix.as_str()),
            Self::Tag { key, value } => user.tags.get(key) == Some(value),
            Self::Group(group) => user.groups.contains(group),
        }
    }

    /// The group that the selector names, if it names one.
    pub fn group(&self) -> Option<&GroupName> {
        match self {
            Self::Group(group) => Some(group),
            Self::User(_) | Self::Path(_) | Self::Tag { .. } => None,
        }
    }
}

impl RotationPolicy {
    /// The timings that this user's keys follow.
    pub fn timings_for(&self, user: UserAttributes<'_>) -> &RotationTimings {
        match &self.machines {
            Some(machines) if any_matches(&machines.who, user) => &machines.timings,
            _ => &self.timings,
        }
    }

    /// True if this user's keys are rotated, exemptions aside.
    pub fn covers(&self, user: UserAttributes<'_>) -> bool {
        let is_included = self.include.is_empty() || any_matches(&self.include, user);
        is_included && !any_matches(&self.exclude, user)
    }

    /// True if this user is a machine.
    pub fn is_machine(&self, user: UserAttributes<'_>) -> bool {
        let machines = self.machines.as_ref();
        machines.is_some_and(|machines| any_matches(&machines.who, user))
    }

    /// The exemption that covers this user now, if one does; of several, the longest.
    pub fn exemption_of(&self, user: UserAttributes<'_>, now: Timestamp) -> Option<&Exemption> {
        let mut exemptions: Vec<&Exemption> = self.exemptions.iter().collect();
        exemptions.retain(|exemption| exemption.until > now && exemption.who.matches(user));
        exemptions
            .into_iter()
            .max_by_key(|exemption| exemption.until)
    }

    /// The shortest time after which some key may need attention: the report's rows younger than
    /// this need no further look.
    pub fn earliest_warning(&self) -> SignedDuration {
        let people = self.timings.warning_age();
        match &self.machines {
            Some(machines) => people.min(machines.timings.warning_age()),
            None => people,
        }
    }

    /// Every group that a selector names; only their members need to be known.
    pub fn groups(&self) -> BTreeSet<&GroupName> {
        let mut groups = BTreeSet::new();
        for exemption in &self.exemptions {
            groups.extend(exemption.who.group());
        }
        let machines = self.machines.iter().flat_map(|machines| &machines.who);
        for who in machines.chain(&self.include).chain(&self.exclude) {
            groups.extend(who.group());
        }
        groups
    }

    /// True if a scheduled run may act now.
    pub fn in_window(&self, now: Timestamp) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.contains(now))
    }
}

impl IdentityAccount {
    /// The principals that a user's record is for.
    pub fn readers_of(&self, owner: &UserArn) -> Readers {
        Readers {
            owner: owner.clone(),
            role: self.role.clone(),
            break_glass: self.break_glass.clone(),
        }
    }

    /// The address of a user's certificate, as the AWS CLI takes it.
    pub fn certificate_url(&self, user: &UserName) -> String {
        let (bucket, prefix) = (&self.certificate_bucket, &self.certificate_prefix);
        format!("s3://{bucket}/{prefix}{user}.asc")
    }
}

fn any_matches(selectors: &[Selector], user: UserAttributes<'_>) -> bool {
    selectors.iter().any(|selector| selector.matches(user))
}

impl RotationTimings {
    /// The leads of the reminders of an end that comes after so much time, the longest first. One
    /// that leads by as much would come with the news that the time begins.
    pub fn reminders_within(&self, time: SignedDuration) -> impl Iterator<Item = SignedDuration> {
        let leads = self.reminders.iter().copied();
        leads.filter(move |lead| *lead < time)
    }

    /// Lead of the last reminder: no key ends before it was given so long ago.
    pub fn last_reminder(&self) -> SignedDuration {
        self.reminders.iter().min().copied().unwrap_or_default()
    }

    /// Age of a key at which its owner is warned.
    pub fn warning_age(&self) -> SignedDuration {
        self.rotate_after - self.warn_before
    }
}

impl ChangeWindow {
    /// True if this moment lies in the window, on the window's own clock.
    pub fn contains(&self, now: Timestamp) -> bool {
        let local = now.to_zoned_datetime(self.time_zone.clone());
        self.days.contains(&local.weekday()) && (self.from..self.to).contains(&local.time())
    }
}
