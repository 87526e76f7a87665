//! gRPC adapter of `DestinationService`.

mod answer;
mod edit;
mod put;
mod settings;
mod suggestion;
mod update;
mod waiting;

use activation::{
    InvalidField,
    destination::{Activation, SegmentActivation},
    names::{DestinationName, DestinationUid, ResourceId, WorkspaceName},
};
use contracts::{
    actor::actor,
    config::v1::{self as pb, destination_service_server::DestinationService},
    convert::{
        destination::{destination_in, field_mapping_in, segment_in},
        parsed, required,
    },
    page::Page,
    status::{invalid_argument, invalid_field},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use self::{
    answer::revision_out,
    edit::{SegmentPaths, check_activation},
    settings::{connection, definition_in},
    update::{segment_of, update_field, update_segment_field},
    waiting::{no_choice, waiting_in},
};
use crate::{
    connection_service::keep,
    destinations::{
        DesiredState, Destination, Edit, Intent, NewDestination, WaitingUpdates, discard_until, revisions,
    },
    governance::segments_out,
    org::Orgs,
    request_rows::Rows,
    store::{ChangeError, Store},
    warnings,
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) orgs: Orgs,
    pub(crate) max_segments: usize,
    pub(crate) max_destinations: i64,
}

const DEFAULT_PAGE_SIZE: i32 = 50;

fn actor_of<T>(request: &Request<T>) -> Result<String, Status> {
    actor(request.metadata()).map_err(invalid_field)
}

