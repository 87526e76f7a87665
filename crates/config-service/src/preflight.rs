//! Trying a destination before profiles flow. Read `check` first; then the
//! three depths that take samples: `dry_run`, `rehearsal`, `send_one`.

mod bad_record;
mod call_budget;
mod creation;
mod definition;
mod described;
mod key_field;
mod mapped_fields;
mod mapping_rules;
mod planned_record;
mod policies;
mod record_kind;
mod sample_records;
mod status_fields;
mod write;

pub mod check;
pub mod dry_run;
pub mod finding;
pub mod recurring;
pub mod rehearsal;
pub mod samples;
pub mod send_one;
pub mod target_fields;

pub use described::Described;
pub use planned_record::{PlannedRecord, planned_records};
