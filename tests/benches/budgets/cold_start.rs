//! From the start of a process to its first response: a function's real binary, and the same job in
//! Python and in Node.
//!
//! The three take turns, so that whatever else the machine does strikes all of them. Each starts
//! over plain HTTP and over TLS. Where this differs from Lambda: the machine's disk is warm, the
//! server is near, so that nothing is waited for, and roots come from a file with one certificate
//! (Banto has Mozilla's compiled in, Python and Node read theirs from a file). The twins lack AWS's
//! own runtime clients, and all that their headers name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use banto::local::aws::{Aws, Credentials};
use banto::local::function_binary;
use banto::local::moto::Moto;
use banto::local::proxy::Proxy;
use banto::local::runtime_api::Function;
use banto::local::tls::TlsFront;
use banto::local::venv::Venv;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::table::{at_least, at_most, median, megabytes, milliseconds, row};

/// Starts of each process that count; the median of them is printed.
pub const STARTS: usize = 9;

/// The packages of the twins in Node.
const PACKAGES: [&str; 5] = [
    "@aws-sdk/client-dynamodb@3",
    "@aws-sdk/client-iam@3",
    "@aws-sdk/client-organizations@3",
    "@aws-sdk/client-secrets-manager@3",
    "@aws-sdk/client-sqs@3",
];

/// Longest time that a process may take for its response; under callgrind it takes fifty times
/// longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process's environment variables.
pub type Variables = Vec<(String, String)>;

/// Python, Node and their packages; made once.
pub struct Tools {
    pub venv: Venv,
    node: Option<PathBuf>,
    /// Scripts lie here, beside Node's packages.
    directory: TempDir,
}

/// A local AWS that functions start on.
pub struct Ground {
    /// A caller of it.
    pub aws: Aws,
    credentials: Credentials,
    /// Keeps connections open, as AWS does and moto does not.
    proxy: Proxy,
    tls: TlsFront,
    _moto: Moto,
}

/// The way to the local AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Plain,
    Tls,
}

/// A function's first event, and the same job in Python and in Node.
pub struct Job<'a> {
    pub function: &'a str,
    pub event: Value,
    /// Needed by the function or its twins besides the variables of the [`Ground`].
    pub variables: Variables,
    /// A module that defines `handler`.
    pub in_python: &'a str,
    /// A module that defines `handler`.
    pub in_node: &'a str,
}

/// A process, from its start to its first response.
#[derive(Clone, Copy)]
struct ColdStart {
    init: Duration,
    cpu: Duration,
    /// In bytes.
    peak: u64,
}

impl Tools {
    /// Makes what is not there yet; Node is left out where there is none, or no registry.
    pub async fn prepare() -> Self {
        let venv = Venv::ensure(&|_| {}).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let node = node(directory.path()).await;
        Self {
            venv,
            node,
            directory,
        }
    }

    /// Writes a script that the system can run.
    fn script(&self, name: &str, interpreter: &Path, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, format!("#!{}\n{text}", interpreter.display())).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }
}

/// Node itself, once the packages lie in the directory.
async fn node(directory: &Path) -> Option<PathBuf> {
    let install = ["install", "--silent", "--no-audit", "--no-fund"];
    let installed = Command::new("npm")
        .args(install)
        .args(PACKAGES)
        .current_dir(directory)
        .status()
        .await;
    // Not a version manager's stand-in for it, which needs more of the environment than a function
    // has.
    let node = Command::new("node")
        .args(["--print", "process.execPath"])
        .output()
        .await
        .ok()?;
    let is_there = installed.ok()?.success() && node.status.success();
    is_there.then(|| String::from_utf8_lossy(&node.stdout).trim().into())
}

impl Ground {
    pub async fn start(tools: &Tools) -> Self {
        let moto = Moto::start(&tools.venv).await.unwrap();
        let proxy = Proxy::start(moto.endpoint()).await.unwrap();
        let tls = TlsFront::start(&tools.venv, &proxy.endpoint())
            .await
            .unwrap();
        let nobody = Aws::nobody(moto.endpoint(), "eu-west-1");
        let credentials = nobody
            .assume_role("arn:aws:iam::111122223333:role/bench")
            .await
            .unwrap();
        let aws = nobody.with_key(&credentials.access_key_id);
        Self {
            aws,
            credentials,
            proxy,
            tls,
            _moto: moto,
        }
    }

