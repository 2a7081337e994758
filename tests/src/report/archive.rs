//! What AWS Config delivers of small accounts. (AWS Config developer guide, "Example Configuration
//! Snapshot from AWS Config", and its schema of `AWS::Config::ResourceCompliance`.)

use std::collections::BTreeMap;
use std::io::Write as _;

use banto_fake::World;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The bucket of the archive.
pub const ARCHIVE: &str = "config-logs";

/// A bucket under a rule, as a snapshot has it.
#[derive(Debug, Clone, Copy)]
pub struct Evaluated {
    pub rule: &'static str,
    pub bucket: &'static str,
    pub verdict: &'static str,
    pub recorded_at: &'static str,
}

pub const BAD: &str = "NON_COMPLIANT";
pub const GOOD: &str = "COMPLIANT";

/// A bucket under a rule whose compliance was recorded in October.
pub fn evaluated(rule: &'static str, bucket: &'static str, verdict: &'static str) -> Evaluated {
    Evaluated {
        rule,
        bucket,
        verdict,
        recorded_at: "2026-10-12T09:00:00Z",
    }
}

/// Delivers a snapshot of an account and region, taken then, in which each bucket is an item, and
/// so is its compliance.
pub fn deliver(world: &World, account: &str, region: &str, at: &str, evaluated: &[Evaluated]) {
    let mut items: Vec<Value> = evaluated.iter().map(resource).collect();
    let mut buckets: BTreeMap<&str, Vec<&Evaluated>> = BTreeMap::new();
    for item in evaluated {
        buckets.entry(item.bucket).or_default().push(item);
    }
    let compliances = buckets.iter();
    items.extend(compliances.map(|(bucket, under)| compliance(account, region, bucket, under)));
    let snapshot = json!({
        "fileVersion": "1.0",
        "configSnapshotId": "74f0b8ab-5ac8-4d2c-8a1b-0f2a6f6e1a11",
        "configurationItems": items,
    });
    world.put_object(
        ARCHIVE,
        &key(account, region, at),
        gzip(snapshot.to_string().as_bytes()),
    );
}

/// The key of a snapshot.
pub fn key(account: &str, region: &str, at: &str) -> String {
    let at: Timestamp = at.parse().unwrap();
    let day = at.strftime("%Y/%-m/%-d");
    let stamp = at.strftime("%Y%m%dT%H%M%SZ");
    format!(
        "AWSLogs/{account}/Config/{region}/{day}/ConfigSnapshot/{account}_Config_{region}_\
         ConfigSnapshot_{stamp}_74f0b8ab-5ac8-4d2c-8a1b-0f2a6f6e1a11.json.gz"
    )
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn resource(item: &Evaluated) -> Value {
    json!({
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-10-01T00:00:00.000Z",
        "configurationItemStatus": "ResourceDiscovered",
        "resourceType": "AWS::S3::Bucket",
        "resourceId": item.bucket,
        "resourceName": item.bucket,
        "ARN": format!("arn:aws:s3:::{}", item.bucket),
        "configuration": { "name": item.bucket },
    })
}

fn compliance(account: &str, region: &str, bucket: &str, under: &[&Evaluated]) -> Value {
    let rule = |item: &&Evaluated| {
        json!({
            "configRuleArn": format!("arn:aws:config:{region}:{account}:config-rule/config-rule-abcdef"),
            "configRuleId": "config-rule-abcdef",
            "configRuleName": item.rule,
            "complianceType": item.verdict,
        })
    };
    let rules: Vec<Value> = under.iter().map(rule).collect();
    let is_bad = under.iter().any(|item| item.verdict == BAD);
    let recorded_at = under.iter().map(|item| item.recorded_at).max().unwrap();
    json!({
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": recorded_at,
        "configurationItemStatus": "OK",
        "awsAccountId": account,
        "awsRegion": region,
        "resourceType": "AWS::Config::ResourceCompliance",
        "resourceId": format!("AWS::S3::Bucket/{bucket}"),
        "configuration": {
            "targetResourceId": bucket,
            "targetResourceType": "AWS::S3::Bucket",
            "complianceType": if is_bad { BAD } else { GOOD },
            "configRuleList": rules,
        },
    })
}
