//! Rules of creation: as the table keeps them, and one by one for updates.

use std::num::NonZeroU32;

use activation::{
    InvalidField,
    destination::{Assignment, Create, CreationRules},
    record_id::RecordId,
};
use contracts::{
    config::v1 as pb,
    convert::creation::{creation_rules_in, creation_rules_out},
};
use serde::{Deserialize, Serialize};

/// The rules in a definition; what is not given is not written.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CreationRulesJson {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    never: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_per_day: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    active_assignment_rule: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_type: Option<String>,
}

/// An id that was never written there.
#[derive(Debug)]
pub(super) struct UnreadableId;

impl From<&CreationRules> for CreationRulesJson {
    fn from(rules: &CreationRules) -> Self {
        let text = |id: RecordId| id.to_string();
        let (active_assignment_rule, assignment_rule) = match rules.assignment {
            Assignment::Off => (false, None),
            Assignment::ActiveRule => (true, None),
            Assignment::Rule(id) => (false, Some(text(id))),
        };
        Self {
            never: rules.create == Create::Never,
            max_per_day: rules.max_per_day,
            active_assignment_rule,
            assignment_rule,
            owner: rules.owner.map(text),
            record_type: rules.record_type.map(text),
        }
    }
}

impl TryFrom<CreationRulesJson> for CreationRules {
    type Error = UnreadableId;

    fn try_from(json: CreationRulesJson) -> Result<Self, UnreadableId> {
        let id = |text: Option<String>| {
            text.map(|text| text.parse::<RecordId>().map_err(|_| UnreadableId))
                .transpose()
        };
        let assignment = match id(json.assignment_rule)? {
            Some(rule) => Assignment::Rule(rule),
            None if json.active_assignment_rule => Assignment::ActiveRule,
            None => Assignment::Off,
        };
        Ok(Self {
            create: if json.never {
                Create::Never
            } else {
                Create::Allowed
            },
            max_per_day: json.max_per_day,
            assignment,
            owner: id(json.owner)?,
            record_type: id(json.record_type)?,
        })
    }
}

/// Takes the rules of a destination; the paths of errors begin with it.
pub fn rules_of(message: &pb::Destination) -> Result<CreationRules, Vec<InvalidField>> {
    creation_rules_in(message.creation_rules.as_ref()).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|one| one.below("destination.creation_rules"))
            .collect()
    })
}

/// Changes the one rule that a path of an update mask names, without its
/// `creation_rules.`; `None` where there is none of that name. How an owner is
/// assigned is one rule, whichever of its two fields is named.
pub fn updated(
    rules: &CreationRules,
    rule: &str,
    message: &pb::Destination,
) -> Option<Result<CreationRules, Vec<InvalidField>>> {
    let given = message.creation_rules.clone().unwrap_or_default();
    let mut changed = creation_rules_out(rules).unwrap_or_default();
    match rule {
        "create" => changed.create = given.create,
        "max_creates_per_day" => changed.max_creates_per_day = given.max_creates_per_day,
        "assignment_rule" | "assignment_rule_id" => {
            changed.assignment_rule = given.assignment_rule;
            changed.assignment_rule_id = given.assignment_rule_id;
        }
        "owner_id" => changed.owner_id = given.owner_id,
        "record_type_id" => changed.record_type_id = given.record_type_id,
        _ => return None,
    }
    Some(rules_of(&pb::Destination {
        creation_rules: Some(changed),
        ..Default::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_keeps_every_rule_and_nothing_for_none() {
        let id = |prefix: &str| format!("{prefix}5g000000ExAm").parse().ok();
        let rules = CreationRules {
            create: Create::Never,
            max_per_day: NonZeroU32::new(5),
            assignment: Assignment::Rule(id("01Q").unwrap()),
            owner: id("005"),
            record_type: id("012"),
        };
        for rules in [
            rules.clone(),
            CreationRules {
                assignment: Assignment::ActiveRule,
                ..rules
            },
            CreationRules::default(),
        ] {
            let text = serde_json::to_string(&CreationRulesJson::from(&rules)).unwrap();
            let read: CreationRulesJson = serde_json::from_str(&text).unwrap();
            assert_eq!(text == "{}", rules.is_default());
            assert_eq!(CreationRules::try_from(read).unwrap(), rules);
        }
    }
}
