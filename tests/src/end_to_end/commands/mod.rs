//! The commands that people are given, run as they stand: by bash, with GnuPG and the AWS CLI, on a
//! local AWS.

mod accounts;
mod compliance;
mod desk;
mod doctor;
mod notices;
mod operators;
mod own;
mod pages;
mod program;
mod town;
