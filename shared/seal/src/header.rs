//! The first packet of a file, as far as its header says: enough to name what can't be parsed.

use std::io::Read as _;

use sequoia_openpgp as openpgp;

use openpgp::armor::{Reader, ReaderMode};
use openpgp::packet::Tag;

use crate::text::Content;

/// Bytes of a packet that are looked at: at most six are header, and one is the version.
const LENGTH: u64 = 7;

/// The first packet's kind, and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The kind of the packet.
    pub(crate) tag: Tag,
    /// The version of a key, which is the first byte of its body.
    pub(crate) version: u8,
}

impl Header {
    /// Reads the header; `None` if the content begins as no versioned packet does.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let mut bytes = Vec::new();
        match content {
            Content::Binary(all) => bytes.extend(all.iter().take(LENGTH as usize)),
            Content::Text(text) => {
                let mode = ReaderMode::Tolerant(None);
                let armor = Reader::from_bytes(text.as_bytes(), mode);
                armor.take(LENGTH).read_to_end(&mut bytes).ok()?;
            }
        }
        let (first, rest) = bytes.split_first()?;
        if first & 0x80 == 0 {
            return None;
        }
        let header = if first & 0x40 != 0 {
            Self::new(first & 0x3F, rest, new_length(*rest.first()?))
        } else {
            Self::new((first >> 2) & 0x0F, rest, old_length(first & 0x03))
        };
        header.filter(|header| (2..=6).contains(&header.version))
    }

    fn new(tag: u8, rest: &[u8], length: usize) -> Option<Self> {
        Some(Self {
            tag: Tag::from(tag),
            version: *rest.get(length)?,
        })
    }

    /// True for a key of a version that is neither 4 nor 6.
    pub(crate) fn is_foreign_key(self) -> bool {
        self.tag == Tag::PublicKey && !matches!(self.version, 4 | 6)
    }
}

/// Bytes of the length that begins with `first`, in a packet of today's format (RFC 9580, section
/// 4.2.1).
fn new_length(first: u8) -> usize {
    match first {
        0..=191 => 1,
        192..=223 => 2,
        224..=254 => 1,
        255 => 5,
    }
}

/// Bytes of the length of a packet of the legacy format, by its length type (RFC 9580, section
/// 4.2.2).
fn old_length(kind: u8) -> usize {
    match kind {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 0,
    }
}
