//! Which resource a path names.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use axum::http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::bulk::BulkResource;
use super::setup::SetupResource;
use super::tooling::ToolingResource;
use crate::org::Occasion;
use crate::refusal::CallError;

/// The API versions served. Source: salesforce-contract.md §8.
pub(super) const VERSIONS: RangeInclusive<u32> = 46..=67;

/// The oldest version that is not retired. Source: salesforce-contract.md §8.
const OLDEST_SUPPORTED: u32 = 31;

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub resource: Resource,
    /// As in the path (`v67.0`); empty outside `/services/data/`.
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    Token,
    Authorize,
    Introspect,
    Revoke,
    UserInfo,
    Identity {
        org: String,
        user: String,
    },
    Versions,
    Limits,
    Resources,
    /// `…/query` and, with `all`, `…/queryAll`.
    Query {
        all: bool,
        locator: Option<String>,
    },
    GlobalDescribe,
    Describe {
        object: String,
    },
    /// `…/sobjects/{object}`.
    Records {
        object: String,
    },
    Record {
        object: String,
        id: String,
    },
    /// `value` is decoded.
    RecordByKey {
        object: String,
        key: String,
        value: String,
    },
    Collections,
    CollectionsRead {
        object: String,
    },
    CollectionsUpsert {
        object: String,
        key: String,
    },
    Setup(SetupResource),
    Tooling(ToolingResource),
    Bulk(BulkResource),
    RetiredVersion,
    Unknown,
}

impl Route {
    pub(super) fn parse(path: &str) -> Self {
        // Each segment for itself: an encoded slash is part of a value.
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
            .collect();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let (resource, version) = match segments.as_slice() {
            ["services", "oauth2", "token"] => (Resource::Token, ""),
            ["services", "oauth2", "authorize"] => (Resource::Authorize, ""),
            ["services", "oauth2", "introspect"] => (Resource::Introspect, ""),
            ["services", "oauth2", "revoke"] => (Resource::Revoke, ""),
            ["services", "oauth2", "userinfo"] => (Resource::UserInfo, ""),
            ["id", org, user] => {
                let (org, user) = ((*org).to_owned(), (*user).to_owned());
                (Resource::Identity { org, user }, "")
            }
            ["services", "data"] => (Resource::Versions, ""),
            ["services", "data", version, rest @ ..] => (versioned(version, rest), *version),
            _ => (Resource::Unknown, ""),
        };
        Self {
            resource,
            version: version.to_owned(),
        }
    }

    /// Returns 67 for `v67.0`; 0 outside `/services/data/`.
    pub(super) fn version_number(&self) -> u32 {
        version_number(&self.version).unwrap_or(0)
    }
}

impl Resource {
    /// Returns whether it is there at the shared login hosts too.
    pub(super) fn is_oauth(&self) -> bool {
        matches!(
            self,
            Self::Token
                | Self::Authorize
                | Self::Introspect
                | Self::Revoke
                | Self::UserInfo
                | Self::Identity { .. }
        )
    }

    /// Returns which faults may be for a request with `method`.
    pub(super) fn occasion(&self, method: &Method) -> Occasion {
        match (self, method) {
            (Self::Token, _) => Occasion::Token,
            (Self::Describe { .. }, _) => Occasion::Describe,
            (Self::Query { .. }, _) => Occasion::Query,
            (Self::Bulk(_), _) => Occasion::Bulk,
            (Self::Tooling(_), _) => Occasion::Tooling,
            (Self::Collections, &Method::POST | &Method::PATCH | &Method::DELETE)
            | (Self::CollectionsUpsert { .. }, &Method::PATCH)
            | (Self::Records { .. }, &Method::POST)
            | (Self::Record { .. } | Self::RecordByKey { .. }, &Method::PATCH | &Method::DELETE) => {
                Occasion::Write
            }
            (Self::Record { id, .. }, &Method::POST) if id.eq_ignore_ascii_case("Id") => Occasion::Write,
            (Self::Setup(resource), method) if resource.is_written_by(method) => Occasion::Write,
            _ => Occasion::Any,
        }
    }

    /// Fails with 405 unless `method` is one the resource has. Source: salesforce-contract.md §3.2.
    pub(super) fn check_method(&self, method: &Method) -> Result<(), CallError> {
        let allowed: &[&str] = match self {
            Self::Token | Self::Introspect => &["POST"],
            Self::Authorize | Self::Revoke => &["GET", "POST"],
            Self::Collections => &["DELETE", "PATCH", "POST"],
            Self::CollectionsRead { .. } | Self::Records { .. } => &["GET", "HEAD", "POST"],
            Self::Record { id, .. } if id.eq_ignore_ascii_case("Id") => &["POST"],
            Self::Record { .. } | Self::RecordByKey { .. } => &["DELETE", "GET", "HEAD", "PATCH"],
            Self::CollectionsUpsert { .. } => &["PATCH"],
            Self::Bulk(resource) => resource.methods(),
            Self::Setup(resource) => resource.methods(),
            Self::Tooling(resource) => resource.methods(),
            Self::UserInfo
            | Self::Identity { .. }
            | Self::Versions
            | Self::Limits
            | Self::Resources
            | Self::Query { .. }
            | Self::GlobalDescribe
            | Self::Describe { .. } => &["GET", "HEAD"],
            // Answered with 404 or 410, whatever the method.
            Self::RetiredVersion | Self::Unknown => return Ok(()),
        };
        if allowed.contains(&method.as_str()) {
            return Ok(());
        }
        Err(CallError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            format!(
                "HTTP Method '{method}' not allowed. Allowed are {}",
                allowed.join(",")
            ),
        ))
    }
}

