//! How the demo looks: 80 columns, colours and a spinner on a terminal only.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use banto_ports::Mail;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::Value;

use super::people::People;
use crate::local::aws::AccessKey;
use crate::local::slack::Post;
use crate::notices::rich_text::codes;
use crate::notices::terminal;
use crate::output;
use crate::table::table;

/// A credential in somebody's hands, and what `aws s3 ls` says to it.
pub(super) struct Held {
    pub(super) who: &'static str,
    pub(super) what: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// Where the demo is shown.
pub(super) struct Show {
    spinner: Option<ProgressBar>,
    colour: bool,
}

impl Show {
    pub(super) fn new() -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let spinner = ProgressBar::new_spinner();
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Self {
            spinner,
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// Shows the step that is under way.
    pub(super) fn progress(&self, what: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(what.to_owned()),
            // Whoever reads this later has no use for each small step.
            None => tracing_line(what),
        }
    }

    /// Takes the progress away.
    pub(super) fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message("");
        }
    }

    pub(super) fn line(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| output::line(text)),
            None => output::line(text),
        }
    }

    pub(super) fn title(&self, text: &str) {
        self.line("");
        self.line(&if self.colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        });
    }

    pub(super) fn introduction(&self, people: &People, first_day: Timestamp) {
        self.title("Banto rotates access keys: a demonstration on this machine");
        self.line(&format!(
            "  The clock: the local AWS and the function both follow a simulated clock that\n  starts on {} and goes on to the next month. Your machine's own clock\n  is untouched.",
            first_day.strftime("%-d %b %Y")
        ));
        self.line("  The function is the real binary, driven through the real Lambda Runtime API.");
        let mut table = table(&["developer", "begins with"]);
        for person in people.iter() {
            table.add_row([person.name, person.story]);
        }
        self.table(&table);
    }

    pub(super) fn plan(&self, answer: &Value) {
        let mut table = table(&["user", "plan"]);
        for plan in accounts(answer).filter_map(|account| account.get("plan")) {
            for chain in list(plan, "chains") {
                let actions: Vec<String> = list(chain, "actions").map(planned).collect();
                table.add_row([text(chain, "user"), &actions.join("\n")]);
            }
            for finding in list(plan, "findings") {
                table.add_row([
                    text(finding, "user"),
                    &format!(
                        "for people to look at: {}",
                        spaced(text(finding, "finding"))
                    ),
                ]);
            }
            for waiting in list(plan, "waiting") {
                let reason = waiting
                    .get("reason")
                    .and_then(Value::as_str)
                    .map_or(String::new(), |why| format!(" ({why})"));
                let what = format!("waits: {}{reason}", spaced(text(waiting, "waitingFor")));
                table.add_row([text(waiting, "user"), &what]);
            }
        }
        let in_order: u64 = accounts(answer)
            .filter_map(|account| account.get("usersInOrder")?.as_u64())
            .sum();
        table.add_row([
            "",
            &format!("{in_order} more are in order, by the credential report alone"),
        ]);
        self.table(&table);
    }

    /// Shows the deeds of a run, and the headline that operators got: of the posts, those are the
    /// run's that come after the first `told_before`.
    pub(super) fn outcomes(&self, answer: &Value, posts: &[Post], told_before: usize) {
        let mut table = table(&["user", "done"]);
        for outcome in accounts(answer).flat_map(|account| list(account, "outcomes")) {
            let mut done: Vec<String> = list(outcome, "done").map(done).collect();
            for failed in list(outcome, "failed") {
                done.push(format!("failed: {}", text(failed, "error")));
            }
            table.add_row([text(outcome, "user"), &done.join("\n")]);
        }
        if table.is_empty() {
            self.line("  Nothing to do.");
        } else {
            self.table(&table);
        }
        for failure in accounts(answer)
            .flat_map(|account| list(account, "failures"))
            .filter_map(Value::as_str)
        {
            self.line(&format!("  failed: {failure}"));
        }
        let mut told = posts.iter().skip(told_before);
        if let Some(summary) = told.find(|post| post.channel == "operators") {
            self.line(&format!("  #operators: {}", text(&summary.body, "text")));
        }
    }

    /// Shows what people were told: owners by headlines, operators the whole.
    pub(super) fn news(&self, posts: &[Post]) {
        let (to_operators, to_owners): (Vec<&Post>, Vec<&Post>) =
            posts.iter().partition(|post| post.channel == "operators");
        self.headlines(to_owners);
        for post in to_operators {
            self.message(post);
        }
    }

    /// Shows who holds which credential, and what it was and is good for.
    pub(super) fn held(&self, held: &[Held]) {
        let mut table = table(&["who", "has", "before", "after"]);
        for Held {
            who,
            what,
            before,
            after,
        } in held
        {
            table.add_row([who, &what[..], before, after]);
        }
        self.table(&table);
    }

    pub(super) fn envelope(&self, record: &str) {
        self.line("  $ aws secretsmanager get-secret-value --secret-id banto/access-keys/alice \\");
        self.line("      --query SecretString --output text | gpg --decrypt");
        let armor = record
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN"));
        for line in armor.take(4) {
            self.line(&format!("  | {line}"));
        }
        self.line("  | …");
    }

    pub(super) fn fetched(&self, key: &str, caller: &str) {
        self.line(&format!(
            "  Only her OpenPGP key opens it. Inside is {key} with its secret,"
        ));
        self.line("  and signed with that secret (the local AWS checks the signature):");
        self.line(&format!("  $ aws sts get-caller-identity\n  {caller}"));
    }

    pub(super) fn opened(&self, key: &str) {
        self.line(
            "  Bob's old key is dead, so the notice itself carries the envelope: he opens it",
        );
        self.line(&format!("  with `gpg --decrypt` and has {key}."));
    }

    pub(super) fn people(&self, people: &People, now: &[Vec<AccessKey>]) {
        let mut table = table(&["developer", "began with", "now"]);
        for (person, keys) in people.iter().zip(now) {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| {
                    let created = key.created_at.strftime("%-d %b %Y");
                    format!(
                        "{} of {created}, {}",
                        key.id,
                        if key.active { "active" } else { "disabled" }
                    )
                })
                .collect();
            table.add_row([
                person.name.to_owned(),
                person.story.to_owned(),
                keys.join("\n"),
            ]);
        }
        self.table(&table);
    }

    pub(super) fn messages(&self, posts: &[Post]) {
        self.title("What people read in Slack, the first line of each message");
        self.headlines(posts);
    }

    fn headlines<'a>(&self, posts: impl IntoIterator<Item = &'a Post>) {
        let mut table = table(&["channel", "message"]);
        for post in posts {
            table.add_row([post.place(), text(&post.body, "text").to_owned()]);
        }
        self.table(&table);
    }

    /// A message, whole.
    pub(super) fn message(&self, post: &Post) {
        for line in terminal::lines(post, self.colour) {
            self.line(&line);
        }
    }

    /// Shows the condition of each account, as a whole and in each region.
    pub(super) fn statuses(&self, statuses: &[(Value, Option<String>)], regions: &[&str]) {
        let header: Vec<&str> = ["account", "roles, settings"]
            .into_iter()
            .chain(regions.iter().copied())
            .collect();
        let mut table = table(&header);
        for (status, _) in statuses {
            let rows = status.get("regions").unwrap_or(&Value::Null);
            let mut cells = vec![text(status, "name").to_owned()];
            cells.push(condition(status.get("global").unwrap_or(&Value::Null)));
            cells.extend(
                regions
                    .iter()
                    .map(|region| rows.get(*region).map_or_else(|| "-".to_owned(), condition)),
            );
            table.add_row(cells);
        }
        self.table(&table);
    }

    /// Shows the numbers of a report.
    pub(super) fn report(&self, answer: &Value) {
        let totals = answer.get("totals").unwrap_or(&Value::Null);
        let number = |from: &Value, name: &str| {
            let found = from.get(name).filter(|found| !found.is_null());
            found.map_or_else(|| "-".to_owned(), Value::to_string)
        };
        let header = ["compliant", "new", "open", "fixed", "closed", "unknown"];
        let mut table = table(&[&["%"], header.as_slice()].concat());
        let mut cells = vec![number(answer, "compliance")];
        cells.extend(header.iter().map(|name| number(totals, name)));
        table.add_row(cells);
        self.table(&table);
    }

    /// Shows who was sent which mails.
    pub(super) fn mails(&self, mails: &[Mail]) {
        let mut table = table(&["mail to", "subject"]);
        for mail in mails {
            table.add_row([mail.to.join(", "), mail.subject.clone()]);
        }
        self.table(&table);
    }

    pub(super) fn shortcomings(&self) {
        self.title("Where the local AWS (moto) falls short of the real one");
        self.line("  It lets anyone read any secret: that the resource policy keeps everyone but\n  the owner out can't be seen here. Its CloudTrail shows events at once, and\n  only those of new keys and new sessions. Its credential report has no row\n  for the root user and is never stale. A new account's role can be assumed at\n  once; the demo refuses it twice, as the real one would. Its AWS Config\n  delivers nothing, evaluates nothing and has no aggregator: the demo sends\n  the events itself, and makes the snapshots up. It has no StackSets that carry\n  AWS Config: the demo takes the direct way.");
    }

    pub(super) fn kept(&self, endpoint: &str, key: &str) {
        self.title("Left running until Ctrl-C. Try, in another terminal:");
        self.line(&format!(
            "  export AWS_ENDPOINT_URL={endpoint} AWS_REGION=ap-northeast-1"
        ));
        self.line(&format!(
            "  export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY=any"
        ));
        self.line("  aws iam list-access-keys --user-name alice");
        self.line("  aws secretsmanager get-secret-value --secret-id banto/access-keys/alice \\");
        self.line("      --query SecretString --output text");
    }

    fn table(&self, table: &Table) {
        self.line(&table.to_string());
    }
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

