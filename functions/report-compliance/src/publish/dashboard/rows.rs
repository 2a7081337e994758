//! Findings as columns, whose words are in dictionaries.

use std::collections::BTreeMap;

use banto_domain::{Region, RuleName};
use serde::Serialize;

use crate::model::{FindingRow, UnknownReason, WaiverNote};

/// The findings behind the numbers.
#[derive(Debug, Clone)]
pub enum Rows<'a> {
    /// All findings, whatever their status: they are in the page. There are at most
    /// [`MAX_INLINE_ROWS`](super::MAX_INLINE_ROWS).
    Inline(&'a [FindingRow]),
    /// Each account's findings lie in an [`account_file`](super::account_file) beside the page,
    /// which loads it when somebody asks for them.
    PerAccount,
}

/// Findings. A column of places has those of words in the dictionary of that name; a place that
/// may be absent counts from 1 on, and 0 is none.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowColumns<'a> {
    accounts: Vec<&'a str>,
    rules: Vec<Rule<'a>>,
    regions: Vec<Place<'a>>,
    types: Vec<&'a str>,
    /// ARNs in which what is in other columns is [left out](arn_pattern).
    arns: Vec<String>,
    waivers: Vec<&'a WaiverNote>,
    account: Vec<u32>,
    rule: Vec<u32>,
    region: Vec<u32>,
    #[serde(rename = "type")]
    kind: Vec<u32>,
    id: Vec<&'a str>,
    /// Empty where there is none.
    name: Vec<&'a str>,
    arn: Vec<u32>,
    severity: Vec<&'static str>,
    status: Vec<&'static str>,
    /// Seconds of Unix time.
    since: Vec<i64>,
    seen_at: Vec<i64>,
    unknown_because: Vec<Option<String>>,
    waiver: Vec<u32>,
}

/// A rule as it is deployed.
#[derive(Debug, Serialize)]
struct Rule<'a> {
    deployed: &'a str,
    /// Its own name.
    own: String,
    source: String,
}

/// A region, and the address of its console.
#[derive(Debug, Serialize)]
struct Place<'a> {
    name: &'a str,
    console: String,
}

/// The places of words that are in a dictionary already.
struct Places<Word> {
    known: BTreeMap<Word, u32>,
}

impl<Word> Default for Places<Word> {
    fn default() -> Self {
        let known = BTreeMap::new();
        Self { known }
    }
}

impl<Word: Ord> Places<Word> {
    /// The place of a word, and true if it is a new one.
    fn of(&mut self, word: Word) -> (u32, bool) {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let place = *self.known.entry(word).or_insert(next);
        (place, place == next)
    }
}

/// The places of all words.
#[derive(Default)]
struct Dictionaries<'a> {
    accounts: Places<&'a str>,
    rules: Places<&'a RuleName>,
    regions: Places<&'a Region>,
    types: Places<&'a str>,
    arns: Places<String>,
    waivers: Places<&'a WaiverNote>,
}

impl<'a> RowColumns<'a> {
    /// The columns of these findings.
    pub(super) fn new(rows: &'a [FindingRow]) -> Self {
        let mut columns = Self::default();
        let mut known = Dictionaries::default();
        for row in rows {
            columns.push_place(row, &mut known);
            columns.push_resource(row, &mut known);
            columns.push_state(row, &mut known);
        }
        columns
    }

    fn push_place(&mut self, row: &'a FindingRow, known: &mut Dictionaries<'a>) {
        let account = row.key.account.as_str();
        let (at, is_new) = known.accounts.of(account);
        self.account.push(at);
        if is_new {
            self.accounts.push(account);
        }
        let (at, is_new) = known.rules.of(&row.key.rule);
        self.rule.push(at);
        if is_new {
            self.rules.push(Rule {
                deployed: row.key.rule.as_str(),
                own: row.key.rule.own().to_string(),
                source: row.key.rule.source().to_string(),
            });
        }
        let (at, is_new) = known.regions.of(&row.key.region);
        self.region.push(at);
        if is_new {
            self.regions.push(Place {
                name: row.key.region.as_str(),
                console: row.key.region.console(),
            });
        }
    }

    fn push_resource(&mut self, row: &'a FindingRow, known: &mut Dictionaries<'a>) {
        let kind = row.key.resource_type.as_str();
        let (at, is_new) = known.types.of(kind);
        self.kind.push(at);
        if is_new {
            self.types.push(kind);
        }
        self.id.push(&row.key.resource_id);
        self.name.push(row.name.as_deref().unwrap_or_default());
        let Some(arn) = &row.arn else {
            self.arn.push(0);
            return;
        };
        let pattern = arn_pattern(arn, row);
        let (at, is_new) = known.arns.of(pattern.clone());
        self.arn.push(at + 1);
        if is_new {
            self.arns.push(pattern);
        }
    }

    fn push_state(&mut self, row: &'a FindingRow, known: &mut Dictionaries<'a>) {
        self.severity.push(row.severity.as_str());
        self.status.push(row.status.as_str());
        self.since.push(row.since.as_second());
        self.seen_at.push(row.seen_at.as_second());
        self.unknown_because
            .push(row.unknown_because.map(reason_name));
        let Some(waiver) = &row.waiver else {
            self.waiver.push(0);
            return;
        };
        let (at, is_new) = known.waivers.of(waiver);
        self.waiver.push(at + 1);
        if is_new {
            self.waivers.push(waiver);
        }
    }
}

/// An ARN in which control characters, which no ARN has, stand for the resource's id and name and
/// for its account and region: most ARNs of a type become one.
fn arn_pattern(arn: &str, row: &FindingRow) -> String {
    let name = row.name.as_deref().unwrap_or_default();
    let parts = [
        (row.key.resource_id.as_str(), "\u{1}"),
        (name, "\u{2}"),
        (row.key.account.as_str(), "\u{3}"),
        (row.key.region.as_str(), "\u{4}"),
    ];
    let mut pattern = arn.to_owned();
    for (part, mark) in parts {
        if !part.is_empty() {
            pattern = pattern.replace(part, mark);
        }
    }
    pattern
}

/// A reason as the store, the CSV and the page have it.
pub(super) fn reason_name(reason: UnknownReason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
