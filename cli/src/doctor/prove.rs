//! `banto doctor --probe`: in which account probes run, which of them, and how a run ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use banto_aws::Aws;
use jiff::Timestamp;
use serde_json::json;

use super::made::{self, PREFIX};
use super::probe::{self, Cost, Probe, Refused, Verdict, value};
use super::runner::Runner;
use super::transcript::{Transcript, masked};
use super::{Options, rows, without_accounts};
use crate::ending::Ending;
use crate::output::{complain, line};
use crate::progress;

/// Refuses any account but the sandbox, and the management account of an Organization.
pub(super) async fn allowed(aws: &Aws, options: &Options, account: &str) -> Result<(), String> {
    let sandbox = options.sandbox.as_ref().map(ToString::to_string);
    if sandbox.as_deref() != Some(account) {
        return Err(format!(
            "these credentials are of account {}, which --sandbox does not name",
            masked(account)
        ));
    }
    if aws.region().partition().as_str() != "aws" {
        return Err("probes know the endpoints of the partition aws only".to_owned());
    }
    let organization = aws
        .plain("organizations:DescribeOrganization", None, &json!({}))
        .await;
    management(
        &organization.map_err(Refused::from),
        account,
        options.organization,
    )
}

/// Decides by what DescribeOrganization answered.
pub(super) fn management(
    answer: &probe::Answer,
    account: &str,
    allowed: bool,
) -> Result<(), String> {
    let is_management = match answer {
        Ok(text) => match value(text, "/Organization/MasterAccountId") {
            Some(master) => master == account,
            None if allowed => false,
            None => {
                return Err(
                    "can't tell if this is a management account: the answer does not name \
                    it; --organization goes on all the same"
                        .to_owned(),
                );
            }
        },
        Err(refused) if refused.code == "AWSOrganizationsNotInUseException" => false,
        Err(_) if allowed => false,
        Err(refused) => {
            return Err(format!(
                "can't tell if this is a management account ({}); --organization goes on all the same",
                refused.code
            ));
        }
    };
    if is_management && !allowed {
        return Err(
            "this is the management account of an Organization: say --organization to run here"
                .to_owned(),
        );
    }
    Ok(())
}

/// The words on standard error before anything is made.
pub(super) fn announcement(chosen: &[&Probe], account: &str) -> Option<String> {
    let mut kinds: Vec<&str> = chosen
        .iter()
        .flat_map(|probe| &probe.steps)
        .filter_map(|step| Some(made::word(step.makes?.0)))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let keys = chosen.iter().any(|probe| probe.cost == Cost::Keys);
    let cost = if keys {
        "keys of KMS for minutes, and requests"
    } else {
        "requests"
    };
    (!kinds.is_empty()).then(|| {
        format!(
            "Makes in account {}, and removes again (names begin with\n{PREFIX}):\n  {}\nThis costs cents at most: {cost}.",
            masked(account),
            kinds.join("\n  ")
        )
    })
}

/// A file that is to become the transcript.
fn opened(path: &Path) -> std::io::Result<(PathBuf, tempfile::NamedTempFile)> {
    let path = std::path::absolute(path)?;
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let file = crate::files::unfinished(path.parent().unwrap_or(&path))?;
    Ok((path, file))
}

/// True of a probe that makes something.
pub(super) fn makes(probe: &Probe) -> bool {
    probe.steps.iter().any(|step| step.makes.is_some())
}

/// The first of the chosen probes that makes something, where that is not allowed.
fn unmade<'a>(options: &Options, known: &'a [Probe]) -> Option<&'a str> {
    let is_named = |probe: &&Probe| options.only.iter().any(|id| id == probe.id);
    let mut named = known.iter().filter(is_named);
    named
        .find(|probe| makes(probe) && !options.make)
        .map(|probe| probe.id)
}

