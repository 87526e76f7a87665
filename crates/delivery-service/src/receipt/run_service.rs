//! gRPC adapter of `RunService`.

use std::collections::BTreeMap;

use activation::{InvalidField, names::DestinationUid};
use contracts::{
    convert::{parsed, time::time_out},
    delivery::v1::{self as pb, run_service_server::RunService},
    page::Page,
    status::{invalid_field, status},
};
use service::{
    chain::Chain,
    database::{from_micros, to_micros},
};
use tonic::{Code, Request, Response, Status};
use tracing::error;

use super::{Receipts, dead_letter_service::unknown_destination, outcome_out};
use crate::{
    journal::{HourOfAcceptance, Journal, JournalError},
    plans::Plans,
};

pub(crate) struct Adapter {
    pub(crate) receipts: Receipts,
    pub(crate) journal: Journal,
    pub(crate) plans: Plans,
}

const DEFAULT_PAGE_SIZE: i32 = 24;

#[tonic::async_trait]
impl RunService for Adapter {
    async fn list_runs(
        &self,
        request: Request<pb::ListRunsRequest>,
    ) -> Result<Response<pb::ListRunsResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let plan = self
            .plans
            .find(&name)
            .await
            .ok_or_else(|| unknown_destination(&name))?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let before = match page.after.as_str() {
            "" => None,
            micros => Some(micros.parse().map(from_micros).map_err(|_| {
                invalid_field(InvalidField::new(
                    "page_token",
                    "is not one that this list answered",
                ))
            })?),
        };
        let failed = |error: JournalError| {
            error!(error = %Chain(&error), "runs cannot be read");
            status(Code::Unavailable, "STORE_UNAVAILABLE", "the runs cannot be read")
        };
        let mut hours = self
            .journal
            .acceptances(&plan.uid, before, page.limit())
            .await
            .map_err(failed)?;
        let next_page_token = page.finish(&mut hours, |hour| to_micros(hour.run_time).to_string());
        let mut runs = Vec::with_capacity(hours.len());
        for hour in hours {
            runs.push(
                self.run(&request.parent, &plan.uid, &hour)
                    .await
                    .map_err(|error| failed(error.into()))?,
            );
        }
        Ok(Response::new(pb::ListRunsResponse {
            runs,
            next_page_token,
        }))
    }
}

impl Adapter {
    async fn run(
        &self,
        destination: &str,
        uid: &DestinationUid,
        hour: &HourOfAcceptance,
    ) -> Result<pb::Run, sqlx::Error> {
        // Read before the counts, so that what settles meanwhile is not both
        // counted and waiting.
        let progress = self.receipts.run_progress(uid, hour.run_time).await?;
        let counts = self.receipts.run_counts(uid, hour.run_time).await?;
        let mut run = pb::Run {
            destination: destination.to_owned(),
            start_time: Some(time_out(hour.run_time)),
            profiles_received: hour.profiles,
            profiles_waiting: (hour.profiles - progress.settled).max(0),
            records_created: progress.created,
            ..Default::default()
        };
        let mut segments: BTreeMap<String, pb::SegmentCounts> = BTreeMap::new();
        for count in counts {
            let outcome = outcome_out(&count.outcome);
            if count.segment.is_empty() {
                *by_outcome(
                    outcome,
                    &mut run.identities_delivered,
                    &mut run.identities_excluded,
                    &mut run.identities_failed,
                ) += count.identities;
                run.reasons.push(pb::ReasonCount {
                    outcome: outcome.into(),
                    reason: count.reason,
                    identities: count.identities,
                });
            } else {
                let counts = segments
                    .entry(count.segment.clone())
                    .or_insert_with(|| pb::SegmentCounts {
                        segment: count.segment,
                        ..Default::default()
                    });
                *by_outcome(
                    outcome,
                    &mut counts.identities_delivered,
                    &mut counts.identities_excluded,
                    &mut counts.identities_failed,
                ) += count.identities;
            }
        }
        run.segments = segments.into_values().collect();
        Ok(run)
    }
}

fn by_outcome<'a>(
    outcome: pb::Outcome,
    delivered: &'a mut i64,
    excluded: &'a mut i64,
    failed: &'a mut i64,
) -> &'a mut i64 {
    match outcome {
        pb::Outcome::Delivered => delivered,
        pb::Outcome::Excluded => excluded,
        pb::Outcome::Failed | pb::Outcome::Unspecified => failed,
    }
}
