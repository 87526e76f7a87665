//! The platform's control plane, as the demo plays it: everything over gRPC,
//! from outside the services.

use std::time::Duration;

use activation::profile_json;
use anyhow::{Context, bail};
use contracts::{
    auth::v1::{ClientCredentialsGrant, PutCredentialsRequest, put_credentials_request::Grant},
    config::v1 as config,
    convert::profile::typed,
    delivery::v1 as delivery,
};
use indicatif::ProgressBar;
use serde_json::Value;
use tokio::{sync::mpsc, time::sleep};

use super::{
    profiles::{Scenario, UPDATES_PER_BLOCK},
    simulated_org::{CLIENT_ID, CLIENT_SECRET, HOST},
};
use crate::{
    client::{Servers, sent},
    send::stream::{Progress, Stream, Summary},
};

const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const CONNECTION_ID: &str = "demo";
const BATCHES_AHEAD: usize = 8;

pub(super) struct ControlPlane {
    servers: Servers,
}

impl ControlPlane {
    pub(super) fn new(servers: Servers) -> Self {
        Self { servers }
    }

    /// Creates the connection and the destinations; answers what to tell.
    pub(super) async fn set_up(&self, scenario: &Scenario) -> anyhow::Result<String> {
        let parent = self.servers.workspace().to_string();
        let connection = config::Connection {
            display_name: "Demo org".to_owned(),
            custom_domain: HOST.to_owned(),
            ..Default::default()
        };
        let request = config::CreateConnectionRequest {
            parent: parent.clone(),
            connection_id: CONNECTION_ID.to_owned(),
            connection: Some(connection),
        };
        let connection = sent(
            self.servers
                .connections()
                .create_connection(request)
                .await?
                .into_inner()
                .connection,
        )?;
        let grant = Grant::ClientCredentials(ClientCredentialsGrant {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
        });
        let request = PutCredentialsRequest {
            connection: connection.name.clone(),
            grant: Some(grant),
        };
        self.servers.credentials().put_credentials(request).await?;
        let request = config::CheckConnectionRequest {
            name: connection.name.clone(),
        };
        let check = sent(
            self.servers
                .connections()
                .check_connection(request)
                .await?
                .into_inner()
                .check,
        )?;
        if check.state() != config::ConnectionState::Connected {
            bail!(
                "the connection check failed: {} ({})",
                check.message,
                check.reason
            );
        }
        for (destination, id) in scenario.destinations.iter().zip(scenario.destination_ids) {
            self.create_destination(&parent, &connection.name, id, destination)
                .await?;
        }
        Ok(format!(
            "Connected to {} ({}) as {}",
            check.org_name, check.org_type, check.username
        ))
    }

    async fn create_destination(
        &self,
        parent: &str,
        connection: &str,
        id: &str,
        destination: &oracle::Destination,
    ) -> anyhow::Result<()> {
        let record_type = match destination.object.as_str() {
            "Lead" => config::RecordType::Lead,
            _ => config::RecordType::Contact,
        };
        let request = config::CreateDestinationRequest {
            parent: parent.to_owned(),
            destination_id: id.to_owned(),
            destination: Some(config::Destination {
                display_name: destination.name.clone(),
                connection: connection.to_owned(),
                record_type: record_type.into(),
                ..Default::default()
            }),
        };
        let mut client = self.servers.destinations();
        let name = sent(client.create_destination(request).await?.into_inner().destination)?.name;

        let key = mapping(
            config::field_source::Source::IdentityNamespace(destination.identity_namespace.clone()),
            config::field_target::Target::Identity("SalesforceId".to_owned()),
        );
        let attributes = destination.attributes.iter().map(|(source, field)| {
            mapping(
                config::field_source::Source::AttributePath(source.clone()),
                config::field_target::Target::Field(field.clone()),
            )
        });
        let field_mappings = std::iter::once(key).chain(attributes).collect();
        let request = config::SetFieldMappingsRequest {
            name: name.clone(),
            field_mappings,
            etag: String::new(),
        };
        client.set_field_mappings(request).await?;

        let segments = Scenario::segments()
            .iter()
            .map(|(segment, mapping_id, display_name)| config::SegmentActivation {
                segment: (*segment).to_owned(),
                display_name: (*display_name).to_owned(),
                mapping_id: (*mapping_id).to_owned(),
                ..Default::default()
            })
            .collect();
        let request = config::AddSegmentsRequest {
            name: name.clone(),
            segments,
            etag: String::new(),
        };
        client.add_segments(request).await?;
        client
            .activate_destination(config::ActivateDestinationRequest {
                name,
                etag: String::new(),
            })
            .await?;
        Ok(())
    }

