//! gRPC adapter of `ConnectionService`.

use activation::{
    InvalidField,
    names::{ConnectionName, ResourceId, WorkspaceName},
};
use contracts::{
    actor::actor,
    config::v1::{self as pb, connection_service_server::ConnectionService},
    convert::{parsed, required, time::time_out},
    json::json,
    page::Page,
    status::{invalid_argument, invalid_field},
};
use salesforce::Host;
use serde_json::Value;
use service::database::from_micros;
use tonic::{Request, Response, Status};

use crate::{
    connections::{Check, CheckState, Connection, ConnectionChange, NewConnection, Warning},
    difference::between,
    for_people::{description, display_name},
    org::{Orgs, Trouble},
    store::{ChangeError, Store, check_etag},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) orgs: Orgs,
}

const DEFAULT_PAGE_SIZE: i32 = 50;
const DISPLAY_NAME: &str = "connection.display_name";
const DESCRIPTION: &str = "connection.description";

impl Adapter {
    async fn existing(&self, name: &ConnectionName) -> Result<Connection, ChangeError> {
        self.store
            .connection(name)
            .await?
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))
    }

    async fn put(
        &self,
        wanted: NewConnection,
        etag: &str,
        validate_only: bool,
    ) -> Result<pb::PutConnectionResponse, ChangeError> {
        let before = self.store.connection(&wanted.name).await?;
        let words = in_words(&wanted.display_name, &wanted.description, &wanted.login_host);
        let Some(before) = before else {
            if !etag.is_empty() {
                return Err(ChangeError::NotFound(wanted.name.to_string()));
            }
            let changes = between(&Value::Null, &words);
            let connection = if validate_only {
                Connection::from_new(wanted, self.store.clock.now())
            } else {
                // Somebody may be faster.
                self.store
                    .create_connection(wanted)
                    .await
                    .map_err(|error| match error {
                        ChangeError::AlreadyExists(name) => ChangeError::Stale(name),
                        other => other,
                    })?
            };
            return Ok(pb::PutConnectionResponse {
                connection: Some(connection.into()),
                created: true,
                changes,
            });
        };
        check_etag(etag, before.version, &wanted.name.to_string())?;
        let changes = between(
            &in_words(&before.display_name, &before.description, &before.login_host),
            &words,
        );
        let connection = if changes.is_empty() {
            before
        } else if validate_only {
            Connection {
                display_name: wanted.display_name,
                description: wanted.description,
                login_host: wanted.login_host,
                ..before
            }
        } else {
            let change = ConnectionChange {
                display_name: Some(wanted.display_name),
                description: Some(wanted.description),
                login_host: Some(wanted.login_host),
                actor: wanted.actor,
            };
            let seen = before.version.to_string();
            self.store.update_connection(&wanted.name, &seen, change).await?
        };
        Ok(pb::PutConnectionResponse {
            connection: Some(connection.into()),
            created: false,
            changes,
        })
    }
}

/// Writes what an admin says of a connection as the API does.
fn in_words(display_name: &str, description: &str, login_host: &Host) -> Value {
    let message = pb::Connection {
        display_name: display_name.to_owned(),
        description: description.to_owned(),
        custom_domain: login_host.to_string(),
        ..pb::Connection::default()
    };
    json("sluice.config.v1.Connection", &message)
}

#[tonic::async_trait]
impl ConnectionService for Adapter {
    async fn create_connection(
        &self,
        request: Request<pb::CreateConnectionRequest>,
    ) -> Result<Response<pb::CreateConnectionResponse>, Status> {
        let mut wrong = Vec::new();
        let actor = keep(actor(request.metadata()), &mut wrong);
        let request = request.into_inner();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let id: Option<ResourceId> = keep(parsed(&request.connection_id, "connection_id"), &mut wrong);
        let Some(message) = keep(required(request.connection, "connection"), &mut wrong) else {
            return Err(invalid_argument(&wrong));
        };
        let display_name = keep(display_name(&message.display_name, DISPLAY_NAME), &mut wrong);
        let description = keep(description(&message.description, DESCRIPTION), &mut wrong);
        let login_host = keep(login_host(&message.custom_domain), &mut wrong);
        let (Some(actor), Some(workspace), Some(id), Some(display_name), Some(description), Some(login_host)) =
            (actor, workspace, id, display_name, description, login_host)
        else {
            return Err(invalid_argument(&wrong));
        };
        let new = NewConnection {
            name: ConnectionName::new(workspace, id),
            display_name,
            description,
            login_host,
            actor,
        };
        let connection = self.store.create_connection(new).await?;
        Ok(Response::new(pb::CreateConnectionResponse {
            connection: Some(connection.into()),
        }))
    }

