//! gRPC adapter of `ProvisioningService`.

use activation::{
    InvalidField,
    names::{ConnectionName, DestinationName},
};
use contracts::{
    config::v1::{self as pb, provisioning_service_server::ProvisioningService, status_field_type::Type},
    convert::parsed,
    status::{invalid_argument, invalid_field, not_ready, status},
};
use tonic::{Code, Request, Response, Status};

use crate::{
    connections::{Check, CheckState, Connection},
    destinations::{DesiredState, Destination},
    org::Orgs,
    provisioning::{
        Failure, FieldDefinition, FieldReport, Note, Outcome, PermissionSetReport, Provisioner,
        StatusFieldType, Wanted, file_name, of_package, write,
    },
    store::{ChangeError, Store},
};

/// The shortest that a Text Area (Long) can be.
/// Source: salesforce-contract.md §6.
const DEFAULT_LONG_TEXT_LENGTH: u32 = 256;
const DEFAULT_TEXT_LENGTH: u32 = 255;

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) orgs: Orgs,
}

impl Adapter {
    async fn destination(&self, name: &str) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, "name").map_err(invalid_field)?;
        let destination = self.store.destination(&name).await.map_err(ChangeError::from)?;
        let destination = destination.ok_or_else(|| ChangeError::NotFound(name.to_string()))?;
        let problem = if destination.desired_state == DesiredState::Deleting {
            ("DELETING", format!("{name} is being deleted"))
        } else if destination.activation.segments.is_empty() {
            ("NO_SEGMENTS", format!("{name} has no segments; add them first"))
        } else {
            return Ok(destination);
        };
        Err(ChangeError::not_ready(problem.0, "name", problem.1).into())
    }

    async fn connection(&self, name: &ConnectionName) -> Result<Connection, Status> {
        let connection = self.store.connection(name).await.map_err(ChangeError::from)?;
        connection.ok_or_else(|| ChangeError::NotFound(name.to_string()).into())
    }

    /// Logs in, and says with which field of the request it did not work.
    async fn logged_in(&self, connection: &Connection, field: &str) -> Result<Check, Status> {
        let check = self.orgs.check(connection, self.store.clock.now()).await;
        let problem = || {
            format!(
                "{} cannot log in: {}. {}",
                connection.name, check.message, check.fix
            )
        };
        match check.state {
            CheckState::Connected => Ok(check),
            CheckState::Refused => {
                let problem = InvalidField::new(field, problem());
                Err(not_ready(&check.reason, &[problem]))
            }
            CheckState::Unreachable => Err(status(Code::Unavailable, &check.reason, problem())),
        }
    }
}

#[tonic::async_trait]
impl ProvisioningService for Adapter {
    async fn provision_segment_fields(
        &self,
        request: Request<pb::ProvisionSegmentFieldsRequest>,
    ) -> Result<Response<pb::ProvisionSegmentFieldsResponse>, Status> {
        let request = request.into_inner();
        let destination = self.destination(&request.name).await?;
        let (wanted, definition) = wanted(&destination, &request.segments, request.definition)?;
        let admin_name: ConnectionName =
            parsed(&request.admin_connection, "admin_connection").map_err(invalid_field)?;
        if admin_name.workspace() != destination.name.workspace() {
            return Err(invalid_field(InvalidField::new(
                "admin_connection",
                "is of another workspace",
            )));
        }
        let delivery = self.connection(&destination.connection).await?;
        let admin = self.connection(&admin_name).await?;
        let reached = self.logged_in(&delivery, "name").await?;
        let admin_reached = self.logged_in(&admin, "admin_connection").await?;
        check_same_org(&admin, &admin_reached, &delivery, &reached)?;
        let report = Provisioner::new(
            &self.orgs,
            (&admin, &admin_reached.username),
            (&delivery, &reached.username),
            &wanted,
            definition.field_type,
            request.validate_only,
        )
        .run()
        .await
        .map_err(|failure| failed(&failure))?;
        Ok(Response::new(pb::ProvisionSegmentFieldsResponse {
            object: wanted.object.to_owned(),
            org_id: reached.org_id,
            complete: report.is_complete(),
            fields: report.fields.into_iter().map(Into::into).collect(),
            permission_sets: report.permission_sets.into_iter().map(Into::into).collect(),
            notes: report.notes.into_iter().map(Into::into).collect(),
        }))
    }

