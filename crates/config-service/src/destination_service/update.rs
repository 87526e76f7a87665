//! Changes of single fields, as masks name them.

use activation::{
    InvalidField,
    destination::{Activation, SegmentActivation},
};
use contracts::{
    config::v1 as pb,
    convert::{
        destination::{record_type_in, write_mode_in},
        mapping::status_values_in,
        parsed,
        time::time_in,
    },
};

use super::settings::{
    affix, affixes, connection, deleted_profile_policy, description, display_name, duplicate_rule, max_delay,
    segment_namespaces,
};
use crate::{
    destinations::{Destination, creation},
    governance::marketing_actions_in,
    store::ChangeError,
};

pub(super) fn update_field(
    destination: &mut Destination,
    path: &str,
    message: &pb::Destination,
) -> Result<(), ChangeError> {
    let invalid = |invalid| ChangeError::Invalid(vec![invalid]);
    if matches!(path, "connection" | "record_type" | "write_mode" | "key_field") {
        destination.check_fixed(path)?;
    }
    let rule = path.strip_prefix("creation_rules.");
    if let Some(rules) =
        rule.and_then(|rule| creation::updated(&destination.activation.creation_rules, rule, message))
    {
        destination.activation.creation_rules = rules.map_err(ChangeError::Invalid)?;
        return Ok(());
    }
    match path {
        "display_name" => destination.display_name = display_name(message).map_err(invalid)?,
        "description" => destination.description = description(message).map_err(invalid)?,
        "connection" => {
            destination.connection =
                connection(message, Some(destination.name.workspace())).map_err(invalid)?;
        }
        "record_type" => {
            destination.activation.record_type =
                record_type_in(message.record_type, "destination.record_type").map_err(invalid)?;
        }
        "write_mode" | "key_field" => {
            destination.activation.write_mode =
                write_mode_in(message.write_mode, &message.key_field, "destination").map_err(invalid)?;
        }
        "deleted_profile_policy" => {
            destination.activation.deleted_profile_policy =
                deleted_profile_policy(message).map_err(invalid)?;
        }
        "max_delay" => destination.activation.max_delay = max_delay(message).map_err(invalid)?,
        "creation_rules" => {
            destination.activation.creation_rules =
                creation::rules_of(message).map_err(ChangeError::Invalid)?;
        }
        "duplicate_rule" => {
            destination.activation.duplicate_rule = duplicate_rule(message).map_err(invalid)?;
        }
        "status_values" => {
            destination.activation.status_values = status_values_in(message.status_values.as_ref());
        }
        "mapping_id_prefix" => {
            let prefix = affix(&message.mapping_id_prefix, "mapping_id_prefix").map_err(invalid)?;
            let suffix = destination.affixes.suffix().clone();
            destination.affixes = affixes(prefix, suffix).map_err(ChangeError::Invalid)?;
        }
        "mapping_id_suffix" => {
            let suffix = affix(&message.mapping_id_suffix, "mapping_id_suffix").map_err(invalid)?;
            let prefix = destination.affixes.prefix().clone();
            destination.affixes = affixes(prefix, suffix).map_err(ChangeError::Invalid)?;
        }
        "marketing_actions" => {
            destination.marketing_actions =
                marketing_actions_in(&message.marketing_actions).map_err(ChangeError::Invalid)?;
        }
        "segment_namespaces" => {
            destination.segment_namespaces = segment_namespaces(message).map_err(ChangeError::Invalid)?;
        }
        other => {
            return Err(ChangeError::invalid(
                "update_mask",
                format!(
                    "'{other}' cannot be updated; display_name, description, deleted_profile_policy, status_values, \
                     max_delay, creation_rules, duplicate_rule, mapping_id_prefix, mapping_id_suffix, marketing_actions \
                     and segment_namespaces can, and before activation connection, record_type, write_mode and key_field"
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn update_segment_field(
    segment: &mut SegmentActivation,
    path: &str,
    message: &pb::SegmentActivation,
) -> Result<(), InvalidField> {
    match path {
        "display_name" => segment.display_name.clone_from(&message.display_name),
        "mapping_id" => segment.mapping_id = parsed(&message.mapping_id, "segment.mapping_id")?,
        "start_time" => segment.start_time = time_in(message.start_time, "segment.start_time")?,
        "end_time" => segment.end_time = time_in(message.end_time, "segment.end_time")?,
        other => {
            return Err(InvalidField::new(
                "update_mask",
                format!("'{other}' cannot be updated; display_name, mapping_id, start_time and end_time can"),
            ));
        }
    }
    Ok(())
}

pub(super) fn segment_of<'a>(
    activation: &'a mut Activation,
    segment: &str,
) -> Result<&'a mut SegmentActivation, ChangeError> {
    activation
        .segments
        .iter_mut()
        .find(|activated| activated.segment == segment)
        .ok_or_else(|| ChangeError::NotFound(format!("the segment '{segment}' of this destination")))
}
