//! The delivery of one destination: coalescing, order, batches, retries.
//!
//! [`machine`] decides and does nothing else; [`driver`] does what it says.
//! All lanes of one Salesforce org are driven by one task.

pub mod backoff;
pub mod driver;
mod limit;
pub mod machine;
mod pace;
mod waiting;
