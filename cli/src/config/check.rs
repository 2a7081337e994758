//! `banto config check`: everything that is wrong with a policy, and what it means if nothing is.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use banto_domain::policy::Policy;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::lines::line_of;
use super::meaning::{self, Line};
use super::oddities;
use super::places::{NewRegions, misplaced};
use super::values::Values;
use crate::ending::Ending;
use crate::output;
use crate::policy::PolicyFile;
use crate::terminal::{Screen, Tone};

/// Columns of the words before what a part of the policy means.
const LABEL: u16 = 13;

/// A policy to check.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto config check
  banto config check infra/envs/example/banto.toml
  banto config check --json | jq .warnings

Exit codes: 0 the policy can be used, be there warnings or not; 1 it can't.")]
pub struct Options {
    /// The policy. Left out: BANTO_POLICY, banto.toml here, or the copy that
    /// `banto login` keeps.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    new: NewRegions,
    /// JSON: file, valid, problems and warnings (each with line and text), and
    /// meaning (each with about and says).
    #[arg(long)]
    json: bool,
}

/// Something that is said of a line of the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Remark {
    /// From 1; `None` where it is about no line.
    line: Option<usize>,
    text: String,
}

/// The outcome of a check of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Checked {
    file: String,
    valid: bool,
    problems: Vec<Remark>,
    warnings: Vec<Remark>,
    meaning: Vec<Line>,
}

impl Checked {
    /// The document that `--json` prints.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Checks, and shows what it came to.
///
/// # Errors
/// If there is no policy, or it can't be read.
pub fn run(options: &Options) -> Result<Ending> {
    let policy = options.file.clone();
    let path = PolicyFile { policy }.path()?;
    let name = path.display().to_string();
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {name}"))?;
    let checked = checked(&name, &text, &options.new, Timestamp::now());
    let shown = if options.json {
        serde_json::to_string_pretty(&checked.json())?
    } else {
        shown(&checked, &Screen::of_output())
    };
    output::line(shown.trim_end());
    Ok(if checked.valid {
        Ending::Done
    } else {
        Ending::FINDINGS
    })
}

/// Judges a policy.
pub(super) fn checked(name: &str, text: &str, new: &NewRegions, now: Timestamp) -> Checked {
    let mut checked = Checked {
        file: name.to_owned(),
        valid: false,
        problems: Vec::new(),
        warnings: Vec::new(),
        meaning: Vec::new(),
    };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(problems) => {
            let remark = |(line, text): (usize, &str)| Remark {
                line: Some(line),
                text: text.to_owned(),
            };
            checked.problems = problems.iter().map(remark).collect();
            return checked;
        }
    };
    let said = |key: &str, why: &str| Remark {
        line: line_of(text, key),
        text: if key.is_empty() {
            why.to_owned()
        } else {
            format!("`{key}` {why}")
        },
    };
    let places = misplaced(&policy, new);
    checked.problems = places
        .iter()
        .map(|place| said(&place.key, &place.problem))
        .collect();
    if let Err(error) = Values::of(&policy) {
        checked.problems.push(Remark {
            line: None,
            text: error.to_string(),
        });
    }
    let odd = oddities::of(&policy, text, now);
    checked.warnings = odd.iter().map(|odd| said(&odd.key, &odd.why)).collect();
    checked.problems.sort();
    checked.warnings.sort();
    checked.valid = checked.problems.is_empty();
    checked.meaning = meaning::of(&policy);
    checked
}

/// The text about a policy that was judged.
pub(super) fn shown(checked: &Checked, screen: &Screen) -> String {
    let Checked {
        file,
        problems,
        warnings,
        ..
    } = checked;
    let remarks = |remarks: &[Remark], word: &str, tone: Tone| {
        let shown = remarks.iter().map(|remark| {
            let line = remark.line.map_or(String::new(), |line| format!(":{line}"));
            let said = format!("{file}{line}: {word}: {}", remark.text);
            screen.paint(tone, &screen.wrapped(&said, 2)) + "\n"
        });
        shown.collect::<String>()
    };
    if !checked.valid {
        let errors = match problems.len() {
            1 => "One error".to_owned(),
            count => format!("{count} errors"),
        };
        let end = format!(
            "{errors}: the policy can't be used. `banto config explain KEY` says what a key means."
        );
        let shown = remarks(problems, "error", Tone::Bad);
        return format!("{shown}\n{}\n", screen.wrapped(&end, 0));
    }
    let meaning = checked.meaning.iter();
    let meant: String = meaning
        .map(|Line { about, says }| screen.labelled(LABEL, about, says))
        .collect();
    let odd = remarks(warnings, "warning", Tone::Warning);
    let verdict = match warnings.len() {
        0 => "can be used".to_owned(),
        1 => "can be used, with one warning".to_owned(),
        count => format!("can be used, with {count} warnings"),
    };
    let verdict = screen.paint(Tone::Good, &format!("{file} {verdict}."));
    let between = if odd.is_empty() { "" } else { "\n" };
    format!("{meant}\n{odd}{between}{verdict}\n")
}