    async fn put_connection(
        &self,
        request: Request<pb::PutConnectionRequest>,
    ) -> Result<Response<pb::PutConnectionResponse>, Status> {
        let mut wrong = Vec::new();
        let actor = keep(actor(request.metadata()), &mut wrong);
        let request = request.into_inner();
        let Some(message) = keep(required(request.connection, "connection"), &mut wrong) else {
            return Err(invalid_argument(&wrong));
        };
        let name: Option<ConnectionName> = keep(parsed(&message.name, "connection.name"), &mut wrong);
        let display_name = keep(display_name(&message.display_name, DISPLAY_NAME), &mut wrong);
        let description = keep(description(&message.description, DESCRIPTION), &mut wrong);
        let login_host = keep(login_host(&message.custom_domain), &mut wrong);
        let (Some(actor), Some(name), Some(display_name), Some(description), Some(login_host)) =
            (actor, name, display_name, description, login_host)
        else {
            return Err(invalid_argument(&wrong));
        };
        let wanted = NewConnection {
            name,
            display_name,
            description,
            login_host,
            actor,
        };
        let done = self.put(wanted, &message.etag, request.validate_only).await?;
        Ok(Response::new(done))
    }

    async fn get_connection(
        &self,
        request: Request<pb::GetConnectionRequest>,
    ) -> Result<Response<pb::GetConnectionResponse>, Status> {
        let name = parsed(&request.into_inner().name, "name").map_err(invalid_field)?;
        let connection = self.existing(&name).await?;
        Ok(Response::new(pb::GetConnectionResponse {
            connection: Some(connection.into()),
        }))
    }

    async fn list_connections(
        &self,
        request: Request<pb::ListConnectionsRequest>,
    ) -> Result<Response<pb::ListConnectionsResponse>, Status> {
        let request = request.into_inner();
        let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let mut connections = self
            .store
            .list_connections(&workspace, &page)
            .await
            .map_err(ChangeError::from)?;
        let next_page_token = page.finish(&mut connections, |connection| connection.name.to_string());
        let connections = connections.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListConnectionsResponse {
            connections,
            next_page_token,
        }))
    }

    async fn update_connection(
        &self,
        request: Request<pb::UpdateConnectionRequest>,
    ) -> Result<Response<pb::UpdateConnectionResponse>, Status> {
        let mut wrong = Vec::new();
        let actor = keep(actor(request.metadata()), &mut wrong);
        let request = request.into_inner();
        let message = keep(required(request.connection, "connection"), &mut wrong);
        let mask = keep(required(request.update_mask, "update_mask"), &mut wrong);
        let (Some(message), Some(mask)) = (message, mask) else {
            return Err(invalid_argument(&wrong));
        };
        let name: Option<ConnectionName> = keep(parsed(&message.name, "connection.name"), &mut wrong);
        let mut change = ConnectionChange::default();
        for path in &mask.paths {
            match path.as_str() {
                "display_name" => {
                    change.display_name = keep(display_name(&message.display_name, DISPLAY_NAME), &mut wrong);
                }
                "description" => {
                    change.description = keep(description(&message.description, DESCRIPTION), &mut wrong);
                }
                "custom_domain" => change.login_host = keep(login_host(&message.custom_domain), &mut wrong),
                other => wrong.push(InvalidField::new(
                    "update_mask",
                    format!("'{other}' cannot be updated; display_name, description and custom_domain can"),
                )),
            }
        }
        let (Some(actor), Some(name), true) = (actor, name, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        change.actor = actor;
        let connection = self.store.update_connection(&name, &message.etag, change).await?;
        Ok(Response::new(pb::UpdateConnectionResponse {
            connection: Some(connection.into()),
        }))
    }

    async fn delete_connection(
        &self,
        request: Request<pb::DeleteConnectionRequest>,
    ) -> Result<Response<pb::DeleteConnectionResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        self.store.delete_connection(&name, &request.etag).await?;
        Ok(Response::new(pb::DeleteConnectionResponse {}))
    }

    async fn check_connection(
        &self,
        request: Request<pb::CheckConnectionRequest>,
    ) -> Result<Response<pb::CheckConnectionResponse>, Status> {
        let name = parsed(&request.into_inner().name, "name").map_err(invalid_field)?;
        let connection = self.existing(&name).await?;
        let check = self.orgs.check(&connection, self.store.clock.now()).await;
        self.store.record_check(&name, &check).await?;
        Ok(Response::new(pb::CheckConnectionResponse {
            check: Some(check.into()),
        }))
    }

    async fn confirm_org(
        &self,
        request: Request<pb::ConfirmOrgRequest>,
    ) -> Result<Response<pb::ConfirmOrgResponse>, Status> {
        let mut wrong = Vec::new();
        let actor = keep(actor(request.metadata()), &mut wrong);
        let request = request.into_inner();
        let name: Option<ConnectionName> = keep(parsed(&request.name, "name"), &mut wrong);
        let org_id = keep(org_id(&request.org_id), &mut wrong);
        let (Some(actor), Some(name), Some(org_id)) = (actor, name, org_id) else {
            return Err(invalid_argument(&wrong));
        };
        let connection = self.existing(&name).await?;
        check_etag(&request.etag, connection.version, &request.name)?;
        let unpinned = Connection {
            org_id: String::new(),
            ..connection.clone()
        };
        let check = self.orgs.check(&unpinned, self.store.clock.now()).await;
        if check.state != CheckState::Connected {
            return Err(Status::from(&Trouble::of_check(&check)));
        }
        if check.org_id != org_id {
            return Err(ChangeError::not_ready(
                "ORG_NOT_REACHED",
                "org_id",
                format!(
                    "this login reaches {} ({}), not {org_id}; correct the custom domain or the credentials, or \
                     confirm the org that is reached",
                    check.org_id, check.org_name
                ),
            )
            .into());
        }
        if connection.org_id == org_id {
            self.store.record_check(&name, &check).await?;
            let connection = self.existing(&name).await?;
            return Ok(Response::new(pb::ConfirmOrgResponse {
                connection: Some(connection.into()),
            }));
        }
        let claimed = self
            .store
            .claimed_in_org(&name, &org_id)
            .await
            .map_err(ChangeError::from)?;
        if !claimed.is_empty() {
            return Err(ChangeError::NotReady {
                reason: "FIELD_CLAIMED",
                problems: claimed,
            }
            .into());
        }
        // What was asked of Salesforce holds for what was read.
        let etag = connection.version.to_string();
        let connection = self.store.confirm_org(&name, &etag, &check, &actor).await?;
        Ok(Response::new(pb::ConfirmOrgResponse {
            connection: Some(connection.into()),
        }))
    }
}

