//! What data may be used for: labels on fields of the profile, marketing
//! actions of destinations, policies, and whether a destination keeps to them.
//!
//! A destination is judged in the transaction of its own change ([`check`]),
//! and all activated ones in the transaction of a change of what they are
//! judged by ([`effects`]). Both kinds begin with the next plan revision, one
//! row that they all change, so one of two changes at the same time always
//! sees the other.

mod check;
mod destination_fields;
pub mod effects;
pub mod evaluate;
mod explain;
mod policies;
mod standing;
mod store;
mod violations_out;
mod words;

pub(crate) use self::{
    check::{Refusal, check, check_sending},
    destination_fields::{
        MAX_NAMESPACE_LENGTH, add_governance, add_use, field_path_in, marketing_actions_in,
        segment_namespaces_in, segment_namespaces_out, segments_out,
    },
    standing::{Standing, View},
    violations_out::{violation_out, violations_status},
};
pub use self::{
    policies::{CORE_PREFIX, Policy, PolicyKind},
    store::{PolicyChange, WordKind},
    words::{Label, MarketingAction},
};
