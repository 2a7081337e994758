//! The text of an AWS profile file, edited so that all that isn't meant stays byte for byte.
//!
//! Python's configparser is what the AWS CLI reads these files with, and so its rules are the ones
//! followed here: an indented line continues the one above, a section or a key that comes twice
//! spoils the whole file, and `[DEFAULT]` speaks for every section.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use super::reading::{
    Entry, FOR_ALL, Reading, Refused, Section, is_comment, refused, split_at_delimiter,
};
use super::text::{ending, indent, lines, strip};

/// A file's text and what Python's configparser reads in it.
pub struct Document {
    text: Zeroizing<String>,
    sections: Vec<Section>,
}

/// Values are secrets, so that no more than the names of sections is shown.
impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Document {
    /// Reads a file's text.
    ///
    /// # Errors
    /// If the AWS CLI could not read it either.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let mut reading = Reading::default();
        for (number, line) in lines(text).enumerate() {
            reading.take(number, line)?;
        }
        let sections = reading.end()?;
        let text = Zeroizing::new(text.to_owned());
        Ok(Self { text, sections })
    }

    /// The bytes of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of all sections, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let sections = self.sections.iter().map(|section| section.name.as_str());
        sections.filter(|name| *name != FOR_ALL)
    }

    /// Returns a key's value, which `[DEFAULT]` may have set. Nothing has a value in a section that
    /// isn't there.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.section(section)?;
        let entry = self.entry(section, key);
        let entry = entry.or_else(|| self.entry(FOR_ALL, key))?;
        Some(&entry.value)
    }

    /// All keys of a section and their values, without those of `[DEFAULT]`.
    pub fn entries(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.section(section).map(|section| &section.entries);
        let entries = entries.into_iter().flatten();
        entries.map(|entry| (entry.key.as_str(), entry.value.as_str()))
    }

    /// The line of a section's header, counted from 1.
    #[must_use]
    pub fn line(&self, section: &str) -> Option<usize> {
        self.section(section).map(|section| section.header + 1)
    }

    /// The lines of all headers, counted from 1.
    #[cfg(test)]
    pub(super) fn headers(&self) -> impl Iterator<Item = usize> {
        self.sections.iter().map(|section| section.header + 1)
    }

    /// Returns the comment in the line above a section's header.
    #[must_use]
    pub fn comment_above(&self, section: &str) -> Option<&str> {
        let above = self.section(section)?.header.checked_sub(1)?;
        lines(&self.text).nth(above).map(strip).filter(is_comment)
    }

    /// Sets a key of a section, which is added to the end if it isn't there.
    ///
    /// # Errors
    /// If something else would be read in another way afterwards.
    pub fn set(&mut self, section: &str, key: &str, value: &str) -> Result<(), Refused> {
        let Some(place) = self.section(section) else {
            return self.add(section, None, &[(key, value)]);
        };
        let entry = place.entries.iter().find(|entry| entry.key == key);
        if entry.is_some_and(|entry| *entry.value == value) {
            return Ok(());
        }
        let mut edited = self.lines();
        if let Some(entry) = entry {
            edited.replace_value(entry, value);
        } else {
            let last = place.entries.last();
            let like = last.map_or(place.header, |entry| entry.lines.start);
            let at = last.map_or(place.header + 1, |entry| entry.lines.end);
            edited.insert_like(like, at, &format!("{key} = {value}"));
        }
        self.take(edited, section, Some(key), |after| {
            after.get(section, key) == Some(value)
        })
    }

    /// Takes a key out of a section. One that isn't there stays so.
    ///
    /// # Errors
    /// If something else would be read in another way afterwards, or `[DEFAULT]` sets the key.
    pub fn remove(&mut self, section: &str, key: &str) -> Result<(), Refused> {
        if let Some(entry) = self.entry(FOR_ALL, key) {
            let why = format!(
                "[{FOR_ALL}] sets {key} for every profile: take it out there, and call again"
            );
            return Err(refused(entry.lines.start, why));
        }
        let Some(entry) = self.entry(section, key) else {
            return Ok(());
        };
        let mut edited = self.lines();
        edited.drop_entry(entry.lines.clone(), 0);
        self.take(edited, section, Some(key), |after| {
            after.get(section, key).is_none()
        })
    }

    /// Adds a section to the end, under a comment.
    ///
    /// # Errors
    /// If it is there already, or would not be read as it is meant.
    pub fn add(
        &mut self,
        section: &str,
        comment: Option<&str>,
        entries: &[(&str, &str)],
    ) -> Result<(), Refused> {
        if let Some(line) = self.line(section) {
            return Err(refused(line - 1, format!("[{section}] is there already")));
        }
        let mut edited = self.lines();
        if !edited.0.is_empty() {
            edited.push("");
        }
        if let Some(comment) = comment {
            edited.push(comment);
        }
        edited.push(&format!("[{section}]"));
        for (key, value) in entries {
            edited.push(&format!("{key} = {value}"));
        }
        self.take(edited, section, None, |after| {
            let read = after.entries(section);
            section != FOR_ALL && read.eq(entries.iter().copied())
        })
    }

    /// Takes a section out, with the comment in the line above it and an empty line before that.
    ///
    /// # Errors
    /// If something else would be read in another way afterwards.
    pub fn remove_section(&mut self, section: &str) -> Result<(), Refused> {
        let Some(place) = self.section(section) else {
            return Ok(());
        };
        let end = place.entries.last().map(|entry| entry.lines.end);
        let end = end.unwrap_or(place.header + 1);
        let above = usize::from(self.comment_above(section).is_some());
        let mut edited = self.lines();
        let mut start = place.header - above;
        let before = start.checked_sub(1).and_then(|line| edited.0.get(line));
        if before.is_some_and(|line| strip(line).is_empty()) {
            start -= 1;
        }
        edited.0.drain(start..end);
        self.take(edited, section, None, |after| {
            after.section(section).is_none()
        })
    }

    fn section(&self, name: &str) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|section| section.name == name && name != FOR_ALL)
    }

    fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        let sections = self.sections.iter().filter(|found| found.name == section);
        let mut entries = sections.flat_map(|section| &section.entries);
        entries.find(|entry| entry.key == key)
    }

    fn lines(&self) -> Edited {
        Edited(
            lines(&self.text)
                .map(|line| Zeroizing::new(line.to_owned()))
                .collect(),
        )
    }

    /// Takes edited lines for the text, if they read as asked and everything else as before. It is
    /// this look at the result that makes an edit safe, whatever the file's form.
    fn take(
        &mut self,
        edited: Edited,
        section: &str,
        key: Option<&str>,
        asked: impl FnOnce(&Self) -> bool,
    ) -> Result<(), Refused> {
        let line = self.line(section).map_or(0, |line| line - 1);
        let unsafely = || {
            let why = format!(
                "[{section}] can't be edited without a change to what else is read in this file: \
                 begin each section and each key at the start of its line, and keep to one line \
                 for each value"
            );
            refused(line, why)
        };
        let text = Zeroizing::new(
            edited
                .0
                .iter()
                .map(|line| line.as_str())
                .collect::<String>(),
        );
        let after = Self::parse(&text).map_err(|_| unsafely())?;
        if !asked(&after) || !self.others(section, key).eq(after.others(section, key)) {
            return Err(unsafely());
        }
        *self = after;
        Ok(())
    }

    /// Everything that an edit of one section must leave as it is, or all but one key of it.
    fn others<'a>(
        &'a self,
        section: &'a str,
        key: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, Option<(&'a str, &'a str)>)> {
        self.sections.iter().flat_map(move |found| {
            let mine = found.name == section;
            let header = (!mine).then_some((found.name.as_str(), None));
            let entries = found.entries.iter().filter(move |entry| match key {
                Some(key) => !mine || entry.key != key,
                None => !mine,
            });
            let entries = entries.map(|entry| {
                let pair = (entry.key.as_str(), entry.value.as_str());
                (found.name.as_str(), Some(pair))
            });
            header.into_iter().chain(entries)
        })
    }
}

