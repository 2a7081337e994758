//! A process that is measured: what it prints, and what it took.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took, from its start on.
#[derive(Debug, Clone)]
pub struct Took {
    pub wall: Duration,
    pub cpu: Duration,
    /// The most memory that it had, in bytes.
    pub peak: u64,
    /// What it printed on its standard output.
    pub printed: String,
}

/// Runs a process to its end. The last line of its standard error says its CPU time in nanoseconds
/// and its peak memory in bytes.
pub fn run(program: &Path, arguments: &[&str]) -> Took {
    let begun = Instant::now();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let wall = begun.elapsed();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    let mut numbers = said.lines().last().unwrap().split(' ');
    let mut number = || numbers.next().unwrap().parse().unwrap();
    Took {
        wall,
        cpu: Duration::from_nanos(number()),
        peak: number(),
        printed: String::from_utf8(output.stdout).unwrap(),
    }
}

/// Runs this program again, as a process that is measured.
pub fn own(arguments: &[&str]) -> Took {
    let arguments: Vec<&str> = [super::OWN].iter().chain(arguments).copied().collect();
    run(&std::env::current_exe().unwrap(), &arguments)
}

/// Says what this process took so far. (Linux: the first number of `schedstat` is a thread's time
/// on a processor, in nanoseconds; `VmHWM` is the most memory.)
pub fn say_what_it_took() {
    let on_cpu = |thread: fs::DirEntry| {
        let statistics = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        let first = statistics.split(' ').next().unwrap();
        first.parse::<u64>().unwrap()
    };
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let cpu: u64 = threads.map(|thread| on_cpu(thread.unwrap())).sum();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("{cpu} {}", peak * 1024);
}
