//! `sluice fields …`

use clap::{Args, Subcommand};
use contracts::config::v1 as pb;

use super::{destinations::RecordType, pages, text::print_table};
use crate::cli::ClientArgs;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the fields of the org that something can be mapped to, as they are now.
    List(ListArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// List what this destination can write.
    #[arg(long, required_unless_present = "connection", conflicts_with = "connection")]
    destination: Option<String>,
    /// List what this login can write.
    #[arg(long, requires = "record_type")]
    connection: Option<String>,
    /// Of these records; the destination's own when left out.
    #[arg(long)]
    record_type: Option<RecordType>,
    /// Only fields with this text in their name or label.
    #[arg(long, default_value = "")]
    query: String,
    /// All fields, those too that can receive nothing.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(args).await,
    }
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let parent = match (&args.destination, &args.connection) {
        (Some(destination), _) => servers.destination_name(destination)?,
        (None, connection) => servers.connection_name(connection.as_deref().unwrap_or_default())?,
    };
    let record_type = match args.record_type {
        None => pb::RecordType::Unspecified,
        Some(RecordType::Contact) => pb::RecordType::Contact,
        Some(RecordType::Lead) => pb::RecordType::Lead,
    };
    let rows = pages::all(async |page_token| {
        let request = pb::ListTargetFieldsRequest {
            parent: parent.clone(),
            record_type: record_type.into(),
            query: args.query.clone(),
            only_usable: !args.all,
            page_size: 0,
            page_token,
        };
        let page = servers
            .preflight()
            .list_target_fields(request)
            .await?
            .into_inner();
        Ok((page.fields.iter().map(row).collect(), page.next_page_token))
    })
    .await?;
    print_table(
        &["field", "label", "type", "for", "notes"],
        rows,
        "no such fields; the login sees only what field-level security lets it see",
    );
    Ok(())
}

fn row(field: &pb::TargetField) -> Vec<String> {
    let kind = if field.length > 0 {
        format!("{}({})", field.r#type, field.length)
    } else {
        field.r#type.clone()
    };
    let uses = [
        (field.usable_for_attribute, "attribute"),
        (field.usable_for_status, "status"),
        (field.external_id, "key"),
    ];
    let mut notes = Vec::new();
    if field.required {
        notes.push("required".to_owned());
    }
    if field.unique {
        notes.push("unique".to_owned());
    }
    if field.updateable && !field.createable {
        notes.push("not on new records".to_owned());
    }
    if !field.picklist_values.is_empty() {
        let only = if field.restricted_picklist { "only " } else { "" };
        notes.push(format!("{only}{}", field.picklist_values.join(", ")));
    }
    vec![
        field.name.clone(),
        field.label.clone(),
        kind,
        named(&uses),
        notes.join("; "),
    ]
}

fn named(uses: &[(bool, &str)]) -> String {
    let named: Vec<&str> = uses
        .iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, name)| *name)
        .collect();
    named.join(", ")
}
