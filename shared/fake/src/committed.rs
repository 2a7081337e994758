//! Texts that people have looked at and committed: tables of plans, books of messages.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Holds a text against a committed file. With `BLESS=1` the file is written anew; look at it.
pub fn assert_as_committed(file: impl AsRef<Path>, text: &str) {
    compare(file.as_ref(), text, env::var_os("BLESS").is_some());
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn compare(file: &Path, text: &str, bless: bool) {
    if bless {
        fs::write(file, text)
            .unwrap_or_else(|error| panic!("can't write {}: {error}", file.display()));
    }
    let committed = fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("can't read {}: {error}", file.display()));
    for (number, (committed, line)) in committed.lines().zip(text.lines()).enumerate() {
        assert_eq!(
            committed,
            line,
            "{}:{}; BLESS=1 writes it anew",
            file.display(),
            number + 1
        );
    }
    assert!(
        committed == text,
        "{} ends elsewhere; BLESS=1 writes it anew",
        file.display()
    );
}

/// Every message of a function, as people read it, in `tests/messages.txt` of its crate. The Slack
/// messages and mails themselves go into the folder that `MESSAGES` names, if it names one, for the
/// check against Slack's own schema.
#[derive(Debug)]
pub struct Book {
    crate_folder: PathBuf,
    messages_folder: Option<OsString>,
    text: String,
    pages: usize,
}

impl Book {
    /// The book of a crate: `Book::of(env!("CARGO_MANIFEST_DIR"))`.
    pub fn of(crate_folder: impl Into<PathBuf>) -> Self {
        let messages_folder = env::var_os("MESSAGES");
        Self {
            crate_folder: crate_folder.into(),
            messages_folder,
            text: String::new(),
            pages: 0,
        }
    }

    /// Adds a message: how it reads, and itself in each format, by its file's extension.
    #[expect(clippy::panic, reason = "a test fails by panicking")]
    pub fn add(&mut self, name: &str, reads: &str, itself: &[(&str, &str)]) {
        self.text.push_str(&format!("=== {name}\n{reads}\n"));
        let function = self
            .crate_folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        for (extension, bytes) in itself {
            let Some(folder) = &self.messages_folder else {
                continue;
            };
            let file = Path::new(folder).join(format!("{function}-{}.{extension}", self.pages));
            fs::write(&file, bytes)
                .unwrap_or_else(|error| panic!("can't write {}: {error}", file.display()));
        }
        self.pages += 1;
    }

    /// Holds all of it against what people last looked at.
    pub fn assert_as_committed(self) {
        assert!(self.pages > 0, "the book is empty");
        assert_as_committed(self.crate_folder.join("tests/messages.txt"), &self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_the_same_until_it_is_blessed_and_leaves_each_message() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tests")).unwrap();
        let mut book = Book {
            messages_folder: Some(folder.path().into()),
            ..Book::of(folder.path())
        };
        book.add("ready", "payments is ready\n", &[("json", "{}")]);
        assert_eq!(book.text, "=== ready\npayments is ready\n\n");
        let function = folder.path().file_name().unwrap().to_string_lossy();
        assert_eq!(
            fs::read_to_string(folder.path().join(format!("{function}-0.json"))).unwrap(),
            "{}"
        );
        let file = folder.path().join("tests/messages.txt");
        compare(&file, &book.text, true);
        book.assert_as_committed();
    }

    #[test]
    #[should_panic = "ends elsewhere"]
    fn a_text_that_ends_elsewhere_is_not_as_committed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.txt");
        compare(&file, "one\ntwo\n", true);
        compare(&file, "one\n", false);
    }
}