    /// The environment of a process that reaches AWS this way, with variables of its own.
    pub fn variables(&self, way: Way, own: &Variables) -> Variables {
        let endpoint = match way {
            Way::Plain => self.proxy.endpoint().replace("127.0.0.1", "localhost"),
            Way::Tls => self.tls.endpoint(),
        };
        // Each service of AWS has a host of its own, which costs a connection and a handshake of
        // its own.
        let of_sqs = endpoint.replace("localhost", "127.0.0.1");
        let ca_bundle = self.tls.ca_bundle().display().to_string();
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.credentials.secret_access_key),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ENDPOINT_URL_SQS", &of_sqs),
        ];
        let trust = [
            ("AWS_CA_BUNDLE", ca_bundle.as_str()),
            ("NODE_EXTRA_CA_CERTS", &ca_bundle),
        ];
        let trust = trust.into_iter().filter(|_| way == Way::Tls);
        let variables = variables
            .into_iter()
            .chain(trust)
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        variables.chain(own.iter().cloned()).collect()
    }
}

/// Starts the function and its twins in turns, and prints what they cost.
pub async fn compare(tools: &Tools, ground: &Ground, job: &Job<'_>) {
    let name = job.function;
    let binary = function_binary(name, &|_| {}).await.unwrap();
    row(
        &format!("{name}: binary, MB"),
        megabytes(fs::metadata(&binary).unwrap().len()),
    );
    at_most(
        &format!("{name}: zip, MB"),
        megabytes(zipped(&tools.venv, &binary).await),
        3.5,
    );

    let python = format!("{}\n{}", job.in_python, include_str!("twins/runtime.py"));
    let mut programs = vec![
        binary.clone(),
        tools.script(&format!("{name}.py"), &tools.venv.python(), &python),
    ];
    if let Some(node) = &tools.node {
        let text = format!("{}\n{}", job.in_node, include_str!("twins/runtime.mjs"));
        programs.push(tools.script(&format!("{name}.mjs"), node, &text));
    }
    let mut starts = vec![[Vec::new(), Vec::new()]; programs.len()];
    let mut calls = Vec::new();
    // The first turn warms the disk's cache and moto, which makes its first report of credentials.
    for turn in 0..=STARTS {
        for (index, way) in [Way::Plain, Way::Tls].into_iter().enumerate() {
            let variables = ground.variables(way, &job.variables);
            for (program, starts) in programs.iter().zip(&mut starts) {
                ground.proxy.reset();
                let start = cold_start(program, &variables, &job.event).await;
                if turn == 0 {
                    continue;
                }
                starts[index].push(start);
                let made: Vec<String> = ground
                    .proxy
                    .calls()
                    .into_iter()
                    .map(|call| call.operation)
                    .collect();
                if calls.is_empty() {
                    calls.clone_from(&made);
                }
                assert_eq!(made, calls, "{} does another job", program.display());
            }
        }
    }
    row(
        &format!("{name}: calls to AWS until the first response"),
        calls.len(),
    );
    print(name, &starts);
    let variables = ground.variables(Way::Plain, &job.variables);
    match instructions(tools, &binary, &variables, &job.event).await {
        Some(count) => {
            at_most(
                &format!("{name}: instructions, million"),
                format!("{:.1}", count as f64 / 1e6),
                20.0,
            );
        }
        None => row(&format!("{name}: instructions: no valgrind here"), ""),
    }
}

/// Prints starts of the function, of the twin in Python, and of that in Node if there is one; for
/// each, those over plain HTTP and those over TLS.
fn print(name: &str, starts: &[[Vec<ColdStart>; 2]]) {
    let [own, twins @ ..] = starts else { return };
    let [plain, tls] = own;
    at_most(
        &format!("{name}: init, wall, ms"),
        milliseconds(of(plain, |start| start.init)),
        4.0,
    );
    at_most(
        &format!("{name}: CPU until the first response, ms"),
        milliseconds(cpu(plain)),
        10.0,
    );
    at_most(
        &format!("{name}: CPU until the first response, TLS, ms"),
        milliseconds(cpu(tls)),
        6.0,
    );
    at_most(
        &format!("{name}: peak memory, MB"),
        megabytes(most(plain)),
        12.0,
    );
    at_most(
        &format!("{name}: peak memory, TLS, MB"),
        megabytes(most(tls)),
        8.0,
    );
    for (language, times, twin) in [
        ("Python", 40.0, twins.first()),
        ("Node", 25.0, twins.get(1)),
    ] {
        let Some(twin) = twin else {
            row(&format!("{name} in {language}: no {language} here"), "");
            continue;
        };
        for (how, own, twin) in [("", plain, &twin[0]), (", TLS", tls, &twin[1])] {
            row(
                &format!("{name} in {language}: CPU{how}, ms"),
                milliseconds(cpu(twin)),
            );
            row(
                &format!("{name} in {language}: peak memory{how}, MB"),
                megabytes(most(twin)),
            );
            let ratio = cpu(twin).as_secs_f64() / cpu(own).as_secs_f64();
            at_least(
                &format!("{name}: times less CPU than in {language}{how}"),
                format!("{ratio:.0}"),
                times,
            );
        }
    }
}

