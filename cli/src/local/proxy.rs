//! A proxy between an SDK and the local AWS: it records every call and breaks those it is told to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::http::{Answer, Client, HangUp, Server, response};

/// A proxy before one endpoint, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    server: Server,
    state: Arc<State>,
}

/// A call that came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Service and operation, as in `iam:CreateAccessKey`.
    pub operation: String,
    /// The answer's HTTP status; `None` if the connection was closed instead.
    pub status: Option<u16>,
    /// The action that the local AWS found no permission for, as in `iam:CreateAccessKey`.
    pub denied: Option<String>,
    /// The fault that struck it.
    pub fault: Option<Fault>,
    /// The id of the access key that signed it; empty if nobody did.
    pub signed_by: String,
    /// The request's body, if it is JSON; else null.
    pub request: Value,
}

/// Breaks calls of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The operation, as in `iam:CreateAccessKey`; `None` for every one.
    pub operation: Option<String>,
    /// The first call to break, counted from 1 among those that match.
    pub first: usize,
    /// The number of calls in a row to break; a retry is a call.
    pub times: usize,
    /// The way in which they break.
    pub fault: Fault,
}

/// A way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service refuses it as one too many, in its own words.
    Throttled,
    /// The service says that the caller may not, in its own words.
    Denied,
    /// The service fails with status 500, in its own words.
    InternalError,
    /// The service is unavailable, status 503.
    Unavailable,
    /// The connection is closed before the service sees the call.
    LostRequest,
    /// The service carries the call out, but the connection is closed before its answer.
    LostAnswer,
    /// The answer comes this much later.
    Late(Duration),
}

#[derive(Debug)]
struct State {
    target: String,
    client: Client,
    calls: Mutex<Vec<Call>>,
    /// The number of calls that were made before the last reset.
    earlier: AtomicUsize,
    /// The number of calls that came in since then, answered or not.
    arrived: AtomicUsize,
    rules: Mutex<Vec<(Rule, usize)>>,
    recorded: Mutex<BTreeMap<String, Value>>,
    mails: Mutex<Vec<Value>>,
}

impl Proxy {
    /// Starts a proxy before an endpoint, as in `http://127.0.0.1:49152`.
    pub async fn start(target: &str) -> Result<Self> {
        let state = Arc::new(State {
            target: target.to_owned(),
            client: Client::new(),
            calls: Mutex::default(),
            earlier: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
            rules: Mutex::default(),
            recorded: Mutex::default(),
            mails: Mutex::default(),
        });
        let handler = state.clone();
        let server = Server::start(move |request| handle(handler.clone(), request)).await?;
        Ok(Self { server, state })
    }

    /// The URL to use in place of the endpoint's.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Breaks calls from now on. Of several rules that match a call, the one added first strikes;
    /// every rule counts every call that it matches.
    pub fn inject(&self, rule: Rule) {
        self.state
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((rule, 0));
    }

    /// Answers every call of an operation that speaks JSON with a recorded answer, for the local
    /// AWS lacks it.
    pub fn answer(&self, operation: &str, answer: Value) {
        let mut recorded = self
            .state
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        recorded.insert(operation.to_owned(), answer);
    }

    /// Every call since the last reset, in the order of their answers.
    pub fn calls(&self) -> Vec<Call> {
        let earlier = self.state.earlier.load(Ordering::SeqCst);
        self.all_calls().split_off(earlier)
    }

    /// The number of calls that came in since the last reset, answered or not.
    pub fn arrived(&self) -> usize {
        self.state.arrived.load(Ordering::SeqCst)
    }

