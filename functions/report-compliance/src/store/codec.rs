//! Findings as CSV: one format for people, QuickSight and Athena, and for the next month, which is
//! compared with it.

use std::io::{Read as _, Write as _};

use banto_domain::compliance::{FindingKey, Severity};
use banto_domain::{AccountId, Region, RuleName};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountMonth, FindingRow, FindingStatus, UnknownReason, WaiverNote};

/// Most bytes of an account's CSV, as it is uncompressed: some 700,000 findings, of which a
/// function of 1 GB holds twice as many. What is larger was not written by Banto: a small object
/// that claims to be so is a bomb.
pub const MAX_CSV: usize = 256 * 1024 * 1024;

/// A CSV of findings that can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It can't be uncompressed: torn, or never compressed.
    #[error("it is not whole gzip: {0}")]
    Gzip(#[from] std::io::Error),
    /// It is larger than [`MAX_CSV`].
    #[error("it has more than {MAX_CSV} bytes")]
    TooLarge,
    /// A line is not as this release writes it.
    #[error("it is no CSV of findings: {0}")]
    Csv(#[from] csv::Error),
}

/// A line of the CSV; its fields are the columns, in their order.
#[derive(Serialize, Deserialize)]
struct Line {
    account_id: AccountId,
    account_name: String,
    owner: String,
    unit: String,
    region: Region,
    rule: String,
    rule_name: String,
    source: String,
    severity: Severity,
    resource_type: String,
    resource_id: String,
    resource_name: String,
    resource_arn: String,
    status: FindingStatus,
    since: Timestamp,
    age_days: i64,
    seen_at: Timestamp,
    unknown_because: Option<UnknownReason>,
    waiver_owner: String,
    waiver_reason: String,
    waiver_until: Option<Timestamp>,
}

/// Writes an account's findings, with the unit that the account is in, as compressed CSV.
///
/// # Errors
/// If it would be larger than what is read again.
pub fn write_findings(
    account: &AccountMonth,
    rows: &[FindingRow],
    unit: &str,
) -> Result<Vec<u8>, CodecError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if rows.is_empty() {
        csv.write_record(COLUMNS)?;
    }
    for row in rows {
        csv.serialize(line(account, row, unit))?;
        if csv.get_ref().len() > MAX_CSV {
            return Err(CodecError::TooLarge);
        }
    }
    let bytes = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
    compressed(&bytes)
}

/// Reads the findings of an account again.
///
/// # Errors
/// If it is not what [`write_findings`] wrote.
pub fn read_findings(bytes: &[u8]) -> Result<Vec<FindingRow>, CodecError> {
    let plain = uncompressed(bytes)?;
    let mut rows = Vec::new();
    for line in csv::Reader::from_reader(plain.as_slice()).deserialize() {
        rows.push(row(line?)?);
    }
    Ok(rows)
}

/// Uncompresses a CSV, up to the size that is written at most.
///
/// # Errors
/// If it is not whole, or larger.
pub fn uncompressed(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut plain = Vec::new();
    let most = MAX_CSV as u64 + 1;
    MultiGzDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut plain)?;
    if plain.len() > MAX_CSV {
        return Err(CodecError::TooLarge);
    }
    Ok(plain)
}

