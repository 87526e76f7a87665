//! gRPC adapter of `PreflightService`.

use activation::{
    destination::{Activation, StatusValues},
    names::{ConnectionName, DestinationName},
    org_shape::OrgShape,
    plan::Rules,
};
use contracts::{
    config::v1::{self as pb, preflight_service_server::PreflightService},
    convert::{destination::record_type_in, parsed, required},
    page::Page,
    status::{invalid_argument, invalid_field, status},
};
use tonic::{Code, Request, Response, Status};
use tracing::error;

use crate::{
    connections::Connection,
    destinations::{DesiredState, Destination},
    governance,
    org::{Orgs, shape_of},
    preflight::{
        Described,
        check::{Subject, org_findings, parse_sample_records},
        dry_run::{dry_run, results, segment_previews},
        finding::refusals,
        planned_records,
        rehearsal::RehearsalError,
        samples,
        target_fields::target_fields,
    },
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) orgs: Orgs,
    pub(crate) max_segments: usize,
}

const DEFAULT_CHANGES_PER_PAGE: i32 = 50;
const DEFAULT_FIELDS_PER_PAGE: i32 = 100;

impl Adapter {
    async fn destination(&self, name: &str, field: &str) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, field).map_err(invalid_field)?;
        let destination = self.store.destination(&name).await.map_err(ChangeError::from)?;
        Ok(destination.ok_or_else(|| ChangeError::NotFound(name.to_string()))?)
    }

    async fn connection(&self, name: &ConnectionName) -> Result<Connection, Status> {
        let connection = self.store.connection(name).await.map_err(ChangeError::from)?;
        Ok(connection.ok_or_else(|| ChangeError::NotFound(name.to_string()))?)
    }

    /// Compiles a destination that its org can take, and pins the org.
    async fn ready(
        &self,
        destination: &Destination,
        connection: &Connection,
    ) -> Result<(Rules, Described), Status> {
        let activation = &destination.activation;
        // Before the org is asked: what is missing is known without it.
        rules(activation, &destination.org_shape)?;
        let view = self.store.view([destination]).await.map_err(ChangeError::from)?;
        governance::check_sending(&view, destination)?;
        let org = self
            .orgs
            .described(connection, activation)
            .await
            .map_err(|trouble| Status::from(&trouble))?;
        let problems = refusals(org_findings(activation, &org));
        if !problems.is_empty() {
            let reason = "ORG_DOES_NOT_FIT";
            return Err(ChangeError::NotReady { reason, problems }.into());
        }
        self.store.pin_org(&destination.connection, &org.org_id).await?;
        Ok((rules(activation, &shape_of(activation, &org.object))?, org))
    }
}

fn rules(activation: &Activation, shape: &OrgShape) -> Result<Rules, ChangeError> {
    Rules::compile(activation, shape).map_err(|problems| ChangeError::NotReady {
        reason: "NOT_FINISHED",
        problems,
    })
}

#[tonic::async_trait]
impl PreflightService for Adapter {
    async fn check_destination(
        &self,
        request: Request<pb::CheckDestinationRequest>,
    ) -> Result<Response<pb::CheckDestinationResponse>, Status> {
        let request = request.into_inner();
        let sample_records =
            parse_sample_records(&request.sample_record_ids).map_err(|wrong| invalid_argument(&wrong))?;
        let destination = self.destination(&request.name, "name").await?;
        let connection = self.connection(&destination.connection).await?;
        let claimed = self
            .store
            .claimed_by_others(&destination)
            .await
            .map_err(ChangeError::from)?;
        let subject = Subject {
            activation: &destination.activation,
            claimed: &claimed,
            max_segments: self.max_segments,
            sample_records: &sample_records,
        };
        let policies = self
            .store
            .policy_findings(&destination)
            .await
            .map_err(ChangeError::from)?;
        let check = self
            .orgs
            .check_destination(&connection, subject, policies, self.store.clock.now())
            .await;
        Ok(Response::new(pb::CheckDestinationResponse {
            check: Some((&check).into()),
        }))
    }

