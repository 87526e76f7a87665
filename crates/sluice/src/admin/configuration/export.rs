//! `sluice export`: writes connections and destinations as a file for `sluice apply`.

use std::collections::BTreeSet;

use anyhow::Context;
use clap::Args;
use contracts::{
    config::v1::{self as pb, DesiredState},
    json::{DESCRIPTORS, json},
};
use prost::Message;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json as value};
use serde_saphyr::FlowMap;

use super::words::shortened;
use crate::{
    admin::{connections, destinations, text::short},
    cli::ClientArgs,
    client::{Servers, sent},
};

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only these destinations, with their connections; everything in the workspace when left out.
    destinations: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[expect(clippy::print_stderr, reason = "remarks are for people, not for the file")]
pub async fn run(args: ExportArgs) -> anyhow::Result<()> {
    let servers = args.client.servers()?;
    let (connections, destinations) = if args.destinations.is_empty() {
        (
            connections::all(&servers).await?,
            destinations::all(&servers).await?,
        )
    } else {
        some(&servers, &args.destinations).await?
    };
    let mut shown = Vec::new();
    for destination in destinations {
        let id = short(&destination.name);
        if destination.desired_state() == DesiredState::Deleting {
            eprintln!("note: {id} is being deleted and left out");
            continue;
        }
        if !destination.staged_changes.is_empty() {
            eprintln!("note: {id} has changes that are not live yet; the file has them");
        }
        shown.push(destination);
    }
    println!("# {}, for: sluice apply -f FILE", servers.workspace());
    println!("# Secrets are not in here: sluice credentials put CONNECTION");
    print!("{}", written(&connections, &shown)?);
    Ok(())
}

async fn some(
    servers: &Servers,
    names: &[String],
) -> anyhow::Result<(Vec<pb::Connection>, Vec<pb::Destination>)> {
    let mut destinations = Vec::new();
    let mut connections = Vec::new();
    let mut seen = BTreeSet::new();
    for name in names {
        let request = pb::GetDestinationRequest {
            name: servers.destination_name(name)?,
        };
        let answer = servers.destinations().get_destination(request).await?;
        let destination = sent(answer.into_inner().destination)?;
        if seen.insert(destination.connection.clone()) {
            let request = pb::GetConnectionRequest {
                name: destination.connection.clone(),
            };
            let answer = servers.connections().get_connection(request).await?;
            connections.push(sent(answer.into_inner().connection)?);
        }
        if seen.insert(destination.name.clone()) {
            destinations.push(destination);
        }
    }
    Ok((connections, destinations))
}

fn written(connections: &[pb::Connection], destinations: &[pb::Destination]) -> anyhow::Result<String> {
    let connections: Vec<Value> = connections.iter().map(|one| said("Connection", one)).collect();
    let destinations: Vec<Value> = destinations
        .iter()
        .map(|one| {
            let mut said = said("Destination", one);
            // Left out they would be somebody else's concern.
            for list in ["field_mappings", "segments"] {
                if said.get(list).is_none() {
                    said[list] = value!([]);
                }
            }
            said["connection"] = short(&one.connection).into();
            said
        })
        .collect();
    let file = value!({"connections": connections, "destinations": destinations});
    serde_saphyr::to_string(&Yaml(&file)).context("the file cannot be written as YAML")
}

fn said(name: &str, message: &impl Message) -> Value {
    let name = format!("sluice.config.v1.{name}");
    let descriptor = DESCRIPTORS
        .get_message_by_name(&name)
        .expect("the message is one of ours");
    let mut said = shortened(&descriptor, &json(&name, message));
    if let Some(name) = said.get("name").and_then(Value::as_str).map(short) {
        said["name"] = name.into();
    }
    said
}

/// Writes objects of one scalar on one line: `source: {attribute_path: email}`.
struct Yaml<'a>(&'a Value);

impl Serialize for Yaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) if object.len() == 1 && object.values().all(is_scalar) => {
                FlowMap(object).serialize(serializer)
            }
            Value::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (name, value) in object {
                    map.serialize_entry(name, &Yaml(value))?;
                }
                map.end()
            }
            Value::Array(rows) => serializer.collect_seq(rows.iter().map(Yaml)),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}
