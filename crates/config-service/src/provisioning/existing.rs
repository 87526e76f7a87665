//! Whether a field that is in the org already can receive a status. It is never
//! changed.

use activation::destination::StatusValues;
use salesforce::tooling::{ExistingField, FieldKind, NewField};

use super::failure::Failure;

/// Length of a Text Area, which its metadata does not tell.
/// Source: salesforce-contract.md §5.2.
const TEXT_AREA_LENGTH: u32 = 255;

/// What is to be said of a field that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it would have been made.
    Same,
    /// Another than it would have been made, which serves.
    Serves(Failure),
    Unfit(Failure),
}

/// Compares the field `name`, as the org spells it, with the one that would be
/// made.
pub(super) fn verdict(
    wanted: &NewField,
    name: &str,
    existing: &ExistingField,
    values: &StatusValues,
) -> Verdict {
    let object = &wanted.object;
    if name != wanted.name {
        return Verdict::Unfit(Failure::new(
            "CASE_DIFFERS",
            format!("{} is spelled {name} on {object}", wanted.name),
            format!("Make the Mapping ID {}.", name.trim_end_matches("__c")),
        ));
    }
    let is = type_in_setup(existing);
    if let Some(problem) = problem(existing, values) {
        return Verdict::Unfit(Failure::new(
            problem.reason,
            format!(
                "{name} of {object} is a {is} {}; it was not changed",
                problem.message
            ),
            problem.fix,
        ));
    }
    if existing.field_type == metadata_type(&wanted.kind) {
        return Verdict::Same;
    }
    Verdict::Serves(Failure::new(
        "OTHER_TYPE",
        format!(
            "{name} of {object} is a {is} and not a {}; it can hold every status and was not changed",
            type_of(metadata_type(&wanted.kind))
        ),
        "Nothing must be done.",
    ))
}

struct Problem {
    reason: &'static str,
    message: String,
    fix: String,
}

fn problem(existing: &ExistingField, values: &StatusValues) -> Option<Problem> {
    let longest = values
        .all()
        .into_iter()
        .max_by_key(|(_, text)| text.chars().count())
        .map_or("", |(_, text)| text);
    let needed = longest.chars().count();
    match existing.field_type.as_str() {
        "Text" | "TextArea" | "LongTextArea" | "Html" => {
            let length = existing.length.unwrap_or(TEXT_AREA_LENGTH);
            ((length as usize) < needed).then(|| Problem {
                reason: "TOO_SHORT",
                message: format!("and too short for '{longest}'"),
                fix: format!("Make it at least {needed} characters long in Setup."),
            })
        }
        "Picklist" | "MultiselectPicklist" => {
            let lacks = |text: &str| {
                // Values of a global set are not told with the field.
                existing.restricted
                    && !existing.values.is_empty()
                    && existing
                        .values
                        .iter()
                        .all(|known| known.to_lowercase() != text.to_lowercase())
            };
            let (_, missing) = values.all().into_iter().find(|(_, text)| lacks(text))?;
            Some(Problem {
                reason: "PICKLIST_LACKS_VALUE",
                message: format!("without the value '{missing}', and takes no other"),
                fix: "Add the value in Setup, or set the destination's status values to those it has."
                    .to_owned(),
            })
        }
        "Checkbox" => (!values.fit_a_checkbox()).then(|| Problem {
            reason: "OTHER_TYPE",
            message: format!("and cannot hold '{longest}'"),
            fix: "Set the destination's status values to true and false, or choose another Mapping ID."
                .to_owned(),
        }),
        _ => Some(Problem {
            reason: "OTHER_TYPE",
            message: "and cannot hold a status".to_owned(),
            fix: "Choose another Mapping ID; the field may have another use.".to_owned(),
        }),
    }
}

/// Returns the Metadata API's name of a type.
fn metadata_type(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Text { .. } => "Text",
        FieldKind::LongText { .. } => "LongTextArea",
        FieldKind::Checkbox { .. } => "Checkbox",
        FieldKind::Picklist { .. } => "Picklist",
    }
}

/// Returns what Setup calls a type.
fn type_of(metadata_type: &str) -> &str {
    match metadata_type {
        "TextArea" => "Text Area",
        "LongTextArea" => "Text Area (Long)",
        "Html" => "Text Area (Rich)",
        "MultiselectPicklist" => "Picklist (Multi-Select)",
        "DateTime" => "Date/Time",
        other => other,
    }
}

fn type_in_setup(existing: &ExistingField) -> String {
    let name = type_of(&existing.field_type);
    match existing.length {
        Some(length) => format!("{name} of {length} characters"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> NewField {
        NewField {
            object: "Contact".to_owned(),
            name: "vip__c".to_owned(),
            label: "VIP".to_owned(),
            description: None,
            help_text: None,
            kind: FieldKind::LongText {
                length: 256,
                visible_lines: 2,
            },
        }
    }

    fn existing(field_type: &str, length: Option<u32>) -> ExistingField {
        ExistingField {
            field_type: field_type.to_owned(),
            length,
            values: Vec::new(),
            restricted: false,
        }
    }

    fn reason(name: &str, existing: &ExistingField) -> (bool, String) {
        match verdict(&wanted(), name, existing, &StatusValues::default()) {
            Verdict::Same => (true, String::new()),
            Verdict::Serves(finding) => (true, finding.reason),
            Verdict::Unfit(failure) => (false, failure.reason),
        }
    }

    #[test]
    fn row_19_20_a_field_of_another_type_serves_where_it_can_hold_the_statuses() {
        for (field_type, length, serves, expected) in [
            ("LongTextArea", Some(131_072), true, ""),
            ("LongTextArea", Some(256), true, ""),
            ("Text", Some(8), true, "OTHER_TYPE"),
            ("Text", Some(7), false, "TOO_SHORT"),
            ("TextArea", None, true, "OTHER_TYPE"),
            ("Html", Some(32_768), true, "OTHER_TYPE"),
            ("Picklist", None, true, "OTHER_TYPE"),
            ("Checkbox", None, false, "OTHER_TYPE"),
            ("Number", None, false, "OTHER_TYPE"),
            ("Lookup", None, false, "OTHER_TYPE"),
        ] {
            let found = reason("vip__c", &existing(field_type, length));
            assert_eq!(found, (serves, expected.to_owned()), "{field_type}");
        }
    }

    #[test]
    fn a_restricted_picklist_must_have_every_status() {
        let mut picklist = existing("Picklist", None);
        picklist.restricted = true;
        picklist.values = vec!["Realized".to_owned(), "existing".to_owned()];
        assert_eq!(
            reason("vip__c", &picklist),
            (false, "PICKLIST_LACKS_VALUE".to_owned())
        );
        picklist.values.push("exited".to_owned());
        assert_eq!(reason("vip__c", &picklist), (true, "OTHER_TYPE".to_owned()));
    }

    #[test]
    fn row_22_another_spelling_is_told() {
        let found = reason("VIP__c", &existing("LongTextArea", Some(256)));
        assert_eq!(found, (false, "CASE_DIFFERS".to_owned()));
    }
}
