//! sObject Collections: create, update and upsert of up to 200 records. Source: salesforce-contract.md §2.

mod answer;
mod apply;
mod request;
mod submitted;
mod target;

pub(crate) use answer::answer;
pub(crate) use apply::{Author, RecordResult, apply};
pub(crate) use request::{Operation, UpsertKey, WriteRequest};
pub(crate) use target::in_flight_keys;
