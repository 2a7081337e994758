//! Programs as they are packaged, which `.ci/nightly` builds for the other architecture.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use clap::ValueEnum as _;
use serde_json::json;

use super::*;
use crate::local::runtime_api::Function as Running;

const POLICY: &str = include_str!("../../../examples/banto.toml");

/// Far more than any program takes, even under an emulator on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Each reads its policy, starts its clients, asks the Runtime API for an event, and refuses what is
/// no event by its own word. So it was linked and relocated as that architecture's loader and glibc
/// want it.
///
/// `BANTO_PROGRAMS` is their folder. `BANTO_EMULATOR` is the command that runs one, where this
/// machine can't by itself.
#[tokio::test]
#[ignore = "needs programs that were built for Lambda: .ci/nightly"]
async fn programs_built_for_lambda_answer_an_event_of_the_runtime_api() {
    let programs = PathBuf::from(env::var_os("BANTO_PROGRAMS").unwrap());
    let emulator = env::var("BANTO_EMULATOR").unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("banto.toml");
    fs::write(&policy, POLICY).unwrap();
    let mut answered = Vec::new();
    for function in Function::value_variants() {
        let program = programs.join(function.name());
        if !program.is_file() {
            continue;
        }
        let start = folder.path().join(function.name());
        let script = format!("#!/bin/sh\nexec {emulator} '{}'\n", program.display());
        fs::write(&start, script).unwrap();
        fs::set_permissions(&start, fs::Permissions::from_mode(0o755)).unwrap();
        let variables = [
            ("PATH", env::var("PATH").unwrap()),
            ("BANTO_POLICY", policy.display().to_string()),
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let mut running = Running::start(&start, variables).await.unwrap();
        let answer = running.invoke(&json!({"no": "event"}), PATIENCE).await;
        output::line(&format!(
            "{}: asked after {:?}, {answer:?}",
            function.name(),
            running.init_duration()
        ));
        let error = answer.unwrap_err();
        assert!(!error.error_type.starts_with("Runtime."), "{error}");
        assert!(!error.error_type.starts_with("Sandbox."), "{error}");
        assert!(!error.message.is_empty());
        answered.push((function.name(), error.error_type));
    }
    assert!(!answered.is_empty(), "{}", programs.display());
    let kinds: Vec<_> = answered.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, vec!["UnknownEvent"; kinds.len()], "{answered:?}");
}
