//! Zips of a few files: the same bytes for the same files, wherever and whenever.
//!
//! All that a zip needs beside flate2, which Banto has anyway, is three headers of fixed fields. The
//! crate `zip` would ask the whole workspace's `zeroize` for another feature, and the SDK beneath
//! every function would be built again. Numbers and names are those of PKWARE's APPNOTE.TXT 6.3.10.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A file of a zip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    /// The permissions' bits, such as `0o755`.
    pub(super) mode: u16,
    pub(super) bytes: &'a [u8],
}

/// 2.0: the first version that could inflate (4.4.3.2).
const VERSION: u16 = 20;

/// Made by UNIX, so that the upper half of the external attributes is a UNIX mode (4.4.2.2).
const MADE_BY: u16 = 3 << 8 | VERSION;

/// Names are UTF-8, sizes stand before the bytes (4.4.4, bits 11 and 3).
const FLAGS: u16 = 1 << 11;

/// Deflated (4.4.5).
const METHOD: u16 = 8;

/// Midnight of 1 January 1980, the first day that a zip can name (4.4.6): no clock is read.
const TIME: u16 = 0;
const DATE: u16 = 1 << 5 | 1;

/// A regular file, in a UNIX mode (`S_IFREG`).
const REGULAR: u16 = 0o100_000;

/// Zips files in this order.
///
/// # Errors
/// If they are too large for a zip without the 64-bit extensions, which begin at 4 GiB.
pub(super) fn zip(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = size(zip.len())?;
        let deflated = deflate(entry.bytes)?;
        let described = describe(entry, &deflated)?;
        // 4.3.7, local file header.
        zip.extend(b"PK\x03\x04");
        zip.extend(&described);
        zip.extend(entry.name.bytes());
        zip.extend(deflated);
        // 4.3.12, central directory header.
        directory.extend(b"PK\x01\x02");
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(described);
        // No comment, on the first disk, nothing known of the contents.
        directory.extend([0; 6]);
        // MS-DOS's attributes are the lower half.
        directory.extend((u32::from(REGULAR | entry.mode) << 16).to_le_bytes());
        directory.extend(offset);
        directory.extend(entry.name.bytes());
    }
    let offset = size(zip.len())?;
    let count = u16::try_from(entries.len())
        .context("too many files")?
        .to_le_bytes();
    let length = size(directory.len())?;
    zip.extend(directory);
    // 4.3.16, end of central directory record: all on the first disk.
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count);
    zip.extend(count);
    zip.extend(length);
    zip.extend(offset);
    // No comment.
    zip.extend([0; 2]);
    Ok(zip)
}

/// Returns the fields that both headers of a file have, from the version to the extra field's length.
fn describe(entry: &Entry<'_>, deflated: &[u8]) -> Result<Vec<u8>> {
    let mut crc = Crc::new();
    crc.update(entry.bytes);
    let name = u16::try_from(entry.name.len()).context("the name is too long")?;
    let mut fields = Vec::new();
    for field in [VERSION, FLAGS, METHOD, TIME, DATE] {
        fields.extend(field.to_le_bytes());
    }
    fields.extend(crc.sum().to_le_bytes());
    fields.extend(size(deflated.len())?);
    fields.extend(size(entry.bytes.len())?);
    fields.extend(name.to_le_bytes());
    // No extra field: it would hold times and owners.
    fields.extend([0; 2]);
    Ok(fields)
}

fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn size(size: usize) -> Result<[u8; 4]> {
    let size = u32::try_from(size).context("larger than 4 GiB")?;
    Ok(size.to_le_bytes())
}
