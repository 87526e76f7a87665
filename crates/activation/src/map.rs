//! From a profile update to what is to be written. Pure, and never panics on
//! any input.
//!
//! For each identity, in this order: discarded, the id itself, consent,
//! deletion, nothing mapped, a value that its field cannot hold (the first in
//! the order of the mappings), a missing required value. The first that applies
//! decides.

mod value;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    destination::{DeletedProfilePolicy, FieldSource, RecordType, WriteMode},
    field_name::FieldName,
    outcome::{Excluded, Failure},
    plan::{PlannedAttribute, PlannedSegment, Rules},
    profile::{AttributeValue, Consent, Found, ProfileUpdate, SegmentStatus},
    record::{Arrival, Contribution, FieldValue, FieldWrite, RecordKey, Standing, Version},
    record_id::RecordId,
};

/// A time further ahead than this is taken as the time of acceptance
/// (architecture.md §5.2).
pub const MAX_TIME_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// When and where an update was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    pub time: DateTime<Utc>,
    pub arrival: Arrival,
}

/// What one identity of an update comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedIdentity {
    /// Its place among the update's identities; `None` for the update as a
    /// whole, where none of them names a record.
    pub index: Option<usize>,
    /// The id as the update gave it; empty for the update as a whole.
    pub id: String,
    pub result: MapResult,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MapResult {
    Write(Contribution),
    /// Nothing is written, and what else waits for the record does not create
    /// it. Only where the rules create.
    LeaveAlone {
        reason: Excluded,
        contribution: Contribution,
    },
    Exclude(Excluded),
    Fail(Failure),
}

/// Returns what each identity comes to; at least one, in their order.
pub fn map(
    update: &ProfileUpdate,
    rules: &Rules,
    accepted: Acceptance,
    now: DateTime<Utc>,
) -> Vec<MappedIdentity> {
    let discarded = rules
        .discard_accepted_before
        .is_some_and(|before| accepted.time < before);
    let ids = ids(update, rules);
    if ids.is_empty() {
        let reason = if discarded {
            Excluded::Discarded
        } else {
            Excluded::NoIdentity
        };
        return vec![MappedIdentity {
            index: None,
            id: String::new(),
            result: MapResult::Exclude(reason),
        }];
    }
    let mut seen = HashSet::new();
    let mut mapped = Vec::with_capacity(ids.len());
    // The fields are the same for every identity, and computed for the first
    // that needs them.
    let mut fields: Option<Fields> = None;
    for (index, id) in ids {
        let key = record_key(id, rules);
        let is_new = match &key {
            Ok(key) => seen.insert(Seen::Key(key.clone())),
            Err(_) => seen.insert(Seen::Text(id.to_owned())),
        };
        if !is_new {
            continue;
        }
        let result = match key {
            _ if discarded => MapResult::Exclude(Excluded::Discarded),
            Err(KeyProblem::OtherRecordKind) => MapResult::Exclude(Excluded::OtherRecordKind),
            Err(KeyProblem::Invalid(failure)) => MapResult::Fail(failure),
            Ok(key) => {
                let fields = fields.get_or_insert_with(|| self::fields(update, rules, accepted, now));
                let contribution = |fields, excluded_as, left_alone| Contribution {
                    key,
                    key_text: id.to_owned(),
                    fields,
                    excluded_as,
                    standing: Standing {
                        left_alone,
                        version: Clock::new(update, accepted).version(),
                    },
                };
                match fields.clone() {
                    Fields::LeaveAlone(reason) if rules.may_create() => MapResult::LeaveAlone {
                        reason,
                        contribution: contribution(BTreeMap::new(), Some(reason), Some(reason)),
                    },
                    Fields::LeaveAlone(reason) | Fields::Exclude(reason) => MapResult::Exclude(reason),
                    Fields::Fail(failure) => MapResult::Fail(failure),
                    Fields::Write {
                        fields,
                        excluded_as,
                        left_alone,
                    } => MapResult::Write(contribution(fields, excluded_as, left_alone)),
                }
            }
        };
        mapped.push(MappedIdentity {
            index: Some(index),
            id: id.to_owned(),
            result,
        });
    }
    mapped
}

/// Tells whether a plan has a use for anything in the update, for updates that
/// name a workspace and not a destination.
pub fn is_of_interest(update: &ProfileUpdate, rules: &Rules) -> bool {
    if ids(update, rules).is_empty() {
        return false;
    }
    update.consent == Consent::Withdrawn
        || update.deleted
        || update
            .memberships
            .iter()
            .any(|membership| rules.segment(&membership.segment).is_some())
        || rules
            .attributes
            .iter()
            .any(|planned| update.attribute(&planned.source_path) != Found::Absent)
}

#[derive(PartialEq, Eq, Hash)]
enum Seen {
    Key(RecordKey),
    Text(String),
}

