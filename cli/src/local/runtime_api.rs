//! The Lambda Runtime API on the loopback interface, and a function that runs under it.
//!
//! Speaks the protocol of the Lambda developer guide, "Using the Lambda runtime API", version
//! 2018-06-01, so that a function's real binary runs here as it is.

use std::collections::HashMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::http::{Answer, Server, response};

/// Every path of the protocol begins so.
const PREFIX: &str = "/2018-06-01/runtime/";

/// Largest response of a function, in bytes. (Lambda developer guide, "Lambda quotas".)
const MAX_RESPONSE: usize = 6 * 1024 * 1024;

/// Longest time until a function asks for its first invocation. (Lambda developer guide, "Lambda
/// execution environment": the init phase is limited to 10 seconds.)
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The account in the function's ARN.
const ACCOUNT: &str = "111122223333";

/// A function's process under its own Runtime API, until it is dropped: one execution environment.
#[derive(Debug)]
pub struct Function {
    child: Child,
    name: String,
    region: String,
    init_duration: Duration,
    api: Arc<Api>,
    _server: Server,
    log: Arc<Mutex<Vec<u8>>>,
    readers: [JoinHandle<()>; 2],
}

/// An invocation that came to no response, as Lambda tells it to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct InvocationError {
    /// `errorType`: the function's own word, or one of Lambda's, like `Runtime.ExitError`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
}

impl InvocationError {
    fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: message.into(),
        }
    }

    /// Reads what a function posts to an error endpoint. Callers are given the body; the header,
    /// which AWS's own runtime for Rust always sets to `unhandled`, is for Lambda's telemetry.
    fn from_post(headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let header = headers
            .get("lambda-runtime-function-error-type")
            .and_then(|value| value.to_str().ok());
        let error_type = text("errorType").or_else(|| header.map(str::to_owned));
        Self {
            error_type: error_type.unwrap_or_else(|| "Unhandled".to_owned()),
            message: text("errorMessage").unwrap_or_default(),
        }
    }
}

/// The outcome of an invocation.
type Outcome = Result<Value, InvocationError>;

/// The server's side of the protocol.
#[derive(Debug)]
struct Api {
    /// Where invocations wait until the function asks for the next.
    queue: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    invocations: mpsc::UnboundedSender<Invocation>,
    in_flight: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// Told once: the function asked for its first invocation, or why it never will.
    init: Mutex<Option<oneshot::Sender<Result<(), InvocationError>>>>,
}

/// An invocation on its way to the function.
#[derive(Debug)]
struct Invocation {
    request_id: String,
    event: Bytes,
    deadline: Timestamp,
    function_arn: String,
    outcome: oneshot::Sender<Outcome>,
}

