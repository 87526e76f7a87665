//! One HTTP call to Salesforce: routed, bounded in time and size, and telling
//! whether it can have had an effect.

use std::{io::Write, time::Duration};

use bytes::{Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::redirect;
use secrecy::ExposeSecret;
use url::Url;

use crate::{Host, Session};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLIENT_NAME: &str = concat!("Sluice/", env!("CARGO_PKG_VERSION"));
/// Shorter bodies are not worth the work of compressing.
const MIN_COMPRESSED_BYTES: usize = 1_024;
/// Far above the largest answer read whole, a describe of 900 fields; bounds
/// memory all the same.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// What resolvers say of a name that does not exist (EAI_NONAME of glibc, musl
/// and macOS).
const UNKNOWN_NAME: [&str; 3] = [
    "Name or service not known",
    "Name does not resolve",
    "nodename nor servname provided",
];

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
    pub body: Body,
    pub max_answer_bytes: usize,
}

/// What a call carries.
pub(crate) enum Body {
    Empty,
    /// Sent as it is.
    Plain(Bytes),
    /// Sent compressed where that pays. Only to REST resources, which read it
    /// (§2.7).
    Compressible(Bytes),
}

/// What came back, whatever its status.
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
    /// The call left; Salesforce may have done what it asked.
    #[error("{host} answered more than {limit_bytes} bytes")]
    TooLong { host: String, limit_bytes: usize },
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
            Self::TimedOut { .. } | Self::Broken { .. } | Self::TooLong { .. } => false,
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

    /// The same client with another time limit, for long uploads and downloads.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
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
            .timeout(self.timeout)
            .headers(call.headers)
            .header("Sforce-Call-Options", format!("client={CLIENT_NAME}"));
        if let Some(session) = call.session {
            let bearer = format!("Bearer {}", session.access_token.expose_secret());
            if let Ok(mut value) = HeaderValue::try_from(bearer) {
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
        }
        request = match call.body {
            Body::Empty => request,
            Body::Plain(body) => request.body(body),
            Body::Compressible(body) => match compressed(&body) {
                Some(compressed) => request.header(header::CONTENT_ENCODING, "gzip").body(compressed),
                None => request.body(body),
            },
        };
        let broken = |error: reqwest::Error| self.call_error(&host, error.without_url());
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        // Counted after decompression, so that a small answer cannot fill the memory.
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > call.max_answer_bytes {
                return Err(CallError::TooLong {
                    host,
                    limit_bytes: call.max_answer_bytes,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }

    fn call_error(&self, host: &str, source: reqwest::Error) -> CallError {
        let host = host.to_owned();
        if source.is_connect() {
            // The resolver's verdict has no type, only its text; another failure of DNS passes.
            let unknown_host = causes(&source).any(|cause| {
                let text = cause.to_string();
                UNKNOWN_NAME.iter().any(|known| text.contains(known))
            });
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

impl<'a> Call<'a> {
    /// A call with JSON in and out.
    pub(crate) fn json(method: Method, session: &'a Session, path: &'a str, body: Body) -> Self {
        let mut call = Self::without_session(method, &session.instance, path, body);
        call.session = Some(session);
        call.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call
    }

    /// A call with a form in and JSON out, without a session.
    pub(crate) fn form(host: &'a Host, path: &'a str, form: String) -> Self {
        let mut call = Self::without_session(Method::POST, host, path, Body::Plain(form.into()));
        call.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        call
    }

    /// A call that needs no token, with JSON out.
    pub(crate) fn without_session(method: Method, host: &'a Host, path: &'a str, body: Body) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            method,
            host,
            path,
            session: None,
            headers,
            body,
            max_answer_bytes: MAX_ANSWER_BYTES,
        }
    }
}

/// Returns the body compressed, or none where that does not make it shorter.
fn compressed(body: &[u8]) -> Option<Bytes> {
    if body.len() < MIN_COMPRESSED_BYTES {
        return None;
    }
    // Level 1 is six times faster than 6 and nearly as small on records.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < body.len()).then(|| compressed.into())
}

fn causes(error: &dyn std::error::Error) -> impl Iterator<Item = &dyn std::error::Error> {
    std::iter::successors(Some(error), |error| error.source())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use aws_lc_rs::digest;
    use chrono::DateTime;
    use flate2::read::GzDecoder;
    use salesforce_simulator::{Clock, Settings, Simulator};

    use super::*;

    #[test]
    fn a_body_is_compressed_where_that_makes_it_shorter() {
        let text = r#"{"attributes":{"type":"Contact"},"LastName":"Okafor"},"#.repeat(200);
        let short = compressed(text.as_bytes()).unwrap();
        assert!(short.len() * 5 < text.len());
        let mut again = String::new();
        GzDecoder::new(short.as_ref()).read_to_string(&mut again).unwrap();
        assert_eq!(again, text);

        assert_eq!(compressed(&text.as_bytes()[..MIN_COMPRESSED_BYTES - 1]), None);
        // Nothing repeats in it.
        let noise: Vec<u8> = (0..64_u8)
            .flat_map(|number| digest::digest(&digest::SHA256, &[number]).as_ref().to_vec())
            .collect();
        assert_eq!(compressed(&noise), None);
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_limit() {
        let simulator = Simulator::start(Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            clock: Clock::new(|| DateTime::UNIX_EPOCH),
            sample_org: true,
        })
        .await
        .unwrap();
        let base = format!("http://{}", simulator.address()).parse().unwrap();
        let http = Http::new(Endpoint::Simulator(base), Duration::from_secs(5)).unwrap();
        let host = Host::login("acme.my.salesforce.com").unwrap();
        let ask = |max_answer_bytes| {
            let mut call = Call::without_session(Method::GET, &host, "/services/data/", Body::Empty);
            call.max_answer_bytes = max_answer_bytes;
            http.send(call)
        };
        let whole = ask(MAX_ANSWER_BYTES).await.unwrap().body.len();
        assert_eq!(ask(whole).await.unwrap().body.len(), whole);
        let limit_bytes = whole - 1;
        assert!(matches!(
            ask(limit_bytes).await,
            Err(CallError::TooLong { limit_bytes: told, .. }) if told == limit_bytes
        ));
    }
}
