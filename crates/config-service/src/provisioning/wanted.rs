//! What a destination's segments need of the org, worked out without asking it.

use std::collections::BTreeMap;

use activation::{
    InvalidField,
    destination::{Activation, SegmentActivation, StatusValues},
    names::DestinationName,
};
use salesforce::tooling::{FieldKind, InvalidNewField, NewField, ObjectAccess};

use super::permission_sets::PermissionSet;

/// Lines that a long text field shows on a page; a status needs no more.
const VISIBLE_LINES: u32 = 2;
/// Longest label, description and help text, in characters.
/// Source: salesforce-contract.md §6.
const MAX_LABEL_CHARACTERS: usize = 40;
const MAX_DESCRIPTION_CHARACTERS: usize = 1_000;
const MAX_HELP_TEXT_CHARACTERS: usize = 510;

/// How a caller wants missing fields to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldDefinition {
    pub(crate) field_type: StatusFieldType,
    /// By segment id; others are called after their segment.
    pub(crate) labels: BTreeMap<String, String>,
    /// May be empty.
    pub(crate) description: String,
    /// May be empty.
    pub(crate) help_text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFieldType {
    LongText { length: u32 },
    Text { length: u32 },
    Picklist { restricted: bool },
    Checkbox,
}

/// What must be in the org before the segments' statuses can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// For whose segments.
    pub(crate) destination: DestinationName,
    /// API name of the object that has the fields.
    pub(crate) object: &'static str,
    pub(crate) fields: Vec<WantedField>,
    /// API names of the fields of all segments, asked for or not.
    pub(crate) all_fields: Vec<String>,
    pub(crate) status_values: StatusValues,
    /// For the user that delivers.
    pub(crate) delivery_set: PermissionSet,
    /// For people, who read.
    pub(crate) people_set: PermissionSet,
    /// What the delivering user does with records, in the order of dependence.
    pub(crate) object_access: Vec<(&'static str, ObjectAccess)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedField {
    pub(crate) segment: String,
    /// What it becomes if it is missing.
    pub(crate) new: NewField,
}

impl StatusFieldType {
    fn kind(self, values: &StatusValues) -> FieldKind {
        match self {
            Self::LongText { length } => FieldKind::LongText {
                length,
                visible_lines: VISIBLE_LINES,
            },
            Self::Text { length } => FieldKind::Text {
                length,
                unique: false,
                case_sensitive: false,
                external_id: false,
            },
            Self::Picklist { restricted } => FieldKind::Picklist {
                values: different(values),
                restricted,
            },
            Self::Checkbox => FieldKind::Checkbox { default: false },
        }
    }

    /// Says why a field of this type could not hold each status.
    fn problem(self, values: &StatusValues) -> Option<InvalidField> {
        let longest = values
            .all()
            .map(|(_, text)| text.chars().count())
            .into_iter()
            .max()
            .unwrap_or(0);
        match self {
            Self::Text { length } if (length as usize) < longest => Some(InvalidField::new(
                "definition.type.text.length",
                format!("is {length}, and the longest status value has {longest} characters"),
            )),
            Self::Checkbox if !values.fit_a_checkbox() => Some(InvalidField::new(
                "definition.type.checkbox",
                format!(
                    "cannot hold '{}'; set the destination's status values to true and false first",
                    values.realized
                ),
            )),
            Self::LongText { .. } | Self::Text { .. } | Self::Picklist { .. } | Self::Checkbox => None,
        }
    }
}

