//! Plans.

use activation::{
    InvalidField,
    names::DestinationUid,
    plan::{Plan, PlanState, PlannedAttribute, PlannedSegment, Rules},
};

use super::{
    destination::{deleted_profile_policy_in, record_type_in, source_in, write_mode_in, write_mode_out},
    parsed, required,
    time::{duration_in, duration_out, time_in, time_out},
};
use crate::config::v1 as pb;

impl TryFrom<&pb::Plan> for Plan {
    type Error = InvalidField;

    fn try_from(message: &pb::Plan) -> Result<Self, InvalidField> {
        let state = match pb::DesiredState::try_from(message.state) {
            Ok(pb::DesiredState::Enabled) => PlanState::Enabled,
            Ok(pb::DesiredState::Disabled) => PlanState::Disabled,
            Ok(pb::DesiredState::Deleting) => PlanState::Deleting,
            Ok(pb::DesiredState::Unspecified | pb::DesiredState::Draft) | Err(_) => {
                return Err(InvalidField::new(
                    "plan.state",
                    "must be ENABLED, DISABLED or DELETING",
                ));
            }
        };
        let attributes = message
            .attributes
            .iter()
            .map(|attribute| {
                Ok(PlannedAttribute {
                    source_path: attribute.source_path.clone(),
                    field: parsed(&attribute.field, "plan.attributes.field")?,
                    required: attribute.required,
                })
            })
            .collect::<Result<_, InvalidField>>()?;
        let segments = message
            .segments
            .iter()
            .map(|segment| {
                Ok(PlannedSegment {
                    segment: segment.segment.clone(),
                    display_name: segment.display_name.clone(),
                    field: parsed(&segment.field, "plan.segments.field")?,
                    start_time: time_in(segment.start_time, "plan.segments.start_time")?,
                    end_time: time_in(segment.end_time, "plan.segments.end_time")?,
                })
            })
            .collect::<Result<_, InvalidField>>()?;
        Ok(Self {
            destination: parsed(&message.destination, "plan.destination")?,
            uid: DestinationUid::new(&message.uid),
            revision: message.revision,
            state,
            connection: parsed(&message.connection, "plan.connection")?,
            login_host: message.login_host.clone(),
            org_id: message.org_id.clone(),
            rules: Rules {
                record_type: record_type_in(message.record_type, "plan.record_type")?,
                write_mode: write_mode_in(message.write_mode, &message.key_field, "plan")?,
                key_case_sensitive: message.key_case_sensitive,
                key_source: source_in(message.key_source.as_ref(), "plan.key_source")?,
                attributes,
                segments,
                deleted_profile_policy: deleted_profile_policy_in(
                    message.deleted_profile_policy,
                    "plan.deleted_profile_policy",
                )?,
                discard_accepted_before: time_in(
                    message.discard_accepted_before,
                    "plan.discard_accepted_before",
                )?,
            },
            max_delay: duration_in(required(message.max_delay, "plan.max_delay")?, "plan.max_delay")?,
        })
    }
}

impl From<&Plan> for pb::Plan {
    fn from(plan: &Plan) -> Self {
        let rules = &plan.rules;
        let (write_mode, key_field) = write_mode_out(&rules.write_mode);
        let state = match plan.state {
            PlanState::Enabled => pb::DesiredState::Enabled,
            PlanState::Disabled => pb::DesiredState::Disabled,
            PlanState::Deleting => pb::DesiredState::Deleting,
        };
        Self {
            destination: plan.destination.to_string(),
            uid: plan.uid.to_string(),
            revision: plan.revision,
            state: state.into(),
            connection: plan.connection.to_string(),
            login_host: plan.login_host.clone(),
            org_id: plan.org_id.clone(),
            record_type: pb::RecordType::from(rules.record_type).into(),
            write_mode: write_mode.into(),
            key_field,
            key_case_sensitive: rules.key_case_sensitive,
            key_source: Some((&rules.key_source).into()),
            attributes: rules
                .attributes
                .iter()
                .map(|attribute| pb::PlannedAttribute {
                    source_path: attribute.source_path.clone(),
                    field: attribute.field.to_string(),
                    required: attribute.required,
                })
                .collect(),
            segments: rules
                .segments
                .iter()
                .map(|segment| pb::PlannedSegment {
                    segment: segment.segment.clone(),
                    display_name: segment.display_name.clone(),
                    field: segment.field.to_string(),
                    start_time: segment.start_time.map(time_out),
                    end_time: segment.end_time.map(time_out),
                })
                .collect(),
            deleted_profile_policy: pb::DeletedProfilePolicy::from(rules.deleted_profile_policy).into(),
            max_delay: Some(duration_out(plan.max_delay)),
            discard_accepted_before: rules.discard_accepted_before.map(time_out),
        }
    }
}
