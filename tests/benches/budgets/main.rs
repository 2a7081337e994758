//! What a run costs, against the budgets: `cargo bench --package banto-tests`, or `cargo make bench`.
//!
//! Calls and bytes are counted. Times are CPU times of one run on whatever machine this is: compare
//! them with each other, not with yesterday's. Cold starts are taken on a local AWS over plain HTTP,
//! so that a TLS handshake comes on top; the same job in Python and in Node is measured beside them.

mod compliance;
mod onboarding;
mod rotation;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use banto::local::aws::Aws;
use banto::local::function_binary;
use banto::local::moto::Moto;
use banto::local::runtime_api::Function;
use banto::local::venv::Venv;
use serde_json::{Value, json};

/// How often each process is started; the median counts.
const STARTS: usize = 9;

/// The same job in Python: asks for the event, asks IAM for the credential report, answers. It lacks
/// the runtime client that AWS's own runtime would load besides.
const IN_PYTHON: &str = r#"
import json, os, time, urllib.request
import boto3
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
iam = boto3.client("iam")
secrets = boto3.client("secretsmanager")
with urllib.request.urlopen(api + "next") as event:
    request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    json.load(event)
while iam.generate_credential_report()["State"] != "COMPLETE":
    pass
rows = iam.get_credential_report()["Content"].splitlines()
body = json.dumps({"rows": len(rows)}).encode()
urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=body, method="POST")).read()
time.sleep(600)
"#;

/// The same job in Node, with the AWS SDK for JavaScript.
const IN_NODE: &str = r#"
import { GenerateCredentialReportCommand, GetCredentialReportCommand, IAMClient } from "@aws-sdk/client-iam";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
const iam = new IAMClient({});
new SecretsManagerClient({});
const event = await fetch(api + "next");
const request = event.headers.get("lambda-runtime-aws-request-id");
await event.json();
while ((await iam.send(new GenerateCredentialReportCommand({}))).State !== "COMPLETE");
const report = await iam.send(new GetCredentialReportCommand({}));
const rows = Buffer.from(report.Content).toString().split("\n").length;
await fetch(api + request + "/response", { method: "POST", body: JSON.stringify({ rows }) });
setTimeout(() => {}, 600_000);
"#;

fn main() {
    println!("{:<52} {:>14} {:>14}", "what", "measured", "budget");
    rotation::calls();
    rotation::planning();
    rotation::sealing();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cold_starts());
    compliance::storm();
    onboarding::calls();
    onboarding::simulation();
    runtime.block_on(onboarding::process());
    runtime.block_on(compliance::process());
}

fn row(what: &str, measured: impl ToString, budget: &str) {
    println!("{what:<52} {:>14} {budget:>14}", measured.to_string());
}

/// From the start of the process to its first response.
async fn cold_starts() {
    let quiet = |_: &str| {};
    let venv = Venv::ensure(&quiet).await.unwrap();
    let binary = function_binary("rotate-access-keys", &quiet).await.unwrap();
    let zipped = zipped(&venv, &binary).await;
    row("binary, MB", megabytes(fs::metadata(&binary).unwrap().len()), "");
    row("zip, MB", megabytes(zipped), "3.5");

    let moto = Moto::start(&venv).await.unwrap();
    let nobody = Aws::nobody(moto.endpoint(), "eu-west-1");
    let credentials = nobody.assume_role("arn:aws:iam::111122223333:role/bench").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("banto.toml");
    fs::write(
        &policy,
        "[rotation]\n[[rotation.accounts]]\nid = \"111122223333\"\nrole = \"arn:aws:iam::111122223333:role/bench\"\n\
         assume = false\ncertificate_bucket = \"certificates\"\n[notices]\n\
         operators_topic = \"arn:aws:sns:eu-west-1:111122223333:operators\"\n\
         owners_topic = \"arn:aws:sns:eu-west-1:111122223333:owners\"\n",
    )
    .unwrap();
    let variables: Vec<(String, String)> = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_ENDPOINT_URL", moto.endpoint()),
        ("BANTO_POLICY", policy.to_str().unwrap()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();

    let script = directory.path().join("in_python");
    write_script(&script, &format!("#!{}\n{IN_PYTHON}", venv.python().display()));
    let in_node = node(directory.path()).await;

    let (mut rust, mut python, mut node) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        rust.push(cold_start(&binary, &variables).await);
        python.push(cold_start(&script, &variables).await);
        if let Some(in_node) = &in_node {
            node.push(cold_start(in_node, &variables).await);
        }
    }
    let cpu = |starts: &[ColdStart]| median(&mut starts.iter().map(|start| start.cpu).collect::<Vec<_>>());
    row("init, wall, ms", milliseconds(median(&mut rust.iter().map(|start| start.init).collect::<Vec<_>>())), "4");
    row("CPU until the first response, ms", milliseconds(cpu(&rust)), "10");
    row("peak memory, MB", megabytes(rust.iter().map(|start| start.peak).max().unwrap()), "12");
    row("the same job in Python: CPU, ms", milliseconds(cpu(&python)), "");
    row("the same job in Python: peak memory, MB", megabytes(python.iter().map(|start| start.peak).max().unwrap()), "");
    let ratio = cpu(&python).as_secs_f64() / cpu(&rust).as_secs_f64();
    row("times less CPU than Python", format!("{ratio:.0}"), "40");
    if node.is_empty() {
        row("times less CPU than Node: no Node here", "", "25");
    } else {
        row("the same job in Node: CPU, ms", milliseconds(cpu(&node)), "");
        let ratio = cpu(&node).as_secs_f64() / cpu(&rust).as_secs_f64();
        row("times less CPU than Node", format!("{ratio:.0}"), "25");
    }
    match instructions(&binary, &variables, directory.path()).await {
        Some(count) => {
            row("instructions until the first response, million", format!("{:.1}", count as f64 / 1e6), "20")
        }
        None => row("instructions: no valgrind here", "", "20"),
    }
}

