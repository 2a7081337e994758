//! `banto keys status` for operators: where rotations stand, what needs a person first.

use anyhow::Result;
use banto_domain::policy::{Policy, RotationPolicy, RotationTimings};
use banto_domain::record::Record;
use banto_domain::{AccountId, Fingerprint, UserName};
use clap::Args;
use comfy_table::{ColumnConstraint, Width};
use jiff::Timestamp;
use rotate_access_keys::event::Asked;
use rotate_access_keys::notices;
use rotate_access_keys::plan::WaitReason;
use rotate_access_keys::snapshot::{Certificate, Key, PIN_TAG, StoredRecord, User};
use serde::Serialize;
use serde_json::{Value, json};

use super::look::{self, Looked};
use super::{plan, words};
use crate::dates;
use crate::ending::Ending;
use crate::functions::{Means, accounts};
use crate::output;
use crate::policy::PolicyFile;
use crate::progress::Spinner;
use crate::session::{Session, Where};
use crate::terminal::{Screen, Tone};

/// Columns of an access key's id.
const KEY_COLUMNS: u16 = 22;

/// Columns from which on certificates have a column of their own.
const WIDE: u16 = 110;

/// What operators want to know of others.
#[derive(Debug, Clone, Default, Args)]
pub struct Others {
    /// The users; yourself, if none is named.
    pub users: Vec<UserName>,
    /// Everyone whom the rotator follows, and a count of the others.
    #[arg(long, conflicts_with = "users")]
    pub all: bool,
    /// The identity account that the users are in, where the policy has several.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Takes the rotator's role in the identity account.
    #[arg(long)]
    pub assume: bool,
}

impl Others {
    /// True if it is others who are looked at.
    pub(crate) fn are_named(&self) -> bool {
        self.all || !self.users.is_empty()
    }
}

/// The need of a user, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Need {
    /// Nothing goes on until a person does something.
    Person,
    /// A key is older than the policy lets it become.
    Late,
    /// A rotation is under way.
    Moving,
    /// Nothing is to be done.
    Fine,
}

/// Where one user stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) user: UserName,
    pub(crate) need: Need,
    /// Each key with its age, and whether it works.
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) state: String,
    pub(crate) next: String,
    pub(crate) certificate: String,
}

/// A key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) days: i64,
}

/// Shows where rotations stand.
///
/// # Errors
/// If it can't be looked at.
pub async fn run(others: &Others, json: bool, file: &PolicyFile, place: &Where) -> Result<Ending> {
    let policy = file.read()?;
    let session = super::place(&policy, place).connect().await?;
    let looked = match looked(others, &policy, &session).await {
        Ok(looked) => looked,
        Err(error) => return Ok(super::blind(&error)),
    };
    let all: Vec<(&Looked, Vec<Row>)> = looked
        .iter()
        .map(|one| (one, rows(one, &policy.rotation)))
        .collect();
    if json {
        output::line(&format!("{:#}", as_json(&all)));
    } else {
        output::line(&shown(&all, &Screen::of_output()));
    }
    Ok(ending(&all))
}

/// Whoever needs a person or is late, is gone or could not be looked at, is for a person.
pub(crate) fn ending(all: &[(&Looked, Vec<Row>)]) -> Ending {
    let is_fine = |(looked, rows): &(&Looked, Vec<Row>)| {
        plan::is_whole(looked)
            && looked.observed.snapshot.gone.is_empty()
            && rows.iter().all(|row| row.need > Need::Late)
    };
    if all.iter().all(is_fine) {
        Ending::Done
    } else {
        Ending::FINDINGS
    }
}

async fn looked(others: &Others, policy: &Policy, session: &Session) -> Result<Vec<Looked>> {
    let means = Means::to_look(session, others.assume)?;
    let all = accounts(&means, policy)?;
    let scope = look::scope(&others.users);
    let chosen = look::chosen(&all, others.account.as_ref(), !others.users.is_empty())?;
    let asked = Asked::by("banto keys status", means.clock.now());
    let mut looked = Vec::new();
    for account in chosen {
        let _spinner = Spinner::saying(&format!("looking at {}", account.identity.id));
        looked.push(look::look(account, &policy.rotation, &scope, &asked).await?);
    }
    Ok(looked)
}

