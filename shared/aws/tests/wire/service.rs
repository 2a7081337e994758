//! A server on the loopback interface that gives canned answers, so that the SDK's own retries,
//! timeouts and signatures take part.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use banto_aws::Aws;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// An answer: status and body; status 0 closes the connection without one.
pub(crate) type Canned = (u16, String);

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The operation, whatever the protocol.
    pub(crate) fn operation(&self) -> String {
        let action = self
            .body
            .split('&')
            .find_map(|field| field.strip_prefix("Action="));
        let target = self.header("x-amz-target").split('.').nth(1);
        action.or(target).unwrap_or(&self.line).to_owned()
    }
}

/// Gives the answer to what was asked.
type Answers = Box<dyn FnMut(&Asked) -> Canned + Send>;

/// A service that gives canned answers.
pub(crate) struct Service {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    /// Answers one after the other.
    pub(crate) fn answering(answers: impl IntoIterator<Item = Canned>) -> Self {
        let mut answers: VecDeque<Canned> = answers.into_iter().collect();
        Self::answering_by(move |_| answers.pop_front().unwrap_or((500, String::new())))
    }

    /// Answers by what was asked.
    pub(crate) fn answering_by(answers: impl FnMut(&Asked) -> Canned + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers: Arc<Mutex<Answers>> = Arc::new(Mutex::new(Box::new(answers)));
        let log = asked.clone();
        // Ends with the test's process; each connection is a thread of its own.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answers) = (log.clone(), answers.clone());
                thread::spawn(move || while serve(&stream, &log, &answers).is_some() {});
            }
        });
        Self { port, asked }
    }

    pub(crate) fn aws(&self) -> Aws {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        Aws::from_vars(|name| match name {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            _ => None,
        })
        .unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.asked().iter().map(Asked::operation).collect()
    }
}

/// Reads one request and answers it; `None` ends the connection.
fn serve(mut stream: &TcpStream, log: &Mutex<Vec<Asked>>, answers: &Mutex<Answers>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend(&chunk[..read]);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut asked = Asked {
        line,
        headers,
        body: String::new(),
    };
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    while bytes.len() < head_end + length {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend(&chunk[..read]);
    }
    asked.body = String::from_utf8(bytes[head_end..].to_vec()).unwrap();
    let (status, body) = (answers.lock().unwrap())(&asked);
    log.lock().unwrap().push(asked);
    if status == 0 {
        return None;
    }
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).ok()
}

/// An answer of a service that speaks the query protocol.
pub(crate) fn xml(operation: &str, result: &str) -> Canned {
    let body = format!(
        "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></{operation}Response>"
    );
    (200, body)
}

pub(crate) fn xml_error(status: u16, code: &str) -> Canned {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>in words</Message></Error></ErrorResponse>"
    );
    (status, body)
}

pub(crate) fn json_answer(body: &Value) -> Canned {
    (200, body.to_string())
}

pub(crate) fn json_error(status: u16, code: &str) -> Canned {
    (
        status,
        json!({ "__type": code, "message": "in words" }).to_string(),
    )
}
