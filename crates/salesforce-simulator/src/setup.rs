//! Who may see and write what: users, profiles, permission sets and their grants.
//! Source: salesforce-contract.md §6.

mod access;
mod objects;
mod rows;
mod rules;
mod store;

pub(crate) use access::Viewer;
pub(crate) use objects::SetupObject;
pub(crate) use rows::{rows, value};
pub(crate) use rules::{SetupError, change, create, delete};
pub(crate) use store::{Setup, values};
