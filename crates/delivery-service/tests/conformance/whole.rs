//! All three services in one process, beside a simulated Salesforce.

use std::{collections::BTreeMap, time::Duration};

use auth_service::AuthService;
use config_service::{ConfigService, DEFAULT_MAX_SEGMENTS};
use contracts::{
    auth::v1::{
        ClientCredentialsGrant, PutCredentialsRequest, credential_service_client::CredentialServiceClient,
        put_credentials_request::Grant,
    },
    config::v1::{
        self as config, ActivateDestinationRequest, AddSegmentsRequest, ApplyChangesRequest, Connection,
        CreateConnectionRequest, CreateDestinationRequest, Destination, FieldMapping, FieldSource,
        FieldTarget, GetDestinationRequest, RecordType, SegmentActivation, SetFieldMappingsRequest,
        UpdateDestinationRequest, WriteMode, connection_service_client::ConnectionServiceClient,
        destination_service_client::DestinationServiceClient, field_source::Source, field_target::Target,
    },
    delivery::v1::{
        DeliverRequest, ListRunsRequest, Open, ProfileUpdate, Run, UpdateBatch, WatchReceiptsRequest,
        deliver_request::Message, deliver_response::Answer, delivery_service_client::DeliveryServiceClient,
        receipt_service_client::ReceiptServiceClient, run_service_client::RunServiceClient,
        update_batch::Target as Whereto,
    },
};
use delivery_service::{
    DeliveryService, Settings,
    lane::{backoff::Backoff, machine::LaneSettings},
};
use prost_types::FieldMask;
use serde_json::{Value, json};
use service::grpc::{client::traced, memory};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{service::Routes, transport::Channel};

use crate::{
    place::Place,
    rig::Time,
    simulated::{ACME, Salesforce},
};

const WORKSPACE: &str = "workspaces/acme";
const CONNECTION: &str = "workspaces/acme/connections/crm";
pub(crate) const PEOPLE: &str = "workspaces/acme/destinations/people";
/// However busy the machine is, nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// All services, and the destination [`PEOPLE`], which upserts by `Key__c`.
pub(crate) struct Whole {
    pub(crate) salesforce: Salesforce,
    pub(crate) destinations: DestinationServiceClient<Channel>,
    pub(crate) time: Time,
    object: &'static str,
    config: Channel,
    auth: Channel,
    keys: TempDir,
    delivery: Option<Running>,
    delivered: u64,
    _serving: DropGuard,
}

struct Running {
    channel: Channel,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

/// A record of one write, as the simulator's history has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    pub(crate) call: u64,
    pub(crate) key: String,
    /// `create` or `update`: what was meant.
    pub(crate) operation: String,
    pub(crate) success: bool,
    pub(crate) fields: Value,
}

impl Whole {
    /// Starts with an active destination for Contacts or Leads.
    pub(crate) async fn start(place: &Place, record_type: RecordType) -> Self {
        let time = Time::start();
        let salesforce = Salesforce::start(time.clock()).await;
        salesforce.create_acme().await;
        let keys = tempfile::tempdir().unwrap();
        let shutdown = CancellationToken::new();
        let auth = AuthService::open(auth_service::Settings {
            database: place.location.clone(),
            key_file: keys.path().join("auth.key"),
            salesforce: salesforce.http(),
            clock: time.clock(),
        })
        .await
        .unwrap();
        let (listener, auth_connector) = memory::pair();
        let routes = auth.add_internal_routes(auth.add_public_routes(Routes::default()));
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let config = ConfigService::open(config_service::Settings {
            database: place.location.clone(),
            auth: traced(auth_connector.channel()),
            salesforce: salesforce.http(),
            clock: time.clock(),
            max_segments_per_destination: DEFAULT_MAX_SEGMENTS,
            max_destinations_per_workspace: 10,
            egress_addresses: Vec::new(),
            plan_poll_interval: Duration::from_secs(1),
        })
        .await
        .unwrap();
        let (listener, connector) = memory::pair();
        let routes =
            config.add_internal_routes(config.add_public_routes(Routes::default()), shutdown.clone());
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let object = match record_type {
            RecordType::Lead => "Lead",
            RecordType::Contact | RecordType::Unspecified => "Contact",
        };
        let mut whole = Self {
            salesforce,
            destinations: DestinationServiceClient::new(connector.channel()),
            time,
            object,
            config: connector.channel(),
            auth: auth_connector.channel(),
            keys,
            delivery: None,
            delivered: 0,
            _serving: shutdown.drop_guard(),
        };
        whole.activate(record_type).await;
        whole.open(place).await;
        whole
    }

