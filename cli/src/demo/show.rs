//! What the functions answered, and what people read, as the tour shows it.

use std::collections::BTreeMap;

use banto_ports::Mail;
use comfy_table::Table;
use serde_json::Value;

use super::people::People;
use super::words::{done, planned, spaced, text};
use crate::local::aws::AccessKey;
use crate::local::slack::Post;
use crate::notices::rich_text::codes;
use crate::notices::terminal;
use crate::terminal::Screen;

/// A credential in somebody's hands, and what `aws s3 ls` says to it.
pub(super) struct Held {
    pub(super) who: &'static str,
    pub(super) what: &'static str,
    pub(super) before: String,
    pub(super) after: String,
}

/// A daily run: what it did to whom, and what operators read of it.
pub(super) struct Day {
    pub(super) number: i64,
    pub(super) deeds: Vec<(String, String)>,
    pub(super) operators: String,
}

/// Everyone, and what a dry run would do to them.
pub(super) fn plan(screen: &Screen, people: &People, answer: &Value) -> String {
    let mut plans: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for plan in accounts(answer).filter_map(|account| account.get("plan")) {
        for chain in list(plan, "chains") {
            let planned = list(chain, "actions").map(planned);
            plans
                .entry(text(chain, "user"))
                .or_default()
                .extend(planned);
        }
        for finding in list(plan, "findings") {
            let what = spaced(text(finding, "finding"));
            let what = format!("for people to look at: {what}");
            plans.entry(text(finding, "user")).or_default().push(what);
        }
        for waiting in list(plan, "waiting") {
            let reason = waiting.get("reason").and_then(Value::as_str);
            let reason = reason.map_or(String::new(), |why| format!(" ({why})"));
            let what = format!("waits: {}{reason}", spaced(text(waiting, "waitingFor")));
            plans.entry(text(waiting, "user")).or_default().push(what);
        }
    }
    let mut table = screen.table(&["who", "begins with", "today"]);
    for person in people.iter() {
        let plan = plans
            .get(person.name)
            .map_or_else(|| "nothing: in order".to_owned(), |plan| plan.join("; "));
        table.add_row([person.name, person.story, &plan]);
    }
    table.to_string()
}

/// The deeds of a run to each user, and what failed.
pub(super) fn deeds(answer: &Value) -> Vec<(String, String)> {
    let mut deeds = Vec::new();
    for account in accounts(answer) {
        for outcome in list(account, "outcomes") {
            let failed = list(outcome, "failed").map(|it| format!("failed: {}", text(it, "error")));
            let done: Vec<String> = list(outcome, "done").map(done).chain(failed).collect();
            deeds.push((text(outcome, "user").to_owned(), done.join("; ")));
        }
        let failures = list(account, "failures").filter_map(Value::as_str);
        deeds.extend(failures.map(|it| ("-".to_owned(), format!("failed: {it}"))));
    }
    deeds
}

/// A table of what daily runs did for one user.
pub(super) fn days_of(screen: &Screen, user: &str, days: &[Day]) -> String {
    let mut table = screen.table(&["day", user]);
    for day in days {
        for (_, what) in day.deeds.iter().filter(|(of, _)| of == user) {
            table.add_row([&day.number.to_string(), what]);
        }
    }
    table.to_string()
}

/// A table of what daily runs did for all but one user, and what operators read of them.
pub(super) fn days_without(screen: &Screen, user: &str, days: &[Day]) -> String {
    let mut table = screen.table(&["day", "users", "operators read"]);
    for day in days {
        let mut done: Vec<(Vec<&str>, &str)> = Vec::new();
        for (of, what) in day.deeds.iter().filter(|(of, _)| of != user) {
            match done.iter_mut().find(|(_, known)| known == what) {
                Some((users, _)) => users.push(of),
                None => done.push((vec![of], what)),
            }
        }
        let is_of_the_user = done.is_empty() && !day.deeds.is_empty();
        if is_of_the_user || done.is_empty() && day.operators.is_empty() {
            continue;
        }
        let done = done.iter();
        let done: Vec<String> = done
            .map(|(users, what)| format!("{}: {what}", users.join(", ")))
            .collect();
        // The account comes first in each headline, and there is only one here.
        let operators = day.operators.split_once(": ").map_or("", |(_, rest)| rest);
        table.add_row([&day.number.to_string(), &done.join("\n"), operators]);
    }
    table.to_string()
}

