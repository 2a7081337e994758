//! The desired state of an account in AWS's own terms: policies, recorders and channels. The direct
//! way writes them, and the StackSet's template is made of them, so that both ways lead to the same
//! account.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::onboarding::{
    Baseline, Frequency, GLOBAL_TYPES, OnboardingPolicy, Recording, Role, SessionName, Types,
};
use banto_domain::{AccountId, Partition, Region, ResourceType};
use banto_ports::{Channel, NewRole, Recorder, RecordingGroup};
use serde_json::{Map, Value, json};

/// The tag that says that a role is Banto's.
pub const MANAGED_TAG: &str = "banto:managed";
/// Its value once the role is complete.
pub const MANAGED: &str = "true";
/// Its value while the role is being made.
pub const BEING_MADE: &str = "being-made";

/// The name of Banto's own recorder and channel. (One of each is allowed per account and region.)
pub const CONFIG_NAME: &str = "banto";
/// What the names of Control Tower's recorders and channels begin with.
pub const CONTROL_TOWER: &str = "aws-controltower-";
/// The role that AWS Config makes for itself.
pub const CONFIG_ROLE: &str = "AWSServiceRoleForConfig";

/// The trust policy of a role.
pub fn trust(role: &Role, partition: Partition) -> Value {
    let principals: Vec<String> = role
        .trusted
        .iter()
        .map(|account| format!("arn:{partition}:iam::{account}:root"))
        .collect();
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": principals },
        "Action": "sts:AssumeRole",
    });
    let conditions = trust_conditions(role);
    if let (false, Some(fields)) = (conditions.is_empty(), statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), Value::Object(conditions));
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// The policy's own conditions, that of a second factor, and that of a session's name.
fn trust_conditions(role: &Role) -> Map<String, Value> {
    let own = role.conditions.as_ref().and_then(Value::as_object);
    let mut conditions = own.cloned().unwrap_or_default();
    if role.mfa {
        require(
            &mut conditions,
            "Bool",
            "aws:MultiFactorAuthPresent",
            "true",
        );
    }
    if role.session_name == SessionName::User {
        // AWS puts the user's name in. (IAM user guide, "IAM policy elements: Variables and tags".)
        let user = "${aws:username}";
        require(&mut conditions, "StringEquals", "sts:RoleSessionName", user);
    }
    conditions
}

/// Adds a condition to those of the same operator.
fn require(conditions: &mut Map<String, Value>, operator: &str, key: &str, value: &str) {
    let of_operator = conditions.entry(operator).or_insert_with(|| json!({}));
    if let Some(of_operator) = of_operator.as_object_mut() {
        of_operator.insert(key.to_owned(), json!(value));
    }
}

/// All that is said of a role as it is created; its tag says that it is not complete yet.
pub fn new_role(role: &Role, partition: Partition) -> NewRole {
    let mut tags = tags(role);
    tags.insert(MANAGED_TAG.to_owned(), BEING_MADE.to_owned());
    NewRole {
        description: role.description.clone(),
        trust: trust(role, partition),
        session_seconds: session_seconds(role),
        boundary: role.boundary.as_ref().map(ToString::to_string),
        tags,
    }
}

/// A role's tags once it is complete.
pub fn tags(role: &Role) -> BTreeMap<String, String> {
    let mut tags = role.tags.clone();
    tags.insert(MANAGED_TAG.to_owned(), MANAGED.to_owned());
    tags
}

/// A role's longest session in seconds.
pub fn session_seconds(role: &Role) -> i32 {
    role.max_session_hours * 3_600
}

/// The ARN of the role that AWS Config makes for itself.
pub fn config_role(account: &AccountId, partition: Partition) -> String {
    format!(
        "arn:{partition}:iam::{account}:role/aws-service-role/config.amazonaws.com/{CONFIG_ROLE}"
    )
}

/// Banto's own recorder in a region.
pub fn recorder(
    policy: &OnboardingPolicy,
    baseline: &Baseline,
    account: &AccountId,
    region: &Region,
) -> Recorder {
    let is_home = *region == policy.home_region;
    let (continuous, continuous_of) = frequencies(&baseline.config, is_home);
    Recorder {
        name: CONFIG_NAME.to_owned(),
        role: config_role(account, policy.home_region.partition()),
        group: group(&baseline.config, is_home),
        continuous,
        continuous_of,
    }
}

/// The frequency of a recorder, true for each change, and the recorded types of which the opposite
/// is true.
pub fn frequencies(config: &Recording, is_home: bool) -> (bool, BTreeMap<String, bool>) {
    let mut differing = BTreeMap::new();
    for (name, frequency) in &config.frequency_of {
        let is_elsewhere = !is_home && GLOBAL_TYPES.contains(&name.as_str());
        let is_recorded = config.types.include(name.as_str()) && !is_elsewhere;
        if is_recorded && *frequency != config.frequency {
            differing.insert(name.to_string(), *frequency == Frequency::Continuous);
        }
    }
    (config.frequency == Frequency::Continuous, differing)
}

