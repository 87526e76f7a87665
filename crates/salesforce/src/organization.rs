//! Which org a session is of, and as whom.

use serde::Deserialize;

use crate::{
    Http, Session,
    query::query,
    request::{RequestError, Unreadable, get},
};

/// What the org says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub name: String,
    /// Edition, for example `Developer Edition`.
    pub organization_type: String,
    /// The user that the session works as.
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
    let user: UserInfo = get(http, session, "/services/oauth2/userinfo").await?.value;
    Ok(Organization {
        name: row.name,
        organization_type: row.organization_type.unwrap_or_default(),
        username: user.preferred_username,
        user_id: user.user_id,
    })
}
