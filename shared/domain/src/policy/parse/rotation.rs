//! Reads `[rotation]`: timings, machines, identity accounts, windows and exemptions.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use banto_receipt::{PublicKey, Verifier};
use jiff::SignedDuration;
use toml::de::DeValue;

use super::values::{
    boolean, bucket, days, integer, moment, parsed, path, prefix, set, text, until, window, words,
};
use crate::policy::section::Section;
use crate::policy::{
    ChangeWindow, Exemption, IdentityAccount, Machines, RotationPolicy, RotationTimings, Selector,
    Signing,
};
use crate::{AccountId, RoleArn, UserName};

/// Fewest and most days of any timing. Ten years are as good as never, and dates this far off can
/// be counted.
const DAYS: RangeInclusive<i64> = 1..=3_650;
/// Fewest and most users that a run may be allowed to issue a key: IAM allows 5,000 users an
/// account.
const USERS_PER_RUN: RangeInclusive<i64> = 1..=5_000;

/// Reads `[rotation]`.
pub(super) fn rotation_policy(mut section: Section<'_, '_>) -> Option<RotationPolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let emergencies = section.read("emergencies", boolean).unwrap_or(true);
    let revocations = section.read("revocations", parsed);
    let signing = signing(&mut section);
    let include = selectors(&mut section, "include");
    let exclude = selectors(&mut section, "exclude");
    let timings = timings(&mut section, &RotationTimings::default());
    let pin_grace = section
        .read("pin_grace_days", |value| integer(value, DAYS))
        .unwrap_or(7);
    let max_users_per_run = section
        .read("max_users_per_run", |value| integer(value, USERS_PER_RUN))
        .unwrap_or(25);
    let canaries = set(&mut section, "canaries");
    let machines = section
        .take("machines")
        .map(|value| machines(section.of("machines", value), &timings));
    let accounts = accounts(&mut section);
    let windows = windows(&mut section);
    let exemptions = exemptions(&mut section);
    refuse_exempt_canaries(&section, &canaries, &exemptions);
    section.finish();
    let max_users_per_run = usize::try_from(max_users_per_run).ok()?;
    Some(RotationPolicy {
        enabled,
        emergencies,
        revocations,
        signing,
        include,
        exclude,
        accounts,
        timings,
        machines,
        pin_grace: days(pin_grace),
        max_users_per_run,
        canaries,
        windows,
        exemptions,
    })
}

/// The keys that sign records. A key without public keys would refuse all that it signs, and public
/// keys without a key say that somebody forgot it.
fn signing(section: &mut Section<'_, '_>) -> Option<Signing> {
    let key = section.read("signing_key", parsed);
    let has_key = section.take("signing_key").is_some();
    let named = section.each("signing_public_keys").len();
    let public_keys: Vec<PublicKey> = section.read_each("signing_public_keys", parsed);
    let since = section.read("signed_since", moment);
    let is_more_than_key = named > 0 || section.take("signed_since").is_some();
    if has_key && named == 0 {
        section.problem(
            "`signing_key` needs `signing_public_keys`: what `aws kms get-public-key --query \
             PublicKey --output text` prints for the key",
        );
    }
    if !has_key && is_more_than_key {
        section.problem("`signing_public_keys` and `signed_since` need `signing_key`");
    }
    Some(Signing {
        key: key?,
        verifier: Verifier::new(public_keys),
        since,
    })
}

fn windows(section: &mut Section<'_, '_>) -> Vec<ChangeWindow> {
    let mut windows = Vec::new();
    for value in section.each("windows") {
        windows.extend(window(section.of("windows", value)));
    }
    windows
}

fn exemptions(section: &mut Section<'_, '_>) -> Vec<Exemption> {
    let mut exemptions = Vec::new();
    for value in section.each("exemptions") {
        exemptions.extend(exemption(section.of("exemptions", value)));
    }
    exemptions
}

fn refuse_exempt_canaries(
    section: &Section<'_, '_>,
    canaries: &BTreeSet<UserName>,
    exemptions: &[Exemption],
) {
    for exemption in exemptions {
        if let Selector::User(user) = &exemption.who
            && canaries.contains(user)
        {
            section.problem(format_args!(
                "{user} is a canary and exempt; a canary must be rotated first"
            ));
        }
    }
}

