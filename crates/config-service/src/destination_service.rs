//! gRPC adapter of `DestinationService`.

use activation::{
    InvalidField,
    destination::{Activation, CreationRules, DuplicateRule, SegmentActivation},
    mapping_id_suggestion::{Affix, Affixes, suggest},
    names::{DestinationName, DestinationUid, ResourceId, WorkspaceName},
    org_shape::OrgShape,
    plan::Rules,
};
use contracts::{
    actor::actor,
    config::v1::{self as pb, destination_service_server::DestinationService},
    convert::{
        creation::{creation_rules_out, duplicate_rule_in, duplicate_rule_out},
        destination::{
            deleted_profile_policy_in, destination_in, field_mapping_in, record_type_in, segment_in,
            write_mode_in, write_mode_out,
        },
        mapping::{status_values_in, status_values_out},
        parsed, required,
        time::{duration_in, duration_out, time_in, time_out},
    },
    page::Page,
    status::{invalid_argument, invalid_field, status},
};
use service::database::from_micros;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{
    connection_service::keep,
    connections::CheckState,
    destinations::{
        ClaimedField, DEFAULT_MAX_DELAY, DeliveryState, DesiredState, Destination, Edit, NewDestination,
        WaitingUpdates, claimed_by_others, creation, discard_until,
        revisions::{self, Revision},
        staged,
    },
    governance::{add_governance, marketing_actions_in, segment_namespaces_in, segments_out},
    org::{Orgs, Trouble, shape_of},
    preflight::{check::org_findings, finding::refusals},
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

/// How the segments of a destination are called in a request: problems are
/// told by the caller's own paths.
#[derive(Debug, Clone, Copy)]
enum SegmentPaths {
    /// As in the destination.
    OfDestination,
    /// The request adds segments behind so many.
    Added { before: usize },
    /// The request is about one segment.
    One,
}

impl SegmentPaths {
    fn in_request(self, problems: Vec<InvalidField>) -> Vec<InvalidField> {
        let renamed = |problem: InvalidField| {
            let parts = problem
                .field
                .strip_prefix("segments[")
                .and_then(|rest| rest.split_once(']'));
            let Some((Ok(index), rest)) = parts.map(|(index, rest)| (index.parse::<usize>(), rest)) else {
                return problem;
            };
            let field = match self {
                Self::Added { before } if index >= before => format!("segments[{}]{rest}", index - before),
                Self::One => format!("segment{rest}"),
                Self::OfDestination | Self::Added { .. } => return problem,
            };
            InvalidField::new(field, problem.problem)
        };
        problems.into_iter().map(renamed).collect()
    }
}

/// What the org says of a destination.
struct OrgAnswer {
    org_id: String,
    shape: OrgShape,
}

impl Adapter {
    async fn existing(&self, name: &DestinationName) -> Result<Destination, ChangeError> {
        self.store
            .destination(name)
            .await?
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))
    }

    /// Compares a destination with the org's own description.
    async fn ask_org(&self, destination: &Destination, paths: SegmentPaths) -> Result<OrgAnswer, Status> {
        let connection = self
            .store
            .connection(&destination.connection)
            .await
            .map_err(ChangeError::from)?
            .ok_or_else(|| ChangeError::NotFound(destination.connection.to_string()))?;
        let activation = &destination.activation;
        let org = self
            .orgs
            .described(&connection, activation)
            .await
            .map_err(|trouble| trouble_status(&trouble))?;
        let found = refusals(org_findings(activation, &org));
        if !found.is_empty() {
            return Err(ChangeError::NotReady {
                reason: "ORG_DOES_NOT_FIT",
                problems: paths.in_request(found),
            }
            .into());
        }
        Ok(OrgAnswer {
            org_id: org.org_id,
            shape: shape_of(activation, &org.object),
        })
    }

    /// Makes a change of mappings or segments; of an activated destination it
    /// is staged.
    async fn change_activation(
        &self,
        name: &str,
        etag: &str,
        actor: &str,
        change: impl FnOnce(&mut Activation) -> Result<SegmentPaths, ChangeError>,
    ) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, "name").map_err(invalid_field)?;
        let max_segments = self.max_segments;
        let edit = Edit {
            name: &name,
            etag,
            actor,
        };
        let mut asked = SegmentPaths::OfDestination;
        let stored = self
            .store
            .change_destination(edit, |destination, claimed| {
                let paths = change(&mut destination.activation)?;
                asked = paths;
                check_activation(&destination.activation, claimed, max_segments).map_err(
                    |error| match error {
                        ChangeError::Invalid(problems) => ChangeError::Invalid(paths.in_request(problems)),
                        other => other,
                    },
                )
            })
            .await
            .map_err(|error| error.with_problems(|problems| asked.in_request(problems)))?;
        Ok(stored)
    }

    /// Makes what was edited live, once it compiles and the org has what it
    /// names.
    async fn make_live(
        &self,
        edited: &Destination,
        etag: &str,
        actor: &str,
        change: impl FnOnce(&mut Destination),
    ) -> Result<Destination, Status> {
        Rules::compile(&edited.activation, &edited.org_shape).map_err(|problems| ChangeError::NotReady {
            reason: "NOT_FINISHED",
            problems,
        })?;
        let answer = self.ask_org(edited, SegmentPaths::OfDestination).await?;
        self.store.pin_org(&edited.connection, &answer.org_id).await?;
        // What was asked of the org holds for what was read.
        let seen = edited.version.to_string();
        let edit = Edit {
            name: &edited.name,
            etag: if etag.is_empty() { &seen } else { etag },
            actor,
        };
        let max_segments = self.max_segments;
        let stored = self
            .store
            .change_destination(edit, |destination, claimed| {
                check_activation(&destination.activation, claimed, max_segments)?;
                destination.org_shape = answer.shape;
                destination.go_live();
                change(destination);
                Ok(())
            })
            .await?;
        Ok(stored)
    }

    /// Returns everything that is wrong with rows of which some cannot be read.
    async fn every_problem<T>(
        &self,
        name: &str,
        mut rows: Rows<T>,
        add: impl FnOnce(&mut Activation, Vec<T>) -> SegmentPaths,
    ) -> Status {
        let name = match parsed::<DestinationName>(name, "name") {
            Ok(name) => name,
            Err(invalid) => {
                let mut wrong = vec![invalid];
                wrong.extend(rows.every_problem(Vec::new()));
                return invalid_argument(&wrong);
            }
        };
        let problems = async {
            let mut destination = self.existing(&name).await?;
            let claimed = self.store.claimed_by_others(&destination).await?;
            let paths = add(&mut destination.activation, rows.take_readable());
            match check_activation(&destination.activation, &claimed, self.max_segments) {
                Ok(()) => Ok(Vec::new()),
                Err(ChangeError::Invalid(problems)) => Ok(paths.in_request(problems)),
                Err(other) => Err(other),
            }
        };
        match problems.await {
            Ok(problems) => invalid_argument(&rows.every_problem(problems)),
            Err(error) => error.into(),
        }
    }
}

