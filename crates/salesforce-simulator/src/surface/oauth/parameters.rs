//! What an OAuth request was sent with.

use axum::body::Bytes;
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::OauthError;

/// The parameters of an OAuth request: of the form, else of the query string, else of HTTP Basic.
#[derive(Debug)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    bearer: Option<String>,
}

impl Parameters {
    pub(super) fn read(parts: &Parts, body: &Bytes) -> Self {
        let form = |text: &[u8]| -> Vec<(String, String)> {
            url::form_urlencoded::parse(text)
                .into_owned()
                .filter(|(_, value)| !value.is_empty())
                .collect()
        };
        let authorization = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '));
        let mut pairs = form(body);
        pairs.extend(form(parts.uri.query().unwrap_or_default().as_bytes()));
        let mut bearer = None;
        match authorization {
            Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("Basic") => {
                pairs.extend(basic_credentials(credentials).unwrap_or_default());
            }
            Some((_, token)) => bearer = Some(token.trim().to_owned()),
            None => {}
        }
        Self { pairs, bearer }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::missing(name))
    }

    /// Returns the token of an `Authorization` header that is not HTTP Basic.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }
}

/// Reads HTTP Basic as the form fields it stands for.
fn basic_credentials(credentials: &str) -> Option<Vec<(String, String)>> {
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let fields = [("client_id", id), ("client_secret", secret)];
    Some(
        fields
            .into_iter()
            // As in a form, an empty value is none: public clients have no secret.
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}
