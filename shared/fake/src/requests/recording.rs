//! Requests to AWS Config: recorders, channels, and the aggregator.

use std::collections::BTreeSet;

use banto_domain::compliance::{Compliance, FindingKey};
use banto_domain::{AccountId, Region};
use banto_ports::{AggregatedRule, Channel, Cursor, Recorder, RecordingGroup};
use serde_json::{Value, json};

use crate::constraints;

/// The aggregator's name is the policy's, which the world does not know.
const AGGREGATOR: &str = "banto";

/// Most resources of a batch. (AWS Config API reference, `BatchGetAggregateResourceConfig`.)
const BATCH: usize = 100;

pub(crate) fn recorder(recorder: &Recorder) -> Value {
    json!({ "ConfigurationRecorder": {
        "name": recorder.name,
        "roleARN": recorder.role,
        "recordingGroup": group(&recorder.group),
        "recordingMode": {
            "recordingFrequency": frequency(recorder.continuous),
            "recordingModeOverrides": overrides(recorder),
        },
    } })
}

fn group(group: &RecordingGroup) -> Value {
    match group {
        RecordingGroup::All { with_global } => json!({
            "allSupported": true,
            "includeGlobalResourceTypes": with_global,
            "recordingStrategy": { "useOnly": "ALL_SUPPORTED_RESOURCE_TYPES" },
        }),
        RecordingGroup::Only(types) => json!({
            "allSupported": false,
            "resourceTypes": types,
            "recordingStrategy": { "useOnly": "INCLUSION_BY_RESOURCE_TYPES" },
        }),
        RecordingGroup::AllBut(types) => json!({
            "allSupported": false,
            "exclusionByResourceTypes": { "resourceTypes": types },
            "recordingStrategy": { "useOnly": "EXCLUSION_BY_RESOURCE_TYPES" },
        }),
    }
}

fn frequency(continuous: bool) -> &'static str {
    if continuous { "CONTINUOUS" } else { "DAILY" }
}

/// One override for each frequency that types have, as the adapter sends them.
fn overrides(recorder: &Recorder) -> Vec<Value> {
    let mut overrides = Vec::new();
    for continuous in [true, false] {
        let own = recorder.continuous_of.iter();
        let own = own.filter(|(_, own)| **own == continuous);
        let types: Vec<&String> = own.map(|(name, _)| name).collect();
        if !types.is_empty() {
            let frequency = frequency(continuous);
            overrides.push(json!({ "resourceTypes": types, "recordingFrequency": frequency }));
        }
    }
    overrides
}

pub(crate) fn delivery_channel(channel: &Channel) -> Value {
    let snapshots = channel.snapshots.as_ref();
    let snapshots = snapshots.map(|frequency| json!({ "deliveryFrequency": frequency }));
    json!({ "DeliveryChannel": {
        "name": channel.name,
        "s3BucketName": channel.bucket,
        "s3KeyPrefix": channel.prefix,
        "s3KmsKeyArn": channel.kms_key,
        "snsTopicARN": channel.topic,
        "configSnapshotDeliveryProperties": snapshots,
    } })
}

pub(crate) fn rules_of(account: &AccountId) -> Value {
    json!({
        "ConfigurationAggregatorName": AGGREGATOR,
        "Filters": { "AccountId": account },
    })
}

pub(crate) fn evaluations_of(
    rule: &AggregatedRule,
    compliance: Compliance,
    after: Option<&Cursor>,
) -> Value {
    let compliance = match compliance {
        Compliance::Compliant => "COMPLIANT",
        Compliance::Noncompliant => "NON_COMPLIANT",
    };
    json!({
        "ConfigurationAggregatorName": AGGREGATOR,
        "AccountId": rule.account,
        "AwsRegion": rule.region,
        "ConfigRuleName": rule.rule,
        "ComplianceType": compliance,
        "Limit": 100,
        "NextToken": after.map(|cursor| cursor.0.as_str()),
    })
}

/// One request for each batch of resources, of those types that AWS Config has items of.
pub(crate) fn resources_of(resources: &[(FindingKey, Region)]) -> Vec<Value> {
    let resources = resources.iter();
    let resources = resources.filter(|(key, _)| has_items(&key.resource_type));
    let resources: BTreeSet<[&str; 4]> = resources.map(resource).collect();
    let resources: Vec<Value> = resources.into_iter().map(identifier).collect();
    let batches = resources.chunks(BATCH);
    batches.map(batch).collect()
}

fn resource((key, region): &(FindingKey, Region)) -> [&str; 4] {
    let (account, region) = (key.account.as_str(), region.as_str());
    [account, region, &key.resource_type, &key.resource_id]
}

fn identifier([account, region, resource_type, id]: [&str; 4]) -> Value {
    json!({
        "SourceAccountId": account,
        "SourceRegion": region,
        "ResourceType": resource_type,
        "ResourceId": id,
    })
}

fn batch(resources: &[Value]) -> Value {
    json!({ "ConfigurationAggregatorName": AGGREGATOR, "ResourceIdentifiers": resources })
}

/// True of the types that AWS Config lists. A batch that holds another one may be refused.
fn has_items(resource_type: &str) -> bool {
    let example = identifier(["111122223333", "eu-west-1", resource_type, "alice"]);
    constraints::check("config:BatchGetAggregateResourceConfig", &batch(&[example])).is_ok()
}