/// The line of a Slack message that a lock screen shows.
pub(super) fn first_line(message: &Value) -> &str {
    text(message, "text")
}

/// The envelope that the latest of these messages carried.
pub(super) fn last_envelope(posts: &[Post]) -> Option<String> {
    let mut codes = posts.iter().rev().flat_map(|post| codes(&post.body));
    codes.find(|code| code.starts_with("-----BEGIN PGP MESSAGE"))
}

/// An action that is planned, in words.
fn planned(action: &Value) -> String {
    match text(action, "kind") {
        "issue" => "issue a new key, sealed to the pinned certificate".to_owned(),
        "notifyOwner" => format!("notify owner: {}", spaced(text(action, "notice"))),
        other => format!("{} {}", spaced(other), text(action, "key")),
    }
}

/// An action that was done, in words.
fn done(action: &Value) -> String {
    match text(action, "kind") {
        "issue" => "new key issued and sealed".to_owned(),
        "notifyOwner" => format!("told: {}", spaced(text(action, "notice"))),
        "disable" => format!("old key {} disabled", text(action, "key")),
        "disableExposed" => {
            let keys: Vec<&str> = list(action, "keys").filter_map(Value::as_str).collect();
            format!("exposed {} disabled at once", keys.join(", "))
        }
        "saveProof" => "noted that the new key is used".to_owned(),
        "saveLook" => "noted that CloudTrail was looked at again".to_owned(),
        "close" => "nothing left to follow".to_owned(),
        "delete" => format!("disabled key {} deleted", text(action, "key")),
        other => format!("{} {}", spaced(other), text(action, "key")),
    }
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

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `willBeDisabled` as `will be disabled`.
fn spaced(camel: &str) -> String {
    let mut words = String::new();
    for c in camel.chars() {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn tracing_line(what: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "… {what}").is_err();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_eighty_columns() {
        let mut table = table(&["user", "plan"]);
        table.add_row(["alice", &"a long sentence that goes on ".repeat(20)]);
        assert!(
            table
                .to_string()
                .lines()
                .all(|line| line.chars().count() <= 80)
        );
    }

    #[test]
    fn names_of_the_wire_become_words() {
        assert_eq!(spaced("willBeDisabled"), "will be disabled");
        assert_eq!(
            done(&serde_json::json!({"kind": "notifyOwner", "notice": "warning"})),
            "told: warning"
        );
    }

    #[test]
    fn a_run_that_only_repeats_what_was_said_did_nothing() {
        let answer = |notified| serde_json::json!({"accounts": [{"plan": {"findings": [{"notified": notified}]}, "outcomes": []}]});
        assert!(did_anything(&answer(false)));
        assert!(!did_anything(&answer(true)));
    }
}
