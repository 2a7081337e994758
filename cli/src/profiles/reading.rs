//! A profile file's text as Python's configparser reads it, in the way of its `_read`.

use std::ops::Range;

use thiserror::Error;
use zeroize::Zeroizing;

use super::text::{indent, python_lines, strip, strip_end};

/// The section whose values Python takes for every other one's.
pub(super) const FOR_ALL: &str = "DEFAULT";

/// Why a file's text can't be read, or can't be edited safely.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct Refused {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason, and what would be right.
    pub why: String,
}

/// A section of a file.
pub(super) struct Section {
    pub(super) name: String,
    /// The header's line, counted from 0.
    pub(super) header: usize,
    pub(super) entries: Vec<Entry>,
}

/// A key of a section and its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Zeroizing<String>,
    /// From the line of the key to the last one that continues it, comments between them included.
    pub(super) lines: Range<usize>,
}

/// What has been read of a file so far.
#[derive(Default)]
pub(super) struct Reading {
    sections: Vec<Section>,
    /// Characters of space before the last section or key: what is further right continues it.
    level: usize,
    /// The last key may be continued.
    open: bool,
}

impl Reading {
    /// Takes the next line, counted from 0.
    pub(super) fn take(&mut self, number: usize, line: &str) -> Result<(), Refused> {
        let value = strip(line);
        if is_comment(&value) {
            return Ok(());
        }
        let column = indent(line).chars().count();
        if self.open
            && (value.is_empty() || column > self.level)
            && let Some(entry) = self
                .sections
                .last_mut()
                .and_then(|last| last.entries.last_mut())
        {
            entry.value.push('\n');
            entry.value.push_str(value);
            if !value.is_empty() {
                entry.lines.end = number + 1;
            }
            return Ok(());
        }
        if value.is_empty() {
            return Ok(());
        }
        self.level = column;
        match header(value) {
            Some(name) => self.section(number, name),
            None => self.entry(number, value),
        }
    }

    fn section(&mut self, number: usize, name: &str) -> Result<(), Refused> {
        let mut sections = self.sections.iter();
        if name != FOR_ALL
            && let Some(first) = sections.find(|section| section.name == name)
        {
            let why = format!(
                "[{name}] is there twice, first in line {}, and the AWS CLI reads nothing of \
                 such a file: make one section of the two",
                first.header + 1
            );
            return Err(refused(number, why));
        }
        self.open = false;
        self.sections.push(Section {
            name: name.to_owned(),
            header: number,
            entries: Vec::new(),
        });
        Ok(())
    }

    fn entry(&mut self, number: usize, value: &str) -> Result<(), Refused> {
        let Some(name) = self.sections.last().map(|section| section.name.clone()) else {
            let why = if value.starts_with('\u{feff}') {
                "the file begins with a byte order mark, which the AWS CLI takes for text: save it \
                 as UTF-8 without one"
            } else {
                "there is text before the first section: put [default], or the name of another \
                 profile in brackets, above it"
            };
            return Err(refused(number, why.to_owned()));
        };
        let Some((head, tail)) = split_at_delimiter(value) else {
            let why = "this line is neither a [section] nor a key = value";
            return Err(refused(number, why.to_owned()));
        };
        let key = strip_end(head.trim_end_matches(['=', ':']));
        if key.is_empty() {
            let why = "there is no key before the = or the :";
            return Err(refused(number, why.to_owned()));
        }
        let key = key.to_lowercase();
        let mut same = self.sections.iter().filter(|section| section.name == name);
        if same.any(|section| section.entries.iter().any(|entry| entry.key == key)) {
            let why = format!(
                "{key} is there twice in [{name}], and the AWS CLI reads nothing of such a file: \
                 take one of them out"
            );
            return Err(refused(number, why));
        }
        self.open = true;
        if let Some(section) = self.sections.last_mut() {
            section.entries.push(Entry {
                key,
                value: Zeroizing::new(strip(tail).to_owned()),
                lines: number..number + 1,
            });
        }
        Ok(())
    }

    /// Returns the sections, once no line can continue any more.
    pub(super) fn end(mut self) -> Result<Vec<Section>, Refused> {
        let sections = self.sections.iter_mut();
        for entry in sections.flat_map(|section| &mut section.entries) {
            let end = strip_end(&entry.value).len();
            entry.value.truncate(end);
        }
        for section in &self.sections {
            let mut entries = section.entries.iter();
            let bad = entries.find(|entry| entry.is_not_nested() && self.is_read(section, entry));
            if let Some(entry) = bad {
                let why = format!(
                    "the lines below {} must be key = value, for nothing follows its own =",
                    entry.key
                );
                return Err(refused(entry.lines.start, why));
            }
        }
        Ok(self.sections)
    }

    /// True if any section has an entry, which `[DEFAULT]` gives to those without one of their own.
    fn is_read(&self, section: &Section, entry: &Entry) -> bool {
        section.name != FOR_ALL
            || self.sections.iter().any(|other| {
                let mut keys = other.entries.iter().map(|entry| &entry.key);
                other.name != FOR_ALL && keys.all(|key| *key != entry.key)
            })
    }
}

impl Entry {
    /// True if the value begins in the next line, as that of a key which holds keys of its own, and
    /// has a line that is no key and value.
    fn is_not_nested(&self) -> bool {
        let mut nested = python_lines(&self.value).map(strip);
        self.value.starts_with('\n') && nested.any(|line| !line.is_empty() && !line.contains('='))
    }
}

pub(super) fn refused(line: usize, why: String) -> Refused {
    Refused {
        line: line + 1,
        why,
    }
}

/// True for a line without its space that says nothing.
pub(super) fn is_comment(value: &&str) -> bool {
    value.starts_with(['#', ';'])
}

/// The name in a section's header, which ends with the last bracket of its line.
fn header(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('[')?;
    let (name, _ignored) = rest.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

/// Splits a line behind its first = or :.
pub(super) fn split_at_delimiter(line: &str) -> Option<(&str, &str)> {
    line.split_at_checked(line.find(['=', ':'])? + 1)
}
