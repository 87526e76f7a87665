//! One HTTP call to Salesforce: routed, bounded in time, and telling whether
//! it can have had an effect.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::redirect;
use secrecy::ExposeSecret;
use url::Url;

use crate::{Host, Session};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLIENT_NAME: &str = concat!("Sluice/", env!("CARGO_PKG_VERSION"));

/// Where calls really go. Set by the operator only, never by an API call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// To the hosts themselves, by https.
    Salesforce,
    /// All to one simulator; the `Host` header tells it which org is meant.
    Simulator(Url),
}

/// The HTTP client of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    endpoint: Endpoint,
    timeout: Duration,
}

/// One call.
pub(crate) struct Call<'a> {
    pub method: Method,
    pub host: &'a Host,
    /// Path and query, beginning with a slash.
    pub path: &'a str,
    pub session: Option<&'a Session>,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// No whole answer came back.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Salesforce certainly did nothing.
    #[error("no connection to {host}")]
    NotConnected {
        host: String,
        /// Whether the name is unknown to DNS.
        unknown_host: bool,
        #[source]
        source: reqwest::Error,
    },
    /// The call left; Salesforce may have done what it asked.
    #[error("{host} did not answer within {timeout_seconds} s")]
    TimedOut { host: String, timeout_seconds: u64 },
    /// The call left; Salesforce may have done what it asked.
    #[error("the connection to {host} broke before the answer was whole")]
    Broken {
        host: String,
        #[source]
        source: reqwest::Error,
    },
    /// The call could not be put together; Salesforce certainly did nothing.
    #[error("the call to {host} could not be put together")]
    Malformed {
        host: String,
        #[source]
        source: reqwest::Error,
    },
}

impl CallError {
    /// Tells whether Salesforce certainly did nothing.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::NotConnected { .. } | Self::Malformed { .. } => true,
            Self::TimedOut { .. } | Self::Broken { .. } => false,
        }
    }
}

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up")]
pub struct SetUpError(#[source] reqwest::Error);

impl Http {
    /// Makes a client whose calls end within `timeout`.
    pub fn new(endpoint: Endpoint, timeout: Duration) -> Result<Self, SetUpError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .user_agent(CLIENT_NAME)
            .tcp_nodelay(true)
            // A redirect would carry the token, or a login, to another host.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(SetUpError)?;
        Ok(Self {
            client,
            endpoint,
            timeout,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sends")]
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let host = call.host.to_string();
        let mut request = match &self.endpoint {
            Endpoint::Salesforce => self
                .client
                .request(call.method, format!("https://{host}{}", call.path)),
            Endpoint::Simulator(base) => {
                let base = base.as_str().trim_end_matches('/');
                self.client
                    .request(call.method, format!("{base}{}", call.path))
                    .header(header::HOST, &host)
            }
        };
        request = request
            .headers(call.headers)
            .header("Sforce-Call-Options", format!("client={CLIENT_NAME}"));
        if let Some(session) = call.session {
            let bearer = format!("Bearer {}", session.access_token.expose_secret());
            if let Ok(mut value) = HeaderValue::try_from(bearer) {
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
        }
        if let Some(body) = call.body {
            request = request.body(body);
        }
        let broken = |error: reqwest::Error| self.call_error(&host, error.without_url());
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(broken)?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn call_error(&self, host: &str, source: reqwest::Error) -> CallError {
        let host = host.to_owned();
        if source.is_connect() {
            let unknown_host = causes(&source).any(|cause| cause.to_string().contains("dns error"));
            CallError::NotConnected {
                host,
                unknown_host,
                source,
            }
        } else if source.is_builder() {
            CallError::Malformed { host, source }
        } else if source.is_timeout() {
            CallError::TimedOut {
                host,
                timeout_seconds: self.timeout.as_secs(),
            }
        } else {
            CallError::Broken { host, source }
        }
    }
}

fn causes(error: &dyn std::error::Error) -> impl Iterator<Item = &dyn std::error::Error> {
    std::iter::successors(Some(error), |error| error.source())
}

pub(crate) fn json_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers
}
