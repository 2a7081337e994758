//! What the baseline means in AWS's own terms: policies, recorders and channels. The direct way writes
//! them, and the StackSet's template is made of them, so that both ways lead to the same.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::onboarding::{
    Baseline, Frequency, GLOBAL_TYPES, OnboardingPolicy, Recording, Role, Types,
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
    let mut conditions = role
        .conditions
        .as_ref()
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if role.mfa {
        let of_bool = conditions
            .entry("Bool")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(of_bool) = of_bool.as_object_mut() {
            of_bool.insert("aws:MultiFactorAuthPresent".to_owned(), json!("true"));
        }
    }
    if let (false, Some(fields)) = (conditions.is_empty(), statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), Value::Object(conditions));
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
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
    let (continuous, continuous_of) = frequencies(&baseline.config);
    Recorder {
        name: CONFIG_NAME.to_owned(),
        role: config_role(account, policy.home_region.partition()),
        group: group(&baseline.config, *region == policy.home_region),
        continuous,
        continuous_of,
    }
}

/// Whether each change is recorded, and the types of which the opposite is true.
pub fn frequencies(config: &Recording) -> (bool, BTreeMap<String, bool>) {
    let is_continuous = |frequency: Frequency| frequency == Frequency::Continuous;
    let differing = config
        .frequency_of
        .iter()
        .filter(|(_, frequency)| **frequency != config.frequency);
    let differing =
        differing.map(|(name, frequency)| (name.to_string(), is_continuous(*frequency)));
    (is_continuous(config.frequency), differing.collect())
}

/// What is recorded in a region: IAM's global types at home only.
pub fn group(config: &Recording, is_home: bool) -> RecordingGroup {
    let global = || GLOBAL_TYPES.iter().map(|name| (*name).to_owned());
    match &config.types {
        Types::All => RecordingGroup::All {
            with_global: is_home,
        },
        Types::Only(types) => RecordingGroup::Only(
            names(types)
                .filter(|name: &String| is_home || !GLOBAL_TYPES.contains(&name.as_str()))
                .collect(),
        ),
        Types::AllBut(types) if is_home => RecordingGroup::AllBut(names(types).collect()),
        Types::AllBut(types) => RecordingGroup::AllBut(names(types).chain(global()).collect()),
    }
}

fn names(types: &BTreeSet<ResourceType>) -> impl Iterator<Item = String> {
    types.iter().map(ToString::to_string)
}

/// An existing recorder with what the policy asks for: it keeps its name and role, and records everything
/// that it recorded before, as often as before or more often.
pub fn extended_recorder(existing: &Recorder, wanted: &Recorder) -> Recorder {
    let mut continuous_of = BTreeMap::new();
    let types = existing
        .continuous_of
        .keys()
        .chain(wanted.continuous_of.keys());
    let continuous = existing.continuous || wanted.continuous;
    for name in types {
        let of = |recorder: &Recorder| {
            recorder
                .continuous_of
                .get(name)
                .copied()
                .unwrap_or(recorder.continuous)
        };
        let is_continuous = of(existing) || of(wanted);
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

/// Everything that either records.
fn union(one: &RecordingGroup, other: &RecordingGroup) -> RecordingGroup {
    use RecordingGroup::{All, AllBut, Only};
    match (one, other) {
        (All { with_global: one }, All { with_global: other }) => All {
            with_global: *one || *other,
        },
        (All { with_global }, Only(types)) | (Only(types), All { with_global }) => All {
            with_global: *with_global
                || types
                    .iter()
                    .any(|name| GLOBAL_TYPES.contains(&name.as_str())),
        },
        // All but some records global types unless they are named.
        (All { with_global }, AllBut(types)) | (AllBut(types), All { with_global }) => All {
            with_global: *with_global || !GLOBAL_TYPES.iter().all(|name| types.contains(*name)),
        },
        (Only(one), Only(other)) => Only(one | other),
        (Only(only), AllBut(all_but)) | (AllBut(all_but), Only(only)) => AllBut(all_but - only),
        (AllBut(one), AllBut(other)) => AllBut(one & other),
    }
}

/// The delivery channel of that name.
pub fn channel(config: &Recording, name: &str) -> Channel {
    Channel {
        name: name.to_owned(),
        bucket: config.bucket.clone(),
        prefix: config.prefix.clone(),
        kms_key: config.kms_key.as_ref().map(ToString::to_string),
        topic: config.topic.as_ref().map(ToString::to_string),
        snapshots: Some(config.snapshots.as_str().to_owned()),
    }
}

/// A policy document as it means: lists of one and single values are the same, order and the mark of the
/// language's version do not matter.
pub fn normalized(document: &Value) -> Value {
    match document {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), normalized(value)))
                .collect(),
        ),
        Value::Array(values) => {
            let mut values: Vec<Value> = values.iter().map(normalized).collect();
            values.sort_by_key(ToString::to_string);
            match values.len() {
                1 => values.remove(0),
                _ => Value::Array(values),
            }
        }
        // "Bool": {"aws:MultiFactorAuthPresent": true} is written both ways.
        Value::Bool(value) => Value::String(value.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
