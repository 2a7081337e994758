//! How soon the command answers whoever asks for help.

use std::path::Path;

use banto::local::function_binary;
use tokio::process::Command;

use crate::table::at_most;

/// Runs of each program: one alone is too short for what counts its CPU time.
const RUNS: u32 = 50;

/// A program that does nothing: what starting one costs on this machine.
const NOTHING: &str = "/bin/true";

pub async fn help() {
    let banto = function_binary("banto", &|_| {}).await.unwrap();
    // The first runs warm the disk's cache.
    milliseconds(&banto).await;
    let (nothing, help) = (
        milliseconds(Path::new(NOTHING)).await,
        milliseconds(&banto).await,
    );
    // A tenth of what people notice. (Nielsen, "Response Times: The 3 Important Limits".)
    at_most("banto --help: CPU, ms", format!("{help:.1}"), 10.0);
    // Measured: 2.7.
    let ratio = format!("{:.1}", help / nothing);
    at_most("banto --help: CPU, times that of /bin/true", ratio, 6.0);
}

/// The CPU time of a run, as bash counts that of its children.
async fn milliseconds(program: &Path) -> f64 {
    let script = "for run in $(seq $1); do \"$0\" --help >/dev/null; done; times";
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .arg(program)
        .arg(RUNS.to_string())
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    // The last line is of the children: user and system, as in 0m0.123s.
    let times = String::from_utf8(output.stdout).unwrap();
    let times = times.lines().last().unwrap().split(' ');
    let milliseconds = |time: &str| -> f64 {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60_000.0 + seconds.parse::<f64>().unwrap() * 1_000.0
    };
    times.map(milliseconds).sum::<f64>() / f64::from(RUNS)
}
