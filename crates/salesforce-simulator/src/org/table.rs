//! The records of one object of one org.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::Values;
use crate::ids::{RecordId, record_id};
use crate::schema::{Field, FieldType, ObjectName, RecordType, Schema};
use crate::value::{Scalar, is_lower_case};

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    pub id: RecordId,
    pub values: Values,
}

/// Where a record is in its table; stays valid because records are only marked deleted.
pub(crate) type Slot = usize;

/// The records of one object, found by id and by every indexed field.
#[derive(Debug)]
pub(crate) struct Table {
    pub object: ObjectName,
    schema: Schema,
    records: Vec<Record>,
    by_id: FxHashMap<RecordId, Slot>,
    indexes: Vec<Index>,
    next_number: u64,
}

/// Where the values of one field are.
#[derive(Debug)]
struct Index {
    field: Arc<Field>,
    /// By the value as compared.
    slots: FxHashMap<Box<str>, Holders>,
}

/// The records that hold one value: nearly always one.
#[derive(Debug)]
enum Holders {
    One(Slot),
    Several(Vec<Slot>),
}

impl Record {
    pub(crate) fn is(&self, flag: &str) -> bool {
        self.values.get(flag) == Some(&Scalar::Bool(true))
    }

    /// Returns the value of `field` as read over the API: a checkbox is never null, the name of a
    /// person is made of its parts.
    pub(crate) fn value(&self, field: &Field) -> Value {
        if field.name == "Id" {
            return Value::String(self.id.to_string());
        }
        if field.name == "Name" && !self.values.contains_key("Name") {
            let parts: Vec<&str> = ["FirstName", "LastName"]
                .into_iter()
                .filter_map(|part| self.values.get(part).and_then(Scalar::as_str))
                .collect();
            return if parts.is_empty() {
                Value::Null
            } else {
                Value::String(parts.join(" "))
            };
        }
        match self.values.get(&field.name) {
            Some(value) => value.into(),
            None if field.field_type == FieldType::Boolean => Value::Bool(false),
            None => Value::Null,
        }
    }

