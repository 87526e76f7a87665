//! The API versions that a host serves (§8).

use http::{Method, StatusCode};
use serde::Deserialize;

use crate::{
    Host, Http,
    http::{Body, Call},
    refusal::Refusal,
    request::RequestError,
};

/// One version, for example 67.0, Summer '26.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersion {
    pub label: String,
    pub major: u32,
}

/// Lists the versions, oldest first. Needs no token and costs no call.
pub async fn versions(http: &Http, host: &Host) -> Result<Vec<ApiVersion>, RequestError> {
    let call = Call::without_session(Method::GET, host, "/services/data/", Body::Empty);
    let answer = http.send(call).await.map_err(RequestError::Call)?;
    if answer.status != StatusCode::OK {
        return Err(RequestError::Refused(Refusal::of(&answer)));
    }
    read(&answer.body)
}

fn read(body: &[u8]) -> Result<Vec<ApiVersion>, RequestError> {
    #[derive(Deserialize)]
    struct Row {
        label: String,
        version: String,
    }
    let rows: Vec<Row> =
        serde_json::from_slice(body).map_err(|error| RequestError::Unreadable(error.into()))?;
    // A version that is no number is not one we could ask for.
    let mut versions: Vec<ApiVersion> = rows
        .into_iter()
        .filter_map(|row| {
            let (major, _) = row.version.split_once('.')?;
            Some(ApiVersion {
                major: major.parse().ok()?,
                label: row.label,
            })
        })
        .collect();
    // As numbers: as text, 9.0 comes after 67.0.
    versions.sort_by_key(|version| version.major);
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_sorted_as_numbers() {
        let body = br#"[{"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"},
            {"label": "Old", "url": "/services/data/v9.0", "version": "9.0"}, {"label": "?", "version": "x"}]"#;
        let majors: Vec<u32> = read(body).unwrap().iter().map(|version| version.major).collect();
        assert_eq!(majors, [9, 67]);
    }
}
