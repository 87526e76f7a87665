//! gRPC adapter of `CredentialService`.

use activation::{InvalidField, names::ConnectionName};
use contracts::{
    auth::v1::{self as pb, credential_service_server::CredentialService, put_credentials_request},
    convert::{parsed, time::time_out},
    status::{invalid_argument, invalid_field, status},
};
use salesforce::oauth::Grant;
use service::chain::Chain;
use tonic::{Code, Request, Response, Status};
use tracing::error;

use crate::credentials::{Credentials, CredentialsError, CredentialsSummary};

pub(crate) struct Adapter {
    pub(crate) credentials: Credentials,
}

#[tonic::async_trait]
impl CredentialService for Adapter {
    async fn put_credentials(
        &self,
        request: Request<pb::PutCredentialsRequest>,
    ) -> Result<Response<pb::PutCredentialsResponse>, Status> {
        let request = request.into_inner();
        let connection: ConnectionName = parsed(&request.connection, "connection").map_err(invalid_field)?;
        let grant = grant_in(request.grant)?;
        let summary = self
            .credentials
            .put(&connection.to_string(), &grant)
            .await
            .map_err(|error| to_status(&error))?;
        Ok(Response::new(pb::PutCredentialsResponse {
            info: Some(summary.into()),
        }))
    }

    async fn get_credentials_info(
        &self,
        request: Request<pb::GetCredentialsInfoRequest>,
    ) -> Result<Response<pb::GetCredentialsInfoResponse>, Status> {
        let connection: ConnectionName =
            parsed(&request.into_inner().connection, "connection").map_err(invalid_field)?;
        let summary = self
            .credentials
            .summary(&connection.to_string())
            .await
            .map_err(|error| to_status(&error))?
            .ok_or_else(|| no_credentials(&connection))?;
        Ok(Response::new(pb::GetCredentialsInfoResponse {
            info: Some(summary.into()),
        }))
    }

    async fn delete_credentials(
        &self,
        request: Request<pb::DeleteCredentialsRequest>,
    ) -> Result<Response<pb::DeleteCredentialsResponse>, Status> {
        let connection: ConnectionName =
            parsed(&request.into_inner().connection, "connection").map_err(invalid_field)?;
        if self
            .credentials
            .delete(&connection.to_string())
            .await
            .map_err(|error| to_status(&error))?
        {
            Ok(Response::new(pb::DeleteCredentialsResponse {}))
        } else {
            Err(no_credentials(&connection))
        }
    }
}

fn grant_in(grant: Option<put_credentials_request::Grant>) -> Result<Grant, Status> {
    let mut missing = Vec::new();
    let mut require = |value: &str, field: &str| {
        if value.trim().is_empty() {
            missing.push(InvalidField::new(field, "is required"));
        }
    };
    let grant = match grant {
        None => {
            return Err(invalid_field(InvalidField::new(
                "grant",
                "is required: client_credentials or password",
            )));
        }
        Some(put_credentials_request::Grant::ClientCredentials(grant)) => {
            require(&grant.client_id, "client_credentials.client_id");
            require(&grant.client_secret, "client_credentials.client_secret");
            Grant::ClientCredentials {
                client_id: grant.client_id,
                client_secret: grant.client_secret.into(),
            }
        }
        Some(put_credentials_request::Grant::Password(grant)) => {
            require(&grant.client_id, "password.client_id");
            require(&grant.client_secret, "password.client_secret");
            require(&grant.username, "password.username");
            require(&grant.password, "password.password");
            Grant::Password {
                client_id: grant.client_id,
                client_secret: grant.client_secret.into(),
                username: grant.username,
                password: grant.password.into(),
                security_token: Some(grant.security_token)
                    .filter(|token| !token.is_empty())
                    .map(Into::into),
            }
        }
    };
    if missing.is_empty() {
        Ok(grant)
    } else {
        Err(invalid_argument(&missing))
    }
}

impl From<CredentialsSummary> for pb::CredentialsInfo {
    fn from(summary: CredentialsSummary) -> Self {
        Self {
            connection: summary.connection,
            grant: summary.grant_kind,
            client_id: summary.client_id,
            username: summary.username,
            version: summary.version,
            update_time: Some(time_out(summary.update_time)),
        }
    }
}

fn no_credentials(connection: &ConnectionName) -> Status {
    status(
        Code::NotFound,
        "CREDENTIALS_NOT_FOUND",
        format!("{connection} has no credentials"),
    )
}

fn to_status(error: &CredentialsError) -> Status {
    error!(error = %Chain(error), "the credential store failed");
    match error {
        CredentialsError::Store(_) => status(
            Code::Unavailable,
            "STORE_UNAVAILABLE",
            "the credential store did not answer",
        ),
        CredentialsError::Sealed { .. } | CredentialsError::Seal(_) => {
            status(Code::Internal, "CREDENTIALS_SEALED", error.to_string())
        }
    }
}
