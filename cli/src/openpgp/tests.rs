//! The programs themselves, each with a home of its own.
//!
//! Where a program is absent the test says so and passes. With `BANTO_INTEROP=required` gpg and an
//! `sq` must be there. An `sq` 1.x beside the one in PATH is named in `BANTO_SQ`.

mod gpg;
mod home;
mod programs;
mod sq;
mod told;