/// A row for each user who was looked at, those who need a person first.
pub(crate) fn rows(looked: &Looked, policy: &RotationPolicy) -> Vec<Row> {
    let users = looked.observed.snapshot.users.iter();
    let mut rows: Vec<Row> = users.map(|user| row(looked, user, policy)).collect();
    rows.sort_by(|one, other| (one.need, &one.user).cmp(&(other.need, &other.user)));
    rows
}

fn row(looked: &Looked, user: &User, policy: &RotationPolicy) -> Row {
    let now = looked.now;
    let timings = policy.timings_for(user.attributes());
    let days = |key: &Key| now.duration_since(key.created_at).as_hours() / 24;
    let keys = user.keys.iter().map(|key| KeyRow {
        id: key.id.to_string(),
        active: key.active,
        created_at: key.created_at,
        days: days(key),
    });
    Row {
        user: user.name.clone(),
        need: need(looked, user, timings),
        keys: keys.collect(),
        state: state(user, timings, now),
        next: next(looked, user, timings),
        certificate: certificate(user, now),
    }
}

/// The oldest key that works.
fn oldest(user: &User) -> Option<&Key> {
    user.keys.iter().find(|key| key.active)
}

fn need(looked: &Looked, user: &User, timings: &RotationTimings) -> Need {
    let mut findings = looked.plan.findings.iter();
    let is_unknown = matches!(
        user.record,
        StoredRecord::Unreadable(_) | StoredRecord::Denied(_)
    );
    if is_unknown || findings.any(|finding| finding.user == user.name) {
        return Need::Person;
    }
    let is_due = oldest(user)
        .is_some_and(|key| looked.now.duration_since(key.created_at) > timings.rotate_after);
    let record = user.record();
    let is_moving = record.is_some_and(|record| record.open);
    match (is_due, user.rotation()) {
        (true, None) => Need::Late,
        (true, Some(rotation)) if rotation.delivered_at.is_none() => Need::Late,
        (true, Some(_)) => Need::Moving,
        (false, _) if is_moving || !looked_deeds(looked, user).is_empty() => Need::Moving,
        (false, _) => Need::Fine,
    }
}

/// What is the matter, in a few words.
fn state(user: &User, timings: &RotationTimings, now: Timestamp) -> String {
    match &user.record {
        StoredRecord::Denied(_) => return "record not readable to you".to_owned(),
        StoredRecord::Unreadable(_) => return "record not believed".to_owned(),
        _ => {}
    }
    let ago = |at: Timestamp| dates::distance(at, now);
    if let Some(record) = user.record() {
        if let Some(left) = &record.left {
            return format!("left {}", ago(left.at));
        }
        if let Some(emergency) = &record.emergency {
            return format!("exposed, ended {}", ago(emergency.contained_at));
        }
        if let Some(owed) = &record.owed {
            return format!("is owed a new key, asked for {}", ago(owed.asked_at));
        }
        if let Some(state) = rotation_state(user, record, now) {
            return state;
        }
    }
    let Some(key) = oldest(user) else {
        return "no key works".to_owned();
    };
    let age = now.duration_since(key.created_at);
    if age >= timings.rotate_after {
        "due".to_owned()
    } else if age >= timings.warning_age() {
        "due soon".to_owned()
    } else {
        "in order".to_owned()
    }
}

