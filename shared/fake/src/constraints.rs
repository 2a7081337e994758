//! What AWS's own models allow in a request: a request that AWS would refuse is a defect.
//!
//! The rules are in `constraints/constraints.json`, which `constraints/generate.py` makes from
//! botocore's models and from what the API references say in words only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// The rules of every call that is held to them.
static CONSTRAINTS: LazyLock<Constraints> = LazyLock::new(Constraints::read);

/// The operations whose calls have another name in an IAM policy, by that name. (Service
/// Authorization Reference, "Actions, resources, and condition keys" of SQS and S3.)
const OPERATIONS: [(&str, &str); 6] = [
    (
        "s3:GetAccountPublicAccessBlock",
        "s3control:GetPublicAccessBlock",
    ),
    (
        "s3:PutAccountPublicAccessBlock",
        "s3control:PutPublicAccessBlock",
    ),
    ("s3:GetObjectVersion", "s3:GetObject"),
    ("s3:ListBucket", "s3:ListObjectsV2"),
    ("s3:ListBucketVersions", "s3:ListObjectVersions"),
    ("sqs:SendMessage", "sqs:SendMessageBatch"),
];

#[derive(Debug, Deserialize)]
struct Constraints {
    /// The shape of each call's request; `None` of a call without members.
    operations: BTreeMap<String, Option<String>>,
    shapes: BTreeMap<String, Shape>,
}

/// The rules of a value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shape {
    r#type: Type,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    members: BTreeMap<String, String>,
    /// The shape of a list's members.
    member: Option<String>,
    /// The shapes of a map's keys and values.
    key: Option<String>,
    value: Option<String>,
    /// The least and the most, of characters, of members or of a number.
    min: Option<i64>,
    max: Option<i64>,
    max_bytes: Option<usize>,
    r#enum: Option<BTreeSet<String>>,
    pattern: Option<String>,
    /// The pattern, made on its first use: most are never used, and making one takes a while.
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Structure,
    List,
    Map,
    String,
    Blob,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
}

/// A value, and where in the request it is.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    path: &'a str,
    value: &'a Value,
}

/// Checks a request of a call (`iam:GetUser`) against the rules of AWS. A member that is null is
/// one that is not sent.
///
/// # Errors
/// The call, the member and the rule that it breaks. A call whose rules are not known is an error,
/// too.
pub fn check(operation: &str, request: &Value) -> Result<(), String> {
    let Some(shape) = CONSTRAINTS.operations.get(operation) else {
        return Err(format!("{operation}: not in constraints/generate.py"));
    };
    let root = Place {
        path: "",
        value: request,
    };
    let checked = match shape {
        Some(shape) => CONSTRAINTS.check(shape, root),
        None => no_members(root),
    };
    checked.map_err(|problem| format!("{operation}: {problem}"))
}

/// The operation by which a call is made that an IAM policy names so.
pub fn operation_of(call: &str) -> &str {
    let other = OPERATIONS.iter().find(|(name, _)| *name == call);
    other.map_or(call, |(_, operation)| operation)
}

fn no_members(request: Place<'_>) -> Result<(), String> {
    match request.value.as_object() {
        Some(members) if members.is_empty() => Ok(()),
        _ => Err("it has no members".to_owned()),
    }
}

