//! A tour in scenes. Each says first what happens and what to notice, and is left at the reader's own
//! pace.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;

use crate::local::slack::Post;
use crate::notices::terminal;
use crate::output;
use crate::terminal::{Screen, Tone};

/// The question at the end of a scene.
const PROMPT: &str = "Enter goes on, q ends ";

/// A scene, as it is announced.
pub(super) struct Scene<'a> {
    pub(super) title: &'a str,
    /// The events, in a sentence.
    pub(super) happens: &'a str,
    /// The point to look for, in a sentence.
    pub(super) notice: &'a str,
}

/// The reader has seen enough.
#[derive(Debug, thiserror::Error)]
#[error("the tour was left")]
pub(super) struct Left;

/// Where the tour is shown, and how far it is.
pub(super) struct Tour {
    pub(super) screen: Screen,
    /// Names of Slack's members and channels, by their ids.
    pub(super) names: BTreeMap<String, String>,
    pauses: bool,
    spinner: Option<ProgressBar>,
    scenes: usize,
    shown: AtomicUsize,
}

impl Tour {
    /// A tour of so many scenes.
    pub(super) fn new(scenes: usize, no_pause: bool, names: BTreeMap<String, String>) -> Self {
        let (reads, writes) = (io::stdin().is_terminal(), io::stdout().is_terminal());
        Self {
            screen: Screen::of_output(),
            names,
            pauses: pauses(no_pause, reads, writes),
            spinner: io::stderr().is_terminal().then(spinner),
            scenes,
            shown: AtomicUsize::new(0),
        }
    }

    /// The number of its scenes.
    pub(super) fn scenes(&self) -> usize {
        self.scenes
    }

    /// Shows what is being done before the first scene.
    pub(super) fn progress(&self, what: &str) {
        if self.spinner.is_some() {
            self.step(what);
        } else {
            output::complain(&format!("… {what}"));
        }
    }

    /// Shows what is being done within a scene, on a terminal: whoever reads this later has no use
    /// for each small step.
    pub(super) fn step(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            if spinner.is_finished() {
                spinner.reset();
                spinner.enable_steady_tick(Duration::from_millis(100));
            }
            spinner.set_message(what.to_owned());
        }
    }

    /// Takes the progress away.
    pub(super) fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.disable_steady_tick();
            spinner.finish_and_clear();
        }
    }

    /// Lines as they are.
    pub(super) fn line(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| output::line(text)),
            None => output::line(text),
        }
    }

    /// A paragraph, broken where the screen ends.
    pub(super) fn paragraph(&self, text: &str) {
        self.line(&self.screen.wrapped(text, 0));
    }

    /// A message, whole.
    pub(super) fn message(&self, post: &Post) {
        let lines = terminal::lines(post, &self.names, self.screen.colour);
        self.line(&lines.join("\n"));
    }

    /// Ends the scene before this one, if the reader goes on, and announces this one.
    pub(super) async fn scene(&self, scene: &Scene<'_>) -> Result<()> {
        self.pause().await?;
        let number = self.shown.fetch_add(1, Ordering::Relaxed) + 1;
        self.line(&heading(&self.screen, number, self.scenes, scene));
        self.step("the function runs");
        Ok(())
    }

    /// Waits for the reader, who may leave.
    async fn pause(&self) -> Result<()> {
        self.clear();
        if !self.pauses {
            return Ok(());
        }
        let prompt = self.screen.paint(Tone::Faint, PROMPT);
        write!(io::stdout(), "\n{prompt}").context("can't ask whether to go on")?;
        io::stdout().flush().context("can't ask whether to go on")?;
        let (told, answer) = oneshot::channel();
        // By a thread that nobody waits for: the runtime waits for its own, and Ctrl-C would end
        // the demo only after the next Enter.
        thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            // Nobody listens any more after Ctrl-C.
            drop(told.send(read.map(|_| line)));
        });
        let line = answer.await.context("can't read from the terminal")?;
        if is_end(&line.context("can't read from the terminal")?) {
            return Err(Left.into());
        }
        Ok(())
    }
}

/// True if scenes end with a pause: someone is there to end it.
fn pauses(no_pause: bool, reads_from_terminal: bool, writes_to_terminal: bool) -> bool {
    !no_pause && reads_from_terminal && writes_to_terminal
}

/// True if this line ends the tour. One without even a line's end is Ctrl-D.
fn is_end(line: &str) -> bool {
    line.is_empty() || line.trim().eq_ignore_ascii_case("q")
}

fn heading(screen: &Screen, number: usize, scenes: usize, scene: &Scene<'_>) -> String {
    let title = format!("{number} of {scenes}  {}", scene.title);
    let happens = screen.wrapped(scene.happens, 0);
    let notice = screen.wrapped(&format!("Notice: {}", scene.notice), 0);
    let title = screen.paint(Tone::Strong, &title);
    format!("\n{title}\n{happens}\n{notice}\n")
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let spinner = ProgressBar::new_spinner();
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_waits_only_where_someone_can_end_it() {
        assert!(pauses(false, true, true));
        for (no_pause, reads, writes) in [
            (true, true, true),
            (false, false, true),
            (false, true, false),
        ] {
            assert!(
                !pauses(no_pause, reads, writes),
                "{no_pause} {reads} {writes}"
            );
        }
    }

    #[test]
    fn enter_goes_on_and_q_or_the_end_of_input_leaves() {
        for goes_on in ["\n", "yes\n", "quick\n"] {
            assert!(!is_end(goes_on), "{goes_on:?}");
        }
        for leaves in ["q\n", " Q \n", "q", ""] {
            assert!(is_end(leaves), "{leaves:?}");
        }
    }

    #[test]
    fn a_scene_opens_with_its_number_what_happens_and_what_to_notice() {
        let scene = Scene {
            title: "A new account",
            happens: "An account is created.",
            notice: "It is not ready at once, and that is told to nobody until it lasts for longer than an hour.",
        };
        assert_eq!(
            heading(&Screen::plain(80), 2, 18, &scene),
            "\n2 of 18  A new account\nAn account is created.\nNotice: It is not ready at once, and that is told to nobody until it lasts for\nlonger than an hour.\n"
        );
    }
}
