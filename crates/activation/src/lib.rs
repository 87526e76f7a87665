//! What an activation is: names, profile updates, plans, the mapping of one to
//! records, and how newer values win over older ones.
//!
//! Pure: no async, no I/O, no clock. Read `profile`, then `plan`, then `map`.

pub mod destination;
pub mod field_name;
pub mod invalid;
pub mod map;
pub mod mapping_id;
pub mod mapping_id_suggestion;
pub mod names;
pub mod org_shape;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod profile_json;
pub mod record;
pub mod record_id;
pub mod timestamp;
pub mod transform;

pub use invalid::InvalidField;
