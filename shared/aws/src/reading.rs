//! Tells requests that only look from those that write, by what goes over the wire: whichever
//! adapter, port or SDK made them.
//!
//! What is not known to read is taken for a write.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

/// The beginnings of the names of operations that read. Those of Smithy's own guide for names of
/// operations, as far as AWS's services here keep to it.
const READS: [&str; 5] = ["Get", "List", "Describe", "BatchGet", "Lookup"];

/// Other operations that change nothing that anybody could miss: a session of a role; IAM's report,
/// which it makes of what is there; and a query, whose answer Athena keeps for a while in the place
/// of its workgroup.
const HARMLESS: [&str; 6] = [
    "AssumeRole",
    "GenerateCredentialReport",
    "Query",
    "Scan",
    "StartQueryExecution",
    "StopQueryExecution",
];

/// A request that writes, where nothing may be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} was not sent, since this run only looks")]
pub(crate) struct Writes(String);

/// Refuses a request that is not known to read.
pub(crate) fn check(request: &HttpRequest) -> Result<(), Writes> {
    match operation(request) {
        None if matches!(request.method(), "GET" | "HEAD") => Ok(()),
        Some(operation) if is_read(&operation) => Ok(()),
        Some(operation) => Err(Writes(operation)),
        None => Err(Writes(format!("a request by {}", request.method()))),
    }
}

/// The operation, where a request names one. Only a POST does: by a header in the JSON protocols, by
/// a field of its form in the query protocol, by its whole path in the service `account`. Elsewhere a
/// path is a name that people gave, such as an object's, and the method says what is done.
fn operation(request: &HttpRequest) -> Option<String> {
    let headers = request.headers();
    if let Some(target) = headers.get("x-amz-target") {
        return target.rsplit('.').next().map(str::to_owned);
    }
    if request.method() != "POST" {
        return None;
    }
    let kind = headers.get("content-type").unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return action(request.body());
    }
    only_part(request.uri())
}

fn is_read(operation: &str) -> bool {
    HARMLESS.contains(&operation)
        || READS
            .iter()
            .any(|beginning| operation.starts_with(beginning))
}

/// The operation of the query protocol, which is a field of its form.
fn action(body: &SdkBody) -> Option<String> {
    let form = std::str::from_utf8(body.bytes()?).ok()?;
    let mut fields = form.split('&');
    let action = fields.find_map(|field| field.strip_prefix("Action="))?;
    Some(action.to_owned())
}

/// The only part of a path, as the name of an operation is written.
fn only_part(uri: &str) -> Option<String> {
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = after_scheme.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    let (part, more) = (parts.next()?, parts.next());
    let mut letters = part.chars();
    let first = letters.next().filter(|_| more.is_none())?;
    Some(first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every action that a function's policy, or that of its sessions, allows.
    const POLICIES: [&str; 5] = [
        include_str!("../../../functions/rotate-access-keys/iam-policy.json"),
        include_str!("../../../functions/onboard-accounts/iam-policy.json"),
        include_str!("../../../functions/onboard-accounts/session-policy.json"),
        include_str!("../../../functions/notify-compliance/iam-policy.json"),
        include_str!("../../../functions/report-compliance/iam-policy.json"),
    ];

    fn request(method: &str, uri: &str, target: Option<&str>, body: &str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).unwrap();
        request.set_uri(uri).unwrap();
        if let Some(target) = target {
            request
                .headers_mut()
                .insert("x-amz-target", target.to_owned());
        }
        request
    }

    /// A request of the query protocol.
    fn form(body: &str) -> HttpRequest {
        let mut request = request("POST", "/", None, body);
        let kind = "application/x-www-form-urlencoded";
        request.headers_mut().insert("content-type", kind);
        request
    }

    #[test]
    fn requests_that_write_are_refused_in_every_protocol_and_named() {
        let refused = |request: &HttpRequest| check(request).unwrap_err().to_string();
        let json = request("POST", "/", Some("secretsmanager.PutSecretValue"), "{}");
        assert!(refused(&json).starts_with("PutSecretValue was not sent"));
        let query = form("Action=CreateAccessKey&UserName=alice");
        assert!(refused(&query).starts_with("CreateAccessKey"));
        let rest = request("PUT", "/certificates/certs/alice.asc", None, "text");
        assert!(refused(&rest).contains("was not sent"));
        let rest = request("POST", "/v2/email/outbound-emails", None, "{}");
        assert!(refused(&rest).contains("was not sent"));
        let rest = request("POST", "/putAlternateContact", None, "{}");
        assert!(refused(&rest).starts_with("PutAlternateContact"));
        assert!(refused(&request("DELETE", "/bucket/key", None, "")).contains("was not sent"));
    }

    /// Names and texts that people chose may look like the name of an operation.
    #[test]
    fn a_name_or_a_text_that_looks_like_a_read_makes_no_write_a_read() {
        for (method, uri, body) in [
            ("PUT", "/bucket/listing.json", "text"),
            ("PUT", "/list", "Action=GetUser"),
            ("DELETE", "/bucket/getting-started", ""),
            ("POST", "/bucket/List", "text"),
            ("POST", "/v2/email/outbound-emails", "to=x&Action=GetUser"),
            ("POST", "/", "{}&Action=ListUsers"),
            ("PATCH", "/describe", ""),
        ] {
            let written = request(method, uri, None, body);
            assert!(check(&written).is_err(), "{method} {uri} {body}");
        }
        assert!(check(&form("UserName=Action=GetUser")).is_err());
    }

    #[test]
    fn requests_that_look_are_sent_in_every_protocol() {
        for reads in [
            request("POST", "/", Some("DynamoDB_20120810.BatchGetItem"), "{}"),
            form("Action=GetUser&UserName=alice"),
            form("Version=2011-06-15&Action=AssumeRole"),
            request("GET", "/certificates?versions", None, ""),
            request("POST", "/listRegions", None, "{}"),
            request(
                "POST",
                "https://account.us-east-1.amazonaws.com/listRegions",
                None,
                "{}",
            ),
        ] {
            assert_eq!(check(&reads), Ok(()));
        }
    }

    /// The actions of all functions that are no reads are written out here, so that a new one is
    /// judged by a person.
    #[test]
    fn of_all_that_functions_may_do_these_are_refused() {
        let mut refused = BTreeSet::new();
        for policy in POLICIES {
            let policy: Value = serde_json::from_str(policy).unwrap();
            for statement in policy["Statement"].as_array().unwrap() {
                let several = statement["Action"].as_array().into_iter().flatten();
                let actions = several.chain([&statement["Action"]]);
                let actions = actions.filter_map(Value::as_str);
                let is_write = |action: &&str| !is_read(action.split_once(':').unwrap().1);
                refused.extend(actions.filter(is_write).map(str::to_owned));
            }
        }
        let listed = Vec::from_iter(refused).join("\n") + "\n";
        assert_eq!(listed, include_str!("reading/refused.txt"));
    }
}
