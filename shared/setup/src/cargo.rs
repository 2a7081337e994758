//! Cargo, called from a program that Cargo runs.

use std::env;
use std::process::Command;

/// Variables that `cargo run` and `cargo test` add for the one package whose program they start.
const OF_ONE_PACKAGE: [&str; 5] = [
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_TARGET_TMPDIR",
];

/// The Cargo that runs this program, else the one on the PATH, in the environment of a shell.
///
/// Build scripts (ring's, for one) ask Cargo to run them again when such a variable differs from
/// last time. A Cargo that inherited them would build ring anew, and all that is built on it, each
/// time that a demo follows a test or a test a demo.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_one_package))
    {
        cargo.env_remove(name);
    }
    cargo
}

fn is_of_one_package(variable: &str) -> bool {
    OF_ONE_PACKAGE
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_builds_as_from_a_shell_and_keeps_the_users_own_settings() {
        assert!(
            env::var_os("CARGO_MANIFEST_DIR").is_some() && env::var_os("CARGO_PKG_NAME").is_some()
        );
        let cargo = cargo();
        let removed: Vec<&str> = cargo
            .get_envs()
            .filter_map(|(name, _)| name.to_str())
            .collect();
        assert!(
            removed.contains(&"CARGO_MANIFEST_DIR") && removed.contains(&"CARGO_PKG_NAME"),
            "{removed:?}"
        );
        for setting in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "CARGO_BUILD_JOBS",
            "CARGO",
        ] {
            assert!(!is_of_one_package(setting), "{setting}");
        }
    }
}
