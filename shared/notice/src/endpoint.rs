//! Posts notices as signed JSON to an HTTPS address of anybody's: a notice becomes the document
//! that `docs/webhook.md` describes, and is signed as the Standard Webhooks specification has it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use async_trait::async_trait;
use banto_ports::{Endpoints, PortError};
use banto_tls::TrustedRoots;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Uri};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::http::{Http, invalid, is_local, kind_of, refused};
use crate::{Audience, Link, Notice, Section, Step};

const CALL: &str = "endpoint:post";
/// The version of the document. Fields may be added to it; one that goes, or means something else,
/// makes another version.
const VERSION: u64 = 1;
/// Most bytes of an answer that are read: only its status counts.
const ANSWER_BYTES: usize = 1024;
/// What a key begins with, and its least bytes. (Standard Webhooks, "Signature scheme".)
const KEY_PREFIX: &str = "whsec_";
const LEAST_KEY: usize = 24;

/// Posts to HTTPS addresses. The client is made when it is first needed.
#[derive(Debug)]
pub struct HttpsEndpoints(Http);

impl HttpsEndpoints {
    /// Addresses whose certificates these authorities vouch for.
    pub fn new(roots: &TrustedRoots) -> Self {
        Self(Http::new(roots))
    }
}

#[async_trait]
impl Endpoints for HttpsEndpoints {
    async fn post(&self, secret: &SecretString, id: &str, body: String) -> Result<(), PortError> {
        let Endpoint { uri, key } = Endpoint::read(secret)?;
        let timestamp = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let request = Request::post(uri)
            .header("content-type", "application/json")
            .header("user-agent", "Banto")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature(&key, id, timestamp, &body)?)
            .body(Full::from(body));
        let request = request.map_err(|_| invalid(CALL, "the message's id is no header"))?;
        let answered = self.0.ask(CALL, request, ANSWER_BYTES).await?;
        if answered.status.is_success() {
            return Ok(());
        }
        Err(refused(CALL, kind_of(answered.status), &answered, ""))
    }
}

/// The address and the key that a secret holds. No error repeats them.
struct Endpoint {
    uri: Uri,
    key: SecretSlice<u8>,
}

/// The secret as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    url: String,
    key: String,
}

impl Endpoint {
    fn read(secret: &SecretString) -> Result<Self, PortError> {
        let stored: Stored = serde_json::from_str(secret.expose_secret()).map_err(|_| {
            let why =
                r#"the endpoint's secret is not JSON like {"url": "https://…", "key": "whsec_…"}"#;
            invalid(CALL, why)
        })?;
        Ok(Self {
            uri: address(stored.url.trim())?,
            key: key(stored.key.trim())?,
        })
    }
}

/// The address: https only, but http on this machine, for tests and the demo.
fn address(url: &str) -> Result<Uri, PortError> {
    let uri: Uri = url
        .parse()
        .map_err(|_| invalid(CALL, "the endpoint's url is no URL"))?;
    let host = uri.host().unwrap_or_default();
    let is_taken = match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_local(host),
        _ => false,
    };
    let has_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    match (is_taken, has_user) {
        (true, false) => Ok(uri),
        (true, true) => Err(invalid(CALL, "the endpoint's url names a user")),
        (false, _) => Err(invalid(CALL, "the endpoint's url is not https://…")),
    }
}

fn key(text: &str) -> Result<SecretSlice<u8>, PortError> {
    let encoded = text.strip_prefix(KEY_PREFIX).unwrap_or_default();
    let key = STANDARD.decode(encoded).unwrap_or_default();
    if key.len() < LEAST_KEY {
        let why = format!(
            "the endpoint's key is not {KEY_PREFIX} and {LEAST_KEY} bytes or more in base64"
        );
        return Err(invalid(CALL, &why));
    }
    Ok(SecretSlice::from(key))
}

/// The signature of a message. (Standard Webhooks, "Signature scheme".)
fn signature(
    key: &SecretSlice<u8>,
    id: &str,
    timestamp: u64,
    body: &str,
) -> Result<String, PortError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret())
        .map_err(|_| invalid(CALL, "the endpoint's key can't be used"))?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// The document that an endpoint gets, as `docs/webhook.md` describes it.