    async fn dry_run(
        &self,
        request: Request<pb::DryRunRequest>,
    ) -> Result<Response<pb::DryRunResponse>, Status> {
        let request = request.into_inner();
        let updates = samples::parse(&request.samples).map_err(|wrong| invalid_argument(&wrong))?;
        let destination = self.destination(&request.name, "name").await?;
        let connection = self.connection(&destination.connection).await?;
        let activation = &destination.activation;
        let known = if destination.is_draft() {
            OrgShape::unknown(true)
        } else {
            destination.org_shape.clone()
        };
        let unasked = rules(activation, &known)?;
        // Without the org what was known before holds.
        let object = self
            .orgs
            .describe(&connection, activation.record_type.object())
            .await;
        let rules = match &object {
            Ok((object, _)) => rules(activation, &shape_of(activation, object))?,
            Err(_) => unasked,
        };
        let mapped = dry_run(&updates, &rules, self.store.clock.now());
        Ok(Response::new(pb::DryRunResponse {
            samples: results(&mapped, &rules),
            org_asked: object.is_ok(),
            segments: segment_previews(&updates, &mapped, &rules),
        }))
    }

    async fn rehearse(
        &self,
        request: Request<pb::RehearseRequest>,
    ) -> Result<Response<pb::RehearseResponse>, Status> {
        let request = request.into_inner();
        let updates = samples::parse(&request.samples).map_err(|wrong| invalid_argument(&wrong))?;
        let destination = self.destination(&request.name, "name").await?;
        let connection = self.connection(&destination.connection).await?;
        let (rules, org) = self.ready(&destination, &connection).await?;
        let mapped = dry_run(&updates, &rules, self.store.clock.now());
        let rehearsal = self
            .orgs
            .rehearse(&connection, &rules, &org.object, &planned_records(&mapped))
            .await
            .map_err(|error| rehearsal_status(&destination, error))?;
        Ok(Response::new(pb::RehearseResponse {
            samples: results(&mapped, &rules),
            records: rehearsal.records,
            calls: rehearsal.calls,
        }))
    }

    async fn send_one(
        &self,
        request: Request<pb::SendOneRequest>,
    ) -> Result<Response<pb::SendOneResponse>, Status> {
        let request = request.into_inner();
        let sample = required(request.sample, "sample").map_err(invalid_field)?;
        let update = samples::parse_one(&sample).map_err(|invalid| invalid_field(invalid.below("sample")))?;
        let destination = self.destination(&request.name, "name").await?;
        check_sends_nothing(&destination)?;
        let connection = self.connection(&destination.connection).await?;
        let (rules, org) = self.ready(&destination, &connection).await?;
        let mapped = dry_run(&[update], &rules, self.store.clock.now());
        let records = planned_records(&mapped);
        let sent = if records.is_empty() {
            Vec::new()
        } else {
            // Read again: it may have been enabled meanwhile.
            check_sends_nothing(&self.destination(&request.name, "name").await?)?;
            self.orgs
                .send_one(&connection, &rules, &org.object, &records)
                .await
                .map_err(|trouble| Status::from(&trouble))?
        };
        Ok(Response::new(pb::SendOneResponse {
            sample: results(&mapped, &rules).into_iter().next(),
            records: sent,
        }))
    }

