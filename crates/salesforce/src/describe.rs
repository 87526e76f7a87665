//! What an object looks like to the user that asks (§5).

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use crate::{
    API_VERSION, Session,
    http::{Body, Call, Http},
    refusal::Refusal,
    request::{RequestError, Unreadable, escaped},
    usage::{Answered, ApiUsage},
};

/// An object's fields, as far as the user may see them: a hidden field is absent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDescription {
    pub name: String,
    #[serde(default)]
    pub label: String,
    /// Whether the user may create records of it.
    #[serde(default)]
    pub createable: bool,
    /// Whether the user may change records of it.
    #[serde(default)]
    pub updateable: bool,
    pub fields: Vec<FieldDescription>,
    #[serde(default)]
    pub record_type_infos: Vec<RecordType>,
    /// Which state of the object this is.
    #[serde(skip)]
    pub edition: Edition,
}

/// Tells one state of an object from another: the answer's `Last-Modified`
/// and `ETag`, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edition {
    pub last_modified: Option<String>,
    pub etag: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDescription {
    pub name: String,
    pub label: String,
    /// For example `string`, `textarea`, `email`, `picklist`.
    #[serde(rename = "type")]
    pub field_type: String,
    /// In characters; 0 for types without a length.
    pub length: u32,
    pub createable: bool,
    pub updateable: bool,
    pub nillable: bool,
    pub defaulted_on_create: bool,
    pub external_id: bool,
    pub id_lookup: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub case_sensitive: bool,
    /// Whether values outside of `picklist_values` are refused.
    #[serde(default)]
    pub restricted_picklist: bool,
    #[serde(default)]
    pub picklist_values: Vec<PicklistValue>,
    /// Objects that a reference may point to.
    #[serde(default)]
    pub reference_to: Vec<String>,
    pub relationship_name: Option<String>,
    /// All digits of a number, and those after the point.
    #[serde(default)]
    pub precision: u32,
    #[serde(default)]
    pub scale: u32,
    /// Digits of an integer.
    #[serde(default)]
    pub digits: u32,
    #[serde(default)]
    pub html_formatted: bool,
    /// Whether a formula or roll-up makes its value.
    #[serde(default)]
    pub calculated: bool,
    #[serde(default)]
    pub auto_number: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PicklistValue {
    pub active: bool,
    /// What is sent and stored.
    pub value: String,
    /// What people see; often another text.
    pub label: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordType {
    pub record_type_id: String,
    pub name: String,
    /// Whether the user may give it to a record.
    pub available: bool,
    pub default_record_type_mapping: bool,
}

impl ObjectDescription {
    /// Finds a field by its API name, in any case.
    pub fn field(&self, name: &str) -> Option<&FieldDescription> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl FieldDescription {
    /// Tells whether an upsert may name records by it (§5.1).
    pub fn can_be_key(&self) -> bool {
        self.external_id || self.id_lookup
    }

    /// Tells whether a new record needs a value for it (§5.1).
    pub fn is_required_on_create(&self) -> bool {
        !self.nillable && self.createable && !self.defaulted_on_create
    }

    /// Tells whether it is a Text Area (Long): not searchable, not sortable,
    /// never a key (§5.2).
    pub fn is_long_text(&self) -> bool {
        self.field_type == "textarea" && self.length > 255 && !self.html_formatted
    }
}

/// Describes an object.
pub async fn describe(
    http: &Http,
    session: &Session,
    object: &str,
) -> Result<Answered<ObjectDescription>, RequestError> {
    let answered = ask(http, session, object, None).await?;
    match answered.value {
        Some(value) => Ok(Answered {
            value,
            usage: answered.usage,
        }),
        None => Err(RequestError::Unreadable(Unreadable::Shape(
            "304 to a question without condition",
        ))),
    }
}

/// Describes an object if it is no longer what `known` is; none if it is.
pub async fn describe_if_changed(
    http: &Http,
    session: &Session,
    object: &str,
    known: &Edition,
) -> Result<Answered<Option<ObjectDescription>>, RequestError> {
    ask(http, session, object, Some(known)).await
}

async fn ask(
    http: &Http,
    session: &Session,
    object: &str,
    known: Option<&Edition>,
) -> Result<Answered<Option<ObjectDescription>>, RequestError> {
    let path = format!(
        "/services/data/{API_VERSION}/sobjects/{}/describe",
        escaped(object)
    );
    let mut call = Call::json(Method::GET, session, &path, Body::Empty);
    // The date is documented and recorded; the tag is sent for orgs that look at it (§5).
    if let Some(known) = known {
        for (name, value) in [
            (header::IF_MODIFIED_SINCE, &known.last_modified),
            (header::IF_NONE_MATCH, &known.etag),
        ] {
            let value = value
                .as_deref()
                .and_then(|value| HeaderValue::from_str(value).ok());
            if let Some(value) = value {
                call.headers.insert(name, value);
            }
        }
    }
    let answer = http.send(call).await.map_err(RequestError::Call)?;
    let value = match answer.status {
        StatusCode::OK => {
            let mut description: ObjectDescription = serde_json::from_slice(&answer.body)
                .map_err(|error| RequestError::Unreadable(error.into()))?;
            description.edition = Edition::of(&answer.headers);
            Some(description)
        }
        StatusCode::NOT_MODIFIED => None,
        _ => return Err(RequestError::Refused(Refusal::of(&answer))),
    };
    Ok(Answered {
        value,
        usage: ApiUsage::of(&answer.headers),
    })
}

impl Edition {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            last_modified: text(header::LAST_MODIFIED),
            etag: text(header::ETAG),
        }
    }
}
