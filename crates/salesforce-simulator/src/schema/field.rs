//! One field, as describe tells it.

use serde::Deserialize;

/// Longest text area that is not "long": it can be filtered and sorted.
/// Source: salesforce-contract.md §5.2.
const PLAIN_TEXT_AREA_LENGTH: u32 = 255;

/// One field of an object. Source of the attributes: salesforce-contract.md §5.1.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Field {
    pub name: String,
    pub label: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// In characters; 0 where a length means nothing.
    #[serde(default)]
    pub length: u32,
    pub nillable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub defaulted_on_create: bool,
    #[serde(default)]
    pub id_lookup: bool,
    #[serde(default)]
    pub external_id: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub case_sensitive: bool,
    #[serde(default)]
    pub restricted_picklist: bool,
    #[serde(default)]
    pub picklist_values: Vec<PicklistValue>,
    #[serde(default)]
    pub reference_to: Vec<String>,
    #[serde(default)]
    pub extra_type_info: Option<String>,
    #[serde(default)]
    pub compound_field_name: Option<String>,
    #[serde(default)]
    pub precision: u32,
    #[serde(default)]
    pub scale: u32,
    #[serde(default)]
    pub digits: u32,
}

/// One entry of a picklist.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PicklistValue {
    pub value: String,
    pub label: String,
}

/// The values of `type` in describe. Source: salesforce-contract.md §5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FieldType {
    Id,
    Boolean,
    Reference,
    String,
    Picklist,
    Multipicklist,
    Textarea,
    Double,
    Address,
    Phone,
    Email,
    Date,
    Datetime,
    Url,
    Currency,
    Int,
    Percent,
}

impl Field {
    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Returns the name of the relationship that a lookup makes, as its stem and its ending.
    /// Source: salesforce-contract.md §5.3.
    pub(crate) fn relationship(&self) -> Option<(&str, &'static str)> {
        if self.reference_to.is_empty() {
            return None;
        }
        match self.name.strip_suffix("__c") {
            Some(stem) => Some((stem, "__r")),
            None => self.name.strip_suffix("Id").map(|stem| (stem, "")),
        }
    }

    /// Tells whether a create without it fails. Source: salesforce-contract.md §5.1.
    pub(crate) fn is_required_on_create(&self) -> bool {
        !self.nillable && self.createable && !self.defaulted_on_create
    }

    /// Tells a Long Text Area from a plain one: it can be neither filtered nor sorted by.
    /// Source: salesforce-contract.md §5.2.
    pub(crate) fn is_long_text(&self) -> bool {
        self.field_type == FieldType::Textarea && self.length > PLAIN_TEXT_AREA_LENGTH
    }

    /// Tells whether an upsert may match by it. Source: salesforce-contract.md §2.5.
    pub(crate) fn is_upsert_key(&self) -> bool {
        self.external_id || self.id_lookup
    }

    /// Tells whether records must be found by its value: to match an upsert, or to keep it unique.
    pub(crate) fn is_indexed(&self) -> bool {
        self.is_upsert_key() || self.unique
    }
}

impl FieldType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Boolean => "boolean",
            Self::Reference => "reference",
            Self::String => "string",
            Self::Picklist => "picklist",
            Self::Multipicklist => "multipicklist",
            Self::Textarea => "textarea",
            Self::Double => "double",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Url => "url",
            Self::Currency => "currency",
            Self::Int => "int",
            Self::Percent => "percent",
        }
    }

    pub(crate) fn soap_type(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Int => "xsd:int",
            Self::Date => "xsd:date",
            Self::Datetime => "xsd:dateTime",
            Self::Address => "urn:address",
            Self::String
            | Self::Picklist
            | Self::Multipicklist
            | Self::Textarea
            | Self::Phone
            | Self::Email
            | Self::Url => "xsd:string",
        }
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Picklist
                | Self::Multipicklist
                | Self::Textarea
                | Self::Phone
                | Self::Email
                | Self::Url
        )
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Double | Self::Currency | Self::Percent | Self::Int)
    }
}