    async fn activate(&self, record_type: RecordType) {
        let field = json!({"object": self.object, "name": "Key__c", "type": "string", "length": 80,
            "external_id": true, "unique": true});
        self.admin("POST", "/fields", field).await;
        let field = json!({"object": self.object, "name": "vip__c", "type": "textarea"});
        self.admin("POST", "/fields", field).await;
        let request = CreateConnectionRequest {
            parent: WORKSPACE.to_owned(),
            connection_id: "crm".to_owned(),
            connection: Some(Connection {
                display_name: "Acme".to_owned(),
                custom_domain: "acme".to_owned(),
                ..Default::default()
            }),
        };
        ConnectionServiceClient::new(self.config.clone())
            .create_connection(request)
            .await
            .unwrap();
        let request = PutCredentialsRequest {
            connection: CONNECTION.to_owned(),
            grant: Some(Grant::ClientCredentials(ClientCredentialsGrant {
                client_id: "app".to_owned(),
                client_secret: "app-secret".to_owned(),
            })),
        };
        CredentialServiceClient::new(self.auth.clone())
            .put_credentials(request)
            .await
            .unwrap();
        let mut destinations = self.destinations.clone();
        let request = CreateDestinationRequest {
            parent: WORKSPACE.to_owned(),
            destination_id: "people".to_owned(),
            destination: Some(Destination {
                display_name: "People".to_owned(),
                connection: CONNECTION.to_owned(),
                record_type: record_type.into(),
                write_mode: WriteMode::Upsert.into(),
                key_field: "Key__c".to_owned(),
                ..Default::default()
            }),
        };
        destinations.create_destination(request).await.unwrap();
        let row = |source, target| FieldMapping {
            source: Some(FieldSource { source: Some(source) }),
            target: Some(FieldTarget { target: Some(target) }),
            ..Default::default()
        };
        let attribute = |path: &str, field: &str| {
            row(
                Source::AttributePath(path.to_owned()),
                Target::Field(field.to_owned()),
            )
        };
        let mut field_mappings = vec![
            row(
                Source::IdentityNamespace("crmID".to_owned()),
                Target::Identity("Key__c".to_owned()),
            ),
            attribute("lastName", "LastName"),
            attribute("title", "Title"),
        ];
        if record_type == RecordType::Lead {
            field_mappings.push(attribute("company", "Company"));
        }
        let request = SetFieldMappingsRequest {
            name: PEOPLE.to_owned(),
            field_mappings,
            etag: String::new(),
        };
        destinations.set_field_mappings(request).await.unwrap();
        let request = AddSegmentsRequest {
            name: PEOPLE.to_owned(),
            segments: vec![SegmentActivation {
                segment: "vip".to_owned(),
                mapping_id: "vip".to_owned(),
                ..Default::default()
            }],
            etag: String::new(),
        };
        destinations.add_segments(request).await.unwrap();
        let request = ActivateDestinationRequest {
            name: PEOPLE.to_owned(),
            etag: String::new(),
        };
        destinations.activate_destination(request).await.unwrap();
    }

