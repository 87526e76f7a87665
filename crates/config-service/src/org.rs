//! What the Salesforce org itself says: whether a login works, and what its
//! objects look like.

mod shape;
mod trouble;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::auth::v1::{
    GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient,
};
use futures::{FutureExt, future::BoxFuture};
use salesforce::{
    Host, Http, Session,
    describe::{ObjectDescription, describe},
    organization::organization,
    refusal::Fault,
    request::RequestError,
};
use service::{database::to_micros, grpc::client::TracedChannel};

pub(crate) use self::shape::kind_of;
pub use self::{shape::shape_of, trouble::Trouble};
use crate::connections::{Check, Connection, Warning};

/// Asks orgs. Cheap to clone.
#[derive(Clone)]
pub struct Orgs {
    tokens: TokenServiceClient<TracedChannel>,
    pub(crate) http: Http,
    egress_addresses: Arc<[String]>,
}

struct Token {
    session: Session,
    org_id: String,
    id: String,
    scopes: Vec<String>,
}

/// Whether a token that is held already will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Login {
    Cached,
    /// A token lives on after its credentials stopped working.
    Fresh,
}

impl Orgs {
    pub(crate) fn new(
        tokens: TokenServiceClient<TracedChannel>,
        http: Http,
        egress_addresses: Arc<[String]>,
    ) -> Self {
        Self {
            tokens,
            http,
            egress_addresses,
        }
    }

    /// Logs in and makes one REST call. A login that does not work is a result.
    pub async fn check(&self, connection: &Connection, now: DateTime<Utc>) -> Check {
        let mut check = Check::at(to_micros(now));
        if let Err(trouble) = self.examine(connection, &mut check).await {
            check.state = trouble.state;
            check.reason = trouble.reason;
            check.message = trouble.message;
            check.fix = trouble.fix;
        }
        check
    }

    /// Notes what is found, as far as it comes.
    async fn examine(&self, connection: &Connection, check: &mut Check) -> Result<(), Trouble> {
        let token = self.token(connection, Login::Fresh).await?;
        check.org_id.clone_from(&token.org_id);
        check.scopes.clone_from(&token.scopes);
        check.warnings = scope_warnings(&token.scopes);
        check_pin(connection, &token)?;
        let organization = organization(&self.http, &token.session)
            .await
            .map_err(|error| Trouble::read(&error, &token.scopes))?;
        check.org_name = organization.name;
        check.org_type = organization.organization_type;
        check.is_sandbox = organization.is_sandbox;
        check.username = organization.username;
        Ok(())
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
        let token = self.token(connection, Login::Cached).await?;
        check_pin(connection, &token)?;
        match read(token.session).await {
            Ok(value) => Ok((value, token.org_id)),
            Err(RequestError::Refused(refusal)) if refusal.fault == Fault::Token => {
                self.reject(connection, token.id).await?;
                let token = self.token(connection, Login::Cached).await?;
                check_pin(connection, &token)?;
                let value = read(token.session)
                    .await
                    .map_err(|error| Trouble::read(&error, &token.scopes))?;
                Ok((value, token.org_id))
            }
            Err(error) => Err(Trouble::read(&error, &token.scopes)),
        }
    }

    async fn token(&self, connection: &Connection, login: Login) -> Result<Token, Trouble> {
        let request = GetTokenRequest {
            connection: connection.name.to_string(),
            login_host: connection.login_host.to_string(),
            fresh: login == Login::Fresh,
        };
        let answer = self
            .tokens
            .clone()
            .get_token(request)
            .await
            .map_err(|status| Trouble::token(&status, connection, &self.egress_addresses))?
            .into_inner();
        let instance =
            Host::from_instance_url(&answer.instance_url).map_err(|error| Trouble::instance(&error))?;
        Ok(Token {
            session: Session {
                access_token: answer.access_token.into(),
                instance,
            },
            org_id: answer.org_id,
            id: answer.token_id,
            scopes: answer.scopes,
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
            .map_err(|status| Trouble::token(&status, connection, &self.egress_addresses))?;
        Ok(())
    }
}

/// Refuses a token of another org than the one that is pinned.
fn check_pin(connection: &Connection, token: &Token) -> Result<(), Trouble> {
    if connection.org_id.is_empty() || connection.org_id == token.org_id {
        Ok(())
    } else {
        Err(Trouble::org_changed(connection, &token.org_id))
    }
}

fn scope_warnings(scopes: &[String]) -> Vec<Warning> {
    if !trouble::lacks_api(scopes) {
        return Vec::new();
    }
    vec![Warning {
        code: "SCOPE_LACKS_API".to_owned(),
        message: format!(
            "The token's scopes ({}) have neither api nor full, which REST calls need",
            scopes.join(" ")
        ),
        fix: trouble::SCOPE_FIX.to_owned(),
    }]
}
