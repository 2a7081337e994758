//! `banto report`: a month's report on this machine, from the same library as the function's.
//!
//! The store is a folder, and mails are files in it. Nothing is sent, and nothing is asked of AWS
//! but the archive's objects, where they lie in a bucket, or Athena.

pub mod accounts;
pub mod eml;
pub mod folder;
pub mod mails;
pub mod policy;
pub(crate) mod show;
pub mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use banto_domain::Month;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::report::EngineChoice;
use banto_lambda::SystemClock;
use banto_ports::{Clock, Organization};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use report_compliance::Reporter;
use report_compliance::athena::Athena;
use report_compliance::embedded::Embedded;
use report_compliance::engine::Engine;
use report_compliance::event::Request;
use report_compliance::evidence::Period;
use report_compliance::model::MonthReport;
use report_compliance::ports::Ports;
use report_compliance::report::Outcome;
use report_compliance::store::{Store, page_key, summary_key};
use report_compliance::time::RunTime;

use crate::ending::Ending;
use crate::output;
use accounts::AccountsFile;
use folder::Folder;
use mails::MailFiles;
use show::Bar;
use source::Source;

/// A report that is asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto report --from s3://banto-log-archive-444455556666/ --out report
  banto report --from archive --month 2026-10 --policy banto.toml --out report

docs/report.md says what each number means.")]
pub struct Options {
    /// The archive of AWS Config: what AWSLogs/ lies in.
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub from: Source,
    /// The month, as in 2026-10; the last full one, if left out.
    #[arg(long, value_name = "MONTH")]
    pub month: Option<Month>,
    /// Where the report is written: the page, mails, findings as CSV. The months before that are
    /// there are what it is compared with.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The policy with waivers, expected rules and words about rules.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The accounts, as aws organizations list-accounts prints them; Tags may be added to each.
    /// Those of the archive, by their ids, if left out.
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// Who reads the archive.
    #[arg(long, value_enum, default_value_t = Reader::Embedded)]
    pub engine: Reader,
    /// Writes the report and opens nothing.
    #[arg(long)]
    pub no_open: bool,
}

/// Who reads an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reader {
    /// This program, object by object.
    Embedded,
    /// Athena, as [report.athena] of the policy says.
    Athena,
}

/// A report that was made.
#[derive(Debug)]
pub struct Written {
    /// What is in it.
    pub report: MonthReport,
    /// The page, and the mails.
    pub files: Vec<PathBuf>,
}

/// Makes a report, shows what it came to, and opens its page.
///
/// # Errors
/// If something of what was given can't be used, or the report can't be made.
pub async fn run(options: &Options) -> Result<Ending> {
    let bar = Arc::new(Bar::new());
    let written = tokio::select! {
        written = write(options, bar.clone()) => {
            bar.clear();
            written?
        }
        interrupted = tokio::signal::ctrl_c() => {
            bar.clear();
            interrupted.context("can't listen for Ctrl-C")?;
            return Ok(Ending::Interrupted);
        }
    };
    let files: Vec<&Path> = written.files.iter().map(PathBuf::as_path).collect();
    show::outcome(&written.report, &files);
    assert_anything_is_known(options, &written.report)?;
    if let Some(page) = files.first().filter(|_| !options.no_open)
        && let Err(why) = crate::notices::opened(page).await
    {
        output::line(&format!("It could not be opened: {why}"));
    }
    Ok(Ending::Done)
}

/// Makes a report.
///
/// # Errors
/// As [`run`].
pub async fn write(options: &Options, bar: Arc<Bar>) -> Result<Written> {
    write_at(options, bar, Arc::new(SystemClock::from_env()?)).await
}

/// Makes a report by a clock.
pub(crate) async fn write_at(
    options: &Options,
    bar: Arc<Bar>,
    clock: Arc<dyn Clock>,
) -> Result<Written> {
    let period = period(options.month, clock.now())?;
    let out = std::path::absolute(&options.out)?;
    let policy = policy::local(options.policy.as_deref(), &out)?;
    let engine = engine(options, &policy, &clock)?;
    let organization = match &options.accounts {
        Some(file) => Some(Arc::new(AccountsFile::read(file)?) as Arc<dyn Organization>),
        None => None,
    };
    let accounts = engine.accounts(period).await?;
    if accounts.is_empty() {
        bail!(
            "{} has nothing of AWS Config: expected AWSLogs/<account>/Config/<region>/ in it, or in a folder of it",
            options.from
        );
    }
    forget(&out, period.month)?;
    let folder = Folder::new(&out);
    let mails = Arc::new(MailFiles::new(folder.clone(), period.month, clock.clone()));
    let reporter = Reporter {
        policy,
        ports: Ports {
            engine,
            store: Store::new(Arc::new(folder), String::new()),
            organization,
            aggregator: None,
            statuses: None,
            mailer: mails.clone(),
            notice_sender: None,
            progress: bar,
            clock,
        },
    };
    let request = Request {
        month: Some(period.month),
        // The archive, the policy and the accounts may be others than those of the last run.
        again: true,
        ..Request::default()
    };
    let outcome = reporter.run(&request, RunTime::without_end()).await;
    let outcome = outcome.map_err(|error| anyhow!("{error}"))?;
    let Outcome::Made(made) = outcome else {
        bail!("the report was not made");
    };
    let mut files = vec![out.join(page_key(period.month, "index.html"))];
    files.extend(mails.written().iter().map(|key| out.join(key)));
    Ok(Written {
        report: made.report,
        files,
    })
}

/// The month, and the moment at which it is looked at.
fn period(month: Option<Month>, now: Timestamp) -> Result<Period> {
    let month = month.unwrap_or_else(|| Month::of(now).previous());
    if month.start() >= now {
        bail!("{month} has not begun");
    }
    let end = month.end().min(now);
    Ok(Period { month, end })
}

fn engine(
    options: &Options,
    policy: &ReportPolicy,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Engine>> {
    match options.engine {
        Reader::Embedded => {
            let (archive, prefix) = options.from.open()?;
            Ok(Arc::new(Embedded::new(archive, prefix, policy.history)))
        }
        Reader::Athena => {
            let EngineChoice::Athena(athena) = &policy.engine else {
                bail!("--engine athena needs a --policy with [report.athena]");
            };
            if options.from != Source::Bucket(policy.archive.clone()) {
                bail!(
                    "Athena's tables are of {}, which --from must name",
                    Source::Bucket(policy.archive.clone())
                );
            }
            let queries = Arc::new(source::aws()?.athena(athena));
            let (athena, clock) = (athena.clone(), clock.clone());
            Ok(Arc::new(Athena::new(
                queries,
                athena,
                clock,
                policy.history,
            )))
        }
    }
}

/// Takes away what an earlier run left and this one would go by: the mails with their claims, which
/// keep the function from sending one twice, and a month before that was read just to compare with.
fn forget(out: &Path, month: Month) -> Result<()> {
    let mut folders = vec![out.join(format!("mails/{month}"))];
    let before = month.previous();
    if !out.join(summary_key(before)).exists() {
        folders.push(out.join(format!("months/{before}")));
    }
    for folder in folders {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't empty {}", folder.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fails for a report that says nothing: most often the archive is of another time.
fn assert_anything_is_known(options: &Options, report: &MonthReport) -> Result<()> {
    if report.coverage.known > 0 {
        return Ok(());
    }
    bail!(
        "{} says nothing of {}: no snapshot with compliance items was taken in the last days before {}. AWS Config keeps one a day where the delivery channel asks for it; does the archive have that month?",
        options.from,
        report.period.month,
        report.period.end
    )
}
