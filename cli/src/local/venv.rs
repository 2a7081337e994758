//! The Python environment that the local AWS runs in.
//!
//! Made once, with every package pinned by hash, in the user's cache directory, and shared by all
//! who need the same one. Its name is a hash of all that it is made from, so that another version of
//! Banto or of Python gets another environment.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use super::Progress;

/// The packages, each with its version and hashes.
const REQUIREMENTS: &str = include_str!("../../local/requirements.txt");

/// The oldest Python that the pinned packages run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Prints the version, then all that tells one Python from another on this machine.
const PROBE: &str = "import sys; print(*sys.version_info[:2]); print(sys.version, sys.base_prefix, sys.platform)";

/// How often someone who waits for the lock looks again.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);

/// How many lines of pip's are shown when it fails.
const SHOWN_LINES: usize = 15;

/// A virtual environment that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// The environment for the local AWS, made first if this machine has none yet. That needs
    /// Python's package index, or a mirror that pip is configured for; all else is offline.
    pub async fn ensure(progress: &Progress<'_>) -> Result<Self> {
        let python = find_python().await?;
        let cache = cache_directory(|name| std::env::var_os(name))?;
        let directory = cache.join(environment_name(REQUIREMENTS, &python.identity));
        let venv = Self { directory };
        if venv.is_complete() {
            return Ok(venv);
        }
        fs::create_dir_all(&cache).with_context(|| format!("can't make {}", cache.display()))?;
        let _lock = lock(&cache.join("lock"), progress).await?;
        if !venv.is_complete() {
            venv.make(&python, progress).await?;
        }
        Ok(venv)
    }

    /// The environment's Python.
    pub fn python(&self) -> PathBuf {
        self.directory.join("bin").join("python")
    }

    /// Whether it is all there: it gets its name only once it is.
    fn is_complete(&self) -> bool {
        self.directory.is_dir()
    }

    /// Makes the environment under another name, then gives it its own. Whoever calls holds the lock.
    async fn make(&self, python: &Python, progress: &Progress<'_>) -> Result<()> {
        let partial = Partial::begin(self.directory.with_extension("partial"))?;
        progress("making a virtual environment");
        make_empty(python, &partial.0).await?;
        install(&partial.0, progress).await?;
        fs::rename(&partial.0, &self.directory).context("can't give the virtual environment its name")
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
            fs::remove_dir_all(&directory).with_context(|| format!("can't remove {}", directory.display()))?;
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

async fn find_python() -> Result<Python> {
    let program = "python3";
    let probe = Command::new(program).args(["-I", "-c", PROBE]).stdin(Stdio::null()).output().await;
    let Ok(probe) = probe else {
        bail!("the local AWS needs Python, but there is no `python3` on the PATH; {}", how_to_install("python3"));
    };
    let answer = String::from_utf8_lossy(&probe.stdout).into_owned();
    let Some((version, identity)) = answer.split_once('\n').filter(|_| probe.status.success()) else {
        bail!("`python3` does not run: {}", String::from_utf8_lossy(&probe.stderr).trim());
    };
    match parse_version(version) {
        Some(version) if version >= OLDEST_PYTHON => Ok(Python { program, identity: identity.to_owned() }),
        _ => bail!(
            "the local AWS needs Python {}.{} or later, but `python3` is {version}",
            OLDEST_PYTHON.0,
            OLDEST_PYTHON.1
        ),
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(' ')?;
    Some((major.parse().ok()?, minor.trim().parse().ok()?))
}

fn how_to_install(package: &str) -> String {
    format!("install it, as with `sudo apt install {package}`, `sudo dnf install python3` or `brew install python3`")
}

/// Where environments are kept. (XDG Base Directory Specification: a relative path is ignored.)
fn cache_directory(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("set HOME or XDG_CACHE_HOME: the local AWS is kept in a cache directory")?.join("banto"))
}

/// A name that differs wherever the environment would. Another release of Rust may hash otherwise,
/// which costs no more than making the environment once again.
fn environment_name(requirements: &str, python: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (requirements, python).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Waits until nobody else makes an environment; the lock ends with the file's handle, or its process.
async fn lock(path: &Path, progress: &Progress<'_>) -> Result<File> {
    let file = File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => progress("waiting for another process that makes the same environment"),
            Err(TryLockError::Error(error)) => return Err(error).context("can't lock the cache directory"),
        }
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
}

async fn make_empty(python: &Python, directory: &Path) -> Result<()> {
    let output = Command::new(python.program)
        .args(["-I", "-m", "venv"])
        .arg(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if output.status.success() {
        return Ok(());
    }
    // Debian ships Python without these two modules; its `venv` says so on standard output.
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said.contains("ensurepip") || said.contains("No module named venv") {
        bail!("Python's `venv` module is missing or incomplete; {}", how_to_install("python3-venv"));
    }
    bail!("`python3 -m venv` failed: {}", last_lines(&said))
}

async fn install(environment: &Path, progress: &Progress<'_>) -> Result<()> {
    let requirements = environment.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).context("can't write the list of packages")?;
    let mut pip = Command::new(environment.join("bin").join("python"))
        .args(["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"])
        .args(["--require-hashes", "--no-deps", "--requirement"])
        .arg(&requirements)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (pip.stdout.take(), pip.stderr.take());
    let show = |line: &str| {
        if let Some(package) = line.strip_prefix("Collecting ") {
            progress(&format!("fetching {}", package.split(' ').next().unwrap_or_default()));
        } else if line.starts_with("Installing ") {
            progress("installing the packages");
        }
    };
    let (said, complained) = tokio::join!(read_lines(stdout, show), read_lines(stderr, |_| ()));
    if pip.wait().await?.success() {
        return Ok(());
    }
    let said = if complained.is_empty() { said } else { complained };
    bail!("pip could not install the local AWS; it needs a Python package index:\n{}", last_lines(&said))
}

async fn read_lines(stream: Option<impl AsyncRead + Unpin>, show: impl Fn(&str)) -> String {
    let Some(stream) = stream else { return String::new() };
    let mut lines = BufReader::new(stream).lines();
    let mut all = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        show(&line);
        all.push_str(&line);
        all.push('\n');
    }
    all
}