impl Function {
    /// Starts the function's binary with these environment variables, besides those that Lambda
    /// sets itself, and waits until it asks for its first invocation.
    ///
    /// The function inherits nothing else of this process's environment.
    pub async fn start(
        binary: &Path,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvocationError> {
        let exit_error = |error: anyhow::Error| {
            InvocationError::new("Runtime.InvalidEntrypoint", format!("{error:#}"))
        };
        let (ready, asked) = oneshot::channel();
        let api = Arc::new(Api::new(ready));
        let handler = api.clone();
        let server = Server::start(move |request| answer(handler.clone(), request))
            .await
            .map_err(exit_error)?;

        let name = binary
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut variables = reserved_variables(&name, &server.address());
        variables.extend(env);
        let region = variables.get("AWS_REGION").cloned().unwrap_or_default();
        let started = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C goes to the whole group of a terminal's processes, but a function is ended in
            // order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't run {}", binary.display()))
            .map_err(exit_error)?;
        let log = Arc::default();
        let readers = [
            capture(child.stdout.take(), &log),
            capture(child.stderr.take(), &log),
        ];

        let initialised = tokio::select! {
            biased;
            told = asked => told.unwrap_or_else(|_| Err(InvocationError::new("Runtime.Unknown", "no answer"))),
            status = child.wait() => Err(exited(status, "during init")),
            () = tokio::time::sleep(INIT_TIMEOUT) => Err(timed_out(INIT_TIMEOUT)),
        };
        let function = Self {
            child,
            name,
            region,
            init_duration: started.elapsed(),
            api,
            _server: server,
            log,
            readers,
        };
        match initialised {
            Ok(()) => Ok(function),
            Err(mut error) => {
                let log = function.stop().await;
                error.message = format!("{}\n{}", error.message, String::from_utf8_lossy(&log))
                    .trim_end()
                    .to_owned();
                Err(error)
            }
        }
    }

    /// Invokes the function and waits for its response, its error or its end. As in Lambda, a
    /// function that is late is killed; one that has ended answers no more.
    pub async fn invoke(
        &mut self,
        event: &Value,
        timeout: Duration,
    ) -> Result<Value, InvocationError> {
        let (outcome, answered) = oneshot::channel();
        let invocation = Invocation {
            request_id: request_id(),
            event: event.to_string().into(),
            deadline: Timestamp::now() + timeout,
            function_arn: format!(
                "arn:aws:lambda:{}:{ACCOUNT}:function:{}",
                self.region, self.name
            ),
            outcome,
        };
        let unreachable = || InvocationError::new("Runtime.Unknown", "the Runtime API has ended");
        self.api
            .invocations
            .send(invocation)
            .map_err(|_| unreachable())?;
        tokio::select! {
            biased;
            answer = answered => answer.unwrap_or_else(|_| Err(unreachable())),
            status = self.child.wait() => Err(exited(status, "during the invocation")),
            () = tokio::time::sleep(timeout) => {
                // Whether it could be killed or was gone already: it is not asked again.
                drop(self.child.kill().await);
                Err(timed_out(timeout))
            }
        }
    }

    /// The time from the function's start to its first question for an invocation.
    pub fn init_duration(&self) -> Duration {
        self.init_duration
    }

    /// The id of the process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything that the function has printed so far, on both streams.
    pub fn log(&self) -> Vec<u8> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the function and returns everything that it printed, on both streams.
    pub async fn stop(mut self) -> Vec<u8> {
        // A process that has ended already can't be killed, which is as good.
        drop(self.child.kill().await);
        for reader in &mut self.readers {
            drop(reader.await);
        }
        self.log()
    }
}

impl Api {
    fn new(init: oneshot::Sender<Result<(), InvocationError>>) -> Self {
        let (invocations, queue) = mpsc::unbounded_channel();
        Self {
            queue: AsyncMutex::new(queue),
            invocations,
            in_flight: Mutex::default(),
            init: Mutex::new(Some(init)),
        }
    }

    fn tell_init(&self, told: Result<(), InvocationError>) {
        let init = self
            .init
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Nobody listens once the function was given up.
        drop(init.map(|init| init.send(told)));
    }

    /// Waits for an invocation, for as long as the function does.
    async fn next(&self) -> Answer {
        self.tell_init(Ok(()));
        let Some(invocation) = self.queue.lock().await.recv().await else {
            return Ok(refusal(
                StatusCode::GONE,
                "NoInvocation",
                "the Runtime API has ended",
            ));
        };
        let mut response = response(StatusCode::OK, "application/json", invocation.event);
        let headers = [
            (
                "lambda-runtime-aws-request-id",
                invocation.request_id.clone(),
            ),
            (
                "lambda-runtime-deadline-ms",
                invocation.deadline.as_millisecond().to_string(),
            ),
            (
                "lambda-runtime-invoked-function-arn",
                invocation.function_arn,
            ),
            ("lambda-runtime-trace-id", trace_id()),
        ];
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        in_flight.insert(invocation.request_id, invocation.outcome);
        Ok(response)
    }

