//! Rows of the table `destinations`.

use std::time::Duration;

use activation::destination::{
    Activation, Constant, DeletedProfilePolicy, DuplicateRule, FieldMapping, FieldSource, FieldTarget,
    MappingOptions, RecordType, SegmentActivation, StatusValues, WriteMode,
};
use activation::{mapping_id_suggestion::Affixes, names::DestinationUid, org_shape::OrgShape};
use serde::{Deserialize, Serialize};
use service::database::{from_micros, to_micros};
use sqlx::{Database, Encode, Type, query::Query};

use super::{
    DesiredState, Destination,
    creation::{CreationRulesJson, UnreadableId},
    kind_columns, record_type,
};
use crate::governance::Standing;

/// One row, columns in the order of the table.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    name: String,
    uid: String,
    workspace: String,
    connection: String,
    display_name: String,
    description: String,
    record_type: String,
    key_field: String,
    key_case_sensitive: bool,
    definition: String,
    live: Option<String>,
    live_revision: i64,
    desired_state: String,
    discard_accepted_before: Option<i64>,
    revision: i64,
    version: i64,
    delivery_status: Option<String>,
    create_time: i64,
    created_by: String,
    update_time: i64,
    updated_by: String,
    org_shape: Option<String>,
    mapping_id_prefix: String,
    mapping_id_suffix: String,
    marketing_actions: String,
    segment_namespaces: String,
}

/// A destination with what its plan needs of the connection.
#[derive(sqlx::FromRow)]
pub(super) struct PlanRow {
    #[sqlx(flatten)]
    pub(super) destination: Row,
    pub(super) login_host: String,
    pub(super) org_id: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT d.name, d.uid, d.workspace, d.connection, d.display_name, d.description, d.record_type,
                d.key_field, d.key_case_sensitive, d.definition, d.live, d.live_revision, d.desired_state,
                d.discard_accepted_before, d.revision, d.version, d.delivery_status, d.create_time,
                d.created_by, d.update_time, d.updated_by, d.org_shape, d.mapping_id_prefix, d.mapping_id_suffix,
                d.marketing_actions, d.segment_namespaces ",
            $rest
        )
    };
}

pub(super) const GET: &str = select!("FROM destinations AS d WHERE d.name = $1");

pub(super) const LIST: &str = select!(
    "FROM destinations AS d
    WHERE d.workspace = $1
      AND d.name > $2
    ORDER BY d.name
    LIMIT $3"
);

pub(super) const ALL_IN_WORKSPACE: &str = select!(
    "FROM destinations AS d
    WHERE d.workspace = $1
    ORDER BY d.name"
);

/// Destinations that write the same kind of record in the same org. Where an
/// org is not pinned yet, the login host tells it, unless all orgs share it.
pub(super) const OF_THE_SAME_ORG: &str = select!(
    "FROM destinations AS d
    JOIN connections AS theirs ON theirs.name = d.connection
    JOIN connections AS ours ON
        ours.name = theirs.name
        OR (ours.org_id <> '' AND ours.org_id = theirs.org_id)
        OR ((ours.org_id = '' OR theirs.org_id = '')
            AND ours.login_host = theirs.login_host
            AND ours.login_host NOT IN ('login.salesforce.com', 'test.salesforce.com'))
    WHERE d.name <> $1
      AND d.workspace = $2
      AND ours.name = $3
      AND d.record_type = $4"
);

pub(super) const OF_CONNECTION: &str =
    select!("FROM destinations AS d WHERE d.connection = $1 ORDER BY d.name");

/// Destinations of other connections that write the same kind of record in an
/// org.
pub(super) const OF_OTHER_CONNECTIONS: &str = select!(
    "FROM destinations AS d
    JOIN connections AS c ON c.name = d.connection
    WHERE c.org_id = $1
      AND c.name <> $2
      AND d.workspace = $3
      AND d.record_type = $4"
);

pub(super) const PLANNED_SINCE: &str = select!(
    ", c.login_host, c.org_id
    FROM destinations AS d
    JOIN connections AS c ON c.name = d.connection
    WHERE d.revision > $1
      AND d.desired_state <> 'draft'"
);

