//! What fields the objects of an org have.

mod describe;
mod field;
mod record_type;

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rustc_hash::FxHashMap;

use crate::ids::RecordId;

pub(crate) use describe::{Described, describe, relationship_name};
pub(crate) use field::{Field, FieldType, PicklistValue};
pub(crate) use record_type::RecordType;

/// The objects a simulated org has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ObjectName {
    Contact,
    Lead,
    Account,
}

/// The fields of one object that the API user can see.
#[derive(Debug)]
pub(crate) struct Schema {
    fields: Vec<Arc<Field>>,
    /// In lower case, and as it is mostly sent: in the case that describe gives.
    by_name: FxHashMap<String, usize>,
    /// Whole seconds, as `Last-Modified` carries them; rises with every change.
    modified: DateTime<Utc>,
    record_types: Vec<RecordType>,
}

static CONTACT: LazyLock<Vec<Arc<Field>>> =
    LazyLock::new(|| standard_fields(include_str!("schema/contact.json")));
static LEAD: LazyLock<Vec<Arc<Field>>> = LazyLock::new(|| standard_fields(include_str!("schema/lead.json")));
static ACCOUNT: LazyLock<Vec<Arc<Field>>> =
    LazyLock::new(|| standard_fields(include_str!("schema/account.json")));

static PERSON_ACCOUNT: LazyLock<Vec<Arc<Field>>> =
    LazyLock::new(|| standard_fields(include_str!("schema/person_account.json")));

static RECORD_TYPE_ID: LazyLock<Arc<Field>> = LazyLock::new(|| Arc::new(record_type::field()));

/// The field that tells persons from companies, the only one of theirs that Contacts have too.
pub(crate) const IS_PERSON_ACCOUNT: &str = "IsPersonAccount";

impl ObjectName {
    pub(crate) const ALL: [Self; 3] = [Self::Contact, Self::Lead, Self::Account];