    async fn write_metadata_package(
        &self,
        request: Request<pb::WriteMetadataPackageRequest>,
    ) -> Result<Response<pb::WriteMetadataPackageResponse>, Status> {
        let request = request.into_inner();
        let destination = self.destination(&request.name).await?;
        let (wanted, definition) = wanted(&destination, &request.segments, request.definition)?;
        let notes = of_package(&wanted, definition.field_type);
        Ok(Response::new(pb::WriteMetadataPackageResponse {
            content: write(&destination, &wanted, &notes),
            file_name: file_name(&destination),
            notes: notes.into_iter().map(Into::into).collect(),
        }))
    }
}

fn check_same_org(
    admin: &Connection,
    admin_reached: &Check,
    delivery: &Connection,
    reached: &Check,
) -> Result<(), Status> {
    if admin_reached.org_id == reached.org_id {
        return Ok(());
    }
    let problem = format!(
        "{} reaches another Salesforce org ({}, {}) than the destination's {} ({}, {}); use an admin's login of that \
         org",
        admin.name,
        admin_reached.org_name,
        admin_reached.org_id,
        delivery.name,
        reached.org_name,
        reached.org_id
    );
    Err(not_ready(
        "ADMIN_OF_ANOTHER_ORG",
        &[InvalidField::new("admin_connection", problem)],
    ))
}

/// Nothing could be found out, so there is nothing to report by field.
fn failed(failure: &Failure) -> Status {
    let text = format!("{}. {}", failure.message, failure.fix);
    not_ready(&failure.reason, &[InvalidField::new("admin_connection", text)])
}

fn wanted(
    destination: &Destination,
    segments: &[String],
    message: Option<pb::StatusFieldDefinition>,
) -> Result<(Wanted, FieldDefinition), Status> {
    let message = message.unwrap_or_default();
    let field_type = field_type(message.r#type.unwrap_or_default()).map_err(invalid_field)?;
    let definition = FieldDefinition {
        field_type,
        labels: message.labels.into_iter().collect(),
        description: message.description,
        help_text: message.help_text,
    };
    let wanted = Wanted::new(destination, segments, &definition).map_err(|wrong| invalid_argument(&wrong))?;
    Ok((wanted, definition))
}

fn field_type(message: pb::StatusFieldType) -> Result<StatusFieldType, InvalidField> {
    let length = |given: i32, default: u32, path: &str| match given {
        0 => Ok(default),
        given => u32::try_from(given)
            .map_err(|_| InvalidField::new(format!("definition.type.{path}.length"), "must not be negative")),
    };
    Ok(match message.r#type {
        None => StatusFieldType::LongText {
            length: DEFAULT_LONG_TEXT_LENGTH,
        },
        Some(Type::LongText(long_text)) => StatusFieldType::LongText {
            length: length(long_text.length, DEFAULT_LONG_TEXT_LENGTH, "long_text")?,
        },
        Some(Type::Text(text)) => StatusFieldType::Text {
            length: length(text.length, DEFAULT_TEXT_LENGTH, "text")?,
        },
        Some(Type::Picklist(picklist)) => StatusFieldType::Picklist {
            restricted: picklist.restricted,
        },
        Some(Type::Checkbox(_)) => StatusFieldType::Checkbox,
    })
}

fn state_out(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::NotTried => pb::ProvisionState::Unspecified,
        Outcome::Existed => pb::ProvisionState::Existed,
        Outcome::Created => pb::ProvisionState::Created,
        Outcome::WouldCreate => pb::ProvisionState::WouldCreate,
        Outcome::Failed => pb::ProvisionState::Failed,
    }
    .into()
}

fn words(finding: Option<Failure>) -> (String, String, String) {
    finding.map_or_else(Default::default, |finding| {
        (finding.reason, finding.message, finding.fix)
    })
}

impl From<FieldReport> for pb::ProvisionedField {
    fn from(report: FieldReport) -> Self {
        let (reason, message, fix) = words(report.finding);
        Self {
            segment: report.segment,
            field: report.field,
            state: state_out(report.outcome),
            delivery_access: state_out(report.delivery_access),
            people_access: state_out(report.people_access),
            reason,
            message,
            fix,
        }
    }
}

impl From<PermissionSetReport> for pb::ProvisionedPermissionSet {
    fn from(report: PermissionSetReport) -> Self {
        let (reason, message, fix) = words(report.finding);
        Self {
            name: report.name,
            label: report.label,
            state: state_out(report.outcome),
            object_access: state_out(report.object_access),
            assignee: report.assignee,
            assignment: state_out(report.assignment),
            reason,
            message,
            fix,
        }
    }
}

impl From<Note> for pb::ProvisioningNote {
    fn from(note: Note) -> Self {
        Self {
            code: note.code.to_owned(),
            message: note.message,
            place: note.place,
        }
    }
}
