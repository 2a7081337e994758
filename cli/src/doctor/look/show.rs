//! Findings as people read them, and as programs do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::check::{Finding, Level, Topic};
use super::place::Here;
use crate::terminal::{Screen, Tone};

/// Columns of the word that says how grave a finding is, with a space behind it.
const MARGIN: usize = 9;
/// Columns before a command.
const COMMAND: usize = 11;

/// The whole screen: findings first, the gravest before all, then what is fine, then where else to
/// look.
pub(super) fn screen(
    here: &Here<'_>,
    who: &str,
    findings: &[Finding],
    is_verbose: bool,
    screen: &Screen,
) -> String {
    let mut text = screen.wrapped(
        &format!("Account {} in {}, as {who}.", here.account, here.region),
        0,
    );
    text.push_str("\n\n");
    let mut told: Vec<&Finding> = findings
        .iter()
        .filter(|finding| is_verbose || finding.said.level != Level::Fine)
        .collect();
    // Stable: within a level the topics' order stays.
    told.sort_by_key(|finding| std::cmp::Reverse(finding.said.level));
    for finding in told {
        text.push_str(&one(here, finding, screen));
    }
    if !is_verbose {
        text.push_str(&folded(findings, screen));
    }
    text.push('\n');
    text.push_str(&screen.wrapped(&summary(findings), 0));
    text.push('\n');
    text.push_str(&elsewhere(here, screen));
    text
}

fn one(here: &Here<'_>, finding: &Finding, screen: &Screen) -> String {
    let level = finding.said.level;
    let Finding { topic, what, said } = finding;
    let words = format!("{}: {what}: {}", topic.title(), said.words);
    let mut text = block(screen, level, &words);
    for step in &said.to_do {
        match step.strip_prefix("$ ") {
            Some(command) => text.push_str(&shell(screen, &here.typed(command))),
            None => text.push_str(&beside(screen, MARGIN, step)),
        }
    }
    text
}

/// A level's word, and words beside it.
fn block(screen: &Screen, level: Level, words: &str) -> String {
    let tone = match level {
        Level::Fine => Tone::Good,
        Level::Note => Tone::Faint,
        Level::Blind | Level::Warning => Tone::Warning,
        Level::Error => Tone::Bad,
    };
    let mark = format!("{:<width$}", level.word(), width = MARGIN);
    let text = beside(screen, MARGIN, words);
    let rest = text.get(MARGIN..).unwrap_or_default();
    format!("{}{rest}", screen.paint(tone, &mark))
}

/// Words beside so many empty columns.
fn beside(screen: &Screen, columns: usize, words: &str) -> String {
    let wrapped = screen.wrapped(&format!("{}{words}", "_".repeat(columns)), columns);
    let rest = wrapped.get(columns..).unwrap_or_default();
    format!("{}{rest}\n", " ".repeat(columns))
}

/// A command in lines that a shell joins again.
fn shell(screen: &Screen, command: &str) -> String {
    let width = usize::from(screen.width);
    let mut lines = vec![" ".repeat(COMMAND)];
    for word in words(command) {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let is_empty = line.trim().is_empty();
        // Two columns for the backslash that may follow.
        if !is_empty && line.len() + 1 + word.len() + 2 > width {
            line.push_str(" \\");
            lines.push(format!("{}  {word}", " ".repeat(COMMAND)));
        } else {
            if !is_empty {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines.join("\n") + "\n"
}

/// A command's words. What is quoted stays whole.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for part in command.split(' ') {
        match words.last_mut().filter(|_| is_open) {
            Some(last) => *last = format!("{last} {part}"),
            None => words.push(part.to_owned()),
        }
        // An odd number of quotes opens or ends a quotation.
        is_open ^= part.matches('\'').count() % 2 == 1;
    }
    words
}

/// A line for each topic that has something that is fine.
fn folded(findings: &[Finding], screen: &Screen) -> String {
    let mut counts: BTreeMap<Topic, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|one| one.said.level == Level::Fine) {
        *counts.entry(finding.topic).or_default() += 1;
    }
    let lines = counts.iter().map(|(topic, count)| {
        let words = format!("{} ({count})", topic.title());
        block(screen, Level::Fine, &words)
    });
    lines.collect()
}

fn count(findings: &[Finding], level: Level) -> usize {
    let levels = findings.iter().map(|finding| finding.said.level);
    levels.filter(|own| *own == level).count()
}

fn summary(findings: &[Finding]) -> String {
    let of = |level, one: &str, many: &str| match count(findings, level) {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let counts = [
        of(Level::Error, "error", "errors"),
        of(Level::Warning, "warning", "warnings"),
        of(Level::Blind, "not seen", "not seen"),
        of(Level::Note, "note", "notes"),
        of(Level::Fine, "fine", "fine"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    format!("{}.", counts.join(", "))
}

fn elsewhere(here: &Here<'_>, screen: &Screen) -> String {
    let mut parts: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
    for part in here.elsewhere() {
        let names = parts.entry((part.account, part.region)).or_default();
        if !names.contains(&part.name) {
            names.push(part.name);
        }
    }
    if parts.is_empty() {
        return String::new();
    }
    let mut text = screen.wrapped(
        "Look there, too, by banto doctor --profile PROFILE --region REGION:",
        0,
    );
    text.push('\n');
    for ((account, region), names) in parts {
        let region = region.map_or_else(String::new, |region| format!(" in {region}"));
        let words = format!("{account}{region}: {}", names.join(", "));
        let wrapped = screen.wrapped(&format!("__{words}"), 4);
        text.push_str(&format!("  {}\n", wrapped.get(2..).unwrap_or_default()));
    }
    text
}

/// Findings as JSON; docs/doctor.md has the shape.
pub(super) fn as_json(here: &Here<'_>, findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        let steps = finding
            .said
            .to_do
            .iter()
            .map(|step| match step.strip_prefix("$ ") {
                Some(command) => json!({"command": here.typed(command)}),
                None => json!({"words": step}),
            });
        json!({
            "topic": finding.topic.title(), "what": finding.what,
            "level": finding.said.level.word(), "words": finding.said.words,
            "toDo": steps.collect::<Vec<_>>(),
        })
    };
    let part = |part: super::place::Part| json!({"account": part.account, "region": part.region, "name": part.name});
    json!({
        "account": here.account, "region": here.region, "at": here.now,
        "findings": findings.iter().map(one).collect::<Vec<_>>(),
        "elsewhere": here.elsewhere().into_iter().map(part).collect::<Vec<_>>(),
    })
}
