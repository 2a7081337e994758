//! `cargo demo`: builds what the demo needs, makes its Python environment meanwhile, shows how far
//! both are, then becomes `banto demo`.

mod bar;
mod build;

use std::convert::Infallible;
use std::env;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

use banto_setup::{Error, Result, SCENARIOS, how_to_install};

const USAGE: &str = "\
Plays the real functions on a local AWS and a local Slack, built first: no AWS account is needed.

Usage: cargo demo [OPTIONS]

Options:
      --scenario NAME  Plays one part: onboarding, rotation, thief, compliance or report
      --no-pause       Goes on without waiting for Enter after each scene
      --keep           Leaves the local AWS running afterwards, until Ctrl-C
  -v, --verbose        Shows Cargo's own lines instead of a bar
  -h, --help           Prints this

Exit codes: 0 done, 1 failed, 2 wrong use, 130 ended by Ctrl-C.
";

/// One way to call it.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help,
    /// `options` are those of `banto demo`.
    Demo {
        options: Vec<String>,
        verbose: bool,
    },
}

impl Request {
    /// The options are read here although `banto demo` reads them again: a wrong one is told before
    /// minutes of building.
    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let (mut options, mut verbose) = (Vec::new(), false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => return Ok(Self::Help),
                "--keep" | "--no-pause" => options.push(argument),
                "--scenario" => {
                    let name = arguments.next().unwrap_or_default();
                    options.extend([argument, scenario(&name)?.to_owned()]);
                }
                "-v" | "--verbose" => verbose = true,
                _ => match argument.strip_prefix("--scenario=") {
                    Some(name) => {
                        options.extend(["--scenario".to_owned(), scenario(name)?.to_owned()])
                    }
                    None => {
                        return Err(Error::new(format!(
                            "`cargo demo` has no option {argument:?}; see `cargo demo --help`"
                        )));
                    }
                },
            }
        }
        Ok(Self::Demo { options, verbose })
    }
}

/// The scenario of this name.
fn scenario(name: &str) -> Result<&'static str> {
    let known = SCENARIOS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| {
        let names = SCENARIOS.join(", ");
        Error::new(format!("there is no scenario {name:?}; there are {names}"))
    })
}

fn main() -> ExitCode {
    let (error, code) = match Request::parse(env::args().skip(1)) {
        Ok(Request::Help) => {
            // A reader that has gone is no reason to fail.
            drop(io::stdout().write_all(USAGE.as_bytes()));
            return ExitCode::SUCCESS;
        }
        Ok(Request::Demo { options, verbose }) => match demo(&options, verbose) {
            Ok(never) => match never {},
            Err(error) => (error, 1),
        },
        Err(error) => (error, 2),
    };
    drop(writeln!(io::stderr(), "cargo demo: {error}"));
    ExitCode::from(code)
}

fn demo(options: &[String], verbose: bool) -> Result<Infallible> {
    find_compiler()?;
    build::everything(verbose)?;
    let program = env::current_exe()
        .map_err(|error| Error::new(format!("can't find this program: {error}")))?;
    let banto = program.with_file_name("banto");
    let mut demo = Command::new(&banto);
    demo.arg("demo").args(options);
    // With it, `banto` would ask Cargo again whether its functions are built.
    demo.env_remove("CARGO");
    Err(Error::new(format!(
        "can't start {}: {}",
        banto.display(),
        demo.exec()
    )))
}

/// Some crates have parts in C or assembler. Without a compiler they fail only after a while, and
/// at length.
fn find_compiler() -> Result<()> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let version = Command::new(&compiler)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    if version.is_ok() {
        return Ok(());
    }
    let advice = how_to_install("build-essential", "gcc", "gcc");
    Err(Error::new(format!(
        "a C compiler is needed, but {} can't be run; {advice}",
        compiler.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request> {
        Request::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn a_wrong_option_is_told_before_anything_is_built() {
        let demo = |options: &[&str], verbose| {
            let options = options.iter().map(|option| (*option).to_owned()).collect();
            Ok(Request::Demo { options, verbose })
        };
        assert_eq!(parsed(&[]), demo(&[], false));
        assert_eq!(
            parsed(&["-v", "--keep", "--no-pause"]),
            demo(&["--keep", "--no-pause"], true)
        );
        for ways in [&["--scenario", "thief"][..], &["--scenario=thief"]] {
            assert_eq!(parsed(ways), demo(&["--scenario", "thief"], false));
        }
        assert_eq!(parsed(&["--keep", "--help"]), Ok(Request::Help));
        let told = parsed(&["--kep"]).unwrap_err().to_string();
        assert_eq!(
            told,
            "`cargo demo` has no option \"--kep\"; see `cargo demo --help`"
        );
        for ways in [&["--scenario", "theft"][..], &["--scenario=theft"]] {
            let told = parsed(ways).unwrap_err().to_string();
            assert_eq!(
                told,
                "there is no scenario \"theft\"; there are onboarding, rotation, thief, compliance, report"
            );
        }
    }
}
