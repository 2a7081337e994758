//! A plan as people read it: lines like Terraform's, `+` for what is added, `~` for what changes,
//! `-` for what is removed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use banto_domain::RoleName;
use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::status::Condition;
use banto_ports::{
    Channel, LivePasswordPolicy, OrgAccount, Recorder, RecordingGroup, RoleChange, VpcPart,
};
use serde_json::Value;

use super::actions::{Action, Plan};
use super::operations::Operation;

/// The number of things that a plan adds, changes and removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Things that are not there yet.
    pub add: usize,
    /// Things that differ.
    pub change: usize,
    /// Things that go.
    pub delete: usize,
}

/// Writes the plan of an account, and counts its actions.
pub fn write_plan(text: &mut String, counts: &mut Counts, account: &OrgAccount, plan: &Plan) {
    line(text, "# ", &format!("{} ({})", account.id, account.name));
    for (place, chain) in plan.chains.iter() {
        let condition = condition(&chain.condition);
        if chain.actions.is_empty() {
            line(text, "    ", &format!("{place}: {condition}"));
            continue;
        }
        line(text, "    ", &format!("{place}:"));
        for action in &chain.actions {
            let lines = lines_in_chain(action, &chain.actions);
            counts.add_lines(&lines);
            for shown in lines {
                line(text, "      ", &shown);
            }
        }
        if chain.condition != Condition::InPlace {
            line(text, "      ", &format!("! {condition}"));
        }
    }
}

/// Writes an operation on the StackSet, and counts its instances.
pub fn write_operation(text: &mut String, counts: &mut Counts, operation: &Operation) {
    let instances = operation.accounts().len() * operation.regions().len();
    let sign = match operation {
        Operation::Create { .. } => {
            counts.add += instances;
            '+'
        }
        Operation::Update { .. } => {
            counts.change += instances;
            '~'
        }
    };
    let (regions, accounts) = (operation.regions(), operation.accounts());
    let (regions, accounts) = (listed(regions), listed(accounts));
    let shown = format!("{sign} stack instances in {regions}: {accounts}");
    line(text, "", &shown);
}

/// An action in lines. One that completes a thing which the same chain makes is shown as a field of
/// it, without a sign, so that it is not counted either.
fn lines_in_chain(action: &Action, chain: &[Action]) -> Vec<String> {
    match action {
        Action::ChangeRole { name, change, .. } if makes_role(chain, name) => {
            let field = completed_field(change).into_iter();
            field.map(|field| format!("    {field}")).collect()
        }
        Action::StartRecorder { name } if makes_recorder(chain, name) => {
            vec!["    recording on".to_owned()]
        }
        _ => lines(action),
    }
}

impl Counts {
    /// Counts an action by the sign that its first line begins with.
    fn add_lines(&mut self, lines: &[String]) {
        match lines.first().and_then(|first| first.chars().next()) {
            Some('+') => self.add += 1,
            Some('~') => self.change += 1,
            Some('-') => self.delete += 1,
            _ => {}
        }
    }
}

fn makes_role(chain: &[Action], role: &RoleName) -> bool {
    chain
        .iter()
        .any(|action| matches!(action, Action::CreateRole { name, .. } if name == role))
}

fn makes_recorder(chain: &[Action], name: &str) -> bool {
    chain.iter().any(|action| {
        matches!(action, Action::PutRecorder { recorder, replaces: None } if recorder.name == name)
    })
}

/// The field of a new role that a change fills in; none for the mark that the role is complete.
fn completed_field(change: &RoleChange) -> Option<String> {
    match change {
        RoleChange::Attach(policy) => Some(format!("policy    {policy}")),
        RoleChange::PutInline(id, policy) => Some(format!("inline    {id}: {}", compact(policy))),
        _ => None,
    }
}

/// The last line of a diff.
pub fn summary(counts: Counts) -> String {
    let Counts {
        add,
        change,
        delete,
    } = counts;
    if counts == Counts::default() {
        return "No changes.".to_owned();
    }
    format!("Plan: {add} to add, {change} to change, {delete} to delete.")
}

fn line(text: &mut String, indent: &str, shown: &str) {
    // Writing to a String can't fail.
    let _infallible = writeln!(text, "{indent}{shown}").is_ok();
}

