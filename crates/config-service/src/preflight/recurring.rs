//! Checks of live destinations that nobody asks for: daily, and when the org's
//! fields change. What they find is kept, and what changed.

mod store;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::TimeDelta;
use contracts::config::v1 as pb;
use futures::FutureExt;
use salesforce::describe::{Edition, describe_if_changed};
use service::{chain::Chain, database::from_micros};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

pub use self::store::CheckChange;
use self::store::Due;
use super::{
    check::{Check, Subject},
    finding::{Finding, in_order},
    policies::live_findings,
};
use crate::{
    destinations::Destination,
    org::{Orgs, Trouble},
    store::Store,
};

/// Every live destination is checked this often.
pub const CHECK_INTERVAL: TimeDelta = TimeDelta::hours(24);
/// The org is asked this often whether its fields changed. With a round's delay
/// a change is noticed within the hour.
pub const POLL_INTERVAL: TimeDelta = TimeDelta::minutes(50);
/// How often it is looked up what is due. Not at once at a start: a process that
/// starts again and again must not use up the org's calls.
const ROUND_INTERVAL: Duration = Duration::from_secs(300);
/// How long the task stays with a process that was killed.
const LEASE_TIME: TimeDelta = TimeDelta::minutes(15);
/// How long changes are kept, as runs are (architecture.md §6).
const KEPT_FOR: TimeDelta = TimeDelta::days(396);

/// Does the recurring checks.
#[derive(Clone)]
pub(crate) struct RecurringChecks {
    store: Store,
    orgs: Orgs,
    max_segments: usize,
    /// Differs between processes.
    holder: String,
}

/// Whether an object is still what it was, by connection, object and edition:
/// asked once a round for all destinations of a login.
type Polled = HashMap<(String, &'static str, Option<String>, Option<String>), bool>;

impl RecurringChecks {
    pub(crate) fn new(store: Store, orgs: Orgs, max_segments: usize) -> Self {
        Self {
            store,
            orgs,
            max_segments,
            holder: Uuid::now_v7().to_string(),
        }
    }

    /// Goes on until shutdown. With several config-services on a database one
    /// of them checks.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        let mut rounds = interval_at(Instant::now() + ROUND_INTERVAL, ROUND_INTERVAL);
        let run = async {
            loop {
                rounds.tick().await;
                if let Err(error) = self.round().await {
                    warn!(error = %Chain(&error), "live destinations could not be checked, will try again");
                }
            }
        };
        let _ = shutdown.run_until_cancelled(run).await;
        if let Err(error) = self.store.give_back_check_lease(&self.holder).await {
            warn!(error = %Chain(&error), "the lease of checks could not be given back, it will run out");
        }
    }

    /// Checks what is due, unless another process does; returns how many
    /// destinations were checked.
    pub(crate) async fn round(&self) -> Result<usize, sqlx::Error> {
        if !self.holds_lease().await? {
            return Ok(0);
        }
        let now = self.store.clock.now();
        self.store.forget_checks(now - KEPT_FOR).await?;
        let due = self
            .store
            .due_checks(now - CHECK_INTERVAL, now - POLL_INTERVAL)
            .await?;
        let mut polled = Polled::new();
        let mut checked = 0;
        for due in due {
            // A round may take longer than the lease.
            if !self.holds_lease().await? {
                break;
            }
            if self.visit(&due, &mut polled).await? {
                checked += 1;
            }
        }
        Ok(checked)
    }

    async fn holds_lease(&self) -> Result<bool, sqlx::Error> {
        let now = self.store.clock.now();
        self.store
            .take_check_lease(&self.holder, now, now + LEASE_TIME)
            .await
    }

    /// Checks one destination if its day is over or its object changed.
    async fn visit(&self, due: &Due, polled: &mut Polled) -> Result<bool, sqlx::Error> {
        let Some(destination) = self.store.destination(&due.name).await? else {
            return Ok(false);
        };
        let Some(connection) = self.store.connection(&destination.connection).await? else {
            return Ok(false);
        };
        let uid = destination.uid.as_str();
        let now = self.store.clock.now();
        if let Some(seen) = due.only_if_changed() {
            let object = destination.activation.record_type.object();
            let key = (
                connection.name.to_string(),
                object,
                seen.last_modified.clone(),
                seen.etag.clone(),
            );
            let changed = match polled.get(&key) {
                Some(changed) => *changed,
                None => {
                    // A login that is refused is worth a check, which will say so.
                    let changed = match self.orgs.has_changed(&connection, object, seen).await {
                        Ok(changed) => changed,
                        Err(trouble) => trouble.is_refused(),
                    };
                    polled.insert(key, changed);
                    changed
                }
            };
            if !changed {
                self.store.record_poll(uid, now).await?;
                return Ok(false);
            }
        }
        let Some(live) = &destination.live else {
            return Ok(false);
        };
        let claimed = self.store.claimed_by_others(&destination).await?;
        let subject = Subject {
            activation: live,
            claimed: &claimed,
            max_segments: self.max_segments,
            sample_records: &[],
        };
        let check = self
            .orgs
            .check_destination(&connection, subject, live_findings(&destination), now)
            .await;
        if check.is_unreachable {
            // Says nothing of the destination; asked again with the next poll.
            self.store.record_poll(uid, now).await?;
            return Ok(false);
        }
        self.keep(&destination, due, check).await?;
        Ok(true)
    }

    async fn keep(&self, destination: &Destination, due: &Due, mut check: Check) -> Result<(), sqlx::Error> {
        let before = due.check.as_ref().map(|check| check.findings.as_slice());
        let change = before.map(|before| change(before, &mut check));
        if let Some(change) = change.as_ref().filter(|change| !change.is_nothing()) {
            info!(
                destination.name = %destination.name,
                findings.appeared = change.appeared.len(),
                findings.disappeared = change.disappeared.len(),
                "a recurring check found changes"
            );
        }
        self.store
            .record_recurring_check(destination.uid.as_str(), &check, change.as_ref())
            .await
    }
}

