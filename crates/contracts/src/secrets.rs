//! Prints messages that carry secrets without them.

use std::fmt;

use crate::auth::v1 as pb;

impl fmt::Debug for pb::ClientCredentialsGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientCredentialsGrant")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for pb::PasswordGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PasswordGrant")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for pb::GetTokenResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GetTokenResponse")
            .field("instance_url", &self.instance_url)
            .field("org_id", &self.org_id)
            .field("token_id", &self.token_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
