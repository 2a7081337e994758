//! A bar or a line for whatever takes longer than a second: on standard error, and only on a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts up to `length` things of this name. It goes when it is dropped.
pub(crate) fn bar(length: usize, things: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::hidden());
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    let style = ProgressStyle::with_template(&format!(
        "{{bar:30}} {{pos}}/{{len}} {things}  {{wide_msg}}"
    ));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}

/// A line that says what a command is at, until it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Says what is done. Without a terminal nothing is shown: nobody waits there.
    pub(crate) fn saying(text: &str) -> Self {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if std::io::stderr().is_terminal() {
            spinner.set_draw_target(ProgressDrawTarget::stderr());
            spinner.enable_steady_tick(Duration::from_millis(100));
        }
        spinner.set_message(text.to_owned());
        Self(spinner)
    }

    /// Says what is done now.
    pub(crate) fn says(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