/// The types that are recorded in a region: IAM's global types at home only, lest each region
/// records them.
pub fn group(config: &Recording, is_home: bool) -> RecordingGroup {
    match &config.types {
        Types::All => RecordingGroup::All {
            with_global: is_home,
        },
        Types::Only(types) => {
            let mut names = names(types);
            names.retain(|name| is_home || !GLOBAL_TYPES.contains(&name.as_str()));
            RecordingGroup::Only(names)
        }
        Types::AllBut(types) => {
            let mut names = names(types);
            if !is_home {
                names.extend(GLOBAL_TYPES.map(str::to_owned));
            }
            RecordingGroup::AllBut(names)
        }
    }
}

fn names(types: &BTreeSet<ResourceType>) -> BTreeSet<String> {
    types.iter().map(ToString::to_string).collect()
}

/// An existing recorder with what the policy asks for: it keeps its name and role, and records
/// everything that it recorded before, as often as before or more often.
pub fn extended_recorder(existing: &Recorder, wanted: &Recorder) -> Recorder {
    let continuous = existing.continuous || wanted.continuous;
    let mut continuous_of = BTreeMap::new();
    for name in existing
        .continuous_of
        .keys()
        .chain(wanted.continuous_of.keys())
    {
        let is_continuous =
            records_continuously(existing, name) || records_continuously(wanted, name);
        if is_continuous != continuous {
            continuous_of.insert(name.clone(), is_continuous);
        }
    }
    Recorder {
        name: existing.name.clone(),
        role: existing.role.clone(),
        group: union(&existing.group, &wanted.group),
        continuous,
        continuous_of,
    }
}

/// True if a recorder records each change of a type, should it record the type at all.
fn records_continuously(recorder: &Recorder, name: &str) -> bool {
    let own = recorder.continuous_of.get(name);
    own.copied().unwrap_or(recorder.continuous)
}

/// Everything that either records.
fn union(one: &RecordingGroup, other: &RecordingGroup) -> RecordingGroup {
    use RecordingGroup::{All, AllBut, Only};
    match (one, other) {
        (All { with_global }, other) | (other, All { with_global }) => All {
            with_global: *with_global || records_global(other),
        },
        (Only(one), Only(other)) => Only(one | other),
        (Only(only), AllBut(all_but)) | (AllBut(all_but), Only(only)) => {
            all_but_these(all_but - only)
        }
        (AllBut(one), AllBut(other)) => all_but_these(one & other),
    }
}

/// All types but some. AWS Config refuses to exclude none. (AWS Config API reference,
/// `InvalidRecordingGroupException`.)
fn all_but_these(types: BTreeSet<String>) -> RecordingGroup {
    match types.is_empty() {
        true => RecordingGroup::All { with_global: true },
        false => RecordingGroup::AllBut(types),
    }
}

/// True if any of IAM's global types is recorded.
fn records_global(group: &RecordingGroup) -> bool {
    match group {
        RecordingGroup::All { with_global } => *with_global,
        RecordingGroup::Only(types) => GLOBAL_TYPES.iter().any(|name| types.contains(*name)),
        // All but some records global types unless they are named.
        RecordingGroup::AllBut(types) => !GLOBAL_TYPES.iter().all(|name| types.contains(*name)),
    }
}

/// The delivery channel of that name in a region.
pub fn channel(config: &Recording, region: &Region, name: &str) -> Channel {
    Channel {
        name: name.to_owned(),
        bucket: config.bucket.clone(),
        prefix: config.prefix.clone(),
        kms_key: config.kms_key.as_ref().map(ToString::to_string),
        topic: config.topics.get(region).map(ToString::to_string),
        snapshots: Some(config.snapshots.as_str().to_owned()),
    }
}

/// A policy document in one spelling: lists of one and single values are the same, and order does
/// not matter.
pub fn normalized(document: &Value) -> Value {
    match document {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), normalized(value)));
            Value::Object(fields.collect())
        }
        Value::Array(values) => normalized_list(values),
        // "Bool": {"aws:MultiFactorAuthPresent": true} is written both ways.
        Value::Bool(value) => Value::String(value.to_string()),
        Value::Null | Value::Number(_) | Value::String(_) => document.clone(),
    }
}

