//! gRPC adapter of `SegmentService`.

mod convert;

use activation::{InvalidField, names::WorkspaceName};
use contracts::{
    actor::actor,
    config::v1::{self as pb, segment_service_server::SegmentService},
    convert::{parsed, required},
    page::Page,
    status::{invalid_argument, invalid_field},
};
use tonic::{Request, Response, Status};

use self::convert::{segment_out, segments_in, settings_out, unknown_segments_in};
use crate::{
    connection_service::keep,
    governance::{effects::Cause, segment_namespaces_in},
    governance_service::convert::{affected_out, response_in},
    segments::{MAX_SEGMENTS_PER_CALL, SegmentFilter, SegmentName, SegmentUse, SettingsChange},
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
}

const DEFAULT_PAGE_SIZE: i32 = 50;

#[tonic::async_trait]
impl SegmentService for Adapter {
    async fn put_segments(
        &self,
        request: Request<pb::PutSegmentsRequest>,
    ) -> Result<Response<pb::PutSegmentsResponse>, Status> {
        let actor = actor(request.metadata()).map_err(invalid_field)?;
        let request = request.into_inner();
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let response = keep(response_in(request.violation_response), &mut wrong);
        let segments = segments_in(&request.segments, self.store.clock.now(), &mut wrong);
        let (Some(workspace), Some(response), true) = (workspace, response, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        let (segments, uses, affected) = self
            .store
            .put_segments(
                &workspace,
                segments,
                Cause {
                    response,
                    actor: &actor,
                },
            )
            .await?;
        Ok(Response::new(pb::PutSegmentsResponse {
            segments: segments
                .iter()
                .map(|segment| segment_out(&workspace, segment, &uses))
                .collect(),
            affected_destinations: affected.iter().map(affected_out).collect(),
        }))
    }

    async fn get_segment(
        &self,
        request: Request<pb::GetSegmentRequest>,
    ) -> Result<Response<pb::GetSegmentResponse>, Status> {
        let name: SegmentName = parsed(&request.into_inner().name, "name").map_err(invalid_field)?;
        let (segment, uses) = self
            .store
            .registered_segment(&name.workspace, &name.segment)
            .await
            .map_err(ChangeError::from)?
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))?;
        Ok(Response::new(pb::GetSegmentResponse {
            segment: Some(segment_out(&name.workspace, &segment, &uses)),
        }))
    }

    async fn list_registered_segments(
        &self,
        request: Request<pb::ListRegisteredSegmentsRequest>,
    ) -> Result<Response<pb::ListRegisteredSegmentsResponse>, Status> {
        let request = request.into_inner();
        let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let segment_use = match pb::SegmentUse::try_from(request.r#use) {
            Ok(pb::SegmentUse::Unspecified) => None,
            Ok(pb::SegmentUse::Activated) => Some(SegmentUse::Activated),
            Ok(pb::SegmentUse::NotActivated) => Some(SegmentUse::NotActivated),
            Err(_) => {
                return Err(invalid_field(InvalidField::new(
                    "use",
                    "must be ACTIVATED or NOT_ACTIVATED, or unset for both",
                )));
            }
        };
        let filter = SegmentFilter {
            namespace: request.namespace,
            segment_use,
        };
        let (mut segments, uses) = self
            .store
            .list_registered_segments(&workspace, &filter, &page)
            .await
            .map_err(ChangeError::from)?;
        let next_page_token = page.finish(&mut segments, |segment| segment.segment.clone());
        Ok(Response::new(pb::ListRegisteredSegmentsResponse {
            segments: segments
                .iter()
                .map(|segment| segment_out(&workspace, segment, &uses))
                .collect(),
            next_page_token,
        }))
    }

    async fn delete_segments(
        &self,
        request: Request<pb::DeleteSegmentsRequest>,
    ) -> Result<Response<pb::DeleteSegmentsResponse>, Status> {
        let request = request.into_inner();
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        if request.segments.is_empty() || request.segments.len() > MAX_SEGMENTS_PER_CALL {
            wrong.push(InvalidField::new(
                "segments",
                format!("must be from 1 to {MAX_SEGMENTS_PER_CALL} segment ids"),
            ));
        }
        let (Some(workspace), true) = (workspace, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        let destinations = self.store.delete_segments(&workspace, &request.segments).await?;
        Ok(Response::new(pb::DeleteSegmentsResponse { destinations }))
    }

    async fn get_segment_settings(
        &self,
        request: Request<pb::GetSegmentSettingsRequest>,
    ) -> Result<Response<pb::GetSegmentSettingsResponse>, Status> {
        let workspace = settings_workspace(&request.into_inner().name, "name").map_err(invalid_field)?;
        let settings = self
            .store
            .segment_settings(&workspace)
            .await
            .map_err(ChangeError::from)?;
        Ok(Response::new(pb::GetSegmentSettingsResponse {
            settings: Some(settings_out(&workspace, &settings)),
        }))
    }

    async fn update_segment_settings(
        &self,
        request: Request<pb::UpdateSegmentSettingsRequest>,
    ) -> Result<Response<pb::UpdateSegmentSettingsResponse>, Status> {
        let request = request.into_inner();
        let message = required(request.settings, "settings").map_err(invalid_field)?;
        let workspace = settings_workspace(&message.name, "settings.name").map_err(invalid_field)?;
        let mask = required(request.update_mask, "update_mask").map_err(invalid_field)?;
        let mut change = SettingsChange::default();
        for path in &mask.paths {
            match path.as_str() {
                "unknown_segments" => {
                    change.unknown_segments =
                        Some(unknown_segments_in(message.unknown_segments).map_err(invalid_field)?);
                }
                "segment_namespaces" => {
                    change.namespaces = Some(
                        segment_namespaces_in(
                            message.segment_namespaces.as_ref(),
                            "settings.segment_namespaces",
                        )
                        .map_err(ChangeError::Invalid)?,
                    );
                }
                other => {
                    return Err(invalid_field(InvalidField::new(
                        "update_mask",
                        format!("'{other}' cannot be updated; unknown_segments and segment_namespaces can"),
                    )));
                }
            }
        }
        let settings = self
            .store
            .update_segment_settings(&workspace, &message.etag, change)
            .await?;
        Ok(Response::new(pb::UpdateSegmentSettingsResponse {
            settings: Some(settings_out(&workspace, &settings)),
        }))
    }
}

fn settings_workspace(name: &str, field: &str) -> Result<WorkspaceName, InvalidField> {
    name.strip_suffix("/segmentSettings")
        .and_then(|workspace| workspace.parse().ok())
        .ok_or_else(|| {
            InvalidField::new(
                field,
                "is not a name of the form workspaces/{workspace}/segmentSettings",
            )
        })
}
