//! Writing to the tables in a way that can be taken back.

use crate::org::{OrgState, Slot, Values};
use crate::schema::ObjectName;

/// What takes the writes of one call back.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<Step>);

#[derive(Debug)]
enum Step {
    Created(ObjectName),
    Replaced(ObjectName, Slot, Values),
}

impl Undo {
    /// Adds a record with the next free id.
    pub(super) fn insert(&mut self, state: &mut OrgState, object: ObjectName, values: Values) -> Slot {
        self.0.push(Step::Created(object));
        state.table_mut(object).insert(None, values)
    }

    /// Gives a record other values.
    pub(super) fn replace(&mut self, state: &mut OrgState, object: ObjectName, slot: Slot, values: Values) {
        let old = state.table_mut(object).replace_values(slot, values);
        self.0.push(Step::Replaced(object, slot, old));
    }

    /// Takes every write back. Ids that were given out are not given out again.
    pub(super) fn take_back(self, state: &mut OrgState) {
        // Newest first, so that a created record is the newest of its table when its turn comes.
        for step in self.0.into_iter().rev() {
            match step {
                Step::Created(object) => state.table_mut(object).remove_newest(),
                Step::Replaced(object, slot, values) => {
                    state.table_mut(object).replace_values(slot, values);
                }
            }
        }
    }
}
