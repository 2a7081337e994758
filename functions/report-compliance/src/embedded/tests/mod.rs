//! The reader over a small archive in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Month, Region};
use banto_ports::{ErrorKind, Object, Objects, PortError};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Embedded, SnapshotReader, Unreadable};
use crate::engine::{Engine as _, ReadJob};
use crate::evidence::{AccountEvidence, Evaluation, Period, Problem, RegionEvidence, Snapshot};

mod archive;
mod items;
mod keys;
mod objects;
mod properties;
mod recorded;
mod samples;

/// Objects by key, and the calls that were made.
#[derive(Debug, Default)]
struct Archive {
    objects: BTreeMap<String, Vec<u8>>,
    calls: Mutex<Vec<String>>,
    /// A key that can't be read, and why.
    failing: Option<(String, ErrorKind)>,
    /// The words of that error.
    words: &'static str,
}

impl Archive {
    fn with(mut self, key: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        self.objects.insert(key.into(), body.into());
        self
    }

    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    fn calls(&self, kind: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.starts_with(kind)).count()
    }
}

#[async_trait]
impl Objects for Archive {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.note(format!("folders {prefix}"));
        let folders: BTreeSet<String> = (self.objects.keys())
            .filter_map(|key| key.strip_prefix(prefix)?.split_once('/'))
            .map(|(folder, _)| format!("{prefix}{folder}/"))
            .collect();
        Ok(folders.into_iter().collect())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        self.note(format!("list {prefix}"));
        let objects = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix));
        let object = |(key, body): (&String, &Vec<u8>)| Object {
            key: key.clone(),
            size: body.len() as u64,
        };
        Ok(objects.map(object).collect())
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        self.note(format!("read {key}"));
        if let Some((_, kind)) = self.failing.as_ref().filter(|(failing, _)| failing == key) {
            return Err(PortError::new(*kind, "s3:GetObject", self.words));
        }
        let body = self.objects.get(key);
        let body = body.ok_or_else(|| PortError::new(ErrorKind::Missing, "s3:GetObject", "no"))?;
        let rest = body.get(from as usize..).unwrap_or_default();
        Ok(rest.iter().copied().take(most).collect())
    }
}

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn october() -> Period {
    let month: Month = "2026-10".parse().unwrap();
    Period {
        month,
        end: month.end(),
    }
}

/// The key of a snapshot of the account, at a time like `20261031T023000Z`.
fn snapshot_key(root: &str, day: &str, time: &str) -> String {
    format!(
        "{root}AWSLogs/111122223333/Config/eu-west-1/{day}/ConfigSnapshot/\
         111122223333_Config_eu-west-1_ConfigSnapshot_{time}_0a1b2c3d-84a7-4cca-a179-76a199ddd11a.json.gz"
    )
}

fn gz(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A document with these items.
fn document(items: &[Value]) -> String {
    json!({"fileVersion": "1.0", "configSnapshotId": "s-1", "configurationItems": items})
        .to_string()
}

fn bucket(id: &str) -> Value {
    json!({
        "configurationItemCaptureTime": "2026-10-05T01:02:03.004Z",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::S3::Bucket",
        "resourceId": id,
        "resourceName": id,
        "ARN": format!("arn:aws:s3:::{id}"),
        "configuration": {"name": id, "configurationItems": [{"resourceType": "AWS::Fake::Item"}]},
        "relationships": [{"resourceType": "AWS::KMS::Key", "resourceId": "k-1"}],
    })
}

/// The compliance of a resource with rules.
fn compliance(resource_type: &str, id: &str, rules: &[(&str, &str)]) -> Value {
    let rule =
        |(name, verdict): &(&str, &str)| json!({"configRuleName": name, "complianceType": verdict});
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    json!({
        "configurationItemCaptureTime": "2026-10-06T01:02:03.004Z",
        "configurationItemStatus": "ResourceDiscovered",
        "resourceType": "AWS::Config::ResourceCompliance",
        "resourceId": format!("{resource_type}/{id}"),
        "configuration": {
            "targetResourceType": resource_type,
            "targetResourceId": id,
            "complianceType": "NON_COMPLIANT",
            "configRuleList": rules,
        },
    })
}

/// Reads October of the account.
async fn read_account(archive: Archive, reads_history: bool) -> (AccountEvidence, Arc<Archive>) {
    let archive = Arc::new(archive);
    let engine = Embedded::new(archive.clone(), String::new(), reads_history);
    let job = ReadJob {
        account: &account(),
        period: october(),
        previously_open: &BTreeSet::new(),
        before: "",
    };
    (engine.read(job).await.unwrap(), archive)
}

/// Reads a snapshot in pieces of a length.
fn read_pieces(
    bytes: &[u8],
    length: usize,
    open: &BTreeSet<FindingKey>,
) -> Result<(RegionEvidence, Vec<Problem>), Unreadable> {
    let (account, region) = (account(), region());
    let mut reader = SnapshotReader::new(&account, &region, snapshot(), open);
    for piece in bytes.chunks(length) {
        reader.push(piece)?;
    }
    reader.finish()
}

fn snapshot() -> Snapshot {
    Snapshot {
        taken_at: "2026-10-31T02:30:00Z".parse().unwrap(),
        key: "key".to_owned(),
    }
}

/// Reads a snapshot with these items, which is readable.
fn read_items(items: &[Value]) -> (RegionEvidence, Vec<Problem>) {
    let bytes = gz(document(items));
    read_pieces(&bytes, bytes.len(), &BTreeSet::new()).unwrap()
}

/// Reads items of which nothing is odd.
fn evidence_of(items: &[Value]) -> RegionEvidence {
    let (evidence, problems) = read_items(items);
    assert_eq!(problems, []);
    evidence
}

fn words(problems: &[Problem]) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect()
}

/// The evaluations, as rule, id and verdict.
fn told(evidence: &RegionEvidence) -> Vec<String> {
    let tell = |e: &Evaluation| format!("{} {} {:?}", e.rule, e.resource_id, e.verdict);
    let mut told: Vec<String> = evidence.evaluations.iter().map(tell).collect();
    told.sort();
    told
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