    /// Returns every field that is not null, `Id` first.
    pub(crate) fn known_fields(&self, schema: &Schema) -> Map<String, Value> {
        schema
            .fields()
            .iter()
            .map(|field| (field.name.clone(), self.value(field)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }
}

impl Table {
    pub(crate) fn new(object: ObjectName, now: DateTime<Utc>) -> Self {
        let schema = Schema::standard(object, now);
        let mut table = Self {
            object,
            schema,
            records: Vec::new(),
            by_id: FxHashMap::default(),
            indexes: Vec::new(),
            next_number: 1,
        };
        table.rebuild_indexes();
        table
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn record(&self, slot: Slot) -> &Record {
        &self.records[slot]
    }

    pub(crate) fn find(&self, id: RecordId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    /// Returns the records that are not deleted and hold `value` in an indexed field, oldest first.
    pub(crate) fn find_by(&self, field: &Field, value: &Scalar) -> Vec<Slot> {
        let Some(compared) = compared(field, value) else {
            return Vec::new();
        };
        let index = self.indexes.iter().find(|index| index.field.name == field.name);
        let holders = index.and_then(|index| index.slots.get(compared.as_ref()));
        let mut found: Vec<Slot> = holders
            .map_or(&[][..], Holders::slots)
            .iter()
            .copied()
            .filter(|slot| !self.records[*slot].is("IsDeleted"))
            .collect();
        found.sort_unstable();
        found
    }

    pub(crate) fn put_record_type(&mut self, record_type: RecordType, now: DateTime<Utc>) {
        self.schema.put_record_type(record_type, now);
    }

    pub(crate) fn put_field(&mut self, field: Field, now: DateTime<Utc>) -> bool {
        let is_new = self.schema.put(field, now);
        self.rebuild_indexes();
        is_new
    }

    /// Lets describes tell that what people see may have changed.
    pub(crate) fn touch(&mut self, now: DateTime<Utc>) {
        self.schema.touch(now);
    }

    /// Removes a field with what records hold in it. Returns whether there was one.
    pub(crate) fn delete_field(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        let Some(field) = self.schema.field(name).map(Arc::clone) else {
            return false;
        };
        for record in &mut self.records {
            record.values.remove(&field.name);
        }
        self.remove_field(&field.name, now)
    }

    /// Takes a field out of sight; records keep what they hold in it.
    pub(crate) fn remove_field(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        let removed = self.schema.remove(name, now);
        self.rebuild_indexes();
        removed
    }

    /// Adds a record, with the next free id when none is given.
    pub(crate) fn insert(&mut self, id: Option<RecordId>, values: Values) -> Slot {
        let id = id.unwrap_or_else(|| self.next_id());
        let slot = self.records.len();
        for index in &mut self.indexes {
            index.change(slot, None, index.held(&values));
        }
        self.by_id.insert(id, slot);
        self.records.push(Record { id, values });
        slot
    }

    /// Takes back the newest record.
    pub(crate) fn remove_newest(&mut self) {
        if let Some(record) = self.records.pop() {
            let slot = self.records.len();
            for index in &mut self.indexes {
                index.change(slot, index.held(&record.values), None);
            }
            self.by_id.remove(&record.id);
        }
    }

    /// Gives a record other values and returns those it had.
    pub(crate) fn replace_values(&mut self, slot: Slot, values: Values) -> Values {
        let old = std::mem::replace(&mut self.records[slot].values, values);
        let new = &self.records[slot].values;
        for index in &mut self.indexes {
            index.change(slot, index.held(&old), index.held(new));
        }
        old
    }

    fn next_id(&mut self) -> RecordId {
        loop {
            let id = RecordId::parse(&record_id(self.object.key_prefix(), self.next_number))
                .expect("record_id returns valid ids");
            self.next_number += 1;
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    fn rebuild_indexes(&mut self) {
        self.indexes = self
            .schema
            .fields()
            .iter()
            .filter(|field| field.is_indexed() && field.field_type != FieldType::Id)
            .map(|field| Index {
                field: Arc::clone(field),
                slots: FxHashMap::default(),
            })
            .collect();
        for index in &mut self.indexes {
            for (slot, record) in self.records.iter().enumerate() {
                index.change(slot, None, index.held(&record.values));
            }
        }
    }
}

impl Index {
    fn held<'values>(&self, values: &'values Values) -> Option<&'values Scalar> {
        values.get(&self.field.name)
    }

    /// Notes that the record at `slot` holds another value.
    fn change(&mut self, slot: Slot, old: Option<&Scalar>, new: Option<&Scalar>) {
        if old == new {
            return;
        }
        if let Some(old) = old.and_then(|old| compared(&self.field, old)) {
            self.remove(&old, slot);
        }
        if let Some(new) = new.and_then(|new| compared(&self.field, new)) {
            self.add(new.into_owned().into(), slot);
        }
    }

    fn add(&mut self, value: Box<str>, slot: Slot) {
        match self.slots.entry(value) {
            Entry::Vacant(free) => {
                free.insert(Holders::One(slot));
            }
            Entry::Occupied(mut held) => match held.get_mut() {
                Holders::One(first) => {
                    let first = *first;
                    held.insert(Holders::Several(vec![first, slot]));
                }
                Holders::Several(slots) => slots.push(slot),
            },
        }
    }

    fn remove(&mut self, value: &str, slot: Slot) {
        let is_last = match self.slots.get_mut(value) {
            Some(Holders::Several(slots)) => {
                slots.retain(|other| *other != slot);
                slots.is_empty()
            }
            Some(Holders::One(only)) => *only == slot,
            None => false,
        };
        if is_last {
            self.slots.remove(value);
        }
    }
}

impl Holders {
    fn slots(&self) -> &[Slot] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Several(slots) => slots,
        }
    }
}

/// Returns `value` as two values of `field` are compared; null equals nothing.
/// Source: salesforce-contract.md §2.5 (case follows `caseSensitive`).
pub(crate) fn compared<'value>(field: &Field, value: &'value Scalar) -> Option<Cow<'value, str>> {
    match value {
        Scalar::Null => None,
        Scalar::Text(text) if field.case_sensitive || is_lower_case(text) => Some(Cow::Borrowed(text)),
        Scalar::Text(text) => Some(Cow::Owned(text.to_lowercase())),
        Scalar::Bool(_) | Scalar::Number(_) => Some(Cow::Owned(value.to_string())),
    }
}