impl Orgs {
    /// Tells whether an object's description is another than the one seen.
    async fn has_changed(
        &self,
        connection: &crate::connections::Connection,
        object: &'static str,
        seen: Edition,
    ) -> Result<bool, Trouble> {
        let http = self.http.clone();
        let read = move |session| {
            let (http, seen) = (http.clone(), seen.clone());
            async move {
                let answered = describe_if_changed(&http, &session, object, &seen).await?;
                Ok(answered.value.is_some())
            }
            .boxed()
        };
        self.with_session(connection, read)
            .await
            .map(|(changed, _)| changed)
    }
}

/// Compares findings with those before. Where the org was not asked, what it
/// said before is kept.
fn change(before: &[Finding], check: &mut Check) -> CheckChange {
    let known: HashSet<_> = before.iter().map(identity).collect();
    let appeared = check
        .findings
        .iter()
        .filter(|finding| !known.contains(&identity(finding)))
        .cloned()
        .collect();
    let now: HashSet<_> = check.findings.iter().map(identity).collect();
    let gone: Vec<Finding> = before
        .iter()
        .filter(|finding| !now.contains(&identity(finding)))
        .cloned()
        .collect();
    let mut disappeared = Vec::new();
    if check.org_asked {
        disappeared = gone;
    } else {
        let mut all = std::mem::take(&mut check.findings);
        all.extend(gone);
        check.findings = in_order(all);
    }
    CheckChange {
        time_micros: check.time_micros,
        appeared,
        disappeared,
    }
}

/// What makes two findings one: their texts may count.
fn identity(finding: &Finding) -> (&str, &str, &str, &str) {
    (
        &finding.code,
        &finding.field,
        &finding.segment,
        &finding.salesforce_field,
    )
}

impl From<&CheckChange> for pb::CheckChange {
    fn from(change: &CheckChange) -> Self {
        Self {
            time: Some(contracts::convert::time::time_out(from_micros(
                change.time_micros,
            ))),
            appeared: change.appeared.iter().map(Into::into).collect(),
            disappeared: change.disappeared.iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    fn finding(code: &str, message: &str) -> Finding {
        Finding::new(Severity::Error, code, "f", message, "")
    }

    fn check(codes: &[&str], org_asked: bool) -> Check {
        Check {
            findings: codes.iter().map(|code| finding(code, "now")).collect(),
            org_asked,
            org_id: String::new(),
            time_micros: 7,
            edition: Edition::default(),
            is_unreachable: false,
        }
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn a_finding_whose_text_counts_on_is_no_change() {
        let before = [finding("a", "before"), finding("b", "before")];
        let mut now = check(&["a", "c"], true);
        let change = change(&before, &mut now);
        assert_eq!(codes(&change.appeared), ["c"]);
        assert_eq!(codes(&change.disappeared), ["b"]);
    }

    #[test]
    fn what_an_org_said_holds_until_it_can_be_asked_again() {
        let before = [finding("a", "before")];
        let mut now = check(&["LOGIN"], false);
        let change = change(&before, &mut now);
        assert_eq!(codes(&change.appeared), ["LOGIN"]);
        assert_eq!(codes(&change.disappeared), Vec::<&str>::new());
        assert_eq!(codes(&now.findings), ["LOGIN", "a"]);
    }
}
