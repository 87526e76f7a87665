//! The permission sets of an org, what they grant, and who has them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::access::FieldAccess;
use super::objects::SetupObject;
use crate::clock::datetime_out;
use crate::ids::{RecordId, record_id};
use crate::org::{Record, Values};
use crate::schema::ObjectName;
use crate::value::Scalar;

/// The profiles that every org has; each user has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Administrator,
    Standard,
}

/// Configuration that calls can change.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Permission sets, assignments and grants, oldest first.
    records: Vec<(SetupObject, Record)>,
    /// Fields that are seen only by whom they are granted to, and since when they are known at all.
    restricted: HashMap<(ObjectName, String), DateTime<Utc>>,
    next_number: u64,
}

impl Profile {
    pub(crate) const ALL: [Self; 2] = [Self::Administrator, Self::Standard];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Administrator => "System Administrator",
            Self::Standard => "Standard User",
        }
    }

    pub(crate) fn id(self) -> RecordId {
        self.own_id(SetupObject::Profile)
    }

    /// Returns the permission set behind it (salesforce-contract.md §6).
    pub(crate) fn permission_set_id(self) -> RecordId {
        self.own_id(SetupObject::PermissionSet)
    }

    fn own_id(self, object: SetupObject) -> RecordId {
        let number = match self {
            Self::Administrator => 1,
            Self::Standard => 2,
        };
        RecordId::parse(&record_id(object.key_prefix(), number)).expect("record_id returns valid ids")
    }
}

impl Setup {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        let mut setup = Self {
            records: Vec::new(),
            restricted: HashMap::new(),
            next_number: 1,
        };
        for profile in Profile::ALL {
            let set_id = profile.permission_set_id();
            let values = values([
                ("Name", format!("X{}", set_id.short()).into()),
                ("Label", set_id.to_string().into()),
                ("ProfileId", profile.id().to_string().into()),
                ("IsOwnedByProfile", true.into()),
                ("Type", "Profile".into()),
                ("SystemModstamp", datetime_out(now).into()),
            ]);
            setup.insert(SetupObject::PermissionSet, values);
        }
        setup
    }

    /// Returns the stored records of an object, oldest first.
    pub(crate) fn records(&self, object: SetupObject) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |(of, _)| *of == object)
            .map(|(_, record)| record)
    }

    pub(crate) fn find(&self, object: SetupObject, id: RecordId) -> Option<&Record> {
        self.records(object).find(|record| record.id == id)
    }

    pub(crate) fn insert(&mut self, object: SetupObject, values: Values) -> RecordId {
        let id = RecordId::parse(&record_id(object.key_prefix(), self.next_number))
            .expect("record_id returns valid ids");
        self.next_number += 1;
        self.records.push((object, Record { id, values }));
        id
    }

    pub(crate) fn replace(&mut self, object: SetupObject, id: RecordId, values: Values) {
        if let Some((_, record)) = self
            .records
            .iter_mut()
            .find(|(of, record)| *of == object && record.id == id)
        {
            record.values = values;
        }
    }

    /// Removes a record and, of a permission set, what it granted and to whom.
    pub(crate) fn remove(&mut self, id: RecordId) {
        let text = Scalar::from(id.to_string());
        self.records.retain(|(_, record)| {
            let refers = |field: &str| record.values.get(field) == Some(&text);
            record.id != id && !refers("ParentId") && !refers("PermissionSetId")
        });
    }

    /// Makes a field seen only by whom it is granted to, and by them only from `known_from` on.
    pub(crate) fn restrict(&mut self, object: ObjectName, field: &str, known_from: DateTime<Utc>) {
        self.restricted
            .insert((object, field.to_ascii_lowercase()), known_from);
    }

    /// Makes a field seen by everybody, and forgets what was granted of it.
    pub(crate) fn unrestrict(&mut self, object: ObjectName, field: &str) {
        self.restricted.remove(&(object, field.to_ascii_lowercase()));
        let full_name = format!("{}.{field}", object.name());
        self.records.retain(|(of, record)| {
            let granted = record.values.get("Field").and_then(Scalar::as_str);
            *of != SetupObject::FieldPermissions
                || !granted.is_some_and(|granted| granted.eq_ignore_ascii_case(&full_name))
        });
    }

    pub(super) fn has_restricted(&self, object: ObjectName) -> bool {
        self.restricted.keys().any(|(of, _)| *of == object)
    }

    /// Returns the latest time up to `now` at which a restricted field of `object` became known.
    pub(super) fn last_known(&self, object: ObjectName, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.restricted
            .iter()
            .filter(|((of, _), known_from)| *of == object && **known_from <= now)
            .map(|(_, known_from)| *known_from)
            .max()
    }

    /// Returns what a user may do with a field.
    pub(super) fn access(
        &self,
        object: ObjectName,
        field: &str,
        user: (RecordId, Profile),
        now: DateTime<Utc>,
    ) -> FieldAccess {
        match self.restricted.get(&(object, field.to_ascii_lowercase())) {
            None => FieldAccess::Edit,
            Some(known_from) if *known_from > now => FieldAccess::Hidden,
            Some(_) => self.granted(object, field, user),
        }
    }

    fn granted(&self, object: ObjectName, field: &str, user: (RecordId, Profile)) -> FieldAccess {
        let sets = self.permission_sets_of(user);
        let full_name = format!("{}.{field}", object.name());
        let text = |record: &Record, name: &str| -> String {
            let value = record.values.get(name).and_then(Scalar::as_str);
            value.unwrap_or_default().to_owned()
        };
        self.records(SetupObject::FieldPermissions)
            .filter(|record| text(record, "Field").eq_ignore_ascii_case(&full_name))
            .filter(|record| sets.contains(&text(record, "ParentId")))
            .map(
                |record| match (record.is("PermissionsEdit"), record.is("PermissionsRead")) {
                    (true, _) => FieldAccess::Edit,
                    (false, true) => FieldAccess::Read,
                    (false, false) => FieldAccess::Hidden,
                },
            )
            .max()
            .unwrap_or(FieldAccess::Hidden)
    }

    /// Returns the ids of the permission sets that a user has, that of the profile too.
    fn permission_sets_of(&self, (user_id, profile): (RecordId, Profile)) -> HashSet<String> {
        let user_text = user_id.to_string();
        let is_theirs =
            |record: &&Record| record.values.get("AssigneeId").and_then(Scalar::as_str) == Some(&user_text);
        self.records(SetupObject::PermissionSetAssignment)
            .filter(is_theirs)
            .filter_map(|record| record.values.get("PermissionSetId")?.as_str())
            .map(str::to_owned)
            .chain([profile.permission_set_id().to_string()])
            .collect()
    }
}

/// Returns the values of a record; a field that is null has no entry.
pub(crate) fn values<const N: usize>(given: [(&str, Scalar); N]) -> Values {
    let mut values = Values::new();
    for (name, value) in given {
        values.insert(name, value);
    }
    values
}
