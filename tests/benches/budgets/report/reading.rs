//! Archives of 50 accounts with 2,000 items each, of ten times and of a hundred times as many, read
//! by report-compliance's engine, DuckDB and DataFusion in turns. All three have to say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::compliance::FindingKey;
use banto_samples::{Account, Archive, Shape, Written};
use report_compliance::embedded::Embedded;
use report_compliance::engine::{Engine as _, ReadJob};
use report_compliance::evidence::{Period, RegionEvidence, Verdict};
use tempfile::TempDir;

use super::folder::Folder;
use super::peers::{Peer, Peers};
use super::process::{Took, own};
use crate::table::{at_most, median, megabytes, milliseconds, row};

/// Items of a snapshot.
const ITEMS: usize = 2_000;

/// The memory of the engine, in MB, whatever the archive. (Issue 16.)
const MEMORY: f64 = 128.0;

/// Evaluations of an account by region, rule and verdict.
type Counts = BTreeMap<(String, String, &'static str), u64>;

/// The engine's share: reads an archive, and prints what the peers print.
pub async fn read(archive: &Path) {
    let folder = Arc::new(Folder::new(archive, Duration::ZERO));
    let engine = Embedded::new(folder, String::new(), false);
    let month = Shape::default().first;
    let period = Period {
        month,
        end: month.end(),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut not_compliant = 0;
    for account in engine.accounts(period).await.unwrap() {
        let job = ReadJob {
            account: &account,
            period,
            previously_open: &BTreeSet::new(),
            before: "",
        };
        let evidence = engine.read(job).await.unwrap();
        assert_eq!(evidence.problems, []);
        let mut counts = Counts::new();
        for (region, read) in &evidence.regions {
            not_compliant += add(&mut counts, region.as_str(), read);
        }
        print_counts(&mut out, &account, &counts);
    }
    writeln!(out, "{not_compliant} not compliant").unwrap();
}

/// Adds a region to the counts of its account, and returns how many are not compliant.
fn add(counts: &mut Counts, region: &str, read: &RegionEvidence) -> u64 {
    let mut count = |rule: &str, verdict, evaluations| {
        if evaluations > 0 {
            let key = (region.to_owned(), rule.to_owned(), verdict_name(verdict));
            *counts.entry(key).or_default() += evaluations;
        }
    };
    for (rule, found) in &read.counts {
        let rule = rule.as_str();
        count(rule, Verdict::Compliant, found.compliant);
        count(rule, Verdict::Noncompliant, found.noncompliant);
        count(rule, Verdict::InsufficientData, found.insufficient_data);
        count(rule, Verdict::NotApplicable, found.not_applicable);
    }
    let mut not_compliant = 0;
    for evaluation in &read.evaluations {
        not_compliant += u64::from(evaluation.verdict == Verdict::Noncompliant);
        if FindingKey::is_global(&evaluation.resource_type) {
            count(evaluation.rule.as_str(), evaluation.verdict, 1);
        }
    }
    not_compliant
}

fn print_counts(out: &mut impl std::io::Write, account: &AccountId, counts: &Counts) {
    for ((region, rule, verdict), evaluations) in counts {
        writeln!(out, "{account},{region},{rule},{verdict},{evaluations}").unwrap();
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Compliant => "COMPLIANT",
        Verdict::Noncompliant => "NON_COMPLIANT",
        Verdict::InsufficientData => "INSUFFICIENT_DATA",
        Verdict::NotApplicable => "NOT_APPLICABLE",
    }
}

/// An archive that is read, and its path.
struct Made {
    directory: TempDir,
    written: Written,
}

impl Made {
    /// One snapshot of each account.
    fn new(accounts: usize, items: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shape = Shape {
            accounts: Account::made_up(accounts),
            regions: Shape::default().regions.into_iter().take(1).collect(),
            items,
            months: 1,
            days: 1,
            history: false,
            ..Shape::default()
        };
        let written = Archive::new(shape).write_to(directory.path()).unwrap();
        Self { directory, written }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn read(&self) -> Took {
        own(&["read", self.path().to_str().unwrap()])
    }
}

/// Prints what 50 accounts and what 500 take, all engines side by side; what one large snapshot
/// takes; and what waiting for S3 adds.
pub fn small() {
    let peers = Peers::prepare();
    if peers.is_none() {
        row("report: no DuckDB and DataFusion without Python 3.10", "");
    }
    let smallest = Made::new(50, ITEMS);
    let of_smallest = side_by_side(&smallest, peers.as_ref(), 50, 5);
    let tenfold = Made::new(500, ITEMS);
    let of_tenfold = side_by_side(&tenfold, peers.as_ref(), 500, 1);
    at_most(
        "report: CPU of 10 times as many accounts, times",
        ratio(of_tenfold, of_smallest),
        // Ten times, and what one run differs from the next by.
        11.0,
    );
    drop((smallest, tenfold));
    alone("report, one snapshot of 200 MB", &Made::new(1, 125_000));
}

/// Prints what 5,000 accounts take; the peers would take many minutes.
pub fn large() {
    alone("report, 5000 accounts", &Made::new(5_000, ITEMS));
}

fn alone(name: &str, archive: &Made) {
    about(name, archive);
    let took = archive.read();
    row(&format!("{name}: seconds"), seconds(took.wall));
    row(&format!("{name}: CPU, ms"), milliseconds(took.cpu));
    at_most(
        &format!("{name}: peak memory, MB"),
        megabytes(took.peak),
        MEMORY,
    );
}

/// Has each engine read the archive in turns, and returns the CPU time of ours.
fn side_by_side(archive: &Made, peers: Option<&Peers>, accounts: usize, turns: usize) -> Duration {
    let name = format!("report, {accounts} accounts");
    about(&name, archive);
    let (mut own, mut duckdb, mut datafusion) = (Vec::new(), Vec::new(), Vec::new());
    // The first reading warms the disk's cache.
    let expected = archive.read().printed;
    for _ in 0..turns {
        own.push(archive.read());
        if let Some(peers) = peers {
            duckdb.push(peers.read(Peer::DuckDb, archive.path()));
            datafusion.push(peers.read(Peer::DataFusion, archive.path()));
        }
    }
    for took in [&own, &duckdb, &datafusion].into_iter().flatten() {
        assert_eq!(took.printed, expected, "the engines differ");
    }
    print(&name, &own);
    at_most(
        &format!("{name}: peak memory, MB"),
        megabytes(most(&own)),
        MEMORY,
    );
    for (peer, took, share) in [
        ("DataFusion", &datafusion, 0.45),
        ("DuckDB", &duckdb, 1.0 / 15.0),
    ] {
        if took.is_empty() {
            continue;
        }
        let name = format!("{name}, {peer}");
        print(&name, took);
        row(&format!("{name}: peak memory, MB"), megabytes(most(took)));
        // As many digits as the figure itself has.
        let share = (share * 1e3_f64).round() / 1e3;
        at_most(
            &format!("{name}: our share of its CPU"),
            ratio(cpu(&own), cpu(took)),
            share,
        );
    }
    cpu(&own)
}

fn about(name: &str, archive: &Made) {
    // The list of accounts is no object.
    row(&format!("{name}: objects"), archive.written.objects);
    row(&format!("{name}: MB"), megabytes(archive.written.bytes));
}

fn print(name: &str, took: &[Took]) {
    let mut walls: Vec<Duration> = took.iter().map(|took| took.wall).collect();
    row(&format!("{name}: seconds"), seconds(median(&mut walls)));
    row(&format!("{name}: CPU, ms"), milliseconds(cpu(took)));
}

fn cpu(took: &[Took]) -> Duration {
    median(&mut took.iter().map(|took| took.cpu).collect::<Vec<_>>())
}

fn most(took: &[Took]) -> u64 {
    took.iter().map(|took| took.peak).max().unwrap()
}

fn ratio(one: Duration, other: Duration) -> String {
    format!("{:.3}", one.as_secs_f64() / other.as_secs_f64())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}
