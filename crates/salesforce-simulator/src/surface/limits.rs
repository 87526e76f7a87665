//! How much of the daily quota is used: the header on every answer, and the `limits` resource.

use axum::http::HeaderValue;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::session::Caller;
use super::{ApiRequest, reply};
use crate::org::{App, Org, OrgState, UsageHeader};
use crate::refusal::CallError;

/// Most that the reported usage lags behind. Source: salesforce-contract.md §10.
const MAX_JITTER: u64 = 5;

/// Source: salesforce-contract.md §4.1, where nothing says what it limits; here, calls in a minute.
const MAX_BURST: u64 = 750;

/// The last version in which batches are called requests. Source: salesforce-contract.md §4.2.
const LAST_WITH_BATCH_REQUESTS: u32 = 48;

/// Answers `GET …/limits`. Source: salesforce-contract.md §4.2.
///
/// # Errors
/// 403 without View Setup and Configuration.
pub(super) fn limits(
    org: &Org,
    state: &mut OrgState,
    request: &ApiRequest,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response, CallError> {
    let permissions = &caller.user.permissions;
    if !permissions.view_setup {
        return Err(CallError::insufficient_access());
    }
    let max = state.usage.max();
    let used = state.usage.told(state.switches().login.limits, now);
    let mut requests = entry(max, used);
    for app in state.directory.apps() {
        if let Some(app_max) = app.daily_request_limit {
            let app_used = state.usage.used_by_app(&app.client_id, now);
            requests[app.display_name()] = entry(app_max, app_used);
        }
    }
    let batches = if request.route.version_number() <= LAST_WITH_BATCH_REQUESTS {
        "DailyBulkApiRequests"
    } else {
        "DailyBulkApiBatches"
    };
    let mut limits = json!({
        "DailyApiRequests": requests,
        batches: entry(org.options.bulk.daily_batches, state.bulk.batches.total(now)),
        "DailyBulkV2QueryJobs": entry(10_000, 0),
        "DailyBulkV2QueryFileStorageMB": entry(976_562, 0),
        "ConcurrentAsyncGetReportInstances": entry(200, 0),
        "ConcurrentSyncReportRuns": entry(20, 0),
        "PermissionSets": entry(1_500, 10),
    });
    if permissions.manage_users {
        limits["DataStorageMB"] = entry(1_024, 384);
        limits["FileStorageMB"] = entry(1_024, 124);
    }
    Ok(reply::ok(&limits))
}

/// Returns `Sforce-Limit-Info`, unless the org sends none. Source: salesforce-contract.md §4.1.
pub(super) fn usage_header(
    org: &Org,
    state: &mut OrgState,
    app: Option<&App>,
    now: DateTime<Utc>,
) -> Option<HeaderValue> {
    let max = state.usage.max();
    let used = state.usage.used(now);
    let text = match org.options.usage_header {
        UsageHeader::Exact => format!("api-usage={used}/{max}"),
        UsageHeader::Jitter => {
            let told = used.saturating_sub(state.random.up_to(MAX_JITTER));
            format!("api-usage={told}/{max}")
        }
        UsageHeader::Bursts => {
            let burst = state.usage.this_minute(now);
            format!("api-usage={used}/{max}; api-bursts={burst}/{MAX_BURST}")
        }
        UsageHeader::PerApp => {
            let own = app.and_then(|app| Some((app, app.daily_request_limit?)));
            match own {
                Some((app, app_max)) => format!(
                    "api-usage={used}/{max}; per-app-api-usage={}/{app_max}(appName={})",
                    state.usage.used_by_app(&app.client_id, now),
                    app.display_name(),
                ),
                None => format!("api-usage={used}/{max}"),
            }
        }
        UsageHeader::Absent => return None,
    };
    HeaderValue::from_str(&text).ok()
}

fn entry(max: u64, used: u64) -> Value {
    json!({"Max": max, "Remaining": max.saturating_sub(used)})
}
