//! `banto accounts plan`: a dry run of onboard-accounts, in lines like Terraform's.

use std::collections::BTreeMap;

use banto_domain::status::Condition;
use onboard_accounts::converge::account::{NotPlanned, Planned};
use onboard_accounts::converge::actions::Plan;
use onboard_accounts::converge::diff::{self, Counts};
use onboard_accounts::dry_run::DryRun;

use super::look::names;
use crate::terminal::{Screen, Tone};

/// Most accounts that are named where all of them have the same plan.
const NAMED: usize = 3;

/// True of a plan that asks for nothing, of an account where nothing is amiss.
pub(super) fn is_in_order(plan: &Plan) -> bool {
    let mut chains = plan.chains.values();
    let is_fine = |condition: &Condition| {
        matches!(condition, Condition::InPlace | Condition::LeftAlone { .. })
    };
    plan.is_empty() && chains.all(|chain| is_fine(&chain.condition))
}

/// The plans of accounts that need something; of all accounts, if asked for. Accounts whose plans
/// are the same are shown together.
pub(super) fn show(looked: &DryRun, all: bool, screen: &Screen) -> String {
    let mut counts = Counts::default();
    let mut text = String::new();
    for operation in &looked.stack_set_operations {
        diff::write_operation(&mut text, &mut counts, operation);
    }
    let planned = || looked.accounts.iter().flatten();
    let in_order = planned().filter(|it| is_in_order(&it.plan)).count();
    let shown = planned().filter(|it| all || !is_in_order(&it.plan));
    for (accounts, plan) in alike(shown, &mut counts, all) {
        text.push_str(&heading(&accounts));
        text.push_str(&plan);
    }
    let mut parts: Vec<String> = Vec::new();
    if !text.is_empty() {
        let lines = text.lines().map(|line| coloured(screen, line));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.extend(left_out(looked, screen));
    let others = match in_order {
        0 => String::new(),
        _ if all => String::new(),
        1 => " 1 account is in order.".to_owned(),
        n => format!(" {n} accounts are in order; --all shows them."),
    };
    let summary = screen.paint(Tone::Strong, &diff::summary(counts));
    parts.push(screen.wrapped(&format!("{summary}{others}"), 0));
    parts.join("\n\n")
}

/// The plans, each with the accounts that it is of.
fn alike<'a>(
    planned: impl Iterator<Item = &'a Planned>,
    counts: &mut Counts,
    apart: bool,
) -> Vec<(Vec<String>, String)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut found: Vec<(Vec<String>, String)> = Vec::new();
    for one in planned {
        let account = one.snapshot.job.account();
        let mut text = String::new();
        diff::write_plan(&mut text, counts, account, &one.plan);
        // Its first line names the account.
        let (_, plan) = text.split_once('\n').unwrap_or_default();
        let name = format!("{} ({})", account.id, account.name);
        let general = plan.replace(account.id.as_str(), "ACCOUNT");
        let place = places.get(&general).filter(|_| !apart);
        match place.and_then(|place| found.get_mut(*place)) {
            Some((accounts, plan)) => {
                accounts.push(name);
                *plan = general;
            }
            None => {
                places.insert(general, found.len());
                found.push((vec![name], plan.to_owned()));
            }
        }
    }
    found
}

fn heading(accounts: &[String]) -> String {
    let (named, others) = accounts.split_at(NAMED.min(accounts.len()));
    let mut heading = format!("# {}", named.join(", "));
    if !others.is_empty() {
        heading.push_str(&format!(" and {} others", others.len()));
    }
    heading.push('\n');
    heading
}

/// What there is no plan of, and what a real run would not do.
fn left_out(looked: &DryRun, screen: &Screen) -> Vec<String> {
    let names = names(looked);
    let mut parts = Vec::new();
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| fitted(screen, line, 2));
            let lines: Vec<String> = lines.collect();
            parts.push(format!(
                "{}\n{}",
                screen.paint(Tone::Bad, title),
                lines.join("\n")
            ));
        }
    };
    let not_planned = looked.accounts.iter().filter_map(|it| it.as_ref().err());
    let not_planned = not_planned.map(|NotPlanned { account, why }| {
        let name = names.get(account).map_or("", String::as_str);
        format!("{account} ({name}): {why}")
    });
    part("Not looked at:", not_planned.collect());
    part("A real run refuses:", looked.refused());
    let departed = looked.fan_out.plan.delete_statuses.iter();
    let departed: Vec<String> = departed.map(ToString::to_string).collect();
    part(
        "No longer in the Organization; the daily run forgets them:",
        departed,
    );
    parts
}

/// A line of the plan in its colour, broken where it is too long.
fn coloured(screen: &Screen, line: &str) -> String {
    let begin = line.trim_start();
    let indent = line.len() - begin.len();
    let tone = match begin.chars().next() {
        Some('+') => Tone::Good,
        Some('~' | '!') => Tone::Warning,
        Some('-') => Tone::Bad,
        Some('#') => Tone::Strong,
        _ => Tone::Faint,
    };
    let fitted = fitted(screen, begin, indent);
    // A line break ends no colour on terminals, but does in pagers.
    let lines = fitted.lines().map(|line| match tone {
        Tone::Faint => line.to_owned(),
        tone => screen.paint(tone, line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line with its indentation, in as many lines as it needs.
fn fitted(screen: &Screen, line: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    if indent + console::measure_text_width(line) <= usize::from(screen.width) {
        return format!("{margin}{line}");
    }
    let narrower = u16::try_from(indent).unwrap_or_default();
    let inner = Screen {
        width: screen.width.saturating_sub(narrower),
        colour: false,
    };
    let lines = inner.wrapped(line, 4);
    let lines = lines.lines().map(|line| format!("{margin}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}