/// The keys that everyone has now, and what each was told last.
pub(super) fn people(
    screen: &Screen,
    people: &People,
    now: &[Vec<AccessKey>],
    posts: &[Post],
    names: &BTreeMap<String, String>,
) -> String {
    let mut table = screen.table(&["who", "has", "was told last"]);
    for (person, keys) in people.iter().zip(now) {
        let key = |key: &AccessKey| {
            let created = key.created_at.strftime("%-d %b");
            let state = if key.active { "active" } else { "disabled" };
            format!("key of {created}, {state}")
        };
        let keys: Vec<String> = keys.iter().map(key).collect();
        let mailbox = format!("@{}", person.name);
        let mut told = posts.iter().rev();
        let told = told.find(|post| terminal::place(post, names) == mailbox);
        let told = told.map_or_else(
            || "-".to_owned(),
            |post| without_keys(&terminal::headline(post)),
        );
        table.add_row([person.name.to_owned(), keys.join("\n"), told]);
    }
    table.to_string()
}

/// A table of credentials: who holds which, and what it was and is good for.
pub(super) fn held(screen: &Screen, held: &[Held]) -> String {
    let mut table = screen.table(&["who", "credential", "before", "after"]);
    for it in held {
        table.add_row([it.who, it.what, &it.before, &it.after]);
    }
    table.to_string()
}

/// The envelope of a record, of which a few lines are enough.
pub(super) fn envelope(record: &str) -> String {
    let armor = record.lines();
    let armor = armor.skip_while(|line| !line.starts_with("-----BEGIN"));
    let shown: Vec<String> = armor.take(4).map(|line| format!("  | {line}")).collect();
    format!("{}\n  | …", shown.join("\n"))
}

/// The first line of each message, and where it was read.
pub(super) fn headlines<'a>(
    screen: &Screen,
    posts: impl IntoIterator<Item = &'a Post>,
    names: &BTreeMap<String, String>,
) -> String {
    let mut table = screen.table(&["channel", "message"]);
    for post in posts {
        let headline = without_keys(&terminal::headline(post));
        table.add_row([terminal::place(post, names), headline]);
    }
    table.to_string()
}

/// A headline without the ids of keys: in a table of many people nobody compares them.
fn without_keys(headline: &str) -> String {
    let words = headline.split(' ');
    let kept: Vec<&str> = words.filter(|word| !word.starts_with("AKIA")).collect();
    kept.join(" ")
}

/// The condition of each account, as a whole and in each region.
pub(super) fn statuses(
    screen: &Screen,
    statuses: &[(Value, Option<String>)],
    regions: &[&str],
) -> String {
    let mut table = conditions(screen, "account", regions);
    for (status, _) in statuses {
        let name = text(status, "name").to_owned();
        table.add_row([vec![name], condition_cells(status, regions)].concat());
    }
    table.to_string()
}

/// The condition of one account at several times.
pub(super) fn condition_over_time(
    screen: &Screen,
    account: &str,
    looks: &[(String, Value)],
    regions: &[&str],
) -> String {
    let mut table = conditions(screen, &format!("{account} at"), regions);
    for (time, status) in looks {
        table.add_row([vec![time.clone()], condition_cells(status, regions)].concat());
    }
    table.to_string()
}

fn conditions(screen: &Screen, first: &str, regions: &[&str]) -> Table {
    screen.table(&[&[first, "roles, settings"], regions].concat())
}

fn condition_cells(status: &Value, regions: &[&str]) -> Vec<String> {
    let rows = status.get("regions").unwrap_or(&Value::Null);
    let region = |region: &&str| rows.get(*region).map_or("-".to_owned(), condition);
    let mut cells = vec![condition(status.get("global").unwrap_or(&Value::Null))];
    cells.extend(regions.iter().map(region));
    cells
}

