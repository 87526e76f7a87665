//! `sluice catalog`

use clap::Args;
use contracts::config::v1::{
    CatalogEntry, CatalogField, CatalogFieldType, CatalogGrant, ListCatalogEntriesRequest,
};

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
    for (parent, fields) in by_parent(&entry.fields) {
        println!("\n{}", heading(parent, &entry.grants));
        let rows = fields.into_iter().map(row).collect();
        print_table(&["field", "", "kind", "what it is"], rows, "");
    }
    println!("\nOAuth scopes of the app:");
    let scopes = entry.scopes.into_iter().map(|scope| {
        let needed = if scope.needed { "needed" } else { "not needed" };
        vec![scope.name, needed.to_owned(), scope.description]
    });
    print_table(&["scope", "", "what it is for"], scopes.collect(), "");
}

/// Gathers neighbours that belong together: what stands before the first dot
/// of their names.
fn by_parent(fields: &[CatalogField]) -> Vec<(&str, Vec<&CatalogField>)> {
    let mut groups: Vec<(&str, Vec<&CatalogField>)> = Vec::new();
    for field in fields {
        let parent = field.name.split('.').next().unwrap_or_default();
        match groups.last_mut() {
            Some((last, group)) if *last == parent => group.push(field),
            _ => groups.push((parent, vec![field])),
        }
    }
    groups
}

/// Says what the fields are for, and the command that takes them.
fn heading(parent: &str, grants: &[CatalogGrant]) -> String {
    match parent {
        "connection" => "The connection (sluice connections create):".to_owned(),
        "destination" => "The destination (sluice destinations create):".to_owned(),
        other => match grants.iter().find(|grant| grant.name == other) {
            Some(grant) => {
                let recommended = if grant.recommended { ", recommended" } else { "" };
                format!(
                    "Its login by {other}{recommended} (sluice credentials put):\n{}",
                    grant.description
                )
            }
            None => format!("{other}:"),
        },
    }
}

fn row(field: &CatalogField) -> Vec<String> {
    let required = if field.required { "required" } else { "" };
    let kind = match field.r#type() {
        CatalogFieldType::Choice => field.allowed_values.join(", "),
        other => enum_name(other.as_str_name(), "CATALOG_FIELD_TYPE_").replace('_', " "),
    };
    let mut notes = field.description.clone();
    if field.max_length > 0 {
        notes.push_str(&format!(" At most {} characters.", field.max_length));
    }
    if field.fixed_after_activation {
        notes.push_str(" Fixed after activation.");
    }
    vec![field.label.clone(), required.to_owned(), kind, notes]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_with_those_that_one_command_takes() {
        let field = |name: &str| CatalogField {
            name: name.to_owned(),
            ..Default::default()
        };
        let fields = ["connection.a", "connection.b", "password.c", "new.d"].map(field);
        let names: Vec<(&str, usize)> = by_parent(&fields)
            .into_iter()
            .map(|(parent, group)| (parent, group.len()))
            .collect();
        assert_eq!(names, [("connection", 2), ("password", 1), ("new", 1)]);

        let grant = CatalogGrant {
            name: "password".to_owned(),
            description: "A user's password.".to_owned(),
            recommended: true,
            ..Default::default()
        };
        let told = heading("password", std::slice::from_ref(&grant));
        assert_eq!(
            told,
            "Its login by password, recommended (sluice credentials put):\nA user's password."
        );
        assert_eq!(heading("new", &[grant]), "new:");
    }
}
