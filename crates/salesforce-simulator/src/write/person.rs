//! Person accounts: one person that is an Account and a Contact at once, where the switch is on.

use super::apply::Author;
use super::defaults::defaults;
use super::submitted::Submitted;
use super::target::Target;
use super::undo::Undo;
use crate::ids::RecordId;
use crate::org::{OrgState, Slot, Values};
use crate::refusal::RecordError;
use crate::schema::{IS_PERSON_ACCOUNT, ObjectName};
use crate::value::Scalar;

/// Fields of the Contact and of the Account that are one.
const SHARED: [(&str, &str); 5] = [
    ("LastName", "LastName"),
    ("FirstName", "FirstName"),
    ("Salutation", "Salutation"),
    ("Email", "PersonEmail"),
    ("MobilePhone", "PersonMobilePhone"),
];

pub(super) fn is_person(values: &Values) -> bool {
    values
        .get(IS_PERSON_ACCOUNT)
        .is_some_and(|flag| *flag == Scalar::Bool(true))
}

/// Decides whether a new Account is a person, and refuses what a person or a company has not.
///
/// An Account that is made with a `LastName` is a person. Its `Name` is made of its parts, and the Account of a
/// person's Contact stays.
pub(super) fn check(record: &Submitted, target: Target, values: &mut Values) -> Result<(), RecordError> {
    let named = |name: &str| record.names(name);
    match record.object {
        ObjectName::Account => {
            if matches!(target, Target::New) && named("LastName") {
                values.insert(IS_PERSON_ACCOUNT, true);
            }
            let refused = if is_person(values) {
                named("Name").then_some("Name")
            } else {
                let of_persons = SHARED.iter().map(|(_, account)| *account);
                of_persons.into_iter().find(|name| named(name))
            };
            match refused {
                Some(name) => Err(RecordError::not_writable(name)),
                None if is_person(values) && !values.contains_key("LastName") => {
                    Err(RecordError::required_missing(&["LastName"]))
                }
                None => Ok(()),
            }
        }
        ObjectName::Contact if is_person(values) && named("AccountId") => {
            Err(RecordError::not_writable("AccountId"))
        }
        ObjectName::Contact | ObjectName::Lead => Ok(()),
    }
}

/// Brings the other half of a person to what its written half holds; a new Account gets its Contact.
pub(super) fn write_through(
    state: &mut OrgState,
    object: ObjectName,
    slot: Slot,
    target: Target,
    author: &Author<'_>,
    undo: &mut Undo,
) {
    let record = state.table(object).record(slot);
    if !is_person(&record.values) {
        return;
    }
    match (object, target) {
        (ObjectName::Account, Target::New) => {
            let (id, mut account) = (record.id, record.values.clone());
            let mut contact = defaults(state.table(ObjectName::Contact), author);
            contact.insert(IS_PERSON_ACCOUNT, true);
            contact.insert("AccountId", id.to_string());
            if let Some(owner) = account.get("OwnerId") {
                contact.insert("OwnerId", owner.clone());
            }
            author.stamp(&mut contact);
            share(&account, &mut contact, |(contact, account)| (account, contact));
            let contact = undo.insert(state, ObjectName::Contact, contact);
            let contact = state.table(ObjectName::Contact).record(contact).id;
            account.insert("PersonContactId", contact.to_string());
            undo.replace(state, ObjectName::Account, slot, account);
        }
        (ObjectName::Account, Target::Existing(_)) => {
            let other = other_half(state, ObjectName::Contact, &record.values, "PersonContactId");
            copy(
                state,
                (object, slot),
                (ObjectName::Contact, other),
                author,
                undo,
                |(contact, account)| (account, contact),
            );
        }
        (ObjectName::Contact, _) => {
            let other = other_half(state, ObjectName::Account, &record.values, "AccountId");
            copy(
                state,
                (object, slot),
                (ObjectName::Account, other),
                author,
                undo,
                |pair| pair,
            );
        }
        (ObjectName::Lead, _) => {}
    }
}

fn other_half(state: &OrgState, object: ObjectName, values: &Values, lookup: &str) -> Option<Slot> {
    let id = RecordId::parse(values.get(lookup)?.as_str()?)?;
    state.table(object).find(id)
}

/// Copies what is shared; `direction` says which name of a pair is the source's.
fn copy(
    state: &mut OrgState,
    from: (ObjectName, Slot),
    to: (ObjectName, Option<Slot>),
    author: &Author<'_>,
    undo: &mut Undo,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let (object, Some(slot)) = to else {
        return;
    };
    let old = &state.table(object).record(slot).values;
    let mut values = old.clone();
    share(&state.table(from.0).record(from.1).values, &mut values, direction);
    if values != *old {
        author.stamp(&mut values);
        undo.replace(state, object, slot, values);
    }
}

fn share(
    from: &Values,
    to: &mut Values,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    for pair in SHARED {
        let (source, target) = direction(pair);
        match from.get(source) {
            Some(value) => to.insert(target, value.clone()),
            None => to.remove(target),
        }
    }
}
