//! Walks a TOML document, and collects every problem with its line before it fails.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How alike a key must be to a known one to be taken for a slip of the pen.
const SIMILARITY: f64 = 0.75;

/// Every problem of a policy, by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblems(Vec<(usize, String)>);

impl PolicyProblems {
    /// Each problem: the line, from 1, and what is wrong there.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0
            .iter()
            .map(|(line, problem)| (*line, problem.as_str()))
    }
}

impl fmt::Display for PolicyProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (line, problem)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}banto.toml:{line}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblems {}

/// Problems found so far.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Problems<'t> {
    pub(super) fn in_text(text: &'t str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// Notes a problem at a place in the text.
    pub(super) fn add(&self, span: &Range<usize>, problem: impl Into<String>) {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.found.borrow_mut().push((line, problem.into()));
    }

    /// The problems by line, or what was read if there are none.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, PolicyProblems> {
        let mut found = self.found.into_inner();
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => {
                found.sort();
                found.dedup();
                Err(PolicyProblems(found))
            }
        }
    }
}

/// A table whose keys are taken out one by one; what is left over in the end is unknown.
pub(super) struct Section<'a, 't> {
    problems: &'a Problems<'t>,
    /// As people write it: `rotation.accounts`.
    name: String,
    span: Range<usize>,
    table: Option<&'a DeTable<'t>>,
    known: BTreeSet<&'static str>,
}

impl<'a, 't> Section<'a, 't> {
    pub(super) fn root(problems: &'a Problems<'t>, table: &'a Spanned<DeTable<'t>>) -> Self {
        let table = Some(table.get_ref());
        Self {
            problems,
            name: String::new(),
            span: 0..0,
            table,
            known: BTreeSet::new(),
        }
    }

    /// The section beneath a value, which must be a table.
    pub(super) fn of(&self, name: &str, value: &'a Spanned<DeValue<'t>>) -> Self {
        let table = value.get_ref().as_table();
        let name = self.path(name);
        if table.is_none() {
            let found = value.get_ref().type_str();
            self.problems.add(
                &value.span(),
                format!("`{name}` must be a table, but is {found}"),
            );
        }
        Self {
            problems: self.problems,
            name,
            span: value.span(),
            table,
            known: BTreeSet::new(),
        }
    }

    /// Notes a problem that concerns the section as a whole.
    pub(super) fn problem(&self, problem: impl fmt::Display) {
        // The file as a whole has no name.
        let name = if self.name.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", self.name)
        };
        self.problems.add(&self.span, format!("{name}{problem}"));
    }

    /// Notes a problem of one key, at its line, or at the section's where it is left out.
    pub(super) fn problem_of(&self, key: &str, problem: impl fmt::Display) {
        let given = self.table.and_then(|table| table.get(key));
        let span = given.map_or_else(|| self.span.clone(), Spanned::span);
        self.problems
            .add(&span, format!("`{}` {problem}", self.path(key)));
    }

    /// Notes a problem of an entry of a list or a table, at its line.
    pub(super) fn problem_at(
        &self,
        entry: &Spanned<DeValue<'_>>,
        key: &str,
        problem: impl fmt::Display,
    ) {
        let problem = format!("an entry of `{}` {problem}", self.path(key));
        self.problems.add(&entry.span(), problem);
    }

    /// True if a key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Takes a value as it is.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'t>>> {
        self.known.insert(key);
        self.table.and_then(|table| table.get(key))
    }

    /// Takes a value and reads it; a value that can't be read is a problem.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'t>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(why) => {
                self.problems
                    .add(&value.span(), format!("`{}` {why}", self.path(key)));
                None
            }
        }
    }

    /// The same for a value that must be there.
    pub(super) fn require<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'t>) -> Result<T, String>,
    ) -> Option<T> {
        if self.table.is_some() && self.take(key).is_none() {
            self.problems
                .add(&self.span, format!("`{}` is missing", self.path(key)));
        }
        self.read(key, read)
    }

    /// Takes a list and visits its entries.
    pub(super) fn each(&mut self, key: &'static str) -> Vec<&'a Spanned<DeValue<'t>>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        match value.get_ref().as_array() {
            Some(list) => list.iter().collect(),
            None => {
                let found = value.get_ref().type_str();
                self.problems.add(
                    &value.span(),
                    format!("`{}` must be a list, but is {found}", self.path(key)),
                );
                Vec::new()
            }
        }
    }

    /// Takes a list and reads each entry.
    pub(super) fn read_each<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'t>) -> Result<T, String>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for value in self.each(key) {
            match read(value.get_ref()) {
                Ok(read) => all.push(read),
                Err(why) => self.problem_at(value, key, why),
            }
        }
        all
    }

    /// Takes a table of values that people name themselves.
    pub(super) fn entries(
        &mut self,
        key: &'static str,
    ) -> Vec<(&'a str, &'a Spanned<DeValue<'t>>)> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        match value.get_ref().as_table() {
            Some(table) => table
                .iter()
                .map(|(name, value)| (name.get_ref().as_ref(), value))
                .collect(),
            None => {
                let found = value.get_ref().type_str();
                self.problems.add(
                    &value.span(),
                    format!("`{}` must be a table, but is {found}", self.path(key)),
                );
                Vec::new()
            }
        }
    }

    /// Ends the section: keys that nobody took are problems, and name the nearest known one.
    pub(super) fn finish(self) {
        for (key, _) in self.table.into_iter().flat_map(|table| table.iter()) {
            let name = key.get_ref().as_ref();
            if self.known.contains(name) {
                continue;
            }
            let alike = |known: &&&str| strsim::jaro_winkler(known, name);
            let nearest = self
                .known
                .iter()
                .max_by(|one, other| alike(one).total_cmp(&alike(other)));
            let hint = match nearest.filter(|nearest| alike(nearest) >= SIMILARITY) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!(
                    "known here: {}",
                    self.known.iter().copied().collect::<Vec<_>>().join(", ")
                ),
            };
            self.problems.add(
                &key.span(),
                format!("`{}` is unknown; {hint}", self.path(name)),
            );
        }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}