pub(super) const INSERT: &str = "
    INSERT INTO destinations
        (name, uid, workspace, connection, display_name, description, record_type, key_field, key_case_sensitive,
         definition, live, live_revision, desired_state, discard_accepted_before, revision, version, create_time,
         created_by, update_time, updated_by, org_shape, mapping_id_prefix, mapping_id_suffix, marketing_actions,
         segment_namespaces)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
         $23, $24, $25)";

/// Sets what can change; takes the same binds as [`INSERT`]. What delivery
/// reports is not an admin's change and is left alone.
pub(super) const UPDATE: &str = "
    UPDATE destinations
    SET connection = $4, display_name = $5, description = $6, record_type = $7, key_field = $8,
        key_case_sensitive = $9, definition = $10, live = $11, live_revision = $12, desired_state = $13,
        discard_accepted_before = $14, revision = $15, version = $16, update_time = $19, updated_by = $20,
        org_shape = $21, mapping_id_prefix = $22, mapping_id_suffix = $23, marketing_actions = $24,
        segment_namespaces = $25
    WHERE name = $1
      AND uid = $2
      AND workspace = $3
      AND create_time = $17
      AND created_by = $18";

impl Row {
    /// Binds the columns of [`INSERT`] and [`UPDATE`].
    pub(super) fn bind<'q, D>(&'q self, query: Query<'q, D, D::Arguments>) -> Query<'q, D, D::Arguments>
    where
        D: Database,
        &'q String: Encode<'q, D> + Type<D>,
        bool: Encode<'q, D> + Type<D>,
        i64: Encode<'q, D> + Type<D>,
        Option<i64>: Encode<'q, D> + Type<D>,
        &'q Option<String>: Encode<'q, D> + Type<D>,
    {
        query
            .bind(&self.name)
            .bind(&self.uid)
            .bind(&self.workspace)
            .bind(&self.connection)
            .bind(&self.display_name)
            .bind(&self.description)
            .bind(&self.record_type)
            .bind(&self.key_field)
            .bind(self.key_case_sensitive)
            .bind(&self.definition)
            .bind(&self.live)
            .bind(self.live_revision)
            .bind(&self.desired_state)
            .bind(self.discard_accepted_before)
            .bind(self.revision)
            .bind(self.version)
            .bind(self.create_time)
            .bind(&self.created_by)
            .bind(self.update_time)
            .bind(&self.updated_by)
            .bind(&self.org_shape)
            .bind(&self.mapping_id_prefix)
            .bind(&self.mapping_id_suffix)
            .bind(&self.marketing_actions)
            .bind(&self.segment_namespaces)
    }
}

/// The part of a destination that can be edited after activation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefinitionJson {
    field_mappings: Vec<MappingJson>,
    segments: Vec<SegmentJson>,
    deleted_profile_policy: String,
    #[serde(default, skip_serializing_if = "is_default")]
    status_values: StatusValues,
    max_delay_ms: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    creation_rules: CreationRulesJson,
    #[serde(default, skip_serializing_if = "is_default")]
    allow_duplicates: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    constant: Option<Constant>,
    #[serde(default, skip_serializing_if = "MappingOptions::is_default")]
    options: MappingOptions,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentJson {
    segment: String,
    display_name: String,
    mapping_id: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
}

impl From<&FieldMapping> for MappingJson {
    fn from(mapping: &FieldMapping) -> Self {
        let (attribute, namespace, constant) = match mapping.source.clone() {
            FieldSource::AttributePath(path) => (Some(path), None, None),
            FieldSource::IdentityNamespace(namespace) => (None, Some(namespace), None),
            FieldSource::Constant(constant) => (None, None, Some(constant)),
        };
        let (field, identity) = match &mapping.target {
            FieldTarget::Field(field) => (Some(field.to_string()), None),
            FieldTarget::Identity(identity) => (None, Some(identity.clone())),
        };
        Self {
            attribute,
            namespace,
            field,
            identity,
            constant,
            options: mapping.options.clone(),
        }
    }
}

impl TryFrom<MappingJson> for FieldMapping {
    type Error = Malformed;

    fn try_from(json: MappingJson) -> Result<Self, Malformed> {
        let source = match (json.attribute, json.namespace, json.constant) {
            (Some(path), None, None) => FieldSource::AttributePath(path),
            (None, Some(namespace), None) => FieldSource::IdentityNamespace(namespace),
            (None, None, Some(constant)) => FieldSource::Constant(constant),
            _ => return Err(Malformed("field_mappings")),
        };
        let target = match (json.field, json.identity) {
            (Some(field), None) => {
                FieldTarget::Field(field.parse().map_err(|_| Malformed("field_mappings"))?)
            }
            (None, Some(identity)) => FieldTarget::Identity(identity),
            _ => return Err(Malformed("field_mappings")),
        };
        Ok(Self {
            source,
            target,
            options: json.options,
        })
    }
}

