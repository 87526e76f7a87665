//! Destinations and their revisions, as they are told.

use activation::names::DestinationName;
use contracts::{
    config::v1 as pb,
    convert::{
        creation::{creation_rules_out, duplicate_rule_out},
        destination::write_mode_out,
        mapping::status_values_out,
        time::{duration_out, time_out},
    },
};
use service::database::from_micros;

use crate::{
    destinations::{DeliveryState, DesiredState, Destination, revisions::Revision, staged},
    governance::add_governance,
};

pub(super) fn revision_out(
    of: &DestinationName,
    revision: &Revision,
    before: Option<&Revision>,
) -> pb::DestinationRevision {
    pb::DestinationRevision {
        name: format!("{of}/revisions/{}", revision.revision),
        revision: revision.revision,
        create_time: Some(time_out(revision.create_time)),
        created_by: revision.created_by.clone(),
        changes: before
            .map(|before| staged::changes(&before.definition, &revision.definition))
            .unwrap_or_default(),
        ..staged::revision_of(&revision.definition)
    }
}

/// Returns where a destination is in its life.
fn state_of(destination: &Destination) -> pb::DestinationState {
    match destination.desired_state {
        DesiredState::Draft => pb::DestinationState::Draft,
        DesiredState::Disabled => pb::DestinationState::Disabled,
        DesiredState::Deleting => pb::DestinationState::Deleting,
        DesiredState::Enabled => match &destination.delivery_status {
            Some(status) if status.state == DeliveryState::Error => pb::DestinationState::Error,
            Some(status) if status.applied_revision >= destination.revision => pb::DestinationState::Enabled,
            Some(_) | None => pb::DestinationState::Processing,
        },
    }
}

impl From<Destination> for pb::Destination {
    fn from(destination: Destination) -> Self {
        let state = state_of(&destination);
        let staged_changes = destination
            .live
            .as_ref()
            .map(|live| staged::changes(live, &destination.activation))
            .unwrap_or_default();
        let activation = &destination.activation;
        let (write_mode, key_field) = write_mode_out(&activation.write_mode);
        let desired_state = match destination.desired_state {
            DesiredState::Draft => pb::DesiredState::Draft,
            DesiredState::Enabled => pb::DesiredState::Enabled,
            DesiredState::Disabled => pb::DesiredState::Disabled,
            DesiredState::Deleting => pb::DesiredState::Deleting,
        };
        let delivery_status = destination
            .delivery_status
            .as_ref()
            .map(|status| pb::DeliveryStatus {
                state: match status.state {
                    DeliveryState::Delivering => pb::DeliveryState::Delivering,
                    DeliveryState::Paused => pb::DeliveryState::Paused,
                    DeliveryState::Error => pb::DeliveryState::Error,
                    DeliveryState::Draining => pb::DeliveryState::Draining,
                }
                .into(),
                reason: status.reason.clone(),
                message: status.message.clone(),
                applied_revision: status.applied_revision,
                report_time: Some(time_out(from_micros(status.report_time_micros))),
                waiting_updates: status.waiting_updates,
            });
        let mut message = Self {
            name: destination.name.to_string(),
            uid: destination.uid.to_string(),
            display_name: destination.display_name.clone(),
            description: destination.description.clone(),
            connection: destination.connection.to_string(),
            record_type: pb::RecordType::from(activation.record_type).into(),
            write_mode: write_mode.into(),
            key_field,
            field_mappings: activation.field_mappings.iter().map(Into::into).collect(),
            deleted_profile_policy: pb::DeletedProfilePolicy::from(activation.deleted_profile_policy).into(),
            max_delay: Some(duration_out(activation.max_delay)),
            desired_state: desired_state.into(),
            delivery_status,
            export_type: pb::ExportType::ProfileBased.into(),
            export_frequency: pb::ExportFrequency::Streaming.into(),
            revision: destination.revision,
            create_time: Some(time_out(destination.create_time)),
            update_time: Some(time_out(destination.update_time)),
            etag: destination.version.to_string(),
            state: state.into(),
            staged_changes,
            live_revision: destination.live_revision,
            created_by: destination.created_by.clone(),
            updated_by: destination.updated_by.clone(),
            status_values: status_values_out(&activation.status_values),
            mapping_id_prefix: destination.affixes.prefix().to_string(),
            mapping_id_suffix: destination.affixes.suffix().to_string(),
            creation_rules: creation_rules_out(&activation.creation_rules),
            duplicate_rule: duplicate_rule_out(activation.duplicate_rule),
            ..Self::default()
        };
        add_governance(&mut message, &destination);
        message
    }
}
