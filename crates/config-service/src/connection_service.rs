//! gRPC adapter of `ConnectionService`.

use activation::{
    InvalidField,
    names::{ConnectionName, ResourceId, WorkspaceName},
};
use contracts::{
    config::v1::{self as pb, connection_service_server::ConnectionService},
    convert::{parsed, required, time::time_out},
    page::Page,
    status::{invalid_argument, invalid_field},
};
use salesforce::Host;
use service::database::from_micros;
use tonic::{Request, Response, Status};

use crate::{
    connections::{Check, CheckState, Connection, ConnectionChange, NewConnection},
    org::Orgs,
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) orgs: Orgs,
}

const DEFAULT_PAGE_SIZE: i32 = 50;

impl Adapter {
    async fn existing(&self, name: &ConnectionName) -> Result<Connection, ChangeError> {
        self.store
            .connection(name)
            .await?
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))
    }
}

#[tonic::async_trait]
impl ConnectionService for Adapter {
    async fn create_connection(
        &self,
        request: Request<pb::CreateConnectionRequest>,
    ) -> Result<Response<pb::CreateConnectionResponse>, Status> {
        let request = request.into_inner();
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let id: Option<ResourceId> = keep(parsed(&request.connection_id, "connection_id"), &mut wrong);
        let Some(message) = keep(required(request.connection, "connection"), &mut wrong) else {
            return Err(invalid_argument(&wrong));
        };
        let display_name = keep(display_name(&message.display_name), &mut wrong);
        let login_host = keep(login_host(&message.custom_domain), &mut wrong);
        let (Some(workspace), Some(id), Some(display_name), Some(login_host)) =
            (workspace, id, display_name, login_host)
        else {
            return Err(invalid_argument(&wrong));
        };
        let new = NewConnection {
            name: ConnectionName::new(workspace, id),
            display_name,
            description: message.description,
            login_host,
        };
        let connection = self.store.create_connection(new).await?;
        Ok(Response::new(pb::CreateConnectionResponse {
            connection: Some(connection.into()),
        }))
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
        let request = request.into_inner();
        let message = required(request.connection, "connection").map_err(invalid_field)?;
        let name = parsed(&message.name, "connection.name").map_err(invalid_field)?;
        let mask = required(request.update_mask, "update_mask").map_err(invalid_field)?;
        let mut change = ConnectionChange::default();
        for path in &mask.paths {
            match path.as_str() {
                "display_name" => {
                    change.display_name = Some(display_name(&message.display_name).map_err(invalid_field)?);
                }
                "description" => change.description = Some(message.description.clone()),
                "custom_domain" => {
                    change.login_host = Some(login_host(&message.custom_domain).map_err(invalid_field)?);
                }
                other => {
                    return Err(invalid_field(InvalidField::new(
                        "update_mask",
                        format!(
                            "'{other}' cannot be updated; display_name, description and custom_domain can"
                        ),
                    )));
                }
            }
        }
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
}

/// Keeps what is right and notes what is wrong, so that all of it is told at once.
pub(crate) fn keep<T>(result: Result<T, InvalidField>, wrong: &mut Vec<InvalidField>) -> Option<T> {
    result.map_err(|invalid| wrong.push(invalid)).ok()
}

fn display_name(text: &str) -> Result<String, InvalidField> {
    if text.trim().is_empty() {
        return Err(InvalidField::new(
            "connection.display_name",
            "is required: a name for people",
        ));
    }
    Ok(text.to_owned())
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
        }
    }
}
