//! Every key of banto.toml: the editors' schema says which there are, and docs/policy.md what they
//! mean.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The JSON Schema of banto.toml. A test of `banto-domain` holds it against the parser.
pub(super) const SCHEMA: &str = include_str!("../../../banto.schema.json");

/// The page that people read about the policy.
const PAGE: &str = include_str!("../../../docs/policy.md");

/// Likeness to a known key from which on that one is suggested: as the policy's parser has it.
const SIMILARITY: f64 = 0.75;

/// Most suggestions for a key that there isn't.
const SUGGESTIONS: usize = 3;

/// A key of banto.toml.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// As docs/policy.md writes it: `rotation.accounts[].id`, `compliance.rules.<name>.title`.
    pub(super) path: String,
    pub(super) meaning: String,
    /// Its type with its limits, as in `whole number, 1 to 3650`.
    pub(super) kind: String,
    pub(super) default: Option<String>,
    /// True if its section can't do without it.
    pub(super) is_required: bool,
    /// True of a section: a table, or a list of tables.
    pub(super) is_section: bool,
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    // A test reads the schema, so that it can be read.
    let schema = serde_json::from_str(SCHEMA).unwrap_or_default();
    collect(&schema, "", &mut keys);
    keys
});

/// All keys, in the schema's order.
pub(super) fn all() -> &'static [Key] {
    &KEYS
}

/// The rows of docs/policy.md: key, meaning and default.
pub(super) fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let table = PAGE.split("\n## ").next().unwrap_or_default();
    table.lines().filter_map(|line| {
        let row = line.strip_prefix("| `")?.strip_suffix('|')?;
        // One row is of several keys together.
        let (key, rest) = row
            .split_once("` |")
            .filter(|(key, _)| !key.contains('`'))?;
        let mut cells = rest.split(" | ").map(str::trim);
        let meaning = cells.nth(1)?;
        let default = cells.nth(1)?;
        Some((key, meaning, default))
    })
}

fn collect(schema: &Value, section: &str, keys: &mut Vec<Key>) {
    let required: Vec<&str> = strings(&schema["required"]).collect();
    for (name, property) in fields(&schema["properties"]) {
        let is_list = has_tables(property);
        let point = if section.is_empty() { "" } else { "." };
        let ending = if is_list { "[]" } else { "" };
        let path = format!("{section}{point}{name}{ending}");
        let named = &property["additionalProperties"];
        let is_section =
            is_list || property["properties"].is_object() || named["properties"].is_object();
        let row = rows().find(|(key, ..)| *key == path);
        let described = property["description"].as_str().unwrap_or_default();
        let default = row.map(|(_, _, default)| default.trim_matches('`').to_owned());
        let default = default.or_else(|| Some(shown(property.get("default")?)));
        keys.push(Key {
            meaning: row
                .map_or(described, |(_, meaning, _)| meaning)
                .replace("\\|", "|"),
            kind: kind(property),
            default: default.filter(|default| !default.is_empty()),
            is_required: required.contains(&name.as_str()),
            is_section,
            path: path.clone(),
        });
        collect(&property["items"], &path, keys);
        collect(property, &path, keys);
        collect(named, &format!("{path}.<name>"), keys);
    }
}

fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// True of a list of tables.
fn has_tables(property: &Value) -> bool {
    property
        .pointer("/items/properties")
        .is_some_and(Value::is_object)
}

/// A value as banto.toml has it.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The type of a property, in words.
fn kind(property: &Value) -> String {
    let choices = property.get("oneOf").or_else(|| property.get("anyOf"));
    if let Some(choices) = choices.and_then(Value::as_array) {
        let kinds: Vec<String> = choices.iter().map(kind).collect();
        return kinds.join(", or ");
    }
    if let Some(constant) = property.get("const") {
        return constant.to_string();
    }
    if let Some(words) = property.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().map(Value::to_string).collect();
        return format!("one of {}", words.join(", "));
    }
    let bounds = |least: &str, most: &str, of: &str| match (
        property[least].as_i64(),
        property[most].as_i64(),
    ) {
        (Some(least), Some(most)) => format!(", {least} to {most}{of}"),
        (Some(least), None) if least > 1 => format!(", at least {least}{of}"),
        (None, Some(most)) => format!(", at most {most}{of}"),
        _ => String::new(),
    };
    match property["type"].as_str() {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("whole number{}", bounds("minimum", "maximum", "")),
        Some("string") => format!("text{}", bounds("minLength", "maxLength", " characters")),
        Some("array") if has_tables(property) => {
            format!("list of tables{}", bounds("minItems", "maxItems", ""))
        }
        Some("array") => {
            let items = kind(&property["items"]);
            format!(
                "list of {items}{}",
                bounds("minItems", "maxItems", " entries")
            )
        }
        Some("object") => "table".to_owned(),
        // TOML's dates are no type of JSON.
        _ => "date or moment".to_owned(),
    }
}

