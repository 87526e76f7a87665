//! Policies, what destinations are used for, and what comes of both.

use clap::Args;
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::{OnViolation, labels::ListArgs, print_affected, print_violations};
use crate::{
    admin::{
        pages,
        text::{print_table, short, time},
    },
    cli::ClientArgs,
    client::{Servers, sent},
};

#[derive(Debug, Args)]
pub struct UseArgs {
    /// Id of the destination.
    destination: String,
    /// All of them, for example EXPORT_TO_THIRD_PARTY; none means: for nothing that policies know.
    actions: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its id: lower-case letters, digits and hyphens.
    id: String,
    /// The marketing action that is forbidden.
    #[arg(long)]
    action: String,
    /// A label of the data; with several, all must be there. Repeat it.
    #[arg(long = "label", value_name = "LABEL", required = true)]
    labels: Vec<String>,
    /// Name for people; the id when left out.
    #[arg(long)]
    display_name: Option<String>,
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    /// Leave it switched off.
    #[arg(long)]
    off: bool,
    /// What happens to activated destinations that would break it.
    #[arg(long, default_value = "report")]
    on_violation: OnViolation,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// Id of the policy.
    policy: String,
    /// What happens to activated destinations that would break it.
    #[arg(long, default_value = "report")]
    on_violation: OnViolation,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id of the policy.
    policy: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct DestinationArgs {
    /// Id of the destination.
    destination: String,
    #[command(flatten)]
    client: ClientArgs,
}

fn policy_name(servers: &Servers, text: &str) -> String {
    if text.contains('/') {
        text.to_owned()
    } else {
        format!("{}/policies/{text}", servers.workspace())
    }
}

pub(super) async fn use_for(args: UseArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::UpdateDestinationRequest {
        destination: Some(pb::Destination {
            name: servers.destination_name(&args.destination)?,
            marketing_actions: args.actions,
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["marketing_actions".to_owned()],
        }),
    };
    let answer = servers
        .destinations()
        .update_destination(request)
        .await?
        .into_inner();
    let destination = sent(answer.destination)?;
    let actions = if destination.marketing_actions.is_empty() {
        "nothing that policies know".to_owned()
    } else {
        destination.marketing_actions.join(", ")
    };
    println!("{} is used for {actions}", destination.name);
    print_violations(&destination.policy_violations);
    Ok(())
}

pub(super) async fn list(args: ListArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let rows = pages::all(async |page_token| {
        let request = pb::ListPoliciesRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
        };
        let page = servers.governance().list_policies(request).await?.into_inner();
        Ok((
            page.policies
                .iter()
                .map(|policy| {
                    let state = match (policy.kind(), policy.enabled) {
                        (pb::PolicyKind::Always, _) => "always",
                        (_, true) => "on",
                        (_, false) => "off",
                    };
                    let action = if policy.marketing_action.is_empty() {
                        "anything"
                    } else {
                        &policy.marketing_action
                    };
                    vec![
                        short(&policy.name),
                        policy.display_name.clone(),
                        policy.labels.join(" and "),
                        action.to_owned(),
                        state.to_owned(),
                    ]
                })
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
    print_table(&["policy", "name", "labels", "not for", ""], rows, "no policies");
    Ok(())
}

pub(super) async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::CreatePolicyRequest {
        parent: servers.workspace().to_string(),
        policy_id: args.id.clone(),
        policy: Some(pb::Policy {
            display_name: args.display_name.unwrap_or(args.id),
            description: args.description,
            marketing_action: args.action,
            labels: args.labels,
            enabled: !args.off,
            ..Default::default()
        }),
        violation_response: pb::ViolationResponse::from(args.on_violation).into(),
    };
    let answer = servers.governance().create_policy(request).await?.into_inner();
    let policy = sent(answer.policy)?;
    println!(
        "created {} ({})",
        policy.name,
        if policy.enabled { "on" } else { "off" }
    );
    print_affected(&answer.affected_destinations);
    Ok(())
}

pub(super) async fn switch(args: SwitchArgs, enabled: bool) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::UpdatePolicyRequest {
        policy: Some(pb::Policy {
            name: policy_name(&servers, &args.policy),
            enabled,
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["enabled".to_owned()],
        }),
        violation_response: pb::ViolationResponse::from(args.on_violation).into(),
    };
    let answer = servers.governance().update_policy(request).await?.into_inner();
    let policy = sent(answer.policy)?;
    println!("{} is {}", policy.name, if policy.enabled { "on" } else { "off" });
    print_affected(&answer.affected_destinations);
    Ok(())
}

pub(super) async fn delete(args: DeleteArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = policy_name(&servers, &args.policy);
    let request = pb::DeletePolicyRequest {
        name: name.clone(),
        etag: String::new(),
    };
    servers.governance().delete_policy(request).await?;
    println!("deleted {name}");
    Ok(())
}

pub(super) async fn evaluate(args: DestinationArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::EvaluateDestinationRequest { name: name.clone() };
    let answer = servers
        .governance()
        .evaluate_destination(request)
        .await?
        .into_inner();
    if answer.violations.is_empty() {
        println!("{name} breaks no policy");
    }
    print_violations(&answer.violations);
    if !answer.staged_violations.is_empty() {
        println!("with its staged changes it would:");
        print_violations(&answer.staged_violations);
    }
    Ok(())
}

pub(super) async fn consent(args: DestinationArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::PreviewConsentRequest { name };
    let answer = servers.governance().preview_consent(request).await?.into_inner();
    let count = |count: Option<i64>| count.map_or_else(|| "not told".to_owned(), |count| count.to_string());
    let rows = answer
        .segments
        .into_iter()
        .map(|row| {
            vec![
                row.segment,
                row.display_name,
                count(row.member_count),
                count(row.consented_member_count),
                count(row.excluded_member_count),
                time(row.count_time),
            ]
        })
        .collect();
    print_table(
        &["segment", "name", "members", "consented", "excluded", "counted"],
        rows,
        "no segments",
    );
    Ok(())
}
