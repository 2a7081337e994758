//! Reads `[onboarding.roles]`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::super::values::{at_most, boolean, integer, one_of, parsed, text, words};
use crate::names::is_iam_byte;
use crate::policy::onboarding::{MAX_SESSION_HOURS, Role, SessionName};
use crate::policy::section::Section;
use crate::{PolicyArn, RoleName};

/// Longest description, in characters. (IAM API reference, `CreateRole`.)
const DESCRIPTION_CHARS: usize = 1_000;
/// Most managed policies of a role. (IAM user guide, "IAM and AWS STS quotas".)
const MANAGED_POLICIES: usize = 20;
/// Longest name of an inline policy. (IAM API reference, `PutRolePolicy`.)
const POLICY_NAME_BYTES: usize = 128;
/// Most characters of a role's inline policies together: IAM allows 10,240, of which spaces don't
/// count, and 2,048 of them are left for the denials that end users' sessions, about 200 each. (IAM
/// user guide, "IAM and AWS STS quotas".)
const INLINE_CHARS: usize = 8_192;
/// Most tags besides the one that is Banto's own: IAM allows 50. (IAM API reference, `CreateRole`.)
const TAGS: usize = 49;
/// Longest key and value of a tag, in characters. (IAM API reference, data type `Tag`.)
const TAG_KEY_CHARS: usize = 128;
const TAG_VALUE_CHARS: usize = 256;
/// The condition key of a session's name. (IAM user guide, "IAM and AWS STS condition context
/// keys".)
const SESSION_NAME: &str = "sts:RoleSessionName";

pub(super) fn named_role(
    section: &Section<'_, '_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
) -> Option<(RoleName, Role)> {
    let role = role(section.of("roles", value));
    match name.parse() {
        Ok(name) => Some((name, role?)),
        Err(error) => {
            section.problem_at(value, "roles", format_args!("is named wrongly: {error}"));
            None
        }
    }
}

/// Notes two names that are one to IAM. (IAM user guide, "IAM and AWS STS quotas": names are unique
/// whatever the case of their letters.)
pub(super) fn must_be_distinct(section: &Section<'_, '_>, roles: &BTreeMap<RoleName, Role>) {
    let mut seen = BTreeMap::new();
    for name in roles.keys() {
        if let Some(other) = seen.insert(name.as_str().to_ascii_lowercase(), name) {
            section.problem_of(
                "roles",
                format_args!("has {other} and {name}, which are one name to IAM"),
            );
        }
    }
}

fn role(mut section: Section<'_, '_>) -> Option<Role> {
    let description = section
        .read("description", description)
        .unwrap_or_else(|| "Made by Banto".to_owned());
    let trusted: BTreeSet<_> = section.read_each("trusted", parsed).into_iter().collect();
    if trusted.is_empty() {
        section.problem("`trusted` must name at least one account, like the identity account");
    }
    let mfa = section.read("mfa", boolean).unwrap_or(true);
    let conditions = section.read("conditions", conditions);
    let session_name = session_name(&mut section, conditions.as_ref());
    let max_session_hours = section
        .read("max_session_hours", |value| {
            integer(value, 1..=MAX_SESSION_HOURS.into())
        })
        .unwrap_or(1);
    let managed_policies: BTreeSet<PolicyArn> = section
        .read_each("managed_policies", parsed)
        .into_iter()
        .collect();
    let inline_policies = inline_policies(&mut section);
    if managed_policies.is_empty() && inline_policies.is_empty() {
        section.problem(
            "must have `managed_policies` or `inline_policies`; a role without them can do nothing",
        );
    }
    if managed_policies.len() > MANAGED_POLICIES {
        section.problem_of(
            "managed_policies",
            format_args!("are more than {MANAGED_POLICIES}, the most that IAM allows"),
        );
    }
    let boundary = section.read("boundary", parsed);
    let tags = tags(&mut section);
    section.finish();
    Some(Role {
        description,
        trusted,
        mfa,
        conditions,
        session_name,
        max_session_hours: i32::try_from(max_session_hours).ok()?,
        managed_policies,
        inline_policies,
        boundary,
        tags,
    })
}

/// The name that sessions must have, of which the role's own conditions must not speak, too.
fn session_name(section: &mut Section<'_, '_>, conditions: Option<&Value>) -> SessionName {
    let session_name = section
        .read("session_name", |value| {
            one_of(
                value,
                &[("user", SessionName::User), ("any", SessionName::Any)],
            )
        })
        .unwrap_or(SessionName::User);
    let operators = conditions.and_then(Value::as_object).into_iter().flatten();
    let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    // Condition keys are the same in any case of their letters.
    let is_told = keys.any(|(key, _)| key.eq_ignore_ascii_case(SESSION_NAME));
    if session_name == SessionName::User && is_told {
        section.problem_of(
            "conditions",
            format_args!("must not speak of {SESSION_NAME}, which must be the user's name: take it out, or make `session_name` \"any\""),
        );
    }
    session_name
}

