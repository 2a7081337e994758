//! Looks for secrets where they must not be.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, fmt};

/// Shortest piece of a secret that counts as a leak, in bytes.
pub const WINDOW: usize = 8;

/// A piece of a secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which of the texts it is in.
    pub text: usize,
    /// Where in it, in bytes.
    pub at: usize,
    /// How it was written there.
    pub written: &'static str,
}

/// Finds every piece of eight bytes of any secret in any text: as it is, and in hexadecimal digits,
/// percent-encoding, and base64 at any alignment.
pub fn scan<'a>(
    secrets: impl IntoIterator<Item = &'a String>,
    texts: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Vec<Leak> {
    let mut pieces: HashMap<Vec<u8>, &'static str> = HashMap::new();
    for secret in secrets {
        for (written, form) in forms(secret) {
            pieces.extend(
                form.windows(WINDOW)
                    .map(|window| (window.to_vec(), written)),
            );
        }
    }
    let mut leaks = Vec::new();
    for (text, bytes) in texts.into_iter().enumerate() {
        for (at, window) in bytes.as_ref().windows(WINDOW).enumerate() {
            leaks.extend(pieces.get(window).map(|written| Leak { text, at, written }));
        }
    }
    leaks
}

fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = secret.replace('+', "%2B").replace('/', "%2F");
    let mut forms = vec![
        ("as it is", secret.as_bytes().to_vec()),
        ("in hexadecimal digits", hex.to_uppercase().into_bytes()),
        ("in hexadecimal digits", hex.into_bytes()),
        ("percent-encoded", percent.into_bytes()),
    ];
    for shift in 0..3 {
        // What stands before the secret shifts its base64; the digits at both edges mix with it.
        let shifted = [vec![0; shift], secret.as_bytes().to_vec()].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&shifted);
            let inside = text.get(4..text.len() - 4).unwrap_or_default();
            forms.push(("in base64", inside.as_bytes().to_vec()));
        }
    }
    forms
}

/// Everything that is logged, at every level.
#[derive(Debug, Clone, Default)]
pub struct LogCapture(Arc<Mutex<Vec<u8>>>);

impl LogCapture {
    /// Runs something, and captures what it logs in this thread.
    pub fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        // A place in the code that first logs in another test's thread, where nobody listens, would
        // be taken by tracing for one that nobody listens to anywhere. With a listener everywhere,
        // who drops it all, it is not.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| drop(tracing::subscriber::set_global_default(Registry::default())));
        let layer = fmt::layer()
            .with_writer(self.clone())
            .with_ansi(false)
            .with_span_events(fmt::format::FmtSpan::FULL);
        tracing::subscriber::with_default(Registry::default().with(layer), run)
    }

    /// Everything that was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for LogCapture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogCapture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn found(text: &str) -> Vec<&'static str> {
        let mut written: Vec<_> = scan([&SECRET.to_owned()], [text])
            .into_iter()
            .map(|leak| leak.written)
            .collect();
        written.dedup();
        written
    }

    #[test]
    fn a_leak_is_found_however_it_is_written() {
        assert_eq!(found(&format!("error: {}", &SECRET[10..18])), ["as it is"]);
        assert_eq!(
            found("hex 4b374d44454e472b6250785266"),
            ["in hexadecimal digits"]
        );
        assert_eq!(found("url FEMI%2FK7M"), ["percent-encoded"]);
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD.encode(format!("{before}{SECRET}xyz"));
            assert_eq!(found(&text), ["in base64"], "{before:?}");
        }
    }

    #[test]
    fn what_is_no_secret_is_no_leak() {
        assert!(found("wJalrXU tnFEMI/ K7MDENG").is_empty());
        assert!(found("-----BEGIN PGP MESSAGE-----").is_empty());
    }

    #[test]
    fn everything_logged_is_captured() {
        let log = LogCapture::default();
        log.during(|| tracing::trace!(field = "in a field", "in a message"));
        assert!(log.text().contains("in a field") && log.text().contains("in a message"));
    }
}
