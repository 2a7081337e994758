//! `banto accounts status`: how far each account is from its baseline, the worst first.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::status::{Condition, ReasonKind};
use banto_domain::{AccountId, PerPlace};
use banto_ports::AccountRow;
use jiff::Timestamp;
use onboard_accounts::converge::account::{NotPlanned, Planned};
use onboard_accounts::converge::actions::{Chain, Plan};
use onboard_accounts::dry_run::DryRun;
use serde_json::{Value, json};

use super::look::names;
use crate::dates;
use crate::terminal::{Screen, Tone};

/// Most accounts, and most regions, that one cell names.
const NAMED: usize = 3;

/// How an account is, or one of its places: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Waiting won't help.
    Failed,
    /// It could not be looked at.
    Unseen,
    /// It is not ready yet.
    NotReady,
    /// It differs, and is only reported.
    Drifted,
    /// It differs, and the next run mends it.
    ToMend,
    /// It is left alone.
    LeftAlone,
    /// It is in place.
    InPlace,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Failed,
        Self::Unseen,
        Self::NotReady,
        Self::Drifted,
        Self::ToMend,
        Self::LeftAlone,
        Self::InPlace,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unseen => "not seen",
            Self::NotReady => "not ready",
            Self::Drifted => "drifted",
            Self::ToMend => "to mend",
            Self::LeftAlone => "left alone",
            Self::InPlace => "in place",
        }
    }

    /// The same as one word of JSON.
    const fn key(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unseen => "notSeen",
            Self::NotReady => "notReady",
            Self::Drifted => "drifted",
            Self::ToMend => "toMend",
            Self::LeftAlone => "leftAlone",
            Self::InPlace => "inPlace",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Failed | Self::Unseen => Tone::Bad,
            Self::NotReady | Self::Drifted | Self::ToMend => Tone::Warning,
            Self::LeftAlone => Tone::Faint,
            Self::InPlace => Tone::Good,
        }
    }

    /// True if there is nothing to do.
    pub(super) const fn is_fine(self) -> bool {
        matches!(self, Self::LeftAlone | Self::InPlace)
    }
}

/// An account, and what is amiss in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    account: AccountId,
    name: String,
    pub(super) state: State,
    /// What is amiss in the worst places, in a few words.
    words: BTreeSet<String>,
    /// The worst places.
    places: Vec<String>,
    /// The reasons, with the first place's own words.
    reasons: BTreeMap<ReasonKind, String>,
    /// Why it was not seen.
    why: Option<String>,
    /// The conditions and the number of changes that are planned; none of what was not seen.
    conditions: Option<PerPlace<(Condition, usize)>>,
    /// Since when it is so, where the function has seen it so, too.
    since: Option<Timestamp>,
    /// When people were told last, unless all was well.
    told_at: Option<Timestamp>,
}

/// The accounts of a look, the worst first. `saved` is what the function has saved of each.
pub(super) fn rows(looked: &DryRun, saved: &BTreeMap<AccountId, AccountRow>) -> Vec<Row> {
    let names = names(looked);
    let rows = looked.accounts.iter().map(|look| match look {
        Ok(planned) => seen(planned),
        Err(not_planned) => unseen(not_planned, &names),
    });
    let mut rows: Vec<Row> = rows.collect();
    for row in &mut rows {
        let saved = saved.get(&row.account).filter(|_| !row.state.is_fine());
        let Some(saved) = saved else { continue };
        let told = saved.last_notified.as_ref();
        // The mark of an account that people know to be in order. (converge/news.rs.)
        row.told_at = told.filter(|told| told.mark != "ready").map(|told| told.at);
        let status = saved.status.as_ref();
        let is_same = status.is_some_and(|it| it.worst().as_str() == row.state.as_str());
        row.since = saved.held_since().filter(|_| is_same);
    }
    rows.sort_by(|one, other| (one.state, &one.name).cmp(&(other.state, &other.name)));
    rows
}

fn unseen(look: &NotPlanned, names: &BTreeMap<AccountId, String>) -> Row {
    Row {
        account: look.account.clone(),
        name: names.get(&look.account).cloned().unwrap_or_default(),
        state: State::Unseen,
        words: BTreeSet::new(),
        places: Vec::new(),
        reasons: BTreeMap::new(),
        why: Some(look.why.clone()),
        conditions: None,
        since: None,
        told_at: None,
    }
}

