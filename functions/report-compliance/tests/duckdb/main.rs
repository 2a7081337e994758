//! Both engines on the same archive: the one that reads objects, and the one whose SQL a translator
//! and DuckDB run in place of Athena.
//!
//! Where Python or its packages can't be had the tests say so and pass, unless `BANTO_INTEROP` is
//! set, as CI sets it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why it can't run"
)]

mod archive;
mod athena;
mod by_hand;
mod python;

use std::collections::BTreeSet;
use std::sync::Arc;

use banto_domain::compliance::FindingKey;
use banto_domain::policy::report::AthenaPolicy;
use banto_domain::{AccountId, Month};
use banto_ports::Query;
use banto_ports::QueryEngine as _;
use banto_samples::{Account, Archive, Oddity, Shape};
use report_compliance::athena::Athena;
use report_compliance::embedded::Embedded;
use report_compliance::engine::{Engine, ReadJob};
use report_compliance::evidence::{AccountEvidence, Period};

use crate::archive::{Folder, InMemory};
use crate::athena::{DuckDb, StoppedClock};

/// Everything that archives have, but what docs/athena.md says Athena can't read.
fn shape() -> Shape {
    let oddities = vec![
        (0, Oddity::LowerCaseKeys),
        (0, Oddity::InsufficientData),
        (0, Oddity::UnknownFields),
        (1, Oddity::ConfigurationAsText),
        (1, Oddity::NotApplicable),
        (1, Oddity::OversizedNotifications),
        (2, Oddity::NotJson),
        (2, Oddity::GlobalTwice),
        (3, Oddity::NoItems),
        (4, Oddity::NoComplianceItems),
        (by_hand::ACCOUNT, Oddity::NeverDelivered),
        (6, Oddity::StoppedIn(Shape::default().first.next())),
    ];
    Shape {
        accounts: Account::made_up(8),
        items: 120,
        compliance_percent: 40,
        noncompliant_percent: 30,
        snapshots_a_day: 2,
        roots: vec![String::new(), "o-exampleorgid/".to_owned()],
        oddities,
        ..Shape::default()
    }
}

fn period(month: Month) -> Period {
    let end = month.end();
    Period { month, end }
}

/// The evidence without the order of its lists, and each object with problems once: both engines
/// name it, in their own words.
fn comparable(mut evidence: AccountEvidence) -> AccountEvidence {
    for region in evidence.regions.values_mut() {
        region.evaluations.sort();
    }
    for problem in &mut evidence.problems {
        problem.what.clear();
    }
    evidence.problems.sort();
    evidence.problems.dedup();
    evidence
}

async fn read(
    engine: &dyn Engine,
    account: &AccountId,
    period: Period,
    previously_open: &BTreeSet<FindingKey>,
) -> AccountEvidence {
    let job = ReadJob {
        account,
        period,
        previously_open,
        before: "",
    };
    comparable(engine.read(job).await.unwrap())
}

/// An engine on Athena's stand-in.
fn on_duckdb(database: DuckDb) -> Athena {
    let policy = AthenaPolicy {
        workgroup: "banto-report".to_owned(),
        database: "banto_report".to_owned(),
        scan_limit: 1,
    };
    Athena::new(Arc::new(database), policy, Arc::new(StoppedClock), true)
}

#[tokio::test]
async fn athenas_sql_translated_for_duckdb_reads_the_same_evidence_as_the_embedded_engine() {
    let Some(python) = python::with_duckdb() else {
        return;
    };
    let archive = Archive::new(shape());
    let by_hand = by_hand::objects();
    let folder = Folder::of("evidence", &archive);
    folder.add(&by_hand);
    let september = Shape::default().first;
    let october = september.next();
    let open = archive::open_at_the_end_of(&archive, september);
    folder.write_findings(september, open.iter());
    let athena = on_duckdb(DuckDb::start(&python, &folder, &archive));
    let in_memory = InMemory::of(&archive, &by_hand);
    let embedded = Embedded::new(Arc::new(in_memory), String::new(), true);
    let delivering: BTreeSet<AccountId> = embedded.accounts(period(october)).await.unwrap();
    assert_eq!(athena.accounts(period(october)).await.unwrap(), delivering);
    let none = BTreeSet::new();
    let mut evaluations = 0;
    let mut problems = 0;
    // The month before comes first, as it does in the first report of all.
    for (month, previously_open) in [(september, &none), (october, &open)] {
        for (place, account) in archive.shape().account_ids().enumerate() {
            if place == by_hand::ACCOUNT && month == september {
                // The function knows its regions from the month after; Athena looks back only.
                continue;
            }
            let expected = read(&embedded, account, period(month), previously_open).await;
            let found = read(&athena, account, period(month), previously_open).await;
            let regions = expected.regions.values();
            evaluations += regions
                .map(|region| region.evaluations.len())
                .sum::<usize>();
            problems += expected.problems.len();
            assert_eq!(found, expected, "account {account} in {month}");
        }
    }
    // What is compared is not nothing.
    assert!(evaluations > 100, "{evaluations}");
    assert!(problems > 2, "{problems}");
}

#[tokio::test]
async fn a_region_that_is_silent_for_longer_than_athena_looks_back_has_no_snapshot() {
    let Some(python) = python::with_duckdb() else {
        return;
    };
    let october = Shape::default().first.next();
    let archive = Archive::new(Shape {
        accounts: Account::made_up(1),
        oddities: vec![(0, Oddity::StoppedIn(october))],
        ..Shape::default()
    });
    let folder = Folder::of("silent", &archive);
    let athena = on_duckdb(DuckDb::start(&python, &folder, &archive));
    let account = archive.shape().account_ids().next().unwrap();
    let none = BTreeSet::new();
    let read = |month| read(&athena, account, period(month), &none);
    assert_eq!(read(october).await.regions.len(), 2);
    assert_eq!(read(october.next()).await, AccountEvidence::default());
}

#[tokio::test]
async fn people_find_the_reports_findings_with_their_types_and_without_apostrophes() {
    let Some(python) = python::with_duckdb() else {
        return;
    };
    let archive = Archive::new(Shape {
        accounts: Account::made_up(1),
        ..Shape::default()
    });
    let folder = Folder::of("findings", &archive);
    let september = Shape::default().first;
    let finding = FindingKey::new(
        archive.shape().accounts[0].id.clone(),
        &"eu-central-1".parse().unwrap(),
        "s3-bucket-logging-enabled".parse().unwrap(),
        "AWS::S3::Bucket".to_owned(),
        "=cmd".to_owned(),
    );
    folder.write_findings(september, [&finding].into_iter());
    let database = DuckDb::start(&python, &folder, &archive);
    let sql = "SELECT month, resource_id, age_days + 1 AS older, waiver_owner, since < seen_at AS is_before \
               FROM report_findings WHERE status = 'open'";
    let query = Query {
        sql: sql.to_owned(),
        token: String::new(),
    };
    let id = database.start(&query).await.unwrap();
    let page = database.rows(&id, None).await.unwrap();
    let expected = [
        ("is_before", "true"),
        ("month", "2026-09"),
        ("older", "8"),
        ("resource_id", "=cmd"),
    ];
    let expected = expected.map(|(column, value)| (column.to_owned(), value.to_owned()));
    assert_eq!(page.rows, [expected.into()]);
}
