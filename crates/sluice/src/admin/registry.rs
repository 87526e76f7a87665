//! The platform's segments, as the control plane registers them:
//! `sluice segments register | registered | unregister | settings`.

use clap::{Args, ValueEnum};
use contracts::config::v1 as pb;
use prost_types::FieldMask;

use super::{
    governance::{OnViolation, field_path, print_affected},
    pages,
    text::{enum_name, print_properties, print_table, short, time},
};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The platform's segment id.
    segment: String,
    /// Its name, for people.
    #[arg(long)]
    name: String,
    /// Where it comes from; the platform's own (ups) when left out.
    #[arg(long, default_value = "")]
    namespace: String,
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    /// How many profiles are members.
    #[arg(long, value_name = "COUNT")]
    members: Option<i64>,
    /// How many of them consented.
    #[arg(long, value_name = "COUNT")]
    consented: Option<i64>,
    /// A profile field that its rule uses: person.birthDate, identity:crmID. Repeat it.
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
    /// What happens to activated destinations that would break a policy.
    #[arg(long, default_value = "report")]
    on_violation: OnViolation,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct RegisteredArgs {
    /// Only segments of this namespace.
    #[arg(long, default_value = "")]
    namespace: String,
    /// Only segments that an activated destination has.
    #[arg(long, conflicts_with = "not_activated")]
    activated: bool,
    /// Only segments that no activated destination has.
    #[arg(long)]
    not_activated: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct UnregisterArgs {
    /// The platform's ids of segments.
    #[arg(required = true)]
    segments: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// What adding a segment that is not registered does.
    #[arg(long)]
    unknown: Option<Unknown>,
    /// Let segments come only from this namespace. Repeat it.
    #[arg(long = "allow", value_name = "NAMESPACE", conflicts_with = "denied")]
    allowed: Vec<String>,
    /// Let segments come from all but this namespace. Repeat it.
    #[arg(long = "deny", value_name = "NAMESPACE")]
    denied: Vec<String>,
    /// Let segments come from any namespace.
    #[arg(long, conflicts_with_all = ["allowed", "denied"])]
    allow_all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unknown {
    /// Accepted until the workspace has registered segments, refused from then on.
    AcceptUntilRegistered,
    Accept,
    Refuse,
}

pub(super) async fn register(args: RegisterArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::PutSegmentsRequest {
        parent: servers.workspace().to_string(),
        segments: vec![pb::RegisteredSegment {
            segment: args.segment,
            namespace: args.namespace,
            display_name: args.name,
            description: args.description,
            member_count: args.members,
            consented_member_count: args.consented,
            fields: args.fields.iter().map(|field| field_path(field)).collect(),
            ..Default::default()
        }],
        violation_response: pb::ViolationResponse::from(args.on_violation).into(),
    };
    let answer = servers.segments().put_segments(request).await?.into_inner();
    for segment in &answer.segments {
        println!("registered {} ({})", segment.name, segment.display_name);
    }
    print_affected(&answer.affected_destinations);
    Ok(())
}

pub(super) async fn registered(args: RegisteredArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let segment_use = if args.activated {
        pb::SegmentUse::Activated
    } else if args.not_activated {
        pb::SegmentUse::NotActivated
    } else {
        pb::SegmentUse::Unspecified
    };
    let rows = pages::all(async |page_token| {
        let request = pb::ListRegisteredSegmentsRequest {
            parent: servers.workspace().to_string(),
            page_size: 0,
            page_token,
            namespace: args.namespace.clone(),
            r#use: segment_use.into(),
        };
        let page = servers.segments().list_registered_segments(request).await?;
        let page = page.into_inner();
        Ok((
            page.segments
                .into_iter()
                .map(|segment| {
                    let destinations: Vec<String> =
                        segment.destinations.iter().map(|name| short(name)).collect();
                    vec![
                        segment.segment,
                        segment.display_name,
                        segment.namespace,
                        segment
                            .member_count
                            .map(|count| count.to_string())
                            .unwrap_or_default(),
                        time(segment.count_time),
                        segment.fields.join(", "),
                        destinations.join(", "),
                    ]
                })
                .collect(),
            page.next_page_token,
        ))
    })
    .await?;
    print_table(
        &[
            "segment",
            "name",
            "namespace",
            "members",
            "counted",
            "uses",
            "activated in",
        ],
        rows,
        "no such segments; register one: sluice segments register",
    );
    Ok(())
}

pub(super) async fn unregister(args: UnregisterArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let request = pb::DeleteSegmentsRequest {
        parent: servers.workspace().to_string(),
        segments: args.segments.clone(),
    };
    let answer = servers.segments().delete_segments(request).await?.into_inner();
    println!("forgot {}", args.segments.join(", "));
    if !answer.destinations.is_empty() {
        println!("still activated in {}", answer.destinations.join(", "));
    }
    Ok(())
}

pub(super) async fn settings(args: SettingsArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let name = format!("{}/segmentSettings", servers.workspace());
    let mut paths = Vec::new();
    let unknown = args.unknown.map(|unknown| match unknown {
        Unknown::AcceptUntilRegistered => pb::UnknownSegments::AcceptUntilRegistered,
        Unknown::Accept => pb::UnknownSegments::Accept,
        Unknown::Refuse => pb::UnknownSegments::Refuse,
    });
    if unknown.is_some() {
        paths.push("unknown_segments".to_owned());
    }
    if args.allow_all || !args.allowed.is_empty() || !args.denied.is_empty() {
        paths.push("segment_namespaces".to_owned());
    }
    let settings = if paths.is_empty() {
        let request = pb::GetSegmentSettingsRequest { name };
        servers
            .segments()
            .get_segment_settings(request)
            .await?
            .into_inner()
            .settings
    } else {
        let request = pb::UpdateSegmentSettingsRequest {
            settings: Some(pb::SegmentSettings {
                name,
                unknown_segments: unknown.unwrap_or_default().into(),
                segment_namespaces: Some(pb::SegmentNamespaces {
                    allowed: args.allowed,
                    denied: args.denied,
                }),
                ..Default::default()
            }),
            update_mask: Some(FieldMask { paths }),
        };
        servers
            .segments()
            .update_segment_settings(request)
            .await?
            .into_inner()
            .settings
    };
    print_settings(&sent(settings)?);
    Ok(())
}

fn print_settings(settings: &pb::SegmentSettings) {
    let namespaces = settings.segment_namespaces.clone().unwrap_or_default();
    let unknown = enum_name(settings.unknown_segments().as_str_name(), "UNKNOWN_SEGMENTS_");
    let registered = if settings.has_registered_segments {
        "yes"
    } else {
        "never"
    };
    print_properties(&[
        ("unknown segments", unknown.replace('_', " ")),
        ("allowed namespaces", namespaces.allowed.join(", ")),
        ("denied namespaces", namespaces.denied.join(", ")),
        ("has registered segments", registered.to_owned()),
    ]);
}
