//! What the org may use and what is left (§4.2).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    API_VERSION, Http, Session,
    request::{RequestError, get},
    usage::Answered,
};

/// The org's limits by name, accurate within five minutes. Entries of another
/// shape are left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub struct Limits(BTreeMap<String, Limit>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub max: i64,
    /// Below zero where an org may overrun a soft limit.
    pub remaining: i64,
    /// The share of each connected app, by its name.
    pub per_app: BTreeMap<String, AppLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppLimit {
    pub max: i64,
    pub remaining: i64,
}

impl From<BTreeMap<String, Value>> for Limits {
    fn from(entries: BTreeMap<String, Value>) -> Self {
        let limit = |entry: &Value| {
            let own = AppLimit::of(entry)?;
            let apps = entry.as_object()?.iter();
            Some(Limit {
                max: own.max,
                remaining: own.remaining,
                per_app: apps
                    .filter_map(|(name, share)| Some((name.clone(), AppLimit::of(share)?)))
                    .collect(),
            })
        };
        Self(
            entries
                .iter()
                .filter_map(|(name, entry)| Some((name.clone(), limit(entry)?)))
                .collect(),
        )
    }
}

impl AppLimit {
    fn of(entry: &Value) -> Option<Self> {
        Some(Self {
            max: entry.get("Max")?.as_i64()?,
            remaining: entry.get("Remaining")?.as_i64()?,
        })
    }
}

impl Limits {
    pub fn get(&self, name: &str) -> Option<&Limit> {
        self.0.get(name)
    }

    /// Returns the calls of the last 24 hours, by everybody who uses the org.
    pub fn daily_api_requests(&self) -> Option<&Limit> {
        self.get("DailyApiRequests")
    }
}

/// Reads the org's limits. Needs the permission View Setup and Configuration;
/// not to be asked often, or twice at once.
pub async fn limits(http: &Http, session: &Session) -> Result<Answered<Limits>, RequestError> {
    get(http, session, &format!("/services/data/{API_VERSION}/limits")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_with_and_without_apps_are_read() {
        let limits: Limits = serde_json::from_str(
            r#"{"DailyApiRequests": {"Max": 115000, "Remaining": -3, "Ant Migration Tool": {"Max": 5, "Remaining": 4}, "Odd": 1},
                "Odder": {"Max": "many"},
                "PermissionSets": {"Max": 1500, "Remaining": 1490}}"#,
        )
        .unwrap();
        let daily = limits.daily_api_requests().unwrap();
        assert_eq!((daily.max, daily.remaining), (115_000, -3));
        assert_eq!(daily.per_app["Ant Migration Tool"].remaining, 4);
        assert_eq!(limits.get("PermissionSets").unwrap().per_app.len(), 0);
        assert!(limits.get("Odder").is_none());
    }
}
