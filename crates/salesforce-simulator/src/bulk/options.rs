//! How an org runs its bulk jobs.

use serde::Deserialize;

/// `bulk` of `POST /simulator/orgs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BulkOptions {
    /// How long a closed job waits in `UploadComplete`.
    pub queue_seconds: u32,
    /// How long 200 rows take; with 0 a job is done when it is next asked for.
    pub seconds_per_batch: u32,
    /// `DailyBulkApiBatches`, of up to 10 000 rows each. Source: salesforce-contract.md §7 (limits).
    pub daily_batches: u64,
    /// Largest upload. Source: salesforce-contract.md §7 (limits).
    pub max_upload_bytes: usize,
    /// How often a batch that meets a locked record is tried again. Source: salesforce-contract.md §7.
    pub max_retries: u32,
    /// Source: salesforce-contract.md §10.
    pub content_url: ContentUrl,
    pub error_names: ErrorNames,
}

/// Whether `contentUrl` begins with a slash. Source: salesforce-contract.md §7 and §10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ContentUrl {
    #[default]
    Relative,
    Absolute,
}

/// How the `errorCode`s of the vendor's list are written. Source: salesforce-contract.md §7 (errors).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErrorNames {
    /// `INVALIDJOBSTATE`, as in the guide's examples of answers.
    #[default]
    Upper,
    /// `InvalidJobState`, as in the guide's list.
    Mixed,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self {
            queue_seconds: 0,
            seconds_per_batch: 0,
            daily_batches: 15_000,
            max_upload_bytes: 100_000_000,
            max_retries: 20,
            content_url: ContentUrl::default(),
            error_names: ErrorNames::default(),
        }
    }
}