/// The step that a rotation is at, unless it is over.
fn rotation_state(user: &User, record: &Record, now: Timestamp) -> Option<String> {
    let rotation = record.rotation.as_ref()?;
    let new = user.key(&rotation.issued.key)?;
    if rotation.withdrawn_at.is_some() {
        return Some("new key withdrawn".to_owned());
    }
    if !new.active {
        return None;
    }
    let old = |key: &&Key| rotation.intent.existing_keys.contains(&key.id);
    let mut olds = user.keys.iter().filter(old);
    match (rotation.delivered_at, rotation.proven_at) {
        (None, _) => Some("new key made, not delivered".to_owned()),
        (Some(at), None) => {
            let since = dates::distance(at, now);
            Some(format!("new key delivered {since}, unused"))
        }
        (Some(_), Some(_)) if olds.clone().any(|key| key.active) => {
            Some("new key in use, old one rests".to_owned())
        }
        (Some(_), Some(_)) => olds.next().map(|_| "old key disabled".to_owned()),
    }
}

/// The deeds of the next run for a user, in words: what concerns keys or people.
fn looked_deeds(looked: &Looked, user: &User) -> Vec<String> {
    let mut chains = looked.plan.chains.iter();
    let chain = chains.find(|chain| chain.user == user.name);
    let actions = chain.iter().flat_map(|chain| &chain.actions);
    let deeds = actions.filter(|action| !words::is_bookkeeping(action));
    deeds
        .map(|action| words::action(action, looked.now))
        .collect()
}

/// What happens next, and when: what a person must see to, then the next run's deeds, then what is
/// waited for, then dates.
fn next(looked: &Looked, user: &User, timings: &RotationTimings) -> String {
    if matches!(user.record, StoredRecord::Denied(_)) {
        return "look with Banto's role (--assume) or the one for break-glass".to_owned();
    }
    let mut findings = looked.plan.findings.iter();
    if let Some(finding) = findings.find(|finding| finding.user == user.name) {
        return notices::finding(&finding.kind);
    }
    let deeds = looked_deeds(looked, user);
    if let Some(first) = deeds.first() {
        let more = deeds.len() - 1;
        return match more {
            0 => format!("the next run {first}"),
            _ => format!("the next run {first}, and {more} more"),
        };
    }
    let mut waiting = looked.plan.waiting.iter();
    if let Some(waiting) = waiting.find(|waiting| waiting.user.as_ref() == Some(&user.name)) {
        let end = end_of_old(user, timings).filter(|_| is_for_proof(&waiting.reason));
        let end = end.map(|at| format!("; the old one ends {}", dates::in_words(at, looked.now)));
        let words = notices::waiting(&waiting.reason);
        return format!("waits: {words}{}", end.unwrap_or_default());
    }
    if let Some((key, at)) = deletion(user, timings) {
        return format!("{key} is deleted {}", dates::in_words(at, looked.now));
    }
    oldest(user).map_or_else(String::new, |key| {
        let at = later(key.created_at, timings.rotate_after);
        format!("replaced {}", dates::in_words(at, looked.now))
    })
}

fn is_for_proof(reason: &WaitReason) -> bool {
    matches!(reason, WaitReason::Proof { .. })
}

/// The deadline of an old key, where its owner is known to have been reached.
fn end_of_old(user: &User, timings: &RotationTimings) -> Option<Timestamp> {
    let rotation = user.rotation()?;
    let reached = user.record()?.reached_at(&rotation.issued.key)?;
    Some(later(
        reached.max(rotation.delivered_at?),
        timings.deadline?,
    ))
}

/// The disabled key that is deleted first, and the earliest moment of it.
fn deletion(user: &User, timings: &RotationTimings) -> Option<(String, Timestamp)> {
    let disabled = user.record()?.disabled.iter();
    let mut disabled: Vec<_> = disabled
        .filter(|(key, _)| user.key(key).is_some_and(|key| !key.active))
        .collect();
    disabled.sort_by_key(|(_, at)| **at);
    let (key, at) = disabled.first()?;
    Some((key.to_string(), later(**at, timings.recovery)))
}

