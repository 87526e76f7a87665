//! How a token is asked for (§1.1).

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::TokenError;
use crate::Host;

/// How long a JWT is valid. Salesforce takes five minutes at most; the rest is
/// for clocks that differ (§1.1).
const JWT_LIFETIME: TimeDelta = TimeDelta::minutes(3);

/// What stands for a login.
#[derive(Debug, Clone)]
pub enum Grant {
    /// The org's own My Domain only.
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    /// A JWT signed with the key whose certificate the app holds.
    JwtBearer {
        client_id: String,
        username: String,
        /// RSA, PEM, PKCS#8 or PKCS#1.
        private_key: SecretString,
    },
    RefreshToken {
        client_id: String,
        /// Where the app demands it.
        client_secret: Option<SecretString>,
        refresh_token: SecretString,
    },
    /// Blocked in new orgs, and ending (§1.3).
    Password {
        client_id: String,
        client_secret: SecretString,
        username: String,
        password: SecretString,
        /// Appended to the password, without a separator.
        security_token: Option<SecretString>,
    },
}

impl Grant {
    pub(super) fn form(&self, host: &Host, now: DateTime<Utc>) -> Result<String, TokenError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        match self {
            Self::ClientCredentials {
                client_id,
                client_secret,
            } => {
                form.append_pair("grant_type", "client_credentials")
                    .append_pair("client_id", client_id)
                    .append_pair("client_secret", client_secret.expose_secret());
            }
            Self::JwtBearer {
                client_id,
                username,
                private_key,
            } => {
                let assertion = assertion(client_id, username, host, private_key, now)?;
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                    .append_pair("assertion", &assertion);
            }
            Self::RefreshToken {
                client_id,
                client_secret,
                refresh_token,
            } => {
                form.append_pair("grant_type", "refresh_token")
                    .append_pair("client_id", client_id)
                    .append_pair("refresh_token", refresh_token.expose_secret());
                if let Some(secret) = client_secret {
                    form.append_pair("client_secret", secret.expose_secret());
                }
            }
            Self::Password {
                client_id,
                client_secret,
                username,
                password,
                security_token,
            } => {
                let token = security_token
                    .as_ref()
                    .map(ExposeSecret::expose_secret)
                    .unwrap_or_default();
                form.append_pair("grant_type", "password")
                    .append_pair("client_id", client_id)
                    .append_pair("client_secret", client_secret.expose_secret())
                    .append_pair("username", username)
                    .append_pair("password", &format!("{}{token}", password.expose_secret()));
            }
        }
        Ok(form.finish())
    }
}

fn assertion(
    client_id: &str,
    username: &str,
    host: &Host,
    private_key: &SecretString,
    now: DateTime<Utc>,
) -> Result<String, TokenError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a str,
        aud: String,
        exp: i64,
    }
    let claims = Claims {
        iss: client_id,
        sub: username,
        // The shared login hosts and a My Domain are audiences of their own.
        aud: format!("https://{host}"),
        exp: (now + JWT_LIFETIME).timestamp(),
    };
    let key = EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
        .map_err(|_| TokenError::InvalidKey)?;
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| TokenError::InvalidKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(grant: &Grant) -> Result<String, TokenError> {
        grant.form(
            &Host::login("acme.my.salesforce.com").unwrap(),
            DateTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn row_5_31_the_security_token_follows_the_password_and_everything_is_encoded() {
        let grant = Grant::Password {
            client_id: "id".to_owned(),
            client_secret: "s&t".into(),
            username: "a+b@x".to_owned(),
            password: "p=w".into(),
            security_token: Some("TOK".into()),
        };
        assert!(
            form(&grant)
                .unwrap()
                .ends_with("client_secret=s%26t&username=a%2Bb%40x&password=p%3DwTOK")
        );
        assert!(!format!("{grant:?}").contains("p=w"));
    }

    #[test]
    fn a_refresh_sends_the_secret_only_where_there_is_one() {
        let grant = |client_secret: Option<SecretString>| Grant::RefreshToken {
            client_id: "id".to_owned(),
            client_secret,
            refresh_token: "r".into(),
        };
        assert!(!form(&grant(None)).unwrap().contains("client_secret"));
        assert!(
            form(&grant(Some("s".into())))
                .unwrap()
                .ends_with("&client_secret=s")
        );
    }

    #[test]
    fn a_key_that_is_none_is_refused_before_anything_is_sent() {
        let grant = Grant::JwtBearer {
            client_id: "id".to_owned(),
            username: "u".to_owned(),
            private_key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".into(),
        };
        assert!(matches!(form(&grant), Err(TokenError::InvalidKey)));
    }
}
