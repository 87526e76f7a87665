//! `objects/Contact.object`: the custom fields.

use salesforce::tooling::{FieldKind, NewField};

use super::{
    super::wanted::Wanted,
    xml::{Element, document},
};

pub(super) fn object(wanted: &Wanted) -> String {
    document("CustomObject", |object| {
        for field in &wanted.fields {
            object.open("fields", |element| write(element, &field.new));
        }
    })
}

fn write(element: &mut Element, field: &NewField) {
    element.text("fullName", &field.name);
    if let FieldKind::Checkbox { default } = field.kind {
        element.flag("defaultValue", default);
    }
    if let Some(description) = &field.description {
        element.text("description", description);
    }
    element.flag("externalId", false);
    if let Some(help_text) = &field.help_text {
        element.text("inlineHelpText", help_text);
    }
    element.text("label", &field.label);
    match &field.kind {
        FieldKind::Text { length, .. } => {
            element.text("length", &length.to_string());
            element.flag("required", false);
            element.text("type", "Text");
            element.flag("unique", false);
        }
        FieldKind::LongText {
            length,
            visible_lines,
        } => {
            element.text("length", &length.to_string());
            element.text("type", "LongTextArea");
            element.text("visibleLines", &visible_lines.to_string());
        }
        FieldKind::Checkbox { .. } => element.text("type", "Checkbox"),
        FieldKind::Picklist { values, restricted } => {
            element.flag("required", false);
            element.text("type", "Picklist");
            element.open("valueSet", |set| {
                set.flag("restricted", *restricted);
                set.open("valueSetDefinition", |definition| {
                    definition.flag("sorted", false);
                    for value in values {
                        definition.open("value", |entry| {
                            entry.text("fullName", value);
                            entry.flag("default", false);
                            entry.text("label", value);
                        });
                    }
                });
            });
        }
    }
}