#[derive(Clone)]
enum Fields {
    Write {
        fields: BTreeMap<FieldName, FieldWrite>,
        excluded_as: Option<Excluded>,
        left_alone: Option<Excluded>,
    },
    LeaveAlone(Excluded),
    Exclude(Excluded),
    Fail(Failure),
}

enum KeyProblem {
    OtherRecordKind,
    Invalid(Failure),
}

/// Returns the ids that name records, each with its place in the update.
fn ids<'a>(update: &'a ProfileUpdate, rules: &Rules) -> Vec<(usize, &'a str)> {
    match &rules.key_source {
        FieldSource::IdentityNamespace(namespace) => update
            .identities
            .iter()
            .enumerate()
            .filter(|(_, identity)| identity.namespace == *namespace)
            .map(|(index, identity)| (index, identity.id.as_str()))
            .collect(),
        FieldSource::AttributePath(path) => match update.attribute(path) {
            Found::Value(AttributeValue::Text(id)) if !id.trim().is_empty() => vec![(0, id.as_str())],
            _ => Vec::new(),
        },
        // No plan has one: every profile would be the same record.
        FieldSource::Constant(_) => Vec::new(),
    }
}

fn record_key(id: &str, rules: &Rules) -> Result<RecordKey, KeyProblem> {
    match &rules.write_mode {
        WriteMode::UpdateById => {
            let invalid = |problem: String| {
                KeyProblem::Invalid(Failure {
                    code: Failure::INVALID_SALESFORCE_ID.to_owned(),
                    message: problem,
                    fields: vec!["Id".to_owned()],
                })
            };
            let id: RecordId = id
                .parse()
                .map_err(|error: crate::InvalidField| invalid(error.problem))?;
            let prefix = id.key_prefix();
            if prefix == rules.record_type.key_prefix() {
                Ok(RecordKey::Id(id))
            } else if RecordType::ALL.iter().any(|other| other.key_prefix() == prefix) {
                Err(KeyProblem::OtherRecordKind)
            } else {
                Err(invalid(format!(
                    "begins with {prefix}; ids of a {} begin with {}",
                    rules.record_type,
                    rules.record_type.key_prefix()
                )))
            }
        }
        WriteMode::Upsert { key_field } => {
            if id.trim().is_empty() {
                return Err(KeyProblem::Invalid(Failure {
                    code: Failure::INVALID_KEY.to_owned(),
                    message: format!("the external id {key_field} is blank"),
                    fields: vec![key_field.to_string()],
                }));
            }
            let value = if rules.key_case_sensitive {
                id.to_owned()
            } else {
                id.to_lowercase()
            };
            Ok(RecordKey::External {
                record_type: rules.record_type,
                field: key_field.clone(),
                value,
            })
        }
    }
}