impl Constraints {
    #[expect(
        clippy::panic,
        reason = "a file of constraints that can't be read is to fail every test at once"
    )]
    fn read() -> Self {
        let text = include_str!("../constraints/constraints.json");
        serde_json::from_str(text).unwrap_or_else(|error| panic!("constraints.json: {error}"))
    }

    fn check(&self, shape: &str, place: Place<'_>) -> Result<(), String> {
        let Some(rules) = self.shapes.get(shape) else {
            return Err(place.breaks(&format!("there is no shape {shape}")));
        };
        match (rules.r#type, place.value) {
            (Type::Structure, Value::Object(_)) => self.check_members(rules, place),
            (Type::List, Value::Array(values)) => self.check_list(rules, place, values),
            (Type::Map, Value::Object(entries)) => self.check_map(rules, place, entries),
            (Type::String | Type::Blob, Value::String(text)) => rules.check_text(place, text),
            (Type::Integer | Type::Long, Value::Number(number)) => match number.as_i64() {
                Some(number) => rules.check_range(place, number, ""),
                None => Err(place.breaks("a whole number")),
            },
            (Type::Float | Type::Double | Type::Timestamp, Value::Number(_))
            | (Type::Boolean, Value::Bool(_)) => Ok(()),
            (expected, _) => Err(place.breaks(&format!("{expected:?}"))),
        }
    }

    fn check_members(&self, rules: &Shape, place: Place<'_>) -> Result<(), String> {
        let members = place.value.as_object().into_iter().flatten();
        let sent: BTreeMap<&str, &Value> = members
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let mut required = rules.required.iter();
        if let Some(lacking) = required.find(|name| !sent.contains_key(name.as_str())) {
            return Err(place.breaks(&format!("{lacking} is required")));
        }
        for (name, value) in sent {
            let path = place.member(name);
            let Some(shape) = rules.members.get(name) else {
                return Err(place.breaks(&format!("there is no member {name}")));
            };
            let place = Place { path: &path, value };
            self.check(shape, place)?;
        }
        Ok(())
    }

    fn check_list(&self, rules: &Shape, place: Place<'_>, values: &[Value]) -> Result<(), String> {
        rules.check_count(place, values.len(), " entries")?;
        for (number, value) in values.iter().enumerate() {
            let path = place.member(&number.to_string());
            let place = Place { path: &path, value };
            self.check_part(rules.member.as_deref(), place)?;
        }
        Ok(())
    }

    fn check_map(
        &self,
        rules: &Shape,
        place: Place<'_>,
        entries: &serde_json::Map<String, Value>,
    ) -> Result<(), String> {
        rules.check_count(place, entries.len(), " entries")?;
        for (name, value) in entries {
            let path = place.member(name);
            let key = Value::String(name.clone());
            let key = Place {
                path: &path,
                value: &key,
            };
            self.check_part(rules.key.as_deref(), key)?;
            let place = Place { path: &path, value };
            self.check_part(rules.value.as_deref(), place)?;
        }
        Ok(())
    }

    fn check_part(&self, shape: Option<&str>, place: Place<'_>) -> Result<(), String> {
        match shape {
            Some(shape) => self.check(shape, place),
            None => Err(place.breaks("the shape of a part is not told")),
        }
    }
}

impl Shape {
    fn check_text(&self, place: Place<'_>, text: &str) -> Result<(), String> {
        self.check_count(place, text.chars().count(), " characters")?;
        if self.max_bytes.is_some_and(|most| text.len() > most) {
            let most = self.max_bytes.unwrap_or_default();
            return Err(place.breaks(&format!("{} bytes, at most {most}", text.len())));
        }
        if let Some(allowed) = self
            .r#enum
            .as_ref()
            .filter(|allowed| !allowed.contains(text))
        {
            return Err(place.breaks(&format!("{text:?} is none of {allowed:?}")));
        }
        if self.regex().is_some_and(|regex| !regex.is_match(text)) {
            let pattern = self.pattern.as_deref().unwrap_or_default();
            return Err(place.breaks(&format!("{text:?} does not match {pattern}")));
        }
        Ok(())
    }

    fn check_count(&self, place: Place<'_>, count: usize, unit: &str) -> Result<(), String> {
        self.check_range(place, i64::try_from(count).unwrap_or(i64::MAX), unit)
    }

    fn check_range(&self, place: Place<'_>, number: i64, unit: &str) -> Result<(), String> {
        if let Some(most) = self.max.filter(|most| number > *most) {
            return Err(place.breaks(&format!("{number}{unit}, at most {most}")));
        }
        if let Some(least) = self.min.filter(|least| number < *least) {
            return Err(place.breaks(&format!("{number}{unit}, at least {least}")));
        }
        Ok(())
    }

    /// The pattern of the whole text.
    fn regex(&self) -> Option<&Regex> {
        let make = || {
            let pattern = self.pattern.as_deref()?;
            Regex::new(&format!("^(?:{pattern})$")).ok()
        };
        self.regex.get_or_init(make).as_ref()
    }
}