    async fn open(&mut self, place: &Place) {
        let shutdown = CancellationToken::new();
        let backoff = Backoff {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(200),
        };
        let settings = Settings {
            database: place.location.clone(),
            key_file: self.keys.path().join("delivery.key"),
            config: traced(self.config.clone()),
            auth: traced(self.auth.clone()),
            salesforce: self.salesforce.http(),
            clock: self.time.clock(),
            // Several small requests at once, soon.
            lanes: LaneSettings {
                max_batch_records: 4,
                linger: Duration::from_millis(20),
                call_backoff: backoff,
                record_backoff: backoff,
                ..LaneSettings::default()
            },
            seed: 1,
            instance: "one".to_owned(),
        };
        let delivery = DeliveryService::open(settings, shutdown.clone()).await.unwrap();
        let (listener, connector) = memory::pair();
        let routes = delivery.add_public_routes(Routes::default());
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let ended = tokio::spawn(async move { delivery.run().await.unwrap() });
        self.delivery = Some(Running {
            channel: connector.channel(),
            shutdown,
            ended,
        });
    }

    /// Stops the delivery-service and starts it again on the same database.
    pub(crate) async fn restart(&mut self, place: &Place) {
        let running = self.delivery.take().unwrap();
        running.shutdown.cancel();
        timeout(PATIENCE, running.ended).await.unwrap().unwrap();
        self.open(place).await;
    }

    fn channel(&self) -> Channel {
        self.delivery.as_ref().unwrap().channel.clone()
    }

