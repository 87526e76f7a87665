//! What every Sluice service shares. Knows nothing of profiles or Salesforce.

pub mod chain;
pub mod clock;
pub mod database;
pub mod grpc;
pub mod seal;
pub mod telemetry;
pub mod trace_context;

pub use clock::Clock;
pub use database::Database;
