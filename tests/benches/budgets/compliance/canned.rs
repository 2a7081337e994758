//! As much of DynamoDB, AWS Config, SQS and Secrets Manager as a comparison and a delivery ask, on
//! the loopback interface and out of memory: the local AWS is too slow for 100,000 items.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::thread;

use banto_domain::compliance::{FindingKey, FindingState, OutboxBatch, short_hash};
use serde_json::{Value, json};

/// Most bytes of a page. (DynamoDB API reference, `Query`.)
const PAGE_BYTES: usize = 1_000_000;

/// A server, until the process ends.
pub struct Canned {
    pub url: String,
    pub state: Arc<Mutex<State>>,
}

/// What the services know.
#[derive(Default)]
pub struct State {
    /// Items of the table as JSON, by partition and sort key.
    items: BTreeMap<(String, String), String>,
    /// The findings that the aggregator lists as open.
    pub listed: Vec<FindingKey>,
    /// The value of every secret.
    pub secret: String,
    pub calls: usize,
}

impl Canned {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let of_server = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&of_server);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }
}

/// Answers the requests of a connection, until it breaks.
fn serve(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut length, mut operation) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if let Some(value) = line.strip_prefix("x-amz-target:") {
                operation = value.rsplit('.').next()?.to_owned();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = state.lock().ok()?.answer(&operation, &request);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

impl State {
    /// Adds a finding that is in the table.
    pub fn add_finding(&mut self, state: &FindingState) {
        let (id, account) = (state.key.id(), state.key.account.as_str());
        let pk = format!("account#{account}#{}", shard_of(&id));
        let more = json!({ "revision": { "N": "1" }, "open": { "N": "1" } });
        self.add(
            &pk,
            &format!("finding#{id}"),
            "finding",
            &json!(state),
            more,
        );
    }

    /// Adds a batch that waits on a route.
    pub fn add_batch(&mut self, route: &str, batch: &OutboxBatch) {
        let pk = format!("route#{route}#{}", shard_of(&batch.id));
        let sk = format!("entry#{}", batch.id);
        self.add(&pk, &sk, "batch", &json!(batch), json!({}));
    }

    /// Adds an item with a document.
    pub fn add(&mut self, pk: &str, sk: &str, name: &str, document: &Value, more: Value) {
        let mut item = more;
        item["pk"] = json!({ "S": pk });
        item["sk"] = json!({ "S": sk });
        item["version"] = json!({ "N": "1" });
        item[name] = json!({ "S": document.to_string() });
        self.items
            .insert((pk.to_owned(), sk.to_owned()), item.to_string());
    }

    /// The number of batches that wait on any route.
    pub fn waiting(&self) -> usize {
        let keys = self.items.keys();
        keys.filter(|(_, sk)| sk.starts_with("entry#")).count()
    }

    fn answer(&mut self, operation: &str, request: &Value) -> String {
        self.calls += 1;
        match operation {
            "query" => self.query(request),
            "batchgetitem" => self.batch_get(request),
            "getitem" => match self.items.get(&key_of(&request["Key"])) {
                Some(item) => format!(r#"{{"Item":{item}}}"#),
                None => "{}".to_owned(),
            },
            "putitem" => self.put(&request["Item"]),
            "transactwriteitems" => self.transact(request),
            "describeaggregatecompliancebyconfigrules" => self.rules(),
            "getaggregatecompliancedetailsbyconfigrule" => self.evaluations(request),
            "batchgetaggregateresourceconfig" => {
                r#"{"BaseConfigurationItems":[],"UnprocessedResourceIdentifiers":[]}"#.to_owned()
            }
            "sendmessagebatch" => sent(request),
            "getsecretvalue" => json!({
                "ARN": request["SecretId"], "Name": "secret", "SecretString": self.secret,
            })
            .to_string(),
            // The lease of a route that nothing was delivered on is always free.
            "updateitem" => "{}".to_owned(),
            other => panic!("{other} is not served here: {request}"),
        }
    }

    fn query(&self, request: &Value) -> String {
        let value = |name: &str| request["ExpressionAttributeValues"][name]["S"].as_str();
        let (pk, from) = (value(":pk").unwrap(), value(":from").unwrap());
        let after = request["ExclusiveStartKey"]["sk"]["S"].as_str();
        let begin = match after {
            Some(sk) => Bound::Excluded((pk.to_owned(), sk.to_owned())),
            None => Bound::Included((pk.to_owned(), from.to_owned())),
        };
        let end = match value(":to") {
            Some(to) => to.to_owned(),
            None => format!("{from}\u{10ffff}"),
        };
        let only_open = request.get("FilterExpression").is_some();
        let range = (begin, Bound::Included((pk.to_owned(), end)));
        let limit = request["Limit"]
            .as_u64()
            .map_or(usize::MAX, |limit| limit as usize);
        let (mut page, mut bytes, mut read) = (Vec::new(), 0, 0);
        for ((_, sk), item) in self.items.range(range) {
            read += 1;
            bytes += item.len();
            if !only_open || !item.contains(r#""open":{"N":"0"}"#) {
                page.push(item.as_str());
            }
            if read == limit || bytes > PAGE_BYTES {
                let last = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
                return format!(
                    r#"{{"Items":[{}],"LastEvaluatedKey":{last}}}"#,
                    page.join(",")
                );
            }
        }
        format!(r#"{{"Items":[{}]}}"#, page.join(","))
    }

    fn batch_get(&self, request: &Value) -> String {
        let tables = request["RequestItems"].as_object().unwrap();
        let (table, wanted) = tables.iter().next().unwrap();
        let keys = wanted["Keys"].as_array().unwrap();
        let found: Vec<&str> = keys
            .iter()
            .filter_map(|key| self.items.get(&key_of(key)).map(String::as_str))
            .collect();
        format!(
            r#"{{"Responses":{{"{table}":[{}]}},"UnprocessedKeys":{{}}}}"#,
            found.join(",")
        )
    }

    fn put(&mut self, item: &Value) -> String {
        self.items.insert(key_of(item), item.to_string());
        "{}".to_owned()
    }

    fn transact(&mut self, request: &Value) -> String {
        for write in request["TransactItems"].as_array().unwrap() {
            if let Some(put) = write.get("Put") {
                self.put(&put["Item"]);
            } else if let Some(delete) = write.get("Delete") {
                self.items.remove(&key_of(&delete["Key"]));
            }
        }
        "{}".to_owned()
    }

    /// The rule of what is listed; else one that no finding is of.
    fn rules(&self) -> String {
        let (account, rule, compliance) = match self.listed.first() {
            Some(key) => (key.account.as_str(), key.rule.as_str(), "NON_COMPLIANT"),
            None => ("444455556666", "another-rule", "COMPLIANT"),
        };
        json!({ "AggregateComplianceByConfigRules": [{
            "ConfigRuleName": rule,
            "Compliance": { "ComplianceType": compliance },
            "AccountId": account,
            "AwsRegion": "eu-west-1",
        }] })
        .to_string()
    }

    fn evaluations(&self, request: &Value) -> String {
        let compliance = request["ComplianceType"].as_str().unwrap();
        let limit = request["Limit"].as_u64().unwrap() as usize;
        let token = request["NextToken"].as_str();
        let from: usize = token.map_or(0, |token| token.parse().unwrap());
        let is_open = compliance == "NON_COMPLIANT";
        let listed = self
            .listed
            .iter()
            .filter(|_| is_open)
            .skip(from)
            .take(limit);
        let results: Vec<Value> = listed.map(|key| evaluation(key, compliance)).collect();
        let mut answer = json!({ "AggregateEvaluationResults": results });
        if is_open && from + limit < self.listed.len() {
            answer["NextToken"] = (from + limit).to_string().into();
        }
        answer.to_string()
    }
}

fn evaluation(key: &FindingKey, compliance: &str) -> Value {
    json!({
        "EvaluationResultIdentifier": { "EvaluationResultQualifier": {
            "ConfigRuleName": key.rule,
            "ResourceType": key.resource_type,
            "ResourceId": key.resource_id,
        } },
        "ComplianceType": compliance,
        "ResultRecordedTime": 1_780_000_000,
        "AccountId": key.account,
        "AwsRegion": key.region,
        "Annotation": "The bucket policy allows public read access.",
    })
}

fn key_of(key: &Value) -> (String, String) {
    let part = |name: &str| key[name]["S"].as_str().unwrap().to_owned();
    (part("pk"), part("sk"))
}

/// As the table spreads its items.
fn shard_of(id: &str) -> u32 {
    id.chars().next_back().unwrap().to_digit(16).unwrap() % 8
}

fn sent(request: &Value) -> String {
    let entries = request["Entries"].as_array().unwrap();
    let sent: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let id = entry["Id"].as_str().unwrap();
            json!({ "Id": id, "MessageId": short_hash(&[id]), "MD5OfMessageBody": "" })
        })
        .collect();
    json!({ "Successful": sent, "Failed": [] }).to_string()
}