/// A condition in one line.
pub fn condition(condition: &Condition) -> String {
    match condition {
        Condition::InPlace => "in place".to_owned(),
        Condition::LeftAlone { because } => format!("left alone: {because}"),
        Condition::Drifted { items } => format!("drifted, reported only: {}", items.join("; ")),
        Condition::NotReady(reason) => format!("not ready: {reason}"),
        Condition::Failed(reason) => format!("failed: {reason}"),
    }
}

/// An action, in lines; the first begins with its sign.
pub fn lines(action: &Action) -> Vec<String> {
    let fields = match action {
        Action::CreateRole { role, .. } => vec![
            format!("    trust     {}", trust(&role.trust)),
            format!("    session   {} h", role.session_seconds / 3_600),
        ],
        Action::ChangeRole {
            change,
            replaces: Some(before),
            ..
        } => vec![format!("    was       {}", before_of(change, before))],
        Action::SetContact {
            contact,
            replaces: Some(before),
            ..
        } => changed_fields(Some(contact_fields(before)), contact_fields(contact)),
        Action::SetPasswordPolicy { policy, replaces } => {
            changed_fields(replaces.as_ref().map(password), password(policy))
        }
        Action::PutRecorder { recorder, replaces } => changed_fields(
            replaces.as_ref().map(recorder_fields),
            recorder_fields(recorder),
        ),
        Action::PutChannel { channel, replaces } => changed_fields(
            replaces.as_ref().map(channel_fields),
            channel_fields(channel),
        ),
        _ => Vec::new(),
    };
    let mut lines = vec![first_line(action)];
    lines.extend(fields);
    lines
}

/// The line that names an action; it begins with its sign.
pub fn first_line(action: &Action) -> String {
    match action {
        Action::CreateConfigRole => "+ role of AWS Config (service-linked)".to_owned(),
        Action::CreateRole { name, .. } => format!("+ role {name}"),
        Action::ChangeRole { name, change, .. } => role_line(name.as_str(), change),
        Action::SetPasswordPolicy { replaces, .. } => {
            format!("{} password policy", sign(replaces.as_ref()))
        }
        Action::BlockPublicAccess { replaces } => format!(
            "{} block of public access to S3: {} of 4 → 4 of 4",
            sign(replaces.as_ref()),
            replaces.unwrap_or(0)
        ),
        Action::SetContact {
            contact_kind,
            contact,
            replaces,
        } => contact_line(*contact_kind, contact, replaces.as_ref()),
        Action::PutRecorder { recorder, replaces } => {
            format!("{} recorder {}", sign(replaces.as_ref()), recorder.name)
        }
        Action::PutChannel { channel, replaces } => {
            format!(
                "{} delivery channel {}",
                sign(replaces.as_ref()),
                channel.name
            )
        }
        Action::StartRecorder { name } => format!("~ recorder {name}: stopped → recording"),
        Action::EncryptEbs => "~ encryption of new EBS volumes: off → on".to_owned(),
        Action::DeleteVpcPart { part } => match part {
            VpcPart::Subnet(id) => format!("- default subnet {id}"),
            VpcPart::Gateway { id, .. } => format!("- internet gateway {id}"),
            VpcPart::Vpc(id) => format!("- default VPC {id} (unused)"),
        },
    }
}

fn contact_line(kind: ContactKind, contact: &Contact, replaces: Option<&Contact>) -> String {
    let before = replaces.map_or_else(String::new, |old| format!("{} → ", address(old)));
    let (sign, kind) = (sign(replaces), kind.as_str());
    format!("{sign} {kind} contact: {before}{}", address(contact))
}