/// The end of what a program said.
pub(super) fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.trim_end().lines().collect();
    lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        cache_directory(variable).ok()
    }

    #[test]
    fn environments_are_kept_where_the_user_keeps_caches() {
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/caches"), ("HOME", "/home/alice")]), Some("/caches/banto".into()));
        assert_eq!(cache(&[("HOME", "/home/alice")]), Some("/home/alice/.cache/banto".into()));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "caches"), ("HOME", "/home/alice")]), cache(&[("HOME", "/home/alice")]));
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn another_package_or_python_is_another_environment() {
        let names: std::collections::BTreeSet<String> = [("a", "b"), ("a", "c"), ("c", "b"), ("ab", "")]
            .map(|(packages, python)| environment_name(packages, python))
            .into();
        assert_eq!(names.len(), 4);
        assert_eq!(environment_name("a", "b"), environment_name("a", "b"));
    }

    #[test]
    fn every_package_is_pinned_by_hash_and_no_index_is_named() {
        assert!(REQUIREMENTS.lines().any(|line| line.starts_with("moto==5.2.5")));
        for package in REQUIREMENTS.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
        {
            assert!(package.contains("==") && package.ends_with('\\'), "{package}");
        }
        assert!(!REQUIREMENTS.contains("://"));
    }

    #[tokio::test]
    async fn only_one_at_a_time_makes_an_environment() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = lock(&path, &|_: &str| ()).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(50), lock(&path, &|_: &str| ())).await;
        assert!(waited.is_err(), "the second must wait");
        drop(held);
        lock(&path, &|_: &str| ()).await.unwrap();
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