fn inline_policies(section: &mut Section<'_, '_>) -> BTreeMap<String, Value> {
    let key = "inline_policies";
    let mut found = BTreeMap::new();
    let mut chars = 0;
    for (name, value) in section.entries(key) {
        if name.is_empty() || name.len() > POLICY_NAME_BYTES || !name.bytes().all(is_iam_byte) {
            section.problem_at(
                value,
                key,
                format_args!("is named {name:?}: expected 1 to {POLICY_NAME_BYTES} letters, digits or any of + = , . @ _ -"),
            );
        }
        match json_object(value.get_ref()) {
            Ok(policy) => {
                let written = policy.to_string();
                chars += written.chars().filter(|char| !char.is_whitespace()).count();
                found.insert(name.to_owned(), policy);
            }
            Err(why) => section.problem_at(value, key, format_args!("({name}) {why}")),
        }
    }
    if chars > INLINE_CHARS {
        section.problem_of(
            key,
            format_args!(
                "have {chars} characters together, more than {INLINE_CHARS}: IAM allows 10240, and the rest is for denials \
                 that end sessions"
            ),
        );
    }
    found
}

fn tags(section: &mut Section<'_, '_>) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (key, value) in section.entries("tags") {
        match tag_value(value.get_ref()).and_then(|value| Ok((tag_key(key)?, value))) {
            Ok((key, value)) => drop(tags.insert(key, value)),
            Err(why) => section.problem_at(value, "tags", format_args!("({key}) {why}")),
        }
        // IAM user guide, "Tags for AWS Identity and Access Management resources": keys are the
        // same in any case of their letters.
        if !seen.insert(key.to_lowercase()) {
            section.problem_at(
                value,
                "tags",
                format_args!("({key}) has the key of another, whose letters differ in case only"),
            );
        }
    }
    if tags.len() > TAGS {
        section.problem_of(
            "tags",
            format_args!("are more than {TAGS}: IAM allows 50, and one is Banto's own"),
        );
    }
    tags
}

// --- Values ------------------------------------------------------------------------------------

/// A description as IAM takes it. (IAM API reference, `CreateRole`:
/// `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`.)
fn description(value: &DeValue<'_>) -> Result<String, String> {
    let found = at_most(DESCRIPTION_CHARS, words(value)?)?;
    let is_allowed =
        |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    match found.chars().find(|char| !is_allowed(*char)) {
        None => Ok(found),
        Some(char) => Err(format!(
            "must hold Latin-1 characters only, says IAM, but holds {char:?}"
        )),
    }
}

fn tag_key(key: &str) -> Result<String, String> {
    let lower = key.to_lowercase();
    if lower.starts_with("banto:") {
        return Err("is Banto's own".to_owned());
    }
    if lower.starts_with("aws:") {
        return Err("is AWS's own".to_owned());
    }
    if key.is_empty() {
        return Err("must have a key".to_owned());
    }
    tag_text(at_most(TAG_KEY_CHARS, key.to_owned())?)
}

fn tag_value(value: &DeValue<'_>) -> Result<String, String> {
    tag_text(at_most(TAG_VALUE_CHARS, text(value)?)?)
}

/// A part of a tag as IAM takes it. (IAM API reference, data type `Tag`:
/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`.)
fn tag_text(text: String) -> Result<String, String> {
    let is_space = |char: char| char.is_whitespace() && !char.is_control();
    let is_allowed =
        |char: char| char.is_alphanumeric() || is_space(char) || "_.:/=+-@".contains(char);
    match text.chars().find(|char| !is_allowed(*char)) {
        None => Ok(text),
        Some(char) => Err(format!(
            "must hold letters, digits, spaces and any of _ . : / = + - @ only, but holds {char:?}"
        )),
    }
}

/// Conditions of a trust policy: an object for each operator.
fn conditions(value: &DeValue<'_>) -> Result<Value, String> {
    let found = json_object(value)?;
    let operators = found.as_object().map(Map::values);
    if operators.into_iter().flatten().all(Value::is_object) {
        Ok(found)
    } else {
        Err("must have an object for each operator, as in {\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-exampleorgid\"}}".to_owned())
    }
}

/// A JSON object that may be in a policy document. (IAM API reference, `PutRolePolicy`:
/// `[\u0009\u000A\u000D\u0020-\u00FF]+`.)
fn json_object(value: &DeValue<'_>) -> Result<Value, String> {
    let object = match serde_json::from_str(&text(value)?) {
        Ok(object @ Value::Object(_)) => object,
        Ok(_) => return Err("must be a JSON object".to_owned()),
        Err(error) => return Err(format!("is not JSON: {error}")),
    };
    match object.to_string().chars().find(|char| *char > '\u{ff}') {
        None => Ok(object),
        Some(char) => Err(format!(
            "must hold Latin-1 characters only, says IAM, but holds {char:?}"
        )),
    }
}
