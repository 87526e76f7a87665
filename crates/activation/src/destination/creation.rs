//! What UPSERT may create, and how: its brakes.

use std::num::NonZeroU32;

use super::{Activation, FieldTarget, RecordType, WriteMode};
use crate::{InvalidField, record_id::RecordId};

/// First characters of the ids of users, groups (queues are groups), record
/// types and assignment rules.
/// Source: Salesforce Help, "Standard Field Record ID Prefix Decoder".
const USER: &str = "005";
const GROUP: &str = "00G";
const RECORD_TYPE: &str = "012";
const ASSIGNMENT_RULE: &str = "01Q";

/// What happens with records that Salesforce does not have. Only UPSERT has a
/// use for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreationRules {
    pub create: Create,
    /// Most records created in a day, UTC.
    pub max_per_day: Option<NonZeroU32>,
    pub assignment: Assignment,
    /// Owns what is created.
    pub owner: Option<RecordId>,
    /// Of what is created.
    pub record_type: Option<RecordId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    #[default]
    Allowed,
    Never,
}

/// Which of the org's assignment rules chooses the owner of created Leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assignment {
    #[default]
    Off,
    /// Whichever the org has made active.
    ActiveRule,
    Rule(RecordId),
}

/// What happens to a record that a duplicate rule of the org would only warn of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateRule {
    /// It is refused, as Salesforce does with API writes by itself.
    #[default]
    Respect,
    /// It is saved. A rule that blocks still does.
    Allow,
}

impl CreationRules {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether records must be known to be missing before they are
    /// created. What a write says of a new record it would say of an existing
    /// one too, so that such a write must not meet one.
    pub fn creates_apart(&self) -> bool {
        self.create == Create::Allowed
            && (self.max_per_day.is_some()
                || self.assignment != Assignment::Off
                || self.owner.is_some()
                || self.record_type.is_some())
    }

    /// Returns the standard fields that are written to created records only.
    pub fn created_with(&self) -> impl Iterator<Item = (&'static str, RecordId)> {
        [("OwnerId", self.owner), ("RecordTypeId", self.record_type)]
            .into_iter()
            .filter_map(|(field, id)| Some((field, id?)))
    }

    /// Lists the settings that differ from the defaults, by their names.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let assignment = match self.assignment {
            Assignment::Off => None,
            Assignment::ActiveRule => Some("assignment_rule"),
            Assignment::Rule(_) => Some("assignment_rule_id"),
        };
        [
            (self.create != Create::Allowed).then_some("create"),
            self.max_per_day.map(|_| "max_creates_per_day"),
            assignment,
            self.owner.map(|_| "owner_id"),
            self.record_type.map(|_| "record_type_id"),
        ]
        .into_iter()
        .flatten()
    }
}

/// Lists the settings that nothing could obey.
pub(super) fn conflicts(activation: &Activation, found: &mut Vec<InvalidField>) {
    const PATH: &str = "destination.creation_rules";
    let rules = &activation.creation_rules;
    let mut wrong = |setting: &str, problem: String| {
        found.push(InvalidField::new(format!("{PATH}.{setting}"), problem));
    };
    if activation.write_mode == WriteMode::UpdateById {
        for setting in rules.given() {
            wrong(
                setting,
                "must be left out for UPDATE_BY_ID, which never creates; it is for UPSERT".to_owned(),
            );
        }
        return;
    }
    if rules.create == Create::Never {
        for setting in rules.given().filter(|setting| *setting != "create") {
            wrong(setting, "must be left out where create is NEVER".to_owned());
        }
        return;
    }
    match (rules.assignment, activation.record_type) {
        (Assignment::Off, _) => {}
        (_, RecordType::Contact) => {
            let setting = assignment_setting(rules.assignment);
            wrong(
                setting,
                "must be left out: only Leads have assignment rules".to_owned(),
            );
        }
        (assignment, RecordType::Lead) => {
            if let Assignment::Rule(id) = assignment {
                wrong_kind(id, &[ASSIGNMENT_RULE], "an assignment rule")
                    .into_iter()
                    .for_each(|problem| wrong("assignment_rule_id", problem));
            }
            if rules.owner.is_some() {
                wrong(
                    "owner_id",
                    "must be left out where an assignment rule chooses the owner".to_owned(),
                );
            }
        }
    }
    if let Some(owner) = rules.owner {
        let (prefixes, what): (&[&str], _) = match activation.record_type {
            RecordType::Contact => (&[USER], "a user"),
            RecordType::Lead => (&[USER, GROUP], "a user or queue"),
        };
        wrong_kind(owner, prefixes, what)
            .into_iter()
            .for_each(|problem| wrong("owner_id", problem));
    }
    if let Some(record_type) = rules.record_type {
        wrong_kind(record_type, &[RECORD_TYPE], "a record type")
            .into_iter()
            .for_each(|problem| wrong("record_type_id", problem));
    }
    for (field, _) in rules.created_with() {
        let setting = if field == "OwnerId" {
            "owner_id"
        } else {
            "record_type_id"
        };
        let mapping = activation
            .field_mappings
            .iter()
            .position(|row| matches!(&row.target, FieldTarget::Field(target) if target.is_same_field(field)));
        if let Some(index) = mapping {
            wrong(
                setting,
                format!("{field} is mapped already, by field_mappings[{index}]; leave one of them out"),
            );
        }
    }
}

