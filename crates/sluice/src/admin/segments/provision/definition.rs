//! What the fields are to be.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use contracts::config::v1::{self as pb, status_field_type::Type};

#[derive(Debug, Args)]
pub(super) struct DefinitionArgs {
    /// What missing fields become. A field that exists is never changed.
    #[arg(long = "type", value_enum, default_value_t = FieldType::LongText)]
    field_type: FieldType,
    /// Length of a long text (256 to 131072; 256) or text (1 to 255; 255).
    #[arg(long)]
    length: Option<i32>,
    /// Let a picklist refuse values other than the status values.
    #[arg(long)]
    restricted: bool,
    /// What people see as a field's name; the segment's name when left out. May be repeated.
    #[arg(long = "label", value_name = "SEGMENT=LABEL")]
    labels: Vec<Label>,
    /// For admins, in Setup.
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// For people, beside the field.
    #[arg(long, default_value = "", hide_default_value = true)]
    help_text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FieldType {
    /// Text Area (Long).
    LongText,
    /// Text; can be filtered by.
    Text,
    /// Picklist with the destination's status values.
    Picklist,
    /// Checkbox; the status values must be true and false.
    Checkbox,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    segment: String,
    label: String,
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (segment, label) = text
            .split_once('=')
            .filter(|(segment, label)| !segment.is_empty() && !label.is_empty())
            .ok_or("write it as SEGMENT=LABEL, for example 6b8e=\"VIP customers\"")?;
        Ok(Self {
            segment: segment.to_owned(),
            label: label.to_owned(),
        })
    }
}

impl DefinitionArgs {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let takes_length = matches!(self.field_type, FieldType::LongText | FieldType::Text);
        if self.length.is_some() && !takes_length {
            anyhow::bail!("--length is of --type long-text and text only");
        }
        if self.restricted && self.field_type != FieldType::Picklist {
            anyhow::bail!("--restricted is of --type picklist only");
        }
        Ok(())
    }

    pub(super) fn message(&self) -> pb::StatusFieldDefinition {
        let length = self.length.unwrap_or_default();
        let field_type = match self.field_type {
            FieldType::LongText => Type::LongText(pb::LongTextType { length }),
            FieldType::Text => Type::Text(pb::TextType { length }),
            FieldType::Picklist => Type::Picklist(pb::PicklistType {
                restricted: self.restricted,
            }),
            FieldType::Checkbox => Type::Checkbox(pb::CheckboxType {}),
        };
        pb::StatusFieldDefinition {
            r#type: Some(pb::StatusFieldType {
                r#type: Some(field_type),
            }),
            labels: self
                .labels
                .iter()
                .map(|one| (one.segment.clone(), one.label.clone()))
                .collect(),
            description: self.description.clone(),
            help_text: self.help_text.clone(),
        }
    }
}