    /// Asks the simulator, below the org.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.salesforce
            .admin(method, &format!("/orgs/{ACME}{path}"), body)
            .await
    }

    pub(crate) async fn destination(&self) -> Destination {
        let request = GetDestinationRequest {
            name: PEOPLE.to_owned(),
        };
        let answer = self.destinations.clone().get_destination(request).await.unwrap();
        answer.into_inner().destination.unwrap()
    }

    /// Makes other rules live, and waits until delivery works by them.
    pub(crate) async fn set_rules(
        &self,
        creation_rules: config::CreationRules,
        duplicate_rule: config::DuplicateRule,
    ) {
        let rules = Destination {
            creation_rules: Some(creation_rules),
            duplicate_rule: duplicate_rule.into(),
            ..Default::default()
        };
        self.change(rules, &["creation_rules", "duplicate_rule"]).await;
    }

    /// Makes a change live, and waits until delivery works by it.
    pub(crate) async fn change(&self, changed: Destination, paths: &[&str]) {
        let request = UpdateDestinationRequest {
            destination: Some(Destination {
                name: PEOPLE.to_owned(),
                ..changed
            }),
            update_mask: Some(FieldMask {
                paths: paths.iter().map(ToString::to_string).collect(),
            }),
        };
        let mut destinations = self.destinations.clone();
        destinations.update_destination(request).await.unwrap();
        let request = ApplyChangesRequest {
            name: PEOPLE.to_owned(),
            etag: String::new(),
        };
        destinations.apply_changes(request).await.unwrap();
        self.applied().await;
    }

    /// Waits until delivery works by what is live.
    pub(crate) async fn applied(&self) {
        self.destination_where(|destination| {
            destination
                .delivery_status
                .as_ref()
                .is_some_and(|status| status.applied_revision >= destination.revision)
        })
        .await;
    }

    /// Reads the destination until it is as it should be.
    pub(crate) async fn destination_where(&self, is_right: impl Fn(&Destination) -> bool) -> Destination {
        let read = async {
            loop {
                let destination = self.destination().await;
                if is_right(&destination) {
                    return destination;
                }
            }
        };
        match timeout(PATIENCE, read).await {
            Ok(destination) => destination,
            Err(_) => panic!("it did not become so: {:#?}", self.destination().await),
        }
    }

    /// Sends one update per document until all are accepted. Each is of the identity `crmID` of its `key`.
    pub(crate) async fn accept(&mut self, documents: Vec<Value>) {
        let first = self.delivered + 1;
        self.delivered += documents.len() as u64;
        let updates = documents
            .into_iter()
            .zip(first..)
            .map(|(mut document, sequence)| {
                document["identityMap"] = json!({"crmID": [{"id": document["key"]}]});
                ProfileUpdate {
                    sequence,
                    json_document: document.to_string().into_bytes(),
                    ..Default::default()
                }
            })
            .collect();
        let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
        let open = Message::Open(Open {
            producer: "tests".to_owned(),
        });
        let batch = Message::Batch(UpdateBatch {
            target: Some(Whereto::Destination(PEOPLE.to_owned())),
            updates,
        });
        for message in [open, batch] {
            sender
                .send(DeliverRequest {
                    message: Some(message),
                })
                .unwrap();
        }
        drop(sender);
        let mut answers = DeliveryServiceClient::new(self.channel())
            .deliver(UnboundedReceiverStream::new(requests))
            .await
            .unwrap()
            .into_inner();
        let accepted = async {
            loop {
                let answer = answers.message().await.unwrap().expect("all are answered");
                match answer.answer.unwrap() {
                    Answer::Opened(_) => {}
                    Answer::AnsweredThrough(through) if through >= self.delivered => return,
                    Answer::AnsweredThrough(_) => {}
                    Answer::Invalid(invalid) => panic!("{invalid:?}"),
                }
            }
        };
        timeout(PATIENCE, accepted).await.unwrap();
    }

    /// Delivers documents to their end; returns the reason of each.
    pub(crate) async fn deliver(&mut self, documents: Vec<Value>) -> Vec<String> {
        let first = self.delivered + 1;
        self.accept(documents).await;
        self.reasons(first).await
    }

    /// Waits for the outcomes of all updates since one; returns their reasons, in their order.
    pub(crate) async fn reasons(&self, first: u64) -> Vec<String> {
        let mut stream = ReceiptServiceClient::new(self.channel())
            .watch_receipts(WatchReceiptsRequest::default())
            .await
            .unwrap()
            .into_inner();
        let expected = usize::try_from(self.delivered + 1 - first).unwrap();
        let mut reasons = BTreeMap::new();
        let watch = async {
            while reasons.len() < expected {
                for receipt in stream.message().await.unwrap().unwrap().receipts {
                    if receipt.sequence >= first {
                        reasons.insert(receipt.sequence, receipt.reason);
                    }
                }
            }
        };
        timeout(PATIENCE, watch).await.unwrap();
        reasons.into_values().collect()
    }

    /// Returns what was written since so many records, refused records too.
    pub(crate) async fn writes(&self, after: usize) -> Vec<Write> {
        let history = self
            .admin("GET", &format!("/history?after={after}"), Value::Null)
            .await;
        history
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| Write {
                call: entry["call"].as_u64().unwrap(),
                key: entry["fields"]["Key__c"].as_str().unwrap_or_default().to_owned(),
                operation: entry["operation"].as_str().unwrap().to_owned(),
                success: entry["success"].as_bool().unwrap(),
                fields: entry["fields"].clone(),
            })
            .collect()
    }

    /// Returns the keys of the records that were created, sorted.
    pub(crate) async fn created(&self, after: usize) -> Vec<String> {
        let mut created: Vec<String> = self
            .writes(after)
            .await
            .into_iter()
            .filter(|write| write.operation == "create" && write.success)
            .map(|write| write.key)
            .collect();
        created.sort();
        created
    }

    /// Returns how many records were written so far.
    pub(crate) async fn written(&self) -> usize {
        self.writes(0).await.len()
    }

    /// Returns the record of a key.
    pub(crate) async fn record(&self, key: &str) -> Value {
        let records = self
            .admin("GET", &format!("/records/{}", self.object), Value::Null)
            .await;
        let is_it = |record: &&Value| record["Key__c"] == key;
        records.as_array().unwrap().iter().find(is_it).unwrap().clone()
    }

    /// Returns all runs, newest first.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        let request = ListRunsRequest {
            parent: PEOPLE.to_owned(),
            ..Default::default()
        };
        let answer = RunServiceClient::new(self.channel())
            .list_runs(request)
            .await
            .unwrap();
        answer.into_inner().runs
    }

    /// Returns the newest run.
    pub(crate) async fn run(&self) -> Run {
        self.runs().await.remove(0)
    }
}

/// Returns a document of this person.
pub(crate) fn person(key: &str) -> Value {
    json!({"key": key, "lastName": format!("Name of {key}"), "company": "Acme"})
}

/// Returns documents of so many people, the first of this number.
pub(crate) fn people(first: usize, count: usize) -> Vec<Value> {
    (first..first + count)
        .map(|number| person(&format!("u-{number:03}")))
        .collect()
}
