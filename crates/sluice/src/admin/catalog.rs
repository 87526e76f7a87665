//! `sluice catalog`

use clap::Args;
use contracts::config::v1::ListCatalogEntriesRequest;

use super::text::print_table;
use crate::cli::ClientArgs;

#[derive(Debug, Args)]
pub struct CatalogArgs {
    /// Only kinds of this category, for example CRM.
    #[arg(long, default_value = "")]
    category: String,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: CatalogArgs) -> anyhow::Result<()> {
    let request = ListCatalogEntriesRequest {
        category: args.category,
        query: String::new(),
    };
    let entries = args
        .client
        .servers()?
        .catalog()
        .list_catalog_entries(request)
        .await?
        .into_inner()
        .entries;
    if entries.is_empty() {
        println!("nothing in the catalog fits");
    }
    for entry in entries {
        println!(
            "{} ({}): {}",
            entry.display_name, entry.category, entry.description
        );
        let rows = entry
            .fields
            .into_iter()
            .map(|field| {
                let required = if field.required { "required" } else { "" };
                let secret = if field.secret { "secret" } else { "" };
                vec![
                    field.label,
                    required.to_owned(),
                    secret.to_owned(),
                    field.allowed_values.join(", "),
                    field.description,
                ]
            })
            .collect();
        print_table(&["field", "", "", "values", "what it is"], rows, "");
    }
    Ok(())
}