/// Runs the probes that were chosen, and writes their transcript.
///
/// # Errors
/// If the transcript can't be written.
pub(super) async fn run(
    aws: &Aws,
    options: &Options,
    account: &str,
    known: Vec<Probe>,
) -> Result<Ending> {
    if let Some(id) = unmade(options, &known) {
        complain(&format!("{id} makes something: add --make"));
        return Ok(Ending::MISUSED);
    }
    // Before anything is made: a transcript that has no place would be lost.
    let out = match options.out.as_deref().map(opened).transpose() {
        Ok(out) => out,
        Err(error) => {
            complain(&format!("--out takes no transcript: {error}"));
            return Ok(Ending::MISUSED);
        }
    };
    let is_chosen = |probe: &&Probe| {
        (options.make || !makes(probe))
            && (options.only.is_empty() || options.only.iter().any(|id| id == probe.id))
    };
    let chosen: Vec<&Probe> = known.iter().filter(is_chosen).collect();
    if let Some(text) = announcement(&chosen, account) {
        complain(&text);
    }
    let stop = AtomicBool::new(false);
    let runner = Runner::new(aws, account, &stop);
    let proving = proofs(&runner, &chosen);
    tokio::pin!(proving);
    let transcript = tokio::select! {
        transcript = &mut proving => transcript,
        _ = tokio::signal::ctrl_c() => {
            // The call under way comes to its end first: else it might make something after all.
            stop.store(true, Ordering::Relaxed);
            complain("removing what was made ...");
            proving.await
        }
    };
    for left in &transcript.left {
        complain(&without_accounts(&format!(
            "left behind: {left}; an hour from now banto doctor --clean --yes removes it"
        )));
    }
    let text = if options.json {
        format!("{:#}\n", transcript.json())
    } else {
        transcript.markdown()
    };
    match out {
        Some((path, mut file)) => {
            file.write_all(text.as_bytes())?;
            file.persist(&path)?;
            line(&transcript.counts());
        }
        None => line(text.trim_end()),
    }
    Ok(ending(&transcript, stop.load(Ordering::Relaxed)))
}

/// The exit code of a run: all of it unclear means that nothing could be looked at.
pub(super) fn ending(transcript: &Transcript, was_stopped: bool) -> Ending {
    if was_stopped {
        Ending::Interrupted
    } else if transcript.disproven() > 0 || !transcript.left.is_empty() {
        Ending::FINDINGS
    } else if transcript
        .proofs
        .iter()
        .all(|(_, verdict, _)| matches!(verdict, Verdict::Unclear(_)))
    {
        Ending::BLIND
    } else {
        Ending::Done
    }
}

/// Runs the probes one after the other.
pub(super) async fn proofs(runner: &Runner<'_>, chosen: &[&Probe]) -> Transcript {
    let bar = progress::bar(chosen.len(), "probes");
    let (by_doctor, by_hand): (Vec<_>, Vec<_>) =
        rows::rows().into_iter().partition(|row| row.by_doctor);
    let mut transcript = Transcript {
        date: Timestamp::now().strftime("%F %H:%M UTC").to_string(),
        account: runner.account.to_owned(),
        region: runner.aws.region().to_string(),
        proofs: Vec::new(),
        not_run: Vec::new(),
        by_hand,
        left: Vec::new(),
        secrets: runner
            .aws
            .secrets_of_credentials()
            .await
            .into_iter()
            .collect(),
    };
    for row in by_doctor {
        let Some(probe) = chosen.iter().find(|probe| probe.id == row.id) else {
            transcript.not_run.push(row);
            continue;
        };
        if runner.stop.load(Ordering::Relaxed) {
            transcript.not_run.push(row);
            continue;
        }
        bar.set_message(row.id);
        let began = Instant::now();
        let ran = match name() {
            Some(name) => runner.run(probe, &name).await,
            None => continue,
        };
        let verdict = with_hint(ran.verdict, probe);
        transcript.left.extend(ran.left);
        transcript.secrets.extend(ran.secrets);
        transcript
            .proofs
            .push((row, verdict, began.elapsed().as_secs_f64()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    transcript
}

/// The account that an unclear verdict may have lacked.
fn with_hint(verdict: Verdict, probe: &Probe) -> Verdict {
    let hint = match probe.account {
        probe::Account::Any => return verdict,
        probe::Account::Member => "an account of an Organization",
        probe::Account::Delegated => "the management account or a delegated administrator",
        probe::Account::Recorded => "an account with AWS Config's recorder",
    };
    match verdict {
        Verdict::Unclear(why) => Verdict::Unclear(format!("{why} (it is about {hint})")),
        told => told,
    }
}

/// A name that nothing else has.
pub(super) fn name() -> Option<String> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).ok()?;
    Some(format!("{PREFIX}{:08x}", u32::from_be_bytes(random)))
}
