//! The enums, mappings and segments of destinations.

use activation::{
    InvalidField,
    destination::{
        DeletedProfilePolicy, FieldMapping, FieldSource, FieldTarget, RecordType, SegmentActivation,
        WriteMode,
    },
};

use super::{
    mapping::{constant_in, options_in},
    parsed, required,
    time::{time_in, time_out},
};
use crate::config::v1 as pb;

pub fn record_type_in(value: i32, field: &str) -> Result<RecordType, InvalidField> {
    match pb::RecordType::try_from(value) {
        Ok(pb::RecordType::Contact) => Ok(RecordType::Contact),
        Ok(pb::RecordType::Lead) => Ok(RecordType::Lead),
        Ok(pb::RecordType::Unspecified) | Err(_) => Err(InvalidField::new(
            field,
            "is required; it must be CONTACT or LEAD",
        )),
    }
}

impl From<RecordType> for pb::RecordType {
    fn from(record_type: RecordType) -> Self {
        match record_type {
            RecordType::Contact => Self::Contact,
            RecordType::Lead => Self::Lead,
        }
    }
}

/// Takes a write mode and its key field, each in its own field below `parent`.
pub fn write_mode_in(mode: i32, key_field: &str, parent: &str) -> Result<WriteMode, InvalidField> {
    let key_path = format!("{parent}.key_field");
    match pb::WriteMode::try_from(mode) {
        Ok(pb::WriteMode::Unspecified | pb::WriteMode::UpdateById) if key_field.is_empty() => {
            Ok(WriteMode::UpdateById)
        }
        Ok(pb::WriteMode::Unspecified | pb::WriteMode::UpdateById) => Err(InvalidField::new(
            key_path,
            "must be empty for UPDATE_BY_ID, which names records by their Salesforce id; or set write_mode to UPSERT",
        )),
        Ok(pb::WriteMode::Upsert) if key_field.is_empty() => Err(InvalidField::new(
            key_path,
            "is required for UPSERT: the external-id field that names the record",
        )),
        Ok(pb::WriteMode::Upsert) => {
            let key_field: activation::field_name::FieldName = parsed(key_field, &key_path)?;
            if key_field.is_same_field("Id") {
                return Err(InvalidField::new(
                    key_path,
                    "Id is no external id; set write_mode to UPDATE_BY_ID to name records by their Salesforce id",
                ));
            }
            Ok(WriteMode::Upsert { key_field })
        }
        Err(_) => Err(InvalidField::new(
            format!("{parent}.write_mode"),
            "must be UPDATE_BY_ID or UPSERT",
        )),
    }
}

pub fn write_mode_out(mode: &WriteMode) -> (pb::WriteMode, String) {
    match mode {
        WriteMode::UpdateById => (pb::WriteMode::UpdateById, String::new()),
        WriteMode::Upsert { key_field } => (pb::WriteMode::Upsert, key_field.to_string()),
    }
}

pub fn deleted_profile_policy_in(value: i32, field: &str) -> Result<DeletedProfilePolicy, InvalidField> {
    match pb::DeletedProfilePolicy::try_from(value) {
        Ok(pb::DeletedProfilePolicy::Unspecified | pb::DeletedProfilePolicy::Leave) => {
            Ok(DeletedProfilePolicy::Leave)
        }
        Ok(pb::DeletedProfilePolicy::Exit) => Ok(DeletedProfilePolicy::Exit),
        Ok(pb::DeletedProfilePolicy::ExitAndBlank) => Ok(DeletedProfilePolicy::ExitAndBlank),
        Err(_) => Err(InvalidField::new(field, "must be LEAVE, EXIT or EXIT_AND_BLANK")),
    }
}

impl From<DeletedProfilePolicy> for pb::DeletedProfilePolicy {
    fn from(policy: DeletedProfilePolicy) -> Self {
        match policy {
            DeletedProfilePolicy::Leave => Self::Leave,
            DeletedProfilePolicy::Exit => Self::Exit,
            DeletedProfilePolicy::ExitAndBlank => Self::ExitAndBlank,
        }
    }
}

pub fn source_in(message: Option<&pb::FieldSource>, field: &str) -> Result<FieldSource, InvalidField> {
    match message.and_then(|message| message.source.as_ref()) {
        Some(pb::field_source::Source::AttributePath(path)) => Ok(FieldSource::AttributePath(path.clone())),
        Some(pb::field_source::Source::IdentityNamespace(namespace)) => {
            Ok(FieldSource::IdentityNamespace(namespace.clone()))
        }
        Some(pb::field_source::Source::Constant(constant)) => constant_in(constant)
            .map(FieldSource::Constant)
            .map_err(|invalid| invalid.below(&format!("{field}.constant"))),
        None => Err(InvalidField::new(
            field,
            "is required: an attribute_path, an identity_namespace or a constant",
        )),
    }
}