    /// Streams every update, block by block, and counts them on the bar as they
    /// are accepted.
    pub(super) async fn stream(&self, scenario: &Scenario, bar: &ProgressBar) -> anyhow::Result<Summary> {
        bar.set_message("accepted");
        let batches = self.batches(scenario)?;
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let feeding = tokio::spawn(async move {
            for batch in batches {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        let stream = Stream {
            servers: self.servers.clone(),
            producer: "demo".to_owned(),
            patience: PATIENCE,
        };
        let summary = stream
            .send(receiver, |progress| {
                if let Progress::Answered(updates) = progress {
                    bar.inc(updates);
                }
            })
            .await?;
        feeding.await.context("the updates could not be fed")?;
        Ok(summary)
    }

    fn batches(&self, scenario: &Scenario) -> anyhow::Result<Vec<delivery::UpdateBatch>> {
        let mut batches: Vec<delivery::UpdateBatch> = Vec::new();
        let mut last = None;
        for (index, (destination, document)) in scenario.updates.iter().enumerate() {
            let update = update(index as u64 + 1, document)?;
            match batches.last_mut() {
                Some(batch) if last == Some(*destination) && batch.updates.len() < UPDATES_PER_BLOCK => {
                    batch.updates.push(update);
                }
                _ => {
                    let name = self
                        .servers
                        .destination_name(scenario.destination_ids[*destination])?;
                    batches.push(delivery::UpdateBatch {
                        target: Some(delivery::update_batch::Target::Destination(name)),
                        updates: vec![update],
                    });
                }
            }
            last = Some(*destination);
        }
        Ok(batches)
    }

    /// Waits until no update waits; answers the runs of both destinations.
    pub(super) async fn wait_until_settled(
        &self,
        scenario: &Scenario,
        bar: &ProgressBar,
    ) -> anyhow::Result<[Vec<delivery::Run>; 2]> {
        bar.set_message("settled");
        let expected = scenario.updates.len() as i64;
        loop {
            let mut runs = [Vec::new(), Vec::new()];
            for (runs, id) in runs.iter_mut().zip(scenario.destination_ids) {
                let parent = self.servers.destination_name(id)?;
                let request = delivery::ListRunsRequest {
                    parent,
                    ..Default::default()
                };
                *runs = self.servers.runs().list_runs(request).await?.into_inner().runs;
            }
            let total = |count: fn(&delivery::Run) -> i64| runs.iter().flatten().map(count).sum::<i64>();
            let received = total(|run| run.profiles_received);
            let waiting = total(|run| run.profiles_waiting);
            bar.set_position(u64::try_from(received - waiting).unwrap_or(0));
            if received == expected && waiting == 0 {
                return Ok(runs);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Writes an update in one of the two forms that the stream takes, in turn.
fn update(sequence: u64, document: &Value) -> anyhow::Result<delivery::ProfileUpdate> {
    let json_document = serde_json::to_vec(document)?;
    if sequence.is_multiple_of(2) {
        let update = profile_json::parse(&json_document)?;
        if let Some(typed) = typed(&update, sequence) {
            return Ok(typed);
        }
    }
    Ok(delivery::ProfileUpdate {
        sequence,
        json_document,
        ..Default::default()
    })
}

fn mapping(
    source: config::field_source::Source,
    target: config::field_target::Target,
) -> config::FieldMapping {
    config::FieldMapping {
        source: Some(config::FieldSource { source: Some(source) }),
        target: Some(config::FieldTarget { target: Some(target) }),
        ..Default::default()
    }
}
