//! gRPC adapter of `CatalogService`, and the catalog itself.

use activation::destination::{RecordType, WriteMode};
use contracts::config::v1::{self as pb, catalog_service_server::CatalogService};
use tonic::{Request, Response, Status};

pub(crate) struct Adapter;

#[tonic::async_trait]
impl CatalogService for Adapter {
    async fn list_catalog_entries(
        &self,
        request: Request<pb::ListCatalogEntriesRequest>,
    ) -> Result<Response<pb::ListCatalogEntriesResponse>, Status> {
        let request = request.into_inner();
        let query = request.query.to_lowercase();
        let entries = [salesforce_crm()]
            .into_iter()
            .filter(|entry| {
                request.category.is_empty() || entry.category.eq_ignore_ascii_case(&request.category)
            })
            .filter(|entry| entry.display_name.to_lowercase().contains(&query))
            .collect();
        Ok(Response::new(pb::ListCatalogEntriesResponse { entries }))
    }
}

/// name, label, description, required, secret, allowed values.
type Field = (
    &'static str,
    &'static str,
    &'static str,
    bool,
    bool,
    &'static [&'static str],
);

const SALESFORCE_CRM_FIELDS: &[Field] = &[
    (
        "connection.custom_domain",
        "Custom Domain",
        "The org's My Domain: a prefix such as acme, a host or its URL (Setup, My Domain).",
        true,
        false,
        &[],
    ),
    (
        "client_credentials.client_id",
        "Client ID",
        "The app's Consumer Key.",
        true,
        false,
        &[],
    ),
    (
        "client_credentials.client_secret",
        "Client Secret",
        "The app's Consumer Secret.",
        true,
        true,
        &[],
    ),
    (
        "password.username",
        "Username",
        "The Salesforce user; for the username-password flow only.",
        false,
        false,
        &[],
    ),
    (
        "password.password",
        "Password",
        "Its password; for the username-password flow only.",
        false,
        true,
        &[],
    ),
    (
        "password.security_token",
        "Security Token",
        "Its security token, needed outside the org's trusted IP ranges; for the username-password flow only.",
        false,
        true,
        &[],
    ),
    (
        "destination.display_name",
        "Name",
        "By which people recognise the destination.",
        true,
        false,
        &[],
    ),
    (
        "destination.description",
        "Description",
        "What it is for.",
        false,
        false,
        &[],
    ),
    (
        "destination.record_type",
        "Salesforce ID Type",
        "The kind of record that is written.",
        true,
        false,
        &["CONTACT", "LEAD"],
    ),
    (
        "destination.write_mode",
        "Write mode",
        "Update records by their Salesforce id, or upsert them by an external id.",
        false,
        false,
        &["UPDATE_BY_ID", "UPSERT"],
    ),
    (
        "destination.key_field",
        "Key field",
        "The external-id field that names the record; for UPSERT only.",
        false,
        false,
        &[],
    ),
    (
        "destination.status_values",
        "Status values",
        "What is written for realized, existing and exited, where it is not these words.",
        false,
        false,
        &[],
    ),
    (
        "destination.mapping_id_prefix",
        "Mapping ID prefix",
        "Before every suggested Mapping ID, for example DEV_.",
        false,
        false,
        &[],
    ),
    (
        "destination.mapping_id_suffix",
        "Mapping ID suffix",
        "Behind every suggested Mapping ID.",
        false,
        false,
        &[],
    ),
];

fn salesforce_crm() -> pb::CatalogEntry {
    let fields = SALESFORCE_CRM_FIELDS
        .iter()
        .map(
            |(name, label, description, required, secret, allowed_values)| pb::CatalogField {
                name: (*name).to_owned(),
                label: (*label).to_owned(),
                description: (*description).to_owned(),
                required: *required,
                secret: *secret,
                allowed_values: allowed_values.iter().map(|value| (*value).to_owned()).collect(),
            },
        )
        .collect();
    pb::CatalogEntry {
        id: "salesforce-crm".to_owned(),
        display_name: "Salesforce CRM".to_owned(),
        category: "CRM".to_owned(),
        description:
            "Writes profiles and their segment statuses to Salesforce Contacts or Leads as they change."
                .to_owned(),
        fields,
        required_mappings: required_mappings(),
    }
}

/// Requirements 89 to 97: what names the record, and what Salesforce requires.
fn required_mappings() -> Vec<pb::RequiredMapping> {
    let required = |record_type: RecordType, write_mode: pb::WriteMode, target| pb::RequiredMapping {
        record_type: pb::RecordType::from(record_type).into(),
        write_mode: write_mode.into(),
        target: Some(pb::FieldTarget { target: Some(target) }),
    };
    let mut all = Vec::new();
    for record_type in RecordType::ALL {
        for (write_mode, identity) in [
            (pb::WriteMode::UpdateById, WriteMode::SALESFORCE_ID),
            (pb::WriteMode::Upsert, ""),
        ] {
            let identity = pb::field_target::Target::Identity(identity.to_owned());
            all.push(required(record_type, write_mode, identity));
        }
        for field in record_type.required_fields() {
            let field = pb::field_target::Target::Field((*field).to_owned());
            all.push(required(record_type, pb::WriteMode::Unspecified, field));
        }
    }
    all
}