#[tonic::async_trait]
impl DestinationService for Adapter {
    async fn create_destination(
        &self,
        request: Request<pb::CreateDestinationRequest>,
    ) -> Result<Response<pb::CreateDestinationResponse>, Status> {
        let created_by = actor_of(&request)?;
        let request = request.into_inner();
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let id: Option<ResourceId> = keep(parsed(&request.destination_id, "destination_id"), &mut wrong);
        let settings = keep(destination_in(request.destination), &mut wrong).and_then(|message| {
            definition_in(&message, workspace.as_ref())
                .map_err(|invalid| wrong.extend(invalid))
                .ok()
        });
        let (Some(workspace), Some(id), Some(settings)) = (workspace, id, settings) else {
            return Err(invalid_argument(&wrong));
        };
        let new = NewDestination {
            name: DestinationName::new(workspace, id),
            uid: DestinationUid::new(Uuid::now_v7().to_string()),
            settings,
            created_by,
        };
        let destination = self.create_draft(new, Intent::Make).await?;
        Ok(Response::new(pb::CreateDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn put_destination(
        &self,
        request: Request<pb::PutDestinationRequest>,
    ) -> Result<Response<pb::PutDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        Ok(Response::new(self.put(request.into_inner(), &actor).await?))
    }

    async fn get_destination(
        &self,
        request: Request<pb::GetDestinationRequest>,
    ) -> Result<Response<pb::GetDestinationResponse>, Status> {
        let name = parsed(&request.into_inner().name, "name").map_err(invalid_field)?;
        let destination = self.existing(&name).await?;
        Ok(Response::new(pb::GetDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn list_destinations(
        &self,
        request: Request<pb::ListDestinationsRequest>,
    ) -> Result<Response<pb::ListDestinationsResponse>, Status> {
        let request = request.into_inner();
        let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let mut destinations = self
            .store
            .list_destinations(&workspace, &page)
            .await
            .map_err(ChangeError::from)?;
        let next_page_token = page.finish(&mut destinations, |destination| destination.name.to_string());
        let destinations = destinations.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDestinationsResponse {
            destinations,
            next_page_token,
        }))
    }

    async fn update_destination(
        &self,
        request: Request<pb::UpdateDestinationRequest>,
    ) -> Result<Response<pb::UpdateDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let message = destination_in(request.destination).map_err(invalid_field)?;
        let name = parsed(&message.name, "destination.name").map_err(invalid_field)?;
        let mask = required(request.update_mask, "update_mask").map_err(invalid_field)?;
        if mask.paths.iter().any(|path| path == "connection") {
            let connection = connection(&message, None).map_err(invalid_field)?;
            self.check_connection(&connection).await?;
        }
        let max_segments = self.max_segments;
        let edit = Edit {
            name: &name,
            etag: &message.etag,
            actor: &actor,
        };
        let destination = self
            .store
            .change_destination(edit, |destination, claimed| {
                for path in &mask.paths {
                    update_field(destination, path, &message)?;
                }
                check_activation(&destination.activation, claimed, max_segments)
            })
            .await?;
        Ok(Response::new(pb::UpdateDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn delete_destination(
        &self,
        request: Request<pb::DeleteDestinationRequest>,
    ) -> Result<Response<pb::DeleteDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        let waiting = waiting_in(request.waiting_updates).unwrap_or(WaitingUpdates::Resume);
        let edit = Edit {
            name: &name,
            etag: &request.etag,
            actor: &actor,
        };
        let waiting_updates = self.store.delete_destination(edit, waiting).await?;
        Ok(Response::new(pb::DeleteDestinationResponse { waiting_updates }))
    }

    async fn set_field_mappings(
        &self,
        request: Request<pb::SetFieldMappingsRequest>,
    ) -> Result<Response<pb::SetFieldMappingsResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let rows = Rows::read(&request.field_mappings, "field_mappings", field_mapping_in);
        let mappings = match rows.all() {
            Ok(mappings) => mappings,
            Err(rows) => {
                let replace = |activation: &mut Activation, readable| {
                    activation.field_mappings = readable;
                    SegmentPaths::OfDestination
                };
                return Err(self.every_problem(&request.name, rows, replace).await);
            }
        };
        let destination = self
            .change_activation(&request.name, &request.etag, &actor, |activation| {
                activation.field_mappings = mappings;
                Ok(SegmentPaths::OfDestination)
            })
            .await?;
        Ok(Response::new(pb::SetFieldMappingsResponse {
            warnings: warnings::of_field_mappings(&destination.activation),
            destination: Some(destination.into()),
        }))
    }

    async fn add_segments(
        &self,
        request: Request<pb::AddSegmentsRequest>,
    ) -> Result<Response<pb::AddSegmentsResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        if request.segments.is_empty() {
            return Err(invalid_field(InvalidField::new(
                "segments",
                "is required: at least one segment",
            )));
        }
        let rows = Rows::read(&request.segments, "segments", segment_in);
        let segments = match rows.all() {
            Ok(segments) => segments,
            Err(rows) => {
                let append = |activation: &mut Activation, readable: Vec<SegmentActivation>| {
                    let before = activation.segments.len();
                    activation.segments.extend(readable);
                    SegmentPaths::Added { before }
                };
                return Err(self.every_problem(&request.name, rows, append).await);
            }
        };
        let added = segments.clone();
        let destination = self
            .change_activation(&request.name, &request.etag, &actor, |activation| {
                let before = activation.segments.len();
                activation.segments.extend(segments);
                Ok(SegmentPaths::Added { before })
            })
            .await?;
        let mut warnings = warnings::of_segments(&destination.activation);
        warnings.extend(warnings::of_added_segments(&destination, &added));
        Ok(Response::new(pb::AddSegmentsResponse {
            warnings,
            destination: Some(destination.into()),
        }))
    }

    async fn update_segment(
        &self,
        request: Request<pb::UpdateSegmentRequest>,
    ) -> Result<Response<pb::UpdateSegmentResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let message = required(request.segment, "segment").map_err(invalid_field)?;
        let mask = required(request.update_mask, "update_mask").map_err(invalid_field)?;
        let destination = self
            .change_activation(&request.name, &request.etag, &actor, |activation| {
                let segment = segment_of(activation, &message.segment)?;
                let wrong: Vec<InvalidField> = mask
                    .paths
                    .iter()
                    .filter_map(|path| update_segment_field(segment, path, &message).err())
                    .collect();
                if wrong.is_empty() {
                    Ok(SegmentPaths::One)
                } else {
                    Err(ChangeError::Invalid(wrong))
                }
            })
            .await?;
        Ok(Response::new(pb::UpdateSegmentResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn remove_segment(
        &self,
        request: Request<pb::RemoveSegmentRequest>,
    ) -> Result<Response<pb::RemoveSegmentResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let destination = self
            .change_activation(&request.name, &request.etag, &actor, |activation| {
                segment_of(activation, &request.segment)?;
                activation
                    .segments
                    .retain(|segment| segment.segment != request.segment);
                Ok(SegmentPaths::OfDestination)
            })
            .await?;
        Ok(Response::new(pb::RemoveSegmentResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn list_segments(
        &self,
        request: Request<pb::ListSegmentsRequest>,
    ) -> Result<Response<pb::ListSegmentsResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let destination = self.existing(&name).await?;
        let mut segments = destination.activation.segments.clone();
        if request.only_staged {
            let live = destination.live.as_ref().map(|live| live.segments.as_slice());
            segments.retain(|segment| !live.unwrap_or_default().contains(segment));
        }
        segments.sort_by(|one, other| one.segment.cmp(&other.segment));
        segments.retain(|segment| segment.segment.as_str() > page.after.as_str());
        let next_page_token = page.finish(&mut segments, |segment| segment.segment.clone());
        Ok(Response::new(pb::ListSegmentsResponse {
            segments: segments_out(&segments, &destination.standing),
            next_page_token,
        }))
    }

    async fn activate_destination(
        &self,
        request: Request<pb::ActivateDestinationRequest>,
    ) -> Result<Response<pb::ActivateDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name: DestinationName = parsed(&request.name, "name").map_err(invalid_field)?;
        let draft = self.existing(&name).await?;
        if !draft.is_draft() {
            return Err(ChangeError::not_ready(
                "ACTIVATED",
                "name",
                format!("{name} is activated already; use EnableDestination and DisableDestination"),
            )
            .into());
        }
        let destination = self
            .make_live(&draft, &request.etag, &actor, |destination| {
                destination.desired_state = DesiredState::Enabled;
            })
            .await?;
        Ok(Response::new(pb::ActivateDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn enable_destination(
        &self,
        request: Request<pb::EnableDestinationRequest>,
    ) -> Result<Response<pb::EnableDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        let Some(waiting) = waiting_in(request.waiting_updates) else {
            let destination = self.existing(&name).await?;
            check_activated(&destination)?;
            return Err(invalid_field(no_choice(destination.waiting_updates())));
        };
        let now = self.store.clock.now();
        let edit = Edit {
            name: &name,
            etag: &request.etag,
            actor: &actor,
        };
        let destination = self
            .store
            .change_destination(edit, |destination, _| {
                check_activated(destination)?;
                if destination.desired_state == DesiredState::Disabled && waiting == WaitingUpdates::Discard {
                    discard_until(destination, now);
                }
                destination.desired_state = DesiredState::Enabled;
                Ok(())
            })
            .await?;
        Ok(Response::new(pb::EnableDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn disable_destination(
        &self,
        request: Request<pb::DisableDestinationRequest>,
    ) -> Result<Response<pb::DisableDestinationResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        let edit = Edit {
            name: &name,
            etag: &request.etag,
            actor: &actor,
        };
        let destination = self
            .store
            .change_destination(edit, |destination, _| {
                check_activated(destination)?;
                destination.desired_state = DesiredState::Disabled;
                Ok(())
            })
            .await?;
        Ok(Response::new(pb::DisableDestinationResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn apply_changes(
        &self,
        request: Request<pb::ApplyChangesRequest>,
    ) -> Result<Response<pb::ApplyChangesResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name: DestinationName = parsed(&request.name, "name").map_err(invalid_field)?;
        let edited = self.existing(&name).await?;
        check_activated(&edited)?;
        let destination = self.make_live(&edited, &request.etag, &actor, |_| {}).await?;
        Ok(Response::new(pb::ApplyChangesResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn discard_changes(
        &self,
        request: Request<pb::DiscardChangesRequest>,
    ) -> Result<Response<pb::DiscardChangesResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        let edit = Edit {
            name: &name,
            etag: &request.etag,
            actor: &actor,
        };
        let destination = self
            .store
            .change_destination(edit, |destination, _| {
                check_activated(destination)?;
                if let Some(live) = &destination.live {
                    destination.activation = live.clone();
                }
                Ok(())
            })
            .await?;
        Ok(Response::new(pb::DiscardChangesResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn list_revisions(
        &self,
        request: Request<pb::ListRevisionsRequest>,
    ) -> Result<Response<pb::ListRevisionsResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let destination = self.existing(&name).await?;
        let found = self.store.list_revisions(&destination, &page).await?;
        let mut revisions: Vec<pb::DestinationRevision> = found
            .iter()
            .enumerate()
            .map(|(index, revision)| revision_out(&name, revision, found.get(index + 1)))
            .collect();
        let next_page_token = page.finish(&mut revisions, |revision| revision.revision.to_string());
        Ok(Response::new(pb::ListRevisionsResponse {
            revisions,
            next_page_token,
        }))
    }

    async fn restore_revision(
        &self,
        request: Request<pb::RestoreRevisionRequest>,
    ) -> Result<Response<pb::RestoreRevisionResponse>, Status> {
        let actor = actor_of(&request)?;
        let request = request.into_inner();
        let (name, number) = revisions::parse_name(&request.name).map_err(invalid_field)?;
        let destination = self.existing(&name).await?;
        let revision = self
            .store
            .revision(&destination, number)
            .await
            .map_err(ChangeError::from)?
            .ok_or_else(|| ChangeError::NotFound(request.name.clone()))?;
        let destination = self
            .change_activation(&name.to_string(), &request.etag, &actor, |activation| {
                *activation = revision.definition;
                Ok(SegmentPaths::OfDestination)
            })
            .await?;
        Ok(Response::new(pb::RestoreRevisionResponse {
            destination: Some(destination.into()),
        }))
    }

    async fn suggest_mapping_ids(
        &self,
        request: Request<pb::SuggestMappingIdsRequest>,
    ) -> Result<Response<pb::SuggestMappingIdsResponse>, Status> {
        let suggestions = self.suggestions(request.into_inner()).await?;
        Ok(Response::new(pb::SuggestMappingIdsResponse { suggestions }))
    }
}

fn check_activated(destination: &Destination) -> Result<(), ChangeError> {
    if destination.is_draft() {
        return Err(ChangeError::not_ready(
            "NOT_ACTIVATED",
            "name",
            format!("{} is a draft; use ActivateDestination", destination.name),
        ));
    }
    Ok(())
}