fn seen(planned: &Planned) -> Row {
    let Plan {
        account, chains, ..
    } = &planned.plan;
    let waits_for_stack = !planned.plan.instances.is_empty();
    let state_of = |chain: &Chain| place_state(chain, waits_for_stack);
    let state = chains.values().map(|chain| state_of(chain).0).min();
    let state = state.unwrap_or(State::InPlace);
    let (mut words, mut places, mut reasons) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
    for (place, chain) in chains.iter() {
        let (own, said) = state_of(chain);
        if own == state && state != State::InPlace {
            words.insert(said);
            places.push(place.to_string());
        }
        if let Some(reason) = chain.condition.reason() {
            let detail = || reason.detail.clone();
            reasons.entry(reason.kind).or_insert_with(detail);
        }
    }
    if state == State::ToMend {
        words = to_mend(&planned.plan);
    }
    Row {
        account: account.clone(),
        name: planned.snapshot.job.account().name.clone(),
        state,
        words,
        places,
        reasons,
        why: None,
        conditions: Some(chains.map(|_, chain| (chain.condition.clone(), chain.actions.len()))),
        since: None,
        told_at: None,
    }
}

/// The next run's deeds, in all places together.
fn to_mend(plan: &Plan) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    match plan.chains.values().map(|chain| chain.actions.len()).sum() {
        0 => {}
        1 => drop(words.insert("1 change".to_owned())),
        changes => drop(words.insert(format!("{changes} changes"))),
    }
    if !plan.instances.is_empty() {
        words.insert("stacks to deploy".to_owned());
    }
    words
}

/// The state of a place before anything is done, and what is amiss there in a few words.
fn place_state(chain: &Chain, waits_for_stack: bool) -> (State, String) {
    let changes = chain.actions.len();
    match &chain.condition {
        Condition::Failed(reason) => (State::Failed, reason.kind.description().to_owned()),
        // What the next run asks of the StackSet is awaited by nobody.
        Condition::NotReady(reason)
            if waits_for_stack && reason.kind == ReasonKind::StackInstancePending =>
        {
            (State::ToMend, String::new())
        }
        Condition::NotReady(reason) => (State::NotReady, reason.kind.description().to_owned()),
        Condition::Drifted { items } => (State::Drifted, items.join("; ")),
        Condition::InPlace | Condition::LeftAlone { .. } if changes > 0 => {
            (State::ToMend, String::new())
        }
        Condition::LeftAlone { because } => (State::LeftAlone, because.clone()),
        Condition::InPlace => (State::InPlace, String::new()),
    }
}

impl Row {
    /// The account as a whole, its regions by name or by number.
    fn place_names(&self) -> String {
        if self.places.len() <= NAMED {
            return self.places.join(", ");
        }
        let regions = self
            .places
            .iter()
            .filter(|place| *place != "account")
            .count();
        match regions == self.places.len() {
            true => format!("{regions} regions"),
            false => format!("account, {regions} regions"),
        }
    }

    fn words(&self, now: Timestamp) -> String {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let held = self
            .since
            .and_then(|since| dates::length(now.duration_since(since)));
        let held = held.map_or_else(String::new, |held| format!(" for {held}"));
        let state = format!("{}{held}", self.state.as_str());
        match words.is_empty() {
            true => state,
            false => format!("{state}: {}", words.join("; ")),
        }
    }

    fn json(&self) -> Value {
        let place = |condition: &Condition, changes: usize| {
            let mut place = json!(condition);
            if let Some(fields) = place.as_object_mut() {
                fields.insert("changes".to_owned(), json!(changes));
            }
            place
        };
        let conditions = self.conditions.as_ref();
        let conditions = conditions.map(|all| all.map(|_, (it, changes)| place(it, *changes)));
        let remedies = self.reasons.keys().map(|kind| kind.remedy());
        json!({
            "account": self.account,
            "name": self.name,
            "state": self.state.key(),
            "why": self.why,
            "global": conditions.as_ref().map(|all| &all.account),
            "regions": conditions.as_ref().map(|all| &all.regions),
            "since": self.since,
            "toldAt": self.told_at,
            "remedies": remedies.collect::<Vec<_>>(),
        })
    }
}

