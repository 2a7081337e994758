//! How a profile's section is called in each of the two files.

use super::document::Document;
use super::reading::{FOR_ALL, Refused};

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `~/.aws/config`, where a section is `[profile NAME]`, and the default one `[default]`.
    Config,
    /// `~/.aws/credentials`, where a section is `[NAME]`.
    Credentials,
}

impl Kind {
    /// The profile that a section is of, if it is one's.
    #[must_use]
    pub fn profile(self, section: &str) -> Option<String> {
        match self {
            Self::Credentials => Some(section.to_owned()),
            Self::Config if section == "default" => Some(section.to_owned()),
            Self::Config if !section.starts_with("profile") => None,
            Self::Config => match <[String; 2]>::try_from(words(section)?) {
                Ok([_profile, name]) => Some(name),
                Err(_other) => None,
            },
        }
    }

    /// The name of the section of a profile that has none yet.
    ///
    /// # Errors
    /// If tools would not agree which profile such a section is of.
    pub(super) fn new_section(self, profile: &str) -> Result<String, String> {
        let odd = |character: char| {
            character.is_control() || matches!(character, '[' | ']' | '"' | '\'' | '\\' | '#' | ';')
        };
        if profile.is_empty() || profile.trim() != profile || profile.contains(odd) {
            return Err(format!(
                "{profile:?} can't be a profile's name: use letters, digits and - _ . @ + /"
            ));
        }
        if profile == FOR_ALL {
            return Err(format!(
                "{profile} stands for every profile: use another name"
            ));
        }
        Ok(match self {
            Self::Credentials => profile.to_owned(),
            Self::Config if profile == "default" => profile.to_owned(),
            Self::Config if profile.contains(char::is_whitespace) => {
                format!("profile \"{profile}\"")
            }
            Self::Config => format!("profile {profile}"),
        })
    }

    /// Returns the section of a profile that is read: of several the last.
    pub(super) fn section<'a>(self, document: &'a Document, profile: &str) -> Option<&'a str> {
        let mine = |section: &&str| self.profile(section).as_deref() == Some(profile);
        document.names().filter(mine).last()
    }

    /// Returns the section of a profile that can be edited, which may not be there yet.
    ///
    /// # Errors
    /// If there are several, or none can be made.
    pub fn to_edit(self, document: &Document, profile: &str) -> Result<String, Refused> {
        let mine = |section: &&str| self.profile(section).as_deref() == Some(profile);
        let sections: Vec<&str> = document.names().filter(mine).collect();
        match sections.as_slice() {
            [] => self
                .new_section(profile)
                .map_err(|why| Refused { line: 1, why }),
            [section] => Ok((*section).to_owned()),
            [first, .., last] => Err(Refused {
                line: document.line(last).unwrap_or(1),
                why: format!(
                    "[{first}] and [{last}] are both the profile {profile}, and tools differ in \
                     which of them they read: make one section of the two"
                ),
            }),
        }
    }
}

/// The words of a section's name, as Python's `shlex.split` has them, unless a quote stays open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(characters.next()?),
            '\'' | '"' => quoted(character, &mut characters, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// Reads to the closing quote. In double quotes a backslash quotes itself and the quote.
fn quoted(quote: char, text: &mut impl Iterator<Item = char>, word: &mut String) -> Option<()> {
    loop {
        match text.next()? {
            character if character == quote => return Some(()),
            '\\' if quote == '"' => match text.next()? {
                escaped @ ('\\' | '"') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}
