//! The StackSet's template, made of the same documents that the direct way writes.
//!
//! The role that AWS Config itself uses is not in it: CloudFormation fails where that role exists already, so
//! the function makes it. What differs between environments (accounts, bucket, key, topic, home region) is a parameter; its default
//! is what the policy says.

use banto_domain::RoleName;
use banto_domain::policy::onboarding::{OnboardingPolicy, Role};
use banto_ports::RecordingGroup;
use serde_json::{Map, Value, json};

use crate::desired::{self, CONFIG_NAME};

/// Renders the template of everyone's baseline. Roles are made in the home region only, since they are
/// global; recorder and channel in every region.
pub fn template(policy: &OnboardingPolicy) -> Value {
    let config = &policy.baseline.config;
    let mut parameters = Map::new();
    let mut parameter = |name: &str, default: &str, description: &str| {
        parameters.insert(
            name.to_owned(),
            json!({ "Type": "String", "Default": default, "Description": description }),
        );
    };
    parameter(
        "HomeRegion",
        policy.home_region.as_str(),
        "Where roles are made and global types are recorded",
    );
    parameter("Bucket", &config.bucket, "The log archive bucket");
    parameter(
        "Prefix",
        config.prefix.as_deref().unwrap_or(""),
        "What comes before AWSLogs/ in the bucket; may be empty",
    );
    let key = config
        .kms_key
        .as_ref()
        .map_or("", banto_domain::KeyArn::as_str);
    parameter(
        "KmsKey",
        key,
        "The ARN of the key that deliveries are encrypted with; may be empty",
    );
    let topic = config
        .topic
        .as_ref()
        .map_or("", banto_domain::TopicArn::as_str);
    parameter(
        "Topic",
        topic,
        "The ARN of the topic that hears of deliveries; may be empty",
    );

    let mut resources = Map::new();
    for (index, (name, role)) in policy.baseline.roles.iter().enumerate() {
        resources.insert(format!("Role{index}"), role_resource(policy, name, role));
    }
    resources.insert("Recorder".to_owned(), recorder_resource(policy));
    resources.insert("Channel".to_owned(), channel_resource(policy));
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Banto's baseline of an account: AWS Config in each region, roles in the home region.",
        "Parameters": parameters,
        "Conditions": {
            "IsHome": { "Fn::Equals": [{ "Ref": "AWS::Region" }, { "Ref": "HomeRegion" }] },
            "HasPrefix": has("Prefix"),
            "HasKmsKey": has("KmsKey"),
            "HasTopic": has("Topic"),
        },
        "Resources": resources,
    })
}

fn has(parameter: &str) -> Value {
    json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": parameter }, ""] }] })
}

fn or_nothing(condition: &str, parameter: &str) -> Value {
    json!({ "Fn::If": [condition, { "Ref": parameter }, { "Ref": "AWS::NoValue" }] })
}

fn role_resource(policy: &OnboardingPolicy, name: &RoleName, role: &Role) -> Value {
    let tags: Vec<Value> = desired::tags(role)
        .into_iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let inline: Vec<Value> = (role.inline_policies.iter())
        .map(|(name, policy)| json!({ "PolicyName": name, "PolicyDocument": policy }))
        .collect();
    let mut properties = json!({
        "RoleName": name,
        "Description": role.description,
        "AssumeRolePolicyDocument": desired::trust(role, policy.home_region.partition()),
        "MaxSessionDuration": desired::session_seconds(role),
        "ManagedPolicyArns": role.managed_policies,
        "Tags": tags,
    });
    if let Some(fields) = properties.as_object_mut() {
        if !inline.is_empty() {
            fields.insert("Policies".to_owned(), Value::Array(inline));
        }
        if let Some(boundary) = &role.boundary {
            fields.insert("PermissionsBoundary".to_owned(), json!(boundary));
        }
    }
    json!({ "Type": "AWS::IAM::Role", "Condition": "IsHome", "Properties": properties })
}

fn recorder_resource(policy: &OnboardingPolicy) -> Value {
    let at = |is_home: bool| desired::group(&policy.baseline.config, is_home);
    let role = json!({
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
    });
    let group = match (at(true), at(false)) {
        (home, elsewhere) if home == elsewhere => group(&home),
        (home, elsewhere) => json!({ "Fn::If": ["IsHome", group(&home), group(&elsewhere)] }),
    };
    let often = |continuous: bool| if continuous { "CONTINUOUS" } else { "DAILY" };
    let (continuous, continuous_of) = desired::frequencies(&policy.baseline.config);
    let mut mode = json!({ "RecordingFrequency": often(continuous) });
    if let (false, Some(fields)) = (continuous_of.is_empty(), mode.as_object_mut()) {
        let overrides: Vec<Value> = (continuous_of.iter())
            .map(|(name, continuous)| json!({ "ResourceTypes": [name], "RecordingFrequency": often(*continuous) }))
            .collect();
        fields.insert("RecordingModeOverrides".to_owned(), Value::Array(overrides));
    }
    json!({
        "Type": "AWS::Config::ConfigurationRecorder",
        "Properties": { "Name": CONFIG_NAME, "RoleARN": role, "RecordingGroup": group, "RecordingMode": mode },
    })
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
