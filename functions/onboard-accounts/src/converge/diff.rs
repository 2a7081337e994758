//! A plan as people read it: lines like Terraform's, `+` for what is added, `~` for what changes, `-` for
//! what is removed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use banto_domain::policy::onboarding::PasswordPolicy;
use banto_domain::status::Condition;
use banto_ports::{Channel, OrgAccount, Recorder, RecordingGroup, RoleChange, VpcPart};
use serde_json::Value;

use crate::converge::plan::{Action, Plan};

/// How many things a plan adds, changes and removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Things that are not there yet.
    pub add: usize,
    /// Things that differ.
    pub change: usize,
    /// Things that go.
    pub delete: usize,
}

/// The plan of an account, and what it counts.
pub fn diff(account: &OrgAccount, plan: &Plan) -> (String, Counts) {
    let mut text = format!("# {} ({})\n", account.id, account.name);
    let mut counts = Counts::default();
    for (place, part) in plan.parts.iter() {
        if part.actions.is_empty() {
            line(
                &mut text,
                "    ",
                &format!("{place}: {}", condition(&part.condition)),
            );
            continue;
        }
        line(&mut text, "    ", &format!("{place}:"));
        for action in &part.actions {
            // What completes a thing that this plan makes is shown as a part of it.
            let lines = match completes(action, &part.actions) {
                Some(completion) => completion
                    .into_iter()
                    .map(|field| format!("    {field}"))
                    .collect(),
                None => lines(action),
            };
            match lines.first().and_then(|first| first.chars().next()) {
                Some('+') => counts.add += 1,
                Some('~') => counts.change += 1,
                Some('-') => counts.delete += 1,
                _ => {}
            }
            for shown in lines {
                line(&mut text, "      ", &shown);
            }
        }
        if part.condition != Condition::InPlace {
            line(
                &mut text,
                "      ",
                &format!("! {}", condition(&part.condition)),
            );
        }
    }
    (text, counts)
}

/// The field of a new thing that an action fills in; `None` of an action that stands for itself.
fn completes(action: &Action, actions: &[Action]) -> Option<Option<String>> {
    match action {
        Action::ChangeRole { name, change } => {
            let is_new = |other: &Action| matches!(other, Action::CreateRole { name: made, .. } if made == name);
            actions.iter().any(is_new).then(|| match change {
                RoleChange::Attach(policy) => Some(format!("policy    {policy}")),
                RoleChange::PutInline(id, policy) => {
                    Some(format!("inline    {id}: {}", compact(policy)))
                }
                // The mark that the role is complete.
                _ => None,
            })
        }
        Action::StartRecorder { name } => {
            let is_new = |other: &Action| matches!(other, Action::PutRecorder { recorder, replaces: None } if recorder.name == *name);
            actions
                .iter()
                .any(is_new)
                .then(|| Some("recording on".to_owned()))
        }
        _ => None,
    }
}

/// What a plan, or several, come to.
pub fn summary(counts: Counts) -> String {
    let Counts {
        add,
        change,
        delete,
    } = counts;
    if counts == Counts::default() {
        return "No changes. Every account is as the baseline says, or waits for people."
            .to_owned();
    }
    format!("Plan: {add} to add, {change} to change, {delete} to delete.")
}

fn line(text: &mut String, indent: &str, shown: &str) {
    // Writing to a String can't fail.
    let _infallible = writeln!(text, "{indent}{shown}").is_ok();
}

/// Where something stands, in one line.
pub fn condition(condition: &Condition) -> String {
    match condition {
        Condition::InPlace => "in place".to_owned(),
        Condition::LeftAlone { because } => format!("left alone: {because}"),
        Condition::Drifted { items } => format!("differs, reported only: {}", items.join("; ")),
        Condition::NotReady(reason) => format!("not ready: {reason}"),
        Condition::Failed(reason) => format!("failed: {reason}"),
    }
}

/// An action, in lines; the first begins with its sign.
pub fn lines(action: &Action) -> Vec<String> {
    match action {
        Action::CreateConfigRole => vec!["+ role of AWS Config (service-linked)".to_owned()],
        Action::CreateRole { name, role } => vec![
            format!("+ role {name}"),
            format!("    trust     {}", trust(&role.trust)),
            format!("    session   {} h", role.session_seconds / 3_600),
        ],
        Action::ChangeRole { name, change } => vec![role_line(name.as_str(), change)],
        Action::SetPasswordPolicy { policy, replaces } => {
            let mut lines = vec![format!("{} password policy", sign(replaces.as_ref()))];
            lines.extend(fields(
                replaces.as_ref().map(password).as_deref(),
                &password(policy),
            ));
            lines
        }
        Action::BlockPublicAccess { replaces } => {
            vec![format!(
                "{} block of public access to S3: {} of 4 → 4 of 4",
                sign(replaces.as_ref()),
                replaces.unwrap_or(0)
            )]
        }
        Action::SetContact {
            kind,
            contact,
            replaces,
        } => {
            let of = |contact: &banto_domain::policy::onboarding::Contact| {
                format!("{} <{}>", contact.name, contact.email)
            };
            let before = replaces
                .as_ref()
                .map_or_else(String::new, |contact| format!("{} → ", of(contact)));
            vec![format!(
                "{} {} contact: {before}{}",
                sign(replaces.as_ref()),
                kind.as_str(),
                of(contact)
            )]
        }
        Action::PutRecorder { recorder, replaces } => {
            let mut lines = vec![format!(
                "{} recorder {}",
                sign(replaces.as_ref()),
                recorder.name
            )];
            lines.extend(fields(
                replaces.as_ref().map(recorder_fields).as_deref(),
                &recorder_fields(recorder),
            ));
            lines
        }
        Action::PutChannel { channel, replaces } => {
            let mut lines = vec![format!(
                "{} delivery channel {}",
                sign(replaces.as_ref()),
                channel.name
            )];
            lines.extend(fields(
                replaces.as_ref().map(channel_fields).as_deref(),
                &channel_fields(channel),
            ));
            lines
        }
        Action::StartRecorder { name } => vec![format!("~ recorder {name}: stopped → recording")],
        Action::EncryptEbs => vec!["~ encryption of new EBS volumes: off → on".to_owned()],
        Action::DeleteVpcPart(VpcPart::Subnet(id)) => vec![format!("- default subnet {id}")],
        Action::DeleteVpcPart(VpcPart::Gateway { id, .. }) => {
            vec![format!("- internet gateway {id}")]
        }
        Action::DeleteVpcPart(VpcPart::Vpc(id)) => vec![format!("- default VPC {id} (empty)")],
    }
}

