//! The CSV of several accounts, made of each account's own.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::mail::MOST_ATTACHED;
use crate::store::codec::{COLUMNS, CodecError, uncompressed};

/// The CSV of several accounts, as far as they were added. In memory it is compressed, and only as
/// long as it fits a mail it is there uncompressed, too.
#[derive(Debug)]
pub struct CsvFile {
    zipped: GzEncoder<Vec<u8>>,
    plain: Option<Vec<u8>>,
}

/// A CSV that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoneCsv {
    /// It fits a mail.
    Small(Vec<u8>),
    /// It does not; compressed.
    Large(Vec<u8>),
}

impl CsvFile {
    /// A CSV with nothing but the columns' names.
    ///
    /// # Errors
    /// None that memory could give rise to.
    pub fn new() -> Result<Self, CodecError> {
        let header = format!("{}\n", COLUMNS.join(",")).into_bytes();
        let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
        zipped.write_all(&header)?;
        Ok(Self {
            zipped,
            plain: Some(header),
        })
    }

    /// Adds an account's CSV, as the store has it.
    ///
    /// # Errors
    /// If it is not whole.
    pub fn add(&mut self, findings: &[u8]) -> Result<(), CodecError> {
        let csv = uncompressed(findings)?;
        let header = csv.iter().position(|byte| *byte == b'\n');
        let lines = header
            .and_then(|end| csv.get(end + 1..))
            .unwrap_or_default();
        self.zipped.write_all(lines)?;
        self.plain = self
            .plain
            .take()
            .filter(|plain| plain.len() + lines.len() <= MOST_ATTACHED);
        if let Some(plain) = &mut self.plain {
            plain.extend_from_slice(lines);
        }
        Ok(())
    }

    /// The CSV.
    ///
    /// # Errors
    /// None that memory could give rise to.
    pub fn finish(self) -> Result<DoneCsv, CodecError> {
        match self.plain {
            Some(plain) => Ok(DoneCsv::Small(plain)),
            None => Ok(DoneCsv::Large(self.zipped.finish()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::compressed;

    #[test]
    fn accounts_have_one_header_together_and_a_large_csv_is_kept_compressed() {
        let account = |lines: &str| {
            let text = format!("{}\n{lines}", COLUMNS.join(","));
            compressed(text.as_bytes()).unwrap()
        };
        let mut csv = CsvFile::new().unwrap();
        for lines in ["a,1\n", "", "b,2\n"] {
            csv.add(&account(lines)).unwrap();
        }
        let expected = format!("{}\na,1\nb,2\n", COLUMNS.join(","));
        let done = csv.finish().unwrap();
        assert_eq!(done, DoneCsv::Small(expected.into_bytes()));

        let mut large = CsvFile::new().unwrap();
        large
            .add(&account(&"x\n".repeat(MOST_ATTACHED / 2)))
            .unwrap();
        large.add(&account("last\n")).unwrap();
        let DoneCsv::Large(zipped) = large.finish().unwrap() else {
            panic!("attached")
        };
        assert!(zipped.len() < MOST_ATTACHED / 10);
        assert!(uncompressed(&zipped).unwrap().ends_with(b"x\nlast\n"));
    }
}
