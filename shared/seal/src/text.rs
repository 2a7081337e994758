//! OpenPGP out of the forms of text that people have it in.
//!
//! Terraform wants base64 without armor, `PowerShell` writes UTF-16, editors a byte order mark,
//! variables and JSON keep a line break as two characters, and forms lose it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Layers that are taken off: base64 of an armored file that is in UTF-16 is two of them.
const MAX_LAYERS: usize = 4;

/// Fewest characters of a line that is base64 for certain, and no word of a comment. Full lines
/// have 64 or 76.
const MIN_BASE64: usize = 40;

/// The start of every armor's first line.
const BEGIN: &str = "-----BEGIN PGP";

/// The first line of a certificate's armor.
const BEGIN_CERTIFICATE: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// The start of every armor's last line.
const END: &str = "-----END PGP";

/// Base64 as it comes: some programs leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A content without what surrounded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Packets of OpenPGP, or what may be some.
    Binary(Vec<u8>),
    /// Text: armored OpenPGP, or none at all.
    Text(String),
}

impl Content {
    /// Takes off whatever surrounds the OpenPGP in `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut current = Cow::Borrowed(bytes);
        let mut text = String::new();
        for _ in 0..MAX_LAYERS {
            if is_binary(&current) {
                return Self::Binary(current.into_owned());
            }
            text = without_escapes(&text_of(&current));
            match inner(&text) {
                Some(inner) => current = Cow::Owned(inner),
                None => return Self::Text(text),
            }
        }
        Self::Text(text)
    }

    /// The content as a parser of OpenPGP reads it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// The number of times that the text has a phrase; 0 for what is no text.
    pub(crate) fn count(&self, phrase: &str) -> usize {
        match self {
            Self::Binary(_) => 0,
            Self::Text(text) => text.matches(phrase).count(),
        }
    }
}

/// True if the bytes begin as a packet does: with the topmost bit set, which no text has (RFC 9580,
/// section 4.2). A byte order mark is text.
fn is_binary(bytes: &[u8]) -> bool {
    let is_marked =
        bytes.starts_with(b"\xEF\xBB\xBF") || matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    !is_marked && bytes.first().is_some_and(|first| first & 0x80 != 0)
}

/// The text in whichever encoding it is.
fn text_of(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [first, 0, ..] if first.is_ascii() => utf16(bytes, u16::from_le_bytes),
        [0, second, ..] if second.is_ascii() => utf16(bytes, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _odd) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// The text as it was before it was put into quotes, as JSON, shells and variables do. A byte order
/// mark goes from wherever it came to be, as in files that were joined.
fn without_escapes(text: &str) -> String {
    text.replace('\u{feff}', "")
        .trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace("\\/", "/")
}

/// Bytes that the text holds in base64: all of it, or the armor of a certificate whose lines were
/// joined.
fn inner(text: &str) -> Option<Vec<u8>> {
    if !text.contains(BEGIN) {
        return bytes_of(text.split_whitespace());
    }
    if text.matches(BEGIN).count() != 1 || text.lines().any(is_first_line) {
        return None;
    }
    let (_, armored) = text.split_once(BEGIN_CERTIFICATE)?;
    let (body, _) = armored.split_once(END)?;
    let is_header = |word: &&str| word.len() < MIN_BASE64;
    bytes_of(body.split_whitespace().skip_while(is_header))
}

/// True for an armor's first line, which stands alone.
fn is_first_line(line: &str) -> bool {
    line.trim_end().ends_with("-----") && line.contains(BEGIN) && !line.contains(END)
}

/// Decodes words that together are base64 of OpenPGP, or of a text that may hold some.
fn bytes_of<'a>(words: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let joined: String = words.collect();
    if joined.len() < MIN_BASE64 {
        return None;
    }
    let bytes = BASE64.decode(without_checksum(&joined)).ok()?;
    let is_text = |text: &str| {
        let mut characters = text.chars();
        characters.all(|c| c.is_ascii_graphic() || c.is_ascii_whitespace())
    };
    (is_binary(&bytes) || is_text(&text_of(&bytes))).then_some(bytes)
}

/// Base64 without the armor's checksum: `=` and four more characters (RFC 9580, section 6.1).
fn without_checksum(base64: &str) -> &str {
    let at = base64.len().saturating_sub(5);
    match base64.split_at_checked(at) {
        Some((body, checksum)) if checksum.rfind('=') == Some(0) => body,
        _ => base64,
    }
}
