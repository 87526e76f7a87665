//! The catalog: what setting up a destination takes, and what exists already.

use contracts::{
    FILE_DESCRIPTORS,
    config::v1::{
        CatalogEntry, CatalogFieldType, CatalogUsage, Connection, CreateConnectionRequest, ExportFrequency,
        ExportType, WaitingUpdates,
    },
};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::Code;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, EGRESS_ADDRESSES, Rig, WORKSPACE, app, assert_names, mappings, segment},
};

on_both_databases!(
    row_57_the_catalog_counts_what_a_workspace_has,
    row_46_52_what_the_catalog_requires_is_required,
);

fn the_only(mut entries: Vec<CatalogEntry>) -> CatalogEntry {
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

#[tokio::test]
async fn row_7_8_11_52_53_the_catalog_has_salesforce_crm_with_all_that_it_takes() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;

    let entry = the_only(rig.catalog("", "", "").await.unwrap());

    for (category, query) in [("CRM", ""), ("crm", "salesforce"), ("", "CRM")] {
        assert_eq!(the_only(rig.catalog(category, query, "").await.unwrap()), entry);
    }
    for (category, query) in [("Advertising", ""), ("", "Marketing Cloud")] {
        assert_eq!(rig.catalog(category, query, "").await.unwrap(), []);
    }
    assert_eq!(
        (entry.display_name.as_str(), entry.category.as_str()),
        ("Salesforce CRM", "CRM")
    );
    assert_eq!(
        (entry.export_type(), entry.export_frequency()),
        (ExportType::ProfileBased, ExportFrequency::Streaming)
    );
    assert_eq!(entry.usage, None);
    for field in &entry.fields {
        assert!(
            !field.label.is_empty() && !field.description.is_empty(),
            "{field:?}"
        );
        assert_ne!(field.r#type(), CatalogFieldType::Unspecified, "{field:?}");
        assert_eq!(
            field.secret,
            field.r#type() == CatalogFieldType::Password,
            "{field:?}"
        );
    }
    let secret: Vec<&str> = entry
        .fields
        .iter()
        .filter(|field| field.secret)
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        secret,
        [
            "client_credentials.client_secret",
            "password.password",
            "password.security_token",
            "password.client_secret"
        ]
    );
    let of_password: Vec<(&str, bool)> = entry
        .fields
        .iter()
        .filter(|field| field.grants == ["password"])
        .map(|field| (field.name.as_str(), field.required))
        .collect();
    assert_eq!(
        of_password,
        [
            ("password.username", true),
            ("password.password", true),
            ("password.security_token", false),
            ("password.client_id", true),
            ("password.client_secret", true)
        ]
    );
    let record_type = entry
        .fields
        .iter()
        .find(|field| field.name == "destination.record_type")
        .unwrap();
    assert_eq!(
        (record_type.label.as_str(), record_type.required),
        ("Salesforce ID Type", true)
    );
    assert_eq!(record_type.allowed_values, ["CONTACT", "LEAD"]);
}

#[tokio::test]
async fn row_15_16_17_the_catalog_tells_scopes_grants_and_addresses() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;

    let entry = the_only(rig.catalog("", "", "").await.unwrap());

    let mut asked: Vec<&str> = entry.scopes.iter().map(|scope| scope.name.as_str()).collect();
    asked.sort_unstable();
    assert_eq!(
        asked,
        [
            "api",
            "chatter_api",
            "content",
            "full",
            "lightning",
            "offline_access",
            "openid",
            "refresh_token",
            "visualforce",
            "web"
        ]
    );
    let needed: Vec<&str> = entry
        .scopes
        .iter()
        .filter(|scope| scope.needed)
        .map(|scope| scope.name.as_str())
        .collect();
    assert_eq!(needed, ["api"]);
    let grants: Vec<(&str, bool)> = entry
        .grants
        .iter()
        .map(|grant| (grant.name.as_str(), grant.recommended))
        .collect();
    assert_eq!(grants, [("client_credentials", true), ("password", false)]);
    for part in ["Summer '23", "announced its end"] {
        assert!(
            entry.grants[1].description.contains(part),
            "{:?}",
            entry.grants[1]
        );
    }
    assert_eq!(entry.egress_addresses, EGRESS_ADDRESSES);
}