/// One JSON document: docs/operators.md has its shape.
pub(super) fn as_json(rows: &[Row], now: Timestamp) -> Value {
    let counts = State::ALL.map(|state| (state.key(), count(rows, state)));
    json!({
        "version": 1,
        "checkedAt": now,
        "counts": BTreeMap::from(counts),
        "accounts": rows.iter().map(Row::json).collect::<Vec<_>>(),
    })
}

fn count(rows: &[Row], state: State) -> usize {
    rows.iter().filter(|row| row.state == state).count()
}

/// Counts, a table of the accounts that need something (of all, if asked for), and what to do.
pub(super) fn show(rows: &[Row], all: bool, now: Timestamp, screen: &Screen) -> String {
    let mut parts = vec![screen.wrapped(&counts(rows, screen), 0)];
    let listed: Vec<&Row> = rows
        .iter()
        .filter(|row| all || !row.state.is_fine())
        .collect();
    if !listed.is_empty() {
        parts.push(table(&listed, all, now, screen));
    }
    let steps = steps(&listed);
    if !steps.is_empty() {
        let steps = steps
            .iter()
            .map(|step| format!("  {}", inner(screen).wrapped(step, 4)));
        let steps: Vec<String> = steps.collect();
        let title = screen.paint(Tone::Strong, "What to do");
        parts.push(format!("{title}\n{}", steps.join("\n")));
    }
    parts.join("\n\n")
}

/// The screen within an indentation of two.
fn inner(screen: &Screen) -> Screen {
    Screen {
        width: screen.width - 2,
        ..*screen
    }
}

fn counts(rows: &[Row], screen: &Screen) -> String {
    let counts = State::ALL.map(|state| (state, count(rows, state)));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts =
        counts.map(|(state, n)| screen.paint(state.tone(), &format!("{n} {}", state.as_str())));
    let counts: Vec<String> = counts.collect();
    let plural = if rows.len() == 1 { "" } else { "s" };
    format!("{} account{plural}: {}", rows.len(), counts.join(", "))
}

/// A line for each account; those of which the same is to be said share one, unless all were asked
/// for.
fn table(rows: &[&Row], apart: bool, now: Timestamp, screen: &Screen) -> String {
    let mut table = screen.table(&["account", "is", "where", "last told"]);
    let mut lines: Vec<(Vec<&Row>, [String; 3])> = Vec::new();
    for row in rows {
        let told = row
            .told_at
            .map_or_else(String::new, |at| dates::distance(at, now));
        let said = [row.words(now), row.place_names(), told];
        let same = lines.iter_mut().find(|(_, other)| !apart && *other == said);
        match same {
            Some((others, _)) => others.push(row),
            None => lines.push((vec![row], said)),
        }
    }
    for (rows, [words, places, told]) in lines {
        table.add_row([named(&rows), words, places, told]);
    }
    table.to_string()
}

/// Accounts by name and id, the first few of them.
fn named(rows: &[&Row]) -> String {
    let (named, others) = rows.split_at(NAMED.min(rows.len()));
    let names = named
        .iter()
        .map(|row| format!("{} {}", row.name, row.account));
    let mut names: Vec<String> = names.collect();
    if !others.is_empty() {
        names.push(format!("and {} others", others.len()));
    }
    names.join("\n")
}

/// What to do, once for each reason, and in the words of AWS what it is about.
fn steps(rows: &[&Row]) -> Vec<String> {
    let mut reasons: BTreeMap<ReasonKind, Vec<(&Row, &String)>> = BTreeMap::new();
    for row in rows {
        for (kind, detail) in &row.reasons {
            reasons.entry(*kind).or_default().push((row, detail));
        }
    }
    let mut steps = Vec::new();
    for (kind, found) in reasons {
        let (description, remedy) = (kind.description(), kind.remedy());
        let example = found.first().filter(|(_, detail)| !detail.is_empty());
        let example = example.map(|(row, detail)| format!(" ({}: {detail})", row.name));
        steps.push(format!(
            "{description}{}: {remedy}",
            example.unwrap_or_default()
        ));
    }
    let whys: BTreeSet<&String> = rows.iter().filter_map(|row| row.why.as_ref()).collect();
    for why in whys {
        steps.push(format!(
            "not seen: {why}; banto accounts apply has the function look."
        ));
    }
    let mends = rows.iter().any(|row| row.state == State::ToMend);
    if mends {
        steps.push(
            "to mend: the daily run does it. banto accounts plan shows what, banto accounts apply \
             does it now."
                .to_owned(),
        );
    }
    steps
}
