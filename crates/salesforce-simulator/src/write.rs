//! Writing: create, update, upsert and delete of up to 200 records. Source: salesforce-contract.md §2.

mod answer;
mod apply;
mod defaults;
mod delete;
mod duplicates;
mod locked;
mod parent;
mod person;
mod reference;
mod request;
mod stored;
mod submitted;
mod target;
mod undo;

pub(crate) use answer::answer;
pub(crate) use apply::{Author, RecordResult, apply};
pub(crate) use locked::{LockedRows, Touched, unlockable};
pub(crate) use request::{
    Assignment, DuplicateOptions, Operation, UpsertKey, WriteOptions, WriteRequest, no_key_message,
    no_such_key,
};
pub(crate) use target::existing;
