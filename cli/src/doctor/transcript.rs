//! What a run of probes is told by: Markdown for people, JSON for programs. Nothing secret is in
//! either.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::probe::Verdict;
use super::rows::Row;

/// Most characters of a row's evidence.
const EVIDENCE: usize = 400;

/// A run of probes.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) date: String,
    pub(crate) account: String,
    pub(crate) region: String,
    /// Rows with their verdicts and seconds.
    pub(crate) proofs: Vec<(Row, Verdict, f64)>,
    /// Rows that need `--make`, or weren't chosen.
    pub(crate) not_run: Vec<Row>,
    /// Rows that a person proves.
    pub(crate) by_hand: Vec<Row>,
    /// What couldn't be removed.
    pub(crate) left: Vec<String>,
    /// What must not be shown.
    pub(crate) secrets: BTreeSet<String>,
}

/// All but the last four digits of an account are hidden.
pub(crate) fn masked(account: &str) -> String {
    let last = account.get(account.len().saturating_sub(4)..);
    format!("********{}", last.unwrap_or_default())
}

impl Transcript {
    /// A text without secrets, ids of keys and the account, on one line, cut to a length.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.replace(&self.account, &masked(&self.account));
        for secret in &self.secrets {
            text = text.replace(secret, "(secret)");
        }
        let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = without_keys(&shown).replace('|', "\\|");
        match shown.char_indices().nth(EVIDENCE) {
            Some((end, _)) => format!("{} …", shown.get(..end).unwrap_or_default()),
            None => shown,
        }
    }

    fn count(&self, word: &str) -> usize {
        let verdicts = self.proofs.iter().map(|(_, verdict, _)| verdict.word());
        verdicts.filter(|verdict| *verdict == word).count()
    }

    /// The number of facts that aren't so.
    pub(crate) fn disproven(&self) -> usize {
        self.count("disproven")
    }

    /// The counts of verdicts in words.
    pub(crate) fn counts(&self) -> String {
        format!(
            "{} proven, {} disproven, {} unclear, {} not run, {} for a person",
            self.count("proven"),
            self.disproven(),
            self.count("unclear"),
            self.not_run.len(),
            self.by_hand.len()
        )
    }

    /// The run in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "# banto doctor --probe\n\n{}, banto {}, account {}, {}\n\n| id | verdict | fact | evidence | s |\n|---|---|---|---|---|\n",
            self.date,
            env!("CARGO_PKG_VERSION"),
            masked(&self.account),
            self.region
        );
        for (row, verdict, seconds) in &self.proofs {
            let evidence = self.clean(verdict.evidence());
            text += &format!(
                "| {} | {} | {} | {evidence} | {seconds:.1} |\n",
                row.id,
                verdict.word(),
                row.fact
            );
        }
        let lists = [
            ("Not run (add `--make`)", &self.not_run),
            ("For a person", &self.by_hand),
        ];
        for (title, rows) in lists.iter().filter(|(_, rows)| !rows.is_empty()) {
            text += &format!("\n## {title}\n\n");
            for row in *rows {
                text += &format!("- [ ] {}: {} To prove it: {}\n", row.id, row.fact, row.how);
            }
        }
        if !self.left.is_empty() {
            text += "\n## Left behind\n\n";
            for left in &self.left {
                text += &format!("- {}\n", self.clean(left));
            }
        }
        text + &format!("\n{}\n", self.counts())
    }

    /// The run in JSON; docs/doctor.md has its shape.
    pub(crate) fn json(&self) -> Value {
        let proofs = self.proofs.iter().map(|(row, verdict, seconds)| {
            json!({
                "id": row.id, "fact": row.fact, "verdict": verdict.word(),
                "evidence": self.clean(verdict.evidence()), "seconds": seconds,
            })
        });
        let open = |rows: &[Row]| -> Value {
            let row = |row: &Row| json!({"id": row.id, "fact": row.fact, "how": row.how});
            rows.iter().map(row).collect()
        };
        let left = self.left.iter().map(|left| self.clean(left));
        json!({
            "date": self.date, "version": env!("CARGO_PKG_VERSION"),
            "account": masked(&self.account), "region": self.region,
            "proofs": proofs.collect::<Vec<_>>(), "not_run": open(&self.not_run),
            "by_hand": open(&self.by_hand), "left": left.collect::<Vec<_>>(),
        })
    }
}

/// A text whose ids of access keys are hidden. (IAM user guide, "IAM identifiers": AKIA and ASIA.)
fn without_keys(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let mut clean = String::new();
    for part in text.split_inclusive(|c| !is_part(c)) {
        let word = part.trim_end_matches(|c| !is_part(c));
        let is_key = word.len() >= 16 && (word.starts_with("AKIA") || word.starts_with("ASIA"));
        if is_key {
            clean += "(key)";
            clean += part.get(word.len()..).unwrap_or_default();
        } else {
            clean += part;
        }
    }
    clean
}
