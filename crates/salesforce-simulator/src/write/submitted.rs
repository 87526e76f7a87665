//! One record as it was sent, its fields found and their values read.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::parent::Parent;
use crate::ids::RecordId;
use crate::json::Members;
use crate::org::{OrgState, UnknownField};
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, FieldType, ObjectName};
use crate::value::{self, Scalar};

/// One record as it was sent.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub object: ObjectName,
    /// The value under `id` in any case, what is no single value as its text; null where there is none.
    pub id: Scalar,
    /// With values as `value::read` leaves them.
    pub fields: Vec<(Arc<Field>, Scalar)>,
    /// Lookups given by a key of the record they name.
    pub parents: Vec<Parent>,
    /// The values as sent, under the names that describe gives; none, if the org keeps no history.
    pub sent: Option<Map<String, Value>>,
    /// What was wrong with it already before it is applied: while it was read, or when its rows were locked.
    pub refused: Option<RecordError>,
    /// Whether its unique key named no record when its call was received.
    pub was_new: bool,
}

impl Submitted {
    /// Reads a record of a JSON body.
    ///
    /// # Errors
    /// An unknown field, unless the org refuses the record alone, or a value of the wrong JSON type: the whole
    /// call fails (salesforce-contract.md §2.6 and §10).
    pub(super) fn read(
        state: &OrgState,
        object: ObjectName,
        members: Members<'_>,
    ) -> Result<Self, CallError> {
        let mut submitted = Self::empty(state, object, members.len());
        for (name, value) in members {
            if name == "attributes" {
                continue;
            }
            if name.eq_ignore_ascii_case("Id") {
                submitted.id = value.scalar();
                continue;
            }
            let schema = state.table(object).schema();
            let Some(field) = schema.field(&name) else {
                let added = match schema.relationship(&name) {
                    Some(lookup) => submitted.add_parent(state, lookup, Value::from(&value)),
                    None => Err(CallError::no_such_column(&name, object.name())),
                };
                match added {
                    Err(error) if is_forgiven(state, &error) => {
                        submitted.refuse(RecordError::of_call(error, &name));
                    }
                    other => other?,
                }
                continue;
            };
            let read = if is_writable(field) {
                value::read(field, &value)?
            } else {
                Scalar::Null
            };
            submitted.add(field, read, || Value::from(&value));
        }
        submitted.check_parents();
        Ok(submitted)
    }

    /// Reads a row, whose problems are its own.
    pub(super) fn of_row(state: &OrgState, object: ObjectName, members: Map<String, Value>) -> Self {
        let mut submitted = Self::empty(state, object, members.len());
        for (name, value) in members {
            if name.eq_ignore_ascii_case("Id") {
                submitted.id = value::plain_or_null(&value);
                continue;
            }
            let schema = state.table(object).schema();
            let Some(field) = schema.field(&name) else {
                // A column `Account.AcctKey__c` names a parent as JSON does by an object.
                let (relationship, key) = name.split_once('.').unwrap_or((&name, ""));
                let added = match schema.relationship(relationship) {
                    Some(lookup) if !key.is_empty() => {
                        submitted.add_parent(state, lookup, json!({key: value}))
                    }
                    Some(_) | None => Err(CallError::no_such_column(&name, object.name())),
                };
                if let Err(error) = added {
                    submitted.refuse(RecordError::of_call(error, &name));
                }
                continue;
            };
            let read = if is_writable(field) {
                value::read(field, from_text(field, &value).as_ref()).unwrap_or_else(|_| {
                    submitted.refuse(not_of_type(field, &value));
                    Scalar::Null
                })
            } else {
                Scalar::Null
            };
            submitted.add(field, read, || value);
        }
        submitted.check_parents();
        submitted
    }

    /// Returns the record with this id, to be deleted; an id that names no object is refused as one of `before`.
    pub(super) fn to_delete(state: &OrgState, id: &str, before: ObjectName) -> Self {
        let object = RecordId::parse(id).and_then(ObjectName::of_id);
        let mut submitted = Self::empty(state, object.unwrap_or(before), 0);
        submitted.id = id.into();
        if object.is_none() {
            submitted.refuse(RecordError::new(
                "MALFORMED_ID",
                format!("malformed id {id}"),
                &[],
            ));
        }
        submitted
    }

    /// Adds the value of the key that an upsert of a single record has in its URI.
    pub(crate) fn add_key(&mut self, key: &Arc<Field>, value: &Scalar) {
        self.add(key, value.clone(), || value.into());
    }

