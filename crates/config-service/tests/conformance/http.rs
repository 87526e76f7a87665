//! The public calls of both services as JSON over HTTP, on a port of their own.

use json_api::{About, JsonApi};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use service::grpc::Listener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;

/// A client of the JSON API.
pub(crate) struct Http {
    client: Client,
    url: String,
    _serving: DropGuard,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: String,
    pub(crate) content_type: String,
    pub(crate) json: Value,
}

impl Http {
    /// Serves the routes as the program does.
    pub(crate) async fn serve(routes: Routes) -> Self {
        let services = [
            auth_service::PUBLIC_SERVICES.as_slice(),
            config_service::PUBLIC_SERVICES.as_slice(),
        ]
        .concat();
        let about = About {
            title: "Sluice",
            version: "0",
            description: "",
            license: "Apache-2.0",
        };
        let api = JsonApi::new(contracts::FILE_DESCRIPTORS, &services, about).unwrap();
        let listener = Listener::bind_public(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://{}/v1", listener.address());
        let shutdown = CancellationToken::new();
        tokio::spawn(listener.serve(api.beside(routes), shutdown.clone()));
        Self {
            client: Client::new(),
            url,
            _serving: shutdown.drop_guard(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &[], &body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, &[], &body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, &[], &body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], &Value::Null).await
    }

    /// Sends a request with these headers; without a body when that is null.
    #[expect(clippy::disallowed_methods, reason = "our own API, not Salesforce")]
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}/{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        Answer {
            status: answer.status().as_u16(),
            etag: header("etag"),
            content_type: header("content-type"),
            json: answer.json().await.unwrap(),
        }
    }
}

impl Answer {
    /// Returns the answer of a call that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(
            (self.status, self.content_type.as_str()),
            (200, "application/json"),
            "{self:?}"
        );
        self.json
    }

    /// Asserts that this is a problem of this status and reason; returns the fields it names.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) -> Vec<&str> {
        let said = (self.status, self.json["reason"].as_str());
        assert_eq!(said, (status, Some(reason)), "{self:?}");
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.json["status"], json!(status));
        assert_eq!(self.json["type"], json!(format!("urn:sluice:{reason}")));
        for member in ["title", "detail", "code"] {
            assert_ne!(self.json[member].as_str().unwrap(), "", "{self:?}");
        }
        let violations = self.json["violations"].as_array().unwrap();
        violations
            .iter()
            .map(|one| one["field"].as_str().unwrap())
            .collect()
    }
}