/// A part of a path as people write it, without the brackets of lists.
fn plain(path: &str) -> String {
    path.replace("[]", "").to_lowercase()
}

/// True if what somebody asked for is this key: the whole of its path or its last names, where a
/// name stands for `<name>` and a number for an entry of a list.
fn is_meant(asked: &str, path: &str) -> bool {
    let asked: Vec<&str> = asked.split('.').collect();
    let path: Vec<&str> = path.split('.').collect();
    let fits = |(asked, part): (&&str, &&str)| asked == part || *part == "<name>";
    let end = path.len().checked_sub(asked.len());
    end.is_some_and(|end| {
        let beginning_is_named = end == 0 || path.get(end) != Some(&"<name>");
        beginning_is_named && asked.iter().zip(path.iter().skip(end)).all(fits)
    })
}

/// The keys that somebody may mean: that of the whole path, else all that end so.
pub(super) fn found(asked: &str) -> Vec<&'static Key> {
    let asked = plain(asked.trim_matches(['[', ']', '.']));
    let whole = |key: &&Key| {
        let path = plain(&key.path);
        is_meant(&asked, &path) && asked.split('.').count() == path.split('.').count()
    };
    let exact: Vec<&Key> = all().iter().filter(whole).collect();
    if !exact.is_empty() {
        return exact;
    }
    let ends = |key: &&Key| is_meant(&asked, &plain(&key.path));
    all().iter().filter(ends).collect()
}

/// The keys that are most like one that there isn't.
pub(super) fn near(asked: &str) -> Vec<&'static str> {
    let asked = plain(asked);
    let alike = |key: &Key| {
        let path = plain(&key.path);
        let last = path.rsplit('.').next().unwrap_or(&path);
        strsim::jaro_winkler(&path, &asked).max(strsim::jaro_winkler(last, &asked))
    };
    let mut scored: Vec<(f64, &Key)> = all().iter().map(|key| (alike(key), key)).collect();
    // Stable: of those that are as like, the first of the schema.
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let near = scored.into_iter().filter(|(alike, _)| *alike >= SIMILARITY);
    near.take(SUGGESTIONS)
        .map(|(_, key)| key.path.as_str())
        .collect()
}

/// A point of docs/policy.md that speaks of a key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Note {
    /// True if it says what is refused.
    pub(super) refused: bool,
    pub(super) text: String,
}

/// The points of docs/policy.md that speak of a key: of its section, or of what contradicts it.
pub(super) fn notes(key: &Key) -> Vec<Note> {
    let path = plain(&key.path);
    let (top, last) = (
        path.split('.').next().unwrap_or_default(),
        path.rsplit('.').next().unwrap_or_default(),
    );
    let is_of_one_section = all()
        .iter()
        .map(|other| plain(&other.path))
        .filter(|other| other.rsplit('.').next() == Some(last))
        .all(|other| other.split('.').next() == Some(top));
    let mut section = "rotation".to_owned();
    let mut notes = Vec::new();
    let page = PAGE.split("\n## Sessions that name").next();
    for point in points(page.unwrap_or_default()) {
        if let Some(named) = point.strip_prefix("`[") {
            section = named.split(']').next().unwrap_or_default().to_owned();
        }
        if point.starts_with("## ") {
            section.clear();
        }
        let Some(note) = point.strip_prefix("- ") else {
            continue;
        };
        let says = |name: &str| note.contains(&format!("`{name}`"));
        let is_of_section = section == top || (section.is_empty() && is_of_one_section);
        if says(&path) || (says(last) && is_of_section && !key.is_section) {
            notes.push(Note {
                refused: section.is_empty(),
                text: plain_text(note),
            });
        }
    }
    notes
}

/// The paragraphs and points of a page, each in one line.
fn points(page: &str) -> Vec<String> {
    let mut points: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in page.lines() {
        let starts = line.starts_with("- ") || line.starts_with("## ") || !goes_on;
        if line.trim().is_empty() || line.starts_with('|') {
            goes_on = false;
            continue;
        }
        match points.last_mut().filter(|_| !starts) {
            Some(last) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            None => points.push(line.trim().to_owned()),
        }
        goes_on = !line.starts_with("## ");
    }
    points
}

/// A point without Markdown's stars and the addresses of its links.
fn plain_text(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once("](") {
        text.push_str(&before.replacen('[', "", 1));
        rest = link.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace("**", "")
}
