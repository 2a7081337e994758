//! The suite's tests that concern more than one crate, in one binary.

/// Prints a line that is shown whether or not the test passes.
macro_rules! say {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stderr(), $($arguments)*).unwrap();
    }};
}

mod architecture;
mod compliance;
mod end_to_end;
mod onboarding;
mod rotation;