impl Default for RotationTimings {
    fn default() -> Self {
        Self {
            rotate_after: days(90),
            warn_before: days(7),
            grace: days(1),
            deadline: Some(days(30)),
            reminders: [14, 7, 3, 1].map(days).to_vec(),
            recovery: days(10),
            rest: days(1),
            retire_unused_after: None,
            disable_unregistered_after: None,
        }
    }
}

/// The timings that a section gives, on top of others.
fn timings(section: &mut Section<'_, '_>, otherwise: &RotationTimings) -> RotationTimings {
    let deadline = section.read("deadline_days", deadline);
    let reminders = reminders(section);
    let mut read = |key| section.read(key, |value| integer(value, DAYS)).map(days);
    let timings = RotationTimings {
        rotate_after: read("rotate_after_days").unwrap_or(otherwise.rotate_after),
        warn_before: read("warn_before_days").unwrap_or(otherwise.warn_before),
        grace: read("grace_days").unwrap_or(otherwise.grace),
        deadline: deadline.unwrap_or(otherwise.deadline),
        reminders: reminders.unwrap_or_else(|| otherwise.reminders.clone()),
        recovery: read("recovery_days").unwrap_or(otherwise.recovery),
        rest: read("rest_days").unwrap_or(otherwise.rest),
        retire_unused_after: read("retire_unused_after_days").or(otherwise.retire_unused_after),
        disable_unregistered_after: read("disable_unregistered_after_days")
            .or(otherwise.disable_unregistered_after),
    };
    for (contradicts, problem) in CONTRADICTIONS {
        if contradicts(&timings) {
            section.problem(problem);
        }
    }
    timings
}

/// A number of days, or that there is no deadline.
fn deadline(value: &DeValue<'_>) -> Result<Option<SignedDuration>, String> {
    match value.as_str() {
        Some("never") => Ok(None),
        Some(other) => Err(format!(
            "must be a number of days or \"never\", but is {other:?}"
        )),
        None => integer(value, DAYS).map(|number| Some(days(number))),
    }
}

/// The leads of the reminders, the longest first; `None` if the section gives none.
fn reminders(section: &mut Section<'_, '_>) -> Option<Vec<SignedDuration>> {
    const KEY: &str = "remind_before_days";
    section.take(KEY)?;
    let mut leads = section.read_each(KEY, |value| integer(value, DAYS).map(days));
    if leads.is_empty() {
        section.problem(format_args!(
            "`{KEY}` must name at least one lead, as in [14, 7, 3, 1]"
        ));
        return None;
    }
    leads.sort_by(|one, other| other.cmp(one));
    leads.dedup();
    Some(leads)
}

/// True if timings contradict each other.
type Contradiction = fn(&RotationTimings) -> bool;

/// The contradictions, each with the words for it.
const CONTRADICTIONS: &[(Contradiction, &str)] = &[
    (
        warns_before_birth,
        "`warn_before_days` must be less than `rotate_after_days`",
    ),
    (
        reminds_before_disabling,
        "the last of `remind_before_days` must be less than `recovery_days`",
    ),
    (
        deadline_within_grace,
        "`deadline_days` must be more than `grace_days`",
    ),
    (
        reminds_before_delivery,
        "`deadline_days` must be more than the last of `remind_before_days`",
    ),
    (
        reminds_before_disabling_unregistered,
        "`disable_unregistered_after_days` must be more than the last of `remind_before_days`: no key ends before that \
         reminder",
    ),
    (
        next_warning_before_deletion,
        "an old key must be gone before the next warning: `deadline_days` (30 unless given; or `grace_days`, or \
         `rest_days`) and `recovery_days` together must be less than `rotate_after_days` less \
         `warn_before_days`",
    ),
];

fn warns_before_birth(timings: &RotationTimings) -> bool {
    timings.warn_before >= timings.rotate_after
}

fn reminds_before_disabling(timings: &RotationTimings) -> bool {
    timings.last_reminder() >= timings.recovery
}

fn deadline_within_grace(timings: &RotationTimings) -> bool {
    let deadline = timings.deadline;
    deadline.is_some_and(|deadline| deadline <= timings.grace)
}

fn reminds_before_delivery(timings: &RotationTimings) -> bool {
    let deadline = timings.deadline;
    deadline.is_some_and(|deadline| deadline <= timings.last_reminder())
}

fn reminds_before_disabling_unregistered(timings: &RotationTimings) -> bool {
    let after = timings.disable_unregistered_after;
    after.is_some_and(|after| after <= timings.last_reminder())
}