fn normalized_list(values: &[Value]) -> Value {
    let mut values: Vec<Value> = values.iter().map(normalized).collect();
    values.sort_by_key(ToString::to_string);
    match values.len() {
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}

#[cfg(test)]
mod tests {
    use banto_fake::PolicyText;

    use super::*;

    /// The onboarding of a policy whose role and recording say more.
    fn policy(role: &str, config: &str) -> OnboardingPolicy {
        let text = PolicyText::least().and(&format!(
            "[onboarding]\nway = \"direct\"\nmanagement_account = \"999988887777\"\n\
             home_region = \"eu-west-1\"\ntable = \"banto\"\n\
             queue = \"https://sqs.eu-west-1.amazonaws.com/999988887777/banto\"\n\
             dashboard = {{ bucket = \"dashboard\" }}\n\
             [onboarding.config]\nbucket = \"log-archive\"\n{config}\n\
             [onboarding.roles.admin]\ntrusted = [\"111122223333\"]\n{role}\n\
             managed_policies = [\"arn:aws:iam::aws:policy/AdministratorAccess\"]"
        ));
        text.parse().onboarding.unwrap()
    }

    /// The conditions of that role's trust policy.
    fn conditions(lines: &str) -> Value {
        let policy = policy(lines, "");
        let role = policy.baseline.roles.values().next().unwrap();
        trust(role, Partition::Aws)["Statement"][0]["Condition"].clone()
    }

    #[test]
    fn a_session_has_its_users_name_whatever_else_the_role_asks_for() {
        let own = "conditions = '{\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-a\"}, \"Bool\": {\"aws:SecureTransport\": \"true\"}}'";
        let expected = json!({
            "StringEquals": { "aws:PrincipalOrgID": "o-a", "sts:RoleSessionName": "${aws:username}" },
            "Bool": { "aws:SecureTransport": "true", "aws:MultiFactorAuthPresent": "true" },
        });
        assert_eq!(conditions(own), expected);
        let alone = json!({ "StringEquals": { "sts:RoleSessionName": "${aws:username}" } });
        assert_eq!(conditions("mfa = false"), alone);
        let any = conditions("session_name = \"any\"\nmfa = false");
        assert_eq!(any, Value::Null);
    }

    #[test]
    fn a_type_that_a_region_does_not_record_has_no_frequency_there() {
        let of = |config: &str, region: &str| {
            let policy = policy("", config);
            let account = "444455556666".parse().unwrap();
            let region = region.parse().unwrap();
            let recorder = recorder(&policy, &policy.baseline, &account, &region);
            recorder.continuous_of.into_keys().collect::<Vec<_>>()
        };
        let own =
            "frequency_of = { \"AWS::IAM::User\" = \"daily\", \"AWS::EC2::Volume\" = \"daily\" }\n";
        let (user, volume) = ("AWS::IAM::User", "AWS::EC2::Volume");
        assert_eq!(of(own, "eu-west-1"), [volume, user]);
        assert_eq!(of(own, "us-east-1"), [volume]);
        let but = format!("{own}all_but_types = [\"{volume}\"]");
        assert_eq!(of(&but, "eu-west-1"), [user]);
        assert_eq!(of(&but, "us-east-1"), [""; 0]);
        let only = format!("{own}only_types = [\"{volume}\"]");
        assert_eq!(of(&only, "eu-west-1"), [volume]);
    }

    #[test]
    fn a_merged_recorder_records_whatever_either_did() {
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let all = |with_global| RecordingGroup::All { with_global };
        let only = |names: &[&str]| RecordingGroup::Only(set(names));
        let all_but = |names: &[&str]| RecordingGroup::AllBut(set(names));
        for (one, other, both) in [
            (all(false), all(true), all(true)),
            (all(false), only(&["AWS::IAM::Role"]), all(true)),
            (all(false), only(&["AWS::EC2::Instance"]), all(false)),
            (all(false), all_but(&["AWS::EC2::Instance"]), all(true)),
            (all(false), all_but(&GLOBAL_TYPES), all(false)),
            (only(&["A"]), only(&["B"]), only(&["A", "B"])),
            (only(&["A"]), all_but(&["A", "B"]), all_but(&["B"])),
            (all_but(&["A", "B"]), all_but(&["B", "C"]), all_but(&["B"])),
            (all_but(&["A"]), all_but(&["B"]), all(true)),
            (all_but(&["A"]), only(&["A"]), all(true)),
        ] {
            assert_eq!(union(&one, &other), both);
            assert_eq!(union(&other, &one), both);
        }
    }

    #[test]
    fn a_policy_means_the_same_however_it_is_written() {
        let one =
            json!({"Statement": [{"Action": ["s3:Get*"], "Condition": {"Bool": {"x": true}}}]});
        let other =
            json!({"Statement": {"Action": "s3:Get*", "Condition": {"Bool": {"x": "true"}}}});
        assert_eq!(normalized(&one), normalized(&other));
        let third = json!({"Statement": {"Action": ["s3:Get*", "s3:Put*"], "Condition": {"Bool": {"x": "true"}}}});
        assert_ne!(normalized(&one), normalized(&third));
    }
}
