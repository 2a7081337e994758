//! Runs a program: input and output through pipes, everything bounded.

use std::io::{ErrorKind, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use zeroize::Zeroizing;

use super::{OpenPgpError, Program};

/// Most bytes that a program may write on standard output: as many as a certificate may have in
/// the bucket. An envelope has two thousand.
pub(super) const MOST_OUTPUT: usize = 256 * 1024;

/// Most bytes of a program's complaints that are kept; the rest is read and dropped, so that the
/// program does not stop for it.
const MOST_COMPLAINT: usize = 256 * 1024;

/// Longest time for a call that asks nobody. The slowest makes a new agent and lists a hundred
/// keys, in a second or two.
const MACHINE: Duration = Duration::from_secs(120);

/// Longest wait for a pipe that is still open after the program's end, because a daemon that it
/// started holds it. What the program itself wrote is in the pipe by then.
const LEFT_OPEN: Duration = Duration::from_secs(1);

/// Lines of a program's complaints that are shown: the last ones, which say what failed.
const LINES: usize = 6;

/// Characters of such a line that are shown: no program's own sentences are longer.
const LINE: usize = 200;

/// The signal of Ctrl-C (POSIX, `kill -2`).
const SIGINT: i32 = 2;

/// A call of a program.
pub(super) struct Call<'a> {
    pub(super) program: &'a Program,
    /// What it does, as a verb and its object, for errors.
    pub(super) what: &'static str,
    pub(super) arguments: Vec<std::ffi::OsString>,
    pub(super) input: &'a [u8],
    /// False if it may ask the person for a passphrase: then it may take as long as they do.
    pub(super) asks_nobody: bool,
}

/// The end of a call: wiped when it is dropped, since it may be what was decrypted.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: Zeroizing<Vec<u8>>,
    pub(super) errors: String,
}

impl Ended {
    /// The output as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

impl Call<'_> {
    /// Runs the program to its end.
    pub(super) async fn run(self) -> Result<Ended, OpenPgpError> {
        let mut command = self.command();
        if let Some(terminal) = terminal().await {
            command.env("GPG_TTY", terminal);
        }
        let child = command.spawn().map_err(|source| self.not_run(source))?;
        if !self.asks_nobody {
            return self.follow(child).await;
        }
        let followed = tokio::time::timeout(MACHINE, self.follow(child)).await;
        followed.unwrap_or_else(|_| {
            Err(OpenPgpError::Silent {
                program: self.program.clone(),
                seconds: MACHINE.as_secs(),
            })
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program.path());
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A child, and the agent that it may start, need no access key.
        let environment = std::env::vars_os().chain(self.program.environment().iter().cloned());
        command.env_clear();
        command.envs(environment.filter(|(name, _)| !name.to_string_lossy().starts_with("AWS_")));
        command
    }

    /// Feeds the program, and takes in what it writes until it has ended.
    async fn follow(&self, mut child: Child) -> Result<Ended, OpenPgpError> {
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // Both have their final size from the start: a larger copy would leave the smaller behind.
        let mut output_bytes = Filled::new(MOST_OUTPUT + 1);
        let mut error_bytes = Filled::new(MOST_COMPLAINT);
        let status = {
            let reading = async {
                tokio::join!(feed(input, self.input), output_bytes.fill(output), async {
                    error_bytes.fill_and_drain(errors).await;
                });
            };
            tokio::pin!(reading);
            tokio::select! {
                () = &mut reading => child.wait().await,
                status = child.wait() => {
                    drop(tokio::time::timeout(LEFT_OPEN, &mut reading).await);
                    status
                }
            }
        };
        if output_bytes.length > MOST_OUTPUT {
            return Err(OpenPgpError::TooMuch {
                program: self.program.clone(),
                limit: MOST_OUTPUT,
            });
        }
        let status = status.map_err(|source| self.not_run(source))?;
        if status.signal() == Some(SIGINT) {
            return Err(OpenPgpError::Interrupted(ErrorKind::Interrupted.into()));
        }
        Ok(Ended {
            status,
            output: output_bytes.into_bytes(),
            errors: String::from_utf8_lossy(&error_bytes.into_bytes()).into_owned(),
        })
    }

    fn not_run(&self, source: std::io::Error) -> OpenPgpError {
        OpenPgpError::NotRun {
            path: self.program.path().to_owned(),
            source,
        }
    }
}

/// Bytes that are read into a buffer of a fixed size, and wiped.
struct Filled {
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Filled {
    fn new(size: usize) -> Self {
        Self {
            bytes: Zeroizing::new(vec![0; size]),
            length: 0,
        }
    }

    /// Reads until the end or until the buffer is full, and closes the pipe: a program that goes on
    /// writing ends by that.
    async fn fill(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        while let Some(rest) = self
            .bytes
            .get_mut(self.length..)
            .filter(|rest| !rest.is_empty())
        {
            match pipe.read(rest).await {
                Ok(read @ 1..) => self.length += read,
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Reads until the end, and drops what has no room.
    async fn fill_and_drain(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        self.fill(Some(&mut pipe)).await;
        drop(tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await);
    }

    fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        self.bytes.truncate(self.length);
        self.bytes
    }
}

/// Writes the input. A program that does not read all of it says why by its exit status.
async fn feed(pipe: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut pipe) = pipe {
        drop(pipe.write_all(input).await);
    }
}

/// Keeps a program from what it does not need: this process's credentials.
pub(crate) fn without_credentials(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
}

/// The name of the terminal, which gpg needs for its pinentry, since its own standard input is a
/// pipe. `None` if the person named it already, or there is none.
async fn terminal() -> Option<String> {
    if std::env::var_os("GPG_TTY").is_some() {
        return None;
    }
    let open = if std::io::stdin().is_terminal() {
        Stdio::inherit()
    } else if std::io::stderr().is_terminal() {
        std::io::stderr().into()
    } else if std::io::stdout().is_terminal() {
        std::io::stdout().into()
    } else {
        return None;
    };
    let mut tty = Command::new("tty");
    without_credentials(&mut tty);
    let tty = tty.stdin(open).output().await.ok()?;
    let name = String::from_utf8(tty.stdout).ok()?;
    (tty.status.success()).then(|| name.trim().to_owned())
}

/// The last lines of what a program said, without what is meant for programs.
pub(super) fn complaint(errors: &str) -> String {
    let lines = errors.lines().map(|line| {
        let shown = line.chars().filter(|c| !c.is_control());
        shown.take(LINE).collect::<String>()
    });
    let lines: Vec<String> = lines
        .filter(|line| !line.trim().is_empty() && !line.starts_with("[GNUPG:]"))
        .collect();
    let first = lines.len().saturating_sub(LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}
