//! Queries of the tables of governance, and the rules of their changes.

mod fields;
mod policies;
mod words;

pub(super) use self::{fields::field_labels_in, policies::policies_in, words::own_marketing_actions};
pub use self::{policies::PolicyChange, words::WordKind};
