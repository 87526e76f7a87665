//! sObject Collections: create, update and upsert of up to 200 records. Source: salesforce-contract.md §2.

mod answer;
mod apply;
mod defaults;
mod delete;
mod duplicates;
mod person;
mod reference;
mod request;
mod stored;
mod submitted;
mod target;
mod undo;

pub(crate) use answer::answer;
pub(crate) use apply::{Author, apply};
pub(crate) use request::{Operation, UpsertKey, WriteRequest};
pub(crate) use target::in_flight_keys;
