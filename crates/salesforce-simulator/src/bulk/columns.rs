//! What the columns of an upload mean, and what its rows become. Source: salesforce-contract.md §7 ("CSV in").

use std::collections::HashSet;
use std::sync::Arc;

use csv::StringRecord;
use serde_json::{Map, Value, json};

use super::job::{Job, JobOperation};
use crate::ids::RecordId;
use crate::org::OrgState;
use crate::refusal::RecordError;
use crate::schema::{Field, FieldType, ObjectName, relationship_name};
use crate::setup::Viewer;
use crate::value;

/// Stands for null; an empty value leaves the field alone.
const NULL: &str = "#N/A";

/// The columns of a job, in order.
#[derive(Debug)]
pub(super) struct Columns {
    object: ObjectName,
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Id,
    Field(Arc<Field>),
    /// `Account.AcctKey__c`: the lookup is found by a field of the record it names.
    Parent {
        lookup: Arc<Field>,
        relationship: String,
        key: String,
    },
}

impl Columns {
    /// Reads the header of a job.
    ///
    /// # Errors
    /// The `errorMessage` that the job fails with.
    pub(super) fn read(
        state: &OrgState,
        job: &Job,
        header: &StringRecord,
        viewer: Viewer,
    ) -> Result<Self, String> {
        let mut columns = Vec::with_capacity(header.len());
        let mut seen = HashSet::new();
        for name in header {
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(format!("InvalidBatch : Field name is given twice : {name}"));
            }
            let column = find(state, job.object, name, viewer)
                .filter(|column| job.operation != JobOperation::Delete || matches!(column, Column::Id))
                .ok_or_else(|| format!("InvalidBatch : Field name not found : {name}"))?;
            columns.push(column);
        }
        Ok(Self {
            object: job.object,
            columns,
        })
    }

    /// Returns the record that a row stands for, as a collections call would send it.
    ///
    /// # Errors
    /// A value that its field cannot be read from.
    pub(super) fn record(&self, row: &StringRecord) -> Result<Map<String, Value>, RecordError> {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({"type": self.object.name()}));
        for (column, text) in self.columns.iter().zip(row) {
            if text.is_empty() {
                continue;
            }
            match column {
                Column::Id => record.insert("Id".to_owned(), nullable(text)),
                Column::Field(field) => record.insert(field.name.clone(), field_value(field, text)?),
                Column::Parent { lookup, .. } if text == NULL => {
                    record.insert(lookup.name.clone(), Value::Null)
                }
                Column::Parent {
                    relationship, key, ..
                } => record.insert(relationship.clone(), json!({key: text})),
            };
        }
        Ok(record)
    }

    /// Returns the id that a row names its record by.
    pub(super) fn id(&self, row: &StringRecord) -> Option<RecordId> {
        let position = self
            .columns
            .iter()
            .position(|column| matches!(column, Column::Id))?;
        RecordId::parse(row.get(position)?)
    }
}

fn find(state: &OrgState, object: ObjectName, name: &str, viewer: Viewer) -> Option<Column> {
    if name.eq_ignore_ascii_case("Id") {
        return Some(Column::Id);
    }
    let Some((relationship, key)) = name.split_once('.') else {
        return state.seen_field(object, name, viewer).map(Column::Field);
    };
    let (lookup, relationship) = state.seen_fields(object, viewer).into_iter().find_map(|field| {
        let own = relationship_name(&field)?;
        own.eq_ignore_ascii_case(relationship).then_some((field, own))
    })?;
    let key = lookup
        .reference_to
        .iter()
        .filter_map(|parent| state.seen_field(ObjectName::parse(parent)?, key, viewer))
        .find(|key| key.is_upsert_key())?;
    Some(Column::Parent {
        lookup,
        relationship,
        key: key.name.clone(),
    })
}

fn nullable(text: &str) -> Value {
    if text == NULL { Value::Null } else { json!(text) }
}

/// Returns the JSON value that a cell stands for.
fn field_value(field: &Field, text: &str) -> Result<Value, RecordError> {
    let given = match field.field_type {
        _ if text == NULL => Value::Null,
        FieldType::Boolean => boolean(text).map_or_else(|| json!(text), Value::Bool),
        _ => json!(text),
    };
    // What cannot be written at all is refused as such, whatever its value.
    let is_readable = !(field.createable || field.updateable) || value::read(field, &given).is_ok();
    if is_readable {
        return Ok(given);
    }
    Err(RecordError::new(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        format!("{}: value not of required type: {text}", field.label),
        &[&field.name],
    ))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
