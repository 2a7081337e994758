//! `banto keys status` for operators: where rotations stand, what needs a person first.

use anyhow::Result;
use banto_domain::policy::Policy;
use banto_domain::{AccountId, UserName};
use clap::Args;
use comfy_table::{ColumnConstraint, Width};
use rotate_access_keys::event::Asked;
use rotate_access_keys::notices;
use serde_json::{Value, json};

use super::look::{self, Looked};
use super::plan;
use super::rows::{KeyRow, Need, Row, rows};
use crate::ending::{Ending, not_seen};
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

/// Shows where rotations stand.
///
/// # Errors
/// If it can't be looked at.
pub async fn run(others: &Others, json: bool, file: &PolicyFile, place: &Where) -> Result<Ending> {
    let policy = file.read()?;
    let session = super::place(&policy, place).connect().await?;
    let looked = looked(others, &policy, &session).await.map_err(not_seen)?;
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
    parts.extend(plan::commands(looked, screen));
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
