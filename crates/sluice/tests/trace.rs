//! One trace from `send` to Salesforce's result for the row, and nothing of a
//! person or a secret in any span or log.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use contracts::{
    auth::v1::{ClientCredentialsGrant, PutCredentialsRequest, put_credentials_request::Grant},
    config::v1 as config,
    delivery::v1 as delivery,
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use service::Clock;
use sluice::{
    client::Servers,
    program::{installation::Installation, simulator},
    send::stream::Stream,
    settings::Settings,
};
use tokio::sync::mpsc;
use tracing_subscriber::{EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

const CLIENT_SECRET: &str = "sluice-sample-secret";
const LAST_NAME: &str = "Markername";
const EMAIL: &str = "marker@example.org";
const NO_EMAIL: &str = "marker-at-nowhere";
const CONTACT: &str = "0035g0000000001AAA";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_243_a_recorded_update_is_traced_to_its_row_and_no_secret_or_value_is_told() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .build();
    let logs = Captured::default();
    let ours = "debug,sluice=trace,service=trace,auth_service=trace,config_service=trace,delivery_service=trace,\
                salesforce=trace";
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(logs.clone())
                .with_filter(EnvFilter::new(ours)),
        )
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("test")))
        .init();

    let directory = tempfile::tempdir().unwrap();
    let simulator = simulator::start(([127, 0, 0, 1], 0).into(), true).await.unwrap();
    let mut settings = Settings {
        data_dir: directory.path().to_owned(),
        ..Settings::default()
    };
    settings.listen.public = ([127, 0, 0, 1], 0).into();
    settings.salesforce.simulator_url = Some(format!("http://{}", simulator.address()).parse().unwrap());
    let installation = Installation::start(&settings, Clock::system()).await.unwrap();
    let server = format!("http://{}", installation.address());
    let servers = Servers::new(&server, &server, &server, "w").unwrap();
    activate(&servers).await;

    let (sender, batches) = mpsc::channel(1);
    sender.send(batch()).await.unwrap();
    drop(sender);
    let stream = Stream {
        servers: servers.clone(),
        producer: "trace-test".to_owned(),
        patience: Duration::from_secs(10),
    };
    stream.send(batches, |_| {}).await.unwrap();
    let outcomes = receipts(&servers, 2).await;
    assert_eq!(outcomes, ["WRITTEN", "INVALID_EMAIL_ADDRESS"]);

    installation.stop().await.unwrap();
    simulator.stop().await;
    provider.force_flush().unwrap();
    let spans = exporter.get_finished_spans().unwrap();

    let named = |name: &str| -> Vec<&SpanData> { spans.iter().filter(|span| span.name == name).collect() };
    let send = named("send");
    let write = named("salesforce write");
    let delivered = named("deliver");
    assert_eq!((send.len(), write.len(), delivered.len()), (1, 1, 2));
    for deliver in &delivered {
        assert_eq!(deliver.span_context.trace_id(), send[0].span_context.trace_id());
        assert_eq!(deliver.parent_span_id, send[0].span_context.span_id());
        assert_eq!(
            deliver.links.links[0].span_context.span_id(),
            write[0].span_context.span_id()
        );
    }
    assert_ne!(write[0].span_context.trace_id(), send[0].span_context.trace_id());
    let mut results: Vec<_> = delivered
        .iter()
        .map(|span| attribute(span, "salesforce.result"))
        .collect();
    results.sort();
    assert_eq!(results, ["INVALID_EMAIL_ADDRESS", "SAVED"]);
    // The token is asked for in the batch's trace, across a gRPC hop.
    let token_in_batch = spans.iter().any(|span| {
        span.name == "sluice.auth.v1.TokenService/GetToken"
            && span.span_context.trace_id() == write[0].span_context.trace_id()
    });
    assert!(token_in_batch);

    let logged = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a stream of updates is open"));
    let told = format!("{logged}{spans:?}");
    for mark in [CLIENT_SECRET, LAST_NAME, EMAIL, NO_EMAIL] {
        assert!(!told.contains(mark), "{mark} is told in a log or span");
    }
    // A token begins with the org's 15-character id and an exclamation mark.
    let has_token = told
        .match_indices("00D")
        .any(|(start, _)| told[start..].chars().nth(15) == Some('!'));
    assert!(!has_token, "a token is told in a log or span");
}

