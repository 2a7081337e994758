//! The Python environments that a local AWS runs in.
//!
//! Each is made once, with every package pinned by hash, in the user's cache directory, and shared by all
//! who need the same one. Its name is a hash of all that it is made from, so that another version
//! of Banto or of Python gets another environment.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Ended, Error, Progress, Result, failed, how_to_install, last_lines};

/// The packages of an environment, each with its version and hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// The local AWS, and the AWS CLI.
    LocalAws,
    /// The local AWS that enforces IAM.
    EnforcingAws,
}

impl Packages {
    const fn requirements(self) -> &'static str {
        match self {
            Self::LocalAws => include_str!("../requirements.txt"),
            Self::EnforcingAws => include_str!("../ministack.txt"),
        }
    }
}

/// The oldest Python that the pinned packages run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Prints the version, then all that tells one Python from another on this machine.
const PROBE: &str =
    "import sys; print(*sys.version_info[:2]); print(sys.version, sys.base_prefix, sys.platform)";

/// How often someone who waits for the lock looks again.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);

/// A virtual environment that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv {
    directory: PathBuf,
    packages: Packages,
}

impl Venv {
    /// The environment of these packages, made first if this machine has none yet. That needs
    /// Python's package index, or a mirror that pip is configured for; all else is offline.
    pub fn ensure(packages: Packages, progress: &Progress<'_>) -> Result<Self> {
        let python = find_python()?;
        let cache = cache_directory(|name| env::var_os(name))?;
        let name = environment_name(packages.requirements(), &python.identity);
        let directory = cache.join(name);
        let venv = Self {
            directory,
            packages,
        };
        if venv.is_complete() {
            return Ok(venv);
        }
        let _lock = lock(&cache, progress)?;
        if !venv.is_complete() {
            venv.make(&python, progress)?;
        }
        Ok(venv)
    }

    /// The environment's Python.
    pub fn python(&self) -> PathBuf {
        self.directory.join("bin").join("python")
    }

    /// True if it is all there: it gets its name only once it is.
    fn is_complete(&self) -> bool {
        self.directory.is_dir()
    }

    /// Makes the environment under another name, then gives it its own. Whoever calls holds the
    /// lock.
    fn make(&self, python: &Python, progress: &Progress<'_>) -> Result<()> {
        let partial = Partial::begin(self.directory.with_extension("partial"))?;
        progress("making a virtual environment")?;
        make_empty(python, &partial.0)?;
        install(&partial.0, self.packages, progress)?;
        fs::rename(&partial.0, &self.directory)
            .map_err(failed("can't give the virtual environment its name"))
    }
}

/// The Python that makes the environment.
struct Python {
    program: &'static str,
    identity: String,
}

/// An environment in the making, removed unless it got another name.
struct Partial(PathBuf);

impl Partial {
    /// Clears away what a process that was killed left behind.
    fn begin(directory: PathBuf) -> Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .map_err(failed(format!("can't remove {}", directory.display())))?;
        }
        Ok(Self(directory))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next one to make it.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn find_python() -> Result<Python> {
    let program = "python3";
    let probe = Command::new(program)
        .args(["-I", "-c", PROBE])
        .stdin(Stdio::null())
        .output();
    let Ok(probe) = probe else {
        let advice = how_to_install("python3", "python3", "python3");
        return Err(Error::new(format!(
            "the local AWS needs Python, but there is no `python3` on the PATH; {advice}"
        )));
    };
    let answer = String::from_utf8_lossy(&probe.stdout).into_owned();
    let Some((version, identity)) = answer.split_once('\n').filter(|_| probe.status.success())
    else {
        return Err(failed("`python3` does not run")(
            String::from_utf8_lossy(&probe.stderr).trim(),
        ));
    };
    match parse_version(version) {
        Some(version) if version >= OLDEST_PYTHON => Ok(Python {
            program,
            identity: identity.to_owned(),
        }),
        _ => Err(Error::new(format!(
            "the local AWS needs Python {}.{} or later, but `python3` is {version}",
            OLDEST_PYTHON.0, OLDEST_PYTHON.1
        ))),
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(' ')?;
    Some((major.parse().ok()?, minor.trim().parse().ok()?))
}

/// The directory in which environments are kept. (XDG Base Directory Specification: a relative path
/// is ignored.)
fn cache_directory(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let cache = cache.ok_or_else(|| {
        Error::new("set HOME or XDG_CACHE_HOME: the local AWS is kept in a cache directory")
    })?;
    Ok(cache.join("banto"))
}

/// A name that differs wherever the environment would. Another release of Rust may hash otherwise,
/// which costs no more than making the environment once again.
fn environment_name(requirements: &str, python: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (requirements, python).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Waits until nobody else makes an environment; the lock ends with the file's handle, or its
/// process.
fn lock(cache: &Path, progress: &Progress<'_>) -> Result<File> {
    let file = fs::create_dir_all(cache).and_then(|()| File::create(cache.join("lock")));
    let file = file.map_err(|reason| unwritable(cache, &reason))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                progress("waiting for another process that makes the same environment")?
            }
            Err(TryLockError::Error(reason)) => {
                return Err(failed("can't lock the cache directory")(reason));
            }
        }
        thread::sleep(LOCK_INTERVAL);
    }
}

fn unwritable(cache: &Path, reason: &io::Error) -> Error {
    Error::new(format!(
        "can't write to the cache directory {}: {reason}; set XDG_CACHE_HOME to a directory that can be written",
        cache.display()
    ))
}

