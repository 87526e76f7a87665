//! gRPC adapter of `TokenService`, for other services only.

use std::collections::HashMap;

use activation::{InvalidField, names::ConnectionName};
use contracts::{
    auth::v1::{self as pb, token_service_server::TokenService},
    convert::{parsed, time::time_out},
    status::{DOMAIN, invalid_field, status},
};
use salesforce::{
    Host,
    oauth::{LoginCause, LoginRefusal, TokenError},
    refusal::Fault,
};
use secrecy::ExposeSecret;
use service::chain::Chain;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    credentials::CredentialsError,
    tokens::{GetTokenError, Tokens},
};

pub(crate) struct Adapter {
    pub(crate) tokens: Tokens,
}

#[tonic::async_trait]
impl TokenService for Adapter {
    async fn get_token(
        &self,
        request: Request<pb::GetTokenRequest>,
    ) -> Result<Response<pb::GetTokenResponse>, Status> {
        let request = request.into_inner();
        let connection: ConnectionName = parsed(&request.connection, "connection").map_err(invalid_field)?;
        let host = Host::login(&request.login_host)
            .map_err(|error| invalid_field(InvalidField::new("login_host", error.to_string())))?;
        let connection = connection.to_string();
        let token = if request.fresh {
            self.tokens.get_fresh(&connection, &host).await
        } else {
            self.tokens.get(&connection, &host).await
        }
        .map_err(|error| to_status(&error))?;
        Ok(Response::new(pb::GetTokenResponse {
            access_token: token.issued.session.access_token.expose_secret().to_owned(),
            instance_url: format!("https://{}", token.issued.session.instance),
            org_id: token.issued.org_id.clone(),
            token_id: token.id.clone(),
            issue_time: Some(time_out(token.issue_time)),
            scopes: token.issued.scopes.clone(),
        }))
    }

    async fn report_rejected_token(
        &self,
        request: Request<pb::ReportRejectedTokenRequest>,
    ) -> Result<Response<pb::ReportRejectedTokenResponse>, Status> {
        let request = request.into_inner();
        let connection: ConnectionName = parsed(&request.connection, "connection").map_err(invalid_field)?;
        self.tokens
            .reject(&connection.to_string(), &request.token_id)
            .await;
        Ok(Response::new(pb::ReportRejectedTokenResponse {}))
    }
}

fn to_status(error: &GetTokenError) -> Status {
    match error {
        GetTokenError::NoCredentials(_) => with_fix(
            Code::FailedPrecondition,
            "CREDENTIALS_NOT_FOUND",
            error.to_string(),
            "Put them with CredentialService.PutCredentials, or: sluice credentials put",
        ),
        GetTokenError::Credentials(CredentialsError::Store(_)) => status(
            Code::Unavailable,
            "STORE_UNAVAILABLE",
            "the credential store did not answer",
        ),
        GetTokenError::Credentials(CredentialsError::Sealed { .. } | CredentialsError::Seal(_)) => {
            status(Code::Internal, "CREDENTIALS_SEALED", error.to_string())
        }
        GetTokenError::Login(TokenError::Refused(refusal)) => with_fix(
            if refusal.cause.passes() {
                Code::Unavailable
            } else {
                Code::FailedPrecondition
            },
            refusal.cause.reason(),
            refused(refusal),
            refusal.cause.fix(),
        ),
        GetTokenError::Login(TokenError::InvalidKey) => with_fix(
            Code::FailedPrecondition,
            "PRIVATE_KEY_UNUSABLE",
            error.to_string(),
            "Put credentials with the RSA private key whose certificate the app holds.",
        ),
        GetTokenError::Login(TokenError::Busy(refusal)) if refusal.fault == Fault::Quota => with_fix(
            Code::Unavailable,
            &refusal.reason(),
            format!("The org's API calls of the last 24 hours are used up: {refusal}"),
            "They come back as old calls age out. Setup, System Overview shows who uses them; Salesforce sells more.",
        ),
        GetTokenError::Login(TokenError::Unreachable(_) | TokenError::Busy(_) | TokenError::Unusable(_)) => {
            with_fix(
                Code::Unavailable,
                "SALESFORCE_UNAVAILABLE",
                Chain(error).to_string(),
                "Try again in a while; status.salesforce.com tells of maintenance and outages. If it stays so, check \
                 the custom domain and this machine's way to the internet.",
            )
        }
    }
}

/// The text that people search for when an address is refused
/// (requirements.md, row 199).
const KNOWN_IP_TEXT: &str =
    "The client's IP address is unauthorized for this account. Allowlist the client's IP address...";

/// Says the cause first, then Salesforce's own words.
fn refused(refusal: &LoginRefusal) -> String {
    let text = format!("{}: {refusal}", refusal.cause.problem());
    match refusal.cause {
        LoginCause::IpRefused => format!("{text}. {KNOWN_IP_TEXT}"),
        _ => text,
    }
}

/// Returns a status that says what to do about it, too.
fn with_fix(code: Code, reason: &str, message: String, fix: &str) -> Status {
    let metadata = HashMap::from([("fix".to_owned(), fix.to_owned())]);
    let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    Status::with_error_details(code, message, details)
}
