//! Deleting: a record is marked, and its Account's Contacts go with it.

use super::apply::Author;
use super::stored::check_changeable;
use super::undo::Undo;
use crate::ids::RecordId;
use crate::org::{OrgState, Slot};
use crate::refusal::RecordError;
use crate::schema::ObjectName;
use crate::value::Scalar;

/// Marks a record as deleted and returns its id.
pub(super) fn delete(
    state: &mut OrgState,
    object: ObjectName,
    slot: Slot,
    author: &Author<'_>,
    undo: &mut Undo,
) -> Result<RecordId, RecordError> {
    let record = state.table(object).record(slot);
    check_changeable(state, record)?;
    let id = record.id;
    mark(state, object, slot, author, undo);
    if object == ObjectName::Account {
        let account = Scalar::from(id.to_string());
        let contacts: Vec<Slot> = state
            .table(ObjectName::Contact)
            .records()
            .iter()
            .enumerate()
            .filter(|(_, contact)| {
                contact.values.get("AccountId") == Some(&account) && !contact.is("IsDeleted")
            })
            .map(|(slot, _)| slot)
            .collect();
        for contact in contacts {
            mark(state, ObjectName::Contact, contact, author, undo);
        }
    }
    Ok(id)
}

fn mark(state: &mut OrgState, object: ObjectName, slot: Slot, author: &Author<'_>, undo: &mut Undo) {
    let mut values = state.table(object).record(slot).values.clone();
    values.insert("IsDeleted", true);
    author.stamp(&mut values);
    undo.replace(state, object, slot, values);
}