fn make_empty(python: &Python, directory: &Path) -> Result<()> {
    let output = Command::new(python.program)
        .args(["-I", "-m", "venv"])
        .arg(directory)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(failed("can't run `python3 -m venv`"))?;
    if output.status.success() {
        return Ok(());
    }
    // Debian ships Python without these two modules; its `venv` says so on standard output.
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if said.contains("ensurepip") || said.contains("No module named venv") {
        let advice = how_to_install("python3-venv", "python3", "python3");
        return Err(Error::new(format!(
            "Python's `venv` module is missing or incomplete; {advice}"
        )));
    }
    Err(failed("`python3 -m venv` failed")(last_lines(&said)))
}

fn install(environment: &Path, packages: Packages, progress: &Progress<'_>) -> Result<()> {
    let requirements = environment.join("requirements.txt");
    fs::write(&requirements, packages.requirements())
        .map_err(failed("can't write the list of packages"))?;
    let pip = Command::new(environment.join("bin").join("python"))
        .args([
            "-I",
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar=off",
        ])
        .args(["--require-hashes", "--no-deps", "--requirement"])
        .arg(&requirements)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut pip = Ended(pip.map_err(failed("can't run pip"))?);
    let stderr = pip.0.stderr.take();
    let complaints = thread::spawn(move || {
        stderr
            .map(io::read_to_string)
            .and_then(Result::ok)
            .unwrap_or_default()
    });
    let mut said = String::new();
    for line in pip
        .0
        .stdout
        .take()
        .into_iter()
        .flat_map(|stdout| BufReader::new(stdout).lines())
    {
        let Ok(line) = line else { break };
        if let Some(package) = line.strip_prefix("Collecting ") {
            progress(&format!(
                "fetching {}",
                package.split(' ').next().unwrap_or_default()
            ))?;
        } else if line.starts_with("Installing ") {
            progress("installing the packages")?;
        }
        said.push_str(&line);
        said.push('\n');
    }
    if pip.0.wait().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let complaints = complaints.join().unwrap_or_default();
    let said = if complaints.is_empty() {
        said
    } else {
        complaints
    };
    Err(failed(
        "pip could not install the local AWS; it needs a Python package index",
    )(format!("\n{}", last_lines(&said))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        cache_directory(variable).ok()
    }

    #[test]
    fn environments_are_kept_where_the_user_keeps_caches() {
        assert_eq!(
            cache(&[("XDG_CACHE_HOME", "/caches"), ("HOME", "/home/alice")]),
            Some("/caches/banto".into())
        );
        assert_eq!(
            cache(&[("HOME", "/home/alice")]),
            Some("/home/alice/.cache/banto".into())
        );
        assert_eq!(
            cache(&[("XDG_CACHE_HOME", "caches"), ("HOME", "/home/alice")]),
            cache(&[("HOME", "/home/alice")])
        );
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn another_package_or_python_is_another_environment() {
        let names: std::collections::BTreeSet<String> =
            [("a", "b"), ("a", "c"), ("c", "b"), ("ab", "")]
                .map(|(packages, python)| environment_name(packages, python))
                .into();
        assert_eq!(names.len(), 4);
        assert_eq!(environment_name("a", "b"), environment_name("a", "b"));
    }

    #[test]
    fn every_package_is_pinned_by_hash_and_no_index_is_named() {
        for (packages, pin) in [
            (Packages::LocalAws, "moto==5.2.5"),
            (Packages::EnforcingAws, "ministack==1.5.33"),
        ] {
            let requirements = packages.requirements();
            assert!(
                requirements.lines().any(|line| line.starts_with(pin)),
                "{pin}"
            );
            for package in requirements
                .lines()
                .filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
            {
                assert!(
                    package.contains("==") && package.ends_with('\\'),
                    "{package}"
                );
            }
            assert!(!requirements.contains("://"));
        }
    }

    #[test]
    fn the_checks_of_infra_pin_the_same_local_aws_where_they_pin_it() {
        let theirs = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../infra/tests/requirements.txt"
        );
        let theirs = fs::read_to_string(theirs).unwrap();
        let pin = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("ministack=="))?;
            line.split(' ').next().map(str::to_owned)
        };
        let ours = pin(Packages::EnforcingAws.requirements());
        assert!(ours.is_some());
        assert!(pin(&theirs).is_none_or(|theirs| Some(theirs) == ours));
    }

    #[test]
    fn only_one_at_a_time_makes_an_environment_and_who_waits_can_give_up() {
        let directory = tempfile::tempdir().unwrap();
        let held = lock(directory.path(), &|_| Ok(())).unwrap();
        let gave_up = lock(directory.path(), &|what| Err(Error::new(what))).unwrap_err();
        assert_eq!(
            gave_up.to_string(),
            "waiting for another process that makes the same environment"
        );
        drop(held);
        lock(directory.path(), &|_| Ok(())).unwrap();
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_told_with_the_variable_that_moves_it() {
        let told = lock(Path::new("/dev/null/banto"), &|_| Ok(()))
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("can't write to the cache directory /dev/null/banto: Not a directory"),
            "{told}"
        );
        assert!(
            told.ends_with("; set XDG_CACHE_HOME to a directory that can be written"),
            "{told}"
        );
    }

    #[test]
    fn what_a_killed_process_left_is_cleared_away() {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join("environment.partial");
        fs::create_dir_all(partial.join("bin")).unwrap();
        let begun = Partial::begin(partial.clone()).unwrap();
        assert!(!partial.exists());
        fs::create_dir_all(&partial).unwrap();
        drop(begun);
        assert!(!partial.exists());
    }

    #[test]
    fn a_version_is_read_and_compared_by_number() {
        assert!(parse_version("3 9").unwrap() < OLDEST_PYTHON);
        assert!(parse_version("3 14").unwrap() > OLDEST_PYTHON);
        assert_eq!(parse_version("Python"), None);
    }
}
