//! One record as it was sent, its fields found and their values read.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::org::OrgState;
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, FieldType, ObjectName};
use crate::value;

/// One record as it was sent.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub object: ObjectName,
    /// The value under `id` in any case; null where there is none.
    pub id: Value,
    /// With values as `value::read` leaves them.
    pub fields: Vec<(Arc<Field>, Value)>,
    /// The values as sent, under the names that describe gives.
    pub sent: Map<String, Value>,
    /// What was wrong with it already while it was read.
    pub refused: Option<RecordError>,
}

impl Submitted {
    /// Reads a record of a JSON body.
    ///
    /// # Errors
    /// An unknown field or a value of the wrong JSON type: the whole call fails (salesforce-contract.md §2.6).
    pub(super) fn read(
        state: &OrgState,
        object: ObjectName,
        members: Map<String, Value>,
    ) -> Result<Self, CallError> {
        let mut submitted = Self::empty(object, members.len());
        for (name, value) in members {
            if name == "attributes" {
                continue;
            }
            if name.eq_ignore_ascii_case("Id") {
                submitted.id = value;
                continue;
            }
            let field = state
                .table(object)
                .schema()
                .field(&name)
                .ok_or_else(|| CallError::no_such_column(&name, object.name()))?;
            let read = if is_writable(field) {
                value::read(field, &value)?
            } else {
                Value::Null
            };
            submitted.add(field, read, value);
        }
        Ok(submitted)
    }

    /// Reads a row, whose problems are its own.
    pub(super) fn of_row(state: &OrgState, object: ObjectName, members: Map<String, Value>) -> Self {
        let mut submitted = Self::empty(object, members.len());
        for (name, value) in members {
            if name.eq_ignore_ascii_case("Id") {
                submitted.id = value;
                continue;
            }
            let Some(field) = state.table(object).schema().field(&name) else {
                let error = CallError::no_such_column(&name, object.name());
                submitted.refuse(RecordError::of_call(error, &name));
                continue;
            };
            let read = if is_writable(field) {
                value::read(field, &from_text(field, &value)).unwrap_or_else(|_| {
                    submitted.refuse(not_of_type(field, &value));
                    Value::Null
                })
            } else {
                Value::Null
            };
            submitted.add(field, read, value);
        }
        submitted
    }

    /// Returns the value sent for `field`, as read.
    pub(crate) fn value(&self, field: &Field) -> &Value {
        self.fields
            .iter()
            .rfind(|(sent, _)| sent.name == field.name)
            .map_or(&Value::Null, |(_, value)| value)
    }

    fn empty(object: ObjectName, members: usize) -> Self {
        Self {
            object,
            id: Value::Null,
            fields: Vec::with_capacity(members),
            sent: Map::new(),
            refused: None,
        }
    }

    fn add(&mut self, field: &Arc<Field>, read: Value, sent: Value) {
        self.fields.push((Arc::clone(field), read));
        self.sent.insert(field.name.clone(), sent);
    }

    /// Only the first problem is told (salesforce-contract.md §2.3).
    fn refuse(&mut self, error: RecordError) {
        self.refused.get_or_insert(error);
    }
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
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    RecordError::new(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        format!("{}: value not of required type: {shown}", field.label),
        &[&field.name],
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::org::{Org, Permissions};
    use crate::write::{Author, Operation, WriteRequest, apply};

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
        let author = Author {
            user_id: org.user_id("svc@acme.example"),
            permissions: &Permissions::default(),
            now: DateTime::UNIX_EPOCH,
        };
        let results = apply(&mut state, &request, None, author);

        let lead = state.table(ObjectName::Lead).record(0);
        assert_eq!(lead.values["IsUnreadByOwner"], false);
        assert_eq!(lead.values["AnnualRevenue"], 12.0);
        let codes: Vec<_> = results[1..]
            .iter()
            .map(|result| result.outcome.as_ref().unwrap_err().status_code.as_ref())
            .collect();
        assert_eq!(codes, ["INVALID_TYPE_ON_FIELD_IN_RECORD", "INVALID_FIELD"]);
        assert_eq!(state.table(ObjectName::Lead).records().len(), 1);
    }
}
