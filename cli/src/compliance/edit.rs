//! Changes of the policy's waivers, with comments and order kept: pure, from text to text.

use anyhow::{Context as _, Result, bail, ensure};
use banto_domain::AccountId;
use toml_edit::{ArrayOfTables, Datetime, DocumentMut, Item, Table, Value, value};

/// The key of the waivers in the policy.
const WAIVERS: &str = "waivers";

/// The findings that a waiver is about, as the policy has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) rule: &'a str,
    pub(super) account: Option<&'a AccountId>,
    pub(super) resource: Option<&'a str>,
}

/// The rest of a waiver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) owner: &'a str,
    pub(super) reason: &'a str,
    pub(super) until: &'a str,
}

/// The policy with a waiver: a new one, or new terms for the one that is about just this.
///
/// # Errors
/// If the text is no TOML, waivers are written in a form that is not changed here, or the date is
/// none.
pub(super) fn with_waiver(text: &str, target: Target<'_>, terms: Terms<'_>) -> Result<String> {
    let mut document = read(text)?;
    let until: Datetime = terms.until.parse().ok().with_context(|| {
        format!(
            "--until is {:?}: a date is needed, as in 2027-03-31",
            terms.until
        )
    })?;
    let item = document
        .entry(WAIVERS)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let waivers = tables(item)?;
    let same = waivers.iter().position(|waiver| is_about(waiver, target));
    if let Some(waiver) = same.and_then(|index| waivers.get_mut(index)) {
        for (key, new) in [
            ("owner", Value::from(terms.owner)),
            ("reason", Value::from(terms.reason)),
            ("until", Value::from(until)),
        ] {
            replace(waiver, key, new);
        }
        return Ok(document.to_string());
    }
    let mut waiver = Table::new();
    // A blank line before it, as between all sections.
    waiver.decor_mut().set_prefix("\n");
    waiver.insert("rule", value(target.rule));
    if let Some(account) = target.account {
        waiver.insert("account", value(account.as_str()));
    }
    if let Some(resource) = target.resource {
        waiver.insert("resource", value(resource));
    }
    waiver.insert("owner", value(terms.owner));
    waiver.insert("reason", value(terms.reason));
    waiver.insert("until", value(until));
    waivers.push(waiver);
    Ok(document.to_string())
}

/// The policy without the one waiver that is about this: about the rule, and about the account and
/// the resource where they are given.
///
/// # Errors
/// If the text is no TOML, or not just one waiver fits.
pub(super) fn without_waiver(text: &str, target: Target<'_>) -> Result<String> {
    let mut document = read(text)?;
    let item = document.get_mut(WAIVERS);
    let waivers = tables(item.context("the policy has no waivers")?)?;
    let fitting = waivers
        .iter()
        .enumerate()
        .filter(|(_, waiver)| fits(waiver, target));
    let fitting: Vec<(usize, String)> = fitting.map(|(n, it)| (n, in_words(it))).collect();
    let index = match &fitting[..] {
        [(index, _)] => *index,
        [] => {
            let known: Vec<String> = waivers.iter().map(in_words).collect();
            bail!(
                "no waiver is about this; there are:\n  {}",
                known.join("\n  ")
            )
        }
        several => {
            let several: Vec<&str> = several.iter().map(|(_, words)| words.as_str()).collect();
            bail!(
                "several waivers are about this; say which with --account and --resource:\n  {}",
                several.join("\n  ")
            )
        }
    };
    waivers.remove(index);
    if waivers.is_empty() {
        document.remove(WAIVERS);
    }
    Ok(document.to_string())
}

fn read(text: &str) -> Result<DocumentMut> {
    // Written again they would all be changed, and a reviewer would see no waiver among them.
    ensure!(
        !text.contains('\r'),
        "the policy's lines end as on Windows (CRLF), and are written as \\n only: convert the file \
         first, as dos2unix does"
    );
    text.parse().context("the policy is no TOML")
}

fn tables(item: &mut Item) -> Result<&mut ArrayOfTables> {
    let form = "the policy's waivers are not written as [[waivers]]: change them by hand, or write \
                them so first";
    item.as_array_of_tables_mut().context(form)
}

fn text<'a>(waiver: &'a Table, key: &str) -> Option<&'a str> {
    waiver.get(key)?.as_str()
}

/// The resource of a waiver, which is any if the policy names none.
fn resource(waiver: &Table) -> &str {
    text(waiver, "resource").unwrap_or("*")
}

fn is_about(waiver: &Table, target: Target<'_>) -> bool {
    text(waiver, "rule") == Some(target.rule)
        && text(waiver, "account") == target.account.map(AccountId::as_str)
        && resource(waiver) == target.resource.unwrap_or("*")
}

fn fits(waiver: &Table, target: Target<'_>) -> bool {
    let account = target.account.map(AccountId::as_str);
    text(waiver, "rule") == Some(target.rule)
        && (account.is_none() || text(waiver, "account") == account)
        && target
            .resource
            .is_none_or(|wanted| resource(waiver) == wanted)
}

fn in_words(waiver: &Table) -> String {
    let rule = text(waiver, "rule").unwrap_or_default();
    let account = text(waiver, "account").map(|account| format!(" --account {account}"));
    format!(
        "{rule}{} --resource '{}'",
        account.unwrap_or_default(),
        resource(waiver)
    )
}

/// Replaces a value, and keeps the comment behind it.
fn replace(waiver: &mut Table, key: &str, mut new: Value) {
    if let Some(old) = waiver.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    waiver.insert(key, Item::Value(new));
}

/// The lines that differ, those of before with a `-` and those of after with a `+`, with the lines
/// around them. One waiver is changed at a time, so that they stand together.
pub(super) fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let begin = old
        .iter()
        .zip(&new)
        .take_while(|(one, other)| one == other)
        .count();
    let most = old.len().min(new.len()) - begin;
    let backwards = old.iter().rev().zip(new.iter().rev());
    let end = backwards
        .take(most)
        .take_while(|(one, other)| one == other)
        .count();
    let part = |lines: &[&str], from: usize, to: usize, sign: &str| {
        let lines = lines.iter().take(to).skip(from);
        lines
            .map(|line| format!("{sign} {line}").trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    let mut shown = part(&old, begin.saturating_sub(AROUND), begin, " ");
    shown.extend(part(&old, begin, old.len() - end, "-"));
    shown.extend(part(&new, begin, new.len() - end, "+"));
    shown.extend(part(&new, new.len() - end, new.len() - end + AROUND, " "));
    shown.join("\n")
}

/// Lines around a change. (The usual number of diff's unified format; GNU diffutils manual.)
const AROUND: usize = 3;
