//! Cargo's build and the Python environment, at the same time.

use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use banto_setup::{Ended, Error, Packages, Result, Venv};

use crate::bar::{Log, State};

/// The packages of the demo: `banto` depends on all that is built.
const LIST: [&str; 7] = [
    "tree",
    "--package",
    "banto",
    "--edges",
    "normal,build",
    "--prefix",
    "none",
];

/// The workspace, not the package alone: Cargo then chooses the features of shared dependencies as
/// for the tests, and both share one build.
const BUILD: [&str; 4] = [
    "build",
    "--workspace",
    "--bins",
    "--message-format=json-render-diagnostics",
];

/// How often the time on a terminal moves.
const TICK: Duration = Duration::from_secs(1);

/// News of one of the two.
enum Event {
    /// A line on Cargo's standard output.
    Printed(String),
    /// A line on Cargo's standard error.
    Said(String),
    /// Cargo has closed both.
    Closed,
    /// A step of the Python environment.
    Environment(String),
    /// The Python environment is complete, or can't be made.
    EnvironmentEnded(Result<()>),
}

/// Builds everything that the demo needs.
pub(crate) fn everything(verbose: bool) -> Result<()> {
    let (sender, events) = mpsc::channel();
    // A scope ends when its threads have: after a failure of Cargo's, nobody is left to make the
    // environment.
    thread::scope(|scope| {
        let environment = sender.clone();
        scope.spawn(move || {
            let nobody_waits = |_| Error::new("nobody waits for the virtual environment any more");
            let step = |what: &str| {
                environment
                    .send(Event::Environment(what.to_owned()))
                    .map_err(nobody_waits)
            };
            let ended = Venv::ensure(Packages::LocalAws, &step).map(drop);
            drop(environment.send(Event::EnvironmentEnded(ended)));
        });
        let mut site = Site::new(events, verbose);
        site.state.environment = Some("looking for Python".to_owned());
        site.cargo(&LIST, &sender, State::list)?;
        site.state.is_listed = true;
        site.cargo(&BUILD, &sender, State::read)?;
        while site.state.environment.is_some() {
            site.next(&mut |_, _| ())?;
        }
        Ok(())
    })
}

/// Where the build goes on.
struct Site {
    events: Receiver<Event>,
    state: State,
    show: Show,
    /// Whether each line of Cargo's is shown, instead of a bar.
    verbose: bool,
    /// All that Cargo said besides its status.
    complaints: Vec<String>,
    begun: Instant,
}

impl Site {
    fn new(events: Receiver<Event>, verbose: bool) -> Self {
        let show = if verbose { Show::Nothing } else { Show::new() };
        Self {
            events,
            state: State::default(),
            show,
            verbose,
            complaints: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// Runs Cargo to its end, and lets the state take each line that it prints.
    fn cargo(
        &mut self,
        arguments: &[&str],
        events: &Sender<Event>,
        mut take: fn(&mut State, &str),
    ) -> Result<()> {
        let child = banto_setup::cargo()
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child =
            Ended(child.map_err(|error| Error::new(format!("can't run Cargo: {error}")))?);
        let (stdout, stderr) = (child.0.stdout.take(), child.0.stderr.take());
        let (printed, said) = (events.clone(), events.clone());
        thread::spawn(move || {
            let stderr = thread::spawn(move || send_lines(stderr, &said, Event::Said));
            send_lines(stdout, &printed, Event::Printed);
            drop(stderr.join());
            drop(printed.send(Event::Closed));
        });
        while self.next(&mut take)? {}
        let status = child
            .0
            .wait()
            .map_err(|error| Error::new(format!("can't wait for Cargo: {error}")))?;
        if status.success() {
            return Ok(());
        }
        let complaints = if self.verbose {
            String::new()
        } else {
            format!(":\n{}", self.complaints.join("\n"))
        };
        Err(Error::new(format!(
            "`cargo {}` failed ({status}){complaints}",
            arguments.join(" ")
        )))
    }

    /// Waits for the next event and shows the state; answers whether Cargo is still there.
    fn next(&mut self, take: &mut impl FnMut(&mut State, &str)) -> Result<bool> {
        let event = match self.events.recv_timeout(TICK) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new("nobody builds any more"));
            }
        };
        match event {
            Some(Event::Printed(line)) => take(&mut self.state, &line),
            Some(Event::Said(line)) => {
                if self.verbose {
                    drop(writeln!(io::stderr(), "{line}"));
                }
                if !self.state.hear(&line) {
                    self.complaints.push(line);
                }
            }
            Some(Event::Environment(step)) => self.state.environment = Some(step),
            Some(Event::EnvironmentEnded(ended)) => {
                ended?;
                self.state.environment = None;
            }
            Some(Event::Closed) => return Ok(false),
            None => (),
        }
        self.show.show(&self.state, self.begun.elapsed());
        Ok(true)
    }
}

/// Where the state is shown.
enum Show {
    /// One line, redrawn, and taken away at the end.
    Terminal,
    /// Lines for someone who reads them later.
    Log(Log),
    Nothing,
}

impl Show {
    fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if io::stderr().is_terminal() && !dumb {
            Self::Terminal
        } else {
            Self::Log(Log::default())
        }
    }

    fn show(&mut self, state: &State, elapsed: Duration) {
        // Progress that can't be shown is no reason to stop.
        match self {
            Self::Terminal => drop(write!(io::stderr(), "\r\u{1b}[2K{}", state.line(elapsed))),
            Self::Log(log) => {
                if log.is_due(state, elapsed) {
                    drop(writeln!(io::stderr(), "{}", state.log(elapsed)));
                }
            }
            Self::Nothing => (),
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if matches!(self, Self::Terminal) {
            drop(write!(io::stderr(), "\r\u{1b}[2K"));
        }
    }
}

fn send_lines(stream: Option<impl Read>, events: &Sender<Event>, event: fn(String) -> Event) {
    for line in stream
        .into_iter()
        .flat_map(|stream| BufReader::new(stream).lines())
        .map_while(io::Result::ok)
    {
        if events.send(event(line)).is_err() {
            break;
        }
    }
}
