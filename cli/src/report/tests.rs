//! The command over a small archive: what people find in the folder, and what they are told if
//! there is nothing to report.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use banto_samples::{Archive, Oddity, Shape};
use report_compliance::model::MonthReport;
use report_compliance::store::{findings_key, report_key};
use tempfile::TempDir;

use super::*;

/// An archive of two accounts over September and October 2026 in a folder, and what is true of it.
struct Archived {
    archive: Archive,
    folder: TempDir,
    out: TempDir,
}

impl Archived {
    fn new(shape: Shape) -> Self {
        let archive = Archive::new(shape);
        let folder = tempfile::tempdir().unwrap();
        archive.write_to(folder.path()).unwrap();
        let out = tempfile::tempdir().unwrap();
        Self {
            archive,
            folder,
            out,
        }
    }

    /// A report on a month of it, with the list of its accounts.
    fn options(&self, month: &str) -> Options {
        Options {
            from: Source::Folder(self.folder.path().to_owned()),
            month: Some(month.parse().unwrap()),
            out: self.out.path().to_owned(),
            policy: None,
            accounts: Some(self.folder.path().join("accounts.json")),
            engine: Reader::Embedded,
            no_open: true,
        }
    }

    async fn report(&self, month: &str) -> Result<Written> {
        write(&self.options(month), Arc::new(Bar::new())).await
    }

    /// The number of findings that are open at a month's end.
    fn open(&self, month: &str) -> usize {
        let month = month.parse().unwrap();
        let accounts = 0..self.archive.shape().accounts.len();
        let truths = accounts.filter_map(|account| self.archive.truth(account, month));
        let regions = truths.flat_map(|truth| truth.regions.into_values());
        let open: BTreeSet<_> = regions.flat_map(|region| region.open.into_keys()).collect();
        open.len()
    }

    fn exists(&self, key: &str) -> bool {
        self.out.path().join(key).is_file()
    }
}

#[tokio::test]
async fn a_folder_becomes_a_page_mails_and_findings_with_the_archives_own_numbers() {
    let archived = Archived::new(Shape::default());
    let written = archived.report("2026-10").await.unwrap();
    let report = &written.report;
    let open = usize::try_from(report.totals.all_open()).unwrap();
    assert_eq!(open, archived.open("2026-10"));
    // September is read first, so that October has something to be compared with.
    let september = "2026-09".parse().unwrap();
    assert_eq!(report.compared_with, Some(september));
    let names: Vec<&str> = report
        .accounts
        .iter()
        .map(|line| line.name.as_str())
        .collect();
    assert_eq!(names, ["payments-prod", "search-prod"]);
    let month = report.period.month;
    let first = &report.accounts[0].account;
    for key in [
        findings_key(month, first),
        report_key(month),
        summary_key(month),
        page_key(month, "index.html"),
        "dashboard/index.html".to_owned(),
    ] {
        assert!(archived.exists(&key), "{key}");
    }
    let page = fs::read_to_string(&written.files[0]).unwrap();
    assert!(page.starts_with("<!") && page.contains("2026"), "{page}");
    // One with everything, and one to each owner, whose tag is an address.
    let mails = written.files[1..].iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(path.is_file(), "{name}");
        name
    });
    assert_eq!(
        mails.collect::<Vec<_>>(),
        [
            "everything@example.com.eml",
            "payments@example.com.eml",
            "search@example.com.eml"
        ]
    );
}

#[tokio::test]
async fn a_second_run_makes_the_same_report_and_writes_its_mails_anew() {
    let archived = Archived::new(Shape::default());
    let first = archived.report("2026-10").await.unwrap();
    let second = archived.report("2026-10").await.unwrap();
    assert_eq!(first.files, second.files);
    let made_at = first.report.made_at;
    let again = MonthReport {
        made_at,
        ..second.report
    };
    assert_eq!(again, first.report);
    assert!(second.files.iter().all(|file| file.is_file()));
}

#[tokio::test]
async fn accounts_have_their_ids_for_names_where_no_list_is_given() {
    let archived = Archived::new(Shape::default());
    let options = Options {
        accounts: None,
        ..archived.options("2026-10")
    };
    let written = write(&options, Arc::new(Bar::new())).await.unwrap();
    let accounts = written.report.accounts.iter();
    assert!(
        accounts
            .clone()
            .all(|line| line.name == line.account.as_str())
    );
    assert_eq!(accounts.count(), 2);
    assert_eq!(written.files.len(), 2, "{:?}", written.files);
}

#[tokio::test]
async fn a_folder_without_an_archive_is_told_with_what_was_expected() {
    let archived = Archived::new(Shape::default());
    let empty = tempfile::tempdir().unwrap();
    let options = Options {
        from: Source::Folder(empty.path().to_owned()),
        ..archived.options("2026-10")
    };
    let error = write(&options, Arc::new(Bar::new())).await.unwrap_err();
    let says = "has nothing of AWS Config: expected AWSLogs/<account>/Config/<region>/";
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(fs::read_dir(archived.out.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_month_that_the_archive_says_nothing_of_fails_once_its_report_is_written() {
    let archived = Archived::new(Shape::default());
    let error = run(&archived.options("2026-07")).await.unwrap_err();
    let says = "says nothing of 2026-07: no snapshot with compliance items";
    assert!(error.to_string().contains(says), "{error}");
}

#[tokio::test]
async fn a_month_that_has_not_begun_is_refused() {
    let archived = Archived::new(Shape::default());
    let error = archived.report("9998-12").await.unwrap_err();
    assert_eq!(error.to_string(), "9998-12 has not begun");
}

#[tokio::test]
async fn an_object_that_can_not_be_read_is_named_and_the_rest_counts() {
    let archived = Archived::new(Shape {
        oddities: vec![(0, Oddity::Truncated)],
        ..Shape::default()
    });
    let written = archived.report("2026-10").await.unwrap();
    assert!(written.report.problem_count > 0);
    let open = usize::try_from(written.report.totals.all_open()).unwrap();
    assert_eq!(open, archived.open("2026-10"));
}

#[tokio::test]
async fn athena_is_refused_without_a_policy_that_names_its_workgroup_and_archive() {
    let archived = Archived::new(Shape::default());
    let athena = Options {
        engine: Reader::Athena,
        ..archived.options("2026-10")
    };
    let error = write(&athena, Arc::new(Bar::new())).await.unwrap_err();
    assert!(error.to_string().contains("needs a --policy"), "{error}");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/banto.toml");
    let with_policy = Options {
        policy: Some(Path::new(example).to_owned()),
        ..athena
    };
    let error = write(&with_policy, Arc::new(Bar::new())).await.unwrap_err();
    let says = "Athena's tables are of s3://banto-log-archive-444455556666/o-exampleorgid/";
    assert!(error.to_string().contains(says), "{error}");
}
