//! Lookups that name their record by a key of it. Source: salesforce-contract.md §9.

use std::sync::Arc;

use serde_json::Value;

use super::request::{no_key_message, parser_error};
use super::submitted::Submitted;
use crate::org::OrgState;
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, ObjectName};
use crate::value::{self, Scalar};

/// A lookup that names a record by one of its keys, such as `"Account": {"AcctKey__c": "A-17"}`.
/// Source: salesforce-contract.md §9.
#[derive(Debug)]
pub(crate) struct Parent {
    pub lookup: Arc<Field>,
    pub object: ObjectName,
    pub key: Arc<Field>,
    /// As `value::read` leaves it; never null.
    pub value: Scalar,
}

impl Submitted {
    /// Reads the parent of `lookup`: one key and its value, null to blank the lookup.
    pub(super) fn add_parent(
        &mut self,
        state: &OrgState,
        lookup: &Arc<Field>,
        value: Value,
    ) -> Result<(), CallError> {
        let relationship = lookup
            .relationship()
            .map_or_else(|| lookup.name.clone(), |(stem, suffix)| format!("{stem}{suffix}"));
        let mut keys = match &value {
            Value::Null => {
                self.add(lookup, Scalar::Null, || Value::Null);
                return Ok(());
            }
            Value::Object(members) => members.iter().filter(|(name, _)| name.as_str() != "attributes"),
            _ => {
                return Err(parser_error(format!(
                    "{relationship} is not an object at [line:1, column:1]"
                )));
            }
        };
        let (Some((name, given)), None) = (keys.next(), keys.next()) else {
            self.refuse(RecordError::new(
                "INVALID_FIELD",
                format!("{relationship} must name its record by exactly one external ID field"),
                &[&lookup.name],
            ));
            return Ok(());
        };
        if name.eq_ignore_ascii_case("Id") {
            let read = value::read(lookup, given)?;
            self.add(lookup, read, || given.clone());
            return Ok(());
        }
        let Some(object) = parent_object(lookup, &value) else {
            let parent = lookup.reference_to.first().map_or("", String::as_str);
            self.refuse(no_key(name, parent));
            return Ok(());
        };
        let key = state
            .table(object)
            .schema()
            .field(name)
            .ok_or_else(|| CallError::no_such_column(name, object.name()))?;
        if !key.is_upsert_key() {
            self.refuse(no_key(name, object.name()));
            return Ok(());
        }
        match value::read(key, given)? {
            Scalar::Null => self.fields.push((Arc::clone(lookup), Scalar::Null)),
            read => self.parents.push(Parent {
                lookup: Arc::clone(lookup),
                object,
                key: Arc::clone(key),
                value: read,
            }),
        }
        self.remember(relationship, || value);
        Ok(())
    }

    /// Refuses a lookup that is given by its id and by a key of its parent.
    pub(super) fn check_parents(&mut self) {
        let twice = self.parents.iter().find(|parent| {
            self.fields
                .iter()
                .any(|(field, _)| field.name == parent.lookup.name)
        });
        if let Some(parent) = twice {
            let name = &parent.lookup.name;
            let error = RecordError::new(
                "INVALID_FIELD",
                format!(
                    "cannot specify both an external ID reference {} and a salesforce id, {name}",
                    parent.key.name
                ),
                &[name],
            );
            self.refuse(error);
        }
    }
}

/// Returns which object of the org `lookup` names; `attributes.type` decides where there are several.
fn parent_object(lookup: &Field, value: &Value) -> Option<ObjectName> {
    match lookup.reference_to.as_slice() {
        [only] => ObjectName::parse(only),
        several => {
            let named = value.get("attributes")?.get("type")?.as_str()?;
            let known = several.iter().find(|object| object.eq_ignore_ascii_case(named))?;
            ObjectName::parse(known)
        }
    }
}

/// Source: salesforce-contract.md §2.4.
fn no_key(name: &str, object: &str) -> RecordError {
    let message = no_key_message(name, object);
    RecordError::new("INVALID_FIELD", message, &[name])
}
