//! `sluice catalog`

use clap::Args;
use contracts::config::v1::{CatalogEntry, CatalogField, CatalogFieldType, ListCatalogEntriesRequest};

use super::text::{enum_name, print_properties, print_table};
use crate::cli::ClientArgs;

#[derive(Debug, Args)]
pub struct CatalogArgs {
    /// Only kinds of this category, for example CRM.
    #[arg(long, default_value = "")]
    category: String,
    /// Only kinds whose name contains this.
    #[arg(long, default_value = "", value_name = "TEXT")]
    query: String,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: CatalogArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = ListCatalogEntriesRequest {
        category: args.category,
        query: args.query,
        parent: servers.workspace().to_string(),
    };
    let entries = servers
        .catalog()
        .list_catalog_entries(request)
        .await?
        .into_inner()
        .entries;
    if entries.is_empty() {
        println!("nothing in the catalog fits");
    }
    for entry in entries {
        print(entry);
    }
    Ok(())
}

fn print(entry: CatalogEntry) {
    println!(
        "{} ({}): {}",
        entry.display_name, entry.category, entry.description
    );
    let usage = entry.usage.unwrap_or_default();
    print_properties(&[
        (
            "sends",
            format!(
                "{}, {}",
                enum_name(entry.export_type().as_str_name(), "EXPORT_TYPE_"),
                enum_name(entry.export_frequency().as_str_name(), "EXPORT_FREQUENCY_"),
            ),
        ),
        (
            "here",
            format!(
                "{} connections ({} connected), {} destinations ({} activated)",
                usage.connection_count,
                usage.connected_count,
                usage.destination_count,
                usage.activated_destination_count,
            ),
        ),
        ("calls come from", entry.egress_addresses.join(", ")),
    ]);
    print_table(
        &["field", "", "", "kind", "what it is"],
        entry.fields.into_iter().map(row).collect(),
        "",
    );
    println!("How a connection logs in:");
    let grants = entry.grants.into_iter().map(|grant| {
        let recommended = if grant.recommended { "recommended" } else { "" };
        vec![grant.name, recommended.to_owned(), grant.description]
    });
    print_table(&["grant", "", "what it takes"], grants.collect(), "");
    println!("OAuth scopes of the app:");
    let scopes = entry.scopes.into_iter().map(|scope| {
        let needed = if scope.needed { "needed" } else { "not needed" };
        vec![scope.name, needed.to_owned(), scope.description]
    });
    print_table(&["scope", "", "what it is for"], scopes.collect(), "");
}

fn row(field: CatalogField) -> Vec<String> {
    let required = if field.required { "required" } else { "" };
    let kind = match field.r#type() {
        CatalogFieldType::Choice => field.allowed_values.join(", "),
        other => enum_name(other.as_str_name(), "CATALOG_FIELD_TYPE_").replace('_', " "),
    };
    let mut notes = field.description;
    if field.max_length > 0 {
        notes.push_str(&format!(" At most {} characters.", field.max_length));
    }
    if field.fixed_after_activation {
        notes.push_str(" Fixed after activation.");
    }
    vec![
        field.label,
        required.to_owned(),
        field.grants.join(", "),
        kind,
        notes,
    ]
}