/// A file's lines, each with its end.
struct Edited(Vec<Zeroizing<String>>);

impl Edited {
    /// Adds a line to the end.
    fn push(&mut self, line: &str) {
        let at = self.0.len();
        self.insert(at, line);
    }

    fn insert(&mut self, at: usize, line: &str) {
        let first = self.0.first().map_or("", |line| ending(line));
        let end = if first.is_empty() { "\n" } else { first }.to_owned();
        if let Some(before) = at.checked_sub(1).and_then(|before| self.0.get_mut(before))
            && ending(before).is_empty()
        {
            before.push_str(&end);
        }
        self.0.insert(at, Zeroizing::new(format!("{line}{end}")));
    }

    /// Inserts a line as far to the right as another one, for what is further right continues the
    /// line before it.
    fn insert_like(&mut self, like: usize, at: usize, line: &str) {
        let space = self.0.get(like).map_or("", |line| indent(line)).to_owned();
        self.insert(at, &format!("{space}{line}"));
    }

    /// Gives an entry's key another value, in one line, and leaves how the key is written.
    fn replace_value(&mut self, entry: &Entry, value: &str) {
        if let Some(line) = self.0.get_mut(entry.lines.start)
            && let Some((head, tail)) = split_at_delimiter(line)
        {
            let space = if strip(tail).is_empty() {
                " "
            } else {
                indent(tail)
            };
            *line = Zeroizing::new(format!("{head}{space}{value}{}", ending(line)));
        }
        self.drop_entry(entry.lines.clone(), 1);
    }

    /// Drops the lines of an entry, but not its first ones and no comment.
    fn drop_entry(&mut self, lines: Range<usize>, keep: usize) {
        let mut number = 0;
        self.0.retain(|line| {
            let mine = lines.contains(&number) && number >= lines.start + keep;
            number += 1;
            let value = strip(line);
            !mine || value.is_empty() || is_comment(&value)
        });
    }
}
