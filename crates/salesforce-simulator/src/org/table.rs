//! The records of one object of one org.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::ids::{RecordId, record_id};
use crate::schema::{Field, FieldType, ObjectName, RecordType, Schema};

/// Field values by API name; a field that is null has no entry.
pub(crate) type Values = BTreeMap<String, Value>;

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
    by_id: HashMap<RecordId, Slot>,
    /// Field name → value as compared → where.
    indexes: HashMap<String, HashMap<String, Vec<Slot>>>,
    next_number: u64,
}

impl Record {
    pub(crate) fn is(&self, flag: &str) -> bool {
        self.values.get(flag) == Some(&Value::Bool(true))
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
                .filter_map(|part| self.values.get(part).and_then(Value::as_str))
                .collect();
            return if parts.is_empty() {
                Value::Null
            } else {
                Value::String(parts.join(" "))
            };
        }
        match self.values.get(&field.name) {
            Some(value) => value.clone(),
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
            by_id: HashMap::new(),
            indexes: HashMap::new(),
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
    pub(crate) fn find_by(&self, field: &Field, value: &Value) -> Vec<Slot> {
        let Some(compared) = compared(field, value) else {
            return Vec::new();
        };
        let holders = self
            .indexes
            .get(&field.name)
            .and_then(|index| index.get(&compared));
        let mut found: Vec<Slot> = holders
            .into_iter()
            .flatten()
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

    pub(crate) fn remove_field(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        let removed = self.schema.remove(name, now);
        self.rebuild_indexes();
        removed
    }

    /// Adds a record, with the next free id when none is given.
    pub(crate) fn insert(&mut self, id: Option<RecordId>, values: Values) -> Slot {
        let id = id.unwrap_or_else(|| self.next_id());
        let slot = self.records.len();
        self.add_to_indexes(slot, &values);
        self.by_id.insert(id, slot);
        self.records.push(Record { id, values });
        slot
    }

    /// Takes back the newest record.
    pub(crate) fn remove_newest(&mut self) {
        if let Some(record) = self.records.pop() {
            self.remove_from_indexes(self.records.len(), &record.values);
            self.by_id.remove(&record.id);
        }
    }

    /// Gives a record other values and returns those it had.
    pub(crate) fn replace_values(&mut self, slot: Slot, values: Values) -> Values {
        let old = std::mem::take(&mut self.records[slot].values);
        self.remove_from_indexes(slot, &old);
        self.add_to_indexes(slot, &values);
        self.records[slot].values = values;
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
            .map(|field| (field.name.clone(), HashMap::new()))
            .collect();
        let records = std::mem::take(&mut self.records);
        for (slot, record) in records.iter().enumerate() {
            self.add_to_indexes(slot, &record.values);
        }
        self.records = records;
    }

    fn add_to_indexes(&mut self, slot: Slot, values: &Values) {
        for (name, index) in &mut self.indexes {
            if let Some(key) = indexed(&self.schema, name, values) {
                index.entry(key).or_default().push(slot);
            }
        }
    }

    fn remove_from_indexes(&mut self, slot: Slot, values: &Values) {
        for (name, index) in &mut self.indexes {
            let Some(key) = indexed(&self.schema, name, values) else {
                continue;
            };
            if let Some(slots) = index.get_mut(&key) {
                slots.retain(|other| *other != slot);
                if slots.is_empty() {
                    index.remove(&key);
                }
            }
        }
    }
}

/// Returns `value` as two values of `field` are compared; null equals nothing.
/// Source: salesforce-contract.md §2.5 (case follows `caseSensitive`).
pub(crate) fn compared(field: &Field, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if field.case_sensitive => Some(text.clone()),
        Value::String(text) => Some(text.to_lowercase()),
        other => Some(other.to_string()),
    }
}

fn indexed(schema: &Schema, name: &str, values: &Values) -> Option<String> {
    compared(schema.field(name)?, values.get(name)?)
}
