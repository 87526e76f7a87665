//! What the columns of an upload mean, and what its rows become. Source: salesforce-contract.md §7 ("CSV in").

use std::collections::HashSet;
use std::sync::Arc;

use csv::StringRecord;
use serde_json::{Map, Value, json};

use super::job::{Job, JobOperation};
use crate::ids::RecordId;
use crate::org::OrgState;
use crate::schema::{Field, ObjectName, relationship_name};
use crate::setup::Viewer;

/// Stands for null; an empty value leaves the field alone.
const NULL: &str = "#N/A";

/// The columns of a job, in order.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Id,
    Field(Arc<Field>),
    /// `Account.AcctKey__c`: the lookup is found by a field of the record it names.
    Parent(String),
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
        Ok(Self { columns })
    }

    /// Returns the record that a row stands for; its values are text or null.
    pub(super) fn record(&self, row: &StringRecord) -> Map<String, Value> {
        let mut record = Map::new();
        for (column, text) in self.columns.iter().zip(row) {
            if text.is_empty() {
                continue;
            }
            match column {
                Column::Id => record.insert("Id".to_owned(), nullable(text)),
                Column::Field(field) => record.insert(field.name.clone(), nullable(text)),
                Column::Parent(name) => record.insert(name.clone(), nullable(text)),
            };
        }
        record
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
    let (lookup, relationship) = state.seen_fields(object, viewer).iter().find_map(|field| {
        let own = relationship_name(field)?;
        own.eq_ignore_ascii_case(relationship)
            .then(|| (Arc::clone(field), own))
    })?;
    let key = lookup
        .reference_to
        .iter()
        .filter_map(|parent| state.seen_field(ObjectName::parse(parent)?, key, viewer))
        .find(|key| key.is_upsert_key())?;
    Some(Column::Parent(format!("{relationship}.{}", key.name)))
}

fn nullable(text: &str) -> Value {
    if text == NULL { Value::Null } else { json!(text) }
}
