//! A faithful Salesforce on loopback: several orgs in memory, served over HTTP/1.1.
//!
//! The rules come from `salesforce-contract.md`; each is named where it is implemented. Nothing here is
//! shared with the `salesforce` crate: a bug in both must not cancel out.
//!
//! Read in this order: [`Simulator`] binds and serves; `surface` is what a Salesforce client sees; `write`
//! applies sObject Collections; `org` is what one org holds; `admin` is the `/simulator/…` surface that
//! creates orgs, seeds them, scripts faults and reads everything back.

// The describe answers are single `json!` objects of some sixty keys, which the macro walks recursively.
#![recursion_limit = "512"]

mod admin;
mod bulk;
mod clock;
mod connection;
mod ids;
mod json;
mod login_host;
mod org;
mod page;
mod random;
mod refusal;
pub mod sample;
mod schema;
mod server;
mod setup;
mod soql;
mod surface;
mod tooling;
mod value;
mod wire;
mod world;
mod write;

pub use clock::Clock;
pub use ids::record_id;
pub use server::{Settings, Simulator, StartError};