/// The numbers of a report.
pub(super) fn report(screen: &Screen, answer: &Value) -> String {
    let totals = answer.get("totals").unwrap_or(&Value::Null);
    let number = |from: &Value, name: &str| {
        let found = from.get(name).filter(|found| !found.is_null());
        found.map_or_else(|| "-".to_owned(), Value::to_string)
    };
    let header = ["compliant", "new", "open", "fixed", "closed", "unknown"];
    let mut table = screen.table(&[&["compliance"], header.as_slice()].concat());
    let mut cells = vec![format!("{} %", number(answer, "compliance"))];
    cells.extend(header.iter().map(|name| number(totals, name)));
    table.add_row(cells);
    table.to_string()
}

/// A table of mails and to whom they were sent.
pub(super) fn mails(screen: &Screen, mails: &[Mail]) -> String {
    let mut table = screen.table(&["mail to", "subject"]);
    for mail in mails {
        table.add_row([mail.to.join(", "), mail.subject.clone()]);
    }
    table.to_string()
}

/// True if a run did anything, or had anything new to say.
pub(super) fn did_anything(answer: &Value) -> bool {
    accounts(answer).any(|account| {
        let plan = account.get("plan").unwrap_or(&Value::Null);
        let new = list(plan, "findings")
            .any(|finding| finding.get("notified") == Some(&Value::Bool(false)));
        new || list(account, "outcomes")
            .chain(list(account, "failures"))
            .next()
            .is_some()
    })
}

/// The condition of one account or region, in a few words.
fn condition(row: &Value) -> String {
    match text(row, "condition") {
        "inPlace" => "in place".to_owned(),
        "leftAlone" => "left alone".to_owned(),
        other => [spaced(other), spaced(text(row, "kind"))]
            .join(": ")
            .trim_end_matches(": ")
            .to_owned(),
    }
}

/// The envelope that the latest of these messages carried.
pub(super) fn last_envelope(posts: &[Post]) -> Option<String> {
    let mut codes = posts.iter().rev().flat_map(|post| codes(&post.body));
    codes.find(|code| code.starts_with("-----BEGIN PGP MESSAGE"))
}

fn accounts(answer: &Value) -> impl Iterator<Item = &Value> {
    list(answer, "accounts")
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_that_only_repeats_what_was_said_did_nothing() {
        let answer = |notified| json!({ "accounts": [{ "plan": { "findings": [{ "notified": notified }] }, "outcomes": [] }] });
        assert!(did_anything(&answer(false)));
        assert!(!did_anything(&answer(true)));
    }

    #[test]
    fn what_failed_is_shown_with_what_was_done() {
        let outcome = json!({ "user": "alice", "done": [{ "kind": "issue" }], "failed": [{ "error": "throttled" }] });
        let answer = json!({ "accounts": [{ "outcomes": [outcome], "failures": ["no report"] }] });
        let own = |(of, what): (&str, &str)| (of.to_owned(), what.to_owned());
        assert_eq!(
            deeds(&answer),
            [
                own(("alice", "new key issued and sealed; failed: throttled")),
                own(("-", "failed: no report")),
            ]
        );
    }

    #[test]
    fn days_on_which_nothing_concerned_the_others_are_left_out() {
        let own = |(of, what): &(&str, &str)| ((*of).to_owned(), (*what).to_owned());
        let day = |number, deeds: &[(&str, &str)], operators: &str| Day {
            number,
            deeds: deeds.iter().map(own).collect(),
            operators: operators.to_owned(),
        };
        let days = [
            day(2, &[("alice", "told")], "in 1: 1 disabled"),
            day(3, &[], ""),
            day(5, &[], "in 1: 3 still late"),
            day(7, &[("carol", "warned"), ("dave", "warned")], ""),
        ];
        let shown = days_without(&Screen::plain(80), "alice", &days);
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .filter(|line| line.contains(char::is_numeric))
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|it| !it.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            rows,
            [vec!["5", "3 still late"], vec!["7", "carol, dave: warned"]]
        );
    }
}