fn address(contact: &Contact) -> String {
    format!("{} <{}>", contact.name, contact.email)
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

/// A field's name and its value, as text.
type Field = (&'static str, String);

/// The fields that are new, differ or go, a line each.
fn changed_fields(before: Option<Vec<Field>>, after: Vec<Field>) -> Vec<String> {
    let mut before: BTreeMap<&str, String> = before.into_iter().flatten().collect();
    let mut lines = Vec::new();
    for (name, value) in after {
        match before.remove(name) {
            Some(old) if old == value => {}
            Some(old) => lines.push(format!("    {name:<10}{old} → {value}")),
            None => lines.push(format!("    {name:<10}{value}")),
        }
    }
    for (name, old) in before {
        lines.push(format!("    {name:<10}{old} → none"));
    }
    lines
}

/// The part of a role that a change replaces, as it was before.
fn before_of(change: &RoleChange, before: &Value) -> String {
    match change {
        RoleChange::Trust(_) => trust(before),
        RoleChange::SessionSeconds(_) => {
            let seconds = before.as_i64().unwrap_or_default();
            format!("{} h", seconds / 3_600)
        }
        RoleChange::PutInline(..) | RoleChange::DeleteInline(_) => compact(before),
        _ => before
            .as_str()
            .map_or_else(|| before.to_string(), str::to_owned),
    }
}

fn contact_fields(contact: &Contact) -> Vec<Field> {
    vec![
        ("title", contact.title.clone()),
        ("phone", contact.phone.clone()),
    ]
}

fn password(policy: &LivePasswordPolicy) -> Vec<Field> {
    vec![
        ("length", policy.minimum_length.to_string()),
        ("kinds", character_kinds(policy)),
        ("max age", or_none(policy.max_age_days)),
        ("no reuse", or_none(policy.reuse_prevention)),
        ("by users", yes_or_no(policy.users_may_change)),
        ("hard end", yes_or_no(policy.hard_expiry)),
    ]
}

/// The kinds of characters that a password must have.
fn character_kinds(policy: &LivePasswordPolicy) -> String {
    let kinds = [
        (policy.lowercase, "a-z"),
        (policy.uppercase, "A-Z"),
        (policy.numbers, "0-9"),
        (policy.symbols, "symbols"),
    ];
    let required = kinds.into_iter().filter(|(is_required, _)| *is_required);
    let required: Vec<&str> = required.map(|(_, kind)| kind).collect();
    match required.is_empty() {
        true => "any".to_owned(),
        false => required.join(" "),
    }
}

fn yes_or_no(value: bool) -> String {
    match value {
        true => "yes".to_owned(),
        false => "no".to_owned(),
    }
}

/// A value, or "none".
fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn recorder_fields(recorder: &Recorder) -> Vec<Field> {
    let mut fields = vec![
        ("role", recorder.role.clone()),
        ("types", group(&recorder.group)),
        ("frequency", frequency(recorder.continuous).to_owned()),
    ];
    let mut exceptions = Vec::new();
    for (name, continuous) in &recorder.continuous_of {
        exceptions.push(format!("{name} {}", frequency(*continuous)));
    }
    if !exceptions.is_empty() {
        fields.push(("except", exceptions.join(", ")));
    }
    fields
}

fn frequency(continuous: bool) -> &'static str {
    match continuous {
        true => "continuous",
        false => "daily",
    }
}

fn group(group: &RecordingGroup) -> String {
    match group {
        RecordingGroup::All { with_global: true } => "all, IAM's global ones too".to_owned(),
        RecordingGroup::All { with_global: false } => "all but IAM's global ones".to_owned(),
        RecordingGroup::Only(names) => format!("only {}", listed(names)),
        RecordingGroup::AllBut(names) => format!("all but {}", listed(names)),
    }
}

fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    names.join(", ")
}

fn channel_fields(channel: &Channel) -> Vec<Field> {
    let mut fields = vec![
        ("bucket", channel.bucket.clone()),
        ("snapshots", or_none(channel.snapshots.as_ref())),
    ];
    for (name, value) in [
        ("prefix", &channel.prefix),
        ("key", &channel.kms_key),
        ("topic", &channel.topic),
    ] {
        if let Some(value) = value {
            fields.push((name, value.clone()));
        }
    }
    fields
}

/// A trust policy in words: who, and under which conditions.
fn trust(document: &Value) -> String {
    let statements = document.get("Statement").and_then(Value::as_array);
    let statements: Vec<String> = statements.into_iter().flatten().map(statement).collect();
    statements.join("; ")
}

fn statement(statement: &Value) -> String {
    let who = statement.pointer("/Principal/AWS");
    let mut text = who.map(values).unwrap_or_default();
    let operators = statement.get("Condition").and_then(Value::as_object);
    for (operator, keys) in operators.into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            let value = values(value);
            text.push_str(&format!(
                "\n                    if {key} {operator} {value}"
            ));
        }
    }
    text
}

/// One text or several, in a row.
fn values(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            values.join(", ")
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// A policy document in one line.
fn compact(document: &Value) -> String {
    document.get("Statement").unwrap_or(document).to_string()
}