fn actor_of<T>(request: &Request<T>) -> Result<String, Status> {
    actor(request.metadata()).map_err(invalid_field)
}

fn check_activation(
    activation: &Activation,
    claimed: &[ClaimedField],
    max_segments: usize,
) -> Result<(), ChangeError> {
    let mut wrong = activation.conflicts();
    wrong.extend(claimed_by_others(activation, claimed));
    if activation.segments.len() > max_segments {
        wrong.push(InvalidField::new(
            "segments",
            format!(
                "{} segments would be active and {max_segments} may be; remove one, or raise \
                 config.max_segments_per_destination",
                activation.segments.len()
            ),
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Invalid(wrong))
    }
}

pub(crate) fn trouble_status(trouble: &Trouble) -> Status {
    let message = if trouble.fix.is_empty() {
        trouble.message.clone()
    } else {
        format!("{}. {}", trouble.message, trouble.fix)
    };
    let code = match trouble.state {
        CheckState::Connected | CheckState::Refused => Code::FailedPrecondition,
        CheckState::Unreachable => Code::Unavailable,
    };
    status(code, &trouble.reason, message)
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
        let Some(message) = keep(destination_in(request.destination), &mut wrong) else {
            return Err(invalid_argument(&wrong));
        };
        let display_name = keep(display_name(&message), &mut wrong);
        let connection = keep(parsed(&message.connection, "destination.connection"), &mut wrong);
        let record_type = keep(
            record_type_in(message.record_type, "destination.record_type"),
            &mut wrong,
        );
        let write_mode = keep(
            write_mode_in(message.write_mode, &message.key_field, "destination"),
            &mut wrong,
        );
        let policy = keep(deleted_profile_policy(&message), &mut wrong);
        let max_delay = keep(max_delay(&message), &mut wrong);
        let creation_rules = creation::rules_of(&message).unwrap_or_else(|invalid| {
            wrong.extend(invalid);
            CreationRules::default()
        });
        let duplicate_rule = keep(duplicate_rule(&message), &mut wrong).unwrap_or_default();
        let prefix = keep(affix(&message.mapping_id_prefix, "mapping_id_prefix"), &mut wrong);
        let suffix = keep(affix(&message.mapping_id_suffix, "mapping_id_suffix"), &mut wrong);
        let affixes =
            affixes(prefix.unwrap_or_default(), suffix.unwrap_or_default()).unwrap_or_else(|invalid| {
                wrong.extend(invalid);
                Affixes::default()
            });
        let (
            Some(workspace),
            Some(id),
            Some(display_name),
            Some(connection),
            Some(record_type),
            Some(write_mode),
            Some(deleted_profile_policy),
            Some(max_delay),
        ) = (
            workspace,
            id,
            display_name,
            connection,
            record_type,
            write_mode,
            policy,
            max_delay,
        )
        else {
            return Err(invalid_argument(&wrong));
        };
        if !wrong.is_empty() {
            return Err(invalid_argument(&wrong));
        }
        let connection: activation::names::ConnectionName = connection;
        if *connection.workspace() != workspace {
            return Err(invalid_field(InvalidField::new(
                "destination.connection",
                format!("is of another workspace; use one of {workspace}"),
            )));
        }
        let new = NewDestination {
            name: DestinationName::new(workspace, id),
            uid: DestinationUid::new(Uuid::now_v7().to_string()),
            connection,
            display_name,
            description: message.description,
            activation: Activation {
                record_type,
                write_mode,
                field_mappings: Vec::new(),
                segments: Vec::new(),
                deleted_profile_policy,
                status_values: status_values_in(message.status_values.as_ref()),
                max_delay,
                creation_rules,
                duplicate_rule,
            },
            affixes,
            created_by,
            marketing_actions: marketing_actions_in(&message.marketing_actions)?,
            segment_namespaces: segment_namespaces_in(
                message.segment_namespaces.as_ref(),
                "destination.segment_namespaces",
            )?,
        };
        let conflicts = new.activation.conflicts();
        if !conflicts.is_empty() {
            return Err(invalid_argument(&conflicts));
        }
        let destination = self.store.create_destination(new, self.max_destinations).await?;
        Ok(Response::new(pb::CreateDestinationResponse {
            destination: Some(destination.into()),
        }))
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
        if let Some(path) = mask.paths.iter().find(|path| path.as_str() == "connection") {
            let connection: activation::names::ConnectionName =
                parsed(&message.connection, "destination.connection").map_err(invalid_field)?;
            if self
                .store
                .connection(&connection)
                .await
                .map_err(ChangeError::from)?
                .is_none()
            {
                return Err(invalid_field(InvalidField::new(
                    format!("destination.{path}"),
                    format!("{connection} does not exist; create it first"),
                )));
            }
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
        let added = segments.len();
        let destination = self
            .change_activation(&request.name, &request.etag, &actor, |activation| {
                let before = activation.segments.len();
                activation.segments.extend(segments);
                Ok(SegmentPaths::Added { before })
            })
            .await?;
        let mut warnings = warnings::of_segments(&destination.activation);
        warnings.extend(warnings::of_added_segments(&destination, added));
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
        let request = request.into_inner();
        let name: DestinationName = parsed(&request.name, "name").map_err(invalid_field)?;
        check_segment_names(&request.segments)?;
        let destination = self.existing(&name).await?;
        let claimed = self
            .store
            .claimed_by_others(&destination)
            .await
            .map_err(ChangeError::from)?;
        let mut taken = destination.activation.taken_fields();
        taken.extend(claimed.iter().map(|one| one.segment.mapping_id.field()));
        let ids = request
            .segments
            .iter()
            .map(|segment| segment.segment.clone())
            .collect();
        let registered = self
            .store
            .registered_names(name.workspace(), &ids)
            .await
            .map_err(ChangeError::from)?;
        let mut suggestions = Vec::with_capacity(request.segments.len());
        for segment in request.segments {
            let display_name = match registered.get(&segment.segment) {
                Some(registered) if segment.display_name.is_empty() => registered,
                _ => &segment.display_name,
            };
            let mapping_id = suggest(
                &segment.segment,
                display_name,
                &destination.affixes,
                |candidate| {
                    let field = candidate.field();
                    taken.iter().any(|other| other.is_same_field(field.as_str()))
                },
            );
            let field = mapping_id.field();
            suggestions.push(pb::SuggestedMappingId {
                segment: segment.segment,
                mapping_id: mapping_id.to_string(),
                field: field.to_string(),
            });
            taken.push(field);
        }
        Ok(Response::new(pb::SuggestMappingIdsResponse { suggestions }))
    }
}

fn check_segment_names(segments: &[pb::SegmentName]) -> Result<(), Status> {
    const MOST: usize = 1_000;
    let mut wrong = Vec::new();
    if segments.is_empty() || segments.len() > MOST {
        wrong.push(InvalidField::new(
            "segments",
            format!("is required: at least one segment, at most {MOST}"),
        ));
    }
    for (index, segment) in segments.iter().enumerate().take(MOST) {
        if segment.segment.trim().is_empty() {
            wrong.push(InvalidField::new(
                format!("segments[{index}].segment"),
                "is required: the platform's segment id",
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(invalid_argument(&wrong))
    }
}

fn revision_out(
    of: &DestinationName,
    revision: &Revision,
    before: Option<&Revision>,
) -> pb::DestinationRevision {
    pb::DestinationRevision {
        name: format!("{of}/revisions/{}", revision.revision),
        revision: revision.revision,
        create_time: Some(time_out(revision.create_time)),
        created_by: revision.created_by.clone(),
        changes: before
            .map(|before| staged::changes(&before.definition, &revision.definition))
            .unwrap_or_default(),
        ..staged::revision_of(&revision.definition)
    }
}

/// Returns where a destination is in its life.
fn state_of(destination: &Destination) -> pb::DestinationState {
    match destination.desired_state {
        DesiredState::Draft => pb::DestinationState::Draft,
        DesiredState::Disabled => pb::DestinationState::Disabled,
        DesiredState::Deleting => pb::DestinationState::Deleting,
        DesiredState::Enabled => match &destination.delivery_status {
            Some(status) if status.state == DeliveryState::Error => pb::DestinationState::Error,
            Some(status) if status.applied_revision >= destination.revision => pb::DestinationState::Enabled,
            Some(_) | None => pb::DestinationState::Processing,
        },
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

fn update_field(
    destination: &mut Destination,
    path: &str,
    message: &pb::Destination,
) -> Result<(), ChangeError> {
    let invalid = |invalid| ChangeError::Invalid(vec![invalid]);
    if matches!(path, "connection" | "record_type" | "write_mode" | "key_field") {
        destination.check_fixed(path)?;
    }
    let rule = path.strip_prefix("creation_rules.");
    if let Some(rules) =
        rule.and_then(|rule| creation::updated(&destination.activation.creation_rules, rule, message))
    {
        destination.activation.creation_rules = rules.map_err(ChangeError::Invalid)?;
        return Ok(());
    }
    match path {
        "display_name" => destination.display_name = display_name(message).map_err(invalid)?,
        "description" => destination.description.clone_from(&message.description),
        "connection" => {
            let connection: activation::names::ConnectionName =
                parsed(&message.connection, "destination.connection").map_err(invalid)?;
            if connection.workspace() != destination.name.workspace() {
                return Err(ChangeError::invalid(
                    "destination.connection",
                    "is of another workspace",
                ));
            }
            destination.connection = connection;
        }
        "record_type" => {
            destination.activation.record_type =
                record_type_in(message.record_type, "destination.record_type").map_err(invalid)?;
        }
        "write_mode" | "key_field" => {
            destination.activation.write_mode =
                write_mode_in(message.write_mode, &message.key_field, "destination").map_err(invalid)?;
        }
        "deleted_profile_policy" => {
            destination.activation.deleted_profile_policy =
                deleted_profile_policy(message).map_err(invalid)?;
        }
        "max_delay" => destination.activation.max_delay = max_delay(message).map_err(invalid)?,
        "creation_rules" => {
            destination.activation.creation_rules =
                creation::rules_of(message).map_err(ChangeError::Invalid)?;
        }
        "duplicate_rule" => {
            destination.activation.duplicate_rule = duplicate_rule(message).map_err(invalid)?;
        }
        "status_values" => {
            destination.activation.status_values = status_values_in(message.status_values.as_ref());
        }
        "mapping_id_prefix" => {
            let prefix = affix(&message.mapping_id_prefix, "mapping_id_prefix").map_err(invalid)?;
            let suffix = destination.affixes.suffix().clone();
            destination.affixes = affixes(prefix, suffix).map_err(ChangeError::Invalid)?;
        }
        "mapping_id_suffix" => {
            let suffix = affix(&message.mapping_id_suffix, "mapping_id_suffix").map_err(invalid)?;
            let prefix = destination.affixes.prefix().clone();
            destination.affixes = affixes(prefix, suffix).map_err(ChangeError::Invalid)?;
        }
        "marketing_actions" => {
            destination.marketing_actions = marketing_actions_in(&message.marketing_actions)?;
        }
        "segment_namespaces" => {
            destination.segment_namespaces = segment_namespaces_in(
                message.segment_namespaces.as_ref(),
                "destination.segment_namespaces",
            )?;
        }
        other => {
            return Err(ChangeError::invalid(
                "update_mask",
                format!(
                    "'{other}' cannot be updated; display_name, description, deleted_profile_policy, status_values, \
                     max_delay, creation_rules, duplicate_rule, mapping_id_prefix, mapping_id_suffix, marketing_actions \
                     and segment_namespaces can, and before activation connection, record_type, write_mode and key_field"
                ),
            ));
        }
    }
    Ok(())
}

fn update_segment_field(
    segment: &mut SegmentActivation,
    path: &str,
    message: &pb::SegmentActivation,
) -> Result<(), InvalidField> {
    match path {
        "display_name" => segment.display_name.clone_from(&message.display_name),
        "mapping_id" => segment.mapping_id = parsed(&message.mapping_id, "segment.mapping_id")?,
        "start_time" => segment.start_time = time_in(message.start_time, "segment.start_time")?,
        "end_time" => segment.end_time = time_in(message.end_time, "segment.end_time")?,
        other => {
            return Err(InvalidField::new(
                "update_mask",
                format!("'{other}' cannot be updated; display_name, mapping_id, start_time and end_time can"),
            ));
        }
    }
    Ok(())
}

fn segment_of<'a>(
    activation: &'a mut Activation,
    segment: &str,
) -> Result<&'a mut SegmentActivation, ChangeError> {
    activation
        .segments
        .iter_mut()
        .find(|activated| activated.segment == segment)
        .ok_or_else(|| ChangeError::NotFound(format!("the segment '{segment}' of this destination")))
}

fn affix(text: &str, field: &str) -> Result<Affix, InvalidField> {
    text.parse()
        .map_err(|invalid: InvalidField| InvalidField::new(format!("destination.{field}"), invalid.problem))
}

fn affixes(prefix: Affix, suffix: Affix) -> Result<Affixes, Vec<InvalidField>> {
    Affixes::new(prefix, suffix).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|invalid| invalid.below("destination"))
            .collect()
    })
}

fn display_name(message: &pb::Destination) -> Result<String, InvalidField> {
    if message.display_name.trim().is_empty() {
        return Err(InvalidField::new(
            "destination.display_name",
            "is required: a name for people",
        ));
    }
    Ok(message.display_name.clone())
}

fn deleted_profile_policy(
    message: &pb::Destination,
) -> Result<activation::destination::DeletedProfilePolicy, InvalidField> {
    deleted_profile_policy_in(
        message.deleted_profile_policy,
        "destination.deleted_profile_policy",
    )
}

fn duplicate_rule(message: &pb::Destination) -> Result<DuplicateRule, InvalidField> {
    duplicate_rule_in(message.duplicate_rule, "destination.duplicate_rule")
}

/// Says what the choice is that is missing.
fn no_choice(waiting_updates: i64) -> InvalidField {
    let waiting = match waiting_updates {
        ..=0 => "no accepted update waits now, as far as delivery has reported".to_owned(),
        1 => "1 accepted update waits".to_owned(),
        many => format!("{} accepted updates wait", grouped(many)),
    };
    InvalidField::new(
        "waiting_updates",
        format!("is required: {waiting}; RESUME sends what waits, DISCARD does not"),
    )
}

/// Writes a number with commas between thousands.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn max_delay(message: &pb::Destination) -> Result<std::time::Duration, InvalidField> {
    const LONGEST: std::time::Duration = std::time::Duration::from_secs(3_600);
    let Some(delay) = message.max_delay else {
        return Ok(DEFAULT_MAX_DELAY);
    };
    let delay = duration_in(delay, "destination.max_delay")?;
    if delay > LONGEST {
        return Err(InvalidField::new(
            "destination.max_delay",
            "must be at most one hour",
        ));
    }
    Ok(delay)
}

