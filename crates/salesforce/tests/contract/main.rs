//! The tables of `salesforce-contract.md`, row by row: what the simulator
//! answers, and how our client classifies it; and the client's other calls.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod calls;
mod doubt;
mod org;
mod reading;
mod records;
mod scope;
mod tooling;
