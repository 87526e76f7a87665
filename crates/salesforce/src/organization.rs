//! Which org a session is of, and as whom.

use serde::Deserialize;

use crate::{
    Http, Session,
    query::query,
    refusal::Fault,
    request::{RequestError, Unreadable, get},
};

/// What the org says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub name: String,
    /// Edition, for example `Developer Edition`.
    pub organization_type: String,
    /// Whether it is a sandbox or scratch org.
    pub is_sandbox: bool,
    /// The user that the session works as; empty where the token's scopes do
    /// not let it be asked.
    pub username: String,
    pub user_id: String,
}

/// Reads the org's name and type, which is also the check that the REST API is
/// open to this user, and the user's own name.
pub async fn organization(http: &Http, session: &Session) -> Result<Organization, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Row {
        name: String,
        organization_type: Option<String>,
        #[serde(default)]
        is_sandbox: bool,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        preferred_username: String,
        #[serde(default)]
        user_id: String,
    }
    let soql = "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization";
    let page = query::<Row>(http, session, soql).await?.value;
    let row = page
        .records
        .into_iter()
        .next()
        .ok_or(RequestError::Unreadable(Unreadable::Shape("no organization")))?;
    let (username, user_id) = match get::<UserInfo>(http, session, "/services/oauth2/userinfo").await {
        Ok(answer) => (answer.value.preferred_username, answer.value.user_id),
        // Of the identity, not of the API, which has answered.
        Err(RequestError::Refused(refusal)) if refusal.fault == Fault::Login => Default::default(),
        Err(error) => return Err(error),
    };
    Ok(Organization {
        name: row.name,
        organization_type: row.organization_type.unwrap_or_default(),
        is_sandbox: row.is_sandbox,
        username,
        user_id,
    })
}
