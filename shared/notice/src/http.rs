//! Asks a server something, once.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use banto_ports::{ErrorKind, PortError};
use banto_tls::{Connector, TrustedRoots};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Time that a server may take.
const PATIENCE: Duration = Duration::from_secs(10);

type HttpClient = Client<Connector, Full<Bytes>>;

/// A client that is made when it is first needed.
#[derive(Debug)]
pub(crate) struct Http {
    roots: TrustedRoots,
    client: OnceLock<HttpClient>,
}

/// What came back: a status and the beginning of a body.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    /// The time after which the server wants to be asked again, where it says so.
    pub(crate) retry_after: Option<Duration>,
    /// The scopes of the token that asked, where Slack says so. (Slack, "Installing with OAuth".)
    pub(crate) scopes: Option<String>,
    /// Nothing, if it was longer than asked for.
    pub(crate) body: Bytes,
}

impl Http {
    pub(crate) fn new(roots: &TrustedRoots) -> Self {
        Self {
            roots: roots.clone(),
            client: OnceLock::new(),
        }
    }

    /// Asks, and reads so many bytes of the answer.
    pub(crate) async fn ask(
        &self,
        call: &'static str,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Answered, PortError> {
        let client = self.client.get_or_init(|| {
            Client::builder(TokioExecutor::new()).build(self.roots.connector(PATIENCE))
        });
        let answered = tokio::time::timeout(PATIENCE, async {
            let answer = client.request(request).await;
            let (head, body) = answer
                .map_err(|_| unavailable(call, "the connection failed"))?
                .into_parts();
            let body = Limited::new(body, most)
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes);
            Ok(Answered {
                status: head.status,
                retry_after: retry_after(&head.headers, SystemTime::now()),
                scopes: scopes(&head.headers),
                body: body.unwrap_or_default(),
            })
        });
        answered
            .await
            .unwrap_or_else(|_| Err(unavailable(call, "no answer in time")))
    }
}

/// The pause that a server asks for: whole seconds, as Slack sends them, or a date, as a proxy may.
/// (RFC 9110, 10.2.3.) A date that has passed asks for none.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn scopes(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-oauth-scopes")?.to_str().ok()?;
    Some(value.to_owned())
}

/// True if a host is this machine, where tests and the demo are.
pub(crate) fn is_local(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// An answer that says no: which status, Slack's word for it, and when to come again.
pub(crate) fn refused(
    call: &'static str,
    kind: ErrorKind,
    answered: &Answered,
    word: &str,
) -> PortError {
    let retry_after = answered.retry_after;
    let again = retry_after.map_or_else(String::new, |time| {
        format!(", to be tried again after {} s", time.as_secs())
    });
    let message = format!(
        "HTTP status {}{}{again}",
        answered.status.as_u16(),
        said(word)
    );
    PortError::new(kind, call, message).retry_after(retry_after)
}

/// The kind of a refusal by its status alone.
pub(crate) fn kind_of(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::Throttled,
        status if status.is_client_error() => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    }
}

/// Slack's word for what is wrong, in brackets, if it is one: a page of a proxy is none.
pub(crate) fn said(word: &str) -> String {
    let word = word.trim();
    let is_word =
        (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word {
        format!(" ({word})")
    } else {
        String::new()
    }
}

pub(crate) fn invalid(call: &'static str, message: &str) -> PortError {
    PortError::new(ErrorKind::Invalid, call, message)
}

fn unavailable(call: &'static str, message: &str) -> PortError {
    PortError::new(ErrorKind::Unavailable, call, message)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date_and_nothing_else_is_guessed() {
        // Sunday, 6 November 1994, 08:49:07: half a minute before the dates of RFC 9110, 5.6.7.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
        for (value, seconds) in [
            ("30", Some(30)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
