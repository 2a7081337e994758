//! The commands that people are given, run as they stand: by bash, with GnuPG and the AWS CLI, on a
//! local AWS.

mod desk;
mod notices;
mod pages;
mod town;
