//! rotate-access-keys against the world in memory.

/// Prints a line that is shown whether or not the test passes.
macro_rules! say {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stderr(), $($arguments)*).unwrap();
    }};
}

mod crash_points;
mod leaks;
mod scenarios;
mod stage;
