//! The web-server flow with PKCE (§1.1): a person says yes in a browser, and
//! the app gets a refresh token.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{IssuedToken, TokenError, ask};
use crate::{Host, http::Http};

/// What is kept between sending a person to the browser and their return.
#[derive(Debug, Clone)]
pub struct Authorization {
    pub client_id: String,
    /// Where the app demands it.
    pub client_secret: Option<SecretString>,
    /// One of the app's callback URLs.
    pub redirect_uri: String,
    /// PKCE: 43 to 128 random characters that the app alone knows.
    pub code_verifier: SecretString,
}

impl Authorization {
    /// Returns the page that the person is sent to. `state` comes back with
    /// the code.
    pub fn page(&self, host: &Host, state: &str) -> Url {
        let digest = digest::digest(&digest::SHA256, self.code_verifier.expose_secret().as_bytes());
        let mut page = Url::parse(&format!("https://{host}/services/oauth2/authorize"))
            .expect("a checked host makes a valid URL");
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(digest))
            .append_pair("code_challenge_method", "S256");
        page
    }

    /// Exchanges the code that came back. It works once, and not for long.
    pub async fn exchange(
        &self,
        http: &Http,
        host: &Host,
        code: &SecretString,
    ) -> Result<IssuedToken, TokenError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code", code.expose_secret())
            .append_pair("code_verifier", self.code_verifier.expose_secret());
        if let Some(secret) = &self.client_secret {
            form.append_pair("client_secret", secret.expose_secret());
        }
        ask(http, host, form.finish()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_verifiers_digest() {
        let authorization = Authorization {
            client_id: "id".to_owned(),
            client_secret: None,
            redirect_uri: "http://localhost:1717/back".to_owned(),
            // The example of RFC 7636, appendix B.
            code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
        };
        let page = authorization.page(&Host::login("acme.my.salesforce.com").unwrap(), "s 1");
        assert!(
            page.as_str()
                .contains("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&")
        );
        assert!(page.as_str().contains("state=s+1"));
        assert!(!format!("{authorization:?}").contains("dBjft"));
    }
}