fn next_warning_before_deletion(timings: &RotationTimings) -> bool {
    // A key that is still used rests later than the deadline of one that nobody proved.
    let disabled = timings.deadline.unwrap_or(timings.grace).max(timings.rest);
    disabled + timings.recovery >= timings.warning_age()
}

fn machines(mut section: Section<'_, '_>, people: &RotationTimings) -> Machines {
    let who = selectors(&mut section, "who");
    if who.is_empty() {
        section.problem("`who` must name at least one user, path, tag or group");
    }
    // A program that runs once a week must have had its turn with the new key.
    let otherwise = RotationTimings {
        rest: days(7).max(people.rest),
        ..people.clone()
    };
    let timings = timings(&mut section, &otherwise);
    section.finish();
    Machines { who, timings }
}

/// The selectors of a list; empty if there is none.
fn selectors(section: &mut Section<'_, '_>, key: &'static str) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for value in section.each(key) {
        let mut entry = section.of(key, value);
        selectors.extend(selector(&mut entry));
        entry.finish();
    }
    selectors
}

fn accounts(section: &mut Section<'_, '_>) -> Vec<IdentityAccount> {
    let values = section.each("accounts");
    if values.is_empty() {
        section
            .problem("`accounts` must hold at least one identity account: [[rotation.accounts]]");
    }
    let mut accounts = Vec::new();
    for value in values {
        accounts.extend(account(section.of("accounts", value), &accounts));
    }
    accounts
}

/// One identity account, after the earlier ones of the list.
fn account(mut section: Section<'_, '_>, earlier: &[IdentityAccount]) -> Option<IdentityAccount> {
    let id: Option<AccountId> = section.require("id", parsed);
    let role: Option<RoleArn> = section.require("role", parsed);
    let assume = section.read("assume", boolean).unwrap_or(true);
    let break_glass: Option<RoleArn> = section.read("break_glass", parsed);
    let certificate_bucket = section.require("certificate_bucket", bucket);
    let certificate_prefix = section
        .read("certificate_prefix", prefix)
        .unwrap_or_else(|| "certs/".to_owned());
    if let (Some(id), Some(role)) = (&id, &role) {
        if role.account() != id.as_str() {
            let account = role.account();
            section.problem(format_args!("`role` is in account {account}, not in {id}"));
        }
        if let Some(break_glass) = &break_glass {
            refuse_break_glass(&section, break_glass, id, role);
        }
        if earlier.iter().any(|account| account.id == *id) {
            section.problem(format_args!("{id} is listed twice"));
        }
    }
    section.finish();
    Some(IdentityAccount {
        id: id?,
        role: role?,
        assume,
        break_glass,
        certificate_bucket: certificate_bucket?,
        certificate_prefix,
    })
}

fn refuse_break_glass(
    section: &Section<'_, '_>,
    break_glass: &RoleArn,
    id: &AccountId,
    role: &RoleArn,
) {
    if break_glass.account() != id.as_str() {
        let account = break_glass.account();
        section.problem(format_args!(
            "`break_glass` is in account {account}, not in {id}"
        ));
    }
    if break_glass == role {
        section.problem("`break_glass` must be another role than `role`");
    }
}

fn exemption(mut section: Section<'_, '_>) -> Option<Exemption> {
    let who = selector(&mut section);
    let until = section.require("until", until);
    let reason = section.require("reason", words);
    section.finish();
    Some(Exemption {
        who: who?,
        until: until?,
        reason: reason?,
    })
}

/// Exactly one of `user`, `path`, `tag` and `group`.
fn selector(section: &mut Section<'_, '_>) -> Option<Selector> {
    let mut given = 0;
    for key in ["user", "path", "tag", "group"] {
        given += usize::from(section.take(key).is_some());
    }
    let user = section.read("user", parsed).map(Selector::User);
    let path = section.read("path", path).map(Selector::Path);
    let group = section.read("group", parsed).map(Selector::Group);
    let tag = section
        .take("tag")
        .and_then(|value| tag(section.of("tag", value)));
    if given != 1 {
        section.problem("must have exactly one of `user`, `path`, `tag` and `group`");
    }
    user.or(path).or(tag).or(group)
}

fn tag(mut section: Section<'_, '_>) -> Option<Selector> {
    let (key, value) = (
        section.require("key", words),
        section.require("value", text),
    );
    section.finish();
    Some(Selector::Tag {
        key: key?,
        value: value?,
    })
}
