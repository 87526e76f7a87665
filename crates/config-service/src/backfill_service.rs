//! gRPC adapter of `BackfillService`.

use activation::{
    InvalidField,
    names::{DestinationName, WorkspaceName},
};
use contracts::{
    config::v1::{self as pb, backfill_service_server::BackfillService},
    convert::{
        parsed, required,
        time::{time_in, time_out},
    },
    page::Page,
    status::{invalid_argument, invalid_field},
};
use tonic::{Request, Response, Status};

use crate::{
    backfills::{WantedBackfill, filter, page_key},
    destinations::Destination,
    store::{ChangeError, Store},
};

const DEFAULT_PAGE_SIZE: i32 = 50;

pub(crate) struct Adapter {
    pub(crate) store: Store,
}

impl Adapter {
    async fn existing(&self, name: &str) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, "name").map_err(invalid_field)?;
        let destination = self.store.destination(&name).await.map_err(ChangeError::from)?;
        destination.ok_or_else(|| ChangeError::NotFound(name.to_string()).into())
    }
}

#[tonic::async_trait]
impl BackfillService for Adapter {
    async fn list_wanted_backfills(
        &self,
        request: Request<pb::ListWantedBackfillsRequest>,
    ) -> Result<Response<pb::ListWantedBackfillsResponse>, Status> {
        let request = request.into_inner();
        let workspace: WorkspaceName = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let destination = filter(&request.destination).map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let mut wanted = self
            .store
            .wanted_backfills(&workspace, &destination, &page)
            .await
            .map_err(ChangeError::from)?;
        let next_page_token = page.finish(&mut wanted, page_key);
        Ok(Response::new(pb::ListWantedBackfillsResponse {
            wanted_backfills: wanted.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn request_backfills(
        &self,
        request: Request<pb::RequestBackfillsRequest>,
    ) -> Result<Response<pb::RequestBackfillsResponse>, Status> {
        let request = request.into_inner();
        let destination = self.existing(&request.name).await?;
        check_segments(&request.segments)?;
        let live = destination.live_segments();
        let not_live: Vec<InvalidField> = request
            .segments
            .iter()
            .enumerate()
            .filter(|(_, segment)| live.iter().all(|one| one.segment != **segment))
            .map(|(index, segment)| {
                InvalidField::new(
                    format!("segments[{index}]"),
                    format!("the segment '{segment}' is not live on this destination"),
                )
            })
            .collect();
        if !not_live.is_empty() {
            return Err(ChangeError::NotReady {
                reason: "SEGMENT_NOT_LIVE",
                problems: not_live,
            }
            .into());
        }
        let wanted = self
            .store
            .request_backfills(&destination, &request.segments)
            .await?;
        Ok(Response::new(pb::RequestBackfillsResponse {
            wanted_backfills: wanted.into_iter().map(Into::into).collect(),
        }))
    }

    async fn complete_backfills(
        &self,
        request: Request<pb::CompleteBackfillsRequest>,
    ) -> Result<Response<pb::CompleteBackfillsResponse>, Status> {
        let request = request.into_inner();
        let destination = self.existing(&request.name).await?;
        check_segments(&request.segments)?;
        let want_time = time_in(request.want_time, "want_time")
            .and_then(|time| required(time, "want_time"))
            .map_err(invalid_field)?;
        self.store
            .complete_backfills(&destination, &request.segments, want_time)
            .await?;
        Ok(Response::new(pb::CompleteBackfillsResponse {}))
    }
}

fn check_segments(segments: &[String]) -> Result<(), Status> {
    if segments.is_empty() {
        return Err(invalid_argument(&[InvalidField::new(
            "segments",
            "is required: at least one segment",
        )]));
    }
    Ok(())
}

impl From<WantedBackfill> for pb::WantedBackfill {
    fn from(wanted: WantedBackfill) -> Self {
        Self {
            destination: wanted.destination,
            segment: wanted.segment,
            want_time: Some(time_out(wanted.want_time)),
        }
    }
}