fn waiting_in(value: i32) -> Option<WaitingUpdates> {
    match pb::WaitingUpdates::try_from(value) {
        Ok(pb::WaitingUpdates::Resume) => Some(WaitingUpdates::Resume),
        Ok(pb::WaitingUpdates::Discard) => Some(WaitingUpdates::Discard),
        Ok(pb::WaitingUpdates::Unspecified) | Err(_) => None,
    }
}

impl From<Destination> for pb::Destination {
    fn from(destination: Destination) -> Self {
        let state = state_of(&destination);
        let staged_changes = destination
            .live
            .as_ref()
            .map(|live| staged::changes(live, &destination.activation))
            .unwrap_or_default();
        let activation = &destination.activation;
        let (write_mode, key_field) = write_mode_out(&activation.write_mode);
        let desired_state = match destination.desired_state {
            DesiredState::Draft => pb::DesiredState::Draft,
            DesiredState::Enabled => pb::DesiredState::Enabled,
            DesiredState::Disabled => pb::DesiredState::Disabled,
            DesiredState::Deleting => pb::DesiredState::Deleting,
        };
        let delivery_status = destination
            .delivery_status
            .as_ref()
            .map(|status| pb::DeliveryStatus {
                state: match status.state {
                    DeliveryState::Delivering => pb::DeliveryState::Delivering,
                    DeliveryState::Paused => pb::DeliveryState::Paused,
                    DeliveryState::Error => pb::DeliveryState::Error,
                    DeliveryState::Draining => pb::DeliveryState::Draining,
                }
                .into(),
                reason: status.reason.clone(),
                message: status.message.clone(),
                applied_revision: status.applied_revision,
                report_time: Some(time_out(from_micros(status.report_time_micros))),
                waiting_updates: status.waiting_updates,
            });
        let mut message = Self {
            name: destination.name.to_string(),
            uid: destination.uid.to_string(),
            display_name: destination.display_name.clone(),
            description: destination.description.clone(),
            connection: destination.connection.to_string(),
            record_type: pb::RecordType::from(activation.record_type).into(),
            write_mode: write_mode.into(),
            key_field,
            field_mappings: activation.field_mappings.iter().map(Into::into).collect(),
            deleted_profile_policy: pb::DeletedProfilePolicy::from(activation.deleted_profile_policy).into(),
            max_delay: Some(duration_out(activation.max_delay)),
            desired_state: desired_state.into(),
            delivery_status,
            export_type: pb::ExportType::ProfileBased.into(),
            export_frequency: pb::ExportFrequency::Streaming.into(),
            revision: destination.revision,
            create_time: Some(time_out(destination.create_time)),
            update_time: Some(time_out(destination.update_time)),
            etag: destination.version.to_string(),
            state: state.into(),
            staged_changes,
            live_revision: destination.live_revision,
            created_by: destination.created_by.clone(),
            updated_by: destination.updated_by.clone(),
            status_values: status_values_out(&activation.status_values),
            mapping_id_prefix: destination.affixes.prefix().to_string(),
            mapping_id_suffix: destination.affixes.suffix().to_string(),
            creation_rules: creation_rules_out(&activation.creation_rules),
            duplicate_rule: duplicate_rule_out(activation.duplicate_rule),
            ..Self::default()
        };
        add_governance(&mut message, &destination);
        message
    }
}
