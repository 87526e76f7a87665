//! Duplicate rules. Source: salesforce-contract.md §2.8.

use super::request::WriteRequest;
use super::submitted::Submitted;
use super::target::Target;
use crate::org::{DuplicateAction, DuplicateRule, OrgState, Slot, Table, Values, compared};
use crate::refusal::{DuplicatesFound, RecordError};

/// Fails when a rule of the object finds another record that holds the same as `values`.
pub(super) fn check(
    state: &OrgState,
    request: &WriteRequest,
    record: &Submitted,
    target: Target,
    values: &Values,
) -> Result<(), RecordError> {
    let table = state.table(record.object);
    for rule in &state.rules.duplicates {
        let is_let_through = rule.action == DuplicateAction::Alert && request.options.duplicates.allow_save;
        if rule.object != record.object || is_let_through || !is_looked_at(rule, record, target) {
            continue;
        }
        let mut matches = matches(table, rule, target, values);
        if request.options.duplicates.run_as_current_user {
            matches.retain(|slot| state.rules.is_visible(table.record(*slot).id));
        }
        if !matches.is_empty() {
            let found = DuplicatesFound {
                allow_save: rule.action == DuplicateAction::Alert,
                rule: rule.name.clone(),
                object: rule.object,
                message: rule.message.clone(),
                matches: matches.into_iter().map(|slot| table.record(slot).id).collect(),
            };
            return Err(RecordError::duplicates(found));
        }
    }
    Ok(())
}

/// An update that touches none of the fields makes no new duplicate.
fn is_looked_at(rule: &DuplicateRule, record: &Submitted, target: Target) -> bool {
    matches!(target, Target::New) || rule.match_fields.iter().any(|field| record.names(field))
}

fn matches(table: &Table, rule: &DuplicateRule, target: Target, values: &Values) -> Vec<Slot> {
    // A field that is blank or was taken away matches nothing.
    let wanted: Option<Vec<_>> = rule
        .match_fields
        .iter()
        .map(|name| {
            let field = table.schema().field(name)?;
            Some((field, compared(field, values.get(&field.name)?)?))
        })
        .collect();
    let Some(wanted) = wanted else {
        return Vec::new();
    };
    let is_itself = |slot: Slot| matches!(target, Target::Existing(own) if own == slot);
    table
        .records()
        .iter()
        .enumerate()
        .filter(|(slot, other)| {
            !is_itself(*slot)
                && !other.is("IsDeleted")
                && wanted.iter().all(|(field, value)| {
                    let held = other
                        .values
                        .get(&field.name)
                        .and_then(|held| compared(field, held));
                    held.as_ref() == Some(value)
                })
        })
        .map(|(slot, _)| slot)
        .collect()
}
