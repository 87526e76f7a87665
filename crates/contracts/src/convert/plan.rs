//! Plans.

use activation::{
    InvalidField,
    names::DestinationUid,
    plan::{Plan, PlanState, PlannedAttribute, PlannedConstant, PlannedSegment, Rules},
};

use super::{
    creation::{creation_rules_in, creation_rules_out, duplicate_rule_in, duplicate_rule_out},
    destination::{deleted_profile_policy_in, record_type_in, source_in, write_mode_in, write_mode_out},
    mapping::{constant_in, options_in, shape_in, shape_out, status_values_in, status_values_out},
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
                    options: options_in(attribute.too_long, attribute.on_null, &attribute.transforms)
                        .map_err(|wrong| first(wrong, "plan.attributes"))?,
                    shape: shape_in(attribute.shape),
                })
            })
            .collect::<Result<_, InvalidField>>()?;
        let constants = message
            .constants
            .iter()
            .map(|constant| {
                let value = required(constant.value.as_ref(), "plan.constants.value")?;
                Ok(PlannedConstant {
                    field: parsed(&constant.field, "plan.constants.field")?,
                    value: constant_in(value).map_err(|wrong| wrong.below("plan.constants.value"))?,
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
                    is_checkbox: segment.is_checkbox,
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
                constants,
                segments,
                status_values: status_values_in(message.status_values.as_ref()),
                deleted_profile_policy: deleted_profile_policy_in(
                    message.deleted_profile_policy,
                    "plan.deleted_profile_policy",
                )?,
                creation_rules: creation_rules_in(message.creation_rules.as_ref())
                    .map_err(|wrong| first(wrong, "plan.creation_rules"))?,
                duplicate_rule: duplicate_rule_in(message.duplicate_rule, "plan.duplicate_rule")?,
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
                    too_long: pb::TooLong::from(attribute.options.too_long).into(),
                    on_null: pb::OnNull::from(attribute.options.on_null).into(),
                    transforms: attribute.options.transforms.iter().map(Into::into).collect(),
                    shape: shape_out(attribute.shape),
                })
                .collect(),
            constants: rules
                .constants
                .iter()
                .map(|constant| pb::PlannedConstant {
                    field: constant.field.to_string(),
                    value: Some((&constant.value).into()),
                })
                .collect(),
            status_values: status_values_out(&rules.status_values),
            segments: rules
                .segments
                .iter()
                .map(|segment| pb::PlannedSegment {
                    segment: segment.segment.clone(),
                    display_name: segment.display_name.clone(),
                    field: segment.field.to_string(),
                    is_checkbox: segment.is_checkbox,
                    start_time: segment.start_time.map(time_out),
                    end_time: segment.end_time.map(time_out),
                })
                .collect(),
            deleted_profile_policy: pb::DeletedProfilePolicy::from(rules.deleted_profile_policy).into(),
            max_delay: Some(duration_out(plan.max_delay)),
            discard_accepted_before: rules.discard_accepted_before.map(time_out),
            creation_rules: creation_rules_out(&rules.creation_rules),
            duplicate_rule: duplicate_rule_out(rules.duplicate_rule),
        }
    }
}

/// A plan is made by one of us: the first thing that is wrong says enough.
fn first(wrong: Vec<InvalidField>, parent: &str) -> InvalidField {
    wrong
        .into_iter()
        .next()
        .unwrap_or_else(|| InvalidField::new("", "cannot be read"))
        .below(parent)
}
