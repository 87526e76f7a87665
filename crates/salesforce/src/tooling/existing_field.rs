//! Custom fields that an org has, whoever may see them (§6). Needs the
//! permission Customize Application.

use serde::Deserialize;

use crate::{
    API_VERSION, Http, Session,
    query::{literal, query_all_tooling_pages},
    request::{RequestError, escaped, get},
};

/// A custom field of an object, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedField {
    pub id: String,
    /// API name, as the org spells it.
    pub name: String,
}

/// What a custom field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingField {
    /// The Metadata API's name of the type, for example `LongTextArea`.
    pub field_type: String,
    /// In characters; `None` for types without a length.
    pub length: Option<u32>,
    /// Values of a picklist of its own; empty for one of a global value set.
    pub values: Vec<String>,
    /// Whether other values are refused.
    pub restricted: bool,
}

/// Lists the custom fields of an object, without those of packages. One that
/// nobody was granted is here too, while describe leaves it out.
pub async fn list_custom_fields(
    http: &Http,
    session: &Session,
    object: &str,
) -> Result<Vec<ListedField>, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        id: String,
        developer_name: String,
        namespace_prefix: Option<String>,
    }
    let soql = format!(
        "SELECT Id, DeveloperName, NamespacePrefix FROM CustomField WHERE TableEnumOrId = {}",
        literal(object)
    );
    let rows = query_all_tooling_pages::<Row>(http, session, &soql).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.namespace_prefix.as_deref().unwrap_or_default().is_empty())
        .map(|row| ListedField {
            id: row.id,
            name: format!("{}__c", row.developer_name),
        })
        .collect())
}

/// Reads what a custom field is, by its id.
pub async fn read_custom_field(
    http: &Http,
    session: &Session,
    id: &str,
) -> Result<ExistingField, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(rename = "type")]
        field_type: String,
        length: Option<u32>,
        value_set: Option<ValueSet>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ValueSet {
        restricted: Option<bool>,
        value_set_definition: Option<Definition>,
    }
    #[derive(Deserialize)]
    struct Definition {
        #[serde(default)]
        value: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        // The Tooling API reads the one and answers the other.
        #[serde(alias = "valueName", rename = "fullName")]
        name: String,
    }
    let path = format!(
        "/services/data/{API_VERSION}/tooling/sobjects/CustomField/{}",
        escaped(id)
    );
    let metadata = get::<Row>(http, session, &path).await?.value.metadata;
    let (restricted, entries) = match metadata.value_set {
        Some(set) => (
            set.restricted.unwrap_or(false),
            set.value_set_definition
                .map(|definition| definition.value)
                .unwrap_or_default(),
        ),
        None => (false, Vec::new()),
    };
    Ok(ExistingField {
        field_type: metadata.field_type,
        length: metadata.length,
        values: entries.into_iter().map(|entry| entry.name).collect(),
        restricted,
    })
}
