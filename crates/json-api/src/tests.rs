//! Requests from the outside, with a service that answers as each test wants.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, Response};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value as Json, json};
use tonic::{
    Code, Status,
    server::{Grpc, NamedService, UnaryService},
    service::Routes,
};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Service, ServiceExt};
use tracing::{Instrument, field::Empty, info_span};
use tracing_subscriber::layer::SubscriberExt;

use crate::{About, JsonApi, call::DynamicCodec, library};

const BOOK: &str = "/v1/rooms/a/books/b";

/// What the service does with every call.
#[derive(Clone)]
enum Behaviour {
    Answer(Json),
    Refuse(Status),
    Hang,
}

/// A service of the test's contract; remembers what it was asked.
#[derive(Clone)]
struct Library {
    behaviour: Behaviour,
    asked: Arc<Mutex<Vec<(HeaderMap, Json)>>>,
}

impl NamedService for Library {
    const NAME: &'static str = library::SERVICE;
}

impl Service<Request<tonic::body::Body>> for Library {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let library = self.clone();
        Box::pin(async move {
            let pool = DescriptorPool::decode(library::descriptors().as_slice()).unwrap();
            let service = pool.get_service_by_name(library::SERVICE).unwrap();
            let called = request.uri().path().rsplit('/').next().unwrap().to_owned();
            let rpc = service.methods().find(|rpc| rpc.name() == called).unwrap();
            let unary = Unary {
                library,
                output: rpc.output(),
            };
            let codec = DynamicCodec { decoded: rpc.input() };
            Ok(Grpc::new(codec).unary(unary, request).await)
        })
    }
}

struct Unary {
    library: Library,
    output: prost_reflect::MessageDescriptor,
}

impl UnaryService<DynamicMessage> for Unary {
    type Response = DynamicMessage;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<DynamicMessage>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<DynamicMessage>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let message = serde_json::to_value(message).unwrap();
        self.library
            .asked
            .lock()
            .unwrap()
            .push((metadata.into_headers(), message));
        let (behaviour, output) = (self.library.behaviour.clone(), self.output.clone());
        Box::pin(async move {
            match behaviour {
                Behaviour::Answer(json) => Ok(tonic::Response::new(
                    DynamicMessage::deserialize(output, json).unwrap(),
                )),
                Behaviour::Refuse(status) => Err(status),
                Behaviour::Hang => std::future::pending().await,
            }
        })
    }
}

/// A server with one library.
struct Server {
    routes: Routes,
    asked: Arc<Mutex<Vec<(HeaderMap, Json)>>>,
}

