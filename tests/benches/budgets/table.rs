//! The table that is printed: a row for each figure, with a mark where a budget is missed.

use std::fmt::Display;
use std::time::Duration;

/// Prints the names of the columns.
pub fn head() {
    print("what", "measured", "budget", "");
}

/// Prints a figure that has no budget.
pub fn row(what: &str, measured: impl Display) {
    print(what, &measured.to_string(), "", "");
}

/// Prints a figure that is to be no larger than its budget.
pub fn at_most(what: &str, measured: impl Display, budget: f64) {
    compared(
        what,
        &measured.to_string(),
        &format!("<= {budget}"),
        |figure| figure <= budget,
    );
}

/// Prints a figure that is to be no smaller than its budget.
pub fn at_least(what: &str, measured: impl Display, budget: f64) {
    compared(
        what,
        &measured.to_string(),
        &format!(">= {budget}"),
        |figure| figure >= budget,
    );
}

/// The figure is judged as it is printed, so that mark and figure never disagree.
fn compared(what: &str, measured: &str, budget: &str, is_kept: impl Fn(f64) -> bool) {
    let mark = if is_kept(measured.parse().unwrap()) {
        ""
    } else {
        "  <-- MISSED"
    };
    print(what, measured, budget, mark);
}

fn print(what: &str, measured: &str, budget: &str, mark: &str) {
    println!(
        "{}",
        format!("{what:<66} {measured:>10} {budget:>10}{mark}").trim_end()
    );
}

/// The middle one of some values; the upper of two.
pub fn median(values: &mut [Duration]) -> Duration {
    values.sort();
    values[values.len() / 2]
}

/// As the table prints a time.
pub fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

/// As the table prints a size.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
