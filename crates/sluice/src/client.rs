//! Talking to the services from the command line.

use std::fmt::Write;

use activation::names::{ConnectionName, DestinationName, ResourceId, WorkspaceName};
use anyhow::Context;
use contracts::{
    actor::{ACTOR, actor_metadata},
    auth::v1::credential_service_client::CredentialServiceClient,
    config::v1::{
        backfill_service_client::BackfillServiceClient, catalog_service_client::CatalogServiceClient,
        connection_service_client::ConnectionServiceClient,
        destination_service_client::DestinationServiceClient,
        governance_service_client::GovernanceServiceClient, preflight_service_client::PreflightServiceClient,
        provisioning_service_client::ProvisioningServiceClient, segment_service_client::SegmentServiceClient,
    },
    delivery::v1::{
        dead_letter_service_client::DeadLetterServiceClient, delivery_service_client::DeliveryServiceClient,
        receipt_service_client::ReceiptServiceClient, run_service_client::RunServiceClient,
    },
};
use service::{
    chain::Chain,
    grpc::client::{TracedChannel, channel, traced, traced_with},
};
use tonic::{Code, Status, metadata::MetadataMap};
use tonic_types::StatusExt;

/// Clients of all public services, and the workspace that short names are in.
#[derive(Clone)]
pub struct Servers {
    config: TracedChannel,
    auth: TracedChannel,
    delivery: TracedChannel,
    workspace: WorkspaceName,
}

impl Servers {
    pub fn new(config: &str, auth: &str, delivery: &str, workspace: &str) -> anyhow::Result<Self> {
        Self::acting_as("", config, auth, delivery, workspace)
    }

    /// As [`new`](Self::new); changes are said to be made by `actor`, unless it
    /// is empty.
    pub fn acting_as(
        actor: &str,
        config: &str,
        auth: &str,
        delivery: &str,
        workspace: &str,
    ) -> anyhow::Result<Self> {
        let mut said = MetadataMap::new();
        if !actor.is_empty() {
            let value = actor_metadata(actor)
                .map_err(|invalid| anyhow::anyhow!("--actor (or SLUICE_ACTOR) {}", invalid.problem))?;
            said.insert(ACTOR, value);
        }
        let workspace: ResourceId = workspace.parse().map_err(|invalid: activation::InvalidField| {
            anyhow::anyhow!("--workspace: {}", invalid.problem)
        })?;
        Ok(Self {
            config: traced_with(channel(config, None)?, said),
            auth: traced(channel(auth, None)?),
            delivery: traced(channel(delivery, None)?),
            workspace: WorkspaceName::new(workspace),
        })
    }

    pub fn workspace(&self) -> &WorkspaceName {
        &self.workspace
    }

    pub fn backfills(&self) -> BackfillServiceClient<TracedChannel> {
        BackfillServiceClient::new(self.config.clone())
    }

    pub fn catalog(&self) -> CatalogServiceClient<TracedChannel> {
        CatalogServiceClient::new(self.config.clone())
    }

    pub fn connections(&self) -> ConnectionServiceClient<TracedChannel> {
        ConnectionServiceClient::new(self.config.clone())
    }

    pub fn destinations(&self) -> DestinationServiceClient<TracedChannel> {
        DestinationServiceClient::new(self.config.clone())
    }

    pub fn segments(&self) -> SegmentServiceClient<TracedChannel> {
        SegmentServiceClient::new(self.config.clone())
    }

    pub fn governance(&self) -> GovernanceServiceClient<TracedChannel> {
        GovernanceServiceClient::new(self.config.clone())
    }

    pub fn preflight(&self) -> PreflightServiceClient<TracedChannel> {
        PreflightServiceClient::new(self.config.clone())
    }

    pub fn provisioning(&self) -> ProvisioningServiceClient<TracedChannel> {
        ProvisioningServiceClient::new(self.config.clone())
    }

    pub fn credentials(&self) -> CredentialServiceClient<TracedChannel> {
        CredentialServiceClient::new(self.auth.clone())
    }

    pub fn delivery(&self) -> DeliveryServiceClient<TracedChannel> {
        DeliveryServiceClient::new(self.delivery.clone())
    }

    pub fn receipts(&self) -> ReceiptServiceClient<TracedChannel> {
        ReceiptServiceClient::new(self.delivery.clone())
    }

    pub fn runs(&self) -> RunServiceClient<TracedChannel> {
        RunServiceClient::new(self.delivery.clone())
    }

    pub fn dead_letters(&self) -> DeadLetterServiceClient<TracedChannel> {
        DeadLetterServiceClient::new(self.delivery.clone())
    }

    /// Takes a whole name, or an id in the workspace.
    pub fn connection_name(&self, text: &str) -> anyhow::Result<String> {
        if text.contains('/') {
            return Ok(text.parse::<ConnectionName>()?.to_string());
        }
        Ok(ConnectionName::new(self.workspace.clone(), text.parse()?).to_string())
    }

    /// Takes a whole name, or an id in the workspace.
    pub fn destination_name(&self, text: &str) -> anyhow::Result<String> {
        if text.contains('/') {
            return Ok(text.parse::<DestinationName>()?.to_string());
        }
        Ok(DestinationName::new(self.workspace.clone(), text.parse()?).to_string())
    }
}

/// Returns a message that the other side must have sent.
pub fn sent<T>(message: Option<T>) -> anyhow::Result<T> {
    message.context("the server left out what it should have answered")
}

/// Writes an error for people: what went wrong, each field at fault on a line
/// of its own, and for a server that is not there what to do.
pub fn error_text(error: &anyhow::Error) -> String {
    let Some(status) = error.chain().find_map(|cause| cause.downcast_ref::<Status>()) else {
        return Chain(error.as_ref()).to_string();
    };
    let context: Vec<String> = error
        .chain()
        .take_while(|cause| cause.downcast_ref::<Status>().is_none())
        .map(ToString::to_string)
        .collect();
    let mut text = context.iter().fold(String::new(), |mut text, context| {
        let _ = write!(text, "{context}: ");
        text
    });
    let violations = status
        .get_details_bad_request()
        .map(|details| details.field_violations)
        .unwrap_or_default();
    if violations.is_empty() {
        text.push_str(&status_text(status));
    } else {
        text.push_str(match status.code() {
            Code::FailedPrecondition => "not yet possible; mend this first:",
            _ => "the request has fields that cannot be taken:",
        });
        for violation in violations {
            let _ = write!(text, "\n  {}: {}", violation.field, violation.description);
        }
    }
    text
}

fn status_text(status: &Status) -> String {
    let is_ours = status.get_details_error_info().is_some();
    match status.code() {
        Code::Unavailable if !is_ours => {
            "the server does not answer; is `sluice up` running, and is --server right?".to_owned()
        }
        Code::Unimplemented if !is_ours => {
            "the server does not know this call; does --server name the right service and version?".to_owned()
        }
        _ => status.message().to_owned(),
    }
}