fn sign<T>(replaces: Option<&T>) -> char {
    if replaces.is_some() { '~' } else { '+' }
}

fn role_line(name: &str, change: &RoleChange) -> String {
    match change {
        RoleChange::Trust(trust) => format!("~ role {name}: trust → {}", self::trust(trust)),
        RoleChange::SessionSeconds(seconds) => {
            format!("~ role {name}: session → {} h", seconds / 3_600)
        }
        RoleChange::Attach(policy) => format!("+ role {name}: policy {policy}"),
        RoleChange::Detach(policy) => format!("- role {name}: policy {policy}"),
        RoleChange::PutInline(id, policy) => {
            format!("~ role {name}: inline policy {id} → {}", compact(policy))
        }
        RoleChange::DeleteInline(id) => format!("- role {name}: inline policy {id}"),
        RoleChange::SetBoundary(policy) => format!("~ role {name}: boundary → {policy}"),
        RoleChange::RemoveBoundary => format!("- role {name}: boundary"),
        RoleChange::Tag(tags) => {
            let tags: Vec<String> = tags
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            format!("~ role {name}: tags {}", tags.join(", "))
        }
    }
}

/// The fields that are new or differ.
fn fields(
    before: Option<&[(&'static str, String)]>,
    after: &[(&'static str, String)],
) -> Vec<String> {
    let old = |name: &str| {
        before
            .and_then(|before| before.iter().find(|(known, _)| *known == name))
            .map(|(_, old)| old)
    };
    let changed = after
        .iter()
        .filter(|(name, value)| old(name) != Some(value));
    changed
        .map(|(name, value)| match old(name) {
            Some(old) => format!("    {name:<10}{old} → {value}"),
            None => format!("    {name:<10}{value}"),
        })
        .collect()
}

fn password(policy: &PasswordPolicy) -> Vec<(&'static str, String)> {
    let number =
        |value: Option<i32>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    vec![
        ("length", policy.minimum_length.to_string()),
        (
            "kinds",
            if policy.all_character_kinds {
                "all"
            } else {
                "any"
            }
            .to_owned(),
        ),
        ("max age", number(policy.max_age_days)),
        ("no reuse", number(policy.reuse_prevention)),
    ]
}

fn recorder_fields(recorder: &Recorder) -> Vec<(&'static str, String)> {
    let often = |continuous: bool| if continuous { "continuous" } else { "daily" };
    let own: Vec<String> = recorder
        .continuous_of
        .iter()
        .map(|(name, continuous)| format!("{name} {}", often(*continuous)))
        .collect();
    let mut fields = vec![
        ("types", group(&recorder.group)),
        ("frequency", often(recorder.continuous).to_owned()),
    ];
    if !own.is_empty() {
        fields.push(("except", own.join(", ")));
    }
    fields
}

fn group(group: &RecordingGroup) -> String {
    let list = |names: &BTreeSet<String>| {
        names
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match group {
        RecordingGroup::All { with_global: true } => "all, IAM's global ones too".to_owned(),
        RecordingGroup::All { with_global: false } => "all but IAM's global ones".to_owned(),
        RecordingGroup::Only(names) => format!("only {}", list(names)),
        RecordingGroup::AllBut(names) => format!("all but {}", list(names)),
    }
}

fn channel_fields(channel: &Channel) -> Vec<(&'static str, String)> {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut fields = vec![
        ("bucket", channel.bucket.clone()),
        ("snapshots", or_none(&channel.snapshots)),
    ];
    for (name, value) in [
        ("prefix", &channel.prefix),
        ("key", &channel.kms_key),
        ("topic", &channel.topic),
    ] {
        if value.is_some() {
            fields.push((name, or_none(value)));
        }
    }
    fields
}

/// A trust policy in words: who, and under which conditions.
fn trust(document: &Value) -> String {
    let list = |value: &Value| match value {
        Value::Array(values) => values
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let statement = |statement: &Value| {
        let who = statement
            .pointer("/Principal/AWS")
            .map(list)
            .unwrap_or_default();
        let operators = statement.get("Condition").and_then(Value::as_object);
        let conditions = operators
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().into_iter().flatten();
                keys.map(move |(key, value)| {
                    format!("\n                    if {key} {operator} {}", list(value))
                })
            });
        format!("{who}{}", conditions.collect::<String>())
    };
    let statements = document
        .get("Statement")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    statements.map(statement).collect::<Vec<_>>().join("; ")
}

/// A policy document in one line.
fn compact(document: &Value) -> String {
    match document.get("Statement") {
        Some(statements) => statements.to_string(),
        None => document.to_string(),
    }
}