/// What came back.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    fn new(behaviour: Behaviour) -> Self {
        let asked = Arc::default();
        let library = Library {
            behaviour,
            asked: Arc::clone(&asked),
        };
        let about = About {
            title: "Library",
            version: "1",
            description: "Books.",
            license: "Apache-2.0",
        };
        let api = JsonApi::new(&library::descriptors(), &[library::SERVICE], about).unwrap();
        Self {
            routes: api.beside(Routes::new(library)),
            asked,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn lend(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(format!("{BOOK}:lend"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn an_answer_has_its_zero_values_and_its_etag() {
    let server = Server::new(Behaviour::Answer(
        json!({"book": {"name": "b", "etag": "7", "rare": true}}),
    ));

    let answer = server.get(BOOK).await;

    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(
        (answer.header("etag"), answer.header("cache-control")),
        ("\"7\"", "no-store")
    );
    // What can be absent is, when it is not set.
    let book = json!({
        "name": "b", "title": "", "lendings": "0", "cover": "COVER_UNSPECIFIED", "words": {}, "readers": {},
        "marks": [], "picture": "", "weight": 0.0, "authors": [], "etag": "7", "rare": true,
    });
    assert_eq!(answer.json(), book);
    assert_eq!(
        server.asked.lock().unwrap()[0].1,
        json!({"name": "rooms/a/books/b"})
    );
}

#[tokio::test]
async fn the_etag_of_the_one_resource_in_an_answer_is_the_answers() {
    let server = Server::new(Behaviour::Answer(json!({"book": {"etag": "8"}, "remark": "R"})));
    let request = Request::patch(BOOK)
        .header(JSON.0, JSON.1)
        .body(Body::from("{}"))
        .unwrap();
    let answer = server.send(request).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"8\""));
    assert_eq!(answer.json()["remark"], "R");

    let nothing = Server::new(Behaviour::Answer(json!({}))).get(BOOK).await;
    assert_eq!((nothing.status, nothing.header("etag")), (200, ""));
    assert_eq!(nothing.json()["title"], "");
}

#[tokio::test]
async fn who_asks_and_the_trace_are_metadata_and_nothing_else_is() {
    let server = Server::new(Behaviour::Answer(json!({})));
    let headers = [
        ("sluice-actor", "Kim"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("tracestate", "a=b"),
        ("cookie", "session"),
        ("x-other", "x"),
    ];
    assert_eq!(server.lend(&headers, "").await.status, 200);

    let asked = server.asked.lock().unwrap();
    for (name, value) in &headers[..3] {
        assert_eq!(asked[0].0[*name], *value);
    }
    for name in ["cookie", "x-other"] {
        assert!(!asked[0].0.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_span_of_a_request_is_called_after_its_call() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    // As the server opens it.
    let span = info_span!(
        "http request",
        "otel.name" = "GET",
        "url.template" = Empty,
        "rpc.method" = Empty,
        "http.response.status_code" = Empty,
    );

    let server = Server::new(Behaviour::Answer(json!({})));
    server.get(BOOK).instrument(span).await;
    drop(subscriber);

    let span = exporter.get_finished_spans().unwrap().remove(0);
    assert_eq!(span.name, "GET /v1/{name=rooms/*/books/*}");
    let attribute = |key: &str| {
        let found = span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == key);
        found
            .map(|attribute| attribute.value.to_string())
            .unwrap_or_default()
    };
    assert_eq!(attribute("url.template"), "/v1/{name=rooms/*/books/*}");
    assert_eq!(attribute("rpc.method"), "library.v1.LibraryService/GetBook");
    assert_eq!(attribute("http.response.status_code"), "200");
}

#[tokio::test]
async fn a_status_is_a_problem_with_all_its_details() {
    let mut details =
        ErrorDetails::with_error_info("ROOM_FULL", "library", [("room".to_owned(), "a".to_owned())]);
    details.add_bad_request_violation("reader.name", "is unknown");
    details.add_precondition_failure_violation("ROOM_FULL", "reader.name", "is unknown");
    details.add_precondition_failure_violation("ROOM_FULL", "room", "is full");
    details.set_retry_info(Some(Duration::from_millis(1_200)));
    let status = Status::with_error_details(Code::ResourceExhausted, "no room", details);

    let answer = Server::new(Behaviour::Refuse(status)).get(BOOK).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, "2"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "urn:library:ROOM_FULL",
            "title": "Room full",
            "status": 429,
            "detail": "no room",
            "code": "RESOURCE_EXHAUSTED",
            "reason": "ROOM_FULL",
            "violations": [
                {"field": "reader.name", "description": "is unknown"},
                {"field": "room", "description": "is full"},
            ],
            "metadata": {"room": "a"},
            "retry_after_seconds": 2,
        })
    );
}

#[tokio::test]
async fn a_status_without_details_is_a_problem_too() {
    let expected = [
        (Code::Cancelled, 499, "CANCELLED", "Error"),
        (Code::Unknown, 500, "UNKNOWN", "Internal Server Error"),
        (Code::InvalidArgument, 400, "INVALID_ARGUMENT", "Bad Request"),
        (
            Code::DeadlineExceeded,
            504,
            "DEADLINE_EXCEEDED",
            "Gateway Timeout",
        ),
        (Code::NotFound, 404, "NOT_FOUND", "Not Found"),
        (Code::AlreadyExists, 409, "ALREADY_EXISTS", "Conflict"),
        (Code::PermissionDenied, 403, "PERMISSION_DENIED", "Forbidden"),
        (
            Code::ResourceExhausted,
            429,
            "RESOURCE_EXHAUSTED",
            "Too Many Requests",
        ),
        (
            Code::FailedPrecondition,
            400,
            "FAILED_PRECONDITION",
            "Bad Request",
        ),
        (Code::Aborted, 409, "ABORTED", "Conflict"),
        (Code::OutOfRange, 400, "OUT_OF_RANGE", "Bad Request"),
        (Code::Unimplemented, 501, "UNIMPLEMENTED", "Not Implemented"),
        (Code::Internal, 500, "INTERNAL", "Internal Server Error"),
        (Code::Unavailable, 503, "UNAVAILABLE", "Service Unavailable"),
        (Code::DataLoss, 500, "DATA_LOSS", "Internal Server Error"),
        (Code::Unauthenticated, 401, "UNAUTHENTICATED", "Unauthorized"),
    ];
    for (code, status, name, title) in expected {
        let answer = Server::new(Behaviour::Refuse(Status::new(code, "why")))
            .get(BOOK)
            .await;
        assert_eq!(answer.status, status, "{code:?}");
        assert_eq!(
            answer.json(),
            json!({
                "type": "about:blank", "title": title, "status": status, "detail": "why", "code": name, "reason": "",
                "violations": [],
            })
        );
    }
}

#[tokio::test]
async fn a_stale_if_match_is_a_failed_precondition() {
    let server = Server::new(Behaviour::Refuse(Status::aborted("stale")));
    assert_eq!(server.lend(&[JSON], r#"{"etag": "7"}"#).await.status, 409);
    assert_eq!(server.lend(&[("if-match", "\"7\"")], "").await.status, 412);
    assert_eq!(server.asked.lock().unwrap()[1].1["etag"], "7");
    let any = server.lend(&[("if-match", "*")], "").await;
    assert_eq!((any.status, any.json()["code"].as_str()), (409, Some("ABORTED")));
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_no_longer_than_asked_for() {
    let answer = Server::new(Behaviour::Hang)
        .lend(&[("x-server-timeout", "1.5")], "")
        .await;
    assert_eq!(
        (answer.status, answer.json()["reason"].as_str()),
        (504, Some("TIMED_OUT"))
    );
}

#[tokio::test]
async fn what_never_reaches_a_service_is_a_problem_too() {
    let server = Server::new(Behaviour::Answer(json!({})));
    let reason = |answer: &Answer| answer.json()["reason"].as_str().unwrap().to_owned();

    for path in [
        "/",
        "/v1",
        "/v1/rooms/a",
        "/v1/rooms/a/books/b/",
        "/v1/%FF",
        "/v1/rooms/a/books/b:burn",
    ] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, reason(&answer).as_str()),
            (404, "UNKNOWN_PATH"),
            "{path}"
        );
    }
    let answer = server
        .send(Request::delete(BOOK).body(Body::empty()).unwrap())
        .await;
    assert_eq!((answer.status, reason(&answer).as_str()), (405, "WRONG_METHOD"));
    assert_eq!(answer.header("allow"), "GET, PATCH");
    let answer = server
        .send(Request::post("/v1/openapi.json").body(Body::empty()).unwrap())
        .await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET"));

    let too_large = vec![b' '; (4 << 20) + 1];
    for (headers, body, status, expected) in [
        (vec![JSON], b"{\"reader\": ".to_vec(), 400, "MALFORMED_BODY"),
        (vec![], b"{}".to_vec(), 415, "WRONG_CONTENT_TYPE"),
        (
            vec![("content-type", "text/plain")],
            b"{}".to_vec(),
            415,
            "WRONG_CONTENT_TYPE",
        ),
        (vec![JSON], too_large, 413, "BODY_TOO_LARGE"),
        (
            vec![JSON, ("origin", "https://evil.example")],
            vec![],
            403,
            "CROSS_ORIGIN",
        ),
        (
            vec![("if-match", "7"), ("x-server-timeout", "soon")],
            vec![],
            400,
            "INVALID_FIELD",
        ),
    ] {
        let answer = server.lend(&headers, body).await;
        assert_eq!((answer.status, reason(&answer).as_str()), (status, expected));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(server.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_malformed_body_is_told_by_its_place_and_not_by_its_content() {
    let server = Server::new(Behaviour::Answer(json!({})));
    let answer = server.lend(&[JSON], r#"{"secret": hush}"#).await;
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("line 1 column 12") && !detail.contains("hush"),
        "{detail}"
    );
}

#[tokio::test]
async fn grpc_is_answered_as_grpc() {
    let server = Server::new(Behaviour::Answer(json!({})));
    let request = Request::post("/library.v1.OtherService/Call").header("content-type", "application/grpc");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "12"));
}

#[tokio::test]
async fn the_document_says_what_the_protos_say() {
    let server = Server::new(Behaviour::Answer(json!({})));

    let document = server.get("/v1/openapi.json").await.json();

    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/v1/rooms/{room}/books/{book}",
            "/v1/books/{book}",
            "/v1/rooms/{room}/books/{book}:lend",
            "/v1/rooms/{room}/books",
        ]
    );
    let description = document["info"]["description"].as_str().unwrap();
    assert!(
        description.contains("`library.v1.LibraryService.WatchBooks`"),
        "{description}"
    );
    assert_eq!(
        document["tags"],
        json!([{"name": "LibraryService", "description": "Books."}])
    );

    let get = &document["paths"]["/v1/rooms/{room}/books/{book}"]["get"];
    assert_eq!(get["summary"], "Reads a book");
    let names: Vec<&Json> = get["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names[..3], ["room", "book", "readMask"]);
    let answered = &get["responses"]["200"];
    assert_eq!(
        answered["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/Book"
    );
    assert!(answered["headers"]["ETag"].is_object());

    let lend = &document["paths"]["/v1/rooms/{room}/books/{book}:lend"]["post"];
    let body = &lend["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["reader"]));
    assert_eq!(body["properties"].get("name"), None);
    assert_eq!(lend["responses"]["412"]["$ref"], "#/components/responses/Problem");

    let schemas = &document["components"]["schemas"];
    let book = &schemas["Book"]["properties"];
    assert_eq!(book["lendings"]["readOnly"], true);
    assert_eq!(
        book["lendings"]["description"],
        "Output only. How often it was lent."
    );
    assert_eq!(book["words"]["additionalProperties"], json!({"type": "string"}));
    assert_eq!(schemas["Cover"]["enum"][2], "COVER_LEATHER");
    let cover = schemas["Cover"]["description"].as_str().unwrap();
    assert!(cover.contains("`COVER_LEATHER`: Leather."), "{cover}");
    let one_of = schemas["Book"]["description"].as_str().unwrap();
    assert!(one_of.contains("At most one of `person`, `house`"), "{one_of}");
}
