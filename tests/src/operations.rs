//! What the world in memory calls an operation is what the adapters send, port by port.
//!
//! The world holds its calls to the functions' policies by these names, so that a name that the
//! adapters don't send would let a missing permission through. Both are read from the sources: SDK
//! crates' operations as their clients' methods, the others as the caller's names, of which
//! shared/aws/src/caller.rs makes the requests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use banto_fake::{actions_of, check_request, operation_of};
use serde_json::Value;

/// The files of adapters (shared/aws/src), and those of the same ports on the world
/// (shared/fake/src).
const PORTS: [(&[&str], &[&str]); 17] = [
    (&["keys", "sessions"], &["iam_ports"]),
    (&["records"], &["record_ports"]),
    (&["certificates"], &["certificates"]),
    (&["trail"], &["trail"]),
    (&["signer"], &["signer"]),
    (&["secrets", "topics"], &["ports"]),
    (&["organization", "stacks"], &["organization_ports"]),
    (&["statuses"], &["status_ports"]),
    (&["queue", "messages"], &["queue"]),
    (&["mail"], &["compliance"]),
    (
        &[
            "compliance_table",
            "compliance_table/findings",
            "compliance_table/listing",
            "compliance_table/table",
        ],
        &["compliance_ports"],
    ),
    (&["aggregator"], &["aggregator"]),
    (&["objects", "report_objects"], &["objects"]),
    (&["role"], &["account_ports"]),
    (&["recording"], &["recording_ports"]),
    (
        &["settings", "ec2", "default_vpc", "default_vpc/lists"],
        &["setting_ports", "requests/account"],
    ),
    (&["roles"], &["role_ports"]),
];

/// Adapters without a counterpart: shared/aws/tests/wire/athena.rs holds its requests.
const NOT_IN_THE_WORLD: [&str; 1] = ["athena"];

/// The services that have an SDK crate; of the others, an adapter's name of a call is what is sent.
const SDK_SERVICES: [&str; 6] = [
    "account",
    "config",
    "dynamodb",
    "iam",
    "organizations",
    "secretsmanager",
];

/// What clients are called where they are asked.
const CLIENTS: [&str; 4] = ["client", "iam", "management", "client(region).await"];

#[test]
fn the_world_asks_the_operations_that_the_adapters_send() {
    for (adapters, world) in PORTS {
        let sent = sent(&text_of("aws", adapters));
        let asked = asked(&text_of("fake", world));
        let only_sent: Vec<_> = sent.difference(&asked).collect();
        let only_asked: Vec<_> = asked.difference(&sent).collect();
        assert!(
            only_sent.is_empty() && only_asked.is_empty(),
            "{adapters:?} alone send {only_sent:?}; {world:?} alone ask {only_asked:?}"
        );
        assert!(!sent.is_empty(), "{adapters:?}");
    }
}

#[test]
fn every_file_that_asks_aws_is_compared() {
    let adapters = PORTS.iter().flat_map(|(adapters, _)| adapters.iter());
    let mut adapters: BTreeSet<&str> = adapters.copied().collect();
    adapters.extend(NOT_IN_THE_WORLD);
    let sends = |text: &str| !sent(text).is_empty();
    assert_eq!(not_among(&adapters, "aws", sends), Vec::<String>::new());

    let world = PORTS.iter().flat_map(|(_, world)| world.iter());
    let world: BTreeSet<&str> = world.copied().collect();
    let asks = |text: &str| !asked(text).is_empty() && text.contains(".ask");
    assert_eq!(not_among(&world, "fake", asks), Vec::<String>::new());
}

/// The operations that adapters send.
fn sent(text: &str) -> BTreeSet<String> {
    let services = SDK_SERVICES.iter();
    let services: Vec<_> = services
        .filter(|service| text.contains(&format!("{service}:")))
        .collect();
    let is_of_sdk = |name: &str| SDK_SERVICES.iter().any(|one| service(name) == *one);
    let names = names(text).into_iter();
    let mut sent: BTreeSet<String> = names
        .filter(|name| !is_of_sdk(name))
        .map(|name| operation_of(&name).to_owned())
        .collect();
    for (receiver, method) in calls_without_arguments(text) {
        let operation = pascal(&method);
        let of_services = services.iter().map(|one| format!("{one}:{operation}"));
        let known: Vec<String> = of_services.filter(|name| is_known(name)).collect();
        let is_client = CLIENTS.iter().any(|client| receiver.ends_with(client));
        assert!(
            !known.is_empty() || !is_client || method == "clone",
            "{method}() is no operation of {services:?} that the world knows"
        );
        sent.extend(known);
    }
    sent
}

/// The operations that the world's ports ask. Of EC2 one name may stand for several.
fn asked(text: &str) -> BTreeSet<String> {
    let names = names(text).into_iter();
    let operations = names.flat_map(|name| {
        let operation = operation_of(&name).to_owned();
        match service(&operation) {
            "ec2" => actions_of(&operation)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            _ => vec![operation],
        }
    });
    operations.collect()
}

/// Every text of the form `iam:GetUser`.
fn names(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| {
        let Some((service, operation)) = text.split_once(':') else {
            return false;
        };
        let is_service = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !service.is_empty()
            && service.bytes().all(is_service)
            // A policy's condition key is none.
            && service != "aws"
            && operation.starts_with(|first: char| first.is_ascii_uppercase())
            && operation.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

/// Each `receiver.method()`.
fn calls_without_arguments(text: &str) -> Vec<(String, String)> {
    let text: String = text.split_whitespace().collect();
    let pieces: Vec<&str> = text.split("()").collect();
    let calls = pieces.iter().filter_map(|piece| {
        let (receiver, method) = piece.rsplit_once('.')?;
        let is_method = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_call = !method.is_empty() && method.bytes().all(is_method);
        is_call.then(|| (receiver.to_owned(), method.to_owned()))
    });
    calls.collect()
}

fn is_known(operation: &str) -> bool {
    let checked = check_request(operation, &Value::Null);
    !checked.is_err_and(|problem| problem.ends_with("not in constraints/generate.py"))
}

fn service(name: &str) -> &str {
    name.split(':').next().unwrap_or_default()
}

/// `get_user` as `GetUser`.
fn pascal(method: &str) -> String {
    let words = method.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_uppercase() + rest
    });
    words.collect()
}

/// The files of a crate that do something, by their names without `.rs`, but these.
fn not_among(named: &BTreeSet<&str>, package: &str, does: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources(package);
    let mut found = Vec::new();
    let mut folders = vec![sources.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let name = path.strip_prefix(&sources).unwrap().with_extension("");
            let name = name.to_str().unwrap().to_owned();
            if !named.contains(name.as_str()) && does(&text_of(package, &[&name])) {
                found.push(name);
            }
        }
    }
    found
}

/// The sources of some files, without comments and tests.
fn text_of(package: &str, files: &[&str]) -> String {
    let text = files.iter().map(|file| {
        let text = fs::read_to_string(sources(package).join(file).with_extension("rs")).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    });
    text.collect::<Vec<_>>().join("\n")
}

fn sources(package: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    root.join(package).join("src")
}