    /// Tells whether a value for this field was sent, also by the key of its parent.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|(sent, _)| sent.name == field)
            || self.parents.iter().any(|parent| parent.lookup.name == field)
    }

    /// Returns the value sent for `field`, as read.
    pub(crate) fn value(&self, field: &Field) -> &Scalar {
        self.fields
            .iter()
            .rfind(|(sent, _)| sent.name == field.name)
            .map_or(&Scalar::Null, |(_, value)| value)
    }

    fn empty(state: &OrgState, object: ObjectName, members: usize) -> Self {
        Self {
            object,
            id: Scalar::Null,
            fields: Vec::with_capacity(members),
            parents: Vec::new(),
            sent: state.history.is_kept().then(Map::new),
            refused: None,
            was_new: false,
        }
    }

    pub(super) fn add(&mut self, field: &Arc<Field>, read: Scalar, sent: impl FnOnce() -> Value) {
        self.fields.push((Arc::clone(field), read));
        self.remember(field.name.as_str(), sent);
    }

    /// Notes what was sent under a name, for the history.
    pub(super) fn remember(&mut self, name: impl Into<String>, sent: impl FnOnce() -> Value) {
        if let Some(all) = &mut self.sent {
            all.insert(name.into(), sent());
        }
    }

    /// Only the first problem is told (salesforce-contract.md §2.3).
    pub(crate) fn refuse(&mut self, error: RecordError) {
        self.refused.get_or_insert(error);
    }
}

/// Tells whether the org lets the other records of a call go on without this one.
fn is_forgiven(state: &OrgState, error: &CallError) -> bool {
    state.switches().unknown_field == UnknownField::Element && error.error_code == "INVALID_FIELD"
}

/// What cannot be written at all is refused for its record alone, whatever its JSON type.
fn is_writable(field: &Field) -> bool {
    field.createable || field.updateable
}

/// Returns a checkbox given as text as JSON has it; anything else as it is.
fn from_text<'value>(field: &Field, value: &'value Value) -> Cow<'value, Value> {
    match (field.field_type, value.as_str()) {
        (FieldType::Boolean, Some(text)) if text.eq_ignore_ascii_case("true") || text == "1" => {
            Cow::Owned(Value::Bool(true))
        }
        (FieldType::Boolean, Some(text)) if text.eq_ignore_ascii_case("false") || text == "0" => {
            Cow::Owned(Value::Bool(false))
        }
        _ => Cow::Borrowed(value),
    }
}

/// The words are the simulator's own: none were recorded.
fn not_of_type(field: &Field, value: &Value) -> RecordError {
    RecordError::new(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        format!(
            "{}: value not of required type: {}",
            field.label,
            value::plain(value)
        ),
        &[&field.name],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::{Org, Permissions};
    use crate::write::{Author, Operation, WriteRequest, apply};
    use chrono::DateTime;

    #[test]
    fn rows_take_text_and_fail_one_by_one() {
        let options = serde_json::from_value(json!({"host": "acme.my.salesforce.com"})).unwrap();
        let org = Org::new(options, DateTime::UNIX_EPOCH);
        let mut state = org.state();
        let rows = [
            json!({"LastName": "A", "Company": "B", "IsUnreadByOwner": "FALSE", "AnnualRevenue": "12.4"}),
            json!({"LastName": "A", "Company": "B", "NumberOfEmployees": "many", "Nope": "x"}),
            json!({"LastName": "A", "Company": "B", "Nope": "x"}),
        ];
        let rows = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();

        let request = WriteRequest::of_records(&state, Operation::Create, ObjectName::Lead, rows);
        let permissions = Permissions::default();
        let author = Author::new(
            org.user_id("svc@acme.example"),
            &permissions,
            DateTime::UNIX_EPOCH,
        );
        let results = apply(&mut state, &request, None, &author);

        let lead = state.table(ObjectName::Lead).record(0);
        assert_eq!(lead.values.get("IsUnreadByOwner"), Some(&false.into()));
        assert_eq!(lead.values.get("AnnualRevenue").unwrap().to_string(), "12.0");
        let codes: Vec<_> = results[1..]
            .iter()
            .map(|result| result.outcome.as_ref().unwrap_err().status_code.as_ref())
            .collect();
        assert_eq!(codes, ["INVALID_TYPE_ON_FIELD_IN_RECORD", "INVALID_FIELD"]);
        assert_eq!(state.table(ObjectName::Lead).records().len(), 1);
    }
}
