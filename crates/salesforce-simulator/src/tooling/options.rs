//! What limits the making of fields.

use serde::Deserialize;

/// `tooling` of `POST /simulator/orgs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ToolingOptions {
    /// Custom fields of one object. Source: salesforce-contract.md §6 (limits).
    pub max_custom_fields: usize,
    /// External ids of one object. Source: salesforce-contract.md §6 (limits) and §11.
    pub max_external_ids: usize,
    /// Length of all long text fields of one object together.
    /// Source: Salesforce Help, "Custom Field Types", Text Area (Long).
    pub max_long_text_characters: u64,
    /// How long nobody sees a new field, whatever is granted. Source: salesforce-contract.md §6.
    pub seconds_until_known: u32,
    pub duplicate_name: DuplicateName,
}

/// The error code of a name that is taken. Source: salesforce-contract.md §6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DuplicateName {
    #[default]
    DuplicateDeveloperName,
    DuplicateValue,
}

impl Default for ToolingOptions {
    fn default() -> Self {
        Self {
            max_custom_fields: 500,
            max_external_ids: 25,
            max_long_text_characters: 1_638_400,
            seconds_until_known: 0,
            duplicate_name: DuplicateName::default(),
        }
    }
}

impl DuplicateName {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::DuplicateDeveloperName => "DUPLICATE_DEVELOPER_NAME",
            Self::DuplicateValue => "DUPLICATE_VALUE",
        }
    }
}
