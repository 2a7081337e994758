//! The loop: sets the function up once, then hands it one event after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::{Invocation, InvocationError, Response, logs};

/// What people read in place of a panic's own words, which might hold anything.
const PANICKED: &str = "the function panicked; its log names the place in the code";

/// Runs a function: `setup` once, before the first event; then `handle` for each event's bytes.
///
/// A setup that fails is logged, told to Lambda, and ends the process. A failure is logged here,
/// once. A panic ends its invocation only; neither log nor answer repeats its message.
pub fn run<T, S, H>(setup: S, handle: H) -> ExitCode
where
    S: FnOnce() -> anyhow::Result<T>,
    H: AsyncFn(&T, &[u8], &Invocation) -> Result<Response, InvocationError>,
{
    logs::init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        tracing::error!(panic.location = place, "the function panicked");
    }));
    match run_or_fail(setup, handle) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the function can't start");
            tell_lambda(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run_or_fail<T, S, H>(setup: S, handle: H) -> anyhow::Result<()>
where
    S: FnOnce() -> anyhow::Result<T>,
    H: AsyncFn(&T, &[u8], &Invocation) -> Result<Response, InvocationError>,
{
    // One event at a time: more threads would only cost.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let function = Arc::new((setup()?, handle));
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (function, name) = (Arc::clone(&function), name.clone());
        async move {
            let (state, handle) = function.as_ref();
            let request_id = event.context.request_id;
            let span = tracing::info_span!("invocation", request.id = request_id);
            let handled = async {
                let invocation = Invocation::new(request_id.clone(), event.context.deadline)
                    .map_err(|error| InvocationError::new("NoRandomness", error))?;
                handle(state, event.payload.get().as_bytes(), &invocation).await
            };
            let outcome = AssertUnwindSafe(handled)
                .catch_unwind()
                .instrument(span.clone())
                .await;
            span.in_scope(|| answer(outcome.ok(), &name))
        }
    });
    runtime
        .block_on(lambda_runtime::run(service))
        .map_err(|error| anyhow::anyhow!("the runtime ended: {error}"))
}

/// Turns what became of an invocation (nothing, if it panicked) into what Lambda is told.
fn answer(
    outcome: Option<Result<Response, InvocationError>>,
    function: &str,
) -> Result<serde_json::Value, Diagnostic> {
    match outcome {
        Some(Ok(answer)) => {
            if let Some(line) = answer.metrics.line(function, Timestamp::now()) {
                print_line(&line);
            }
            Ok(answer.body)
        }
        Some(Err(failure)) => {
            let message = failure.to_string();
            tracing::error!(
                error.kind = failure.kind,
                error = message,
                "the invocation failed"
            );
            Err(Diagnostic {
                error_type: failure.kind.to_owned(),
                error_message: message,
            })
        }
        None => Err(Diagnostic {
            error_type: "Panic".to_owned(),
            error_message: PANICKED.to_owned(),
        }),
    }
}

/// Prints a line of metrics. A reader that has gone is no reason to fail.
fn print_line(line: &str) {
    let _reader_is_gone = writeln!(std::io::stdout().lock(), "{line}").is_err();
}

/// Tells Lambda why the function can't start (Lambda developer guide, "Runtime API", initialization
/// error). The log has it already, so that nothing more can be done if this fails.
fn tell_lambda(message: &str) {
    let Ok(address) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let body = serde_json::json!({ "errorType": "Setup", "errorMessage": message }).to_string();
    let request = format!(
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: Setup\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let told = TcpStream::connect(&address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(request.as_bytes())?;
        stream.read(&mut [0; 64])
    });
    if let Err(error) = told {
        tracing::warn!(%error, "Lambda could not be told of the failed start");
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;
    use crate::Metrics;

    #[test]
    fn a_failure_is_told_with_its_kind_and_all_its_causes() {
        let error = Err::<(), _>(anyhow!("the cause"))
            .context("what failed")
            .unwrap_err();
        let told = answer(
            Some(Err(InvocationError::new("UnknownEvent", error))),
            "function",
        )
        .unwrap_err();
        assert_eq!(
            (told.error_type.as_str(), told.error_message.as_str()),
            ("UnknownEvent", "what failed: the cause")
        );
    }

    #[test]
    fn a_panic_is_told_without_its_message() {
        let outcome = async { panic!("confidential") };
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let outcome: Option<Result<Response, InvocationError>> = AssertUnwindSafe(outcome)
            .catch_unwind()
            .now_or_never()
            .and_then(Result::ok);
        std::panic::set_hook(hook);
        let told = answer(outcome, "function").unwrap_err();
        assert_eq!(told.error_type, "Panic");
        assert!(!told.error_message.contains("confidential"));
    }

    #[test]
    fn a_response_is_told_as_it_is() {
        let response = serde_json::json!({ "dryRun": true });
        let given = Response {
            body: response.clone(),
            metrics: Metrics::default(),
        };
        assert_eq!(answer(Some(Ok(given)), "function").unwrap(), response);
    }
}
