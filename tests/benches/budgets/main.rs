//! Costs of a run, against the budgets: `cargo bench --package banto-tests`, or `cargo make bench`.
//!
//! After `--`, names of sections (see `main`) print only these. Calls and bytes are counted. Times
//! are CPU times of one run on whatever machine this is: compare them with each other, not with
//! yesterday's. A row that misses its budget says so. Those over TLS have goals that are tighter
//! than the rest.

#[path = "../../src/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;

mod cold_start;
mod compliance;
mod help;
mod onboarding;
mod report;
mod rotation;
mod table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if report::is_measured(&arguments) {
        return;
    }
    // Cargo adds options of its own.
    let wanted: Vec<String> = arguments
        .into_iter()
        .filter(|name| !name.starts_with('-'))
        .collect();
    let is_wanted = |section: &str| wanted.is_empty() || wanted.iter().any(|name| name == section);
    table::head();
    if is_wanted("calls") {
        rotation::calls();
        onboarding::calls();
    }
    if is_wanted("planning") {
        rotation::planning();
    }
    if is_wanted("sealing") {
        rotation::sealing();
    }
    if is_wanted("storm") {
        compliance::storms();
    }
    if is_wanted("organization") {
        onboarding::simulation();
    }
    if is_wanted("reading") {
        report::reading();
    }
    if is_wanted("month") {
        report::month();
    }
    if is_wanted("rounds") {
        report::rounds();
    }
    // It takes minutes, so it has to be named.
    if wanted.iter().any(|name| name == "large-archive") {
        report::large();
    }
    let functions = [
        "rotate-access-keys",
        "onboard-accounts",
        "notify-compliance",
    ]
    .map(is_wanted);
    let (is_of_memory, is_of_help) = (is_wanted("memory"), is_wanted("help"));
    if functions.contains(&true) || is_of_memory || is_of_help {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        if is_of_help {
            runtime.block_on(help::help());
        }
        if is_of_memory {
            runtime.block_on(compliance::memory());
        }
        runtime.block_on(processes(functions));
    }
}

/// The real binaries, those that are wanted.
async fn processes([rotation, onboarding, compliance]: [bool; 3]) {
    if !(rotation || onboarding || compliance) {
        return;
    }
    let tools = cold_start::Tools::prepare().await;
    if rotation {
        rotation::process(&tools).await;
    }
    if onboarding {
        onboarding::process(&tools).await;
    }
    if compliance {
        compliance::process(&tools).await;
    }
}
