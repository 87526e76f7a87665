//! Bulk API 2.0 ingest (§7): one job carries what would take hundreds of
//! collections calls. In order: [`create`], [`upload`], [`close`], [`job`]
//! until it has ended, then the three result sets.

mod job;
mod results;
mod upload;

pub use job::{Job, JobOperation, JobSpec, JobState, abort, close, create, delete, job};
pub use results::{
    FailedRow, SavedRow, failed_rows, read_failed, read_saved, read_unprocessed, saved_rows, unprocessed_rows,
};
pub use upload::{Cell, InvalidUpload, MAX_UPLOAD_BYTES, PushError, Upload, UploadWriter, upload};
