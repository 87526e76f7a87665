//! What a profile identity becomes in Salesforce, and how newer values win.

use std::collections::{BTreeMap, btree_map::Entry};

use chrono::{DateTime, Utc};

use crate::{destination::RecordType, field_name::FieldName, outcome::Excluded, record_id::RecordId};

/// Names one Salesforce record, so that two updates of it are known to be of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKey {
    /// By Salesforce id, in the canonical form.
    Id(RecordId),
    /// By external id. `value` is canonical: lower-cased unless the field
    /// tells cases apart.
    External {
        record_type: RecordType,
        field: FieldName,
        value: String,
    },
}

/// A value as Salesforce receives it.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Blanks the field.
    Null,
    Boolean(bool),
    Integer(i64),
    /// Always finite.
    Number(f64),
    Text(String),
}

impl FieldValue {
    /// Returns a finite number, as an integer where it is whole and exact.
    pub fn from_number(number: f64) -> Self {
        /// Up to here every integer is a float of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            return Self::Integer(number as i64);
        }
        Self::Number(number)
    }
}

/// Where an update stands in the order of acceptance of its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arrival {
    /// Position of the journal frame.
    pub position: i64,
    /// Entry within the frame.
    pub entry: u32,
}

/// How new a value is; the greater one wins. For a segment's status `time` is
/// the last qualification, for an attribute the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub time: DateTime<Utc>,
    pub event_time: DateTime<Utc>,
    /// Makes the later of two equally old values win.
    pub arrival: Arrival,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FieldWrite {
    pub value: FieldValue,
    pub version: Version,
}

/// What one identity of one update wants written.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub key: RecordKey,
    /// The key as the update gave it; only for external ids.
    pub key_text: String,
    pub fields: BTreeMap<FieldName, FieldWrite>,
    /// When set, the identity is written and yet counted as excluded.
    pub excluded_as: Option<Excluded>,
    pub standing: Standing,
}

/// What an update says of its profile as a whole. Of the updates that wait for
/// a record the newest word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Why the profile is to be left alone: no record is created of it, and
    /// where Salesforce has none the identity is excluded for this.
    pub left_alone: Option<Excluded>,
    pub version: Version,
}

impl Standing {
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        if other.version < self.version { self } else { other }
    }
}

/// The newest value of each field, over any number of contributions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergedFields(BTreeMap<FieldName, FieldWrite>);

impl MergedFields {
    /// Takes over each value that is newer than the one held. Associative, and
    /// independent of the order of calls, because versions differ by arrival.
    pub fn merge(&mut self, fields: &BTreeMap<FieldName, FieldWrite>) {
        for (name, write) in fields {
            match self.0.entry(name.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(write.clone());
                }
                Entry::Occupied(mut held) if held.get().version <= write.version => {
                    held.insert(write.clone());
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    /// Returns the values that are newer than what the other holds.
    #[must_use]
    pub fn newer_than(&self, other: &Self) -> Self {
        let is_newer = |name: &FieldName, write: &FieldWrite| {
            other.0.get(name).is_none_or(|held| held.version < write.version)
        };
        Self(
            self.0
                .iter()
                .filter(|(name, write)| is_newer(name, write))
                .map(|(name, write)| (name.clone(), write.clone()))
                .collect(),
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &FieldValue)> {
        self.0.iter().map(|(name, write)| (name, &write.value))
    }

    /// Tells whether a value that arrived then is among the newest.
    pub fn has_value_of(&self, arrival: Arrival) -> bool {
        self.0.values().any(|write| write.version.arrival == arrival)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contribution(arrival: u32) -> impl Strategy<Value = BTreeMap<FieldName, FieldWrite>> {
        prop::collection::btree_map(0..4_u8, (0..4_i64, 0..4_i64), 0..4).prop_map(move |fields| {
            fields
                .into_iter()
                .map(|(field, (time, event_time))| {
                    let write = FieldWrite {
                        value: FieldValue::Integer(i64::from(arrival)),
                        version: Version {
                            time: DateTime::from_timestamp(time, 0).unwrap(),
                            event_time: DateTime::from_timestamp(event_time, 0).unwrap(),
                            arrival: Arrival {
                                position: 1,
                                entry: arrival,
                            },
                        },
                    };
                    (format!("Field{field}").parse().unwrap(), write)
                })
                .collect()
        })
    }

    fn merged<'a>(all: impl IntoIterator<Item = &'a BTreeMap<FieldName, FieldWrite>>) -> MergedFields {
        let mut merged = MergedFields::default();
        for fields in all {
            merged.merge(fields);
        }
        merged
    }

    proptest! {
        #[test]
        fn row_154_the_order_of_merging_does_not_matter(
            (a, b, c) in (contribution(0), contribution(1), contribution(2))
        ) {
            let expected = merged([&a, &b, &c]);
            prop_assert_eq!(&merged([&c, &b, &a]), &expected);
            prop_assert_eq!(&merged([&b, &a, &c]), &expected);
            let mut first_pair = merged([&a, &b]);
            first_pair.merge(&c);
            let mut last_pair = merged([&b, &c]);
            last_pair.merge(&a);
            prop_assert_eq!(&first_pair, &expected);
            prop_assert_eq!(&last_pair, &expected);
        }
    }

    #[test]
    fn of_equal_times_the_later_arrival_wins() {
        let write = |entry: u32| {
            let time = DateTime::from_timestamp(5, 0).unwrap();
            let version = Version {
                time,
                event_time: time,
                arrival: Arrival { position: 1, entry },
            };
            let value = FieldValue::Integer(i64::from(entry));
            BTreeMap::from([("LastName".parse().unwrap(), FieldWrite { value, version })])
        };
        for order in [[write(1), write(2)], [write(2), write(1)]] {
            let merged = merged(&order);
            assert_eq!(merged.iter().next().unwrap().1, &FieldValue::Integer(2));
            assert!(!merged.has_value_of(Arrival {
                position: 1,
                entry: 1
            }));
        }
    }
}