/// Keeps what is right and notes what is wrong, so that all of it is told at once.
pub(crate) fn keep<T>(result: Result<T, InvalidField>, wrong: &mut Vec<InvalidField>) -> Option<T> {
    result.map_err(|invalid| wrong.push(invalid)).ok()
}

/// Source of the form: salesforce-contract.md §5.5.
fn org_id(text: &str) -> Result<String, InvalidField> {
    let is_org_id =
        text.len() == 18 && text.starts_with("00D") && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_org_id {
        Ok(text.to_owned())
    } else {
        Err(InvalidField::new(
            "org_id",
            "must be the 18-character id of an org, beginning with 00D, as CheckConnection tells it",
        ))
    }
}

fn login_host(text: &str) -> Result<Host, InvalidField> {
    Host::from_custom_domain(text)
        .map_err(|error| InvalidField::new("connection.custom_domain", error.to_string()))
}

impl From<Connection> for pb::Connection {
    fn from(connection: Connection) -> Self {
        Self {
            name: connection.name.to_string(),
            display_name: connection.display_name,
            description: connection.description,
            custom_domain: connection.login_host.to_string(),
            org_id: connection.org_id,
            last_check: connection.last_check.map(Into::into),
            create_time: Some(time_out(connection.create_time)),
            update_time: Some(time_out(connection.update_time)),
            etag: connection.version.to_string(),
            created_by: connection.created_by,
            updated_by: connection.updated_by,
        }
    }
}

impl From<Check> for pb::ConnectionCheck {
    fn from(check: Check) -> Self {
        let state = match check.state {
            CheckState::Connected => pb::ConnectionState::Connected,
            CheckState::Refused => pb::ConnectionState::Refused,
            CheckState::Unreachable => pb::ConnectionState::Unreachable,
        };
        Self {
            state: state.into(),
            reason: check.reason,
            message: check.message,
            fix: check.fix,
            org_id: check.org_id,
            org_name: check.org_name,
            org_type: check.org_type,
            username: check.username,
            check_time: Some(time_out(from_micros(check.time_micros))),
            sandbox: check.is_sandbox,
            scopes: check.scopes,
            warnings: check.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Warning> for pb::ConnectionWarning {
    fn from(warning: Warning) -> Self {
        Self {
            code: warning.code,
            message: warning.message,
            fix: warning.fix,
        }
    }
}
