//! The whole function on a large Organization: 1,000 accounts, 150 rules, three regions. It reads
//! the archive, keeps each account, adds all up, and makes page and mails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace, ReportMail};
use banto_domain::{AccountId, Month, OuId};
use banto_ports::{
    AccountState, Clock, Mail, Mailer, OrgAccount, OrgPolicyKind, Organization, PortError,
};
use banto_samples::{Account, Archive, Shape};
use jiff::{SignedDuration, Timestamp};
use report_compliance::Reporter;
use report_compliance::embedded::Embedded;
use report_compliance::event::Request;
use report_compliance::ports::{LoggedProgress, Ports};
use report_compliance::report::Outcome;
use report_compliance::store::Store;
use report_compliance::time::RunTime;
use serde_json::Value;
use tempfile::TempDir;

use super::folder::Folder;
use super::process::{Took, own};
use crate::table::{at_most, megabytes, milliseconds, row};

const ACCOUNTS: usize = 1_000;
const RULES: usize = 150;
const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "eu-west-1"];

/// Accounts of which it is measured how long they wait.
const FEW_ACCOUNTS: usize = 40;

/// The regions that an account has without asking for more. (AWS account management guide, "Enable
/// or disable AWS Regions in your account".)
const ALL_REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Folders in place of the buckets.
const ARCHIVE: &str = "archive";
const STORE: &str = "store";

/// Items of a snapshot: each of the rules evaluates some.
const ITEMS: usize = 400;

/// The memory of the function, in MB. (docs/OPERATIONS.md.)
const MEMORY: f64 = 1_024.0;

/// Prints what a month takes whose findings are in the page, and one whose findings lie beside it.
pub fn memory() {
    for (name, noncompliant_percent) in [("few findings", 1), ("many findings", 5)] {
        let name = format!("report, {ACCOUNTS} accounts, {name}");
        let made = Made::new(ACCOUNTS, &REGIONS, noncompliant_percent, 1);
        let took = made.report(Shape::default().first, Duration::ZERO);
        for line in took.printed.lines() {
            let (what, figure) = line.split_once('=').unwrap();
            row(&format!("{name}: {what}"), figure);
        }
        let page = made.store().join("dashboard/2026-09/index.html");
        row(
            &format!("{name}: page, MB"),
            megabytes(fs::metadata(page).unwrap().len()),
        );
        row(&format!("{name}: CPU, ms"), milliseconds(took.cpu));
        at_most(
            &format!("{name}: peak memory, MB"),
            megabytes(took.peak),
            MEMORY,
        );
    }
}

/// Prints how many calls an account waits for, one after the other, where it has one region, and
/// where it has all. What the machine does besides is in both times, and so in neither figure.
pub fn rounds() {
    let few = &ALL_REGIONS[..1];
    for regions in [few, &ALL_REGIONS] {
        let made = Made::new(FEW_ACCOUNTS, regions, 1, 2);
        let [near, far] = [30, 130].map(Duration::from_millis);
        let waited = made.second(far).as_secs_f64() - made.second(near).as_secs_f64();
        let rounds = waited / (far - near).as_secs_f64() / FEW_ACCOUNTS as f64;
        row(
            &format!(
                "report, {} regions: calls in a row an account",
                regions.len()
            ),
            format!("{rounds:.1}"),
        );
    }
}

/// An archive, and the store of the report on it.
struct Made {
    directory: TempDir,
    accounts: usize,
}

impl Made {
    fn new(accounts: usize, regions: &[&str], noncompliant_percent: u64, months: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shape = Shape {
            accounts: Account::made_up(accounts),
            regions: regions
                .iter()
                .map(|region| region.parse().unwrap())
                .collect(),
            rules: RULES,
            items: ITEMS,
            noncompliant_percent,
            months,
            days: 1,
            history: false,
            ..Shape::default()
        };
        let archive = directory.path().join(ARCHIVE);
        Archive::new(shape).write_to(&archive).unwrap();
        Self {
            directory,
            accounts,
        }
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join(STORE)
    }

    /// Makes a report in a process of its own, with so long a wait at each call.
    fn report(&self, month: Month, wait: Duration) -> Took {
        own(&[
            "month",
            self.directory.path().to_str().unwrap(),
            &month.to_string(),
            &self.accounts.to_string(),
            &wait.as_millis().to_string(),
        ])
    }

