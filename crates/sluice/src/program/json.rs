//! The public calls as JSON over HTTP, on the port of gRPC.

use json_api::{About, JsonApi, SetUpError};

const DESCRIPTION: &str = "Sluice streams customer-profile and segment updates into Salesforce CRM. \
    These are the public gRPC calls as proto3 JSON; docs/json-api.md shows them at work.";

/// Makes the JSON form of the services named.
pub(crate) fn api(services: &[&str]) -> Result<JsonApi, SetUpError> {
    let about = About {
        title: "Sluice",
        version: env!("CARGO_PKG_VERSION"),
        description: DESCRIPTION,
        license: "Apache-2.0",
    };
    JsonApi::new(contracts::FILE_DESCRIPTORS, services, about)
}

/// Returns the full names of all public services.
pub(crate) fn public_services() -> Vec<&'static str> {
    [
        auth_service::PUBLIC_SERVICES.as_slice(),
        config_service::PUBLIC_SERVICES.as_slice(),
        delivery_service::PUBLIC_SERVICES.as_slice(),
    ]
    .concat()
}

/// Prints the OpenAPI document of all public services.
pub(crate) fn print_openapi() -> anyhow::Result<()> {
    println!("{:#}", api(&public_services())?.openapi());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_call_that_is_no_stream_has_a_json_form() {
        let api = api(&public_services()).unwrap();
        let without: Vec<&str> = api.calls_without_json().collect();
        let streams = [
            "sluice.delivery.v1.DeliveryService.Deliver",
            "sluice.delivery.v1.ReceiptService.WatchReceipts",
        ];
        assert_eq!(without, streams);
    }

    #[test]
    fn no_internal_call_has_a_json_form() {
        let internal = [
            auth_service::INTERNAL_SERVICES.as_slice(),
            config_service::INTERNAL_SERVICES.as_slice(),
        ]
        .concat();
        let api = api(&internal).unwrap();
        assert_eq!(api.openapi()["paths"], serde_json::json!({}));
        assert_eq!(api.calls_without_json().count(), 4);
    }
}