    /// Every call since the start, resets or not.
    pub fn all_calls(&self) -> Vec<Call> {
        self.state
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every mail that SES was handed and took, as its API has it.
    pub fn mails(&self) -> Vec<Value> {
        let mails = self.state.mails.lock();
        mails.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves all calls so far out of [`Self::calls`], and forgets all rules.
    pub fn reset(&self) {
        let calls = self.all_calls().len();
        self.state.earlier.store(calls, Ordering::SeqCst);
        self.state.arrived.store(0, Ordering::SeqCst);
        self.state
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Rule {
    /// Breaks the nth call of an operation, counted from 1.
    pub fn nth(operation: &str, n: usize, fault: Fault) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            first: n,
            times: 1,
            fault,
        }
    }
}

impl State {
    fn strike(&self, operation: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fault = None;
        for (rule, seen) in rules.iter_mut() {
            if rule
                .operation
                .as_deref()
                .is_none_or(|wanted| wanted == operation)
            {
                *seen += 1;
                let strikes = (rule.first..rule.first + rule.times).contains(seen);
                fault = fault.or(strikes.then_some(rule.fault));
            }
        }
        fault
    }

    async fn forward(
        &self,
        operation: &str,
        mut request: Request<Bytes>,
    ) -> Result<Response<Full<Bytes>>> {
        let recorded = self
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(operation)
            .map(Value::to_string);
        if let Some(answer) = recorded {
            return Ok(response(
                StatusCode::OK,
                "application/x-amz-json-1.1",
                answer,
            ));
        }
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        // The host that it names stays: the caller signed it.
        *request.uri_mut() = format!("{}{path}", self.target).parse::<Uri>()?;
        let mail = (operation == "ses:SendEmail").then(|| request.body().clone());
        let answer = self.client.send(request).await?;
        if let Some(mail) = mail.filter(|_| answer.status().is_success()) {
            let mails = self.mails.lock();
            let mut mails = mails.unwrap_or_else(PoisonError::into_inner);
            mails.push(serde_json::from_slice(&mail)?);
        }
        let denied = denied_action(answer.body()).map(Denied);
        let mut answer = answer.map(Full::new);
        if let Some(denied) = denied {
            answer.extensions_mut().insert(denied);
        }
        Ok(answer)
    }
}

async fn handle(state: Arc<State>, request: Request<Bytes>) -> Answer {
    let (service, operation) = name_of(&request);
    let name = format!("{service}:{operation}");
    let signed_by = credential(&request).and_then(|credential| credential.split('/').next());
    let signed_by = signed_by.unwrap_or_default().to_owned();
    let body = serde_json::from_slice(request.body()).unwrap_or_default();
    let fault = state.strike(&name);
    state.arrived.fetch_add(1, Ordering::SeqCst);
    let protocol = Protocol::of(&service, &request);
    let forward = async || state.forward(&name, request).await.map_err(|_| HangUp);
    let answer = match fault {
        None => forward().await,
        Some(Fault::Throttled) => Ok(protocol.throttled(&service)),
        Some(Fault::Denied) => {
            Ok(protocol.error(StatusCode::FORBIDDEN, "AccessDenied", "not authorized"))
        }
        Some(Fault::InternalError) => Ok(protocol.failure(StatusCode::INTERNAL_SERVER_ERROR)),
        Some(Fault::Unavailable) => Ok(protocol.failure(StatusCode::SERVICE_UNAVAILABLE)),
        Some(Fault::LostRequest) => Err(HangUp),
        Some(Fault::LostAnswer) => forward().await.and(Err(HangUp)),
        Some(Fault::Late(delay)) => {
            let answer = forward().await;
            tokio::time::sleep(delay).await;
            answer
        }
    };
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    let denied = answer.as_ref().ok().and_then(|answer| {
        let Denied(action) = answer.extensions().get()?;
        Some(action.clone())
    });
    let call = Call {
        operation: name,
        status,
        denied,
        fault,
        signed_by,
        request: body,
    };
    state
        .calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(call);
    answer
}

/// Goes with an answer of the local AWS that denies an action.
#[derive(Debug, Clone)]
struct Denied(String);

/// The action in AWS's words for a lack of permission. (IAM user guide, "Troubleshoot access denied
/// error messages".)
fn denied_action(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let (_, action) = body.split_once("is not authorized to perform: ")?;
    let end = action.find(|end: char| !end.is_ascii_alphanumeric() && end != ':');
    Some(action.get(..end?)?.to_owned())
}

/// The format in which a service writes its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// XML within `ErrorResponse`: IAM, STS, SNS.
    Query,
    /// JSON with `__type`: Secrets Manager, SSM, DynamoDB.
    Json,
    /// XML with `Error` at its root: S3.
    S3,
}

impl Protocol {
    fn of(service: &str, request: &Request<Bytes>) -> Self {
        match service {
            "s3" => Self::S3,
            _ if request.headers().contains_key("x-amz-target") => Self::Json,
            _ => Self::Query,
        }
    }