    /// Returns the time of a second month's report, which is compared with the first one.
    fn second(&self, wait: Duration) -> Duration {
        if self.store().exists() {
            fs::remove_dir_all(self.store()).unwrap();
        }
        let first = Shape::default().first;
        self.report(first, Duration::ZERO);
        self.report(first.next(), wait).wall
    }
}

/// The function's share: makes the report, and prints what is in it.
pub async fn make(directory: &Path, month: Month, accounts: usize, wait: Duration) {
    let mails = Arc::new(Mails::default());
    let archive = Arc::new(Folder::new(&directory.join(ARCHIVE), wait));
    let store = Arc::new(Folder::new(&directory.join(STORE), wait));
    let reporter = Reporter {
        policy: policy(),
        ports: Ports {
            engine: Arc::new(Embedded::new(archive, String::new(), false)),
            store: Store::new(store, String::new()),
            organization: Some(Arc::new(Listed {
                accounts: Account::made_up(accounts),
                wait,
            })),
            aggregator: None,
            statuses: None,
            mailer: mails.clone(),
            notice_sender: None,
            progress: Arc::new(LoggedProgress),
            clock: Arc::new(Stopped(month.end() + SignedDuration::from_hours(30))),
        },
    };
    let request = Request {
        month: Some(month),
        ..Request::default()
    };
    let time = RunTime::without_end();
    let outcome = reporter.run(&request, time).await.unwrap();
    let Outcome::Made(made) = outcome else {
        panic!("{outcome:?}");
    };
    let totals = &made.report.totals;
    println!("accounts={}", made.report.accounts.len());
    println!("rules={}", made.report.rules.len());
    println!("new and open findings={}", totals.new + totals.open);
    println!("mails={}", mails.0.lock().unwrap());
}

fn policy() -> ReportPolicy {
    let place = |bucket: &str| ObjectPlace {
        bucket: bucket.to_owned(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: place("archive"),
        store: place("store"),
        engine: EngineChoice::Embedded,
        history: false,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(3 * 24),
        aggregator: None,
        trend_months: 12,
        mail: Some(ReportMail {
            from: "banto@example.com".to_owned(),
            to: vec!["security@example.com".to_owned()],
            owners: BTreeMap::new(),
            configuration_set: None,
        }),
        address: None,
        units: BTreeMap::new(),
        statuses: None,
        findings: FindingPolicy {
            owner_tag: Some("owner".to_owned()),
            ..FindingPolicy::default()
        },
    }
}

/// Counts the mails that it is given.
#[derive(Debug, Default)]
struct Mails(Mutex<usize>);

#[async_trait]
impl Mailer for Mails {
    async fn send(&self, _mail: &Mail) -> Result<(), PortError> {
        *self.0.lock().unwrap() += 1;
        Ok(())
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped(Timestamp);

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// An Organization that is only listed.
#[derive(Debug)]
struct Listed {
    accounts: Vec<Account>,
    /// What each call waits.
    wait: Duration,
}

#[async_trait]
impl Organization for Listed {
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError> {
        let listed = |account: &Account| OrgAccount {
            id: account.id.clone(),
            name: account.name.clone(),
            state: AccountState::Active,
            path: account.path.iter().map(|id| id.parse().unwrap()).collect(),
            joined_at: None,
            was_created: false,
        };
        Ok(self.accounts.iter().map(listed).collect())
    }

    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError> {
        tokio::time::sleep(self.wait).await;
        let mut accounts = self.accounts.iter();
        let found = accounts.find(|found| found.id == *account).unwrap();
        Ok(found.tags.iter().cloned().collect())
    }

    async fn account(&self, _: &AccountId) -> Result<OrgAccount, PortError> {
        unreachable!("a report lists accounts")
    }

    async fn parent(&self, _: &str) -> Result<Option<OuId>, PortError> {
        unreachable!("a report needs no units but those of the list")
    }

    async fn tag(&self, _: &AccountId, _: &BTreeMap<String, String>) -> Result<(), PortError> {
        unreachable!("a report changes nothing")
    }

    async fn move_to(&self, _: &AccountId, _: &OuId, _: &OuId) -> Result<(), PortError> {
        unreachable!("a report changes nothing")
    }

    async fn effective_policy(
        &self,
        _: &AccountId,
        _: OrgPolicyKind,
    ) -> Result<Option<Value>, PortError> {
        unreachable!("a report needs no policies")
    }
}