fn fields(update: &ProfileUpdate, rules: &Rules, accepted: Acceptance, now: DateTime<Utc>) -> Fields {
    let clock = Clock::new(update, accepted);
    if update.consent == Consent::Withdrawn {
        let fields = exits(rules, &clock);
        return if fields.is_empty() {
            Fields::LeaveAlone(Excluded::Consent)
        } else {
            Fields::Write {
                fields,
                excluded_as: Some(Excluded::Consent),
                left_alone: Some(Excluded::Consent),
            }
        };
    }
    if update.deleted {
        return deleted(rules, &clock);
    }
    let statuses = statuses(update, rules, &clock, now);
    let attributes: Vec<(&PlannedAttribute, Found<'_>)> = rules
        .attributes
        .iter()
        .map(|planned| (planned, update.attribute(&planned.source_path)))
        .collect();
    if statuses.is_empty() && attributes.iter().all(|(_, found)| *found == Found::Absent) {
        return Fields::Exclude(Excluded::NothingMapped);
    }
    let mut fields = BTreeMap::new();
    let mut lacks_required = false;
    for (planned, found) in attributes {
        let value = match value::of(planned, found) {
            Ok(value) => value,
            Err(failure) => return Fields::Fail(failure),
        };
        lacks_required |= planned.required && value.as_ref().is_none_or(value::is_blank);
        if let Some(value) = value {
            fields.insert(planned.field.clone(), clock.attribute_write(value));
        }
    }
    if lacks_required {
        return without_attributes(statuses, rules);
    }
    // Every value was a null that leaves its field alone.
    if fields.is_empty() && statuses.is_empty() {
        return Fields::Exclude(Excluded::NothingMapped);
    }
    for constant in &rules.constants {
        let value = FieldValue::from(&constant.value);
        fields.insert(constant.field.clone(), clock.attribute_write(value));
    }
    fields.extend(statuses.into_iter().map(|(field, (_, write))| (field, write)));
    Fields::Write {
        fields,
        excluded_as: None,
        left_alone: None,
    }
}

/// A required value is missing: nothing can be created or kept whole, but an
/// exit must not be lost (architecture.md §6, "Mandatory mappings").
fn without_attributes(statuses: Statuses, rules: &Rules) -> Fields {
    let exits: BTreeMap<_, _> = statuses
        .into_iter()
        .filter(|(_, (status, _))| *status == SegmentStatus::Exited)
        .map(|(field, (_, write))| (field, write))
        .collect();
    if exits.is_empty() || rules.write_mode != WriteMode::UpdateById {
        return Fields::Exclude(Excluded::MissingRequiredValue);
    }
    Fields::Write {
        fields: exits,
        excluded_as: None,
        left_alone: None,
    }
}

fn deleted(rules: &Rules, clock: &Clock) -> Fields {
    let mut fields = match rules.deleted_profile_policy {
        DeletedProfilePolicy::Leave => BTreeMap::new(),
        DeletedProfilePolicy::Exit | DeletedProfilePolicy::ExitAndBlank => exits(rules, clock),
    };
    if rules.deleted_profile_policy == DeletedProfilePolicy::ExitAndBlank {
        // A constant tells nothing of the person, and stays.
        for planned in rules.attributes.iter().filter(|planned| !planned.required) {
            let blank = clock.attribute_write(value::blank(planned));
            fields.insert(planned.field.clone(), blank);
        }
    }
    if fields.is_empty() {
        Fields::LeaveAlone(Excluded::ProfileDeleted)
    } else {
        Fields::Write {
            fields,
            excluded_as: None,
            left_alone: Some(Excluded::ProfileDeleted),
        }
    }
}

type Statuses = BTreeMap<FieldName, (SegmentStatus, FieldWrite)>;

/// Returns the statuses that the update has for mapped, scheduled segments.
fn statuses(update: &ProfileUpdate, rules: &Rules, clock: &Clock, now: DateTime<Utc>) -> Statuses {
    let mut statuses = Statuses::new();
    for membership in &update.memberships {
        let Some(planned) = rules
            .segment(&membership.segment)
            .filter(|planned| planned.is_scheduled_at(clock.accepted.time))
        else {
            continue;
        };
        let expired = membership.valid_until.is_some_and(|until| until < now);
        let status = if expired {
            SegmentStatus::Exited
        } else {
            membership.status
        };
        let version = clock.status_version(membership.last_qualification_time);
        let write = status_write(rules, planned, status, version);
        match statuses.get(&planned.field) {
            // The same segment in two namespaces.
            Some((_, held)) if held.version > write.version => {}
            _ => {
                statuses.insert(planned.field.clone(), (status, write));
            }
        }
    }
    statuses
}

/// Returns an exit for every segment that has begun.
fn exits(rules: &Rules, clock: &Clock) -> BTreeMap<FieldName, FieldWrite> {
    let begun = |planned: &&PlannedSegment| planned.has_started_at(clock.accepted.time);
    rules
        .segments
        .iter()
        .filter(begun)
        .map(|planned| {
            (
                planned.field.clone(),
                status_write(rules, planned, SegmentStatus::Exited, clock.version()),
            )
        })
        .collect()
}

fn status_write(
    rules: &Rules,
    planned: &PlannedSegment,
    status: SegmentStatus,
    version: Version,
) -> FieldWrite {
    let text = rules.status_values.of(status);
    let value = if planned.is_checkbox {
        FieldValue::Boolean(text == "true")
    } else {
        FieldValue::Text(text.to_owned())
    };
    FieldWrite { value, version }
}

/// The times of one update.
struct Clock {
    accepted: Acceptance,
    event_time: DateTime<Utc>,
}

impl Clock {
    fn new(update: &ProfileUpdate, accepted: Acceptance) -> Self {
        let event_time = clamped(update.event_time.unwrap_or(accepted.time), accepted.time);
        Self { accepted, event_time }
    }

    fn attribute_write(&self, value: FieldValue) -> FieldWrite {
        FieldWrite {
            value,
            version: self.version(),
        }
    }

    /// Returns how new everything is that has no time of its own.
    fn version(&self) -> Version {
        self.status_version(None)
    }

    fn status_version(&self, last_qualification_time: Option<DateTime<Utc>>) -> Version {
        let time = last_qualification_time.map_or(self.event_time, |time| clamped(time, self.accepted.time));
        Version {
            time,
            event_time: self.event_time,
            arrival: self.accepted.arrival,
        }
    }
}

fn clamped(time: DateTime<Utc>, accepted_at: DateTime<Utc>) -> DateTime<Utc> {
    match accepted_at.checked_add_signed(MAX_TIME_AHEAD) {
        Some(latest) if time > latest => accepted_at,
        _ => time,
    }
}

#[cfg(test)]
mod tests;