impl Wanted {
    /// Works out what the segments named need; all of them when none is named.
    /// Lists everything that is wrong with the request.
    pub(crate) fn new(
        destination: &DestinationName,
        activation: &Activation,
        segments: &[String],
        definition: &FieldDefinition,
    ) -> Result<Self, Vec<InvalidField>> {
        let values = &activation.status_values;
        let mut wrong = Vec::new();
        let chosen = chosen(&activation.segments, segments, &mut wrong);
        wrong.extend(definition.field_type.problem(values));
        wrong.extend(text_problem("definition.description", &definition.description));
        wrong.extend(text_problem("definition.help_text", &definition.help_text));
        for (segment, label) in &definition.labels {
            let path = format!("definition.labels[{segment}]");
            if activation.segments.iter().all(|one| one.segment != *segment) {
                wrong.push(InvalidField::new(
                    path,
                    "the destination has no such segment; add it first",
                ));
            } else {
                wrong.extend(text_problem(&path, label));
            }
        }
        let object = activation.record_type.object();
        let mut fields = Vec::with_capacity(chosen.len());
        for segment in chosen {
            let new = NewField {
                object: object.to_owned(),
                name: segment.mapping_id.field().to_string(),
                label: label(segment, definition),
                description: Some(description(segment, destination, definition)),
                help_text: Some(help_text(segment, values, definition)),
                kind: definition.field_type.kind(values),
            };
            if let Err(invalid) = new.check() {
                let problem = InvalidField::new(
                    path_of(&invalid, segment, definition.field_type),
                    invalid.to_string(),
                );
                // What is said of all fields is said once.
                if !wrong.contains(&problem) {
                    wrong.push(problem);
                }
            }
            fields.push(WantedField {
                segment: segment.segment.clone(),
                new,
            });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let access = ObjectAccess {
            create: activation.may_create(),
            edit: true,
        };
        let mut object_access = vec![(object, access)];
        if object == "Contact" {
            // Reading Contacts depends on reading Accounts.
            object_access.insert(0, ("Account", ObjectAccess::READ));
        }
        Ok(Self {
            destination: destination.clone(),
            object,
            fields,
            all_fields: activation
                .segments
                .iter()
                .map(|segment| segment.mapping_id.field().to_string())
                .collect(),
            status_values: values.clone(),
            delivery_set: PermissionSet::of_delivery(destination),
            people_set: PermissionSet::of_people(destination),
            object_access,
        })
    }
}

fn chosen<'a>(
    segments: &'a [SegmentActivation],
    named: &[String],
    wrong: &mut Vec<InvalidField>,
) -> Vec<&'a SegmentActivation> {
    if named.is_empty() {
        return segments.iter().collect();
    }
    let mut chosen: Vec<&SegmentActivation> = Vec::with_capacity(named.len());
    for (index, name) in named.iter().enumerate() {
        let path = format!("segments[{index}]");
        match segments.iter().find(|one| one.segment == *name) {
            None => wrong.push(InvalidField::new(
                path,
                format!("the destination has no segment '{name}'; add it first"),
            )),
            Some(segment) if chosen.contains(&segment) => {
                wrong.push(InvalidField::new(path, format!("'{name}' is named twice")));
            }
            Some(segment) => chosen.push(segment),
        }
    }
    chosen
}

fn label(segment: &SegmentActivation, definition: &FieldDefinition) -> String {
    match definition.labels.get(&segment.segment) {
        Some(label) => label.clone(),
        None => shortened(segment.label(), MAX_LABEL_CHARACTERS),
    }
}

fn description(segment: &SegmentActivation, of: &DestinationName, definition: &FieldDefinition) -> String {
    if !definition.description.is_empty() {
        return definition.description.clone();
    }
    let text = format!(
        "Status of the segment '{}' ({}). Written by Sluice, destination {}.",
        segment.label(),
        segment.segment,
        of
    );
    shortened(&text, MAX_DESCRIPTION_CHARACTERS)
}

fn help_text(segment: &SegmentActivation, values: &StatusValues, definition: &FieldDefinition) -> String {
    if !definition.help_text.is_empty() {
        return definition.help_text.clone();
    }
    let text = if definition.field_type == StatusFieldType::Checkbox && values.realized == "true" {
        format!("Checked: is in the segment '{}'.", segment.label())
    } else {
        format!(
            "'{}' or '{}': is in the segment '{}'; '{}': has left it.",
            values.realized,
            values.existing,
            segment.label(),
            values.exited
        )
    };
    let text = format!("{text} Kept by Sluice, which overwrites what is typed here.");
    shortened(&text, MAX_HELP_TEXT_CHARACTERS)
}