    /// Reads an object name in any case, as Salesforce does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|object| object.name().eq_ignore_ascii_case(text))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Lead => "Lead",
            Self::Account => "Account",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "Contacts",
            Self::Lead => "Leads",
            Self::Account => "Accounts",
        }
    }

    /// Returns the first three characters of its ids. Source: salesforce-contract.md §5.5.
    pub(crate) fn key_prefix(self) -> &'static str {
        match self {
            Self::Contact => "003",
            Self::Lead => "00Q",
            Self::Account => "001",
        }
    }

    /// Finds the object whose ids begin as `id` does.
    pub(crate) fn of_id(id: RecordId) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|object| id.short().starts_with(object.key_prefix()))
    }

    fn standard_fields(self) -> &'static [Arc<Field>] {
        match self {
            Self::Contact => &CONTACT,
            Self::Lead => &LEAD,
            Self::Account => &ACCOUNT,
        }
    }

    /// Tells whether a name, in any case, is that of a field which Salesforce brings along, if only in some orgs.
    pub(crate) fn has_standard_field(self, name: &str) -> bool {
        self.standard_fields()
            .iter()
            .chain(PERSON_ACCOUNT.iter())
            .chain([&*RECORD_TYPE_ID])
            .any(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl Schema {
    /// Returns the standard fields of `object`, last changed `now`.
    pub(crate) fn standard(object: ObjectName, now: DateTime<Utc>) -> Self {
        let mut schema = Self {
            fields: Vec::new(),
            by_name: FxHashMap::default(),
            modified: now.trunc_subsecs(0),
            record_types: Vec::new(),
        };
        for field in object.standard_fields() {
            schema.insert(Arc::clone(field));
        }
        schema
    }

    /// Returns the fields in describe order.
    pub(crate) fn fields(&self) -> &[Arc<Field>] {
        &self.fields
    }

    pub(crate) fn modified(&self) -> DateTime<Utc> {
        self.modified
    }

    /// Returns the record types besides the master one, in the order in which they were set up.
    pub(crate) fn record_types(&self) -> &[RecordType] {
        &self.record_types
    }

    /// Returns the type of records that name none; none means the master one.
    pub(crate) fn default_record_type(&self) -> Option<&RecordType> {
        self.record_types.iter().find(|record_type| record_type.default)
    }

    /// Adds a record type, and with the first one the field `RecordTypeId`. A default one takes the place of
    /// the one that was the default.
    pub(crate) fn put_record_type(&mut self, record_type: RecordType, now: DateTime<Utc>) {
        if record_type.default {
            for other in &mut self.record_types {
                other.default = false;
            }
        }
        self.record_types.push(record_type);
        self.insert(Arc::clone(&RECORD_TYPE_ID));
        self.touch(now);
    }

    /// Finds a field by its API name in any case (salesforce-contract.md §5.3).
    pub(crate) fn field(&self, name: &str) -> Option<&Arc<Field>> {
        let index = match self.by_name.get(name) {
            Some(index) => index,
            None => self.by_name.get(&name.to_ascii_lowercase())?,
        };
        self.fields.get(*index)
    }

    /// Finds the lookup whose relationship has this name in any case: `Account` names `AccountId`, `Parent__r`
    /// names `Parent__c` (salesforce-contract.md §5.3).
    pub(crate) fn relationship(&self, name: &str) -> Option<&Arc<Field>> {
        self.fields.iter().find(|field| {
            field.relationship().is_some_and(|(stem, suffix)| {
                name.len() == stem.len() + suffix.len()
                    && name
                        .get(..stem.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(stem))
                    && name[stem.len()..].eq_ignore_ascii_case(suffix)
            })
        })
    }

    /// Adds a field, or replaces the one of that name. Returns whether it is new.
    pub(crate) fn put(&mut self, field: Field, now: DateTime<Utc>) -> bool {
        self.touch(now);
        self.insert(Arc::new(field))
    }

    /// Hides a field, as deleting it or taking field-level security away does. Returns whether there was one.
    pub(crate) fn remove(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        let Some(index) = self.by_name.get(&name.to_ascii_lowercase()).copied() else {
            return false;
        };
        let mut fields = std::mem::take(&mut self.fields);
        fields.remove(index);
        self.by_name.clear();
        for field in fields {
            self.insert(field);
        }
        self.touch(now);
        true
    }

    fn insert(&mut self, field: Arc<Field>) -> bool {
        let lower_case_name = field.name.to_ascii_lowercase();
        if let Some(index) = self.by_name.get(&lower_case_name).copied() {
            self.by_name.insert(field.name.clone(), index);
            self.fields[index] = field;
            return false;
        }
        self.by_name.insert(field.name.clone(), self.fields.len());
        self.by_name.insert(lower_case_name, self.fields.len());
        self.fields.push(field);
        true
    }

    // Two changes in one second must not share a `Last-Modified`, or a conditional describe would miss the
    // second.
    pub(crate) fn touch(&mut self, now: DateTime<Utc>) {
        self.modified = now.trunc_subsecs(0).max(self.modified + TimeDelta::seconds(1));
    }
}

/// Returns the fields that `object` has only where Accounts may be persons.
pub(crate) fn person_account_fields(object: ObjectName) -> Vec<Field> {
    PERSON_ACCOUNT
        .iter()
        .filter(|field| object == ObjectName::Account || field.name == IS_PERSON_ACCOUNT)
        .map(|field| Field::clone(field))
        .collect()
}

/// Reads one of the embedded tables of salesforce-contract.md §5.4.
fn standard_fields(table: &str) -> Vec<Arc<Field>> {
    let fields: Vec<Field> =
        serde_json::from_str(table).expect("the embedded tables are valid, which a test of this file holds");
    fields.into_iter().map(Arc::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required_on_create(object: ObjectName) -> Vec<&'static str> {
        object
            .standard_fields()
            .iter()
            .filter(|field| field.is_required_on_create())
            .map(|field| field.name.as_str())
            .collect()
    }

    #[test]
    fn the_embedded_tables_hold_every_standard_field() {
        assert_eq!(ObjectName::Contact.standard_fields().len(), 59);
        assert_eq!(ObjectName::Lead.standard_fields().len(), 54);
        assert_eq!(ObjectName::Account.standard_fields().len(), 34);
    }

    #[test]
    fn the_required_fields_are_those_the_contract_computes() {
        assert_eq!(required_on_create(ObjectName::Contact), ["LastName"]);
        assert_eq!(required_on_create(ObjectName::Lead), ["LastName", "Company"]);
        assert_eq!(required_on_create(ObjectName::Account), ["Name"]);
    }

    #[test]
    fn a_removed_field_is_gone_and_the_others_are_still_found() {
        let mut schema = Schema::standard(ObjectName::Contact, DateTime::UNIX_EPOCH);
        assert!(schema.remove("lastname", DateTime::UNIX_EPOCH));
        assert!(schema.field("LastName").is_none());
        assert_eq!(schema.field("individualid").unwrap().name, "IndividualId");
        assert_eq!(schema.modified(), DateTime::UNIX_EPOCH + TimeDelta::seconds(1));
    }
}
