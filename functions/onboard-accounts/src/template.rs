//! The StackSet's template, made of the same documents that the direct way writes.
//!
//! The role that AWS Config itself uses is not in it: CloudFormation fails where that role exists
//! already, so the function makes it. What differs between environments (bucket, prefix, key,
//! home region) is a parameter, whose default is what the policy says; a topic is of one region, so
//! that topics are a mapping. There is no macro and no transform: StackSets with service-managed
//! permissions allow none. (CloudFormation user guide, "Create CloudFormation StackSets with
//! service-managed permissions".)

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
        "Mappings": { "Topics": topics(policy) },
        "Conditions": {
            "IsHome": { "Fn::Equals": [{ "Ref": "AWS::Region" }, { "Ref": "HomeRegion" }] },
            "HasPrefix": is_given(json!({ "Ref": "Prefix" })),
            "HasKmsKey": is_given(json!({ "Ref": "KmsKey" })),
            "HasTopic": is_given(topic()),
        },
        "Resources": resources(policy),
    })
}

/// The parameters, which differ between environments; each default is what the policy says.
fn parameters(policy: &OnboardingPolicy) -> Value {
    let config = &policy.baseline.config;
    let key = config.kms_key.as_ref().map_or("", KeyArn::as_str);
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
    })
}

fn parameter(default: &str, description: &str) -> Value {
    json!({ "Type": "String", "Default": default, "Description": description })
}

/// Each region's topic; empty where it has none.
fn topics(policy: &OnboardingPolicy) -> Map<String, Value> {
    let topics = &policy.baseline.config.topics;
    let regions = policy.named_regions().into_iter();
    regions
        .map(|region| {
            let topic = topics.get(region).map_or("", TopicArn::as_str);
            (region.to_string(), json!({ "Arn": topic }))
        })
        .collect()
}

/// The topic of the stack's own region.
fn topic() -> Value {
    json!({ "Fn::FindInMap": ["Topics", { "Ref": "AWS::Region" }, "Arn"] })
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

fn is_given(value: Value) -> Value {
    json!({ "Fn::Not": [{ "Fn::Equals": [value, ""] }] })
}

fn or_nothing(condition: &str, value: Value) -> Value {
    json!({ "Fn::If": [condition, value, { "Ref": "AWS::NoValue" }] })
}

/// A value at home, and another elsewhere.
fn by_home(value: impl Fn(bool) -> Value) -> Value {
    let (home, elsewhere) = (value(true), value(false));
    match home == elsewhere {
        true => home,
        false => json!({ "Fn::If": ["IsHome", home, elsewhere] }),
    }
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
    json!({
        "Type": "AWS::Config::ConfigurationRecorder",
        "Properties": {
            "Name": CONFIG_NAME,
            "RoleARN": role,
            "RecordingGroup": by_home(|is_home| group(&desired::group(config, is_home))),
            "RecordingMode": by_home(|is_home| mode(config, is_home)),
        },
    })
}

/// The frequency of a recorder, with the types of which the opposite is true. AWS Config takes one
/// override at the most (API reference, `RecordingMode`); there are two frequencies, so that one
/// holds all of these.
fn mode(config: &Recording, is_home: bool) -> Value {
    let (continuous, continuous_of) = desired::frequencies(config, is_home);
    let types: Vec<String> = continuous_of.into_keys().collect();
    let mut mode = json!({ "RecordingFrequency": frequency(continuous) });
    if let (false, Some(fields)) = (types.is_empty(), mode.as_object_mut()) {
        let opposite =
            json!({ "ResourceTypes": types, "RecordingFrequency": frequency(!continuous) });
        fields.insert("RecordingModeOverrides".to_owned(), json!([opposite]));
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
            "S3KeyPrefix": or_nothing("HasPrefix", json!({ "Ref": "Prefix" })),
            "S3KmsKeyArn": or_nothing("HasKmsKey", json!({ "Ref": "KmsKey" })),
            "SnsTopicARN": or_nothing("HasTopic", topic()),
            "ConfigSnapshotDeliveryProperties": { "DeliveryFrequency": policy.baseline.config.snapshots.as_str() },
        },
    })
}