fn of(starts: &[ColdStart], time: fn(&ColdStart) -> Duration) -> Duration {
    median(&mut starts.iter().map(time).collect::<Vec<_>>())
}

fn cpu(starts: &[ColdStart]) -> Duration {
    of(starts, |start| start.cpu)
}

fn most(starts: &[ColdStart]) -> u64 {
    starts.iter().map(|start| start.peak).max().unwrap()
}

/// Prints the start of a function whose event needs no call to AWS.
pub async fn without_calls(name: &str, binary: &Path, variables: &Variables, event: &Value) {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(cold_start(binary, variables, event).await);
    }
    at_most(
        &format!("{name}: CPU to a response without calls, ms"),
        milliseconds(cpu(&starts)),
        10.0,
    );
}

/// Starts a process, has it handle an event, and ends it.
async fn cold_start(program: &Path, variables: &Variables, event: &Value) -> ColdStart {
    let mut function = Function::start(program, variables.iter().cloned())
        .await
        .unwrap();
    let init = function.init_duration();
    function.invoke(event, PATIENCE).await.unwrap();
    let process = Path::new("/proc").join(function.process_id().unwrap().to_string());
    let threads = fs::read_dir(process.join("task"))
        .unwrap()
        .map(|thread| thread.unwrap().path());
    // The first number is the time on a processor, in nanoseconds. (Linux, sched-stats.)
    let on_cpu = |thread: PathBuf| {
        let statistics = fs::read_to_string(thread.join("schedstat")).unwrap();
        statistics
            .split(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let cpu = Duration::from_nanos(threads.map(on_cpu).sum());
    let peak = peak(&function);
    function.stop().await;
    ColdStart { init, cpu, peak }
}

/// Instructions from the start of the process to its first response, by callgrind: the same every
/// time.
async fn instructions(
    tools: &Tools,
    binary: &Path,
    variables: &Variables,
    event: &Value,
) -> Option<u64> {
    let has_valgrind = Command::new("valgrind").arg("--version").output().await;
    if !has_valgrind.ok()?.status.success() {
        return None;
    }
    let counts = tools.directory.path().join("callgrind.out");
    let valgrind = format!(
        "exec valgrind --quiet --tool=callgrind --callgrind-out-file={}",
        counts.display()
    );
    let text = format!(
        "PATH=/usr/local/bin:/usr/bin:/bin\n{valgrind} {}\n",
        binary.display()
    );
    let script = tools.script("in_callgrind", Path::new("/bin/sh"), &text);
    let mut function = Function::start(&script, variables.iter().cloned())
        .await
        .ok()?;
    function.invoke(event, PATIENCE).await.ok()?;
    // It writes what it counted when it is asked to end.
    let process = function.process_id()?.to_string();
    Command::new("kill")
        .args(["-TERM", &process])
        .status()
        .await
        .ok()?;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let counted = fs::read_to_string(&counts).unwrap_or_default();
        let total = counted.lines().find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        });
        if let Some(total) = total {
            fs::remove_file(&counts).ok()?;
            return total.trim().parse().ok();
        }
    }
    None
}

/// The most memory that a function's process ever had, in bytes.
pub fn peak(function: &Function) -> u64 {
    let status = Path::new("/proc")
        .join(function.process_id().unwrap().to_string())
        .join("status");
    let status = fs::read_to_string(status).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The size of the package that Lambda is given, in bytes.
async fn zipped(venv: &Venv, binary: &Path) -> u64 {
    let script = "import io, sys, zipfile\nzip = io.BytesIO()\n\
        with zipfile.ZipFile(zip, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as file: file.write(sys.argv[1], 'bootstrap')\n\
        print(len(zip.getvalue()))";
    let output = Command::new(venv.python())
        .args(["-c", script])
        .arg(binary)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}
