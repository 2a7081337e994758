//! `banto compliance waive` and `unwaive`: the policy is changed, shown and written. Who did it,
//! and who agreed, is in the history of the policy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use banto_domain::policy::Policy;
use banto_domain::policy::compliance::Waiver;
use jiff::Timestamp;

use super::edit::{self, Target, Terms};
use super::show::last_day;
use super::{About, Unwaive, Waive};
use crate::ending::Ending;
use crate::output::{complain, line};
use crate::terminal::{Screen, Tone};
use crate::{ask, files, policy};

/// What makes a change of the policy count.
const APPLIES: &str = "It counts once the policy is deployed: commit the file, have it reviewed, and \
                       let the pipeline apply it, or run banto package and terraform apply yourself \
                       (docs/infra.md).";

/// Writes a waiver into the policy.
pub(super) fn waive(options: &Waive) -> Result<Ending> {
    let file = Edited::read(&options.about)?;
    let terms = Terms {
        owner: &options.owner,
        reason: &options.reason,
        until: &options.until,
    };
    let after = edit::with_waiver(&file.text, target(&options.about), terms)?;
    let waiver = written(&file.checked(&after)?, &options.about, Timestamp::now())?;
    file.write(&after, &promise(&waiver), options.about.yes)
}

/// Takes a waiver out of the policy.
pub(super) fn unwaive(options: &Unwaive) -> Result<Ending> {
    let file = Edited::read(&options.about)?;
    let after = edit::without_waiver(&file.text, target(&options.about))?;
    file.checked(&after)?;
    let promise = "What it covered is told again with the next daily run.";
    file.write(&after, promise, options.about.yes)
}

fn target(about: &About) -> Target<'_> {
    Target {
        rule: &about.rule,
        account: about.account.as_ref(),
        resource: about.resource.as_deref(),
    }
}

/// The waiver as the functions will read it.
///
/// # Errors
/// If no function reads waivers, or it has ended already.
pub(super) fn written(policy: &Policy, about: &About, now: Timestamp) -> Result<Waiver> {
    let findings = policy.compliance.as_ref().map(|it| &it.findings);
    let findings = findings.or(policy.report.as_ref().map(|it| &it.findings));
    let findings = findings.context(
        "the policy has neither [compliance] nor [report], and nothing else goes by waivers",
    )?;
    let resource = about.resource.as_deref().unwrap_or("*");
    let is_it = |it: &&Waiver| {
        it.rule == about.rule && it.account == about.account && it.resource == resource
    };
    let waiver = findings.waivers.iter().find(is_it);
    let waiver = waiver.context("the policy does not have the waiver that was written")?;
    ensure!(
        waiver.until > now,
        "--until is {}, which has passed: a waiver needs an end that is to come",
        waiver.until
    );
    Ok(waiver.clone())
}

/// The effect of a waiver, in a sentence.
pub(super) fn promise(waiver: &Waiver) -> String {
    let resource = match waiver.resource.as_str() {
        "*" => "every resource".to_owned(),
        resource => format!("resources called {resource}"),
    };
    let account = match &waiver.account {
        Some(account) => format!("account {account}"),
        None => "every account".to_owned(),
    };
    format!(
        "Nobody is told of {} for {resource} in {account} up to {}, and the monthly report has it \
         as waived by {}.",
        waiver.rule,
        last_day(waiver.until),
        waiver.owner
    )
}

/// A policy's file, as it was read.
struct Edited {
    path: PathBuf,
    text: String,
}

impl Edited {
    fn read(about: &About) -> Result<Self> {
        let named = about.policy.path()?;
        let path = fs::canonicalize(&named);
        let path = path.with_context(|| format!("can't read {}", named.display()))?;
        refuse_copy(&path, policy::kept().as_deref())?;
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("can't read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// The policy of a changed text, which must be one.
    fn checked(&self, text: &str) -> Result<Policy> {
        policy::parse(&self.path.display().to_string(), text)
    }

    /// Shows the change, asks and writes it.
    fn write(&self, after: &str, promise: &str, yes: bool) -> Result<Ending> {
        if after == self.text {
            line("The policy says so already; nothing was written.");
            return Ok(Ending::Done);
        }
        let screen = Screen::of_output();
        line(&shown(&self.text, after, promise, &screen));
        let question = format!("Write this to {}?", self.path.display());
        if !ask::confirm(&question, yes)? {
            complain("nothing was written");
            return Ok(Ending::FINDINGS);
        }
        let now = fs::read_to_string(&self.path).unwrap_or_default();
        if now != self.text {
            bail!(
                "{} was changed meanwhile; nothing was written",
                self.path.display()
            );
        }
        let permissions = fs::metadata(&self.path).map(|it| it.permissions());
        let written = files::write(&self.path, after.as_bytes());
        let written = written.and_then(|()| fs::set_permissions(&self.path, permissions?));
        written.with_context(|| format!("can't write {}", self.path.display()))?;
        line(&screen.wrapped(&format!("Written. {APPLIES}"), 0));
        Ok(Ending::Done)
    }
}

/// Refuses the copy that `banto login` keeps: nobody deploys it.
fn refuse_copy(path: &Path, kept: Option<&Path>) -> Result<()> {
    let kept = kept.and_then(|kept| fs::canonicalize(kept).ok());
    if kept.as_deref() == Some(path) {
        bail!(
            "{} is the copy that banto login keeps, and nobody deploys it: name the policy that \
             is deployed with --policy",
            path.display()
        );
    }
    Ok(())
}

/// The change as people read it, and what it does.
pub(super) fn shown(before: &str, after: &str, promise: &str, screen: &Screen) -> String {
    let diff = edit::diff(before, after);
    let lines = diff.lines().map(|line| match line.chars().next() {
        Some('+') => screen.paint(Tone::Good, line),
        Some('-') => screen.paint(Tone::Bad, line),
        _ => line.to_owned(),
    });
    let lines: Vec<String> = lines.collect();
    format!("{}\n\n{}", lines.join("\n"), screen.wrapped(promise, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_that_login_keeps_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let copy = fs::canonicalize(folder.path()).unwrap().join("banto.toml");
        fs::write(&copy, "").unwrap();
        let refused = refuse_copy(&copy, Some(&copy)).unwrap_err();
        assert!(refused.to_string().contains("--policy"), "{refused}");
        assert!(refuse_copy(&copy, None).is_ok());
        assert!(refuse_copy(&copy, Some(&folder.path().join("other.toml"))).is_ok());
    }
}
