//! The place of a signature in a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The beginning of the line that holds the signature.
const BEGIN: &str = "{\"signature\":\"";

/// The end of that line, and the empty line after it.
const END: &str = "\"}\n\n";

/// The SHA-256 of a text, which is what is signed.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Returns the text with its signature (DER) as the second line. A text of one line has no place
/// for it, and comes back as it was.
///
/// ```
/// let signed = banto_receipt::with_signature("{}\n\nenvelope", &[48, 0]);
/// assert_eq!(signed, "{}\n{\"signature\":\"MAA=\"}\n\nenvelope");
/// ```
pub fn with_signature(text: &str, signature: &[u8]) -> String {
    match text.split_once("\n\n") {
        Some((header, envelope)) => {
            let signature = STANDARD.encode(signature);
            format!("{header}\n{BEGIN}{signature}{END}{envelope}")
        }
        None => text.to_owned(),
    }
}

/// Returns the text that was signed, and its signature in base64; the text as it is if it has none.
pub fn without_signature(text: &str) -> (String, Option<&str>) {
    match parts(text) {
        Some((header, signature, envelope)) => (format!("{header}\n\n{envelope}"), Some(signature)),
        None => (text.to_owned(), None),
    }
}

/// The first line, the signature, and what follows.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (header, rest) = text.split_once('\n')?;
    let (signature, envelope) = rest.strip_prefix(BEGIN)?.split_once(END)?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    signature
        .bytes()
        .all(is_base64)
        .then_some((header, signature, envelope))
}
