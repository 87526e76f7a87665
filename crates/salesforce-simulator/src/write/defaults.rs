//! What a record holds that nobody sent.

use super::apply::Author;
use crate::clock::datetime_out;
use crate::org::{Table, Values};
use crate::schema::ObjectName;

/// Returns what a new record holds before its own fields (`defaultedOnCreate`, salesforce-contract.md §5.4).
/// Checkboxes need no entry: an absent one reads as false.
pub(super) fn defaults(table: &Table, author: Author<'_>) -> Values {
    let mut values = Values::new();
    for field in ["OwnerId", "CreatedById"] {
        values.insert(field.to_owned(), author.user_id.to_string().into());
    }
    values.insert("CreatedDate".to_owned(), datetime_out(author.now).into());
    if table.object == ObjectName::Lead {
        values.insert("Status".to_owned(), "Open - Not Contacted".into());
        values.insert("IsUnreadByOwner".to_owned(), true.into());
    }
    if let Some(record_type) = table.schema().default_record_type() {
        values.insert("RecordTypeId".to_owned(), record_type.id.to_string().into());
    }
    values
}

impl Author<'_> {
    /// Notes who changed a record last, and when.
    pub(super) fn stamp(&self, values: &mut Values) {
        let time = datetime_out(self.now);
        values.insert("LastModifiedById".to_owned(), self.user_id.to_string().into());
        values.insert("LastModifiedDate".to_owned(), time.clone().into());
        values.insert("SystemModstamp".to_owned(), time.into());
    }
}