    fn finish(&self, request_id: &str, outcome: Outcome) -> Answer {
        let in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(request_id);
        let Some(caller) = in_flight else {
            return Ok(refusal(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "no such invocation is in flight",
            ));
        };
        // Nobody listens once the invocation timed out.
        drop(caller.send(outcome));
        Ok(response(
            StatusCode::ACCEPTED,
            "application/json",
            json!({"status": "OK"}).to_string(),
        ))
    }
}

async fn answer(api: Arc<Api>, request: Request<Bytes>) -> Answer {
    let path = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => api.next().await,
        (&Method::POST, ["invocation", _, "response"]) if request.body().len() > MAX_RESPONSE => {
            Ok(refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "the response is larger than 6 MB",
            ))
        }
        (&Method::POST, ["invocation", id, "response"]) => {
            let outcome = serde_json::from_slice(request.body());
            api.finish(
                id,
                outcome.map_err(|error| {
                    InvocationError::new("Runtime.InvalidResponse", error.to_string())
                }),
            )
        }
        (&Method::POST, ["invocation", id, "error"]) => api.finish(
            id,
            Err(InvocationError::from_post(
                request.headers(),
                request.body(),
            )),
        ),
        (&Method::POST, ["init", "error"]) => {
            api.tell_init(Err(InvocationError::from_post(
                request.headers(),
                request.body(),
            )));
            Ok(response(
                StatusCode::ACCEPTED,
                "application/json",
                json!({"status": "OK"}).to_string(),
            ))
        }
        _ => Ok(refusal(
            StatusCode::NOT_FOUND,
            "NotFound",
            "the Runtime API has no such path",
        )),
    }
}

fn refusal(
    status: StatusCode,
    error_type: &str,
    message: &str,
) -> Response<http_body_util::Full<Bytes>> {
    response(
        status,
        "application/json",
        json!({"errorMessage": message, "errorType": error_type}).to_string(),
    )
}

/// The variables that Lambda sets for every function. (Lambda developer guide, "Defined runtime
/// environment variables".)
fn reserved_variables(name: &str, runtime_api: &str) -> HashMap<String, String> {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_REGION", "us-east-1"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn capture(
    stream: Option<impl AsyncRead + Unpin + Send + 'static>,
    log: &Arc<Mutex<Vec<u8>>>,
) -> JoinHandle<()> {
    let log = log.clone();
    tokio::spawn(async move {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let printed = buffer.get(..read).unwrap_or_default();
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(printed);
        }
    })
}

fn exited(status: std::io::Result<ExitStatus>, when: &str) -> InvocationError {
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    InvocationError::new(
        "Runtime.ExitError",
        format!("the function ended {when}: {how}"),
    )
}

fn timed_out(timeout: Duration) -> InvocationError {
    InvocationError::new(
        "Sandbox.Timedout",
        format!("Task timed out after {:.2} seconds", timeout.as_secs_f64()),
    )
}

/// A random version 4 UUID, as Lambda's request ids are.
fn request_id() -> String {
    let id = random();
    let (clock, node) = (id >> 48 & 0x3fff | 0x8000, id & 0xffff_ffff_ffff);
    format!(
        "{:08x}-{:04x}-4{:03x}-{clock:04x}-{node:012x}",
        id >> 96,
        id >> 80 & 0xffff,
        id >> 64 & 0xfff
    )
}

/// The X-Ray header of an invocation that is not traced.
fn trace_id() -> String {
    let (root, parent) = (format!("{:032x}", random()), format!("{:032x}", random()));
    format!(
        "Root=1-{:08x}-{root:.24};Parent={parent:.16};Sampled=0",
        Timestamp::now().as_second()
    )
}

/// A random number; zero where the system has none to give, which only makes an id less than
/// unique.
fn random() -> u128 {
    let mut bytes = [0; 16];
    let _no_randomness = getrandom::fill(&mut bytes).is_err();
    u128::from_be_bytes(bytes)
}
