//! Custom fields as the Tooling API makes and tells them. Source: salesforce-contract.md §6.

mod custom_field;
mod kind;
mod metadata;
mod options;

pub(crate) use custom_field::{CustomFields, create, delete, rows, shown};
pub(crate) use options::ToolingOptions;
