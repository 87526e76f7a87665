//! Takes profile updates, journals them durably, and delivers them to
//! Salesforce. Read `pipeline` first: it wires the stages in their order.

mod data_keys;
pub mod intake;
pub mod journal;
pub mod lane;
mod lease;
pub mod map;
pub mod pipeline;
pub mod plans;
pub mod receipt;
pub mod resolve;
pub mod send;
pub mod status_report;
pub mod waiting_updates;

pub use pipeline::{DeliveryService, OpenError, Settings};

/// Full names of the public services, for health and reflection.
pub const PUBLIC_SERVICES: [&str; 4] = [
    "sluice.delivery.v1.DeliveryService",
    "sluice.delivery.v1.ReceiptService",
    "sluice.delivery.v1.RunService",
    "sluice.delivery.v1.DeadLetterService",
];
