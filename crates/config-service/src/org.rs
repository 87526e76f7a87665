//! What the Salesforce org itself says: whether a login works, and what its
//! objects look like.

mod shape;

use chrono::{DateTime, Utc};
use contracts::{
    auth::v1::{GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient},
    status::reason,
};
use futures::{FutureExt, future::BoxFuture};
use salesforce::{
    Host, Http, Session,
    describe::{ObjectDescription, describe},
    organization::organization,
    refusal::Fault,
    request::RequestError,
};
use service::{chain::Chain, database::to_micros, grpc::client::TracedChannel};
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(crate) use self::shape::kind_of;
pub use self::shape::shape_of;
use crate::connections::{Check, CheckState, Connection};

/// Asks orgs. Cheap to clone.
#[derive(Clone)]
pub struct Orgs {
    tokens: TokenServiceClient<TracedChannel>,
    pub(crate) http: Http,
}

/// Why an org could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub state: CheckState,
    /// A stable word for machines.
    pub reason: String,
    pub message: String,
    pub fix: String,
}

impl Trouble {
    /// Tells whether somebody must change something; otherwise it may pass.
    pub fn is_refused(&self) -> bool {
        self.state != CheckState::Unreachable
    }
}

struct Token {
    session: Session,
    org_id: String,
    id: String,
}

impl Orgs {
    pub(crate) fn new(tokens: TokenServiceClient<TracedChannel>, http: Http) -> Self {
        Self { tokens, http }
    }

    /// Logs in and makes one REST call. A login that does not work is a result.
    pub async fn check(&self, connection: &Connection, now: DateTime<Utc>) -> Check {
        let mut check = Check {
            state: CheckState::Connected,
            reason: String::new(),
            message: String::new(),
            fix: String::new(),
            org_id: String::new(),
            org_name: String::new(),
            org_type: String::new(),
            username: String::new(),
            time_micros: to_micros(now),
        };
        let http = self.http.clone();
        let read = move |session| {
            let http = http.clone();
            async move { organization(&http, &session).await }.boxed()
        };
        match self.with_session(connection, read).await {
            Ok((organization, org_id)) => {
                check.org_id = org_id;
                check.org_name = organization.name;
                check.org_type = organization.organization_type;
                check.username = organization.username;
            }
            Err(trouble) => {
                check.state = trouble.state;
                check.reason = trouble.reason;
                check.message = trouble.message;
                check.fix = trouble.fix;
            }
        }
        check
    }

    /// Describes the object; answers the org's id too.
    pub async fn describe(
        &self,
        connection: &Connection,
        object: &str,
    ) -> Result<(ObjectDescription, String), Trouble> {
        let (http, object) = (self.http.clone(), object.to_owned());
        let read = move |session| {
            let (http, object) = (http.clone(), object.clone());
            async move { Ok(describe(&http, &session, &object).await?.value) }.boxed()
        };
        self.with_session(connection, read).await
    }

    /// Makes a read, once more after a refused token, and only in the org that
    /// is pinned.
    pub(crate) async fn with_session<T>(
        &self,
        connection: &Connection,
        read: impl Fn(Session) -> BoxFuture<'static, Result<T, RequestError>>,
    ) -> Result<(T, String), Trouble> {
        let token = self.token(connection).await?;
        match read(token.session).await {
            Ok(value) => Ok((value, token.org_id)),
            Err(RequestError::Refused(refusal)) if refusal.fault == Fault::Token => {
                self.reject(connection, token.id).await?;
                let token = self.token(connection).await?;
                let value = read(token.session).await.map_err(|error| read_trouble(&error))?;
                Ok((value, token.org_id))
            }
            Err(error) => Err(read_trouble(&error)),
        }
    }

    async fn token(&self, connection: &Connection) -> Result<Token, Trouble> {
        let request = GetTokenRequest {
            connection: connection.name.to_string(),
            login_host: connection.login_host.to_string(),
        };
        let answer = self
            .tokens
            .clone()
            .get_token(request)
            .await
            .map_err(|status| token_trouble(&status))?
            .into_inner();
        if !connection.org_id.is_empty() && connection.org_id != answer.org_id {
            return Err(Trouble {
                state: CheckState::Refused,
                reason: "ORG_CHANGED".to_owned(),
                message: format!(
                    "This login now reaches a different Salesforce org: {} instead of {}",
                    answer.org_id, connection.org_id
                ),
                fix:
                    "Correct the custom domain or the credentials, or create another connection for that org."
                        .to_owned(),
            });
        }
        let instance = Host::from_instance_url(&answer.instance_url).map_err(|error| Trouble {
            state: CheckState::Unreachable,
            reason: "INSTANCE_NOT_SALESFORCE".to_owned(),
            message: error.to_string(),
            fix: String::new(),
        })?;
        let session = Session {
            access_token: answer.access_token.into(),
            instance,
        };
        Ok(Token {
            session,
            org_id: answer.org_id,
            id: answer.token_id,
        })
    }

    async fn reject(&self, connection: &Connection, token_id: String) -> Result<(), Trouble> {
        let request = ReportRejectedTokenRequest {
            connection: connection.name.to_string(),
            token_id,
        };
        self.tokens
            .clone()
            .report_rejected_token(request)
            .await
            .map_err(|status| token_trouble(&status))?;
        Ok(())
    }
}

fn token_trouble(status: &Status) -> Trouble {
    let fix = status
        .get_details_error_info()
        .and_then(|info| info.metadata.get("fix").cloned())
        .unwrap_or_default();
    let state = match status.code() {
        Code::FailedPrecondition | Code::InvalidArgument => CheckState::Refused,
        _ => CheckState::Unreachable,
    };
    let reason = match reason(status) {
        empty if empty.is_empty() => "AUTH_SERVICE_UNAVAILABLE".to_owned(),
        reason => reason,
    };
    Trouble {
        state,
        reason,
        message: status.message().to_owned(),
        fix,
    }
}

fn read_trouble(error: &RequestError) -> Trouble {
    match error {
        RequestError::Refused(refusal) => {
            let (state, fix) = match refusal.fault {
                Fault::Token | Fault::Login => (
                    CheckState::Refused,
                    "Give the user the permission API Enabled, and check the org's and the app's IP ranges.",
                ),
                Fault::Configuration
                | Fault::Host
                | Fault::Batch
                | Fault::Record
                | Fault::RecordGone
                | Fault::LeadConverted => (
                    CheckState::Refused,
                    "Check what the user may see in Setup, Object Manager and its profile.",
                ),
                Fault::Quota => (
                    CheckState::Unreachable,
                    "The org's daily API calls are used up; they come back as old calls age out.",
                ),
                Fault::Contention | Fault::Salesforce => (CheckState::Unreachable, "Try again in a while."),
            };
            Trouble {
                state,
                reason: refusal.reason(),
                // Reads carry no profile values, so Salesforce's words can be told.
                message: format!("{refusal}: {}", refusal.message),
                fix: fix.to_owned(),
            }
        }
        RequestError::Call(_) | RequestError::Unreadable(_) => Trouble {
            state: CheckState::Unreachable,
            reason: "SALESFORCE_UNAVAILABLE".to_owned(),
            message: Chain(error).to_string(),
            fix: "Try again in a while.".to_owned(),
        },
    }
}