#[derive(Serialize)]
struct Document<'a> {
    version: u64,
    id: &'a str,
    audience: Value,
    urgency: &'static str,
    state: Option<&'a str>,
    severity: Option<&'a str>,
    headline: &'a str,
    paragraphs: &'a [String],
    facts: Vec<Fact<'a>>,
    sections: &'a [Section],
    steps: &'a [Step],
    links: &'a [Link],
    attributes: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Fact<'a> {
    label: &'a str,
    value: &'a str,
}

/// The document of a notice, as JSON. It holds neither mentions nor envelopes: those are for people
/// in Slack, and for owners of keys.
pub fn message(notice: &Notice) -> String {
    let attribute = |name: &str| notice.attributes.get(name).map(String::as_str);
    let document = Document {
        version: VERSION,
        id: &notice.id,
        audience: audience(&notice.audience),
        urgency: notice.urgency.as_str(),
        state: attribute("state"),
        severity: attribute("severity"),
        headline: &notice.headline,
        paragraphs: &notice.paragraphs,
        facts: notice
            .facts
            .iter()
            .map(|(label, value)| Fact { label, value })
            .collect(),
        sections: &notice.sections,
        steps: &notice.steps,
        links: &notice.links,
        attributes: &notice.attributes,
    };
    serde_json::to_string(&document).unwrap_or_default()
}

