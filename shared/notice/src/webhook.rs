//! Posts to Slack's incoming webhooks.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{ErrorKind, PortError, Webhooks};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};

const CALL: &str = "slack:post";
/// How long Slack may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of Slack's answer that are read: it is a word, like `ok` or `invalid_blocks`.
const ANSWER_BYTES: usize = 1024;
/// Where webhooks may be, besides this machine. (Slack's documentation of incoming webhooks.)
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Posts to Slack's incoming webhooks. The client is made when it is first needed.
#[derive(Debug, Default)]
pub struct SlackWebhooks {
    client: OnceLock<HttpClient>,
}

#[async_trait]
impl Webhooks for SlackWebhooks {
    async fn post(&self, url: &SecretString, body: String) -> Result<(), PortError> {
        let uri = checked(url.expose_secret())?;
        let request = Request::post(uri).header("content-type", "application/json").body(Full::from(body));
        let request = request.map_err(|_| invalid("the webhook's URL can't be used"))?;
        let client = self.client.get_or_init(client);
        let answered = tokio::time::timeout(PATIENCE, async {
            let answer = client.request(request).await.map_err(|_| unavailable("the connection failed"))?;
            let (head, body) = answer.into_parts();
            let word = Limited::new(body, ANSWER_BYTES).collect().await.map(http_body_util::Collected::to_bytes);
            Ok((head, word.unwrap_or_default()))
        });
        let (head, word) = answered.await.unwrap_or_else(|_| Err(unavailable("no answer in time")))?;
        if head.status.is_success() {
            return Ok(());
        }
        let retry_after = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        let retry_after = retry_after.map_or(String::new(), |seconds| format!(", to be tried again after {seconds} s"));
        let message = format!("HTTP status {}{}{retry_after}", head.status.as_u16(), said(&word));
        Err(PortError::new(kind_of(head.status), CALL, message))
    }
}

/// The URL, if a webhook may be there. The error does not repeat it: whoever has it may post.
fn checked(url: &str) -> Result<Uri, PortError> {
    let uri: Uri = url.trim().parse().map_err(|_| invalid("the webhook's secret is not a URL"))?;
    let host = uri.host().unwrap_or_default();
    let is_local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match uri.scheme_str() {
        Some("https") if HOSTS.contains(&host) || is_local => Ok(uri),
        Some("http") if is_local => Ok(uri),
        _ => Err(invalid("the webhook's URL is not https://hooks.slack.com/…")),
    }
}

fn client() -> HttpClient {
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new()).build(connector)
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::Throttled,
        status if status.is_client_error() => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    }
}

/// Slack's word for what is wrong, if it is one.
fn said(word: &[u8]) -> String {
    let word = std::str::from_utf8(word).unwrap_or_default().trim();
    let is_word = (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { format!(" ({word})") } else { String::new() }
}

fn invalid(message: &str) -> PortError {
    PortError::new(ErrorKind::Invalid, CALL, message)
}

fn unavailable(message: &str) -> PortError {
    PortError::new(ErrorKind::Unavailable, CALL, message)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that gives one answer, and the URL of a webhook there.
    fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/services/confidential", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"POST /services/confidential HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        url
    }

    async fn post(url: &str) -> Result<(), PortError> {
        SlackWebhooks::default().post(&SecretString::from(url), "{\"text\":\"hello\"}".to_owned()).await
    }

    #[tokio::test]
    async fn only_a_2xx_answer_is_success() {
        post(&answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await.unwrap();
        for (answer, kind, says) in [
            (
                "HTTP/1.1 429 X\r\nretry-after: 30\r\ncontent-length: 12\r\n\r\nrate_limited",
                ErrorKind::Throttled,
                "HTTP status 429 (rate_limited), to be tried again after 30 s",
            ),
            (
                "HTTP/1.1 400 X\r\ncontent-length: 14\r\n\r\ninvalid_blocks",
                ErrorKind::Invalid,
                "HTTP status 400 (invalid_blocks)",
            ),
            ("HTTP/1.1 404 X\r\ncontent-length: 13\r\n\r\n<html>no</htm", ErrorKind::Invalid, "HTTP status 404"),
            ("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", ErrorKind::Unavailable, "HTTP status 500"),
            ("HTTP/1.1 302 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", ErrorKind::Unavailable, "HTTP status 302"),
            ("", ErrorKind::Unavailable, "the connection failed"),
        ] {
            let error = post(&answering(answer)).await.unwrap_err();
            assert_eq!(error, PortError::new(kind, CALL, says));
        }
    }

    #[tokio::test]
    async fn only_slack_is_posted_to_and_no_error_repeats_the_url() {
        for url in [
            "https://example.com/services/confidential",
            "http://hooks.slack.com/services/confidential",
            "https://hooks.slack.com.example.com/confidential",
            "https://hooks.slack.com@example.com/confidential",
            "not a url, confidential",
        ] {
            let error = post(url).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("confidential"), "{error}");
        }
    }
}
