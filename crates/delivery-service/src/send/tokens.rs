//! Short-lived tokens, asked of the auth-service and kept in memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use activation::plan::Plan;
use contracts::{
    auth::v1::{GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient},
    status::reason,
};
use salesforce::{Host, Session};
use service::{chain::Chain, grpc::client::TracedChannel};
use tokio::{sync::Mutex, time::Instant};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing::warn;

use crate::lane::machine::Trouble;

/// Hands out tokens. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tokens {
    auth: TokenServiceClient<TracedChannel>,
    known: Arc<Mutex<HashMap<TokenKey, Token>>>,
}

/// How long a token is used before the auth-service is asked again. It answers
/// the same one unless the credentials were changed; Salesforce itself ends no
/// token that is in use.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Another host is another login, and a plan of another org must not be sent
/// with a token from before.
#[derive(Clone, PartialEq, Eq, Hash)]
struct TokenKey {
    connection: String,
    login_host: String,
    org_id: String,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) session: Session,
    id: String,
    asked_at: Instant,
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
        let known = self.known.lock().await.get(&key).cloned();
        let Some(known) = known else {
            return self.ask(key).await.map_err(|refused| refused.trouble);
        };
        if known.asked_at.elapsed() < ASK_AGAIN_AFTER {
            return Ok(known);
        }
        match self.ask(key.clone()).await {
            Ok(token) => Ok(token),
            // Nothing is known against the token, so it is used on; not every batch waits for who is away.
            Err(refused) if refused.is_unavailable => {
                let kept = Token {
                    asked_at: Instant::now(),
                    ..known
                };
                self.known.lock().await.insert(key, kept.clone());
                Ok(kept)
            }
            Err(refused) => Err(refused.trouble),
        }
    }

    async fn ask(&self, key: TokenKey) -> Result<Token, Refused> {
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
            .map_err(|status| Refused {
                is_unavailable: status.code() == Code::Unavailable,
                trouble: trouble(&status),
            })?
            .into_inner();
        if answer.org_id != key.org_id {
            return Err(Refused::for_good(
                "ORG_CHANGED",
                format!(
                    "This login now reaches a different Salesforce org: {} instead of {}. Nothing is sent there. \
                     Correct the connection's custom domain or credentials, or confirm the org: \
                     sluice connections confirm-org {} {}",
                    answer.org_id, key.org_id, key.connection, answer.org_id
                ),
            ));
        }
        let instance = Host::from_instance_url(&answer.instance_url)
            .map_err(|error| Refused::for_good("INSTANCE_NOT_SALESFORCE", error.to_string()))?;
        let session = Session {
            access_token: answer.access_token.into(),
            instance,
        };
        let token = Token {
            session,
            id: answer.token_id,
            asked_at: Instant::now(),
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
        org_id: plan.org_id.clone(),
    }
}

/// No token.
struct Refused {
    trouble: Trouble,
    /// Nobody could be asked, which says nothing of the token before.
    is_unavailable: bool,
}

impl Refused {
    fn for_good(reason: &str, message: String) -> Self {
        Self {
            trouble: Trouble {
                reason: reason.to_owned(),
                message,
                retry_after: None,
            },
            is_unavailable: false,
        }
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
