//! When the next request of a kind may go.

use rand::rngs::StdRng;
use tokio::time::Instant;

use super::{backoff::Backoff, machine::Trouble};

/// What calls that failed as a whole have left behind.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since the last one that was answered.
    pub(super) failed_calls: u32,
    pub(super) not_before: Option<Instant>,
    pub(super) trouble: Option<Trouble>,
}

impl Pace {
    pub(super) fn failed(&mut self, now: Instant, trouble: Trouble, backoff: &Backoff, random: &mut StdRng) {
        self.failed_calls = self.failed_calls.saturating_add(1);
        self.not_before = Some(now + backoff.wait(self.failed_calls, trouble.retry_after, random));
        self.trouble = Some(trouble);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}
