//! All jobs of an org.

use chrono::{DateTime, TimeDelta, Utc};

use super::job::{Job, JobState};
use crate::ids::{RecordId, record_id};
use crate::org::RollingCount;

/// How long a job may stay open. Source: salesforce-contract.md §7 (limits).
const MAX_OPEN: TimeDelta = TimeDelta::hours(24);

/// How long results are kept. Source: salesforce-contract.md §7 (limits).
const KEPT: TimeDelta = TimeDelta::days(7);

/// Source: salesforce-contract.md §5.5.
const KEY_PREFIX: &str = "750";

/// The jobs of one org, oldest first.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub jobs: Vec<Job>,
    /// Batches of the last 24 hours.
    pub batches: RollingCount,
    created: u64,
}

impl Jobs {
    pub(crate) fn new() -> Self {
        Self {
            jobs: Vec::new(),
            batches: RollingCount::new(TimeDelta::hours(24)),
            created: 0,
        }
    }

    pub(crate) fn next_id(&mut self) -> RecordId {
        self.created += 1;
        RecordId::parse(&record_id(KEY_PREFIX, self.created)).expect("record_id returns valid ids")
    }

    pub(crate) fn find(&mut self, id: &str) -> Option<&mut Job> {
        let id = RecordId::parse(id)?;
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    pub(crate) fn remove(&mut self, id: RecordId) {
        self.jobs.retain(|job| job.id != id);
    }

    /// Aborts what was open for too long and forgets what is too old.
    pub(super) fn expire(&mut self, now: DateTime<Utc>) {
        for job in &mut self.jobs {
            if job.state == JobState::Open && now - job.created >= MAX_OPEN {
                job.set_state(JobState::Aborted, job.created + MAX_OPEN);
            }
        }
        self.jobs
            .retain(|job| !job.state.is_final() || now - job.modified < KEPT);
    }
}
