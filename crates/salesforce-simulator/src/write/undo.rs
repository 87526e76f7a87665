//! Writing to the tables in a way that can be taken back.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ids::RecordId;
use crate::org::{OrgState, Slot, Values, WriteKind};
use crate::schema::{Field, ObjectName};

/// What takes the writes of one call back.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<Step>);

/// A record that was written along with another one.
#[derive(Debug)]
pub(super) struct Besides {
    pub object: ObjectName,
    pub id: RecordId,
    pub kind: WriteKind,
    /// What changed of what a call could have sent.
    pub fields: Map<String, Value>,
}

#[derive(Debug)]
enum Step {
    Created(ObjectName, Slot),
    Replaced(ObjectName, Slot, Values),
}

impl Undo {
    /// Adds a record with the next free id.
    pub(super) fn insert(&mut self, state: &mut OrgState, object: ObjectName, values: Values) -> Slot {
        let slot = state.table_mut(object).insert(None, values);
        self.0.push(Step::Created(object, slot));
        slot
    }

    /// Gives a record other values.
    pub(super) fn replace(&mut self, state: &mut OrgState, object: ObjectName, slot: Slot, values: Values) {
        let old = state.table_mut(object).replace_values(slot, values);
        self.0.push(Step::Replaced(object, slot, old));
    }

    /// Returns how many writes there were.
    pub(super) fn steps(&self) -> usize {
        self.0.len()
    }

    /// Returns the records that were written from a step on besides the one that was meant: a person's other half,
    /// the Contacts of a deleted Account.
    pub(super) fn besides(&self, state: &OrgState, from: usize, meant: (ObjectName, Slot)) -> Vec<Besides> {
        let mut besides: Vec<Besides> = Vec::new();
        for step in &self.0[from..] {
            let (object, slot, old) = match step {
                Step::Created(object, slot) => (*object, *slot, None),
                Step::Replaced(object, slot, old) => (*object, *slot, Some(old)),
            };
            let table = state.table(object);
            let record = table.record(slot);
            if (object, slot) == meant || besides.iter().any(|one| one.id == record.id) {
                continue;
            }
            let kind = match old {
                None => WriteKind::Create,
                Some(_) if record.is("IsDeleted") => WriteKind::Delete,
                Some(_) => WriteKind::Update,
            };
            let changed = |field: &&Arc<Field>| {
                let is_told = if old.is_some() {
                    field.updateable
                } else {
                    field.createable
                };
                is_told && record.values.get(&field.name) != old.and_then(|old| old.get(&field.name))
            };
            let fields = table.schema().fields().iter().filter(changed);
            besides.push(Besides {
                object,
                id: record.id,
                kind,
                fields: fields
                    .map(|field| (field.name.clone(), record.value(field)))
                    .collect(),
            });
        }
        besides
    }

    /// Takes every write back. Ids that were given out are not given out again.
    pub(super) fn take_back(self, state: &mut OrgState) {
        // Newest first, so that a created record is the newest of its table when its turn comes.
        for step in self.0.into_iter().rev() {
            match step {
                Step::Created(object, _) => state.table_mut(object).remove_newest(),
                Step::Replaced(object, slot, values) => {
                    state.table_mut(object).replace_values(slot, values);
                }
            }
        }
    }
}
