//! `SHA256SUMS`, as `sha256sum` writes it.

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// The file's name.
pub(super) const FILE: &str = "SHA256SUMS";

/// Returns a file's hash in hexadecimal digits.
pub(super) fn sum(bytes: &[u8]) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    Sha256::digest(bytes).iter().map(digits).collect()
}

/// Files' names with their hashes.
#[derive(Debug)]
pub(super) struct Sums<'t>(Vec<(&'t str, &'t str)>);

impl<'t> Sums<'t> {
    /// # Errors
    /// If a line is not a hash and a name. (GNU Coreutils manual, "sha2 utilities": two characters
    /// stand between them, of which the second is a space or an asterisk.)
    pub(super) fn parse(text: &'t str) -> Result<Self> {
        let line = |(number, line): (usize, &'t str)| {
            let parsed = line.split_once(' ').and_then(|(sum, name)| {
                let name = name.strip_prefix([' ', '*'])?;
                let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_sum.then_some((name.strip_prefix("./").unwrap_or(name), sum))
            });
            parsed.with_context(|| format!("line {} is not a SHA-256 and a name", number + 1))
        };
        let lines = text.lines().enumerate().map(line);
        lines.collect::<Result<_>>().map(Self)
    }

    /// True if a file has a hash.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(of, _)| *of == name)
    }

    /// Says what is wrong with a file, if it is not as its hash says.
    ///
    /// A file without a hash is wrong, too: nobody vouches for it.
    pub(super) fn check(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let mut listed = self.0.iter().filter(|(of, _)| *of == name).peekable();
        if listed.peek().is_none() {
            return Err(format!("{name} is not listed"));
        }
        let sum = sum(bytes);
        match listed.find(|(_, listed)| !listed.eq_ignore_ascii_case(&sum)) {
            Some((_, listed)) => Err(format!("{name} is {sum}, and not {listed}")),
            None => Ok(()),
        }
    }
}
