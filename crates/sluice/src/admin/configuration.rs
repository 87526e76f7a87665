//! Connections and destinations kept in files: `sluice apply` and `sluice export`.
//!
//! A file is YAML (or JSON, which is YAML too), in the words of the API:
//!
//! ```yaml
//! connections:
//! - name: acme
//!   custom_domain: acme
//!   display_name: Acme
//! destinations:
//! - name: contacts
//!   connection: acme
//!   record_type: CONTACT
//!   …
//! ```

pub mod apply;
pub mod export;

mod file;
mod steps;
mod words;