fn audience(audience: &Audience) -> Value {
    match audience {
        Audience::Operators => json!({ "kind": "operators" }),
        Audience::Route(route) => json!({ "kind": "route", "route": route }),
        Audience::Owner { account, user, .. } => {
            json!({ "kind": "owner", "account": account.as_str(), "user": user.as_str() })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use banto_ports::ErrorKind;

    use super::*;
    use crate::Urgency;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(url: &str, key: &str) -> SecretString {
        SecretString::from(json!({ "url": url, "key": key }).to_string())
    }

    /// A server that gives one answer, its address, and what it was asked.
    fn answering(answer: &'static str) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/confidential", listener.local_addr().unwrap());
        let (send, asked) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap();
            send.send(String::from_utf8_lossy(&request[..length]).into_owned())
                .unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        (url, asked)
    }

    async fn post(secret: &SecretString) -> Result<(), PortError> {
        HttpsEndpoints::new(&TrustedRoots::default())
            .post(secret, "payments:1", r#"{"version":1}"#.to_owned())
            .await
    }

    fn header<'a>(asked: &'a str, name: &str) -> &'a str {
        let line = asked
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap()
    }

    /// The example of the reference implementations of Standard Webhooks.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let signed = signature(
            &key(KEY).unwrap(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[tokio::test]
    async fn a_message_carries_its_id_its_time_and_the_signature_of_both_and_of_its_body() {
        let (url, asked) = answering("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n");
        post(&secret(&url, KEY)).await.unwrap();
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with("POST /confidential HTTP/1.1\r\n"));
        assert!(asked.ends_with("\r\n\r\n{\"version\":1}"), "{asked}");
        assert_eq!(header(&asked, "webhook-id"), "payments:1");
        let timestamp: u64 = header(&asked, "webhook-timestamp").parse().unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        assert!(now.unwrap().as_secs().abs_diff(timestamp) < 60);
        let expected = signature(
            &key(KEY).unwrap(),
            "payments:1",
            timestamp,
            r#"{"version":1}"#,
        );
        assert_eq!(header(&asked, "webhook-signature"), expected.unwrap());
    }

    #[tokio::test]
    async fn only_a_2xx_answer_is_told_and_a_redirect_is_not_followed() {
        for (answer, kind, says) in [
            (
                "HTTP/1.1 429 X\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n",
                ErrorKind::Throttled,
                "HTTP status 429, to be tried again after 30 s",
            ),
            (
                "HTTP/1.1 503 X\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n",
                ErrorKind::Unavailable,
                "HTTP status 503, to be tried again after 30 s",
            ),
            (
                "HTTP/1.1 410 X\r\ncontent-length: 4\r\n\r\ngone",
                ErrorKind::Invalid,
                "HTTP status 410",
            ),
            (
                "HTTP/1.1 302 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
                ErrorKind::Unavailable,
                "HTTP status 302",
            ),
            ("", ErrorKind::Unavailable, "the connection failed"),
        ] {
            let (url, _asked) = answering(answer);
            let error = post(&secret(&url, KEY)).await.unwrap_err();
            let retry_after = says.contains("30 s").then_some(Duration::from_secs(30));
            assert_eq!(
                error,
                PortError::new(kind, CALL, says).retry_after(retry_after)
            );
        }
    }

    #[tokio::test]
    async fn a_secret_that_cant_be_used_is_refused_and_never_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let url = "https://confidential.example/hook";
        for (secret, says) in [
            (SecretString::from(url), "is not JSON"),
            (
                SecretString::from(r#"{"url":"confidential"}"#),
                "is not JSON",
            ),
            (
                secret("http://confidential.example/hook", KEY),
                "is not https",
            ),
            (
                secret("ftp://confidential.example/hook", KEY),
                "is not https",
            ),
            (secret("not confidential", KEY), "is no URL"),
            (
                secret("https://alice:confidential@example.com/", KEY),
                "names a user",
            ),
            (secret(url, &short), "24 bytes or more"),
            (secret(url, "whsec_confidential!"), "24 bytes or more"),
            (secret(url, &KEY["whsec_".len()..]), "24 bytes or more"),
        ] {
            let error = post(&secret).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            let error = format!("{error:?}");
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("confidential"), "{error}");
            assert!(!error.contains("MfKQ9r8G"), "{error}");
        }
    }

    #[test]
    fn the_address_may_be_anywhere_by_https_and_on_this_machine_by_http() {
        for url in [
            "https://events.example.com/x",
            "https://10.0.0.1:8443/x",
            "http://127.0.0.1:1/x",
        ] {
            address(url).unwrap();
        }
    }

    /// The notice that the documentation shows.
    fn documented() -> Notice {
        let text = str::to_owned;
        let mut notice = Notice::new(
            text("payments:case:7f3a:2"),
            Audience::Route(text("payments")),
            Urgency::Alarm,
            text("[critical] S3 bucket allows public read: website-eu in payments"),
        );
        notice.mentions = vec![text("S0614TZR7")];
        notice.paragraphs = vec![text(
            "Anybody on the internet can read what is in the bucket.",
        )];
        notice.facts = vec![
            (text("Account"), text("payments (111122223333)")),
            (text("Since"), text("4 Nov 2026 09:05 UTC")),
        ];
        notice.sections = vec![Section {
            title: text("Open"),
            lines: vec![text("website-eu (eu-west-1)")],
        }];
        notice.steps = vec![Step {
            text: text("Block public access to the bucket:"),
            command: Some(text("aws s3api put-public-access-block ...")),
        }];
        notice.links = vec![Link {
            label: text("Runbook"),
            url: text("https://wiki.example.com/runbooks/s3-public"),
        }];
        notice.attributes = [
            ("account", "111122223333"),
            ("rule", "s3-bucket-public-read-prohibited"),
            ("severity", "critical"),
            ("state", "open"),
        ]
        .map(|(name, value)| (text(name), text(value)))
        .into();
        notice
    }

    #[test]
    fn the_documentation_shows_the_document_as_it_is() {
        let docs = include_str!("../../../docs/webhook.md");
        let (_, example) = docs.split_once("```json\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let example: Value = serde_json::from_str(example).unwrap();
        let document: Value = serde_json::from_str(&message(&documented())).unwrap();
        assert_eq!(example, document, "{document:#}");
    }

    #[test]
    fn what_a_notice_does_not_have_is_null_or_empty_and_never_left_out() {
        let audience = Audience::Owner {
            account: "111122223333".parse().unwrap(),
            user: "alice".parse().unwrap(),
            slack: Some("U024BE7LH".to_owned()),
        };
        let notice = Notice {
            envelope: Some("-----BEGIN PGP MESSAGE-----".to_owned()),
            ..Notice::new("1".into(), audience, Urgency::Done, "Done".into())
        };
        let document: Value = serde_json::from_str(&message(&notice)).unwrap();
        let expected = json!({
            "version": 1, "id": "1",
            "audience": { "kind": "owner", "account": "111122223333", "user": "alice" },
            "urgency": "done", "state": null, "severity": null, "headline": "Done",
            "paragraphs": [], "facts": [], "sections": [], "steps": [], "links": [],
            "attributes": {},
        });
        assert_eq!(document, expected);
    }
}