/// A moment so much later, or the last that there is.
fn later(at: Timestamp, by: jiff::SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The certificate of a user, as far as it was looked at.
fn certificate(user: &User, now: Timestamp) -> String {
    match &user.certificate {
        Certificate::Usable {
            fingerprint,
            expires_soon,
            ..
        } => {
            let expires = expires_soon.map(|at| format!(", expires {}", dates::in_words(at, now)));
            format!(
                "{}{}",
                words::short(fingerprint),
                expires.unwrap_or_default()
            )
        }
        Certificate::Refused { code, .. } => format!("not usable: {code}"),
        Certificate::Unknown(_) => "not readable".to_owned(),
        Certificate::NotAsked => {
            let tag = user.tags.get(PIN_TAG);
            let pinned = tag.and_then(|tag| Fingerprint::from_human(tag).ok());
            pinned.map_or_else(|| "none pinned".to_owned(), |pinned| words::short(&pinned))
        }
    }
}

/// All accounts, for people.
pub(crate) fn shown(all: &[(&Looked, Vec<Row>)], screen: &Screen) -> String {
    let accounts: Vec<String> = all
        .iter()
        .map(|(looked, rows)| account(looked, rows, screen))
        .collect();
    accounts.join("\n\n")
}

fn account(looked: &Looked, rows: &[Row], screen: &Screen) -> String {
    let count = |need: Need| rows.iter().filter(|row| row.need == need).count();
    let in_order = looked.observed.snapshot.users_in_order + count(Need::Fine);
    let counts = format!(
        "{}: {} need a person, {} late, {} under way, {in_order} in order",
        looked.account,
        count(Need::Person),
        count(Need::Late),
        count(Need::Moving),
    );
    let tone = match (count(Need::Person), count(Need::Late)) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Warning,
        _ => Tone::Bad,
    };
    let mut parts = vec![screen.paint(tone, &screen.wrapped(&counts, 2))];
    if let Some(reason) = &looked.waits {
        let why = format!("The function waits: {}.", notices::waiting(reason));
        parts.push(screen.paint(Tone::Warning, &screen.wrapped(&why, 2)));
    }
    parts.extend(plan::unseen(looked, screen));
    for gone in &looked.observed.snapshot.gone {
        let text = format!("{gone} is gone, and their record is still open");
        parts.push(screen.paint(Tone::Warning, &screen.wrapped(&text, 2)));
    }
    if !rows.is_empty() {
        parts.push(table(rows, screen));
    }
    parts.join("\n")
}

fn table(rows: &[Row], screen: &Screen) -> String {
    let is_wide = screen.width >= WIDE;
    let mut header = vec!["User", "Keys", "Stands", "Next"];
    if is_wide {
        header.push("Certificate");
    }
    let mut table = screen.table(&header);
    for row in rows {
        let keys: Vec<String> = row.keys.iter().map(key_line).collect();
        let mark = if row.need == Need::Person { "! " } else { "" };
        let mut cells = vec![
            row.user.to_string(),
            keys.join("\n"),
            format!("{mark}{}", row.state),
            row.next.clone(),
        ];
        if is_wide {
            cells.push(row.certificate.clone());
        }
        table.add_row(cells);
    }
    if let Some(column) = table.column_mut(1) {
        let width = ColumnConstraint::LowerBoundary(Width::Fixed(KEY_COLUMNS));
        column.set_constraint(width);
    }
    table.to_string()
}

fn key_line(key: &KeyRow) -> String {
    let works = if key.active { "" } else { ", inactive" };
    let days = if key.days == 1 { "day" } else { "days" };
    format!("{}\n{} {days}{works}", key.id, key.days)
}

pub(crate) fn as_json(all: &[(&Looked, Vec<Row>)]) -> Value {
    let accounts = all.iter().map(|(looked, rows)| {
        json!({
            "account": looked.account,
            "waits": looked.waits,
            "usersInOrder": looked.observed.snapshot.users_in_order,
            "users": rows,
            "notReadable": looked.closed,
            "notObserved": plan::not_observed(looked),
            "gone": looked.observed.snapshot.gone,
            "strangers": looked.observed.snapshot.strangers,
        })
    });
    json!({ "accounts": accounts.collect::<Vec<Value>>() })
}