async fn row_57_the_catalog_counts_what_a_workspace_has(place: &Place) {
    let rig = Rig::start(place).await;
    let usage = async |workspace: &str| the_only(rig.catalog("", "", workspace).await.unwrap()).usage;
    assert_eq!(usage(WORKSPACE).await, Some(CatalogUsage::default()));
    rig.create_connection(WORKSPACE, "crm", "acme").await.unwrap();
    rig.create_connection(WORKSPACE, "other", "globex").await.unwrap();
    rig.salesforce.create_acme().await;
    rig.put_credentials(CONNECTION, app("app-secret")).await;
    rig.check(CONNECTION).await;
    rig.check("workspaces/acme/connections/other").await;
    rig.create_field(crate::simulated::ACME, "vip__c").await;
    for id in ["contacts", "draft"] {
        rig.create_draft(WORKSPACE, id, CONNECTION).await;
    }
    rig.set_field_mappings(CONTACTS, &mappings()).await.unwrap();
    rig.add_segments(CONTACTS, &[segment("vip-people", "vip")])
        .await
        .unwrap();
    rig.activate(CONTACTS).await.unwrap();

    let expected = CatalogUsage {
        connection_count: 2,
        connected_count: 1,
        destination_count: 2,
        activated_destination_count: 1,
    };
    assert_eq!(usage(WORKSPACE).await, Some(expected));
    assert_eq!(usage("workspaces/acme-2").await, Some(CatalogUsage::default()));
    rig.delete_destination(CONTACTS, WaitingUpdates::Resume)
        .await
        .unwrap();
    let deleting = CatalogUsage {
        activated_destination_count: 0,
        ..expected
    };
    assert_eq!(usage(WORKSPACE).await, Some(deleting));
    let refused = rig.catalog("", "", "acme").await.unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["parent"]);
}

async fn row_46_52_what_the_catalog_requires_is_required(place: &Place) {
    let rig = Rig::start(place).await;
    let entry = the_only(rig.catalog("", "", "").await.unwrap());
    let of_connection: Vec<_> = entry
        .fields
        .iter()
        .filter(|field| field.name.starts_with("connection."))
        .collect();
    assert_eq!(of_connection.len(), 3);
    for field in of_connection {
        let mut connection = Connection {
            display_name: "CRM".to_owned(),
            description: "What it is for".to_owned(),
            custom_domain: "acme".to_owned(),
            ..Default::default()
        };
        let value = match field.name.as_str() {
            "connection.display_name" => &mut connection.display_name,
            "connection.description" => &mut connection.description,
            "connection.custom_domain" => &mut connection.custom_domain,
            other => panic!("{other} is no field of a connection"),
        };
        let too_long = "x".repeat(usize::try_from(field.max_length).unwrap() + 1);
        let left_out = {
            value.clear();
            connection.clone()
        };
        let create = |id: &str, connection: Connection| {
            let request = CreateConnectionRequest {
                parent: WORKSPACE.to_owned(),
                connection_id: id.to_owned(),
                connection: Some(connection),
            };
            let mut connections = rig.connections.clone();
            async move { connections.create_connection(request).await }
        };

        let answer = create("without", left_out).await;

        if field.required {
            assert_names(&answer.unwrap_err(), Code::InvalidArgument, &[&field.name]);
        } else {
            answer.unwrap();
        }
        if field.max_length > 0 {
            match field.name.as_str() {
                "connection.display_name" => connection.display_name = too_long,
                _ => connection.description = too_long,
            }
            let refused = create("too-long", connection).await.unwrap_err();
            assert_names(&refused, Code::InvalidArgument, &[&field.name]);
        }
    }
}

/// The roles: connection spec, base connection, target connection with its flow, run.
#[test]
fn row_227_every_role_has_its_resource_and_can_be_read() {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTORS).unwrap().file;
    let methods: Vec<&str> = files
        .iter()
        .flat_map(|file| &file.service)
        .flat_map(|service| &service.method)
        .map(prost_types::MethodDescriptorProto::name)
        .collect();
    for method in [
        "ListCatalogEntries",
        "GetConnection",
        "ListConnections",
        "GetDestination",
        "ListDestinations",
        "ListRuns",
    ] {
        assert!(methods.contains(&method), "no {method} in {methods:?}");
    }
}