/// Compresses bytes. The same bytes are compressed to the same ones.
///
/// # Errors
/// None that memory could give rise to.
pub fn compressed(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

/// The columns' names, for a CSV without a line.
pub const COLUMNS: [&str; 21] = [
    "account_id",
    "account_name",
    "owner",
    "unit",
    "region",
    "rule",
    "rule_name",
    "source",
    "severity",
    "resource_type",
    "resource_id",
    "resource_name",
    "resource_arn",
    "status",
    "since",
    "age_days",
    "seen_at",
    "unknown_because",
    "waiver_owner",
    "waiver_reason",
    "waiver_until",
];

fn line(account: &AccountMonth, row: &FindingRow, unit: &str) -> Line {
    let key = &row.key;
    let waiver = row.waiver.as_ref();
    let age = account.period.end.duration_since(row.since);
    Line {
        account_id: key.account.clone(),
        account_name: guarded(&account.name),
        owner: guarded(account.owner.as_deref().unwrap_or_default()),
        unit: guarded(unit),
        region: key.region.clone(),
        rule: guarded(key.rule.as_str()),
        rule_name: guarded(key.rule.plain()),
        source: guarded(&key.rule.source().to_string()),
        severity: row.severity,
        resource_type: guarded(&key.resource_type),
        resource_id: guarded(&key.resource_id),
        resource_name: guarded(row.name.as_deref().unwrap_or_default()),
        resource_arn: guarded(row.arn.as_deref().unwrap_or_default()),
        status: row.status,
        since: row.since,
        age_days: age.as_hours() / 24,
        seen_at: row.seen_at,
        unknown_because: row.unknown_because,
        waiver_owner: guarded(waiver.map_or("", |waiver| &waiver.owner)),
        waiver_reason: guarded(waiver.map_or("", |waiver| &waiver.reason)),
        waiver_until: waiver.map(|waiver| waiver.until),
    }
}

fn row(line: Line) -> Result<FindingRow, CodecError> {
    let rule: RuleName = bare(line.rule)
        .parse()
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))?;
    let waiver = line.waiver_until.map(|until| WaiverNote {
        owner: bare(line.waiver_owner),
        reason: bare(line.waiver_reason),
        until,
    });
    Ok(FindingRow {
        key: FindingKey {
            account: line.account_id,
            region: line.region,
            rule,
            resource_type: bare(line.resource_type),
            resource_id: bare(line.resource_id),
        },
        name: Some(bare(line.resource_name)).filter(|name| !name.is_empty()),
        arn: Some(bare(line.resource_arn)).filter(|arn| !arn.is_empty()),
        severity: line.severity,
        status: line.status,
        since: line.since,
        seen_at: line.seen_at,
        unknown_because: line.unknown_because,
        waiver,
    })
}

/// A text in one line that no spreadsheet takes for a formula: one that begins like one has an
/// apostrophe before it, and so has one that begins with an apostrophe, so that reading is
/// unambiguous. (OWASP, "CSV Injection".) Athena takes each line of the file for a row, be its break
/// within quotes. (Athena user guide, "Open CSV SerDe".)
fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']);
    let guard = if is_formula { "'" } else { "" };
    format!("{guard}{}", one_line(text))
}

fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\r', '\n'], " ")
}

