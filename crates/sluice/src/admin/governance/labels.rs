//! Labels, labelled fields, marketing actions.

use clap::Args;
use contracts::config::v1 as pb;

use super::{OnViolation, field_path, print_affected};
use crate::{
    admin::{
        pages,
        text::{print_table, short},
    },
    cli::ClientArgs,
    client::Servers,
};

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DefineArgs {
    /// Upper-case letters, digits and underscores, for example LOYALTY.
    id: String,
    /// What it means, for people.
    description: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Its id, for example LOYALTY.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct LabelArgs {
    /// person.birthDate, or identity:crmID for an identity namespace.
    field: String,
    /// All its labels, for example C2.
    #[arg(required = true)]
    labels: Vec<String>,
    /// What happens to activated destinations that would break a policy.
    #[arg(long, default_value = "report")]
    on_violation: OnViolation,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UnlabelArgs {
    /// person.birthDate, or identity:crmID for an identity namespace.
    #[arg(required = true)]
    fields: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn list_labels(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let rows = pages::all(async |page_token| {
        let request = pb::ListLabelsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers.governance().list_labels(request).await?.into_inner();
        Ok((
            page.labels
                .iter()
                .map(|label| word_row(&label.name, &label.description, label.core))
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
    print_table(&["label", "meaning", ""], rows, "no labels");
    Ok(())
}

pub(super) async fn list_actions(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let rows = pages::all(async |page_token| {
        let request = pb::ListMarketingActionsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers
            .governance()
            .list_marketing_actions(request)
            .await?
            .into_inner();
        Ok((
            page.marketing_actions
                .iter()
                .map(|action| word_row(&action.name, &action.description, action.core))
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
    print_table(&["marketing action", "meaning", ""], rows, "no marketing actions");
    Ok(())
}

fn word_row(name: &str, description: &str, core: bool) -> Vec<String> {
    let origin = if core { "" } else { "own" };
    vec![short(name), description.to_owned(), origin.to_owned()]
}

fn label_name(servers: &Servers, id: &str) -> String {
    format!("{}/labels/{id}", servers.workspace())
}

fn action_name(servers: &Servers, id: &str) -> String {
    format!("{}/marketingActions/{id}", servers.workspace())
}

pub(super) async fn define_label(args: DefineArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let label = pb::Label {
        name: label_name(&servers, &args.id),
        description: args.description,
        core: false,
    };
    let request = pb::PutLabelRequest { label: Some(label) };
    servers.governance().put_label(request).await?;
    println!(
        "{} can be given to fields: sluice governance label FIELD {}",
        args.id, args.id
    );
    Ok(())
}

pub(super) async fn delete_label(args: DeleteArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::DeleteLabelRequest {
        name: label_name(&servers, &args.id),
    };
    servers.governance().delete_label(request).await?;
    println!("deleted {}", args.id);
    Ok(())
}

pub(super) async fn define_action(args: DefineArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let marketing_action = pb::MarketingAction {
        name: action_name(&servers, &args.id),
        description: args.description,
        core: false,
    };
    let request = pb::PutMarketingActionRequest {
        marketing_action: Some(marketing_action),
    };
    servers.governance().put_marketing_action(request).await?;
    println!(
        "destinations can be used for it: sluice governance use DESTINATION {}",
        args.id
    );
    Ok(())
}

pub(super) async fn delete_action(args: DeleteArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::DeleteMarketingActionRequest {
        name: action_name(&servers, &args.id),
    };
    servers.governance().delete_marketing_action(request).await?;
    println!("deleted {}", args.id);
    Ok(())
}

pub(super) async fn list_fields(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let rows = pages::all(async |page_token| {
        let request = pb::ListFieldLabelsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers
            .governance()
            .list_field_labels(request)
            .await?
            .into_inner();
        Ok((
            page.field_labels
                .into_iter()
                .map(|one| vec![one.field, one.labels.join(", ")])
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
    print_table(
        &["field", "labels"],
        rows,
        "no field has labels; give some: sluice governance label",
    );
    Ok(())
}

pub(super) async fn label(args: LabelArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let field = field_path(&args.field);
    let request = pb::PutFieldLabelsRequest {
        parent: servers.workspace().to_string(),
        field_labels: vec![pb::FieldLabels {
            field: field.clone(),
            labels: args.labels.clone(),
        }],
        violation_response: pb::ViolationResponse::from(args.on_violation).into(),
    };
    let answer = servers.governance().put_field_labels(request).await?.into_inner();
    println!("{field} is labelled {}", args.labels.join(", "));
    print_affected(&answer.affected_destinations);
    Ok(())
}

pub(super) async fn unlabel(args: UnlabelArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let fields: Vec<String> = args.fields.iter().map(|field| field_path(field)).collect();
    let request = pb::PutFieldLabelsRequest {
        parent: servers.workspace().to_string(),
        field_labels: fields
            .iter()
            .map(|field| pb::FieldLabels {
                field: field.clone(),
                labels: Vec::new(),
            })
            .collect(),
        violation_response: 0,
    };
    servers.governance().put_field_labels(request).await?;
    println!("{}: no labels", fields.join(", "));
    Ok(())
}
