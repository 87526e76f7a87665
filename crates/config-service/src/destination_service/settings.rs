//! What an admin says of a destination, from its message.

use std::time::Duration;

use activation::{
    InvalidField,
    destination::{Activation, DeletedProfilePolicy, DuplicateRule},
    mapping_id_suggestion::{Affix, Affixes},
    names::{ConnectionName, WorkspaceName},
};
use contracts::{
    config::v1 as pb,
    convert::{
        creation::duplicate_rule_in,
        destination::{
            deleted_profile_policy_in, field_mapping_in, record_type_in, segment_in, write_mode_in,
        },
        mapping::status_values_in,
        parsed,
        time::duration_in,
    },
};

use super::edit::in_destination;
use crate::{
    connection_service::keep,
    destinations::{DEFAULT_MAX_DELAY, Settings, creation},
    for_people,
    governance::{marketing_actions_in, segment_namespaces_in},
    request_rows::Rows,
    segments::SegmentNamespaces,
};

/// Takes all settings of a destination of this workspace, or everything that is
/// wrong with them; mappings and segments are left out. Of a workspace that could
/// not be read, nothing is held against it.
fn settings_in(
    message: &pb::Destination,
    workspace: Option<&WorkspaceName>,
) -> Result<Settings, Vec<InvalidField>> {
    let mut wrong = Vec::new();
    let display_name = keep(display_name(message), &mut wrong);
    let description = keep(description(message), &mut wrong);
    let connection = keep(connection(message, workspace), &mut wrong);
    let record_type = keep(
        record_type_in(message.record_type, "destination.record_type"),
        &mut wrong,
    );
    let write_mode = keep(
        write_mode_in(message.write_mode, &message.key_field, "destination"),
        &mut wrong,
    );
    let deleted_profile_policy = keep(deleted_profile_policy(message), &mut wrong);
    let max_delay = keep(max_delay(message), &mut wrong);
    let creation_rules = keep_all(creation::rules_of(message), &mut wrong);
    let duplicate_rule = keep(duplicate_rule(message), &mut wrong);
    let prefix = keep(affix(&message.mapping_id_prefix, "mapping_id_prefix"), &mut wrong);
    let suffix = keep(affix(&message.mapping_id_suffix, "mapping_id_suffix"), &mut wrong);
    let affixes = keep_all(
        affixes(prefix.unwrap_or_default(), suffix.unwrap_or_default()),
        &mut wrong,
    );
    let marketing_actions = keep_all(marketing_actions_in(&message.marketing_actions), &mut wrong);
    let segment_namespaces = keep_all(segment_namespaces(message), &mut wrong);
    match (
        display_name,
        description,
        connection,
        record_type,
        write_mode,
        deleted_profile_policy,
        max_delay,
        duplicate_rule,
    ) {
        (
            Some(display_name),
            Some(description),
            Some(connection),
            Some(record_type),
            Some(write_mode),
            Some(deleted_profile_policy),
            Some(max_delay),
            Some(duplicate_rule),
        ) if wrong.is_empty() => Ok(Settings {
            connection,
            display_name,
            description,
            activation: Activation {
                record_type,
                write_mode,
                field_mappings: Vec::new(),
                segments: Vec::new(),
                deleted_profile_policy,
                status_values: status_values_in(message.status_values.as_ref()),
                max_delay,
                creation_rules,
                duplicate_rule,
            },
            affixes,
            marketing_actions,
            segment_namespaces,
        }),
        _ => Err(wrong),
    }
}

/// As [`settings_in`], with mappings and segments.
pub(super) fn definition_in(
    message: &pb::Destination,
    workspace: Option<&WorkspaceName>,
) -> Result<Settings, Vec<InvalidField>> {
    let mut mappings = Rows::read(&message.field_mappings, "field_mappings", field_mapping_in);
    let mut segments = Rows::read(&message.segments, "segments", segment_in);
    let mut wrong = Vec::new();
    let mut settings = settings_in(message, workspace).map_err(|invalid| wrong.extend(invalid));
    let mut conflicts = Vec::new();
    if let Ok(settings) = &mut settings {
        settings.activation.field_mappings = mappings.take_readable();
        settings.activation.segments = segments.take_readable();
        conflicts = settings.activation.conflicts();
    }
    let of_rows = mappings.every_problem(segments.every_problem(conflicts));
    wrong.extend(of_rows.into_iter().map(in_destination));
    match settings {
        Ok(settings) if wrong.is_empty() => Ok(settings),
        _ => Err(wrong),
    }
}

/// Keeps what is right and notes what is wrong, so that all of it is told at once.
fn keep_all<T: Default>(result: Result<T, Vec<InvalidField>>, wrong: &mut Vec<InvalidField>) -> T {
    result.unwrap_or_else(|invalid| {
        wrong.extend(invalid);
        T::default()
    })
}

pub(super) fn connection(
    message: &pb::Destination,
    workspace: Option<&WorkspaceName>,
) -> Result<ConnectionName, InvalidField> {
    const FIELD: &str = "destination.connection";
    let connection: ConnectionName = parsed(&message.connection, FIELD)?;
    match workspace {
        Some(workspace) if connection.workspace() != workspace => Err(InvalidField::new(
            FIELD,
            format!("is of another workspace; use one of {workspace}"),
        )),
        _ => Ok(connection),
    }
}

pub(super) fn segment_namespaces(message: &pb::Destination) -> Result<SegmentNamespaces, Vec<InvalidField>> {
    segment_namespaces_in(
        message.segment_namespaces.as_ref(),
        "destination.segment_namespaces",
    )
}

pub(super) fn affix(text: &str, field: &str) -> Result<Affix, InvalidField> {
    text.parse()
        .map_err(|invalid: InvalidField| InvalidField::new(format!("destination.{field}"), invalid.problem))
}

pub(super) fn affixes(prefix: Affix, suffix: Affix) -> Result<Affixes, Vec<InvalidField>> {
    Affixes::new(prefix, suffix).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|invalid| invalid.below("destination"))
            .collect()
    })
}

pub(super) fn display_name(message: &pb::Destination) -> Result<String, InvalidField> {
    for_people::display_name(&message.display_name, "destination.display_name")
}

pub(super) fn description(message: &pb::Destination) -> Result<String, InvalidField> {
    for_people::description(&message.description, "destination.description")
}

pub(super) fn deleted_profile_policy(
    message: &pb::Destination,
) -> Result<DeletedProfilePolicy, InvalidField> {
    deleted_profile_policy_in(
        message.deleted_profile_policy,
        "destination.deleted_profile_policy",
    )
}

pub(super) fn duplicate_rule(message: &pb::Destination) -> Result<DuplicateRule, InvalidField> {
    duplicate_rule_in(message.duplicate_rule, "destination.duplicate_rule")
}

pub(super) fn max_delay(message: &pb::Destination) -> Result<Duration, InvalidField> {
    const LONGEST: Duration = Duration::from_secs(3_600);
    let Some(delay) = message.max_delay else {
        return Ok(DEFAULT_MAX_DELAY);
    };
    let delay = duration_in(delay, "destination.max_delay")?;
    if delay.subsec_nanos() % 1_000_000 != 0 {
        return Err(InvalidField::new(
            "destination.max_delay",
            "must be whole milliseconds, for example 1.5s",
        ));
    }
    if delay > LONGEST {
        return Err(InvalidField::new(
            "destination.max_delay",
            "must be at most one hour",
        ));
    }
    Ok(delay)
}