    /// The status and code that each service documents under "Common Errors"; S3 under "Error
    /// responses".
    fn throttled(self, service: &str) -> Response<Full<Bytes>> {
        match (self, service) {
            (Self::S3, _) => self.error(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            (Self::Query, "sns") => {
                self.error(StatusCode::TOO_MANY_REQUESTS, "Throttled", "Rate exceeded")
            }
            (Self::Query, _) => self.error(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded"),
            (Self::Json, _) => self.error(
                StatusCode::BAD_REQUEST,
                "ThrottlingException",
                "Rate exceeded",
            ),
        }
    }

    fn failure(self, status: StatusCode) -> Response<Full<Bytes>> {
        let code = match (self, status) {
            (_, StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable",
            (Self::Query, _) => "ServiceFailure",
            (Self::Json, _) => "InternalServiceError",
            (Self::S3, _) => "InternalError",
        };
        self.error(
            status,
            code,
            "We encountered an internal error. Please try again.",
        )
    }

    fn error(self, status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
        let kind = if status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let error = format!("<Code>{code}</Code><Message>{message}</Message>");
        match self {
            Self::Query => {
                let body = format!(
                    "<ErrorResponse><Error><Type>{kind}</Type>{error}</Error><RequestId>fault</RequestId></ErrorResponse>"
                );
                response(status, "text/xml", body)
            }
            Self::S3 => response(
                status,
                "application/xml",
                format!("<Error>{error}<RequestId>fault</RequestId></Error>"),
            ),
            Self::Json => {
                let body = json!({"__type": code, "message": message}).to_string();
                response(status, "application/x-amz-json-1.1", body)
            }
        }
    }
}

/// The signer of a request, and what it is signed for:
/// `<key>/<date>/<region>/<service>/aws4_request`. (Signature Version 4, "Authorization header".)
fn credential(request: &Request<Bytes>) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = header.split(',').next()?.split_once("Credential=")?;
    Some(credential)
}

/// Service and operation of a request, as an IAM policy names them.
fn name_of(request: &Request<Bytes>) -> (String, String) {
    let service = credential(request).and_then(|credential| credential.split('/').nth(3));
    let service = service.unwrap_or("unsigned");
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    if service == "account" {
        // Account Management names the operation in the path, with a small first letter.
        let path = request.uri().path().trim_start_matches('/');
        let (first, rest) = path.split_at_checked(1).unwrap_or_default();
        return (
            service.to_owned(),
            format!("{}{rest}", first.to_uppercase()),
        );
    }
    // What functions ask of Lambda is the list of functions alone.
    if service == "lambda" && request.uri().path().trim_end_matches('/') == "/2015-03-31/functions"
    {
        return (service.to_owned(), "ListFunctions".to_owned());
    }
    if service == "ses" && request.uri().path() == "/v2/email/outbound-emails" {
        return (service.to_owned(), "SendEmail".to_owned());
    }
    let operation = match Protocol::of(service, request) {
        Protocol::Query => form_field(request.body(), "Action"),
        Protocol::Json => target.and_then(|target| Some(target.rsplit_once('.')?.1)),
        Protocol::S3 => None,
    };
    (
        service.to_owned(),
        operation.map_or_else(|| s3_operation(request), str::to_owned),
    )
}

/// The S3 operations that Banto uses, by method and path-style path; others by those two.
fn s3_operation(request: &Request<Bytes>) -> String {
    let path = request.uri().path();
    if path == "/v20180820/configuration/publicAccessBlock" {
        let verb = if request.method() == Method::GET {
            "Get"
        } else {
            "Put"
        };
        return format!("{verb}AccountPublicAccessBlock");
    }
    let key = path
        .trim_start_matches('/')
        .split_once('/')
        .map_or("", |(_, key)| key);
    let asks_for = |field: &str| {
        let mut fields = request.uri().query().unwrap_or_default().split('&');
        fields.any(|given| given.starts_with(field))
    };
    match (request.method(), key.is_empty()) {
        (&Method::GET, false) if asks_for("versionId=") => "GetObjectVersion".to_owned(),
        (&Method::GET, false) => "GetObject".to_owned(),
        (&Method::HEAD, false) => "HeadObject".to_owned(),
        (&Method::PUT, false) => "PutObject".to_owned(),
        (&Method::DELETE, false) => "DeleteObject".to_owned(),
        (&Method::GET, true) if asks_for("list-type=2") => "ListObjectsV2".to_owned(),
        (&Method::GET, true) if asks_for("versions") => "ListBucketVersions".to_owned(),
        (&Method::PUT, true) => "CreateBucket".to_owned(),
        (method, _) => format!("{method} {path}"),
    }
}

/// A field of a form whose value needs no decoding, as operations' names don't.
fn form_field<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(body).ok()?;
    body.split('&')
        .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
}