impl From<&SegmentActivation> for SegmentJson {
    fn from(segment: &SegmentActivation) -> Self {
        Self {
            segment: segment.segment.clone(),
            display_name: segment.display_name.clone(),
            mapping_id: segment.mapping_id.to_string(),
            start_time: segment.start_time.map(to_micros),
            end_time: segment.end_time.map(to_micros),
        }
    }
}

impl TryFrom<SegmentJson> for SegmentActivation {
    type Error = Malformed;

    fn try_from(json: SegmentJson) -> Result<Self, Malformed> {
        Ok(Self {
            segment: json.segment,
            display_name: json.display_name,
            mapping_id: json.mapping_id.parse().map_err(|_| Malformed("segments"))?,
            start_time: json.start_time.map(from_micros),
            end_time: json.end_time.map(from_micros),
        })
    }
}

/// A row that no version of this service can have written.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} of a destination holds what was never written there")]
pub(super) struct Malformed(&'static str);

impl From<Malformed> for sqlx::Error {
    fn from(malformed: Malformed) -> Self {
        Self::Decode(malformed.into())
    }
}

const POLICIES: [(DeletedProfilePolicy, &str); 3] = [
    (DeletedProfilePolicy::Leave, "leave"),
    (DeletedProfilePolicy::Exit, "exit"),
    (DeletedProfilePolicy::ExitAndBlank, "exit_and_blank"),
];

const STATES: [(DesiredState, &str); 4] = [
    (DesiredState::Draft, "draft"),
    (DesiredState::Enabled, "enabled"),
    (DesiredState::Disabled, "disabled"),
    (DesiredState::Deleting, "deleting"),
];

fn text_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> String {
    table
        .iter()
        .find(|(known, _)| known == value)
        .map(|(_, text)| (*text).to_owned())
        .unwrap_or_default()
}

fn value_of<T: Copy>(table: &[(T, &'static str)], text: &str) -> Option<T> {
    table
        .iter()
        .find(|(_, known)| *known == text)
        .map(|(value, _)| *value)
}

/// Writes what can be edited after activation.
fn definition_text(activation: &Activation) -> String {
    let definition = DefinitionJson {
        field_mappings: activation.field_mappings.iter().map(Into::into).collect(),
        segments: activation.segments.iter().map(Into::into).collect(),
        deleted_profile_policy: text_of(&POLICIES, &activation.deleted_profile_policy),
        status_values: activation.status_values.clone(),
        max_delay_ms: u64::try_from(activation.max_delay.as_millis()).unwrap_or(u64::MAX),
        creation_rules: (&activation.creation_rules).into(),
        allow_duplicates: activation.duplicate_rule == DuplicateRule::Allow,
    };
    serde_json::to_string(&definition).expect("a definition can be written as JSON")
}

/// Writes what is live; empty for a draft.
pub(super) fn live_text(destination: &Destination) -> String {
    destination.live.as_ref().map(definition_text).unwrap_or_default()
}

/// Reads what [`definition_text`] wrote, of a destination that writes such records in such a way.
pub(super) fn read_definition(
    text: &str,
    record_type: RecordType,
    write_mode: &WriteMode,
) -> Result<Activation, sqlx::Error> {
    let definition: DefinitionJson =
        serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Activation {
        record_type,
        write_mode: write_mode.clone(),
        field_mappings: definition
            .field_mappings
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, Malformed>>()?,
        segments: definition
            .segments
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, Malformed>>()?,
        deleted_profile_policy: value_of(&POLICIES, &definition.deleted_profile_policy)
            .ok_or(Malformed("definition"))?,
        status_values: definition.status_values,
        max_delay: Duration::from_millis(definition.max_delay_ms),
        creation_rules: definition
            .creation_rules
            .try_into()
            .map_err(|UnreadableId| Malformed("definition"))?,
        duplicate_rule: if definition.allow_duplicates {
            DuplicateRule::Allow
        } else {
            DuplicateRule::Respect
        },
    })
}

impl From<&Destination> for Row {
    fn from(destination: &Destination) -> Self {
        let (record_type, key_field) = kind_columns(&destination.activation);
        Self {
            name: destination.name.to_string(),
            uid: destination.uid.to_string(),
            workspace: destination.name.workspace().to_string(),
            connection: destination.connection.to_string(),
            display_name: destination.display_name.clone(),
            description: destination.description.clone(),
            record_type: record_type.to_owned(),
            key_field,
            key_case_sensitive: destination.org_shape.key_case_sensitive,
            definition: definition_text(&destination.activation),
            live: destination.live.as_ref().map(definition_text),
            live_revision: destination.live_revision,
            desired_state: text_of(&STATES, &destination.desired_state),
            discard_accepted_before: destination.discard_accepted_before.map(to_micros),
            revision: destination.revision,
            version: destination.version,
            delivery_status: None,
            create_time: to_micros(destination.create_time),
            created_by: destination.created_by.clone(),
            update_time: to_micros(destination.update_time),
            updated_by: destination.updated_by.clone(),
            org_shape: Some(
                serde_json::to_string(&destination.org_shape).expect("a shape can be written as JSON"),
            ),
            mapping_id_prefix: destination.affixes.prefix().to_string(),
            mapping_id_suffix: destination.affixes.suffix().to_string(),
            marketing_actions: serde_json::to_string(&destination.marketing_actions)
                .expect("words can be written as JSON"),
            segment_namespaces: serde_json::to_string(&destination.segment_namespaces)
                .expect("namespaces can be written as JSON"),
        }
    }
}

impl TryFrom<Row> for Destination {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let write_mode = match row.key_field.as_str() {
            "" => WriteMode::UpdateById,
            key_field => WriteMode::Upsert {
                key_field: key_field.parse().map_err(|_| Malformed("key_field"))?,
            },
        };
        let record_type = record_type(&row.record_type).ok_or(Malformed("record_type"))?;
        let json = |error: serde_json::Error| sqlx::Error::Decode(error.into());
        let definition = |text: &str| read_definition(text, record_type, &write_mode);
        let org_shape = match &row.org_shape {
            Some(text) => serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?,
            // Activated by a version that knew no shapes.
            None => OrgShape::unknown(row.key_case_sensitive),
        };
        let affix = |text: &str| text.parse().map_err(|_| Malformed("mapping_id_prefix"));
        let affixes = Affixes::new(affix(&row.mapping_id_prefix)?, affix(&row.mapping_id_suffix)?)
            .map_err(|_| Malformed("mapping_id_prefix"))?;
        Ok(Self {
            name: row.name.parse().map_err(|_| Malformed("name"))?,
            uid: DestinationUid::new(row.uid),
            connection: row.connection.parse().map_err(|_| Malformed("connection"))?,
            display_name: row.display_name,
            description: row.description,
            activation: definition(&row.definition)?,
            live: row.live.as_deref().map(definition).transpose()?,
            live_revision: row.live_revision,
            org_shape,
            affixes,
            desired_state: value_of(&STATES, &row.desired_state).ok_or(Malformed("desired_state"))?,
            discard_accepted_before: row.discard_accepted_before.map(from_micros),
            revision: row.revision,
            version: row.version,
            delivery_status: row
                .delivery_status
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(json)?,
            create_time: from_micros(row.create_time),
            created_by: row.created_by,
            update_time: from_micros(row.update_time),
            updated_by: row.updated_by,
            marketing_actions: serde_json::from_str(&row.marketing_actions).map_err(json)?,
            segment_namespaces: serde_json::from_str(&row.segment_namespaces).map_err(json)?,
            standing: Standing::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version wrote it, folded into one text by a migration.
    const DEFINITION: &str = r#"{"field_mappings":[{"namespace":"crmID","identity":"SalesforceId"},{"attribute":"a","field":"LastName"}],"segments":[],"deleted_profile_policy":"leave","max_delay_ms":60000}"#;

    #[test]
    fn what_the_first_version_wrote_is_read_and_written_as_it_was() {
        let read = read_definition(DEFINITION, RecordType::Contact, &WriteMode::UpdateById).unwrap();

        assert_eq!(read.status_values, StatusValues::default());
        assert!(read.field_mappings[1].options.is_default());
        assert_eq!(definition_text(&read), DEFINITION);
    }
}