fn write_script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// The job in Node, with its packages; `None` where there is no Node, or no registry.
async fn node(directory: &Path) -> Option<std::path::PathBuf> {
    let packages = ["@aws-sdk/client-iam@3", "@aws-sdk/client-secrets-manager@3"];
    let installed = tokio::process::Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund"])
        .args(packages)
        .current_dir(directory)
        .status()
        .await;
    let node = tokio::process::Command::new("sh").args(["-c", "command -v node"]).output().await.ok()?;
    if !installed.ok()?.success() || !node.status.success() {
        return None;
    }
    let script = directory.join("in_node.mjs");
    write_script(&script, &format!("#!{}\n{IN_NODE}", String::from_utf8_lossy(&node.stdout).trim()));
    Some(script)
}

/// Instructions from the start of the process to its first response, by callgrind: the same every time.
async fn instructions(binary: &Path, variables: &[(String, String)], directory: &Path) -> Option<u64> {
    let (script, counts) = (directory.join("in_callgrind"), directory.join("callgrind.out"));
    let valgrind = format!("exec valgrind --quiet --tool=callgrind --callgrind-out-file={}", counts.display());
    write_script(&script, &format!("#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\n{valgrind} {}\n", binary.display()));
    let has_valgrind = tokio::process::Command::new("valgrind").arg("--version").output().await;
    if !has_valgrind.ok()?.status.success() {
        return None;
    }
    let mut function = Function::start(&script, variables.iter().cloned()).await.ok()?;
    function.invoke(&json!({}), Duration::from_secs(120)).await.ok()?;
    // It writes what it counted when it is asked to end.
    let process = function.process_id()?.to_string();
    tokio::process::Command::new("kill").args(["-TERM", &process]).status().await.ok()?;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let counted = fs::read_to_string(&counts).unwrap_or_default();
        let total = counted.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
        if let Some(total) = total {
            return total.trim().parse().ok();
        }
    }
    None
}

struct ColdStart {
    init: Duration,
    cpu: Duration,
    peak: u64,
}

async fn cold_start(binary: &Path, variables: &[(String, String)]) -> ColdStart {
    cold_start_with(binary, variables, &json!({})).await
}

async fn cold_start_with(binary: &Path, variables: &[(String, String)], event: &Value) -> ColdStart {
    let mut function = Function::start(binary, variables.iter().cloned()).await.unwrap();
    let init = function.init_duration();
    function.invoke(event, Duration::from_secs(60)).await.unwrap();
    let process = Path::new("/proc").join(function.process_id().unwrap().to_string());
    let threads = fs::read_dir(process.join("task")).unwrap().map(|thread| thread.unwrap().path());
    // The first number is the time on a processor, in nanoseconds. (Linux, sched-stats.)
    let on_cpu = |thread: std::path::PathBuf| {
        let statistics = fs::read_to_string(thread.join("schedstat")).unwrap();
        statistics.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let cpu = Duration::from_nanos(threads.map(on_cpu).sum());
    let peak = peak(&function);
    function.stop().await;
    ColdStart { init, cpu, peak }
}

/// The most memory that a function's process ever had, in bytes.
fn peak(function: &Function) -> u64 {
    let status = Path::new("/proc").join(function.process_id().unwrap().to_string()).join("status");
    let status = fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn zipped(venv: &Venv, binary: &Path) -> u64 {
    let script = "import io, sys, zipfile\nzip = io.BytesIO()\n\
        with zipfile.ZipFile(zip, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as file: file.write(sys.argv[1], 'bootstrap')\n\
        print(len(zip.getvalue()))";
    let output = tokio::process::Command::new(venv.python())
        .args(["-c", script])
        .arg(binary)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn median(values: &mut [Duration]) -> Duration {
    values.sort();
    values[values.len() / 2]
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