    async fn list_target_fields(
        &self,
        request: Request<pb::ListTargetFieldsRequest>,
    ) -> Result<Response<pb::ListTargetFieldsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::parse(request.page_size, &request.page_token, DEFAULT_FIELDS_PER_PAGE)
            .map_err(invalid_field)?;
        let is_given = request.record_type != i32::from(pb::RecordType::Unspecified);
        let given = || record_type_in(request.record_type, "record_type").map_err(invalid_field);
        let (connection, record_type, status_values) = if request.parent.contains("/connections/") {
            let name = parsed(&request.parent, "parent").map_err(invalid_field)?;
            (name, given()?, StatusValues::default())
        } else {
            let destination = self.destination(&request.parent, "parent").await?;
            let own = destination.activation.record_type;
            let record_type = if is_given { given()? } else { own };
            let status_values = destination.activation.status_values;
            (destination.connection, record_type, status_values)
        };
        let connection = self.connection(&connection).await?;
        let (object, _) = self
            .orgs
            .describe(&connection, record_type.object())
            .await
            .map_err(|trouble| Status::from(&trouble))?;
        let mut fields = target_fields(&object, &request.query, request.only_usable, &status_values);
        fields.retain(|field| field.name.as_str() > page.after.as_str());
        let next_page_token = page.finish(&mut fields, |field| field.name.clone());
        Ok(Response::new(pb::ListTargetFieldsResponse {
            fields,
            next_page_token,
        }))
    }

    async fn get_last_check(
        &self,
        request: Request<pb::GetLastCheckRequest>,
    ) -> Result<Response<pb::GetLastCheckResponse>, Status> {
        let destination = self.destination(&request.into_inner().name, "name").await?;
        let check = self
            .store
            .last_check(&destination)
            .await
            .map_err(ChangeError::from)?
            .ok_or_else(|| {
                status(
                    Code::NotFound,
                    "NOT_CHECKED_YET",
                    format!(
                        "{} was not checked by itself yet; that begins some minutes after it goes live. Check it \
                         now with CheckDestination",
                        destination.name
                    ),
                )
            })?;
        Ok(Response::new(pb::GetLastCheckResponse {
            check: Some((&check).into()),
        }))
    }

    async fn list_check_changes(
        &self,
        request: Request<pb::ListCheckChangesRequest>,
    ) -> Result<Response<pb::ListCheckChangesResponse>, Status> {
        let request = request.into_inner();
        let destination = self.destination(&request.parent, "parent").await?;
        let page = Page::parse(request.page_size, &request.page_token, DEFAULT_CHANGES_PER_PAGE)
            .map_err(invalid_field)?;
        let mut changes = self
            .store
            .list_check_changes(&destination, &page)
            .await
            .map_err(ChangeError::from)?;
        let next_page_token = page.finish(&mut changes, |change| change.time_micros.to_string());
        Ok(Response::new(pb::ListCheckChangesResponse {
            changes: changes.iter().map(Into::into).collect(),
            next_page_token,
        }))
    }
}

/// Refuses to write beside a lane: docs/adr/0006-config-writes-one-profile.md.
fn check_sends_nothing(destination: &Destination) -> Result<(), ChangeError> {
    let refused = |reason, problem: String| Err(ChangeError::not_ready(reason, "name", problem));
    let name = &destination.name;
    match destination.desired_state {
        DesiredState::Draft => Ok(()),
        DesiredState::Disabled => {
            let is_paused = destination
                .delivery_status
                .as_ref()
                .is_none_or(|status| status.applied_revision >= destination.revision);
            if is_paused {
                Ok(())
            } else {
                refused(
                    "NOT_PAUSED_YET",
                    format!(
                        "{name} was disabled just now and may still be sending; try again in some seconds"
                    ),
                )
            }
        }
        DesiredState::Enabled => refused(
            "ENABLED",
            format!(
                "{name} is enabled and sends through its lane, so that the newest value wins and a record is in \
                 one request at a time; send the profile with `sluice send`, or disable the destination first"
            ),
        ),
        DesiredState::Deleting => refused("DELETING", format!("{name} is being deleted")),
    }
}

fn rehearsal_status(destination: &Destination, error: RehearsalError) -> Status {
    match error {
        RehearsalError::Org(trouble) => Status::from(&trouble),
        RehearsalError::NothingToRefuse => status(
            Code::FailedPrecondition,
            "CANNOT_REHEARSE",
            format!(
                "The user sees no lookup field, such as OwnerId, of a {}, so there is no record that the org would \
                 certainly refuse, and a rehearsal could be saved. Let the user see OwnerId, or use a dry run",
                destination.activation.record_type
            ),
        ),
        RehearsalError::Saved(keys) => {
            error!(
                destination.name = %destination.name,
                batch.records = keys.len(),
                "salesforce did not refuse the bad record of a rehearsal, records may have been saved"
            );
            status(
                Code::DataLoss,
                "REHEARSAL_SAVED",
                format!(
                    "Salesforce did not roll the rehearsal back: it may have SAVED the samples' records {}. \
                     Look at them and put them right, do not rehearse in this org again, and report this",
                    keys.join(", ")
                ),
            )
        }
    }
}
