//! The StackSet's template, made of the same documents that the direct way writes.
//!
//! The role that AWS Config itself uses is not in it: CloudFormation fails where that role exists
//! already, so the function makes it. What differs between environments (accounts, bucket, key,
//! topic, home region) is a parameter; its default is what the policy says.

use banto_domain::policy::onboarding::{OnboardingPolicy, Recording, Role};
use banto_domain::{KeyArn, RoleName, TopicArn};
use banto_ports::RecordingGroup;
use serde_json::{Map, Value, json};

use crate::desired::{self, CONFIG_NAME};

/// Renders the template of everyone's baseline. Roles are made in the home region only, since they
/// are global; recorder and channel in every region.
pub fn template(policy: &OnboardingPolicy) -> Value {
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Banto's baseline of an account: AWS Config in each region, roles in the home region.",
        "Parameters": parameters(policy),
        "Conditions": {
            "IsHome": { "Fn::Equals": [{ "Ref": "AWS::Region" }, { "Ref": "HomeRegion" }] },
            "HasPrefix": has("Prefix"),
            "HasKmsKey": has("KmsKey"),
            "HasTopic": has("Topic"),
        },
        "Resources": resources(policy),
    })
}

/// The parameters, which differ between environments; each default is what the policy says.
fn parameters(policy: &OnboardingPolicy) -> Value {
    let config = &policy.baseline.config;
    let key = config.kms_key.as_ref().map_or("", KeyArn::as_str);
    let topic = config.topic.as_ref().map_or("", TopicArn::as_str);
    json!({
        "HomeRegion": parameter(
            policy.home_region.as_str(),
            "Where roles are made and global types are recorded",
        ),
        "Bucket": parameter(&config.bucket, "The log archive bucket"),
        "Prefix": parameter(
            config.prefix.as_deref().unwrap_or(""),
            "What comes before AWSLogs/ in the bucket; may be empty",
        ),
        "KmsKey": parameter(
            key,
            "The ARN of the key that deliveries are encrypted with; may be empty",
        ),
        "Topic": parameter(
            topic,
            "The ARN of the topic that hears of deliveries; may be empty",
        ),
    })
}

fn parameter(default: &str, description: &str) -> Value {
    json!({ "Type": "String", "Default": default, "Description": description })
}

fn resources(policy: &OnboardingPolicy) -> Map<String, Value> {
    let mut resources = Map::new();
    for (index, (name, role)) in policy.baseline.roles.iter().enumerate() {
        resources.insert(format!("Role{index}"), role_resource(policy, name, role));
    }
    resources.insert("Recorder".to_owned(), recorder_resource(policy));
    resources.insert("Channel".to_owned(), channel_resource(policy));
    resources
}

fn has(parameter: &str) -> Value {
    json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": parameter }, ""] }] })
}

fn or_nothing(condition: &str, parameter: &str) -> Value {
    json!({ "Fn::If": [condition, { "Ref": parameter }, { "Ref": "AWS::NoValue" }] })
}

fn role_resource(policy: &OnboardingPolicy, name: &RoleName, role: &Role) -> Value {
    let mut properties = json!({
        "RoleName": name,
        "Description": role.description,
        "AssumeRolePolicyDocument": desired::trust(role, policy.home_region.partition()),
        "MaxSessionDuration": desired::session_seconds(role),
        "ManagedPolicyArns": role.managed_policies,
        "Tags": tags(role),
    });
    if let Some(fields) = properties.as_object_mut() {
        if !role.inline_policies.is_empty() {
            fields.insert("Policies".to_owned(), inline_policies(role));
        }
        if let Some(boundary) = &role.boundary {
            fields.insert("PermissionsBoundary".to_owned(), json!(boundary));
        }
    }
    json!({ "Type": "AWS::IAM::Role", "Condition": "IsHome", "Properties": properties })
}

fn tags(role: &Role) -> Vec<Value> {
    let tags = desired::tags(role).into_iter();
    tags.map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

fn inline_policies(role: &Role) -> Value {
    let policies = role.inline_policies.iter();
    policies
        .map(|(name, policy)| json!({ "PolicyName": name, "PolicyDocument": policy }))
        .collect()
}

fn recorder_resource(policy: &OnboardingPolicy) -> Value {
    let config = &policy.baseline.config;
    let role = json!({
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
    });
    let home = group(&desired::group(config, true));
    let elsewhere = group(&desired::group(config, false));
    let group = match home == elsewhere {
        true => home,
        false => json!({ "Fn::If": ["IsHome", home, elsewhere] }),
    };
    json!({
        "Type": "AWS::Config::ConfigurationRecorder",
        "Properties": { "Name": CONFIG_NAME, "RoleARN": role, "RecordingGroup": group, "RecordingMode": mode(config) },
    })
}

/// The frequency of a recorder, with the types of which the opposite is true.
fn mode(config: &Recording) -> Value {
    let (continuous, continuous_of) = desired::frequencies(config);
    let mut mode = json!({ "RecordingFrequency": frequency(continuous) });
    let mut overrides = Vec::new();
    for (name, continuous) in continuous_of {
        overrides
            .push(json!({ "ResourceTypes": [name], "RecordingFrequency": frequency(continuous) }));
    }
    if let (false, Some(fields)) = (overrides.is_empty(), mode.as_object_mut()) {
        fields.insert("RecordingModeOverrides".to_owned(), Value::Array(overrides));
    }
    mode
}

fn frequency(continuous: bool) -> &'static str {
    match continuous {
        true => "CONTINUOUS",
        false => "DAILY",
    }
}

fn group(group: &RecordingGroup) -> Value {
    match group {
        RecordingGroup::All { with_global } => json!({
            "AllSupported": true,
            "IncludeGlobalResourceTypes": with_global,
            "RecordingStrategy": { "UseOnly": "ALL_SUPPORTED_RESOURCE_TYPES" },
        }),
        RecordingGroup::Only(types) => json!({
            "AllSupported": false,
            "ResourceTypes": types,
            "RecordingStrategy": { "UseOnly": "INCLUSION_BY_RESOURCE_TYPES" },
        }),
        RecordingGroup::AllBut(types) => json!({
            "AllSupported": false,
            "ExclusionByResourceTypes": { "ResourceTypes": types },
            "RecordingStrategy": { "UseOnly": "EXCLUSION_BY_RESOURCE_TYPES" },
        }),
    }
}

fn channel_resource(policy: &OnboardingPolicy) -> Value {
    json!({
        "Type": "AWS::Config::DeliveryChannel",
        "Properties": {
            "Name": CONFIG_NAME,
            "S3BucketName": { "Ref": "Bucket" },
            "S3KeyPrefix": or_nothing("HasPrefix", "Prefix"),
            "S3KmsKeyArn": or_nothing("HasKmsKey", "KmsKey"),
            "SnsTopicARN": or_nothing("HasTopic", "Topic"),
            "ConfigSnapshotDeliveryProperties": { "DeliveryFrequency": policy.baseline.config.snapshots.as_str() },
        },
    })
}
