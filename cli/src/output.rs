//! What a command says on standard output.

use std::io::{self, Write as _};

/// Writes a line, or several, for whoever reads them. A reader that has gone is no reason to fail.
pub(crate) fn line(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Writes a line, or several, to standard error.
pub(crate) fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