fn attribute(span: &SpanData, key: &str) -> String {
    span.attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.to_string())
        .unwrap_or_default()
}

async fn activate(servers: &Servers) {
    let connection = config::Connection {
        display_name: "Acme".to_owned(),
        custom_domain: "acme".to_owned(),
        ..Default::default()
    };
    let request = config::CreateConnectionRequest {
        parent: "workspaces/w".to_owned(),
        connection_id: "acme".to_owned(),
        connection: Some(connection),
    };
    servers.connections().create_connection(request).await.unwrap();
    let grant = Grant::ClientCredentials(ClientCredentialsGrant {
        client_id: "sluice-sample-client".to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
    });
    let connection = "workspaces/w/connections/acme".to_owned();
    let request = PutCredentialsRequest {
        connection: connection.clone(),
        grant: Some(grant),
    };
    servers.credentials().put_credentials(request).await.unwrap();

    let mut client = servers.destinations();
    let destination = config::Destination {
        display_name: "Contacts".to_owned(),
        connection,
        record_type: config::RecordType::Contact.into(),
        ..Default::default()
    };
    let request = config::CreateDestinationRequest {
        parent: "workspaces/w".to_owned(),
        destination_id: "contacts".to_owned(),
        destination: Some(destination),
    };
    client.create_destination(request).await.unwrap();
    let name = "workspaces/w/destinations/contacts".to_owned();
    let attribute = |path: &str, field: &str| config::FieldMapping {
        source: Some(config::FieldSource {
            source: Some(config::field_source::Source::AttributePath(path.to_owned())),
        }),
        target: Some(config::FieldTarget {
            target: Some(config::field_target::Target::Field(field.to_owned())),
        }),
        ..Default::default()
    };
    let key = config::FieldMapping {
        source: Some(config::FieldSource {
            source: Some(config::field_source::Source::IdentityNamespace(
                "crmID".to_owned(),
            )),
        }),
        target: Some(config::FieldTarget {
            target: Some(config::field_target::Target::Identity("SalesforceId".to_owned())),
        }),
        ..Default::default()
    };
    let field_mappings = vec![
        key,
        attribute("person.name.lastName", "LastName"),
        attribute("personalEmail.address", "Email"),
    ];
    let request = config::SetFieldMappingsRequest {
        name: name.clone(),
        field_mappings,
        etag: String::new(),
    };
    client.set_field_mappings(request).await.unwrap();
    client
        .activate_destination(config::ActivateDestinationRequest {
            name,
            etag: String::new(),
        })
        .await
        .unwrap();
}

fn batch() -> delivery::UpdateBatch {
    let document = |id: &str, email: &str| {
        format!(
            r#"{{"identityMap": {{"crmID": [{{"id": "{id}"}}]}}, "person": {{"name": {{"lastName": "{LAST_NAME}"}}}},
                "personalEmail": {{"address": "{email}"}}}}"#
        )
        .into_bytes()
    };
    let updates = [(1, CONTACT, EMAIL), (2, "0035g0000000002AAA", NO_EMAIL)]
        .into_iter()
        .map(|(sequence, id, email)| delivery::ProfileUpdate {
            sequence,
            json_document: document(id, email),
            ..Default::default()
        })
        .collect();
    let target = delivery::update_batch::Target::Destination("workspaces/w/destinations/contacts".to_owned());
    delivery::UpdateBatch {
        target: Some(target),
        updates,
    }
}

/// Waits for so many receipts; answers their reasons in the order of sequence.
async fn receipts(servers: &Servers, count: usize) -> Vec<String> {
    let request = delivery::WatchReceiptsRequest {
        producer: "trace-test".to_owned(),
        ..Default::default()
    };
    let mut stream = servers
        .receipts()
        .watch_receipts(request)
        .await
        .unwrap()
        .into_inner();
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(stream.message().await.unwrap().unwrap().receipts);
    }
    seen.sort_by_key(|receipt| receipt.sequence);
    seen.into_iter().map(|receipt| receipt.reason).collect()
}