/// Names what the caller can change.
fn path_of(invalid: &InvalidNewField, segment: &SegmentActivation, field_type: StatusFieldType) -> String {
    match invalid {
        InvalidNewField::Name(_) => format!("destination.segments[{}].mapping_id", segment.segment),
        InvalidNewField::Label(_) => format!("definition.labels[{}]", segment.segment),
        InvalidNewField::Description => "definition.description".to_owned(),
        InvalidNewField::HelpText => "definition.help_text".to_owned(),
        InvalidNewField::Length { .. } | InvalidNewField::PicklistValues => match field_type {
            StatusFieldType::LongText { .. } => "definition.type.long_text.length",
            StatusFieldType::Text { .. } => "definition.type.text.length",
            StatusFieldType::Picklist { .. } => "definition.type.picklist",
            StatusFieldType::Checkbox => "definition.type.checkbox",
        }
        .to_owned(),
    }
}

/// Returns each status value once; Salesforce takes picklist values in any case
/// for the same.
fn different(values: &StatusValues) -> Vec<String> {
    let mut different: Vec<String> = Vec::new();
    for (_, text) in values.all() {
        if different
            .iter()
            .all(|known| known.to_lowercase() != text.to_lowercase())
        {
            different.push(text.to_owned());
        }
    }
    different
}

fn text_problem(path: &str, text: &str) -> Option<InvalidField> {
    text.chars()
        .any(|character| !is_printable(character))
        .then(|| InvalidField::new(path, "has a control character, which no metadata file can hold"))
}

/// Makes a text that others chose one line that fits.
fn shortened(text: &str, max_characters: usize) -> String {
    let line: String = text
        .chars()
        .map(|character| {
            if is_printable(character) && !character.is_whitespace() {
                character
            } else {
                ' '
            }
        })
        .collect();
    let line = line.trim();
    if line.chars().count() <= max_characters {
        return line.to_owned();
    }
    let cut: String = line.chars().take(max_characters - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Source: XML 1.0, section 2.2, "Characters".
fn is_printable(character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    !is_control && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_called_a_segment_becomes_one_line_that_fits() {
        for (text, made) in [
            ("VIP", "VIP"),
            (" VIP\n\u{7}people\u{ffff} ", "VIP  people"),
            (
                "Customers who bought a bicycle in the last year",
                "Customers who bought a bicycle in the l…",
            ),
        ] {
            assert_eq!(shortened(text, 40), made);
            assert!(text_problem("", &shortened(text, 40)).is_none());
        }
        assert_eq!(shortened(&"ü".repeat(41), 40).chars().count(), 40);
    }

    #[test]
    fn a_picklist_has_each_status_once_in_any_case() {
        let values = StatusValues {
            realized: "In".to_owned(),
            existing: "IN".to_owned(),
            exited: "Out".to_owned(),
        };
        assert_eq!(different(&values), ["In", "Out"]);
    }

    #[test]
    fn a_type_that_cannot_hold_a_status_is_named() {
        let own = StatusValues::default();
        for (field_type, path) in [
            (StatusFieldType::Text { length: 7 }, "definition.type.text.length"),
            (StatusFieldType::Checkbox, "definition.type.checkbox"),
        ] {
            assert_eq!(field_type.problem(&own).unwrap().field, path);
        }
        assert_eq!(StatusFieldType::Text { length: 8 }.problem(&own), None);
        let boolean = StatusValues {
            realized: "true".to_owned(),
            existing: "true".to_owned(),
            exited: "false".to_owned(),
        };
        assert_eq!(StatusFieldType::Checkbox.problem(&boolean), None);
    }
}
