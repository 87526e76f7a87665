//! What a record holds that nobody sent.

use super::apply::Author;
use crate::org::{Table, Values};
use crate::schema::ObjectName;

/// Returns what a new record holds before its own fields (`defaultedOnCreate`, salesforce-contract.md §5.4).
/// Checkboxes need no entry: an absent one reads as false.
pub(super) fn defaults(table: &Table, author: &Author<'_>) -> Values {
    let mut values = Values::new();
    for field in ["OwnerId", "CreatedById"] {
        values.insert(field, author.user.clone());
    }
    values.insert("CreatedDate", author.time.clone());
    if table.object == ObjectName::Lead {
        values.insert("Status", "Open - Not Contacted");
        values.insert("IsUnreadByOwner", true);
    }
    if let Some(record_type) = table.schema().default_record_type() {
        values.insert("RecordTypeId", record_type.id.to_string());
    }
    values
}

impl Author<'_> {
    /// Notes who changed a record last, and when.
    pub(super) fn stamp(&self, values: &mut Values) {
        values.insert("LastModifiedById", self.user.clone());
        values.insert("LastModifiedDate", self.time.clone());
        values.insert("SystemModstamp", self.time.clone());
    }
}
