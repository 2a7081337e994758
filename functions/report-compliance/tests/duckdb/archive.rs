//! The same archive twice: in memory, and as files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use banto_domain::Month;
use banto_domain::compliance::FindingKey;
use banto_ports::{ErrorKind, Object, Objects, PortError};
use banto_samples::Archive;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The archive's objects by key.
pub(crate) struct InMemory(BTreeMap<String, Vec<u8>>);

impl InMemory {
    pub(crate) fn of(archive: &Archive, by_hand: &[(String, Vec<u8>)]) -> Self {
        let objects = archive.objects();
        let objects = objects.map(|object| (object.key, object.bytes));
        Self(objects.chain(by_hand.iter().cloned()).collect())
    }
}

#[async_trait]
impl Objects for InMemory {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        let folders: BTreeSet<String> = (self.0.keys())
            .filter_map(|key| key.strip_prefix(prefix)?.split_once('/'))
            .map(|(folder, _)| format!("{prefix}{folder}/"))
            .collect();
        Ok(folders.into_iter().collect())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        let objects = self.0.iter().filter(|(key, _)| key.starts_with(prefix));
        let objects = objects.map(|(key, body)| Object {
            key: key.clone(),
            size: body.len() as u64,
        });
        Ok(objects.collect())
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        let missing = || PortError::new(ErrorKind::Missing, "s3:GetObject", key);
        let body = self.0.get(key).ok_or_else(missing)?;
        let from = usize::try_from(from).unwrap();
        Ok(body.iter().skip(from).take(most).copied().collect())
    }
}

/// The findings that are open at a month's end, as the generator of the archive knows them.
pub(crate) fn open_at_the_end_of(archive: &Archive, month: Month) -> BTreeSet<FindingKey> {
    let accounts = 0..archive.shape().accounts.len();
    let truths = accounts.filter_map(|account| archive.truth(account, month));
    let regions = truths.flat_map(|truth| truth.regions.into_values());
    regions.flat_map(|region| region.open.into_keys()).collect()
}

/// The archive and the report's store as files.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Writes the archive below a directory of this name, which is made anew.
    pub(crate) fn of(name: &str, archive: &Archive) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("duckdb-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("store")).unwrap();
        archive.write_to(&folder.join("archive")).unwrap();
        Self(folder)
    }

    /// Adds objects to the archive.
    pub(crate) fn add(&self, objects: &[(String, Vec<u8>)]) {
        for (key, bytes) in objects {
            let path = self.archive().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.0.join("archive")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Writes a month's findings, each open for a week, as the report does.
    pub(crate) fn write_findings<'a>(
        &self,
        month: Month,
        findings: impl Iterator<Item = &'a FindingKey>,
    ) {
        let mut lines = format!("{COLUMNS}\n");
        for key in findings {
            // No spreadsheet takes it for a formula.
            let guard = if key.resource_id.starts_with('=') {
                "'"
            } else {
                ""
            };
            lines += &format!(
                "{},payments-prod,payments,prod,{},{},{},{},high,{},{guard}{},,,open,\
                 2026-09-24T00:00:00Z,7,2026-09-30T21:00:00Z,,,,\n",
                key.account,
                key.region,
                key.rule,
                key.rule.own(),
                key.rule.source(),
                key.resource_type,
                key.resource_id,
            );
        }
        let folder = self.store().join(format!("findings/month={month}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("111122223333.csv.gz"), gz(&lines)).unwrap();
    }
}

pub(crate) fn gz(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// The columns of the report's findings, in their order.
const COLUMNS: &str = "account_id,account_name,owner,unit,region,rule,rule_name,source,severity,\
    resource_type,resource_id,resource_name,resource_arn,status,since,age_days,seen_at,\
    unknown_because,waiver_owner,waiver_reason,waiver_until";
