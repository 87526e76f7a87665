//! What UPSERT may create, and how.

use std::num::NonZeroU32;

use activation::{
    InvalidField,
    destination::{Assignment, Create, CreationRules, DuplicateRule},
    record_id::RecordId,
};

use crate::config::v1 as pb;

/// Takes the rules, or everything that is wrong with them; the paths of errors
/// begin inside them.
pub fn creation_rules_in(message: Option<&pb::CreationRules>) -> Result<CreationRules, Vec<InvalidField>> {
    let Some(message) = message else {
        return Ok(CreationRules::default());
    };
    let mut wrong = Vec::new();
    let create = match pb::Create::try_from(message.create) {
        Ok(pb::Create::Unspecified | pb::Create::Allowed) => Create::Allowed,
        Ok(pb::Create::Never) => Create::Never,
        Err(_) => {
            wrong.push(InvalidField::new("create", "must be ALLOWED or NEVER"));
            Create::default()
        }
    };
    let max_per_day = u32::try_from(message.max_creates_per_day).unwrap_or_else(|_| {
        wrong.push(InvalidField::new(
            "max_creates_per_day",
            "must not be negative; 0 is no limit",
        ));
        0
    });
    let mut id = |text: &str, field: &str| match text {
        "" => None,
        text => text
            .parse::<RecordId>()
            .map_err(|invalid| wrong.push(InvalidField::new(field, invalid.problem)))
            .ok(),
    };
    let owner = id(&message.owner_id, "owner_id");
    let record_type = id(&message.record_type_id, "record_type_id");
    let rule = id(&message.assignment_rule_id, "assignment_rule_id");
    let assignment = match (pb::AssignmentRule::try_from(message.assignment_rule), rule) {
        (Ok(pb::AssignmentRule::Unspecified), Some(rule)) => Assignment::Rule(rule),
        (Ok(pb::AssignmentRule::Off | pb::AssignmentRule::Default), Some(_)) => {
            wrong.push(InvalidField::new(
                "assignment_rule",
                "must be unset where assignment_rule_id names the rule",
            ));
            Assignment::default()
        }
        (Ok(pb::AssignmentRule::Unspecified | pb::AssignmentRule::Off), None) => Assignment::Off,
        (Ok(pb::AssignmentRule::Default), None) => Assignment::ActiveRule,
        (Err(_), _) => {
            wrong.push(InvalidField::new("assignment_rule", "must be OFF or DEFAULT"));
            Assignment::default()
        }
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(CreationRules {
        create,
        max_per_day: NonZeroU32::new(max_per_day),
        assignment,
        owner,
        record_type,
    })
}

/// Tells rules that are not the defaults.
pub fn creation_rules_out(rules: &CreationRules) -> Option<pb::CreationRules> {
    if rules.is_default() {
        return None;
    }
    let text = |id: Option<RecordId>| id.map(|id| id.to_string()).unwrap_or_default();
    let (assignment_rule, rule) = match rules.assignment {
        Assignment::Off => (pb::AssignmentRule::Unspecified, None),
        Assignment::ActiveRule => (pb::AssignmentRule::Default, None),
        Assignment::Rule(id) => (pb::AssignmentRule::Unspecified, Some(id)),
    };
    let create = match rules.create {
        Create::Allowed => pb::Create::Unspecified,
        Create::Never => pb::Create::Never,
    };
    Some(pb::CreationRules {
        create: create.into(),
        // It came in as an int32.
        max_creates_per_day: rules
            .max_per_day
            .and_then(|limit| i32::try_from(limit.get()).ok())
            .unwrap_or(0),
        assignment_rule: assignment_rule.into(),
        assignment_rule_id: text(rule),
        owner_id: text(rules.owner),
        record_type_id: text(rules.record_type),
    })
}

pub fn duplicate_rule_in(value: i32, field: &str) -> Result<DuplicateRule, InvalidField> {
    match pb::DuplicateRule::try_from(value) {
        Ok(pb::DuplicateRule::Unspecified | pb::DuplicateRule::Respect) => Ok(DuplicateRule::Respect),
        Ok(pb::DuplicateRule::Allow) => Ok(DuplicateRule::Allow),
        Err(_) => Err(InvalidField::new(field, "must be RESPECT or ALLOW")),
    }
}

/// Tells a rule that is not the default.
pub fn duplicate_rule_out(rule: DuplicateRule) -> i32 {
    match rule {
        DuplicateRule::Respect => pb::DuplicateRule::Unspecified.into(),
        DuplicateRule::Allow => pb::DuplicateRule::Allow.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_out_as_they_went_in() {
        let given = pb::CreationRules {
            create: 0,
            max_creates_per_day: 7,
            assignment_rule: 0,
            assignment_rule_id: "01Q5g000000ExAmEAK".to_owned(),
            owner_id: String::new(),
            record_type_id: "0125g000000ExAmAAK".to_owned(),
        };
        let rules = creation_rules_in(Some(&given)).unwrap();
        assert_eq!(creation_rules_out(&rules), Some(given));
        assert_eq!(creation_rules_out(&creation_rules_in(None).unwrap()), None);
        let spelled_out = pb::CreationRules {
            create: pb::Create::Allowed.into(),
            assignment_rule: pb::AssignmentRule::Off.into(),
            ..Default::default()
        };
        let rules = creation_rules_in(Some(&spelled_out)).unwrap();
        assert!(rules.is_default());
    }

    #[test]
    fn everything_that_cannot_be_read_is_told_at_once() {
        let wrong = creation_rules_in(Some(&pb::CreationRules {
            create: 9,
            max_creates_per_day: -1,
            assignment_rule: pb::AssignmentRule::Default.into(),
            assignment_rule_id: "01Q5g000000ExAm".to_owned(),
            owner_id: "somebody".to_owned(),
            record_type_id: "0125g000000ExAmAAA".to_owned(),
        }))
        .unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "create",
                "max_creates_per_day",
                "owner_id",
                "record_type_id",
                "assignment_rule"
            ]
        );
    }
}