impl From<&FieldSource> for pb::FieldSource {
    fn from(source: &FieldSource) -> Self {
        let source = match source {
            FieldSource::AttributePath(path) => pb::field_source::Source::AttributePath(path.clone()),
            FieldSource::IdentityNamespace(namespace) => {
                pb::field_source::Source::IdentityNamespace(namespace.clone())
            }
            FieldSource::Constant(constant) => pb::field_source::Source::Constant(constant.into()),
        };
        Self { source: Some(source) }
    }
}

/// Takes one row, or everything that is wrong with it; the paths of errors begin
/// inside it.
pub fn field_mapping_in(message: &pb::FieldMapping) -> Result<FieldMapping, Vec<InvalidField>> {
    let source = source_in(message.source.as_ref(), "source");
    let target = match message.target.as_ref().and_then(|target| target.target.as_ref()) {
        Some(pb::field_target::Target::Identity(identity)) => Ok(FieldTarget::Identity(identity.clone())),
        Some(pb::field_target::Target::Field(field)) => parsed(field, "target.field").map(FieldTarget::Field),
        None => Err(InvalidField::new("target", "is required: an identity or a field")),
    };
    let options = options_in(message.too_long, message.on_null, &message.transforms);
    match (source, target, options) {
        (Ok(source), Ok(target), Ok(options)) => Ok(FieldMapping {
            source,
            target,
            options,
        }),
        (source, target, options) => {
            let mut wrong = Vec::new();
            wrong.extend(source.err());
            wrong.extend(target.err());
            wrong.extend(options.err().unwrap_or_default());
            Err(wrong)
        }
    }
}

impl From<&FieldMapping> for pb::FieldMapping {
    fn from(mapping: &FieldMapping) -> Self {
        let target = match &mapping.target {
            FieldTarget::Identity(identity) => pb::field_target::Target::Identity(identity.clone()),
            FieldTarget::Field(field) => pb::field_target::Target::Field(field.to_string()),
        };
        Self {
            source: Some((&mapping.source).into()),
            target: Some(pb::FieldTarget { target: Some(target) }),
            too_long: told(mapping.options.too_long, pb::TooLong::from),
            on_null: told(mapping.options.on_null, pb::OnNull::from),
            transforms: mapping.options.transforms.iter().map(Into::into).collect(),
        }
    }
}

/// Tells an option that is not the default, so that a row is told as it was given.
fn told<T: PartialEq + Default, M: Into<i32>>(option: T, message: impl Fn(T) -> M) -> i32 {
    if option == T::default() {
        0
    } else {
        message(option).into()
    }
}

/// Takes one segment, or everything that is wrong with it; the paths of errors
/// begin inside it.
pub fn segment_in(message: &pb::SegmentActivation) -> Result<SegmentActivation, Vec<InvalidField>> {
    let mut wrong = Vec::new();
    if message.segment.trim().is_empty() {
        wrong.push(InvalidField::new(
            "segment",
            "is required: the platform's segment id",
        ));
    }
    let mapping_id = if message.mapping_id.is_empty() {
        Err(InvalidField::new(
            "mapping_id",
            format!(
                "is required: the custom field that receives the status of the segment {}, for example crm_2_seg",
                message.segment
            ),
        ))
    } else {
        parsed(&message.mapping_id, "mapping_id")
    };
    let start_time = time_in(message.start_time, "start_time");
    let end_time = time_in(message.end_time, "end_time");
    match (mapping_id, start_time, end_time) {
        (Ok(mapping_id), Ok(start_time), Ok(end_time)) if wrong.is_empty() => Ok(SegmentActivation {
            segment: message.segment.clone(),
            display_name: message.display_name.clone(),
            mapping_id,
            start_time,
            end_time,
        }),
        (mapping_id, start_time, end_time) => {
            wrong.extend(mapping_id.err());
            wrong.extend(start_time.err());
            wrong.extend(end_time.err());
            Err(wrong)
        }
    }
}

impl From<&SegmentActivation> for pb::SegmentActivation {
    fn from(segment: &SegmentActivation) -> Self {
        Self {
            segment: segment.segment.clone(),
            display_name: segment.display_name.clone(),
            mapping_id: segment.mapping_id.to_string(),
            field: segment.mapping_id.field().to_string(),
            start_time: segment.start_time.map(time_out),
            end_time: segment.end_time.map(time_out),
            // What is registered is not part of the activation.
            ..Self::default()
        }
    }
}

/// Takes a destination that must be in the request.
pub fn destination_in(message: Option<pb::Destination>) -> Result<pb::Destination, InvalidField> {
    required(message, "destination")
}