fn assignment_setting(assignment: Assignment) -> &'static str {
    match assignment {
        Assignment::Off | Assignment::ActiveRule => "assignment_rule",
        Assignment::Rule(_) => "assignment_rule_id",
    }
}

fn wrong_kind(id: RecordId, prefixes: &[&str], what: &str) -> Option<String> {
    (!prefixes.contains(&id.key_prefix())).then(|| {
        format!(
            "{id} is not the id of {what}; those begin with {}",
            prefixes.join(" or ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::destination::{DeletedProfilePolicy, FieldMapping, FieldSource, MappingOptions, StatusValues};

    fn id(prefix: &str) -> RecordId {
        format!("{prefix}5g000000ExAm").parse().unwrap()
    }

    fn lead(creation_rules: CreationRules) -> Activation {
        Activation {
            record_type: RecordType::Lead,
            write_mode: WriteMode::Upsert {
                key_field: "Key__c".parse().unwrap(),
            },
            field_mappings: Vec::new(),
            segments: Vec::new(),
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            status_values: StatusValues::default(),
            max_delay: Duration::from_secs(60),
            creation_rules,
            duplicate_rule: DuplicateRule::Allow,
        }
    }

    fn wrong(activation: &Activation) -> Vec<String> {
        let mut found = Vec::new();
        conflicts(activation, &mut found);
        found
            .into_iter()
            .map(|one| one.field.replace("destination.creation_rules.", ""))
            .collect()
    }

    fn every_setting() -> CreationRules {
        CreationRules {
            create: Create::Allowed,
            max_per_day: NonZeroU32::new(5),
            assignment: Assignment::Off,
            owner: Some(id("00G")),
            record_type: Some(id("012")),
        }
    }

    #[test]
    fn settings_that_have_a_use_are_taken() {
        assert_eq!(wrong(&lead(every_setting())), [""; 0]);
        let assigned = CreationRules {
            assignment: Assignment::Rule(id("01Q")),
            owner: None,
            ..every_setting()
        };
        assert_eq!(wrong(&lead(assigned)), [""; 0]);
    }

    #[test]
    fn what_never_creates_has_no_rules_of_creation() {
        let mut by_id = lead(CreationRules {
            create: Create::Never,
            assignment: Assignment::ActiveRule,
            ..every_setting()
        });
        let all = [
            "create",
            "max_creates_per_day",
            "assignment_rule",
            "owner_id",
            "record_type_id",
        ];
        assert_eq!(wrong(&by_id), all[1..]);
        by_id.write_mode = WriteMode::UpdateById;
        assert_eq!(wrong(&by_id), all);
        by_id.creation_rules = CreationRules::default();
        assert_eq!(wrong(&by_id), [""; 0]);
    }

    #[test]
    fn ids_of_another_kind_are_named() {
        let rules = CreationRules {
            assignment: Assignment::Rule(id("005")),
            owner: Some(id("003")),
            record_type: Some(id("005")),
            ..CreationRules::default()
        };
        assert_eq!(
            wrong(&lead(rules.clone())),
            ["assignment_rule_id", "owner_id", "owner_id", "record_type_id"]
        );
        let mut contact = lead(CreationRules {
            owner: Some(id("00G")),
            ..rules
        });
        contact.record_type = RecordType::Contact;
        assert_eq!(
            wrong(&contact),
            ["assignment_rule_id", "owner_id", "record_type_id"]
        );
    }

    #[test]
    fn what_every_write_sets_is_not_set_for_created_records_too() {
        let mut mapped = lead(every_setting());
        mapped.field_mappings = ["recordtypeid", "OwnerId"]
            .map(|field| FieldMapping {
                source: FieldSource::AttributePath("a".to_owned()),
                target: FieldTarget::Field(field.parse().unwrap()),
                options: MappingOptions::default(),
            })
            .into();
        assert_eq!(wrong(&mapped), ["owner_id", "record_type_id"]);
    }

    #[test]
    fn only_what_differs_for_new_records_needs_a_call_of_its_own() {
        assert!(!CreationRules::default().creates_apart());
        assert!(every_setting().creates_apart());
        let never = CreationRules {
            create: Create::Never,
            ..CreationRules::default()
        };
        assert!(!never.creates_apart());
    }
}