impl Place<'_> {
    fn member(&self, name: &str) -> String {
        match self.path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// The rule that the value breaks, in words.
    fn breaks(&self, rule: &str) -> String {
        match self.path {
            "" => rule.to_owned(),
            path => format!("{path}: {rule}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(operation: &str, request: Value) -> String {
        check(operation, &request).unwrap_err()
    }

    fn secret(name: &str, token: &str) -> Value {
        json!({ "Name": name, "ClientRequestToken": token, "SecretString": "text" })
    }

    const TOKEN: &str = "banto-record-version-00000000000000000000000000000001";

    #[test]
    fn a_request_as_aws_takes_it_is_accepted() {
        let accepted = [
            ("iam:GetUser", json!({ "UserName": "alice" })),
            ("iam:GetCredentialReport", json!({})),
            (
                "secretsmanager:CreateSecret",
                secret("banto/access-keys/alice", TOKEN),
            ),
            (
                "secretsmanager:ListSecrets",
                json!({ "MaxResults": 100, "NextToken": null }),
            ),
        ];
        for (operation, request) in accepted {
            assert_eq!(check(operation, &request), Ok(()));
        }
    }

    #[test]
    fn a_text_too_long_or_too_short_is_refused() {
        assert_eq!(
            refused("iam:GetUser", json!({ "UserName": "a".repeat(129) })),
            "iam:GetUser: UserName: 129 characters, at most 128"
        );
        assert_eq!(
            refused("secretsmanager:CreateSecret", secret("alice", "token")),
            "secretsmanager:CreateSecret: ClientRequestToken: 5 characters, at least 32"
        );
        let mut long = secret("alice", TOKEN);
        long["SecretString"] = "ä".repeat(40_000).into();
        assert_eq!(
            refused("secretsmanager:CreateSecret", long),
            "secretsmanager:CreateSecret: SecretString: 80000 bytes, at most 65536"
        );
    }

    #[test]
    fn a_text_of_other_letters_is_refused_be_they_only_at_its_end() {
        for name in ["alice bob", "alice\n", "älice"] {
            let problem = refused("iam:GetUser", json!({ "UserName": name }));
            assert_eq!(
                problem,
                format!("iam:GetUser: UserName: {name:?} does not match [[0-9A-Za-z_]+=,.@-]+")
            );
        }
        let problem = refused("secretsmanager:CreateSecret", secret("a,b", TOKEN));
        assert!(
            problem.contains("Name: \"a,b\" does not match"),
            "{problem}"
        );
    }

    #[test]
    fn a_member_that_is_missing_or_unknown_is_refused() {
        assert_eq!(
            refused("iam:UpdateAccessKey", json!({ "UserName": "alice" })),
            "iam:UpdateAccessKey: AccessKeyId is required"
        );
        assert_eq!(
            refused("iam:GetUser", json!({ "User": "alice" })),
            "iam:GetUser: there is no member User"
        );
        assert_eq!(
            refused("iam:GetCredentialReport", json!({ "UserName": "alice" })),
            "iam:GetCredentialReport: it has no members"
        );
        let tags = json!({ "SecretId": "alice", "TagKeys": ["a"], "Tags": [] });
        let problem = refused("secretsmanager:UntagResource", tags);
        assert!(problem.contains("there is no member Tags"), "{problem}");
    }

    #[test]
    fn numbers_lists_and_choices_keep_to_their_bounds() {
        assert_eq!(
            refused("secretsmanager:ListSecrets", json!({ "MaxResults": 101 })),
            "secretsmanager:ListSecrets: MaxResults: 101, at most 100"
        );
        let filters = vec![json!({ "Key": "name", "Values": ["banto"] }); 11];
        assert_eq!(
            refused("secretsmanager:ListSecrets", json!({ "Filters": filters })),
            "secretsmanager:ListSecrets: Filters: 11 entries, at most 10"
        );
        let filters = json!([{ "Key": "nick", "Values": ["banto"] }]);
        let problem = refused("secretsmanager:ListSecrets", json!({ "Filters": filters }));
        assert!(
            problem.contains("Filters.0.Key: \"nick\" is none of"),
            "{problem}"
        );
        let attributes = json!([{ "AttributeKey": "EventName", "AttributeValue": 1 }]);
        assert_eq!(
            refused(
                "cloudtrail:LookupEvents",
                json!({ "LookupAttributes": attributes })
            ),
            "cloudtrail:LookupEvents: LookupAttributes.0.AttributeValue: String"
        );
    }

    #[test]
    fn a_call_without_rules_is_refused() {
        assert_eq!(
            refused("iam:DeleteUser", json!({ "UserName": "alice" })),
            "iam:DeleteUser: not in constraints/generate.py"
        );
    }

    #[test]
    fn every_call_that_the_world_has_is_held_to_a_model() {
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let name = Regex::new(r#""([a-z0-9]+:[A-Z][A-Za-z]+)""#).unwrap();
        let mut calls = BTreeSet::new();
        let folders = [sources.clone(), sources.join("requests")];
        let files = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).unwrap());
        for file in files {
            let path = file.unwrap().path();
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            // These name operations and actions, and call none.
            let is_table = path.ends_with("constraints.rs") || path.ends_with("permissions.rs");
            if is_source && !is_table {
                let text = std::fs::read_to_string(path).unwrap();
                calls.extend(name.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
        assert!(calls.len() > 80, "{calls:?}");
        for call in calls {
            let operation = operation_of(&call);
            assert!(CONSTRAINTS.operations.contains_key(operation), "{call}");
        }
    }

    #[test]
    fn every_pattern_is_one_that_can_be_checked() {
        for (name, shape) in &CONSTRAINTS.shapes {
            let is_checked = shape.pattern.is_none() || shape.regex().is_some();
            assert!(is_checked, "{name}: {:?}", shape.pattern);
        }
    }
}