fn versioned(version: &str, rest: &[&str]) -> Resource {
    match version_number(version) {
        Some(number) if number < OLDEST_SUPPORTED => return Resource::RetiredVersion,
        Some(number) if VERSIONS.contains(&number) => {}
        Some(_) | None => return Resource::Unknown,
    }
    let owned = |text: &str| text.to_owned();
    if let Some(setup) = SetupResource::parse(rest) {
        return Resource::Setup(setup);
    }
    match rest {
        ["limits"] => Resource::Limits,
        [] => Resource::Resources,
        [name @ ("query" | "queryAll"), locator @ ..] if locator.len() <= 1 => Resource::Query {
            all: *name == "queryAll",
            locator: locator.first().map(|locator| owned(locator)),
        },
        ["sobjects"] => Resource::GlobalDescribe,
        ["tooling", rest @ ..] => ToolingResource::parse(rest).map_or(Resource::Unknown, Resource::Tooling),
        ["sobjects", object, "describe"] => Resource::Describe {
            object: owned(object),
        },
        // Page layouts, which are not served; never a record by a key of that name.
        ["sobjects", _, "describe", ..] => Resource::Unknown,
        ["sobjects", object] => Resource::Records {
            object: owned(object),
        },
        ["sobjects", object, id] => Resource::Record {
            object: owned(object),
            id: owned(id),
        },
        ["sobjects", object, key, value] => Resource::RecordByKey {
            object: owned(object),
            key: owned(key),
            value: owned(value),
        },
        ["composite", "sobjects"] => Resource::Collections,
        ["composite", "sobjects", object] => Resource::CollectionsRead {
            object: owned(object),
        },
        ["composite", "sobjects", object, key] => Resource::CollectionsUpsert {
            object: owned(object),
            key: owned(key),
        },
        ["jobs", "ingest", rest @ ..] => BulkResource::parse(rest).map_or(Resource::Unknown, Resource::Bulk),
        _ => Resource::Unknown,
    }
}

/// Tells whether a path takes the CSV of a bulk job, which may be larger than other bodies.
pub(super) fn takes_csv(path: &str) -> bool {
    path.contains("/jobs/ingest/") && path.trim_end_matches('/').ends_with("/batches")
}

/// Reads a version as in a path (`v67.0`).
fn version_number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_one_occasion() {
        for (method, path, occasion) in [
            (Method::POST, "/services/oauth2/token", Occasion::Token),
            (Method::GET, "/services/oauth2/userinfo", Occasion::Any),
            (Method::GET, "/services/data/", Occasion::Any),
            (Method::GET, "/services/data/v67.0/limits", Occasion::Any),
            (Method::GET, "/services/data/v67.0/query", Occasion::Query),
            (
                Method::GET,
                "/services/data/v67.0/queryAll/01g-2000",
                Occasion::Query,
            ),
            (
                Method::PATCH,
                "/services/data/v67.0/composite/sobjects",
                Occasion::Write,
            ),
            (
                Method::POST,
                "/services/data/v67.0/composite/sobjects/Lead",
                Occasion::Any,
            ),
            (
                Method::DELETE,
                "/services/data/v67.0/sobjects/Lead/1",
                Occasion::Write,
            ),
            (
                Method::PATCH,
                "/services/data/v67.0/sobjects/Lead/Crm_Key%5F_c/A%2F1",
                Occasion::Write,
            ),
            (Method::GET, "/services/data/v67.0/sobjects/Lead/1", Occasion::Any),
            (
                Method::POST,
                "/services/data/v67.0/sobjects/PermissionSet",
                Occasion::Write,
            ),
            (
                Method::GET,
                "/services/data/v67.0/sobjects/PermissionSet/1",
                Occasion::Any,
            ),
            (
                Method::GET,
                "/services/data/v67.0/sobjects/Lead/describe",
                Occasion::Describe,
            ),
            (
                Method::PUT,
                "/services/data/v67.0/jobs/ingest/7/batches",
                Occasion::Bulk,
            ),
            (
                Method::POST,
                "/services/data/v67.0/tooling/sobjects/CustomField",
                Occasion::Tooling,
            ),
        ] {
            let found = Route::parse(path).resource.occasion(&method);
            assert_eq!(found, occasion, "{method} {path}");
        }
    }

    #[test]
    fn every_part_of_a_path_may_be_percent_encoded() {
        let route = Route::parse("/services/data/v67.0/sobjects/Contact/Crm%5FKey%5F%5Fc/a%2Fb%20c+d");
        assert_eq!(
            route.resource,
            Resource::RecordByKey {
                object: "Contact".to_owned(),
                key: "Crm_Key__c".to_owned(),
                value: "a/b c+d".to_owned(),
            }
        );
        let route = Route::parse("/services/data/v67%2E0/composite/sobjects/Contact/Crm%5FKey__c");
        assert_eq!(route.version, "v67.0");
        assert_eq!(
            route.resource,
            Resource::CollectionsUpsert {
                object: "Contact".to_owned(),
                key: "Crm_Key__c".to_owned(),
            }
        );
    }
}
