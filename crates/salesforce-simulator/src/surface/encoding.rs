//! Compressed bodies, on both ways. Source: salesforce-contract.md §2.7.

use std::io::{self, Read, Write};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::reply;
use crate::refusal::CallError;

/// Answers up to this size go out as they are.
const SMALL_BYTES: u64 = 2_048;

/// A way of compressing that HTTP names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

/// Returns `body` as it was before its `Content-Encoding`.
///
/// # Errors
/// The refusal: 415 for a coding that is not read, 400 for what is not of its coding, 413 for more than
/// `max_bytes` of content.
pub(super) fn inflate(parts: &Parts, body: Bytes, max_bytes: usize) -> Result<Bytes, Box<Response>> {
    let Some(named) = parts.headers.get(header::CONTENT_ENCODING) else {
        return Ok(body);
    };
    let coding = match named.to_str().map(str::trim) {
        Ok(name) if name.is_empty() || name.eq_ignore_ascii_case("identity") => return Ok(body),
        Ok(name) => Coding::parse(name),
        Err(_) => None,
    };
    let Some(coding) = coding else {
        return Err(Box::new(reply::call_error(&CallError::unsupported_media_type())));
    };
    let content = match coding {
        Coding::Gzip => read_up_to(MultiGzDecoder::new(&*body), max_bytes),
        Coding::Deflate if has_zlib_header(&body) => read_up_to(ZlibDecoder::new(&*body), max_bytes),
        // What HTTP calls deflate is zlib; some clients leave its frame away.
        Coding::Deflate => read_up_to(DeflateDecoder::new(&*body), max_bytes),
    };
    match content {
        Ok(Some(content)) => Ok(content.into()),
        Ok(None) => Err(Box::new(reply::empty(StatusCode::PAYLOAD_TOO_LARGE))),
        Err(error) => {
            let message = format!("The request body is not valid {}: {error}", coding.name());
            let error = CallError::bad_request("JSON_PARSER_ERROR", message);
            Err(Box::new(reply::call_error(&error)))
        }
    }
}

/// Compresses an answer above 2 KB, if the request allows it.
pub(super) async fn compress(request: &HeaderMap, response: Response) -> Response {
    let is_small = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|bytes| bytes <= SMALL_BYTES);
    if is_small || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts
        .headers
        .insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = accepted(request) else {
        return Response::from_parts(parts, body);
    };
    // Answers are made whole, so reading one back neither waits nor fails.
    let content = to_bytes(body, usize::MAX).await.unwrap_or_default();
    match coding.deflated(&content) {
        Ok(deflated) => {
            parts
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(deflated))
        }
        Err(error) => {
            tracing::error!(%error, "an answer was not compressed");
            Response::from_parts(parts, Body::from(content))
        }
    }
}

impl Coding {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn deflated(self, content: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(content)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(content)?;
                encoder.finish()
            }
        }
    }
}

/// Returns the coding that `Accept-Encoding` allows; gzip, if it allows both.
fn accepted(request: &HeaderMap) -> Option<Coding> {
    let lists = request.get_all(header::ACCEPT_ENCODING);
    let mut gzip = None;
    let mut deflate = None;
    let mut any = false;
    for item in lists
        .iter()
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
    {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let is_refused = parameters
            .trim()
            .strip_prefix("q=")
            .and_then(|weight| weight.trim().parse::<f32>().ok())
            .is_some_and(|weight| weight <= 0.0);
        match name.trim() {
            "*" => any = !is_refused,
            name => match Coding::parse(name) {
                Some(Coding::Gzip) => gzip = Some(!is_refused),
                Some(Coding::Deflate) => deflate = Some(!is_refused),
                None => {}
            },
        }
    }
    if gzip.unwrap_or(any) {
        Some(Coding::Gzip)
    } else if deflate.unwrap_or(any) {
        Some(Coding::Deflate)
    } else {
        None
    }
}

/// Reads to the end; none, if that is more than `max_bytes` away.
fn read_up_to(reader: impl Read, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    let one_too_many = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(one_too_many).read_to_end(&mut content)?;
    Ok((content.len() <= max_bytes).then_some(content))
}

/// Source: RFC 1950, section 2.2.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => method & 0x0F == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted_of(list: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
        accepted(&headers)
    }

    #[test]
    fn weights_and_stars_of_accept_encoding_count() {
        for (list, coding) in [
            ("gzip, deflate, br, zstd", Some(Coding::Gzip)),
            ("deflate", Some(Coding::Deflate)),
            ("gzip;q=0, *", Some(Coding::Deflate)),
            ("*;q=0", None),
            ("br;q=1.0, GZIP;q=0.5", Some(Coding::Gzip)),
            ("identity", None),
        ] {
            assert_eq!(accepted_of(list), coding, "{list}");
        }
        assert_eq!(accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn a_bomb_is_read_no_further_than_the_limit() {
        let zeros = Coding::Gzip.deflated(&vec![0; 100_000]).unwrap();
        assert!(zeros.len() < 1_000);
        assert_eq!(read_up_to(MultiGzDecoder::new(&*zeros), 99_999).unwrap(), None);
        assert!(
            read_up_to(MultiGzDecoder::new(&*zeros), 100_000)
                .unwrap()
                .is_some()
        );
    }
}
