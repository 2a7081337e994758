//! Logs: JSON on Lambda, readable on a terminal; both on standard error.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// Crates beneath whose own news matter only to whoever asks for them by name.
const BENEATH: [&str; 12] = [
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sdk",
    "aws_sigv4",
    "aws_smithy",
    "h2",
    "hyper",
    "hyper_util",
    "log",
    "rustls",
    "tower",
];

/// Begins to log, as the environment says.
pub(crate) fn init() {
    log_from("info");
}

/// Begins to log what is as grave as this or graver, unless the environment says otherwise.
pub fn log_from(level: &str) {
    let is_lambda = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
    let is_terminal = std::io::stderr().is_terminal();
    let colour = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let wanted = std::env::var("BANTO_LOG").ok();
    let filter = filter(wanted.as_deref().or(Some(level)));
    let layer = if is_lambda && !is_terminal {
        json(std::io::stderr).with_filter(filter).boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(colour)
            .with_filter(filter)
            .boxed()
    };
    // Fails only where someone else logs already, as in a test.
    let _someone_logs = Registry::default().with(layer).try_init().is_err();
}

fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
}

/// Reads what is to be logged: `BANTO_LOG` is a level, or levels by crate as in
/// `info,banto_aws=debug`. `trace` alone is everything of everyone.
fn filter(wanted: Option<&str>) -> Targets {
    let wanted = wanted.unwrap_or("info");
    if let Ok(level) = wanted.parse::<LevelFilter>() {
        let all = Targets::new().with_default(level);
        return if level == LevelFilter::TRACE {
            all
        } else {
            hush(all)
        };
    }
    // A word that is no level would be taken for a crate, and everything else fall silent.
    match wanted.parse::<Targets>() {
        Ok(targets) if wanted.contains('=') => targets,
        _ => hush(Targets::new().with_default(LevelFilter::INFO)),
    }
}

fn hush(targets: Targets) -> Targets {
    // The runtime repeats each failure that was handled, and logged, here.
    let targets = targets.with_target("lambda_runtime", LevelFilter::OFF);
    BENEATH.iter().fold(targets, |targets, name| {
        targets.with_target(*name, LevelFilter::WARN)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_with_the_request_it_belongs_to() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = Registry::default().with(json(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("invocation", request.id = "4f1c").entered();
            tracing::info!(account.id = "111122223333", "rotation planned");
        });
        let line: serde_json::Value = serde_json::from_slice(&buffer.0.lock().unwrap()).unwrap();
        assert_eq!(line["message"], "rotation planned");
        assert_eq!(line["account.id"], "111122223333");
        assert_eq!(line["span"]["request.id"], "4f1c");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn crates_beneath_are_quiet_unless_asked_for() {
        let quiet = filter(Some("debug"));
        assert!(quiet.would_enable("rotate_access_keys", &Level::DEBUG));
        assert!(!quiet.would_enable("aws_smithy_runtime::client", &Level::INFO));
        assert!(!quiet.would_enable("lambda_runtime::layers", &Level::ERROR));
        assert!(
            filter(Some("info,aws_smithy_runtime=debug"))
                .would_enable("aws_smithy_runtime", &Level::DEBUG)
        );
        assert!(filter(Some("trace")).would_enable("aws_smithy_runtime", &Level::TRACE));
        assert!(filter(None).would_enable("banto_notice", &Level::INFO));
        assert!(filter(Some("no such level")).would_enable("banto_notice", &Level::INFO));
    }
}
