//! Client for Salesforce: OAuth, REST, sObject Collections, describe, Tooling,
//! Bulk API 2.0. Knows no profiles. The contract is `salesforce-contract.md`;
//! section numbers in comments are its.
//!
//! No body and no token ever gets into an error or a log.

pub mod bulk;
pub mod collections;
pub mod describe;
pub mod host;
pub mod http;
mod lenient;
pub mod limits;
pub mod oauth;
pub mod organization;
pub mod query;
pub mod record;
pub mod record_access;
pub mod refusal;
pub mod request;
pub mod tooling;
pub mod usage;
pub mod versions;

pub use host::Host;
pub use http::{Endpoint, Http};

/// The REST API version that every call names (§8).
pub const API_VERSION: &str = "v67.0";

/// An open session: what a REST call needs.
#[derive(Debug, Clone)]
pub struct Session {
    pub access_token: secrecy::SecretString,
    /// Host of REST calls, from the token's `instance_url`.
    pub instance: Host,
}