/// The text that was guarded.
fn bare(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(bare) => bare.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::evidence::Period;
    use crate::model::VERSION;

    fn account(name: &str) -> AccountMonth {
        let month: banto_domain::Month = "2026-10".parse().unwrap();
        AccountMonth {
            version: VERSION,
            period: Period {
                month,
                end: month.end(),
            },
            read_at: month.end(),
            compared_with: None,
            policy: String::new(),
            account: "111122223333".parse().unwrap(),
            name: name.to_owned(),
            owner: Some("=cmd|' /C calc'!A0".to_owned()),
            path: Vec::new(),
            regions: BTreeMap::new(),
            rules: Vec::new(),
            recorded: BTreeMap::new(),
            problems: Vec::new(),
            waived: BTreeMap::new(),
            oldest: None,
            worst: Vec::new(),
            onboarding: None,
        }
    }

    fn finding(id: &str) -> FindingRow {
        FindingRow {
            key: FindingKey {
                account: "111122223333".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                rule: "OrgConfigRule-s3-bucket-versioning-enabled-abcd1234"
                    .parse()
                    .unwrap(),
                resource_type: "AWS::S3::Bucket".to_owned(),
                resource_id: id.to_owned(),
            },
            name: None,
            arn: Some(format!("arn:aws:s3:::{id}")),
            severity: Severity::Medium,
            status: FindingStatus::Waived,
            since: "2026-09-30T12:00:00Z".parse().unwrap(),
            seen_at: "2026-10-31T03:00:00Z".parse().unwrap(),
            unknown_because: None,
            waiver: Some(WaiverNote {
                owner: "alice".to_owned(),
                reason: "a website, \"public\" by design".to_owned(),
                until: "2026-12-31T00:00:00Z".parse().unwrap(),
            }),
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(uncompressed(bytes).unwrap()).unwrap()
    }

    #[test]
    fn the_columns_are_those_that_athena_and_quicksight_are_told_of() {
        let account = account("payments");
        let none = text(&write_findings(&account, &[], "Workloads").unwrap());
        let one = text(&write_findings(&account, &[finding("website")], "Workloads").unwrap());
        assert_eq!(none.trim_end(), COLUMNS.join(","));
        assert_eq!(
            one,
            format!(
                "{none}111122223333,payments,'=cmd|' /C calc'!A0,Workloads,eu-west-1,\
                 OrgConfigRule-s3-bucket-versioning-enabled-abcd1234,s3-bucket-versioning-enabled,\
                 organization rules,medium,AWS::S3::Bucket,website,,arn:aws:s3:::website,waived,\
                 2026-09-30T12:00:00Z,31,2026-10-31T03:00:00Z,,alice,\
                 \"a website, \"\"public\"\" by design\",2026-12-31T00:00:00Z\n"
            )
        );
    }

    #[test]
    fn a_status_is_written_as_people_read_it_elsewhere() {
        let statuses = [
            FindingStatus::New,
            FindingStatus::Open,
            FindingStatus::Waived,
            FindingStatus::Unknown,
            FindingStatus::Fixed,
            FindingStatus::Closed,
        ];
        for status in statuses {
            let row = FindingRow {
                status,
                ..finding("website")
            };
            let written = text(&write_findings(&account("payments"), &[row], "").unwrap());
            let field = format!(",{},2026-09-30", status.as_str());
            assert!(written.contains(&field), "{written}");
        }
    }

    #[test]
    fn a_torn_object_and_a_foreign_one_are_refused() {
        let whole = write_findings(&account("payments"), &[finding("website")], "").unwrap();
        let torn = &whole[..whole.len() - 10];
        assert!(matches!(read_findings(torn), Err(CodecError::Gzip(_))));
        let foreign = compressed(b"a,b\n1,2\n").unwrap();
        assert!(matches!(read_findings(&foreign), Err(CodecError::Csv(_))));
        assert!(matches!(
            read_findings(b"account_id\n"),
            Err(CodecError::Gzip(_))
        ));
    }

    #[test]
    fn a_zip_bomb_is_refused_before_it_fills_the_memory() {
        let part = compressed(&vec![b'x'; 16 * 1024 * 1024]).unwrap();
        let bomb = part.repeat(17);
        assert!(bomb.len() < 1024 * 1024);
        assert!(matches!(read_findings(&bomb), Err(CodecError::TooLarge)));
    }

    #[test]
    fn each_finding_is_one_line_whatever_its_texts_have() {
        let mut row = finding("website");
        row.name = Some("\n=cmd".to_owned());
        row.waiver.as_mut().unwrap().reason = "public\r\nby design,\nsays\ralice".to_owned();
        let written = write_findings(&account("pay\nments"), &[row], "").unwrap();
        assert_eq!(text(&written).lines().count(), 2);
        let read = read_findings(&written).unwrap().remove(0);
        let reason = read.waiver.unwrap().reason;
        assert_eq!(reason, "public by design, says alice");
        assert_eq!(read.name.as_deref(), Some(" =cmd"));
        assert!(text(&written).contains(",' =cmd,"), "{}", text(&written));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_and_no_field_begins_like_a_formula(
            name in "[^\n\r]{0,20}", id in "[-=+@'\t,\" a-z]{1,12}", reason in "[=+' -~]{0,20}",
            is_unknown: bool,
        ) {
            let mut row = finding(&id);
            row.name = Some(name.clone()).filter(|name| !name.is_empty());
            row.waiver.as_mut().unwrap().reason = reason;
            if is_unknown {
                row.status = FindingStatus::Unknown;
                row.unknown_because = Some(UnknownReason::StoppedDelivering);
                row.waiver = None;
            }
            let rows = [row, finding("website")];
            let written = write_findings(&account(&name), &rows, &id).unwrap();
            prop_assert_eq!(read_findings(&written).unwrap(), rows);
            let plain = uncompressed(&written).unwrap();
            for record in csv::Reader::from_reader(plain.as_slice()).records() {
                for field in record.unwrap().iter() {
                    prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", field);
                }
            }
        }
    }
}
