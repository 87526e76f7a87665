//! Everything behind the `sluice` command, as a library so that tests can run
//! the same services in process.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks to people"
)]

pub mod admin;
pub mod cli;
pub mod client;
pub mod demo;
pub mod program;
pub mod send;
pub mod settings;
