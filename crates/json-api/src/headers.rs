//! What requests say in their headers.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, Method, Request,
    header::{CONTENT_TYPE, HOST, IF_MATCH, ORIGIN},
};

use crate::problem::Violation;

/// How long the caller waits, in seconds.
pub(crate) const SERVER_TIMEOUT: &str = "x-server-timeout";
/// Longer is a mistake.
pub(crate) const MAX_TIMEOUT_SECONDS: u32 = 86_400;
/// Headers of this prefix are metadata of the call.
const METADATA_PREFIX: &str = "sluice-";
const TRACE_CONTEXT: [&str; 2] = ["traceparent", "tracestate"];

/// Returns the etag of `If-Match`; none when any will do.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<String>, Violation> {
    let wrong = || Violation::new("If-Match", "must be one etag as it was answered, such as \"7\"");
    let mut values = headers.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| wrong())?.trim();
    if values.next().is_some() {
        return Err(wrong());
    }
    if value == "*" {
        return Ok(None);
    }
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .filter(|etag| !etag.is_empty() && !etag.contains('"'))
        .map(|etag| Some(etag.to_owned()))
        .ok_or_else(wrong)
}

/// Returns how long the caller waits, when it says so.
pub(crate) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Violation> {
    let Some(value) = headers.get(SERVER_TIMEOUT) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|seconds| *seconds > 0.0 && *seconds <= f64::from(MAX_TIMEOUT_SECONDS))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map(Some)
        .ok_or_else(|| {
            let problem = format!("must be a number of seconds above 0, at most {MAX_TIMEOUT_SECONDS}");
            Violation::new("X-Server-Timeout", problem)
        })
}

/// Returns the headers that are metadata of the call: who asks, and the trace.
pub(crate) fn metadata(headers: &HeaderMap) -> HeaderMap {
    let is_metadata = |name: &HeaderName| {
        name.as_str().starts_with(METADATA_PREFIX) || TRACE_CONTEXT.contains(&name.as_str())
    };
    headers
        .iter()
        .filter(|(name, _)| is_metadata(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Tells whether the body is said to be JSON. Browsers send nothing of that
/// type to another origin without asking first.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content
        .and_then(|content| content.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    content.is_some_and(|content| content.starts_with(b"application/grpc"))
}

/// Tells whether a browser sends this for a page of another origin, which could
/// change what it cannot read. Source: Fetch Metadata Request Headers (W3C),
/// and RFC 6454 for browsers without them.
pub(crate) fn is_cross_origin<B>(request: &Request<B>) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return false;
    }
    let text = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN.as_str()) else {
        return false;
    };
    let host = request
        .uri()
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| text(HOST.as_str()));
    let origin_host = origin.split_once("://").map(|(_, host)| host);
    origin_host.is_none() || origin_host != host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> HeaderMap {
        let name: HeaderName = name.parse().unwrap();
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn if_match_is_one_strong_etag_or_any() {
        assert_eq!(if_match(&HeaderMap::new()), Ok(None));
        assert_eq!(if_match(&headers("if-match", "*")), Ok(None));
        assert_eq!(if_match(&headers("if-match", "\"7\"")), Ok(Some("7".to_owned())));
        for wrong in ["7", "W/\"7\"", "\"7\", \"8\"", "\"\"", ""] {
            assert!(if_match(&headers("if-match", wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_timeout_is_a_number_of_seconds_up_to_a_day() {
        let of = |text: &str| timeout(&headers(SERVER_TIMEOUT, text));
        assert_eq!(of("1.5"), Ok(Some(Duration::from_millis(1_500))));
        for wrong in ["0", "-1", "1s", "", "NaN", "inf", "86401"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_pages_of_this_server_may_change_something() {
        let is_refused = |method: Method, given: &[(&str, &str)]| {
            let mut request = Request::builder()
                .method(method)
                .uri("/v1/x")
                .header("host", "localhost:7450");
            for (name, value) in given {
                request = request.header(*name, *value);
            }
            is_cross_origin(&request.body(()).unwrap())
        };
        let foreign = [("origin", "https://evil.example")];
        assert!(is_refused(Method::POST, &foreign));
        assert!(is_refused(Method::POST, &[("origin", "null")]));
        assert!(is_refused(Method::DELETE, &[("sec-fetch-site", "cross-site")]));
        assert!(is_refused(Method::DELETE, &[("sec-fetch-site", "same-site")]));
        assert!(!is_refused(Method::GET, &foreign));
        assert!(!is_refused(Method::POST, &[]));
        assert!(!is_refused(Method::POST, &[("origin", "http://localhost:7450")]));
        assert!(!is_refused(Method::POST, &[("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn json_is_what_says_so() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(is_json(&headers("content-type", json)), "{json}");
        }
        for other in ["text/plain", "application/x-www-form-urlencoded", "text/json"] {
            assert!(!is_json(&headers("content-type", other)), "{other}");
        }
    }
}
