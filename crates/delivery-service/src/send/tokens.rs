//! Short-lived tokens, asked of the auth-service and kept in memory.

use std::{collections::HashMap, sync::Arc};

use activation::plan::Plan;
use contracts::{
    auth::v1::{GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient},
    status::reason,
};
use salesforce::{Host, Session};
use service::{chain::Chain, grpc::client::TracedChannel};
use tokio::sync::Mutex;
use tonic::Status;
use tonic_types::StatusExt;
use tracing::warn;

use crate::lane::machine::Trouble;

/// Hands out tokens. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tokens {
    auth: TokenServiceClient<TracedChannel>,
    known: Arc<Mutex<HashMap<TokenKey, Token>>>,
}

/// Another host is another login.
#[derive(Clone, PartialEq, Eq, Hash)]
struct TokenKey {
    connection: String,
    login_host: String,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) session: Session,
    id: String,
}

impl Tokens {
    pub(super) fn new(auth: TokenServiceClient<TracedChannel>) -> Self {
        Self {
            auth,
            known: Arc::default(),
        }
    }

    /// Returns a token of the org that the plan is for, and of no other.
    pub(super) async fn get(&self, plan: &Plan) -> Result<Token, Trouble> {
        let key = key(plan);
        if let Some(token) = self.known.lock().await.get(&key) {
            return Ok(token.clone());
        }
        let request = GetTokenRequest {
            connection: key.connection.clone(),
            login_host: key.login_host.clone(),
            fresh: false,
        };
        let answer = self
            .auth
            .clone()
            .get_token(request)
            .await
            .map_err(|status| trouble(&status))?
            .into_inner();
        if answer.org_id != plan.org_id {
            return Err(Trouble {
                reason: "ORG_CHANGED".to_owned(),
                message: format!(
                    "This login now reaches a different Salesforce org: {} instead of {}. Nothing is sent there. \
                     Correct the connection's custom domain or credentials.",
                    answer.org_id, plan.org_id
                ),
                retry_after: None,
            });
        }
        let instance = Host::from_instance_url(&answer.instance_url).map_err(|error| Trouble {
            reason: "INSTANCE_NOT_SALESFORCE".to_owned(),
            message: error.to_string(),
            retry_after: None,
        })?;
        let session = Session {
            access_token: answer.access_token.into(),
            instance,
        };
        let token = Token {
            session,
            id: answer.token_id,
        };
        self.known.lock().await.insert(key, token.clone());
        Ok(token)
    }

    /// Forgets a token that Salesforce refused, here and in the auth-service.
    pub(super) async fn reject(&self, plan: &Plan, token: &Token) {
        let key = key(plan);
        {
            let mut known = self.known.lock().await;
            // Another call may have brought a newer one meanwhile.
            if known.get(&key).is_some_and(|known| known.id == token.id) {
                known.remove(&key);
            }
        }
        let request = ReportRejectedTokenRequest {
            connection: key.connection,
            token_id: token.id.clone(),
        };
        if let Err(status) = self.auth.clone().report_rejected_token(request).await {
            warn!(connection.name = %plan.connection, error = %Chain(&status), "a refused token could not be reported");
        }
    }
}

fn key(plan: &Plan) -> TokenKey {
    TokenKey {
        connection: plan.connection.to_string(),
        login_host: plan.login_host.clone(),
    }
}

fn trouble(status: &Status) -> Trouble {
    let reason = match reason(status) {
        empty if empty.is_empty() => "AUTH_SERVICE_UNAVAILABLE".to_owned(),
        reason => reason,
    };
    let fix = status
        .get_details_error_info()
        .and_then(|info| info.metadata.get("fix").cloned())
        .unwrap_or_default();
    let message = format!("{} {fix}", status.message()).trim().to_owned();
    Trouble {
        reason,
        message,
        retry_after: None,
    }
}
